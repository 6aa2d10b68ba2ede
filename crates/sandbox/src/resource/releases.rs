//! Releases, which freeze a process and its variables. Versions of packages are kept as they are sent.

use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    context::RequestContext,
    document::links,
    json::{array_items, json_field, text_field},
    kind::{PROCESSES, PROJECTS, RELEASES},
    permission,
    request::HttpVerb,
    resource::{
        channels, defects, deployments, find, progression,
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
        (HttpVerb::Get, [id, "progression"]) => call
            .find_document(&RELEASES, id)
            .and_then(|release| progression::release_progression(call, &release)),
        (_, [id, "defects", rest @ ..]) => defects::route_defects(call, id, rest),
        (HttpVerb::Get, [id, "missingpackages"]) => call
            .find_document(&RELEASES, id)
            .map(|_| SandboxResponse::from_document(&json!({ "Packages": [] }))),
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
            let mut filter = call.list_filter(&RELEASES);
            filter.add_condition("owner =", &project.id);
            if let Some(version) = call.request.parameter("searchbyversion") {
                filter.add_condition("instr(json_extract(body, '$.Version'), ?) > 0", version);
            }
            let path = format!("projects/{}/releases", project.id);
            filter.page_answer(call.db, &call.space_path(&path))
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
    check_version(version)?;
    if find::find_by_version(call, &project.id, version)?.is_some() {
        return Err(taken_version(version));
    }
    let frozen = freeze_project(call, &project, body)?;
    check_packages(call, &frozen.process, body)?;
    let id = store::next_id(call.db, &RELEASES)?;
    let mut release = json!({
        "Id": id,
        "SpaceId": call.space,
        "ProjectId": project.id,
        "ChannelId": channels::resolve_channel(call, &project.id, text_field(body, "ChannelId"))?,
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

fn taken_version(version: &str) -> ErrorResponse {
    ErrorResponse::bad_request(format!(
        "Release version '{version}' already exists for this project. Please use a different version."
    ))
}

/// Refuses a version that Octopus cannot order.
fn check_version(version: &str) -> HandlerResult<()> {
    if is_version(version) {
        return Ok(());
    }
    Err(ErrorResponse::bad_request(format!("'{version}' is not a valid version number.")))
}

/// Whether a text is a version: one to four numbers, then a label and metadata of letters, digits and a few marks.
///
/// # Source
///
/// `OctopusDeploy/Versioning`, `source/Octopus.Versioning/Octopus/OctopusVersionParser.cs`.
fn is_version(text: &str) -> bool {
    let is_label =
        |part: &str| part.bytes().all(|it| it.is_ascii_alphanumeric() || b".-_".contains(&it));
    let (text, metadata) = text.split_once('+').unwrap_or((text, ""));
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let numbers = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (numbers, label) = text.split_at(numbers);
    let has_separator = label.is_empty() || label.starts_with(['-', '_']) || numbers.ends_with('.');
    let parts: Vec<&str> = numbers.trim_end_matches('.').split('.').collect();
    let are_numbers = parts.len() <= 4 && parts.iter().all(|part| part.parse::<u32>().is_ok());
    are_numbers && has_separator && is_label(label) && is_label(metadata)
}

/// Refuses a package of an action that the process does not have, or without a version.
fn check_packages(call: &RequestContext<'_>, process: &str, body: &Value) -> HandlerResult<()> {
    let selected = array_items(body, "SelectedPackages");
    if selected.is_empty() {
        return Ok(());
    }
    let process = call.find_document(&PROCESSES, process)?.parse_body()?;
    let actions: Vec<&Value> = array_items(&process, "Steps")
        .iter()
        .flat_map(|step| array_items(step, "Actions"))
        .collect();
    for package in selected {
        let [step, reference, version] =
            ["ActionName", "PackageReferenceName", "Version"].map(|name| text_field(package, name));
        let is_named = |action: &&&Value| text_field(action, "Name").eq_ignore_ascii_case(step);
        let has_reference = |action: &&Value| {
            array_items(action, "Packages")
                .iter()
                .any(|it| text_field(it, "Name").eq_ignore_ascii_case(reference))
        };
        if !actions.iter().find(is_named).is_some_and(has_reference) {
            return Err(ErrorResponse::bad_request(format!(
                "The step '{step}' has no package reference '{reference}'."
            )));
        }
        if !is_version(version.trim()) {
            return Err(ErrorResponse::bad_request(format!(
                "'{version}' is not a valid version of the package of the step '{step}'."
            )));
        }
    }
    Ok(())
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
    let body = call.body_of(text_field(&release, "Id"))?;
    let version = text_field(&body, "Version").trim();
    if !version.is_empty() && version != text_field(&release, "Version") {
        check_version(version)?;
        let project = text_field(&release, "ProjectId");
        if find::find_by_version(call, project, version)?.is_some() {
            return Err(taken_version(version));
        }
    }
    check_packages(call, text_field(&release, "ProjectDeploymentProcessSnapshotId"), &body)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_has_up_to_four_numbers_and_a_label() {
        for version in ["1", "1.2.3", "v2026.4.1.7", "1.0.0-beta.1", "1.0-rc_2+build.7", "0.0.1"] {
            assert!(is_version(version), "{version}");
        }
        for version in
            ["", "latest", "1.2.3.4.5", "1..2", "1.0 beta", "1.0-bé", "1beta", "-1", "1/2"]
        {
            assert!(!is_version(version), "{version}");
        }
    }
}
