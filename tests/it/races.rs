//! Somebody else writes while an apply is under way: what a write relies on is asked again right before it.

use crate::{
    between::{Between, Meddling},
    sandbox::PROCESS,
    workbench::{Workbench, text_at},
};
use axum::http::Method;
use octopus_sandbox::Seed;
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
};

const APPLY: [&str; 4] = ["apply", "--auto-approve", "--parallelism", "1"];

/// A file that moves the steps of two projects to a pool, and whatever else.
fn file(more: &str) -> String {
    format!(
        "version = 1\n[pools.sql]\nname = \"SQL\"\n[gates]\nempty-pool = \"allow\"\nunhealthy-pool = \"allow\"\n\
         [[placements]]\nprocess = \"any\"\ncurrently = [\"server\", \"default\"]\npool = \"sql\"\n{more}"
    )
}

fn create_pool(workbench: &Workbench, name: &str) -> String {
    let pools = "/api/Spaces-1/workerpools";
    text_at(&workbench.send("POST", pools, crate::sandbox::pool(name)), "/Id")
}

/// The action of this name in a process.
fn find_action<'a>(process: &'a mut Value, name: &str) -> &'a mut Value {
    let steps = process["Steps"].as_array_mut().unwrap().iter_mut();
    let mut actions = steps.map(|step| &mut step["Actions"][0]);
    actions.find(|action| action["Name"] == name).unwrap()
}

/// Lets somebody else write before the first process is written.
fn before_the_first_process(workbench: &Workbench, path: String, document: Value) -> Between {
    let is_first = Arc::new(AtomicBool::new(true));
    Between::new(workbench, move |line, _| {
        let is_process = line.starts_with("PUT /api/Spaces-1/projects/");
        if is_process && is_first.swap(false, SeqCst) {
            Meddling::WriteFirst(Method::PUT, path.clone(), document.clone())
        } else {
            Meddling::Nothing
        }
    })
}

fn errors(workbench: &Workbench) -> Vec<String> {
    let receipt = workbench.receipts().pop().unwrap();
    let entries = receipt["changes"].as_array().unwrap().iter();
    entries
        .filter(|entry| entry["outcome"] != "done")
        .map(|entry| {
            format!(
                "{} {}",
                entry["address"].as_str().unwrap(),
                entry["error"].as_str().unwrap_or_default()
            )
        })
        .collect()
}

#[test]
fn a_pool_that_gains_a_user_mid_apply_is_not_deleted() {
    let workbench = Workbench::chapter(&file("[[removed]]\npool = \"Old\"\n"));
    let old = create_pool(&workbench, "Old");
    let set = json!({
        "Id": "theirs", "Name": "Their.Pool", "Value": old, "Description": "", "Scope": {},
        "IsEditable": true, "Prompt": null, "Type": "WorkerPool", "IsSensitive": false,
    });
    let path = "/api/Spaces-1/variables/variableset-Projects-2".to_owned();
    let mut variables = workbench.get(&path);
    variables["Variables"].as_array_mut().unwrap().push(set);
    let between = before_the_first_process(&workbench, path, variables);
    between.run(&workbench, &APPLY).expect(5);
    assert_eq!(between.requests("DELETE"), [""; 0]);
    let errors = errors(&workbench);
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(
        errors[0].contains("the pool has a new user: ") && errors[0].contains("Their.Pool"),
        "{errors:?}"
    );
}

#[test]
fn a_pool_that_loses_its_last_worker_mid_apply_gets_no_steps() {
    let workbench = Workbench::chapter(&file(""));
    let pool = create_pool(&workbench, "SQL");
    let worker =
        workbench.send("POST", "/api/Spaces-1/workers", crate::sandbox::worker("w", &[&pool]));
    let path = format!("/api/Spaces-1/workers/{}", text_at(&worker, "/Id"));
    let mut disabled = workbench.get(&path);
    disabled["IsDisabled"] = json!(true);
    let between = before_the_first_process(&workbench, path, disabled);
    between.run(&workbench, &APPLY).expect(5);
    // The one that was under way, and no other.
    assert_eq!(between.requests("PUT").len(), 1);
    let errors = errors(&workbench);
    assert!(!errors.is_empty());
    for error in errors {
        assert!(error.contains("is without an enabled worker"), "{error}");
    }
}

