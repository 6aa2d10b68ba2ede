//! Creates objects, and exactly once even if the response to the first request is lost.

use super::{
    ChangeWriter, WriteFailure, WriteResult, WriteSuccess,
    doubt::WriteAttempts,
    field::{self, FieldChange},
};
use crate::{
    apply::writer::{CreateKind, WriteAnswer, WriteDoubt},
    octopus::{ClientError, Resource, document::JsonDocument, retry::CREATE_CALLS},
};
use poolwright_core::{
    model::Name,
    plan::{CommonField, WrittenField},
};

use serde_json::{Value, json};

/// An object to create, identified by its name.
pub(super) struct ObjectCreation<'c> {
    /// The index of the change.
    pub(super) index: usize,
    /// The kind of object.
    pub(super) kind: CreateKind,
    /// Its name.
    pub(super) name: &'c str,
    /// The body to send.
    pub(super) body: Value,
    /// The fields that an existing object of this name must have to count as the same.
    pub(super) fields: Vec<FieldChange>,
    /// The name that it has in the end.
    pub(super) final_name: &'c str,
    /// The fields of the object that it replaces; empty if there is none.
    pub(super) replaced: Vec<WrittenField>,
}

impl ObjectCreation<'_> {
    /// Returns the fields for the receipt. A rollback compares them if the creation is not answered: an object that
    /// differs is somebody else's.
    fn journal_fields(&self) -> Vec<WrittenField> {
        let mut written = self.replaced.clone();
        WrittenField::merge_into(&mut written, &created_fields(self.final_name, &self.fields));
        written
    }
}

/// Returns the fields of an object that is created.
pub(super) fn created_fields(name: &str, fields: &[FieldChange]) -> Vec<WrittenField> {
    let name = WrittenField::new(CommonField::Name, None, Some(json!(name)));
    let fields = fields.iter().map(|it| WrittenField::new(it.field, None, Some(it.after.clone())));
    [name].into_iter().chain(fields).collect()
}

