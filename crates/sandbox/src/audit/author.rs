//! Who changes something, and by what means.

use crate::{people::Person, request::SandboxRequest};

/// The author of a change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AuditAuthor<'a> {
    pub(crate) id: &'a str,
    pub(crate) username: &'a str,
    pub(crate) is_service: bool,
    pub(crate) identified: &'a str,
    pub(crate) agent: &'a str,
}

impl<'a> AuditAuthor<'a> {
    /// The server itself, doing what is due.
    pub(crate) const SERVER: AuditAuthor<'static> = AuditAuthor {
        id: "users-system",
        username: "system",
        is_service: true,
        identified: "",
        agent: "Server",
    };
    /// Another user, who edits while a client is at work.
    pub(crate) const ANOTHER: AuditAuthor<'static> = AuditAuthor {
        id: "Users-99",
        username: "somebody-else",
        is_service: false,
        identified: "Session cookie",
        agent: "Mozilla/5.0",
    };

    /// The person who sent a request.
    pub(crate) fn from_request(person: &'a Person, request: &'a SandboxRequest) -> Self {
        Self {
            id: &person.id,
            username: &person.username,
            is_service: person.is_service,
            identified: if person.is_service { "OpenID Connect" } else { "API key" },
            agent: &request.agent,
        }
    }
}
