//! What the sandbox bears: `cargo bench --bench sandbox`.
//!
//! The program serves as a process of its own, held to one processor where `taskset` is there. Told are
//! small reads and writes a second, by the clock and by the processor time that the server took (which
//! a busy machine does not change), and the memory that a page of 1,000 processes costs it.
//! Nothing is asserted: a machine that is busy is no mistake of the code.
#![allow(clippy::print_stdout, reason = "a benchmark tells its figures")]
#![allow(clippy::unwrap_used, reason = "a benchmark may stop where it stands")]

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
/// The kernel's ticks a second, which is what it counts processor time in.
const TICKS: f64 = 100.0;

#[tokio::main]
async fn main() {
    _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let small = Served::start(folder.path(), "small.db", &["--seed", "chapter"]);
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

    let large = Served::start(folder.path(), "large.db", &["--seed", "large"]);
    // A server that has only just been seeded has had all of the seed in memory.
    drop(large);
    let large = Served::start(folder.path(), "large.db", &[]);
    let before = large.memory();
    let page = |client: &Client, _| {
        client.get(format!("{}/api/Spaces-1/deploymentprocesses?take=1000", large.url))
    };
    large.measure("pages of 1,000 processes, 4 at once", 4, 20, page).await;
    println!("peak memory of the server: {before} before, {} after", large.memory());
}

struct Served {
    child: Child,
    url: String,
}

impl Served {
    fn start(folder: &Path, db: &str, args: &[&str]) -> Self {
        let program = env!("CARGO_BIN_EXE_poolwright");
        let held = Command::new("taskset").args(["-c", "0", "true"]).status();
        let mut command = match held {
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
        let (began, before) = (Instant::now(), self.processor());
        let bytes: usize = stream::iter(0..count)
            .map(async |number| {
                let request = request(&client, number).header("X-Octopus-ApiKey", ADMIN_KEY);
                let mut answer = request.send().await.unwrap().error_for_status().unwrap();
                let mut bytes = 0;
                while let Some(piece) = answer.chunk().await.unwrap() {
                    bytes += piece.len();
                }
                bytes
            })
            .buffer_unordered(connections)
            .fold(0, async |sum, bytes| sum + bytes)
            .await;
        let wall = began.elapsed().as_secs_f64();
        let processor = self.processor() - before;
        println!(
            "{name}: {:.0} a second by the clock, {:.0} a second of the server's processor; {:.1} MB",
            count as f64 / wall,
            count as f64 / processor.max(1.0 / TICKS),
            bytes as f64 / 1e6,
        );
    }

    /// The processor time that the server has taken so far, in seconds; 0 where the kernel does not tell.
    fn processor(&self) -> f64 {
        let stat =
            fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        fields.skip(11).take(2).filter_map(|it| it.parse::<f64>().ok()).sum::<f64>() / TICKS
    }

    fn memory(&self) -> String {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        line.unwrap_or("unknown").trim().to_owned()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
