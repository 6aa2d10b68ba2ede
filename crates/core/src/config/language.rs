//! The language of `workers.toml`: its tables, their keys and the words that some of them take.

use super::{
    definition::TableDefinition,
    expand::Expanded,
    reader::{FileReader, Found, LIST, TableType, ValueType},
    table::{Optional, OrReported, Required, Reserved, TableField, tables},
    values::{FreeText, FromText, Number, TableMap, Tables, TextList, True, Version, read_items},
};
use crate::{
    desired::{Declared, Gate, MaxDeletes, ProtectedBranchAction, SelectedProcesses},
    finding::Level,
    model::{Execution, Subscription, TentacleUrl, Thumbprint},
    text::pattern::Patterns,
};

use serde_json::{Value, json};
use toml::de::{DeTable, DeValue};

tables! {
    /// Worker pools, workers and step placements of one space of one Octopus Server.
    struct FileTable {
        /// The version of the language: 1.
        version: OrReported<Required<Version>>,
        octopus: Optional<OctopusTable>,
        server: Optional<ServerTable>,
        manage: Optional<ManageTable>,
        gates: Optional<GatesTable>,
        /// Worker pools, each by a key of your choice.
        pools: TableMap<PoolTable>,
        /// Workers by name. A range in the name, `[01..06]` or `[a,b,c]`, makes one of each; `{n}` in
        /// its texts is then the part that differs.
        workers: Vec<Expanded<WorkerTable>>,
        /// Rules: the first that matches a step decides where it runs.
        placements: Tables<PlacementTable>,
        /// Values of variables of type worker pool: the first rule about a value decides.
        pool_variables: Tables<PoolVariableTable>,
        /// Pools whose workers act for deployment targets in a cloud: the first rule that matches a
        /// target decides.
        target_pools: Tables<TargetPoolTable>,
        /// Live things to delete by name.
        removed: Tables<RemovedTable>,
        /// Projects whose processes are stored in Git; they are left alone where this is left out.
        version_control: Optional<VersionControlTable>,
        include: Reserved,
        vars: Reserved,
        /// Which projects move when: `--wave 1` is about those of the first wave alone.
        waves: Tables<WaveTable>,
    }

    /// Which server and which space. The command line and the environment come first.
    struct OctopusTable {
        /// The server's URL, or `sandbox:` for one inside the process.
        url: Optional<String>,
        /// The space: its name, slug or id; the server's default space where it is left out.
        space: Optional<String>,
    }

    /// Switches of the server itself, for all of its spaces.
    struct ServerTable {
        /// Whether steps may run on the Octopus Server's built-in worker.
        built_in_worker: Optional<bool>,
    }

    /// What may be deleted, and how much of it.
    struct ManageTable {
        /// Delete what is live and not declared, of these kinds.
        prune: Vec<Declared<PruneKind>>,
        /// A plan that deletes more is refused: a count, or a percentage of all live pools and workers
        /// such as "10%".
        max_deletes: Optional<MaxDeletes>,
    }

    /// What `prune` may delete.
    enum PruneKind { "pools" => Pools, "workers" => Workers, }

    words GateLevel { "deny" => Some(Level::Deny), "warn" => Some(Level::Warn), "allow" => None, }

    /// A worker pool.
    struct PoolTable {
        /// Its name on the server; the key where it is left out.
        name: Optional<String>,
        /// Names that it had: a live pool of such a name is renamed, not replaced.
        renamed_from: Vec<Declared<String>>,
        /// Its description.
        description: Optional<FreeText>,
        /// Whether it is to be the space's default pool, in which steps run that name no pool.
        default: Optional<bool>,
        /// The image of a dynamic worker pool, such as UbuntuDefault; a static pool has none.
        image: Optional<String>,
        /// Its position among all pools, counted from 0.
        sort_order: Optional<Number<0, 100_000>>,
        /// `exact`: workers that the file does not put into the pool leave it.
        members: Optional<PoolMembers>,
        /// Never delete it: a plan that would is refused.
        protect: Optional<bool>,
        /// How many enabled, healthy workers it needs while steps are placed in it.
        min_healthy: Optional<Number<0, 100_000>>,
    }

    /// Whether a pool may have workers that the file does not put into it.
    enum PoolMembers { "open" => Open, "exact" => Exact, }

    /// A worker: exactly one of listening, polling, ssh and kubernetes, and the pools that it is a
    /// member of.
    struct WorkerTable {
        /// The static pools that it is a member of: keys of this file, or names, slugs or ids of live
        /// pools.
        pools: OrReported<Required<TextList>>,
        kind: WorkerKind,
        /// Its machine policy: name, slug or id.
        policy: Optional<String>,
        /// Whether it gets no work.
        disabled: Optional<bool>,
        /// Names that it had: a live worker of such a name is renamed, not replaced.
        renamed_from: Vec<Declared<String>>,
        /// Never delete or replace it: a plan that would is refused.
        protect: Optional<bool>,
    }

    /// How a worker is reached.
    enum WorkerKind {
        listening => Listening(ListeningTable),
        polling => Polling(PollingTable),
        ssh => Ssh(SshTable),
        kubernetes => Kubernetes(KubernetesTable),
    }

    /// A Tentacle that the server calls.
    struct ListeningTable {
        /// Where it listens: https, with a port (10933 where it is left out).
        url: Required<FromText<TentacleUrl>>,
        /// The certificate's thumbprint: 40 hexadecimal digits.
        thumbprint: Required<FromText<Thumbprint>>,
        /// The proxy on the way: name, slug or id.
        proxy: Optional<String>,
    }

    /// A Tentacle that calls the server; empty for one that registers itself.
    struct PollingTable {
        /// Its queue on the server: poll://…/
        subscription: Optional<FromText<Subscription>>,
        /// The certificate's thumbprint: 40 hexadecimal digits.
        thumbprint: Optional<FromText<Thumbprint>>,
    }

    /// A machine that the server logs in to.
    struct SshTable {
        /// Its host name or address.
        host: Required<String>,
        /// Its port; 22 where it is left out.
        port: Optional<Number<1, 65_535>>,
        /// The SSH account to log in with: name, slug or id.
        account: Required<String>,
        /// The fingerprint of the host's key, as the server shows it.
        fingerprint: Required<String>,
        /// The platform of the .NET runtime to send; Mono is used where a new worker has none.
        platform: Optional<SshPlatform>,
        /// The proxy on the way: name, slug or id.
        proxy: Optional<String>,
    }

    words SshPlatform {
        "linux-x64" => Self("linux-x64"),
        "linux-arm64" => Self("linux-arm64"),
        "linux-arm" => Self("linux-arm"),
        "osx-x64" => Self("osx-x64"),
    }

    /// An agent in a Kubernetes cluster; without subscription or url one that registers itself.
    struct KubernetesTable {
        /// Its queue on the server, where it polls: poll://…/
        subscription: Optional<FromText<Subscription>>,
        /// Where it listens, where the server calls it.
        url: Optional<FromText<TentacleUrl>>,
        /// The certificate's thumbprint: 40 hexadecimal digits.
        thumbprint: Optional<FromText<Thumbprint>>,
        /// The default namespace of what it runs; empty for its own.
        namespace: Optional<FreeText>,
    }

    /// A rule: which steps, and where they run. Selectors take `*`, `?` and a leading `!`; one that is
    /// left out matches everything.
    struct PlacementTable {
        /// What the rule is called in plans.
        label: Optional<String>,
        /// Projects by name.
        project: Optional<Patterns>,
        /// Project groups by name.
        project_group: Optional<Patterns>,
        /// Projects that have such a tag, as Set/Tag.
        project_tag: Optional<Patterns>,
        /// Which processes: deployment where it is left out, or runbook where `runbook` is given.
        process: Optional<SelectedProcesses>,
        /// Runbooks by name.
        runbook: Optional<Patterns>,
        /// Steps, or actions inside them, by name.
        step: Optional<Patterns>,
        /// Types of step, such as Octopus.Terraform*.
        action_type: Optional<Patterns>,
        /// Steps that are limited to such a channel, by name.
        channel: Optional<Patterns>,
        /// Where the steps run today: server (the built-in worker), default (no pool is named), target,
        /// variable, or a pool.
        currently: Optional<Vec<Declared<String>>>,
        verdict: OrReported<PlacementChoice>,
        /// Once on a worker, or on a worker for each deployment target. Without it, steps on deployment
        /// targets stay there.
        execution: Optional<Execution>,
        /// The container in which the steps run on their worker.
        container: Optional<ContainerTable>,
    }

    words SelectedProcesses {
        "deployment" => Self::Deployments,
        "runbook" => Self::Runbooks,
        "any" => Self::Any,
    }

    words Execution { "once" => Self::Once, "per-target" => Self::PerTarget, }

    /// Where the steps of a rule run.
    enum PlacementChoice {
        /// The pool to run in: a key of this file, or a live pool's name, slug or id.
        pool => Pool(String),
        /// The variable of type worker pool that chooses.
        pool_variable => PoolVariable(String),
        /// Run in the space's default pool, whichever that is.
        default_pool => DefaultPool(True),
        /// Do not manage these steps, and ask no later rule.
        leave => Leave(True),
    }

    /// A container image.
    struct ContainerTable {
        /// The image, with its tag.
        image: Required<String>,
        /// The feed that has it: name, slug or id.
        feed: Required<String>,
    }

    /// A value of a variable of type worker pool. What is named exactly gets the value where it lacks
    /// it; wildcards find the variables that are there.
    struct PoolVariableTable {
        owner: OwnerChoice,
        /// The variable's name.
        variable: Required<String>,
        /// The environments in which the value holds; with none of the three, it holds everywhere.
        environment: Vec<Declared<String>>,
        /// The channels in which the value holds.
        channel: Vec<Declared<String>>,
        /// The tenant tags for which the value holds, as Set/Tag.
        tenant_tag: Vec<Declared<String>>,
        verdict: ValueChoice,
    }

    /// Whose variables a rule is about.
    enum OwnerChoice {
        /// Projects whose variable it is, by name.
        project => Project(Patterns),
        /// Library variable sets whose variable it is, by name.
        library_set => LibrarySet(Patterns),
    }

    /// What becomes of a value.
    enum ValueChoice {
        /// The pool that is the value: a key of this file, or a live pool's name, slug or id.
        pool => Pool(String),
        /// Remove the value.
        remove => Remove(True),
    }

    /// A rule: which deployment targets in a cloud, and the pool whose workers act for them. Selectors
    /// take `*`, `?` and a leading `!`; one that is left out matches everything.
    struct TargetPoolTable {
        /// What the rule is called in plans.
        label: Optional<String>,
        /// Deployment targets by name.
        target: Optional<Patterns>,
        /// Target tags (roles), of which one is enough.
        target_tag: Optional<Patterns>,
        verdict: TargetPoolChoice,
    }

    /// The pool of the targets of a rule.
    enum TargetPoolChoice {
        /// The pool: a key of this file, or a live pool's name, slug or id.
        pool => Pool(String),
        /// The space's default pool, whichever that is.
        default_pool => DefaultPool(True),
        /// Do not manage these targets, and ask no later rule.
        leave => Leave(True),
    }

    /// Projects whose processes are stored in Git: one commit for each process that changes.
    struct VersionControlTable {
        /// The branches: `default` for each project's default branch, names, and wildcards. `default`
        /// where it is left out.
        branch: Optional<Vec<Declared<String>>>,
        /// The message of each commit.
        message: Optional<String>,
        /// What becomes of steps on a protected branch: error (default) refuses the plan, skip leaves
        /// them, and branch:NAME moves them on that branch, which is made where it is missing.
        on_protected: Optional<ProtectedBranchAction>,
        /// What becomes of a plan where a repository cannot be read: error (default) refuses it, skip
        /// leaves that project.
        on_unreachable: Optional<UnreachableAction>,
    }

    /// What becomes of a plan where a repository cannot be read.
    enum UnreachableAction { "error" => Refuse, "skip" => Skip, }

    /// A wave: projects whose steps move together. A project is in the first wave that matches it.
    struct WaveTable {
        /// What the wave is called; `--wave` takes it as well as its number.
        label: Optional<String>,
        /// Projects by name; `*` and `?` are wildcards, a leading `!` excludes.
        project: Optional<Patterns>,
        /// Project groups by name.
        project_group: Optional<Patterns>,
    }

    /// A live thing to delete by name; nothing happens once it is gone.
    struct RemovedTable {
        what: RemovalChoice,
    }

    /// What is deleted.
    enum RemovalChoice {
        /// A worker pool's name.
        pool => Pool(String),
        /// A worker's name.
        worker => Worker(String),
    }
}

