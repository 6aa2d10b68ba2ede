//! One write and the reason for it.

use super::{
    AuditEvent, ChangeAction, Delta, FieldDiff, NewPool, NewWorker, ObjectKind, PendingChange,
    PoolEdit, StepEdit, StepEdits, ValueEdit, WorkerEdit, WrittenField, edit,
    new::replacement_diffs,
};
use crate::{
    finding::{ChangeOrigin, FindingLocation, Span},
    model::{
        Address, BranchRef, DeploymentTarget, Id, LiveEndpoint, Pool, PoolHandle, Process,
        ProcessKind, StepAction, VariableSet, Worker,
    },
};

use serde::{Deserialize, Serialize};
use serde_json::json;

/// One write and the reason for it.
#[derive(Clone, Debug)]
pub struct Change {
    /// The object that is changed.
    pub address: Address,
    /// What is written.
    pub kind: ChangeKind,
    /// Why it is written. For people only: no decision may depend on it.
    pub cause: Cause,
    /// Earlier changes of the plan that must come first, by their addresses.
    pub after: Vec<Address>,
}

/// A write: one variant per kind, so that a `match` that misses one does not compile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Creates a pool.
    CreatePool(NewPool),
    /// Edits an existing pool.
    UpdatePool {
        /// The pool's id.
        id: Id<Pool>,
        /// Never empty.
        edits: Vec<PoolEdit>,
    },
    /// Deletes a pool.
    DeletePool {
        /// The pool's id.
        id: Id<Pool>,
        /// The pool's name.
        name: String,
    },
    /// Creates a worker.
    CreateWorker(NewWorker),
    /// Edits an existing worker.
    UpdateWorker {
        /// The worker's id.
        id: Id<Worker>,
        /// Never empty.
        edits: Vec<WorkerEdit>,
    },
    /// Replaces a worker with one of another kind and the same name, which is created before the old one is deleted.
    ReplaceWorker {
        /// The old worker's id.
        id: Id<Worker>,
        /// The old worker's name.
        name: String,
        /// The old worker's kind.
        kind: String,
        /// The old worker, for display; `None` if an older version saved the plan.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        old: Option<Box<NewWorker<LiveEndpoint>>>,
        /// The new worker.
        new: NewWorker,
    },
    /// Deletes a worker.
    DeleteWorker {
        /// The worker's id.
        id: Id<Worker>,
        /// The worker's name.
        name: String,
    },
    /// Changes where a step runs.
    PlaceStep {
        /// The process, which is written once no matter how many of its steps move.
        process: Id<Process>,
        /// The kind of the process.
        kind: ProcessKind,
        /// The commit for a process stored in Git; `None` for one in the server's database.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        git: Option<PlannedCommit>,
        /// The action in the process.
        action: Id<StepAction>,
        /// Never empty.
        #[serde(flatten)]
        edits: StepEdits,
    },
    /// Sets a value of a worker pool variable.
    SetValue {
        /// The variable set, which is written once no matter how many of its values change.
        set: Id<VariableSet>,
        /// The commit for a set stored in Git; `None` for one in the server's database.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        git: Option<PlannedCommit>,
        /// The variable's name.
        name: String,
        /// The edit of the value.
        edit: ValueEdit,
    },
    /// Changes the pool whose workers act for a deployment target.
    SetTargetPool {
        /// The target's id.
        id: Id<DeploymentTarget>,
        /// The pool; `None` for the space's default pool.
        pool: Delta<Option<PoolHandle>>,
        /// The field, if it is restored byte for byte, be it absent, `null` or empty.
        #[serde(rename = "exactly", default, skip_serializing_if = "Option::is_none")]
        restored: Option<Box<WrittenField>>,
    },
    /// Makes another pool the space's default.
    SetDefaultPool {
        /// The current default pool.
        from: Option<PoolHandle>,
        /// The new default pool.
        to: PoolHandle,
    },
    /// Reorders the pools of the space.
    SortPools {
        /// The current order.
        before: Vec<PoolHandle>,
        /// The new order, with every pool of the space.
        order: Vec<PoolHandle>,
    },
    /// Turns the built-in worker on or off.
    SetBuiltInWorker {
        /// The new state; the current one is the opposite.
        #[serde(rename = "on")]
        enabled: bool,
    },
}

/// How a document that is stored in Git is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedCommit {
    /// The document and its branch. Nothing else is written to its repository at the same time.
    #[serde(flatten)]
    pub at: BranchRef,
    /// The branch to create this one from, if it does not exist yet.
    pub base: Option<String>,
    /// The commit message.
    pub message: String,
}

