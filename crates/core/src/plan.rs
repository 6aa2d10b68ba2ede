//! The plan, as data: what would be written, in what order, and why.
//!
//! A plan leaves nothing to choose: `apply` carries it out and decides nothing. Never: computing a
//! change (`diff`), showing one (`render`), or making one (`apply`).

mod change;
mod check;
mod edit;
mod fact;
mod field;
pub mod file;
mod new;
#[cfg(test)]
pub(crate) mod sample;
mod step_edits;
mod touches;
mod value_edit;
mod written_field;

pub use change::{Cause, Change, ChangeAction, ChangeKind, ObjectKind, PlannedCommit};
pub use check::{PlanFlaw, check_soundness};
pub(crate) use edit::endpoint_fields;
pub use edit::{Delta, Feed, FieldDiff, PoolEdit, StepEdit, WorkerEdit};
pub(crate) use fact::ABSENT;
pub use fact::{Expectation, Fact, FactValue, StepFact};
pub use field::{
    CommonField, EndpointField, Field, PoolField, ServerField, SpaceField, StepField, StepPart,
    TargetField, UnknownFieldError, ValueField, WorkerField,
};
pub use new::{NewPool, NewWorker};
pub use step_edits::StepEdits;
pub(crate) use step_edits::{container_from_fields, place_from_fields};
pub use touches::{Affected, Touches};
pub use value_edit::{PlannedValueScope, RestoredValue, ValueEdit};
pub use written_field::{FieldSide, WrittenField};

use crate::{
    finding::{Finding, Level},
    model::{Linked, PoolHandle, Space},
    scope::ReadScope,
};

use serde::{Deserialize, Serialize};

/// What would be written, and what there is to know about it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What it was made of and for.
    pub header: PlanHeader,
    /// The changes, each behind all that it waits for.
    pub changes: Vec<Change>,
    /// Gates and warnings.
    pub findings: Vec<Finding>,
    /// What the plan relies on beyond the fields that it changes.
    pub expectations: Vec<Expectation>,
    /// What the pools that get steps must have; each pool at most once.
    pub requirements: Vec<PoolRequirement>,
    /// Steps that will run elsewhere although no change names them.
    pub affected: Affected,
}

/// What a plan was made of and for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanHeader {
    /// The server, as the user named it.
    pub url: String,
    /// Its version.
    pub server_version: String,
    /// The space.
    pub space: Linked<Space>,
    /// The files, as the user named them.
    pub files: Vec<String>,
    /// `sha256:` and the digest of the files' texts.
    pub digest: String,
    /// What was read, and is read again before the plan is carried out.
    pub scope: ReadScope,
    /// Who asks for the changes.
    pub origin: PlanOrigin,
}

/// Who asks for the changes of a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanOrigin {
    /// The files.
    #[default]
    Files,
    /// The receipt of an apply, which the plan undoes.
    Rollback,
}

/// What a pool must have before steps are placed in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolRequirement {
    /// The pool.
    pub pool: PoolHandle,
    /// The number of healthy workers that it must have; at least 1.
    pub healthy: u32,
}

/// A pool that gets steps. Not part of a plan, since it depends on the state of the server as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The pool.
    pub pool: PoolHandle,
    /// The number of healthy workers that it must have first; at least 1.
    pub healthy: u32,
    /// The changes that send steps to it, by their indices in the plan.
    pub changes: Vec<usize>,
}

/// How many changes of each kind there are, and how many findings of each level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanSummary {
    /// Changes that create.
    pub create: usize,
    /// Changes that update.
    pub update: usize,
    /// Changes that replace.
    pub replace: usize,
    /// Changes that delete.
    pub delete: usize,
    /// Findings that refuse the plan.
    pub denied: usize,
    /// Findings that do not.
    pub warnings: usize,
}

/// A plan that nothing forbids, and the only thing that `apply` takes.
#[derive(Debug)]
pub struct ApprovedPlan(Plan);

impl Plan {
    /// The plan as one that may be carried out.
    ///
    /// # Errors
    ///
    /// The plan itself, where a finding forbids it.
    pub fn approve(self) -> Result<ApprovedPlan, Box<Self>> {
        match self.findings.iter().all(|finding| finding.level == Level::Warn) {
            true => Ok(ApprovedPlan(self)),
            false => Err(Box::new(self)),
        }
    }

    /// What weighs most among the findings.
    pub fn highest_level(&self) -> Option<Level> {
        self.findings.iter().map(|finding| finding.level).max()
    }

    /// The counts.
    pub fn summarize(&self) -> PlanSummary {
        let count_action =
            |action| self.changes.iter().filter(|change| change.kind.action() == action).count();
        let warnings = self.findings.iter().filter(|finding| finding.level == Level::Warn).count();
        PlanSummary {
            create: count_action(ChangeAction::Create),
            update: count_action(ChangeAction::Update),
            replace: count_action(ChangeAction::Replace),
            delete: count_action(ChangeAction::Delete),
            denied: self.findings.len() - warnings,
            warnings,
        }
    }
}

impl ApprovedPlan {
    /// The plan, to look at.
    pub fn plan(&self) -> &Plan {
        &self.0
    }
}
