//! Published snapshots and releases are frozen, so they keep their old pools when a plan moves steps.
//!
//! # Source
//!
//! `api.md` 2.9: runbooks run from the published snapshot until another one is published, and a release keeps
//! the process that it was created with. Neither can be edited.

use super::after::planned_place;
use crate::{
    finding::{Code, Finding, FindingLocation, Level, Note, Subject},
    live::{HiddenData, Live, LiveProcess, SnapshotOrigin, UnreadPart},
    model::{Id, Name, Place, Pool, StepAction},
    plan::{ChangeKind, Plan},
    text::pluralize,
};

use std::collections::HashMap;

/// A process, described by the owner that all its snapshots share, and one of its actions.
type MovedAction<'a> = (String, SnapshotAction<'a>);

/// An action in a snapshot: by its id, or by its names if it has been recreated since.
#[derive(PartialEq, Eq, Hash)]
enum SnapshotAction<'a> {
    ById(&'a Id<StepAction>),
    ByName(&'a Name, &'a Name),
}

/// Returns a warning about published snapshots and newest releases in `frozen` that keep another place for a step
/// than the plan gives it, and one about those that could not be read.
pub fn frozen_warnings(plan: &Plan, live: &Live, frozen: &Live) -> Vec<Finding> {
    let moves = moved_places(plan, live);
    let (mut snapshots, mut releases) = (Vec::new(), Vec::new());
    for snapshot in &frozen.snapshots {
        let owner = snapshot.process.describe_owner();
        let differs = snapshot.process.steps.iter().any(|step| {
            let by_name = SnapshotAction::ByName(&step.step, &step.action);
            let moved = moves.get(&(owner.clone(), SnapshotAction::ById(&step.id)));
            let moved = moved.or_else(|| moves.get(&(owner.clone(), by_name)));
            moved.is_some_and(|after| *after != step.place)
        });
        let Some(origin) = snapshot.describe_origin().filter(|_| differs) else { continue };
        let project = Some(snapshot.process.owner.project.to_string());
        let subject = Subject { project, ..Subject::default() };
        let note = |origin: String| Note::about(format!("{origin}: {owner}"), subject.clone());
        match snapshot.origin {
            SnapshotOrigin::RunbookSnapshot(_) => snapshots.push(note(origin)),
            SnapshotOrigin::Release { .. } => releases.push(note(origin)),
            SnapshotOrigin::OtherBranch => {}
        }
    }
    let parts = [(snapshots.len(), "published snapshot"), (releases.len(), "release")];
    let parts: Vec<String> =
        parts.iter().filter(|(n, _)| *n > 0).map(|(n, noun)| pluralize(*n, noun)).collect();
    let frozen_finding = (!parts.is_empty()).then(|| {
        let verb = if snapshots.len() + releases.len() == 1 { "keeps" } else { "keep" };
        let message = format!("{} {verb} the old pools of steps that move", parts.join(" and "));
        let notes = snapshots.into_iter().chain(releases);
        let finding =
            Finding::new(Code::FrozenProcess, Level::Warn, FindingLocation::Nowhere, message);
        finding
            .with_notes(notes)
            .with_help("publish these runbooks and create these releases again")
    });
    let is_hidden = |part: &&UnreadPart| !moves.is_empty() && part.hidden == HiddenData::Snapshots;
    let hidden = frozen.unread.iter().filter(is_hidden);
    let notes: Vec<String> = hidden.map(|part| format!("{}: {}", part.what, part.why)).collect();
    let unread_finding = (!notes.is_empty()).then(|| {
        let message =
            "published snapshots and releases that could not be read may keep the old pools";
        Finding::new(Code::FrozenProcess, Level::Warn, FindingLocation::Nowhere, message)
            .with_notes(notes)
    });
    frozen_finding.into_iter().chain(unread_finding).collect()
}

/// Returns where the plan places steps of processes in the server's database.
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
        let by_name = SnapshotAction::ByName(&step.step, &step.action);
        let keys = [SnapshotAction::ById(&step.id), by_name];
        Some(keys.map(|action| ((process.describe_owner(), action), place.clone())))
    });
    moved.flatten().collect()
}
