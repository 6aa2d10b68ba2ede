//! What has to be read of a server: one function for each question that a command asks.
//!
//! A file about workers alone reads no project, and only what empties or deletes a pool needs every variable. The
//! types cannot be built in another crate, so that nothing else decides what is read. Never: I/O.

mod comparison;
mod planned_writes;

pub use planned_writes::PlannedWrites;

use crate::{
    desired::{
        Desired, DesiredEndpoint, PlacementRule, PlacementVerdict, ProtectedBranchAction,
        VersionControl,
    },
    model::Place,
};

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What has to be read of a server to answer a question, and no more. The default reads the pools alone.
///
/// Other crates ask one of the questions below; they cannot put a scope together:
///
/// ```compile_fail,E0639
/// use poolwright_core::scope::ReadScope;
/// let scope = ReadScope { workers: true, ..ReadScope::default() };
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ReadScope {
    /// The workers of the space.
    pub workers: bool,
    /// Machine policies.
    pub policies: bool,
    /// SSH accounts.
    pub accounts: bool,
    /// Proxies.
    pub proxies: bool,
    /// Feeds.
    pub feeds: bool,
    /// The list of images for dynamic pools.
    pub images: bool,
    /// Deployment processes.
    pub deployments: bool,
    /// Runbook processes.
    pub runbooks: bool,
    /// Variables and targets, where a pool that they may point at is to be deleted.
    #[serde(rename = "pointers")]
    pub references: bool,
    /// The names of the channels to which steps are limited.
    pub channels: bool,
    /// The names of all channels, even if no step is limited to one.
    pub every_channel: bool,
    /// What the scopes of variables can refer to, by name.
    pub scope_names: bool,
    /// The steps inside the process templates that processes use.
    pub templates: bool,
    /// Published snapshots, the newest release of each channel, and all branches: what is read for its uses
    /// of pools alone.
    #[serde(rename = "editions")]
    pub snapshots: bool,
    /// The built-in worker's switch.
    pub features: bool,
    /// The built-in worker's switch, as far as the key may see it: what a gate would like to know.
    #[serde(rename = "fallback")]
    pub features_if_visible: bool,
    /// The other spaces' steps.
    #[serde(rename = "elsewhere")]
    pub other_spaces: bool,
    /// The one project of which alone processes and variables are read, by name, slug or id; none for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Processes that are stored in Git; none where they are left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git: Option<GitScope>,
}

/// Which branches of version-controlled projects are read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct GitScope {
    /// Names and wildcards, as the file says them; `default` is each project's default branch.
    pub branches: Vec<String>,
    /// The branch that takes what a protected one may not.
    pub instead_of_protected: Option<String>,
    /// Whether a repository that cannot be read is passed over.
    pub skip_unreachable: bool,
}

/// What an apply has changed, as far as it matters for what its rollback has to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UndoneChanges {
    /// Workers.
    pub workers: bool,
    /// Placements of steps.
    pub placements: bool,
    /// Placements by a variable.
    pub placed_by_variable: bool,
    /// Values of pool variables.
    pub variables: bool,
    /// Pools of deployment targets.
    pub targets: bool,
    /// The server's switches.
    pub server: bool,
    /// Pools that were created, and are to be deleted again.
    pub created_pools: bool,
    /// The branches that were written to.
    pub branches: BTreeSet<String>,
}

/// The permissions without which [`ReadScope::for_pull`] reads less.
pub const PULL_PERMISSIONS: [&str; 5] =
    ["WorkerView", "ProcessView", "MachinePolicyView", "AccountView", "ProxyView"];

