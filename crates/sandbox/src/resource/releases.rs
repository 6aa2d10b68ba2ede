//! Releases, which freeze a process and its variables.
//!
//! Never: a package; versions of packages are kept as they are sent.

use super::{
    RequestContext, deployments, field, links, list, now, projects, snapshot, text, versioned,
};
use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    kind::{CHANNELS, PROCESSES, PROJECTS, RELEASES},
    page::ListFilter,
    permission,
    request::HttpVerb,
    store::{self, StoredDocument},
};
use serde_json::{Value, json};

/// Answers what is special about releases.
pub(crate) fn route(call: &RequestContext<'_>, path: &[&str]) -> Option<HandlerResult> {
    Some(match (call.verb(), path) {
        (HttpVerb::Post, []) => call.request.document().and_then(|body| create(call, &body)),
        (HttpVerb::Post, ["create", "v1"]) => create_by_name(call),
        (HttpVerb::Put, [id]) => update(call, id),
        (HttpVerb::Get, [id, "deployments"]) => {
            call.find(&RELEASES, id).and_then(|release| deployments::of_release(call, &release))
        }
        (HttpVerb::Post, [id, "snapshot-variables"]) => snapshot_variables(call, id),
        _ => return None,
    })
}

/// `…/projects/{id}/releases` and `…/releases/{version}`.
pub(crate) fn of_project(
    call: &RequestContext<'_>,
    project: &StoredDocument,
    path: &[&str],
) -> HandlerResult {
    match (call.verb(), path) {
        (HttpVerb::Get, []) => {
            let mut filter = ListFilter::new(&RELEASES, &call.space, call.request);
            filter.and("owner =", &project.id);
            if !call.person.may(RELEASES.view) {
                filter.and("id =", "");
            }
            filter.page(call.db, &call.at(&format!("projects/{}/releases", project.id)))
        }
        (HttpVerb::Get, [version]) => {
            call.person.needs(RELEASES.view)?;
            let release =
                of_version(call, &project.id, version)?.ok_or_else(ErrorResponse::missing)?;
            Ok(SandboxResponse::text(release.body))
        }
        _ => Err(ErrorResponse::missing()),
    }
}

/// The release of a project and a version.
pub(super) fn of_version(
    call: &RequestContext<'_>,
    project: &str,
    version: &str,
) -> HandlerResult<Option<StoredDocument>> {
    let condition =
        "space = ?2 and owner = ?3 and json_extract(body, '$.Version') = ?4 collate nocase";
    let values = [RELEASES.prefix, &call.space, project, version];
    Ok(store::select(call.db, &RELEASES, condition, values)?.into_iter().next())
}

fn create(call: &RequestContext<'_>, body: &Value) -> HandlerResult {
    call.person.needs(permission::to("Create", RELEASES.edit))?;
    let project = text(body, "ProjectId");
    let Some(project) = store::find(call.db, &PROJECTS, &call.space, project)? else {
        return Err(ErrorResponse::rule(format!("The project '{project}' does not exist.")));
    };
    let version = text(body, "Version").trim();
    if version.is_empty() {
        return Err(ErrorResponse::rule("Please provide a version for this release."));
    }
    if of_version(call, &project.id, version)?.is_some() {
        return Err(ErrorResponse::rule(format!(
            "Release version '{version}' already exists for this project. Please use a different version."
        )));
    }
    let FrozenIds { process, set, libraries, reference } = freeze(call, &project, body)?;
    let id = store::next_id(call.db, &RELEASES)?;
    let mut release = json!({
        "Id": id,
        "SpaceId": call.space,
        "ProjectId": project.id,
        "ChannelId": channel(call, &project.id, text(body, "ChannelId"))?,
        "Version": version,
        "ReleaseNotes": field(body, "ReleaseNotes"),
        "Assembled": now(),
        "IgnoreChannelRules": field(body, "IgnoreChannelRules").as_bool().unwrap_or_default(),
        "BuildInformation": [],
        "SelectedPackages": items(body, "SelectedPackages"),
        "SelectedGitResources": items(body, "SelectedGitResources"),
        "CustomFields": field(body, "CustomFields"),
        "ProjectDeploymentProcessSnapshotId": process,
        "ProjectVariableSetSnapshotId": set,
        "LibraryVariableSetSnapshotIds": libraries,
        "VersionControlReference": reference,
    });
    release["Links"] = links::of(&RELEASES, &call.space, &id, &release);
    store::save(call.db, &StoredDocument::numbered(&RELEASES, &release))?;
    Ok(SandboxResponse::created(&release))
}

/// The ids of what a release freezes.
struct FrozenIds {
    process: String,
    set: String,
    libraries: Vec<String>,
    /// Which commit, of a version-controlled project.
    reference: Value,
}

fn freeze(
    call: &RequestContext<'_>,
    project: &StoredDocument,
    body: &Value,
) -> HandlerResult<FrozenIds> {
    let libraries = list(&project.value()?, "IncludedLibraryVariableSetIds");
    let (set, libraries) = snapshot::variables(call, &project.id, &libraries)?;
    let asked = field(body, "VersionControlReference");
    let Some(commit) = versioned::frozen_at(call, project, asked)? else {
        let process = format!("{}-{}", PROCESSES.prefix, project.id);
        let process = snapshot::of(call, &PROCESSES, &process)?;
        return Ok(FrozenIds { process, set, libraries, reference: Value::Null });
    };
    let process = snapshot::freeze(call, &commit.process)?;
    let set = match &commit.variables {
        Some(variables) => snapshot::freeze(call, variables)?,
        None => set,
    };
    Ok(FrozenIds { process, set, libraries, reference: commit.reference })
}

