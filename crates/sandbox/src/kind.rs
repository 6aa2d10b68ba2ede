//! The kinds of documents, as a table: where each is served, how it is listed, and who may change it.
//!
//! A rule that only one kind has is in `resource`, where a handler asks for the kind's [`KindName`].

/// A kind of document.
#[derive(Debug)]
pub(crate) struct DocumentKind {
    /// The kind, for rules that only some kinds have.
    pub(crate) name: KindName,
    /// Its segment of a path, in lower case.
    pub(crate) path: &'static str,
    /// The segment as links spell it, where that differs in case.
    pub(crate) link: &'static str,
    /// What its ids begin with.
    pub(crate) prefix: &'static str,
    /// The `ItemType` of its lists.
    pub(crate) item: &'static str,
    /// The size of a page, unless the request sets one.
    pub(crate) take: usize,
    /// The columns that order a list.
    pub(crate) order: &'static str,
    /// The permission to view it; empty where everybody may.
    pub(crate) view: &'static str,
    /// The permission to change it.
    pub(crate) edit: &'static str,
    /// The field that refers to its owner.
    pub(crate) owner: &'static str,
    /// What people call one, for messages.
    pub(crate) noun: &'static str,
    /// Whether clients may create, change and delete documents of this kind. The others come with their
    /// owner, are written by the server, or never exist.
    pub(crate) is_writable: bool,
    /// Whether `…/all` lists every document. Where it does not, `all` is read as an id.
    pub(crate) has_all: bool,
    /// Whether a document has a slug.
    pub(crate) has_slug: bool,
    /// Whether a document has a name of its own; one that has none is called after its owner.
    pub(crate) is_named: bool,
    /// Whether a change leaves an event in the audit log.
    pub(crate) is_audited: bool,
    /// Its id among the document types of the audit log.
    pub(crate) event_type: &'static str,
    /// The lists below one of its documents.
    pub(crate) lists: &'static [RelatedList],
}

impl DocumentKind {
    /// The id of the one document of this kind that belongs to another, such as the process of a project.
    pub(crate) fn id_for(&self, owner: &str) -> String {
        format!("{}-{owner}", self.prefix)
    }
}

/// A list below a document, such as the workers of a machine policy.
#[derive(Debug)]
pub(crate) struct RelatedList {
    /// The last segment of its path.
    pub(crate) path: &'static str,
    /// The kind that is listed.
    pub(crate) kind: &'static DocumentKind,
    /// The JSON path of the field by which a listed document refers to the one above it.
    pub(crate) field: &'static str,
    /// Whether that field is an array of ids.
    pub(crate) is_array: bool,
}

/// The mark in the id of a snapshot: `deploymentprocess-Projects-1-s-4-ABCDE`.
pub(crate) const SNAPSHOT_MARK: &str = "-s-";

const NAME: &str = "name, id";
/// The order of kinds whose documents have a position.
pub(crate) const RANK: &str = "rank, name, id";
const NEWEST: &str = "rank desc, id desc";

const fn new_kind(path: &'static str, prefix: &'static str, item: &'static str) -> DocumentKind {
    DocumentKind {
        name: KindName::Other,
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
        is_writable: true,
        has_all: true,
        has_slug: true,
        is_named: true,
        is_audited: true,
        event_type: prefix,
        lists: &[],
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $constant:ident $name:ident = $path:literal, $prefix:literal, $item:literal, { $($field:ident: $value:expr),* };)*) => {
        $($(#[$doc])* pub(crate) static $constant: DocumentKind = DocumentKind {
            name: KindName::$name,
            $($field: $value,)*
            ..new_kind($path, $prefix, $item)
        };)*

        /// Every kind that lives in a space.
        pub(crate) static KINDS: &[&DocumentKind] = &[$(&$constant),*];

        /// The kinds that have rules of their own.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum KindName {
            $($(#[$doc])* $name,)*
            /// A kind that is not in a space, or is part of another.
            Other,
        }
    };
}

