//! Releases, which freeze a process and its variables. Versions of packages are kept as they are sent.

use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    context::RequestContext,
    document::links,
    json::{json_field, text_field},
    kind::{CHANNELS, PROCESSES, PROJECTS, RELEASES},
    permission,
    request::HttpVerb,
    resource::{
        deployments, find,
        snapshot::{self, FrozenVariables},
        versioned,
    },
    store::{self, StoredDocument},
    time::current_time,
};
use serde_json::{Value, json};

/// Routes that only releases have.
pub(crate) fn route_releases(call: &RequestContext<'_>, path: &[&str]) -> Option<HandlerResult> {
    Some(match (call.verb(), path) {
        (HttpVerb::Post, []) => call.request.body_object().and_then(|body| create(call, &body)),
        (HttpVerb::Post, ["create", "v1"]) => create_by_name(call),
        (HttpVerb::Put, [id]) => update(call, id),
        (HttpVerb::Get, [id, "deployments"]) => call
            .find_document(&RELEASES, id)
            .and_then(|release| deployments::list_for_release(call, &release)),
        (HttpVerb::Post, [id, "snapshot-variables"]) => snapshot_variables(call, id),
        _ => return None,
    })
}

/// `…/projects/{id}/releases` and `…/releases/{version}`.
pub(crate) fn project_releases(
    call: &RequestContext<'_>,
    project: &StoredDocument,
    path: &[&str],
) -> HandlerResult {
    match (call.verb(), path) {
        (HttpVerb::Get, []) => {
            let path = format!("projects/{}/releases", project.id);
            call.page_where(&RELEASES, "owner =", &project.id, &path)
        }
        (HttpVerb::Get, [version]) => {
            call.person.require_permission(RELEASES.view)?;
            let release = find::find_by_version(call, &project.id, version)?
                .ok_or_else(ErrorResponse::not_found)?;
            Ok(SandboxResponse::from_json(release.body))
        }
        _ => Err(ErrorResponse::not_found()),
    }
}

fn create(call: &RequestContext<'_>, body: &Value) -> HandlerResult {
    call.person.require_permission(permission::for_action("Create", RELEASES.edit))?;
    let project = call.require_reference(&PROJECTS, text_field(body, "ProjectId"))?;
    let version = text_field(body, "Version").trim();
    if version.is_empty() {
        return Err(ErrorResponse::bad_request("Please provide a version for this release."));
    }
    if find::find_by_version(call, &project.id, version)?.is_some() {
        return Err(ErrorResponse::bad_request(format!(
            "Release version '{version}' already exists for this project. Please use a different version."
        )));
    }
    let frozen = freeze_project(call, &project, body)?;
    let id = store::next_id(call.db, &RELEASES)?;
    let mut release = json!({
        "Id": id,
        "SpaceId": call.space,
        "ProjectId": project.id,
        "ChannelId": resolve_channel(call, &project.id, text_field(body, "ChannelId"))?,
        "Version": version,
        "ReleaseNotes": json_field(body, "ReleaseNotes"),
        "Assembled": current_time(),
        "IgnoreChannelRules": json_field(body, "IgnoreChannelRules").as_bool().unwrap_or_default(),
        "BuildInformation": [],
        "SelectedPackages": list_or_empty(body, "SelectedPackages"),
        "SelectedGitResources": list_or_empty(body, "SelectedGitResources"),
        "CustomFields": json_field(body, "CustomFields"),
        "ProjectDeploymentProcessSnapshotId": frozen.process,
        "ProjectVariableSetSnapshotId": frozen.variables.set,
        "LibraryVariableSetSnapshotIds": frozen.variables.libraries,
        "VersionControlReference": frozen.reference,
    });
    release["Links"] = links::document_links(&RELEASES, &call.space, &id, &release);
    store::save_document(call.db, &StoredDocument::with_id_rank(&RELEASES, &release))?;
    Ok(SandboxResponse::created(&release))
}

/// What a release freezes.
struct FrozenProject {
    /// The id of the process's snapshot.
    process: String,
    variables: FrozenVariables,
    /// The commit, for a version-controlled project.
    reference: Value,
}

fn freeze_project(
    call: &RequestContext<'_>,
    project: &StoredDocument,
    body: &Value,
) -> HandlerResult<FrozenProject> {
    let mut variables = snapshot::freeze_variables(call, project)?;
    let asked = json_field(body, "VersionControlReference");
    let Some(commit) = versioned::freeze_commit(call, project, asked)? else {
        let process = PROCESSES.id_for(&project.id);
        let process = snapshot::take_snapshot(call, &PROCESSES, &process)?;
        return Ok(FrozenProject { process, variables, reference: Value::Null });
    };
    let process = snapshot::save_frozen_copy(call, &commit.process)?;
    if let Some(committed) = &commit.variables {
        variables.set = snapshot::save_frozen_copy(call, committed)?;
    }
    Ok(FrozenProject { process, variables, reference: commit.reference })
}

