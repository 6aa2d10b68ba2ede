//! Kinds of which one document is the default: machine policies of a space, channels of a project.

use crate::{
    answer::{ErrorResponse, HandlerResult},
    context::RequestContext,
    json::{bool_field, text_field},
    kind::DocumentKind,
    store::{self, StoredDocument},
};
use rusqlite::params;
use serde_json::{Value, json};

/// Keeps one default: a new default replaces the old one, which cannot be unset.
pub(super) fn keep_one_default(
    call: &RequestContext<'_>,
    kind: &'static DocumentKind,
    document: &mut Value,
    old: &Value,
) -> HandlerResult<()> {
    if bool_field(old, "IsDefault") {
        document["IsDefault"] = json!(true);
        return Ok(());
    }
    if !bool_field(document, "IsDefault") {
        return Ok(());
    }
    let values = params![kind.prefix, call.space, text_field(document, kind.owner)];
    for other in store::select_documents(call.db, kind, "space = ?2 and owner = ?3", values)? {
        let mut other = other.parse_body()?;
        if bool_field(&other, "IsDefault") {
            other["IsDefault"] = json!(false);
            store::save_document(call.db, &StoredDocument::new(kind, &other))?;
        }
    }
    Ok(())
}

/// Refuses to delete the default.
pub(super) fn check_not_default(document: &StoredDocument) -> HandlerResult<()> {
    if bool_field(&document.parse_body()?, "IsDefault") {
        let text = format!("You cannot delete your default {}.", document.kind.noun);
        return Err(ErrorResponse::bad_request(text));
    }
    Ok(())
}
