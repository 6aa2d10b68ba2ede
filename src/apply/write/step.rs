//! Steps: one write a process, however many of its steps move.
//!
//! A process is read, its steps are looked at one by one, those that are as the plan expects are edited
//! in the text, and the text goes back under the `Version` that it came with. Where somebody else was
//! faster, all of that is done again.
//!
//! # Source
//!
//! `api.md` 3.4 (which fields decide where a step runs) and 3.6 (concurrency).

use crate::{
    apply::desk::{Desk, Draft, Made, TRIES, Trouble, stale},
    live::{LiveStep, Runs, runs},
    model::{Container, Execution, Id, Linked, Name, Place, Pool, PoolHandle, Process, StepAction},
    octopus::{Error, Resource, document::Segment, wire},
    plan::{Change, ChangeKind, Delta, Feed, ProcessKind, StepEdit},
    receipt::Written,
};
use serde_json::{Value, json};

const RUN_ON_SERVER: &str = "Octopus.Action.RunOnServer";
const TARGET_ROLES: &str = "Octopus.Action.TargetRoles";

/// What came of each change.
type Outcomes = Vec<(usize, Result<Made, Trouble>)>;

/// A step that moves.
struct Move<'a> {
    /// The change's place in the plan.
    index: usize,
    action: &'a Id<StepAction>,
    edits: &'a [StepEdit],
    /// What was written for it in the try that is under way.
    written: Vec<Written>,
}

/// Moves steps of one process.
pub(in crate::apply) async fn steps(desk: &Desk, changes: &[(usize, &Change)]) -> Outcomes {
    let mut outcomes = Vec::new();
    let mut moves = Vec::new();
    let mut resource = None;
    for (index, change) in changes {
        let ChangeKind::PlaceStep { process, kind, action, edits } = &change.kind else { continue };
        resource = Some(process_of(process, *kind));
        moves.push(Move { index: *index, action, edits, written: Vec::new() });
    }
    let Some(resource) = resource else { return outcomes };
    let mut last: Option<Error> = None;
    for _ in 0..TRIES {
        let mut draft = match desk.read(&resource).await {
            Ok(draft) => draft,
            Err(trouble) => return fail(outcomes, &moves, &trouble),
        };
        moves = edit(desk, &mut draft, moves, &mut outcomes);
        if moves.is_empty() {
            return outcomes;
        }
        match desk.writer.put(&resource, draft.document.into_text()).await {
            Ok(answer) => return verify(desk, answer, moves, outcomes),
            Err(error) if error.is_stale() || error.is_ambiguous() => last = Some(error),
            Err(error) => return fail(outcomes, &moves, &error.into()),
        }
    }
    let trouble = last.map_or(Trouble::Failed("it was not tried".to_owned()), Trouble::from);
    fail(outcomes, &moves, &trouble)
}

fn process_of(id: &Id<Process>, kind: ProcessKind) -> Resource {
    let id = id.as_str().to_owned();
    match kind {
        ProcessKind::Deployment => Resource::DeploymentProcess(id),
        ProcessKind::Runbook => Resource::RunbookProcess(id),
    }
}

/// Edits the steps that are as expected, and returns them; the others' outcomes are known.
fn edit<'a>(
    desk: &Desk,
    draft: &mut Draft,
    moves: Vec<Move<'a>>,
    outcomes: &mut Outcomes,
) -> Vec<Move<'a>> {
    let mut left = Vec::new();
    for mut it in moves {
        let untouched = draft.document.clone();
        draft.written.clear();
        match edit_step(desk, draft, &it) {
            // It is so already: made in an earlier try whose answer was lost, or by somebody else.
            Ok(()) if draft.written.is_empty() => {
                outcomes.push((it.index, Ok(Made { id: None, written: it.written })));
            }
            Ok(()) => {
                it.written = std::mem::take(&mut draft.written);
                left.push(it);
            }
            Err(trouble) => {
                draft.document = untouched;
                outcomes.push((it.index, Err(trouble)));
            }
        }
    }
    left
}

