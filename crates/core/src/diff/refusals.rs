//! Processes that the server would refuse to save, whatever a plan changes in them: they are left unchanged and
//! reported before anything is written.
//!
//! # Source
//!
//! `api.md` 3.1 (names are unique ignoring case), 0.2 and 7 (a step names a pool or a variable, and the pool exists).

use crate::{
    finding::{Code, Finding, FindingLocation, Level, Note},
    live::{Live, LiveProcess, LiveStep, is_expression},
    model::{Address, Id, Name, Place, StepAction},
    plan::{Change, ChangeKind},
    text::{pluralize, stays_unchanged},
};

use std::collections::{HashMap, HashSet};

/// Processes that are left unchanged because the server would refuse to save them.
#[derive(Debug, Default)]
pub(super) struct RefusedProcesses {
    location: Option<FindingLocation>,
    /// Why each process would be refused.
    reasons: Vec<String>,
    /// The steps that would have changed.
    steps: Vec<Address>,
}

impl RefusedProcesses {
    /// Returns the changes of a process, or notes why the server would refuse them.
    pub(super) fn filter_changes(
        &mut self,
        process: &LiveProcess,
        changes: Vec<Change>,
        live: &Live,
    ) -> Vec<Change> {
        let Some(first) = changes.first() else { return changes };
        let reasons = find_refusals(process, &changes, live);
        if reasons.is_empty() {
            return changes;
        }
        self.location.get_or_insert_with(|| first.cause.location.clone());
        let owner = process.describe_owner();
        self.reasons.extend(reasons.into_iter().map(|reason| format!("{owner}: {reason}")));
        self.steps.extend(changes.into_iter().map(|change| change.address));
        Vec::new()
    }

    /// Returns one warning for all of the processes.
    pub(super) fn into_warning(self) -> Option<Finding> {
        let steps = pluralize(self.steps.len(), "step");
        let stay = stays_unchanged(self.steps.len());
        let message = format!("{steps} {stay}: the server would refuse to save their processes");
        let finding =
            self.location.map(|at| Finding::new(Code::RefusedProcess, Level::Warn, at, message))?;
        let steps = self.steps.iter().map(Note::from);
        let notes = self.reasons.into_iter().map(Note::from).chain(steps);
        Some(finding.with_notes(notes).with_help("correct these processes in Octopus first"))
    }
}

/// Returns why the server would refuse to save a process with these changes.
fn find_refusals(process: &LiveProcess, changes: &[Change], live: &Live) -> Vec<String> {
    // In a checkout, pools are named by their slugs, and no server saves the process.
    if process.steps.iter().any(|step| step.from_file) {
        return Vec::new();
    }
    let placed: HashSet<&Id<StepAction>> = changes.iter().filter_map(placed_step).collect();
    let mut reasons = duplicate_names(process);
    for step in process.steps.iter().filter(|step| !placed.contains(&step.id)) {
        let name = step.display_name();
        if step.names_both {
            reasons.push(format!("step {name:?} names both a pool and a variable"));
        }
        if let Place::Pool(pool) = &step.place
            && live.find_pool(pool).is_none()
            && !is_expression(pool.as_str())
        {
            reasons
                .push(format!("step {name:?} names the pool `{}`, which is gone", pool.as_str()));
        }
    }
    reasons
}

/// Returns the action to which a change gives another place.
fn placed_step(change: &Change) -> Option<&Id<StepAction>> {
    match &change.kind {
        ChangeKind::PlaceStep { action, edits, .. } => edits.place().map(|_| action),
        _ => None,
    }
}

/// Returns the names that several steps, or several children of steps, share.
fn duplicate_names(process: &LiveProcess) -> Vec<String> {
    let mut steps: HashMap<usize, &Name> = HashMap::new();
    for step in &process.steps {
        steps.insert(step.position, &step.step);
    }
    let children = process.steps.iter().filter(|step| step.has_siblings);
    let mut reasons: Vec<String> = repeated_names(steps.into_values())
        .into_iter()
        .map(|name| format!("several steps are named {name:?}"))
        .collect();
    let children = repeated_names(children.map(|step: &LiveStep| &step.action));
    reasons
        .extend(children.into_iter().map(|name| format!("several child steps are named {name:?}")));
    reasons
}

fn repeated_names<'a>(names: impl Iterator<Item = &'a Name>) -> Vec<&'a Name> {
    let mut seen = HashSet::new();
    let mut repeated: Vec<&Name> = names.filter(|name| !seen.insert(*name)).collect();
    repeated.sort();
    repeated.dedup();
    repeated
}
