//! The root documents, from whose link templates clients build their paths.

use serde_json::{Map, Value, json};

/// The document at `/api/{space}`.
pub(crate) fn space_root(space: &str) -> Value {
    let mut links = Map::new();
    add_space_links(&mut links, space);
    links.insert("Self".to_owned(), json!(format!("/api/{space}")));
    json!({ "Id": space, "Links": links })
}

/// The links at `/api`, including those of the default space.
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
    ("ServerHealthStatus", "/api/serverstatus/health"),
    ("ExtensionStats", "/api/serverstatus/extensions"),
    ("Timezones", "/api/serverstatus/timezones"),
    ("SpaceHome", "/api/{spaceId}"),
    ("Spaces", "/api/spaces{/id}{?name,skip,ids,take,partialName}"),
    ("TaskTypes", "/api/tasks/taskTypes"),
    ("Users", "/api/users{/id}{?skip,take,ids,filter}"),
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
    (
        "Dashboard",
        "dashboard{?projectId,releaseId,selectedTenants,selectedTags,showAll,highestLatestVersionPerProjectAndEnvironment}",
    ),
    ("DashboardDynamic", "dashboard/dynamic{?projects,environments,includePrevious}"),
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
    ("MachineOperatingSystems", "machines/operatingsystem/names/all"),
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
    (
        "TenantsMissingVariables",
        "tenants/variables-missing{?tenantId,projectId,environmentId,includeDetails}",
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
    // The C# client looks for a name that real servers lack, so both are here.
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
