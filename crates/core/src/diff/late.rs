//! What each write of a plan relies on, to be asked again right before it, when earlier writes are done.
//!
//! The first write is preceded by a check of everything ([`find_stale`](super::find_stale)), but the last may be
//! hours later. Pure: what has to be read again is read by the caller. Never: a judgment of the plan itself.

use super::{
    after::{edit_placed_step, planned_pool_id, simulate_changes},
    stale::{source_process, split_lines},
};
use crate::{
    live::{
        Live, LiveStep, LiveWorker, classify_step, describe_built_in_users, describe_pool_users,
    },
    model::{Address, Id, Place, Pool, PoolHandle, PoolKind, Worker},
    plan::{Change, ChangeKind, FactValue, Plan, StepEdit, WorkerEdit},
};

use std::collections::{BTreeSet, HashMap, HashSet};

/// What the writes of a plan rely on, by the change's index in the plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LateExpectations(Vec<LateExpectation>);

/// What a write relies on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LateExpectation {
    /// Pools with the workers that they must still have.
    pub workers: Vec<(PoolHandle, FactValue)>,
    /// A worker that leaves pools, so that it does not count as one of their workers.
    pub leaving: Option<Id<Worker>>,
    /// The pool that must still be the default one.
    pub default_pool: Option<Id<Pool>>,
    /// What may still use the object that is deleted or switched off; `None` for any other write.
    pub users: Option<AllowedUsers>,
    /// What the step must be.
    step: Option<ExpectedStep>,
}

/// What may use an object that is about to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedUsers {
    /// The pool; `None` for the built-in worker.
    pool: Option<Id<Pool>>,
    /// The users that the plan leaves, in words.
    users: BTreeSet<String>,
    /// What could not be read, in words, when the plan was checked.
    unread: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct ExpectedStep {
    identity: FactValue,
    runs_before: FactValue,
    runs_after: FactValue,
}

impl LateExpectations {
    /// Returns what the writes of a plan rely on, given the server's state right before the first of them.
    pub fn new(plan: &Plan, live: &Live) -> Self {
        let changes = &plan.changes;
        let planner = LatePlanner::new(changes, live);
        Self(changes.iter().map(|change| planner.expect_change(change)).collect())
    }

    /// Returns what the write of a change relies on; nothing for an unknown one.
    pub fn get(&self, index: usize) -> Option<&LateExpectation> {
        self.0.get(index)
    }
}

impl LateExpectation {
    /// Checks a step as it is now, about to be changed; `None` if it is gone.
    ///
    /// # Errors
    ///
    /// How it differs from what the plan was made for.
    pub fn check_step(&self, step: Option<&LiveStep>) -> Result<(), String> {
        let (Some(expected), Some(step)) = (&self.step, step) else { return Ok(()) };
        let runs = run_location(step);
        if runs != expected.runs_before && runs != expected.runs_after {
            return Err(mismatch("the step runs", &runs, &expected.runs_before));
        }
        let identity = step_identity(step);
        if expected.identity != identity {
            return Err(mismatch("the step is", &identity, &expected.identity));
        }
        Ok(())
    }
}

impl AllowedUsers {
    /// Checks what uses the object now.
    ///
    /// # Errors
    ///
    /// The users that are new, or what cannot be read any more.
    pub fn check_users(&self, live: &Live) -> Result<(), String> {
        let new: Vec<String> = find_users(live, self.pool.as_ref())
            .into_iter()
            .filter(|user| !self.users.contains(user))
            .collect();
        if !new.is_empty() {
            let subject = if self.pool.is_some() { "the pool" } else { "the built-in worker" };
            return Err(format!("{subject} has a new user: {}", list_some(&new)));
        }
        let unread: Vec<String> =
            describe_unread(live).into_iter().filter(|part| !self.unread.contains(part)).collect();
        if unread.is_empty() {
            return Ok(());
        }
        Err(format!("cannot tell whether something uses it: cannot read {}", list_some(&unread)))
    }
}

