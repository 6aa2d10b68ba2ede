//! Whom the sandbox answers: not the pages of other sites, whatever they know.

use crate::sandbox::{Bench, pool};
use octopus_sandbox::{
    ADMIN_KEY, READER_KEY, SERVICE_ACCOUNT, SandboxOptions, Seed, StateBuilder, StoreLocation,
    export_state,
};
use reqwest::header::{HOST, ORIGIN};
use serde_json::json;

const POOLS: &str = "/api/Spaces-1/workerpools";

#[tokio::test]
async fn requests_with_a_foreign_host_header_are_refused() {
    let hosts = vec!["sandbox.corp.example".to_owned()];
    let options = SandboxOptions { seed: Seed::Empty, hosts, ..SandboxOptions::default() };
    let bench = Bench::with(options).await;
    for path in ["/", "/api", POOLS, "/sandbox/faults", "/sandbox/changes", "/sandbox/page.js"] {
        for host in ["evil.example", "evil.example:8065", "10.0.0.5"] {
            let answer = bench.request("GET", path).header(HOST, host).send().await.unwrap();
            assert_eq!(answer.status(), 403, "{path} {host}");
        }
    }
    for host in ["localhost", "sandbox.corp.example:8065", "[::1]:8065"] {
        let answer = bench.request("GET", POOLS).header(HOST, host).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{host}");
    }
}

#[tokio::test]
async fn a_cross_site_page_cannot_write_even_with_the_key_in_the_url() {
    let bench = Bench::new(Seed::Empty).await;
    let url = format!("{}{POOLS}?apikey={ADMIN_KEY}", bench.sandbox.url());
    for (name, value) in [
        ("origin", "http://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("referer", "http://evil.example/"),
    ] {
        let post = bench.client.post(&url).header(name, value);
        let answer = post.body(pool("Evil").to_string()).send().await.unwrap();
        assert_eq!(answer.status(), 403, "{name}: {value}");
        let faults = bench.request("DELETE", "/sandbox/faults").header(name, value);
        assert_eq!(faults.send().await.unwrap().status(), 403, "{name}: {value}");
    }
    let own = bench.client.post(&url).header(ORIGIN, bench.sandbox.url());
    assert_eq!(own.body(pool("Own").to_string()).send().await.unwrap().status(), 201);
    let program = bench.client.post(&url).body(pool("Program").to_string());
    assert_eq!(program.send().await.unwrap().status(), 201);
    assert_eq!(bench.get(POOLS).await["TotalResults"], 3);
}

#[tokio::test]
async fn a_copy_of_a_live_server_has_its_own_persistent_keys() {
    let mut copy = StateBuilder::default();
    let space =
        json!({ "Id": "Spaces-1", "Name": "Default", "Slug": "default", "IsDefault": true });
    copy.add_document("spaces", &space.to_string()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = StoreLocation::File(folder.path().join("copy.db"));
    let start = |seed| {
        let options = SandboxOptions { store: store.clone(), seed, ..SandboxOptions::default() };
        async { Bench::unwatched(options).await }
    };
    let bench = start(Seed::State(copy.into_text())).await;
    let keys = bench.sandbox.keys().clone();
    let status = async |bench: &Bench, key: &str| {
        let url = format!("{}{POOLS}", bench.sandbox.url());
        bench.client.get(url).header("X-Octopus-ApiKey", key).send().await.unwrap().status()
    };
    for key in [ADMIN_KEY, READER_KEY, "API-SANDBOXWITHOUTWORKEREDIT"] {
        assert_eq!(status(&bench, key).await, 401, "{key}");
    }
    for key in [keys.admin(), keys.reader(), keys.without("WorkerEdit")] {
        assert_eq!(status(&bench, &key).await, 200, "{key}");
    }
    assert_ne!(keys.service_account(), SERVICE_ACCOUNT);
    drop(bench);

    let again = start(Seed::Chapter).await;
    assert_eq!(again.sandbox.keys().admin(), keys.admin());
    drop(again);
    let mut exported = Vec::new();
    export_state(&store, &mut exported).await.unwrap();
    let text = String::from_utf8(exported).unwrap();
    assert!(!text.contains(&keys.admin()));
    let seed = Seed::State(text);
    let imported = Bench::unwatched(SandboxOptions { seed, ..SandboxOptions::default() }).await;
    assert_eq!(status(&imported, ADMIN_KEY).await, 401);
    assert_ne!(imported.sandbox.keys().admin(), keys.admin());
}
