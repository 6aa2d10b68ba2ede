//! What a file needs to know of the server.
//!
//! A file about workers alone reads no project, and only who deletes a pool reads every variable. Never:
//! I/O.

use poolwright_core::{
    desired::{
        Desired, DesiredEndpoint, PlacementRule, PlacementVerdict, ProtectedBranchAction,
        VersionControl,
    },
    live::{GitScope, ReadScope},
    model::Place,
};

/// All that can be read, for whoever shows the live state itself. The built-in worker of other spaces
/// is no part of it.
pub fn full_scope() -> ReadScope {
    ReadScope {
        workers: true,
        policies: true,
        accounts: true,
        proxies: true,
        feeds: true,
        images: true,
        deployments: true,
        runbooks: true,
        references: true,
        channels: true,
        scope_names: true,
        // No rule places what is inside a template.
        templates: false,
        snapshots: false,
        features: true,
        features_if_visible: false,
        other_spaces: false,
        git: None,
        project: None,
    }
}

/// What has to be read for a plan of this file.
pub fn scope_for_plan(desired: &Desired) -> ReadScope {
    let endpoints = || desired.workers.values().map(|worker| &worker.endpoint.value);
    let rules = || desired.rules.iter().map(|rule| &rule.value);
    let pools = || desired.pools.values();
    let deletes_pools = desired.may_delete_pools();
    let switches_off = desired.built_in_worker.as_ref().is_some_and(|it| !it.value);
    // Who deletes a pool, switches the built-in worker off or guards a pool asks about every step.
    let every_step =
        deletes_pools || switches_off || pools().any(|pool| pool.min_healthy.is_some());
    ReadScope {
        workers: desired.concerns_workers()
            || deletes_pools
            || desired.built_in_worker.is_some()
            || pools().any(|pool| pool.default.is_some())
            || desired.sets_indirect_pools()
            || rules().any(looks_at_workers),
        policies: !desired.workers.is_empty(),
        accounts: endpoints().any(|endpoint| matches!(endpoint, DesiredEndpoint::Ssh { .. })),
        proxies: endpoints().any(|it| it.proxy().is_some()),
        feeds: rules().any(|rule| match &rule.verdict {
            PlacementVerdict::Place(target) => target.container.is_some(),
            PlacementVerdict::Leave => false,
        }),
        images: pools().any(|pool| pool.image.is_some()),
        deployments: every_step || rules().any(|rule| rule.select.deployments),
        runbooks: every_step || rules().any(|rule| rule.select.runbooks),
        // A variable may send its steps to the pool that is in question, and a target's pool comes before
        // the default one.
        references: every_step
            || rules().any(|rule| targets_variable(rule) || targets_default_pool(rule))
            // So may a variable send a step to the pool of the built-in worker.
            || rules().any(asks_for_server)
            || desired.sets_indirect_pools(),
        channels: rules().any(|rule| rule.select.channel.is_some()),
        scope_names: desired.values.iter().any(|rule| !rule.scope.is_unscoped()),
        templates: every_step,
        snapshots: every_step,
        features: desired.built_in_worker.is_some(),
        features_if_visible: pools().any(|pool| pool.default.is_some())
            || rules().any(targets_default_pool),
        other_spaces: switches_off,
        project: None,
        git: desired.version_control.as_ref().map(|it| git_scope(it)),
    }
}

fn git_scope(said: &VersionControl) -> GitScope {
    let instead = match &said.on_protected {
        ProtectedBranchAction::Branch(name) => Some(name.clone()),
        ProtectedBranchAction::Refuse | ProtectedBranchAction::Skip => None,
    };
    GitScope {
        branches: said.branches.clone(),
        instead_of_protected: instead,
        skip_unreachable: said.skip_unreachable,
    }
}

/// The same, where every step matters: who empties a pool, or makes another the default one, has to know
/// of the steps that run there.
pub fn with_every_step(scope: &ReadScope) -> ReadScope {
    ReadScope {
        workers: true,
        deployments: true,
        runbooks: true,
        references: true,
        templates: true,
        snapshots: true,
        features_if_visible: true,
        ..scope.clone()
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
    rule.select.currently.as_ref().is_some_and(|it| it.value.depends_on_built_in())
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolwright_core::{
        desired::{
            CurrentPlace, CurrentPlaces, Declared, DesiredPlacement, DesiredPool, DesiredPoolRef,
            DesiredRemoval, DesiredWorker, PlanPolicy, StepSelectors,
        },
        finding::Span,
        model::{Container, Name, TentacleUrl, Thumbprint},
    };

    fn declared<T>(value: T) -> Declared<T> {
        Declared { value, span: Span::default() }
    }

    /// The names of what is read.
    fn read(desired: &Desired) -> String {
        let shown = serde_json::to_value(scope_for_plan(desired)).unwrap();
        let fields = shown.as_object().unwrap().iter().filter(|(_, read)| **read == true);
        fields.map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(" ")
    }

    fn pool() -> DesiredPool {
        DesiredPool {
            name: Name::new("SQL"),
            renamed_from: Vec::new(),
            image: None,
            description: None,
            default: None,
            sort_order: None,
            exact_members: false,
            protect: false,
            min_healthy: None,
        }
    }

    fn with_pool(pool: DesiredPool) -> Desired {
        Desired { pools: [("sql".to_owned(), declared(pool))].into(), ..Desired::default() }
    }

    #[test]
    fn a_file_of_pools_reads_no_project() {
        assert_eq!(read(&Desired::default()), "");
        assert_eq!(read(&with_pool(pool())), "");
        let image = Some(declared("UbuntuDefault".to_owned()));
        assert_eq!(read(&with_pool(DesiredPool { image, ..pool() })), "images");
        let default = Some(declared(true));
        assert_eq!(read(&with_pool(DesiredPool { default, ..pool() })), "workers fallback");
        assert_eq!(read(&with_pool(DesiredPool { exact_members: true, ..pool() })), "workers");
        let min_healthy = Some(declared(2));
        assert_eq!(
            read(&with_pool(DesiredPool { min_healthy, ..pool() })),
            "workers deployments runbooks pointers templates editions"
        );
    }

    #[test]
    fn a_file_of_workers_reads_what_they_refer_to() {
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
    fn a_rule_reads_the_processes_that_it_is_about() {
        let read = |select, verdict| {
            let rules = vec![declared(PlacementRule { label: None, select, verdict })];
            read(&Desired { rules, ..Desired::default() })
        };
        let deployments = || StepSelectors { deployments: true, ..StepSelectors::default() };
        let runbooks = || StepSelectors { runbooks: true, ..StepSelectors::default() };
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
        let container = Container { image: "tools:1".to_owned(), feed: "Docker".to_owned() };
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
    fn who_deletes_a_pool_or_switches_the_built_in_worker_off_asks_about_every_step() {
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
}
