//! Rolls back an apply, from outside.

use crate::workbench::{Output, Workbench};
use octopus_sandbox::{Fault, FaultKind, Seed};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fmt::Write as _};

/// The chapter's last commit: three pools, their workers, every step, and the built-in worker off.
const CHAPTER: &str = include_str!("../../examples/chapter/3-steps/workers.toml");

impl Workbench {
    /// The newest receipt, as a path.
    pub(crate) fn receipt(&self) -> String {
        self.receipt_files().pop().unwrap().display().to_string()
    }

    fn rollback(&self, receipt: &str) -> Output {
        self.run(&["rollback", receipt, "--auto-approve"])
    }
}

/// Processes without the one thing that each write changes.
pub(crate) fn unversioned(processes: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let strip = |text: &String| {
        let (before, rest) = text.split_once("\"Version\":").unwrap();
        format!("{before}{}", rest.trim_start_matches(|c: char| c.is_ascii_digit()))
    };
    processes.iter().map(|(path, text)| (path.clone(), strip(text))).collect()
}

#[test]
fn the_whole_chapter_is_undone_byte_for_byte() {
    let workbench = Workbench::chapter(CHAPTER);
    let (processes, pools) = (workbench.processes(), workbench.names("workerpools"));
    let (workers, features) =
        (workbench.names("workers"), workbench.get("/api/featuresconfiguration"));
    workbench.apply();
    assert_ne!(unversioned(&workbench.processes()), unversioned(&processes));
    let receipt = workbench.receipt();
    let output = workbench.rollback(&receipt).expect(0);
    assert!(
        output.stdout.contains("pools[\"Kubernetes Worker Pool\"] → default"),
        "{}",
        output.stdout
    );
    assert_eq!(unversioned(&workbench.processes()), unversioned(&processes));
    assert_eq!((workbench.names("workerpools"), workbench.names("workers")), (pools, workers));
    assert_eq!(workbench.get("/api/featuresconfiguration"), features);

    // Once it is done there is nothing to undo, and what was undone can be undone.
    let again = workbench.rollback(&receipt).expect(0);
    assert!(again.stdout.contains("No changes"), "{}", again.stdout);
    let undone = workbench.receipt();
    workbench.rollback(&undone).expect(0);
    assert_eq!(workbench.names("workerpools").len(), 4);
}

/// The same way, taken at once and by way of a file, from one and the same state.
#[test]
fn a_saved_rollback_ends_where_a_direct_one_does() {
    let mut ends = Vec::new();
    for saves in [false, true] {
        let workbench = Workbench::chapter(CHAPTER);
        let before = workbench.processes();
        workbench.run(&["apply", "--auto-approve", "--parallelism", "1"]).expect(0);
        let receipt = workbench.receipt();
        if saves {
            let writes = workbench.writes();
            let saved = workbench.run(&["rollback", &receipt, "-o", "back.json"]).expect(0);
            assert_eq!(workbench.writes(), writes);
            let shown = workbench.run(&["show", "back.json"]).expect(0);
            assert_eq!(shown.stdout, saved.stdout);
            workbench.run(&["apply", "back.json", "--parallelism", "1"]).expect(0);
        } else {
            let args = ["rollback", &receipt, "--auto-approve", "--parallelism", "1"];
            workbench.run(&args).expect(0);
        }
        assert_eq!(unversioned(&workbench.processes()), unversioned(&before));
        assert_eq!(workbench.names("workerpools"), ["Default Worker Pool"]);
        let features = workbench.get("/api/featuresconfiguration");
        let receipts = workbench.receipts();
        let mut changes = receipts.last().unwrap()["changes"].clone();
        // Each change has its own times.
        for change in changes.as_array_mut().unwrap() {
            let change = change.as_object_mut().unwrap();
            change.retain(|key, _| !["started", "ended"].contains(&key.as_str()));
        }
        ends.push((workbench.processes(), features, changes));
        // A second rollback is empty, and its plan file does no harm.
        workbench.run(&["rollback", &receipt, "-o", "again.json"]).expect(0);
        let again = workbench.run(&["apply", "again.json"]).expect(0);
        assert!(again.stdout.contains("No changes"), "{}", again.stdout);
    }
    assert_eq!(ends[0], ends[1]);
}

