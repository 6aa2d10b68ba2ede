//! `drift`: where the server differs from files that were applied, and who made it differ.

use crate::workbench::{Output, Workbench};
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
};

const FILE: &str = "version = 1\n[pools.sql]\nname = \"SQL\"\ndescription = \"ours\"\n\
    [pools.web]\nname = \"Web\"\n[[placements]]\nproject = \"Web Store\"\npool = \"Default Worker Pool\"\n";

fn applied() -> Workbench {
    let workbench =
        Workbench::chapter(&FILE.replace(
            "[[placements]]\nproject = \"Web Store\"\npool = \"Default Worker Pool\"\n",
            "",
        ));
    workbench.apply();
    workbench
}

fn json(output: &Output) -> Value {
    serde_json::from_str(&output.stdout).unwrap()
}

fn describe(workbench: &Workbench) {
    let id = workbench.id("workerpools", "SQL");
    workbench.edit(&format!("/api/Spaces-1/workerpools/{id}"), |pool| {
        pool["Description"] = json!("theirs");
    });
}

/// The shell parts of the workflow, in their order.
fn workflow_scripts() -> Vec<String> {
    let workflow = include_str!("../../examples/ci/github/drift.yml");
    let parts = workflow.split("        run: |\n").skip(1);
    let script = |part: &str| {
        let lines =
            part.lines().take_while(|line| line.is_empty() || line.starts_with("          "));
        lines.map(|line| line.trim_start_matches("          ")).collect::<Vec<_>>().join("\n")
    };
    parts.map(script).collect()
}

/// Runs the workflow's shell parts with a `gh` that notes what it is asked, and has an issue if there is a file `open`.
fn run_workflow(workbench: &Workbench) -> (Option<i32>, String) {
    let folder = workbench.folder.path();
    let gh =
        "#!/bin/sh\necho \"$@\" >> calls\nif [ \"$2\" = list ] && [ -e open ]; then echo 7; fi\n";
    workbench.write("gh", gh);
    fs::set_permissions(folder.join("gh"), fs::Permissions::from_mode(0o755)).unwrap();
    let _ = fs::remove_file(folder.join("calls"));
    let _ = fs::remove_file(folder.join("outputs"));
    let program = Path::new(env!("CARGO_BIN_EXE_poolwright")).parent().unwrap();
    let path = format!("{}:{}:/usr/bin:/bin", folder.display(), program.display());
    for script in workflow_scripts() {
        let outputs = fs::read_to_string(folder.join("outputs")).unwrap_or_default();
        let code = outputs.trim().strip_prefix("code=").unwrap_or_default();
        let status = Command::new("bash")
            .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", &script])
            .current_dir(folder)
            .env("PATH", &path)
            .env("OCTOPUS_URL", workbench.bench.sandbox.url())
            .env("OCTOPUS_API_KEY", workbench.key)
            .env("GITHUB_OUTPUT", "outputs")
            .env("CODE", code)
            .env("RUN_URL", "https://ci.example/1")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        if !status.success() {
            return (status.code(), fs::read_to_string(folder.join("calls")).unwrap_or_default());
        }
    }
    (Some(0), workbench.read("calls"))
}

#[test]
fn the_workflow_opens_one_issue_keeps_it_up_to_date_and_closes_it() {
    let workbench = applied();
    let (code, calls) = run_workflow(&workbench);
    assert_eq!((code, calls.lines().count()), (Some(0), 1), "{calls}");
    describe(&workbench);
    let (_, calls) = run_workflow(&workbench);
    assert!(calls.contains("issue create --title The server has drifted"), "{calls}");
    assert!(
        workbench.read("body.md").contains("\n      ~ pools.sql"),
        "{}",
        workbench.read("body.md")
    );
    workbench.write("open", "");
    let (_, calls) = run_workflow(&workbench);
    assert!(calls.contains("issue edit 7") && !calls.contains("create"), "{calls}");
    workbench.apply();
    let (_, calls) = run_workflow(&workbench);
    assert!(calls.contains("issue close 7"), "{calls}");
    // An error is neither drift nor its absence.
    workbench.write("workers.toml", "version = 2\n");
    assert_eq!(run_workflow(&workbench), (Some(1), String::new()));
}

