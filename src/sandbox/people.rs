//! Who asks, and what they may do.
//!
//! Three people, each known by a key. Never: a session, a password, or a team.

use super::{
    answer::{Answer, Refusal, Result},
    kind,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The key of the administrator, who may do everything.
pub const ADMIN_KEY: &str = "API-SANDBOX0000000000000000";
/// The key of the reader, who may see everything and change nothing.
pub const READER_KEY: &str = "API-SANDBOXREADONLY00000000";
/// The key of a person who may do everything but see or change workers and worker pools.
pub const NO_WORKERS_KEY: &str = "API-SANDBOXNOWORKERS0000000";

/// A person with a key.
#[derive(Debug)]
pub(super) struct Person {
    /// `Users-1`.
    pub(super) id: &'static str,
    /// The name to sign in with.
    pub(super) username: &'static str,
    name: &'static str,
    key: &'static str,
    may: fn(&str) -> bool,
}

static PEOPLE: [Person; 3] = [
    Person {
        id: "Users-1",
        username: "admin",
        name: "Administrator",
        key: ADMIN_KEY,
        may: |_| true,
    },
    Person {
        id: "Users-2",
        username: "reader",
        name: "Reader",
        key: READER_KEY,
        may: |permission| permission.ends_with("View"),
    },
    Person {
        id: "Users-3",
        username: "no-workers",
        name: "No Workers",
        key: NO_WORKERS_KEY,
        may: |permission| !matches!(permission, "WorkerView" | "WorkerEdit"),
    },
];

/// The person whose key this is.
pub(super) fn with_key(key: &str) -> Option<&'static Person> {
    PEOPLE.iter().find(|person| person.key == key)
}

impl Person {
    /// Whether the person may; the empty permission is everybody's.
    pub(super) fn may(&self, permission: &str) -> bool {
        permission.is_empty() || (self.may)(permission)
    }

    /// Refuses unless the person may.
    pub(super) fn needs(&self, permission: &str) -> Result<()> {
        if self.may(permission) { Ok(()) } else { Err(Refusal::forbidden(permission)) }
    }

    fn document(&self) -> Value {
        let here = format!("/api/users/{}", self.id);
        json!({
            "Id": self.id,
            "Username": self.username,
            "DisplayName": self.name,
            "IsActive": true,
            "IsService": false,
            "EmailAddress": format!("{}@sandbox.invalid", self.username),
            "CanPasswordBeEdited": false,
            "IsRequestor": true,
            "Identities": [],
            "Links": {
                "Self": here,
                "Permissions": format!("{here}/permissions"),
                "Spaces": format!("{here}/spaces"),
                "Teams": format!("{here}/teams"),
                "ApiKeys": format!("{here}/apikeys{{/id}}{{?skip,take}}"),
            },
        })
    }

    fn permissions(&self, spaces: &[String]) -> Value {
        let all = kind::KINDS.iter().flat_map(|kind| [kind.view, kind.edit]);
        let all = all.chain(["ProcessView", "ProcessEdit", "TaskCancel"]);
        let mine: BTreeSet<_> = all.filter(|it| !it.is_empty() && self.may(it)).collect();
        let everywhere: Vec<Value> = spaces
            .iter()
            .map(|space| {
                json!({
                    "SpaceId": space,
                    "RestrictedToProjectIds": [],
                    "RestrictedToEnvironmentIds": [],
                    "RestrictedToTenantIds": [],
                    "RestrictedToProjectGroupIds": [],
                })
            })
            .collect();
        let in_spaces: serde_json::Map<_, _> =
            mine.into_iter().map(|it| (it.to_owned(), json!(everywhere))).collect();
        let system = ["ConfigureServer", "SpaceView", "SpaceEdit", "UserView"];
        let system: Vec<_> = system.into_iter().filter(|it| self.may(it)).collect();
        json!({
            "Id": self.id,
            "SpacePermissions": in_spaces,
            "SystemPermissions": system,
            "Teams": [],
            "IsPermissionsComplete": true,
            "IsTeamsComplete": true,
            "Links": { "Self": format!("/api/users/{}/permissions", self.id) },
        })
    }
}

/// `GET /api/users/{me|id}` and what is below it; `spaces` are the documents of all spaces.
pub(super) fn user(asking: &Person, id: &str, below: &str, spaces: &[Value]) -> Result {
    let named = PEOPLE.iter().find(|person| person.id.eq_ignore_ascii_case(id));
    let person = if id == "me" { Some(asking) } else { named };
    let person = person.ok_or_else(Refusal::missing)?;
    let ids: Vec<String> =
        spaces.iter().filter_map(|space| space["Id"].as_str().map(str::to_owned)).collect();
    match below {
        "" => Ok(Answer::of(&person.document())),
        "permissions" => Ok(Answer::of(&person.permissions(&ids))),
        "spaces" => Ok(Answer::of(&json!(spaces))),
        "teams" => Ok(Answer::of(&json!([]))),
        _ => Err(Refusal::missing()),
    }
}
