//! The three commits of the chapter, one after the other, as its reader makes them.

use crate::workbench::Workbench;
use octopus_sandbox::Seed;
use similar::{ChangeTag, TextDiff};
use std::{fmt::Write as _, fs};

const COMMITS: [&str; 3] = ["1-pools", "2-workers", "3-steps"];

/// What may differ in a process of which steps have moved, each as a line of the document begins.
const OURS: [&str; 4] = [
    r#""WorkerPoolId""#,
    r#""WorkerPoolVariable""#,
    r#""Octopus.Action.RunOnServer""#,
    r#""Octopus.Action.TargetRoles""#,
];

/// A process, a field a line, every byte of it kept: each line breaks outside of texts only.
fn lines(document: &str) -> String {
    let (mut lines, mut in_text, mut escaped) = (String::new(), false, false);
    for c in document.chars() {
        if !in_text && ",}]".contains(c) {
            lines.push('\n');
        }
        lines.push(c);
        if !in_text && "{[".contains(c) {
            lines.push('\n');
        }
        match c {
            _ if escaped => escaped = false,
            '\\' if in_text => escaped = true,
            '"' => in_text = !in_text,
            _ => {}
        }
    }
    lines
}

/// The lines that differ, without what the server counts itself.
pub(crate) fn differences(before: &str, after: &str) -> Vec<String> {
    let (before, after) = (lines(before), lines(after));
    let diff = TextDiff::from_lines(&before, &after);
    let changed = diff.iter_all_changes().filter(|change| change.tag() != ChangeTag::Equal);
    changed
        .map(|changed| format!("{}{}", changed.tag(), changed.value().trim_matches([',', '\n'])))
        .filter(|text| !text[1..].starts_with("\"Version\""))
        .collect()
}

#[test]
fn three_commits_move_the_company_off_its_server_and_each_settles() {
    let workbench = Workbench::new(Seed::Chapter);
    for commit in COMMITS {
        let path = format!("examples/chapter/{commit}/workers.toml");
        workbench.write("workers.toml", &fs::read_to_string(path).unwrap());
        workbench.run(&["plan", "--exit-code"]).expect(2);
        workbench.apply();
        workbench.settled();
    }
    let pools = workbench.names("workerpools").join(", ");
    assert_eq!(
        pools,
        "Azure Worker Pool, Database Worker Pool, Default Worker Pool, Kubernetes Worker Pool"
    );
    assert_eq!(workbench.names("workers").len(), 6);
    let features = workbench.get("/api/featuresconfiguration");
    assert_eq!(features["IsBuiltInWorkerEnabled"], false);
}

#[test]
fn only_placement_fields_of_each_process_change() {
    let workbench = Workbench::new(Seed::Chapter);
    let before = workbench.processes();
    for commit in COMMITS {
        let path = format!("examples/chapter/{commit}/workers.toml");
        workbench.write("workers.toml", &fs::read_to_string(path).unwrap());
        workbench.apply();
    }
    // Pools are made side by side: whose id is the first is chance.
    let pools = ["Kubernetes", "Azure", "Database"].map(|text| format!("{text} Worker Pool"));
    let pools = pools.map(|name| (workbench.id("workerpools", &name), name));
    let named =
        |line: &str| pools.iter().fold(line.to_owned(), |it, (id, name)| it.replace(id, name));
    let mut seen = String::new();
    for ((path, before), after) in before.iter().zip(workbench.processes().values()) {
        let differences = differences(before, after);
        let ours = |line: &String| OURS.iter().any(|text| line[1..].starts_with(text));
        let foreign: Vec<_> = differences.iter().filter(|it| !ours(it)).collect();
        assert!(foreign.is_empty(), "{path}: {foreign:#?}");
        _ = writeln!(seen, "{path}");
        differences.iter().for_each(|line| _ = writeln!(seen, "  {}", named(line)));
    }
    insta::assert_snapshot!(seen);
}