kinds! {
    /// Worker pools.
    POOLS Pools = "workerpools", "WorkerPools", "WorkerPool", { take: 10, order: RANK, edit: "WorkerEdit", noun: "worker pool" };
    /// Workers.
    WORKERS Workers = "workers", "Workers", "Worker", { view: "WorkerView", edit: "WorkerEdit", noun: "worker" };
    /// Machine policies.
    POLICIES Policies = "machinepolicies", "MachinePolicies", "MachinePolicy", { view: "MachinePolicyView", edit: "MachinePolicyEdit", noun: "machine policy", lists: MACHINES_OF_POLICY };
    /// Proxies.
    PROXIES Proxies = "proxies", "Proxies", "Proxy", { view: "ProxyView", edit: "ProxyEdit", noun: "proxy", has_slug: false };
    /// Accounts.
    ACCOUNTS Accounts = "accounts", "Accounts", "Account", { view: "AccountView", edit: "AccountEdit", noun: "account" };
    /// Project groups.
    GROUPS Groups = "projectgroups", "ProjectGroups", "ProjectGroup", { view: "ProjectGroupView", edit: "ProjectGroupEdit", noun: "project group", lists: PROJECTS_OF_GROUP };
    /// Projects.
    PROJECTS Projects = "projects", "Projects", "Project", { view: "ProjectView", edit: "ProjectEdit", noun: "project" };
    /// Deployment processes.
    PROCESSES Processes = "deploymentprocesses", "deploymentprocess", "DeploymentProcess", { order: "id", view: "ProcessView", edit: "ProcessEdit", noun: "deployment process", is_writable: false, has_all: false, is_named: false, event_type: "DeploymentProcesses" };
    /// Runbooks.
    RUNBOOKS Runbooks = "runbooks", "Runbooks", "Runbook", { view: "RunbookView", edit: "RunbookEdit", noun: "runbook" };
    /// The processes of runbooks.
    RUNBOOK_PROCESSES RunbookProcesses = "runbookprocesses", "RunbookProcess", "RunbookProcess", { link: "runbookProcesses", order: "id", view: "RunbookView", edit: "RunbookEdit", owner: "RunbookId", noun: "process", is_writable: false, has_all: false, is_named: false, event_type: "RunbookProcesses" };
    /// Variable sets.
    VARIABLES Variables = "variables", "variableset", "VariableSet", { order: "id", view: "VariableView", edit: "VariableEdit", owner: "OwnerId", noun: "variable set", is_writable: false, is_named: false, event_type: "VariableSets" };
    /// Library variable sets.
    LIBRARY Library = "libraryvariablesets", "LibraryVariableSets", "LibraryVariableSet", { view: "LibraryVariableSetView", edit: "LibraryVariableSetEdit", noun: "library variable set" };
    /// Environments.
    ENVIRONMENTS Environments = "environments", "Environments", "Environment", { order: RANK, view: "EnvironmentView", edit: "EnvironmentEdit", noun: "environment", lists: TARGETS_OF_ENVIRONMENT };
    /// Deployment targets.
    TARGETS Targets = "machines", "Machines", "DeploymentTarget", { view: "MachineView", edit: "MachineEdit", noun: "deployment target" };
    /// Feeds.
    FEEDS Feeds = "feeds", "Feeds", "Feed", { view: "FeedView", edit: "FeedEdit", noun: "feed" };
    /// Lifecycles.
    LIFECYCLES Lifecycles = "lifecycles", "Lifecycles", "Lifecycle", { view: "LifecycleView", edit: "LifecycleEdit", noun: "lifecycle" };
    /// Step templates.
    TEMPLATES Templates = "actiontemplates", "ActionTemplates", "ActionTemplate", { view: "ActionTemplateView", edit: "ActionTemplateEdit", noun: "step template" };
    /// Server tasks.
    TASKS Tasks = "tasks", "ServerTasks", "Task", { order: NEWEST, view: "TaskView", edit: "TaskCreate", noun: "task", is_writable: false };
    /// Channels, of which every project has at least one.
    CHANNELS Channels = "channels", "Channels", "Channel", { view: "ProcessView", edit: "ProcessEdit", noun: "channel" };
    /// Tenants.
    TENANTS Tenants = "tenants", "Tenants", "Tenant", { view: "TenantView", edit: "TenantEdit", noun: "tenant" };
    /// The values of tenants for variables.
    TENANT_VALUES TenantValues = "tenantvariables", "TenantVariables", "TenantVariable", { view: "TenantView", edit: "TenantEdit", owner: "TenantId" };
    /// Tag sets: none yet.
    TAG_SETS TagSets = "tagsets", "TagSets", "TagSet", { order: RANK, edit: "TagSetEdit", noun: "tag set" };
    /// Certificates: none yet.
    CERTIFICATES Certificates = "certificates", "Certificates", "Certificate", { view: "CertificateView", edit: "CertificateEdit", noun: "certificate" };
    /// Teams: none that can be listed.
    TEAMS Teams = "teams", "Teams", "Team", { view: "TeamView", is_writable: false };
    /// Roles of people in a space: none that can be listed.
    SCOPED_ROLES ScopedRoles = "scopeduserroles", "ScopedUserRoles", "ScopedUserRole", { view: "TeamView", is_writable: false };
    /// Triggers of projects, which the sandbox does not act on.
    TRIGGERS Triggers = "projecttriggers", "ProjectTriggers", "ProjectTrigger", { view: "TriggerView", edit: "TriggerEdit", noun: "trigger" };
    /// Interruptions of tasks: none.
    INTERRUPTIONS Interruptions = "interruptions", "Interruptions", "Interruption", { view: "InterruptionView", is_writable: false };
    /// Artifacts of tasks: none.
    ARTIFACTS Artifacts = "artifacts", "Artifacts", "Artifact", { view: "ArtifactView", is_writable: false };
    /// Subscriptions to events: none.
    SUBSCRIPTIONS Subscriptions = "subscriptions", "Subscriptions", "Subscription", { view: "SubscriptionView", is_writable: false };
    /// Packages of the built-in feed: none.
    PACKAGES Packages = "packages", "Packages", "Package", { view: "BuiltInFeedAdminister", is_writable: false };
    /// Build information of packages: none.
    BUILDS Builds = "build-information", "BuildInformation", "OctopusPackageVersionBuildInformation", { view: "BuildInformationAdminister", is_writable: false };
    /// Git credentials: none yet.
    GIT_CREDENTIALS GitCredentials = "git-credentials", "GitCredentials", "GitCredential", { view: "GitCredentialView", edit: "GitCredentialEdit", noun: "Git credential" };
    /// Releases.
    RELEASES Releases = "releases", "Releases", "Release", { order: NEWEST, view: "ReleaseView", edit: "ReleaseEdit", noun: "release" };
    /// Deployments of releases.
    DEPLOYMENTS Deployments = "deployments", "Deployments", "Deployment", { order: NEWEST, view: "DeploymentView", edit: "DeploymentEdit", noun: "deployment" };
    /// Snapshots of runbooks.
    SNAPSHOTS Snapshots = "runbooksnapshots", "RunbookSnapshots", "RunbookSnapshot", { link: "runbookSnapshots", order: NEWEST, view: "RunbookView", edit: "RunbookEdit", owner: "RunbookId", noun: "runbook snapshot" };
    /// Runs of runbooks.
    RUNS Runs = "runbookruns", "RunbookRuns", "RunbookRun", { link: "runbookRuns", order: NEWEST, view: "RunbookRunView", edit: "RunbookRunEdit", owner: "RunbookId", noun: "runbook run" };
    /// The leases of workers that tasks hold.
    LEASES Leases = "workertaskleases", "WorkerTaskLeases", "WorkerTaskLease", { order: "rank, id", view: "WorkerView", owner: "WorkerId", noun: "lease", is_writable: false };
    /// The audit log.
    EVENTS Events = "events", "Events", "Event", { order: NEWEST, view: "EventView", is_writable: false };
}

