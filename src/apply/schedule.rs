//! What may start now: pure, and the same for the same plan and the same outcomes.
//!
//! Changes to one process are one unit, since they are one write. A stage begins once the one before it
//! has ended, however it ended; within a stage, units are independent but for the edges of the plan.

use crate::{
    model::{Address, Id, Process},
    plan::{Change, ChangeKind},
};
use std::collections::HashMap;

/// Changes that are one write: places in the plan, counted from 0.
pub(super) type Unit = Vec<usize>;

/// The plan's changes, and how far they are.
pub(super) struct Schedule<'a> {
    changes: &'a [Change],
    /// For each change, the earlier ones that it waits for.
    waits: Vec<Vec<usize>>,
    states: Vec<State>,
    /// Units that have not begun, in the order of the plan.
    open: Vec<Unit>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Begun,
    Done,
    Lost,
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Begin these; those of the second list cannot be made, since what they wait for was not.
    Begin(Unit, Vec<(usize, Address)>),
    /// Something has to end first.
    Wait,
    /// Nothing is left.
    Finished,
}

impl<'a> Schedule<'a> {
    /// The schedule of a plan.
    pub(super) fn new(changes: &'a [Change]) -> Self {
        let mut written: HashMap<&Address, Vec<usize>> = HashMap::new();
        let mut waits = Vec::with_capacity(changes.len());
        for (at, change) in changes.iter().enumerate() {
            let earlier = change.after.iter().filter_map(|address| written.get(address));
            waits.push(earlier.flatten().copied().collect());
            written.entry(&change.address).or_default().push(at);
        }
        Self { changes, waits, states: vec![State::Open; changes.len()], open: units(changes) }
    }

    /// What to do next. What is begun has to be ended.
    pub(super) fn next(&mut self) -> Next {
        if self.open.is_empty() {
            return Next::Finished;
        }
        let Some(place) = self.place() else { return Next::Wait };
        let unit = self.open.remove(place);
        let (ready, lost): (Vec<_>, Vec<_>) =
            unit.into_iter().map(|at| (at, self.lost(at))).partition(|(_, lost)| lost.is_none());
        let lost: Vec<_> = lost.into_iter().filter_map(|(at, by)| Some((at, by?))).collect();
        let ready: Unit = ready.into_iter().map(|(at, _)| at).collect();
        ready.iter().for_each(|at| self.set(*at, State::Begun));
        lost.iter().for_each(|(at, _)| self.set(*at, State::Lost));
        Next::Begin(ready, lost)
    }

    /// Which of the open units may begin.
    fn place(&self) -> Option<usize> {
        let stage = |at: usize| self.changes.get(at).map_or(0, |it| it.kind.stage());
        let waits = |at: &usize| self.waits.get(*at).into_iter().flatten().copied();
        let free = |unit: &Unit| unit.iter().all(|at| waits(at).all(|it| self.has_ended(it)));
        let busy = self.states.iter().enumerate().filter(|(_, it)| **it == State::Begun);
        let busy: Vec<usize> = busy.map(|(at, _)| at).collect();
        let lowest = self.open.iter().flatten().chain(&busy).map(|at| stage(*at)).min()?;
        let now = |unit: &Unit| free(unit) && unit.iter().all(|at| stage(*at) == lowest);
        // A plan that somebody else has made may wait for a later stage: its edges win.
        let stuck = || busy.is_empty().then(|| self.open.iter().position(free)).flatten();
        self.open.iter().position(now).or_else(stuck)
    }

    /// A change that was begun has ended.
    pub(super) fn end(&mut self, at: usize, done: bool) {
        self.set(at, if done { State::Done } else { State::Lost });
    }

    /// What has not begun, given up.
    pub(super) fn give_up(&mut self) -> Vec<usize> {
        let left: Vec<_> = self.open.drain(..).flatten().collect();
        left.iter().for_each(|at| self.set(*at, State::Lost));
        left
    }

    fn set(&mut self, at: usize, state: State) {
        if let Some(slot) = self.states.get_mut(at) {
            *slot = state;
        }
    }

    fn has_ended(&self, at: usize) -> bool {
        matches!(self.states.get(at), Some(State::Done | State::Lost))
    }

    /// What a change waits for and was not made.
    fn lost(&self, at: usize) -> Option<Address> {
        let mut waits = self.waits.get(at)?.iter();
        let lost = waits.find(|it| self.states.get(**it) != Some(&State::Done))?;
        self.changes.get(*lost).map(|change| change.address.clone())
    }
}

fn units(changes: &[Change]) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    let mut of_process: HashMap<&Id<Process>, usize> = HashMap::new();
    for (at, change) in changes.iter().enumerate() {
        if let ChangeKind::PlaceStep { process, .. } = &change.kind {
            let unit = *of_process.entry(process).or_insert(units.len());
            if let Some(unit) = units.get_mut(unit) {
                unit.push(at);
                continue;
            }
        }
        units.push(vec![at]);
    }
    units
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::sample::everything;

    /// Carries everything out, one unit after the other; those whose kind is `fails` fail.
    fn run(fails: impl Fn(&Change) -> bool) -> (Vec<String>, Vec<String>) {
        let plan = everything();
        let mut schedule = Schedule::new(&plan.changes);
        let (mut begun, mut skipped) = (Vec::new(), Vec::new());
        while let Next::Begin(unit, lost) = schedule.next() {
            skipped.extend(
                lost.iter().map(|(at, by)| format!("{} for {by}", plan.changes[*at].address)),
            );
            for at in unit {
                begun.push(plan.changes[at].address.to_string());
                schedule.end(at, !fails(&plan.changes[at]));
            }
        }
        assert_eq!(schedule.next(), Next::Finished);
        (begun, skipped)
    }

    #[test]
    fn every_change_begins_once() {
        let (begun, skipped) = run(|_| false);
        assert_eq!(begun.len(), everything().changes.len());
        assert_eq!(skipped, [""; 0]);
    }

    #[test]
    fn what_waits_for_a_change_that_was_not_made_is_skipped_and_names_it() {
        let (begun, skipped) = run(|it| matches!(it.kind, ChangeKind::CreatePool(_)));
        assert!(!skipped.is_empty());
        assert_eq!(begun.len() + skipped.len(), everything().changes.len());
        assert!(skipped.iter().all(|it| it.contains(" for ")), "{skipped:?}");
    }

    #[test]
    fn nothing_of_a_stage_begins_while_an_earlier_one_is_under_way() {
        let plan = everything();
        let mut schedule = Schedule::new(&plan.changes);
        let mut stages = Vec::new();
        while let Next::Begin(unit, _) = schedule.next() {
            stages.extend(unit.iter().map(|at| plan.changes[*at].kind.stage()));
        }
        assert!(stages.iter().all(|it| *it == stages[0]), "{stages:?}");
    }
}
