//! Answers to writes that are not the server's, or tell nothing: the object decides what is told.

use crate::{
    between::{Between, Meddling},
    kill::{finished, workbench_to_change},
    workbench::{Output, Workbench, text_at},
};
use octopus_sandbox::Seed;
use serde_json::Value;
use std::collections::BTreeSet;

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
const NOT_READY: (u16, &str) = (503, "<html>503 Service Unavailable</html>");
/// What the server itself says of an object that is gone.
const GONE: (u16, &str) = (404, r#"{"ErrorMessage":"The resource you requested was not found."}"#);

/// Answers that a gateway gives whatever the server did.
const ANSWERS: [(u16, &str); 9] =
    [LOGIN, EMPTY, FOREIGN, NO_ROUTE, GATEWAY_404, BROKEN, LATE, REQUEST_TIMEOUT, NOT_READY];

#[test]
fn a_completed_write_counts_as_done_whatever_the_response() {
    for (status, body) in ANSWERS {
        let workbench = workbench_to_change(Vec::new());
        let between = Between::new(&workbench, move |line, _| {
            let is_read = line.starts_with("GET ");
            if is_read { Meddling::Nothing } else { Meddling::AnswerOver(status, body) }
        });
        let Output { code, stderr, .. } = between.run(&workbench, &["apply", "--auto-approve"]);
        assert_eq!(code, 0, "{status} {body}\n{stderr}");
        finished(&workbench);
    }
}

#[test]
fn an_unperformed_write_is_never_reported_as_done() {
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
        let workbench = workbench_to_change(Vec::new());
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
fn an_object_counts_as_missing_only_if_the_server_says_so() {
    for answer in [NO_ROUTE, GATEWAY_404, (404, "")] {
        let workbench = workbench_to_change(Vec::new());
        let path = format!("GET /api/Spaces-1/workers/{}", workbench.id("workers", "old-worker"));
        let between =
            Between::new(&workbench, move |line, _| Meddling::answer_if(line == path, answer));
        between.run(&workbench, &["apply", "--auto-approve"]).expect(5);
        assert!(workbench.names("workers").contains(&"old-worker".to_owned()), "{answer:?}");
        told_truly(&workbench, "a worker that is still there");
    }
}

const DELETIONS: &str =
    "version = 1\n[[removed]]\npool = \"Old\"\n[[removed]]\nworker = \"old-worker\"\n";

/// The first answer to each deletion is not that of the server, which has made it or not.
#[test]
fn a_deletion_is_verified_and_repeated_if_the_object_still_exists() {
    for answer in [NOT_READY, GONE, NO_ROUTE] {
        for is_made in [true, false] {
            let about = format!("{answer:?}, made: {is_made}");
            let workbench = Workbench::chapter(DELETIONS);
            let pool = crate::sandbox::pool("Old");
            let pool = workbench.send("POST", "/api/Spaces-1/workerpools", pool);
            let worker = crate::sandbox::worker("old-worker", &[&text_at(&pool, "/Id")]);
            workbench.send("POST", "/api/Spaces-1/workers", worker);
            let between = Between::new(&workbench, move |line, nth| {
                let is_first = line.starts_with("DELETE ") && nth == 1;
                match is_made {
                    true if is_first => Meddling::AnswerOver(answer.0, answer.1),
                    _ => Meddling::answer_if(is_first, answer),
                }
            });
            let Output { code, stderr, .. } = between.run(&workbench, &["apply", "--auto-approve"]);
            assert_eq!(code, 0, "{about}\n{stderr}");
            let deletions = between.requests("DELETE ");
            assert_eq!(deletions.len(), if is_made { 2 } else { 4 }, "{about}: {deletions:?}");
            workbench.settled();
        }
    }
}

/// A step of a protected branch, which is changed on a branch beside it that is yet to be created.
const BRANCHING: &str = r#"
version = 1

[version_control]
on_protected   = "branch:poolwright/move"
on_unreachable = "skip"

[[placements]]
project = "Payments"
step    = "Build*"
pool    = "windows"
"#;

const BRANCHES: &str = "POST /api/Spaces-1/projects/Projects-12/git/branches";
const COMMITS: &str = "PUT /api/Spaces-1/projects/Projects-12/refs%2Fheads%2Fpoolwright%2Fmove/";

fn branching() -> Workbench {
    let workbench = Workbench::new(Seed::Acme);
    workbench.write("workers.toml", BRANCHING);
    workbench
}

#[test]
fn a_created_branch_gets_the_commit_whatever_the_response() {
    for (status, body) in ANSWERS {
        let workbench = branching();
        let between = Between::new(&workbench, move |line, _| {
            let is_it = line.starts_with(BRANCHES);
            if is_it { Meddling::AnswerOver(status, body) } else { Meddling::Nothing }
        });
        let Output { code, stderr, .. } = between.run(&workbench, &["apply", "--auto-approve"]);
        assert_eq!(code, 0, "{status} {body}\n{stderr}");
        let sent = [BRANCHES, COMMITS].map(|on| between.requests(on).len());
        assert_eq!(sent, [1, 1], "{status} {body}");
        workbench.settled();
    }
}

#[test]
fn an_uncreated_branch_gets_no_commit_whatever_the_response() {
    for answer in [LOGIN, EMPTY, FOREIGN, NO_ROUTE, GATEWAY_404, BROKEN, GONE] {
        let workbench = branching();
        let between = Between::new(&workbench, move |line, _| {
            Meddling::answer_if(line.starts_with(BRANCHES), answer)
        });
        let Output { code, stderr, .. } = between.run(&workbench, &["apply", "--auto-approve"]);
        assert_eq!(code, 1, "{answer:?}\n{stderr}");
        assert!(
            stderr.contains("cannot create branch \"poolwright/move\""),
            "{answer:?}\n{stderr}"
        );
        assert_eq!(between.requests(COMMITS), [""; 0], "{answer:?}");
        told_truly(&workbench, &format!("{answer:?}"));
    }
    // A server that is not ready is waited for.
    let workbench = branching();
    let between = Between::new(&workbench, move |line, nth| {
        Meddling::answer_if(line.starts_with(BRANCHES) && nth == 1, NOT_READY)
    });
    between.run(&workbench, &["apply", "--auto-approve"]).expect(0);
    assert_eq!(between.requests(BRANCHES).len(), 2);
    workbench.settled();
}

/// Somebody else has created the branch a moment before, so the server refuses to.
#[test]
fn a_branch_created_by_someone_else_gets_the_commit() {
    let workbench = branching();
    let create = serde_json::json!({
        "NewBranchName": "poolwright/move", "BaseGitRef": "refs/heads/main",
        "ProjectId": "Projects-12", "SpaceId": "Spaces-1",
    });
    let path = BRANCHES.strip_prefix("POST ").unwrap().to_owned() + "/v2";
    let between = Between::new(&workbench, move |line, _| {
        if line.starts_with(BRANCHES) {
            Meddling::WriteFirst(axum::http::Method::POST, path.clone(), create.clone())
        } else {
            Meddling::Nothing
        }
    });
    between.run(&workbench, &["apply", "--auto-approve"]).expect(0);
    assert_eq!([BRANCHES, COMMITS].map(|on| between.requests(on).len()), [1, 1]);
    workbench.settled();
}

#[test]
fn help_matches_the_reason_for_a_refused_write() {
    let refusals = [
        (403, r#"{"ErrorMessage":"You do not have permission. Missing permission: ProcessEdit"}"#),
        (401, r#"{"ErrorMessage":"You must be logged in to perform this action."}"#),
    ];
    let mut all = String::new();
    for answer in refusals {
        let workbench = workbench_to_change(Vec::new());
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
