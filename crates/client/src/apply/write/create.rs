//! Creates objects, and exactly once even if the response to the first request is lost.

use super::{
    ChangeWriter, WriteFailure, WriteResult, WriteSuccess,
    field::{self, FieldChange},
};
use crate::{
    apply::writer::CreateKind,
    octopus::{ClientError, Resource, document::JsonDocument, retry::CREATE_CALLS},
};
use poolwright_core::{
    model::Name,
    plan::{CommonField, WrittenField},
};

use serde_json::{Value, json};
use std::collections::HashSet;

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
        if self.was_name_taken(creation).await?
            && let Some(id) = self.find_existing(creation).await?
        {
            return Ok(WriteSuccess { id: Some(id), written: Vec::new() });
        }
        let (mut in_doubt, mut timer) = (false, self.writer.retry_timer());
        for attempt in 1..=CREATE_CALLS {
            self.announce_write(creation.index, &creation.journal_fields());
            let created = self.writer.create_resource(creation.kind, &creation.body).await;
            let retry_after = created.as_ref().err().and_then(ClientError::retry_after);
            let failure = match created {
                Ok(document) => match parse_id(&document) {
                    Some(id) => {
                        return Ok(WriteSuccess {
                            id: Some(id),
                            written: creation.journal_fields(),
                        });
                    }
                    None => {
                        WriteFailure { error: "the response has no id".to_owned(), unknown: true }
                    }
                },
                Err(error) if error.is_ambiguous() || may_be_name_clash(&error) => {
                    WriteFailure::from_write_error(&error)
                }
                Err(error) => {
                    return Err(WriteFailure { unknown: in_doubt, ..WriteFailure::new(error) });
                }
            };
            in_doubt |= failure.unknown;
            // Also pauses after the last attempt, which the server may still be processing.
            let may_retry = failure.unknown && timer.pause(retry_after, u32::MAX).await;
            let found = self.find_existing(creation).await;
            let found = found.map_err(|why| WriteFailure { unknown: in_doubt, ..why })?;
            if found.is_some() {
                // An object that exists after a refusal was created by another client.
                let written = creation.journal_fields().into_iter().filter(|_| in_doubt).collect();
                return Ok(WriteSuccess { id: found, written });
            }
            if !may_retry || attempt == CREATE_CALLS {
                return Err(WriteFailure { unknown: in_doubt, ..failure });
            }
        }
        Err(WriteFailure { error: "nothing was tried".to_owned(), unknown: in_doubt })
    }

    /// Whether the name was taken when the first object of this kind was created here. The server refuses a
    /// name that was taken since.
    async fn was_name_taken(&self, creation: &ObjectCreation<'_>) -> WriteResult<bool> {
        let cell = match creation.kind {
            CreateKind::WorkerPool => &self.taken_pools,
            CreateKind::Worker => &self.taken_workers,
        };
        let read_names = async || {
            let names = self.list_names(creation.kind).await?;
            let names = names.into_iter().map(|(name, _)| name.as_folded().to_owned());
            Ok::<_, ClientError>(names.collect::<HashSet<String>>())
        };
        let taken = cell.get_or_try_init(read_names).await.map_err(WriteFailure::new)?;
        Ok(taken.contains(Name::new(creation.name).as_folded()))
    }

    /// Finds the id of the object with this name.
    ///
    /// # Errors
    ///
    /// The object differs, or cannot be read.
    async fn find_existing(&self, creation: &ObjectCreation<'_>) -> WriteResult<Option<String>> {
        let name = Name::new(creation.name);
        let names = self.list_names(creation.kind).await.map_err(WriteFailure::new)?;
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

    async fn list_names(&self, kind: CreateKind) -> WriteResult<Vec<(Name, String)>, ClientError> {
        let reader = self.space_reader();
        Ok(match kind {
            CreateKind::WorkerPool => {
                let pools = reader.list_worker_pools().await?.into_iter();
                pools.map(|pool| (Name::new(pool.name), pool.id)).collect()
            }
            CreateKind::Worker => {
                let workers = reader.list_workers().await?.into_iter();
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

fn parse_id(document: &str) -> Option<String> {
    let document: Value = serde_json::from_str(document).ok()?;
    Some(document.get("Id")?.as_str()?.to_owned())
}
