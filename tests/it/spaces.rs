//! Any space that can be thought of, as `pull` meets it: awkward names, and much that points nowhere.

use poolwright_core::{
    live::{
        BranchRole, Directory, DirectoryEntry, Health, HiddenData, Live, LiveBranch, LivePool,
        LiveProcess, LiveProject, LiveServer, LiveStep, LiveWorker, ProcessOwner, UnreadPart,
    },
    model::{
        BranchRef, Container, Id, KubernetesLink, Linked, LiveEndpoint, Name, Place, PoolKind,
    },
};

use proptest::{collection::vec, option, prelude::*, sample::Index, sample::select};
use std::collections::HashSet;

/// Names that are alike, that hold a wildcard, and that the language could take for something else.
pub(crate) const NAMES: [&str; 46] = [
    "a",
    "A ",
    "ab",
    "a*",
    "?b",
    "!a",
    "* b",
    "*",
    "!",
    "w-[1..2]",
    "w-1",
    "w-2",
    "w-02",
    "w-[01-03]",
    "[x",
    "${x}",
    "$${x}",
    "é \"q\"\n[t]",
    "{n}",
    "w-[a,b]",
    "a.b",
    "a/b",
    "a-b",
    "A  b",
    "# c",
    "default",
    "server",
    "target",
    "variable",
    "É",
    "İ",
    "ß",
    "SS",
    "\u{a0}a",
    "\u{7f}x",
    "x\u{85}",
    "'",
    "\\",
    "\u{1f9ed} pool",
    "שרת ראשי",
    "\u{202e}dlrow",
    "数据库",
    "WorkerPools-0",
    "pool-1",
    "true",
    "version",
];

/// Names of which the words are common, so that there is something to fold.
const ORDINARY: [&str; 12] = [
    "Back up database",
    "Migrate database",
    "Refresh database",
    "Database report",
    "Deploy web app",
    "Deploy api",
    "Deploy to AKS",
    "Notify the team",
    "Team Blue",
    "Team Red",
    "Legacy CRM",
    "Legacy ERP",
];

const TYPES: [&str; 15] = [
    "Octopus.Script",
    "Octopus.AzurePowerShell",
    "Octopus.AzureWebApp",
    "Octopus.KubernetesRunScript",
    "Octopus.KubernetesDeployRawYaml",
    "Octopus.Email",
    "Octopus.Manual",
    "Octopus.TerraformPlan",
    "Octopus.IIS",
    "Octopus.TentaclePackage",
    "Octopus.ArgoCDUpdate",
    "Octopus.CommitToGit",
    "Octopus.HealthCheck",
    "Octopus.ProcessTemplate",
    "Acme.Custom*",
];

const PRINTS: [&str; 4] = [
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "0000000000000000000000000000000000000001",
    "",
    "no print",
];

/// A name: an awkward one, an ordinary one, a very long one, or any text.
fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => select(NAMES.to_vec()).prop_map(str::to_owned),
        8 => select(ORDINARY.to_vec()).prop_map(str::to_owned),
        1 => select(vec![199, 200, 201, 400]).prop_map(|it| "x".repeat(it)),
        1 => any::<String>().prop_filter("a name is not empty", |it| !it.trim().is_empty()),
    ]
}

