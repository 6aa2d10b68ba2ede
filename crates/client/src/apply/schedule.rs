//! The schedule of changes: a pure state machine that tracks which change waits for which.
//!
//! Changes to one process form a unit, since a process is written as a whole, and so do changes to one variable
//! set. Units start stage by stage, and run concurrently within a stage. If changes wait for the workers of a
//! pool, the schedule also says when to check these: once everything before is done, so that they exist.
//! Never: I/O, or the content of a change beyond the object it affects.

use super::StopReason;
use poolwright_core::{
    model::{Address, Id, Process, VariableSet},
    plan::{Arrival, Change, ChangeAction, ChangeKind, ObjectKind, PoolEdit, WorkerEdit},
    text::fold_case,
};

use std::collections::{BTreeSet, HashMap};

/// The next action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NextAction {
    /// Apply these changes with one write.
    Start(Vec<usize>),
    /// Check the workers that changes wait for, given as indices into the arrivals.
    CheckHealth(Vec<usize>),
    /// Skip this change.
    Skip {
        /// The change's index.
        index: usize,
        /// Why.
        because: String,
    },
}

/// The state of every change.
pub(super) struct Schedule {
    parallelism: usize,
    changes: Vec<ScheduledChange>,
    units: Vec<WriteUnit>,
    /// Units that have not started, by stage and then by order.
    waiting: BTreeSet<(u8, usize)>,
    /// Units that have started, by stage.
    under_way: BTreeSet<(u8, usize)>,
    /// The checks of workers that changes wait for.
    health_checks: Vec<ScheduledHealthCheck>,
}

struct ScheduledChange {
    address: String,
    unit: usize,
    /// The changes that wait for this one.
    dependents: Vec<usize>,
    /// Why this change can never start.
    lost: Option<String>,
    state: ScheduleState,
}

