//! What every kind can do: lists, one, and writing what has no rules of its own.
//!
//! A document is kept as it is sent, but for its id, its links and its secrets, which never come
//! back. Never: a pool, a worker or a process; those have rules, and files, of their own.

use super::{
    RequestContext, deployments, field, flag, links, policies, projects, snapshot, tasks, text,
};
use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    kind::{
        self, ACCOUNTS, DocumentKind, POLICIES, PROJECTS, PROXIES, TARGETS, VARIABLES, WORKERS,
    },
    page::ListFilter,
    permission,
    request::HttpVerb,
    store::{self, StoredDocument},
};
use rusqlite::params;
use serde_json::{Map, Value, json};

/// Answers what a kind has no rules of its own for.
pub(crate) fn route(call: &RequestContext<'_>, first: &str, path: &[&str]) -> HandlerResult {
    let kind = kind::at(first).ok_or_else(ErrorResponse::missing)?;
    match (call.verb(), path) {
        (HttpVerb::Get, []) => filter(call, kind).page(call.db, &call.at(kind.link)),
        (HttpVerb::Get, ["all"]) if has_all(kind) => Ok(filter(call, kind).array()),
        (HttpVerb::Get, ["template"]) if kind.path == POLICIES.path => policies::template(call),
        (HttpVerb::Get, [id]) => one(call, kind, id),
        (HttpVerb::Get, [id, below]) => related(call, kind, id, below),
        (HttpVerb::Post, []) if is_writable(kind) => create(call, kind),
        (HttpVerb::Put, [id]) if is_writable(kind) => update(call, kind, id),
        (HttpVerb::Delete, [id]) if is_writable(kind) => delete(call, kind, id),
        (_, [] | [_]) => Err(ErrorResponse::method()),
        _ => Err(ErrorResponse::missing()),
    }
}

/// Whether there is a list without pages. Processes have none: `all` is an id there, and nobody's.
fn has_all(kind: &DocumentKind) -> bool {
    !["deploymentprocesses", "runbookprocesses"].contains(&kind.path)
}

/// Whether documents of this kind may be made here; others come with their owner, or not at all.
fn is_writable(kind: &DocumentKind) -> bool {
    let derived = [
        "deploymentprocesses",
        "runbookprocesses",
        "variables",
        "tasks",
        "events",
        "workertaskleases",
        // Kinds that are only ever empty.
        "teams",
        "scopeduserroles",
        "projecttriggers",
        "interruptions",
        "artifacts",
        "subscriptions",
        "packages",
        "build-information",
    ];
    !derived.contains(&kind.path)
}

fn filter<'a>(call: &RequestContext<'a>, kind: &'static DocumentKind) -> ListFilter<'a> {
    let mut filter = ListFilter::new(kind, &call.space, call.request);
    if !call.person.may(kind.view) {
        // Who may not see a kind gets short lists, not a refusal.
        filter.and("id =", "");
    }
    for (parameter, expression) in [
        ("projectids", "json_extract(body, '$.ProjectId')"),
        ("accounttype", "json_extract(body, '$.AccountType')"),
        ("feedtype", "json_extract(body, '$.FeedType')"),
    ] {
        if let Some(values) = call.request.list(parameter) {
            filter.and_any(expression, &values);
        }
    }
    if ["deployments", "runbookruns"].contains(&kind.path) {
        deployments::narrowed(call, &mut filter);
    }
    if kind.path == VARIABLES.path {
        // Snapshots are there for what was made of them, and nobody lists them.
        filter.and("instr(id, ?) = 0", snapshot::MARK);
    }
    if let (Some(roles), true) = (call.request.list("roles"), kind.path == TARGETS.path) {
        filter.and_any_within("$.Roles", &roles);
    }
    filter
}

fn one(call: &RequestContext<'_>, kind: &'static DocumentKind, id: &str) -> HandlerResult {
    call.person.needs(kind.view)?;
    Ok(SandboxResponse::text(call.find(kind, id)?.body))
}

/// A list that hangs off a document.
fn related(
    call: &RequestContext<'_>,
    kind: &'static DocumentKind,
    id: &str,
    below: &str,
) -> HandlerResult {
    let document = call.find(kind, id)?;
    let (listed, path) = match (kind.path, below) {
        ("projectgroups", "projects") => (&PROJECTS, "$.ProjectGroupId"),
        ("machinepolicies", "workers") => (&WORKERS, "$.MachinePolicyId"),
        ("machinepolicies", "machines") => (&TARGETS, "$.MachinePolicyId"),
        ("accounts", "usages") => return usages(call, &document),
        ("environments", "machines") => {
            let mut filter = filter(call, &TARGETS);
            filter.and_any_within("$.EnvironmentIds", std::slice::from_ref(&document.id));
            return filter
                .page(call.db, &call.at(&format!("environments/{}/machines", document.id)));
        }
        _ => return Err(ErrorResponse::missing()),
    };
    let mut filter = filter(call, listed);
    filter.and(&format!("json_extract(body, '{path}') ="), &document.id);
    filter.page(call.db, &call.at(&format!("{}/{}/{below}", kind.link, document.id)))
}

fn create(call: &RequestContext<'_>, kind: &'static DocumentKind) -> HandlerResult {
    call.person.needs(permission::to("Create", kind.edit))?;
    let body = flat(call.request.document()?);
    let id = store::next_id(call.db, kind)?;
    let document = written(call, kind, &body, &json!({ "Id": id }))?;
    store::save(call.db, &StoredDocument::new(kind, &document))?;
    match kind.path {
        "projects" => projects::made(call, &document)?,
        "runbooks" => projects::runbook_made(call, &document)?,
        _ => {}
    }
    Ok(SandboxResponse::created(&document))
}

