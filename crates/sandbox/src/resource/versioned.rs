//! Version-controlled projects: branches, and the processes, runbooks and variables of a ref.
//!
//! A read takes a document from the commit that a ref points at; a write makes the next commit of a branch.
//! Pools are ids on the wire, so there is no OCL here.
//!
//! # Source
//!
//! `api.md` 2.10; where that is silent, its section 7.

mod at_ref;
mod conversion;
mod frozen;
mod refs;
mod runbooks;

pub(crate) use frozen::freeze_commit;

use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    context::RequestContext,
    git::{GitRef, GitRepository, GitSettings, StoredCommit},
    request::HttpVerb,
    resource::{deployment_settings, versioned::at_ref::ProjectAtRef},
    store::StoredDocument,
    url,
};

/// `…/projects/{id}/git/…` and `…/projects/{id}/{ref}/…`.
pub(crate) fn route_git(
    call: &RequestContext<'_>,
    project: &StoredDocument,
    path: &[&str],
) -> Option<HandlerResult> {
    let value = match project.parse_body() {
        Ok(value) => value,
        Err(error) => return Some(Err(error.into())),
    };
    if let (["git", "convert"], HttpVerb::Post) = (path, call.verb()) {
        return Some(conversion::convert_to_git(call, project, value));
    }
    let settings = GitSettings::from_project(&value)?;
    let repository = GitRepository { db: call.db, space: &call.space, project: &project.id };
    Some(match path {
        ["git", below @ ..] => settings
            .check_reachable()
            .and_then(|()| refs::route_refs(call, &repository, &settings, below)),
        ["deploymentprocesses", ..] => Err(missing_ref_error()),
        ["runbookprocesses" | "runbooks", ..] if settings.has_runbooks() => {
            Err(missing_ref_error())
        }
        // The names of a project's own lists are no refs; a branch of such a name has its whole name in a path.
        [first, ..] if RESERVED.contains(first) => return None,
        [_] if call.verb() == HttpVerb::Get => settings
            .check_reachable()
            .and_then(|()| found_ref(call, &repository, path))
            .map(|_| SandboxResponse::from_json(project.body.clone())),
        [_, "deploymentsettings"] => settings
            .check_reachable()
            .and_then(|()| found_ref(call, &repository, path))
            .and_then(|_| {
                let at = format!("/{}", url::percent_encode(at_ref::original_segment(call, path)));
                deployment_settings::route_settings(call, project, &at)
            }),
        [
            _,
            below @ ("deploymentprocesses" | "runbooks" | "runbookprocesses" | "variables"),
            ..,
        ] => {
            let commit =
                settings.check_reachable().and_then(|()| found_ref(call, &repository, path));
            commit.and_then(|at| {
                let project = ProjectAtRef { call, repository, settings, git_ref: at };
                match *below {
                    "deploymentprocesses" => project.deployment_process(&path[2..]),
                    "runbookprocesses" => project.runbook_process(&path[2..]),
                    "runbooks" => project.route_runbooks(&path[2..]),
                    _ => project.git_variables(&path[2..]),
                }
            })
        }
        _ => return None,
    })
}

/// What a project has below itself, apart from refs.
const RESERVED: [&str; 10] = [
    "channels",
    "deploymentsettings",
    "progression",
    "releases",
    "runbookprocesses",
    "runbooks",
    "runbooksnapshots",
    "summary",
    "triggers",
    "variables",
];

/// The ref that the first of these segments names, or 404.
fn found_ref(
    call: &RequestContext<'_>,
    repository: &GitRepository<'_>,
    path: &[&str],
) -> HandlerResult<(GitRef, StoredCommit)> {
    let name = at_ref::original_segment(call, path);
    repository.find_ref(name)?.ok_or_else(ErrorResponse::not_found)
}

fn missing_ref_error() -> ErrorResponse {
    ErrorResponse::bad_request(
        "This project is version controlled: a Git reference is needed in the path.",
    )
}
