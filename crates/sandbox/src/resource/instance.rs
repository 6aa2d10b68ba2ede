//! The instance as a whole: its root document, its spaces, its status.

use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    context::RequestContext,
    document::space,
    kind::SPACES,
    options::VERSION,
    page::ListFilter,
    request::HttpVerb,
    resource::roots,
    seed,
    spaces::Spaces,
    store::{self, StoredDocument},
    time::current_time,
};
use serde_json::{Value, json};

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
            let space = space::new_space(&id, &name, &slug, false);
            store::save_document(call.db, &StoredDocument::new(&SPACES, &space))?;
            seed::seed_space(call.db, &id)?;
            Ok(SandboxResponse::created(&space))
        }
        _ => Err(ErrorResponse::method_not_allowed()),
    }
}

/// `GET /api/spaces/{id}`.
pub(crate) fn get_space(call: &RequestContext<'_>) -> HandlerResult {
    if call.verb() != HttpVerb::Get {
        return Err(ErrorResponse::method_not_allowed());
    }
    let space = store::find_document(call.db, &SPACES, "", &call.space)?;
    Ok(SandboxResponse::from_json(space.ok_or_else(ErrorResponse::not_found)?.body))
}

/// `GET /api/serverstatus` and everything below.
pub(crate) fn server_status(path: &[&str]) -> HandlerResult {
    match path {
        [] => Ok(SandboxResponse::from_document(&online_status())),
        ["health"] => Ok(SandboxResponse::from_document(&json!({
            "Id": null,
            "Description": "All the nodes in the cluster are operating normally.",
            "IsOperatingNormally": true,
            "IsCompliantWithLicense": true,
            "IsEntireClusterDrainingTasks": false,
            "IsEntireClusterReadOnly": false,
            "Links": {},
        }))),
        ["extensions"] => Ok(SandboxResponse::from_document(&json!([]))),
        _ => Err(ErrorResponse::not_found()),
    }
}

fn online_status() -> Value {
    json!({
        "IsOnline": true,
        "IsMajorMinorUpgradeAvailable": false,
        "MaintenanceExpires": null,
        "IsInMaintenanceMode": false,
        "Version": VERSION,
        "ServerTime": current_time(),
        "Links": { "Self": "/api/serverstatus" },
    })
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