/// Whether the server kept what was written.
fn verify(desk: &Desk, answer: String, moves: Vec<Move>, mut outcomes: Outcomes) -> Outcomes {
    let mut draft = match Draft::new(answer) {
        Ok(draft) => draft,
        Err(trouble) => return fail(outcomes, &moves, &trouble),
    };
    for it in moves {
        draft.written.clear();
        let kept = edit_step(desk, &mut draft, &it).is_ok() && draft.written.is_empty();
        let outcome = match kept {
            true => Ok(Made { id: None, written: it.written }),
            false => Err(Trouble::Failed(
                "the server took the process and did not keep the step's new place".to_owned(),
            )),
        };
        outcomes.push((it.index, outcome));
    }
    outcomes
}

fn fail(mut outcomes: Outcomes, moves: &[Move], trouble: &Trouble) -> Outcomes {
    outcomes.extend(moves.iter().map(|it| (it.index, Err(trouble.clone()))));
    outcomes
}

/// An action of the document, and where it is.
struct Found {
    step: usize,
    action: usize,
    live: LiveStep,
}

fn edit_step(desk: &Desk, draft: &mut Draft, it: &Move) -> Result<(), Trouble> {
    let found = find(draft, it.action)?;
    for edit in it.edits {
        match edit {
            StepEdit::Place(delta) => place(desk, draft, &found, delta)?,
            StepEdit::Execution { execution, .. } => self::execution(draft, &found, execution)?,
            StepEdit::Container(delta) => container(draft, &found, delta)?,
        }
    }
    Ok(())
}

/// The action of this id.
fn find(draft: &Draft, id: &Id<StepAction>) -> Result<Found, Trouble> {
    let process: wire::Process = serde_json::from_str(draft.document.text())
        .map_err(|why| Trouble::Failed(format!("the server's answer is no process: {why}")))?;
    for (at, step) in process.steps.iter().enumerate() {
        let action = step.actions.iter().enumerate().find(|(_, it)| it.id == id.as_str());
        if let Some((action, it)) = action {
            return Ok(Found { step: at, action, live: live(step, it) });
        }
    }
    Err(Trouble::Failed("the step is gone: plan again".to_owned()))
}

/// The step as the plan's rules see it; `refresh` reads it alike.
fn live(step: &wire::Step, action: &wire::Action) -> LiveStep {
    let (pool, variable) = (&action.worker_pool_id, &action.worker_pool_variable);
    let roles = match step.properties.target_roles.trim().is_empty() {
        true => &action.properties.target_roles,
        false => &step.properties.target_roles,
    };
    let container =
        Container { image: action.container.image.clone(), feed: action.container.feed_id.clone() };
    LiveStep {
        id: Id::new(&action.id),
        step: Name::new(&step.name),
        action: Name::new(&action.name),
        has_siblings: 1 < step.actions.len(),
        action_type: action.action_type.clone(),
        place: match (pool.trim().is_empty(), variable.trim().is_empty()) {
            (_, false) => Place::Variable(variable.clone()),
            (false, true) => Place::Pool(Id::new(pool)),
            (true, true) => Place::DefaultPool,
        },
        run_on_server: action.properties.run_on_server.trim().eq_ignore_ascii_case("true"),
        target_roles: roles.clone(),
        container: (!container.image.is_empty()).then_some(container),
    }
}

impl Found {
    fn path<'a>(&self, keys: &[&'a str]) -> Vec<Segment<'a>> {
        let mut path = vec![
            Segment::Key("Steps"),
            Segment::Index(self.step),
            Segment::Key("Actions"),
            Segment::Index(self.action),
        ];
        path.extend(keys.iter().map(|key| Segment::Key(key)));
        path
    }

    /// A property of the action; the server compares their names without regard to case.
    fn property<'a>(&self, name: &'a str) -> Vec<Segment<'a>> {
        let mut path = self.path(&["Properties"]);
        path.push(Segment::KeyIgnoringCase(name));
        path
    }
}