/// A platform of the .NET runtime.
#[derive(Debug)]
pub(super) struct SshPlatform(pub(super) &'static str);

/// What each gate weighs; every one of [`Gate::ALL`] is a key.
#[derive(Debug)]
pub(super) struct GatesTable(pub(super) Vec<(Gate, Declared<GateLevel>)>);

/// What a gate weighs: `None` is "allow".
pub(super) type GateLevel = Option<Level>;

impl TableType for GatesTable {
    fn define() -> TableDefinition {
        let doc = "What each gate weighs: deny (default), warn or allow.";
        let mut table = TableDefinition { doc, keys: Vec::new(), choices: Vec::new() };
        for code in Gate::ALL.map(Gate::code) {
            Optional::<GateLevel>::define(&mut table, code.as_str(), code.meaning());
        }
        table
    }

    fn read_fields(table: &DeTable, reader: &mut FileReader) -> Option<Self> {
        let read = |gate: Gate| Some((gate, reader.read_key(gate.code().as_str(), table)?));
        Some(Self(Gate::ALL.into_iter().filter_map(read).collect()))
    }
}

/// A list of some of these words.
impl ValueType for Vec<Declared<PruneKind>> {
    fn read(found: &Found, reader: &mut FileReader) -> Option<Self> {
        let items = reader.expect(found.value, DeValue::as_array, LIST)?;
        Some(read_items(found, items, reader))
    }

    fn schema() -> Value {
        json!({ "type": "array", "items": PruneKind::schema() })
    }
}
