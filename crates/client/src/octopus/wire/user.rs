//! Users.

use super::tolerant::or_default;
use serde::Deserialize;

/// `GET /api/users/me`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct UserResource {
    /// The name that the user signs in with; unique.
    #[serde(deserialize_with = "or_default")]
    pub username: String,
    /// The name that people read.
    #[serde(deserialize_with = "or_default")]
    pub display_name: String,
}
