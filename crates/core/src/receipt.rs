//! The receipt of an apply, as data: the outcome of each change, and what a rollback needs to know.
//!
//! Format 1, as JSON. It holds the fields that were written, before and after. Never: a whole document,
//! a secret, or a clock; times are handed in as text.

pub use crate::plan::WrittenField;

use crate::{
    model::{Address, VariableSetOwner},
    plan::{Change, ChangeAction, ChangeKind, Field, ObjectKind, PlanHeader, StepField, ValueEdit},
    scope::UndoneChanges,
    text::escape::escape_json,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;
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
    /// The names of the pools by id, by which a rollback recognises a pool that was created again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pools: BTreeMap<String, String>,
    /// The changes, in the order of the plan.
    #[serde(rename = "changes")]
    pub entries: Vec<ReceiptEntry>,
    /// What a later tool has written down that this one does not understand. Never written.
    #[serde(skip)]
    pub unread: Vec<UnreadEntry>,
}

/// An entry of a receipt that this version does not understand: one of a later tool, which may write more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadEntry {
    /// The address, as the receipt has it.
    pub address: String,
    /// What is not understood.
    pub why: String,
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
    pub address: Address,
    /// What kind of object it is about.
    pub kind: ObjectKind,
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
    /// nothing had to be written, such as for a pool that someone else had created meanwhile.
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
            unread: Vec::new(),
        }
    }

    /// Ends the receipt: done, or partial where any change is not.
    pub fn end_recording(&mut self, ended: String) {
        let done = self.entries.iter().all(|entry| entry.outcome == ChangeOutcome::Done);
        self.status = if done { ApplyStatus::Done } else { ApplyStatus::Partial };
        self.ended = Some(ended);
    }

    /// The receipt in a text of JSON. An entry of a later tool is no reason to undo nothing: what this version
    /// does not understand is [`Receipt::unread`], for the rollback to report.
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
        if !format_version.starts_with("1.") {
            return Err(ReceiptReadError::Format(format_version));
        }
        let mut saved: Value = serde_json::from_str(text)?;
        let entries = saved.get_mut("changes").and_then(Value::as_array_mut);
        let entries = entries.map(std::mem::take).unwrap_or_default();
        let mut receipt = Self::deserialize(saved)?;
        for entry in entries {
            match ReceiptEntry::read(&entry) {
                Ok(entry) => receipt.entries.push(entry),
                Err(why) => receipt.unread.extend(UnreadEntry::from_saved(&entry, why)?),
            }
        }
        Ok(receipt)
    }

    /// What a rollback of this has to undo.
    pub fn undone_changes(&self) -> UndoneChanges {
        let has_kind = |kind| self.entries.iter().any(|entry| entry.kind == kind);
        let is_created_pool = |entry: &ReceiptEntry| {
            entry.kind == ObjectKind::Pool && entry.action == ChangeAction::Create
        };
        let is_placed_by_variable =
            |entry: &ReceiptEntry| entry.find_written(StepField::Variable).is_some();
        let branch = |entry: &ReceiptEntry| match &entry.address {
            Address::Step { branch, .. }
            | Address::Variable { owner: VariableSetOwner::Project { branch, .. }, .. } => {
                branch.clone()
            }
            _ => None,
        };
        UndoneChanges {
            workers: has_kind(ObjectKind::Worker),
            placements: has_kind(ObjectKind::Placement),
            placed_by_variable: self.entries.iter().any(is_placed_by_variable),
            variables: has_kind(ObjectKind::Variable),
            targets: has_kind(ObjectKind::Target),
            server: has_kind(ObjectKind::Server),
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
            address: change.address.clone(),
            kind: change.kind.object_kind(),
            action: change.kind.action(),
            id: change.kind.object_id().map(str::to_owned),
            step_id,
            project_id: change.kind.git_commit().map(|it| it.at.project.as_str().to_owned()),
            outcome: ChangeOutcome::Skipped,
            error: None,
            written: Vec::new(),
        }
    }

    fn read(saved: &Value) -> Result<Self, String> {
        let entry = Self::deserialize(saved).map_err(|error| error.to_string())?;
        let stray = entry.written.iter().find(|written| !entry.kind.has_field(written.field));
        match stray {
            Some(WrittenField { field, .. }) => Err(format!("`{field}` is not one of its fields")),
            None => Ok(entry),
        }
    }

    /// What was written of a field.
    pub fn find_written(&self, field: impl Into<Field>) -> Option<&WrittenField> {
        let field = field.into();
        self.written.iter().find(|written| written.field == field)
    }

    /// What a field was before.
    pub fn value_before(&self, field: impl Into<Field>) -> Option<&Value> {
        self.find_written(field)?.before.as_ref()
    }

    /// Records what a request is about to write; its outcome is unknown until the response arrives.
    pub fn record_request(&mut self, written: &[WrittenField]) {
        self.outcome = ChangeOutcome::Unknown;
        WrittenField::merge_into(&mut self.written, written);
    }

    /// Notes that the change is made; `id` is that of what was created, or was there already.
    pub fn record_success(&mut self, id: Option<&str>, written: &[WrittenField]) {
        self.outcome = ChangeOutcome::Done;
        self.error = None;
        self.written = written.to_vec();
        self.id = id.map(str::to_owned).or(self.id.take());
    }

    /// Notes that the change is not made, and why.
    pub fn record_failure(&mut self, outcome: ChangeOutcome, error: &str) {
        self.outcome = outcome;
        self.error = Some(error.to_owned());
    }
}

