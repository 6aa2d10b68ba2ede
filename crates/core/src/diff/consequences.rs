//! What a plan leads to besides its changes: steps that move, or stop running, without a change of their own, because
//! a pool loses or gets workers, or because of another default pool, a variable, or the built-in worker's switch; steps
//! that come to run on the Octopus Server; and what `default` means before and after.

mod census;

use super::matched::Matched;
use crate::{
    finding::{Code, Finding, FindingLocation, Level},
    live::{
        Case, EffectivePlace, Live, LiveProcess, LiveStep, NowhereReason, TemplateContents,
        UnreadSubject, built_in_worker_pool, describe_parts, effective_cases, inner_step_cases,
    },
    model::{Address, Id, Pool, Process, StepAction},
    plan::{Change, ChangeKind, Consequences, DefaultPool, ExecutionPlace, MovedStep, PoolEdit},
};

use std::collections::{HashMap, HashSet};

/// Finds what `changes` lead to besides themselves. `after` is the server after the changes.
pub(super) fn find_consequences(
    matched: &Matched,
    changes: &[Change],
    after: &Live,
) -> Consequences {
    let states = BothStates::new(matched, after);
    let mut found = Consequences {
        affected: Vec::new(),
        onto_server: Vec::new(),
        stopped: Vec::new(),
        default_before: default_pool(matched.live, &states.names_before),
        default_after: default_pool(after, &states.names_after),
        places: Vec::new(),
        flows: Vec::new(),
    };
    if !changes.is_empty() {
        (found.places, found.flows) = census::take_census(&states);
    }
    let placed: HashSet<(&Id<Process>, &Id<StepAction>)> =
        changes.iter().filter_map(placed_step).collect();
    let moves_others = changes.iter().any(may_affect_others);
    if !moves_others && placed.is_empty() {
        return found;
    }
    let live_processes = matched.live.processes.iter();
    let before: HashMap<_, &LiveProcess> =
        live_processes.map(|process| (&process.id, process)).collect();
    for process in &after.processes {
        let Some(was) = before.get(&process.id) else { continue };
        for (old, new) in was.steps.iter().zip(&process.steps) {
            let is_placed = placed.contains(&(&process.id, &new.id));
            if !is_placed && !moves_others {
                continue;
            }
            let moved = states.moved_step((was, old), (process, new));
            if !is_placed {
                found.affected.extend(moved);
            } else if moved.as_ref().is_some_and(MovedStep::comes_to_server) {
                found.onto_server.extend(moved);
            } else {
                found.stopped.extend(moved.filter(MovedStep::comes_to_nowhere));
            }
        }
        if moves_others {
            states.extend_with_inner_steps(&mut found.affected, was, process);
        }
    }
    found
}

/// The server before and after a plan, and its pools as people know them.
struct BothStates<'a> {
    before: &'a Live,
    after: &'a Live,
    names_before: PoolNames<'a>,
    names_after: PoolNames<'a>,
}

type PoolNames<'a> = HashMap<&'a Id<Pool>, Address>;

impl<'a> BothStates<'a> {
    fn new(matched: &Matched<'a>, after: &'a Live) -> Self {
        let before = matched.live;
        let name_before = |pool| matched.pool_address(pool);
        let name_after = |pool| matched.planned_pool_address(pool);
        Self {
            before,
            after,
            names_before: before.pools.iter().map(|pool| (&pool.id, name_before(pool))).collect(),
            names_after: after.pools.iter().map(|pool| (&pool.id, name_after(pool))).collect(),
        }
    }

    /// Returns a step if it comes to run elsewhere.
    fn moved_step(
        &self,
        (was, old): (&LiveProcess, &LiveStep),
        (process, new): (&LiveProcess, &LiveStep),
    ) -> Option<MovedStep> {
        let cases_before = effective_cases(was, old, self.before);
        let cases_after = effective_cases(process, new, self.after);
        self.moved_cases(cases_before, cases_after, || process.step_address(new))
    }