fn requests(workbench: &Workbench) -> Vec<String> {
    let mut requests = workbench.bench.sandbox.recent_requests();
    requests.retain(|it| it.contains("/events"));
    requests
}

#[test]
fn an_unchanged_server_has_no_drift_and_requests_no_events() {
    let workbench = applied();
    let output = workbench.run(&["drift", "--exit-code"]).expect(0);
    assert!(output.stdout.ends_with("No changes: the server matches the files\n"));
    assert_eq!(requests(&workbench), [""; 0]);
}

#[test]
fn each_drift_is_reported_with_its_author_time_and_means() {
    let workbench = applied();
    describe(&workbench);
    let web = workbench.id("workerpools", "Web");
    workbench.send("DELETE", &format!("/api/Spaces-1/workerpools/{web}"), Value::Null);
    let output = workbench.run(&["drift", "--exit-code"]).expect(2);
    for text in [
        "because it was last changed by \"admin\" with an API key, 20",
        "because it was deleted by \"admin\" with an API key, 20",
        "\nDrift: 1 to create, 1 to update\n",
    ] {
        assert!(output.stdout.contains(text), "{text}: {}", output.stdout);
    }
    // The edits were made right after the apply, and by others.
    assert!(!output.stdout.contains("through poolwright"), "{}", output.stdout);
    let drift = json(&workbench.run(&["drift", "--format", "json"]).expect(0));
    let changes = drift["changes"].as_array().unwrap();
    let event = &changes.iter().find(|it| it["address"] == "pools.sql").unwrap()["event"];
    assert_eq!((&event["user"], &event["category"]), (&json!("admin"), &json!("Modified")));
    assert_eq!(event.get("receipt"), None);
    assert_eq!(drift["drift"]["left_out"], 0);
    // Two requests, however many objects differ.
    assert_eq!(requests(&workbench).len(), 4);
}

#[test]
fn drift_from_an_own_apply_names_its_receipt() {
    let workbench = applied();
    workbench.write("workers.toml", &workbench.read("workers.toml").replace("ours", "edited"));
    let output = workbench.run(&["drift"]).expect(0);
    assert!(
        output.stdout.contains(", through poolwright (receipt \".poolwright/receipts/"),
        "{}",
        output.stdout
    );
}

#[test]
fn drift_older_than_the_limit_is_left_out() {
    let workbench = applied();
    describe(&workbench);
    let output = workbench.run(&["drift", "--exit-code", "--since", "7d"]).expect(2);
    assert!(
        output.stdout.contains("Since: the last 7d; 0 older changes left out"),
        "{}",
        output.stdout
    );
    std::thread::sleep(std::time::Duration::from_millis(2100));
    let output = workbench.run(&["drift", "--exit-code", "--since", "1s"]).expect(0);
    assert!(
        output.stdout.contains("Since: the last 1s; 1 older change left out"),
        "{}",
        output.stdout
    );
    workbench.run(&["drift", "--since", "soon"]).expect(1);
}

#[test]
fn an_unreadable_event_log_is_reported_once_and_is_not_fatal() {
    for rule in ["403 on GET */events*", "404 on GET */events*"] {
        let workbench = Workbench::with_rules(octopus_sandbox::Seed::Chapter, &[rule]);
        workbench.write("workers.toml", FILE);
        let output = workbench.run(&["drift", "--exit-code", "--since", "7d"]).expect(2);
        assert_eq!(output.stdout.matches("warning[unread-events]").count(), 1, "{}", output.stdout);
        assert!(
            output.stdout.contains("because it was changed by an unknown user"),
            "{}",
            output.stdout
        );
    }
}
