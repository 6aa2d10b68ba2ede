//! What a portal and older clients look up: tags of targets, names of variables, summaries of environments,
//! and what a variable can be scoped to.
//!
//! Each answer is gathered when it is requested.

use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    context::RequestContext,
    json::{json_field, text_field, text_list},
    kind::{CHANNELS, DocumentKind, ENVIRONMENTS, PROCESSES, PROJECTS, TARGETS, VARIABLES},
    raw_json::{JsonFieldAccess as _, JsonFields, to_raw_json},
    request::HttpVerb,
    resource::{built_in_steps, summary, targets},
    store,
};
use rusqlite::{Params, params};
use serde_json::{Value, json};

/// Routes of lookups in a space.
pub(crate) fn route_lookups(
    call: &RequestContext<'_>,
    first: &str,
    path: &[&str],
) -> Option<HandlerResult> {
    if call.verb() != HttpVerb::Get {
        return None;
    }
    Some(match (first, path) {
        ("machineroles", ["all"]) => {
            target_roles(call).map(|roles| SandboxResponse::from_document(&json!(roles)))
        }
        ("variables", ["names"]) => variable_names(call),
        ("environments", ["summary"]) => environment_summary(call),
        ("actiontemplates", ["categories"]) => {
            Ok(SandboxResponse::from_document(&built_in_steps::step_categories()))
        }
        ("actiontemplates", ["search"]) => Ok(SandboxResponse::from_document(
            &built_in_steps::search_steps(call.request.parameter("type")),
        )),
        _ => return None,
    })
}

/// A variable set as it is returned: with the possible scopes of its variables. Clients look up environments
/// here by name.
pub(super) fn add_scope_values(call: &RequestContext<'_>, set: &str) -> HandlerResult<String> {
    let mut fields: JsonFields = serde_json::from_str(set)?;
    let scopes = scope_values(call, &fields.text_value("OwnerId"))?;
    fields.set_field("ScopeValues", to_raw_json(&scopes)?);
    Ok(serde_json::to_string(&fields)?)
}

fn scope_values(call: &RequestContext<'_>, owner: &str) -> HandlerResult<Value> {
    let space_references = |kind: &'static DocumentKind| {
        let sql = format!(
            "select id, name from document where kind = ?1 and space = ?2 order by {}",
            kind.order
        );
        if call.person.has_permission(kind.view) {
            read_references(call, &sql, params![kind.prefix, call.space])
        } else {
            Ok(Vec::new())
        }
    };
    let channels = "select id, name from document where kind = ?1 and owner = ?2 order by name";
    let actions = "select json_extract(action.value, '$.Id'), json_extract(action.value, '$.Name')
        from document, json_each(body, '$.Steps') step, json_each(step.value, '$.Actions') action
        where kind = ?1 and document.id = ?2";
    let process = PROCESSES.id_for(owner);
    let role_reference = |role: &String| json!({ "Id": role, "Name": role });
    Ok(json!({
        "Environments": space_references(&ENVIRONMENTS)?,
        "Machines": space_references(&TARGETS)?,
        "Actions": read_references(call, actions, params![PROCESSES.prefix, process])?,
        "Roles": target_roles(call)?.iter().map(role_reference).collect::<Vec<_>>(),
        "Channels": read_references(call, channels, params![CHANNELS.prefix, owner])?,
        "TenantTags": [],
        "Processes": process_references(call, owner)?,
    }))
}

/// The processes that a variable can be scoped to: the project's deployments, and each of its runbooks.
fn process_references(call: &RequestContext<'_>, owner: &str) -> HandlerResult<Vec<Value>> {
    let sql = "select id, name from document where kind = ?1 and id = ?2
        union all select id, name from document where kind = 'Runbooks' and owner = ?2";
    let mut all = read_references(call, sql, params![PROJECTS.prefix, owner])?;
    for process in &mut all {
        let is_project = text_field(process, "Id").eq_ignore_ascii_case(owner);
        process["ProcessType"] = json!(if is_project { "Deployment" } else { "Runbook" });
    }
    Ok(all)
}

/// Reads pairs of an id and a name.
fn read_references(
    call: &RequestContext<'_>,
    sql: &str,
    values: impl Params,
) -> HandlerResult<Vec<Value>> {
    let mut statement = call.db.prepare_cached(sql)?;
    let rows = statement.query_map(values, |row| {
        let (id, name): (Option<String>, Option<String>) = (row.get(0)?, row.get(1)?);
        Ok(json!({ "Id": id, "Name": name }))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The tags of targets, each once.
fn target_roles(call: &RequestContext<'_>) -> HandlerResult<Vec<String>> {
    if !call.person.has_permission(TARGETS.view) {
        return Ok(Vec::new());
    }
    let sql = "select distinct role.value from document, json_each(body, '$.Roles') role
        where kind = ?1 and space = ?2 order by 1 collate nocase";
    let mut statement = call.db.prepare_cached(sql)?;
    let rows = statement.query_map(params![TARGETS.prefix, call.space], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The names of the variables of a project and of the sets that it includes, each once.
fn variable_names(call: &RequestContext<'_>) -> HandlerResult {
    call.person.require_permission(VARIABLES.view)?;
    let mut owners = Vec::new();
    if let Some(project) = call.request.parameter("project") {
        let project =
            call.find_document(&PROJECTS, project).map_err(|_| ErrorResponse::not_found())?;
        owners.extend(text_list(&project.parse_body()?, "IncludedLibraryVariableSetIds"));
        owners.push(project.id);
    }
    let mut names = std::collections::BTreeSet::new();
    for owner in owners {
        let id = VARIABLES.id_for(&owner);
        if let Some(set) = store::find_document(call.db, &VARIABLES, &call.space, &id)? {
            let variables = json_field(&set.parse_body()?, "Variables").clone();
            let variables = variables.as_array().into_iter().flatten();
            names.extend(variables.map(|variable| text_field(variable, "Name").to_owned()));
        }
    }
    Ok(SandboxResponse::from_document(&json!(names)))
}

/// `GET …/environments/summary`: the health of the targets of each environment.
fn environment_summary(call: &RequestContext<'_>) -> HandlerResult {
    let environments = call.list_filter(&ENVIRONMENTS).read_values(call.db)?;
    let machines = targets::target_filter(call).read_values(call.db)?;
    let hide_empty = call.request.flag_parameter("hideemptyenvironments") == Some(true);
    let environment_counts = |machines: &[&Value]| {
        let mut counted = summary::count_machines(machines);
        counted["MachineTenantSummaries"] = json!({});
        counted["MachineTenantTagSummaries"] = json!({});
        counted
    };
    let mut all = environment_counts(&machines.iter().collect::<Vec<_>>());
    let mut of_each = Vec::new();
    for environment in environments {
        let id = text_field(&environment, "Id").to_owned();
        let is_in_environment = |it: &&Value| text_list(it, "EnvironmentIds").contains(&id);
        let members: Vec<&Value> = machines.iter().filter(is_in_environment).collect();
        if hide_empty && members.is_empty() {
            continue;
        }
        let mut one = environment_counts(&members);
        one["Environment"] = environment;
        of_each.push(one);
    }
    if let Some(all) = all.as_object_mut() {
        all.remove("MachineIdsForTentacleUpgrade");
        all.insert("EnvironmentSummaries".to_owned(), json!(of_each));
    }
    Ok(SandboxResponse::from_document(&all))
}
