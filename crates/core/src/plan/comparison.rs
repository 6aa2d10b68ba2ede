//! What a plan's base asks for: the files before a change of them, planned for the same server.
//!
//! For people and for exit codes. Nothing that is written depends on it, and a saved plan's is not believed.

use super::{ChangeAction, FieldDiff, ObjectKind, Plan};
use crate::{
    finding::{ChangeOrigin, Code, Finding, Level},
    model::Address,
};

use serde::{Deserialize, Serialize};

/// A plan's comparison with its base.
///
/// Each change, finding and moved step of the plan has its own [`ChangeOrigin`]; here is what the plan does not have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseComparison {
    /// The base, as the user named it: `origin/main`, or a path.
    pub base: String,
    /// The commit of the base, if it is a Git revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// How many changes the base does not ask for in the same way.
    pub brought: ActionCounts,
    /// How many changes the base asks for too.
    pub pending: ActionCounts,
    /// What the base asks for and the plan does not. It is not part of what is applied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undone: Vec<PendingChange>,
    /// The findings of the base that the plan no longer has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undone_findings: Vec<UndoneFinding>,
}

/// A change that the base asks for, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PendingChange {
    /// The object.
    pub address: Address,
    /// The kind of the object.
    pub kind: ObjectKind,
    /// What would be done to it.
    pub action: ChangeAction,
    /// The fields that would change.
    pub fields: Vec<FieldDiff>,
    /// The label of the rule that asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

/// A finding of the base alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoneFinding {
    /// Its code.
    pub code: String,
    /// How severe it was.
    pub level: Level,
    /// What was wrong.
    pub message: String,
    /// The object that it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
}

/// The number of changes of each action.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionCounts {
    /// Changes that create.
    pub create: usize,
    /// Changes that update.
    pub update: usize,
    /// Changes that replace.
    pub replace: usize,
    /// Changes that delete.
    pub delete: usize,
}

impl ActionCounts {
    /// Counts actions.
    pub fn count(actions: impl IntoIterator<Item = ChangeAction>) -> Self {
        let mut counts = Self::default();
        for action in actions {
            match action {
                ChangeAction::Create => counts.create += 1,
                ChangeAction::Update => counts.update += 1,
                ChangeAction::Replace => counts.replace += 1,
                ChangeAction::Delete => counts.delete += 1,
            }
        }
        counts
    }

    /// Returns how many changes there are.
    pub fn total(self) -> usize {
        let Self { create, update, replace, delete } = self;
        create + update + replace + delete
    }

    /// Describes the counts that are not zero: `3 to create, 1 to delete`; `none` if all are.
    pub fn describe(self) -> String {
        let Self { create, update, replace, delete } = self;
        let parts =
            [(create, "create"), (update, "update"), (replace, "replace"), (delete, "delete")];
        let parts = parts.iter().filter(|(count, _)| *count > 0);
        let parts: Vec<_> = parts.map(|(count, word)| format!("{count} to {word}")).collect();
        if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
    }
}

impl UndoneFinding {
    /// Returns a finding of the base as it is shown.
    pub fn from_finding(finding: &Finding) -> Self {
        let Finding { code, level, message, address, .. } = finding;
        Self {
            code: code.as_str().to_owned(),
            level: *level,
            message: message.clone(),
            address: address.as_deref().cloned(),
        }
    }
}

impl BaseComparison {
    /// Describes how the changes split: `brought: 3 to create; pending: 2 to update`.
    pub fn describe_split(&self) -> String {
        let undone = ActionCounts::count(self.undone.iter().map(|change| change.action));
        let undone = match undone.total() {
            0 => String::new(),
            _ => format!("; undone: {}", undone.describe()),
        };
        format!(
            "brought: {}; pending: {}{undone}",
            self.brought.describe(),
            self.pending.describe()
        )
    }
}

impl Plan {
    /// Whether the files ask for changes that the plan's base does not ask for. Without a base, all changes are new.
    pub fn brings_changes(&self) -> bool {
        self.changes.iter().any(|change| change.cause.origin != Some(ChangeOrigin::Pending))
    }

    /// Whether every refusal was there before: the plan is refused, but not because of what its files bring.
    pub fn is_refused_already(&self) -> bool {
        let mut refusals = self.findings.iter().filter(|it| it.level != Level::Warn).peekable();
        refusals.peek().is_some() && refusals.all(|it| it.origin == Some(ChangeOrigin::Pending))
    }
}

impl Finding {
    /// Creates the warning that a base cannot be planned, so that nothing counts as pending.
    pub fn unusable_base(base: &str, reasons: Vec<String>) -> Self {
        let message = format!(
            "the base `{base}` cannot be planned, so everything counts as brought by this change"
        );
        Self::unplaced_warning(Code::UnusableBase, message)
            .with_notes(reasons)
            .with_help("name another base with `--base`, or correct the files there")
    }
}
