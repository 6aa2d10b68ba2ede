//! A field of a document, before and after a write.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// A field that was written. An absent side is a field that was not there, which is not `null`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenField {
    /// Where it is in the object's document: `WorkerPoolId`, `Endpoint.Uri`; for a placement seen from
    /// the action, or behind `Step.` from the step. `SortOrder` and `DefaultPool` are of the space: the
    /// ids of all pools, and the id of one.
    pub path: String,
    /// What it was.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "deserialize_present"
    )]
    pub before: Option<Value>,
    /// What it was made.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "deserialize_present"
    )]
    pub after: Option<Value>,
    /// How `before` was spelled, as JSON, where this tool would spell it another way: escaped, or spaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_text: Option<String>,
    /// How `after` is to be spelled, where a way back makes it what it was. What counts is `after`: a text
    /// that says anything else is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_text: Option<String>,
}

impl WrittenField {
    /// A field that is spelled as this tool does.
    pub fn new(path: impl Into<String>, before: Option<Value>, after: Option<Value>) -> Self {
        Self { path: path.into(), before, after, before_text: None, after_text: None }
    }

    /// The same field the other way round, in the spelling that it had.
    pub fn to_reversed(&self) -> Self {
        let Self { path, before, after, before_text, after_text: _ } = self.clone();
        Self { path, before: after, after: before, before_text: None, after_text: before_text }
    }
}

/// A field that is there, `null` included; serde takes that for one that is not.
fn deserialize_present<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}
