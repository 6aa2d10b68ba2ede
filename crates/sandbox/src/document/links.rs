//! The links of documents, from which clients build their paths.
//!
//! A table lists them by kind. Clients navigate by names that they do not check: where one is missing, a list is
//! empty, or a deletion deletes nothing.
//!
//! # Source
//!
//! The names are those of `OctopusDeploy/message-contracts.ts`, `src/*ResourceLinks.ts` and `src/*Resource.ts`, and
//! those that the repositories of `OctopusDeploy/OctopusClients` and the services of `OctopusDeploy/go-octopusdeploy`
//! follow. `tests/it/sandbox_links.rs` names the source of each. A link to something that the sandbox does not serve
//! is left out.

use crate::{
    json::text_field,
    kind::{DocumentKind, KindName},
};
use serde_json::{Map, Value, json};

/// The name of a link, and its template. In that, `<self>` stands for the path of the document, `<space>` for the
/// path of its space, `<web>` for the space in the portal, and the name of a field for its text. Without that text
/// there is no link.
type LinkTemplate = (&'static str, &'static str);

const ENVIRONMENT: LinkTemplate = ("Environment", "<space>/environments/<EnvironmentId>");

const PROJECT: LinkTemplate = ("Project", "<space>/projects/<ProjectId>");

const TASK: LinkTemplate = ("Task", "<space>/tasks/<TaskId>");

const ARTIFACTS: LinkTemplate = ("Artifacts", "<space>/artifacts?regarding=<Id>");

const INTERRUPTIONS: LinkTemplate =
    ("Interruptions", "<space>/interruptions?regarding=<Id>&pendingOnly=false");

const MANIFEST: LinkTemplate = ("Variables", "<space>/variables/<ManifestVariableSetId>");

/// The links of a kind, apart from `Self`.
fn link_table(kind: KindName) -> &'static [LinkTemplate] {
    match kind {
        KindName::Pools => POOL_LINKS,
        KindName::Workers => WORKER_LINKS,
        KindName::Policies => POLICY_LINKS,
        KindName::Targets => TARGET_LINKS,
        KindName::Accounts => &[("Usages", "<self>/usages")],
        KindName::Groups => &[("Projects", "<self>/projects")],
        KindName::Projects => PROJECT_LINKS,
        KindName::Lifecycles => &[("Projects", "<self>/projects"), ("Preview", "<self>/preview")],
        KindName::Runbooks => RUNBOOK_LINKS,
        KindName::Library => {
            &[("Variables", "<space>/variables/<VariableSetId>"), ("Usages", "<self>/usages")]
        }
        KindName::Environments => ENVIRONMENT_LINKS,
        KindName::Feeds => FEED_LINKS,
        KindName::Channels => {
            &[PROJECT, ("Releases", "<self>/releases{?skip,take,searchByVersion}")]
        }
        KindName::Tenants => &[("Variables", "<self>/variables"), ("Web", "<web>/tenants/<Id>")],
        KindName::Certificates => CERTIFICATE_LINKS,
        KindName::GitCredentials => &[("Usage", "<self>/usage")],
        KindName::Triggers => &[PROJECT],
        KindName::Tasks => TASK_LINKS,
        KindName::Releases => RELEASE_LINKS,
        KindName::Snapshots => SNAPSHOT_LINKS,
        KindName::Deployments => DEPLOYMENT_LINKS,
        KindName::Runs => RUN_LINKS,
        _ => &[],
    }
}

const POOL_LINKS: &[LinkTemplate] = &[
    (
        "Workers",
        "<self>/workers{?skip,take,partialName,isDisabled,healthStatuses,commStyles,shellNames}",
    ),
    ("Web", "<web>/infrastructure/workerpools/<Id>"),
];

const WORKER_LINKS: &[LinkTemplate] =
    &[("Connection", "<self>/connection"), ("Web", "<web>/infrastructure/workers/<Id>/settings")];

const POLICY_LINKS: &[LinkTemplate] = &[
    ("Machines", "<self>/machines"),
    ("Workers", "<self>/workers"),
    ("Template", "<space>/machinepolicies/template"),
];

