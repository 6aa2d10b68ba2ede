//! Whether the server is still as a plan expects it: what the plan changes, and what else it relies on.
//!
//! Edits of anything else do not matter. Never: judging whether the plan would still be a good one.

mod fields;
mod observer;

use crate::{
    live::Live,
    model::{Address, Id, Place, PoolHandle, Process, VariableSet},
    plan::{Change, ChangeKind, Expectation, Fact, Plan, PlannedCommit, StepEdit, StepFact},
};

use observer::Observer;
use std::collections::BTreeSet;

/// Something that is no longer as a plan expects it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaleExpectation {
    /// What it is about; none for what has no address.
    pub address: Option<Address>,
    /// Which field or fact.
    pub field: String,
    /// What the plan expects.
    pub expected: String,
    /// What is there.
    pub found: String,
}

/// What a plan expects and `live` no longer has; empty where the plan may be carried out.
pub fn find_stale(plan: &Plan, live: &Live) -> Vec<StaleExpectation> {
    let observer = Observer::new(live);
    let fields = plan.changes.iter().flat_map(|change| fields::stale_fields(change, &observer));
    let facts = plan.expectations.iter().filter_map(|expectation| {
        observer.check_expectation(expectation, fact_address(plan, &expectation.fact))
    });
    fields.chain(facts).collect()
}

/// What `changes` rely on beyond the fields that they change, as it is in `live`.
pub(super) fn plan_expectations(changes: &[Change], live: &Live) -> Vec<Expectation> {
    let observer = Observer::new(live);
    let facts: BTreeSet<_> = changes.iter().flat_map(related_facts).collect();
    facts.into_iter().map(|fact| observer.expect_fact(fact)).collect()
}

/// What a change relies on and does not change.
fn related_facts(change: &Change) -> Vec<Fact> {
    let workers = |pool: &PoolHandle| pool.id().cloned().map(Fact::PoolWorkers);
    match &change.kind {
        // The server never deletes a default pool.
        ChangeKind::DeletePool { id, .. } => vec![Fact::PoolUsers(id.clone()), Fact::DefaultPool],
        ChangeKind::PlaceStep { process, git, action, edits, .. } => {
            let process = source_process(process, git.as_ref());
            let step = [StepFact::Runs, StepFact::Identity]
                .map(|fact| Fact::Step(process.clone(), action.clone(), fact));
            let pools = edits.iter().filter_map(|edit| match edit {
                StepEdit::Place(place) => match place.after() {
                    Place::Pool(pool) => workers(pool),
                    Place::DefaultPool => Some(Fact::DefaultPool),
                    Place::Variable(_) => None,
                },
                StepEdit::Execution { .. } | StepEdit::Container(_) => None,
            });
            step.into_iter().chain(pools).collect()
        }
        ChangeKind::SetValue { edit, .. } => {
            edit.pool_after().and_then(workers).into_iter().collect()
        }
        ChangeKind::SetTargetPool { pool, .. } => match pool.after() {
            Some(pool) => workers(pool).into_iter().collect(),
            None => vec![Fact::DefaultPool],
        },
        ChangeKind::SetDefaultPool { to, .. } => {
            workers(to).into_iter().chain([Fact::DefaultPool]).collect()
        }
        ChangeKind::SortPools { .. } => vec![Fact::PoolOrder],
        ChangeKind::SetBuiltInWorker { enabled: false } => vec![Fact::BuiltInWorkerUsers],
        ChangeKind::CreatePool(_)
        | ChangeKind::UpdatePool { .. }
        | ChangeKind::CreateWorker(_)
        | ChangeKind::UpdateWorker { .. }
        | ChangeKind::ReplaceWorker { .. }
        | ChangeKind::DeleteWorker { .. }
        | ChangeKind::SetBuiltInWorker { enabled: true } => Vec::new(),
    }
}

/// The process that a change was planned from: on a branch that is yet to be made, that of its base.
fn source_process(process: &Id<Process>, git: Option<&PlannedCommit>) -> Id<Process> {
    let base = git.and_then(PlannedCommit::base_document);
    base.map_or_else(|| process.clone(), |base| base.process_id())
}

/// The set of variables that a change was planned from.
fn source_variable_set(set: &Id<VariableSet>, git: Option<&PlannedCommit>) -> Id<VariableSet> {
    let base = git.and_then(PlannedCommit::base_document);
    base.map_or_else(|| set.clone(), |base| base.variable_set_id())
}

/// The address that a fact is about, as the plan knows it.
fn fact_address<'a>(plan: &'a Plan, fact: &Fact) -> Option<&'a Address> {
    let is_about = |change: &&Change| match (fact, &change.kind) {
        (
            Fact::Step(process, action, _),
            ChangeKind::PlaceStep { process: placed, git, action: placed_action, .. },
        ) => action == placed_action && *process == source_process(placed, git.as_ref()),
        (Fact::PoolUsers(pool), ChangeKind::DeletePool { id, .. }) => pool == id,
        (Fact::BuiltInWorkerUsers, ChangeKind::SetBuiltInWorker { .. })
        | (Fact::PoolOrder, ChangeKind::SortPools { .. }) => true,
        _ => false,
    };
    plan.changes.iter().find(is_about).map(|change| &change.address)
}
