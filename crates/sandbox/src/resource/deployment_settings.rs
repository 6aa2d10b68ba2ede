//! The deployment settings of a project: the same fields as in the project's own document, which older clients
//! read and write there.
//!
//! # Source
//!
//! `OctopusDeploy/message-contracts.ts`, `src/deploymentSettingsResource.ts`.

use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    context::RequestContext,
    json::json_field,
    kind::PROJECTS,
    request::HttpVerb,
    store::{self, StoredDocument},
};
use serde_json::{Value, json};

/// The fields of the settings, and their names in the project.
const FIELDS: [(&str, &str); 6] = [
    ("ConnectivityPolicy", "ProjectConnectivityPolicy"),
    ("DefaultGuidedFailureMode", "DefaultGuidedFailureMode"),
    ("VersioningStrategy", "VersioningStrategy"),
    ("ReleaseNotesTemplate", "ReleaseNotesTemplate"),
    ("DefaultToSkipIfAlreadyInstalled", "DefaultToSkipIfAlreadyInstalled"),
    ("DeploymentChangesTemplate", "DeploymentChangesTemplate"),
];

/// `…/projects/{id}/deploymentsettings`, with `at` as the path of the ref if the project is in Git.
pub(crate) fn route_settings(
    call: &RequestContext<'_>,
    project: &StoredDocument,
    at: &str,
) -> HandlerResult {
    match call.verb() {
        HttpVerb::Get => call.person.require_permission(PROJECTS.view)?,
        HttpVerb::Put => call.person.require_permission(PROJECTS.edit)?,
        _ => return Err(ErrorResponse::method_not_allowed()),
    }
    let mut document = project.parse_body()?;
    if call.verb() == HttpVerb::Put {
        let body = call.body_of(&settings_id(project))?;
        for (name, in_project) in FIELDS {
            if !json_field(&body, name).is_null() {
                document[in_project] = json_field(&body, name).clone();
            }
        }
        store::save_document(call.db, &StoredDocument::new(&PROJECTS, &document))?;
    }
    Ok(SandboxResponse::from_document(&settings_document(call, project, &document, at)))
}

fn settings_id(project: &StoredDocument) -> String {
    format!("deploymentsettings-{}", project.id)
}

fn settings_document(
    call: &RequestContext<'_>,
    project: &StoredDocument,
    document: &Value,
    at: &str,
) -> Value {
    let here = call.space_path(&format!("projects/{}", project.id));
    let mut settings = json!({
        "Id": settings_id(project),
        "SpaceId": call.space,
        "ProjectId": project.id,
    });
    for (name, in_project) in FIELDS {
        settings[name] = document[in_project].clone();
    }
    settings["Links"] = json!({
        "Self": format!("{here}{at}/deploymentsettings"),
        "Project": here,
    });
    settings
}
