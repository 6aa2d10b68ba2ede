//! Kinds whose documents have an order of their own: pools, environments and tag sets.

use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    context::RequestContext,
    kind::DocumentKind,
    store::{self, StoredDocument},
};
use serde_json::json;

/// `PUT …/sortorder`: the ids of all documents of a kind, in their new order.
pub(super) fn set_sort_order(
    call: &RequestContext<'_>,
    kind: &'static DocumentKind,
) -> HandlerResult {
    call.person.require_permission(kind.edit)?;
    let ids: Vec<String> = serde_json::from_str(&call.request.body)?;
    let documents = store::list_documents(call.db, kind, &call.space)?;
    let requested_position =
        |it: &StoredDocument| ids.iter().position(|id| id.eq_ignore_ascii_case(&it.id));
    if ids.len() != documents.len() || documents.iter().any(|it| requested_position(it).is_none()) {
        return Err(ErrorResponse::bad_request(format!(
            "Please provide the ids of all {}s of the space, each once.",
            kind.noun
        )));
    }
    for mut document in documents {
        let rank = requested_position(&document).unwrap_or_default();
        let mut body = document.parse_body()?;
        body["SortOrder"] = json!(rank);
        document.rank = i64::try_from(rank).unwrap_or_default();
        document.body = body.to_string();
        store::save_document(call.db, &document)?;
    }
    Ok(SandboxResponse::from_document(&json!(ids)))
}

/// The position after the last document of a kind.
pub(super) fn next_position(
    call: &RequestContext<'_>,
    kind: &'static DocumentKind,
) -> HandlerResult<i64> {
    let last = store::list_documents(call.db, kind, &call.space)?.iter().map(|it| it.rank).max();
    Ok(last.map_or(0, |last| last + 1))
}
