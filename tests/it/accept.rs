//! Levels of findings, `-D` and `[[accept]]`, through the program.

use crate::workbench::{Output, Workbench};
use serde_json::{Value, json};

/// Steps of two projects go to a pool without workers.
const EMPTY: &str = "version = 1\n[pools.sql]\nname = \"SQL\"\n[[placements]]\n\
                     project = [\"Web Store\", \"Billing\"]\ncurrently = [\"server\", \"default\"]\npool = \"sql\"\n";

fn accept(selectors: &str) -> String {
    format!("{EMPTY}[[accept]]\ngate = \"empty-pool\"\nreason = \"OPS-1\"\n{selectors}\n")
}

fn finding_lines(text: &str) -> Vec<&str> {
    let starts = ["denied[", "warning[", "accepted[", "error["];
    text.lines().filter(|line| starts.iter().any(|start| line.starts_with(start))).collect()
}

#[test]
fn accepted_objects_pass_and_the_rest_are_refused() {
    let workbench = Workbench::chapter(&accept("project = \"Web Store\""));
    let Output { stdout, .. } = workbench.run(&["plan", "-o", "plan.json"]).expect(3);
    let lines = finding_lines(&stdout);
    assert_eq!(lines.len(), 2, "{stdout}");
    assert!(
        lines[0].starts_with("denied[empty-pool]: ")
            && lines[1].starts_with("accepted[empty-pool]: ")
    );
    assert!(stdout.contains("reason: OPS-1 (accepted with no end date)"), "{stdout}");
    let plan: Value = serde_json::from_str(&workbench.read("plan.json")).unwrap();
    assert_eq!(plan["accepted"][0]["reason"], "OPS-1");
    assert_eq!(plan["accepted"][0]["line"], 8);
    workbench.run(&["apply", "plan.json"]).expect(3);
    workbench.write(
        "workers.toml",
        &accept("project = [\"Web Store\", \"Billing\"]\nuntil = 9999-12-31"),
    );
    let Output { stdout, .. } = workbench.run(&["plan", "-o", "plan.json"]).expect(0);
    assert!(stdout.contains("(accepted until 9999-12-31)"), "{stdout}");
    workbench.run(&["show", "plan.json"]).expect(0);
    workbench.run(&["apply", "plan.json"]).expect(0);
    workbench.run(&["plan", "-D", "warnings"]);
}

#[test]
fn an_accepted_entry_in_a_saved_plan_needs_its_rule() {
    let workbench = Workbench::chapter(&accept(""));
    workbench.run(&["plan", "-o", "good.json"]).expect(0);
    let mut plan: Value = serde_json::from_str(&workbench.read("good.json")).unwrap();
    // The rule is gone, the acceptance stays.
    plan["gates"].as_object_mut().unwrap().remove("accepts");
    workbench.write("plan.json", &plan.to_string());
    let stderr = workbench.run(&["apply", "plan.json"]).expect(4).stderr;
    assert!(stderr.contains("the list of gates"), "{stderr}");
    // Without its files, the gates are asked again.
    std::fs::remove_file(workbench.folder.path().join("workers.toml")).unwrap();
    workbench.run(&["apply", "plan.json"]).expect(3);
    // One that has ended does not help.
    plan["gates"]["accepts"] =
        json!([{ "gate": "empty-pool", "reason": "OPS-1", "until": "2001-01-31" }]);
    workbench.write("plan.json", &plan.to_string());
    let Output { stdout, .. } = workbench.run(&["apply", "plan.json"]).expect(3);
    assert!(stdout.contains("warning[expired-accept]"), "{stdout}");
    workbench.run(&["apply", "good.json"]).expect(0);
}

#[test]
fn an_expired_accept_refuses_and_is_reported() {
    let workbench = Workbench::chapter(&accept("until = 2001-01-31"));
    let Output { stdout, .. } = workbench.run(&["plan"]).expect(3);
    assert!(stdout.contains("accepted until 2001-01-31, which has passed"), "{stdout}");
    assert!(stdout.contains("warning[expired-accept]"), "{stdout}");
}

#[test]
fn an_unused_accept_is_a_warning_unless_the_plan_is_narrowed() {
    let workbench = Workbench::chapter(&accept("").replace("empty-pool", "protected"));
    let told = |args: &[&str]| workbench.run(args).stdout.contains("warning[unused-accept]");
    assert!(told(&["plan"]));
    assert!(!told(&["plan", "--target", "pools.sql"]));
}

