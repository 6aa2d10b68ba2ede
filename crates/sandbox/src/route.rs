//! From a path to its handler.
//!
//! Three prefixes lead to one space: `/api/spaces/{id or slug}/…`, `/api/{space id}/…` and, for the
//! default space, `/api/…`. Segments are compared without regard to case. Version-controlled projects
//! hang off `in_project`, where a Git ref stands between project and resource.

use super::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    audit::{self, AuditAuthor},
    kind::{self, SPACES},
    oidc,
    pace::Pace,
    people::{self, Person},
    request::{HttpVerb, SandboxRequest},
    resource::{
        RequestContext, deployments, events, features, instance, links, lookups, nodes, plain,
        pools, process_templates, processes, projects, releases, runs, targets, tasks, templates,
        tenants, variables, versioned, workers,
    },
    store, work,
};
use rusqlite::Connection;
use serde_json::Value;

/// Answers a request, and writes down what it changes.
pub(super) fn answer(db: &Connection, request: &SandboxRequest, pace: &Pace) -> HandlerResult {
    let lower: Vec<String> = request.path.iter().map(|part| part.to_lowercase()).collect();
    let path: Vec<&str> = lower.iter().map(String::as_str).collect();
    match path.as_slice() {
        [".well-known", "openid-configuration"] => return oidc::discovery(request),
        ["api", "token", "v1"] | ["token", "v1"] => {
            return oidc::exchange(db, request, pace.token);
        }
        _ => {}
    }
    let Some((&"api", path)) = path.split_first() else { return Err(ErrorResponse::missing()) };
    let spaces = spaces(db)?;
    if path.is_empty() {
        return instance::root(&spaces);
    }
    let who = who(db, request)?;
    let call = RequestContext { db, request, person: &who, space: String::new() };
    let answer = routed(&call, path, &spaces)?;
    if request.verb != HttpVerb::Get {
        audit::record(db, AuditAuthor::of(&who, request))?;
    }
    Ok(answer)
}

/// Whoever has the key or the token of a request.
fn who(db: &Connection, request: &SandboxRequest) -> HandlerResult<Person> {
    let key = request.key.as_deref().ok_or_else(ErrorResponse::stranger)?;
    if let Some(person) = people::with_key(key) {
        return Ok(person);
    }
    oidc::with_token(db, key)?.ok_or_else(ErrorResponse::stranger)
}

/// Hands a call to what it is for: the instance, or the space that its path names.
fn routed(call: &RequestContext<'_>, path: &[&str], spaces: &[Value]) -> HandlerResult {
    if let Some(answer) = on_the_instance(call, path, spaces) {
        return answer;
    }
    let call = |space: &Value| RequestContext {
        space: space["Id"].as_str().unwrap_or_default().to_owned(),
        ..*call
    };
    let named = |id: &str, field: &str| {
        let is =
            |space: &&Value| space[field].as_str().is_some_and(|it| it.eq_ignore_ascii_case(id));
        spaces.iter().find(is)
    };
    match path {
        ["spaces", id, rest @ ..] => {
            let space = named(id, "Id").or_else(|| named(id, "Slug"));
            let call = call(space.ok_or_else(ErrorResponse::missing)?);
            if rest.is_empty() { instance::space(&call) } else { in_space(&call, rest) }
        }
        [id, rest @ ..] if named(id, "Id").is_some() => {
            in_space(&call(named(id, "Id").ok_or_else(ErrorResponse::missing)?), rest)
        }
        [id, ..] if id.starts_with("spaces-") => Err(ErrorResponse::missing()),
        rest => {
            let default = spaces.iter().find(|space| space["IsDefault"] == true);
            in_space(&call(default.ok_or_else(ErrorResponse::missing)?), rest)
        }
    }
}

fn spaces(db: &Connection) -> HandlerResult<Vec<Value>> {
    let spaces = store::all(db, &SPACES, "")?;
    Ok(spaces.iter().map(store::StoredDocument::value).collect::<serde_json::Result<_>>()?)
}