/// Returns the level of the best of these workers.
pub fn best_level(workers: impl IntoIterator<Item = WorkerState>) -> FactValue {
    let best = workers.into_iter().max().unwrap_or(WorkerState::Unusable);
    match best {
        WorkerState::Unusable => FactValue::NoEnabledWorker,
        WorkerState::Enabled => FactValue::EnabledWorker,
        WorkerState::Healthy => FactValue::HealthyWorker,
    }
}

/// What a worker can do, the best last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WorkerState {
    /// It gets no work.
    Unusable,
    /// It may get work.
    Enabled,
    /// It gets work.
    Healthy,
}

impl WorkerState {
    /// Returns the state of a worker.
    pub fn new(is_enabled: bool, is_healthy: bool) -> Self {
        if !is_enabled {
            Self::Unusable
        } else if is_healthy {
            Self::Healthy
        } else {
            Self::Enabled
        }
    }
}

/// Describes what is there instead of what the plan was made for.
fn mismatch(subject: &str, now: &FactValue, expected: &FactValue) -> String {
    let describe = |value: &FactValue| value.describe(|pool| pool.as_str().to_owned());
    format!("{subject} {}, but the plan expected {}", describe(now), describe(expected))
}

/// The state before and after the plan, as far as late checks need it.
struct LatePlanner<'a> {
    live: &'a Live,
    steps: HashMap<(&'a str, &'a str), &'a LiveStep>,
    /// After the changes to pools and workers, without the deletions.
    staffed: Live,
    /// Before anything is deleted or switched off, and once the pools are deleted. The two differ in more than the
    /// deleted pools: a server whose last dynamic pool is gone no longer looks like Octopus Cloud.
    settled: Vec<Live>,
    /// After the whole plan.
    workers_left: HashSet<Id<Worker>>,
    /// Workers whose health the plan itself puts in doubt.
    touched: HashSet<&'a Id<Worker>>,
}

impl<'a> LatePlanner<'a> {
    fn new(changes: &'a [Change], live: &'a Live) -> Self {
        let up_to = |stage: u8| -> Vec<Change> {
            changes.iter().filter(|change| change.kind.apply_stage() <= stage).cloned().collect()
        };
        let removes = |change: &Change| removes_something(&change.kind);
        let processes = live.processes.iter();
        let steps = processes.flat_map(|process| {
            let step_key = |step: &'a LiveStep| ((process.id.as_str(), step.id.as_str()), step);
            process.steps.iter().map(step_key)
        });
        let deleted: HashSet<_> =
            changes.iter().filter_map(|it| deleted_worker(&it.kind)).collect();
        let left = live.workers.iter().map(|it| &it.id).filter(|id| !deleted.contains(id));
        Self {
            live,
            steps: steps.collect(),
            staffed: simulate_changes(live, &up_to(WORKERS_DONE)),
            settled: if changes.iter().any(removes) {
                [STEPS_DONE, POOLS_DELETED]
                    .map(|stage| simulate_changes(live, &up_to(stage)))
                    .into()
            } else {
                Vec::new()
            },
            workers_left: left.cloned().collect(),
            touched: changes.iter().filter_map(|it| touched_worker(&it.kind)).collect(),
        }
    }

