//! Faults, as a client sees them.

use crate::{
    sandbox::{Bench, PROCESS, names, pool},
    workbench::{output, program},
};
use octopus_sandbox::{Fault, FaultKind, SandboxOptions, Seed};
use reqwest::header::{LOCATION, ORIGIN};
use serde_json::{Value, json};

impl Bench {
    /// A sandbox of the chapter's company with rules.
    async fn unlucky(rules: &[&str]) -> Self {
        let rules = rules.iter().map(|rule| rule.parse().unwrap()).collect();
        Self::with(SandboxOptions { seed: Seed::Chapter, rules, ..SandboxOptions::default() }).await
    }

    /// The statuses of a number of requests, one after another.
    async fn statuses(&self, path: &str, count: usize) -> Vec<u16> {
        let mut statuses = Vec::new();
        for _ in 0..count {
            statuses.push(self.request("GET", path).send().await.unwrap().status().as_u16());
        }
        statuses
    }
}

#[tokio::test]
async fn a_connection_is_cut_before_or_after_the_write() {
    let on = "post /api/Spaces-1/workerpools";
    for (what, written) in [(FaultKind::DropBefore, false), (FaultKind::DropAfter, true)] {
        let bench = Bench::failing(on, what).await;
        let request =
            bench.request("POST", "/api/Spaces-1/workerpools").body(pool("SQL").to_string());
        let error = request.send().await.unwrap_err();
        assert!(error.is_request(), "{error:?}");
        let pools = names(&bench.get("/api/workerpools/all").await);
        assert_eq!(pools.contains("SQL"), written, "{pools}");
        bench.pool("Second").await;
    }
}

#[tokio::test]
async fn an_answer_can_be_cut_short() {
    let bench = Bench::failing("GET /api/Spaces-1/workerpools/all", FaultKind::Truncate).await;
    let answer = bench.request("GET", "/api/Spaces-1/workerpools/all").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.is_err());
}

#[tokio::test]
async fn only_the_nth_request_meets_its_fault() {
    let what = FaultKind::Status { code: 429, retry_after: Some(2) };
    let faults = vec![
        Fault { nth: 2, requests: None, fault: what },
        Fault {
            nth: 2,
            requests: Some("GET /api/Spaces-1".to_owned()),
            fault: FaultKind::Html(502),
        },
    ];
    let bench = Bench::with(SandboxOptions { faults, ..SandboxOptions::default() }).await;
    let mut seen = Vec::new();
    for path in ["/api", "/api", "/api/Spaces-1", "/api/Spaces-1", "/api/Spaces-1"] {
        let answer = bench.request("GET", path).send().await.unwrap();
        seen.push(answer.status().as_u16());
        if answer.status() == 429 {
            assert_eq!(answer.headers()["retry-after"], "2");
        }
    }
    assert_eq!(seen, [200, 429, 200, 502, 200]);
    assert_eq!(bench.sandbox.recent_requests()[2], "GET /api/Spaces-1");
}

#[tokio::test]
async fn another_user_may_save_first() {
    let bench = Bench::failing(&format!("PUT {PROCESS}"), FaultKind::Edit).await;
    let mut process = bench.get(PROCESS).await;
    let refused = bench.refused("PUT", PROCESS, process.clone()).await;
    assert!(refused.contains("another user has made changes"), "{refused}");
    process["Version"] = json!(2);
    assert_eq!(bench.send("PUT", PROCESS, process).await.0, 200);
}

#[tokio::test]
async fn a_redirect_points_elsewhere() {
    let elsewhere = FaultKind::Redirect("http://evil.invalid/api".to_owned());
    let bench = Bench::failing("GET /api", elsewhere).await;
    let answer = bench.request("GET", "/api").send().await.unwrap();
    assert_eq!(answer.status(), 307);
    assert_eq!(answer.headers()["location"], "http://evil.invalid/api");
}

#[tokio::test]
async fn a_rule_applies_to_the_requests_that_it_matches() {
    let rules =
        ["429 retry-after 3 every 3 on GET */workers*", "html 503 at 2 on GET */projects/all"];
    let bench = Bench::unlucky(&rules).await;
    let workers = bench.statuses("/api/Spaces-1/workers?skip=0", 7).await;
    assert_eq!(workers, [200, 200, 429, 200, 200, 429, 200]);
    assert_eq!(bench.statuses("/api/Spaces-1/projects/all", 3).await, [200, 503, 200]);
    assert_eq!(bench.statuses("/api/Spaces-1/workerpools/all", 3).await, [200, 200, 200]);
}

