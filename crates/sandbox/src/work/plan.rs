//! What a task is to do: its stages, and the worker that each part of them holds.
//!
//! Never: a worker taken; and a place is found by `place`, which knows no documents.

use super::{
    ground::ground,
    scope::{self, VariableContext},
    script,
};
use crate::{
    answer::HandlerResult,
    kind::{DEPLOYMENTS, DocumentKind, RELEASES, RUNS, SNAPSHOTS, TARGETS},
    place::{
        self, AvailableWorkers, PlacementError, PlacementPool, PlacementTarget, PlacementWorker,
        RunPlace, StepToPlace,
    },
    resource::{field, flag, list, process_templates, text},
    store::{self, StoredDocument},
};
use rusqlite::Connection;
use serde_json::{Value, json};

/// What becomes of a task that is to start.
pub(super) enum TaskPlan {
    Run(Vec<TaskStage>),
    /// Another task holds a worker for itself.
    Wait,
    /// It fails before anything has run.
    Fail(String),
}

/// A step of a process, or the one of a script.
#[derive(Debug)]
pub(super) struct TaskStage {
    pub(super) title: String,
    /// Where it runs; nowhere where it is skipped.
    pub(super) parts: Vec<StagePart>,
}

/// A stage at one place.
#[derive(Debug)]
pub(super) struct StagePart {
    /// `Octopus Server`, or the machine.
    pub(super) machine: String,
    pub(super) hold: Option<WorkerHold>,
    pub(super) lines: Vec<String>,
}

/// A worker that is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WorkerHold {
    pub(super) worker: String,
    pub(super) worker_name: String,
    pub(super) pool: String,
    pub(super) pool_name: String,
    pub(super) is_exclusive: bool,
}

/// What this task is to do.
pub(super) fn of(db: &Connection, task: &Value) -> HandlerResult<TaskPlan> {
    let arguments = &task["Arguments"];
    let job = match text(task, "Name") {
        "Deploy" => deployment(db, text(arguments, "DeploymentId"))?,
        "RunbookRun" => run(db, text(arguments, "RunbookRunId"))?,
        _ => return script::of(db, task),
    };
    match job {
        Some(job) => job.plan(db, task),
        None => Ok(TaskPlan::Fail("What this task is to do was deleted.".to_owned())),
    }
}

/// A process to be run.
#[derive(Debug)]
struct ProcessRun {
    /// The deployment or the run, with what its user has chosen.
    chosen: Value,
    process: Value,
    /// The variable sets, those of libraries after the project's.
    sets: Vec<Value>,
    /// The runbook, or the project of a deployment.
    owner: String,
}

fn deployment(db: &Connection, id: &str) -> HandlerResult<Option<ProcessRun>> {
    let Some(chosen) = document(db, &DEPLOYMENTS, id)? else { return Ok(None) };
    let release = document(db, &RELEASES, text(&chosen, "ReleaseId"))?.unwrap_or_default();
    let process = text(&release, "ProjectDeploymentProcessSnapshotId").to_owned();
    let owner = text(&chosen, "ProjectId").to_owned();
    ProcessRun::of(db, chosen, (&release, "ProjectVariableSetSnapshotId"), (&process, owner))
}

fn run(db: &Connection, id: &str) -> HandlerResult<Option<ProcessRun>> {
    let Some(chosen) = document(db, &RUNS, id)? else { return Ok(None) };
    let snapshot =
        document(db, &SNAPSHOTS, text(&chosen, "RunbookSnapshotId"))?.unwrap_or_default();
    let process = text(&snapshot, "FrozenRunbookProcessId").to_owned();
    let owner = text(&chosen, "RunbookId").to_owned();
    ProcessRun::of(db, chosen, (&snapshot, "FrozenProjectVariableSetId"), (&process, owner))
}

/// Notes in the deployment or the run of a task that it has failed.
pub(super) fn mark_failed(db: &Connection, task: &Value) -> HandlerResult<()> {
    for (kind, argument) in [(&DEPLOYMENTS, "DeploymentId"), (&RUNS, "RunbookRunId")] {
        let id = text(field(task, "Arguments"), argument);
        if let Some(mut chosen) = document(db, kind, id)? {
            chosen["FailureEncountered"] = json!(true);
            store::save(db, &StoredDocument::numbered(kind, &chosen))?;
        }
    }
    Ok(())
}

