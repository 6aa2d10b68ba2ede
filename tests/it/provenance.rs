//! What a saved plan and a receipt say of how they were made, and what becomes of a plan that is old or applied.

use crate::workbench::{Output, Workbench, output};
use octopus_sandbox::Seed;
use serde_json::{Value, json};
use std::{fs, path::Path, process::Command};

const FILE: &str = "version = 1\n[pools.sql]\nname = \"SQL\"\n[pools.web]\nname = \"Web\"\n\
    [[placements]]\nproject = \"Web Store\"\nprocess = \"any\"\npool = \"sql\"\n\
    [gates]\nempty-pool = \"allow\"\n";

/// Runs Git as somebody else would.
fn git(folder: &Path, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=A", "-c", "user.email=a@b.example"]).args(args);
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        command.env_remove(name);
    }
    let output = command.current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A company whose configuration is committed.
fn committed() -> (Workbench, String) {
    let workbench = Workbench::chapter(FILE);
    let folder = workbench.folder.path();
    git(folder, &["init", "-q"]);
    git(folder, &["add", "workers.toml"]);
    git(folder, &["commit", "-qm", "all"]);
    let commit = git(folder, &["rev-parse", "HEAD"]);
    (workbench, commit)
}

fn plan_json(workbench: &Workbench) -> Value {
    serde_json::from_str(&workbench.read("plan.json")).unwrap()
}

/// Saves the plan, and returns how it was made.
fn made(workbench: &Workbench) -> Value {
    workbench.run(&["plan", "-o", "plan.json"]).expect(0);
    plan_json(workbench)["made"].clone()
}

