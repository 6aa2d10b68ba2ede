//! Variable sets of projects and libraries. Each write makes a new `Version`; sensitive values are not kept.

use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    context::{RequestContext, check_same_id},
    json::text_field,
    kind::{self, VARIABLES},
    raw_json::{JsonFieldAccess as _, JsonFields, to_raw_json},
    request::HttpVerb,
    resource::{lookups, normalize, processes::check_version},
    store::{self, StoredDocument},
    text::fold_case,
};
use serde_json::{Value, json};

/// Routes that only variable sets have.
pub(crate) fn route_variables(call: &RequestContext<'_>, path: &[&str]) -> Option<HandlerResult> {
    match (call.verb(), path) {
        (HttpVerb::Get, [id]) if *id != "all" => Some(get_variable_set(call, id)),
        (HttpVerb::Put, [id]) => Some(put_variable_set(call, id)),
        // Here the body says which set it is.
        (HttpVerb::Put, []) => Some(
            call.request
                .body_object()
                .and_then(|body| put_variable_set(call, text_field(&body, "Id"))),
        ),
        _ => None,
    }
}

/// `…/projects/{id}/variables`, whose `PUT` returns an empty object.
pub(crate) fn route_project_set(
    call: &RequestContext<'_>,
    project: &StoredDocument,
) -> HandlerResult {
    let id = VARIABLES.id_for(&project.id);
    match call.verb() {
        HttpVerb::Get => get_variable_set(call, &id),
        HttpVerb::Put => update(call, &id).map(|_| SandboxResponse::empty_object()),
        _ => Err(ErrorResponse::method_not_allowed()),
    }
}

fn put_variable_set(call: &RequestContext<'_>, id: &str) -> HandlerResult {
    let set = update(call, id)?;
    lookups::add_scope_values(call, &set).map(SandboxResponse::from_json)
}

fn get_variable_set(call: &RequestContext<'_>, id: &str) -> HandlerResult {
    call.person.require_permission(VARIABLES.view)?;
    let set = call.find_document(&VARIABLES, id)?;
    lookups::add_scope_values(call, &set.body).map(SandboxResponse::from_json)
}

fn update(call: &RequestContext<'_>, id: &str) -> HandlerResult<String> {
    call.person.require_permission(VARIABLES.edit)?;
    let mut document = call.find_document(&VARIABLES, id)?;
    if kind::is_snapshot(&document.id) {
        return Err(ErrorResponse::bad_request(
            "You cannot modify these variables because they are frozen in a snapshot.",
        ));
    }
    let new: JsonFields = serde_json::from_str(&call.request.body)?;
    check_same_id(&new.text_value("Id"), &document.id)?;
    let old: JsonFields = serde_json::from_str(&document.body)?;
    check_version(&new, &old, "variables")?;
    document.body = normalize_set(new, &old)?;
    store::save_document(call.db, &document)?;
    Ok(document.body)
}

/// Numbers the values of a set in Git, whose file has no ids, by name.
///
/// # Source
///
/// An id of such a value is shown in OctopusDeploy/cli 387: the variable's name, and `-1`. That the number
/// counts the values of the name is a guess.
pub(super) fn number_values(mut set: JsonFields) -> HandlerResult<JsonFields> {
    let mut variables = set.object_list("Variables")?;
    let mut seen: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
    for variable in &mut variables {
        let name = variable.text_value("Name");
        let number = seen.entry(fold_case(&name)).or_default();
        *number += 1;
        variable.set_field("Id", to_raw_json(&json!(format!("{name}-{number}")))?);
    }
    set.set_field("Variables", serde_json::value::to_raw_value(&variables)?);
    Ok(set)
}

/// Normalizes a variable set for storage.
pub(super) fn normalize_set(mut new: JsonFields, old: &JsonFields) -> HandlerResult<String> {
    let mut variables = new.object_list("Variables")?;
    let mut ids = std::collections::HashSet::new();
    for variable in &mut variables {
        if variable.text_value("Id").is_empty() {
            variable.set_field("Id", to_raw_json(&json!(normalize::random_guid()))?);
        }
        if !ids.insert(variable.text_value("Id")) {
            return Err(ErrorResponse::bad_request("Two variables have the same id."));
        }
        let sensitive =
            variable.raw_field("IsSensitive").is_some_and(|field| field.get() == "true");
        if sensitive || variable.text_value("Type") == "Sensitive" {
            variable.set_field("Value", to_raw_json(&Value::Null)?);
        }
    }
    new.set_field("Variables", serde_json::value::to_raw_value(&variables)?);
    for name in ["Id", "OwnerId", "SpaceId", "ScopeValues", "Links"] {
        if let Some(value) = old.get(name) {
            new.set_field(name, value.clone());
        }
    }
    let version = old.number_value("Version").unwrap_or_default() + 1;
    new.set_field("Version", to_raw_json(&json!(version))?);
    Ok(serde_json::to_string(&new)?)
}