impl ChangeWriter<'_> {
    /// Creates the object, unless the same one already exists.
    pub(super) async fn create_once(
        &self,
        creation: &ObjectCreation<'_>,
    ) -> WriteResult<WriteSuccess> {
        // Asked right before, so that what is found after an attempt without an answer is almost surely its own.
        if let Some(id) = self.find_existing(creation).await? {
            return Ok(WriteSuccess { id: Some(id), written: Vec::new() });
        }
        let mut attempts = WriteAttempts::new(self.writer.retry_timer());
        loop {
            self.announce_write(creation.index, &creation.journal_fields());
            let doubt = match self.writer.create_resource(creation.kind, &creation.body).await {
                WriteAnswer::Accepted(document) => match created_id(&document, creation.name) {
                    Some(id) => {
                        let written = creation.journal_fields();
                        return Ok(WriteSuccess { id: Some(id), written });
                    }
                    None => {
                        let error = "the request was answered with a success, but the object was not created";
                        WriteDoubt::unconfirmed(error.to_owned())
                    }
                },
                WriteAnswer::InDoubt(doubt) if doubt.calls == u32::MAX => doubt,
                WriteAnswer::InDoubt(doubt) => {
                    WriteDoubt { calls: doubt.calls.min(CREATE_CALLS), ..doubt }
                }
                WriteAnswer::Refused(error) => {
                    return self.settle_refused(creation, &attempts, &error).await;
                }
            };
            attempts.wait_to_look(doubt).await;
            let found = self.find_existing(creation).await;
            let found =
                found.map_err(|why| WriteFailure { unknown: attempts.are_in_doubt(), ..why })?;
            if found.is_some() {
                return Ok(WriteSuccess { id: found, written: creation.journal_fields() });
            }
            if attempts.are_over() {
                return Err(attempts.last_failure());
            }
        }
    }

    /// Decides after a refusal, which may mean that the name is taken.
    async fn settle_refused(
        &self,
        creation: &ObjectCreation<'_>,
        attempts: &WriteAttempts,
        error: &ClientError,
    ) -> WriteResult<WriteSuccess> {
        let found =
            if may_be_name_clash(error) { self.find_existing(creation).await } else { Ok(None) };
        let found =
            found.map_err(|why| WriteFailure { unknown: attempts.are_in_doubt(), ..why })?;
        if found.is_none() {
            return Err(attempts.refused(error));
        }
        // Without a doubt about an earlier attempt, another client created it.
        let is_own = attempts.are_in_doubt();
        let written = creation.journal_fields().into_iter().filter(|_| is_own).collect();
        Ok(WriteSuccess { id: found, written })
    }

    /// Finds the id of the object with this name.
    ///
    /// # Errors
    ///
    /// The object differs, or cannot be read.
    async fn find_existing(&self, creation: &ObjectCreation<'_>) -> WriteResult<Option<String>> {
        let name = Name::new(creation.name);
        let names = self.find_names(creation).await.map_err(WriteFailure::from_unread)?;
        let Some((_, id)) = names.into_iter().find(|(existing, _)| *existing == name) else {
            return Ok(None);
        };
        let resource = match creation.kind {
            CreateKind::WorkerPool => Resource::WorkerPool(id.clone()),
            CreateKind::Worker => Resource::Worker(id.clone()),
        };
        let document = self.fetch_document(&resource).await.map_err(WriteFailure::new)?;
        first_difference(&document, &creation.fields).map_or(Ok(Some(id)), |field| {
            let name = creation.name;
            Err(WriteFailure::new(format!("`{name}` already exists, and its {field}")))
        })
    }

    /// Returns the names and ids of the objects among which one may have this name.
    async fn find_names(
        &self,
        creation: &ObjectCreation<'_>,
    ) -> WriteResult<Vec<(Name, String)>, ClientError> {
        let reader = self.space_reader();
        Ok(match creation.kind {
            CreateKind::WorkerPool => {
                let pools = reader.list_worker_pools().await?.into_iter();
                pools.map(|pool| (Name::new(pool.name), pool.id)).collect()
            }
            CreateKind::Worker => {
                let workers = reader.find_workers(creation.name).await?.into_iter();
                workers.map(|worker| (Name::new(worker.name), worker.id)).collect()
            }
        })
    }
}

/// Describes the first field that differs from the wanted one.
fn first_difference(document: &JsonDocument, wanted: &[FieldChange]) -> Option<String> {
    field::check_fields(document, wanted).err()
}

/// Whether a refusal may mean that the name is taken.
fn may_be_name_clash(error: &ClientError) -> bool {
    matches!(error, ClientError::Status { status: 400 | 409, .. })
}

/// Returns the id in an answer, if it is the document of an object of this name.
fn created_id(document: &str, name: &str) -> Option<String> {
    let document: Value = serde_json::from_str(document).ok()?;
    let text = |key| document.get(key).and_then(Value::as_str).map(str::trim);
    let has_name = text("Name").is_some_and(|found| Name::new(found) == Name::new(name));
    text("Id").filter(|id| has_name && !id.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_creation_is_confirmed_only_by_the_objects_own_document() {
        let own = r#"{"Id":"WorkerPools-7","Name":"sql "}"#;
        assert_eq!(created_id(own, "SQL").as_deref(), Some("WorkerPools-7"));
        for other in [
            "{}",
            "[]",
            "7",
            r#"{"Id":"WorkerPools-7"}"#,
            r#"{"Id":"","Name":"SQL"}"#,
            r#"{"Id":7,"Name":"SQL"}"#,
            r#"{"id":"WorkerPools-7","name":"SQL"}"#,
            r#"{"Id":"WorkerPools-7","Name":"Web"}"#,
        ] {
            assert_eq!(created_id(other, "SQL"), None, "{other}");
        }
    }
}