#[test]
fn a_step_switched_to_its_targets_mid_apply_is_left_alone() {
    let workbench = Workbench::chapter(&file(""));
    let mut process = workbench.get(PROCESS);
    let name = "Notify the team";
    let action = find_action(&mut process, name);
    action["Properties"]["Octopus.Action.RunOnServer"] = json!("false");
    let between = Between::new(&workbench, move |line, nth| {
        match line == format!("PUT {PROCESS}") && nth == 1 {
            true => Meddling::WriteFirst(Method::PUT, PROCESS.to_owned(), process.clone()),
            false => Meddling::Nothing,
        }
    });
    between.run(&workbench, &APPLY).expect(5);
    let errors = errors(&workbench);
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(
        errors[0].contains(name) && errors[0].contains("the step runs on its targets"),
        "{errors:?}"
    );
    let mut now = workbench.get(PROCESS);
    let turned = find_action(&mut now, name);
    assert!(turned["WorkerPoolId"].as_str().unwrap_or_default().is_empty(), "{turned}");
}

#[test]
fn a_save_between_the_read_and_the_write_is_kept() {
    let workbench = Workbench::new(Seed::Chapter);
    let pool = create_pool(&workbench, "SQL");
    let other = create_pool(&workbench, "Other");
    let worker =
        workbench.send("POST", "/api/Spaces-1/workers", crate::sandbox::worker("w", &[&other]));
    workbench.write(
        "workers.toml",
        "version = 1\n[pools.sql]\nname = \"SQL\"\n[workers.w]\npools = [\"sql\"]\n\
         listening = { url = \"https://db-worker-01:10933\", thumbprint = \"0E80575D3BD8D30854802A4E8340A2E23AE961FD\" }\n",
    );
    let path = format!("/api/Spaces-1/workers/{}", text_at(&worker, "/Id"));
    let mut theirs = workbench.get(&path);
    theirs["IsDisabled"] = json!(true);
    let (get, put) = (format!("GET {path}"), path.clone());
    let between = Between::new(&workbench, move |line, nth| match line == get && nth == 2 {
        true => Meddling::WriteFirst(Method::PUT, put.clone(), theirs.clone()),
        false => Meddling::Nothing,
    });
    between.run(&workbench, &APPLY).expect(0);
    let now = workbench.get(&path);
    assert_eq!((&now["IsDisabled"], &now["WorkerPoolIds"]), (&json!(true), &json!([pool])));
    assert_eq!(between.requests("PUT").len(), 1);
}

/// A pool and a worker to create; the worker is in a pool that is there.
const CREATIONS: &str = r#"
version = 1

[gates]
default-pool-member = "allow"

[pools.sql]
name        = "SQL"
description = "x"

[workers.db-01]
pools     = ["Default Worker Pool"]
listening = { url = "https://db-worker-01:10933", thumbprint = "0E80575D3BD8D30854802A4E8340A2E23AE961FD" }
"#;

/// Somebody else creates the same object: before this apply looks whether it is there, and after it has looked.
#[test]
fn an_identical_object_created_by_someone_else_is_not_undone() {
    let workers = "/api/Spaces-1/workers";
    let pools = "/api/Spaces-1/workerpools";
    for on in [
        format!("GET {workers}?partialName=db-01"),
        format!("POST {workers}"),
        format!("POST {pools}"),
    ] {
        let workbench = Workbench::chapter(CREATIONS);
        let (path, theirs) = if on.ends_with(pools) {
            (pools, crate::sandbox::pool("SQL"))
        } else {
            let default = workbench.id("workerpools", "Default Worker Pool");
            (workers, crate::sandbox::worker("db-01", &[&default]))
        };
        let start = on.clone();
        let is_first = Arc::new(AtomicBool::new(true));
        let between = Between::new(&workbench, move |line, _| {
            let is_it = line == start || line.starts_with(&format!("{start}&"));
            if is_it && is_first.swap(false, SeqCst) {
                Meddling::WriteFirst(Method::POST, path.to_owned(), theirs.clone())
            } else {
                Meddling::Nothing
            }
        });
        between.run(&workbench, &APPLY).expect(0);
        let receipt = workbench.receipts().pop().unwrap();
        let empty = |entry: &&Value| entry["written"] == json!([]);
        let entries = receipt["changes"].as_array().unwrap().iter();
        assert_eq!(entries.filter(empty).count(), 1, "{on}: {receipt:#}");
        between.run(&workbench, &["rollback", &workbench.receipt(), "--auto-approve"]).expect(0);
        let is_pool = path == pools;
        assert_eq!(workbench.names("workerpools").contains(&"SQL".to_owned()), is_pool, "{on}");
        assert_eq!(workbench.names("workers").contains(&"db-01".to_owned()), !is_pool, "{on}");
    }
}