static PROJECTS_OF_GROUP: &[RelatedList] = &[RelatedList {
    path: "projects",
    kind: &PROJECTS,
    field: "$.ProjectGroupId",
    is_array: false,
}];

static MACHINES_OF_POLICY: &[RelatedList] = &[
    RelatedList { path: "workers", kind: &WORKERS, field: "$.MachinePolicyId", is_array: false },
    RelatedList { path: "machines", kind: &TARGETS, field: "$.MachinePolicyId", is_array: false },
];

static TARGETS_OF_ENVIRONMENT: &[RelatedList] =
    &[RelatedList { path: "machines", kind: &TARGETS, field: "$.EnvironmentIds", is_array: true }];

/// Branches of repositories, which are served below their projects.
pub(crate) static BRANCHES: DocumentKind = DocumentKind {
    view: "ProjectView",
    edit: "ProcessEdit",
    noun: "branch",
    ..new_kind("git-branches", "GitBranches", "GitBranch")
};

/// Tags of repositories.
pub(crate) static TAGS: DocumentKind = DocumentKind {
    view: "ProjectView",
    noun: "tag",
    is_audited: false,
    ..new_kind("git-tags", "GitTags", "GitTag")
};

/// Commits of repositories, each with all its documents.
pub(crate) static COMMITS: DocumentKind = DocumentKind {
    order: NEWEST,
    view: "ProjectView",
    noun: "commit",
    is_audited: false,
    ..new_kind("git-commits", "GitCommits", "GitCommit")
};

