//! `pull --keep`: a file that is there says then what is live, and what was still so stays as it was written.

use crate::{
    spaces::{any_live, read_again},
    workbench::Workbench,
};
use octopus_sandbox::Seed;
use poolwright_core::{
    config,
    diff::{deciding_rules, plan_changes, rules_about_unread},
    finding::{Finding, Level, Source, Sources},
    live::Live,
    plan::{PlanHeader, PlanOrigin},
    pull::{FilePlan, KeepError, KeepReason, RuleCoverage, keep_text, render_config},
    scope::ReadScope,
};

use proptest::prelude::*;

pub(crate) fn judge(text: &str, live: &Live) -> Result<FilePlan, Finding> {
    let source = Source::new("workers.toml", text);
    let (desired, findings) = config::load_desired(&Sources(vec![source]));
    if let Some(error) = findings.into_iter().find(|finding| finding.level == Level::Error) {
        return Err(error);
    }
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
    let live = &read_again(live, skips);
    let plan = plan_changes(&desired, live, header);
    let decided = deciding_rules(&desired, live).into_iter();
    let decided = decided.map(|(address, rule)| (address, rule.span.bytes.start)).collect();
    let unread =
        rules_about_unread(&desired, live).into_iter().map(|rule| rule.span.bytes.start).collect();
    Ok(FilePlan { changes: plan.changes, findings: plan.findings, decided, unread, desired })
}

pub(crate) fn kept(text: &str, live: &Live) -> Result<String, KeepError> {
    keep_text(text, live, |text| judge(text, live)).map(|it| it.text)
}

/// The same; none where nobody can tell what a rule is about, since something could not be read.
pub(crate) fn kept_or_unread(text: &str, live: &Live) -> Result<Option<String>, TestCaseError> {
    match kept(text, live) {
        Ok(after) => Ok(Some(after)),
        Err(KeepError { reason: KeepReason::Unread { .. }, .. }) if !live.unread.is_empty() => {
            Ok(None)
        }
        Err(error) => Err(TestCaseError::fail(format!("{error:?}\n{text}"))),
    }
}

/// The text with a comment of its own above and behind every line that may have one.
pub(crate) fn commented(text: &str) -> String {
    let mut commented = String::new();
    let mut in_list = false;
    for (at, line) in text.lines().enumerate() {
        in_list = if in_list { !line.starts_with(']') } else { line.ends_with('[') };
        match line.is_empty() {
            true => commented.push('\n'),
            false => commented.push_str(&format!("# above {at}\n{line} # behind {at}\n")),
        }
    }
    commented
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn an_updated_file_plans_no_changes_and_keeps_every_comment(
        before in any_live(), now in any_live(),
    ) {
        let text = commented(&render_config(&before, "https://octopus.acme.example", RuleCoverage::Seen));
        let Some(after) = kept_or_unread(&text, &now)? else { return Ok(()) };
        let judged = judge(&after, &now).map_err(|it| TestCaseError::fail(it.message))?;
        prop_assert!(judged.changes.is_empty());
        let count = |text: &str| (text.matches("# above ").count(), text.matches("# behind ").count());
        prop_assert_eq!(count(&text), count(&after), "{}\n=====\n{}", text, after);
        prop_assert_eq!(kept(&after, &now).unwrap(), after);
    }

    #[test]
    fn a_file_that_matches_the_server_stays_unchanged(live in any_live()) {
        let text = commented(&render_config(&live, "https://octopus.acme.example", RuleCoverage::Seen));
        let after = kept(&text, &live).unwrap();
        prop_assert!(after == text, "{}\n=====\n{}", text, after);
    }
}

#[test]
fn a_pulled_file_of_any_seed_is_kept_unchanged() {
    for seed in [Seed::Empty, Seed::Chapter, Seed::Acme, Seed::Cloud] {
        let workbench = Workbench::new(seed);
        workbench.run(&["pull", "-o", "workers.toml"]).expect(0);
        let text = workbench.read("workers.toml");
        let output = workbench.run(&["pull", "--keep", "workers.toml"]).expect(0);
        // What could not be read is told before it.
        let last = output.stderr.lines().last().unwrap_or_default();
        assert_eq!(last, "workers.toml already matches the server; nothing was written");
        assert_eq!(workbench.read("workers.toml"), text);
    }
}

/// What differs, by lines.
pub(crate) fn changed(before: &str, after: &str) -> String {
    let diff = similar::TextDiff::from_lines(before, after);
    let lines = diff.iter_all_changes().filter(|change| change.tag() != similar::ChangeTag::Equal);
    lines.map(|line| format!("{}{line}", line.tag())).collect()
}

