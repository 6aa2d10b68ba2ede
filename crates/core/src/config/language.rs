//! The language of `workers.toml`: its tables and keys.

use super::definition::{
    TableDefinition,
    ValueShape::{
        CountOrPercent, Flag, FreeText, List, Map, Number, Reserved, Table as Inner, Tables, Text,
        Texts, True, Version, Word, Words,
    },
    optional_key, required_key,
};

/// The whole file.
pub(super) const FILE: TableDefinition = TableDefinition {
    doc: "Worker pools, workers and step placements of one space of one Octopus Server.",
    keys: &[
        required_key("version", Version, "The version of the language: 1."),
        optional_key("octopus", Inner(&OCTOPUS), "Which server and which space."),
        optional_key("server", Inner(&SERVER), "Switches of the server itself."),
        optional_key("manage", Inner(&MANAGE), "What may be deleted, and how much of it."),
        optional_key(
            "gates",
            Inner(&GATES),
            "What each gate weighs: deny (default), warn or allow.",
        ),
        optional_key("pools", Map(&POOL), "Worker pools, each by a key of your choice."),
        optional_key(
            "workers",
            Map(&WORKER),
            "Workers by name. A range in the name, `[01..06]` or `[a,b,c]`, makes one of each; `{n}` in its texts is then the part that differs.",
        ),
        optional_key(
            "placements",
            Tables(&PLACEMENT),
            "Rules: the first that matches a step decides where it runs.",
        ),
        optional_key(
            "pool_variables",
            Tables(&POOL_VARIABLE),
            "Values of variables of type worker pool: the first rule about a value decides.",
        ),
        optional_key(
            "target_pools",
            Tables(&TARGET_POOL),
            "Pools whose workers act for deployment targets in a cloud: the first rule that matches a target decides.",
        ),
        optional_key("removed", Tables(&REMOVED), "Live things to delete by name."),
        optional_key(
            "version_control",
            Inner(&VERSION_CONTROL),
            "Projects whose processes are stored in Git; they are left alone where this is left out.",
        ),
        optional_key("include", Reserved, ""),
        optional_key("vars", Reserved, ""),
        optional_key(
            "waves",
            Tables(&WAVE),
            "Which projects move when: `--wave 1` is about those of the first wave alone.",
        ),
    ],
    one_of: &[],
};

const OCTOPUS: TableDefinition = TableDefinition {
    doc: "Which server and which space. The command line and the environment come first.",
    keys: &[
        optional_key("url", Text, "The server's URL, or `sandbox:` for one inside the process."),
        optional_key(
            "space",
            Text,
            "The space: its name, slug or id; the server's default space where it is left out.",
        ),
    ],
    one_of: &[],
};

const SERVER: TableDefinition = TableDefinition {
    doc: "Switches of the server itself, for all of its spaces.",
    keys: &[optional_key(
        "built_in_worker",
        Flag,
        "Whether steps may run on the Octopus Server's built-in worker.",
    )],
    one_of: &[],
};

/// What `prune` may delete.
const PRUNE: [&str; 2] = ["pools", "workers"];

const MANAGE: TableDefinition = TableDefinition {
    doc: "What may be deleted, and how much of it.",
    keys: &[
        optional_key(
            "prune",
            Words(&PRUNE),
            "Delete what is live and not declared, of these kinds.",
        ),
        optional_key(
            "max_deletes",
            CountOrPercent,
            "A plan that deletes more is refused: a count, or a percentage of all live pools and workers such as \"10%\".",
        ),
    ],
    one_of: &[],
};

const LEVELS: [&str; 3] = ["deny", "warn", "allow"];

/// The gates; their keys are the codes of `desired::Gate`, which a test holds.
pub(super) const GATES: TableDefinition = TableDefinition {
    doc: "What each gate weighs: deny (default), warn or allow.",
    keys: &[
        optional_key(
            "built-in-worker-in-use",
            Word(&LEVELS),
            "Switching the built-in worker off while a step would still need it.",
        ),
        optional_key(
            "empty-pool",
            Word(&LEVELS),
            "Placing a step in a pool that would have no enabled worker.",
        ),
        optional_key(
            "unhealthy-pool",
            Word(&LEVELS),
            "Placing a step in a pool with no healthy worker.",
        ),
        optional_key("pool-in-use", Word(&LEVELS), "Deleting a pool that something points at."),
        optional_key("too-many-deletes", Word(&LEVELS), "More deletes than `max_deletes`."),
        optional_key(
            "default-pool-member",
            Word(&LEVELS),
            "Putting a worker into the default pool.",
        ),
        optional_key("protected", Word(&LEVELS), "Deleting or replacing what `protect` covers."),
    ],
    one_of: &[],
};

