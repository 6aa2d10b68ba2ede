//! The receipt of an apply, as data: what became of each change, and what a way back needs to know.
//!
//! Format 1, as JSON. It holds the fields that were written, before and after. Never: a whole document,
//! a secret, or a clock; times are handed in as text.

pub use crate::plan::WrittenField;

use crate::{
    model::{Address, VariableSetOwner},
    plan::{Change, ChangeAction, ChangeKind, PlanHeader, ValueEdit},
    scope::UndoneChanges,
    text::escape::escape_json,
};

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the format that is written here.
pub const FORMAT: &str = "1.0";

/// What became of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// [`FORMAT`]; a reader that knows 1.0 reads every 1.x.
    pub format_version: String,
    /// How it went as a whole.
    pub status: ApplyStatus,
    /// The tool that wrote it, with its version.
    pub tool: String,
    /// Where it was written.
    pub server: ReceiptServer,
    /// `sha256:` and the digest of the files that the plan was made of.
    pub config: String,
    /// When the apply began, as RFC 3339.
    pub started: String,
    /// When it ended; none while it runs, and for ever where it was killed.
    pub ended: Option<String>,
    /// The names of the pools that were there, by their ids: a way back knows by them a pool that was made again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pools: BTreeMap<String, String>,
    /// The changes, in the order of the plan.
    #[serde(rename = "changes")]
    pub entries: Vec<ReceiptEntry>,
}

/// The server and the space.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptServer {
    /// Its URL, as the user named it.
    pub url: String,
    /// Its version.
    pub version: String,
    /// The space's id.
    pub space_id: String,
    /// The space's name.
    pub space: String,
}

/// How an apply went as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplyStatus {
    /// Every change is done.
    Done,
    /// It ended, and not every change is done.
    Partial,
    /// It has not ended: it runs still, or was killed.
    Running,
}

/// What became of one change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptEntry {
    /// The change's address, as it is shown; it may be that of another change too.
    pub address: String,
    /// What kind of object it is about: `pool`, `worker`, `variable`, `target`, `placement`, `server`.
    pub kind: String,
    /// What was to be done to it.
    pub action: ChangeAction,
    /// The server's id of the object, or of the process that has the step; for what is created, once it
    /// is there.
    pub id: Option<String>,
    /// The id of the action inside the process, for a placement; of the value inside the set, for a
    /// variable that had it before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_id: Option<String>,
    /// The id of the project, for what is stored in Git: there, several projects may have a runbook of one id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
    /// What became of it.
    pub outcome: ChangeOutcome,
    /// Why it failed, was skipped, or is not known.
    pub error: Option<String>,
    /// Every field that was written, or was about to be where the outcome is not `done`. Empty where
    /// nothing had to be written, such as for a pool that somebody else had made meanwhile.
    #[serde(rename = "written")]
    pub written: Vec<WrittenField>,
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeOutcome {
    /// It is as the plan says.
    Done,
    /// It is not; the error says why, and `before` what may have been written all the same.
    Failed,
    /// Nothing of it was sent.
    Skipped,
    /// It was sent, and no answer came.
    Unknown,
}

/// Why a text is no receipt.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptReadError {
    /// It is not JSON, or not of the shape.
    #[error("this is no receipt")]
    Shape(#[from] serde_json::Error),
    /// It was written by a later tool.
    #[error("the receipt is of format `{0}`, and this tool knows 1")]
    Format(String),
}

impl Receipt {
    /// The receipt of an apply that begins: nothing was sent yet.
    pub fn start_recording(
        header: &PlanHeader,
        changes: &[Change],
        tool: String,
        started: String,
    ) -> Self {
        Self {
            format_version: FORMAT.to_owned(),
            status: ApplyStatus::Running,
            tool,
            server: ReceiptServer {
                url: header.url.clone(),
                version: header.server_version.clone(),
                space_id: header.space.id.as_str().to_owned(),
                space: header.space.name.clone(),
            },
            config: header.digest.clone(),
            started,
            ended: None,
            pools: BTreeMap::new(),
            entries: changes.iter().map(ReceiptEntry::from_change).collect(),
        }
    }

    /// The receipt in a text of JSON.
    ///
    /// # Errors
    ///
    /// [`ReceiptReadError`]; a receipt may come from anywhere.
    pub fn read(text: &str) -> Result<Self, ReceiptReadError> {
        #[derive(Deserialize)]
        struct FormatVersion {
            format_version: String,
        }
        let FormatVersion { format_version } = serde_json::from_str(text)?;
        match format_version.split_once('.') {
            Some(("1", _)) => Ok(serde_json::from_str(text)?),
            _ => Err(ReceiptReadError::Format(format_version)),
        }
    }

