//! Answers to writes that are not the server's, or tell nothing: the object decides what is told.

use crate::{
    between::{Between, Meddling},
    workbench::{Output, Workbench, text_at},
};
use octopus_sandbox::Seed;
use serde_json::Value;
use std::collections::BTreeSet;

/// A change of every kind.
const FILE: &str = r#"
version = 1

[pools.general]
name       = "General"
default    = true
sort_order = 0

[pools.kubernetes]
name         = "Kubernetes"
renamed_from = "AKS"
sort_order   = 1

[workers.general-worker-01]
pools     = ["general"]
listening = { url = "https://general-01:10933", thumbprint = "8A7E6157A34158EDA1B5127CB027B2A267760A4F" }

[workers.kubernetes-worker-01]
pools     = ["kubernetes"]
listening = { url = "https://k8s-01:10933", thumbprint = "8A7E6157A34158EDA1B5127CB027B2A267760A4F" }

[[placements]]
process     = "any"
action_type = ["Octopus.Kubernetes*", "Octopus.HelmChartUpgrade"]
pool        = "kubernetes"

[[placements]]
process   = "any"
currently = ["server", "default", "variable"]
pool      = "general"

[[removed]]
pool = "Old"

[[removed]]
worker = "old-worker"

[server]
built_in_worker = false
"#;

fn workbench() -> Workbench {
    let workbench = Workbench::new(Seed::Chapter);
    workbench.write("workers.toml", FILE);
    let pools = "/api/Spaces-1/workerpools";
    let pool =
        |name: &str| text_at(&workbench.send("POST", pools, crate::sandbox::pool(name)), "/Id");
    let (old, _) = (pool("Old"), pool("AKS"));
    for name in ["old-worker", "kubernetes-worker-01"] {
        let worker = crate::sandbox::worker(name, &[&old]);
        workbench.send("POST", "/api/Spaces-1/workers", worker);
    }
    workbench
}

/// What is there once all is done: every name once.
fn finished(workbench: &Workbench) {
    workbench.settled();
    assert_eq!(workbench.names("workerpools"), ["Default Worker Pool", "General", "Kubernetes"]);
    assert_eq!(workbench.names("workers"), ["general-worker-01", "kubernetes-worker-01"]);
}

/// What is told as done is done.
fn told_truly(workbench: &Workbench, about: &str) {
    let receipt = workbench.receipts().pop().unwrap();
    let left = workbench.run(&["plan", "--format", "json"]).expect(0);
    let left: Value = serde_json::from_str(&left.stdout).unwrap();
    let named = |value: &Value| format!("{} {}", value["action"], value["address"]);
    let left: BTreeSet<String> = left["changes"].as_array().unwrap().iter().map(named).collect();
    for entry in receipt["changes"].as_array().unwrap() {
        let is_told_done = entry["outcome"] == "done";
        assert!(!(is_told_done && left.contains(&named(entry))), "{about}: told as done: {entry}");
    }
    assert!(!left.is_empty(), "{about}");
}

const LOGIN: (u16, &str) = (200, "<!DOCTYPE html><title>Log in</title>");
const EMPTY: (u16, &str) = (204, "");
const FOREIGN: (u16, &str) = (200, r#"{"status":"ok"}"#);
const NO_ROUTE: (u16, &str) = (404, r#"{"message":"no Route matched with those values"}"#);
const GATEWAY_404: (u16, &str) = (404, "<html>404</html>");
const BROKEN: (u16, &str) = (500, r#"{"ErrorMessage":"Transaction was deadlocked."}"#);
const LATE: (u16, &str) = (524, "<html>A timeout occurred</html>");
const REQUEST_TIMEOUT: (u16, &str) = (408, "");

#[test]
fn a_write_that_was_made_is_done_whatever_was_answered() {
    let answers = [LOGIN, EMPTY, FOREIGN, NO_ROUTE, GATEWAY_404, BROKEN, LATE, REQUEST_TIMEOUT];
    for (status, body) in answers {
        let workbench = workbench();
        let between = Between::new(&workbench, move |line, _| match line.starts_with("GET ") {
            true => Meddling::Nothing,
            false => Meddling::AnswerOver(status, body),
        });
        let Output { code, stderr, .. } = between.run(&workbench, &["apply", "--auto-approve"]);
        assert_eq!(code, 0, "{status} {body}\n{stderr}");
        finished(&workbench);
    }
}

#[test]
fn a_write_that_was_not_made_is_not_done_whatever_was_answered() {
    let writes = [
        "POST /api/Spaces-1/workerpools",
        "PUT /api/Spaces-1/workerpools/sortorder",
        "PUT /api/Spaces-1/workerpools/WorkerPools",
        "POST /api/Spaces-1/workers",
        "PUT /api/Spaces-1/workers/",
        "PUT /api/Spaces-1/projects/",
        "DELETE /api/Spaces-1/workers/",
        "DELETE /api/Spaces-1/workerpools/",
        "PUT /api/featuresconfiguration",
        "",
    ];
    let answers = [LOGIN, EMPTY, FOREIGN, NO_ROUTE, GATEWAY_404, BROKEN];
    for (at, on) in writes.into_iter().enumerate() {
        let answer = answers[at % answers.len()];
        let about = format!("{on}: {answer:?}");
        let workbench = workbench();
        let between = Between::new(&workbench, move |line, _| {
            Meddling::answer_if(!line.starts_with("GET ") && line.starts_with(on), answer)
        });
        let Output { code, stderr, .. } = between.run(&workbench, &["apply", "--auto-approve"]);
        assert!([1, 5].contains(&code), "{about}: {code}\n{stderr}");
        told_truly(&workbench, &about);
        workbench.apply();
        finished(&workbench);
    }
}

#[test]
fn an_object_is_gone_only_if_the_server_says_so() {
    for answer in [NO_ROUTE, GATEWAY_404, (404, "")] {
        let workbench = workbench();
        let path = format!("GET /api/Spaces-1/workers/{}", workbench.id("workers", "old-worker"));
        let between =
            Between::new(&workbench, move |line, _| Meddling::answer_if(line == path, answer));
        between.run(&workbench, &["apply", "--auto-approve"]).expect(5);
        assert!(workbench.names("workers").contains(&"old-worker".to_owned()), "{answer:?}");
        told_truly(&workbench, "a worker that is still there");
    }
}

#[test]
fn help_follows_what_a_write_was_refused_for() {
    let refusals = [
        (403, r#"{"ErrorMessage":"You do not have permission. Missing permission: ProcessEdit"}"#),
        (401, r#"{"ErrorMessage":"You must be logged in to perform this action."}"#),
    ];
    let mut all = String::new();
    for answer in refusals {
        let workbench = workbench();
        let between = Between::new(&workbench, move |line, _| {
            Meddling::answer_if(line.starts_with("PUT /api/Spaces-1/projects/Projects-1/"), answer)
        });
        let told = between.run(&workbench, &["apply", "--auto-approve"]).expect(5);
        let line = told.stderr.lines().find(|line| line.contains("the server returned")).unwrap();
        all += &format!("{}\n", line.split("steps[").last().unwrap());
    }
    insta::assert_snapshot!(all, @r#"
    "Deploy to AKS"]: the server returned 403: Missing permission: ProcessEdit; give the key's user a role with `ProcessEdit` in this space
    "Deploy to AKS"]: the server returned 401: You must be logged in to perform this action; check the key: it may have expired, been revoked or belong to a different server
    "#);
}
