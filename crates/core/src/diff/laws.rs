//! The laws of `diff`, over arbitrary files and servers. `rollback` tests its laws over the same.

mod comparison;
mod indifference;
mod indirect_pools;
mod tampering;

pub(crate) use indirect_pools::{any_file, any_server};

use super::{
    after::simulate_changes,
    plan_changes,
    stale::{find_applied, find_stale},
};
use crate::{
    desired::{
        CurrentPlace, CurrentPlaces, Declared, Desired, DesiredEndpoint, DesiredPlacement,
        DesiredPool, DesiredPoolKind, DesiredPoolRef, DesiredRemoval, DesiredWorker, PlacementRule,
        PlacementVerdict, ProtectedBranchAction, StepSelectors, VersionControl,
    },
    finding::{Level, Span},
    live::{
        BranchRole, Directory, Health, Live, LiveBranch, LivePool, LiveProcess, LiveProject,
        LiveServer, LiveStep, LiveWorker, ProcessOwner, TemplateContents, TemplateUse,
        steps_in_pool,
    },
    model::{BranchRef, Execution, Id, Linked, LiveEndpoint, Name, Place, PoolKind},
    plan::{Plan, PlanHeader, PlanOrigin, check_soundness},
    scope::ReadScope,
    text::pattern::{Pattern, Patterns},
};

use proptest::{collection::vec, option, prelude::*, sample::select, sample::subsequence};
use std::collections::{BTreeSet, HashSet};

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn planning_again_after_a_plan_changes_nothing(desired in any_desired(), live in any_live()) {
        let plan = plan(&desired, &live);
        prop_assume!(is_possible(&plan));
        prop_assert_eq!(check_soundness(&plan), Ok(()));
        let done = simulate_changes(&live, &plan.changes);
        // The first plan is recognized as one that is in effect.
        prop_assert_eq!(find_applied(&plan, &done).len(), plan.changes.len(), "{:#?}", plan.changes);
        let again = self::plan(&desired, &done);
        prop_assert!(again.changes.is_empty(), "{:#?}", again.changes);
        prop_assert!(is_possible(&again), "{:#?}", again.findings);
    }

    #[test]
    fn undeclared_pools_are_never_touched(desired in any_desired(), live in any_live()) {
        let plan = plan(&desired, &live);
        prop_assume!(is_possible(&plan) && desired.policy.prune_pools.is_none() && desired.policy.prune_workers.is_none());
        let done = simulate_changes(&live, &plan.changes);
        let mut named: HashSet<String> = desired.pools.values().flat_map(|pool| names(&pool.name, &pool.renamed_from)).collect();
        named.extend(desired.removed.iter().filter_map(|it| it.value.pool_name()).map(|it| it.as_folded().to_owned()));
        for pool in live.pools.iter().filter(|it| !named.contains(it.name.as_folded())) {
            let same = done.pools.iter().find(|other| other.id == pool.id).map(|found| LivePool { default: pool.default, ..found.clone() });
            prop_assert_eq!(same.as_ref(), Some(pool));
        }
    }

    #[test]
    fn steps_inside_a_template_are_counted_and_never_written(desired in any_desired(), live in any_live()) {
        let mut with = live.clone();
        let inner: Vec<LiveStep> = live.processes.iter().flat_map(|it| it.steps.clone()).collect();
        for process in &mut with.processes {
            process.templates = process.steps.iter().map(|usage| TemplateUse {
                usage: usage.id.clone(),
                contents: TemplateContents::Steps(inner.clone()),
            }).collect();
        }
        let plan = plan(&desired, &with);
        let made = |plan: &Plan| -> Vec<String> {
            plan.changes.iter().map(|change| format!("{} {:?}", change.address, change.kind)).collect()
        };
        prop_assert_eq!(made(&plan), made(&self::plan(&desired, &live)));
        prop_assert_eq!(find_stale(&plan, &with), []);
        for (pool, before) in with.pools.iter().zip(&live.pools) {
            prop_assert!(steps_in_pool(&live, &before.id).len() <= steps_in_pool(&with, &pool.id).len());
        }
    }

    #[test]
    fn a_new_plan_is_not_stale(desired in any_desired(), live in any_live()) {
        let plan = plan(&desired, &live);
        prop_assert_eq!(find_stale(&plan, &live), []);
        prop_assert!(find_applied(&plan, &live).is_empty(), "{:#?}", find_applied(&plan, &live));
    }

    #[test]
    fn a_change_only_waits_for_earlier_changes(desired in any_desired(), live in any_live()) {
        let plan = plan(&desired, &live);
        for (at, change) in plan.changes.iter().enumerate() {
            let earlier: Vec<_> = plan.changes[..at].iter().map(|it| &it.address).collect();
            prop_assert!(change.after.iter().all(|it| earlier.contains(&it)), "{:#?}", change);
        }
    }

    #[test]
    fn the_same_input_gives_the_same_plan(desired in any_desired(), live in any_live()) {
        prop_assert_eq!(format!("{:?}", plan(&desired, &live)), format!("{:?}", plan(&desired, &live)));
    }
}