/// Spaces, which are in no space.
pub(crate) static SPACES: DocumentKind = DocumentKind {
    view: "",
    edit: "SpaceEdit",
    noun: "space",
    ..new_kind("spaces", "Spaces", "Space")
};

/// The features of the instance, in one document.
pub(crate) static FEATURES: DocumentKind = DocumentKind {
    event_type: "FeaturesConfiguration",
    ..new_kind("featuresconfiguration", "features", "FeaturesConfiguration")
};

/// The nodes of the server, of which there is one.
pub(crate) static NODES: DocumentKind = DocumentKind {
    edit: "ConfigureServer",
    ..new_kind("octopusservernodes", "OctopusServerNodes", "OctopusServerNode")
};

/// Process templates of the Platform Hub, each in its one published version; in no space.
pub(crate) static PROCESS_TEMPLATES: DocumentKind = DocumentKind {
    noun: "process template",
    is_audited: false,
    ..new_kind("processtemplates", "ProcessTemplates", "ProcessTemplate")
};

/// The defects of releases, which are served below them.
pub(crate) static DEFECTS: DocumentKind = DocumentKind {
    order: NEWEST,
    view: "ReleaseView",
    owner: "ReleaseId",
    noun: "defect",
    is_named: false,
    ..new_kind("defects", "Defects", "Defect")
};

/// The logs of tasks, which are served as part of the task.
pub(crate) static LOGS: DocumentKind =
    DocumentKind { is_audited: false, ..new_kind("tasklogs", "TaskLogs", "TaskLog") };

/// Every kind that is in no space, or is served as part of another.
static OTHER_KINDS: &[&DocumentKind] =
    &[&SPACES, &FEATURES, &NODES, &BRANCHES, &TAGS, &COMMITS, &DEFECTS, &PROCESS_TEMPLATES, &LOGS];

/// The kind served at a segment, given in lower case.
pub(crate) fn kind_by_path(path: &str) -> Option<&'static DocumentKind> {
    KINDS.iter().copied().find(|kind| kind.path == path)
}

/// Every kind.
pub(crate) fn all_kinds() -> impl Iterator<Item = &'static DocumentKind> {
    KINDS.iter().chain(OTHER_KINDS).copied()
}

/// The kind whose ids begin with a prefix.
pub(crate) fn kind_by_prefix(prefix: &str) -> Option<&'static DocumentKind> {
    all_kinds().find(|kind| kind.prefix == prefix)
}

/// Whether an id is that of a snapshot.
pub(crate) fn is_snapshot(id: &str) -> bool {
    id.contains(SNAPSHOT_MARK)
}