fn any_endpoint() -> impl Strategy<Value = LiveEndpoint> {
    let print = || select(PRINTS.to_vec()).prop_map(str::to_owned);
    let url = || {
        let urls = ["https://w-1.acme:10933", "https://w-2.acme:443", "https://{n}:1", "w-1", ""];
        select(urls.to_vec()).prop_map(str::to_owned)
    };
    let queue = || {
        let queues = ["poll://one/", "poll://w-1/", "poll://", "https://x:1"];
        select(queues.to_vec()).prop_map(str::to_owned)
    };
    let proxy = || option::of(0..4_usize);
    let id = |at: usize, kind: &str| format!("{kind}-{at}");
    let proxy_of = move |at: Option<usize>| at.map(|at| Linked::new(id(at, "Proxies"), "?"));
    let host = select(vec!["w-1.acme", "w-2.acme", "w-02", "${h}", "two words", "", "::1"]);
    prop_oneof![
        3 => (url(), print(), proxy()).prop_map(move |(url, thumbprint, proxy)| {
            LiveEndpoint::Listening { url, thumbprint, proxy: proxy_of(proxy) }
        }),
        2 => (queue(), print()).prop_map(|(subscription, thumbprint)| {
            LiveEndpoint::Polling { subscription, thumbprint }
        }),
        3 => (host, 0..4_u16, 0..4_usize, option::of(select(vec!["linux-x64", "w-1 {n}"])), proxy())
            .prop_map(move |(host, port, account, platform, proxy)| LiveEndpoint::Ssh {
                host: host.to_owned(),
                port: port * 11,
                account: Linked::new(id(account, "Accounts"), "?"),
                fingerprint: "SHA256:jdvAfEyVwm1YNrYcPWkL7HT1Et5MSpSgpQgVtFaYTCA".to_owned(),
                platform: platform.map(str::to_owned),
                proxy: proxy_of(proxy),
            }),
        1 => (any::<bool>(), url(), queue(), print(), select(vec!["", "octopus", "w-1", " x "])).prop_map(
            |(polls, url, queue, thumbprint, namespace)| LiveEndpoint::Kubernetes {
                link: match polls {
                    true => KubernetesLink::Polling(queue),
                    false => KubernetesLink::Listening(url),
                },
                thumbprint,
                namespace: namespace.to_owned(),
            }
        ),
        1 => Just(LiveEndpoint::Other("None".to_owned())),
    ]
}

/// Things to refer to, of which the last ones are not to be seen.
fn entries(kind: &str, names: &[String]) -> Vec<DirectoryEntry> {
    let entry = |(at, name): (usize, &String)| DirectoryEntry {
        id: format!("{kind}-{at}"),
        name: Name::new(name),
        slug: format!("{}-{at}", kind.to_lowercase()),
        default: at == 0,
    };
    names.iter().enumerate().map(entry).collect()
}

prop_compose! {
    fn any_pools()(
        pools in vec((any_name(), select(vec!["", "x \\ \"y\"\nz", "${x}", " x "]), prop::bool::weighted(0.2)), 1..6),
        default in any::<Index>(),
        has_default in prop::bool::weighted(0.9),
    ) -> Vec<LivePool> {
        let default = has_default.then(|| default.index(pools.len()));
        pools.into_iter().enumerate().map(|(at, (name, description, dynamic))| LivePool {
            id: Id::new(format!("WorkerPools-{at}")),
            name: Name::new(name),
            slug: format!("pool-{at}"),
            description: description.to_owned(),
            kind: if dynamic { PoolKind::Dynamic { image: ["Ubuntu", "", "Gone"][at % 3].into() } } else { PoolKind::Static },
            default: default == Some(at),
        }).collect()
    }
}

/// A step: its name, its action's, whether it has siblings, its type, and where it is.
type Step = (String, Option<String>, bool, &'static str, Place<usize>, bool, &'static str, bool);

fn any_step() -> impl Strategy<Value = Step> {
    let place = prop_oneof![
        3 => Just(Place::DefaultPool),
        4 => (0..7_usize).prop_map(Place::Pool),
        1 => select(vec!["Pool", "pool", "${P}", " P", "a\"b\n"]).prop_map(|it| Place::Variable(it.into())),
    ];
    let action = option::weighted(0.3, any_name());
    let kind = select(TYPES.to_vec());
    let (siblings, container) = (prop::bool::weighted(0.2), prop::bool::weighted(0.1));
    let roles = select(vec!["", "", "web"]);
    (any_name(), action, siblings, kind, place, any::<bool>(), roles, container)
}

fn live_step(at: usize, n: usize, step: Step, pools: &[LivePool]) -> LiveStep {
    let (name, action, has_siblings, kind, place, run_on_server, roles, container) = step;
    let of_pool = |at: usize| match pools.get(at) {
        Some(pool) => pool.id.clone(),
        // One that is gone, or that the key may not see.
        None => Id::new(["WorkerPools-99", "pool of \"old\""][at % 2]),
    };
    LiveStep {
        id: Id::new(format!("{at}-{n}")),
        step: Name::new(&name),
        action: Name::new(action.unwrap_or(name)),
        position: n,
        names_both: false,
        has_siblings,
        action_type: kind.to_owned(),
        place: match place {
            Place::Pool(at) => Place::Pool(of_pool(at)),
            Place::Variable(name) => Place::Variable(name),
            Place::DefaultPool => Place::DefaultPool,
        },
        run_on_server: Some(run_on_server),
        from_file: false,
        channels: Vec::new(),
        disabled: false,
        target_roles: roles.to_owned(),
        container: container.then(|| Container::from_image("ubuntu:24.04", "Feeds-gone")),
        parameters: Vec::new(),
    }
}

