//! Deployment processes and the processes of runbooks: one write a `Version`.
//!
//! A process comes back as it was sent: key order, spelling of numbers and unknown fields included,
//! but for what `normal` changes. Never: a snapshot; a frozen process refuses every write.

use super::{
    Call, links,
    normal::{self, Fields, Reader as _},
    process_templates, snapshot, templates,
};
use crate::{
    answer::{Answer, Refusal, Result},
    kind::{Kind, PROCESSES, RUNBOOK_PROCESSES},
    request::Verb,
    store::{self, Document},
};
use serde_json::{Value, json, value::RawValue};

/// Answers what is special about processes, given by their own id.
pub(crate) fn route(call: &Call<'_>, kind: &'static Kind, path: &[&str]) -> Option<Result> {
    match (call.verb(), path) {
        (Verb::Put, [id]) => Some(update(call, kind, id)),
        _ => None,
    }
}

/// `…/projects/{id}/deploymentprocesses` and what is below.
pub(crate) fn of_project(call: &Call<'_>, project: &Document, path: &[&str]) -> Result {
    let id = format!("{}-{}", PROCESSES.prefix, project.id);
    match (call.verb(), path) {
        (Verb::Get, []) => {
            call.who.needs(PROCESSES.view)?;
            Ok(Answer::text(call.find(&PROCESSES, &id)?.body))
        }
        (Verb::Put, []) => update(call, &PROCESSES, &id),
        (_, below) => {
            call.who.needs(PROCESSES.view)?;
            let process = call.find(&PROCESSES, &id)?.value()?;
            beside(call, &process, below)
        }
    }
}

/// What is beside a deployment process, and the same for all.
pub(super) fn beside(call: &Call<'_>, process: &Value, path: &[&str]) -> Result {
    match (call.verb(), path) {
        (Verb::Post, ["validate"]) => Ok(Answer::of(&json!({
            "Details": [],
            "HasWarnings": false,
            "TagsWithoutTargetsByStepId": {},
        }))),
        (Verb::Get, ["template"]) => templates::of_release(call, process),
        (Verb::Get, ["resolved"]) => {
            Ok(Answer::of(&process_templates::resolved(call.db, process.clone())?))
        }
        (_, []) => Err(Refusal::method()),
        _ => Err(Refusal::missing()),
    }
}

fn update(call: &Call<'_>, kind: &'static Kind, id: &str) -> Result {
    call.who.needs(kind.edit)?;
    let what = kind.noun;
    let Some(mut document) = store::find(call.db, kind, &call.space, id)? else {
        return Err(Refusal::missing());
    };
    if document.id.contains(snapshot::MARK) {
        return Err(Refusal::rule(format!(
            "You cannot modify this {what} because it is frozen. You'll need to create a new {what} instead."
        )));
    }
    let new: Fields = serde_json::from_str(&call.request.body)?;
    let old: Fields = serde_json::from_str(&document.body)?;
    current(&new, &old, what)?;
    let mut process = normal::process(call, new, &old)?;
    stamp(&mut process, &old)?;
    document.body = serde_json::to_string(&process)?;
    store::save(call.db, &document)?;
    Ok(Answer::text(document.body))
}

/// Refuses a write that is not of the version that is stored.
pub(super) fn current(new: &Fields, old: &Fields, what: &str) -> Result<()> {
    let Some(version) = new.number("Version") else {
        return Err(Refusal::rule("Please provide the version that this change is made to."));
    };
    if Some(version) == old.number("Version") {
        return Ok(());
    }
    let (these, the) = if what == "variables" { ("these", "these") } else { ("this", "the") };
    Err(Refusal::rule(format!(
        "Changes to {these} {what} could not be saved, because another user has made changes to \
         {the} {what} between when you started editing and when you saved your changes. Please \
         reload or open a new tab to make your changes."
    )))
}

/// Sets what the server alone decides.
fn stamp(process: &mut Fields, old: &Fields) -> Result<()> {
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
pub(super) fn raw(value: &Value) -> Result<Box<RawValue>> {
    Ok(serde_json::value::to_raw_value(value)?)
}

/// An empty process of a project, or of one of its runbooks.
pub(crate) fn empty(space: &str, project: &str, runbook: Option<&str>) -> Document {
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
    Document::new(kind, &process)
}
