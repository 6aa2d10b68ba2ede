//! Measures `pull`: how the CPU time of its rules grows with the steps, and that of the whole command for 100 and 1,000
//! projects: `cargo bench --bench pull`.
//!
//! The rules are found for three kinds of spaces of 1,000 to 100,000 steps: with few rules behind their placements, with
//! exceptions, and at random, with names that no two projects share. The slope is the exponent of the growth: 1.0 is
//! linear. No figure is asserted: a busy machine is not a defect of the code.
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![allow(clippy::unwrap_used, reason = "a benchmark may stop at any error")]

use octopus_sandbox::{self as sandbox, Sandbox, Seed};
use poolwright_core::{
    live::{
        Directory, IndirectPools, Live, LivePool, LiveProcess, LiveProject, LiveServer, LiveStep,
        ProcessOwner,
    },
    model::{Id, Linked, Name, Place, PoolKind},
    pull::{RuleCoverage, render_config},
};

use std::{
    fs,
    process::{Command, Stdio},
    time::Duration,
};

const RUNS: usize = 3;
const STEPS: usize = 10;
const PROJECTS: [usize; 3] = [100, 1_000, 10_000];
const TYPES: [&str; 5] = [
    "Octopus.Script",
    "Octopus.AzurePowerShell",
    "Octopus.KubernetesRunScript",
    "Octopus.HelmChartUpgrade",
    "Octopus.TerraformPlan",
];

/// How the steps of a space are placed.
#[derive(Clone, Copy, Debug)]
enum Placing {
    /// By type.
    ByKind,
    /// By type, except for one step in twenty.
    WithExceptions,
    /// At random; each step has a name of its own.
    AtRandom,
}

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

#[tokio::main]
async fn main() {
    _ = rustls::crypto::ring::default_provider().install_default();
    for coverage in [RuleCoverage::Seen, RuleCoverage::Closed] {
        for placing in [Placing::ByKind, Placing::WithExceptions, Placing::AtRandom] {
            measure_rules(placing, coverage);
        }
    }
    let mut times = Vec::new();
    for projects in [100, 1_000] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let seed = Seed::Large { projects, steps: STEPS, workers: 500 };
        let options = sandbox::SandboxOptions { seed, ..sandbox::SandboxOptions::default() };
        let sandbox = sandbox::start_server(options, listener).await.unwrap();
        let time = median((0..RUNS).map(|_| run_pull(&sandbox)).collect());
        println!("pull of {projects} projects: {time:?} of CPU");
        times.push(time);
    }
    println!("slope of pull: {:.2}", slope(times[0], times[1]));
}

/// Measures the rules for spaces of growing size.
fn measure_rules(placing: Placing, coverage: RuleCoverage) {
    let mut times: Vec<Duration> = Vec::new();
    for projects in PROJECTS {
        let live = space(projects, placing);
        let time = || {
            let before = own_cpu_time();
            let text = render_config(&live, "https://octopus.example", coverage);
            (own_cpu_time() - before, text.matches("[[placements]]").count())
        };
        let rules = time().1;
        let time = median((0..RUNS).map(|_| time().0).collect());
        let steps = projects * STEPS;
        println!("{placing:?}, {coverage:?}: {steps} steps, {rules} rules: {time:?} of CPU");
        times.push(time);
    }
    let slopes: Vec<String> =
        times.windows(2).map(|pair| format!("{:.2}", slope(pair[0], pair[1]))).collect();
    println!("{placing:?}, {coverage:?}: slopes {}", slopes.join(", "));
}