fn items(body: &Value, name: &str) -> Value {
    let items = field(body, name);
    if items.is_array() { items.clone() } else { json!([]) }
}

/// The channel of a release: the one asked for, else the project's first, which comes with its first release.
fn channel(call: &RequestContext<'_>, project: &str, asked: &str) -> HandlerResult<String> {
    let condition = "space = ?2 and owner = ?3";
    let channels =
        store::select(call.db, &CHANNELS, condition, [CHANNELS.prefix, &call.space, project])?;
    if asked.is_empty() {
        if let Some(first) = channels.first() {
            return Ok(first.id.clone());
        }
        let id = store::next_id(call.db, &CHANNELS)?;
        let mut channel = json!({
            "Id": id, "SpaceId": call.space, "ProjectId": project, "Name": "Default", "Slug": "default",
            "Description": null, "IsDefault": true, "LifecycleId": null, "Rules": [], "TenantTags": [],
        });
        channel["Links"] = links::of(&CHANNELS, &call.space, &id, &channel);
        store::save(call.db, &StoredDocument::new(&CHANNELS, &channel))?;
        return Ok(id);
    }
    let named = |it: &&StoredDocument| {
        it.id.eq_ignore_ascii_case(asked) || it.name.eq_ignore_ascii_case(asked)
    };
    let unknown = || ErrorResponse::rule(format!("The channel '{asked}' does not exist."));
    Ok(channels.iter().find(named).ok_or_else(unknown)?.id.clone())
}

/// What the command-line tools send: everything by name.
fn create_by_name(call: &RequestContext<'_>) -> HandlerResult {
    let body = call.request.document()?;
    let named = [text(&body, "ProjectName"), text(&body, "ProjectId")];
    let named = named.into_iter().find(|it| !it.is_empty()).unwrap_or_default();
    let project = by_name(call, named)?;
    let version = match text(&body, "ReleaseVersion") {
        "" => next_version(call, &project.id)?,
        version => version.to_owned(),
    };
    let there = of_version(call, &project.id, &version)?;
    let release = match there.filter(|_| field(&body, "IgnoreIfAlreadyExists") == true) {
        Some(release) => release.id,
        None => {
            let asked = json!({
                "ProjectId": project.id,
                "Version": version,
                "ChannelId": text(&body, "ChannelName"),
                "ReleaseNotes": field(&body, "ReleaseNotes"),
                "CustomFields": field(&body, "CustomFields"),
                "VersionControlReference": {
                    "GitRef": field(&body, "GitRef"), "GitCommit": field(&body, "GitCommit"),
                },
            });
            create(call, &asked)?;
            of_version(call, &project.id, &version)?.ok_or_else(ErrorResponse::missing)?.id
        }
    };
    Ok(SandboxResponse::created(&json!({ "ReleaseId": release, "ReleaseVersion": version })))
}

/// A project by its id, slug or name.
pub(super) fn by_name(call: &RequestContext<'_>, named: &str) -> HandlerResult<StoredDocument> {
    let condition = "space = ?2 and name = ?3";
    let of_name =
        store::select(call.db, &PROJECTS, condition, [PROJECTS.prefix, &call.space, named])?;
    match of_name.into_iter().next() {
        Some(project) => Ok(project),
        None => projects::find(call, named),
    }
}

/// One more than the last part of the newest release's version.
pub(super) fn next_version(call: &RequestContext<'_>, project: &str) -> HandlerResult<String> {
    let condition = "space = ?2 and owner = ?3";
    let releases =
        store::select(call.db, &RELEASES, condition, [RELEASES.prefix, &call.space, project])?;
    let Some(newest) = releases.first() else { return Ok("0.0.1".to_owned()) };
    let newest = newest.value()?;
    let (start, last) = text(&newest, "Version").rsplit_once('.').unwrap_or(("0.0", ""));
    let last: u64 = last.parse().unwrap_or_default();
    Ok(format!("{start}.{}", last + 1))
}

fn update(call: &RequestContext<'_>, id: &str) -> HandlerResult {
    call.person.needs(RELEASES.edit)?;
    let mut release = call.find(&RELEASES, id)?.value()?;
    let body = call.request.document()?;
    for name in
        ["Version", "ReleaseNotes", "SelectedPackages", "SelectedGitResources", "CustomFields"]
    {
        if !field(&body, name).is_null() {
            release[name] = field(&body, name).clone();
        }
    }
    store::save(call.db, &StoredDocument::numbered(&RELEASES, &release))?;
    Ok(SandboxResponse::of(&release))
}

/// Freezes the variables of today in place of those that the release was made with.
fn snapshot_variables(call: &RequestContext<'_>, id: &str) -> HandlerResult {
    call.person.needs(RELEASES.edit)?;
    let mut release = call.find(&RELEASES, id)?.value()?;
    let project = call.find(&PROJECTS, text(&release, "ProjectId"))?;
    let libraries = list(&project.value()?, "IncludedLibraryVariableSetIds");
    let (set, libraries) = snapshot::variables(call, &project.id, &libraries)?;
    release["ProjectVariableSetSnapshotId"] = json!(set);
    release["LibraryVariableSetSnapshotIds"] = json!(libraries);
    store::save(call.db, &StoredDocument::numbered(&RELEASES, &release))?;
    Ok(SandboxResponse::of(&release))
}
