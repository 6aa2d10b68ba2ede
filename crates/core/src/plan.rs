//! The plan, as data: what would be written, in what order, and why.
//!
//! A plan leaves nothing to decide: `apply` carries it out as is. Not here: computing a change
//! (`diff`), showing one (`render`), or carrying one out (`apply`).

mod accepted;
mod action;
mod census;
mod change;
mod check;
mod comparison;
mod consequences;
mod denied_warnings;
mod digest;
mod drift;
mod edit;
mod execution_place;
mod fact;
mod field;
pub mod file;
mod gate_settings;
mod new;
mod pool_handles;
#[cfg(test)]
pub(crate) mod sample;
mod settle;
mod stamp;
mod step_edits;
mod touches;
mod value_edit;
mod written_field;

pub use accepted::{AcceptedFinding, SettleContext};
pub use action::{ChangeAction, ObjectKind};
pub use census::{PlaceContents, PlaceTally, StepFlow};
pub use change::{Cause, Change, ChangeKind, PlannedCommit};
pub use check::{PlanFlaw, check_soundness};
pub use comparison::{ActionCounts, BaseComparison, PendingChange, UndoneFinding};
pub use consequences::{Consequences, DefaultPool, MovedStep};
pub use denied_warnings::{DeniedWarnings, UnknownWarningsError};
pub use digest::PlanDigest;
pub use drift::{AuditEvent, DriftReport};
pub(crate) use edit::{DEFAULT_WORD, endpoint_fields};
pub use edit::{Delta, Feed, FieldDiff, PoolEdit, StepEdit, WorkerEdit};
pub use execution_place::ExecutionPlace;
pub(crate) use fact::ABSENT;
pub use fact::{Expectation, Fact, FactValue, StepFact};
pub use field::{
    CommonField, EndpointField, Field, PoolField, ServerField, SpaceField, StepField, StepPart,
    TargetField, UnknownFieldError, ValueField, WorkerField,
};
pub use gate_settings::{DeclaredPool, GateLevel, GateSettings, OwnPlace};
pub use new::{
    NewPool, NewWorker, RestoredWorker, final_worker_slug, interim_worker_name, interim_worker_slug,
};
pub use settle::SettledFindings;
pub use stamp::{FileDigest, PlanStamp, SourceCommit};
pub use step_edits::StepEdits;
pub(crate) use step_edits::{container_from_fields, place_from_fields};
pub use touches::{Affected, Touches};
pub use value_edit::{PlannedValueScope, RestoredValue, ValueEdit};
pub use written_field::{FieldSide, WrittenField};

use crate::{
    finding::{Finding, Level},
    model::{Linked, PoolHandle, ProcessKind, Space},
    scope::{PlannedWrites, ReadScope},
};

use serde::{Deserialize, Serialize};

/// What would be written, and what to know before it is.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where the plan comes from and which server it is for.
    pub header: PlanHeader,
    /// The changes, each after every change that it waits for.
    pub changes: Vec<Change>,
    /// Gates and warnings.
    pub findings: Vec<Finding>,
    /// What the files accept.
    pub accepted: Vec<AcceptedFinding>,
    /// What the plan relies on besides the fields that it changes.
    pub expectations: Vec<Expectation>,
    /// What the pools that receive steps must have; each pool at most once.
    pub requirements: Vec<PoolRequirement>,
    /// What the changes lead to, for people.
    pub consequences: Consequences,
    /// What the gates depend on besides the changes and the server.
    pub gates: GateSettings,
    /// What the plan's base asks for, if it is compared with one.
    pub comparison: Option<BaseComparison>,
    /// That the plan shows drift, if it does; each change then has the event that caused it, if that is known.
    pub drift: Option<DriftReport>,
}

/// Where a plan comes from and which server it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanHeader {
    /// The server's URL, as the user gave it.
    pub url: String,
    /// The server's version.
    pub server_version: String,
    /// The space.
    pub space: Linked<Space>,
    /// The files, as the user gave them.
    pub files: Vec<String>,
    /// `sha256:` and the digest of the files' texts.
    pub digest: String,
    /// What was read, and is read again before the plan is applied.
    pub scope: ReadScope,
    /// What requested the changes.
    pub origin: PlanOrigin,
    /// How the plan was made.
    pub stamp: PlanStamp,
}

/// What requested the changes of a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanOrigin {
    /// The files.
    #[default]
    Files,
    /// The receipt of an apply that the plan undoes.
    Rollback,
}

