//! What a document leads to by its links, where that takes more than a list of documents: the projects of a
//! lifecycle, the packages of a feed, where a library set is used, a certificate's archive.

use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    context::RequestContext,
    json::text_field,
    kind::{CERTIFICATES, DocumentKind, FEEDS, LIBRARY, PACKAGES, PROJECTS},
    page,
    request::HttpVerb,
    resource::{progression, sort_order},
    store::{self, StoredDocument},
    time::current_time,
};
use rusqlite::params;
use serde_json::{Value, json};

/// Routes below a document, and the order of environments and tag sets.
pub(crate) fn route_related(
    call: &RequestContext<'_>,
    kind: &'static DocumentKind,
    path: &[&str],
) -> Option<HandlerResult> {
    let found = |id: &str| {
        call.person.require_permission(kind.view)?;
        call.find_document(kind, id)
    };
    Some(match (call.verb(), kind.path, path) {
        (HttpVerb::Put, "environments" | "tagsets", ["sortorder"]) => {
            sort_order::set_sort_order(call, kind)
        }
        (HttpVerb::Get, "lifecycles", [id, "projects"]) => {
            found(id).and_then(|lifecycle| lifecycle_projects(call, &lifecycle))
        }
        (HttpVerb::Get, "lifecycles", [id, "preview"]) => {
            found(id).and_then(|lifecycle| lifecycle_preview(call, &lifecycle))
        }
        (HttpVerb::Get, "feeds", [id, "packages", list @ ("search" | "versions")]) => {
            found(id).map(|feed| feed_packages(call, &feed, list))
        }
        (HttpVerb::Get, "libraryvariablesets", [id, "usages"]) => {
            found(id).and_then(|set| library_usages(call, &set))
        }
        (HttpVerb::Get, "environments", [id, "singlyscopedvariabledetails"]) => {
            found(id).map(|_| {
                SandboxResponse::from_document(&json!({
                    "HasUnauthorizedLibraryVariableSetVariables": false,
                    "HasUnauthorizedProjectVariables": false,
                    "VariableMap": {},
                }))
            })
        }
        (HttpVerb::Get, "certificates", [id, "usages"])
        | (HttpVerb::Get, "git-credentials", [id, "usage"]) => {
            found(id).and_then(|document| no_usages(call, &document))
        }
        (HttpVerb::Post, "certificates", [id, act @ ("archive" | "unarchive" | "replace")]) => {
            change_certificate(call, id, act)
        }
        _ => return None,
    })
}

/// The projects of a lifecycle, as a bare array.
fn lifecycle_projects(call: &RequestContext<'_>, lifecycle: &StoredDocument) -> HandlerResult {
    let mut filter = call.list_filter(&PROJECTS);
    filter.add_condition("json_extract(body, '$.LifecycleId') =", &lifecycle.id);
    Ok(filter.array_answer())
}

/// A lifecycle with the phases that it leaves to the server.
fn lifecycle_preview(call: &RequestContext<'_>, lifecycle: &StoredDocument) -> HandlerResult {
    let mut preview = lifecycle.parse_body()?;
    preview["Phases"] = json!(progression::lifecycle_phases(call, &lifecycle.id)?);
    Ok(SandboxResponse::from_document(&preview))
}

/// The packages of a feed: none, since none is stored and no other server is asked.
fn feed_packages(call: &RequestContext<'_>, feed: &StoredDocument, list: &str) -> SandboxResponse {
    let path = call.space_path(&format!("{}/{}/packages/{list}", FEEDS.path, feed.id));
    page::paginate_values(call.request, &PACKAGES, &path, Vec::new())
}

/// The projects that include a library set.
fn library_usages(call: &RequestContext<'_>, set: &StoredDocument) -> HandlerResult {
    let condition = "space = ?2 and exists
        (select 1 from json_each(body, '$.IncludedLibraryVariableSetIds') it
            where it.value = ?3 collate nocase)";
    let values = params![PROJECTS.prefix, call.space, set.id];
    let projects = store::select_documents(call.db, &PROJECTS, condition, values)?;
    let usage = |project: &StoredDocument| {
        json!({
            "ProjectId": project.id,
            "ProjectName": project.name,
            "ProjectSlug": project.slug,
            "IsCurrentlyBeingUsedInProject": true,
            "Releases": [],
            "RunbookSnapshots": [],
        })
    };
    Ok(SandboxResponse::from_document(&json!({
        "Id": null,
        "Projects": projects.iter().map(usage).collect::<Vec<_>>(),
        "CountOfProjectsUserCannotSee": 0,
        "CountOfReleasesUserCannotSee": 0,
        "CountOfRunbookSnapshotsUserCannotSee": 0,
        "Links": { "Self": call.space_path(&format!("{}/{}/usages", LIBRARY.path, set.id)) },
    })))
}

/// Usages that the sandbox does not look for.
fn no_usages(call: &RequestContext<'_>, document: &StoredDocument) -> HandlerResult {
    let (fields, below) = if document.kind.path == CERTIFICATES.path {
        (["DeploymentTargetUsages", "LibraryVariableSetUsages", "ProjectUsages"], "usages")
    } else {
        (["Projects", "OtherProjects", "Releases"], "usage")
    };
    let mut usages = json!({
        "Id": null,
        "Links": {
            "Self": call.space_path(&format!("{}/{}/{below}", document.kind.path, document.id)),
        },
    });
    for field in fields {
        usages[field] = json!([]);
    }
    Ok(SandboxResponse::from_document(&usages))
}

/// Archives a certificate, brings it back, or replaces its data.
fn change_certificate(call: &RequestContext<'_>, id: &str, act: &str) -> HandlerResult {
    call.person.require_permission(CERTIFICATES.edit)?;
    let mut certificate = call.find_document(&CERTIFICATES, id)?.parse_body()?;
    match act {
        "archive" => certificate["Archived"] = json!(current_time()),
        "unarchive" => certificate["Archived"] = Value::Null,
        _ => {
            let data = text_field(&call.request.body_object()?, "CertificateData").to_owned();
            if data.is_empty() {
                return Err(ErrorResponse::bad_request("Please provide the certificate's data."));
            }
        }
    }
    store::save_document(call.db, &StoredDocument::new(&CERTIFICATES, &certificate))?;
    Ok(SandboxResponse::from_document(&certificate))
}
