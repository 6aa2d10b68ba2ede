//! `pull`: a plan of what it writes is empty, on every seed and on any space that can be thought of.

use crate::workbench::Workbench;
use poolwright::{
    config,
    diff::diff,
    finding::{Level, Source, Sources},
    live::{
        Directory, Entry, Health, Live, LivePool, LiveProcess, LiveProject, LiveStep, LiveWorker,
        Owner, Scope, ServerFacts,
    },
    model::{Endpoint, Id, Linked, Name, Place, PoolKind},
    plan::Header,
    pull::pull,
    sandbox::Seed,
};
use proptest::{collection::vec, prelude::*, sample::select};

/// Pulls into `workers.toml`, plans, and returns the file.
fn pulled(workbench: &Workbench) -> String {
    workbench.run(&["pull", "-o", "workers.toml", "--force"]).expect(0);
    let plan = workbench.run(&["plan", "--exit-code"]).expect(0);
    let last = plan.stdout.lines().last().unwrap_or_default();
    assert!(last.starts_with("No changes: the server is as the files say"), "{}", plan.stdout);
    workbench.read("workers.toml")
}

#[test]
fn a_plan_of_what_is_pulled_is_empty_on_every_seed() {
    let large = Seed::Large { projects: 40, steps: 10, workers: 60 };
    for seed in [Seed::Empty, Seed::Chapter, Seed::Acme, Seed::Cloud, large] {
        let workbench = Workbench::new(seed.clone());
        pulled(&workbench);
        assert_eq!(workbench.writes(), [""; 0], "{seed:?}");
    }
}

#[test]
fn what_has_been_applied_is_pulled_as_few_rules() {
    let workbench = Workbench::new(Seed::Chapter);
    for commit in ["1-pools", "2-workers", "3-steps"] {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/chapter");
        let file = format!("{folder}/{commit}/workers.toml");
        let in_order = ["--parallelism", "1"];
        let args = [&["apply", "--auto-approve", "-f", &file], &in_order[..]].concat();
        workbench.run(&args).expect(0);
    }
    let text = pulled(&workbench).replace(workbench.bench.sandbox.url(), "URL");
    insta::assert_snapshot!(text);
}

