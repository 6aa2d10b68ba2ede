//! A large space: how often the server is asked, what is written, and the way there and back.

use crate::{chapter::differences, workbench::Workbench};
use octopus_sandbox::Seed;
use std::collections::BTreeSet;

/// A space where half of the steps are in pools, and a file with one rule for all steps.
fn workbench(projects: usize, pool: &str) -> Workbench {
    let workbench = Workbench::unwatched(Seed::Large { projects, steps: 10, workers: 500 });
    workbench.write("workers.toml", &rule(pool));
    workbench
}

fn rule(pool: &str) -> String {
    format!("version = 1\n[[placements]]\nprocess = \"any\"\npool = \"{pool}\"\n")
}

#[test]
fn ten_thousand_steps_are_planned_with_a_few_requests() {
    let workbench = workbench(1000, "General");
    let planned = workbench.run(&["plan", "--exit-code"]).expect(2);
    let requests = workbench.bench.sandbox.recent_requests();
    assert!(requests.len() <= 60, "{}: {requests:#?}", requests.len());
    assert_eq!(planned.stdout.lines().last(), Some("Plan: 6500 to update"));
    assert_eq!(workbench.writes(), [""; 0]);
}

#[test]
fn one_rule_writes_each_process_once_and_rolls_back_without_a_trace() {
    let workbench = workbench(60, "General");
    workbench.apply();
    let writes = workbench.writes();
    assert!(writes.iter().all(|it| it.starts_with("PUT ")), "{writes:#?}");
    assert_eq!(writes.iter().collect::<BTreeSet<_>>().len(), 60);
    assert_eq!(writes.len(), 60);
    workbench.settled();

    let before = workbench.processes();
    workbench.write("workers.toml", &rule("Azure"));
    workbench.apply();
    workbench.settled();
    let away = workbench.processes();
    assert!(before.iter().zip(&away).all(|((_, before), (_, away))| before != away));

    workbench.write("workers.toml", &rule("General"));
    workbench.apply();
    workbench.settled();
    for ((path, before), after) in before.iter().zip(workbench.processes().values()) {
        assert_eq!(differences(before, after), [""; 0], "{path}");
    }
    assert_eq!(workbench.writes().len(), 3 * 60);
}