const POOL: TableDefinition = TableDefinition {
    doc: "A worker pool.",
    keys: &[
        optional_key("name", Text, "Its name on the server; the key where it is left out."),
        optional_key(
            "renamed_from",
            Texts,
            "Names that it had: a live pool of such a name is renamed, not replaced.",
        ),
        optional_key("description", FreeText, "Its description."),
        optional_key(
            "default",
            Flag,
            "Whether it shall be the space's default pool, in which steps run that name no pool.",
        ),
        optional_key(
            "image",
            Text,
            "The image of a dynamic worker pool, such as UbuntuDefault; a static pool has none.",
        ),
        optional_key(
            "sort_order",
            Number(0, 100_000),
            "Its position among all pools, counted from 0.",
        ),
        optional_key(
            "members",
            Word(&["open", "exact"]),
            "`exact`: workers that the file does not put into the pool leave it.",
        ),
        optional_key("protect", Flag, "Never delete it: a plan that would is refused."),
        optional_key(
            "min_healthy",
            Number(0, 100_000),
            "How many enabled, healthy workers it needs while steps are placed in it.",
        ),
    ],
    one_of: &[],
};

/// The kinds of worker.
pub(super) const KINDS: [&str; 4] = ["listening", "polling", "ssh", "kubernetes"];

const WORKER: TableDefinition = TableDefinition {
    doc: "A worker: exactly one of listening, polling, ssh and kubernetes, and the pools that it is a member of.",
    keys: &[
        required_key(
            "pools",
            List,
            "The static pools that it is a member of: keys of this file, or names, slugs or ids of live pools.",
        ),
        optional_key("listening", Inner(&LISTENING), "A Tentacle that the server calls."),
        optional_key(
            "polling",
            Inner(&POLLING),
            "A Tentacle that calls the server; empty for one that registers itself.",
        ),
        optional_key("ssh", Inner(&SSH), "A machine that the server logs in to."),
        optional_key(
            "kubernetes",
            Inner(&KUBERNETES),
            "An agent in a Kubernetes cluster; without subscription or url one that registers itself.",
        ),
        optional_key("policy", Text, "Its machine policy: name, slug or id."),
        optional_key("disabled", Flag, "Whether it gets no work."),
        optional_key(
            "renamed_from",
            Texts,
            "Names that it had: a live worker of such a name is renamed, not replaced.",
        ),
        optional_key("protect", Flag, "Never delete or replace it: a plan that would is refused."),
    ],
    one_of: &[&KINDS],
};

const THUMBPRINT: &str = "The certificate's thumbprint: 40 hexadecimal digits.";

const LISTENING: TableDefinition = TableDefinition {
    doc: "A Tentacle that the server calls.",
    keys: &[
        required_key(
            "url",
            Text,
            "Where it listens: https, with a port (10933 where it is left out).",
        ),
        required_key("thumbprint", Text, THUMBPRINT),
        optional_key("proxy", Text, "The proxy on the way: name, slug or id."),
    ],
    one_of: &[],
};

const POLLING: TableDefinition = TableDefinition {
    doc: "A Tentacle that calls the server.",
    keys: &[
        optional_key("subscription", Text, "Its queue on the server: poll://…/"),
        optional_key("thumbprint", Text, THUMBPRINT),
    ],
    one_of: &[],
};

const SSH: TableDefinition = TableDefinition {
    doc: "A machine that the server logs in to.",
    keys: &[
        required_key("host", Text, "Its host name or address."),
        optional_key("port", Number(1, 65_535), "Its port; 22 where it is left out."),
        required_key("account", Text, "The SSH account to log in with: name, slug or id."),
        required_key(
            "fingerprint",
            Text,
            "The fingerprint of the host's key, as the server shows it.",
        ),
        optional_key(
            "platform",
            Word(&["linux-x64", "linux-arm64", "linux-arm", "osx-x64"]),
            "The platform of the .NET runtime to send; Mono is used where a new worker has none.",
        ),
        optional_key("proxy", Text, "The proxy on the way: name, slug or id."),
    ],
    one_of: &[],
};

const KUBERNETES: TableDefinition = TableDefinition {
    doc: "An agent in a Kubernetes cluster.",
    keys: &[
        optional_key("subscription", Text, "Its queue on the server, where it polls: poll://…/"),
        optional_key("url", Text, "Where it listens, where the server calls it."),
        optional_key("thumbprint", Text, THUMBPRINT),
        optional_key(
            "namespace",
            FreeText,
            "The default namespace of what it runs; empty for its own.",
        ),
    ],
    one_of: &[],
};

/// The verdicts of a rule.
pub(super) const VERDICTS: [&str; 4] = ["pool", "pool_variable", "default_pool", "leave"];

