//! The receipt of an apply, as data: the outcome of each change, and what a rollback needs to know.
//!
//! Format 1, as JSON; while the apply runs, a journal of JSON lines. It holds the fields that were written,
//! before and after. It never holds a whole document or a secret, and this module has no clock; times are passed
//! in as text.

mod history;
mod journal;
mod run;

pub use crate::plan::WrittenField;
pub use history::{HistoryEntry, UnreadableReceipt, history_json, render_history, render_receipt};
pub use journal::JournalEvent;
pub use run::RunRecord;

use crate::{
    model::{Address, VariableSetOwner},
    plan::{
        Change, ChangeAction, ChangeKind, Field, ObjectKind, PlanHeader, PlanOrigin, StepField,
        ValueEdit,
    },
    scope::UndoneChanges,
    text::{describe_json_error, escape::escape_json},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The version of the format that this tool writes. 1.1 added the journal.
pub const FORMAT: &str = "1.1";

/// How the versions begin that this tool reads.
const FORMAT_PREFIX: &str = "1.";

/// The outcome of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// [`FORMAT`]; a reader that knows 1.0 reads every 1.x.
    pub format_version: String,
    /// The outcome as a whole.
    pub status: ApplyStatus,
    /// The tool that wrote the receipt, with its version.
    pub tool: String,
    /// The server and the space that were written to.
    pub server: ReceiptServer,
    /// `sha256:` and the digest of the files that the plan was made from.
    pub config: String,
    /// What requested the changes.
    #[serde(default, skip_serializing_if = "PlanOrigin::is_files")]
    pub origin: PlanOrigin,
    /// Who made the apply, from where, and of what.
    #[serde(default, skip_serializing_if = "RunRecord::is_empty")]
    pub run: RunRecord,
    /// When the apply began, as RFC 3339.
    pub started: String,
    /// When the apply ended; `None` while it runs, or if it was killed.
    pub ended: Option<String>,
    /// The names of the existing pools by id, so that a rollback recognizes a recreated pool.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pools: BTreeMap<String, String>,
    /// The changes, in the order of the plan.
    #[serde(rename = "changes")]
    pub entries: Vec<ReceiptEntry>,
    /// Entries from a newer version that this one does not understand. Never written.
    #[serde(skip)]
    pub unread: Vec<UnreadEntry>,
}

/// An entry that this version does not understand, written by a newer one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadEntry {
    /// The address, as in the receipt.
    pub address: String,
    /// Why the entry cannot be read.
    pub why: String,
}

/// The server and the space.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptServer {
    /// The server's URL, as the user gave it.
    pub url: String,
    /// The server's version.
    pub version: String,
    /// The space's id.
    pub space_id: String,
    /// The space's name.
    pub space: String,
}

/// The outcome of an apply as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplyStatus {
    /// Every change is done.
    Done,
    /// The apply ended, but not every change is done.
    Partial,
    /// The apply has not ended: it is still running, or was killed.
    Running,
}

/// The outcome of one change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptEntry {
    /// The change's address for display; another change may have the same one.
    pub address: Address,
    /// The kind of object that the change is about.
    pub kind: ObjectKind,
    /// The planned action.
    pub action: ChangeAction,
    /// The server's id of the object, or of the process that has the step; for a new object, once it
    /// exists.
    pub id: Option<String>,
    /// The id of the action in the process, for a placement; of the value in the set, for a variable
    /// that already had the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_id: Option<String>,
    /// The project's id, for objects stored in Git: there, runbooks of several projects may share an id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
    /// The branch from which the apply creates that of the address, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// The outcome.
    pub outcome: ChangeOutcome,
    /// Why the change failed, was skipped, or has an unknown outcome.
    pub error: Option<String>,
    /// When its first request was about to be sent, as RFC 3339; `None` if nothing was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<String>,
    /// When its outcome was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// Every field that was written, or may have been if the outcome is `unknown`. Empty if nothing was, such
    /// as for a pool that someone else created in the meantime.
    #[serde(rename = "written")]
    pub written: Vec<WrittenField>,
}

/// The outcome of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeOutcome {
    /// The change was made as planned.
    Done,
    /// The change was not made; the error says why. If it was made in part, the written fields are listed.
    Failed,
    /// Nothing was sent.
    Skipped,
    /// A request was sent, and no answer arrived that says what came of it.
    Unknown,
}

