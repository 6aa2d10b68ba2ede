//! Snapshots: what a release or a runbook's snapshot freezes of processes and variables.
//!
//! A snapshot is a document beside the one that it was taken of: `deploymentprocess-Projects-1-s-4-ABCDE`.
//! What has not changed since the last one is not frozen again. Never: a snapshot changed.

use crate::kind::MARK;

use crate::{
    answer::{ErrorResponse, HandlerResult},
    context::RequestContext,
    kind::{DocumentKind, LIBRARY, VARIABLES},
    raw_json::{JsonFieldAccess as _, JsonFields, to_raw_json},
    store::{self, StoredDocument},
};
use rusqlite::params;
use serde_json::json;

/// The id of a snapshot of the document as it is now.
pub(super) fn take_snapshot(
    call: &RequestContext<'_>,
    kind: &'static DocumentKind,
    id: &str,
) -> HandlerResult<String> {
    let Some(mut live) = store::find_document(call.db, kind, &call.space, id)? else {
        let text = format!("There is no {} '{id}' to take a snapshot of.", kind.noun);
        return Err(ErrorResponse::bad_request(text));
    };
    let mut fields: JsonFields = serde_json::from_str(&live.body)?;
    if let Some(last) = existing_snapshot(call, &live, &fields)? {
        return Ok(last);
    }
    let frozen = save_frozen_copy(call, &live)?;
    // A set of variables has no such field.
    if kind.prefix != VARIABLES.prefix {
        fields.set_field("LastSnapshotId", to_raw_json(&json!(frozen))?);
        live.body = serde_json::to_string(&fields)?;
        store::save_document(call.db, &live)?;
    }
    Ok(frozen)
}

/// The snapshot of the document as it is now, if one has been taken.
fn existing_snapshot(
    call: &RequestContext<'_>,
    live: &StoredDocument,
    fields: &JsonFields,
) -> HandlerResult<Option<String>> {
    let start = format!("{}{MARK}{}-", live.id, version_number(fields));
    let (condition, kind) = ("space = ?2 and id >= ?3 and id < ?3 || '~'", live.kind);
    let taken =
        store::select_documents(call.db, kind, condition, params![kind.prefix, call.space, start])?;
    Ok(taken.into_iter().next().map(|it| it.id))
}

/// Puts a frozen copy of a document beside it, and tells its id.
pub(super) fn save_frozen_copy(
    call: &RequestContext<'_>,
    live: &StoredDocument,
) -> HandlerResult<String> {
    let mut fields: JsonFields = serde_json::from_str(&live.body)?;
    let frozen = format!("{}{MARK}{}-{}", live.id, version_number(&fields), random_suffix());
    let here = call.space_path(&format!("{}/{frozen}", live.kind.link));
    for (name, value) in [("Id", json!(frozen)), ("Links", json!({ "Self": here }))] {
        fields.set_field(name, to_raw_json(&value)?);
    }
    let body = serde_json::to_string(&fields)?;
    store::save_document(call.db, &StoredDocument { id: frozen.clone(), body, ..live.clone() })?;
    Ok(frozen)
}

fn version_number(fields: &JsonFields) -> i64 {
    fields.number_value("Version").unwrap_or_default()
}

/// Snapshots of the variables of a project: its own set, and those of the libraries that it includes.
pub(super) fn freeze_variables(
    call: &RequestContext<'_>,
    project: &str,
    libraries: &[String],
) -> HandlerResult<(String, Vec<String>)> {
    let own = take_snapshot(call, &VARIABLES, &format!("{}-{project}", VARIABLES.prefix))?;
    let mut others = Vec::new();
    for library in libraries {
        if call.has_document(&LIBRARY, library)? {
            others.push(take_snapshot(
                call,
                &VARIABLES,
                &format!("{}-{library}", VARIABLES.prefix),
            )?);
        }
    }
    Ok((own, others))
}

/// Five random capitals and digits.
fn random_suffix() -> String {
    const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let random_letter =
        || LETTERS.get(fastrand::usize(..LETTERS.len())).copied().map_or('A', char::from);
    std::iter::repeat_with(random_letter).take(5).collect()
}
