//! Process templates of the Platform Hub, and what a process is with their steps in place of their usages.
//!
//! Read only: templates are planted by seeds. A template is of the instance, and is shared with all spaces.
//! Never: a process that is stored; what is expanded is an answer, or the work of a task.
//!
//! # Source
//!
//! `OctopusDeploy/docs`, `src/pages/docs/api/_generated/process-templates.md` (routes and fields) and
//! `deployment-processes.md`: `…/resolved` has all usages resolved out to the steps that are executed, and
//! leaves out a usage that cannot be resolved. The slug of a step that comes of a usage is
//! `{slug of the usage}-{slug in the template}` (a public Terraform configuration that reads it there).
//! `src/pages/docs/platform-hub/templates/parameters.md`: parameters are applied during a deployment.
//! Where these are silent, what follows is a guess:
//!
//! - A step keeps its name; its id is that of the usage and that of the template's step.
//! - The parameter that chooses a step's pool stays a variable, since it is applied during a deployment.
//! - A step is limited to the environments, channels and tenant tags of its usage, and skipped with it.

use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    context::RequestContext,
    document::template,
    json::text_field,
    kind::PROCESS_TEMPLATES,
    request::HttpVerb,
    store::{self, StoredDocument},
};
use rusqlite::Connection;
use serde_json::{Value, json};

/// The branch on which all templates are.
const BRANCH: &str = "main";

/// `/api/platformhub/…`.
pub(crate) fn route_platform_hub(call: &RequestContext<'_>, path: &[&str]) -> HandlerResult {
    if call.verb() != HttpVerb::Get {
        return Err(ErrorResponse::method_not_allowed());
    }
    match path {
        ["processtemplates", slug, "versions"] => {
            let template = find_template(call.db, slug)?;
            Ok(SandboxResponse::from_document(&json!([template.parse_body()?])))
        }
        ["processtemplates", slug, "share"] => {
            find_template(call.db, slug)?;
            Ok(SandboxResponse::from_document(
                &json!({ "IndividuallySharedSpaceIds": [], "SharedToAllSpaces": true }),
            ))
        }
        ["processtemplates", slug, mask] => {
            let template = find_template(call.db, slug)?.parse_body()?;
            let version = text_field(&template, "Version");
            if !template::matches_mask(version, mask) {
                return Err(ErrorResponse::not_found());
            }
            Ok(SandboxResponse::from_document(&json!({
                "ProcessTemplate": strip_version(&template),
                "ProcessTemplateVersion": version,
            })))
        }
        [at, "processtemplates"] if is_default_branch(at) => {
            let all = store::list_documents(call.db, &PROCESS_TEMPLATES, "")?;
            let all: Vec<Value> = all
                .iter()
                .map(|document| document.parse_body().map(|it| strip_version(&it)))
                .collect::<serde_json::Result<_>>()?;
            Ok(SandboxResponse::from_document(&json!({
                "TotalResults": all.len(),
                "ItemsPerPage": PROCESS_TEMPLATES.take,
                "ProcessTemplates": all,
            })))
        }
        [at, "processtemplates", slug] if is_default_branch(at) => {
            Ok(SandboxResponse::from_document(&strip_version(
                &find_template(call.db, slug)?.parse_body()?,
            )))
        }
        _ => Err(ErrorResponse::not_found()),
    }
}

fn is_default_branch(at: &str) -> bool {
    at.strip_prefix("refs/heads/").unwrap_or(at) == BRANCH
}

fn find_template(db: &Connection, slug: &str) -> HandlerResult<StoredDocument> {
    store::find_by_slug(db, &PROCESS_TEMPLATES, "", slug)?.ok_or_else(ErrorResponse::not_found)
}

/// A template as a branch has it: what a version says of itself is not part of it.
fn strip_version(version: &Value) -> Value {
    let mut template = version.clone();
    if let Some(fields) = template.as_object_mut() {
        for name in ["Version", "IsPreRelease", "PublishedDate", "GitCommit"] {
            fields.remove(name);
        }
    }
    template
}