    /// Adds the steps inside process templates that come to run elsewhere.
    fn extend_with_inner_steps(
        &self,
        moved: &mut Vec<MovedStep>,
        was: &LiveProcess,
        process: &LiveProcess,
    ) {
        for (new, old) in process.templates.iter().zip(&was.templates) {
            let usage =
                |owner: &LiveProcess| owner.steps.iter().find(|step| step.id == new.usage).cloned();
            let (
                TemplateContents::Steps(inner),
                TemplateContents::Steps(_),
                Some(before),
                Some(then),
            ) = (&new.contents, &old.contents, usage(was), usage(process))
            else {
                continue;
            };
            moved.extend(inner.iter().filter_map(|step| {
                self.moved_cases(
                    inner_step_cases(was, &before, step, self.before),
                    inner_step_cases(process, &then, step, self.after),
                    || process.inner_step_address(&then, step),
                )
            }));
        }
    }

    fn moved_cases(
        &self,
        before: Vec<Case>,
        after: Vec<Case>,
        address: impl Fn() -> Address,
    ) -> Option<MovedStep> {
        let moves = reachable_places(&before) != reachable_places(&after);
        if !moves {
            return None;
        }
        let places_before = run_places(&before, &self.names_before, true);
        let mut places_after = run_places(&after, &self.names_after, true);
        if places_after == places_before {
            // It stays in its pool, whose workers are to be checked before they get work again.
            places_after = run_places(&after, &self.names_after, false);
        }
        // Whichever pool is the empty default one, the Octopus Server is the same place.
        (places_after != places_before).then(|| MovedStep {
            address: address(),
            before: dedup_places(places_before),
            after: dedup_places(places_after),
            origin: None,
        })
    }
}

/// Returns the space's default pool, if it has one.
fn default_pool(live: &Live, names: &PoolNames) -> Option<DefaultPool> {
    let pool = live.default_pool()?;
    let stands_in = built_in_worker_pool(live).is_some_and(|it| it.id == pool.id);
    // The built-in worker is on unless the server says that it is off.
    let on_server = stands_in && live.server.built_in_worker != Some(false);
    Some(DefaultPool { pool: names.get(&pool.id)?.clone(), on_server })
}

/// Returns the place of each case in the words of a plan. Workers that have had no health check yet count if
/// `unchecked` is set; that they have had none is a warning of its own.
fn run_places(cases: &[Case], names: &PoolNames, unchecked: bool) -> Vec<ExecutionPlace> {
    let pool = |id: &Id<Pool>| names.get(id).cloned();
    let places = cases.iter().map(|case| {
        let is_unchecked =
            matches!(&case.place, EffectivePlace::Nowhere(_, NowhereReason::Unchecked));
        if unchecked && is_unchecked {
            ExecutionPlace::from_required(&case.place, pool)
        } else {
            ExecutionPlace::from_effective(&case.place, pool)
        }
    });
    places.collect()
}

/// Keeps each place once.
fn dedup_places(places: Vec<ExecutionPlace>) -> Vec<ExecutionPlace> {
    let mut kept = Vec::new();
    for place in places {
        if !kept.contains(&place) {
            kept.push(place);
        }
    }
    kept
}

/// Returns a warning about steps that could not be read and so are not counted, unless `told` reports them.
pub(super) fn uncounted_warning(live: &Live, told: &[Finding]) -> Option<Finding> {
    let notes = describe_parts(live.unread_by(UnreadSubject::AffectedSteps));
    let has_note = |finding: &Finding, text: &String| finding.notes.iter().any(|it| **it == **text);
    let is_told = |finding: &Finding| notes.iter().all(|note| has_note(finding, note));
    if notes.is_empty() || told.iter().any(is_told) {
        return None;
    }
    let message = "steps that could not be read may be affected too, and are not counted";
    let finding = Finding::new(Code::UnseenSteps, Level::Warn, FindingLocation::Nowhere, message);
    Some(finding.with_notes(notes))
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

/// Returns the places of cases, with `None` for nowhere, whatever the reason.
fn reachable_places(cases: &[Case]) -> Vec<Option<&EffectivePlace>> {
    let places = cases.iter().map(|case| &case.place);
    places
        .map(|place| Some(place).filter(|it| !matches!(it, EffectivePlace::Nowhere(..))))
        .collect()
}