#[test]
fn a_saved_plan_says_when_by_whom_and_from_which_commit_it_was_made() {
    let (workbench, commit) = committed();
    let mut command = workbench.command(&["plan", "-o", "plan.json"]);
    output(command.env("BUILD_URL", "https://jenkins.example/job/7/")).expect(0);
    let plan = plan_json(&workbench);
    let made = &plan["made"];
    let at = made["at"].as_str().unwrap();
    assert!(at.starts_with("20") && at.ends_with('Z'), "{at}");
    assert_eq!(made["user"], "admin");
    assert_eq!(made["commit"], commit);
    assert_eq!(made["dirty"], false);
    assert_eq!(made["job"], "https://jenkins.example/job/7/");
    assert_eq!(plan["tool"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(plan["config"]["digests"][0]["file"], "workers.toml");
    let digest = plan["config"]["digests"][0]["digest"].as_str().unwrap();
    assert!(digest.starts_with("sha256:") && digest.len() == 71, "{digest}");
    // The same again is the same plan, made at another time.
    workbench.run(&["plan", "-o", "again.json"]).expect(0);
    let again: Value = serde_json::from_str(&workbench.read("again.json")).unwrap();
    assert_eq!(again["digest"], plan["digest"]);

    let shown = workbench.run(&["show", "plan.json"]).expect(0).stdout;
    let short = &plan["digest"].as_str().unwrap()["sha256:".len()..][..12];
    let line = format!("\nPlan {short}, made at {at} by admin from commit {}\n", &commit[..12]);
    assert!(shown.contains(&line), "{shown}");
    let applied = workbench.run(&["apply", "plan.json"]).expect(0).stderr;
    let line = format!("applying plan {short}: 2 to create, ");
    let from = format!(" (made less than a minute ago by admin from commit {})\n", &commit[..12]);
    assert!(applied.contains(&line) && applied.contains(&from), "{applied}");
}

#[test]
fn a_tree_is_dirty_if_a_tracked_file_or_the_configuration_differs_from_the_commit() {
    let (workbench, commit) = committed();
    let folder = workbench.folder.path();
    workbench.write("notes.txt", "not of the commit, and not of the plan");
    assert_eq!(made(&workbench)["dirty"], false);
    workbench.write("workers.toml", &format!("{FILE}# edited\n"));
    let edited = made(&workbench);
    assert_eq!((&edited["dirty"], &edited["commit"]), (&json!(true), &json!(commit)));
    let shown = workbench.run(&["show", "plan.json"]).expect(0).stdout;
    assert!(shown.contains(" with uncommitted changes\n"), "{shown}");
    // A file that is not tracked is not in the commit.
    workbench.write("workers.toml", FILE);
    workbench.write("more.toml", "version = 1\n[pools.more]\n");
    assert_eq!(made(&workbench)["dirty"], false);
    workbench.run(&["plan", "-f", "workers.toml", "-f", "more.toml", "-o", "plan.json"]).expect(0);
    assert_eq!(plan_json(&workbench)["made"]["dirty"], true);
    // Outside a repository there is no commit, whatever the job says.
    fs::remove_dir_all(folder.join(".git")).unwrap();
    let mut command = workbench.command(&["plan", "-o", "plan.json"]);
    output(command.env("GITHUB_SHA", &commit)).expect(0);
    assert_eq!(plan_json(&workbench)["made"].get("commit"), None);
}

#[test]
fn a_ci_job_without_git_provides_its_commit() {
    let (workbench, commit) = committed();
    let run = |path: &str, variable: &str, value: &str| {
        let mut command = workbench.command(&["plan", "-o", "plan.json"]);
        output(command.env("PATH", path).env(variable, value)).expect(0);
        plan_json(&workbench)["made"]["commit"].clone()
    };
    let empty = workbench.folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let empty = empty.to_str().unwrap();
    assert_eq!(run(empty, "CI_COMMIT_SHA", &commit), json!(commit));
    assert_eq!(run(empty, "GITHUB_SHA", "::error::not a commit"), Value::Null);
}

/// What a repository configures must not run: it may come from anybody.
#[cfg(unix)]
#[test]
fn no_program_that_a_repository_configures_runs() {
    use std::os::unix::fs::PermissionsExt as _;
    let (workbench, commit) = committed();
    let folder = workbench.folder.path();
    let marker = folder.join("ran");
    let touch = format!("touch {}; cat", marker.display());
    let hooks = folder.join("hooks");
    fs::create_dir(&hooks).unwrap();
    for hook in ["post-index-change", "post-checkout", "reference-transaction"] {
        fs::write(hooks.join(hook), format!("#!/bin/sh\n{touch}\n")).unwrap();
        fs::set_permissions(hooks.join(hook), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let arm = || {
        for (key, value) in [
            ("core.fsmonitor", touch.as_str()),
            ("core.hooksPath", hooks.to_str().unwrap()),
            ("filter.evil.clean", &touch),
            ("filter.evil.smudge", &touch),
            ("filter.evil.required", "true"),
            ("filter.e v.il.process", &touch),
        ] {
            git(folder, &["config", key, value]);
        }
        workbench.write(".gitattributes", "*.toml filter=evil\n");
        // As long as before, so that only its content tells that it has changed.
        workbench.write("workers.toml", &FILE.replace("SQL", "sql"));
        _ = fs::remove_file(&marker);
    };
    arm();
    let made = made(&workbench);
    assert!(!marker.exists());
    assert_eq!((&made["commit"], &made["dirty"]), (&json!(commit), &json!(true)));
    // They would run.
    git(folder, &["status"]);
    assert!(marker.exists());
}

#[test]
fn a_server_that_hides_the_user_stops_nothing() {
    for rule in ["403 on GET /api/users/me", "404 on GET /api/users/me"] {
        let workbench = Workbench::with_rules(Seed::Chapter, &[rule]);
        workbench.write("workers.toml", FILE);
        let made = made(&workbench);
        assert_eq!(made.get("user"), None, "{made}");
        workbench.run(&["apply", "plan.json"]).expect(0);
        let receipt = workbench.receipts().pop().unwrap();
        assert_eq!(receipt["run"].get("user"), None);
        assert_eq!(receipt["run"]["plan"], plan_json(&workbench)["digest"]);
    }
}

#[test]
fn only_a_saved_plan_or_an_apply_asks_for_the_user() {
    let workbench = Workbench::chapter(FILE);
    workbench.run(&["plan"]).expect(0);
    let me = || {
        let requests = workbench.bench.sandbox.recent_requests();
        requests.iter().filter(|it| *it == "GET /api/users/me").count()
    };
    assert_eq!(me(), 0);
    workbench.run(&["plan", "-o", "plan.json"]).expect(0);
    assert_eq!(me(), 1);
    workbench.run(&["apply", "plan.json"]).expect(0);
    assert_eq!(me(), 2);
}

#[test]
fn a_plan_that_is_too_old_is_refused() {
    let workbench = Workbench::chapter(FILE);
    let at = made(&workbench)["at"].as_str().unwrap().to_owned();
    let plan = workbench.read("plan.json");
    let mut told = String::new();
    for other in ["2020-02-29T12:00:00Z", "2999-01-01T00:00:00Z", "yesterday"] {
        workbench.write("plan.json", &plan.replace(&at, other));
        let requests = workbench.bench.sandbox.recent_requests().len();
        let args = ["apply", "plan.json", "--max-age", "7d"];
        let Output { stderr, .. } = workbench.run(&args).expect(3);
        assert_eq!(workbench.bench.sandbox.recent_requests().len(), requests);
        let digits = |c: char| c.is_ascii_digit();
        told.push_str(&stderr.replace(digits, "N"));
    }
    let mut unknown: Value = serde_json::from_str(&plan).unwrap();
    unknown.as_object_mut().unwrap().remove("made");
    workbench.write("plan.json", &unknown.to_string());
    let unknown = workbench.run(&["apply", "plan.json", "--max-age", "1h"]).expect(3);
    told.push_str(&unknown.stderr);
    insta::assert_snapshot!(told, @"
    error: the plan was made NNNN days ago, and `--max-age` is N days
    help: make a new plan: `poolwright plan -o plan.json`
    refused: nothing was written
    error: the plan's time is in the future according to this clock
    help: make a new plan: `poolwright plan -o plan.json`
    refused: nothing was written
    error: the plan does not say when it was made: `yesterday` is not a time
    help: make a new plan: `poolwright plan -o plan.json`
    refused: nothing was written
    error: the plan does not say when it was made
    help: make a new plan: `poolwright plan -o plan.json`
    refused: nothing was written
    ");
    // A plan of an older version is carried out as before.
    workbench.run(&["apply", "plan.json"]).expect(0);
    workbench.settled();
}

#[test]
fn a_recent_plan_is_applied() {
    let workbench = Workbench::chapter(FILE);
    made(&workbench);
    workbench.run(&["apply", "plan.json", "--max-age", "24h"]).expect(0);
    let Output { stderr, .. } = workbench.run(&["apply", "--max-age", "24h"]).expect(1);
    assert!(stderr.contains("<PLAN>"), "{stderr}");
}

#[test]
fn an_already_applied_plan_changes_nothing_and_says_so() {
    let workbench = Workbench::chapter(FILE);
    made(&workbench);
    workbench.run(&["apply", "plan.json"]).expect(0);
    let (writes, receipts) = (workbench.writes(), workbench.receipt_files());
    let again = workbench.run(&["apply", "plan.json"]).expect(0);
    assert_eq!(again.stdout, "Nothing to do: this plan is already applied\n");
    let json = workbench.run(&["apply", "plan.json", "--format", "json"]).expect(0);
    let receipt: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(receipt["status"], "done");
    for entry in receipt["changes"].as_array().unwrap() {
        assert_eq!((&entry["outcome"], &entry["written"]), (&json!("done"), &json!([])));
    }
    assert_eq!((workbench.writes(), workbench.receipt_files()), (writes, receipts));
}

#[test]
fn a_partly_made_plan_is_stale_and_says_which_changes() {
    let workbench = Workbench::chapter(FILE);
    made(&workbench);
    let web = json!({ "Name": "Web", "WorkerPoolType": "StaticWorkerPool" });
    workbench.send("POST", "/api/Spaces-1/workerpools", web);
    let writes = workbench.writes();
    let stale = workbench.run(&["apply", "plan.json"]).expect(4);
    assert_eq!(workbench.writes(), writes);
    let lines: Vec<&str> = stale.stderr.lines().skip(1).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    error: the plan no longer matches the server or its files; nothing was written
      pools.web: a pool named "Web" is there, but the plan expects none
    note: 1 change is already made:
      pools.web
    help: make a new plan: `poolwright plan -o plan.json`
    "#);
}

#[test]
fn a_receipt_records_its_user_job_plan_and_time() {
    let (workbench, commit) = committed();
    let job = [
        ("GITHUB_SERVER_URL", "https://github.com"),
        ("GITHUB_REPOSITORY", "acme/octopus"),
        ("GITHUB_RUN_ID", "42"),
    ];
    let mut command = workbench.command(&["apply", "--auto-approve"]);
    output(command.envs(job)).expect(0);
    let receipt = workbench.receipts().pop().unwrap();
    let run = &receipt["run"];
    assert_eq!(run["user"], "admin");
    assert_eq!(run["job"], "https://github.com/acme/octopus/actions/runs/42");
    assert_eq!((&run["commit"], &run["dirty"]), (&json!(commit), &json!(false)));
    assert!(run["plan"].as_str().unwrap().starts_with("sha256:"));
    for entry in receipt["changes"].as_array().unwrap() {
        let time = |key: &str| entry[key].as_str().unwrap().to_owned();
        assert!(time("started") <= time("ended"), "{entry}");
        // The apply itself is timed in whole seconds.
        assert!(time("started")[..19] >= receipt["started"].as_str().unwrap()[..19], "{entry}");
    }
    let schema = serde_json::from_str(include_str!("../../schema/receipt.schema.json")).unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&receipt));
}
