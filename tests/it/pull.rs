//! `pull`: a plan of what it writes is empty, on every seed and on any space that can be thought of.

use crate::{spaces::read_again, spaces_choosers::any_live_with_choosers, workbench::Workbench};
use octopus_sandbox::{Fault, FaultKind, Seed};
use poolwright_core::{
    config,
    diff::plan_changes,
    finding::{Finding, Level, Source, Sources},
    live::Live,
    plan::{Plan, PlanHeader, PlanOrigin},
    pull::{RuleCoverage, render_config},
    scope::ReadScope,
};

use proptest::prelude::*;
use serde_json::json;

/// Pulls into `workers.toml`, plans, and returns the file.
fn pulled(workbench: &Workbench) -> String {
    workbench.run(&["pull", "-o", "workers.toml", "--force"]).expect(0);
    let plan = workbench.run(&["plan", "--exit-code"]).expect(0);
    let last = plan.stdout.lines().last().unwrap_or_default();
    assert!(last.starts_with("No changes: the server matches the files"), "{}", plan.stdout);
    workbench.read("workers.toml")
}

#[test]
fn a_pulled_file_plans_no_changes_on_every_seed() {
    let large = Seed::Large { projects: 40, steps: 10, workers: 60 };
    for seed in [Seed::Empty, Seed::Chapter, Seed::Acme, Seed::Cloud, large] {
        let workbench = Workbench::new(seed.clone());
        pulled(&workbench);
        assert_eq!(workbench.writes(), [""; 0], "{seed:?}");
    }
}

#[test]
fn an_applied_file_is_pulled_as_few_rules() {
    let workbench = Workbench::new(Seed::Chapter);
    for commit in ["1-pools", "2-workers", "3-steps"] {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/chapter");
        let file = format!("{folder}/{commit}/workers.toml");
        let in_order = ["--parallelism", "1"];
        let args = [&["apply", "--auto-approve", "-f", &file], &in_order[..]].concat();
        workbench.run(&args).expect(0);
    }
    let text = pulled(&workbench).replace(workbench.bench.sandbox.url(), "URL");
    insta::assert_snapshot!(text);
}

/// The tables of a file's rules.
fn rules(text: &str) -> Vec<&str> {
    text.split("\n\n").filter(|it| it.contains("[[placements]]")).collect()
}

/// Adds steps to a project: one in a pool, and one without.
fn add_steps(workbench: &Workbench, project: &str) {
    let pool = workbench.id("workerpools", "Linux");
    workbench.edit(&format!("/api/Spaces-1/projects/{project}/deploymentprocesses"), |process| {
        for (name, pool) in [("Never seen", Some(&pool)), ("Nor this", None)] {
            let properties = json!({
                "Octopus.Action.RunOnServer": "true",
                "Octopus.Action.Script.ScriptSource": "Inline",
                "Octopus.Action.Script.ScriptBody": "true",
            });
            let action = json!({
                "Name": name, "ActionType": "Octopus.Script", "WorkerPoolId": pool, "Properties": properties,
            });
            let step = json!({ "Name": name, "Properties": {}, "Actions": [action] });
            process["Steps"].as_array_mut().unwrap().push(step);
        }
    });
}

#[test]
fn pulled_rules_never_move_new_steps() {
    let workbench = Workbench::new(Seed::Acme);
    let text = pulled(&workbench);
    assert!(!rules(&text).is_empty());
    for rule in rules(&text) {
        assert!(rule.contains("label = ") && !rule.contains("default_pool"), "{rule}");
        let kinds = ["\nstep = ", "\naction_type = "];
        assert!(kinds.iter().any(|kind| rule.contains(kind)), "{rule}");
    }
    for name in ["Web Store", "Billing", "Infrastructure"] {
        add_steps(&workbench, &workbench.id("projects", name));
    }
    let group = workbench.get("/api/Spaces-1/projectgroups/all")[0]["Id"].clone();
    let project =
        json!({ "Name": "Never seen", "ProjectGroupId": group, "LifecycleId": "Lifecycles-1" });
    let (_, project) = workbench.try_send("POST", "/api/Spaces-1/projects", project);
    add_steps(&workbench, project["Id"].as_str().unwrap());
    workbench.run(&["plan", "--exit-code"]).expect(0);
}

#[test]
fn a_migration_of_steps_without_a_pool_settles_beside_pulled_rules() {
    let workbench = Workbench::new(Seed::Acme);
    let text = pulled(&workbench);
    let migration = |currently: &str| {
        format!(
            "[[placements]]\nlabel = \"off the server\"\nprocess = \"any\"\ncurrently = {currently}\npool = \"linux\"\n"
        )
    };
    let last = format!("{text}\n{}", migration("[\"server\", \"default\"]"));
    // Steps whose variable leads to the server are placed by pulled rules.
    let first = format!("{}\n[[placements]]", migration("\"default\""));
    for text in [last, text.replacen("[[placements]]", &first, 1)] {
        workbench.write("workers.toml", &text);
        workbench.run(&["check"]).expect(0);
        // A protected branch refuses the plan, and nothing else does.
        let plan = workbench.run(&["plan"]).expect(3);
        assert!(plan.stdout.contains("refused by 1 gate"), "{}", plan.stdout);
        assert!(!plan.stdout.contains("unsettled"), "{}", plan.stdout);
        assert!(plan.stdout.contains("off the server"), "{}", plan.stdout);
    }
}