impl ChangeOutcome {
    /// Returns the word for the outcome.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Unknown => "unknown",
        }
    }
}

impl From<serde_json::Error> for ReceiptReadError {
    fn from(error: serde_json::Error) -> Self {
        Self::Shape(describe_json_error(&error))
    }
}

/// Why a text is not a receipt.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptReadError {
    /// The text is not JSON, or does not have the shape of a receipt.
    #[error("this is not a receipt: {0}")]
    Shape(String),
    /// The receipt was written in a newer format.
    #[error("its format is `{0}`, but this version reads 1.x")]
    Format(String),
    /// The first line of a journal is not whole: no request had been sent when it was written.
    #[error("it ends within its first line, which is written before the first request is sent")]
    Cut,
    /// A line of a journal is not an event.
    #[error("its line {line} is not an event of a journal: {why}")]
    Line {
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
}

impl Receipt {
    /// Creates the receipt of an apply that begins: nothing was sent yet.
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
            origin: header.origin,
            run: RunRecord::default(),
            started,
            ended: None,
            pools: BTreeMap::new(),
            entries: changes.iter().map(ReceiptEntry::from_change).collect(),
            unread: Vec::new(),
        }
    }

    /// Ends the receipt: done, or partial if any change is not done.
    pub fn end_recording(&mut self, ended: String) {
        let done = self.entries.iter().all(|entry| entry.outcome == ChangeOutcome::Done);
        self.status = if done { ApplyStatus::Done } else { ApplyStatus::Partial };
        self.ended = Some(ended);
    }

    /// Returns what a rollback of this apply has to undo.
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

    /// Returns the receipt as JSON text that ends with a newline.
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
            base: change.kind.git_commit().and_then(|commit| commit.base.clone()),
            outcome: ChangeOutcome::Skipped,
            error: None,
            started: None,
            ended: None,
            written: Vec::new(),
        }
    }

    fn read(saved: &Value) -> Result<Self, String> {
        let entry = Self::deserialize(saved).map_err(|error| error.to_string())?;
        entry.check_fields().map(|()| entry)
    }

    /// Checks that the written fields are fields of the entry's object.
    fn check_fields(&self) -> Result<(), String> {
        match self.written.iter().find(|written| !self.kind.has_field(written.field)) {
            Some(WrittenField { field, .. }) => Err(format!("`{field}` is not one of its fields")),
            None => Ok(()),
        }
    }

    /// Returns whether a request was sent and it is not known what came of it.
    pub fn is_unknown(&self) -> bool {
        self.outcome == ChangeOutcome::Unknown
    }

    /// Returns what was written to a field.
    pub fn find_written(&self, field: impl Into<Field>) -> Option<&WrittenField> {
        let field = field.into();
        self.written.iter().find(|written| written.field == field)
    }

    /// Returns the value of a field before the write.
    pub fn value_before(&self, field: impl Into<Field>) -> Option<&Value> {
        self.find_written(field)?.before.as_ref()
    }

    /// Records an event of the journal, and when it took place.
    fn record_event(&mut self, event: JournalEvent, time: Option<&str>) {
        let time = || time.map(str::to_owned);
        match &event {
            JournalEvent::Sent { .. } => self.started = self.started.take().or_else(time),
            JournalEvent::Skipped { .. } | JournalEvent::Ended { .. } => {}
            _ => self.ended = time(),
        }
        match event {
            JournalEvent::Sent { written, .. } => self.record_request(&written),
            JournalEvent::Done { id, written, .. } => {
                let written = written.unwrap_or_else(|| std::mem::take(&mut self.written));
                self.record_success(id.as_deref(), &written);
            }
            JournalEvent::Failed { error, partial, .. } => {
                if !partial {
                    self.written.clear();
                }
                self.record_failure(ChangeOutcome::Failed, &error);
            }
            JournalEvent::Unknown { error, .. } => {
                self.record_failure(ChangeOutcome::Unknown, &error);
            }
            JournalEvent::Skipped { error, .. } => {
                self.record_failure(ChangeOutcome::Skipped, &error);
            }
            JournalEvent::Ended { .. } => {}
        }
    }

    /// Records what a request is about to write; the outcome is unknown until the answer arrives.
    pub fn record_request(&mut self, written: &[WrittenField]) {
        self.outcome = ChangeOutcome::Unknown;
        WrittenField::merge_into(&mut self.written, written);
    }

    /// Records that the change was made; `id` is that of the object that was created or already existed.
    pub fn record_success(&mut self, id: Option<&str>, written: &[WrittenField]) {
        self.outcome = ChangeOutcome::Done;
        self.error = None;
        self.written = written.to_vec();
        self.id = id.map(str::to_owned).or(self.id.take());
    }

    /// Records that the change was not made, and why.
    pub fn record_failure(&mut self, outcome: ChangeOutcome, error: &str) {
        self.outcome = outcome;
        self.error = Some(error.to_owned());
    }
}

