//! `--target`: a part of a plan, and what it depends on.

use crate::workbench::Workbench;
use octopus_sandbox::Seed;
use serde_json::Value;

/// A pool, a worker in it, and steps of two projects that move there.
const FILE: &str = "version = 1\n[pools.sql]\n[pools.other]\n[workers.w-1]\npools = [\"sql\"]\n\
    listening = { url = \"https://w-1\", thumbprint = \"8A7E6157A34158EDA1B5127CB027B2A267760A4F\" }\n\
    [[placements]]\nproject = [\"Billing\", \"Data Warehouse\"]\nstep = \"Back up database\"\npool = \"sql\"\n\
    [gates]\nunhealthy-pool = \"allow\"\n";

fn addresses(workbench: &Workbench, targets: &[&str]) -> String {
    let targets: Vec<&str> = targets.iter().flat_map(|it| ["--target", *it]).collect();
    let output = workbench.run(&[&["plan", "--format", "json"], &targets[..]].concat());
    let plan: Value = serde_json::from_str(&output.stdout).unwrap();
    let changes = plan["changes"].as_array().unwrap().iter();
    let mut lines: Vec<_> =
        changes.map(|change| change["address"].as_str().unwrap().to_owned()).collect();
    let findings = plan["findings"].as_array().unwrap().iter();
    lines.extend(findings.map(|finding| finding["message"].as_str().unwrap().to_owned()));
    lines.join("\n")
}

#[test]
fn a_target_is_planned_with_what_it_depends_on() {
    let workbench = Workbench::chapter(FILE);
    let step = "projects[\"Billing\"].deployment.steps[\"Back up database\"]";
    insta::assert_snapshot!(addresses(&workbench, &[step]), @r#"
    pools.sql
    workers.w-1
    projects["Billing"].deployment.steps["Back up database"]
    "#);
    let args = ["plan", "--target", "pools.other", "--target", "workers.w-2"];
    let stderr = workbench.run(&args).expect(1).stderr;
    assert!(stderr.contains("a similar address exists: `workers.w-1`"), "{stderr}");
    let all = addresses(&workbench, &[]);
    assert_eq!(addresses(&workbench, &["*"]), all);
}

#[test]
fn a_target_is_applied_and_the_rest_is_left_for_later() {
    let workbench = Workbench::new(Seed::Chapter);
    workbench.write("workers.toml", FILE);
    let billing = ["--target", "projects[\"billing\"]*"];
    workbench.run(&[&["apply", "--auto-approve"], &billing[..]].concat()).expect(0);
    workbench.run(&[&["plan", "--exit-code"], &billing[..]].concat()).expect(0);
    insta::assert_snapshot!(addresses(&workbench, &[]), @r#"
    pools.other
    projects["Data Warehouse"].deployment.steps["Back up database"]
    "#);
}

#[test]
fn an_invalid_target_address_is_refused() {
    let workbench = Workbench::chapter(FILE);
    let output = workbench.run(&["plan", "--target", "sql"]).expect(1);
    insta::assert_snapshot!(output.stderr, @r#"
    error: `sql` is not a valid address: expected `pools`, `workers`, `projects`, `library_sets`, `targets` or `server.built_in_worker` after character 0
    help: use an address that `plan` shows, such as `pools.sql` or `projects["Web Store"]*`
    "#);
}
