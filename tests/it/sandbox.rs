//! The sandbox over real HTTP, as any client sees it; each test is about one fact.

use crate::contract::Watch;
use octopus_sandbox::{
    ADMIN_KEY, Fault, FaultKind, NO_WORKERS_KEY, READER_KEY, Sandbox, SandboxOptions, Seed,
    StoreLocation, start_server,
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;

/// A sandbox and a client with a key.
pub(crate) struct Bench {
    pub(crate) sandbox: Sandbox,
    pub(crate) client: reqwest::Client,
    pub(crate) key: &'static str,
    /// Dropped last: it fails a test whose requests or answers break the contract.
    _watch: Watch,
}

impl Bench {
    pub(crate) async fn new(seed: Seed) -> Self {
        Self::with(SandboxOptions { seed, ..SandboxOptions::default() }).await
    }

    pub(crate) async fn failing(on: &str, what: FaultKind) -> Self {
        let faults = vec![Fault { nth: 1, requests: Some(on.to_owned()), fault: what }];
        Self::with(SandboxOptions { seed: Seed::Chapter, faults, ..SandboxOptions::default() })
            .await
    }

    /// A sandbox whose requests and answers are checked against the contract.
    pub(crate) async fn with(options: SandboxOptions) -> Self {
        let watch = Watch::default();
        let recorder = Some(watch.recorder());
        Self { _watch: watch, ..Self::unwatched(SandboxOptions { recorder, ..options }).await }
    }

    /// A sandbox without a recorder, which therefore streams long lists.
    pub(crate) async fn unwatched(options: SandboxOptions) -> Self {
        _ = rustls::crypto::ring::default_provider().install_default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let redirect = reqwest::redirect::Policy::none();
        Self {
            sandbox: start_server(options, listener).await.unwrap(),
            client: reqwest::Client::builder().redirect(redirect).build().unwrap(),
            key: ADMIN_KEY,
            _watch: Watch::default(),
        }
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.sandbox.url());
        self.client
            .request(Method::from_bytes(method.as_bytes()).unwrap(), url)
            .header("X-Octopus-ApiKey", self.key)
    }

    pub(crate) async fn text(&self, method: &str, path: &str, body: &str) -> (StatusCode, String) {
        let answer = self.request(method, path).body(body.to_owned()).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let (status, text) = self.text(method, path, &body.to_string()).await;
        (status.as_u16(), serde_json::from_str(&text).unwrap())
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, body) = self.send("GET", path, Value::Null).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    pub(crate) async fn pool(&self, name: &str) -> String {
        let (status, pool) = self.send("POST", "/api/Spaces-1/workerpools", pool(name)).await;
        assert_eq!(status, 201, "{pool}");
        pool["Id"].as_str().unwrap().to_owned()
    }

    /// The lines of a refusal.
    pub(crate) async fn refused(&self, method: &str, path: &str, body: Value) -> String {
        let (status, body) = self.send(method, path, body).await;
        let lines = body["Errors"].as_array().cloned().unwrap_or_default();
        let lines: Vec<&str> = lines.iter().filter_map(Value::as_str).collect();
        format!("{status}: {}", lines.join(" | "))
    }
}

pub(crate) fn pool(name: &str) -> Value {
    json!({
        "CanAddWorkers": false, "Description": "x", "IsDefault": false, "Name": name, "SortOrder": 0,
        "WorkerPoolType": "StaticWorkerPool",
    })
}

pub(crate) fn worker(name: &str, pools: &[&str]) -> Value {
    json!({
        "Name": name,
        "WorkerPoolIds": pools,
        "IsDisabled": false,
        "Endpoint": {
            "CommunicationStyle": "TentaclePassive",
            "Uri": "https://db-worker-01:10933",
            "Thumbprint": "0E80575D3BD8D30854802A4E8340A2E23AE961FD",
        },
    })
}

pub(crate) fn names(list: &Value) -> String {
    let names: Vec<&str> =
        list.as_array().unwrap().iter().filter_map(|value| value["Name"].as_str()).collect();
    names.join(", ")
}

/// The process of the project "Web Store".
pub(crate) const PROCESS: &str = "/api/Spaces-1/projects/Projects-1/deploymentprocesses";

