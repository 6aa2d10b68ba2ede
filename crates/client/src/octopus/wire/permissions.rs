//! What a user may do.

use super::tolerant::or_default;
use serde::Deserialize;
use std::collections::HashMap;

/// `GET /api/users/me/permissions`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct UserPermissionSetResource {
    /// Permissions within spaces, by name: `WorkerView`; each with where it holds.
    #[serde(deserialize_with = "or_default")]
    pub space_permissions: HashMap<String, Vec<UserPermissionRestriction>>,
    /// Permissions for the whole server, by name: `ConfigureServer`.
    #[serde(deserialize_with = "or_default")]
    pub system_permissions: Vec<String>,
    /// Whether the two lists hold all that the user may do; taken for true where it is not said.
    #[serde(deserialize_with = "or_default")]
    pub is_permissions_complete: Option<bool>,
}

/// Where a permission holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct UserPermissionRestriction {
    /// The space.
    #[serde(deserialize_with = "or_default")]
    pub space_id: String,
    /// The only projects that it holds for; empty where it holds for all.
    #[serde(deserialize_with = "or_default")]
    pub restricted_to_project_ids: Vec<String>,
    /// The only project groups that it holds for; empty where it holds for all.
    #[serde(deserialize_with = "or_default")]
    pub restricted_to_project_group_ids: Vec<String>,
    /// The only environments that it holds for; empty where it holds for all.
    #[serde(deserialize_with = "or_default")]
    pub restricted_to_environment_ids: Vec<String>,
}