const PLACEMENT: TableDefinition = TableDefinition {
    doc: "A rule: which steps, and where they run. Selectors take `*`, `?` and a leading `!`; one that is left out matches everything.",
    keys: &[
        optional_key("label", Text, "What the rule is called in plans."),
        optional_key("project", Texts, "Projects by name."),
        optional_key("project_group", Texts, "Project groups by name."),
        optional_key("project_tag", Texts, "Projects that have such a tag, as Set/Tag."),
        optional_key(
            "process",
            Word(&["deployment", "runbook", "any"]),
            "Which processes: deployment where it is left out, or runbook where `runbook` is said.",
        ),
        optional_key("runbook", Texts, "Runbooks by name."),
        optional_key("step", Texts, "Steps, or actions inside them, by name."),
        optional_key("action_type", Texts, "Types of step, such as Octopus.Terraform*."),
        optional_key("channel", Texts, "Steps that are limited to such a channel, by name."),
        optional_key(
            "currently",
            Texts,
            "Where the steps run today: server (the built-in worker), default (no pool is named), target, variable, or a pool.",
        ),
        optional_key(
            "pool",
            Text,
            "The pool to run in: a key of this file, or a live pool's name, slug or id.",
        ),
        optional_key("pool_variable", Text, "The variable of type worker pool that chooses."),
        optional_key("default_pool", True, "Run in the space's default pool, whichever that is."),
        optional_key("leave", True, "Do not manage these steps, and ask no later rule."),
        optional_key(
            "execution",
            Word(&["once", "per-target"]),
            "Once on a worker, or on a worker for each deployment target. Without it, steps on deployment targets stay there.",
        ),
        optional_key(
            "container",
            Inner(&CONTAINER),
            "The container in which the steps run on their worker.",
        ),
    ],
    one_of: &[&VERDICTS],
};

const CONTAINER: TableDefinition = TableDefinition {
    doc: "A container image.",
    keys: &[
        required_key("image", Text, "The image, with its tag."),
        required_key("feed", Text, "The feed that has it: name, slug or id."),
    ],
    one_of: &[],
};

const POOL_VARIABLE: TableDefinition = TableDefinition {
    doc: "A value of a variable of type worker pool. What is named exactly gets the value where it lacks it; wildcards find the variables that are there.",
    keys: &[
        optional_key("project", Texts, "Projects whose variable it is, by name."),
        optional_key("library_set", Texts, "Library variable sets whose variable it is, by name."),
        required_key("variable", Text, "The variable's name."),
        optional_key(
            "environment",
            Texts,
            "The environments in which the value holds; with none of the three, it holds everywhere.",
        ),
        optional_key("channel", Texts, "The channels in which the value holds."),
        optional_key("tenant_tag", Texts, "The tenant tags for which the value holds, as Set/Tag."),
        optional_key(
            "pool",
            Text,
            "The pool that is the value: a key of this file, or a live pool's name, slug or id.",
        ),
        optional_key("remove", True, "There shall be no such value."),
    ],
    one_of: &[&["project", "library_set"], &["pool", "remove"]],
};

const TARGET_POOL: TableDefinition = TableDefinition {
    doc: "A rule: which deployment targets in a cloud, and the pool whose workers act for them. Selectors take `*`, `?` and a leading `!`; one that is left out matches everything.",
    keys: &[
        optional_key("label", Text, "What the rule is called in plans."),
        optional_key("target", Texts, "Deployment targets by name."),
        optional_key("target_tag", Texts, "Target tags (roles), of which one is enough."),
        optional_key(
            "pool",
            Text,
            "The pool: a key of this file, or a live pool's name, slug or id.",
        ),
        optional_key("default_pool", True, "The space's default pool, whichever that is."),
        optional_key("leave", True, "Do not manage these targets, and ask no later rule."),
    ],
    one_of: &[&["pool", "default_pool", "leave"]],
};

const VERSION_CONTROL: TableDefinition = TableDefinition {
    doc: "Projects whose processes are stored in Git: one commit for each process that changes.",
    keys: &[
        optional_key(
            "branch",
            Texts,
            "The branches: `default` for each project's default branch, names, and wildcards. `default` where it is left out.",
        ),
        optional_key("message", Text, "What each commit says."),
        optional_key(
            "on_protected",
            Text,
            "What becomes of steps on a protected branch: error (default) refuses the plan, skip leaves them, and branch:NAME moves them on that branch, which is made where it is missing.",
        ),
        optional_key(
            "on_unreachable",
            Word(&["error", "skip"]),
            "What becomes of a plan where a repository cannot be read: error (default) refuses it, skip leaves that project.",
        ),
    ],
    one_of: &[],
};

const WAVE: TableDefinition = TableDefinition {
    doc: "A wave: projects whose steps move together. A project is in the first wave that matches it.",
    keys: &[
        optional_key(
            "label",
            Text,
            "What the wave is called; `--wave` takes it as well as its number.",
        ),
        optional_key(
            "project",
            Texts,
            "Projects by name; `*` and `?` are wildcards, a leading `!` excludes.",
        ),
        optional_key("project_group", Texts, "Project groups by name."),
    ],
    one_of: &[],
};

const REMOVED: TableDefinition = TableDefinition {
    doc: "A live thing to delete by name; nothing happens once it is gone.",
    keys: &[
        optional_key("pool", Text, "A worker pool's name."),
        optional_key("worker", Text, "A worker's name."),
    ],
    one_of: &[&["pool", "worker"]],
};
