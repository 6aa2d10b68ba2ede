//! Lists of the audit log, which is read-only.

use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    audit,
    context::RequestContext,
    kind::{EVENTS, KINDS, KindName},
    page::ListFilter,
    request::HttpVerb,
    store, time,
};
use serde_json::{Value, json};

/// The categories of events, and their names.
const CATEGORIES: [(&str, &str); 15] = [
    ("Created", "Document created"),
    ("Modified", "Document modified"),
    ("Deleted", "Document deleted"),
    ("DeploymentQueued", "Deployment queued"),
    ("DeploymentStarted", "Deployment started"),
    ("DeploymentSucceeded", "Deployment succeeded"),
    ("DeploymentFailed", "Deployment failed"),
    ("RunbookRunQueued", "Runbook run queued"),
    ("RunbookRunStarted", "Runbook run started"),
    ("RunbookRunSucceeded", "Runbook run succeeded"),
    ("RunbookRunFailed", "Runbook run failed"),
    ("TaskQueued", "Task queued"),
    ("TaskSucceeded", "Task succeeded"),
    ("TaskCanceled", "Task canceled"),
    ("MachineHealthChanged", "Machine health changed"),
];

/// The groups of categories: id, name, and the prefixes of the categories in them.
const GROUPS: [(&str, &str, &[&str]); 5] = [
    ("Document", "Document events", &["Created", "Modified", "Deleted"]),
    ("Deployment", "Deployment events", &["Deployment"]),
    ("RunbookRun", "Runbook run events", &["RunbookRun"]),
    ("Task", "Task events", &["Task"]),
    ("Machine", "Machine events", &["Machine"]),
];

/// `/api/events`, or `…/events` of a space, and everything below.
pub(crate) fn route_events(call: &RequestContext<'_>, path: &[&str]) -> HandlerResult {
    if call.verb() != HttpVerb::Get {
        return Err(ErrorResponse::method_not_allowed());
    }
    match path {
        [] => {
            let here =
                if call.space.is_empty() { "/api/events" } else { &call.space_path("events") };
            event_filter(call)?.page_answer(call.db, here)
        }
        ["agents"] => list_agents(call),
        ["categories"] => Ok(named_items(&CATEGORIES)),
        ["documenttypes"] => Ok(document_types()),
        ["groups"] => Ok(list_groups()),
        [id] => get_event(call, id),
        _ => Err(ErrorResponse::not_found()),
    }
}

fn get_event(call: &RequestContext<'_>, id: &str) -> HandlerResult {
    call.person.require_permission(EVENTS.view)?;
    let found = store::select_documents(call.db, &EVENTS, "id = ?2", [EVENTS.prefix, id])?;
    let is_in_space = |space: &str| call.space.is_empty() || call.space == space;
    let event = found.into_iter().find(|it| is_in_space(&it.space));
    Ok(SandboxResponse::from_json(event.ok_or_else(ErrorResponse::not_found)?.body))
}

fn event_filter<'a>(call: &RequestContext<'a>) -> HandlerResult<ListFilter<'a>> {
    let mut filter = if call.space.is_empty() {
        let mut filter = ListFilter::all_spaces(&EVENTS, call.request).shown_to(call.person);
        filter.limit_to_spaces();
        filter
    } else {
        call.list_filter(&EVENTS)
    };
    filter.add_parameters(&[
        ("users", "json_extract(body, '$.UserId')"),
        ("user", "json_extract(body, '$.UserId')"),
        ("eventcategories", "name"),
        ("eventagents", "json_extract(body, '$.UserAgent')"),
        ("documenttypes", "slug"),
    ]);
    if let Some(groups) = call.request.list_parameter("eventgroups") {
        filter.add_any_of("name", &group_categories(&groups));
    }
    filter.add_array_parameters(
        &["regardingany", "projects", "environments", "tenants", "projectgroups"]
            .map(|parameter| (parameter, "$.RelatedDocumentIds")),
    );
    // `regarding` wants all of its ids, and `regardingAny` any.
    for id in call.request.list_parameter("regarding").unwrap_or_default() {
        filter.add_array_any_of("$.RelatedDocumentIds", &[id]);
    }
    if call.request.flag_parameter("excludedifference") == Some(true) {
        filter.select_expression("json_set(body, '$.ChangeDetails', null)");
    }
    for (parameter, comparison) in [("from", ">="), ("to", "<=")] {
        if let Some(time) = call.request.parameter(parameter) {
            let time = time::parse_time(parameter, time)?;
            filter.add_condition(&format!("json_extract(body, '$.Occurred') {comparison}"), &time);
        }
    }
    for (parameter, comparison) in [("fromautoid", ">"), ("toautoid", "<")] {
        if let Some(number) = call.request.parameter(parameter) {
            filter.add_condition(&format!("rank {comparison} cast(? as integer)"), number);
        }
    }
    Ok(filter)
}

/// The categories of these groups.
fn group_categories(groups: &[String]) -> Vec<String> {
    let is_requested = |id: &str| groups.iter().any(|group| group.eq_ignore_ascii_case(id));
    let starts_with_any =
        |category: &str, starts: &[&str]| starts.iter().any(|it| category.starts_with(it));
    let wanted = GROUPS.iter().filter(|(id, ..)| is_requested(id));
    let categories_in = |(_, _, starts): &(&str, &str, &'static [&'static str])| {
        let starts = *starts;
        let all = CATEGORIES.iter().map(|(category, _)| *category);
        all.filter(move |category| starts_with_any(category, starts))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let mut categories: Vec<String> = wanted.flat_map(categories_in).collect();
    // An empty selection must find nothing, not everything.
    categories.push(String::new());
    categories
}

fn named_items(items: &[(&str, &str)]) -> SandboxResponse {
    let item = |(id, name): &(&str, &str)| json!({ "Id": id, "Name": name, "Links": null });
    SandboxResponse::from_document(&Value::Array(items.iter().map(item).collect()))
}

fn document_types() -> SandboxResponse {
    let mut types: Vec<(&str, String)> = KINDS
        .iter()
        .filter(|document| document.name != KindName::Events)
        .map(|it| audit::document_type(it))
        .collect();
    types.sort();
    let types = types.into_iter().map(|(id, name)| json!({ "Id": id, "Name": name }));
    SandboxResponse::from_document(&Value::Array(types.collect()))
}

fn list_groups() -> SandboxResponse {
    let group = |(id, name, _): &(&str, &str, &[&str])| {
        let mut categories = group_categories(&[(*id).to_owned()]);
        categories.pop();
        json!({ "Id": id, "Name": name, "EventCategories": categories, "Links": null })
    };
    SandboxResponse::from_document(&Value::Array(GROUPS.iter().map(group).collect()))
}

fn list_agents(call: &RequestContext<'_>) -> HandlerResult {
    let sql = "select distinct json_extract(body, '$.UserAgent') from document
               where kind = ?1 order by 1";
    let mut statement = call.db.prepare_cached(sql)?;
    let rows = statement.query_map([EVENTS.prefix], |row| row.get::<_, String>(0))?;
    let mut agents = Vec::new();
    for agent in rows {
        let agent = agent?;
        let name = if agent == "Server" { "Octopus Server task" } else { &agent };
        agents.push(json!({ "Id": agent, "Name": name, "Links": null }));
    }
    Ok(SandboxResponse::from_document(&Value::Array(agents)))
}
