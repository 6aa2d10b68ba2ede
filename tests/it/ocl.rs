//! Processes in a Git working tree: every construct that Octopus writes is read, and a step is placed by one
//! line.

use poolwright_core::{
    finding::{SourceId, Span},
    model::Place,
    ocl::{OclProcess, apply_edits, place_edits, read},
};

const PROCESS: &str = include_str!("../ocl/deployment_process.ocl");
const RUNBOOK: &str = include_str!("../ocl/runbook.ocl");
/// As the first servers with Git wrote it: pools by their names, aligned values, no step has a name but its label.
const EARLY: &str = include_str!("../ocl/early.ocl");

/// Each text with each kind of line end, with and without what marks it as UTF-8.
fn texts() -> Vec<String> {
    let ends = [PROCESS, RUNBOOK, EARLY]
        .into_iter()
        .flat_map(|text| [text.to_owned(), text.replace('\n', "\r\n")]);
    ends.flat_map(|end| [format!("\u{feff}{end}"), end]).collect()
}

fn document(text: &str) -> OclProcess {
    read(SourceId(0), text).unwrap()
}

#[test]
fn steps_are_read_with_their_places() {
    let read: Vec<_> = [PROCESS, RUNBOOK, EARLY]
        .map(document)
        .into_iter()
        .flat_map(|it| it.actions)
        .map(|action| format!("{} / {}: {:?}", action.step, action.action, action.place))
        .collect();
    assert_eq!(
        read,
        [
            "Create Namespace / Create Namespace: Pool(\"hosted-ubuntu\")",
            "Migrate / Database: Variable(\"Project.WorkerPool\")",
            "Migrate / From a template: DefaultPool",
            "Drain / Drain: DefaultPool",
            "Deploy the shop / Deploy the shop: Pool(\"Windows Workers\")",
            " / empty: DefaultPool",
            "Bicep / Bicep: Pool(\"windows-workers\")",
        ]
    );
}

#[test]
fn a_step_already_in_place_is_not_edited() {
    for text in texts() {
        for action in document(&text).actions {
            assert_eq!(place_edits(&text, &action, &action.place).unwrap(), []);
        }
    }
}

/// How many lines of `a` are not in `b`.
fn differ(a: &str, b: &str) -> usize {
    let b: Vec<_> = b.split('\n').collect();
    a.split('\n').filter(|it| !b.contains(it)).count()
}

/// Where both attributes are written and one is empty, a step that goes from one to the other is two lines.
fn lines(text: &str, at: &Span, wanted: &Place<String>) -> usize {
    let action = text[at.bytes.clone()].split_whitespace().collect::<Vec<_>>().join(" ");
    let both = ["worker_pool = ", "worker_pool_variable = \"\""];
    let both = both.iter().all(|it| action.contains(it));
    if both && matches!(wanted, Place::Variable(_)) { 2 } else { 1 }
}

#[test]
fn placing_a_step_edits_the_expected_lines_and_is_reversible() {
    let wanted = [
        Place::Pool("database".to_owned()),
        Place::Variable("Pool.Chosen".to_owned()),
        Place::DefaultPool,
    ];
    for text in texts() {
        for (at, action) in document(&text).actions.iter().enumerate() {
            for wanted in wanted.iter().filter(|place| **place != action.place) {
                let edited = apply_edits(&text, &place_edits(&text, action, wanted).unwrap());
                let changed = differ(&text, &edited).max(differ(&edited, &text));
                let lines = [&text, &edited].map(|it| it.split('\n').count());
                assert_eq!(
                    changed.max(lines[0].abs_diff(lines[1])),
                    self::lines(&text, &action.span, wanted),
                    "{wanted:?}\n{edited}"
                );
                let now = document(&edited);
                assert_eq!(now.actions[at].place, *wanted);
                let back = apply_edits(
                    &edited,
                    &place_edits(&edited, &now.actions[at], &action.place).unwrap(),
                );
                assert_eq!(document(&back).actions[at].place, action.place);
            }
        }
    }
}
