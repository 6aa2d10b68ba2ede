//! Variable sets of projects and libraries: one write a `Version`.
//!
//! Never: a sensitive value, once it is stored; and no evaluation.

use super::{
    RequestContext, lookups,
    normal::{self, JsonFieldAccess as _, JsonFields},
    processes::{current, raw},
    snapshot,
};
use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    kind::VARIABLES,
    request::HttpVerb,
    store::{self, StoredDocument},
};
use serde_json::{Value, json};

/// Answers what is special about variable sets.
pub(crate) fn route(call: &RequestContext<'_>, path: &[&str]) -> Option<HandlerResult> {
    match (call.verb(), path) {
        (HttpVerb::Get, [id]) if *id != "all" => Some(shown(call, id)),
        (HttpVerb::Put, [id]) => Some(
            update(call, id)
                .and_then(|set| lookups::with_scopes(call, &set))
                .map(SandboxResponse::text),
        ),
        _ => None,
    }
}

/// `…/projects/{id}/variables`, whose `PUT` answers an empty object.
pub(crate) fn of_project(call: &RequestContext<'_>, project: &StoredDocument) -> HandlerResult {
    let id = format!("{}-{}", VARIABLES.prefix, project.id);
    match call.verb() {
        HttpVerb::Get => shown(call, &id),
        HttpVerb::Put => update(call, &id).map(|_| SandboxResponse::done()),
        _ => Err(ErrorResponse::method()),
    }
}

fn shown(call: &RequestContext<'_>, id: &str) -> HandlerResult {
    call.person.needs(VARIABLES.view)?;
    let set = call.find(&VARIABLES, id)?;
    lookups::with_scopes(call, &set.body).map(SandboxResponse::text)
}

fn update(call: &RequestContext<'_>, id: &str) -> HandlerResult<String> {
    call.person.needs(VARIABLES.edit)?;
    let mut document = call.find(&VARIABLES, id)?;
    if document.id.contains(snapshot::MARK) {
        return Err(ErrorResponse::rule(
            "You cannot modify these variables because they are frozen in a snapshot.",
        ));
    }
    let new: JsonFields = serde_json::from_str(&call.request.body)?;
    let old: JsonFields = serde_json::from_str(&document.body)?;
    current(&new, &old, "variables")?;
    document.body = kept(new, &old)?;
    store::save(call.db, &document)?;
    Ok(document.body)
}

/// A set in Git, whose file has no ids: each value is numbered among those of its name.
///
/// # Source
///
/// An id of such a value is shown in OctopusDeploy/cli 387: the variable's name, and `-1`. That the number
/// counts the values of the name is a guess.
pub(super) fn numbered(mut set: JsonFields) -> HandlerResult<JsonFields> {
    let mut variables = set.objects("Variables")?;
    let mut seen: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
    for variable in &mut variables {
        let name = variable.text("Name");
        let number = seen.entry(name.to_lowercase()).or_default();
        *number += 1;
        variable.put("Id", raw(&json!(format!("{name}-{number}")))?);
    }
    set.put("Variables", serde_json::value::to_raw_value(&variables)?);
    Ok(set)
}

/// A variable set as the server keeps it.
pub(super) fn kept(mut new: JsonFields, old: &JsonFields) -> HandlerResult<String> {
    let mut variables = new.objects("Variables")?;
    let mut ids = std::collections::HashSet::new();
    for variable in &mut variables {
        if variable.text("Id").is_empty() {
            variable.put("Id", raw(&json!(normal::guid()))?);
        }
        if !ids.insert(variable.text("Id")) {
            return Err(ErrorResponse::rule("Two variables have the same id."));
        }
        let sensitive = variable.raw("IsSensitive").is_some_and(|it| it.get() == "true");
        if sensitive || variable.text("Type") == "Sensitive" {
            variable.put("Value", raw(&Value::Null)?);
        }
    }
    new.put("Variables", serde_json::value::to_raw_value(&variables)?);
    for name in ["Id", "OwnerId", "SpaceId", "ScopeValues", "Links"] {
        if let Some(value) = old.get(name) {
            new.put(name, value.clone());
        }
    }
    let version = old.number("Version").unwrap_or_default() + 1;
    new.put("Version", raw(&json!(version))?);
    Ok(serde_json::to_string(&new)?)
}

/// An empty variable set of a project or a library set.
pub(crate) fn empty(space: &str, owner: &str) -> StoredDocument {
    let id = format!("{}-{owner}", VARIABLES.prefix);
    let set = json!({
        "Id": id,
        "OwnerId": owner,
        "SpaceId": space,
        "Version": 0,
        "Variables": [],
        "ScopeValues": {
            "Environments": [], "Machines": [], "Actions": [], "Roles": [], "Channels": [],
            "TenantTags": [], "Processes": [],
        },
        "Links": { "Self": format!("/api/{space}/variables/{id}") },
    });
    StoredDocument::new(&VARIABLES, &set)
}
