//! Deployment processes and the processes of runbooks: one write a `Version`.
//!
//! A process comes back as it was sent: key order, spelling of numbers and unknown fields included,
//! but for what `normal` changes. Never: a snapshot; a frozen process refuses every write.

use super::{
    RequestContext, links,
    normal::{self, JsonFieldAccess as _, JsonFields},
    process_templates, snapshot, templates,
};
use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    kind::{DocumentKind, PROCESSES, RUNBOOK_PROCESSES},
    request::HttpVerb,
    store::{self, StoredDocument},
};
use serde_json::{Value, json, value::RawValue};

/// Answers what is special about processes, given by their own id.
pub(crate) fn route(
    call: &RequestContext<'_>,
    kind: &'static DocumentKind,
    path: &[&str],
) -> Option<HandlerResult> {
    match (call.verb(), path) {
        (HttpVerb::Put, [id]) => Some(update(call, kind, id)),
        _ => None,
    }
}

/// `…/projects/{id}/deploymentprocesses` and what is below.
pub(crate) fn of_project(
    call: &RequestContext<'_>,
    project: &StoredDocument,
    path: &[&str],
) -> HandlerResult {
    let id = format!("{}-{}", PROCESSES.prefix, project.id);
    match (call.verb(), path) {
        (HttpVerb::Get, []) => {
            call.person.needs(PROCESSES.view)?;
            Ok(SandboxResponse::text(call.find(&PROCESSES, &id)?.body))
        }
        (HttpVerb::Put, []) => update(call, &PROCESSES, &id),
        (_, below) => {
            call.person.needs(PROCESSES.view)?;
            let process = call.find(&PROCESSES, &id)?.value()?;
            beside(call, &process, below)
        }
    }
}

/// What is beside a deployment process, and the same for all.
pub(super) fn beside(call: &RequestContext<'_>, process: &Value, path: &[&str]) -> HandlerResult {
    match (call.verb(), path) {
        (HttpVerb::Post, ["validate"]) => Ok(SandboxResponse::of(&json!({
            "Details": [],
            "HasWarnings": false,
            "TagsWithoutTargetsByStepId": {},
        }))),
        (HttpVerb::Get, ["template"]) => templates::of_release(call, process),
        (HttpVerb::Get, ["resolved"]) => {
            Ok(SandboxResponse::of(&process_templates::resolved(call.db, process.clone())?))
        }
        (_, []) => Err(ErrorResponse::method()),
        _ => Err(ErrorResponse::missing()),
    }
}

fn update(call: &RequestContext<'_>, kind: &'static DocumentKind, id: &str) -> HandlerResult {
    call.person.needs(kind.edit)?;
    let what = kind.noun;
    let Some(mut document) = store::find(call.db, kind, &call.space, id)? else {
        return Err(ErrorResponse::missing());
    };
    if document.id.contains(snapshot::MARK) {
        return Err(ErrorResponse::rule(format!(
            "You cannot modify this {what} because it is frozen. You'll need to create a new {what} instead."
        )));
    }
    let new: JsonFields = serde_json::from_str(&call.request.body)?;
    let old: JsonFields = serde_json::from_str(&document.body)?;
    current(&new, &old, what)?;
    let mut process = normal::process(call, new, &old)?;
    stamp(&mut process, &old)?;
    document.body = serde_json::to_string(&process)?;
    store::save(call.db, &document)?;
    Ok(SandboxResponse::text(document.body))
}

/// Refuses a write that is not of the version that is stored.
pub(super) fn current(new: &JsonFields, old: &JsonFields, what: &str) -> HandlerResult<()> {
    let Some(version) = new.number("Version") else {
        return Err(ErrorResponse::rule("Please provide the version that this change is made to."));
    };
    if Some(version) == old.number("Version") {
        return Ok(());
    }
    let (these, the) = if what == "variables" { ("these", "these") } else { ("this", "the") };
    Err(ErrorResponse::rule(format!(
        "Changes to {these} {what} could not be saved, because another user has made changes to \
         {the} {what} between when you started editing and when you saved your changes. Please \
         reload or open a new tab to make your changes."
    )))
}

/// Sets what the server alone decides.
fn stamp(process: &mut JsonFields, old: &JsonFields) -> HandlerResult<()> {
    process.shift_remove("ChangeDescription");
    for name in ["Id", "SpaceId", "ProjectId", "RunbookId", "LastSnapshotId", "Links"] {
        if let Some(value) = old.get(name) {
            process.put(name, value.clone());
        }
    }
    let version = old.number("Version").unwrap_or_default() + 1;
    process.put("Version", raw(&json!(version))?);
    Ok(())
}

/// A value as JSON text.
pub(super) fn raw(value: &Value) -> HandlerResult<Box<RawValue>> {
    Ok(serde_json::value::to_raw_value(value)?)
}

/// An empty process of a project, or of one of its runbooks.
pub(crate) fn empty(space: &str, project: &str, runbook: Option<&str>) -> StoredDocument {
    let (kind, id, links) = match runbook {
        None => {
            let id = format!("{}-{project}", PROCESSES.prefix);
            (&PROCESSES, id, links::of_process(space, project))
        }
        Some(runbook) => {
            let id = format!("{}-{runbook}", RUNBOOK_PROCESSES.prefix);
            let links = links::of_runbook_process(space, &id, project);
            (&RUNBOOK_PROCESSES, id, links)
        }
    };
    let mut process = json!({ "Id": id, "SpaceId": space, "ProjectId": project });
    if let Some(runbook) = runbook {
        process["RunbookId"] = json!(runbook);
    }
    process["Version"] = json!(0);
    process["LastSnapshotId"] = Value::Null;
    process["Steps"] = json!([]);
    process["Links"] = links;
    StoredDocument::new(kind, &process)
}