fn list_or_empty(body: &Value, name: &str) -> Value {
    let items = json_field(body, name);
    if items.is_array() { items.clone() } else { json!([]) }
}

/// The channel of a release: the requested one, or the project's first, which its first release creates.
fn resolve_channel(call: &RequestContext<'_>, project: &str, asked: &str) -> HandlerResult<String> {
    let condition = "space = ?2 and owner = ?3";
    let channels = store::select_documents(
        call.db,
        &CHANNELS,
        condition,
        [CHANNELS.prefix, &call.space, project],
    )?;
    if asked.is_empty() {
        if let Some(first) = channels.first() {
            return Ok(first.id.clone());
        }
        let id = store::next_id(call.db, &CHANNELS)?;
        let mut channel = json!({
            "Id": id, "SpaceId": call.space, "ProjectId": project, "Name": "Default", "Slug": "default",
            "Description": null, "IsDefault": true, "LifecycleId": null, "Rules": [], "TenantTags": [],
        });
        channel["Links"] = links::document_links(&CHANNELS, &call.space, &id, &channel);
        store::save_document(call.db, &StoredDocument::new(&CHANNELS, &channel))?;
        return Ok(id);
    }
    let is_requested = |document: &&StoredDocument| {
        document.id.eq_ignore_ascii_case(asked) || document.name.eq_ignore_ascii_case(asked)
    };
    let unknown_channel = || ErrorResponse::unknown_reference("channel", asked);
    Ok(channels.iter().find(is_requested).ok_or_else(unknown_channel)?.id.clone())
}

/// The request of command-line tools: everything by name.
fn create_by_name(call: &RequestContext<'_>) -> HandlerResult {
    let body = call.request.body_object()?;
    let named = [text_field(&body, "ProjectName"), text_field(&body, "ProjectId")];
    let named = named.into_iter().find(|it| !it.is_empty()).unwrap_or_default();
    let project = find::find_project_by_name(call, named)?;
    let version = match text_field(&body, "ReleaseVersion") {
        "" => find::next_version(call, &project.id)?,
        version => version.to_owned(),
    };
    let existing = find::find_by_version(call, &project.id, &version)?;
    let release = match existing.filter(|_| json_field(&body, "IgnoreIfAlreadyExists") == true) {
        Some(release) => release.id,
        None => {
            let asked = json!({
                "ProjectId": project.id,
                "Version": version,
                "ChannelId": text_field(&body, "ChannelName"),
                "ReleaseNotes": json_field(&body, "ReleaseNotes"),
                "CustomFields": json_field(&body, "CustomFields"),
                "VersionControlReference": {
                    "GitRef": json_field(&body, "GitRef"), "GitCommit": json_field(&body, "GitCommit"),
                },
            });
            create(call, &asked)?;
            find::find_by_version(call, &project.id, &version)?
                .ok_or_else(ErrorResponse::not_found)?
                .id
        }
    };
    Ok(SandboxResponse::created(&json!({ "ReleaseId": release, "ReleaseVersion": version })))
}

fn update(call: &RequestContext<'_>, id: &str) -> HandlerResult {
    call.person.require_permission(RELEASES.edit)?;
    let mut release = call.find_document(&RELEASES, id)?.parse_body()?;
    let body = call.request.body_object()?;
    for name in
        ["Version", "ReleaseNotes", "SelectedPackages", "SelectedGitResources", "CustomFields"]
    {
        if !json_field(&body, name).is_null() {
            release[name] = json_field(&body, name).clone();
        }
    }
    store::save_document(call.db, &StoredDocument::with_id_rank(&RELEASES, &release))?;
    Ok(SandboxResponse::from_document(&release))
}

/// Replaces the frozen variables of a release by the current ones.
fn snapshot_variables(call: &RequestContext<'_>, id: &str) -> HandlerResult {
    call.person.require_permission(RELEASES.edit)?;
    let mut release = call.find_document(&RELEASES, id)?.parse_body()?;
    let project = call.find_document(&PROJECTS, text_field(&release, "ProjectId"))?;
    let FrozenVariables { set, libraries } = snapshot::freeze_variables(call, &project)?;
    release["ProjectVariableSetSnapshotId"] = json!(set);
    release["LibraryVariableSetSnapshotIds"] = json!(libraries);
    store::save_document(call.db, &StoredDocument::with_id_rank(&RELEASES, &release))?;
    Ok(SandboxResponse::from_document(&release))
}
