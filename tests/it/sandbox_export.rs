//! A sandbox's state as a file, and a copy of a live server.

use crate::{
    sandbox::{Bench, pool, worker},
    workbench::{Workbench, output, program},
};
use octopus_sandbox::{
    ADMIN_KEY, SandboxError, SandboxOptions, Seed, StoreLocation, export_state, start_server,
};
use serde_json::{Value, json};
use std::{io::BufRead as _, path::Path, process::Stdio};
use tempfile::TempDir;

/// The answers of a sandbox to every list.
async fn everything(bench: &Bench) -> Vec<Value> {
    let lists = [
        "workerpools",
        "workers",
        "machinepolicies",
        "proxies",
        "accounts",
        "projectgroups",
        "projects",
        "deploymentprocesses",
        "runbooks",
        "runbookProcesses",
        "variables",
        "libraryvariablesets",
        "environments",
        "machines",
        "feeds",
        "lifecycles",
    ];
    let mut all =
        vec![bench.get("/api/spaces/all").await, bench.get("/api/featuresconfiguration").await];
    for space in ["Spaces-1", "Spaces-2"] {
        for list in lists {
            all.push(bench.get(&format!("/api/{space}/{list}?take=1000")).await["Items"].clone());
        }
    }
    all
}

async fn state(path: &Path) -> String {
    let mut text = Vec::new();
    export_state(&StoreLocation::File(path.to_owned()), &mut text).await.unwrap();
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn an_exported_state_is_imported_unchanged() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.db");
    let store = StoreLocation::File(path.clone());
    let bench =
        Bench::with(SandboxOptions { store, seed: Seed::Acme, ..SandboxOptions::default() }).await;
    let id = bench.pool("Brand new").await;
    bench.send("POST", "/api/Spaces-1/workers", worker("w-1", &[&id])).await;
    let before = everything(&bench).await;
    let text = state(&path).await;
    let copy = Bench::with(SandboxOptions {
        seed: Seed::State(text.clone()),
        ..SandboxOptions::default()
    })
    .await;
    assert_eq!(everything(&copy).await, before);
    // An assigned id is never assigned again.
    let next = [bench.pool("Next").await, copy.pool("Next").await];
    assert_eq!(next[0], next[1]);
    // The same state is the same file, byte for byte.
    let again = folder.path().join("b.db");
    let options = SandboxOptions {
        store: StoreLocation::File(again.clone()),
        seed: Seed::State(text.clone()),
        ..SandboxOptions::default()
    };
    drop(Bench::with(options).await);
    assert_eq!(state(&again).await, text);
}

#[tokio::test]
async fn a_state_keeps_numbers_and_unknown_fields_verbatim() {
    // Unknown fields are in no contract.
    let bench = Bench::unwatched(SandboxOptions::default()).await;
    let path = "/api/Spaces-1/projects/Projects-1/deploymentprocesses";
    let (_, text) = bench.text("GET", path, "").await;
    let edited = text.replacen(
        "\"Steps\":",
        "\"Future\":{\"x\":1.50,\"big\":12345678901234567890},\"Steps\":",
        1,
    );
    assert_eq!(bench.text("PUT", path, &edited).await.0.as_u16(), 200);
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("a.db");
    let state = r#"{"format":"poolwright-sandbox","version":1,"documents":[
        {"kind":"spaces","body":{"Id":"Spaces-7","Name":"Default","Slug":"default","IsDefault":true}},
        {"kind":"features","id":"features","body":{"IsBuiltInWorkerEnabled":true,"Future":1.50}},
        {"kind":"WorkerPools","body":{"Id":"WorkerPools-9","SpaceId":"Spaces-7","Name":"Own","Slug":"own","IsDefault":true,"SortOrder":3,"x":1.50}}]}"#;
    let options = SandboxOptions {
        store: StoreLocation::File(file.clone()),
        seed: Seed::State(state.to_owned()),
        ..SandboxOptions::default()
    };
    let bench = Bench::unwatched(options).await;
    let (_, pools) = bench.text("GET", "/api/workerpools/all", "").await;
    assert!(pools.contains("\"x\":1.50"), "{pools}");
    let (status, made) = bench.send("POST", "/api/Spaces-7/workerpools", pool("Next")).await;
    assert_eq!((status, &made["Id"]), (201, &json!("WorkerPools-10")));
}