impl ReadScope {
    /// What a plan of this file needs.
    pub fn for_plan(desired: &Desired) -> Self {
        let endpoints = || desired.workers.values().map(|worker| &worker.endpoint.value);
        let rules = || desired.rules.iter().map(|rule| &rule.value);
        let pools = || desired.pools.values();
        let deletes_pools = desired.may_delete_pools();
        let switches_off = desired.built_in_worker.as_ref().is_some_and(|it| !it.value);
        // Who deletes a pool, switches the built-in worker off or guards a pool asks about every step.
        let every_step =
            deletes_pools || switches_off || pools().any(|pool| pool.min_healthy().is_some());
        Self {
            workers: desired.concerns_workers()
                || deletes_pools
                || desired.policy.protect.is_some()
                || desired.built_in_worker.is_some()
                || pools().any(|pool| pool.default.is_some())
                || desired.sets_indirect_pools()
                || rules().any(looks_at_workers),
            policies: !desired.workers.is_empty(),
            accounts: endpoints().any(|endpoint| matches!(endpoint, DesiredEndpoint::Ssh { .. })),
            proxies: endpoints().any(|it| it.proxy().is_some_and(|proxy| !proxy.is_empty())),
            feeds: rules().any(|rule| match &rule.verdict {
                PlacementVerdict::Place(target) => target.container.is_some(),
                PlacementVerdict::Leave => false,
            }),
            images: pools().any(|pool| pool.image().is_some()),
            deployments: every_step || rules().any(|rule| rule.select.processes.has_deployments()),
            runbooks: every_step || rules().any(|rule| rule.select.processes.has_runbooks()),
            // A variable may send its steps to the pool that is in question, and a target's pool comes before
            // the default one.
            references: every_step
                || rules().any(|rule| targets_variable(rule) || targets_default_pool(rule))
                // So may a variable send a step to the pool of the built-in worker.
                || rules().any(asks_for_server)
                || desired.sets_indirect_pools(),
            channels: rules().any(|rule| rule.select.channel.is_some()),
            every_channel: rules().any(|rule| rule.select.channel.is_some()),
            scope_names: desired.values.iter().any(|rule| !rule.scope.is_unscoped()),
            templates: every_step,
            snapshots: every_step,
            features: desired.built_in_worker.is_some(),
            features_if_visible: pools().any(|pool| pool.default.is_some())
                || rules().any(targets_default_pool),
            other_spaces: switches_off,
            project: None,
            git: desired.version_control.as_ref().map(|it| GitScope::from_file(it)),
        }
    }

    /// The same for a plan that turns out to concern every step: what empties a pool, or makes another the default
    /// one, has to know the steps that run there.
    pub fn widened(&self) -> Self {
        Self {
            workers: true,
            deployments: true,
            runbooks: true,
            references: true,
            templates: true,
            snapshots: true,
            features_if_visible: true,
            ..self.clone()
        }
    }

    /// What keeps its old pools although a plan moves steps. The plan relies on nothing of it.
    pub fn for_snapshots() -> Self {
        Self { snapshots: true, ..Self::default() }
    }

    /// What the rollback of these changes needs.
    pub fn for_rollback(undone: &UndoneChanges) -> Self {
        let indirect = undone.variables || undone.targets;
        let steps = undone.placements || indirect || undone.created_pools || undone.server;
        let git = GitScope {
            branches: undone.branches.iter().cloned().collect(),
            instead_of_protected: None,
            skip_unreachable: true,
        };
        Self {
            workers: true,
            policies: undone.workers,
            accounts: undone.workers,
            proxies: undone.workers,
            feeds: undone.placements,
            deployments: steps,
            runbooks: steps,
            references: undone.created_pools || undone.placed_by_variable || indirect,
            scope_names: undone.variables,
            snapshots: undone.created_pools,
            features: undone.server,
            features_if_visible: true,
            git: (!git.branches.is_empty()).then_some(git),
            ..Self::default()
        }
    }

    /// Everything that a file can say, except for what a key that lacks some of [`PULL_PERMISSIONS`] could not plan
    /// with. `kept` is the file that is brought up to date, where there is one.
    ///
    /// Feeds are read for a file that has containers; a pulled one has none. No rule places what is inside a
    /// template.
    pub fn for_pull(lacking: &[&str], kept: Option<&Desired>) -> Self {
        let can_view = |permission| !lacking.contains(&permission);
        let workers = can_view("WorkerView");
        let steps = workers && can_view("ProcessView");
        let kept = kept.map(Self::for_plan);
        let git = match &kept {
            Some(kept) => kept.git.clone().unwrap_or_default(),
            None => GitScope::default_branches(),
        };
        Self {
            workers,
            policies: workers && can_view("MachinePolicyView"),
            accounts: workers && can_view("AccountView"),
            proxies: workers && can_view("ProxyView"),
            feeds: kept.is_some_and(|kept| kept.feeds),
            images: true,
            deployments: steps,
            runbooks: steps,
            // A plan of pool variables looks at the workers of their pools.
            references: workers,
            channels: true,
            scope_names: workers,
            features_if_visible: true,
            git: steps.then_some(git),
            ..Self::default()
        }
    }

