//! What a reviewer sees, and that it fits.

use super::*;
use crate::{
    diff::compare_with_base,
    finding::{Code, Finding, FindingLocation, Level},
    model::{Address, Place, ProcessName},
    plan::{AcceptedFinding, BaseComparison, Consequences, ExecutionPlace, MovedStep, sample},
    receipt::Receipt,
};

use proptest::prelude::*;
use serde_json::json;

fn render(plan: &Plan, max_bytes: usize) -> String {
    let options = MarkdownOptions { max_bytes, saved_as: Some("plan.json") };
    render_markdown(plan, &sample::sources(), options)
}

#[test]
fn a_plan_with_a_change_of_every_kind() {
    insta::assert_snapshot!(render(&sample::everything(), DEFAULT_MAX_BYTES));
}

#[test]
fn the_comparison_precedes_the_changes_and_undone_ones_follow() {
    let moved = |step| sample::placement("Web Store", step, Place::DefaultPool);
    let base = sample::plan(vec![moved("Seed"), moved("Gone")], Vec::new());
    let described = BaseComparison { base: "origin/@main".into(), ..BaseComparison::default() };
    let mut plan = compare_with_base(sample::everything(), Some(&base), described.clone());
    plan.changes[1].cause.instead_of =
        plan.comparison.as_ref().map(|it| Box::new(it.undone[0].clone()));
    let again = compare_with_base(sample::everything(), Some(&plan), described);
    let shown = render(&plan, DEFAULT_MAX_BYTES);
    let place = |text: &str| shown.find(text).unwrap();
    assert!(place("**Compared with** `origin/@main`: brought: ") < place("### Look at this first"));
    assert!(
        place("pending until now: update `pool default → pools.database`") > place("### Changes")
    );
    assert!(place("### Undone: ") > place("### Changes"));
    assert!(!shown.contains("already pending"));
    let shown = render(&again, DEFAULT_MAX_BYTES);
    for text in [
        "**Pools, already pending**",
        "is deleted (already pending)",
        "Notify`: `pools.azure` → the Octopus Server (already pending)",
    ] {
        assert!(shown.contains(text), "{text}: {shown}");
    }
}

