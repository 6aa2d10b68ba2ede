//! The defects of releases: one that is unresolved keeps a release from being deployed further.

use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    context::RequestContext,
    json::text_field,
    kind::{DEFECTS, RELEASES},
    request::HttpVerb,
    store::{self, StoredDocument},
};
use rusqlite::params;
use serde_json::{Value, json};

/// `…/releases/{id}/defects` and `…/defects/resolve`.
pub(crate) fn route_defects(call: &RequestContext<'_>, id: &str, path: &[&str]) -> HandlerResult {
    let release = call.find_document(&RELEASES, id)?;
    match (call.verb(), path) {
        (HttpVerb::Get, []) => {
            call.person.require_permission(DEFECTS.view)?;
            let path = format!("releases/{}/defects", release.id);
            call.page_where(&DEFECTS, "owner =", &release.id, &path)
        }
        (HttpVerb::Post, []) => report_defect(call, &release),
        (HttpVerb::Post, ["resolve"]) => resolve_defect(call, &release),
        (_, [] | ["resolve"]) => Err(ErrorResponse::method_not_allowed()),
        _ => Err(ErrorResponse::not_found()),
    }
}

/// Whether a release has a defect that is not resolved.
pub(super) fn has_open_defect(call: &RequestContext<'_>, release: &str) -> HandlerResult<bool> {
    Ok(open_defect(call, release)?.is_some())
}

fn open_defect(call: &RequestContext<'_>, release: &str) -> HandlerResult<Option<StoredDocument>> {
    let condition = "space = ?2 and owner = ?3 and json_extract(body, '$.Status') = 'Unresolved'";
    let values = params![DEFECTS.prefix, call.space, release];
    Ok(store::select_documents(call.db, &DEFECTS, condition, values)?.into_iter().next())
}

fn report_defect(call: &RequestContext<'_>, release: &StoredDocument) -> HandlerResult {
    call.person.require_permission("DefectReport")?;
    let body = call.request.body_object()?;
    let description = text_field(&body, "Description").trim();
    if description.is_empty() {
        return Err(ErrorResponse::bad_request("Please describe the defect."));
    }
    if has_open_defect(call, &release.id)? {
        return Err(ErrorResponse::bad_request("This release has an unresolved defect already."));
    }
    let defect = json!({
        "Id": store::next_id(call.db, &DEFECTS)?,
        "SpaceId": call.space,
        "ReleaseId": release.id,
        "Description": description,
        "Status": "Unresolved",
        "Links": {},
    });
    store::save_document(call.db, &StoredDocument::with_id_rank(&DEFECTS, &defect))?;
    Ok(SandboxResponse::created(&defect))
}

fn resolve_defect(call: &RequestContext<'_>, release: &StoredDocument) -> HandlerResult {
    call.person.require_permission("DefectResolve")?;
    let none = || ErrorResponse::bad_request("This release has no unresolved defect.");
    let mut defect: Value = open_defect(call, &release.id)?.ok_or_else(none)?.parse_body()?;
    defect["Status"] = json!("Resolved");
    store::save_document(call.db, &StoredDocument::with_id_rank(&DEFECTS, &defect))?;
    Ok(SandboxResponse::from_document(&defect))
}
