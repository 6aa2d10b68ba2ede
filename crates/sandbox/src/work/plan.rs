//! What a task does: its stages, and the worker that each part of them holds.

use crate::{
    answer::HandlerResult,
    document::template,
    json::{array_items, bool_field, json_field, text_field, text_list},
    kind::{DEPLOYMENTS, DocumentKind, RELEASES, RUNS, SNAPSHOTS, TARGETS},
    place::{self, AvailableWorkers, PlacementError, PlacementTarget, RunPlace, StepToPlace},
    store::{self, StoredDocument},
    text::contains_id,
    work::{
        available_workers::read_available_workers,
        scope::{self, VariableContext},
        script,
        stage::{self, StagePart, TaskPlan, TaskStage, WorkerHold},
    },
};
use rusqlite::Connection;
use serde_json::{Value, json};

/// Plans a task.
pub(super) fn plan_task(db: &Connection, task: &Value) -> HandlerResult<TaskPlan> {
    let arguments = &task["Arguments"];
    let source = match text_field(task, "Name") {
        "Deploy" => &DEPLOYMENT,
        "RunbookRun" => &RUNBOOK_RUN,
        _ => return script::plan_adhoc_task(db, task),
    };
    match ProcessRun::load(db, source, text_field(arguments, source.argument))? {
        Some(run) => run.plan_stages(db, task),
        None => Ok(TaskPlan::Fail("What this task is to do was deleted.".to_owned())),
    }
}

/// Where an execution finds its process and variables.
struct ExecutionSource {
    /// The kind of the execution.
    kind: &'static DocumentKind,
    /// The argument of the task with the id of the execution.
    argument: &'static str,
    /// The kind of the release or snapshot, and the field of the execution with its id.
    frozen_kind: &'static DocumentKind,
    frozen: &'static str,
    /// The fields of the release or snapshot with the ids of its process and its variable set.
    process: &'static str,
    variables: &'static str,
    /// The field of the execution with the owner of the process.
    owner: &'static str,
}

static DEPLOYMENT: ExecutionSource = ExecutionSource {
    kind: &DEPLOYMENTS,
    argument: "DeploymentId",
    frozen_kind: &RELEASES,
    frozen: "ReleaseId",
    process: "ProjectDeploymentProcessSnapshotId",
    variables: "ProjectVariableSetSnapshotId",
    owner: "ProjectId",
};

static RUNBOOK_RUN: ExecutionSource = ExecutionSource {
    kind: &RUNS,
    argument: "RunbookRunId",
    frozen_kind: &SNAPSHOTS,
    frozen: "RunbookSnapshotId",
    process: "FrozenRunbookProcessId",
    variables: "FrozenProjectVariableSetId",
    owner: "RunbookId",
};

/// A process to run.
#[derive(Debug)]
struct ProcessRun {
    /// The deployment or the run, with the choices of its user.
    chosen: Value,
    process: Value,
    /// The variable sets: the project's, then those of libraries.
    sets: Vec<Value>,
    /// The runbook, or the project of a deployment.
    owner: String,
}

/// Marks the deployment or the run of a task as failed.
pub(super) fn mark_failed(db: &Connection, task: &Value) -> HandlerResult<()> {
    for ExecutionSource { kind, argument, .. } in [&DEPLOYMENT, &RUNBOOK_RUN] {
        let id = text_field(json_field(task, "Arguments"), argument);
        if let Some(mut chosen) = read_document(db, kind, id)? {
            chosen["FailureEncountered"] = json!(true);
            store::save_document(db, &StoredDocument::with_id_rank(kind, &chosen))?;
        }
    }
    Ok(())
}

/// A document of this id, wherever it is.
fn read_document(
    db: &Connection,
    kind: &'static DocumentKind,
    id: &str,
) -> HandlerResult<Option<Value>> {
    let found = store::select_documents(db, kind, "id = ?2", [kind.prefix, id])?;
    Ok(found.first().map(StoredDocument::parse_body).transpose()?)
}