pub(crate) fn plan(desired: &Desired, live: &Live) -> Plan {
    let header = PlanHeader {
        url: String::new(),
        server_version: String::new(),
        space: Linked::new("Spaces-1", "Default"),
        files: Vec::new(),
        digest: String::new(),
        scope: ReadScope::default(),
        origin: PlanOrigin::Files,
        stamp: Default::default(),
    };
    plan_changes(desired, live, header)
}

/// Whether the file and the server fit together.
pub(crate) fn is_possible(plan: &Plan) -> bool {
    plan.findings.iter().all(|finding| finding.level != Level::Error)
}

fn names(name: &Name, renamed_from: &[Declared<String>]) -> Vec<String> {
    let old = renamed_from.iter().map(|it| it.value.to_lowercase());
    old.chain([name.as_folded().to_owned()]).collect()
}

/// The default branch of a project, as a process or variables have it.
fn on_main(document: &str, project: usize, protected: bool) -> LiveBranch {
    let at = BranchRef {
        document: document.to_owned(),
        project: Id::new(format!("Projects-{project}")),
        repository: "https://git.example/all.git".into(),
        name: "main".into(),
    };
    LiveBranch { at, role: BranchRole::from_protection(protected) }
}

fn declared<T>(value: T) -> Declared<T> {
    Declared { value, span: Span::default() }
}

const POOLS: [&str; 5] = ["a", "b", "c", "d", "e"];
const WORKERS: [&str; 4] = ["v", "w", "x", "y"];
const STEPS: [&str; 4] = ["build", "migrate", "mail", "warm"];
const TYPES: [&str; 5] = [
    "Octopus.Script",
    "Octopus.AzurePowerShell",
    "Octopus.Email",
    "Octopus.KubernetesRunScript",
    "Octopus.IIS",
];

prop_compose! {
    pub(crate) fn any_live()(
        names in subsequence(POOLS.to_vec(), 3..=5),
        default in any::<prop::sample::Index>(),
        descriptions in vec(select(vec!["", "x", "y"]), 5),
        dynamic in vec(prop::bool::weighted(0.1), 5),
        workers in vec((any_endpoint(), vec(any::<prop::sample::Index>(), 1..3), any::<bool>(), 0..5_usize), 0..=4),
        steps in vec(vec((0..4_usize, select(TYPES.to_vec()), any_live_place(), option::of(any::<bool>()), select(vec!["", "web"])), 0..4), 0..3),
        git in vec(option::weighted(0.3, any::<bool>()), 3),
        built_in_worker in option::of(any::<bool>()),
    ) -> Live {
        let pools: Vec<LivePool> = names.iter().enumerate().map(|(at, name)| LivePool {
            id: Id::new(format!("WorkerPools-{at}")),
            name: Name::new(*name),
            slug: (*name).to_owned(),
            description: descriptions[at].to_owned(),
            kind: if dynamic[at] { PoolKind::Dynamic { image: "Ubuntu".into() } } else { PoolKind::Static },
            default: at == default.index(names.len()),
        }).collect();
        let statics: Vec<_> = pools.iter().filter(|pool| pool.kind == PoolKind::Static).map(|it| it.id.clone()).collect();
        let workers = workers.into_iter().zip(WORKERS).filter(|_| !statics.is_empty()).map(|((endpoint, of, disabled, health), name)| {
            let of: BTreeSet<_> = of.iter().map(|it| it.get(&statics).clone()).collect();
            LiveWorker {
                id: Id::new(format!("Workers-{name}")),
                name: Name::new(name),
                slug: name.to_lowercase(),
                endpoint,
                pools: of.into_iter().collect(),
                policy: Linked::new("MachinePolicies-1", "Default"),
                disabled,
                health: [Health::Healthy, Health::Unknown, Health::Unhealthy, Health::HasWarnings, Health::Unavailable][health],
            }
        }).collect();
        let processes: Vec<LiveProcess> = steps.into_iter().enumerate().map(|(at, steps)| LiveProcess {
            id: git[at].map_or(Id::new(format!("process-{at}")), |protected| on_main(&format!("process-{at}"), at, protected).at.process_id()),
            owner: ProcessOwner { project: Name::new(format!("project {at}")), group: Name::new("all"), runbook: None },
            git: git[at].map(|protected| on_main(&format!("process-{at}"), at, protected)),
            steps: steps.into_iter().enumerate().map(|(n, (name, kind, place, run_on_server, roles))| LiveStep {
                id: Id::new(format!("{at}-{n}")),
                step: Name::new(format!("{} {n}", STEPS[name])),
                action: Name::new(STEPS[name]),
                position: n,
                names_both: false,
                has_siblings: false,
                action_type: kind.to_owned(),
                place: match place {
                    Place::Pool(at) => Place::Pool(pools[at % pools.len()].id.clone()),
                    Place::Variable(name) => Place::Variable(name),
                    Place::DefaultPool => Place::DefaultPool,
                },
                run_on_server,
                from_file: false,
                target_roles: roles.to_owned(),
                container: None, channels: Vec::new(), parameters: Vec::new(), disabled: false,
            }).collect(),
            templates: Vec::new(),
        }).collect();
        let projects = processes.iter().map(|process| LiveProject { name: process.owner.project.clone(), group: process.owner.group.clone(), tags: Vec::new(), git: process.git.is_some() }).collect();
        Live {
            server: LiveServer { url: String::new(), version: String::new(), space: Linked::new("Spaces-1", "Default"), built_in_worker },
            pools, workers, projects, processes,
            directory: Directory { images: Some(vec!["Ubuntu".into(), "Windows".into()]), ..Directory::default() },
            references: Vec::new(), indirect: Default::default(),
        snapshots: Vec::new(), other_spaces: Vec::new(), unread: Vec::new(),
        }
    }
}

