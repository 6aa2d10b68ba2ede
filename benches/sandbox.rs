//! Measures the load that the sandbox can take: `cargo bench --bench sandbox`.
//!
//! The server is a process of its own, held to one processor if `taskset` is available. Prints the rate of
//! small reads and writes, per second of wall time and of the server's processor time (which a busy machine
//! does not change), and the memory that a page of 1,000 processes needs.
//! No figure is asserted: a busy machine is not a defect of the code.
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![allow(clippy::unwrap_used, reason = "a benchmark may stop at any error")]

use futures_util::{StreamExt as _, stream};
use octopus_sandbox::ADMIN_KEY;
use reqwest::{Client, RequestBuilder};
use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Instant,
};

const READS: usize = 40_000;
const WRITES: usize = 4_000;
/// Ticks per second, the unit in which the kernel counts processor time.
const TICKS: f64 = 100.0;

#[tokio::main]
async fn main() {
    _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let small = BenchServer::start(folder.path(), "small.db", &["--seed", "chapter"]);
    let paths = ["workerpools/WorkerPools-1", "workerpools", "projects/Projects-1", "workers/all"];
    let read = |client: &Client, number: usize| {
        client.get(format!("{}/api/Spaces-1/{}", small.url, paths[number % paths.len()]))
    };
    for connections in [16, 200] {
        let name = format!("small reads on {connections} connections");
        small.measure(&name, connections, READS, read).await;
    }
    let write = |client: &Client, number: usize| {
        let body = format!(
            r#"{{"Name":"Group {number}","Description":"made by a benchmark","EnvironmentIds":[]}}"#
        );
        client.post(format!("{}/api/Spaces-1/projectgroups", small.url)).body(body)
    };
    small.measure("small writes on 16 connections", 16, WRITES, write).await;
    drop(small);

    let large = BenchServer::start(folder.path(), "large.db", &["--seed", "large"]);
    // Seeding keeps the whole seed in memory, so a second server is measured.
    drop(large);
    let large = BenchServer::start(folder.path(), "large.db", &[]);
    let before = large.peak_memory();
    let page = |client: &Client, _| {
        client.get(format!("{}/api/Spaces-1/deploymentprocesses?take=1000", large.url))
    };
    large.measure("pages of 1,000 processes, 4 at once", 4, 20, page).await;
    println!("peak memory of the server: {before} before, {} after", large.peak_memory());
}

struct BenchServer {
    child: Child,
    url: String,
}

impl BenchServer {
    fn start(folder: &Path, db: &str, args: &[&str]) -> Self {
        let program = env!("CARGO_BIN_EXE_poolwright");
        let pinned = Command::new("taskset").args(["-c", "0", "true"]).status();
        let mut command = match pinned {
            Ok(status) if status.success() => Command::new("taskset"),
            _ => Command::new("env"),
        };
        if command.get_program() == "taskset" {
            command.args(["-c", "0"]);
        }
        command.arg(program).args(["sandbox", "--port", "0", "--db", db]).args(args);
        command.current_dir(folder).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
        let url = lines.next().unwrap().unwrap().replace("OCTOPUS_URL=", "");
        Self { child, url }
    }

    async fn measure(
        &self,
        name: &str,
        connections: usize,
        count: usize,
        request: impl Fn(&Client, usize) -> RequestBuilder,
    ) {
        let client = Client::new();
        let (start, before) = (Instant::now(), self.processor_seconds());
        let bytes: usize = stream::iter(0..count)
            .map(async |number| {
                let request = request(&client, number).header("X-Octopus-ApiKey", ADMIN_KEY);
                let mut response = request.send().await.unwrap().error_for_status().unwrap();
                let mut bytes = 0;
                while let Some(chunk) = response.chunk().await.unwrap() {
                    bytes += chunk.len();
                }
                bytes
            })
            .buffer_unordered(connections)
            .fold(0, async |sum, bytes| sum + bytes)
            .await;
        let wall = start.elapsed().as_secs_f64();
        let processor = self.processor_seconds() - before;
        println!(
            "{name}: {:.0} per second, {:.0} per second of the server's processor time; {:.1} MB",
            count as f64 / wall,
            count as f64 / processor.max(1.0 / TICKS),
            bytes as f64 / 1e6,
        );
    }

    /// The processor time that the server has used so far, in seconds; 0 if the kernel does not report it.
    fn processor_seconds(&self) -> f64 {
        let stat =
            fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        fields.skip(11).take(2).filter_map(|it| it.parse::<f64>().ok()).sum::<f64>() / TICKS
    }

    fn peak_memory(&self) -> String {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        line.unwrap_or("unknown").trim().to_owned()
    }
}

impl Drop for BenchServer {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