fn update(call: &RequestContext<'_>, kind: &'static DocumentKind, id: &str) -> HandlerResult {
    call.person.needs(kind.edit)?;
    let old = call.find(kind, id)?.value()?;
    let body = flat(call.request.document()?);
    let document = written(call, kind, &body, &old)?;
    store::save(call.db, &StoredDocument::new(kind, &document))?;
    Ok(SandboxResponse::of(&document))
}

/// The document that a body asks for, in place of `old`.
fn written(
    call: &RequestContext<'_>,
    kind: &'static DocumentKind,
    body: &Value,
    old: &Value,
) -> HandlerResult<Value> {
    let id = text(old, "Id").to_owned();
    let mut document = json!({ "Id": id, "SpaceId": call.space });
    let defaults = match kind.path {
        "machinepolicies" => policies::defaults(),
        "projects" => projects::defaults(call, &id)?,
        "runbooks" => projects::runbook_defaults(&id),
        _ => json!({}),
    };
    let empty = Map::new();
    for (name, value) in body.as_object().unwrap_or(&empty) {
        if document.get(name).is_none() {
            document[name.as_str()] = value.clone();
        }
    }
    for (name, value) in defaults.as_object().unwrap_or(&empty) {
        if field(&document, name).is_null() {
            document[name.as_str()] = value.clone();
        }
    }
    document["Name"] = json!(call.name(kind, &document, &id)?);
    if kind.path != PROXIES.path {
        document["Slug"] = json!(call.slug(kind, body, old)?);
    }
    if kind.path == POLICIES.path {
        policies::keep_one_default(call, &mut document, old)?;
    }
    if kind.path == PROJECTS.path {
        projects::stay(&mut document, old);
    }
    forget_secrets(&mut document);
    document["Links"] = links::of(kind, &call.space, &id, &document);
    Ok(document)
}

/// The nested shape of 2026's account bodies, as the flat one that is stored.
fn flat(mut body: Value) -> Value {
    let details = body.as_object_mut().and_then(|body| body.remove("Details"));
    if let Some(Value::Object(details)) = details {
        for (name, value) in details {
            body[name] = value;
        }
    }
    body
}

/// Replaces new secrets by the fact that there is one.
pub(super) fn forget_secrets(value: &mut Value) {
    match value {
        Value::Object(fields) if fields.contains_key("HasValue") => {
            let new = fields.get("NewValue").is_some_and(|it| it.is_string() && it != "");
            let has = new || flag(&Value::Object(fields.clone()), "HasValue");
            *value = json!({ "HasValue": has, "NewValue": null, "Hint": null });
        }
        Value::Object(fields) => fields.values_mut().for_each(forget_secrets),
        Value::Array(items) => items.iter_mut().for_each(forget_secrets),
        _ => {}
    }
}

fn delete(call: &RequestContext<'_>, kind: &'static DocumentKind, id: &str) -> HandlerResult {
    call.person.needs(permission::to("Delete", kind.edit))?;
    let document = call.find(kind, id)?;
    match kind.path {
        "machinepolicies" => policies::deletable(&document)?,
        "accounts" | "proxies" => unused(call, kind, &document)?,
        "projects" | "runbooks" => projects::delete_what_belongs(call, &document)?,
        "deployments" | "runbookruns" => tasks::forget(call, &document)?,
        "feeds" if text(&document.value()?, "FeedType") == "BuiltIn" => {
            return Err(ErrorResponse::rule("You cannot delete the built-in feed."));
        }
        _ => {}
    }
    store::delete(call.db, &document.id)?;
    Ok(SandboxResponse::done())
}

/// The workers and targets whose endpoint names an account or a proxy.
fn machines_with(
    call: &RequestContext<'_>,
    document: &StoredDocument,
) -> HandlerResult<Vec<StoredDocument>> {
    let condition = "space = ?2 and (json_extract(body, '$.Endpoint.AccountId') = ?3 collate nocase
        or json_extract(body, '$.Endpoint.ProxyId') = ?3 collate nocase)";
    let mut machines = Vec::new();
    for kind in [&WORKERS, &TARGETS] {
        let values = params![kind.prefix, call.space, document.id];
        machines.extend(store::select(call.db, kind, condition, values)?);
    }
    Ok(machines)
}

fn unused(
    call: &RequestContext<'_>,
    kind: &DocumentKind,
    document: &StoredDocument,
) -> HandlerResult<()> {
    let machines = machines_with(call, document)?;
    let Some(machine) = machines.first() else { return Ok(()) };
    let noun = kind.noun;
    Err(ErrorResponse::rule(format!(
        "This {noun} cannot be deleted as it is currently referenced by a machine, '{}'. \n\
         Please refer to {noun} usage for more detail.",
        machine.name
    )))
}

fn usages(call: &RequestContext<'_>, account: &StoredDocument) -> HandlerResult {
    call.person.needs(ACCOUNTS.view)?;
    let machines = machines_with(call, account)?;
    let target = |it: &StoredDocument| json!({ "TargetId": it.id, "TargetName": it.name });
    Ok(SandboxResponse::of(&json!({
        "Targets": machines.iter().map(target).collect::<Vec<_>>(),
        "DeploymentProcesses": [],
        "RunbookProcesses": [],
        "Releases": [],
        "RunbookSnapshots": [],
        "ProjectVariableSets": [],
        "LibraryVariableSets": [],
        "Links": { "Self": call.at(&format!("accounts/{}/usages", account.id)) },
    })))
}