fn any_live_place() -> impl Strategy<Value = Place<usize>> {
    prop_oneof![
        3 => Just(Place::DefaultPool),
        2 => (0..4_usize).prop_map(Place::Pool),
        1 => Just(Place::Variable("Pool".into())),
    ]
}

fn any_endpoint() -> impl Strategy<Value = LiveEndpoint> {
    let polling = |subscription: &str| LiveEndpoint::Polling {
        subscription: format!("poll://{subscription}/"),
        thumbprint: "A".repeat(40),
    };
    let listening = LiveEndpoint::Listening {
        url: "https://v:10933".into(),
        thumbprint: "B".repeat(40),
        proxy: None,
    };
    select(vec![polling("one"), polling("two"), listening])
}

prop_compose! {
    pub(crate) fn any_desired()(
        pools in subsequence(POOLS.to_vec(), 0..=4),
        parts in vec(any_pool(), 4),
        default in option::weighted(0.3, any::<prop::sample::Index>()),
        workers in subsequence(WORKERS.to_vec(), 0..=3),
        worker_parts in vec(any_worker(), 3),
        rules in vec(any_rule(), 0..4),
        removed in vec(prop_oneof![select(POOLS.to_vec()).prop_map(|it| DesiredRemoval::Pool(Name::new(it))), select(WORKERS.to_vec()).prop_map(|it| DesiredRemoval::Worker(Name::new(it)))], 0..2),
        prune in (prop::bool::weighted(0.2), prop::bool::weighted(0.2)),
        on_protected in option::of(select(vec![ProtectedBranchAction::Refuse, ProtectedBranchAction::Skip, ProtectedBranchAction::Branch("moves".into())])),
        built_in_worker in option::of(any::<bool>()),
    ) -> Desired {
        let mut desired = Desired { built_in_worker: built_in_worker.map(declared), rules, ..Desired::default() };
        let git = |on_protected| declared(VersionControl { on_protected, ..VersionControl::default() });
        desired.version_control = on_protected.map(git);
        for (at, (key, pool)) in pools.iter().zip(parts).enumerate() {
            let mut pool = DesiredPool { name: Name::new(*key), ..pool };
            pool.default = default.filter(|default| default.index(pools.len()) == at).map(|_| declared(true));
            desired.pools.insert((*key).to_owned(), declared(pool));
        }
        for (key, worker) in workers.iter().zip(worker_parts) {
            desired.workers.insert((*key).to_owned(), declared(DesiredWorker { name: Name::new(*key), ..worker }));
        }
        let is_declared = |removal: &DesiredRemoval| match removal {
            DesiredRemoval::Pool(name) => desired.pools.contains_key(name.as_folded()),
            DesiredRemoval::Worker(name) => desired.workers.contains_key(name.as_folded()),
        };
        desired.removed = removed.into_iter().filter(|it| !is_declared(it)).map(declared).collect();
        desired.policy.prune_pools = prune.0.then(Span::default);
        desired.policy.prune_workers = prune.1.then(Span::default);
        desired
    }
}

