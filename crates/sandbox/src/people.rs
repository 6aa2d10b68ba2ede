//! The callers, and what they may do.
//!
//! A few people, each with a key, and for each permission one more person who lacks just that permission.

use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    keys::{AccessKeys, KeyOwner},
    permission::{self, IN_SPACES, OF_THE_SYSTEM},
};
use serde_json::{Value, json};

/// The number of the first person who lacks one permission.
const FIRST_WITHOUT: usize = 100;

/// A person with a key.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    /// `Users-1`.
    pub(crate) id: String,
    /// The name to sign in with.
    pub(crate) username: String,
    /// Whether it is a program.
    pub(crate) is_service: bool,
    name: String,
    rights: PersonPermissions,
}

/// What a person may do.
#[derive(Clone, Copy, Debug)]
enum PersonPermissions {
    Everything,
    Reading,
    NoWorkers,
    Without(&'static str),
}

fn new_person(number: usize, username: &str, name: &str, rights: PersonPermissions) -> Person {
    Person {
        id: format!("Users-{number}"),
        username: username.to_owned(),
        is_service: false,
        name: name.to_owned(),
        rights,
    }
}

/// The people who are always listed.
fn default_people() -> [Person; 4] {
    let mut service = new_person(4, "ci", "Continuous integration", PersonPermissions::Everything);
    service.is_service = true;
    [
        new_person(1, "admin", "Administrator", PersonPermissions::Everything),
        new_person(2, "reader", "Reader", PersonPermissions::Reading),
        new_person(3, "no-workers", "No Workers", PersonPermissions::NoWorkers),
        service,
    ]
}

/// The person who lacks the permission at an index of the list of all.
fn person_lacking(place: usize) -> Option<Person> {
    let permission = permission::all_names().nth(place)?;
    let username = format!("without-{}", permission.to_lowercase());
    let name = format!("Without {permission}");
    Some(new_person(
        FIRST_WITHOUT + place,
        &username,
        &name,
        PersonPermissions::Without(permission),
    ))
}

/// The person of a key.
pub(crate) fn person_by_key(keys: &AccessKeys, key: &str) -> Option<Person> {
    let [admin, reader, no_workers, _] = default_people();
    match keys.owner_of(key)? {
        KeyOwner::Admin => Some(admin),
        KeyOwner::Reader => Some(reader),
        KeyOwner::NoWorkers => Some(no_workers),
        KeyOwner::Without(lacks) => person_lacking(
            permission::all_names().position(|name| name.to_ascii_uppercase() == lacks)?,
        ),
    }
}

/// The person of this id.
pub(crate) fn person_by_id(id: &str) -> Option<Person> {
    let resident = default_people().into_iter().find(|person| person.id.eq_ignore_ascii_case(id));
    resident.or_else(|| {
        let number: usize = id.rsplit('-').next()?.parse().ok()?;
        person_lacking(number.checked_sub(FIRST_WITHOUT)?)
    })
}

/// The service account of an OpenID Connect audience.
pub(crate) fn service_account(keys: &AccessKeys, audience: &str) -> Option<Person> {
    let [.., service] = default_people();
    audience.eq_ignore_ascii_case(keys.service_account()).then_some(service)
}

impl Person {
    /// Whether the person has a permission; everybody has the empty one.
    pub(crate) fn has_permission(&self, permission: &str) -> bool {
        permission.is_empty()
            || match self.rights {
                PersonPermissions::Everything => true,
                PersonPermissions::Reading => permission.ends_with("View"),
                PersonPermissions::NoWorkers => !matches!(permission, "WorkerView" | "WorkerEdit"),
                PersonPermissions::Without(lacking) => permission != lacking,
            }
    }

    /// Refuses a person who lacks a permission.
    pub(crate) fn require_permission(&self, permission: &str) -> HandlerResult<()> {
        if self.has_permission(permission) {
            Ok(())
        } else {
            Err(ErrorResponse::forbidden(permission))
        }
    }

    fn user_document(&self) -> Value {
        let here = format!("/api/users/{}", self.id);
        json!({
            "Id": self.id,
            "Username": self.username,
            "DisplayName": self.name,
            "IsActive": true,
            "IsService": self.is_service,
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

    fn user_permissions(&self, spaces: &[&str]) -> Value {
        let space_grant = |space: &&str| {
            json!({
                "SpaceId": space,
                "RestrictedToProjectIds": [],
                "RestrictedToEnvironmentIds": [],
                "RestrictedToTenantIds": [],
                "RestrictedToProjectGroupIds": [],
            })
        };
        let everywhere: Vec<Value> = spaces.iter().map(space_grant).collect();
        let mine = IN_SPACES.into_iter().filter(|it| self.has_permission(it));
        let in_spaces: serde_json::Map<_, _> =
            mine.map(|mine| (mine.to_owned(), json!(everywhere))).collect();
        let system: Vec<_> =
            OF_THE_SYSTEM.into_iter().filter(|it| self.has_permission(it)).collect();
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

/// `GET …/users` and everything below it, for these spaces.
pub(crate) fn route_users(asking: &Person, path: &[&str], spaces: &[Value]) -> HandlerResult {
    let (id, below) = match path {
        [] | ["all"] => return list_people(asking, path.is_empty()),
        [id] => (*id, ""),
        [id, below] => (*id, *below),
        _ => return Err(ErrorResponse::not_found()),
    };
    let mine = id == "me" || asking.id.eq_ignore_ascii_case(id);
    let person = if mine {
        asking.clone()
    } else {
        asking.require_permission("UserView")?;
        person_by_id(id).ok_or_else(ErrorResponse::not_found)?
    };
    let ids: Vec<&str> = spaces.iter().filter_map(|space| space["Id"].as_str()).collect();
    match below {
        "" => Ok(SandboxResponse::from_document(&person.user_document())),
        "permissions" => Ok(SandboxResponse::from_document(&person.user_permissions(&ids))),
        "spaces" => Ok(SandboxResponse::from_document(&json!(spaces))),
        "teams" => Ok(SandboxResponse::from_document(&json!([]))),
        _ => Err(ErrorResponse::not_found()),
    }
}

/// The people who are always listed, and the caller.
fn list_people(asking: &Person, as_page: bool) -> HandlerResult {
    let mut people: Vec<Person> = default_people().into();
    if !asking.has_permission("UserView") {
        people.clear();
    }
    if !people.iter().any(|person| person.id == asking.id) {
        people.push(asking.clone());
    }
    let people: Vec<Value> = people.iter().map(Person::user_document).collect();
    if !as_page {
        return Ok(SandboxResponse::from_document(&json!(people)));
    }
    Ok(SandboxResponse::from_document(&json!({
        "Id": null,
        "ItemType": "User",
        "TotalResults": people.len(),
        "ItemsPerPage": 30,
        "NumberOfPages": 1,
        "LastPageNumber": 0,
        "Items": people,
        "Links": { "Self": "/api/users?skip=0&take=30", "Page.Current": "/api/users?skip=0&take=30" },
    })))
}
