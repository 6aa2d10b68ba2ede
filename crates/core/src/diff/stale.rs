//! Whether the server is still as a plan expects it: what the plan changes, what it calls by name, and what else it
//! relies on.
//!
//! Edits of anything else do not matter. What a change relies on is computed from the change, so that a saved plan
//! cannot leave it out. Never: judging whether the plan would still be a good one.

mod applied;
mod fields;
mod labels;
mod links;
mod observer;

use crate::{
    live::Live,
    model::{Address, Id, Place, PoolHandle, Process, VariableSet},
    plan::{
        Change, ChangeKind, Expectation, Fact, FactValue, Plan, PlannedCommit, StepEdit, StepFact,
    },
};

pub use applied::find_applied;
use labels::LabelChecker;
use observer::Observer;
pub(super) use observer::split_lines;
use std::collections::{BTreeMap, BTreeSet};

/// What a plan expects if it expects nothing to be there: "… is there, but the plan expects none".
const NONE: &str = "none";

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
    let mut stale: Vec<_> = fields.collect();
    stale.extend(labels::stale_space(plan, live));
    stale.extend(LabelChecker::check_plan(plan, &observer));
    let stated: BTreeMap<&Fact, &FactValue> =
        plan.expectations.iter().map(|it| (&it.fact, &it.expected)).collect();
    let relied: BTreeSet<Fact> = plan.changes.iter().flat_map(related_facts).collect();
    for fact in &relied {
        let address = fact_address(plan, fact);
        let Some(found) = observer.check_fact(fact, stated.get(fact).copied(), address) else {
            continue;
        };
        // The default pool and the order of the pools may be fields of a change too.
        let is_field =
            |other: &StaleExpectation| (&other.field, &other.found) == (&found.field, &found.found);
        let may_be_field = matches!(fact, Fact::DefaultPool | Fact::PoolOrder);
        if !(may_be_field && stale.iter().any(is_field)) {
            stale.push(found);
        }
    }
    stale
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
pub(super) fn source_process(process: &Id<Process>, git: Option<&PlannedCommit>) -> Id<Process> {
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
