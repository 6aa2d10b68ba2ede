//! What changes a server. Private to `apply`, so that nothing else can name it.
//!
//! A write is tried again only where it is certain that it was not processed; all else comes back as an
//! error that says so ([`ClientError::is_ambiguous`]). Never: a decision, or a body that it makes up itself.

use crate::octopus::{
    ClientError, Connection, ProjectBranch, Resource, SpaceReader,
    base::percent_encode,
    exchange::{ApiRequest, strip_bom},
    wire,
};
use poolwright_core::model::{Id, Space};
use reqwest::Method;
use serde_json::{Value, json, value::RawValue};

/// Writes to one space.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    connection: Connection,
    reader: SpaceReader,
}

/// What can be created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CreateKind {
    /// A worker pool.
    WorkerPool,
    /// A worker.
    Worker,
}

impl Writer {
    /// What writes to a space over this connection.
    pub(super) fn new(connection: &Connection, space: &Id<Space>) -> Self {
        Self { connection: connection.clone(), reader: connection.reader().in_space(space) }
    }

    /// What reads the same space.
    pub(super) fn space_reader(&self) -> SpaceReader {
        self.reader.clone()
    }

    /// Creates a thing, and returns its document as the server made it.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`]; after an ambiguous one the thing may be there.
    pub(super) async fn create_resource(
        &self,
        kind: CreateKind,
        body: &Value,
    ) -> Result<String, ClientError> {
        let path = match kind {
            CreateKind::WorkerPool => format!("{}/workerpools", self.reader.path_prefix()),
            CreateKind::Worker => format!("{}/workers", self.reader.path_prefix()),
        };
        self.send_write(Method::POST, &path, body.to_string(), raw_json_text).await
    }

    /// Replaces a document, and returns it as the server keeps it.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`]; [`ClientError::is_stale`] where a process was saved by somebody else meanwhile.
    pub(super) async fn put_document(
        &self,
        resource: &Resource,
        body: String,
    ) -> Result<String, ClientError> {
        let path = resource.path_to_put(self.reader.path_prefix(), &body);
        self.send_write(Method::PUT, &path, body, raw_json_text).await
    }

    /// Makes a branch of another one. One that is there already is done.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    ///
    /// # Source
    ///
    /// `POST …/git/branches/v2` with `NewBranchName`, `BaseGitRef`, and once more the ids that the path has:
    /// the reference that the 2026 server generates of itself requires all four.
    pub(super) async fn create_branch(
        &self,
        branch: &ProjectBranch,
        base: &ProjectBranch,
    ) -> Result<(), ClientError> {
        if self.reader.find_branch(branch).await?.is_some() {
            return Ok(());
        }
        let prefix = self.reader.path_prefix();
        let path = format!("{prefix}/projects/{}/git/branches/v2", percent_encode(&branch.project));
        let body = json!({
            "NewBranchName": branch.name,
            "BaseGitRef": base.canonical_name(),
            "ProjectId": branch.project,
            "SpaceId": self.reader.space_id().as_str(),
        });
        self.send_write(Method::POST, &path, body.to_string(), |_| Ok(())).await
    }

    /// Queues a task that does no harm if it is queued twice, such as a health check.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    ///
    /// # Source
    ///
    /// `POST …/tasks` (`api.md` 2.13).
    pub(super) async fn queue_task(&self, body: &Value) -> Result<wire::TaskResource, ClientError> {
        let (path, body) = (format!("{}/tasks", self.reader.path_prefix()), Some(body.to_string()));
        let call = ApiRequest { method: Method::POST, path: &path, body, repeatable: true };
        self.connection.send_with_retry(&call, |body| serde_json::from_slice(strip_bom(body))).await
    }

    /// Puts all pools of the space in this order; `ids` are all of them.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    pub(super) async fn sort_worker_pools(&self, ids: &[String]) -> Result<(), ClientError> {
        let path = format!("{}/workerpools/sortorder", self.reader.path_prefix());
        self.send_write(Method::PUT, &path, Value::from(ids).to_string(), |_| Ok(())).await
    }

    /// Deletes a thing. One that is gone already is done.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`] but that there is no such thing.
    pub(super) async fn delete_resource(&self, resource: &Resource) -> Result<(), ClientError> {
        let path = resource.document_path(self.reader.path_prefix());
        let call = ApiRequest { method: Method::DELETE, path: &path, body: None, repeatable: true };
        match self.connection.send_with_retry(&call, |_| Ok(())).await {
            Err(error) if !error.is_not_found() => Err(error),
            _ => Ok(()),
        }
    }

    async fn send_write<T>(
        &self,
        method: Method,
        path: &str,
        body: String,
        read: fn(&[u8]) -> serde_json::Result<T>,
    ) -> Result<T, ClientError> {
        let call = ApiRequest { method, path, body: Some(body), repeatable: false };
        self.connection.send_with_retry(&call, read).await
    }
}

/// An answer as it came, once it is known to be JSON.
fn raw_json_text(body: &[u8]) -> serde_json::Result<String> {
    let text: &RawValue = serde_json::from_slice(strip_bom(body))?;
    Ok(text.get().to_owned())
}

#[cfg(test)]
mod tests;
