//! Restores where steps run, byte for byte.

use super::{FieldState, RollbackPlanner, concerns_branch, text_or_empty};
use crate::{
    finding::Code,
    live::{HiddenData, LiveBranch, LiveProcess, LiveStep, RunLocation, UnreadPart, classify_step},
    model::{
        Address, Container, Execution, Id, Linked, Name, Place, Pool, PoolHandle, VariableSetOwner,
    },
    plan::{
        ChangeKind, Delta, Feed, Field, FieldSide, PlannedCommit, StepEdit, StepEdits, StepField,
        StepPart, WrittenField, container_from_fields, place_from_fields,
    },
    receipt::{ChangeOutcome, ReceiptEntry},
    text::eq_ignoring_case,
};

use serde_json::Value;

/// The message of the commits that restore steps.
const COMMIT_MESSAGE: &str = "Move steps back to where they ran";

/// A field's value before and after the apply.
const SIDES: [FieldSide; 2] = [FieldSide::Before, FieldSide::After];

impl RollbackPlanner<'_> {
    pub(super) fn restore_step(&mut self, entry: &ReceiptEntry) {
        let Some((process, step)) = self.find_step(entry) else {
            return self.warn_missing(entry, "the step no longer exists or cannot be read");
        };
        if let Some(feed) = self.find_missing_feed(entry) {
            return self
                .warn_not_undone(entry, &format!("its former feed {feed:?} does not exist"));
        }
        let of_part = |part| entry.written.iter().filter(move |it| it.step_part() == Some(part));
        let (mut restored, mut fields, mut edited) = (step.clone(), Vec::new(), Vec::new());
        let [was, made] = SIDES.map(|side| place_from_fields(&entry.written, side));
        if of_part(StepPart::Place).next().is_some() && step.place != was {
            if step.place == made {
                fields.extend(of_part(StepPart::Place).map(WrittenField::to_reversed));
                restored.place = was;
            } else {
                let [now, made] = [&step.place, &made].map(|place| self.describe_place(place));
                edited.push(format!("`pool` (it is {now}, and was {made} after the apply)"));
            }
        }
        let [was, made] =
            SIDES.map(|side| container_from_fields(&entry.written, side, step.container.as_ref()));
        if step.container != was {
            if step.container == made {
                fields.extend(of_part(StepPart::Container).map(WrittenField::to_reversed));
                restored.container = was;
            } else {
                edited.extend(of_part(StepPart::Container).map(super::describe_edited));
            }
        }
        for field in of_part(StepPart::Execution) {
            let is_live =
                |value: Option<&Value>| Some(step_with_field(step, field.field, value) == *step);
            match FieldState::compare_live(field, is_live) {
                FieldState::Written => {
                    restored = step_with_field(&restored, field.field, field.before.as_ref());
                    fields.push(field.to_reversed());
                }
                FieldState::Restored => {}
                FieldState::Edited => edited.push(super::describe_edited(field)),
                FieldState::Untracked => {}
            }
        }
        if !edited.is_empty() {
            return self.warn_edited_since(entry, &edited);
        }
        let edits = self.step_edits(step, &restored);
        if edits.is_empty() {
            if !fields.is_empty() {
                self.warn_not_undone(entry, "only fields that no edit shows have changed");
            }
            return;
        }
        let kind = ChangeKind::PlaceStep {
            process: process.id.clone(),
            kind: process.owner.kind(),
            git: process.git.as_ref().map(|it| commit_on_branch(it, COMMIT_MESSAGE)),
            action: step.id.clone(),
            edits: StepEdits::from_restored(fields, edits),
        };
        self.push_change(entry.address.clone(), kind);
    }

    /// Finds the step of an entry by the ids of process and action, on the branch of its address.
    pub(super) fn find_step(&self, entry: &ReceiptEntry) -> Option<(&LiveProcess, &LiveStep)> {
        let Address::Step { project, branch, .. } = &entry.address else { return None };
        let (id, step) = (entry.id.as_deref()?, entry.step_id.as_deref()?);
        let is_entry_process = |process: &&LiveProcess| match (&process.git, branch) {
            (None, None) => process.id.as_str() == id,
            (Some(git), Some(branch)) => {
                git.at.name == *branch
                    && concerns_branch(entry, git, project, &process.owner.project)
            }
            _ => false,
        };
        let process = self.live.processes.iter().find(is_entry_process)?;
        Some((process, process.steps.iter().find(|other| other.id.as_str() == step)?))
    }

    /// Returns the former feed of a step's container, if it does not exist in this space.
    fn find_missing_feed<'e>(&self, entry: &'e ReceiptEntry) -> Option<&'e str> {
        let whole = entry.value_before(StepField::Container);
        let whole = whole.and_then(|container| container.get(StepField::Feed.key()));
        let feed = text_or_empty(whole.or(entry.value_before(StepField::Feed)));
        let known = &self.live.directory.feeds;
        let is_missing = !feed.is_empty()
            && !known.is_empty()
            && !known.iter().any(|entry| eq_ignoring_case(&entry.id, feed));
        is_missing.then_some(feed)
    }

    /// Reports that an entry's object does not exist, unless it was never created, or that it could not be read.
    pub(super) fn warn_missing(&mut self, entry: &ReceiptEntry, why: &str) {
        if self.was_never_made(entry) {
            return;
        }
        match self.find_unread(entry) {
            Some(unread) => {
                let why = format!("{} could not be read: {}", unread.what, unread.why);
                self.push_finding(Code::UnreadEntry, &entry.address.to_string(), &why);
            }
            None => self.warn_not_undone(entry, why),
        }
    }

    /// Returns the part of the server in which an entry's object may be, if that part could not be read.
    fn find_unread(&self, entry: &ReceiptEntry) -> Option<&UnreadPart> {
        let (project, hidden): (_, &[HiddenData]) = match &entry.address {
            Address::Step { project, .. } => {
                (Some(project), &[HiddenData::Steps, HiddenData::StepsInGit])
            }
            Address::Variable { owner: VariableSetOwner::Project { name, .. }, .. } => {
                (Some(name), &[HiddenData::PoolReferences, HiddenData::StepsInGit])
            }
            Address::Variable { .. } => (None, &[HiddenData::PoolReferences]),
            Address::Target(_) => (None, &[HiddenData::Targets, HiddenData::PoolReferences]),
            _ => return None,
        };
        let project = project.map(Name::new);
        // A project that was read whole hides nothing.
        let may_hide = |part: &&UnreadPart| {
            hidden.contains(&part.hidden)
                && part.project.as_ref().is_none_or(|it| Some(it) == project.as_ref())
        };
        self.live.unread.iter().find(may_hide)
    }

    /// Whether an entry with an unknown outcome is about a branch that does not exist: the apply
    /// would have created the branch, and did not.
    fn was_never_made(&self, entry: &ReceiptEntry) -> bool {
        let (Address::Step { project, branch: Some(branch), .. }
        | Address::Variable {
            owner: VariableSetOwner::Project { name: project, branch: Some(branch) },
            ..
        }) = &entry.address
        else {
            return false;
        };
        let project = Name::new(project);
        let mut processes = self.live.processes.iter();
        let has_process = processes.any(|process| {
            process.owner.project == project
                && process.git.as_ref().is_some_and(|git| git.at.name == *branch)
        });
        let mut sets = self.live.indirect.sets.iter();
        let has_set =
            sets.any(|set| *set.owner.name() == project && set.store.branch_name() == Some(branch));
        entry.outcome == ChangeOutcome::Unknown
            && self.live.unread.is_empty()
            && !(has_process || has_set)
    }

    /// Describes a place for a message.
    fn describe_place(&self, place: &Place<Id<Pool>>) -> String {
        match place {
            Place::Pool(id) => self.resolve_pool(id.as_str()).address().to_string(),
            Place::Variable(name) => format!("variable {name:?}"),
            Place::DefaultPool => "default".to_owned(),
        }
    }

    fn step_edits(&self, now: &LiveStep, then: &LiveStep) -> Vec<StepEdit> {
        let resolve_place = |place: &Place<Id<Pool>>| -> Place<PoolHandle> {
            match place {
                Place::Pool(id) => Place::Pool(self.resolve_pool(id.as_str())),
                Place::Variable(name) => Place::Variable(name.clone()),
                Place::DefaultPool => Place::DefaultPool,
            }
        };
        let moved = Delta::if_different(resolve_place(&now.place), resolve_place(&then.place))
            .map(StepEdit::Place);
        // A place alone may decide that a step runs on a worker; then only the place is restored.
        let is_by_place =
            (now.run_on_server, &now.target_roles) == (then.run_on_server, &then.target_roles);
        let execution =
            Delta::if_different(step_execution(now), step_execution(then)).filter(|_| !is_by_place);
        let execution = execution.map(|execution| StepEdit::Execution {
            execution,
            target_roles: now.target_roles.clone(),
            restored: Some(then.target_roles.clone()),
        });
        let named_container = |step: &LiveStep| -> Option<Container<Linked<Feed>>> {
            let live = step.container.as_ref()?;
            let feed = self
                .live
                .directory
                .feeds
                .iter()
                .find(|feed| eq_ignoring_case(&feed.id, &live.feed));
            let name = feed.map_or(live.feed.as_str(), |it| it.name.as_str());
            Some(live.map_feed(|feed| Linked::new(feed, name)))
        };
        let contained = Delta::if_different(named_container(now), named_container(then))
            .map(StepEdit::Container);
        [moved, execution, contained].into_iter().flatten().collect()
    }
}

/// Returns the step with the given value of a field; fields of its place and container are ignored.
fn step_with_field(step: &LiveStep, field: Field, value: Option<&Value>) -> LiveStep {
    let (mut step, said) = (step.clone(), text_or_empty(value));
    let Field::Step(field) = field else { return step };
    match field {
        StepField::RunOnServer => step.run_on_server = LiveStep::parse_run_on_server(said),
        StepField::TargetRoles | StepField::ActionTargetRoles => {
            said.clone_into(&mut step.target_roles);
        }
        StepField::Pool
        | StepField::Variable
        | StepField::Container
        | StepField::Image
        | StepField::Feed
        | StepField::BundledTooling
        | StepField::Dockerfile
        | StepField::GitUrl => {}
    }
    step
}

fn step_execution(step: &LiveStep) -> Execution {
    match classify_step(step) {
        RunLocation::OnWorker(execution) => execution,
        _ => Execution::OnTargets,
    }
}

pub(super) fn commit_on_branch(branch: &LiveBranch, message: &str) -> PlannedCommit {
    PlannedCommit { at: branch.at.clone(), base: None, message: message.to_owned() }
}