#[test]
fn a_closed_file_ends_with_a_rule_for_all_other_steps() {
    let workbench = Workbench::new(Seed::Acme);
    workbench.run(&["pull", "--closed", "-o", "workers.toml"]).expect(0);
    workbench.run(&["plan", "--exit-code"]).expect(0);
    let text = workbench.read("workers.toml");
    let last = *rules(&text).last().unwrap();
    let catch_all = "[[placements]]\nlabel = \"all other steps\"\nprocess = \"any\"\n";
    assert!(last.contains(catch_all), "{text}");
    add_steps(&workbench, &workbench.id("projects", "Web Store"));
    workbench.run(&["plan", "--exit-code"]).expect(2);
}

#[test]
fn an_existing_file_is_not_overwritten() {
    let workbench = Workbench::chapter("version = 1\n");
    let output = workbench.run(&["pull", "-o", "workers.toml"]).expect(1);
    insta::assert_snapshot!(output.stderr, @"
    error: `workers.toml` already exists
    help: name another file, or overwrite this one with `--force`
    ");
    assert_eq!(workbench.read("workers.toml"), "version = 1\n");
}

/// A plan of a text on what is live, and all that is told about the two.
fn planned(text: &str, live: &Live) -> (Plan, Vec<Finding>) {
    let source = Source::new("workers.toml", text);
    let (desired, mut findings) = config::load_desired(&Sources(vec![source]));
    let header = PlanHeader {
        url: String::new(),
        server_version: String::new(),
        space: live.server.space.clone(),
        files: Vec::new(),
        digest: String::new(),
        scope: ReadScope::default(),
        origin: PlanOrigin::Files,
        stamp: Default::default(),
    };
    let skips = desired.version_control.as_ref().is_some_and(|it| it.value.skip_unreachable);
    let plan = plan_changes(&desired, &read_again(live, skips), header);
    findings.extend(plan.findings.clone());
    (plan, findings)
}

/// Warnings about what is live, which no file could say better.
const MEANT: [&str; 5] =
    ["lingering-pool", "odd-range", "stray-n", "unseen-steps", "unset-variable"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_pulled_file_plans_no_changes_on_any_space(live in any_live_with_choosers()) {
        for coverage in [RuleCoverage::Seen, RuleCoverage::Closed] {
            let text = render_config(&live, "https://octopus.acme.example", coverage);
            let (plan, findings) = planned(&text, &live);
            let stray = |finding: &&Finding| finding.level != Level::Warn || !MEANT.contains(&finding.code.as_str());
            let stray: Vec<_> = findings.iter().filter(stray).collect();
            prop_assert!(stray.is_empty(), "{text}\n{stray:#?}");
            prop_assert!(plan.changes.is_empty(), "{text}\n{:#?}", plan.changes);
        }
    }
}

#[test]
fn pool_variables_and_target_pools_are_pulled_too() {
    let workbench = Workbench::new(Seed::Acme);
    let pulled = workbench.run(&["pull"]).expect(0).stdout;
    let tables = pulled.split_once("[[pool_variables]]").unwrap().1;
    insta::assert_snapshot!(format!("[[pool_variables]]{tables}"));
    workbench.write("workers.toml", &pulled);
    workbench.settled();
}

#[test]
fn a_plain_value_is_pulled_beside_one_scoped_to_a_process() {
    let workbench = Workbench::new(Seed::Acme);
    let [project, linux, windows] =
        [("projects", "Infrastructure"), ("workerpools", "Linux"), ("workerpools", "Windows")]
            .map(|(kind, name)| workbench.id(kind, name));
    let environments = workbench.get("/api/Spaces-1/environments/all");
    let test = environments[1]["Id"].clone();
    workbench.edit(&format!("/api/Spaces-1/projects/{project}/variables"), |set| {
        let value = |pool: &str, scope: serde_json::Value| {
            serde_json::json!({ "Name": "Two.Pool", "Type": "WorkerPool", "Value": pool, "Scope": scope })
        };
        let values = set["Variables"].as_array_mut().unwrap();
        values.push(value(&linux, serde_json::json!({ "Environment": [test] })));
        let owned = serde_json::json!({ "Environment": [test], "ProcessOwner": [project] });
        values.push(value(&windows, owned));
    });
    let text = pulled(&workbench);
    let of_it = text.split("\n\n").filter(|it| it.contains("Two.Pool"));
    insta::assert_snapshot!(of_it.collect::<Vec<_>>().join("\n\n"), @r#"
    [[pool_variables]]
    project = "Infrastructure"
    variable = "Two.Pool"
    environment = "Test"
    pool = "linux"

    # Variable "Two.Pool" of "Infrastructure" for environment Test; process Projects-7: it is scoped to steps, processes or targets.
    "#);
}

#[test]
fn pull_works_without_a_channel_list_if_no_step_needs_one() {
    let what = || FaultKind::Status { code: 404, retry_after: None };
    let on = "GET /api/Spaces-1/channels";
    let faults = (1..=9).map(|nth| Fault { nth, requests: Some(on.to_owned()), fault: what() });
    let workbench = Workbench::failing(Seed::Chapter, faults.collect());
    workbench.run(&["pull", "-o", "live.toml"]).expect(0);
    workbench.run(&["plan", "-f", "live.toml", "--exit-code"]).expect(0);
}
