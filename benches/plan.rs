//! Measures a plan of 1,000 projects with 10 steps each and 500 workers: `cargo bench --bench plan`.
//!
//! Prints the number of requests, the peak memory of the process, and the wall time, compared with downloading
//! the same responses in the same run, eight at once. Then it measures rules alone, 10,000 steps × 1, 200 and
//! 500 rules: the whole diff, and which rule decides about each step.
//! No figure is asserted: a busy machine is not a defect of the code.
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![allow(clippy::unwrap_used, reason = "a benchmark may stop at any error")]

use futures_util::{StreamExt as _, stream};
use octopus_sandbox::{self as sandbox, Sandbox, Seed};
use poolwright_client::octopus::{
    Connection, ConnectionOptions, Credentials, Secret, TrustedServer,
};
use poolwright_core::{
    config,
    desired::Desired,
    diff::{deciding_rules, plan_changes},
    finding::{Source, Sources},
    plan::{PlanHeader, PlanOrigin},
    scope::ReadScope,
};
use poolwright_refresh as refresh;

use std::{
    fmt::Write as _,
    fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const RUNS: usize = 5;

const FILE: &str = "version = 1
[pools.kubernetes]
name = \"Kubernetes\"
[[placements]]
process = \"any\"
step = \"*\"
pool = \"kubernetes\"
";

#[tokio::main]
async fn main() {
    _ = rustls::crypto::ring::default_provider().install_default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let seed = Seed::Large { projects: 1000, steps: 10, workers: 500 };
    let options = sandbox::SandboxOptions { seed, ..sandbox::SandboxOptions::default() };
    let sandbox = sandbox::start_server(options, listener).await.unwrap();
    measure_command(&sandbox).await;
    measure_rules(&sandbox).await;
}

/// Measures the whole command, and a download of what it reads.
async fn measure_command(sandbox: &Sandbox) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("workers.toml"), FILE).unwrap();
    let before = sandbox.recent_requests().len();
    let (mut plans, mut downloads, mut peak, mut bytes) = (Vec::new(), Vec::new(), 0, 0);
    let mut requests = Vec::new();
    for _ in 0..RUNS {
        let seen = sandbox.recent_requests().len();
        let (time, memory) = run_plan(sandbox, folder.path());
        plans.push(time);
        peak = peak.max(memory);
        requests = sandbox.recent_requests().split_off(seen);
        let (time, read) = download(sandbox, &requests).await;
        downloads.push(time);
        bytes = read;
    }
    println!("requests of a plan:      {}", requests.len());
    println!("bytes read (unpacked):   {:.1} MB", bytes as f64 / 1e6);
    println!("peak memory of a plan:   {:.0} MB", peak as f64 / 1024.0);
    let (plan, download) = (median(plans), median(downloads));
    println!("plan, median of {RUNS}:       {plan:?}");
    println!("download, median of {RUNS}:   {download:?}");
    println!("plan / download:         {:.2}", plan.as_secs_f64() / download.as_secs_f64());
    assert!(before < sandbox.recent_requests().len(), "the server got no request");
}

/// Runs `poolwright plan`; returns its time, and its peak memory in kilobytes (0 without `/proc`).
fn run_plan(sandbox: &Sandbox, folder: &std::path::Path) -> (Duration, u64) {
    let start = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_poolwright"))
        .args(["plan", "-q"])
        .current_dir(folder)
        .env("OCTOPUS_URL", sandbox.url())
        .env("OCTOPUS_API_KEY", sandbox::ADMIN_KEY)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        peak = peak.max(peak_memory(child.id()));
        std::thread::sleep(Duration::from_millis(2));
    }
    (start.elapsed(), peak)
}

fn peak_memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|it| it.parse().ok()).unwrap_or_default()
}

/// Sends the same requests, eight at once, and discards the responses; returns the time and the bytes read.
async fn download(sandbox: &Sandbox, requests: &[String]) -> (Duration, usize) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let start = Instant::now();
    let gets = requests.iter().filter_map(|it| it.strip_prefix("GET "));
    let read = stream::iter(gets.map(|path| {
        let request = client.get(format!("{}{path}", sandbox.url()));
        let request = request.header("X-Octopus-ApiKey", sandbox::ADMIN_KEY);
        async { request.send().await.unwrap().bytes().await.unwrap().len() }
    }));
    let bytes = read.buffer_unordered(8).fold(0, |sum, len| async move { sum + len }).await;
    (start.elapsed(), bytes)
}

/// Measures the diff alone: with one rule, with 200 rules that have wildcards, and with 500 that list names. Only the
/// last rule of each file matches.
async fn measure_rules(sandbox: &Sandbox) {
    let key = Credentials::ApiKey(Secret::from(sandbox::ADMIN_KEY.to_owned()));
    let reader =
        Connection::open(ConnectionOptions::new(TrustedServer::named_by_user(sandbox.url()), key))
            .unwrap()
            .reader();
    let space = refresh::find_space(&reader, None).await.unwrap();
    let scope = ReadScope::for_plan(&load_rules(String::new()));
    let live = refresh::refresh_live(&reader, &space, &scope, sandbox.url()).await.unwrap();
    let steps: usize = live.processes.iter().map(|it| it.steps.len()).sum();
    let header = PlanHeader {
        url: String::new(),
        server_version: String::new(),
        space,
        files: Vec::new(),
        digest: String::new(),
        scope,
        origin: PlanOrigin::Files,
        stamp: Default::default(),
    };
    let files = [
        ("1 rule", String::new()),
        ("200 rules with wildcards", wildcard_rules(200)),
        ("500 rules of 20 names each", listing_rules(500)),
    ];
    for (name, rules) in files {
        let desired = load_rules(rules);
        let changes = plan_changes(&desired, &live, header.clone()).changes.len();
        let diff = median_time(|| plan_changes(&desired, &live, header.clone()));
        println!("diff of {steps} steps × {name} ({changes} changes): {diff:?}");
        let matched = median_time(|| deciding_rules(&desired, &live));
        println!("match of {steps} steps × {name}: {matched:?}");
    }
}

/// Returns what a file asks for: these rules, and one for all steps after them.
fn load_rules(mut rules: String) -> Desired {
    rules.insert_str(0, "version = 1\n");
    rules.push_str("[[placements]]\nprocess = \"any\"\nstep = \"*\"\npool = \"Kubernetes\"\n");
    config::load_desired(&Sources(vec![Source::new("workers.toml", rules)])).0
}

fn wildcard_rules(count: usize) -> String {
    let mut text = String::new();
    for rule in 1..count {
        _ = write!(
            text,
            "[[placements]]\nproject = \"team-{rule}-*\"\nstep = \"*nothing {rule}*\"\ndefault_pool = true\n"
        );
    }
    text
}

fn listing_rules(count: usize) -> String {
    let mut text = String::new();
    for rule in 1..count {
        let names: Vec<_> = (0..20).map(|name| format!("Nothing {rule} {name}")).collect();
        _ = write!(text, "[[placements]]\nstep = {names:?}\ndefault_pool = true\n");
    }
    text
}

fn median_time<T>(job: impl Fn() -> T) -> Duration {
    let time = || {
        let start = Instant::now();
        std::hint::black_box(job());
        start.elapsed()
    };
    median((0..RUNS).map(|_| time()).collect())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