#[tokio::test]
async fn three_prefixes_reach_one_space_in_any_case_or_with_a_slash() {
    let bench = Bench::new(Seed::Empty).await;
    let wanted = bench.get("/api/Spaces-1/workerpools/all").await;
    for path in [
        "/api/spaces/Spaces-1/workerpools/all",
        "/api/spaces/default/workerpools/all",
        "/api/workerpools/all",
        "/API/spaces-1/WorkerPools/ALL/",
        "/api/Spaces-1/workerpool%73/all",
    ] {
        assert_eq!(bench.get(path).await, wanted, "{path}");
    }
    let other = bench.get("/api/spaces/OPERATIONS/workerpools/all").await;
    assert_eq!(other[0]["Id"], "WorkerPools-2");
}

#[tokio::test]
async fn only_the_root_is_readable_without_a_key() {
    let mut bench = Bench::new(Seed::Empty).await;
    bench.key = "API-NOBODY";
    assert_eq!(bench.get("/api/").await["Version"], "2026.2.9314");
    let (status, body) = bench.send("GET", "/api/spaces/all", Value::Null).await;
    assert_eq!(status, 401);
    insta::assert_snapshot!(body["ErrorMessage"].as_str().unwrap(), @"You must be logged in to perform this action. Please provide a valid API key or log in again.");
}

#[tokio::test]
async fn a_key_may_be_in_the_query_or_a_bearer_token() {
    let bench = Bench::new(Seed::Empty).await;
    let url = format!("{}/api/users/me", bench.sandbox.url());
    let in_query = bench.client.get(format!("{url}?apikey={READER_KEY}")).send().await.unwrap();
    assert_eq!(in_query.json::<Value>().await.unwrap()["Username"], "reader");
    let bearer = bench.client.get(url).bearer_auth(ADMIN_KEY).send().await.unwrap();
    assert_eq!(bearer.json::<Value>().await.unwrap()["Username"], "admin");
}

