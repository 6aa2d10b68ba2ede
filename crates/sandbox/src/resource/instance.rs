//! The instance as a whole: its root document, its spaces, its status.

use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    context::RequestContext,
    document::space,
    json::json_field,
    kind::SPACES,
    options::VERSION,
    page::ListFilter,
    permission,
    request::HttpVerb,
    resource::roots,
    seed,
    spaces::Spaces,
    store::{self, StoredDocument},
};
use serde_json::{Map, Value, json};

/// `GET /api`, the one document that needs no key.
pub(crate) fn root_document(spaces: &Spaces) -> HandlerResult {
    Ok(SandboxResponse::from_document(&json!({
        "Id": null,
        "Application": "Octopus Deploy",
        "Version": VERSION,
        "ApiVersion": "3.0.0",
        "InstallationId": "39b44e47-37d4-4fcd-949c-2d831ebfa65e",
        "IsEarlyAccessProgram": false,
        "HasLongTermSupport": false,
        "Links": roots::root_links(spaces.default_id()),
    })))
}

/// `/api/spaces` and `/api/spaces/all`.
pub(crate) fn route_spaces(call: &RequestContext<'_>, all: bool) -> HandlerResult {
    let filter = ListFilter::new(&SPACES, "", call.request);
    match (call.verb(), all) {
        (HttpVerb::Get, true) => Ok(filter.array_answer()),
        (HttpVerb::Get, false) => filter.page_answer(call.db, "/api/spaces"),
        (HttpVerb::Post, false) => {
            call.person.require_permission("SpaceCreate")?;
            let body = call.request.body_object()?;
            let id = store::next_id(call.db, &SPACES)?;
            let name = call.require_name(&SPACES, &body, "")?;
            let slug = call.unique_slug(&SPACES, &body, &Value::Null)?;
            let mut space = space::new_space(&id, &name, &slug, false);
            copy_fields(&mut space, &body);
            save_space(call, &space)?;
            seed::seed_space(call.db, &id)?;
            Ok(SandboxResponse::created(&space))
        }
        _ => Err(ErrorResponse::method_not_allowed()),
    }
}

/// `/api/spaces/{id}`.
pub(crate) fn route_space_document(call: &RequestContext<'_>) -> HandlerResult {
    let space = store::find_document(call.db, &SPACES, "", &call.space)?;
    let space = space.ok_or_else(ErrorResponse::not_found)?;
    match call.verb() {
        HttpVerb::Get => Ok(SandboxResponse::from_json(space.body)),
        HttpVerb::Put => update_space(call, &space),
        HttpVerb::Delete => delete_space(call, &space),
        _ => Err(ErrorResponse::method_not_allowed()),
    }
}

fn update_space(call: &RequestContext<'_>, old: &StoredDocument) -> HandlerResult {
    call.person.require_permission(SPACES.edit)?;
    let body = call.body_of(&old.id)?;
    // The space of the call is the one that is changed; its name is unique among all.
    let instance = RequestContext { space: String::new(), ..*call };
    let mut space = old.parse_body()?;
    space["Name"] = json!(instance.require_name(&SPACES, &body, &old.id)?);
    space["Slug"] = json!(instance.unique_slug(&SPACES, &body, &space)?);
    copy_fields(&mut space, &body);
    if old.parse_body()?["IsDefault"] == true {
        space["IsDefault"] = json!(true);
    }
    save_space(call, &space)?;
    Ok(SandboxResponse::from_document(&space))
}

/// Takes over the fields that a client decides.
fn copy_fields(space: &mut Value, body: &Value) {
    for name in [
        "Description",
        "IsDefault",
        "IsPrivate",
        "TaskQueueStopped",
        "SpaceManagersTeams",
        "SpaceManagersTeamMembers",
        "ExtensionSettings",
    ] {
        if !json_field(body, name).is_null() {
            space[name] = json_field(body, name).clone();
        }
    }
}

/// Writes a space. A new default replaces the old one.
fn save_space(call: &RequestContext<'_>, space: &Value) -> HandlerResult<()> {
    if space["IsDefault"] == true {
        for other in store::list_documents(call.db, &SPACES, "")? {
            let mut other = other.parse_body()?;
            if other["IsDefault"] == true && other["Id"] != space["Id"] {
                other["IsDefault"] = json!(false);
                store::save_document(call.db, &StoredDocument::new(&SPACES, &other))?;
            }
        }
    }
    Ok(store::save_document(call.db, &StoredDocument::new(&SPACES, space))?)
}

/// Deletes a space with all that is in it. As on a real server, its task queue has to be stopped first.
fn delete_space(call: &RequestContext<'_>, space: &StoredDocument) -> HandlerResult {
    call.person.require_permission("SpaceDelete")?;
    let document = space.parse_body()?;
    if document["IsDefault"] == true {
        return Err(ErrorResponse::bad_request("You cannot delete your default space."));
    }
    if document["TaskQueueStopped"] != true {
        return Err(ErrorResponse::bad_request(
            "The task queue of this space must be stopped before the space can be deleted.",
        ));
    }
    store::delete_space_documents(call.db, &space.id)?;
    store::delete_document(call.db, &space.id)?;
    Ok(SandboxResponse::empty_object())
}

/// `GET /api/authentication`: people sign in with keys and tokens only.
pub(crate) fn authentication() -> SandboxResponse {
    SandboxResponse::from_document(&json!({
        "Id": null,
        "AnyAuthenticationProvidersSupportPasswordManagement": false,
        "AuthenticationProviders": [],
        "AutoLoginEnabled": false,
        "Links": { "Self": "/api/authentication" },
    }))
}

/// `GET /api/permissions/all`: every permission, and where it applies.
pub(crate) fn describe_permissions() -> SandboxResponse {
    let describe = |name: &str| {
        let of_system = permission::OF_THE_SYSTEM.contains(&name);
        let description = json!({
            "Description": name,
            "CanApplyAtSpaceLevel": !of_system,
            "CanApplyAtSystemLevel": of_system,
            "SupportedRestrictions": [],
        });
        (name.to_owned(), description)
    };
    let all: Map<String, Value> = permission::all_names().map(describe).collect();
    SandboxResponse::from_document(&json!(all))
}

/// `GET /api/configuration/feature-toggles`: there are none.
pub(crate) fn feature_toggles() -> SandboxResponse {
    SandboxResponse::from_document(&json!({ "FeatureToggles": [] }))
}

/// `GET /api/capabilities` and `/api/capabilities/{name}`: there are none.
pub(crate) fn capabilities(path: &[&str]) -> HandlerResult {
    if path.is_empty() {
        return Ok(SandboxResponse::from_document(&json!({ "Capabilities": [] })));
    }
    Err(ErrorResponse::not_found())
}
