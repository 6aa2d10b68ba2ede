//! The links of documents, from which clients build their paths.

use crate::{
    json::text_field,
    kind::{DocumentKind, KindName},
};
use serde_json::{Value, json};

/// The links of a document.
pub(crate) fn document_links(
    kind: &DocumentKind,
    space: &str,
    id: &str,
    document: &Value,
) -> Value {
    let here = format!("/api/{space}/{}/{id}", kind.link);
    let mut links = json!({ "Self": here });
    let mut add_link = |name: &str, link: String| links[name] = json!(link);
    match kind.name {
        KindName::Pools => {
            let filters = "skip,take,partialName,isDisabled,healthStatuses,commStyles,shellNames";
            add_link("Workers", format!("{here}/workers{{?{filters}}}"));
            add_link("Web", format!("/app#/{space}/infrastructure/workerpools/{id}"));
        }
        KindName::Workers => {
            add_link("Connection", format!("{here}/connection"));
            add_link("Web", format!("/app#/{space}/infrastructure/workers/{id}/settings"));
        }
        KindName::Policies => {
            add_link("Machines", format!("{here}/machines"));
            add_link("Workers", format!("{here}/workers"));
            add_link("Template", format!("/api/{space}/machinepolicies/template"));
        }
        KindName::Targets => {
            add_link("Connection", format!("{here}/connection"));
            add_link("TasksTemplate", format!("{here}/tasks{{?skip,type}}"));
        }
        KindName::Accounts => {
            add_link("Usages", format!("{here}/usages"));
            add_link("PublicKey", format!("{here}/pk"));
        }
        KindName::Groups => add_link("Projects", format!("{here}/projects")),
        KindName::Projects => add_project_links(&here, space, id, document, &mut add_link),
        KindName::Runbooks => {
            let process = text_field(document, "RunbookProcessId");
            add_link("RunbookProcesses", format!("/api/{space}/runbookProcesses/{process}"));
            add_link(
                "Project",
                format!("/api/{space}/projects/{}", text_field(document, "ProjectId")),
            );
        }
        KindName::Library => {
            add_link(
                "Variables",
                format!("/api/{space}/variables/{}", text_field(document, "VariableSetId")),
            );
        }
        KindName::Environments => {
            add_link("Machines", format!("{here}/machines{{?skip,take,partialName}}"))
        }
        KindName::Tasks => {
            for name in ["Details", "Raw", "Cancel", "State"] {
                add_link(name, format!("{here}/{}", name.to_lowercase()));
            }
            add_link("QueuedBehind", format!("{here}/queued-behind{{?skip,take}}"));
            add_link("Rerun", format!("/api/{space}/tasks/rerun/{id}"));
            add_link("Web", format!("/app#/{space}/tasks/{id}"));
        }
        _ => add_work_links(kind, document, space, &mut add_link),
    }
    links
}

/// The links of releases, runbook snapshots, deployments and runs.
fn add_work_links(
    kind: &DocumentKind,
    document: &Value,
    space: &str,
    add: &mut impl FnMut(&str, String),
) {
    let id = text_field(document, "Id");
    let here = format!("/api/{space}/{}/{id}", kind.link);
    let resource_path =
        |kind: &str, name: &str| format!("/api/{space}/{kind}/{}", text_field(document, name));
    let mut add_reference =
        |name: &str, kind: &str, field: &str| add(name, resource_path(kind, field));
    match kind.name {
        KindName::Releases | KindName::Deployments | KindName::Runs | KindName::Snapshots => {
            add_reference("Project", "projects", "ProjectId");
        }
        _ => return,
    }
    match kind.name {
        KindName::Releases => {
            let process = "ProjectDeploymentProcessSnapshotId";
            add_reference("ProjectDeploymentProcessSnapshot", "deploymentprocesses", process);
            add_reference("ProjectVariableSnapshot", "variables", "ProjectVariableSetSnapshotId");
            add("Deployments", format!("{here}/deployments{{?skip,take}}"));
            add("SnapshotVariables", format!("{here}/snapshot-variables"));
            add("Web", format!("/app#/{space}/releases/{id}"));
        }
        KindName::Snapshots => {
            add_reference("Runbook", "runbooks", "RunbookId");
            add_reference("FrozenRunbookProcess", "runbookProcesses", "FrozenRunbookProcessId");
        }
        name => {
            add_reference("Environment", "environments", "EnvironmentId");
            add_reference("Task", "tasks", "TaskId");
            if name == KindName::Deployments {
                add_reference("Release", "releases", "ReleaseId");
            } else {
                add_reference("Runbook", "runbooks", "RunbookId");
                add_reference("RunbookSnapshot", "runbookSnapshots", "RunbookSnapshotId");
            }
        }
    }
}

/// The links of a project. In Git, they are templates with a place for the ref.
fn add_project_links(
    here: &str,
    space: &str,
    id: &str,
    document: &Value,
    add: &mut dyn FnMut(&str, String),
) {
    let in_git = document["IsVersionControlled"] == true;
    let conversion = &document["PersistenceSettings"]["ConversionState"];
    let ref_segment = |in_git: bool| if in_git { "/{gitRef}" } else { "" };
    let runbooks = ref_segment(in_git && conversion["RunbooksAreInGit"] == true);
    add("DeploymentProcess", format!("{here}{}/deploymentprocesses", ref_segment(in_git)));
    add("Runbooks", format!("{here}{runbooks}/runbooks{{?skip,take,partialName}}"));
    if in_git && conversion["VariablesAreInGit"] == true {
        add("Variables", format!("{here}/{{gitRef}}/variables"));
    } else {
        add("Variables", format!("/api/{space}/variables/variableset-{id}"));
    }
    if in_git {
        let query = "skip,take,searchByName,refresh";
        add("Branches", format!("{here}/git/branches{{/name}}{{?{query}}}"));
        add("Tags", format!("{here}/git/tags{{/name}}{{?{query}}}"));
        add("Commits", format!("{here}/git/commits{{/hash}}{{?skip,take,refresh}}"));
    } else {
        add("ConvertToVcs", format!("{here}/git/convert"));
    }
    let group = text_field(document, "ProjectGroupId");
    add("ProjectGroup", format!("/api/{space}/projectgroups/{group}"));
    add("Channels", format!("{here}/channels{{/id}}{{?skip,take,partialName}}"));
    add("Web", format!("/app#/{space}/projects/{id}"));
}

/// The links of a deployment process of this project.
pub(crate) fn process_links(space: &str, project: &str) -> Value {
    let project = format!("/api/{space}/projects/{project}");
    json!({
        "Self": format!("{project}/deploymentprocesses"),
        "Project": project,
        "Template": format!("{project}/deploymentprocesses/template{{?channel,releaseId}}"),
        "Validation": format!("{project}/deploymentprocesses/validate"),
    })
}

/// The links of a runbook's process.
pub(crate) fn runbook_process_links(space: &str, id: &str, project: &str) -> Value {
    json!({
        "Self": format!("/api/{space}/runbookProcesses/{id}"),
        "Project": format!("/api/{space}/projects/{project}"),
        "RunbookSnapshotTemplate":
            format!("/api/{space}/runbookProcesses/{id}/runbookSnapshotTemplate{{?runbookSnapshotId}}"),
    })
}