#[tokio::test]
async fn a_missing_resource_has_no_errors_and_a_refusal_names_the_permission() {
    let mut bench = Bench::new(Seed::Chapter).await;
    let (status, body) =
        bench.send("GET", "/api/Spaces-1/workerpools/WorkerPools-99", json!(null)).await;
    assert_eq!(status, 404);
    insta::assert_snapshot!(body.to_string(), @r#"{"ErrorMessage":"The resource you requested was not found.","FullException":null,"HelpText":null,"HelpLink":null,"ParsedHelpLinks":[],"Details":null}"#);
    bench.key = READER_KEY;
    let process = bench.get(PROCESS).await;
    for (method, path, permission) in [
        ("POST", "/api/Spaces-1/workerpools", "WorkerEdit"),
        ("PUT", PROCESS, "ProcessEdit"),
        ("PUT", "/api/Spaces-1/runbookProcesses/RunbookProcess-Runbooks-1", "RunbookEdit"),
        ("PUT", "/api/featuresconfiguration", "ConfigureServer"),
        ("DELETE", "/api/Spaces-1/machinepolicies/MachinePolicies-1", "MachinePolicyDelete"),
    ] {
        let (status, body) = bench.send(method, path, process.clone()).await;
        let text = body["ErrorMessage"].as_str().unwrap();
        assert_eq!(status, 403);
        assert!(text.ends_with(&format!("Missing permission: {permission}")), "{text}");
    }
}

#[tokio::test]
async fn a_key_without_worker_view_gets_empty_lists_and_no_worker() {
    let mut bench = Bench::new(Seed::Large { projects: 0, steps: 0, workers: 3 }).await;
    bench.key = NO_WORKERS_KEY;
    assert_eq!(bench.get("/api/Spaces-1/workers/all").await, json!([]));
    assert_eq!(bench.get("/api/Spaces-1/workers").await["TotalResults"], 0);
    let (status, _) = bench.send("GET", "/api/Spaces-1/workers/Workers-1", json!(null)).await;
    assert_eq!(status, 403);
}

#[tokio::test]
async fn a_page_links_to_itself_and_to_the_next() {
    let bench = Bench::new(Seed::Empty).await;
    for number in 1..=11 {
        bench.pool(&format!("Pool {number:02}")).await;
    }
    let first = bench.get("/api/Spaces-1/workerpools").await;
    assert_eq!(first["Items"].as_array().unwrap().len(), 10);
    assert_eq!(first["Items"][0]["Name"], "Default Worker Pool");
    insta::assert_snapshot!(serde_json::to_string_pretty(&first["Links"]).unwrap(), @r#"
    {
      "Self": "/api/Spaces-1/workerpools?skip=0&take=10",
      "Template": "/api/Spaces-1/workerpools{?skip,take,ids,partialName}",
      "Page.All": "/api/Spaces-1/workerpools?skip=0&take=2147483647",
      "Page.Next": "/api/Spaces-1/workerpools?skip=10&take=10",
      "Page.Current": "/api/Spaces-1/workerpools?skip=0&take=10",
      "Page.0": "/api/Spaces-1/workerpools?skip=0&take=10",
      "Page.1": "/api/Spaces-1/workerpools?skip=10&take=10",
      "Page.Last": "/api/Spaces-1/workerpools?skip=10&take=10"
    }
    "#);
    let last = bench.get(first["Links"]["Page.Next"].as_str().unwrap()).await;
    assert_eq!(names(&last["Items"]), "Pool 10, Pool 11");
    assert_eq!(last["Links"]["Page.Next"], json!(null));
    let some = bench.get("/api/Spaces-1/workerpools?partialName=L+1&take=1&skip=1").await;
    assert_eq!(names(&some["Items"]), "Pool 11");
    let some = bench.get("/api/Spaces-1/workerpools/all?ids=WorkerPools-99,workerpools-3").await;
    assert_eq!(names(&some), "Pool 01");
}

#[tokio::test]
async fn workers_can_be_filtered_by_their_properties() {
    let bench = Bench::new(Seed::Large { projects: 0, steps: 0, workers: 9 }).await;
    let mut disabled = bench.get("/api/Spaces-1/workers/Workers-3").await;
    disabled["IsDisabled"] = json!(true);
    bench.send("PUT", "/api/Spaces-1/workers/Workers-3", disabled.clone()).await;
    let thumbprint = disabled["Thumbprint"].as_str().unwrap().to_lowercase();
    for (query, wanted) in [
        ("workers?isDisabled=true", "database-worker-001"),
        (
            "workers?workerPoolIds=WorkerPools-3&isDisabled=false",
            "kubernetes-worker-001, kubernetes-worker-002, kubernetes-worker-003",
        ),
        ("workers?name=AZURE-worker-001", "azure-worker-001"),
        ("workers?healthStatuses=Unhealthy,Unavailable", ""),
        ("workerpools/WorkerPools-5/workers", "database-worker-001, database-worker-002"),
        (
            "machinepolicies/MachinePolicies-1/workers?partialName=general",
            "general-worker-001, general-worker-002",
        ),
    ] {
        let found = bench.get(&format!("/api/Spaces-1/{query}")).await;
        assert_eq!(names(&found["Items"]), wanted, "{query}");
    }
    let found = bench.get(&format!("/api/Spaces-1/workers/all?thumbprint={thumbprint}")).await;
    assert_eq!(names(&found), "database-worker-001");
    let summary = bench.get("/api/Spaces-1/workerpools/summary").await;
    assert_eq!(
        (&summary["TotalMachines"], &summary["TotalDisabledMachines"]),
        (&json!(9), &json!(1))
    );
    assert_eq!(summary["WorkerPoolSummaries"][1]["TotalMachines"], 3);
}

#[tokio::test]
async fn a_put_can_be_sent_as_a_post() {
    let bench = Bench::new(Seed::Empty).await;
    let id = bench.pool("SQL").await;
    let request = bench.request("POST", &format!("/api/Spaces-1/workerpools/{id}"));
    let answer = request.header("X-HTTP-Method-Override", "DELETE").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(names(&bench.get("/api/workerpools/all").await), "Default Worker Pool");
}

#[tokio::test]
async fn a_file_keeps_its_data_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = StoreLocation::File(folder.path().join("new/folder/sandbox.db"));
    let options = SandboxOptions { store, seed: Seed::Empty, ..SandboxOptions::default() };
    let bench = Bench::with(options.clone()).await;
    bench.pool("SQL").await;
    drop(bench);
    let bench = Bench::with(SandboxOptions { seed: Seed::Chapter, ..options }).await;
    assert_eq!(names(&bench.get("/api/workerpools/all").await), "Default Worker Pool, SQL");
    assert_eq!(bench.get("/api/projects/all").await, json!([]));
}

#[tokio::test]
async fn a_dropped_sandbox_stops_listening() {
    let bench = Bench::new(Seed::Empty).await;
    let url = bench.sandbox.url().to_owned();
    bench.get("/api").await;
    drop(bench.sandbox);
    // The listener closes a moment later.
    for _ in 0..500 {
        if bench.client.get(&url).send().await.is_err_and(|error| error.is_connect()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{url} still accepts connections");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_requests_at_once_are_answered() {
    let bench = Bench::new(Seed::Chapter).await;
    let asked = (0..200).map(|_| bench.request("GET", "/api/Spaces-1/projects/all").send());
    for answer in futures_util::future::join_all(asked).await {
        assert_eq!(answer.unwrap().status(), 200);
    }
}
