//! Steps that move, or stop running, without a change of their own: because a pool loses or gets workers, or
//! because of another default pool, a variable, or the built-in worker's switch.

use crate::{
    finding::{Code, Finding, FindingLocation, Level},
    live::{
        Case, EffectivePlace, Live, LiveProcess, LiveStep, TemplateContents, TemplateUse,
        UnreadSubject, describe_parts, effective_cases, inner_step_cases,
    },
    model::{Id, Process, StepAction},
    plan::{Affected, Change, ChangeKind, PoolEdit},
};

use std::collections::{HashMap, HashSet};

/// Counts the steps that `changes` affect without naming them. `after` is the server after the changes.
pub(super) fn count_affected(changes: &[Change], live: &Live, after: &Live) -> Affected {
    if !changes.iter().any(may_affect_others) {
        return Affected::default();
    }
    let placed: HashSet<(&Id<Process>, &Id<StepAction>)> =
        changes.iter().filter_map(placed_step).collect();
    let before: HashMap<_, &LiveProcess> =
        live.processes.iter().map(|process| (&process.id, process)).collect();
    let (mut steps, mut projects, mut runbooks) = (0, HashSet::new(), HashSet::new());
    for process in &after.processes {
        let Some(was) = before.get(&process.id) else { continue };
        let pairs = was.steps.iter().zip(&process.steps);
        let moves = |(old, new): &(&LiveStep, &LiveStep)| {
            !placed.contains(&(&process.id, &new.id))
                && step_places(was, old, live) != step_places(process, new, after)
        };
        let moved = pairs.filter(moves).count();
        let moved = moved + count_moved_inside(was, live, process, after);
        if moved > 0 {
            let owner = &process.owner;
            steps += moved;
            projects.insert(&owner.project);
            runbooks.extend(owner.runbook.as_ref().map(|it| (&owner.project, it)));
        }
    }
    Affected { steps, projects: projects.len(), runbooks: runbooks.len() }
}

/// Returns a warning about steps that could not be read and so are not counted, unless `told` reports them.
pub(super) fn uncounted_warning(live: &Live, told: &[Finding]) -> Option<Finding> {
    let notes = describe_parts(live.unread_by(UnreadSubject::AffectedSteps));
    let is_told = |finding: &Finding| notes.iter().all(|note| finding.notes.contains(note));
    if notes.is_empty() || told.iter().any(is_told) {
        return None;
    }
    let message = "steps that could not be read may be affected too, and are not counted";
    let finding = Finding::new(Code::UnseenSteps, Level::Warn, FindingLocation::Nowhere, message);
    Some(finding.with_notes(notes))
}

/// Counts the steps inside process templates that move.
fn count_moved_inside(
    was: &LiveProcess,
    live: &Live,
    process: &LiveProcess,
    after: &Live,
) -> usize {
    let usages = process.templates.iter().zip(&was.templates);
    let moved = |(new, old): (&TemplateUse, &TemplateUse)| {
        let usage =
            |owner: &LiveProcess| owner.steps.iter().find(|step| step.id == new.usage).cloned();
        let (TemplateContents::Steps(inner), TemplateContents::Steps(_), Some(before), Some(then)) =
            (&new.contents, &old.contents, usage(was), usage(process))
        else {
            return 0;
        };
        let moves = |step: &&LiveStep| {
            reachable_places(inner_step_cases(was, &before, step, live))
                != reachable_places(inner_step_cases(process, &then, step, after))
        };
        inner.iter().filter(moves).count()
    };
    usages.map(moved).sum()
}

/// Whether a change may affect steps that it does not name.
fn may_affect_others(change: &Change) -> bool {
    match &change.kind {
        ChangeKind::PlaceStep { .. } | ChangeKind::CreatePool(_) | ChangeKind::SortPools { .. } => {
            false
        }
        ChangeKind::UpdatePool { edits, .. } => {
            edits.iter().any(|edit| matches!(edit, PoolEdit::Image(_)))
        }
        _ => true,
    }
}

fn placed_step(change: &Change) -> Option<(&Id<Process>, &Id<StepAction>)> {
    match &change.kind {
        ChangeKind::PlaceStep { process, action, .. } => Some((process, action)),
        _ => None,
    }
}

/// Returns where a step runs, case by case.
fn step_places(process: &LiveProcess, step: &LiveStep, live: &Live) -> Vec<Option<EffectivePlace>> {
    reachable_places(effective_cases(process, step, live))
}

/// Returns the places of cases, with `None` for nowhere, whatever the reason.
fn reachable_places(cases: Vec<Case>) -> Vec<Option<EffectivePlace>> {
    let place = |place| match place {
        EffectivePlace::Nowhere(..) => None,
        somewhere => Some(somewhere),
    };
    cases.into_iter().map(|it| place(it.place)).collect()
}