#[test]
fn a_plan_without_changes() {
    insta::assert_snapshot!(render(&sample::plan(Vec::new(), Vec::new()), DEFAULT_MAX_BYTES), @"
    ## No changes: the server matches the files

    `workers.toml` on `https://octopus.acme.example` (Octopus 2026.2.9314), space `Default`; plan `4daba594ede9`

    <!-- poolwright plan https://octopus.acme.example Spaces%2D1 -->
    ");
}

fn step_address(project: usize, step: usize) -> Address {
    Address::Step {
        project: format!("Project {project:04}"),
        branch: None,
        process: ProcessName::Deployment,
        step: format!("Step {step}"),
    }
}

fn moved(project: usize, step: usize, after: ExecutionPlace) -> MovedStep {
    let before = vec![ExecutionPlace::Pool(Address::Pool("azure".into()))];
    let after = vec![after];
    MovedStep { address: step_address(project, step), before, after, origin: None }
}

fn placements(projects: usize, steps: usize) -> Vec<crate::plan::Change> {
    let pairs = (0..projects).flat_map(|project| (0..steps).map(move |step| (project, step)));
    let place = |(project, step)| {
        sample::placement(
            &format!("Project {project:04}"),
            &format!("Step {step}"),
            Place::DefaultPool,
        )
    };
    pairs.map(place).collect()
}

/// The one step that comes to run on the server stands above the 400 that move as the rule says.
#[test]
fn one_danger_among_400_steps_comes_first() {
    let consequences = Consequences {
        onto_server: vec![moved(7, 3, ExecutionPlace::Server)],
        ..Consequences::default()
    };
    let plan = Plan { consequences, ..sample::plan(placements(40, 10), Vec::new()) };
    let text = render(&plan, DEFAULT_MAX_BYTES);
    let first: Vec<&str> = text.lines().take(12).collect();
    insta::assert_snapshot!(first.join("\n"), @"
    ## ⚠ 400 steps move

    `workers.toml` on `https://octopus.acme.example` (Octopus 2026.2.9314), space `Default`; plan `0f7918f5c43d`

    ### Look at this first

    **Steps that will run on the Octopus Server: 1**

    - `Project 0007 / Step 3`: `pools.azure` → the Octopus Server

    ### Changes
    ");
    assert!(text.contains("`Project 0007 / Step 3`") && !text.contains("left out"));
}

#[test]
fn ten_thousand_steps_fit_and_every_danger_is_shown() {
    let projects = 1_000;
    let onto_server =
        (0..projects).map(|project| moved(project, 1, ExecutionPlace::Server)).collect();
    let mut affected: Vec<_> = (0..10_000)
        .map(|step| {
            moved(step / 10, step % 10, ExecutionPlace::Pool(Address::Pool("database".into())))
        })
        .collect();
    affected.push(moved(123, 45, ExecutionPlace::Nowhere));
    let denied = |code, message| Finding::new(code, Level::Deny, FindingLocation::Nowhere, message);
    let findings = vec![denied(Code::EmptyPool, "the pool `sql` would be empty")];
    let consequences = Consequences { onto_server, affected, ..Consequences::default() };
    let plan = Plan { consequences, ..sample::plan(placements(projects, 10), findings) };
    for max_bytes in [MIN_MAX_BYTES, 10_000, DEFAULT_MAX_BYTES, 1_000_000] {
        let text = render(&plan, max_bytes);
        assert!(text.len() <= max_bytes, "{} bytes instead of {max_bytes}", text.len());
        // What is rare is named, and what is not is counted.
        for part in
            ["the pool `sql` would be empty", "`Project 0123 / Step 45`", ": 1000**", ": 10000**"]
        {
            assert!(text.contains(part), "{max_bytes}: {part}\n{}", &text[..2_000.min(text.len())]);
        }
        assert!(
            text.ends_with("<!-- poolwright plan https://octopus.acme.example Spaces%2D1 -->\n")
        );
    }
    insta::assert_snapshot!(render(&plan, MIN_MAX_BYTES));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// No name gets out of its place: every line begins with what this program begins lines with.
    #[test]
    fn no_name_can_start_a_line(name in "([ -~\\n\u{202e}é|`<@#]){0,30}") {
        let name = if name.is_empty() { "x".to_owned() } else { name };
        let step = Address::Step {
            project: name.clone(),
            branch: Some(name.clone()),
            process: ProcessName::Runbook(name.clone()),
            step: name.clone(),
        };
        let before = vec![ExecutionPlace::Pool(Address::Pool(name.clone()))];
        let affected = vec![MovedStep { address: step, before, after: vec![ExecutionPlace::Server], origin: None }];
        let finding = Finding::new(Code::EmptyPool, Level::Warn, FindingLocation::Nowhere, format!("the pool `{name}` is empty"));
        let changes = vec![sample::placement(&name, &name, Place::Variable(name.clone())), sample::placement("b", &name, Place::DefaultPool)];
        let consequences = Consequences { affected, ..Consequences::default() };
        let plan = Plan { consequences, ..sample::plan(changes, vec![finding]) };
        let text = render(&plan, DEFAULT_MAX_BYTES);
        let starts = ["## ", "### ", "**", "- ", "  - ", "| ", "`", "<details>", "</details>", "<!-- ", "_To fit", "… and", "Declared at", "Because ", "by commit"];
        for line in text.lines().filter(|line| !line.is_empty()) {
            prop_assert!(starts.iter().any(|start| line.starts_with(start)), "{line}");
            prop_assert!(!line.starts_with("| ") || line.matches('|').count() == 6, "{line}");
        }
    }
}

#[test]
fn the_findings_of_a_check_and_an_apply_that_stopped() {
    let findings: Vec<_> = sample::everything().findings;
    let text = findings_as_markdown(&findings, &sample::sources(), DEFAULT_MAX_BYTES);
    insta::assert_snapshot!(text, @"
    ## ⛔ 1 denied, 1 warning

    `workers.toml`

    ### 1 refusal

    - `empty-pool`: 2 steps wait (`workers.toml:4`)
      - one
      - two
      - help: declare a worker

    ### 1 warning

    - `unseen-steps`: the processes of `Ops` cannot be read

    <!-- poolwright check -->
    ");
    let text = findings_as_markdown(&[], &sample::sources(), DEFAULT_MAX_BYTES);
    insta::assert_snapshot!(text, @"
    ## No problems found

    `workers.toml`

    <!-- poolwright check -->
    ");
}

#[test]
fn an_apply_that_stopped_says_first_what_was_not_done() {
    let entry = |address: &str, action: &str, outcome: &str, error: Option<&str>| {
        json!({
            "address": address, "kind": "placement", "action": action, "id": null, "outcome": outcome,
            "error": error, "written": [],
        })
    };
    let step = |project: &str, step: &str| format!("projects.{project}.deployment.steps.{step}");
    let receipt = json!({
        "format_version": "1.0", "status": "partial", "tool": "poolwright 0.1.0",
        "server": { "url": "https://octopus.acme.example", "version": "2026.2.9314", "space_id": "Spaces-1", "space": "Default" },
        "config": "sha256:0f", "started": "2026-11-23T14:51:07Z", "ended": null,
        "changes": [
            entry("pools.sql", "create", "done", None),
            entry(&step("Shop", "A"), "update", "done", None),
            entry(&step("Shop", "B"), "update", "done", None),
            entry(&step("Ops", "A"), "update", "failed", Some("the server said `no | @all`")),
            entry(&step("Ops", "B"), "update", "unknown", Some("no answer")),
            entry("pools.old", "delete", "skipped", Some("`projects.Ops` failed")),
        ],
    });
    let receipt = Receipt::read(receipt.to_string()).unwrap();
    let options =
        MarkdownOptions { saved_as: Some("receipts/1.json"), ..MarkdownOptions::default() };
    insta::assert_snapshot!(receipt_as_markdown(&receipt, options), @"
    ## ⛔ Stopped: 3 of 6 changes were not made

    on `https://octopus.acme.example`, space `Default`, begun `2026-11-23T14:51:07Z`

    **Failed: 1**

    - `Ops / A`: the server said `no | @all`

    **Sent, but it is not known whether they were made: 1**

    - `Ops / B`: no answer

    **Not begun: 1**

    - `pools.old`: `projects.Ops` failed

    **Done: 3**

    - `pools.sql` created
    - `Shop`: 2 steps moved

    **To undo this:** `poolwright rollback receipts/1.json`

    <!-- poolwright apply https://octopus.acme.example Spaces%2D1 -->
    ");
}

/// A blocker that the files let pass is read as early as one that refuses.
#[test]
fn lowered_gates_and_accepted_findings_are_among_the_dangers() {
    let warned = Finding::new(
        Code::EmptyPool,
        Level::Warn,
        FindingLocation::Nowhere,
        "1 step would run in `pools.new`, which has no worker",
    );
    let accepted = AcceptedFinding {
        finding: warned.clone(),
        reason: "OPS-1".to_owned(),
        until: None,
        location: FindingLocation::Nowhere,
    };
    let stopped = vec![moved(7, 3, ExecutionPlace::Nowhere)];
    let consequences = Consequences { stopped, ..Consequences::default() };
    let plan = Plan {
        consequences,
        accepted: vec![accepted],
        ..sample::plan(placements(40, 10), vec![warned])
    };
    let text = render(&plan, DEFAULT_MAX_BYTES);
    let first: Vec<&str> = text.lines().take(15).collect();
    insta::assert_snapshot!(first.join("\n"), @"
    ## ⚠ 400 steps move

    `workers.toml` on `https://octopus.acme.example` (Octopus 2026.2.9314), space `Default`; plan `0f7918f5c43d`

    ### Look at this first

    **Steps that will run nowhere: 1**

    - `Project 0007 / Step 3`: `pools.azure` → nowhere

    **Blockers that the files let pass: 2**

    - `empty-pool`: 1 step would run in `pools.new`, which has no worker
    - `empty-pool`: 1 step would run in `pools.new`, which has no worker; accepted: `OPS-1`
    ");
}
