//! From a path to its handler.
//!
//! Three prefixes lead to one space: `/api/spaces/{id or slug}/…`, `/api/{space id}/…` and, for the
//! default space, `/api/…`. Segments are compared without regard to case. In a version-controlled project a
//! Git ref may stand between the project and the resource.

use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    audit::{self, AuditAuthor},
    context::RequestContext,
    keys::AccessKeys,
    kind::{self, SPACES},
    oidc,
    pace::Pace,
    people::{self, Person},
    request::{HttpVerb, SandboxRequest},
    resource::{
        channels, dashboard, deployment_settings, deployments, events, features, find, instance,
        leases, lookups, nodes, plain, pools, preview, process_templates, processes, progression,
        projects, releases, roots, runs, server_status, targets, tasks, templates, tenants,
        variables, versioned, workers,
    },
    spaces::Spaces,
    store,
};
use jiff::Timestamp;
use rusqlite::Connection;

/// Answers a request, and records what it changes.
pub(crate) fn answer_request(
    db: &Connection,
    request: &SandboxRequest,
    pace: &Pace,
    keys: &AccessKeys,
    now: Timestamp,
) -> HandlerResult {
    let lower: Vec<String> = request.path.iter().map(|part| part.to_lowercase()).collect();
    let path: Vec<&str> = lower.iter().map(String::as_str).collect();
    match path.as_slice() {
        [".well-known", "openid-configuration"] => return oidc::answer_discovery(request),
        ["api", "token", "v1"] | ["token", "v1"] => {
            return oidc::exchange_token(db, request, keys, pace.token, now);
        }
        _ => {}
    }
    let Some((&"api", path)) = path.split_first() else { return Err(ErrorResponse::not_found()) };
    let spaces = Spaces::read(db)?;
    if path.is_empty() {
        return instance::root_document(&spaces);
    }
    let person = authenticate(db, request, keys, now)?;
    let call = RequestContext { db, now, request, person: &person, pace, space: String::new() };
    let answer = dispatch_call(&call, path, &spaces)?;
    if request.verb != HttpVerb::Get {
        audit::record_events(db, AuditAuthor::from_request(&person, request))?;
    }
    Ok(answer)
}

/// The person of a request's key or token.
fn authenticate(
    db: &Connection,
    request: &SandboxRequest,
    keys: &AccessKeys,
    now: Timestamp,
) -> HandlerResult<Person> {
    let key = request.key.as_deref().ok_or_else(ErrorResponse::unauthorized)?;
    if let Some(person) = people::person_by_key(keys, key) {
        return Ok(person);
    }
    oidc::person_by_token(db, key, now)?.ok_or_else(ErrorResponse::unauthorized)
}

/// Passes a call to the instance, or to the space that its path names.
fn dispatch_call(call: &RequestContext<'_>, path: &[&str], spaces: &Spaces) -> HandlerResult {
    if let Some(answer) = route_instance(call, path, spaces) {
        return answer;
    }
    let call_in_space = |id: Option<&str>| -> HandlerResult<RequestContext<'_>> {
        let space = id.ok_or_else(ErrorResponse::not_found)?.to_owned();
        Ok(RequestContext { space, ..*call })
    };
    match path {
        ["spaces", id, rest @ ..] => {
            let space = spaces.find_by_id(id).or_else(|| spaces.find_by_slug(id));
            let call = call_in_space(space)?;
            if rest.is_empty() {
                instance::route_space_document(&call)
            } else {
                route_space(&call, rest)
            }
        }
        [id, rest @ ..] if id.starts_with("spaces-") => {
            route_space(&call_in_space(spaces.find_by_id(id))?, rest)
        }
        rest => route_space(&call_in_space(spaces.default_id())?, rest),
    }
}

/// Routes of the instance.
fn route_instance(
    call: &RequestContext<'_>,
    path: &[&str],
    spaces: &Spaces,
) -> Option<HandlerResult> {
    let get = call.verb() == HttpVerb::Get;
    Some(match path {
        ["spaces"] | ["spaces", "all"] => instance::route_spaces(call, path.len() > 1),
        ["featuresconfiguration"] => features::route_features(call),
        ["users", rest @ ..] if get => people::route_users(call.person, rest, spaces.documents()),
        ["events", rest @ ..] => events::route_events(call, rest),
        ["tasks", rest @ ..] => return tasks::route_tasks(call, rest),
        ["platformhub", rest @ ..] => process_templates::route_platform_hub(call, rest),
        ["octopusservernodes", rest @ ..] => nodes::route_nodes(call, rest),
        ["serverstatus", rest @ ..] if get => server_status::server_status(call, rest),
        ["authentication"] if get => Ok(instance::authentication()),
        ["permissions", "all"] if get => Ok(instance::describe_permissions()),
        ["configuration", "feature-toggles"] if get => Ok(instance::feature_toggles()),
        ["capabilities", rest @ ..] if get => instance::capabilities(rest),
        _ => return None,
    })
}

