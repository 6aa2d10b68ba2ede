//! Snapshots: what a release or a runbook's snapshot freezes of processes and variables.
//!
//! A snapshot is a document beside its original: `deploymentprocess-Projects-1-s-4-ABCDE`. A document that has not
//! changed since its last snapshot is not frozen again.

use crate::{
    answer::{ErrorResponse, HandlerResult},
    context::RequestContext,
    json::text_list,
    kind::{DocumentKind, KindName, LIBRARY, SNAPSHOT_MARK, VARIABLES},
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
    if kind.name != KindName::Variables {
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
    let start = format!("{}{SNAPSHOT_MARK}{}-", live.id, version_number(fields));
    let (condition, kind) = ("space = ?2 and id >= ?3 and id < ?3 || '~'", live.kind);
    let taken =
        store::select_documents(call.db, kind, condition, params![kind.prefix, call.space, start])?;
    Ok(taken.into_iter().next().map(|it| it.id))
}

/// Stores a frozen copy of a document, and returns its id.
pub(super) fn save_frozen_copy(
    call: &RequestContext<'_>,
    live: &StoredDocument,
) -> HandlerResult<String> {
    let mut fields: JsonFields = serde_json::from_str(&live.body)?;
    let frozen =
        format!("{}{SNAPSHOT_MARK}{}-{}", live.id, version_number(&fields), random_suffix());
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

/// The ids of snapshots of a project's variables.
#[derive(Debug)]
pub(crate) struct FrozenVariables {
    /// Its own set.
    pub(crate) set: String,
    /// The library sets that it includes.
    pub(crate) libraries: Vec<String>,
}

/// Takes snapshots of the variables of a project: its own set, and those of the libraries that it includes.
pub(crate) fn freeze_variables(
    call: &RequestContext<'_>,
    project: &StoredDocument,
) -> HandlerResult<FrozenVariables> {
    let freeze_set = |owner: &str| take_snapshot(call, &VARIABLES, &VARIABLES.id_for(owner));
    let set = freeze_set(&project.id)?;
    let mut libraries = Vec::new();
    for library in text_list(&project.parse_body()?, "IncludedLibraryVariableSetIds") {
        if call.has_document(&LIBRARY, &library)? {
            libraries.push(freeze_set(&library)?);
        }
    }
    Ok(FrozenVariables { set, libraries })
}

/// Five random capitals and digits.
fn random_suffix() -> String {
    const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let random_letter =
        || LETTERS.get(fastrand::usize(..LETTERS.len())).copied().map_or('A', char::from);
    std::iter::repeat_with(random_letter).take(5).collect()
}