/// A check of workers, and the changes that wait for it.
struct ScheduledHealthCheck {
    /// The first stage in which a change waits.
    stage: u8,
    changes: Vec<usize>,
    state: ScheduleState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ScheduleState {
    Waiting,
    UnderWay,
    Ended,
}

struct WriteUnit {
    stage: u8,
    changes: Vec<usize>,
    /// The number of changes of other units, and health checks, that must end first.
    waits: usize,
    /// The number of its changes that have not ended.
    open: usize,
}

/// A document that is written as a whole for several changes.
#[derive(PartialEq, Eq, Hash)]
enum SharedDocument<'a> {
    Process(&'a Id<Process>),
    /// By stage, since values are removed later than others are added.
    Values(u8, &'a Id<VariableSet>),
}

impl<'a> SharedDocument<'a> {
    fn from_kind(kind: &'a ChangeKind) -> Option<Self> {
        match kind {
            ChangeKind::PlaceStep { process, .. } => Some(Self::Process(process)),
            ChangeKind::SetValue { set, .. } => Some(Self::Values(kind.apply_stage(), set)),
            _ => None,
        }
    }
}

impl Schedule {
    /// Returns a schedule in which no change has started. `arrivals` wait for workers; `parallelism` is at
    /// least one unit.
    pub(super) fn new(changes: &[Change], arrivals: &[Arrival], parallelism: usize) -> Self {
        let mut units: Vec<WriteUnit> = Vec::new();
        let mut shared_units: HashMap<SharedDocument, usize> = HashMap::new();
        let mut nodes: Vec<ScheduledChange> = Vec::with_capacity(changes.len());
        for (index, change) in changes.iter().enumerate() {
            let stage = change.kind.apply_stage();
            let next = units.len();
            let unit = match SharedDocument::from_kind(&change.kind) {
                Some(document) => *shared_units.entry(document).or_insert(next),
                None => next,
            };
            if unit == next {
                units.push(WriteUnit { stage, changes: Vec::new(), waits: 0, open: 0 });
            }
            if let Some(unit) = units.get_mut(unit) {
                unit.changes.push(index);
                unit.open += 1;
            }
            nodes.push(ScheduledChange {
                address: change.address.to_string(),
                unit,
                dependents: Vec::new(),
                lost: None,
                state: ScheduleState::Waiting,
            });
        }
        let waiting = units.iter().enumerate().map(|(at, unit)| (unit.stage, at)).collect();
        let under_way = BTreeSet::new();
        let parallelism = parallelism.max(1);
        let health_checks = Vec::new();
        let mut schedule =
            Self { parallelism, changes: nodes, units, waiting, under_way, health_checks };
        for (index, first) in ordering_edges(changes) {
            schedule.add_edge(index, first);
        }
        for arrival in arrivals {
            schedule.hold_for_check(&arrival.changes);
        }
        schedule
    }

    /// Makes changes wait until workers have been checked.
    fn hold_for_check(&mut self, changes: &[usize]) {
        let mut check = ScheduledHealthCheck {
            stage: u8::MAX,
            changes: Vec::new(),
            state: ScheduleState::Waiting,
        };
        for index in changes {
            let Some(node) = self.changes.get(*index) else { continue };
            let Some(unit) = self.units.get_mut(node.unit) else { continue };
            unit.waits += 1;
            check.stage = check.stage.min(unit.stage);
            check.changes.push(*index);
        }
        self.health_checks.push(check);
    }

    /// Makes `index` wait for `first`, unless they are in the same unit and so are written together.
    fn add_edge(&mut self, index: usize, first: usize) {
        let unit_of = |at: usize| self.changes.get(at).map(|it| it.unit);
        let (Some(unit), Some(first_unit)) = (unit_of(index), unit_of(first)) else { return };
        if unit == first_unit {
            return;
        }
        if let (Some(node), Some(unit)) = (self.changes.get_mut(first), self.units.get_mut(unit)) {
            node.dependents.push(index);
            unit.waits += 1;
        }
    }

    /// Returns the next action, if any; call it until there is none. Nothing is started once `stopped`.
    pub(super) fn next_work(&mut self, stopped: Option<StopReason>) -> Option<NextAction> {
        if let Some(reason) = stopped {
            let (_, unit) = self.waiting.first().copied()?;
            return self.skip_first(unit, |_| Some(reason.to_string()));
        }
        let (stage, first) = self.waiting.first().copied()?;
        if self.under_way.first().is_some_and(|(busy, _)| *busy < stage) {
            return None;
        }
        let due = self.begin_checks(stage);
        if !due.is_empty() {
            return Some(NextAction::CheckHealth(due));
        }
        if self.under_way.len() >= self.parallelism {
            return None;
        }
        let is_checking =
            self.health_checks.iter().any(|check| check.state == ScheduleState::UnderWay);
        let is_idle = self.under_way.is_empty() && !is_checking;
        let is_ready = |at: &usize| self.units.get(*at).is_some_and(|unit| unit.waits == 0);
        let in_stage = self.waiting.range((stage, 0)..=(stage, usize::MAX)).map(|(_, at)| *at);
        let Some(unit) = in_stage.into_iter().find(is_ready) else {
            // Nothing is running that could end the wait, so the plan cannot be carried out.
            let circular_reason =
                |_: &ScheduledChange| Some("waits for a change that waits for it".to_owned());
            return if is_idle { self.skip_first(first, circular_reason) } else { None };
        };
        let lost = self.skip_first(unit, |node| node.lost.clone());
        lost.or_else(|| Some(self.start_unit(stage, unit)))
    }

    /// Starts the checks that are due. A check is over at once if no change that waits for it can still start.
    fn begin_checks(&mut self, stage: u8) -> Vec<usize> {
        let mut due = Vec::new();
        for (at, check) in self.health_checks.iter_mut().enumerate() {
            if check.state == ScheduleState::Waiting && check.stage <= stage {
                check.state = ScheduleState::UnderWay;
                due.push(at);
            }
        }
        let is_open = |index: &usize| {
            let node = self.changes.get(*index);
            node.is_some_and(|node| node.state == ScheduleState::Waiting && node.lost.is_none())
        };
        let changes = |at: usize| self.health_checks.get(at).into_iter().flat_map(|it| &it.changes);
        let (due, idle): (Vec<usize>, Vec<usize>) =
            due.into_iter().partition(|at| changes(*at).any(is_open));
        idle.into_iter().for_each(|at| self.finish_check(at, Ok(())));
        due
    }

    /// Ends a check: its changes may start, or never start for the reason in `result`.
    pub(super) fn finish_check(&mut self, at: usize, result: Result<(), String>) {
        let Some(check) =
            self.health_checks.get_mut(at).filter(|check| check.state != ScheduleState::Ended)
        else {
            return;
        };
        check.state = ScheduleState::Ended;
        for index in std::mem::take(&mut check.changes) {
            let Some(node) = self.changes.get_mut(index) else { continue };
            if let Err(why) = &result {
                node.lost.get_or_insert_with(|| why.clone());
            }
            if let Some(unit) = self.units.get_mut(node.unit) {
                unit.waits -= 1;
            }
        }
    }

    /// Skips the first change of a unit that has a reason to be skipped.
    fn skip_first(
        &mut self,
        unit: usize,
        reason: impl Fn(&ScheduledChange) -> Option<String>,
    ) -> Option<NextAction> {
        let skip_reason = |index: usize| {
            let node =
                self.changes.get(index).filter(|change| change.state == ScheduleState::Waiting)?;
            reason(node).map(|because| (index, because))
        };
        let changes = &self.units.get(unit)?.changes;
        let (index, because) = changes.iter().copied().find_map(skip_reason)?;
        self.finish_change(index, false);
        Some(NextAction::Skip { index, because })
    }

    fn start_unit(&mut self, stage: u8, unit: usize) -> NextAction {
        self.waiting.remove(&(stage, unit));
        self.under_way.insert((stage, unit));
        let changes = self.units.get(unit).map(|it| it.changes.clone()).unwrap_or_default();
        let mut begun = Vec::new();
        for index in changes {
            let Some(node) = self.changes.get_mut(index) else { continue };
            if node.state == ScheduleState::Waiting {
                node.state = ScheduleState::UnderWay;
                begun.push(index);
            }
        }
        NextAction::Start(begun)
    }

    /// Ends a change: the changes that wait for it may start if it is `done`, and otherwise never start.
    pub(super) fn finish_change(&mut self, index: usize, done: bool) {
        let Some(node) = self.changes.get_mut(index) else { return };
        if node.state == ScheduleState::Ended {
            return;
        }
        node.state = ScheduleState::Ended;
        let (own, dependents) = (node.unit, std::mem::take(&mut node.dependents));
        let lost = (!done).then(|| format!("waits for {}", node.address));
        if let Some(unit) = self.units.get_mut(own) {
            unit.open -= 1;
            if unit.open == 0 {
                let key = (unit.stage, own);
                self.waiting.remove(&key);
                self.under_way.remove(&key);
            }
        }
        for dependent in dependents {
            let Some(node) = self.changes.get_mut(dependent) else { continue };
            if let Some(why) = &lost {
                node.lost.get_or_insert_with(|| why.clone());
            }
            if let Some(unit) = self.units.get_mut(node.unit) {
                unit.waits -= 1;
            }
        }
    }
}

/// Returns the pairs of changes of which the first waits for the second: those in the plan, and implied ones.
fn ordering_edges(changes: &[Change]) -> BTreeSet<(usize, usize)> {
    let mut edges = BTreeSet::new();
    let mut at: HashMap<&Address, Vec<usize>> = HashMap::new();
    for (index, change) in changes.iter().enumerate() {
        let named = change.after.iter().filter_map(|address| at.get(address)).flatten();
        edges.extend(named.map(|first| (index, *first)));
        // A change to an object that the plan creates implicitly waits for its creation.
        let made = at.get(&change.address).into_iter().flatten().filter(|first| {
            changes.get(**first).is_some_and(|change| change.kind.action() == ChangeAction::Create)
        });
        edges.extend(made.map(|first| (index, *first)));
        at.entry(&change.address).or_default().push(index);
    }
    // A name is free only once its owner has been renamed.
    let mut freed: HashMap<(ObjectKind, String), usize> = HashMap::new();
    for (index, change) in changes.iter().enumerate() {
        freed.extend(released_name(&change.kind).map(|name| (name, index)));
    }
    for (index, change) in changes.iter().enumerate() {
        let first = claimed_name(&change.kind).and_then(|name| freed.get(&name).copied());
        edges.extend(first.filter(|first| *first != index).map(|first| (index, first)));
    }
    edges
}

/// Returns the kind of object and the name that it gives up, in lower case.
fn released_name(kind: &ChangeKind) -> Option<(ObjectKind, String)> {
    rename_pair(kind).map(|(before, _)| (kind.object_kind(), fold_case(before)))
}

fn claimed_name(kind: &ChangeKind) -> Option<(ObjectKind, String)> {
    let name = match kind {
        ChangeKind::CreatePool(new) => &new.name,
        ChangeKind::CreateWorker(new) => &new.name,
        _ => rename_pair(kind)?.1,
    };
    Some((kind.object_kind(), fold_case(name)))
}

fn rename_pair(kind: &ChangeKind) -> Option<(&str, &str)> {
    match kind {
        ChangeKind::UpdatePool { edits, .. } => edits.iter().find_map(|edit| match edit {
            PoolEdit::Name(name) => Some((name.before().as_str(), name.after().as_str())),
            PoolEdit::Slug(_) | PoolEdit::Description(_) | PoolEdit::Image(_) => None,
        }),
        ChangeKind::UpdateWorker { edits, .. } => edits.iter().find_map(|edit| match edit {
            WorkerEdit::Name(name) => Some((name.before().as_str(), name.after().as_str())),
            _ => None,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