    fn expect_change(&self, change: &Change) -> LateExpectation {
        let default_pool = || self.live.default_pool().map(|pool| pool.id.clone());
        let led_to = |pool: Option<&PoolHandle>| LateExpectation {
            workers: pool.and_then(|pool| self.expect_workers(pool)).into_iter().collect(),
            ..LateExpectation::default()
        };
        match &change.kind {
            ChangeKind::PlaceStep { edits, .. } => {
                let goes_to_default = edits.iter().any(|edit| {
                    matches!(edit, StepEdit::Place(place) if *place.after() == Place::DefaultPool)
                });
                LateExpectation {
                    step: self.expect_step(change),
                    default_pool: goes_to_default.then(default_pool).flatten(),
                    ..led_to(edits.pool_after())
                }
            }
            ChangeKind::SetValue { edit, .. } => led_to(edit.pool_after()),
            ChangeKind::SetTargetPool { pool, .. } => match pool.after() {
                Some(pool) => led_to(Some(pool)),
                None => {
                    LateExpectation { default_pool: default_pool(), ..LateExpectation::default() }
                }
            },
            ChangeKind::SetDefaultPool { to, .. } => led_to(Some(to)),
            ChangeKind::DeletePool { id, .. } => self.allow_users(Some(id)),
            ChangeKind::SetBuiltInWorker { enabled: false } => self.allow_users(None),
            ChangeKind::DeleteWorker { id, .. } => self.expect_others(id, |_| true),
            ChangeKind::UpdateWorker { id, edits } => {
                let leaves = |pool: &Id<Pool>| edits.iter().any(|edit| leaves_pool(edit, pool));
                self.expect_others(id, leaves)
            }
            // The health of a replaced worker that comes back is unknown.
            ChangeKind::ReplaceWorker { id, .. } => self.expect_others(id, |_| true),
            ChangeKind::CreatePool(_)
            | ChangeKind::UpdatePool { .. }
            | ChangeKind::CreateWorker(_)
            | ChangeKind::SortPools { .. }
            | ChangeKind::SetBuiltInWorker { enabled: true } => LateExpectation::default(),
        }
    }

    /// Returns the workers that a pool must still have when steps come to it; `None` if it needs none.
    fn expect_workers(&self, pool: &PoolHandle) -> Option<(PoolHandle, FactValue)> {
        let id = planned_pool_id(pool);
        self.staffed.find_pool(&id).filter(|pool| pool.kind == PoolKind::Static)?;
        let level = best_level(self.staffed.pool_members(&id).map(|worker| {
            // The plan itself may put the health of a worker in doubt.
            let is_known = self.is_lasting(&worker.id);
            WorkerState::new(!worker.disabled, is_known && worker.health.can_take_work())
        }));
        (level != FactValue::NoEnabledWorker).then(|| (pool.clone(), level))
    }

    /// Returns what the pools that a worker leaves must still have without it.
    fn expect_others(
        &self,
        id: &Id<Worker>,
        leaves: impl Fn(&Id<Pool>) -> bool,
    ) -> LateExpectation {
        let worker = self.live.workers.iter().find(|worker| worker.id == *id);
        let pools = worker.into_iter().flat_map(|worker| &worker.pools).filter(|pool| leaves(pool));
        let expect_pool = |pool: &Id<Pool>| {
            let known = self.live.find_pool(pool).filter(|pool| pool.kind == PoolKind::Static)?;
            let others = self.live.pool_members(pool).filter(|worker| worker.id != *id);
            let stay = others.filter(|worker| self.stays_in(worker, pool));
            let level =
                best_level(stay.map(|it| WorkerState::new(true, it.health.can_take_work())));
            let handle = PoolHandle::Existing {
                id: pool.clone(),
                address: Address::Pool(known.name.as_str().to_owned()),
            };
            (level != FactValue::NoEnabledWorker).then_some((handle, level))
        };
        LateExpectation {
            workers: pools.filter_map(expect_pool).collect(),
            leaving: Some(id.clone()),
            ..LateExpectation::default()
        }
    }

    /// Whether a worker is enabled and in a pool, before the plan and after it.
    fn stays_in(&self, worker: &LiveWorker, pool: &Id<Pool>) -> bool {
        let mut after = self.staffed.pool_members(pool);
        !worker.disabled && self.is_lasting(&worker.id) && after.any(|it| it.id == worker.id)
    }

