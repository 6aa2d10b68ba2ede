//! The spaces of the instance, and which of them is the default.

use crate::{
    answer::HandlerResult,
    json::text_field,
    kind::SPACES,
    store::{self, StoredDocument},
};
use rusqlite::Connection;
use serde_json::Value;

/// The documents of all spaces, sorted by name.
#[derive(Debug)]
pub(crate) struct Spaces(Vec<Value>);

impl Spaces {
    /// Reads them.
    pub(crate) fn read(db: &Connection) -> HandlerResult<Self> {
        let spaces = store::list_documents(db, &SPACES, "")?;
        let spaces = spaces.iter().map(StoredDocument::parse_body);
        Ok(Self(spaces.collect::<serde_json::Result<_>>()?))
    }

    /// Their documents.
    pub(crate) fn documents(&self) -> &[Value] {
        &self.0
    }

    /// The id of the space that paths without a space lead to.
    pub(crate) fn default_id(&self) -> Option<&str> {
        self.0.iter().find(|space| space["IsDefault"] == true).map(|space| text_field(space, "Id"))
    }

    /// The id of a space as the space itself spells it.
    pub(crate) fn find_by_id(&self, id: &str) -> Option<&str> {
        self.find_by_field("Id", id)
    }

    /// The id of the space of a slug.
    pub(crate) fn find_by_slug(&self, slug: &str) -> Option<&str> {
        self.find_by_field("Slug", slug)
    }

    fn find_by_field(&self, field: &str, value: &str) -> Option<&str> {
        let mut spaces = self.0.iter();
        let space = spaces.find(|space| text_field(space, field).eq_ignore_ascii_case(value))?;
        Some(text_field(space, "Id"))
    }
}