/// Sets what chooses the pool; of the two fields never both, and an empty one stays as it is written.
fn place(
    desk: &Desk,
    draft: &mut Draft,
    found: &Found,
    delta: &Delta<Place<PoolHandle>>,
) -> Result<(), Trouble> {
    let (before, after) = (resolved(desk, delta.before())?, resolved(desk, delta.after())?);
    let live = &found.live.place;
    if *live == after && !both(draft, found) {
        return Ok(());
    }
    if *live != before && *live != after {
        return Err(stale("pool", shown(live), shown(&before)));
    }
    let (pool, variable) = match after {
        Place::Pool(id) => (json!(id.as_str()), Value::Null),
        Place::Variable(name) => (Value::Null, json!(name)),
        Place::DefaultPool => (Value::Null, Value::Null),
    };
    // The field that is cleared first, so that no reader of the text sees both.
    let mut fields = [("WorkerPoolId", pool), ("WorkerPoolVariable", variable)];
    fields.sort_by_key(|(_, value)| !value.is_null());
    for (key, value) in fields {
        let path = found.path(&[key]);
        if !value.is_null() || !draft.text(&path).is_empty() {
            draft.set(&path, &value)?;
        }
    }
    Ok(())
}

/// Whether a step names a pool and a variable, which no server takes.
fn both(draft: &Draft, found: &Found) -> bool {
    ["WorkerPoolId", "WorkerPoolVariable"]
        .iter()
        .all(|key| !draft.text(&found.path(&[key])).is_empty())
}

fn resolved(desk: &Desk, place: &Place<PoolHandle>) -> Result<Place<Id<Pool>>, Trouble> {
    Ok(match place {
        Place::Pool(pool) => Place::Pool(desk.pool(pool)?),
        Place::Variable(name) => Place::Variable(name.clone()),
        Place::DefaultPool => Place::DefaultPool,
    })
}

fn shown(place: &Place<Id<Pool>>) -> String {
    match place {
        Place::Pool(id) => id.as_str().to_owned(),
        Place::Variable(name) => format!("variable {name:?}"),
        Place::DefaultPool => "default".to_owned(),
    }
}

/// Moves a step to a worker's side of the wire; `once` takes its target tags.
fn execution(draft: &mut Draft, found: &Found, delta: &Delta<Execution>) -> Result<(), Trouble> {
    let live = match runs(&found.live) {
        Runs::OnWorker(execution) => execution,
        Runs::OnTargets | Runs::InServer | Runs::Unknown => Execution::OnTargets,
    };
    if live == *delta.after() {
        return Ok(());
    }
    if live != *delta.before() {
        return Err(stale("execution", live.as_str(), delta.before().as_str()));
    }
    if !found.live.run_on_server {
        let properties = found.path(&["Properties"]);
        if draft.document.get(&properties).is_none_or(|it| it == "null") {
            draft.set(&properties, &json!({}))?;
        }
        draft.set(&found.property(RUN_ON_SERVER), &json!("true"))?;
    }
    if *delta.after() == Execution::Once {
        let of_step = [
            Segment::Key("Steps"),
            Segment::Index(found.step),
            Segment::Key("Properties"),
            Segment::KeyIgnoringCase(TARGET_ROLES),
        ];
        // Old data has the tags on the action.
        for roles in [of_step.to_vec(), found.property(TARGET_ROLES)] {
            if !draft.text(&roles).is_empty() {
                draft.set(&roles, &json!(""))?;
            }
        }
    }
    Ok(())
}

/// Sets the container of a step: image and feed, and nothing else in it.
fn container(
    draft: &mut Draft,
    found: &Found,
    delta: &Delta<Option<Container<Linked<Feed>>>>,
) -> Result<(), Trouble> {
    let plain = |it: &Option<Container<Linked<Feed>>>| {
        it.as_ref()
            .map(|it| Container { image: it.image.clone(), feed: it.feed.id.as_str().to_owned() })
    };
    let (before, after) = (plain(delta.before()), plain(delta.after()));
    let live = &found.live.container;
    let (Some(wanted), false) = (&after, *live == after) else { return Ok(()) };
    if *live != before {
        let shown = |it: &Option<Container<String>>| {
            it.as_ref().map_or("none".into(), |it| it.image.clone())
        };
        return Err(stale("container", shown(live), shown(&before)));
    }
    let whole = found.path(&["Container"]);
    if draft.document.get(&whole).is_none_or(|it| !it.starts_with('{')) {
        return draft.set(&whole, &json!({ "Image": wanted.image, "FeedId": wanted.feed }));
    }
    draft.set(&found.path(&["Container", "Image"]), &json!(wanted.image))?;
    draft.set(&found.path(&["Container", "FeedId"]), &json!(wanted.feed))
}
