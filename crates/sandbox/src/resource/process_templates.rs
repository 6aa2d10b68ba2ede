//! Process templates of the Platform Hub.
//!
//! They are read-only and come from seeds. A template belongs to the instance, and is shared with all spaces.
//!
//! # Source
//!
//! `OctopusDeploy/docs`, `src/pages/docs/api/_generated/process-templates.md` (routes and fields).

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

/// The branch of all templates.
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

/// A template as it is on a branch, without the fields of a version.
fn strip_version(version: &Value) -> Value {
    let mut template = version.clone();
    if let Some(fields) = template.as_object_mut() {
        for name in ["Version", "IsPreRelease", "PublishedDate", "GitCommit"] {
            fields.remove(name);
        }
    }
    template
}
