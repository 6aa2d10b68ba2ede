//! The permissions of a user.

use super::tolerant::or_default;
use serde::Deserialize;
use std::collections::HashMap;

/// `GET /api/users/me/permissions`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct UserPermissionSetResource {
    /// Permissions in spaces, by name such as `WorkerView`, each with its restrictions.
    #[serde(deserialize_with = "or_default")]
    pub space_permissions: HashMap<String, Vec<UserPermissionRestriction>>,
    /// Permissions for the whole server, by name such as `ConfigureServer`.
    #[serde(deserialize_with = "or_default")]
    pub system_permissions: Vec<String>,
    /// Whether the two lists are complete; assumed true if absent.
    #[serde(deserialize_with = "or_default")]
    pub is_permissions_complete: Option<bool>,
}

/// The space and the objects that a permission applies to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct UserPermissionRestriction {
    /// The space.
    #[serde(deserialize_with = "or_default")]
    pub space_id: String,
    /// The only projects that it applies to; empty for all.
    #[serde(deserialize_with = "or_default")]
    pub restricted_to_project_ids: Vec<String>,
    /// The only project groups that it applies to; empty for all.
    #[serde(deserialize_with = "or_default")]
    pub restricted_to_project_group_ids: Vec<String>,
    /// The only environments that it applies to; empty for all.
    #[serde(deserialize_with = "or_default")]
    pub restricted_to_environment_ids: Vec<String>,
}
