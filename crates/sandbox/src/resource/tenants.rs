//! The variables of tenants: a value for each tenant, project, environment and template, and a value for each
//! tenant and template of a library set.
//!
//! Only values are kept; names and templates are those of the projects and libraries as they are now. Of a secret
//! only its presence is kept.

use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    context::RequestContext,
    json::{array_items, text_field, text_list},
    kind::{LIBRARY, PROJECTS, TENANT_VALUES, TENANTS},
    request::HttpVerb,
    store::{self, StoredDocument},
    text::contains_id,
};
use serde_json::{Map, Value, json};

/// Routes that only tenants have.
pub(crate) fn route_tenants(call: &RequestContext<'_>, path: &[&str]) -> Option<HandlerResult> {
    if let (HttpVerb::Get, ["variables-missing"]) = (call.verb(), path) {
        return Some(missing_variables(call));
    }
    let ([id, "variables"], verb) = (path, call.verb()) else { return None };
    Some(match verb {
        HttpVerb::Get => get_variables(call, id).map(|it| SandboxResponse::from_document(&it)),
        HttpVerb::Put | HttpVerb::Post => {
            put_variables(call, id).map(|it| SandboxResponse::from_document(&it))
        }
        _ => Err(ErrorResponse::method_not_allowed()),
    })
}

/// `…/tenantvariables/all`: the values of all tenants, or of the tenants of one project.
pub(crate) fn list_tenant_values(call: &RequestContext<'_>) -> HandlerResult {
    call.person.require_permission(TENANTS.view)?;
    let mut tenants = store::list_documents(call.db, &TENANTS, &call.space)?;
    if let Some(project) = call.request.parameter("projectid") {
        let has_project = |document: &StoredDocument| {
            document
                .parse_body()
                .is_ok_and(|value| !value["ProjectEnvironments"][project].is_null())
        };
        tenants.retain(has_project);
    }
    let all: Vec<Value> =
        tenants.iter().map(|it| tenant_variables(call, it)).collect::<HandlerResult<_>>()?;
    Ok(SandboxResponse::from_document(&json!(all)))
}

/// `…/tenants/variables-missing`: the tenants with templates that have neither a value nor a default.
fn missing_variables(call: &RequestContext<'_>) -> HandlerResult {
    call.person.require_permission(TENANTS.view)?;
    let only = call.request.list_parameter("tenantid");
    let mut missing = Vec::new();
    for tenant in store::list_documents(call.db, &TENANTS, &call.space)? {
        if only.as_ref().is_some_and(|ids| !contains_id(ids, &tenant.id)) {
            continue;
        }
        let variables = tenant_variables(call, &tenant)?;
        let mut of_tenant = Vec::new();
        for project in variables["ProjectVariables"].as_object().into_iter().flatten() {
            of_tenant.extend(missing_in_project(project));
        }
        if !of_tenant.is_empty() {
            let here = call.space_path(&format!("tenants/{}", tenant.id));
            missing.push(json!({
                "TenantId": tenant.id,
                "MissingVariables": of_tenant,
                "Links": { "Self": here },
            }));
        }
    }
    Ok(SandboxResponse::from_document(&json!(missing)))
}

/// The templates of a project without a value, each with its environment.
fn missing_in_project((id, project): (&String, &Value)) -> Vec<Value> {
    let mut missing = Vec::new();
    for template in array_items(project, "Templates") {
        let name = text_field(template, "Id");
        let has_default = !text_field(template, "DefaultValue").is_empty()
            || template["DefaultValue"].is_object();
        for (environment, values) in project["Variables"].as_object().into_iter().flatten() {
            if !has_default && values[name].is_null() {
                missing.push(json!({
                    "ProjectId": id,
                    "EnvironmentId": environment,
                    "LibraryVariableSetId": null,
                    "VariableTemplateId": name,
                    "VariableTemplateName": template["Name"],
                    "Links": {},
                }));
            }
        }
    }
    missing
}

fn get_variables(call: &RequestContext<'_>, id: &str) -> HandlerResult<Value> {
    call.person.require_permission(TENANTS.view)?;
    tenant_variables(call, &call.find_document(&TENANTS, id)?)
}