prop_compose! {
    fn any_pool()(
        renamed_from in option::weighted(0.2, select(POOLS.to_vec())),
        image in option::weighted(0.1, select(vec!["Ubuntu", "Windows"])),
        description in option::of(select(vec!["", "x", "y "])),
        slug in option::weighted(0.2, Just("slug")),
        sort_order in option::weighted(0.3, 0..5_u32),
        exact_members in prop::bool::weighted(0.2),
    ) -> DesiredPool {
        DesiredPool {
            name: Name::new(""),
            renamed_from: renamed_from.into_iter().map(|it| declared(it.to_owned())).collect(),
            slug: slug.map(|it| declared(it.to_owned())),
            description: description.map(str::to_owned),
            default: None,
            sort_order,
            kind: match image {
                Some(image) => DesiredPoolKind::Dynamic { image: declared(image.to_owned()) },
                None => DesiredPoolKind::Static { exact_members, min_healthy: None },
            },
            protect: false,
        }
    }
}

prop_compose! {
    fn any_worker()(
        endpoint in select(vec!["poll://one/", "poll://two/", ""]),
        pools in subsequence(POOLS.to_vec(), 1..=2),
        disabled in option::of(any::<bool>()),
    ) -> DesiredWorker {
        let thumbprint = "A".repeat(40).parse().unwrap();
        let polling = DesiredEndpoint::Polling(endpoint.parse().ok().map(|it| (it, thumbprint)));
        DesiredWorker {
            name: Name::new(""),
            renamed_from: Vec::new(),
            endpoint: declared(polling),
            pools: pools.into_iter().map(|pool| declared(DesiredPoolRef::Live(pool.to_owned()))).collect(),
            policy: None,
            disabled,
            protect: false,
        }
    }
}

prop_compose! {
    fn any_rule()(
        step in option::of(select(vec!["*build*", "mail", "w*", "migrate 0", "!warm*"])),
        kind in option::weighted(0.2, select(vec!["Octopus.Azure*", "Octopus.Script"])),
        include in vec(any_currently(), 0..3),
        exclude in vec(any_currently(), 0..2),
        anywhere in prop::bool::weighted(0.6),
        verdict in any_verdict(),
    ) -> Declared<PlacementRule> {
        let patterns = |text: &str| declared(Patterns::new([text]));
        declared(PlacementRule {
            label: None,
            select: StepSelectors {
                step: step.map(patterns),
                action_type: kind.map(patterns),
                currently: (!anywhere).then(|| declared(CurrentPlaces { include, exclude })),
                ..StepSelectors::default()
            },
            verdict,
        })
    }
}

fn any_pool_ref() -> impl Strategy<Value = DesiredPoolRef> {
    select(POOLS.to_vec()).prop_map(|it| DesiredPoolRef::Live(it.to_owned()))
}

fn any_currently() -> impl Strategy<Value = CurrentPlace> {
    prop_oneof![
        Just(CurrentPlace::Server),
        Just(CurrentPlace::Default),
        Just(CurrentPlace::Target),
        Just(CurrentPlace::Variable),
        any_pool_ref().prop_map(|it| CurrentPlace::Pool(declared(it))),
        select(vec!["*", "?e*", "a*"]).prop_map(|it| CurrentPlace::Matching(Pattern::new(it))),
    ]
}

fn any_verdict() -> impl Strategy<Value = PlacementVerdict> {
    let place = prop_oneof![
        4 => any_pool_ref().prop_map(|it| Place::Pool(declared(it))),
        1 => Just(Place::DefaultPool),
        1 => Just(Place::Variable("Pool".to_owned())),
    ];
    let execution = option::weighted(0.4, select(vec![Execution::Once, Execution::PerTarget]));
    prop_oneof![
        1 => Just(PlacementVerdict::Leave),
        6 => (place, execution).prop_map(|(place, execution)| {
            PlacementVerdict::Place(DesiredPlacement { place, execution, container: None })
        }),
    ]
}
