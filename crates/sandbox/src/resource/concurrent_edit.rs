//! Another person who saves a document while a client is at work.
//!
//! A document with a version gets the next one, as with any save; otherwise its description says who was here,
//! and a document without a description is switched off or on.

use crate::{
    answer::HandlerResult,
    kind::{self, PROCESSES, PROJECTS},
    raw_json::{JsonFieldAccess as _, JsonFields, to_raw_json},
    store,
};
use rusqlite::Connection;
use serde_json::json;

/// Saves the document at a path, if there is one.
pub(crate) fn edit_document(db: &Connection, path: &[String]) -> HandlerResult<()> {
    let path: Vec<String> = path.iter().map(|part| part.to_lowercase()).collect();
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let (kind, id) = match path.as_slice() {
        [.., "projects", project, "deploymentprocesses"] => {
            let named = "(id = ?2 or slug = ?2)";
            let project =
                store::select_documents(db, &PROJECTS, named, [PROJECTS.prefix, project])?;
            let project = project.first().map(|it| it.id.as_str());
            (Some(&PROCESSES), PROCESSES.id_for(project.unwrap_or_default()))
        }
        [.., kind, id] => (kind::kind_by_path(kind), (*id).to_owned()),
        _ => return Ok(()),
    };
    let Some(kind) = kind else { return Ok(()) };
    for mut document in store::select_documents(db, kind, "id = ?2", [kind.prefix, &id])? {
        let mut fields: JsonFields = serde_json::from_str(&document.body)?;
        if let Some(version) = fields.number_value("Version") {
            fields.set_field("Version", to_raw_json(&json!(version + 1))?);
        } else if fields.raw_field("Description").is_some() {
            let text = format!("{} (edited by another person)", fields.text_value("Description"));
            fields.set_field("Description", to_raw_json(&json!(text.trim_start()))?);
        } else if let Some(disabled) = fields.raw_field("IsDisabled") {
            let other = disabled.get() != "true";
            fields.set_field("IsDisabled", to_raw_json(&json!(other))?);
        }
        document.body = serde_json::to_string(&fields)?;
        store::save_document(db, &document)?;
    }
    Ok(())
}
