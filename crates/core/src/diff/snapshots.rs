//! What keeps its old pools though a plan moves steps: published snapshots and releases are frozen.
//!
//! # Source
//!
//! `api.md` 2.9: runs are of the published snapshot until another one is, and a release keeps the process
//! that it was made with. Nobody can edit either.

use super::after::planned_place;
use crate::{
    finding::{Code, Finding, FindingLocation, Level},
    live::{HiddenData, Live, LiveProcess, SnapshotOrigin, UnreadPart},
    model::{Id, Name, Place, Pool, StepAction},
    plan::{ChangeKind, Plan},
    text::pluralize,
};

use std::collections::HashMap;

/// A step's process, as all its editions share it, and its action.
type MovedAction<'a> = (String, SnapshotAction<'a>);

/// An action as an edition has it: by its id, or where it was made anew since, by its names.
#[derive(PartialEq, Eq, Hash)]
enum SnapshotAction<'a> {
    ById(&'a Id<StepAction>),
    ByName(&'a Name, &'a Name),
}

/// The published snapshots and newest releases that keep another place for a step than the plan gives it:
/// as one warning, and one for what could not be seen. `frozen` has the editions.
pub fn frozen_warnings(plan: &Plan, live: &Live, frozen: &Live) -> Vec<Finding> {
    let moves = moved_places(plan, live);
    let (mut snapshots, mut releases) = (Vec::new(), Vec::new());
    for edition in &frozen.snapshots {
        let owner = describe_owner(&edition.process);
        let differs = edition.process.steps.iter().any(|step| {
            let named = SnapshotAction::ByName(&step.step, &step.action);
            let known = moves.get(&(owner.clone(), SnapshotAction::ById(&step.id)));
            let moved = known.or_else(|| moves.get(&(owner.clone(), named)));
            moved.is_some_and(|after| *after != step.place)
        });
        let Some(named) = edition.describe_origin().filter(|_| differs) else { continue };
        match edition.origin {
            SnapshotOrigin::RunbookSnapshot(_) => snapshots.push(format!("{named}: {owner}")),
            SnapshotOrigin::Release { .. } => releases.push(format!("{named}: {owner}")),
            SnapshotOrigin::OtherBranch => {}
        }
    }
    let parts = [(snapshots.len(), "published snapshot"), (releases.len(), "release")];
    let parts: Vec<String> =
        parts.iter().filter(|(n, _)| 0 < *n).map(|(n, noun)| pluralize(*n, noun)).collect();
    let keep = (!parts.is_empty()).then(|| {
        let verb = if snapshots.len() + releases.len() == 1 { "keeps" } else { "keep" };
        let message = format!("{} {verb} the old pools of steps that move", parts.join(" and "));
        let notes = snapshots.into_iter().chain(releases).collect();
        let finding =
            Finding::new(Code::FrozenProcess, Level::Warn, FindingLocation::Nowhere, message);
        finding
            .with_notes(notes)
            .with_help("publish these runbooks and create these releases again")
    });
    let is_hidden = |gap: &&UnreadPart| !moves.is_empty() && gap.hidden == HiddenData::Snapshots;
    let hidden = frozen.unread.iter().filter(is_hidden);
    let notes: Vec<String> = hidden.map(|gap| format!("{}: {}", gap.what, gap.why)).collect();
    let unseen = (!notes.is_empty()).then(|| {
        let message =
            "published snapshots and releases that could not be seen may keep the old pools";
        Finding::new(Code::FrozenProcess, Level::Warn, FindingLocation::Nowhere, message)
            .with_notes(notes)
    });
    keep.into_iter().chain(unseen).collect()
}

/// Where the plan places steps of processes in the server's database.
fn moved_places<'a>(plan: &Plan, live: &'a Live) -> HashMap<MovedAction<'a>, Place<Id<Pool>>> {
    let processes: HashMap<&str, &LiveProcess> =
        live.processes.iter().map(|process| (process.id.as_str(), process)).collect();
    let moved = plan.changes.iter().filter_map(|change| {
        let ChangeKind::PlaceStep { process, action, edits, .. } = &change.kind else {
            return None;
        };
        let place = planned_place(edits.place()?.after());
        let process = processes.get(process.as_str())?;
        let step = process.steps.iter().find(|step| step.id == *action)?;
        let named = SnapshotAction::ByName(&step.step, &step.action);
        let both = [SnapshotAction::ById(&step.id), named];
        Some(both.map(|action| ((describe_owner(process), action), place.clone())))
    });
    moved.flatten().collect()
}

/// Whose a process is, in words; the same for all its editions.
fn describe_owner(process: &LiveProcess) -> String {
    let owner = &process.owner;
    match &owner.runbook {
        None => format!("project {:?}", owner.project),
        Some(runbook) => format!("runbook {runbook:?} of project {:?}", owner.project),
    }
}