impl PlannedCommit {
    /// Returns the same document on the branch that this one is created from, if it does not exist yet.
    pub fn base_document(&self) -> Option<BranchRef> {
        self.base.as_ref().map(|base| self.at.on_branch(base))
    }
}

/// Why a change is in the plan. For people only: no decision may depend on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cause {
    /// The place in the file that requests the change.
    pub location: FindingLocation,
    /// The rule's label, if a placement rule requests the change.
    pub rule: Option<String>,
    /// Further explanation: `"Old Pool" is not declared, and pools are pruned`.
    pub why: Option<String>,
    /// Whether the plan's base asks for the change too; `None` if the plan is not compared with a base.
    pub origin: Option<ChangeOrigin>,
    /// What the base asks for instead, if it asks for another change of the same object.
    pub instead_of: Option<Box<PendingChange>>,
    /// What made the server differ from the files, if the plan shows drift and it is known.
    pub event: Option<Box<AuditEvent>>,
}

impl Change {
    /// Creates a change that is declared in the file and waits for no other.
    pub fn declared(address: Address, kind: ChangeKind, span: &Span) -> Self {
        let location = FindingLocation::Source(span.clone());
        let cause = Cause { location, ..Cause::default() };
        Self { address, kind, cause, after: Vec::new() }
    }
}

impl ChangeKind {
    /// Returns what the write does to its object.
    pub fn action(&self) -> ChangeAction {
        match self {
            Self::CreatePool(_)
            | Self::CreateWorker(_)
            | Self::SetValue { edit: ValueEdit::Add { .. }, .. } => ChangeAction::Create,
            Self::SetValue { edit: ValueEdit::Remove { .. }, .. } => ChangeAction::Delete,
            Self::UpdatePool { .. }
            | Self::UpdateWorker { .. }
            | Self::PlaceStep { .. }
            | Self::SetValue { edit: ValueEdit::Change { .. }, .. }
            | Self::SetTargetPool { .. }
            | Self::SetDefaultPool { .. }
            | Self::SortPools { .. }
            | Self::SetBuiltInWorker { .. } => ChangeAction::Update,
            Self::ReplaceWorker { .. } => ChangeAction::Replace,
            Self::DeletePool { .. } | Self::DeleteWorker { .. } => ChangeAction::Delete,
        }
    }

    /// Returns the stage in which the write is made, counted from 0; lower stages come first.
    pub fn apply_stage(&self) -> u8 {
        match self {
            Self::SetBuiltInWorker { enabled: true } => 0,
            Self::CreatePool(_) | Self::UpdatePool { .. } => 1,
            Self::SortPools { .. } => 2,
            Self::CreateWorker(_) | Self::UpdateWorker { .. } | Self::ReplaceWorker { .. } => 3,
            // A step that switches to a variable finds the value there, and a step that leaves the
            // variable does so before the value is removed.
            Self::SetValue { edit: ValueEdit::Add { .. } | ValueEdit::Change { .. }, .. }
            | Self::SetTargetPool { .. } => 4,
            Self::PlaceStep { .. } => 5,
            Self::SetValue { edit: ValueEdit::Remove { .. }, .. } => 6,
            Self::SetDefaultPool { .. } => 7,
            Self::DeleteWorker { .. } => 8,
            Self::DeletePool { .. } => 9,
            Self::SetBuiltInWorker { enabled: false } => 10,
        }
    }