#[test]
fn hand_written_text_stays_and_outdated_values_are_edited() {
    let workbench = Workbench::new(Seed::Chapter);
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/chapter/3-steps/workers.toml");
    let before = std::fs::read_to_string(file).unwrap();
    for commit in ["1-pools", "2-workers", "3-steps"] {
        let file = file.replace("3-steps", commit);
        workbench.run(&["apply", "--auto-approve", "-f", &file]).expect(0);
    }
    workbench.write("workers.toml", &before);
    let writes = workbench.writes().len();

    let id = workbench.id("workers", "database-worker-02");
    workbench
        .edit(&format!("/api/Spaces-1/workers/{id}"), |value| value["IsDisabled"] = true.into());
    let id = workbench.id("workerpools", "Azure Worker Pool");
    workbench.edit(&format!("/api/Spaces-1/workerpools/{id}"), |value| {
        value["Description"] = "az and bicep".into()
    });
    let new =
        serde_json::json!({ "Name": "Java \"8\" Pool", "WorkerPoolType": "StaticWorkerPool" });
    workbench.send("POST", "/api/Spaces-1/workerpools", new);
    let writes = workbench.writes().len().max(writes);

    workbench.run(&["pull", "--keep", "workers.toml"]).expect(0);
    let after = workbench.read("workers.toml");
    insta::assert_snapshot!(changed(&before, &after));
    workbench.run(&["plan", "--exit-code"]).expect(0);
    assert_eq!(workbench.writes().len(), writes);
}

#[test]
fn missing_objects_are_removed_and_their_comments_stay() {
    let workbench = Workbench::chapter(
        r#"version = 1

# The pools.
[pools.gone] # soon
name = "Gone"
# why
description = "x"

[workers."db-[1..2]"] # two
pools = [
    "gone", # the one
]
polling = { subscription = "poll://x{n}/", thumbprint = "8A7E6157A34158EDA1B5127CB027B2A267760A4F" }

[[removed]]
worker = "never-there" # no

# All of them.
[[placements]]
process = "any"
pool = "gone"
"#,
    );
    let before = workbench.read("workers.toml").replace('\n', "\r\n");
    workbench.write("workers.toml", &before);
    let output = workbench.run(&["pull", "--keep", "workers.toml"]).expect(0);
    insta::assert_snapshot!(output.stderr, @"
      removed pool `gone`
      removed worker `db-[1..2]`
      added pool `default`
      removed part of a rule: there is no pool `gone`
      added 1 exception before a rule
    saved to workers.toml; check it with `poolwright plan`
    ");
    let after = workbench.read("workers.toml");
    assert_eq!(after.matches('\n').count(), after.matches("\r\n").count());
    insta::assert_snapshot!(after.replace('\r', ""));
    workbench.run(&["plan", "--exit-code"]).expect(0);
}

#[test]
fn keep_refuses_another_output_file_and_standard_input() {
    let workbench = Workbench::chapter("version = 1\n");
    let output = workbench.run(&["pull", "--keep", "workers.toml", "-o", "x.toml"]);
    assert_ne!(output.code, 0);
    let output = workbench.run(&["pull", "--keep", "-"]).expect(1);
    insta::assert_snapshot!(output.stderr, @"
    error: `--keep` cannot edit standard input
    help: name a file to edit: `--keep FILE`
    ");
}

#[test]
fn a_missing_name_leaves_its_list_without_widening_the_rule() {
    let rules = r#"version = 1
# Two of three.
[[placements]]
project = [
    "Gone", # was here
    "Web Store",
    "Gone too"
]
step = ["Deploy web app", "Never there"] # one
leave = true

[[placements]]
project = ["Gone", "!Web Store"]
process = "any"
leave   = true
"#;
    let workbench = Workbench::new(Seed::Chapter);
    let pulled = workbench.run(&["pull"]).expect(0).stdout;
    let (_, tables) = pulled.split_once("\nspace = \"Default\"\n").unwrap();
    let (tables, placements) = tables.split_once("\n# Where steps run").unwrap();
    let (_, placements) = placements.split_once('\n').unwrap();
    let before = format!("{rules}{tables}\n{placements}");
    workbench.write("workers.toml", &before);
    workbench.run(&["pull", "--keep", "workers.toml"]).expect(0);
    workbench.settled();
    insta::assert_snapshot!(changed(&before, &workbench.read("workers.toml")));
}