/// What belongs to no space.
fn on_the_instance(
    call: &RequestContext<'_>,
    path: &[&str],
    spaces: &[Value],
) -> Option<HandlerResult> {
    let get = call.verb() == HttpVerb::Get;
    Some(match path {
        ["spaces"] | ["spaces", "all"] => instance::spaces(call, path.len() > 1),
        ["featuresconfiguration"] => features::route(call),
        ["users", rest @ ..] if get => people::route(call.person, rest, spaces),
        ["events", rest @ ..] => events::route(call, rest),
        ["tasks", rest @ ..] => return tasks::route(call, rest),
        ["platformhub", rest @ ..] => process_templates::route(call, rest),
        ["octopusservernodes", rest @ ..] => nodes::route(call, rest),
        ["serverstatus", rest @ ..] if get => instance::status(rest),
        ["configuration", "feature-toggles"] if get => Ok(instance::toggles()),
        ["capabilities", rest @ ..] if get => instance::capabilities(rest),
        _ => return None,
    })
}

/// What lives in a space.
fn in_space(call: &RequestContext<'_>, path: &[&str]) -> HandlerResult {
    let Some((first, rest)) = path.split_first() else {
        return match call.verb() {
            HttpVerb::Get => Ok(SandboxResponse::of(&links::space_root(&call.space))),
            _ => Err(ErrorResponse::method()),
        };
    };
    if let Some(template) = templates::route(call, first, rest) {
        return template;
    }
    if let Some(answer) = lookups::route(call, first, rest) {
        return answer;
    }
    let special = match *first {
        "workerpools" => pools::route(call, rest),
        "workers" => workers::route(call, rest),
        "machines" => targets::route(call, rest),
        "projects" => in_project(call, rest),
        "deploymentprocesses" => processes::route(call, &kind::PROCESSES, rest),
        "runbookprocesses" => processes::route(call, &kind::RUNBOOK_PROCESSES, rest),
        "variables" => variables::route(call, rest),
        "tasks" => tasks::route(call, rest),
        "tenants" => tenants::route(call, rest),
        "tenantvariables" => Some(match (call.verb(), rest) {
            (HttpVerb::Get, ["all"]) => tenants::all(call),
            _ => Err(ErrorResponse::missing()),
        }),
        "releases" => releases::route(call, rest),
        "deployments" => deployments::route(call, rest),
        "runbooksnapshots" => runs::route_snapshots(call, rest),
        // The short way in for tools spells it with a dash.
        "runbookruns" | "runbook-runs" => runs::route(call, rest),
        "runbooks" => runs::of_runbook(call, rest),
        "workertaskleases" if rest.is_empty() && call.verb() == HttpVerb::Get => {
            Some(work::leases(call))
        }
        "events" => Some(events::route(call, rest)),
        "users" if call.verb() == HttpVerb::Get => Some(users(call, rest)),
        _ => None,
    };
    special.unwrap_or_else(|| plain::route(call, first, rest))
}

/// What a space says of people: what they may do in it.
fn users(call: &RequestContext<'_>, path: &[&str]) -> HandlerResult {
    let space =
        store::find(call.db, &SPACES, "", &call.space)?.ok_or_else(ErrorResponse::missing)?;
    people::route(call.person, path, &[space.value()?])
}

/// What hangs off a project. A Git ref is the segment after the project.
fn in_project(call: &RequestContext<'_>, path: &[&str]) -> Option<HandlerResult> {
    let [id, rest @ ..] = path else { return None };
    if *id == "all" || (rest.is_empty() && call.verb() != HttpVerb::Get) {
        return None;
    }
    let project = match projects::find(call, id) {
        Ok(project) => project,
        Err(refusal) => return Some(Err(refusal)),
    };
    if let Some(answer) = versioned::route(call, &project, rest) {
        return Some(answer);
    }
    Some(match rest {
        ["deploymentprocesses", rest @ ..] => processes::of_project(call, &project, rest),
        ["runbookprocesses", rest @ ..] => {
            let answer = processes::route(call, &kind::RUNBOOK_PROCESSES, rest);
            answer.unwrap_or_else(|| plain::route(call, "runbookprocesses", rest))
        }
        ["runbooks", rest @ ..] => projects::runbooks(call, &project, rest),
        ["summary"] if call.verb() == HttpVerb::Get => projects::summary(call, &project),
        ["variables"] => variables::of_project(call, &project),
        ["releases", rest @ ..] => releases::of_project(call, &project, rest),
        ["runbooksnapshots", rest @ ..] => runs::of_project(call, &project, rest),
        // A real server takes any other segment for a Git ref that a database project does not need.
        [] | [_] if call.verb() == HttpVerb::Get => Ok(SandboxResponse::text(project.body)),
        _ => Err(ErrorResponse::missing()),
    })
}