/// A document of this id, wherever it is.
fn document(
    db: &Connection,
    kind: &'static DocumentKind,
    id: &str,
) -> HandlerResult<Option<Value>> {
    let found = store::select(db, kind, "id = ?2", [kind.prefix, id])?;
    Ok(found.first().map(StoredDocument::value).transpose()?)
}

impl ProcessRun {
    fn of(
        db: &Connection,
        chosen: Value,
        (snapshot, set): (&Value, &str),
        (process, owner): (&str, String),
    ) -> HandlerResult<Option<Self>> {
        let Some(process) = store::any(db, process)? else { return Ok(None) };
        let process = process_templates::executed(db, process)?;
        let libraries = list(snapshot, "LibraryVariableSetSnapshotIds");
        let mut sets = Vec::new();
        for id in std::iter::once(text(snapshot, set).to_owned()).chain(libraries) {
            sets.extend(store::any(db, &id)?);
        }
        Ok(Some(Self { chosen, process, sets, owner }))
    }

    fn plan(&self, db: &Connection, task: &Value) -> HandlerResult<TaskPlan> {
        let space = text(task, "SpaceId");
        let ground = ground(db, space)?;
        let targets = self.targets(db, space)?;
        let mut stages = Vec::new();
        for (title, step, action) in self.turns() {
            let roles = [tags(step), tags(action)].concat();
            match self.parts(action, (&roles, &targets), &ground, text(task, "Id")) {
                Ok(parts) => stages.push(TaskStage { title, parts }),
                Err(PlacementError::Taken(_)) => return Ok(TaskPlan::Wait),
                Err(trouble) => return Ok(TaskPlan::Fail(trouble.to_string())),
            }
        }
        Ok(TaskPlan::Run(stages))
    }

    /// The actions that have their turn, each with its title and its step.
    fn turns(&self) -> Vec<(String, &Value, &Value)> {
        let mut turns = Vec::new();
        for (index, step) in items(&self.process, "Steps").iter().enumerate() {
            let number = index + 1;
            let actions = items(step, "Actions");
            for (place, action) in actions.iter().enumerate().filter(|(_, it)| self.runs(it)) {
                let title = match actions.len() {
                    1 => format!("Step {number}: {}", text(step, "Name")),
                    _ => format!("Step {number}.{}: {}", place + 1, text(action, "Name")),
                };
                turns.push((title, step, action));
            }
        }
        turns
    }

    /// Whether an action has its turn in this environment and channel, and was not deselected.
    fn runs(&self, action: &Value) -> bool {
        let has =
            |name: &str, id: &str| list(action, name).iter().any(|it| it.eq_ignore_ascii_case(id));
        let (environment, channel) =
            (text(&self.chosen, "EnvironmentId"), text(&self.chosen, "ChannelId"));
        let open = |name: &str, id: &str| list(action, name).is_empty() || has(name, id);
        let skipped = list(&self.chosen, "SkipActions");
        !flag(action, "IsDisabled")
            && open("Environments", environment)
            && !has("ExcludedEnvironments", environment)
            && open("Channels", channel)
            && list(action, "TenantTags").is_empty()
            && !skipped.iter().any(|it| it == text(action, "Id"))
    }

    /// The targets of the environment that were not deselected.
    fn targets(&self, db: &Connection, space: &str) -> HandlerResult<Vec<Value>> {
        let environment = text(&self.chosen, "EnvironmentId").to_owned();
        let (only, not) =
            (list(&self.chosen, "SpecificMachineIds"), list(&self.chosen, "ExcludedMachineIds"));
        let mut targets = Vec::new();
        for target in store::all(db, &TARGETS, space)? {
            let document = target.value()?;
            let chosen =
                (only.is_empty() || only.contains(&target.id)) && !not.contains(&target.id);
            let here = list(&document, "EnvironmentIds").contains(&environment);
            if chosen && here && !flag(&document, "IsDisabled") {
                targets.push(document);
            }
        }
        Ok(targets)
    }

