//! Deletes objects, unless they are already gone.

use super::{
    ChangeWriter, WriteFailure, WriteResult, WriteSuccess,
    doubt::WriteAttempts,
    field::{document_path, text_at_path},
};
use crate::{
    apply::writer::{WriteAnswer, WriteDoubt},
    octopus::{Resource, document::JsonDocument, retry::WRITE_CALLS},
};
use poolwright_core::{
    model::Name,
    plan::{CommonField, EndpointField, Field, PoolField, WorkerField, WrittenField},
};

use serde_json::Value;

impl ChangeWriter<'_> {
    /// Deletes the object, if it still has this name.
    pub(super) async fn delete_if_named(
        &self,
        index: usize,
        resource: &Resource,
        name: &str,
    ) -> WriteResult<WriteSuccess> {
        self.delete_replaced(index, resource, name, &[]).await
    }

    /// Deletes the object, if it still has this name. It is gone once the server says so, or its list lacks it.
    /// `made` are the fields of the object that takes its place.
    pub(super) async fn delete_replaced(
        &self,
        index: usize,
        resource: &Resource,
        name: &str,
        made: &[WrittenField],
    ) -> WriteResult<WriteSuccess> {
        let mut attempts = WriteAttempts::new(self.writer.retry_timer());
        let (mut written, mut is_accepted) = (Vec::new(), false);
        loop {
            let found = self.find_document(resource).await;
            let Some(document) = found.map_err(|error| attempts.unseen(error))? else {
                return Ok(WriteSuccess { id: None, written });
            };
            check_name(&document, name).map_err(|error| attempts.not_done(error))?;
            if attempts.are_over() {
                return Err(attempts.last_failure());
            }
            if is_accepted {
                // Some servers only queue the deletion.
                let error = "the server accepted the deletion, but the object still exists";
                let doubt = WriteDoubt::unconfirmed(error.to_owned());
                attempts.wait_to_look(WriteDoubt { calls: WRITE_CALLS, ..doubt }).await;
                continue;
            }
            self.check_late(index).await.map_err(|error| attempts.not_done(error))?;
            written = deleted_fields(&document, resource);
            WrittenField::merge_into(&mut written, made);
            self.announce_write(index, &written);
            match self.writer.delete_resource(resource).await {
                WriteAnswer::Accepted(_) => is_accepted = true,
                WriteAnswer::InDoubt(doubt) => attempts.wait_to_look(doubt).await,
                // It existed a moment ago.
                WriteAnswer::Refused(error) if error.is_not_found() => {
                    attempts.wait_to_look(WriteDoubt::unconfirmed(error.with_help())).await;
                }
                WriteAnswer::Refused(error) => return Err(attempts.refused(&error)),
            }
        }
    }

    /// Reads the object; `None` if it is gone.
    ///
    /// # Errors
    ///
    /// It has another name, or cannot be read.
    pub(super) async fn read_if_named(
        &self,
        resource: &Resource,
        name: &str,
    ) -> WriteResult<Option<JsonDocument>> {
        let found = self.find_document(resource).await.map_err(WriteFailure::new)?;
        let Some(document) = found else { return Ok(None) };
        check_name(&document, name).map_err(WriteFailure::new)?;
        Ok(Some(document))
    }
}

/// Checks that an object still has the name that the plan knows.
fn check_name(document: &JsonDocument, name: &str) -> WriteResult<(), String> {
    let now = text_at_path(document, &document_path(CommonField::Name.into()));
    if Name::new(&now) == Name::new(name) {
        return Ok(());
    }
    Err(format!("its name is `{now}`, the plan expected `{name}`"))
}

/// Returns the fields of a deleted object, from which a rollback can recreate it.
pub(super) fn deleted_fields(document: &JsonDocument, resource: &Resource) -> Vec<WrittenField> {
    fn all<F: Copy + Into<Field>>(fields: &[F]) -> impl Iterator<Item = Field> {
        fields.iter().copied().map(Into::into)
    }
    let own: Vec<Field> = match resource {
        Resource::WorkerPool(_) => all(PoolField::ALL).collect(),
        _ => all(WorkerField::ALL).chain(all(EndpointField::ALL)).collect(),
    };
    let written = |field: Field| {
        let before: Value = document.get_value(&document_path(field))?;
        Some(WrittenField::new(field, Some(before), None))
    };
    all(CommonField::ALL).chain(own).filter_map(written).collect()
}
