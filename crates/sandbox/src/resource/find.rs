//! Documents found by what clients call them: id, slug, name or version.

use crate::{
    answer::{ErrorResponse, HandlerResult},
    context::RequestContext,
    json::text_field,
    kind::{ENVIRONMENTS, PROJECTS, RELEASES, SNAPSHOTS},
    store::{self, StoredDocument},
};

pub(crate) fn find_snapshot_id(
    call: &RequestContext<'_>,
    runbook: &StoredDocument,
    named: &str,
) -> HandlerResult<String> {
    let condition = "owner = ?2 and (name = ?3 or id = ?3)";
    let values = [SNAPSHOTS.prefix, &runbook.id, named];
    let found = store::select_documents(call.db, &SNAPSHOTS, condition, values)?;
    Ok(found.into_iter().next().map_or_else(|| named.to_owned(), |it| it.id))
}

/// The release of a project and a version.
pub(crate) fn find_by_version(
    call: &RequestContext<'_>,
    project: &str,
    version: &str,
) -> HandlerResult<Option<StoredDocument>> {
    let condition =
        "space = ?2 and owner = ?3 and json_extract(body, '$.Version') = ?4 collate nocase";
    let values = [RELEASES.prefix, &call.space, project, version];
    Ok(store::select_documents(call.db, &RELEASES, condition, values)?.into_iter().next())
}

/// A project by its id, slug or name.
pub(crate) fn find_project_by_name(
    call: &RequestContext<'_>,
    named: &str,
) -> HandlerResult<StoredDocument> {
    let condition = "space = ?2 and name = ?3";
    let of_name = store::select_documents(
        call.db,
        &PROJECTS,
        condition,
        [PROJECTS.prefix, &call.space, named],
    )?;
    match of_name.into_iter().next() {
        Some(project) => Ok(project),
        None => find_project(call, named),
    }
}

/// One more than the last part of the newest release's version.
pub(crate) fn next_version(call: &RequestContext<'_>, project: &str) -> HandlerResult<String> {
    let condition = "space = ?2 and owner = ?3";
    let releases = store::select_documents(
        call.db,
        &RELEASES,
        condition,
        [RELEASES.prefix, &call.space, project],
    )?;
    let Some(newest) = releases.first() else { return Ok("0.0.1".to_owned()) };
    let newest = newest.parse_body()?;
    let (start, last) = text_field(&newest, "Version").rsplit_once('.').unwrap_or(("0.0", ""));
    let last: u64 = last.parse().unwrap_or_default();
    Ok(format!("{start}.{}", last + 1))
}

/// The project of this id or slug, or 404.
pub(crate) fn find_project(call: &RequestContext<'_>, id: &str) -> HandlerResult<StoredDocument> {
    call.person.require_permission(PROJECTS.view)?;
    let by_id = store::find_document(call.db, &PROJECTS, &call.space, id)?;
    let project = match by_id {
        Some(project) => Some(project),
        None => store::find_by_slug(call.db, &PROJECTS, &call.space, id)?,
    };
    project.ok_or_else(ErrorResponse::not_found)
}

/// An environment by its id or its name.
pub(crate) fn find_environment(
    call: &RequestContext<'_>,
    named: &str,
) -> HandlerResult<StoredDocument> {
    let condition = "space = ?2 and (id = ?3 or name = ?3)";
    let values = [ENVIRONMENTS.prefix, &call.space, named];
    let found = store::select_documents(call.db, &ENVIRONMENTS, condition, values)?;
    let unknown_environment = || ErrorResponse::unknown_reference(ENVIRONMENTS.noun, named);
    found.into_iter().next().ok_or_else(unknown_environment)
}