/// A space with this many projects.
fn space(projects: usize, placing: Placing) -> Live {
    let mut dice = Dice(7);
    let pools: Vec<LivePool> = (0..6).map(pool).collect();
    let project = |at: usize| LiveProject {
        name: Name::new(format!("Project {at:05}")),
        git: false,
        group: Name::new(format!("Group {:03}", at / 20)),
        tags: Vec::new(),
    };
    let all: Vec<LiveProject> = (0..projects).map(project).collect();
    let processes = all.iter().enumerate().map(|(at, project)| LiveProcess {
        id: Id::new(format!("process-{at}")),
        owner: ProcessOwner {
            project: project.name.clone(),
            group: project.group.clone(),
            runbook: None,
        },
        git: None,
        steps: (0..STEPS).map(|number| step(at, number, placing, &pools, &mut dice)).collect(),
        templates: Vec::new(),
    });
    let processes = processes.collect();
    Live {
        server: LiveServer {
            url: String::new(),
            version: String::new(),
            space: Linked::new("Spaces-1", "Default"),
            built_in_worker: None,
        },
        pools,
        workers: Vec::new(),
        projects: all,
        processes,
        snapshots: Vec::new(),
        directory: Directory::default(),
        references: Vec::new(),
        indirect: IndirectPools::default(),
        other_spaces: Vec::new(),
        unread: Vec::new(),
    }
}

fn pool(at: usize) -> LivePool {
    LivePool {
        id: Id::new(format!("WorkerPools-{at}")),
        name: Name::new(format!("Pool {at}")),
        slug: String::new(),
        description: String::new(),
        kind: PoolKind::Static,
        default: at == 0,
    }
}

fn step(
    project: usize,
    number: usize,
    placing: Placing,
    pools: &[LivePool],
    dice: &mut Dice,
) -> LiveStep {
    let kind = dice.roll(TYPES.len());
    let at = match placing {
        Placing::WithExceptions if dice.roll(20) == 0 => dice.roll(pools.len()),
        Placing::ByKind | Placing::WithExceptions => kind,
        Placing::AtRandom => dice.roll(pools.len()),
    };
    let name = match placing {
        Placing::AtRandom => format!("Step {number} of {project}"),
        _ => format!("{} {number}", TYPES[kind]),
    };
    LiveStep {
        position: 0,
        names_both: false,
        id: Id::new(format!("{project}-{number}")),
        step: Name::new(&name),
        action: Name::new(&name),
        has_siblings: false,
        action_type: TYPES[kind].to_owned(),
        place: if at == 0 { Place::DefaultPool } else { Place::Pool(pools[at].id.clone()) },
        run_on_server: Some(true),
        from_file: false,
        target_roles: String::new(),
        container: None,
        channels: Vec::new(),
        parameters: Vec::new(),
        disabled: false,
    }
}

/// Runs `poolwright pull`; returns the CPU time of the process.
fn run_pull(sandbox: &Sandbox) -> Duration {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_poolwright"))
        .args(["pull", "-q", "-o", "workers.toml"])
        .current_dir(folder.path())
        .env("OCTOPUS_URL", sandbox.url())
        .env("OCTOPUS_API_KEY", sandbox::ADMIN_KEY)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let path = format!("/proc/{}/stat", child.id());
    let mut time = Duration::ZERO;
    // The last reading before the process ends; a zombie still has its times.
    while !is_zombie(&path) {
        time = time.max(cpu_time(&path));
        std::thread::sleep(Duration::from_millis(5));
    }
    time = time.max(cpu_time(&path));
    assert!(child.wait().unwrap().success());
    time
}

fn own_cpu_time() -> Duration {
    // More exact than the ticks of `/proc/self/stat`: nanoseconds of this thread.
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let first = text.split_whitespace().next().and_then(|it| it.parse().ok());
    Duration::from_nanos(first.unwrap_or_default())
}

/// The fields of a process's `stat` after its name.
fn stat_fields(path: &str) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let fields = text.rsplit_once(')').map(|(_, fields)| fields).unwrap_or_default();
    fields.split_whitespace().map(str::to_owned).collect()
}

fn is_zombie(path: &str) -> bool {
    stat_fields(path).first().is_none_or(|state| state == "Z")
}

/// User and system time, in ticks of 10 ms.
fn cpu_time(path: &str) -> Duration {
    let fields = stat_fields(path);
    let ticks = [11, 12].into_iter().filter_map(|at| fields.get(at)?.parse::<u64>().ok());
    Duration::from_millis(ticks.sum::<u64>() * 10)
}

/// The exponent of the growth between two sizes, ten times apart.
fn slope(small: Duration, large: Duration) -> f64 {
    (large.as_secs_f64() / small.as_secs_f64()).log10()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