impl UnreadEntry {
    /// What is to be reported of an entry; none where nothing of it was sent.
    fn from_saved(saved: &Value, why: String) -> Result<Option<Self>, serde_json::Error> {
        #[derive(Deserialize)]
        struct AnyEntry {
            address: String,
            outcome: String,
        }
        let AnyEntry { address, outcome } = AnyEntry::deserialize(saved)?;
        Ok((outcome != "skipped").then_some(Self { address, why }))
    }
}

impl ObjectKind {
    /// Whether an object of this kind has the field.
    fn has_field(self, field: Field) -> bool {
        match field {
            Field::Common(_) => matches!(self, Self::Pool | Self::Worker),
            Field::Pool(_) | Field::Space(_) => self == Self::Pool,
            Field::Worker(_) | Field::Endpoint(_) => self == Self::Worker,
            Field::Step(_) => self == Self::Placement,
            Field::Value(_) => self == Self::Variable,
            Field::Target(_) => self == Self::Target,
            Field::Server(_) => self == Self::Server,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::StepField;
    use serde_json::json;

    fn receipt() -> Receipt {
        let before = vec![
            WrittenField::new(StepField::Pool, Some(json!(null)), Some(json!("WorkerPools-21"))),
            WrittenField {
                before_text: Some(r#""P\u006fol""#.into()),
                ..WrittenField::new(StepField::Variable, Some(json!("Pool")), Some(json!(null)))
            },
            WrittenField::new(StepField::Container, None, Some(json!({ "Image": "x:1" }))),
        ];
        let entry = ReceiptEntry {
            address: r#"projects["Web Store"].deployment.steps["Drain"]"#.parse().unwrap(),
            kind: ObjectKind::Placement,
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
            unread: Vec::new(),
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
    fn an_entry_of_a_later_tool_is_set_aside_and_the_others_are_read() {
        let set_aside = |pointer: &str, value: Value| {
            let mut document: Value = serde_json::from_str(&receipt().to_json_text()).unwrap();
            let known = document["changes"][0].clone();
            *document.pointer_mut(&format!("/changes/0{pointer}")).unwrap() = value;
            document["changes"].as_array_mut().unwrap().push(known);
            let read = Receipt::read(&document.to_string()).unwrap();
            assert_eq!(read.entries, receipt().entries);
            read.unread.into_iter().map(|entry| entry.why).collect::<String>()
        };
        insta::assert_snapshot!(set_aside("/kind", json!("tenant")), @"unknown variant `tenant`, expected one of `pool`, `worker`, `variable`, `target`, `placement`, `server`");
        insta::assert_snapshot!(set_aside("/written/0/path", json!("Notes")), @"this version does not know the field `Notes`");
        insta::assert_snapshot!(set_aside("/written/0/path", json!("Description")), @"`Description` is not one of its fields");
        insta::assert_snapshot!(set_aside("/address", json!("tenants.acme")), @"`tenants.acme` is not a valid address: expected `pools`, `workers`, `projects`, `library_sets`, `targets` or `server.built_in_worker` after character 0");
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
