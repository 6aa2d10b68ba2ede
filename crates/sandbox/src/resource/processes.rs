//! Deployment processes and the processes of runbooks. Each write makes a new `Version`.
//!
//! Except for what `normalize` changes, a process comes back as it was sent, with its key order, spelling of
//! numbers and unknown fields. A frozen process refuses every write.

use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    context::{RequestContext, check_same_id},
    document::template,
    kind::{self, DocumentKind, PROCESSES},
    raw_json::{self, JsonFieldAccess as _, JsonFields},
    request::HttpVerb,
    resource::{normalize, templates},
    store::{self, StoredDocument},
};
use serde_json::{Value, json};

/// Routes of processes by their own id.
pub(crate) fn route_processes(
    call: &RequestContext<'_>,
    kind: &'static DocumentKind,
    path: &[&str],
) -> Option<HandlerResult> {
    match (call.verb(), path) {
        (HttpVerb::Put, [id]) => Some(update(call, kind, id)),
        _ => None,
    }
}

/// `…/projects/{id}/deploymentprocesses` and everything below.
pub(crate) fn route_project_process(
    call: &RequestContext<'_>,
    project: &StoredDocument,
    path: &[&str],
) -> HandlerResult {
    let id = PROCESSES.id_for(&project.id);
    match (call.verb(), path) {
        (HttpVerb::Get, []) => {
            call.person.require_permission(PROCESSES.view)?;
            Ok(SandboxResponse::from_json(call.find_document(&PROCESSES, &id)?.body))
        }
        (HttpVerb::Put, []) => update(call, &PROCESSES, &id),
        (_, below) => {
            call.person.require_permission(PROCESSES.view)?;
            let process = call.find_document(&PROCESSES, &id)?.parse_body()?;
            route_subresources(call, &process, below)
        }
    }
}

/// Routes below a deployment process, which are the same for all.
pub(super) fn route_subresources(
    call: &RequestContext<'_>,
    process: &Value,
    path: &[&str],
) -> HandlerResult {
    match (call.verb(), path) {
        (HttpVerb::Post, ["validate"]) => Ok(SandboxResponse::from_document(&json!({
            "Details": [],
            "HasWarnings": false,
            "TagsWithoutTargetsByStepId": {},
        }))),
        (HttpVerb::Get, ["template"]) => templates::release_template(call, process),
        (HttpVerb::Get, ["resolved"]) => {
            Ok(SandboxResponse::from_document(&template::resolve_usages(call.db, process.clone())?))
        }
        (_, []) => Err(ErrorResponse::method_not_allowed()),
        _ => Err(ErrorResponse::not_found()),
    }
}

fn update(call: &RequestContext<'_>, kind: &'static DocumentKind, id: &str) -> HandlerResult {
    call.person.require_permission(kind.edit)?;
    let what = kind.noun;
    let Some(mut document) = store::find_document(call.db, kind, &call.space, id)? else {
        return Err(ErrorResponse::not_found());
    };
    if kind::is_snapshot(&document.id) {
        return Err(ErrorResponse::bad_request(format!(
            "You cannot modify this {what} because it is frozen. You'll need to create a new {what} instead."
        )));
    }
    let new: JsonFields = serde_json::from_str(&call.request.body)?;
    check_same_id(&new.text_value("Id"), &document.id)?;
    let old: JsonFields = serde_json::from_str(&document.body)?;
    check_version(&new, &old, what)?;
    let mut process = normalize::normalize_process(call, new, &old)?;
    set_server_fields(&mut process, &old)?;
    document.body = serde_json::to_string(&process)?;
    store::save_document(call.db, &document)?;
    Ok(SandboxResponse::from_json(document.body))
}

/// Refuses a write that is not based on the stored version.
pub(super) fn check_version(new: &JsonFields, old: &JsonFields, what: &str) -> HandlerResult<()> {
    let Some(version) = new.number_value("Version") else {
        return Err(ErrorResponse::bad_request(
            "Please provide the version that this change is made to.",
        ));
    };
    if Some(version) == old.number_value("Version") {
        return Ok(());
    }
    let (these, the) = if what == "variables" { ("these", "these") } else { ("this", "the") };
    Err(ErrorResponse::bad_request(format!(
        "Changes to {these} {what} could not be saved, because another user has made changes to \
         {the} {what} between when you started editing and when you saved your changes. Please \
         reload or open a new tab to make your changes."
    )))
}

/// Sets the fields that only the server decides.
fn set_server_fields(process: &mut JsonFields, old: &JsonFields) -> HandlerResult<()> {
    process.shift_remove("ChangeDescription");
    for name in ["Id", "SpaceId", "ProjectId", "RunbookId", "LastSnapshotId", "Links"] {
        if let Some(value) = old.get(name) {
            process.set_field(name, value.clone());
        }
    }
    let version = old.number_value("Version").unwrap_or_default() + 1;
    process.set_field("Version", raw_json::to_raw_json(&json!(version))?);
    Ok(())
}
