//! The instance as a whole: its root document, its spaces, its state.
//!
//! Never: what lives in a space.

use super::{Call, links, now};
use crate::{
    VERSION,
    answer::{Answer, Refusal, Result},
    kind::SPACES,
    page::Filter,
    request::Verb,
    store::{self, Document},
};
use serde_json::{Value, json};

/// `GET /api`, the one document that a stranger may read.
pub(crate) fn root(spaces: &[Value]) -> Result {
    let default = spaces.iter().find(|space| space["IsDefault"] == true);
    let default = default.and_then(|space| space["Id"].as_str());
    Ok(Answer::of(&json!({
        "Id": null,
        "Application": "Octopus Deploy",
        "Version": VERSION,
        "ApiVersion": "3.0.0",
        "InstallationId": "39b44e47-37d4-4fcd-949c-2d831ebfa65e",
        "IsEarlyAccessProgram": false,
        "HasLongTermSupport": false,
        "Links": links::root(default),
    })))
}

/// `/api/spaces` and `/api/spaces/all`.
pub(crate) fn spaces(call: &Call<'_>, all: bool) -> Result {
    let filter = Filter::new(&SPACES, "", call.request);
    match (call.verb(), all) {
        (Verb::Get, true) => Ok(filter.array()),
        (Verb::Get, false) => filter.page(call.db, "/api/spaces"),
        (Verb::Post, false) => {
            call.who.needs("SpaceCreate")?;
            let body = call.request.document()?;
            let id = store::next_id(call.db, &SPACES)?;
            let name = call.name(&SPACES, &body, "")?;
            let slug = call.slug(&SPACES, &body, &Value::Null)?;
            let space = new_space(&id, &name, &slug, false);
            store::save(call.db, &Document::new(&SPACES, &space))?;
            crate::seed::furnish(call.db, &id)?;
            Ok(Answer::created(&space))
        }
        _ => Err(Refusal::method()),
    }
}

/// `GET /api/spaces/{id}`.
pub(crate) fn space(call: &Call<'_>) -> Result {
    if call.verb() != Verb::Get {
        return Err(Refusal::method());
    }
    let space = store::find(call.db, &SPACES, "", &call.space)?;
    Ok(Answer::text(space.ok_or_else(Refusal::missing)?.body))
}

/// The document of a space.
pub(crate) fn new_space(id: &str, name: &str, slug: &str, default: bool) -> Value {
    json!({
        "Id": id,
        "Name": name,
        "Slug": slug,
        "Description": "",
        "IsDefault": default,
        "IsPrivate": false,
        "TaskQueueStopped": false,
        "SpaceManagersTeams": ["teams-administrators"],
        "SpaceManagersTeamMembers": [],
        "Icon": null,
        "ExtensionSettings": [],
        "Links": {
            "Self": format!("/api/spaces/{id}"),
            "SpaceHome": format!("/api/{id}"),
            "Web": format!("/app#/{id}"),
        },
    })
}

/// `GET /api/serverstatus` and what is below.
pub(crate) fn status(path: &[&str]) -> Result {
    match path {
        [] => Ok(Answer::of(&online())),
        ["health"] => Ok(Answer::of(&json!({
            "Id": null,
            "Description": "All the nodes in the cluster are operating normally.",
            "IsOperatingNormally": true,
            "IsCompliantWithLicense": true,
            "IsEntireClusterDrainingTasks": false,
            "IsEntireClusterReadOnly": false,
            "Links": {},
        }))),
        ["extensions"] => Ok(Answer::of(&json!([]))),
        _ => Err(Refusal::missing()),
    }
}

fn online() -> Value {
    json!({
        "IsOnline": true,
        "IsMajorMinorUpgradeAvailable": false,
        "MaintenanceExpires": null,
        "IsInMaintenanceMode": false,
        "Version": VERSION,
        "ServerTime": now(),
        "Links": { "Self": "/api/serverstatus" },
    })
}

/// `GET /api/configuration/feature-toggles`: none is known.
pub(crate) fn toggles() -> Answer {
    Answer::of(&json!({ "FeatureToggles": [] }))
}

/// `GET /api/capabilities` and `/api/capabilities/{name}`: none is claimed.
pub(crate) fn capabilities(path: &[&str]) -> Result {
    if path.is_empty() {
        return Ok(Answer::of(&json!({ "Capabilities": [] })));
    }
    Err(Refusal::missing())
}
