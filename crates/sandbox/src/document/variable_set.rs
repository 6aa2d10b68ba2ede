//! The empty variable set of a new project or library set.

use crate::{kind::VARIABLES, store::StoredDocument};
use serde_json::json;

/// An empty variable set of a project or a library set.
pub(crate) fn empty_variables(space: &str, owner: &str) -> StoredDocument {
    let id = VARIABLES.id_for(owner);
    let set = json!({
        "Id": id,
        "OwnerId": owner,
        "SpaceId": space,
        "Version": 0,
        "Variables": [],
        "ScopeValues": {
            "Environments": [], "Machines": [], "Actions": [], "Roles": [], "Channels": [],
            "TenantTags": [], "Processes": [],
        },
        "Links": { "Self": format!("/api/{space}/variables/{id}") },
    });
    StoredDocument::new(&VARIABLES, &set)
}