/// What a task finds when it starts.
struct ExecutionSite<'a> {
    /// The id of the task.
    task: &'a str,
    available: AvailableWorkers,
    /// The targets that the execution may run on.
    targets: Vec<Value>,
}

impl ProcessRun {
    fn load(db: &Connection, source: &ExecutionSource, id: &str) -> HandlerResult<Option<Self>> {
        let Some(chosen) = read_document(db, source.kind, id)? else { return Ok(None) };
        let frozen = read_document(db, source.frozen_kind, text_field(&chosen, source.frozen))?;
        let frozen = frozen.unwrap_or_default();
        let process = store::find_any_kind(db, text_field(&frozen, source.process))?;
        let Some(process) = process else { return Ok(None) };
        let process = template::expand_for_run(db, process)?;
        let libraries = text_list(&frozen, "LibraryVariableSetSnapshotIds");
        let own = text_field(&frozen, source.variables).to_owned();
        let mut sets = Vec::new();
        for id in std::iter::once(own).chain(libraries) {
            sets.extend(store::find_any_kind(db, &id)?);
        }
        let owner = text_field(&chosen, source.owner).to_owned();
        Ok(Some(Self { chosen, process, sets, owner }))
    }

    fn plan_stages(&self, db: &Connection, task: &Value) -> HandlerResult<TaskPlan> {
        let space = text_field(task, "SpaceId");
        let site = ExecutionSite {
            task: text_field(task, "Id"),
            available: read_available_workers(db, space)?,
            targets: self.selected_targets(db, space)?,
        };
        let mut stages = Vec::new();
        for (title, step, action) in self.ordered_actions() {
            let roles = [target_tags(step), target_tags(action)].concat();
            match self.action_parts(action, &roles, &site) {
                Ok(parts) => stages.push(TaskStage { title, parts }),
                Err(PlacementError::Taken(_)) => return Ok(TaskPlan::Wait),
                Err(trouble) => return Ok(TaskPlan::Fail(trouble.to_string())),
            }
        }
        Ok(TaskPlan::Run(stages))
    }

    /// The actions to run, each with its title and its step.
    fn ordered_actions(&self) -> Vec<(String, &Value, &Value)> {
        let mut turns = Vec::new();
        for (index, step) in array_items(&self.process, "Steps").iter().enumerate() {
            let number = index + 1;
            let actions = array_items(step, "Actions");
            for (place, action) in
                actions.iter().enumerate().filter(|(_, it)| self.is_action_included(it))
            {
                let title = match actions.len() {
                    1 => format!("Step {number}: {}", text_field(step, "Name")),
                    _ => format!("Step {number}.{}: {}", place + 1, text_field(action, "Name")),
                };
                turns.push((title, step, action));
            }
        }
        turns
    }

    /// Whether an action runs in this environment and channel, and was not deselected.
    fn is_action_included(&self, action: &Value) -> bool {
        let lists_id = |name: &str, id: &str| contains_id(&text_list(action, name), id);
        let (environment, channel) =
            (text_field(&self.chosen, "EnvironmentId"), text_field(&self.chosen, "ChannelId"));
        let is_open_to =
            |name: &str, id: &str| text_list(action, name).is_empty() || lists_id(name, id);
        let skipped = text_list(&self.chosen, "SkipActions");
        !bool_field(action, "IsDisabled")
            && is_open_to("Environments", environment)
            && !lists_id("ExcludedEnvironments", environment)
            && is_open_to("Channels", channel)
            && text_list(action, "TenantTags").is_empty()
            && !skipped.iter().any(|text| text == text_field(action, "Id"))
    }

