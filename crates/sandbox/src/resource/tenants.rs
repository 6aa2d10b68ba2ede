//! What tenants say of variables: a value a tenant, project, environment and template; and a value a
//! tenant and template of a library.
//!
//! Only values are kept; names and templates are those of the projects and libraries as they are now.
//! Never: a secret, which is no more than that it is there.

use super::{RequestContext, list, text};
use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    kind::{LIBRARY, PROJECTS, TENANT_VALUES, TENANTS},
    request::HttpVerb,
    store::{self, StoredDocument},
};
use serde_json::{Map, Value, json};

/// Answers what is special about tenants.
pub(crate) fn route(call: &RequestContext<'_>, path: &[&str]) -> Option<HandlerResult> {
    let ([id, "variables"], verb) = (path, call.verb()) else { return None };
    Some(match verb {
        HttpVerb::Get => read(call, id).map(|it| SandboxResponse::of(&it)),
        HttpVerb::Put | HttpVerb::Post => write(call, id).map(|it| SandboxResponse::of(&it)),
        _ => Err(ErrorResponse::method()),
    })
}

/// `…/tenantvariables/all`: what every tenant says, or every tenant of one project.
pub(crate) fn all(call: &RequestContext<'_>) -> HandlerResult {
    call.person.needs(TENANTS.view)?;
    let mut tenants = store::all(call.db, &TENANTS, &call.space)?;
    if let Some(project) = call.request.parameter("projectid") {
        let has = |it: &StoredDocument| {
            it.value().is_ok_and(|it| !it["ProjectEnvironments"][project].is_null())
        };
        tenants.retain(has);
    }
    let all: Vec<Value> = tenants.iter().map(|it| told(call, it)).collect::<HandlerResult<_>>()?;
    Ok(SandboxResponse::of(&json!(all)))
}

fn read(call: &RequestContext<'_>, id: &str) -> HandlerResult<Value> {
    call.person.needs(TENANTS.view)?;
    told(call, &call.find(&TENANTS, id)?)
}

fn write(call: &RequestContext<'_>, id: &str) -> HandlerResult<Value> {
    call.person.needs(TENANTS.edit)?;
    let tenant = call.find(&TENANTS, id)?;
    let new: Value = serde_json::from_str(&call.request.body)?;
    let old = values(call, &tenant)?;
    let token = text(&new, "ConcurrencyToken");
    if !token.is_empty() && token != text(&old, "Token") {
        return Err(ErrorResponse::rule(
            "The tenant's variables have been changed since they were read. Please read them again.",
        ));
    }
    let version = text(&old, "Token").parse::<u64>().unwrap_or_default() + 1;
    let of = |part: &str| -> Map<String, Value> {
        let owners = new[part].as_object().into_iter().flatten();
        owners.map(|(owner, it)| (owner.clone(), kept(&it["Variables"]))).collect()
    };
    let body = json!({
        "Id": format!("{}-{}", TENANT_VALUES.prefix, tenant.id),
        "SpaceId": call.space,
        "TenantId": tenant.id,
        "Token": version.to_string(),
        "Projects": of("ProjectVariables"),
        "Libraries": of("LibraryVariables"),
    });
    store::save(call.db, &StoredDocument::new(&TENANT_VALUES, &body))?;
    told(call, &tenant)
}

/// Values as they are kept: of a secret, that there is one.
fn kept(values: &Value) -> Value {
    match values {
        Value::Object(object) if object.contains_key("NewValue") => {
            json!({ "HasValue": true, "NewValue": null })
        }
        Value::Object(object) => {
            object.iter().map(|(key, value)| (key.clone(), kept(value))).collect()
        }
        Value::Null => json!({}),
        other => other.clone(),
    }
}

/// What a tenant says, as it is kept.
fn values(call: &RequestContext<'_>, tenant: &StoredDocument) -> HandlerResult<Value> {
    let id = format!("{}-{}", TENANT_VALUES.prefix, tenant.id);
    let kept = store::find(call.db, &TENANT_VALUES, &call.space, &id)?;
    Ok(kept.map_or(Ok(json!({ "Token": "0" })), |it| it.value())?)
}

/// What a tenant says, with the names and templates of what it says it of.
fn told(call: &RequestContext<'_>, tenant: &StoredDocument) -> HandlerResult<Value> {
    let (values, document) = (values(call, tenant)?, tenant.value()?);
    let (mut projects, mut libraries) = (Map::new(), Map::new());
    for (id, environments) in document["ProjectEnvironments"].as_object().into_iter().flatten() {
        let Some(project) = store::find(call.db, &PROJECTS, &call.space, id)? else { continue };
        let project = project.value()?;
        let environments = environments.as_array().into_iter().flatten().filter_map(Value::as_str);
        let of = |it: &str| (it.to_owned(), or_none(&values["Projects"][id][it]));
        let of_project = json!({
            "ProjectId": id,
            "ProjectName": project["Name"],
            "Templates": project["Templates"],
            "Variables": environments.map(of).collect::<Map<_, _>>(),
            "Links": { "Project": call.at(&format!("projects/{id}")) },
        });
        projects.insert(id.clone(), of_project);
        for library in list(&project, "IncludedLibraryVariableSetIds") {
            let Some(set) = store::find(call.db, &LIBRARY, &call.space, &library)? else {
                continue;
            };
            let set = set.value()?;
            let of_library = json!({
                "LibraryVariableSetId": library,
                "LibraryVariableSetName": set["Name"],
                "Templates": set["Templates"],
                "Variables": or_none(&values["Libraries"][&library]),
                "Links": { "LibraryVariableSet": call.at(&format!("libraryvariablesets/{library}")) },
            });
            libraries.insert(library, of_library);
        }
    }
    Ok(json!({
        "TenantId": tenant.id,
        "TenantName": document["Name"],
        "SpaceId": call.space,
        "ConcurrencyToken": values["Token"],
        "ProjectVariables": projects,
        "LibraryVariables": libraries,
        "Links": { "Self": call.at(&format!("tenants/{}/variables", tenant.id)) },
    }))
}

fn or_none(value: &Value) -> Value {
    if value.is_null() { json!({}) } else { value.clone() }
}
