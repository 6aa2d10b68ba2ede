//! What shall be gone. What is gone already is done.

use super::{ChangeWriter, WriteFailure, WriteResult, WriteSuccess};
use crate::octopus::{
    Resource,
    document::{JsonDocument, PathSegment},
};
use poolwright_core::{model::Name, receipt::WrittenField};

use serde_json::Value;

/// What of a pool a way back needs.
const OF_POOL: [&[&str]; 4] = [&["Name"], &["Description"], &["WorkerPoolType"], &["WorkerType"]];

/// What of a worker a way back needs; of an endpoint as much as its style has.
const OF_WORKER: [&[&str]; 14] = [
    &["Name"],
    &["WorkerPoolIds"],
    &["MachinePolicyId"],
    &["IsDisabled"],
    &["Endpoint", "CommunicationStyle"],
    &["Endpoint", "Uri"],
    &["Endpoint", "Thumbprint"],
    &["Endpoint", "ProxyId"],
    &["Endpoint", "AccountId"],
    &["Endpoint", "Host"],
    &["Endpoint", "Port"],
    &["Endpoint", "Fingerprint"],
    &["Endpoint", "DotNetCorePlatform"],
    &["Endpoint", "DefaultNamespace"],
];

/// What of a Kubernetes agent's endpoint a way back needs.
const OF_AGENT: [&str; 4] = ["CommunicationMode", "Uri", "Thumbprint", "ProxyId"];

impl ChangeWriter<'_> {
    /// Deletes the thing, if it still has this name.
    pub(super) async fn delete_if_named(
        &self,
        index: usize,
        resource: &Resource,
        name: &str,
    ) -> WriteResult<WriteSuccess> {
        let text = match self.space_reader().read_document(resource).await {
            Ok(text) => text,
            Err(error) if error.is_not_found() => return Ok(WriteSuccess::default()),
            Err(error) => return Err(WriteFailure::new(error)),
        };
        let document = JsonDocument::parse(text).map_err(WriteFailure::new)?;
        let now = super::field::text_at_path(&document, &[PathSegment::Key("Name")]);
        if Name::new(&now) != Name::new(name) {
            let error = format!("its name is `{now}`, the plan expected `{name}`");
            return Err(WriteFailure::new(error));
        }
        let written = deleted_fields(&document, resource);
        self.announce_write(index, &written);
        match self.writer.delete_resource(resource).await {
            Ok(()) => Ok(WriteSuccess { id: None, written }),
            Err(error) => Err(WriteFailure::from_write_error(&error)),
        }
    }
}

/// The fields of what is deleted, as far as it has them.
fn deleted_fields(document: &JsonDocument, resource: &Resource) -> Vec<WrittenField> {
    let paths = match resource {
        Resource::WorkerPool(_) => OF_POOL.as_slice(),
        _ => OF_WORKER.as_slice(),
    };
    let agent = OF_AGENT.map(|key| ["Endpoint", "TentacleEndpointConfiguration", key]);
    let paths = paths.iter().copied().chain(agent.iter().map(<[&str; 3]>::as_slice));
    let written_field = |keys: &[&str]| {
        let path: Vec<PathSegment<'_>> = keys.iter().map(|key| PathSegment::Key(key)).collect();
        let before: Value = document.get_value(&path)?;
        Some(WrittenField::new(keys.join("."), Some(before), None))
    };
    paths.filter_map(written_field).collect()
}