    /// What a plan with these writes needs before it is applied: what it was made from, and whatever its writes need,
    /// since a saved plan may state too little.
    pub fn for_apply(&self, writes: PlannedWrites) -> Self {
        let every_step = writes.deletes_pools || writes.switches_off;
        Self {
            workers: self.workers || writes.workers || writes.destinations || every_step,
            policies: self.policies || writes.workers,
            feeds: self.feeds || writes.containers,
            deployments: self.deployments || writes.deployments || every_step,
            runbooks: self.runbooks || writes.runbooks || every_step,
            references: self.references || writes.indirect || every_step,
            scope_names: self.scope_names || writes.scoped_values,
            templates: self.templates || every_step,
            snapshots: self.snapshots || every_step,
            features: self.features || writes.server,
            other_spaces: self.other_spaces || writes.switches_off,
            project: None,
            ..self.clone()
        }
    }

    /// What explains the steps of a project, and what a file asks of them; or without a project, the uses of a pool.
    pub fn for_explain(project: Option<&str>, file: Option<&Desired>) -> Self {
        let file = file.filter(|_| project.is_some());
        let graph = Self::for_graph(project, file);
        Self { snapshots: project.is_none(), features: false, ..graph }
    }

    /// What shows which steps run where, of one project or of all; and what a file asks of them.
    pub fn for_graph(project: Option<&str>, file: Option<&Desired>) -> Self {
        let file = file.map(Self::for_plan).unwrap_or_default();
        let default_branches =
            || GitScope { skip_unreachable: true, ..GitScope::default_branches() };
        Self {
            workers: true,
            deployments: true,
            runbooks: true,
            references: true,
            templates: true,
            snapshots: false,
            features_if_visible: true,
            other_spaces: false,
            git: Some(file.git.clone().unwrap_or_else(default_branches)),
            project: project.map(str::to_owned),
            ..file
        }
    }

    /// What finds the steps of another space that run on the built-in worker.
    pub fn for_other_space() -> Self {
        Self {
            deployments: true,
            runbooks: true,
            references: true,
            templates: true,
            snapshots: true,
            ..Self::default()
        }
    }

    /// What is still missing once `read` was read; none where that was enough.
    ///
    /// What is read together is missing together: workers with what they refer to, and all that belongs to projects.
    pub fn missing_from(&self, read: &Self) -> Option<Self> {
        let mut missing = Self::default();
        if self.project_parts() != read.project_parts() {
            missing = self.project_parts();
        }
        let worker_parts =
            |scope: &Self| [scope.workers, scope.policies, scope.accounts, scope.proxies];
        if worker_parts(self) != worker_parts(read) {
            [missing.workers, missing.policies, missing.accounts, missing.proxies] =
                worker_parts(self);
        }
        missing.feeds = self.feeds && !read.feeds;
        missing.images = self.images && !read.images;
        missing.features = self.features && !read.features;
        missing.features_if_visible =
            self.features_if_visible && !(read.features || read.features_if_visible);
        missing.other_spaces = self.other_spaces && !read.other_spaces;
        (missing != Self::default()).then_some(missing)
    }

    /// Whether anything that belongs to projects is read.
    pub fn reads_projects(&self) -> bool {
        self.deployments || self.runbooks || self.references || self.snapshots
    }

    /// What belongs to projects: whatever is not known to be something else.
    fn project_parts(&self) -> Self {
        Self {
            workers: false,
            policies: false,
            accounts: false,
            proxies: false,
            feeds: false,
            images: false,
            features: false,
            features_if_visible: false,
            other_spaces: false,
            ..self.clone()
        }
    }
}

impl GitScope {
    fn from_file(declared: &VersionControl) -> Self {
        let instead_of_protected = match &declared.on_protected {
            ProtectedBranchAction::Branch(name) => Some(name.clone()),
            ProtectedBranchAction::Refuse | ProtectedBranchAction::Skip => None,
        };
        Self {
            branches: declared.branches.clone(),
            instead_of_protected,
            skip_unreachable: declared.skip_unreachable,
        }
    }

    /// Every branch, for what is read for its uses of pools alone.
    pub fn every_branch() -> Self {
        Self { branches: vec!["*".to_owned()], ..Self::default() }
    }

    /// The default branch of each project.
    fn default_branches() -> Self {
        Self { branches: vec!["default".to_owned()], ..Self::default() }
    }
}

/// Whether a rule sends steps to whatever pool is the default one.
fn targets_default_pool(rule: &PlacementRule) -> bool {
    matches!(&rule.verdict, PlacementVerdict::Place(target) if target.place == Place::DefaultPool)
}

/// Whether a rule leaves the choice to a variable, whose values are looked at.
fn targets_variable(rule: &PlacementRule) -> bool {
    matches!(&rule.verdict, PlacementVerdict::Place(target) if matches!(target.place, Place::Variable(_)))
}

/// Whether a rule's steps, or its gates, depend on which workers a pool has.
fn looks_at_workers(rule: &PlacementRule) -> bool {
    rule.verdict != PlacementVerdict::Leave || asks_for_server(rule)
}

