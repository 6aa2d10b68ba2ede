//! A request with its transaction, its caller and the space it is about.

use crate::{
    answer::{ErrorResponse, HandlerResult},
    json,
    kind::DocumentKind,
    pace::Pace,
    page::ListFilter,
    people::Person,
    request::{HttpVerb, SandboxRequest},
    store::{self, StoredDocument},
    text,
};
use jiff::Timestamp;
use rusqlite::{Connection, params};
use serde_json::Value;

/// Refuses a body that is about another document than its path.
pub(crate) fn check_same_id(sent: &str, id: &str) -> HandlerResult<()> {
    if sent.is_empty() || sent.eq_ignore_ascii_case(id) {
        return Ok(());
    }
    Err(ErrorResponse::bad_request(format!(
        "The id in the request body, '{sent}', is not the id in its path, '{id}'."
    )))
}

/// A request with its caller and its space.
#[derive(Debug)]
pub(crate) struct RequestContext<'a> {
    /// The transaction of the request.
    pub(crate) db: &'a Connection,
    /// When the request came, on the sandbox's clock.
    pub(crate) now: Timestamp,
    /// The request.
    pub(crate) request: &'a SandboxRequest,
    /// The caller.
    pub(crate) person: &'a Person,
    /// How long simulated work takes.
    pub(crate) pace: &'a Pace,
    /// The id of the space; empty on the instance.
    pub(crate) space: String,
}

impl<'a> RequestContext<'a> {
    /// The verb of the request.
    pub(crate) fn verb(&self) -> HttpVerb {
        self.request.verb
    }

    /// The path of a resource in this space: `/api/Spaces-1/workerpools`.
    pub(crate) fn space_path(&self, path: &str) -> String {
        format!("/api/{}/{path}", self.space)
    }

    /// The document of this id in this space, or 404.
    pub(crate) fn find_document(
        &self,
        kind: &'static DocumentKind,
        id: &str,
    ) -> HandlerResult<StoredDocument> {
        store::find_document(self.db, kind, &self.space, id)?.ok_or_else(ErrorResponse::not_found)
    }

    /// The document that a body refers to by its id, or 400.
    pub(crate) fn require_reference(
        &self,
        kind: &'static DocumentKind,
        id: &str,
    ) -> HandlerResult<StoredDocument> {
        store::find_document(self.db, kind, &self.space, id)?
            .ok_or_else(|| ErrorResponse::unknown_reference(kind.noun, id))
    }

    /// The documents of a kind in this space that match the parameters of every list, as far as the person
    /// may view them.
    pub(crate) fn list_filter(&self, kind: &'static DocumentKind) -> ListFilter<'a> {
        ListFilter::new(kind, &self.space, self.request).shown_to(self.person)
    }

    /// One page of the documents for which a condition holds, served at a path in this space.
    pub(crate) fn page_where(
        &self,
        kind: &'static DocumentKind,
        condition: &str,
        value: &str,
        path: &str,
    ) -> HandlerResult {
        let mut filter = self.list_filter(kind);
        filter.add_condition(condition, value);
        filter.page_answer(self.db, &self.space_path(path))
    }

    /// Whether there is a document of this id in this space.
    pub(crate) fn has_document(
        &self,
        kind: &'static DocumentKind,
        id: &str,
    ) -> HandlerResult<bool> {
        Ok(store::find_document(self.db, kind, &self.space, id)?.is_some())
    }

    /// The body of a request that changes the document of an id. It may leave that id out, but not be about
    /// another document.
    pub(crate) fn body_of(&self, id: &str) -> HandlerResult<Value> {
        let body = self.request.body_object()?;
        check_same_id(json::text_field(&body, "Id"), id)?;
        Ok(body)
    }

    /// The trimmed name of a body. It must be present, and unused by documents of its kind other than `own`.
    pub(crate) fn require_name(
        &self,
        kind: &'static DocumentKind,
        body: &Value,
        own: &str,
    ) -> HandlerResult<String> {
        let name = json::text_field(body, "Name").trim().to_owned();
        if name.is_empty() {
            return Err(ErrorResponse::bad_request(format!(
                "Please provide a name for this {}.",
                kind.noun
            )));
        }
        // Runbooks are named within their project, everything else within its space.
        let owner = if kind.owner == "ProjectId" { json::text_field(body, kind.owner) } else { "" };
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

    /// The slug of a body, or the old one, or one made from the name, with a number added if it is taken.
    pub(crate) fn unique_slug(
        &self,
        kind: &'static DocumentKind,
        body: &Value,
        old: &Value,
    ) -> HandlerResult<String> {
        let wanted = [
            json::text_field(body, "Slug"),
            json::text_field(old, "Slug"),
            json::text_field(body, "Name"),
        ];
        let wanted = wanted.into_iter().find(|text| !text.trim().is_empty()).unwrap_or(kind.noun);
        let (base, own) = (text::slugify(wanted), json::text_field(old, "Id"));
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
