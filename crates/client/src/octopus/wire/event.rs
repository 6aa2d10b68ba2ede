//! Events of the audit log.

use super::tolerant::or_default;
use serde::Deserialize;

/// An event: who did what, when and by what means.
///
/// # Source
///
/// `EventResource` of the API's definition; `OctopusClient-js` and `Session cookie` are what the portal leaves, and
/// `users-system` and `Server` what the server itself does.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct EventResource {
    /// `Events-1`.
    pub id: String,
    /// The documents that it is about.
    #[serde(default, deserialize_with = "or_default")]
    pub related_document_ids: Vec<String>,
    /// `Created`, `Modified`, `Deleted`, and many others.
    #[serde(default, deserialize_with = "or_default")]
    pub category: String,
    /// The user's name.
    #[serde(default, deserialize_with = "or_default")]
    pub username: String,
    /// Whether the user is a service account.
    #[serde(default, deserialize_with = "or_default")]
    pub is_service: bool,
    /// `Session cookie`, `API key`, and others; empty for the server itself.
    #[serde(default, deserialize_with = "or_default")]
    pub identity_established_with: String,
    /// The program that sent the request; `Server` for the server itself.
    #[serde(default, deserialize_with = "or_default")]
    pub user_agent: String,
    /// When, as RFC 3339.
    #[serde(default, deserialize_with = "or_default")]
    pub occurred: String,
    /// What happened, in words.
    #[serde(default, deserialize_with = "or_default")]
    pub message: String,
}
