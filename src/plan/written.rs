//! A field of a document, before and after a write.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// A field that was written. An absent side is a field that was not there, which is not `null`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// Where it is in the object's document: `WorkerPoolId`, `Endpoint.Uri`; for a placement seen from
    /// the action, or behind `Step.` from the step. `SortOrder` and `DefaultPool` are of the space: the
    /// ids of all pools, and the id of one.
    pub path: String,
    /// What it was.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub before: Option<Value>,
    /// What it was made.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub after: Option<Value>,
}

/// A field that is there, `null` included; serde takes that for one that is not.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}