const TARGET_LINKS: &[LinkTemplate] = &[
    ("Connection", "<self>/connection"),
    ("TasksTemplate", "<self>/tasks{?skip,type}"),
    ("Web", "<web>/infrastructure/machines/<Id>/settings"),
];

const ENVIRONMENT_LINKS: &[LinkTemplate] = &[
    ("Machines", "<self>/machines{?skip,take,partialName}"),
    ("SinglyScopedVariableDetails", "<self>/singlyScopedVariableDetails"),
];

const FEED_LINKS: &[LinkTemplate] = &[
    ("SearchPackagesTemplate", "<self>/packages/search{?term,skip,take}"),
    (
        "SearchPackageVersionsTemplate",
        "<self>/packages/versions{?packageId,versionRange,preReleaseTag,filter,includePreRelease,includeReleaseNotes,skip,take}",
    ),
];

const CERTIFICATE_LINKS: &[LinkTemplate] = &[
    ("Archive", "<self>/archive"),
    ("Unarchive", "<self>/unarchive"),
    ("Replace", "<self>/replace"),
    ("Usages", "<self>/usages"),
];

const TASK_LINKS: &[LinkTemplate] = &[
    ("Details", "<self>/details"),
    ("Raw", "<self>/raw"),
    ("Cancel", "<self>/cancel"),
    ("State", "<self>/state"),
    ("QueuedBehind", "<self>/queued-behind{?skip,take}"),
    ("Rerun", "<space>/tasks/rerun/<Id>"),
    ARTIFACTS,
    INTERRUPTIONS,
    ("Web", "<web>/tasks/<Id>"),
];

const DEPLOYMENT_LINKS: &[LinkTemplate] = &[
    PROJECT,
    ENVIRONMENT,
    TASK,
    ("Release", "<space>/releases/<ReleaseId>"),
    MANIFEST,
    ARTIFACTS,
    INTERRUPTIONS,
    ("Web", "<web>/deployments/<Id>"),
];

const RUN_LINKS: &[LinkTemplate] = &[
    PROJECT,
    ENVIRONMENT,
    TASK,
    ("Runbook", "<space>/runbooks/<RunbookId>"),
    ("RunbookSnapshot", "<space>/runbookSnapshots/<RunbookSnapshotId>"),
    MANIFEST,
    ARTIFACTS,
    INTERRUPTIONS,
];

/// Those of a project's links that are the same in the database and in Git.
const PROJECT_LINKS: &[LinkTemplate] = &[
    ("Channels", "<self>/channels{/id}{?skip,take,partialName}"),
    ("Releases", "<self>/releases{/version}{?skip,take,searchByVersion}"),
    (
        "Triggers",
        "<self>/triggers{/id}{?skip,take,partialName,triggerActionType,triggerActionCategory,runbooks}",
    ),
    ("Progression", "<self>/progression{?aggregate}"),
    ("RunbookSnapshots", "<self>/runbookSnapshots{/name}{?skip,take,searchByName}"),
    ("Summary", "<self>/summary"),
    ("ProjectGroup", "<space>/projectgroups/<ProjectGroupId>"),
    ("Lifecycle", "<space>/lifecycles/<LifecycleId>"),
    ("Web", "<web>/projects/<Id>"),
];

const RUNBOOK_LINKS: &[LinkTemplate] = &[
    PROJECT,
    ("RunbookProcesses", "<space>/runbookProcesses/<RunbookProcessId>"),
    ("RunbookSnapshots", "<self>/runbookSnapshots{?skip,take,searchByName}"),
    ("RunbookSnapshotTemplate", "<self>/runbookSnapshotTemplate"),
    ("RunbookRunTemplate", "<self>/runbookRunTemplate"),
    ("RunbookRunPreview", "<self>/runbookRuns/preview{/environment}{?includeDisabledSteps}"),
    ("CreateRunbookRun", "<self>/run"),
];

