//! The resources, each with its own rules: a file a kind, and `plain` for those that have none.
//!
//! This page has what their handlers share: the call they answer, and how fields are read and names
//! and slugs given. Never: a path; those are in `route`.

pub(super) mod concurrent_edit;
pub(super) mod deployments;
pub(super) mod endpoint;
pub(super) mod events;
pub(super) mod features;
pub(super) mod health;
pub(super) mod instance;
pub(super) mod links;
pub(super) mod lookups;
pub(super) mod nodes;
pub(super) mod normalize;
pub(super) mod plain;
pub(super) mod policies;
pub(super) mod pools;
pub(super) mod process_templates;
pub(super) mod processes;
pub(super) mod projects;
pub(super) mod releases;
pub(super) mod runs;
pub(super) mod snapshot;
pub(super) mod summary;
pub(super) mod targets;
pub(super) mod tasks;
pub(super) mod templates;
pub(super) mod tenants;
pub(super) mod variables;
pub(super) mod versioned;
pub(super) mod workers;

pub(super) use health::{is_check_due, run_checks_due};

use super::{
    answer::{ErrorResponse, HandlerResult},
    kind::DocumentKind,
    people::Person,
    request::{HttpVerb, SandboxRequest},
    store::{self, StoredDocument},
};
use rusqlite::{Connection, params};
use serde_json::Value;

/// A request with who asks and the space it is about.
#[derive(Debug)]
pub(super) struct RequestContext<'a> {
    /// The transaction of the request.
    pub(super) db: &'a Connection,
    /// What is asked.
    pub(super) request: &'a SandboxRequest,
    /// Who asks.
    pub(super) person: &'a Person,
    /// The id of the space; empty on the instance.
    pub(super) space: String,
}

impl RequestContext<'_> {
    /// What is to be done.
    pub(super) fn verb(&self) -> HttpVerb {
        self.request.verb
    }

    /// The path of a resource in this space: `/api/Spaces-1/workerpools`.
    pub(super) fn space_path(&self, path: &str) -> String {
        format!("/api/{}/{path}", self.space)
    }

    /// The document of this id in this space, or 404.
    pub(super) fn find_document(
        &self,
        kind: &'static DocumentKind,
        id: &str,
    ) -> HandlerResult<StoredDocument> {
        store::find_document(self.db, kind, &self.space, id)?.ok_or_else(ErrorResponse::not_found)
    }

    /// Whether there is a document of this id in this space.
    pub(super) fn has_document(
        &self,
        kind: &'static DocumentKind,
        id: &str,
    ) -> HandlerResult<bool> {
        Ok(store::find_document(self.db, kind, &self.space, id)?.is_some())
    }

    /// The name that a body gives, trimmed: there, and free among its kind but for the document `own`.
    pub(super) fn require_name(
        &self,
        kind: &'static DocumentKind,
        body: &Value,
        own: &str,
    ) -> HandlerResult<String> {
        let name = text_field(body, "Name").trim().to_owned();
        if name.is_empty() {
            return Err(ErrorResponse::bad_request(format!(
                "Please provide a name for this {}.",
                kind.noun
            )));
        }
        // Runbooks are named within their project, everything else within its space.
        let owner = if kind.owner == "ProjectId" { text_field(body, kind.owner) } else { "" };
        let same = store::select_documents(
            self.db,
            kind,
            "space = ?2 and name = ?3 and id <> ?4 and owner = ?5",
            params![kind.prefix, self.space, name, own, owner],
        )?;
        if same.is_empty() {
            return Ok(name);
        }
        let text = "with this name already exists. Please choose a different name.";
        let article = if kind.noun.starts_with(['a', 'e']) { "An" } else { "A" };
        Err(ErrorResponse::bad_request(format!("{article} {} {text}", kind.noun)))
    }

    /// The slug that a body gives, else the one it had, else one made of the name; free among its kind.
    pub(super) fn unique_slug(
        &self,
        kind: &'static DocumentKind,
        body: &Value,
        old: &Value,
    ) -> HandlerResult<String> {
        let wanted = [text_field(body, "Slug"), text_field(old, "Slug"), text_field(body, "Name")];
        let wanted = wanted.into_iter().find(|it| !it.trim().is_empty()).unwrap_or(kind.noun);
        let (base, own) = (slugify(wanted), text_field(old, "Id"));
        let (mut free, mut number) = (base.clone(), 0);
        while store::find_by_slug(self.db, kind, &self.space, &free)?
            .is_some_and(|item| item.id != own)
        {
            number += 1;
            free = format!("{base}-{number}");
        }
        Ok(free)
    }
}

/// A field of a body, its name compared without regard to case, as the real server does.
pub(super) fn json_field<'a>(body: &'a Value, name: &str) -> &'a Value {
    let exact = body.get(name);
    let ignoring_case = || {
        let mut fields = body.as_object()?.iter();
        fields.find(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    };
    exact.or_else(ignoring_case).unwrap_or(&Value::Null)
}

/// A text field of a body; empty where it is missing or no text.
pub(super) fn text_field<'a>(body: &'a Value, name: &str) -> &'a str {
    json_field(body, name).as_str().unwrap_or_default()
}

/// A yes or no of a body; no where it is missing.
pub(super) fn bool_field(body: &Value, name: &str) -> bool {
    json_field(body, name).as_bool().unwrap_or_default()
}

/// The texts of a list in a body.
pub(super) fn text_list(body: &Value, name: &str) -> Vec<String> {
    let items = json_field(body, name).as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// `Deploy to AKS` → `deploy-to-aks`.
pub(super) fn slugify(name: &str) -> String {
    let dashed: String = name.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    let parts: Vec<&str> = dashed.split('-').filter(|part| !part.is_empty()).collect();
    parts.join("-").to_lowercase()
}

/// Now, as the API writes times.
pub(super) fn current_time() -> String {
    format_time(jiff::Timestamp::now())
}

/// A point in time, as the API writes it.
pub(super) fn format_time(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.3f+00:00").to_string()
}
