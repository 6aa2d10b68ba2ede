//! What became of each change of a plan: the receipt of an apply.
//!
//! True at every moment: a change is `unknown` from before its first request until its outcome is known,
//! so that a run that is killed leaves a receipt that does not lie. Never: a whole document, or a secret.

use crate::{
    model::Address,
    plan::{Change, Plan},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The JSON Schema of a receipt.
pub const SCHEMA: &str = include_str!("../schema/receipt.schema.json");

/// What became of each change of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// `1.0`.
    pub format_version: String,
    /// How far it came.
    pub status: Status,
    /// When it began: RFC 3339, UTC.
    pub started: String,
    /// When it ended; none while it runs, and for a run that was killed.
    pub ended: Option<String>,
    /// The server, as the user named it.
    pub url: String,
    /// The space's id.
    pub space_id: String,
    /// The space's name.
    pub space: String,
    /// `sha256:` and the digest of the files that the plan was made of.
    pub digest: String,
    /// What became of each change, in the order of the plan.
    pub changes: Vec<Entry>,
}

/// How far an apply came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It is under way, or it was killed.
    Running,
    /// Every change is made.
    Done,
    /// Some change is not made.
    Partial,
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What it is about.
    pub address: Address,
    /// What kind of object: `pool`, `worker`, `placement`, `server`.
    pub kind: String,
    /// `create`, `update`, `replace` or `delete`.
    pub action: String,
    /// The server's id, of what is created too.
    pub id: Option<String>,
    /// What became of it.
    pub outcome: Outcome,
    /// Why it was not made, in words.
    pub error: Option<String>,
    /// The fields that were written.
    pub written: Vec<Written>,
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is made.
    Done,
    /// It is not made.
    Failed,
    /// It was not begun.
    Skipped,
    /// It was begun, and nobody saw how it ended.
    Unknown,
}

/// A field that was written: what a way back needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// Where, in the server's own words: `Steps[0].Actions[1].WorkerPoolId`.
    pub path: String,
    /// What it was; left out where the field was not there, which is not `null`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub before: Option<Value>,
    /// What it is.
    pub after: Value,
}

/// A value that is there, `null` included.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Receipt {
    /// The receipt of an apply that has not begun: every change is skipped so far.
    pub fn new(plan: &Plan, started: String) -> Self {
        Self {
            format_version: "1.0".to_owned(),
            status: Status::Running,
            started,
            ended: None,
            url: plan.header.url.clone(),
            space_id: plan.header.space.id.as_str().to_owned(),
            space: plan.header.space.name.clone(),
            digest: plan.header.digest.clone(),
            changes: plan.changes.iter().map(entry).collect(),
        }
    }

    /// The receipt once nothing more is done.
    #[must_use]
    pub fn end(mut self, ended: String) -> Self {
        let done = self.changes.iter().all(|it| it.outcome == Outcome::Done);
        self.status = if done { Status::Done } else { Status::Partial };
        self.ended = Some(ended);
        self
    }

    /// The entry of the change at this place of the plan.
    pub fn entry_mut(&mut self, index: usize) -> Option<&mut Entry> {
        self.changes.get_mut(index)
    }

    /// How many changes came out so.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.changes.iter().filter(|it| it.outcome == outcome).count()
    }

    /// As it is kept in a file.
    pub fn to_json(&self) -> String {
        // Texts and lists: nothing in it can fail to be JSON.
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        format!("{text}\n")
    }
}

fn entry(change: &Change) -> Entry {
    Entry {
        address: change.address.clone(),
        kind: change.kind.object().to_owned(),
        action: change.kind.action().as_str().to_owned(),
        id: change.kind.id().map(str::to_owned),
        outcome: Outcome::Skipped,
        error: None,
        written: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::sample::everything;
    use serde_json::json;

    #[test]
    fn a_receipt_is_what_its_schema_says() {
        let schema = serde_json::from_str(SCHEMA).unwrap();
        let schema = jsonschema::validator_for(&schema).unwrap();
        let mut receipt = Receipt::new(&everything(), "2026-11-23T14:51:07Z".to_owned());
        let entry = receipt.entry_mut(0).unwrap();
        entry.written.push(Written {
            path: "A".into(),
            before: Some(Value::Null),
            after: json!(1),
        });
        entry.written.push(Written { path: "B".into(), before: None, after: json!(2) });
        entry.error = Some("lost".to_owned());
        let receipt = receipt.end("2026-11-23T14:51:08Z".to_owned());
        assert_eq!(receipt.status, Status::Partial);
        let value = serde_json::from_str(&receipt.to_json()).unwrap();
        let wrong: Vec<_> = schema.iter_errors(&value).map(|it| it.to_string()).collect();
        assert_eq!(wrong, [""; 0]);
        assert_eq!(serde_json::from_value::<Receipt>(value).unwrap(), receipt);
    }
}