impl ObjectKind {
    /// Returns whether an object of this kind has the field.
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
            base: None,
            outcome: ChangeOutcome::Unknown,
            error: Some("no answer".into()),
            started: Some("2026-11-23T14:51:07.120Z".into()),
            ended: None,
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
            origin: PlanOrigin::Files,
            run: RunRecord { user: Some("alice".into()), ..RunRecord::default() },
            started: "2026-11-23T14:51:07Z".into(),
            ended: None,
            pools: [("WorkerPools-21".to_owned(), "Linux".to_owned())].into(),
            entries: vec![entry],
            unread: Vec::new(),
        }
    }

    #[test]
    fn a_receipt_round_trips_and_null_differs_from_absent() {
        let text = receipt().to_json_text();
        assert_eq!(Receipt::read(&text).unwrap(), receipt());
        let entry = &serde_json::from_str::<Value>(&text).unwrap()["changes"][0];
        assert_eq!(entry["written"][0].get("before"), Some(&json!(null)));
        assert!(entry["written"][2].is_object() && entry["written"][2].get("before").is_none());
        assert_eq!(entry["written"][1]["before_text"], r#""P\u006fol""#);
        assert!(entry["written"][0].get("before_text").is_none());
    }

    #[test]
    fn an_entry_from_a_newer_version_is_set_aside_and_others_are_read() {
        let set_aside = |pointer: &str, value: Value| {
            let mut document: Value = serde_json::from_str(&receipt().to_json_text()).unwrap();
            let known = document["changes"][0].clone();
            *document.pointer_mut(&format!("/changes/0{pointer}")).unwrap() = value;
            document["changes"].as_array_mut().unwrap().push(known);
            let read = Receipt::read(document.to_string()).unwrap();
            assert_eq!(read.entries, receipt().entries);
            read.unread.into_iter().map(|entry| entry.why).collect::<String>()
        };
        insta::assert_snapshot!(set_aside("/kind", json!("tenant")), @"unknown variant `tenant`, expected one of `pool`, `worker`, `variable`, `target`, `placement`, `server`");
        insta::assert_snapshot!(set_aside("/written/0/path", json!("Notes")), @"this version does not know the field `Notes`");
        insta::assert_snapshot!(set_aside("/written/0/path", json!("Description")), @"`Description` is not one of its fields");
        insta::assert_snapshot!(set_aside("/address", json!("tenants.acme")), @"`tenants.acme` is not a valid address: expected `pools`, `workers`, `projects`, `library_sets`, `targets` or `server.built_in_worker` after character 0");
    }

    #[test]
    fn a_receipt_conforms_to_its_schema() {
        let schema: Value =
            serde_json::from_str(include_str!("../../../schema/receipt.schema.json")).unwrap();
        let schema = jsonschema::validator_for(&schema).unwrap();
        let mut document: Value = serde_json::from_str(&receipt().to_json_text()).unwrap();
        assert!(schema.is_valid(&document), "{:?}", schema.iter_errors(&document).next());
        document["changes"][0]["outcome"] = json!("lost");
        assert!(!schema.is_valid(&document));
    }

    #[test]
    fn a_receipt_in_a_newer_format_is_refused() {
        let later = |format: &str| {
            let text = receipt().to_json_text().replace(r#""1.1""#, &format!("{format:?}"));
            Receipt::read(&text).map_err(|error| error.to_string())
        };
        assert!(later("1.7").is_ok());
        insta::assert_snapshot!(later("2.0").unwrap_err(), @"its format is `2.0`, but this version reads 1.x");
        assert_eq!(later("").unwrap_err(), "its format is ``, but this version reads 1.x");
    }
}