impl PlanOrigin {
    /// Returns whether files requested the changes.
    pub fn is_files(&self) -> bool {
        *self == Self::Files
    }
}

/// What a pool must have before steps are placed in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolRequirement {
    /// The pool.
    pub pool: PoolHandle,
    /// The number of healthy workers that the pool must have; at least 1.
    pub healthy: u32,
}

/// A pool that receives steps. Not part of a plan, since it also depends on the state of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The pool.
    pub pool: PoolHandle,
    /// The number of healthy workers that the pool must have first; at least 1.
    pub healthy: u32,
    /// The changes that move steps to the pool, by their indices in the plan.
    pub changes: Vec<usize>,
}

/// The number of changes of each kind and of findings of each level.
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
    /// Findings that block the plan.
    pub denied: usize,
    /// Findings that do not block it.
    pub warnings: usize,
}

/// A plan without blocking findings; the only kind that `apply` accepts.
#[derive(Debug)]
pub struct ApprovedPlan(Plan);

impl Plan {
    /// Returns a plan that changes nothing and reports nothing.
    pub fn empty(header: PlanHeader) -> Self {
        Self {
            header,
            changes: Vec::new(),
            findings: Vec::new(),
            accepted: Vec::new(),
            expectations: Vec::new(),
            requirements: Vec::new(),
            consequences: Consequences::default(),
            gates: GateSettings::default(),
            comparison: None,
            drift: None,
        }
    }

    /// Returns the plan as one that may be applied.
    ///
    /// # Errors
    ///
    /// Returns the plan itself if a finding blocks it.
    pub fn approve(self) -> Result<ApprovedPlan, Box<Self>> {
        if self.findings.iter().all(|finding| finding.level == Level::Warn) {
            Ok(ApprovedPlan(self))
        } else {
            Err(Box::new(self))
        }
    }

    /// Gives each finding its level, and moves what the files accept to [`accepted`](Self::accepted).
    ///
    /// What was accepted before is settled again, so that nothing stays accepted without a rule.
    #[must_use]
    pub fn settle_findings(self, context: &SettleContext) -> Self {
        let accepted = self.accepted.into_iter().map(|it| it.finding);
        let findings = self.findings.into_iter().chain(accepted).collect();
        let SettledFindings { findings, accepted } = self.gates.settle(findings, context);
        Self { findings, accepted, ..self }
    }

    /// Returns the highest level among the findings.
    pub fn highest_level(&self) -> Option<Level> {
        self.findings.iter().map(|finding| finding.level).max()
    }

    /// Returns what the changes write, as far as it matters for what has to be read before they are applied.
    pub fn planned_writes(&self) -> PlannedWrites {
        let mut writes = PlannedWrites::default();
        for change in &self.changes {
            match &change.kind {
                ChangeKind::CreateWorker(_)
                | ChangeKind::UpdateWorker { .. }
                | ChangeKind::ReplaceWorker { .. }
                | ChangeKind::DeleteWorker { .. } => writes.workers = true,
                ChangeKind::PlaceStep { kind, edits, .. } => {
                    writes.destinations = true;
                    writes.deployments |= *kind == ProcessKind::Deployment;
                    writes.runbooks |= *kind == ProcessKind::Runbook;
                    let is_container = |edit: &StepEdit| matches!(edit, StepEdit::Container(_));
                    writes.containers |= edits.iter().any(is_container);
                }
                ChangeKind::SetValue { edit, .. } => {
                    (writes.destinations, writes.indirect) = (true, true);
                    writes.scoped_values |=
                        edit.planned_scope().is_some_and(|scope| !scope.describe().is_empty());
                }
                ChangeKind::SetTargetPool { .. } => {
                    (writes.destinations, writes.indirect) = (true, true);
                }
                ChangeKind::SetDefaultPool { .. } => writes.destinations = true,
                ChangeKind::SetBuiltInWorker { enabled } => {
                    writes.server = true;
                    writes.switches_off |= !enabled;
                }
                ChangeKind::DeletePool { .. } => writes.deletes_pools = true,
                ChangeKind::CreatePool(_)
                | ChangeKind::UpdatePool { .. }
                | ChangeKind::SortPools { .. } => {}
            }
        }
        writes
    }

    /// Counts the changes and findings.
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
    /// Returns the plan for reading.
    pub fn plan(&self) -> &Plan {
        &self.0
    }
}