const RELEASE_LINKS: &[LinkTemplate] = &[
    PROJECT,
    (
        "ProjectDeploymentProcessSnapshot",
        "<space>/deploymentprocesses/<ProjectDeploymentProcessSnapshotId>",
    ),
    ("ProjectVariableSnapshot", "<space>/variables/<ProjectVariableSetSnapshotId>"),
    ("Deployments", "<self>/deployments{?skip,take}"),
    ("DeploymentTemplate", "<self>/deployments/template"),
    ("Progression", "<self>/progression"),
    ("SnapshotVariables", "<self>/snapshot-variables"),
    ("Defects", "<self>/defects"),
    ("ReportDefect", "<self>/defects"),
    ("ResolveDefect", "<self>/defects/resolve"),
    ARTIFACTS,
    ("Web", "<web>/releases/<Id>"),
];

const SNAPSHOT_LINKS: &[LinkTemplate] = &[
    PROJECT,
    ("Runbook", "<space>/runbooks/<RunbookId>"),
    ("FrozenRunbookProcess", "<space>/runbookProcesses/<FrozenRunbookProcessId>"),
    ("RunbookRuns", "<self>/runbookRuns{?skip,take}"),
    ("RunbookRunTemplate", "<self>/runbookRunTemplate"),
    ("RunbookRunPreview", "<self>/runbookRuns/preview{/environment}{?includeDisabledSteps}"),
    ("SnapshotVariables", "<self>/snapshot-variables"),
    ARTIFACTS,
];

/// The links of a document.
pub(crate) fn document_links(
    kind: &DocumentKind,
    space: &str,
    id: &str,
    document: &Value,
) -> Value {
    let here = format!("/api/{space}/{}/{id}", kind.link);
    let mut links = Map::new();
    links.insert("Self".to_owned(), json!(here));
    for (name, template) in link_table(kind.name) {
        if let Some(link) = fill_template(template, &here, space, document) {
            links.insert((*name).to_owned(), json!(link));
        }
    }
    if kind.name == KindName::Projects {
        add_git_links(&here, space, id, document, &mut |name, link| {
            links.insert(name.to_owned(), json!(link));
        });
    }
    Value::Object(links)
}

/// A template with its values; `None` if one of its fields is empty.
fn fill_template(template: &str, here: &str, space: &str, document: &Value) -> Option<String> {
    let (mut link, mut rest) = (String::new(), template);
    while let Some((before, after)) = rest.split_once('<') {
        let (name, after) = after.split_once('>')?;
        link.push_str(before);
        match name {
            "self" => link.push_str(here),
            "space" => link.push_str(&format!("/api/{space}")),
            "web" => link.push_str(&format!("/app#/{space}")),
            field => match text_field(document, field) {
                "" => return None,
                text => link.push_str(text),
            },
        }
        rest = after;
    }
    Some(link + rest)
}

/// The links of a project that differ between the database and Git, where they have a place for the ref.
fn add_git_links(
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
    add("DeploymentSettings", format!("{here}{}/deploymentsettings", ref_segment(in_git)));
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
        // The Go client and the C# client spell it differently.
        add("ConvertToVcs", format!("{here}/git/convert"));
        add("ConvertToGit", format!("{here}/git/convert"));
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::{DEPLOYMENTS, POOLS};

    #[test]
    fn a_link_to_nothing_is_left_out() {
        let deployment =
            json!({ "Id": "Deployments-1", "ProjectId": "Projects-2", "TaskId": null });
        let links = document_links(&DEPLOYMENTS, "Spaces-1", "Deployments-1", &deployment);
        assert_eq!(links["Project"], "/api/Spaces-1/projects/Projects-2");
        assert_eq!(links["Artifacts"], "/api/Spaces-1/artifacts?regarding=Deployments-1");
        assert!(links.get("Task").is_none());
    }

    #[test]
    fn a_template_keeps_its_own_parameters() {
        let pool = json!({ "Id": "WorkerPools-1" });
        let links = document_links(&POOLS, "Spaces-1", "WorkerPools-1", &pool);
        let workers = links["Workers"].as_str().unwrap();
        assert!(workers.starts_with("/api/Spaces-1/workerpools/WorkerPools-1/workers{?skip,take,"));
        assert_eq!(links["Web"], "/app#/Spaces-1/infrastructure/workerpools/WorkerPools-1");
    }
}