    /// Returns the permission that the API key's user needs for the write.
    ///
    /// # Source
    ///
    /// `api.md` 3.10.
    pub fn required_permission(&self) -> &'static str {
        match self {
            Self::CreatePool(_)
            | Self::UpdatePool { .. }
            | Self::DeletePool { .. }
            | Self::SetDefaultPool { .. }
            | Self::SortPools { .. }
            | Self::CreateWorker(_)
            | Self::UpdateWorker { .. }
            | Self::ReplaceWorker { .. }
            | Self::DeleteWorker { .. } => "WorkerEdit",
            Self::PlaceStep { kind: ProcessKind::Deployment, .. } => "ProcessEdit",
            Self::PlaceStep { kind: ProcessKind::Runbook, .. } => "RunbookEdit",
            Self::SetValue { .. } => "VariableEdit",
            Self::SetTargetPool { .. } => "MachineEdit",
            Self::SetBuiltInWorker { .. } => "ConfigureServer",
        }
    }

    /// Returns the kind of object that is written.
    pub fn object_kind(&self) -> ObjectKind {
        match self {
            Self::CreatePool(_)
            | Self::UpdatePool { .. }
            | Self::DeletePool { .. }
            | Self::SetDefaultPool { .. }
            | Self::SortPools { .. } => ObjectKind::Pool,
            Self::CreateWorker(_)
            | Self::UpdateWorker { .. }
            | Self::ReplaceWorker { .. }
            | Self::DeleteWorker { .. } => ObjectKind::Worker,
            Self::PlaceStep { .. } => ObjectKind::Placement,
            Self::SetValue { .. } => ObjectKind::Variable,
            Self::SetTargetPool { .. } => ObjectKind::Target,
            Self::SetBuiltInWorker { .. } => ObjectKind::Server,
        }
    }

    /// Returns the commit, if the object is stored in Git.
    pub fn git_commit(&self) -> Option<&PlannedCommit> {
        match self {
            Self::PlaceStep { git, .. } | Self::SetValue { git, .. } => git.as_ref(),
            _ => None,
        }
    }

    /// Returns the server's id of the object, or `None` if it does not exist yet.
    pub fn object_id(&self) -> Option<&str> {
        if let Some(commit) = self.git_commit() {
            return Some(&commit.at.document);
        }
        match self {
            Self::CreatePool(_)
            | Self::CreateWorker(_)
            | Self::SortPools { .. }
            | Self::SetBuiltInWorker { .. } => None,
            Self::UpdatePool { id, .. } | Self::DeletePool { id, .. } => Some(id.as_str()),
            Self::UpdateWorker { id, .. }
            | Self::ReplaceWorker { id, .. }
            | Self::DeleteWorker { id, .. } => Some(id.as_str()),
            Self::PlaceStep { process, .. } => Some(process.as_str()),
            Self::SetValue { set, .. } => Some(set.as_str()),
            Self::SetTargetPool { id, .. } => Some(id.as_str()),
            Self::SetDefaultPool { to, .. } => to.id().map(Id::as_str),
        }
    }

    /// Returns the fields for display, with their current and new values.
    pub fn field_diffs(&self) -> Vec<FieldDiff> {
        match self {
            Self::CreatePool(new) => new.added_fields(),
            Self::UpdatePool { edits, .. } => edits.iter().map(PoolEdit::edited_field).collect(),
            Self::DeletePool { name, .. } | Self::DeleteWorker { name, .. } => {
                vec![FieldDiff::new_removed("name", json!(name))]
            }
            Self::CreateWorker(new) => new.added_fields(),
            Self::UpdateWorker { edits, .. } => {
                edits.iter().flat_map(WorkerEdit::edited_fields).collect()
            }
            Self::ReplaceWorker { name, kind, old, new, .. } => {
                let kind = FieldDiff::new_changed("kind", json!(kind), json!(new.endpoint.kind()));
                let renamed = (*name != new.name)
                    .then(|| FieldDiff::new_changed("name", json!(name), json!(new.name)));
                let others = replacement_diffs(old.as_deref(), new);
                [kind].into_iter().chain(renamed).chain(others).collect()
            }
            Self::PlaceStep { edits, .. } => {
                edits.iter().flat_map(StepEdit::edited_fields).collect()
            }
            Self::SetValue { edit, .. } => edit.edited_fields(),
            Self::SetTargetPool { pool, .. } => {
                vec![pool.to_field_diff("pool", |pool| match pool {
                    Some(pool) => edit::render_pool(pool),
                    None => json!("default"),
                })]
            }
            Self::SetDefaultPool { .. } => {
                vec![FieldDiff::new_changed("default", json!(false), json!(true))]
            }
            Self::SortPools { before, order } => {
                vec![FieldDiff::new_changed(
                    "sort_order",
                    edit::render_pools(before),
                    edit::render_pools(order),
                )]
            }
            Self::SetBuiltInWorker { enabled: on } => {
                vec![FieldDiff::new_changed("built_in_worker", json!(!on), json!(on))]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_saved_in_the_current_form_and_older_ones_are_read() {
        let commit = PlannedCommit {
            at: BranchRef {
                document: "book".into(),
                project: Id::new("Projects-1"),
                repository: "https://git.example/all.git".into(),
                name: "pools".into(),
            },
            base: Some("main".into()),
            message: "Move steps".into(),
        };
        let text = serde_json::to_string(&commit).unwrap();
        insta::assert_snapshot!(text, @r#"{"document":"book","project":"Projects-1","repository":"https://git.example/all.git","branch":"pools","base":"main","message":"Move steps"}"#);
        let older = text.replace(r#""document""#, r#""process""#);
        for saved in [&text, &older] {
            assert_eq!(serde_json::from_str::<PlannedCommit>(saved).unwrap(), commit);
        }
    }
}
