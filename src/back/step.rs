//! Steps: back to where they ran, byte for byte.

use super::{Field, Way, text};
use crate::{
    live::{Branch, LiveProcess, LiveStep, Runs, runs},
    model::{Address, Container, Execution, Id, Linked, Place, Pool, PoolHandle},
    plan::{
        ChangeKind, Commit, Delta, Feed, ProcessKind, StepEdit, Written,
        exactly::{POOL, VARIABLE, place},
    },
    receipt::Entry,
};
use serde_json::Value;

/// What the commit says that leads back.
const MESSAGE: &str = "Move steps back to where they ran";

impl Way<'_> {
    pub(super) fn restore_step(&mut self, entry: &Entry, address: Address) {
        let Some((process, step)) = self.step(entry, &address) else {
            return self.left(entry, "the step is not there any more, or cannot be read");
        };
        let is_place = |it: &&Written| matches!(it.path.as_str(), POOL | VARIABLE);
        let (places, fields): (Vec<&Written>, Vec<&Written>) =
            entry.before.iter().partition(is_place);
        let (mut restored, mut exactly, mut edited) = (step.clone(), Vec::new(), Vec::new());
        let (was, made) = (place(&places, |it| &it.before), place(&places, |it| &it.after));
        if !places.is_empty() && step.place != was {
            if step.place == made {
                exactly.extend(places.into_iter().map(turned));
                restored.place = was;
            } else {
                let [now, made] = [&step.place, &made].map(|it| self.told(it));
                edited.push(format!("`pool` (it is {now}, the apply had made it {made})"));
            }
        }
        for field in fields {
            match Field::of(step, field, |value| with(step, &field.path, value)) {
                Field::Written => {
                    restored = with(&restored, &field.path, field.before.as_ref());
                    exactly.push(turned(field));
                }
                Field::Restored => {}
                Field::Edited => edited.push(super::made(field)),
            }
        }
        if !edited.is_empty() {
            return self.edited(entry, &edited);
        }
        let edits = self.edits(step, &restored);
        if edits.is_empty() {
            return;
        }
        let kind = ChangeKind::PlaceStep {
            process: process.id.clone(),
            kind: match process.owner.runbook {
                None => ProcessKind::Deployment,
                Some(_) => ProcessKind::Runbook,
            },
            git: process.git.as_ref().map(commit),
            action: step.id.clone(),
            edits,
            exactly,
        };
        self.push(address, kind);
    }

    /// The step of an entry: by the ids of process and action, on the branch of its address.
    fn step(&self, entry: &Entry, address: &Address) -> Option<(&LiveProcess, &LiveStep)> {
        let Address::Step { branch, .. } = address else { return None };
        let (id, step) = (entry.id.as_deref()?, entry.step_id.as_deref()?);
        let is = |it: &&LiveProcess| match (&it.git, branch) {
            (None, None) => it.id.as_str() == id,
            (Some(git), Some(branch)) => git.process == id && git.name == *branch,
            _ => false,
        };
        let process = self.live.processes.iter().find(is)?;
        Some((process, process.steps.iter().find(|it| it.id.as_str() == step)?))
    }

    /// A place in a sentence.
    fn told(&self, place: &Place<Id<Pool>>) -> String {
        match place {
            Place::Pool(id) => self.pool(id.as_str()).address().to_string(),
            Place::Variable(name) => format!("variable {name:?}"),
            Place::DefaultPool => "default".to_owned(),
        }
    }

    fn edits(&self, now: &LiveStep, then: &LiveStep) -> Vec<StepEdit> {
        let place = |place: &Place<Id<Pool>>| -> Place<PoolHandle> {
            match place {
                Place::Pool(id) => Place::Pool(self.pool(id.as_str())),
                Place::Variable(name) => Place::Variable(name.clone()),
                Place::DefaultPool => Place::DefaultPool,
            }
        };
        let moved = Delta::between(place(&now.place), place(&then.place)).map(StepEdit::Place);
        let execution = Delta::between(execution(now), execution(then));
        let execution = execution.map(|execution| StepEdit::Execution {
            execution,
            target_roles: now.target_roles.clone(),
            restored: Some(then.target_roles.clone()),
        });
        let container = |step: &LiveStep| -> Option<Container<Linked<Feed>>> {
            let live = step.container.as_ref()?;
            let feed = self.live.directory.feeds.iter().find(|it| it.id == live.feed);
            let name = feed.map_or(live.feed.as_str(), |it| it.name.as_str());
            Some(Container { image: live.image.clone(), feed: Linked::new(&live.feed, name) })
        };
        let contained = Delta::between(container(now), container(then)).map(StepEdit::Container);
        [moved, execution, contained].into_iter().flatten().collect()
    }
}

/// The same field the other way round.
fn turned(field: &Written) -> Written {
    let Written { path, before, after } = field.clone();
    Written { path, before: after, after: before }
}

/// The step with another value of a field that is not its place.
fn with(step: &LiveStep, path: &str, value: Option<&Value>) -> LiveStep {
    let (mut step, said) = (step.clone(), text(value));
    match path {
        "Container" => {
            let part = |key: &str| text(value.and_then(|it| it.get(key))).to_owned();
            step.container = contained(part("Image"), part("FeedId"));
        }
        "Container.Image" => {
            let feed = step.container.map(|it| it.feed).unwrap_or_default();
            step.container = contained(said.to_owned(), feed);
        }
        "Container.FeedId" => {
            let image = step.container.map(|it| it.image).unwrap_or_default();
            step.container = contained(image, said.to_owned());
        }
        _ if path.ends_with(".RunOnServer") => {
            step.run_on_server = said.trim().eq_ignore_ascii_case("true");
        }
        _ if path.ends_with(".TargetRoles") => said.clone_into(&mut step.target_roles),
        _ => {}
    }
    step
}

fn contained(image: String, feed: String) -> Option<Container<String>> {
    (!image.is_empty()).then_some(Container { image, feed })
}

fn execution(step: &LiveStep) -> Execution {
    match runs(step) {
        Runs::OnWorker(execution) => execution,
        _ => Execution::OnTargets,
    }
}

fn commit(branch: &Branch) -> Commit {
    Commit {
        process: Id::new(&branch.process),
        project: branch.project.clone(),
        repository: branch.repository.clone(),
        branch: branch.name.clone(),
        base: None,
        message: MESSAGE.to_owned(),
    }
}