    /// The targets of the environment that were not deselected.
    fn selected_targets(&self, db: &Connection, space: &str) -> HandlerResult<Vec<Value>> {
        let environment = text_field(&self.chosen, "EnvironmentId").to_owned();
        let (only, not) = (
            text_list(&self.chosen, "SpecificMachineIds"),
            text_list(&self.chosen, "ExcludedMachineIds"),
        );
        let mut targets = Vec::new();
        for target in store::list_documents(db, &TARGETS, space)? {
            let document = target.parse_body()?;
            let chosen =
                (only.is_empty() || only.contains(&target.id)) && !not.contains(&target.id);
            let here = text_list(&document, "EnvironmentIds").contains(&environment);
            if chosen && here && !bool_field(&document, "IsDisabled") {
                targets.push(document);
            }
        }
        Ok(targets)
    }

    fn action_parts(
        &self,
        action: &Value,
        roles: &[String],
        site: &ExecutionSite<'_>,
    ) -> std::result::Result<Vec<StagePart>, PlacementError> {
        let ExecutionSite { task, available, targets } = site;
        let scope = VariableContext {
            environment: text_field(&self.chosen, "EnvironmentId"),
            channel: text_field(&self.chosen, "ChannelId"),
            owner: &self.owner,
            action,
        };
        if let Some(pool) = template_pool(action, available) {
            let step = StepToPlace {
                name: text_field(action, "Name"),
                on_server: true,
                pool,
                ..StepToPlace::default()
            };
            return Ok(placed_part(place::resolve_place(&step, available)?, "", task)
                .into_iter()
                .collect());
        }
        let variable = text_field(action, "WorkerPoolVariable");
        let value = scope::resolve_value(&self.sets, variable, &scope);
        let step = StepToPlace {
            name: text_field(action, "Name"),
            action: text_field(action, "ActionType"),
            on_server: property_text(action, "Octopus.Action.RunOnServer")
                .eq_ignore_ascii_case("true"),
            pool: text_field(action, "WorkerPoolId"),
            variable,
            value: value.as_deref(),
            target: None,
        };
        if roles.is_empty() {
            let place = place::resolve_place(&step, available)?;
            return Ok(placed_part(place, "", task).into_iter().collect());
        }
        let mut parts = Vec::new();
        let has_role = |tag: &String| contains_id(roles, tag);
        for target in
            targets.iter().filter(|target| text_list(target, "Roles").iter().any(has_role))
        {
            let endpoint = json_field(target, "Endpoint");
            let (style, pool) = (
                text_field(endpoint, "CommunicationStyle"),
                text_field(endpoint, "DefaultWorkerPoolId"),
            );
            let step = StepToPlace { target: Some(PlacementTarget { style, pool }), ..step };
            parts.extend(placed_part(
                place::resolve_place(&step, available)?,
                text_field(target, "Name"),
                task,
            ));
        }
        Ok(parts)
    }
}

/// The pool that a usage of a process template names by its slug in a parameter.
///
/// The steps of a missing template are unknown, so the usage itself runs in that pool, or as its action says.
fn template_pool<'a>(action: &Value, available: &'a AvailableWorkers) -> Option<&'a str> {
    if text_field(action, "ActionType") != "Octopus.ProcessTemplate" {
        return None;
    }
    let parameters = json_field(action, "Properties").as_object()?.iter();
    let mut parameters = parameters.filter(|(name, _)| !name.starts_with("Octopus."));
    let find_pool = |value: &Value| {
        available.pools.iter().find(|pool| value.as_str() == Some(pool.slug.as_str()))
    };
    parameters.find_map(|(_, value)| find_pool(value)).map(|pool| pool.id.as_str())
}

fn placed_part(place: RunPlace<'_>, target: &str, task: &str) -> Option<StagePart> {
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
            hold: Some(stage::new_hold(worker, pool, false)),
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

/// A property of a step or an action; empty if it is secret.
fn property_text<'a>(part: &'a Value, name: &str) -> &'a str {
    text_field(json_field(part, "Properties"), name)
}

/// The target tags of a step.
fn target_tags(part: &Value) -> Vec<String> {
    let tags = property_text(part, "Octopus.Action.TargetRoles").split(',').map(str::trim);
    tags.filter(|it| !it.is_empty()).map(str::to_owned).collect()
}
