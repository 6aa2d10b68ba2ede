//! What the program runs on: no plan takes it away.

use crate::{
    gates::{POLLING, found, workbench},
    workbench::Output,
};

/// What takes away the place that the program runs on: a file, the flag that names the place, and the message.
fn own_places() -> [(String, [&'static str; 2], &'static str); 7] {
    let listening = "listening = { url = \"https://db-worker-01:10933\", thumbprint = \"0E80575D3BD8D30854802A4E8340A2E23AE961FD\" }";
    let disabled = format!("[workers.single]\npools = [\"Few\"]\ndisabled = true\n{listening}");
    [
        ("[[removed]]\nworker = \"single\"".into(), ["--own-worker", "SINGLE"], "would be deleted"),
        (disabled.clone(), ["--own-worker", "single"], "would be disabled"),
        (disabled, ["--own-pool", "Few"], "would have no enabled worker"),
        (
            format!("[workers.single]\npools = [\"Old 1\"]\n{listening}"),
            ["--own-pool", "few"],
            "would have no enabled worker",
        ),
        (
            format!("[workers.replaced]\npools = [\"Old 3\"]\n{POLLING}"),
            ["--own-worker", "replaced"],
            "would be replaced",
        ),
        ("[[removed]]\npool = \"Old 1\"".into(), ["--own-pool", "Old 1"], "would be deleted"),
        (
            "[gates]\nbuilt-in-worker-in-use = \"warn\"\n[server]\nbuilt_in_worker = false".into(),
            ["--own-pool", "Default Worker Pool"],
            "would be switched off",
        ),
    ]
}

#[test]
fn a_plan_cannot_remove_the_worker_or_pool_it_runs_on() {
    for (file, [flag, name], why) in own_places() {
        let workbench = workbench(&format!("version = 1\n{file}\n"));
        let writes = workbench.writes();
        let refused = |args: &[&str]| {
            let Output { stdout, stderr, .. } = workbench.run(args).expect(3);
            let found = found(&stdout, "own-worker");
            assert!(found.len() == 1 && found[0].contains(why), "{args:?}: {stdout}{stderr}");
        };
        refused(&["plan", flag, name, "-o", "own.json"]);
        refused(&["apply", flag, name, "--auto-approve"]);
        // A saved plan keeps what it was made on.
        refused(&["apply", "own.json"]);
        // It is made on one worker and applied on another.
        workbench.run(&["plan", "-o", "plan.json", flag, ""]).expect(0);
        refused(&["apply", "plan.json", flag, name]);
        assert_eq!(workbench.writes(), writes);
        workbench.run(&["apply", "plan.json"]).expect(0);
    }
}

#[test]
fn a_rollback_cannot_remove_the_worker_it_runs_on() {
    let workbench =
        workbench(&format!("version = 1\n[workers.new]\npools = [\"Few\"]\n{POLLING}\n"));
    workbench.run(&["apply", "--auto-approve", "--receipt", "receipt.json"]).expect(0);
    let rollback = ["rollback", "receipt.json", "--auto-approve", "--own-worker"];
    let Output { stdout, .. } = workbench.run(&[&rollback[..], &["new"]].concat()).expect(3);
    assert!(stdout.contains("denied[own-worker]"), "{stdout}");
    workbench.run(&[&rollback[..], &["single"]].concat()).expect(0);
}

#[test]
fn an_unknown_own_worker_or_pool_is_a_warning() {
    let workbench = workbench("version = 1\n[[removed]]\npool = \"Old 1\"\n");
    let args = ["plan", "--own-worker", "gone", "--own-pool", "gone too"];
    let Output { stdout, .. } = workbench.run(&args).expect(0);
    insta::assert_snapshot!(found(&stdout, "own-worker").join("\n"), @"
    warning[own-worker]: there is no worker `gone`, so `--own-worker` protects nothing
    warning[own-worker]: there is no pool `gone too`, so `--own-pool` protects nothing
    ");
}
