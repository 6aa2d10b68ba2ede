//! The kinds of documents, as a table: where each is served, how it is listed, who may touch it.
//!
//! Never: a rule that only one kind has; those are in `resource`.

/// A kind of document.
#[derive(Debug)]
pub(crate) struct DocumentKind {
    /// Its segment of a path, in lower case.
    pub(crate) path: &'static str,
    /// The segment as links spell it, where that differs in case.
    pub(crate) link: &'static str,
    /// What its ids begin with.
    pub(crate) prefix: &'static str,
    /// What lists say they hold.
    pub(crate) item: &'static str,
    /// How many a page has, unless the request says.
    pub(crate) take: usize,
    /// The columns that order a list.
    pub(crate) order: &'static str,
    /// The permission to see one; empty where everybody may.
    pub(crate) view: &'static str,
    /// The permission to change one.
    pub(crate) edit: &'static str,
    /// The field that names what it belongs to.
    pub(crate) owner: &'static str,
    /// What people call one, for messages.
    pub(crate) noun: &'static str,
}

const NAME: &str = "name, id";

const RANK: &str = "rank, name, id";

const NEWEST: &str = "rank desc, id desc";

const fn new_kind(path: &'static str, prefix: &'static str, item: &'static str) -> DocumentKind {
    DocumentKind {
        path,
        link: path,
        prefix,
        item,
        take: 30,
        order: NAME,
        view: "",
        edit: "",
        owner: "ProjectId",
        noun: item,
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $path:literal, $prefix:literal, $item:literal, { $($field:ident: $value:expr),* };)*) => {
        $($(#[$doc])* pub(crate) static $name: DocumentKind = DocumentKind { $($field: $value,)* ..new_kind($path, $prefix, $item) };)*

        /// Every kind that lives in a space.
        pub(crate) static KINDS: &[&DocumentKind] = &[$(&$name),*];
    };
}

kinds! {
    /// Worker pools.
    POOLS = "workerpools", "WorkerPools", "WorkerPool", { take: 10, order: RANK, edit: "WorkerEdit", noun: "worker pool" };
    /// Workers.
    WORKERS = "workers", "Workers", "Worker", { view: "WorkerView", edit: "WorkerEdit", noun: "worker" };
    /// Machine policies.
    POLICIES = "machinepolicies", "MachinePolicies", "MachinePolicy", { view: "MachinePolicyView", edit: "MachinePolicyEdit", noun: "machine policy" };
    /// Proxies.
    PROXIES = "proxies", "Proxies", "Proxy", { view: "ProxyView", edit: "ProxyEdit", noun: "proxy" };
    /// Accounts.
    ACCOUNTS = "accounts", "Accounts", "Account", { view: "AccountView", edit: "AccountEdit", noun: "account" };
    /// Project groups.
    GROUPS = "projectgroups", "ProjectGroups", "ProjectGroup", { view: "ProjectGroupView", edit: "ProjectGroupEdit", noun: "project group" };
    /// Projects.
    PROJECTS = "projects", "Projects", "Project", { view: "ProjectView", edit: "ProjectEdit", noun: "project" };
    /// Deployment processes.
    PROCESSES = "deploymentprocesses", "deploymentprocess", "DeploymentProcess", { order: "id", view: "ProcessView", edit: "ProcessEdit", noun: "deployment process" };
    /// Runbooks.
    RUNBOOKS = "runbooks", "Runbooks", "Runbook", { view: "RunbookView", edit: "RunbookEdit", noun: "runbook" };
    /// The processes of runbooks.
    RUNBOOK_PROCESSES = "runbookprocesses", "RunbookProcess", "RunbookProcess", { link: "runbookProcesses", order: "id", view: "RunbookView", edit: "RunbookEdit", owner: "RunbookId", noun: "process" };
    /// Variable sets.
    VARIABLES = "variables", "variableset", "VariableSet", { order: "id", view: "VariableView", edit: "VariableEdit", owner: "OwnerId", noun: "variable set" };
    /// Library variable sets.
    LIBRARY = "libraryvariablesets", "LibraryVariableSets", "LibraryVariableSet", { view: "LibraryVariableSetView", edit: "LibraryVariableSetEdit", noun: "library variable set" };
    /// Environments.
    ENVIRONMENTS = "environments", "Environments", "Environment", { order: RANK, view: "EnvironmentView", edit: "EnvironmentEdit", noun: "environment" };
    /// Deployment targets.
    TARGETS = "machines", "Machines", "DeploymentTarget", { view: "MachineView", edit: "MachineEdit", noun: "deployment target" };
    /// Feeds.
    FEEDS = "feeds", "Feeds", "Feed", { view: "FeedView", edit: "FeedEdit", noun: "feed" };
    /// Lifecycles.
    LIFECYCLES = "lifecycles", "Lifecycles", "Lifecycle", { view: "LifecycleView", edit: "LifecycleEdit", noun: "lifecycle" };
    /// Step templates.
    TEMPLATES = "actiontemplates", "ActionTemplates", "ActionTemplate", { view: "ActionTemplateView", edit: "ActionTemplateEdit", noun: "step template" };
    /// Server tasks.
    TASKS = "tasks", "ServerTasks", "Task", { order: NEWEST, view: "TaskView", edit: "TaskCreate", noun: "task" };
    /// Channels: none yet, so that a client that lists them finds an empty list.
    CHANNELS = "channels", "Channels", "Channel", { view: "ProcessView", edit: "ProcessEdit" };
    /// Tenants.
    TENANTS = "tenants", "Tenants", "Tenant", { view: "TenantView", edit: "TenantEdit" };
    /// What tenants say of variables.
    TENANT_VALUES = "tenantvariables", "TenantVariables", "TenantVariable", { view: "TenantView", edit: "TenantEdit", owner: "TenantId" };
    /// Tag sets: none yet.
    TAG_SETS = "tagsets", "TagSets", "TagSet", { order: RANK, edit: "TagSetEdit" };
    /// Certificates: none yet.
    CERTIFICATES = "certificates", "Certificates", "Certificate", { view: "CertificateView", edit: "CertificateEdit" };
    /// Teams: none that can be listed.
    TEAMS = "teams", "Teams", "Team", { view: "TeamView" };
    /// What roles people have in a space: none that can be listed.
    SCOPED_ROLES = "scopeduserroles", "ScopedUserRoles", "ScopedUserRole", { view: "TeamView" };
    /// Triggers of projects: none.
    TRIGGERS = "projecttriggers", "ProjectTriggers", "ProjectTrigger", { view: "TriggerView" };
    /// Questions that tasks ask people: none.
    INTERRUPTIONS = "interruptions", "Interruptions", "Interruption", { view: "InterruptionView" };
    /// Files that tasks leave: none.
    ARTIFACTS = "artifacts", "Artifacts", "Artifact", { view: "ArtifactView" };
    /// Subscriptions to events: none.
    SUBSCRIPTIONS = "subscriptions", "Subscriptions", "Subscription", { view: "SubscriptionView" };
    /// Packages of the built-in feed: none.
    PACKAGES = "packages", "Packages", "Package", { view: "BuiltInFeedAdminister" };
    /// What builds have told of packages: nothing.
    BUILDS = "build-information", "BuildInformation", "OctopusPackageVersionBuildInformation", { view: "BuildInformationAdminister" };
    /// Git credentials: none yet.
    GIT_CREDENTIALS = "git-credentials", "GitCredentials", "GitCredential", { view: "GitCredentialView", edit: "GitCredentialEdit" };
    /// Releases.
    RELEASES = "releases", "Releases", "Release", { order: NEWEST, view: "ReleaseView", edit: "ReleaseEdit", noun: "release" };
    /// Deployments of releases.
    DEPLOYMENTS = "deployments", "Deployments", "Deployment", { order: NEWEST, view: "DeploymentView", edit: "DeploymentEdit", noun: "deployment" };
    /// Snapshots of runbooks.
    SNAPSHOTS = "runbooksnapshots", "RunbookSnapshots", "RunbookSnapshot", { link: "runbookSnapshots", order: NEWEST, view: "RunbookView", edit: "RunbookEdit", owner: "RunbookId", noun: "runbook snapshot" };
    /// Runs of runbooks.
    RUNS = "runbookruns", "RunbookRuns", "RunbookRun", { link: "runbookRuns", order: NEWEST, view: "RunbookRunView", edit: "RunbookRunEdit", owner: "RunbookId", noun: "runbook run" };
    /// The workers that tasks hold, while they hold them.
    LEASES = "workertaskleases", "WorkerTaskLeases", "WorkerTaskLease", { order: "rank, id", view: "WorkerView", owner: "WorkerId", noun: "lease" };
    /// The audit log.
    EVENTS = "events", "Events", "Event", { order: NEWEST, view: "EventView" };
}

/// Branches of repositories, which are served below their projects.
pub(crate) static BRANCHES: DocumentKind = DocumentKind {
    view: "ProjectView",
    edit: "ProcessEdit",
    noun: "branch",
    ..new_kind("git-branches", "GitBranches", "GitBranch")
};

/// Tags of repositories.
pub(crate) static TAGS: DocumentKind =
    DocumentKind { view: "ProjectView", noun: "tag", ..new_kind("git-tags", "GitTags", "GitTag") };

/// Commits of repositories, each with all that it holds.
pub(crate) static COMMITS: DocumentKind = DocumentKind {
    order: NEWEST,
    view: "ProjectView",
    noun: "commit",
    ..new_kind("git-commits", "GitCommits", "GitCommit")
};

/// Spaces, which are in no space.
pub(crate) static SPACES: DocumentKind = DocumentKind {
    view: "",
    edit: "SpaceEdit",
    noun: "space",
    ..new_kind("spaces", "Spaces", "Space")
};

/// What the instance is set to, in one document.
pub(crate) static FEATURES: DocumentKind =
    new_kind("featuresconfiguration", "features", "FeaturesConfiguration");

/// The nodes of the server, of which there is one.
pub(crate) static NODES: DocumentKind = DocumentKind {
    edit: "ConfigureServer",
    ..new_kind("octopusservernodes", "OctopusServerNodes", "OctopusServerNode")
};

/// Process templates of the Platform Hub, each in its one published version; in no space.
pub(crate) static PROCESS_TEMPLATES: DocumentKind = DocumentKind {
    noun: "process template",
    ..new_kind("processtemplates", "ProcessTemplates", "ProcessTemplate")
};

/// What tasks have logged; served as part of the task.
pub(crate) static LOGS: DocumentKind = new_kind("tasklogs", "TaskLogs", "TaskLog");

/// The kind served at a segment, given in lower case.
pub(crate) fn kind_by_path(path: &str) -> Option<&'static DocumentKind> {
    KINDS.iter().copied().find(|kind| kind.path == path)
}

/// The mark in the id of a snapshot.
pub(crate) const MARK: &str = "-s-";