    fn parts(
        &self,
        action: &Value,
        (roles, targets): (&[String], &[Value]),
        ground: &AvailableWorkers,
        task: &str,
    ) -> std::result::Result<Vec<StagePart>, PlacementError> {
        let scope = VariableContext {
            environment: text(&self.chosen, "EnvironmentId"),
            channel: text(&self.chosen, "ChannelId"),
            owner: &self.owner,
            action,
        };
        if let Some(pool) = of_template(action, ground) {
            let step = StepToPlace {
                name: text(action, "Name"),
                on_server: true,
                pool,
                ..StepToPlace::default()
            };
            return Ok(part(place::resolve(&step, ground)?, "", task).into_iter().collect());
        }
        let variable = text(action, "WorkerPoolVariable");
        let value = scope::value(&self.sets, variable, &scope);
        let step = StepToPlace {
            name: text(action, "Name"),
            action: text(action, "ActionType"),
            on_server: property(action, "Octopus.Action.RunOnServer").eq_ignore_ascii_case("true"),
            pool: text(action, "WorkerPoolId"),
            variable,
            value: value.as_deref(),
            target: None,
        };
        if roles.is_empty() {
            let place = place::resolve(&step, ground)?;
            return Ok(part(place, "", task).into_iter().collect());
        }
        let mut parts = Vec::new();
        let has = |tag: &String| roles.iter().any(|it| it.eq_ignore_ascii_case(tag));
        for target in targets.iter().filter(|it| list(it, "Roles").iter().any(has)) {
            let endpoint = field(target, "Endpoint");
            let (style, pool) =
                (text(endpoint, "CommunicationStyle"), text(endpoint, "DefaultWorkerPoolId"));
            let step = StepToPlace { target: Some(PlacementTarget { style, pool }), ..step };
            parts.extend(part(place::resolve(&step, ground)?, text(target, "Name"), task));
        }
        Ok(parts)
    }
}

/// The pool that the use of a process template names in one of its parameters, whose values are slugs.
///
/// Of a template that is not there nobody knows the steps: they run in that pool, or else as the action says.
fn of_template<'a>(action: &Value, ground: &'a AvailableWorkers) -> Option<&'a str> {
    if text(action, "ActionType") != "Octopus.ProcessTemplate" {
        return None;
    }
    let parameters = field(action, "Properties").as_object()?.iter();
    let mut parameters = parameters.filter(|(name, _)| !name.starts_with("Octopus."));
    let named =
        |value: &Value| ground.pools.iter().find(|it| value.as_str() == Some(it.slug.as_str()));
    parameters.find_map(|(_, value)| named(value)).map(|pool| pool.id.as_str())
}

fn part(place: RunPlace<'_>, target: &str, task: &str) -> Option<StagePart> {
    let on_behalf =
        if target.is_empty() { String::new() } else { format!(" on behalf of {target}") };
    let server = "Octopus Server".to_owned();
    Some(match place {
        RunPlace::NoTarget => return None,
        RunPlace::Server => StagePart { machine: server, hold: None, lines: Vec::new() },
        RunPlace::Target => StagePart { machine: target.to_owned(), hold: None, lines: Vec::new() },
        RunPlace::BuiltIn => StagePart {
            machine: format!("{server}{on_behalf}"),
            hold: None,
            lines: vec![
                "The default worker pool has no workers; using the built-in worker".to_owned(),
            ],
        },
        RunPlace::Worker { worker, pool } => StagePart {
            machine: format!("Worker {}{on_behalf}", worker.name),
            hold: Some(hold(worker, pool, false)),
            lines: Vec::new(),
        },
        RunPlace::Dynamic { pool, image } => {
            let name = format!("{}-{}", image.to_lowercase(), task.to_lowercase());
            StagePart {
                machine: format!("Worker {name}{on_behalf}"),
                hold: Some(WorkerHold {
                    worker: format!("Dynamic{}-{task}", pool.id),
                    worker_name: name,
                    pool: pool.id.clone(),
                    pool_name: pool.name.clone(),
                    is_exclusive: false,
                }),
                lines: Vec::new(),
            }
        }
    })
}

/// A worker of a pool, held.
pub(super) fn hold(
    worker: &PlacementWorker,
    pool: &PlacementPool,
    is_exclusive: bool,
) -> WorkerHold {
    WorkerHold {
        worker: worker.id.clone(),
        worker_name: worker.name.clone(),
        pool: pool.id.clone(),
        pool_name: pool.name.clone(),
        is_exclusive,
    }
}

fn items<'a>(document: &'a Value, name: &str) -> &'a [Value] {
    field(document, name).as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A property of a step or an action; its value may be no text where it is secret.
fn property<'a>(part: &'a Value, name: &str) -> &'a str {
    text(field(part, "Properties"), name)
}

/// The tags of the targets that a step is for.
fn tags(part: &Value) -> Vec<String> {
    let tags = property(part, "Octopus.Action.TargetRoles").split(',').map(str::trim);
    tags.filter(|it| !it.is_empty()).map(str::to_owned).collect()
}
