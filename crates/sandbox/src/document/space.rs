//! The document of a space.

use serde_json::{Value, json};

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