/// Routes of a space.
fn route_space(call: &RequestContext<'_>, path: &[&str]) -> HandlerResult {
    let Some((first, rest)) = path.split_first() else {
        return match call.verb() {
            HttpVerb::Get => Ok(SandboxResponse::from_document(&roots::space_root(&call.space))),
            _ => Err(ErrorResponse::method_not_allowed()),
        };
    };
    if let Some(answer) = route_runbook_parts(call, first, rest) {
        return answer;
    }
    if let Some(answer) = lookups::route_lookups(call, first, rest) {
        return answer;
    }
    let special = match *first {
        "workerpools" => pools::route_pools(call, rest),
        "workers" => workers::route_workers(call, rest),
        "machines" => targets::route_targets(call, rest),
        "projects" => route_project(call, rest),
        "deploymentprocesses" => processes::route_processes(call, &kind::PROCESSES, rest),
        "runbookprocesses" => processes::route_processes(call, &kind::RUNBOOK_PROCESSES, rest),
        "variables" => variables::route_variables(call, rest),
        "tasks" => tasks::route_tasks(call, rest),
        "tenants" => tenants::route_tenants(call, rest),
        "tenantvariables" => Some(match (call.verb(), rest) {
            (HttpVerb::Get, ["all"]) => tenants::list_tenant_values(call),
            _ => Err(ErrorResponse::not_found()),
        }),
        "releases" => releases::route_releases(call, rest),
        "deployments" => deployments::route_deployments(call, rest),
        "channels" => channels::route_channels(call, rest),
        "dashboard" if call.verb() == HttpVerb::Get => match rest {
            [] => Some(dashboard::answer_dashboard(call, false)),
            ["dynamic"] => Some(dashboard::answer_dashboard(call, true)),
            _ => None,
        },
        "runbooksnapshots" => runs::route_snapshots(call, rest),
        // The command-line tools spell it with a dash.
        "runbookruns" | "runbook-runs" => runs::route_runs(call, rest),
        "workertaskleases" if rest.is_empty() && call.verb() == HttpVerb::Get => {
            Some(leases::list_leases(call))
        }
        "events" => Some(events::route_events(call, rest)),
        "users" if call.verb() == HttpVerb::Get => Some(space_users(call, rest)),
        _ => None,
    };
    special.unwrap_or_else(|| plain::route_any_kind(call, first, rest))
}

/// Routes below a runbook, a release or a process, wherever that is served.
fn route_runbook_parts(
    call: &RequestContext<'_>,
    first: &str,
    path: &[&str],
) -> Option<HandlerResult> {
    let template = || templates::route_templates(call, first, path);
    let runs = || if first == "runbooks" { runs::route_runbook_runs(call, path) } else { None };
    preview::route_previews(call, first, path).or_else(template).or_else(runs)
}

/// `…/users` of a space, with permissions in that space.
fn space_users(call: &RequestContext<'_>, path: &[&str]) -> HandlerResult {
    let space = store::find_document(call.db, &SPACES, "", &call.space)?
        .ok_or_else(ErrorResponse::not_found)?;
    people::route_users(call.person, path, &[space.parse_body()?])
}

/// Routes of a project. A Git ref is the segment after the project.
fn route_project(call: &RequestContext<'_>, path: &[&str]) -> Option<HandlerResult> {
    let [id, rest @ ..] = path else { return None };
    if *id == "all" || (rest.is_empty() && call.verb() != HttpVerb::Get) {
        return None;
    }
    let project = match find::find_project(call, id) {
        Ok(project) => project,
        Err(refusal) => return Some(Err(refusal)),
    };
    if let Some(answer) = versioned::route_git(call, &project, rest) {
        return Some(answer);
    }
    let get = call.verb() == HttpVerb::Get;
    Some(match rest {
        ["deploymentprocesses", rest @ ..] => {
            processes::route_project_process(call, &project, rest)
        }
        ["runbookprocesses", rest @ ..] => {
            let answer = processes::route_processes(call, &kind::RUNBOOK_PROCESSES, rest);
            answer.unwrap_or_else(|| plain::route_any_kind(call, "runbookprocesses", rest))
        }
        ["runbooks", rest @ ..] => projects::route_runbooks(call, &project, rest)
            .or_else(|| route_runbook_parts(call, "runbooks", rest))
            .unwrap_or_else(|| plain::route_any_kind(call, "runbooks", rest)),
        ["channels", rest @ ..] => channels::route_project_channels(call, &project, rest)
            .unwrap_or_else(|| plain::route_any_kind(call, "channels", rest)),
        ["triggers", rest @ ..] => projects::route_triggers(call, &project, rest)
            .unwrap_or_else(|| plain::route_any_kind(call, "projecttriggers", rest)),
        ["deploymentsettings"] => deployment_settings::route_settings(call, &project, ""),
        ["summary"] if get => projects::project_summary(call, &project),
        ["progression"] if get => progression::project_progression(call, &project),
        ["variables"] => variables::route_project_set(call, &project),
        ["releases", rest @ ..] => releases::project_releases(call, &project, rest),
        ["runbooksnapshots", rest @ ..] => runs::project_snapshots(call, &project, rest),
        [] if get => Ok(SandboxResponse::from_json(project.body)),
        _ => Err(ErrorResponse::not_found()),
    })
}
