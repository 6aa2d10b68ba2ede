//! Lists of the audit log.
//!
//! Never: an event written, changed or deleted; they come with what they tell of.

use super::RequestContext;
use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    audit,
    kind::{EVENTS, KINDS},
    page::ListFilter,
    request::HttpVerb,
    store,
};
use jiff::Timestamp;
use serde_json::{Value, json};

/// The categories, as people call them.
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

/// The groups of categories: id, name, and what the categories of a group begin with.
const GROUPS: [(&str, &str, &[&str]); 5] = [
    ("Document", "Document events", &["Created", "Modified", "Deleted"]),
    ("Deployment", "Deployment events", &["Deployment"]),
    ("RunbookRun", "Runbook run events", &["RunbookRun"]),
    ("Task", "Task events", &["Task"]),
    ("Machine", "Machine events", &["Machine"]),
];

/// `/api/events`, or `…/events` of a space, and what is below.
pub(crate) fn route(call: &RequestContext<'_>, path: &[&str]) -> HandlerResult {
    if call.verb() != HttpVerb::Get {
        return Err(ErrorResponse::method());
    }
    match path {
        [] => {
            let here = if call.space.is_empty() { "/api/events" } else { &call.at("events") };
            filter(call)?.page(call.db, here)
        }
        ["agents"] => agents(call),
        ["categories"] => Ok(named(&CATEGORIES)),
        ["documenttypes"] => Ok(document_types()),
        ["groups"] => Ok(groups()),
        [id] => one(call, id),
        _ => Err(ErrorResponse::missing()),
    }
}

fn one(call: &RequestContext<'_>, id: &str) -> HandlerResult {
    call.person.needs(EVENTS.view)?;
    let found = store::select(call.db, &EVENTS, "id = ?2", [EVENTS.prefix, id])?;
    let here = |space: &str| call.space.is_empty() || call.space == space;
    let event = found.into_iter().find(|it| here(&it.space));
    Ok(SandboxResponse::text(event.ok_or_else(ErrorResponse::missing)?.body))
}

fn filter<'a>(call: &RequestContext<'a>) -> HandlerResult<ListFilter<'a>> {
    let mut filter = if call.space.is_empty() {
        let mut filter = ListFilter::everywhere(&EVENTS, call.request);
        filter.of_spaces(call.request);
        filter
    } else {
        ListFilter::new(&EVENTS, &call.space, call.request)
    };
    if !call.person.may(EVENTS.view) {
        filter.and("id =", "");
    }
    for (parameter, expression) in [
        ("users", "json_extract(body, '$.UserId')"),
        ("user", "json_extract(body, '$.UserId')"),
        ("eventcategories", "name"),
        ("eventagents", "json_extract(body, '$.UserAgent')"),
        ("documenttypes", "slug"),
    ] {
        if let Some(values) = call.request.list(parameter) {
            filter.and_any(expression, &values);
        }
    }
    if let Some(groups) = call.request.list("eventgroups") {
        filter.and_any("name", &within(&groups));
    }
    for parameter in ["regardingany", "projects", "environments", "tenants", "projectgroups"] {
        if let Some(ids) = call.request.list(parameter) {
            filter.and_any_within("$.RelatedDocumentIds", &ids);
        }
    }
    // Regarding all of them, where `regardingAny` is regarding any.
    for id in call.request.list("regarding").unwrap_or_default() {
        filter.and_any_within("$.RelatedDocumentIds", &[id]);
    }
    let brief = call.request.parameter("excludedifference");
    if brief.is_some_and(|it| it.eq_ignore_ascii_case("true")) {
        filter.show("json_set(body, '$.ChangeDetails', null)");
    }
    for (parameter, comparison) in [("from", ">="), ("to", "<=")] {
        if let Some(time) = call.request.parameter(parameter) {
            let time = self::time(parameter, time)?;
            filter.and(&format!("json_extract(body, '$.Occurred') {comparison}"), &time);
        }
    }
    for (parameter, comparison) in [("fromautoid", ">"), ("toautoid", "<")] {
        if let Some(number) = call.request.parameter(parameter) {
            filter.and(&format!("rank {comparison} cast(? as integer)"), number);
        }
    }
    Ok(filter)
}

/// A point in time of a query, as documents write it.
pub(super) fn time(parameter: &str, text: &str) -> HandlerResult<String> {
    // A `+` of an offset reads as a space where it was not escaped; without an offset it is UTC.
    let spellings = [text.replace(' ', "+"), format!("{text}Z"), format!("{text}T00:00:00Z")];
    let time = spellings.iter().find_map(|it| it.parse::<Timestamp>().ok());
    let unknown =
        || ErrorResponse::rule(format!("The value '{text}' is not valid for {parameter}."));
    let time = time.ok_or_else(unknown)?;
    Ok(super::shown(time))
}

/// The categories of these groups.
fn within(groups: &[String]) -> Vec<String> {
    let named = |id: &str| groups.iter().any(|group| group.eq_ignore_ascii_case(id));
    let begins = |category: &str, starts: &[&str]| starts.iter().any(|it| category.starts_with(it));
    let wanted = GROUPS.iter().filter(|(id, ..)| named(id));
    let of = |(_, _, starts): &(&str, &str, &'static [&'static str])| {
        let starts = *starts;
        let all = CATEGORIES.iter().map(|(category, _)| *category);
        all.filter(move |category| begins(category, starts)).map(str::to_owned).collect::<Vec<_>>()
    };
    let mut categories: Vec<String> = wanted.flat_map(of).collect();
    // None of them must find nothing, not everything.
    categories.push(String::new());
    categories
}

fn named(items: &[(&str, &str)]) -> SandboxResponse {
    let item = |(id, name): &(&str, &str)| json!({ "Id": id, "Name": name, "Links": null });
    SandboxResponse::of(&Value::Array(items.iter().map(item).collect()))
}

fn document_types() -> SandboxResponse {
    let mut types: Vec<(&str, String)> = KINDS
        .iter()
        .filter(|it| it.prefix != EVENTS.prefix)
        .map(|it| audit::document_type(it))
        .collect();
    types.sort();
    let types = types.into_iter().map(|(id, name)| json!({ "Id": id, "Name": name }));
    SandboxResponse::of(&Value::Array(types.collect()))
}

fn groups() -> SandboxResponse {
    let group = |(id, name, _): &(&str, &str, &[&str])| {
        let mut categories = within(&[(*id).to_owned()]);
        categories.pop();
        json!({ "Id": id, "Name": name, "EventCategories": categories, "Links": null })
    };
    SandboxResponse::of(&Value::Array(GROUPS.iter().map(group).collect()))
}

fn agents(call: &RequestContext<'_>) -> HandlerResult {
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
    Ok(SandboxResponse::of(&Value::Array(agents)))
}