/// Whether a rule is about steps that run on the built-in worker, or about others.
fn asks_for_server(rule: &PlacementRule) -> bool {
    rule.select.depends_on_built_in()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        desired::{
            CurrentPlace, CurrentPlaces, Declared, DesiredPlacement, DesiredPool, DesiredPoolKind,
            DesiredPoolRef, DesiredRemoval, DesiredWorker, PlanPolicy, SelectedProcesses,
            StepSelectors,
        },
        finding::Span,
        model::{Container, Name, TentacleUrl, Thumbprint},
    };

    fn declared<T>(value: T) -> Declared<T> {
        Declared { value, span: Span::default() }
    }

    /// The names of what is read.
    fn read(desired: &Desired) -> String {
        let shown = serde_json::to_value(ReadScope::for_plan(desired)).unwrap();
        let fields = shown.as_object().unwrap().iter().filter(|(_, read)| **read == true);
        fields.map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(" ")
    }

    fn pool() -> DesiredPool {
        DesiredPool {
            name: Name::new("SQL"),
            renamed_from: Vec::new(),
            slug: None,
            kind: DesiredPoolKind::default(),
            description: None,
            default: None,
            sort_order: None,
            protect: false,
        }
    }

    fn with_pool(pool: DesiredPool) -> Desired {
        Desired { pools: [("sql".to_owned(), declared(pool))].into(), ..Desired::default() }
    }

    #[test]
    fn a_pools_only_file_reads_no_projects() {
        assert_eq!(read(&Desired::default()), "");
        assert_eq!(read(&with_pool(pool())), "");
        let kind = DesiredPoolKind::Dynamic { image: declared("UbuntuDefault".to_owned()) };
        assert_eq!(read(&with_pool(DesiredPool { kind, ..pool() })), "images");
        let default = Some(declared(true));
        assert_eq!(read(&with_pool(DesiredPool { default, ..pool() })), "workers fallback");
        let kind = DesiredPoolKind::Static { exact_members: true, min_healthy: None };
        assert_eq!(read(&with_pool(DesiredPool { kind, ..pool() })), "workers");
        let min_healthy = Some(declared(2));
        let kind = DesiredPoolKind::Static { exact_members: false, min_healthy };
        assert_eq!(
            read(&with_pool(DesiredPool { kind, ..pool() })),
            "workers deployments runbooks pointers templates editions"
        );
    }

    #[test]
    fn a_file_with_workers_reads_what_they_refer_to() {
        let read = |endpoint| {
            let worker = DesiredWorker {
                name: Name::new("db-01"),
                renamed_from: Vec::new(),
                endpoint: declared(endpoint),
                pools: vec![declared(DesiredPoolRef::Declared("sql".to_owned()))],
                policy: None,
                disabled: None,
                protect: false,
            };
            let workers = [("db-01".to_owned(), declared(worker))].into();
            read(&Desired { workers, ..Desired::default() })
        };
        assert_eq!(read(DesiredEndpoint::Polling(None)), "workers policies");
        assert_eq!(
            read(DesiredEndpoint::Listening {
                url: "https://db-01:10933".parse::<TentacleUrl>().unwrap(),
                thumbprint: "8A".repeat(20).parse::<Thumbprint>().unwrap(),
                proxy: Some(declared("Proxy".to_owned())),
            }),
            "workers policies proxies"
        );
        assert_eq!(
            read(DesiredEndpoint::Ssh {
                host: "db-01".to_owned(),
                port: 22,
                account: declared("db-ssh".to_owned()),
                fingerprint: String::new(),
                platform: None,
                proxy: None,
            }),
            "workers policies accounts"
        );
    }

    #[test]
    fn a_rule_reads_the_processes_it_selects() {
        let read = |select, verdict| {
            let rules = vec![declared(PlacementRule { label: None, select, verdict })];
            read(&Desired { rules, ..Desired::default() })
        };
        let deployments = StepSelectors::default;
        let runbooks =
            || StepSelectors { processes: SelectedProcesses::Runbooks, ..StepSelectors::default() };
        let place = |place| DesiredPlacement { place, execution: None, container: None };
        let pool = Place::Pool(declared(DesiredPoolRef::Declared("sql".to_owned())));
        assert_eq!(
            read(deployments(), PlacementVerdict::Place(place(pool))),
            "workers deployments"
        );
        let variable = || place(Place::Variable("Pool".to_owned()));
        assert_eq!(
            read(runbooks(), PlacementVerdict::Place(variable())),
            "workers runbooks pointers"
        );
        let container = Some(Container::from_image("tools:1", "Docker"));
        let target = DesiredPlacement { container: Some(declared(container)), ..variable() };
        assert_eq!(
            read(deployments(), PlacementVerdict::Place(target)),
            "workers feeds deployments pointers"
        );
        assert_eq!(read(deployments(), PlacementVerdict::Leave), "deployments");
        let include = vec![CurrentPlace::Server];
        let currently = Some(declared(CurrentPlaces { include, ..CurrentPlaces::default() }));
        let select = StepSelectors { currently, ..deployments() };
        assert_eq!(read(select, PlacementVerdict::Leave), "workers deployments pointers");
    }

    #[test]
    fn removing_a_pool_or_the_built_in_worker_reads_every_step() {
        let pool = declared(DesiredRemoval::Pool(Name::new("Old")));
        let desired = Desired { removed: vec![pool], ..Desired::default() };
        assert_eq!(read(&desired), "workers deployments runbooks pointers templates editions");
        let policy = PlanPolicy { prune_pools: Some(Span::default()), ..PlanPolicy::default() };
        let desired = Desired { policy, ..Desired::default() };
        assert_eq!(read(&desired), "workers deployments runbooks pointers templates editions");
        let worker = declared(DesiredRemoval::Worker(Name::new("db-09")));
        let desired = Desired { removed: vec![worker], ..Desired::default() };
        assert_eq!(read(&desired), "workers");
        let switched = |on| {
            let built_in_worker = Some(declared(on));
            read(&Desired { built_in_worker, ..Desired::default() })
        };
        assert_eq!(switched(true), "workers features");
        assert_eq!(
            switched(false),
            "workers deployments runbooks pointers templates editions features elsewhere"
        );
    }

    #[test]
    fn only_missing_parts_are_read_and_related_parts_together() {
        let default = Some(declared(true));
        let first = ReadScope::for_plan(&with_pool(DesiredPool { default, ..pool() }));
        let missing = first.widened().missing_from(&first).unwrap();
        assert!(!missing.workers && !missing.features_if_visible && missing.reads_projects());
        assert_eq!(missing, ReadScope::for_other_space());
        assert_eq!(first.missing_from(&first), None);

        let none = ReadScope::default();
        let missing = none.widened().missing_from(&none).unwrap();
        assert_eq!(missing, none.widened());

        // The switch was read already, and not only as far as it is visible.
        let every_step = ReadScope::for_plan(&Desired {
            built_in_worker: Some(declared(false)),
            ..Desired::default()
        });
        assert_eq!(every_step.widened().missing_from(&every_step), None);
    }

    #[test]
    fn a_key_with_fewer_permissions_pulls_less() {
        let all = ReadScope::for_pull(&[], None);
        assert!(all.workers && all.deployments && all.policies && !all.feeds && !all.features);
        assert_eq!(all.git.unwrap().branches, ["default"]);
        let no_steps = ReadScope::for_pull(&["ProcessView"], None);
        assert!(no_steps.workers && !no_steps.deployments && no_steps.git.is_none());
        let no_workers = ReadScope::for_pull(&["WorkerView"], Some(&Desired::default()));
        assert!(!no_workers.policies && !no_workers.references && !no_workers.runbooks);
        assert!(no_workers.images && no_workers.channels);
    }

    #[test]
    fn a_rollback_reads_what_its_receipt_changed() {
        let rollback = |undone| ReadScope::for_rollback(&undone);
        let nothing = rollback(UndoneChanges::default());
        assert!(nothing.workers && !nothing.reads_projects() && nothing.git.is_none());
        let placed = UndoneChanges { placements: true, ..UndoneChanges::default() };
        assert!(rollback(placed.clone()).feeds && !rollback(placed.clone()).references);
        let by_variable = UndoneChanges { placed_by_variable: true, ..placed };
        assert!(rollback(by_variable).references);
        let created = UndoneChanges { created_pools: true, ..UndoneChanges::default() };
        assert!(rollback(created.clone()).snapshots && rollback(created).deployments);
    }

    #[test]
    fn the_scope_to_explain_a_pool_ignores_the_file_and_projects() {
        let built_in_worker = Some(declared(false));
        let desired = Desired { built_in_worker, ..Desired::default() };
        let pool = ReadScope::for_explain(None, Some(&desired));
        assert_eq!(pool, ReadScope::for_explain(None, None));
        assert!(pool.snapshots && pool.project.is_none());
        let project = ReadScope::for_explain(Some("Web Store"), Some(&desired));
        assert!(!project.snapshots && !project.other_spaces && project.git.is_some());
    }
}