    /// Whether a worker exists before the plan and after it, and is reached in the same way.
    fn is_lasting(&self, id: &Id<Worker>) -> bool {
        self.workers_left.contains(id) && !self.touched.contains(id)
    }

    fn allow_users(&self, pool: Option<&Id<Pool>>) -> LateExpectation {
        let settled = self.settled.iter();
        let users = AllowedUsers {
            pool: pool.cloned(),
            users: settled.flat_map(|live| find_users(live, pool)).collect(),
            unread: describe_unread(self.live).into_iter().collect(),
        };
        LateExpectation { users: Some(users), ..LateExpectation::default() }
    }

    fn expect_step(&self, change: &Change) -> Option<ExpectedStep> {
        let ChangeKind::PlaceStep { process, git, action, edits, .. } = &change.kind else {
            return None;
        };
        let source = source_process(process, git.as_ref());
        let step = *self.steps.get(&(source.as_str(), action.as_str()))?;
        let mut after = step.clone();
        edit_placed_step(&mut after, edits);
        Some(ExpectedStep {
            identity: step_identity(step),
            runs_before: run_location(step),
            runs_after: run_location(&after),
        })
    }
}

/// The last stage that changes pools and workers without deleting any.
const WORKERS_DONE: u8 = 3;
/// The last stage before workers and pools are deleted.
const STEPS_DONE: u8 = 8;
/// The last stage before the built-in worker is switched off.
const POOLS_DELETED: u8 = 9;

fn removes_something(kind: &ChangeKind) -> bool {
    matches!(kind, ChangeKind::DeletePool { .. } | ChangeKind::SetBuiltInWorker { enabled: false })
}

fn deleted_worker(kind: &ChangeKind) -> Option<&Id<Worker>> {
    match kind {
        ChangeKind::DeleteWorker { id, .. } | ChangeKind::ReplaceWorker { id, .. } => Some(id),
        _ => None,
    }
}

/// Returns the worker whose health is not known after a change.
fn touched_worker(kind: &ChangeKind) -> Option<&Id<Worker>> {
    match kind {
        ChangeKind::UpdateWorker { id, edits } => {
            let resets = |edit: &WorkerEdit| {
                matches!(edit, WorkerEdit::Endpoint(_) | WorkerEdit::Disabled(_))
            };
            edits.iter().any(resets).then_some(id)
        }
        _ => None,
    }
}

/// Whether a worker gets no more work from a pool after an edit.
fn leaves_pool(edit: &WorkerEdit, pool: &Id<Pool>) -> bool {
    match edit {
        WorkerEdit::Pools(pools) => pools.after().iter().all(|after| after.id() != Some(pool)),
        WorkerEdit::Disabled(disabled) => *disabled.after(),
        WorkerEdit::Endpoint(_) => true,
        WorkerEdit::Name(_) | WorkerEdit::Slug(_) | WorkerEdit::Policy(_) => false,
    }
}

/// Describes the users of a pool, or of the built-in worker.
fn find_users(live: &Live, pool: Option<&Id<Pool>>) -> Vec<String> {
    let users = match pool {
        Some(pool) => describe_pool_users(live, pool),
        None => describe_built_in_users(live),
    };
    match split_lines(users) {
        FactValue::Users(users) => users,
        _ => Vec::new(),
    }
}

fn describe_unread(live: &Live) -> Vec<String> {
    live.unread.iter().map(|part| part.what.clone()).collect()
}

fn run_location(step: &LiveStep) -> FactValue {
    FactValue::Runs(classify_step(step), step.has_siblings)
}

fn step_identity(step: &LiveStep) -> FactValue {
    FactValue::Identity(step.display_name().to_string(), step.action_type.clone())
}

/// Lists the first of several texts.
fn list_some(texts: &[String]) -> String {
    const SHOWN: usize = 3;
    let shown = texts.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match texts.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown}, and {more} more"),
    }
}

#[cfg(test)]
mod tests;
