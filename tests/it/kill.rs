//! An apply that is cut off wherever it may be, and the next one, which goes on.

use crate::workbench::{Output, Workbench, text_at};
use octopus_sandbox::{Fault, FaultKind, Seed};
use serde_json::Value;
use std::{collections::BTreeSet, sync::LazyLock, time::Duration};

/// A change of every kind: pools and their order, workers, steps, the default pool, deletes, the built-in worker.
const FILE: &str = r#"
version = 1

[pools.general]
name       = "General"
default    = true
sort_order = 0

[pools.kubernetes]
name         = "Kubernetes"
renamed_from = "AKS"
description  = "kubectl and helm"
sort_order   = 1

[workers."general-worker-[01..02]"]
pools     = ["general"]
listening = { url = "https://general-{n}:10933", thumbprint = "8A7E6157A34158EDA1B5127CB027B2A267760A4F" }

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

/// A company with something to rename, to move and to delete, and the file.
pub(crate) fn workbench_to_change(faults: Vec<Fault>) -> Workbench {
    let workbench = Workbench::failing(Seed::Chapter, faults);
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
pub(crate) fn finished(workbench: &Workbench) {
    workbench.settled();
    names_are_there(workbench);
}

fn names_are_there(workbench: &Workbench) {
    assert_eq!(workbench.names("workerpools"), ["Default Worker Pool", "General", "Kubernetes"]);
    let workers = ["general-worker-01", "general-worker-02", "kubernetes-worker-01"];
    assert_eq!(workbench.names("workers"), workers);
}

/// The requests of setting up, which a fault counts too.
fn set_up(on: &str) -> usize {
    if on == "POST" { 4 } else { 0 }
}

fn fault(on: &str, nth: usize, what: FaultKind) -> Vec<Fault> {
    vec![Fault { nth: nth + set_up(on), requests: Some(on.to_owned()), fault: what }]
}

/// How many requests of each kind a run makes that nothing happens to.
static REQUESTS: LazyLock<[(&str, usize); 4]> = LazyLock::new(|| {
    let workbench = workbench_to_change(Vec::new());
    workbench.apply();
    let requests =
        ["POST", "DELETE", "PUT", "GET"].map(|on| (on, workbench.count(on) - set_up(on)));
    workbench.receipts_tell(&["done"]);
    finished(&workbench);
    requests
});

impl Workbench {
    /// Checks that the last receipt is true of each change. Returns whether anything is left to do.
    fn receipts_tell(&self, statuses: &[&str]) -> bool {
        let Some(receipt) = self.receipts().pop() else {
            // A receipt is written before the first request that could change something.
            assert_eq!(self.writes().len(), set_up("POST"), "written, and no receipt is there");
            return true;
        };
        assert!(statuses.contains(&receipt["status"].as_str().unwrap()), "{receipt:#}");
        let left = self.run(&["plan", "--format", "json"]).expect(0);
        let left: Value = serde_json::from_str(&left.stdout).unwrap();
        let named = |value: &Value| format!("{} {}", value["action"], value["address"]);
        let left: BTreeSet<String> =
            left["changes"].as_array().unwrap().iter().map(named).collect();
        for entry in receipt["changes"].as_array().unwrap() {
            let is_left = left.contains(&named(entry));
            match entry["outcome"].as_str().unwrap() {
                "done" => assert!(!is_left, "told as done: {entry}"),
                "skipped" => assert!(is_left, "made, and told as skipped: {entry}"),
                // What may have been written can be undone.
                "unknown" => assert_ne!(entry["written"], Value::Array(Vec::new()), "{entry}"),
                outcome => assert_eq!(outcome, "failed", "{entry}"),
            }
        }
        !left.is_empty()
    }

    /// The next apply makes the rest, if there is any.
    fn goes_on(&self, is_left: bool) {
        if is_left {
            self.apply();
            self.settled();
        }
        names_are_there(self);
    }
}

fn survives(on: &str, nth: usize, what: &FaultKind) {
    let workbench = workbench_to_change(fault(on, nth, what.clone()));
    let Output { code, stdout, stderr } = workbench.run(&["apply", "--auto-approve"]);
    let refused = matches!(what, FaultKind::Status { code: 500, .. });
    let wanted: &[i32] = if refused { &[0, 1, 5] } else { &[0] };
    assert!(wanted.contains(&code), "{on} {nth} {what:?}: {code}\n{stdout}\n{stderr}");
    let is_left = workbench.receipts_tell(&[if code == 0 { "done" } else { "partial" }]);
    workbench.goes_on(is_left);
}

fn survives_a_kill(on: &str, nth: usize, what: FaultKind) {
    let workbench = workbench_to_change(fault(on, nth, what));
    let mut child = workbench.begin(&["apply", "--auto-approve"]);
    workbench.wait_for(nth + set_up(on), on, &mut child);
    child.kill().unwrap();
    child.wait().unwrap();
    let is_left = workbench.receipts_tell(&["running", "done"]);
    workbench.goes_on(is_left);
}

/// Every write that is unlike others, and some of those that are alike, and of the reads.
fn each(survives: impl Fn(&str, usize)) {
    for (on, all) in *REQUESTS {
        let picked = |nth: &usize| match on {
            "GET" => nth % 16 == 1,
            "PUT" => *nth <= 2 || all < *nth + 2 || nth.is_multiple_of(6),
            _ => true,
        };
        (1..=all).filter(picked).for_each(|nth| survives(on, nth));
    }
}

#[test]
fn an_apply_recovers_from_a_lost_request() {
    each(|on, nth| survives(on, nth, &FaultKind::DropBefore));
}

#[test]
fn an_apply_recovers_from_a_lost_response() {
    each(|on, nth| survives(on, nth, &FaultKind::DropAfter));
}

#[test]
fn an_apply_recovers_from_a_server_that_is_not_ready() {
    each(|on, nth| survives(on, nth, &FaultKind::Status { code: 503, retry_after: None }));
}

#[test]
fn a_server_error_is_reported_and_the_next_run_continues() {
    each(|on, nth| survives(on, nth, &FaultKind::Status { code: 500, retry_after: None }));
}

#[test]
fn an_apply_recovers_from_a_kill_before_a_write() {
    each(|on, nth| survives_a_kill(on, nth, FaultKind::Delay(Duration::from_secs(20))));
}

#[test]
fn an_apply_recovers_from_a_kill_after_a_write() {
    each(|on, nth| survives_a_kill(on, nth, FaultKind::DropAfter));
}

#[cfg(unix)]
#[test]
fn an_interrupt_finishes_running_changes_and_the_next_run_continues() {
    let workbench = workbench_to_change(fault("PUT", 4, FaultKind::Delay(Duration::from_secs(5))));
    let mut child = workbench.begin(&["apply", "--auto-approve", "--parallelism", "1"]);
    workbench.wait_for(4, "PUT", &mut child);
    let process = child.id().to_string();
    assert!(
        std::process::Command::new("kill").args(["-INT", &process]).status().unwrap().success()
    );
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(workbench.count("PUT"), 4);
    let receipt = workbench.receipts().pop().unwrap();
    let outcomes = receipt["changes"].as_array().unwrap().iter().map(|value| &value["outcome"]);
    assert!(outcomes.clone().any(|outcome| outcome == "skipped"));
    assert!(
        outcomes.clone().all(|outcome| outcome == "skipped" || outcome == "done"),
        "{receipt:#}"
    );
    let is_left = workbench.receipts_tell(&["partial"]);
    workbench.goes_on(is_left);
}
