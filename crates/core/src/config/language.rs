//! The language of `workers.toml`: its tables, their keys and the words that some keys accept.

use super::{
    definition::TableDefinition,
    expand::Expanded,
    levels::{AcceptedCode, GateLevel, GatesTable},
    reader::{FileReader, Found, LIST, TableType, ValueType},
    table::{Optional, OrReported, Required, Reserved, TableField, tables},
    values::{
        Clearable, FreeText, FromText, Number, OrFalse, SshPlatform, TableMap, Tables, TextList,
        True, Version, read_items,
    },
};
use crate::{
    desired::{AcceptDate, Declared, MaxDeletes, ProtectedBranchAction, SelectedProcesses},
    finding::Level,
    model::{Execution, Subscription, TentacleUrl, Thumbprint},
    text::pattern::Patterns,
};

use serde_json::{Value, json};
use toml::de::{DeTable, DeValue};

tables! {
    /// The worker pools, workers and step placements of one space on an Octopus Server.
    struct FileTable {
        /// The version of the language: 1.
        version: OrReported<Required<Version>>,
        octopus: Optional<OctopusTable>,
        server: Optional<ServerTable>,
        manage: Optional<ManageTable>,
        gates: Optional<GatesTable>,
        /// Findings that are accepted, each for a reason: the first entry that matches decides.
        accept: Tables<AcceptTable>,
        /// Worker pools, each by a key of your choice.
        pools: TableMap<PoolTable>,
        /// Workers by name. A range `[01..06]` or a list `[a,b,c]` in the name declares a worker
        /// for each item; `{n}` in the worker's texts stands for that item.
        workers: Vec<Expanded<WorkerTable>>,
        /// Rules for steps: the first rule that matches a step decides where it runs.
        placements: Tables<PlacementTable>,
        /// Values of worker pool variables: the first rule that matches a value decides.
        pool_variables: Tables<PoolVariableTable>,
        /// Pools whose workers act for cloud deployment targets: the first rule that matches a
        /// target decides.
        target_pools: Tables<TargetPoolTable>,
        /// Pools and workers to delete from the server, by name.
        removed: Tables<RemovedTable>,
        /// Settings for projects whose processes are stored in Git. Without this table, such
        /// projects are left alone.
        version_control: Optional<VersionControlTable>,
        ocl: Optional<OclTable>,
        include: Reserved,
        vars: Reserved,
        /// The order in which projects move: `--wave 1` applies to the projects of the first wave
        /// only.
        waves: Tables<WaveTable>,
    }

    /// The server and the space. The command line and environment variables take precedence.
    struct OctopusTable {
        /// The server's URL, or `sandbox:` for an in-process sandbox.
        url: Optional<String>,
        /// The space's name, slug or id. Without it, the server's default space.
        space: Optional<String>,
    }

    /// Settings of the server itself, which apply to all of its spaces.
    struct ServerTable {
        /// Whether steps may run on the Octopus Server's built-in worker.
        built_in_worker: Optional<bool>,
    }

    /// How `poolwright ocl` reads a Git working tree.
    struct OclTable {
        /// Folders with a `deployment_process.ocl`, and the name of the project that each belongs
        /// to: `".octopus/web-store" = "Web Store"`.
        folders: Vec<(Declared<String>, Declared<String>)>,
    }

    /// What may be deleted, and how much.
    struct ManageTable {
        /// The kinds of objects to delete from the server unless the file declares them.
        prune: Vec<Declared<PruneKind>>,
        /// Refuse a plan that deletes more than this count, or percentage of pools and workers: "10%".
        /// With `prune`, the default is 10%, and at least 1.
        max_deletes: Optional<MaxDeletes>,
        /// Pools and workers that are never deleted or replaced, by name or wildcard; `!` excludes.
        protect: Optional<Patterns>,
    }

    /// What `prune` may delete.
    enum PruneKind { "pools" => Pools, "workers" => Workers, }

    /// Findings that are accepted instead of refusing a plan. Selectors accept `*`, `?` and a leading
    /// `!`; one that is left out matches everything.
    struct AcceptTable {
        /// The code of the findings, such as empty-pool.
        gate: Required<AcceptedCode>,
        /// Projects by name.
        project: Optional<Patterns>,
        /// Steps by name.
        step: Optional<Patterns>,
        /// Pools by key or name.
        pool: Optional<Patterns>,
        /// Workers by name.
        worker: Optional<Patterns>,
        /// Spaces by name or id.
        space: Optional<Patterns>,
        /// Branches of projects whose processes are stored in Git.
        branch: Optional<Patterns>,
        /// The reason why they are accepted; every plan shows it.
        reason: Required<String>,
        /// The last day on which they are accepted (UTC), such as 2026-12-31.
        until: Optional<AcceptDate>,
    }

    words GateLevel { "deny" => Some(Level::Deny), "warn" => Some(Level::Warn), "allow" => None, }

    /// A worker pool.
    struct PoolTable {
        /// The pool's name on the server. Without it, the key.
        name: Optional<String>,
        /// Former names: a live pool with one of these names is renamed, not replaced.
        renamed_from: Vec<Declared<String>>,
        /// The pool's slug, by which files in Git refer to it: lowercase letters, digits and
        /// hyphens. Without it, Octopus derives it from the name when it creates the pool.
        slug: Optional<String>,
        /// The pool's description.
        description: Optional<FreeText>,
        /// Whether this is the space's default pool, which runs the steps that name no pool.
        default: Optional<bool>,
        /// The image of a dynamic worker pool, such as UbuntuDefault. Leave it out for a static
        /// pool.
        image: Optional<String>,
        /// The pool's position among all pools, counted from 0.
        sort_order: Optional<Number<0, 100_000>>,
        /// `exact` removes workers that the file does not put into the pool; `open` (default) keeps
        /// them.
        members: Optional<PoolMembers>,
        /// Refuse any plan that would delete the pool.
        protect: Optional<bool>,
        /// How many enabled, healthy workers the pool needs while steps are placed in it.
        min_healthy: Optional<Number<0, 100_000>>,
    }

    /// Whether a pool may have workers that the file does not put into it.
    enum PoolMembers { "open" => Open, "exact" => Exact, }

    /// A worker: the pools that it is a member of, and exactly one of listening, polling, ssh and
    /// kubernetes.
    struct WorkerTable {
        /// The static pools that the worker is a member of: keys in this file, or names, slugs or
        /// ids of live pools.
        pools: OrReported<Required<TextList>>,
        kind: WorkerKind,
        /// The machine policy's name, slug or id.
        policy: Optional<String>,
        /// Whether the worker is disabled: it then gets no work.
        disabled: Optional<bool>,
        /// Former names: a live worker with one of these names is renamed, not replaced.
        renamed_from: Vec<Declared<String>>,
        /// Refuse any plan that would delete or replace the worker.
        protect: Optional<bool>,
    }

    /// How a worker is reached.
    enum WorkerKind {
        listening => Listening(ListeningTable),
        polling => Polling(PollingTable),
        ssh => Ssh(SshTable),
        kubernetes => Kubernetes(KubernetesTable),
    }

    /// A Tentacle that the server connects to.
    struct ListeningTable {
        /// The Tentacle's URL: https, with a port (10933 by default).
        url: Required<FromText<TentacleUrl>>,
        /// The thumbprint of the certificate: 40 hexadecimal digits.
        thumbprint: Required<FromText<Thumbprint>>,
        /// The proxy to connect through: its name, slug or id; empty for none.
        proxy: Optional<Clearable>,
    }

    /// A Tentacle that connects to the server. An empty table declares one that registers itself.
    struct PollingTable {
        /// The Tentacle's queue on the server: poll://…/
        subscription: Optional<FromText<Subscription>>,
        /// The thumbprint of the certificate: 40 hexadecimal digits.
        thumbprint: Optional<FromText<Thumbprint>>,
    }

    /// A machine that the server logs in to over SSH.
    struct SshTable {
        /// The machine's host name or address.
        host: Required<String>,
        /// The SSH port; 22 by default.
        port: Optional<Number<1, 65_535>>,
        /// The SSH account to log in with: its name, slug or id.
        account: Required<String>,
        /// The fingerprint of the host's key, as the server shows it.
        fingerprint: Required<String>,
        /// The platform of the .NET runtime to send; empty for Mono, as for a new worker without one.
        platform: Optional<SshPlatform>,
        /// The proxy to connect through: its name, slug or id; empty for none.
        proxy: Optional<Clearable>,
    }

    words SshPlatform {
        "" => Self(""),
        "linux-x64" => Self("linux-x64"),
        "linux-arm64" => Self("linux-arm64"),
        "linux-arm" => Self("linux-arm"),
        "osx-x64" => Self("osx-x64"),
    }

    /// An agent in a Kubernetes cluster. Without `subscription` or `url`, it is one that registers
    /// itself.
    struct KubernetesTable {
        /// The agent's queue on the server, if it polls: poll://…/
        subscription: Optional<FromText<Subscription>>,
        /// The agent's URL, if the server connects to it.
        url: Optional<FromText<TentacleUrl>>,
        /// The thumbprint of the certificate: 40 hexadecimal digits.
        thumbprint: Optional<FromText<Thumbprint>>,
        /// The default namespace for the agent's work; empty for the agent's own.
        namespace: Optional<FreeText>,
    }

    /// A rule: which steps it matches, and where they run. Selectors accept `*`, `?` and a leading
    /// `!`; one that is left out matches everything.
    struct PlacementTable {
        /// The rule's name in plans.
        label: Optional<String>,
        /// Projects by name.
        project: Optional<Patterns>,
        /// Project groups by name.
        project_group: Optional<Patterns>,
        /// Projects with one of these tags, as Set/Tag.
        project_tag: Optional<Patterns>,
        /// Which processes: deployment, runbook or any. The default is deployment, or runbook if
        /// `runbook` is set.
        process: Optional<SelectedProcesses>,
        /// Runbooks by name.
        runbook: Optional<Patterns>,
        /// Steps, or actions inside them, by name.
        step: Optional<Patterns>,
        /// Step types, such as Octopus.Terraform*.
        action_type: Optional<Patterns>,
        /// Steps that are limited to one of these channels, by name.
        channel: Optional<Patterns>,
        /// Where the steps run today: server (the built-in worker), default (no pool is named), target,
        /// variable, or a pool.
        currently: Optional<Vec<Declared<String>>>,
        verdict: OrReported<PlacementChoice>,
        /// How often the steps run: once on a worker, or on a worker for each deployment target.
        /// Without it, steps on deployment targets stay there.
        execution: Optional<Execution>,
        /// The container in which the steps run on the worker; `false` for none.
        container: Optional<OrFalse<ContainerTable>>,
    }

    words SelectedProcesses {
        "deployment" => Self::Deployments,
        "runbook" => Self::Runbooks,
        "any" => Self::Any,
    }

    words Execution { "once" => Self::Once, "per-target" => Self::PerTarget, }

    /// Where the steps of a rule run.
    enum PlacementChoice {
        /// The pool to run in: a key in this file, or a live pool's name, slug or id.
        pool => Pool(String),
        /// The worker pool variable that chooses the pool.
        pool_variable => PoolVariable(String),
        /// Run in the space's default pool, whichever that is.
        default_pool => DefaultPool(True),
        /// Leave these steps alone, and do not try later rules.
        leave => Leave(True),
    }

    /// A container image.
    struct ContainerTable {
        /// The image, with its tag.
        image: Required<String>,
        /// The feed that has the image: its name, slug or id.
        feed: Required<String>,
    }

    /// A value of a worker pool variable. Exact names add the value if it is missing; wildcards
    /// match existing variables only.
    struct PoolVariableTable {
        owner: OwnerChoice,
        /// The variable's name.
        variable: Required<String>,
        /// The environments in which the value applies. Without `environment`, `channel` and
        /// `tenant_tag`, it applies everywhere.
        environment: Vec<Declared<String>>,
        /// The channels in which the value applies.
        channel: Vec<Declared<String>>,
        /// The tenant tags to which the value applies, as Set/Tag.
        tenant_tag: Vec<Declared<String>>,
        verdict: ValueChoice,
    }

    /// The owner of the variables that a rule matches.
    enum OwnerChoice {
        /// Projects that own the variable, by name.
        project => Project(Patterns),
        /// Library variable sets that own the variable, by name.
        library_set => LibrarySet(Patterns),
    }

    /// What to do with a value.
    enum ValueChoice {
        /// The pool to set: a key in this file, or a live pool's name, slug or id.
        pool => Pool(String),
        /// Remove the value.
        remove => Remove(True),
    }

    /// A rule: which cloud deployment targets it matches, and the pool whose workers act for them.
    /// Selectors accept `*`, `?` and a leading `!`; one that is left out matches everything.
    struct TargetPoolTable {
        /// The rule's name in plans.
        label: Optional<String>,
        /// Deployment targets by name.
        target: Optional<Patterns>,
        /// Target tags (roles); one of them is enough.
        target_tag: Optional<Patterns>,
        verdict: TargetPoolChoice,
    }

    /// The pool for a rule's targets.
    enum TargetPoolChoice {
        /// The pool: a key in this file, or a live pool's name, slug or id.
        pool => Pool(String),
        /// The space's default pool, whichever that is.
        default_pool => DefaultPool(True),
        /// Leave these targets alone, and do not try later rules.
        leave => Leave(True),
    }

    /// Settings for projects whose processes are stored in Git: each process that changes is one
    /// commit.
    struct VersionControlTable {
        /// The branches to change: `default` (also if left out) for each project's default branch,
        /// names, and wildcards.
        branch: Optional<Vec<Declared<String>>>,
        /// The message of each commit.
        message: Optional<String>,
        /// What to do with steps on a protected branch: error (default) refuses the plan, skip
        /// leaves them alone, and branch:NAME moves them on that branch, which is created if it is
        /// missing.
        on_protected: Optional<ProtectedBranchAction>,
        /// What to do if a repository cannot be read: error (default) refuses the plan, skip leaves
        /// the project alone.
        on_unreachable: Optional<UnreachableAction>,
    }

    /// What to do if a repository cannot be read.
    enum UnreachableAction { "error" => Refuse, "skip" => Skip, }

    /// A wave: projects whose steps move together. A project belongs to the first wave that matches
    /// it.
    struct WaveTable {
        /// The wave's name; `--wave` accepts it as well as the wave's number.
        label: Optional<String>,
        /// Projects by name; `*` and `?` are wildcards, a leading `!` excludes.
        project: Optional<Patterns>,
        /// Project groups by name.
        project_group: Optional<Patterns>,
    }

    /// A pool or worker to delete by name. Once it is gone, the entry has no effect.
    struct RemovedTable {
        what: RemovalChoice,
    }

    /// The object to delete.
    enum RemovalChoice {
        /// A worker pool's name.
        pool => Pool(String),
        /// A worker's name.
        worker => Worker(String),
    }
}

/// A list of kinds.
impl ValueType for Vec<Declared<PruneKind>> {
    fn read(found: &Found, reader: &mut FileReader) -> Option<Self> {
        let items = reader.expect(found.value, DeValue::as_array, LIST)?;
        Some(read_items(found, items, reader))
    }

    fn schema() -> Value {
        json!({ "type": "array", "items": PruneKind::schema() })
    }
}
