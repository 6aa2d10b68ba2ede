//! The links of documents, and the templates of the root documents that clients build paths from.
//!
//! Never: a link to what is not there, but for the root's, where clients stumble over a missing one.

use super::text_field;
use crate::kind::DocumentKind;
use serde_json::{Map, Value, json};

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
    match kind.path {
        "workerpools" => {
            let filters = "skip,take,partialName,isDisabled,healthStatuses,commStyles,shellNames";
            add_link("Workers", format!("{here}/workers{{?{filters}}}"));
            add_link("Web", format!("/app#/{space}/infrastructure/workerpools/{id}"));
        }
        "workers" => {
            add_link("Connection", format!("{here}/connection"));
            add_link("Web", format!("/app#/{space}/infrastructure/workers/{id}/settings"));
        }
        "machinepolicies" => {
            add_link("Machines", format!("{here}/machines"));
            add_link("Workers", format!("{here}/workers"));
            add_link("Template", format!("/api/{space}/machinepolicies/template"));
        }
        "machines" => {
            add_link("Connection", format!("{here}/connection"));
            add_link("TasksTemplate", format!("{here}/tasks{{?skip,type}}"));
        }
        "accounts" => {
            add_link("Usages", format!("{here}/usages"));
            add_link("PublicKey", format!("{here}/pk"));
        }
        "projectgroups" => add_link("Projects", format!("{here}/projects")),
        "projects" => add_project_links(&here, space, id, document, &mut add_link),
        "runbooks" => {
            let process = text_field(document, "RunbookProcessId");
            add_link("RunbookProcesses", format!("/api/{space}/runbookProcesses/{process}"));
            add_link(
                "Project",
                format!("/api/{space}/projects/{}", text_field(document, "ProjectId")),
            );
        }
        "libraryvariablesets" => {
            add_link(
                "Variables",
                format!("/api/{space}/variables/{}", text_field(document, "VariableSetId")),
            );
        }
        "environments" => {
            add_link("Machines", format!("{here}/machines{{?skip,take,partialName}}"))
        }
        "tasks" => {
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

/// The links of what is released and run.
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
    match kind.path {
        "releases" | "deployments" | "runbookruns" | "runbooksnapshots" => {
            add_reference("Project", "projects", "ProjectId");
        }
        _ => return,
    }
    match kind.path {
        "releases" => {
            let process = "ProjectDeploymentProcessSnapshotId";
            add_reference("ProjectDeploymentProcessSnapshot", "deploymentprocesses", process);
            add_reference("ProjectVariableSnapshot", "variables", "ProjectVariableSetSnapshotId");
            add("Deployments", format!("{here}/deployments{{?skip,take}}"));
            add("SnapshotVariables", format!("{here}/snapshot-variables"));
            add("Web", format!("/app#/{space}/releases/{id}"));
        }
        "runbooksnapshots" => {
            add_reference("Runbook", "runbooks", "RunbookId");
            add_reference("FrozenRunbookProcess", "runbookProcesses", "FrozenRunbookProcessId");
        }
        path => {
            add_reference("Environment", "environments", "EnvironmentId");
            add_reference("Task", "tasks", "TaskId");
            if path == "deployments" {
                add_reference("Release", "releases", "ReleaseId");
            } else {
                add_reference("Runbook", "runbooks", "RunbookId");
                add_reference("RunbookSnapshot", "runbookSnapshots", "RunbookSnapshotId");
            }
        }
    }
}

/// The links of a project: of one in Git, templates with a place for the ref.
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
    match in_git && conversion["VariablesAreInGit"] == true {
        true => add("Variables", format!("{here}/{{gitRef}}/variables")),
        false => add("Variables", format!("/api/{space}/variables/variableset-{id}")),
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

/// The document at `/api/{space}`.
pub(crate) fn space_root(space: &str) -> Value {
    let mut links = Map::new();
    add_space_links(&mut links, space);
    links.insert("Self".to_owned(), json!(format!("/api/{space}")));
    json!({ "Id": space, "Links": links })
}

/// The links at `/api`, those of a space filled in for the default one.
pub(crate) fn root_links(default: Option<&str>) -> Value {
    let mut links = Map::new();
    for (name, template) in ON_THE_INSTANCE {
        links.insert((*name).to_owned(), json!(template));
    }
    if let Some(space) = default {
        add_space_links(&mut links, space);
    }
    Value::Object(links)
}

fn add_space_links(links: &mut Map<String, Value>, space: &str) {
    for (name, template) in IN_A_SPACE {
        links.insert((*name).to_owned(), json!(format!("/api/{space}/{template}")));
    }
    let web = json!(format!("/app#/{space}"));
    links.insert("Web".to_owned(), web);
}

const ON_THE_INSTANCE: &[(&str, &str)] = &[
    ("Self", "/api"),
    ("Authentication", "/api/authentication"),
    ("CurrentUser", "/api/users/me"),
    (
        "Events",
        "/api/events{/id}{?skip,regarding,regardingAny,user,users,projects,environments,eventGroups,eventCategories,from,to,take,asCsv,spaces,includeSystem,documentTypes}",
    ),
    ("EventAgents", "/api/events/agents"),
    ("EventCategories", "/api/events/categories{?appliesTo}"),
    ("EventDocumentTypes", "/api/events/documenttypes"),
    ("EventGroups", "/api/events/groups{?appliesTo}"),
    ("FeaturesConfiguration", "/api/featuresconfiguration"),
    ("OctopusServerClusterSummary", "/api/octopusservernodes/summary"),
    ("OctopusServerNodes", "/api/octopusservernodes{/id}{?skip,take,ids,partialName}"),
    ("PermissionDescriptions", "/api/permissions/all"),
    ("ServerStatus", "/api/serverstatus"),
    ("SpaceHome", "/api/{spaceId}"),
    ("Spaces", "/api/spaces{/id}{?name,skip,ids,take,partialName}"),
    ("TaskTypes", "/api/tasks/taskTypes"),
    ("Users", "/api/users{/id}{?skip,take,ids,filter}"),
    ("WorkerToolsLatestImages", "/api/workertoolslatestimages"),
];

const IN_A_SPACE: &[(&str, &str)] = &[
    ("Accounts", "accounts{/id}{?skip,take,ids,partialName,accountType}"),
    ("ActionTemplates", "actiontemplates{/id}{?skip,take,ids,partialName}"),
    ("ActionTemplatesCategories", "actiontemplates/categories"),
    ("ActionTemplatesSearch", "actiontemplates/search{?type}"),
    ("Artifacts", "artifacts{/id}{?skip,regarding,ids,partialName,take,order}"),
    (
        "BuildInformation",
        "build-information{/id}{?packageId,filter,latest,skip,take,overwriteMode}",
    ),
    (
        "Certificates",
        "certificates{/id}{?skip,take,search,archived,tenant,firstResult,orderBy,ids,partialName}",
    ),
    ("Channels", "channels{/id}{?skip,take,ids,partialName}"),
    ("DeploymentProcesses", "deploymentprocesses{/id}{?skip,take,ids}"),
    (
        "Deployments",
        "deployments{/id}{?skip,take,ids,projects,environments,tenants,channels,taskState,partialName}",
    ),
    ("DiscoverMachine", "machines/discover{?host,port,type,proxyId}"),
    ("DiscoverWorker", "workers/discover{?host,port,type,proxyId}"),
    ("Environments", "environments{/id}{?name,skip,ids,take,partialName}"),
    ("EnvironmentSortOrder", "environments/sortorder"),
    (
        "EnvironmentsSummary",
        "environments/summary{?ids,partialName,machinePartialName,roles,isDisabled,healthStatuses,commStyles,tenantIds,tenantTags,hideEmptyEnvironments,shellNames}",
    ),
    ("Feeds", "feeds{/id}{?skip,take,ids,partialName,feedType}"),
    ("GitCredentials", "git-credentials{/id}{?skip,take,name}"),
    ("Interruptions", "interruptions{/id}{?skip,take,regarding,pendingOnly,ids}"),
    ("LibraryVariables", "libraryvariablesets{/id}{?skip,contentType,take,ids,partialName}"),
    ("Lifecycles", "lifecycles{/id}{?skip,take,ids,partialName}"),
    ("MachinePolicies", "machinepolicies{/id}{?skip,take,ids,partialName}"),
    ("MachinePolicyTemplate", "machinepolicies/template"),
    ("MachineRoles", "machineroles/all"),
    (
        "Machines",
        "machines{/id}{?skip,take,name,ids,partialName,roles,isDisabled,healthStatuses,commStyles,tenantIds,tenantTags,environmentIds,thumbprint,deploymentId,shellNames}",
    ),
    ("MachineShells", "machines/operatingsystem/shells/all"),
    ("Packages", "packages{/id}{?nuGetPackageId,filter,latest,skip,take,includeNotes}"),
    ("ProjectGroups", "projectgroups{/id}{?skip,take,ids,partialName}"),
    ("Projects", "projects{/id}{?name,skip,ids,clone,take,partialName,clonedFromProjectId}"),
    ("ProjectTriggers", "projecttriggers{/id}{?skip,take,ids,runbooks}"),
    ("Proxies", "proxies{/id}{?skip,take,ids,partialName}"),
    ("Releases", "releases{/id}{?skip,ignoreChannelRules,take,ids}"),
    ("RunbookProcesses", "runbookProcesses{/id}{?skip,take,ids}"),
    (
        "RunbookRuns",
        "runbookRuns{/id}{?skip,take,ids,projects,environments,tenants,runbooks,taskState,partialName}",
    ),
    ("Runbooks", "runbooks{/id}{?skip,take,ids,partialName,clone,projectIds}"),
    ("RunbookSnapshots", "runbookSnapshots{/id}{?skip,take,ids,publish}"),
    ("ScopedUserRoles", "scopeduserroles{/id}{?skip,take,ids,partialName,spaces,includeSystem}"),
    ("Subscriptions", "subscriptions{/id}{?skip,take,ids,partialName,spaces}"),
    ("TagSets", "tagsets{/id}{?skip,take,ids,partialName}"),
    ("TagSetSortOrder", "tagsets/sortorder"),
    (
        "Tasks",
        "tasks{/id}{?skip,active,environment,tenant,runbook,project,name,node,running,states,hasPendingInterruptions,hasWarningsOrErrors,take,ids,partialName,spaces,includeSystem,description,fromCompletedDate,toCompletedDate,fromQueueDate,toQueueDate,fromStartDate,toStartDate}",
    ),
    ("Teams", "teams{/id}{?skip,take,ids,partialName,spaces,includeSystem}"),
    (
        "Tenants",
        "tenants{/id}{?skip,projectId,name,tags,take,ids,clone,partialName,clonedFromTenantId}",
    ),
    ("TenantVariables", "tenantvariables/all{?projectId}"),
    ("VariableNames", "variables/names{?project,projectEnvironmentsFilter}"),
    ("Variables", "variables{/id}{?ids}"),
    (
        "VariablePreview",
        "variables/preview{?project,environment,channel,tenant,runbook,action,machine,role}",
    ),
    ("WorkerOperatingSystems", "workers/operatingsystem/names/all"),
    ("WorkerPools", "workerpools{/id}{?name,skip,ids,take,partialName}"),
    ("WorkerPoolsDynamicWorkerTypes", "workerpools/dynamicworkertypes"),
    // The C# client looks for a name that no server has, so both are here.
    ("WorkerPoolSortOrder", "workerpools/sortorder"),
    ("WorkerPoolsSortOrder", "workerpools/sortorder"),
    (
        "WorkerPoolsSummary",
        "workerpools/summary{?ids,partialName,machinePartialName,isDisabled,healthStatuses,commStyles,hideEmptyWorkerPools,shellNames}",
    ),
    ("WorkerPoolsSupportedTypes", "workerpools/supportedtypes"),
    (
        "Workers",
        "workers{/id}{?skip,take,name,ids,partialName,isDisabled,healthStatuses,commStyles,workerPoolIds,thumbprint,shellNames}",
    ),
    ("WorkerShells", "workers/operatingsystem/shells/all"),
    ("WorkerTaskLeases", "workertaskleases{?skip,take}"),
];
