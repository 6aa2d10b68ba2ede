//! Variable sets of projects and libraries: one write a `Version`.
//!
//! Never: a sensitive value, once it is stored; and no evaluation.

use super::{
    Call, lookups,
    normal::{self, Fields, Reader as _},
    processes::{current, raw},
    snapshot,
};
use crate::{
    answer::{Answer, Refusal, Result},
    kind::VARIABLES,
    request::Verb,
    store::{self, Document},
};
use serde_json::{Value, json};

/// Answers what is special about variable sets.
pub(crate) fn route(call: &Call<'_>, path: &[&str]) -> Option<Result> {
    match (call.verb(), path) {
        (Verb::Get, [id]) if *id != "all" => Some(shown(call, id)),
        (Verb::Put, [id]) => Some(
            update(call, id).and_then(|set| lookups::with_scopes(call, &set)).map(Answer::text),
        ),
        _ => None,
    }
}

/// `…/projects/{id}/variables`, whose `PUT` answers an empty object.
pub(crate) fn of_project(call: &Call<'_>, project: &Document) -> Result {
    let id = format!("{}-{}", VARIABLES.prefix, project.id);
    match call.verb() {
        Verb::Get => shown(call, &id),
        Verb::Put => update(call, &id).map(|_| Answer::done()),
        _ => Err(Refusal::method()),
    }
}

fn shown(call: &Call<'_>, id: &str) -> Result {
    call.who.needs(VARIABLES.view)?;
    let set = call.find(&VARIABLES, id)?;
    lookups::with_scopes(call, &set.body).map(Answer::text)
}

fn update(call: &Call<'_>, id: &str) -> Result<String> {
    call.who.needs(VARIABLES.edit)?;
    let mut document = call.find(&VARIABLES, id)?;
    if document.id.contains(snapshot::MARK) {
        return Err(Refusal::rule(
            "You cannot modify these variables because they are frozen in a snapshot.",
        ));
    }
    let new: Fields = serde_json::from_str(&call.request.body)?;
    let old: Fields = serde_json::from_str(&document.body)?;
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
pub(super) fn numbered(mut set: Fields) -> Result<Fields> {
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
pub(super) fn kept(mut new: Fields, old: &Fields) -> Result<String> {
    let mut variables = new.objects("Variables")?;
    let mut ids = std::collections::HashSet::new();
    for variable in &mut variables {
        if variable.text("Id").is_empty() {
            variable.put("Id", raw(&json!(normal::guid()))?);
        }
        if !ids.insert(variable.text("Id")) {
            return Err(Refusal::rule("Two variables have the same id."));
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
pub(crate) fn empty(space: &str, owner: &str) -> Document {
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
    Document::new(&VARIABLES, &set)
}