fn put_variables(call: &RequestContext<'_>, id: &str) -> HandlerResult<Value> {
    call.person.require_permission(TENANTS.edit)?;
    let tenant = call.find_document(&TENANTS, id)?;
    let new: Value = serde_json::from_str(&call.request.body)?;
    let old = stored_values(call, &tenant)?;
    let token = text_field(&new, "ConcurrencyToken");
    if !token.is_empty() && token != text_field(&old, "Token") {
        return Err(ErrorResponse::bad_request(
            "The tenant's variables have been changed since they were read. Please read them again.",
        ));
    }
    let version = text_field(&old, "Token").parse::<u64>().unwrap_or_default() + 1;
    let values_by_owner = |part: &str| -> Map<String, Value> {
        let owners = new[part].as_object().into_iter().flatten();
        owners.map(|(owner, value)| (owner.clone(), mask_secrets(&value["Variables"]))).collect()
    };
    let body = json!({
        "Id": TENANT_VALUES.id_for(&tenant.id),
        "SpaceId": call.space,
        "TenantId": tenant.id,
        "Token": version.to_string(),
        "Projects": values_by_owner("ProjectVariables"),
        "Libraries": values_by_owner("LibraryVariables"),
    });
    store::save_document(call.db, &StoredDocument::new(&TENANT_VALUES, &body))?;
    tenant_variables(call, &tenant)
}

/// Values as they are kept, without secrets.
fn mask_secrets(values: &Value) -> Value {
    match values {
        Value::Object(object) if object.contains_key("NewValue") => {
            json!({ "HasValue": true, "NewValue": null })
        }
        Value::Object(object) => {
            object.iter().map(|(key, value)| (key.clone(), mask_secrets(value))).collect()
        }
        Value::Null => json!({}),
        other => other.clone(),
    }
}

/// The stored values of a tenant.
fn stored_values(call: &RequestContext<'_>, tenant: &StoredDocument) -> HandlerResult<Value> {
    let id = TENANT_VALUES.id_for(&tenant.id);
    let kept = store::find_document(call.db, &TENANT_VALUES, &call.space, &id)?;
    Ok(kept.map_or(Ok(json!({ "Token": "0" })), |it| it.parse_body())?)
}

/// The values of a tenant, with the names and templates of its projects and libraries.
fn tenant_variables(call: &RequestContext<'_>, tenant: &StoredDocument) -> HandlerResult<Value> {
    let (values, document) = (stored_values(call, tenant)?, tenant.parse_body()?);
    let (mut projects, mut libraries) = (Map::new(), Map::new());
    for (id, environments) in document["ProjectEnvironments"].as_object().into_iter().flatten() {
        let Some(project) = store::find_document(call.db, &PROJECTS, &call.space, id)? else {
            continue;
        };
        let project = project.parse_body()?;
        let environments = environments.as_array().into_iter().flatten().filter_map(Value::as_str);
        let environment_values =
            |text: &str| (text.to_owned(), or_empty_object(&values["Projects"][id][text]));
        let of_project = json!({
            "ProjectId": id,
            "ProjectName": project["Name"],
            "Templates": project["Templates"],
            "Variables": environments.map(environment_values).collect::<Map<_, _>>(),
            "Links": { "Project": call.space_path(&format!("projects/{id}")) },
        });
        projects.insert(id.clone(), of_project);
        for library in text_list(&project, "IncludedLibraryVariableSetIds") {
            let Some(set) = store::find_document(call.db, &LIBRARY, &call.space, &library)? else {
                continue;
            };
            let set = set.parse_body()?;
            let of_library = json!({
                "LibraryVariableSetId": library,
                "LibraryVariableSetName": set["Name"],
                "Templates": set["Templates"],
                "Variables": or_empty_object(&values["Libraries"][&library]),
                "Links": { "LibraryVariableSet": call.space_path(&format!("libraryvariablesets/{library}")) },
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
        "Links": { "Self": call.space_path(&format!("tenants/{}/variables", tenant.id)) },
    }))
}

fn or_empty_object(value: &Value) -> Value {
    if value.is_null() { json!({}) } else { value.clone() }
}
