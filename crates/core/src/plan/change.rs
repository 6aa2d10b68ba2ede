//! One write, and why it is there.

use super::{
    Delta, FieldDiff, NewPool, NewWorker, PoolEdit, StepEdit, StepEdits, ValueEdit, WorkerEdit,
    WrittenField, edit, new::replacement_diffs,
};
use crate::{
    finding::{FindingLocation, Span},
    model::{
        Address, BranchRef, DeploymentTarget, Id, LiveEndpoint, Pool, PoolHandle, Process,
        ProcessKind, StepAction, VariableSet, Worker,
    },
};

use serde::{Deserialize, Serialize};
use serde_json::json;

/// One write, and why it is there.
#[derive(Clone, Debug)]
pub struct Change {
    /// What it is about.
    pub address: Address,
    /// What is written.
    pub kind: ChangeKind,
    /// Why. For people: nothing may be decided by it.
    pub cause: Cause,
    /// What has to be made first: earlier changes of the plan, by their addresses.
    pub after: Vec<Address>,
}

/// What is written. One variant a kind of write, so that a `match` that forgets one does not compile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// A pool that is not there yet.
    CreatePool(NewPool),
    /// Edits of a pool that is there.
    UpdatePool {
        /// Which.
        id: Id<Pool>,
        /// Never empty.
        edits: Vec<PoolEdit>,
    },
    /// The end of a pool.
    DeletePool {
        /// Which.
        id: Id<Pool>,
        /// Its name.
        name: String,
    },
    /// A worker that is not there yet.
    CreateWorker(NewWorker),
    /// Edits of a worker that is there.
    UpdateWorker {
        /// Which.
        id: Id<Worker>,
        /// Never empty.
        edits: Vec<WorkerEdit>,
    },
    /// A worker of another kind under the same name: the old one is deleted, the new one created.
    ReplaceWorker {
        /// The old one.
        id: Id<Worker>,
        /// The old one's name.
        name: String,
        /// The kind of the old one.
        kind: String,
        /// What the old one is, to be shown; none where an older tool has saved the plan.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        old: Option<Box<NewWorker<LiveEndpoint>>>,
        /// The new one.
        new: NewWorker,
    },
    /// The end of a worker.
    DeleteWorker {
        /// Which.
        id: Id<Worker>,
        /// Its name.
        name: String,
    },
    /// A step's new place.
    PlaceStep {
        /// The process, which is written once however many of its steps move.
        process: Id<Process>,
        /// Of which kind it is.
        kind: ProcessKind,
        /// How it is written where it is stored in Git; none for one in the server's database.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        git: Option<PlannedCommit>,
        /// The action inside it.
        action: Id<StepAction>,
        /// Never empty.
        #[serde(flatten)]
        edits: StepEdits,
    },
    /// A value of a variable of type worker pool.
    SetValue {
        /// The set that it is in, which is written once however many of its values change.
        set: Id<VariableSet>,
        /// How it is written where it is stored in Git; none for one in the server's database.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        git: Option<PlannedCommit>,
        /// The variable's name.
        name: String,
        /// What becomes of it.
        edit: ValueEdit,
    },
    /// Another pool whose workers act for a deployment target.
    SetTargetPool {
        /// Which target.
        id: Id<DeploymentTarget>,
        /// The pool; none for the space's default pool.
        pool: Delta<Option<PoolHandle>>,
        /// Its field, where it goes back to what it was to the byte: absent, `null` or empty, too.
        #[serde(rename = "exactly", default, skip_serializing_if = "Option::is_none")]
        restored: Option<Box<WrittenField>>,
    },
    /// Another pool becomes the space's default.
    SetDefaultPool {
        /// The pool that is the default now.
        from: Option<PoolHandle>,
        /// The pool that shall be.
        to: PoolHandle,
    },
    /// A new order of all pools.
    SortPools {
        /// The order now.
        before: Vec<PoolHandle>,
        /// The order as it shall be: every pool that there is.
        order: Vec<PoolHandle>,
    },
    /// The built-in worker's switch.
    SetBuiltInWorker {
        /// What it shall be; it is the opposite now.
        #[serde(rename = "on")]
        enabled: bool,
    },
}

/// How something is written that is stored in Git.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedCommit {
    /// What is written, and on which branch. Nothing else is written to its repository at the same time.
    #[serde(flatten)]
    pub at: BranchRef,
    /// The branch that this one is made of, where it is not there yet.
    pub base: Option<String>,
    /// What the commit says.
    pub message: String,
}

impl PlannedCommit {
    /// The same document on the branch that this one is made of, where it is not there yet.
    pub fn base_document(&self) -> Option<BranchRef> {
        self.base.as_ref().map(|base| self.at.on_branch(base))
    }
}

/// What kind of object a change is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectKind {
    /// A worker pool, or all pools of the space.
    Pool,
    /// A worker.
    Worker,
    /// A value of a worker pool variable.
    Variable,
    /// A deployment target.
    Target,
    /// A step of a process.
    Placement,
    /// The server.
    Server,
}

/// What a change does to its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeAction {
    /// Makes it.
    Create,
    /// Changes fields of it.
    Update,
    /// Deletes it and makes another of its name.
    Replace,
    /// Deletes it.
    Delete,
}

/// Why a change is in the plan. For people: nothing may be decided by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The place of the file that asks for it.
    pub location: FindingLocation,
    /// The rule's label, where a rule of placement asks for it.
    pub rule: Option<String>,
    /// More, in words: `"Old Pool" is not declared, and pools are pruned`.
    pub why: Option<String>,
}

impl Change {
    /// A change that a place of the file asks for, and that waits for no other.
    pub fn declared(address: Address, kind: ChangeKind, span: &Span) -> Self {
        let location = FindingLocation::Source(span.clone());
        Self { address, kind, cause: Cause { location, rule: None, why: None }, after: Vec::new() }
    }
}

impl ChangeAction {
    /// Its symbol in text.
    pub fn symbol(self) -> char {
        match self {
            Self::Create => '+',
            Self::Update => '~',
            Self::Replace => '±',
            Self::Delete => '-',
        }
    }

    /// Its word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::Delete => "delete",
        }
    }
}

impl ChangeKind {
    /// What it does.
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

    /// When it is carried out: every change of a lower stage comes first. Counted from 0.
    pub fn apply_stage(&self) -> u8 {
        match self {
            Self::SetBuiltInWorker { enabled: true } => 0,
            Self::CreatePool(_) | Self::UpdatePool { .. } => 1,
            Self::SortPools { .. } => 2,
            Self::CreateWorker(_) | Self::UpdateWorker { .. } | Self::ReplaceWorker { .. } => 3,
            // A step that a variable is about to choose for finds its value there, and one that leaves the
            // variable does so before the value goes.
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

    /// The permission that the key's user needs for it.
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

    /// What kind of object it is about.
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

    /// The commit that it is, of what is stored in Git.
    pub fn git_commit(&self) -> Option<&PlannedCommit> {
        match self {
            Self::PlaceStep { git, .. } | Self::SetValue { git, .. } => git.as_ref(),
            _ => None,
        }
    }

    /// The server's id of the object; none where it is not there yet.
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

    /// The fields as they are shown: what each is and what it shall be.
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
            Self::SetValue { edit, .. } => vec![edit.edited_field()],
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
    fn a_commit_is_saved_in_one_way_and_read_in_the_older_one_too() {
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