#[tokio::test]
async fn an_invalid_state_is_refused() {
    let refused = async |text: &str| {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let options =
            SandboxOptions { seed: Seed::State(text.to_owned()), ..SandboxOptions::default() };
        start_server(options, listener).await.map(drop).unwrap_err().to_string()
    };
    insta::assert_snapshot!(refused("version = 1").await, @"this is not a sandbox state");
    insta::assert_snapshot!(refused(r#"{"format":"x","version":1,"documents":[]}"#).await, @r#"this is not a sandbox state: its format is "x""#);
    insta::assert_snapshot!(refused(r#"{"format":"poolwright-sandbox","version":9,"documents":[]}"#).await, @"the state has version 9, but only versions up to 1 can be read");
    insta::assert_snapshot!(refused(r#"{"format":"poolwright-sandbox","version":1,"documents":[{"kind":"x","body":{}}]}"#).await, @r#"the state has documents of an unknown kind: "x""#);
    insta::assert_snapshot!(refused(r#"{"format":"poolwright-sandbox","version":1,"documents":[{"kind":"workers","body":{}}]}"#).await, @"the state has a document without an id among its workers");
}

#[tokio::test]
async fn a_store_with_data_is_not_overwritten() {
    let folder = TempDir::new().unwrap();
    let store = StoreLocation::File(folder.path().join("a.db"));
    drop(Bench::with(SandboxOptions { store: store.clone(), ..SandboxOptions::default() }).await);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let state = r#"{"format":"poolwright-sandbox","version":1,"documents":[]}"#.to_owned();
    let error = start_server(
        SandboxOptions { store, seed: Seed::State(state), ..SandboxOptions::default() },
        listener,
    )
    .await
    .map(drop);
    assert!(matches!(error, Err(SandboxError::HasData)), "{error:?}");
}

/// A running server program; killed when dropped.
struct Serving {
    child: std::process::Child,
    url: String,
    key: String,
}

impl Serving {
    fn new(folder: &Path, args: &[&str], environment: &[(&str, &str)]) -> Self {
        let args = [&["sandbox", "--port", "0"], args].concat();
        let mut command = program(folder, &args);
        command.envs(environment.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut printed = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
        let mut next = |name: &str| {
            let line = printed.next().unwrap().unwrap();
            line.strip_prefix(name).unwrap_or_else(|| panic!("{line}")).to_owned()
        };
        let (url, key) = (next("OCTOPUS_URL="), next("OCTOPUS_API_KEY="));
        Self { child, url, key }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

#[test]
fn a_copy_yields_the_same_plan_as_the_original() {
    let workbench = Workbench::new(Seed::Chapter);
    let original = workbench.bench.sandbox.url();
    let folder = workbench.folder.path();
    let key = [("OCTOPUS_API_KEY", ADMIN_KEY)];
    let copy = Serving::new(folder, &["--db", "copy.db", "--from", original], &key);
    assert_eq!(workbench.writes(), [""; 0]);
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/chapter/3-steps/workers.toml");
    let plan = |url: &str, key: &str| {
        let mut command = workbench.command(&["plan", "-v", "-f", example, "--url", url]);
        let output = output(command.env("OCTOPUS_API_KEY", key));
        output.stdout.replace(url, "URL")
    };
    // What everybody knows does not open the copy of a company's server.
    assert_ne!(copy.key, ADMIN_KEY);
    assert_eq!(plan(&copy.url, ADMIN_KEY), "");
    let (one, other) = (plan(original, ADMIN_KEY), plan(&copy.url, &copy.key));
    assert!(one.contains("by rule"), "{one}");
    assert_eq!(one, other);
    // The copy only has the values of variables that choose a pool.
    drop(copy);
    workbench.run(&["sandbox", "--db", "copy.db", "--export", "state.json"]).expect(0);
    let state = workbench.read("state.json");
    assert!(state.contains("Slack.Webhook") && !state.contains("hooks.slack"), "{}", state.len());
}