#[test]
fn a_saved_rollback_is_stale_after_someone_moves_a_step() {
    let workbench = Workbench::chapter(CHAPTER);
    workbench.apply();
    workbench.run(&["rollback", &workbench.receipt(), "-o", "back.json"]).expect(0);
    let pool = workbench.id("workerpools", "Default Worker Pool");
    workbench.edit("/api/Spaces-1/projects/Projects-1/deploymentprocesses", |process| {
        let actions = process["Steps"].as_array_mut().unwrap().iter_mut();
        let mut actions = actions.map(|step| &mut step["Actions"][0]);
        actions.find(|action| action["WorkerPoolId"].is_string()).unwrap()["WorkerPoolId"] =
            json!(pool);
    });
    let writes = workbench.writes();
    let output = workbench.run(&["apply", "back.json"]).expect(4);
    assert!(output.stderr.contains("the plan expects"), "{}", output.stderr);
    let help = output.stderr.lines().last().unwrap();
    assert!(help.starts_with("help: make a new plan: `poolwright rollback "), "{help}");
    assert!(help.ends_with(".json -o back.json`"), "{help}");
    assert_eq!(workbench.writes(), writes);
}

#[test]
fn a_rollback_is_not_saved_over_its_receipt() {
    let workbench = Workbench::chapter("version = 1\n[pools.sql]\n");
    workbench.run(&["apply", "--auto-approve", "--receipt", "receipt.json"]).expect(0);
    let receipt = workbench.read("receipt.json");
    let output = workbench.run(&["rollback", "receipt.json", "-o", "receipt.json"]).expect(1);
    insta::assert_snapshot!(output.stderr, @"
    error: cannot save the plan to `receipt.json`: it is the receipt
    help: save the plan to another file, such as `-o plan.json`
    ");
    assert_eq!(workbench.read("receipt.json"), receipt);
}

/// What goes back says more than a plan of a file does, and a plan is untrusted.
#[test]
fn a_saved_rollback_must_write_what_it_shows() {
    let workbench = Workbench::chapter(CHAPTER);
    workbench.apply();
    workbench.run(&["rollback", &workbench.receipt(), "-o", "back.json"]).expect(0);
    let mut plan: Value = serde_json::from_str(&workbench.read("back.json")).unwrap();
    let changes = plan["changes"].as_array_mut().unwrap();
    let step = changes.iter_mut().find(|change| change["kind"] == "placement").unwrap();
    step["write"]["place_step"]["exactly"][0]["after"] = json!("WorkerPools-9");
    workbench.write("back.json", &plan.to_string());
    let writes = workbench.writes();
    let output = workbench.run(&["apply", "back.json"]).expect(1);
    insta::assert_snapshot!(output.stderr, @r#"
    error: cannot read the plan `back.json`: it is not sound: `projects["Billing"].deployment.steps["Back up database"]`: the fields that it writes differ from what it shows
    help: save one with `poolwright plan -o back.json` or `poolwright rollback RECEIPT -o back.json`
    "#);
    assert_eq!(workbench.writes(), writes);
}

#[test]
fn later_changes_by_others_are_left_and_reported() {
    let workbench = Workbench::chapter(
        "version = 1\n[gates]\nempty-pool = \"allow\"\n[pools.sql]\n[[placements]]\nproject = \"Web Store\"\nprocess = \"any\"\npool = \"sql\"\n",
    );
    let before = workbench.processes();
    workbench.apply();
    let pool = workbench.id("workerpools", "Default Worker Pool");
    let sql = workbench.id("workerpools", "sql");
    let path = "/api/Spaces-1/projects/Projects-1/deploymentprocesses";
    workbench.edit(path, |process| {
        let actions = process["Steps"].as_array_mut().unwrap().iter_mut();
        let mut actions = actions.map(|step| &mut step["Actions"][0]);
        let moved =
            actions.find(|action| action["WorkerPoolId"].as_str().is_some_and(|it| !it.is_empty()));
        moved.unwrap()["WorkerPoolId"] = json!(pool);
    });
    // Somebody else has begun to use the new pool: it stays, and all else goes back.
    workbench.edit("/api/Spaces-1/projects/Projects-2/deploymentprocesses", |process| {
        process["Steps"][0]["Actions"][0]["WorkerPoolId"] = json!(sql);
    });
    let output = workbench.rollback(&workbench.receipt()).expect(0);
    insta::assert_snapshot!(shown(&output), @r#"
    warning[edited-since]: `projects["Web Store"].deployment.steps["Deploy to AKS"]` is left unchanged because of later changes to `pool` (it is pools["Default Worker Pool"], and was pools.sql after the apply)
    warning[files-still-ask]: the files still ask for what is undone: the next `apply` makes these changes again
    warning[pool-in-use]: pool `sql` would be deleted while something still uses it, which the server refuses: it is kept
    Plan: 7 to update; 3 warnings
    "#);
    assert_eq!(workbench.names("workerpools"), ["Default Worker Pool", "sql"]);
    assert_ne!(unversioned(&workbench.processes()), unversioned(&before));
}

/// Findings and summary.
fn shown(output: &Output) -> String {
    let lines = output.stdout.lines().filter(|line| {
        line.starts_with("warning") || line.starts_with("denied") || line.starts_with("Plan")
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_failed_apply_is_undone_as_far_as_it_got() {
    let cut = Fault {
        nth: 5,
        requests: Some("PUT".into()),
        fault: FaultKind::Status { code: 403, retry_after: None },
    };
    let workbench = Workbench::failing(Seed::Chapter, vec![cut]);
    workbench.write("workers.toml", CHAPTER);
    let before = workbench.processes();
    workbench.run(&["apply", "--auto-approve"]).expect(5);
    workbench.rollback(&workbench.receipt()).expect(0);
    assert_eq!(unversioned(&workbench.processes()), unversioned(&before));
    assert_eq!(workbench.names("workerpools"), ["Default Worker Pool"]);
}

#[test]
fn deleted_objects_are_recreated_as_far_as_the_receipt_records_them() {
    let workbench = Workbench::chapter(CHAPTER);
    workbench.apply();
    let workers = "/api/Spaces-1/workers/all";
    let kept = |all: &Value| -> Vec<Value> {
        let of = |value: &Value| {
            json!([
                value["Name"],
                value["Endpoint"]["CommunicationStyle"],
                value["Endpoint"]["Uri"],
                value["Endpoint"]["Thumbprint"],
                value["Endpoint"]["Host"],
                value["IsDisabled"]
            ])
        };
        all.as_array().unwrap().iter().map(of).collect()
    };
    let before = kept(&workbench.get(workers));
    workbench.write("workers.toml", "version = 1\n[manage]\nprune = [\"pools\", \"workers\"]\nmax_deletes = 9\n[gates]\nbuilt-in-worker-in-use = \"allow\"\n[server]\nbuilt_in_worker = true\n[[placements]]\nprocess = \"any\"\ndefault_pool = true\n");
    workbench.apply();
    assert_eq!(workbench.names("workerpools"), ["Default Worker Pool"]);
    let deleted = workbench.receipt();
    workbench.rollback(&deleted).expect(0);
    assert_eq!(kept(&workbench.get(workers)), before);
    // The pools have new ids, and the steps are in them: nothing is left to do, also not a second time.
    workbench.write("workers.toml", CHAPTER);
    workbench.settled();
    let again = workbench.rollback(&deleted).expect(0);
    assert!(
        again.stdout.contains("No changes") && !again.stdout.contains("warning"),
        "{}",
        again.stdout
    );
}

#[test]
fn a_new_default_pool_is_removed_and_the_old_one_restored() {
    let workbench = Workbench::chapter(
        "version = 1\n[gates]\ndefault-pool-member = \"allow\"\nempty-pool = \"allow\"\n[pools.a]\ndefault = true\n[workers.w]\npools = [\"a\"]\npolling = { subscription = \"poll://one/\", thumbprint = \"8A7E6157A34158EDA1B5127CB027B2A267760A4F\" }\n",
    );
    let default = || {
        let pools = workbench.get("/api/Spaces-1/workerpools/all");
        let mut pools = pools.as_array().unwrap().iter().cloned();
        pools.find(|pool| pool["IsDefault"] == true).unwrap()["Name"].clone()
    };
    workbench.apply();
    assert_eq!(default(), "a");
    let output = workbench.rollback(&workbench.receipt()).expect(0);
    assert!(!output.stdout.contains("not-undone"), "{}", output.stdout);
    assert_eq!(default(), "Default Worker Pool");
    assert_eq!(workbench.names("workerpools"), ["Default Worker Pool"]);
}

/// An image alone is no container: the feed comes back with it.
#[test]
fn rolling_back_a_rollback_restores_the_container() {
    let workbench = Workbench::new(Seed::Acme);
    let feeds = workbench.get("/api/Spaces-1/feeds/all");
    let feed = feeds[0]["Name"].as_str().unwrap();
    workbench.write("workers.toml", &format!("version = 1\n[gates]\nunhealthy-pool = \"allow\"\n[[placements]]\nproject = \"Landing zone\"\npool = \"Linux\"\ncontainer = {{ image = \"acme/tools:2\", feed = \"{feed}\" }}\n"));
    let project = workbench.id("projects", "Landing zone");
    let containers = || -> Vec<Value> {
        let path = format!("/api/Spaces-1/projects/{project}/deploymentprocesses");
        let process = workbench.get(&path);
        let steps = process["Steps"].as_array().unwrap().iter();
        steps.map(|step| step["Actions"][0]["Container"].clone()).collect()
    };
    let before = containers();
    workbench.apply();
    let after = containers();
    assert!(after.iter().any(|item| item["FeedId"] == feeds[0]["Id"]), "{after:?}");
    workbench.rollback(&workbench.receipt()).expect(0);
    assert_eq!(containers(), before);
    workbench.rollback(&workbench.receipt()).expect(0);
    assert_eq!(containers(), after);
}

#[test]
fn a_recreated_pool_returns_to_its_sort_position() {
    let workbench = Workbench::chapter("version = 1\n[pools.a]\n[pools.b]\n[pools.c]\n");
    let order = || {
        let pools = workbench.get("/api/Spaces-1/workerpools/all");
        let mut pools = pools.as_array().unwrap().clone();
        pools.sort_by_key(|pool| pool["SortOrder"].as_i64());
        pools.iter().map(|pool| pool["Name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    workbench.run(&["apply", "--auto-approve", "--parallelism", "1"]).expect(0);
    let before = order();
    workbench.write(
        "workers.toml",
        "version = 1\n[pools.c]\nsort_order = 0\n[[removed]]\npool = \"a\"\n",
    );
    workbench.apply();
    assert_eq!(order(), ["c", "Default Worker Pool", "b"]);
    let receipt = workbench.receipt();
    workbench.rollback(&receipt).expect(0);
    assert_eq!(order(), before);
    let again = workbench.rollback(&receipt).expect(0);
    assert!(again.stdout.contains("No changes"), "{}", again.stdout);
}

#[test]
fn a_process_in_git_is_rolled_back_by_a_commit() {
    let workbench = Workbench::new(Seed::Acme);
    workbench.write("workers.toml", "version = 1\n[gates]\nempty-pool = \"allow\"\nunhealthy-pool = \"allow\"\n[version_control]\non_unreachable = \"skip\"\n[pools.trial]\n[[placements]]\nproject = \"Checkout\"\nprocess = \"any\"\npool = \"trial\"\n");
    let path = workbench
        .get("/api/Spaces-1/projects/all")
        .as_array()
        .unwrap()
        .iter()
        .find(|value| value["Name"] == "Checkout")
        .unwrap()["Id"]
        .as_str()
        .unwrap()
        .to_owned();
    let process = format!("/api/Spaces-1/projects/{path}/main/deploymentprocesses");
    let before = workbench.text(&process);
    workbench.apply();
    assert_ne!(workbench.text(&process), before);
    workbench.rollback(&workbench.receipt()).expect(0);
    assert_eq!(workbench.text(&process), before);

    // There, and back by way of a file.
    workbench.rollback(&workbench.receipt()).expect(0);
    assert_ne!(workbench.text(&process), before);
    workbench.run(&["rollback", &workbench.receipt(), "-o", "back.json"]).expect(0);
    workbench.run(&["apply", "back.json"]).expect(0);
    assert_eq!(workbench.text(&process), before);
}

#[test]
fn an_invalid_receipt_is_refused() {
    let workbench = Workbench::new(Seed::Empty);
    let mut all = String::new();
    for text in ["", "{}", "{\"format_version\":\"2.0\"}", "[1"] {
        workbench.write("receipt.json", text);
        let output = workbench.rollback("receipt.json").expect(1);
        _ = writeln!(all, "{}", output.stderr.lines().next().unwrap_or_default());
        assert!(
            output.stderr.contains("help: name a receipt that `apply` wrote"),
            "{}",
            output.stderr
        );
    }
    let output = workbench.rollback("nothing.json").expect(1);
    _ = writeln!(all, "{}", output.stderr.split(" (os").next().unwrap_or_default());
    insta::assert_snapshot!(all, @"
    error: cannot use `receipt.json`: it ends within its first line, which is written before the first request is sent
    error: cannot use `receipt.json`: this is not a receipt: `format_version` is missing
    error: cannot use `receipt.json`: its format is `2.0`, but this version reads 1.x
    error: cannot use `receipt.json`: this is not a receipt: it ends too early at line 1, column 2
    error: cannot read `nothing.json`: No such file or directory
    ");
    assert_eq!(workbench.writes(), [""; 0]);
}

#[test]
fn one_rule_moves_many_projects_and_a_rollback_restores_them() {
    let workbench = Workbench::new(Seed::Large { projects: 60, steps: 5, workers: 6 });
    workbench.write("workers.toml", "version = 1\n[gates]\nempty-pool = \"allow\"\n[pools.all]\n[[placements]]\npool = \"all\"\n");
    let before = workbench.processes();
    workbench.apply();
    assert_ne!(unversioned(&workbench.processes()), unversioned(&before));
    workbench.rollback(&workbench.receipt()).expect(0);
    assert_eq!(unversioned(&workbench.processes()), unversioned(&before));
}

#[test]
fn rolling_back_a_half_failed_replacement_restores_the_worker() {
    const WORKER: &str = "version = 1\n[pools.all]\n[workers.w]\npools = [\"all\"]\n";
    let polling = "polling = { subscription = \"poll://one/\", thumbprint = \"8A7E6157A34158EDA1B5127CB027B2A267760A4F\" }\n";
    let listening = "listening = { url = \"https://w:10933\", thumbprint = \"8A7E6157A34158EDA1B5127CB027B2A267760A4F\" }\n";
    let refused = Fault {
        nth: 2,
        requests: Some("POST /api/Spaces-1/workers".into()),
        fault: FaultKind::Status { code: 403, retry_after: None },
    };
    let workbench = Workbench::failing(Seed::Chapter, vec![refused]);
    workbench.write("workers.toml", &format!("{WORKER}{polling}"));
    workbench.apply();
    workbench.write("workers.toml", &format!("{WORKER}{listening}"));
    workbench.run(&["apply", "--auto-approve"]).expect(5);
    assert_eq!(workbench.names("workers"), ["w"]);
    workbench.rollback(&workbench.receipt()).expect(0);
    workbench.write("workers.toml", &format!("{WORKER}{polling}"));
    workbench.settled();
}
