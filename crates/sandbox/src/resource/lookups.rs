//! What a portal and older clients look up: tags of targets, names of variables, environments and how
//! their machines are, and what a variable can be scoped to.
//!
//! Never: a document of its own; each answer is gathered when it is asked for.

use super::{
    RequestContext, field, list,
    normal::{JsonFieldAccess as _, JsonFields},
    processes::raw,
    summary, text,
};
use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    kind::{CHANNELS, DocumentKind, ENVIRONMENTS, PROCESSES, PROJECTS, TARGETS, VARIABLES},
    page::ListFilter,
    request::HttpVerb,
    store,
};
use rusqlite::{Params, params};
use serde_json::{Value, json};

/// Answers what is looked up in a space.
pub(crate) fn route(
    call: &RequestContext<'_>,
    first: &str,
    path: &[&str],
) -> Option<HandlerResult> {
    if call.verb() != HttpVerb::Get {
        return None;
    }
    Some(match (first, path) {
        ("machineroles", ["all"]) => roles(call).map(|roles| SandboxResponse::of(&json!(roles))),
        ("variables", ["names"]) => names(call),
        ("environments", ["summary"]) => environments(call),
        ("actiontemplates", ["categories" | "search"]) => Ok(SandboxResponse::of(&json!([]))),
        _ => return None,
    })
}

/// A variable set as it is shown: with what its variables can be scoped to. Clients look environments
/// up here by name.
pub(super) fn with_scopes(call: &RequestContext<'_>, set: &str) -> HandlerResult<String> {
    let mut fields: JsonFields = serde_json::from_str(set)?;
    let scopes = scopes(call, &fields.text("OwnerId"))?;
    fields.put("ScopeValues", raw(&scopes)?);
    Ok(serde_json::to_string(&fields)?)
}

fn scopes(call: &RequestContext<'_>, owner: &str) -> HandlerResult<Value> {
    let in_space = |kind: &'static DocumentKind| {
        let sql = format!(
            "select id, name from document where kind = ?1 and space = ?2 order by {}",
            kind.order
        );
        match call.person.may(kind.view) {
            true => references(call, &sql, params![kind.prefix, call.space]),
            false => Ok(Vec::new()),
        }
    };
    let channels = "select id, name from document where kind = ?1 and owner = ?2 order by name";
    let actions = "select json_extract(action.value, '$.Id'), json_extract(action.value, '$.Name')
        from document, json_each(body, '$.Steps') step, json_each(step.value, '$.Actions') action
        where kind = ?1 and document.id = ?2";
    let process = format!("{}-{owner}", PROCESSES.prefix);
    let role = |role: &String| json!({ "Id": role, "Name": role });
    Ok(json!({
        "Environments": in_space(&ENVIRONMENTS)?,
        "Machines": in_space(&TARGETS)?,
        "Actions": references(call, actions, params![PROCESSES.prefix, process])?,
        "Roles": roles(call)?.iter().map(role).collect::<Vec<_>>(),
        "Channels": references(call, channels, params![CHANNELS.prefix, owner])?,
        "TenantTags": [],
        "Processes": runs_of(call, owner)?,
    }))
}

/// What of a project runs, and so what a variable can be kept to: its deployments, and each runbook.
fn runs_of(call: &RequestContext<'_>, owner: &str) -> HandlerResult<Vec<Value>> {
    let sql = "select id, name from document where kind = ?1 and id = ?2
        union all select id, name from document where kind = 'Runbooks' and owner = ?2";
    let mut all = references(call, sql, params![PROJECTS.prefix, owner])?;
    for process in &mut all {
        let is_project = text(process, "Id").eq_ignore_ascii_case(owner);
        process["ProcessType"] = json!(if is_project { "Deployment" } else { "Runbook" });
    }
    Ok(all)
}

/// Ids and names, as pairs that people choose from.
fn references(
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

/// The tags that targets have, each once.
fn roles(call: &RequestContext<'_>) -> HandlerResult<Vec<String>> {
    if !call.person.may(TARGETS.view) {
        return Ok(Vec::new());
    }
    let sql = "select distinct role.value from document, json_each(body, '$.Roles') role
        where kind = ?1 and space = ?2 order by 1 collate nocase";
    let mut statement = call.db.prepare_cached(sql)?;
    let rows = statement.query_map(params![TARGETS.prefix, call.space], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The names of a project's variables and of those in the sets that it includes, each once.
fn names(call: &RequestContext<'_>) -> HandlerResult {
    call.person.needs(VARIABLES.view)?;
    let mut owners = Vec::new();
    if let Some(project) = call.request.parameter("project") {
        let project = call.find(&PROJECTS, project).map_err(|_| ErrorResponse::missing())?;
        owners.extend(list(&project.value()?, "IncludedLibraryVariableSetIds"));
        owners.push(project.id);
    }
    let mut names = std::collections::BTreeSet::new();
    for owner in owners {
        let id = format!("{}-{owner}", VARIABLES.prefix);
        if let Some(set) = store::find(call.db, &VARIABLES, &call.space, &id)? {
            let variables = field(&set.value()?, "Variables").clone();
            let variables = variables.as_array().into_iter().flatten();
            names.extend(variables.map(|it| text(it, "Name").to_owned()));
        }
    }
    Ok(SandboxResponse::of(&json!(names)))
}

/// `GET …/environments/summary`: how the targets of each environment are.
fn environments(call: &RequestContext<'_>) -> HandlerResult {
    let environments = match call.person.may(ENVIRONMENTS.view) {
        true => ListFilter::new(&ENVIRONMENTS, &call.space, call.request).values(call.db)?,
        false => Vec::new(),
    };
    let machines = super::targets::filter(call).values(call.db)?;
    let hides = call.request.parameter("hideemptyenvironments");
    let hides = hides.is_some_and(|it| it.eq_ignore_ascii_case("true"));
    let counted = |machines: &[&Value]| {
        let mut counted = summary::counted(machines);
        counted["MachineTenantSummaries"] = json!({});
        counted["MachineTenantTagSummaries"] = json!({});
        counted
    };
    let mut all = counted(&machines.iter().collect::<Vec<_>>());
    let mut of_each = Vec::new();
    for environment in environments {
        let id = text(&environment, "Id").to_owned();
        let here = |it: &&Value| list(it, "EnvironmentIds").contains(&id);
        let members: Vec<&Value> = machines.iter().filter(here).collect();
        if hides && members.is_empty() {
            continue;
        }
        let mut one = counted(&members);
        one["Environment"] = environment;
        of_each.push(one);
    }
    if let Some(all) = all.as_object_mut() {
        all.remove("MachineIdsForTentacleUpgrade");
        all.insert("EnvironmentSummaries".to_owned(), json!(of_each));
    }
    Ok(SandboxResponse::of(&all))
}
