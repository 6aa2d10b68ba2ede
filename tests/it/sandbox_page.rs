//! The sandbox's page and its stream of changes, without a browser; `tests/conformance/page.mjs` has one.

use crate::{
    sandbox::{Bench, PROCESS, worker},
    workbench::Workbench,
};
use octopus_sandbox::{SandboxOptions, Seed};
use reqwest::{
    Response,
    header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE},
};
use serde_json::json;
use std::fs;

impl Bench {
    async fn page(&self, path: &str) -> String {
        self.text("GET", path, "").await.1
    }
}

/// The numbers of the changes in a stream, up to this one or a later one.
async fn told(stream: &mut Response, until: u64) -> u64 {
    let mut text = String::new();
    loop {
        text.push_str(std::str::from_utf8(&stream.chunk().await.unwrap().unwrap()).unwrap());
        let mut numbers = text.lines().filter_map(|line| line.strip_prefix("data: ")?.parse().ok());
        if let Some(last) = numbers.next_back().filter(|last| until <= *last) {
            return last;
        }
    }
}

#[tokio::test]
async fn the_page_shows_pools_workers_and_where_steps_run() {
    let bench = Bench::new(Seed::Chapter).await;
    let page = bench.page("/").await;
    for shown in ["Where 54 steps run", "its steps run on the built-in worker", "Web Store"] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    let id = bench.pool("Kubernetes").await;
    bench.send("POST", "/api/Spaces-1/workers", worker("k8s-01", &[&id])).await;
    let mut process = bench.get(PROCESS).await;
    process["Steps"][2]["Actions"][0]["WorkerPoolId"] = json!(id);
    assert_eq!(bench.send("PUT", PROCESS, process).await.0, 200);
    let page = bench.page("/").await;
    let step = r#"<bdi>Deploy to AKS</bdi><span class="about">Kubernetes</span>"#;
    for shown in [step, "k8s-01", "listening, healthy", "Worker k8s-01 was created"] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    let other = bench.page("/?space=Spaces-2").await;
    assert!(other.contains("No projects in this space") && !other.contains("k8s-01"), "{other}");
    assert!(
        !bench.sandbox.recent_requests().contains(&"GET /".to_owned()),
        "a page is no request to the API"
    );
}

#[tokio::test]
async fn the_page_loads_only_its_own_files_and_escapes_names() {
    let bench = Bench::new(Seed::Empty).await;
    bench.pool("<img src=x onerror=alert(1)>\u{202e}\"'&").await;
    let page = bench.page("/").await;
    assert!(
        page.contains("&lt;img src=x onerror=alert(1)&gt;&lt;U+202E&gt;&quot;&#39;&amp;"),
        "{page}"
    );
    assert!(!page.contains("<img") && !page.contains(" style=") && !page.contains("<script>"));
    for (path, kind) in [
        ("/", "text/html"),
        ("/sandbox/page.css", "text/css"),
        ("/sandbox/page.js", "text/javascript"),
    ] {
        let answer = bench.request("GET", path).send().await.unwrap();
        assert!(answer.headers()[CONTENT_TYPE].to_str().unwrap().starts_with(kind), "{path}");
        let policy = answer.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'; style-src 'self'; script-src 'self'"),
            "{policy}"
        );
    }
    assert_eq!(bench.send("POST", "/", json!({})).await.0, 404);
}

#[tokio::test]
async fn the_stream_reports_each_write_and_no_refusal() {
    let bench = Bench::new(Seed::Empty).await;
    let mut stream = bench.request("GET", "/sandbox/changes").send().await.unwrap();
    assert_eq!(stream.headers()[CONTENT_TYPE], "text/event-stream");
    let before = told(&mut stream, 0).await;
    bench.get("/api/Spaces-1/workerpools/all").await;
    bench.pool("SQL").await;
    let after = told(&mut stream, before + 1).await;
    let page = bench.page("/").await;
    assert!(page.contains(&format!("data-change=\"{after}\"")), "{after}: {page}");
    drop(bench);
    while let Ok(Some(_)) = stream.chunk().await {}
}

#[tokio::test]
async fn the_page_shows_faults_and_the_requests_that_met_them() {
    let rules = vec!["503 at 1 on GET */workers".parse().unwrap()];
    let bench =
        Bench::with(SandboxOptions { seed: Seed::Empty, rules, ..SandboxOptions::default() }).await;
    bench.request("GET", "/api/Spaces-1/workers").send().await.unwrap();
    let page = bench.page("/").await;
    for shown in ["503 at 1 on GET */workers", "GET workers", ">503</span>"] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
}

#[tokio::test]
async fn a_large_space_is_shown_in_part() {
    let bench = Bench::new(Seed::Large { projects: 45, steps: 2, workers: 3 }).await;
    let page = bench.page("/").await;
    assert!(page.contains("And 5 more.") && page.contains("of the projects below"), "{page}");
}

#[tokio::test]
async fn steps_by_variable_and_projects_in_git_are_resolved() {
    let bench = Bench::new(Seed::Acme).await;
    let page = bench.page("/").await;
    for shown in [
        "Linux or Windows, by #{Deploy.WorkerPool}",
        "Linux or Windows, by #{Tenant.WorkerPool}",
        "Git, <bdi>main</bdi>",
        "cannot be read",
        "Kubernetes, has warnings",
    ] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    for hidden in ["Its process is in a Git repository", "haswarnings"] {
        assert!(!page.contains(hidden), "{hidden}: {page}");
    }
}

#[tokio::test]
async fn many_workers_are_collapsed_and_an_unknown_space_is_reported() {
    let bench = Bench::new(Seed::Large { projects: 1, steps: 1, workers: 60 }).await;
    let page = bench.page("/?space=Nope%3Cb%3E").await;
    for shown in [
        "<summary>15 healthy</summary>",
        "There is no space <bdi>Nope&lt;b&gt;</bdi>. This is <bdi>Default</bdi>.",
    ] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    for space in ["", "?space=", "?space=Spaces-1", "?space=spaces-2", "?space=operations"] {
        let page = bench.page(&format!("/{space}")).await;
        assert!(!page.contains("There is no space"), "{space}");
    }
    assert!(bench.page("/?space=operations").await.contains("No projects in this space"));
}

#[test]
fn an_apply_is_reported_as_it_runs() {
    let commit = fs::read_to_string("examples/chapter/1-pools/workers.toml").unwrap();
    let workbench = Workbench::chapter(&commit);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let url = format!("{}/sandbox/changes", workbench.bench.sandbox.url());
    let mut stream = runtime.block_on(reqwest::get(url)).unwrap();
    let before = runtime.block_on(told(&mut stream, 0));
    workbench.apply();
    runtime.block_on(told(&mut stream, before + 3));
    let page = runtime.block_on(workbench.bench.page("/"));
    assert!(page.contains("<h3><bdi>Kubernetes Worker Pool</bdi></h3>"), "{page}");
}
