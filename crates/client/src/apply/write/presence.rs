//! Whether an object exists: only the server's own word, or a whole list, tells that it does not.

use super::{ChangeWriter, WriteResult, field::text_at_path};
use crate::octopus::{
    ClientError, Resource,
    document::{JsonDocument, JsonParseError, PathSegment},
};
use poolwright_core::text::eq_ignoring_case;

impl ChangeWriter<'_> {
    /// Reads an object; `None` if it does not exist.
    ///
    /// # Errors
    ///
    /// The object cannot be read, or something else was answered.
    pub(super) async fn find_document(
        &self,
        resource: &Resource,
    ) -> WriteResult<Option<JsonDocument>, String> {
        match self.space_reader().read_document(resource).await {
            Ok(text) => checked_document(resource, text).map(Some),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) if error.is_any_404() && !self.is_listed(resource, &error).await? => {
                Ok(None)
            }
            Err(error) => Err(error.with_help()),
        }
    }

    /// Reads an object that must exist.
    ///
    /// # Errors
    ///
    /// The object cannot be read, or something else was answered.
    pub(super) async fn fetch_document(
        &self,
        resource: &Resource,
    ) -> WriteResult<JsonDocument, String> {
        let text = self.space_reader().read_document(resource).await;
        checked_document(resource, text.map_err(|error| error.with_help())?)
    }

    /// Whether the list of all objects of its kind has an object, which `unclear` does not tell.
    async fn is_listed(
        &self,
        resource: &Resource,
        unclear: &ClientError,
    ) -> WriteResult<bool, String> {
        let reader = self.space_reader();
        let ids: Result<Vec<String>, ClientError> = match resource {
            Resource::WorkerPool(_) => reader
                .list_worker_pools()
                .await
                .map(|all| all.into_iter().map(|it| it.id).collect()),
            Resource::Worker(_) => {
                reader.list_workers().await.map(|all| all.into_iter().map(|it| it.id).collect())
            }
            _ => Err(unclear.clone()),
        };
        let ids = ids.map_err(|error| error.with_help())?;
        let own = resource.document_id().unwrap_or_default();
        Ok(ids.iter().any(|id| eq_ignoring_case(id, own)))
    }
}

/// Returns a document, once it is known to be that of the resource.
fn checked_document(resource: &Resource, text: String) -> WriteResult<JsonDocument, String> {
    let document = JsonDocument::parse(text).map_err(|error: JsonParseError| error.to_string())?;
    let is_own = match resource.document_id() {
        Some(id) => eq_ignoring_case(&document_id(&document), id),
        None => resource
            .telling_field()
            .is_none_or(|key| document.get_raw(&[PathSegment::Key(key)]).is_some()),
    };
    if is_own { Ok(document) } else { Err("something else was returned in its place".to_owned()) }
}

/// Returns the id in a document; empty if it has none.
pub(super) fn document_id(document: &JsonDocument) -> String {
    text_at_path(document, &[PathSegment::Key("Id")])
}
