//! Deletes objects, unless they are already gone.

use super::{
    ChangeWriter, WriteFailure, WriteResult, WriteSuccess,
    field::{document_path, text_at_path},
};
use crate::octopus::{Resource, document::JsonDocument};
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

    /// Deletes the object, if it still has this name. `made` are the fields of the object that takes its place.
    pub(super) async fn delete_replaced(
        &self,
        index: usize,
        resource: &Resource,
        name: &str,
        made: &[WrittenField],
    ) -> WriteResult<WriteSuccess> {
        let Some(document) = self.read_if_named(resource, name).await? else {
            return Ok(WriteSuccess::default());
        };
        let mut written = deleted_fields(&document, resource);
        WrittenField::merge_into(&mut written, made);
        self.announce_write(index, &written);
        match self.writer.delete_resource(resource).await {
            Ok(()) => Ok(WriteSuccess { id: None, written }),
            Err(error) => Err(WriteFailure::from_write_error(&error)),
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
        let text = match self.space_reader().read_document(resource).await {
            Ok(text) => text,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(WriteFailure::new(error)),
        };
        let document = JsonDocument::parse(text).map_err(WriteFailure::new)?;
        let now = text_at_path(&document, &document_path(CommonField::Name.into()));
        if Name::new(&now) != Name::new(name) {
            let error = format!("its name is `{now}`, the plan expected `{name}`");
            return Err(WriteFailure::new(error));
        }
        Ok(Some(document))
    }
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