prop_compose! {
    pub(crate) fn any_live()(
        pools in any_pools(),
        workers in vec((any_name(), vec(any::<Index>(), 0..4), any::<bool>(), any_endpoint(), 0..3_usize), 0..7),
        named in (vec(any_name(), 1..3), vec(any_name(), 0..3), vec(any_name(), 0..3)),
        projects in vec((any_name(), any_name(), option::weighted(0.2, any::<bool>()), prop::bool::weighted(0.1)), 1..6),
        processes in vec((any::<Index>(), option::of(any_name()), vec(any_step(), 0..5)), 0..9),
        built_in_worker in option::of(any::<bool>()),
        url in any_name(),
    ) -> Live {
        let workers = workers.into_iter().enumerate().map(|(at, (name, of, disabled, endpoint, policy))| {
            let mut of: Vec<_> = of.iter().map(|it| it.get(&pools).id.clone()).collect();
            let mut seen = HashSet::new();
            of.retain(|it| seen.insert(it.clone()));
            LiveWorker {
                id: Id::new(format!("Workers-{at}")),
                name: Name::new(name.as_str()),
                slug: name.to_lowercase(),
                endpoint,
                pools: of,
                policy: Linked::new(format!("MachinePolicies-{policy}"), "?"),
                disabled,
                health: Health::Healthy,
            }
        }).collect();
        let mut gaps = Vec::new();
        let mut live = Vec::new();
        for (at, (project, runbook, steps)) in processes.into_iter().enumerate() {
            let number = project.index(projects.len());
            let (project, group, git, unreachable) = &projects[number];
            if git.is_some() && *unreachable {
                let what = format!("the version-controlled project {project:?}");
                gaps.push(UnreadPart::new(what, "no\nanswer", HiddenData::StepsInGit).in_project(project));
                continue;
            }
            let id = format!("process-{at}");
            let git = git.map(|protected| on_main(id.clone(), number, protected));
            live.push(LiveProcess {
                id: git.as_ref().map_or(Id::new(&id), |branch| branch.at.process_id()),
                owner: ProcessOwner { project: Name::new(project), group: Name::new(group), runbook: runbook.map(Name::new) },
                git,
                steps: steps.into_iter().enumerate().map(|(n, step)| live_step(at, n, step, &pools)).collect(),
                templates: Vec::new(),
            });
        }
        let projects = projects.iter().map(|(name, group, git, _)| LiveProject { name: Name::new(name), group: Name::new(group), tags: Vec::new(), git: git.is_some() }).collect();
        let (policies, proxies, accounts) = named;
        Live {
            server: LiveServer { url, version: String::new(), space: Linked::new("Spaces-1", "Default"), built_in_worker },
            directory: Directory {
                policies: entries("MachinePolicies", &policies),
                proxies: entries("Proxies", &proxies),
                accounts: entries("Accounts", &accounts),
                images: Some(vec!["Ubuntu".into()]),
                ..Directory::default()
            },
            pools, workers, projects, processes: live,
            references: Vec::new(), indirect: Default::default(),
            snapshots: Vec::new(), other_spaces: Vec::new(), unread: gaps,
        }
    }
}

/// The default branch of a project, as a process or variables have it.
pub(crate) fn on_main(document: String, project: usize, protected: bool) -> LiveBranch {
    let at = BranchRef {
        document,
        project: Id::new(format!("Projects-{project}")),
        repository: "https://git.example/all.git".into(),
        name: "main".into(),
    };
    LiveBranch { at, role: BranchRole::from_protection(protected) }
}

/// What is read again once a file says that repositories may be passed over.
pub(crate) fn read_again(live: &Live, skips_unreachable: bool) -> Live {
    let mut live = live.clone();
    let passed = live
        .unread
        .iter_mut()
        .filter(|part| skips_unreachable && part.hidden == HiddenData::StepsInGit);
    passed.for_each(|it| it.hidden = HiddenData::Steps);
    live
}