#[test]
fn a_file_that_is_there_is_not_written_over() {
    let workbench = Workbench::chapter("version = 1\n");
    let output = workbench.run(&["pull", "-o", "workers.toml"]).expect(1);
    insta::assert_snapshot!(output.stderr, @r"
    error: `workers.toml` is there already
    help: name another file, or write over it with `--force`
    ");
    assert_eq!(workbench.read("workers.toml"), "version = 1\n");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_of_what_is_pulled_is_empty_on_any_space(live in any_live()) {
        let text = pull(&live, "https://octopus.acme.example");
        let source = Source { path: "workers.toml".to_owned(), text: text.clone() };
        let (desired, findings) = config::load(&Sources(vec![source]));
        let header = Header {
            url: String::new(),
            server_version: String::new(),
            space: live.server.space.clone(),
            files: Vec::new(),
            digest: String::new(),
            scope: Scope::default(),
        };
        let plan = diff(&desired, &live, header);
        let wrong: Vec<_> = findings.iter().chain(&plan.findings).filter(|it| it.level == Level::Error).collect();
        prop_assert!(wrong.is_empty(), "{text}\n{wrong:#?}");
        prop_assert!(plan.changes.is_empty(), "{text}\n{:#?}", plan.changes);
    }
}

/// Names that are alike, that hold a wildcard, and that the language could take for something else.
const NAMES: [&str; 20] = [
    "a",
    "A ",
    "ab",
    "a*",
    "?b",
    "!a",
    "* b",
    "w-[1..2]",
    "w-1",
    "w-2",
    "${x}",
    "é \"q\"\n[t]",
    "{n}",
    "w-[a,b]",
    "a.b",
    "# c",
    "default",
    "server",
    "É",
    "\u{a0}a",
];
const TYPES: [&str; 4] =
    ["Octopus.Script", "Octopus.AzurePowerShell", "Octopus.Email", "Octopus.TerraformPlan"];

prop_compose! {
    pub(crate) fn any_live()(
        pools in vec((select(NAMES.to_vec()), select(vec!["", "x \\ \"y\"\nz", "${x}"]), prop::bool::weighted(0.2)), 1..5),
        workers in vec((select(NAMES.to_vec()), vec(any::<prop::sample::Index>(), 1..3), any::<bool>(), select(vec!["w-1.acme", "w-2.acme", "${h}"]), 1..3_u16), 0..6),
        processes in vec((select(NAMES.to_vec()), select(NAMES.to_vec()), proptest::option::of(select(NAMES.to_vec())), vec(any_step(), 0..4)), 0..6),
        built_in_worker in proptest::option::of(any::<bool>()),
    ) -> Live {
        let pools: Vec<LivePool> = pools.into_iter().enumerate().map(|(at, (name, description, dynamic))| LivePool {
            id: Id::new(format!("WorkerPools-{at}")),
            name: Name::new(name),
            slug: format!("pool-{at}"),
            description: description.to_owned(),
            kind: if dynamic { PoolKind::Dynamic { image: "Ubuntu".into() } } else { PoolKind::Static },
            default: at == 0,
        }).collect();
        let workers = workers.into_iter().enumerate().map(|(at, (name, of, disabled, host, port))| {
            let mut of: Vec<_> = of.iter().map(|it| it.get(&pools).id.clone()).collect();
            of.dedup();
            LiveWorker {
                id: Id::new(format!("Workers-{at}")),
                name: Name::new(name),
                endpoint: Endpoint::Ssh {
                    host: host.to_owned(),
                    port: port * 11,
                    account: Linked::new("Accounts-1", "ssh"),
                    fingerprint: "SHA256:x".into(),
                    platform: None,
                    proxy: None,
                },
                pools: of,
                policy: Linked::new("MachinePolicies-1", "Default"),
                disabled,
                health: Health::Healthy,
            }
        }).collect();
        let place = |place: Place<usize>| match place {
            Place::Pool(at) => Place::Pool(pools[at % pools.len()].id.clone()),
            Place::Variable(name) => Place::Variable(name),
            Place::DefaultPool => Place::DefaultPool,
        };
        let processes: Vec<LiveProcess> = processes.into_iter().enumerate().map(|(at, (project, group, runbook, steps))| LiveProcess {
            id: Id::new(format!("process-{at}")),
            owner: Owner { project: Name::new(project), group: Name::new(group), runbook: runbook.map(Name::new) },
            git: None,
            steps: steps.into_iter().enumerate().map(|(n, (name, kind, at_place, on_server))| LiveStep {
                id: Id::new(format!("{at}-{n}")),
                step: Name::new(name),
                action: Name::new(name),
                has_siblings: false,
                action_type: kind.to_owned(),
                place: place(at_place),
                run_on_server: Some(on_server),
                target_roles: String::new(),
                container: None, channels: Vec::new(), parameters: Vec::new(), disabled: false,
            }).collect(),
        }).collect();
        let projects = processes.iter().map(|it| LiveProject { name: it.owner.project.clone(), group: it.owner.group.clone(), tags: Vec::new(), git: false }).collect();
        let entry = |id: &str, name: &str| Entry { id: id.into(), name: Name::new(name), slug: String::new(), default: true };
        Live {
            server: ServerFacts { url: String::new(), version: String::new(), space: Linked::new("Spaces-1", "Default"), built_in_worker },
            directory: Directory {
                policies: vec![entry("MachinePolicies-1", "Default")],
                accounts: vec![entry("Accounts-1", "ssh")],
                images: Some(vec!["Ubuntu".into()]),
                ..Directory::default()
            },
            pools, workers, projects, processes,
            pointers: Vec::new(), choosers: Default::default(),
        editions: Vec::new(), elsewhere: Vec::new(), gaps: Vec::new(),
        }
    }
}

fn any_step() -> impl Strategy<Value = (&'static str, &'static str, Place<usize>, bool)> {
    let place = prop_oneof![
        3 => Just(Place::DefaultPool),
        3 => (0..4_usize).prop_map(Place::Pool),
        1 => Just(Place::Variable("Pool".into())),
    ];
    (select(NAMES.to_vec()), select(TYPES.to_vec()), place, any::<bool>())
}