    /// What a rollback of this has to undo.
    pub fn undone_changes(&self) -> UndoneChanges {
        let has_kind = |kind: &str| self.entries.iter().any(|entry| entry.kind == kind);
        let is_created_pool =
            |entry: &ReceiptEntry| entry.kind == "pool" && entry.action == ChangeAction::Create;
        let is_placed_by_variable = |entry: &ReceiptEntry| {
            entry.written.iter().any(|field| field.path == "WorkerPoolVariable")
        };
        let branch = |entry: &ReceiptEntry| match entry.address.parse() {
            Ok(
                Address::Step { branch, .. }
                | Address::Variable { owner: VariableSetOwner::Project { branch, .. }, .. },
            ) => branch,
            _ => None,
        };
        UndoneChanges {
            workers: has_kind("worker"),
            placements: has_kind("placement"),
            placed_by_variable: self.entries.iter().any(is_placed_by_variable),
            variables: has_kind("variable"),
            targets: has_kind("target"),
            server: has_kind("server"),
            created_pools: self.entries.iter().any(is_created_pool),
            branches: self.entries.iter().filter_map(branch).collect(),
        }
    }

    /// The receipt as a text of JSON, with a line end.
    pub fn to_json_text(&self) -> String {
        // Strings, numbers and lists always have a JSON form.
        let text = escape_json(&serde_json::to_string_pretty(self).unwrap_or_default());
        format!("{text}\n")
    }
}

impl ReceiptEntry {
    fn from_change(change: &Change) -> Self {
        let step_id = match &change.kind {
            ChangeKind::PlaceStep { action, .. } => Some(action.as_str().to_owned()),
            ChangeKind::SetValue {
                edit: ValueEdit::Change { id, .. } | ValueEdit::Remove { id, .. },
                ..
            } => Some(id.as_str().to_owned()),
            _ => None,
        };
        Self {
            address: change.address.to_string(),
            kind: change.kind.object_kind().to_owned(),
            action: change.kind.action(),
            id: change.kind.object_id().map(str::to_owned),
            step_id,
            project_id: change.kind.git_commit().map(|it| it.project.as_str().to_owned()),
            outcome: ChangeOutcome::Skipped,
            error: None,
            written: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn receipt() -> Receipt {
        let before = vec![
            WrittenField::new("WorkerPoolId", Some(json!(null)), Some(json!("WorkerPools-21"))),
            WrittenField {
                before_text: Some(r#""P\u006fol""#.into()),
                ..WrittenField::new("WorkerPoolVariable", Some(json!("Pool")), Some(json!(null)))
            },
            WrittenField::new("Container", None, Some(json!({ "Image": "x:1" }))),
        ];
        let entry = ReceiptEntry {
            address: r#"projects["Web Store"].deployment.steps["Drain"]"#.into(),
            kind: "placement".into(),
            action: ChangeAction::Update,
            id: Some("deploymentprocess-Projects-1".into()),
            step_id: Some("44a23dd7-c320-4836-9ecb-5530a670c1f2".into()),
            project_id: None,
            outcome: ChangeOutcome::Unknown,
            error: Some("no answer".into()),
            written: before,
        };
        Receipt {
            format_version: FORMAT.into(),
            status: ApplyStatus::Partial,
            tool: "poolwright 0.1.0".into(),
            server: ReceiptServer {
                url: "https://octopus.acme.example".into(),
                version: "2026.2.9314".into(),
                space_id: "Spaces-1".into(),
                space: "Default".into(),
            },
            config: format!("sha256:{}", "0".repeat(64)),
            started: "2026-11-23T14:51:07Z".into(),
            ended: None,
            pools: [("WorkerPools-21".to_owned(), "Linux".to_owned())].into(),
            entries: vec![entry],
        }
    }

    #[test]
    fn a_receipt_comes_back_as_it_was_and_null_is_not_absent() {
        let text = receipt().to_json_text();
        assert_eq!(Receipt::read(&text).unwrap(), receipt());
        let entry = &serde_json::from_str::<Value>(&text).unwrap()["changes"][0];
        assert_eq!(entry["written"][0].get("before"), Some(&json!(null)));
        assert!(entry["written"][2].is_object() && entry["written"][2].get("before").is_none());
        assert_eq!(entry["written"][1]["before_text"], r#""P\u006fol""#);
        assert!(entry["written"][0].get("before_text").is_none());
    }

    #[test]
    fn a_receipt_keeps_to_its_schema() {
        let schema: Value =
            serde_json::from_str(include_str!("../../../schema/receipt.schema.json")).unwrap();
        let schema = jsonschema::validator_for(&schema).unwrap();
        let mut document: Value = serde_json::from_str(&receipt().to_json_text()).unwrap();
        assert!(schema.is_valid(&document), "{:?}", schema.iter_errors(&document).next());
        document["changes"][0]["outcome"] = json!("lost");
        assert!(!schema.is_valid(&document));
    }

    #[test]
    fn a_receipt_of_a_later_format_is_refused() {
        let later = |format: &str| {
            let text = receipt().to_json_text().replace(r#""1.0""#, &format!("{format:?}"));
            Receipt::read(&text).map_err(|error| error.to_string())
        };
        assert!(later("1.7").is_ok());
        insta::assert_snapshot!(later("2.0").unwrap_err(), @"the receipt is of format `2.0`, and this tool knows 1");
        assert_eq!(later("").unwrap_err(), "the receipt is of format ``, and this tool knows 1");
    }
}