#[tokio::test]
async fn chance_is_reproducible_for_one_seed() {
    let mut runs = Vec::new();
    for fault_seed in [1, 1, 2] {
        let rules = vec!["503 chance 50%".parse().unwrap()];
        let bench =
            Bench::with(SandboxOptions { rules, fault_seed, ..SandboxOptions::default() }).await;
        runs.push(bench.statuses("/api", 40).await);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}

#[tokio::test]
async fn a_slow_body_still_arrives_whole() {
    let path = "/api/Spaces-1/projects/all";
    let bench = Bench::unlucky(&["slow 100ms at 2", "delay 1ms..5ms"]).await;
    let wanted = bench.get(path).await;
    let mut answer = bench.request("GET", path).send().await.unwrap();
    let mut pieces = Vec::new();
    while let Some(piece) = answer.chunk().await.unwrap() {
        pieces.push(piece);
    }
    assert!(5 < pieces.len(), "{}", pieces.len());
    assert_eq!(serde_json::from_slice::<Value>(&pieces.concat()).unwrap(), wanted);
}

#[tokio::test]
async fn a_redirect_may_keep_the_path() {
    let elsewhere = "redirect http://elsewhere.invalid{path} at 2";
    let bench = Bench::unlucky(&["redirect {path} at 1", elsewhere]).await;
    let mut locations = Vec::new();
    for _ in 0..2 {
        let answer = bench.request("GET", "/api/workers?take=1").send().await.unwrap();
        locations.push(answer.headers()[LOCATION].to_str().unwrap().to_owned());
    }
    assert_eq!(locations, ["/api/workers?take=1", "http://elsewhere.invalid/api/workers?take=1"]);
}

#[tokio::test]
async fn an_expired_key_stays_expired_and_others_go_on() {
    let mut bench = Bench::unlucky(&["expire at 3"]).await;
    assert_eq!(bench.statuses("/api/users/me", 5).await, [200, 200, 401, 401, 401]);
    bench.key = octopus_sandbox::READER_KEY;
    assert_eq!(bench.statuses("/api/users/me", 1).await, [200]);
    bench.key = octopus_sandbox::ADMIN_KEY;
    bench.send("DELETE", "/sandbox/faults", json!(null)).await;
    assert_eq!(bench.statuses("/api/users/me", 1).await, [200]);
}

#[tokio::test]
async fn another_user_may_save_an_unrelated_document() {
    let pool = "/api/Spaces-1/workerpools/WorkerPools-1";
    let (pool_edited, process_edited) =
        (format!("edit {pool} at 2"), format!("edit {PROCESS} at 3"));
    let bench = Bench::unlucky(&[&pool_edited, &process_edited]).await;
    let version = bench.get(PROCESS).await["Version"].as_i64().unwrap();
    bench.get("/api").await;
    assert_eq!(bench.get(PROCESS).await["Version"], version + 1);
    assert_eq!(bench.get(pool).await["Description"], "(edited by another person)");
}

#[tokio::test]
async fn faults_can_be_listed_set_and_cleared_at_run_time() {
    let bench = Bench::unlucky(&[]).await;
    let at = "/sandbox/faults";
    assert_eq!(bench.get(at).await, json!({ "seed": 0, "faults": [] }));
    let rules = json!({ "seed": 7, "faults": [
        { "what": "429 retry-after 5", "every": 2, "on": "GET */workers*" },
        "503 at 1 on /api/Spaces-1/projects/all",
    ]});
    let (status, _) = bench.send("PUT", at, rules).await;
    assert_eq!(status, 200);
    assert_eq!(bench.statuses("/api/workers", 4).await, [200, 429, 200, 429]);
    let (status, _) = bench.text("POST", at, "500 at 2 on */me\n\ndelay 1ms on GET").await;
    assert_eq!(status, 201);
    assert_eq!(bench.statuses("/api/users/me", 2).await, [200, 500]);
    insta::assert_snapshot!(format!("{:#}", bench.get(at).await), @r#"
    {
      "seed": 7,
      "faults": [
        {
          "fault": "429 retry-after 5 every 2 on GET */workers*",
          "what": "429 retry-after 5",
          "every": "2",
          "on": "GET */workers*",
          "seen": 4,
          "met": 2
        },
        {
          "fault": "503 at 1 on /api/Spaces-1/projects/all",
          "what": "503",
          "at": "1",
          "on": "/api/Spaces-1/projects/all",
          "seen": 0,
          "met": 0
        },
        {
          "fault": "500 at 2 on */me",
          "what": "500",
          "at": "2",
          "on": "*/me",
          "seen": 2,
          "met": 1
        },
        {
          "fault": "delay 1ms on GET",
          "what": "delay 1ms",
          "on": "GET",
          "seen": 2,
          "met": 2
        }
      ]
    }
    "#);
    let (status, shown) = bench.send("DELETE", at, json!(null)).await;
    assert_eq!((status, shown), (200, json!({ "seed": 7, "faults": [] })));
    assert_eq!(bench.statuses("/api/workers", 4).await, [200, 200, 200, 200]);
    assert!(
        !bench.sandbox.recent_requests().iter().any(|it| it.contains("sandbox")),
        "faults are no requests"
    );
}

#[tokio::test]
async fn an_invalid_rule_is_refused_and_the_others_stay() {
    let bench = Bench::unlucky(&["503 at 100"]).await;
    let mut told = Vec::new();
    for body in
        ["429 sometimes", r#"["503 at 0"]"#, r#"{"what": "503", "when": 3}"#, r#"{"faults": 3}"#]
    {
        let (status, answer) = bench.text("PUT", "/sandbox/faults", body).await;
        assert_eq!(status, 400);
        let answer: Value = serde_json::from_str(&answer).unwrap();
        told.push(answer["error"].as_str().unwrap().to_owned());
    }
    insta::assert_snapshot!(told.join("\n"), @r"
    `429 sometimes` is not a valid fault: write `429` or `429 retry-after 5`, optionally followed by `at`, `every`, `chance` and `on`
    `at 0` is not valid: `at` takes numbers from 1, such as `3`, `3,7`, `1..5` or `10..`
    the body must be rules as text, one on each line, or JSON: a string, an object with `what` and any of `at`, `every`, `chance` and `on`, an array of those, or an object with `faults` and `seed`
    the body must be rules as text, one on each line, or JSON: a string, an object with `what` and any of `at`, `every`, `chance` and `on`, an array of those, or an object with `faults` and `seed`
    ");
    assert_eq!(bench.get("/sandbox/faults").await["faults"].as_array().unwrap().len(), 1);
    assert_eq!(bench.send("PATCH", "/sandbox/faults", json!(null)).await.0, 405);
}

#[tokio::test]
async fn a_page_of_another_server_cannot_set_faults() {
    let bench = Bench::unlucky(&[]).await;
    for (origin, status) in [("http://evil.invalid", 403), (bench.sandbox.url(), 200)] {
        let request = bench.request("PUT", "/sandbox/faults").header(ORIGIN, origin);
        assert_eq!(request.body("503").send().await.unwrap().status(), status, "{origin}");
    }
}

#[test]
fn an_invalid_fault_flag_is_refused_with_a_valid_form() {
    let folder = tempfile::tempdir().unwrap();
    let args = ["sandbox", "--db", ":memory:", "--fault", "429 every day on GET"];
    let output = output(&mut program(folder.path(), &args));
    insta::assert_snapshot!(output.stderr, @r"
    error: invalid value '429 every day on GET' for '--fault <RULE>': `every day` is not valid: `every` takes a number from 1, such as `7`

    For more information, try '--help'.
    ");
    assert_eq!(output.code, 1);
}

#[tokio::test]
async fn an_overridden_method_meets_the_faults_of_its_override() {
    let bench = Bench::unlucky(&["503 at 1 on PUT */deploymentprocesses"]).await;
    let sent = async |instead: &str| {
        let request = bench.request("POST", PROCESS).header("X-HTTP-Method-Override", instead);
        request.body(bench.get(PROCESS).await.to_string()).send().await.unwrap().status().as_u16()
    };
    assert_eq!((sent("PUT").await, sent("put").await), (503, 200));
}
