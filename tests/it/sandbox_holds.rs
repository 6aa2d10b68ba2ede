//! The sandbox under load, and after a kill.

use crate::{
    sandbox::{Bench, names, pool},
    workbench::program,
};
use futures_util::future::join_all;
use octopus_sandbox::{ADMIN_KEY, SandboxOptions, Seed};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

/// The program as a separate server, killed when dropped.
struct Served {
    child: Child,
    url: String,
}

impl Served {
    fn on(folder: &Path) -> Self {
        let mut command = program(folder, &["sandbox", "--port", "0", "--seed", "empty"]);
        Self::start(command.stdout(Stdio::piped()).stderr(Stdio::null()))
    }

    fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
        let url = lines.next().unwrap().unwrap();
        Self { child, url: url.strip_prefix("OCTOPUS_URL=").unwrap().to_owned() }
    }

    /// `kill -9`, where it exists.
    fn kill(&mut self) {
        _ = self.child.kill();
        self.child.wait().unwrap();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Creates pools named `prefix N` until the server is gone, and returns the names of the acknowledged ones.
async fn write_on(client: reqwest::Client, url: String, prefix: usize) -> Vec<String> {
    let mut acknowledged = Vec::new();
    for number in 0.. {
        let name = format!("{prefix} {number}");
        let request = client.post(format!("{url}/api/Spaces-1/workerpools"));
        let request = request.header("X-Octopus-ApiKey", ADMIN_KEY).body(pool(&name).to_string());
        match request.send().await {
            Ok(answer) if answer.status() == 201 => acknowledged.push(name),
            _ => break,
        }
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::new();
    let mut wanted = BTreeSet::from(["Default Worker Pool".to_owned()]);
    for round in 0_usize..3 {
        let mut served = Served::on(folder.path());
        let begin = |writer| write_on(client.clone(), served.url.clone(), round * 10 + writer);
        let writers: Vec<_> = (0..4).map(|writer| tokio::spawn(begin(writer))).collect();
        let count = async || {
            let pools = client.get(format!("{}/api/Spaces-1/workerpools", served.url));
            let pools = pools.header("X-Octopus-ApiKey", ADMIN_KEY).send().await.unwrap();
            pools.json::<Value>().await.unwrap()["TotalResults"].as_u64().unwrap()
        };
        let before = wanted.len() as u64;
        while count().await < before + 40 {}
        served.kill();
        for writer in join_all(writers).await {
            wanted.extend(writer.unwrap());
        }
        let served = Served::on(folder.path());
        let pools = client.get(format!("{}/api/Spaces-1/workerpools/all", served.url));
        let pools = pools.header("X-Octopus-ApiKey", ADMIN_KEY).send().await.unwrap();
        let pools: Value = pools.json().await.unwrap();
        let there: BTreeSet<String> = pools
            .as_array()
            .unwrap()
            .iter()
            .map(|value| value["Name"].to_string().replace('"', ""))
            .collect();
        let lost: Vec<_> = wanted.difference(&there).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
        wanted = there;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_clients_at_once_get_their_own_answers() {
    let bench = Bench::new(Seed::Empty).await;
    let tasks = (0..200).map(async |number| {
        // A separate client has a separate connection.
        let client = reqwest::Client::new();
        let at = |path: &str| format!("{}/api/Spaces-1/{path}", bench.sandbox.url());
        let name = format!("Pool {number}");
        let made = client.post(at("workerpools")).header("X-Octopus-ApiKey", ADMIN_KEY);
        let made: Value =
            made.body(pool(&name).to_string()).send().await.unwrap().json().await.unwrap();
        let id = made["Id"].as_str().unwrap().to_owned();
        let read =
            client.get(at(&format!("workerpools/{id}"))).header("X-Octopus-ApiKey", ADMIN_KEY);
        let read: Value = read.send().await.unwrap().json().await.unwrap();
        assert_eq!(read["Name"], name.as_str());
        assert_eq!(read, made);
        let all = client.get(at("workerpools/all")).header("X-Octopus-ApiKey", ADMIN_KEY);
        let all: Value = all.send().await.unwrap().json().await.unwrap();
        assert!(all.as_array().unwrap().contains(&read), "what was written is in the next list");
        id
    });
    let ids: BTreeSet<String> = join_all(tasks).await.into_iter().collect();
    assert_eq!(ids.len(), 200);
    let all = bench.get("/api/Spaces-1/workerpools/all").await;
    let ranks: BTreeSet<i64> =
        all.as_array().unwrap().iter().map(|value| value["SortOrder"].as_i64().unwrap()).collect();
    assert_eq!(ranks.len(), 201, "no two writes saw the same list");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_list_reader_blocks_no_writes_and_sees_one_state() {
    let seed = Seed::Large { projects: 300, steps: 10, workers: 0 };
    let bench = Bench::unwatched(SandboxOptions { seed, ..SandboxOptions::default() }).await;
    let path = "/api/Spaces-1/deploymentprocesses?take=1000";
    let mut slow = Vec::new();
    // More readers than may look something up at once, each with a list that exceeds all buffers.
    for _ in 0..12 {
        let answer = bench.request("GET", path).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.content_length(), None, "it is sent before its length is known");
        slow.push(answer);
    }
    let process = "/api/Spaces-1/projects/Projects-300/deploymentprocesses";
    let mut changed = bench.get(process).await;
    changed["Steps"] = json!([]);
    assert_eq!(bench.send("PUT", process, changed).await.0, 200);
    assert_eq!(bench.get(process).await["Steps"], json!([]));
    for answer in slow {
        let list: Value = answer.json().await.unwrap();
        let items = list["Items"].as_array().unwrap();
        assert_eq!((items.len(), &list["TotalResults"]), (300, &json!(300)));
        assert!(items.iter().all(|item| item["Steps"].as_array().unwrap().len() == 10));
    }
    let again = bench.get(path).await;
    let empty =
        again["Items"].as_array().unwrap().iter().filter(|value| value["Steps"] == json!([]));
    assert_eq!(empty.count(), 1);
}

#[tokio::test]
async fn a_client_that_disconnects_mid_list_does_not_block_others() {
    let bench = Bench::unwatched(SandboxOptions {
        seed: Seed::Large { projects: 60, steps: 10, workers: 0 },
        ..SandboxOptions::default()
    })
    .await;
    for _ in 0..40 {
        let answer = bench.request("GET", "/api/Spaces-1/deploymentprocesses/all").send().await;
        drop(answer.unwrap());
    }
    bench.pool("SQL").await;
    assert!(names(&bench.get("/api/Spaces-1/workerpools/all").await).contains("SQL"));
}

#[cfg(unix)]
#[test]
fn an_in_memory_sandbox_leaves_no_files() {
    let folder = tempfile::tempdir().unwrap();
    for signal in ["-TERM", "-INT"] {
        let mut command = program(folder.path(), &["sandbox", "--port", "0", "--db", ":memory:"]);
        command.env("TMPDIR", folder.path()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut served = Served::start(&mut command);
        let files = || std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(files(), 1);
        let process = served.child.id().to_string();
        let kill = Command::new("kill").args([signal, &process]).status();
        assert!(kill.unwrap().success());
        assert_eq!(served.child.wait().unwrap().code(), Some(0), "{signal}");
        assert_eq!(files(), 0, "{signal}");
    }
}

#[tokio::test]
async fn exchanges_are_recorded_without_keys() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program(
        folder.path(),
        &["sandbox", "--port", "0", "--db", ":memory:", "--record", "talk.jsonl"],
    );
    let served = Served::start(command.stdout(Stdio::piped()).stderr(Stdio::null()));
    let request = reqwest::Client::new().post(format!("{}/api/Spaces-1/workerpools", served.url));
    let request = request.header("X-Octopus-ApiKey", ADMIN_KEY).header("User-Agent", "curl/8");
    assert_eq!(request.body(pool("SQL").to_string()).send().await.unwrap().status(), 201);
    let text = std::fs::read_to_string(folder.path().join("talk.jsonl")).unwrap();
    assert!(!text.contains(ADMIN_KEY), "{text}");
    let line: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&line["method"], &line["target"], &line["agent"], &line["status"]),
        (&json!("POST"), &json!("/api/Spaces-1/workerpools"), &json!("curl/8"), &json!(201))
    );
    assert_eq!((&line["sent"]["Name"], &line["answer"]["Name"]), (&json!("SQL"), &json!("SQL")));
}

#[test]
fn an_existing_file_is_not_seeded_again_and_the_program_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let serve = |seed: &str| {
        let mut command = program(folder.path(), &["sandbox", "--port", "0", "--seed", seed]);
        let mut served = Served::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
        let lines = BufReader::new(served.child.stderr.take().unwrap()).lines();
        // The last line is printed once it serves.
        let told: Vec<String> =
            lines.map(|it| it.unwrap()).take_while(|it| !it.starts_with("Ctrl-C")).collect();
        told.iter().any(|text| text.contains("`--seed` applies only to a new file"))
    };
    assert_eq!((serve("empty"), serve("acme")), (false, true));
}