#[test]
fn every_code_has_a_level() {
    let idle = "[[placements]]\nproject = \"nothing*\"\npool = \"SQL\"\n";
    let base = "version = 1\n[pools.sql]\nname = \"SQL\"\n";
    let workbench = Workbench::chapter(&format!("{base}{idle}"));
    let plan = |args: &[&str]| {
        let Output { code, stdout, .. } = workbench.run(args);
        (code, finding_lines(&stdout).first().map(|line| line[..6].to_owned()))
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(plan(&["plan"]), (0, some("warnin")));
    for args in
        [&["plan", "-D", "warnings"][..], &["plan", "-Dwarnings"], &["plan", "--deny", "idle-rule"]]
    {
        assert_eq!(plan(args), (3, some("denied")), "{args:?}");
    }
    assert_eq!(plan(&["plan", "-D", "empty-pool"]), (0, some("warnin")));
    workbench.run(&["apply", "--auto-approve", "-D", "warnings"]).expect(3);
    workbench.write("workers.toml", &format!("{base}[gates]\nidle-rule = \"deny\"\n{idle}"));
    assert_eq!(plan(&["plan", "-o", "plan.json"]), (3, some("denied")));
    // Who edits the finding away, or lowers it, does not get past it.
    let saved: Value = serde_json::from_str(&workbench.read("plan.json")).unwrap();
    for level in [None, Some("warn")] {
        let mut edited = saved.clone();
        match level {
            Some(level) => {
                edited["findings"][0]["level"] = json!(level);
                edited["summary"]["warnings"] = json!(1);
            }
            None => edited["findings"] = json!([]),
        }
        edited["summary"]["denied"] = json!(0);
        workbench.write("plan.json", &edited.to_string());
        workbench.run(&["apply", "plan.json"]).expect(3);
    }
    workbench.write("workers.toml", &format!("{base}[gates]\nidle-rule = \"allow\"\n{idle}"));
    assert_eq!(plan(&["plan"]), (0, None));
    let Output { stdout, .. } = workbench.run(&["plan"]);
    assert!(stdout.contains("Gates: idle-rule = \"allow\""), "{stdout}");
}

#[test]
fn check_respects_levels_and_accepts() {
    let text = "version = 1\n[pools.a]\nsort_order = 1\n[pools.b]\nsort_order = 1\n";
    let workbench = Workbench::chapter(text);
    workbench.run(&["check"]).expect(0);
    workbench.run(&["check", "-D", "warnings"]).expect(3);
    let accept = "[[accept]]\ngate = \"same-position\"\nreason = \"OPS-2\"\n";
    workbench.write("workers.toml", &format!("{text}{accept}"));
    let Output { stderr, .. } = workbench.run(&["check", "-D", "warnings"]).expect(0);
    assert!(stderr.contains("accepted[same-position]"), "{stderr}");
}

#[test]
fn a_code_without_a_configurable_level_says_why() {
    let workbench = Workbench::chapter("");
    let mut told = String::new();
    for text in [
        "[gates]\nbad-url = \"warn\"",
        "[gates]\nnew-identity = \"allow\"",
        "[gates]\nempty-pol = \"warn\"",
        "[gates]\nzzz = \"warn\"",
        "[[accept]]\ngate = \"syntax\"\nreason = \"x\"",
        "[[accept]]\ngate = \"empty-pol\"\nreason = \"x\"",
        "[[accept]]\ngate = \"empty-pool\"",
        "[[accept]]\ngate = \"empty-pool\"\nreason = \"x\"\nuntil = \"2026-12-31\"",
        "[[accept]]\ngate = \"empty-pool\"\nreason = \"x\"\nuntil = 2026-12-31T10:00:00",
    ] {
        workbench.write("workers.toml", &format!("version = 1\n{text}\n"));
        let Output { stderr, .. } = workbench.run(&["check"]).expect(1);
        let lines =
            stderr.lines().filter(|line| line.starts_with("error") || line.contains("help:"));
        lines.for_each(|line| told += &format!("{line}\n"));
    }
    let Output { stderr, .. } = workbench.run(&["check", "-D", "empty-pol"]).expect(1);
    told += stderr.lines().next().unwrap_or_default();
    insta::assert_snapshot!(told);
}
