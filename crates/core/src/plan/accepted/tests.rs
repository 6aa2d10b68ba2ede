//! What is accepted, what is not, and what becomes of a finding that is accepted in part.

use crate::{
    config,
    desired::AcceptDate,
    finding::{
        Code, CountedMessage, Finding, FindingLocation, Level, Note, Source, Sources, Subject,
    },
    model::{Address, Linked, ProcessName},
    plan::{GateSettings, SettleContext, SettledFindings},
};

use proptest::prelude::*;
use std::fmt::Write as _;

const TODAY: (u16, u8, u8) = (2026, 11, 28);

fn settings(file: &str) -> GateSettings {
    let text = format!("version = 1\n{file}");
    let (desired, wrong) = config::load_desired(&Sources(vec![Source::new("w.toml", text)]));
    assert_eq!(wrong, []);
    GateSettings::from_desired(&desired)
}

fn settle(file: &str, findings: Vec<Finding>) -> SettledFindings {
    let (year, month, day) = TODAY;
    let space = Linked::new("Spaces-1", "Default");
    let context = SettleContext {
        today: AcceptDate::new(year, month, day),
        space: Some(&space),
        places: &[],
        is_whole: true,
    };
    settings(file).settle(findings, &context)
}

/// Renders what became of findings, a line each.
fn settled(file: &str, findings: Vec<Finding>) -> String {
    let mut text = String::new();
    let SettledFindings { findings, accepted } = settle(file, findings);
    let line = |finding: &Finding| {
        let notes: Vec<_> = finding.notes.iter().map(Note::as_str).collect();
        format!("{}: {} [{}]", finding.code, finding.message, notes.join(" | "))
    };
    for finding in &findings {
        _ = writeln!(text, "{:?} {}", finding.level, line(finding));
    }
    for it in &accepted {
        _ = writeln!(text, "accepted ({}) {}", it.reason, line(&it.finding));
    }
    text
}

fn step(project: &str, branch: Option<&str>, name: &str) -> Note {
    Note::from(&Address::Step {
        project: project.to_owned(),
        branch: branch.map(str::to_owned),
        process: ProcessName::Deployment,
        step: name.to_owned(),
    })
}

fn empty_pool(notes: Vec<Note>) -> Finding {
    let message = CountedMessage::steps(" would run in `pools.sql`, which has no worker");
    Finding::new(Code::EmptyPool, Level::Deny, FindingLocation::Nowhere, "")
        .with_address(Address::Pool("sql".to_owned()))
        .with_counted_notes(message, notes)
}

fn three_steps() -> Finding {
    empty_pool(vec![
        step("Web Store", None, "Migrate database"),
        step("Web Store", None, "Deploy"),
        step("Billing", Some("main"), "Deploy"),
    ])
}

const ACCEPT: &str =
    "[pools.sql]\nname = \"SQL Pool\"\n[[accept]]\ngate = \"empty-pool\"\nreason = \"why\"\n";

#[test]
fn only_the_objects_that_every_selector_matches_are_accepted() {
    let mut all = String::new();
    for selectors in [
        "",
        "project = \"web*\"",
        "project = [\"*\", \"!billing\"]",
        "project = \"Web Store\"\nstep = \"Deploy\"",
        "branch = \"main\"",
        "pool = \"sql\"",
        "pool = \"SQL pool\"\nstep = \"deploy\"",
        "pool = \"other\"",
        "worker = \"*\"",
        "space = \"default\"",
        "space = \"Spaces-1\"",
        "space = \"Shops\"",
    ] {
        _ = write!(
            all,
            "{selectors:?}\n{}\n",
            settled(&format!("{ACCEPT}{selectors}"), vec![three_steps()])
        );
    }
    insta::assert_snapshot!(all);
}

#[test]
fn a_gate_refuses_again_the_day_after_an_accept_expires() {
    for (until, refused) in [("2026-11-27", true), ("2026-11-28", false), ("2027-01-01", false)] {
        let file = format!("{ACCEPT}until = {until}\nproject = \"Billing\"");
        let SettledFindings { findings, accepted } = settle(&file, vec![three_steps()]);
        assert_eq!(accepted.is_empty(), refused, "{until}");
        let codes: Vec<Code> = findings.iter().map(|it| it.code).collect();
        let told = if refused {
            vec![Code::EmptyPool, Code::ExpiredAccept]
        } else {
            vec![Code::EmptyPool]
        };
        assert_eq!(codes, told, "{until}");
    }
}

#[test]
fn a_later_rule_may_accept_what_an_expired_one_accepted() {
    let again = "[[accept]]\ngate = \"empty-pool\"\nreason = \"again\"\n";
    let file = format!("{ACCEPT}until = 2026-11-27\n{again}");
    assert!(settled(&file, vec![three_steps()]).contains("accepted (again) empty-pool: 3 steps"));
}

#[test]
fn tolerated_objects_remain_when_the_rest_is_accepted() {
    let deletes = |limit| {
        let notes = ["a", "b", "c"].map(|name| Note::from(&Address::Pool(name.to_owned())));
        let message = CountedMessage::steps(" would go").tolerate(limit);
        let finding = Finding::new(Code::TooManyDeletes, Level::Deny, FindingLocation::Nowhere, "");
        finding.with_counted_notes(message, notes.to_vec())
    };
    let file = "[[accept]]\ngate = \"too-many-deletes\"\npool = \"a\"\nreason = \"why\"\n";
    assert!(!settled(file, vec![deletes(2)]).contains("Deny"));
    assert!(settled(file, vec![deletes(1)]).contains("Deny too-many-deletes: 2 steps would go"));
}

#[test]
fn fixed_findings_and_errors_cannot_be_accepted() {
    let fixed = Finding { is_fixed: true, ..three_steps() };
    let error = Finding { level: Level::Error, ..three_steps() };
    for finding in [fixed, error] {
        let settled = settle(ACCEPT, vec![finding.clone()]);
        assert_eq!(settled.findings[0], finding);
        assert_eq!(settled.findings[1].code, Code::UnusedAccept);
    }
}

#[test]
fn a_finding_without_a_count_is_accepted_entirely_or_not_at_all() {
    let finding = Finding { count: None, ..three_steps() };
    let some = settled(&format!("{ACCEPT}project = \"Billing\""), vec![finding.clone()]);
    assert!(some.starts_with("Deny empty-pool: 3 steps"), "{some}");
    assert!(some.contains("unused-accept"), "{some}");
    let all = settled(ACCEPT, vec![finding]);
    assert!(all.starts_with("accepted (why) empty-pool: 3 steps"), "{all}");
}

#[test]
fn a_step_moved_by_several_workers_must_be_accepted_for_all_of_them() {
    let workers = vec!["w-1".to_owned(), "w-2".to_owned()];
    let note = Note::about("a step", Subject { workers, ..Subject::default() });
    let finding = empty_pool(vec![note]);
    let accept =
        |worker: &str| settled(&format!("{ACCEPT}worker = {worker}"), vec![finding.clone()]);
    assert!(accept("\"w-1\"").starts_with("Deny"));
    assert!(accept("[\"w-1\", \"w-2\"]").starts_with("accepted"));
}

#[test]
fn each_finding_gets_the_level_that_the_file_sets() {
    let of = |code, level| Finding::new(code, level, FindingLocation::Nowhere, "x");
    let all = || {
        vec![
            of(Code::EmptyPool, Level::Deny),
            of(Code::EmptyPool, Level::Warn),
            of(Code::IdleRule, Level::Warn),
            of(Code::UnknownStep, Level::Error),
            of(Code::ProtectedBranch, Level::Deny),
            of(Code::ProtectedBranch, Level::Warn),
        ]
    };
    let mut text = String::new();
    for level in ["deny", "warn", "allow"] {
        let file = ["empty-pool", "idle-rule", "unknown-step", "protected-branch"]
            .map(|code| format!("{code} = \"{level}\"\n"));
        let levels = settled(&format!("[gates]\n{}", file.concat()), all());
        _ = write!(text, "{level}\n{levels}\n");
    }
    insta::assert_snapshot!(text, @"
    deny
    Deny empty-pool: x []
    Warn empty-pool: x []
    Deny idle-rule: x []
    Error unknown-step: x []
    Deny protected-branch: x []
    Deny protected-branch: x []

    warn
    Warn empty-pool: x []
    Warn empty-pool: x []
    Warn idle-rule: x []
    Error unknown-step: x []
    Deny protected-branch: x []
    Warn protected-branch: x []

    allow
    Error unknown-step: x []
    Deny protected-branch: x []
    ");
}

fn any_name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "ab", "A b", "[x]*"]).prop_map(str::to_owned)
}

fn any_note() -> impl Strategy<Value = Note> {
    let branch = prop::option::of(any_name());
    (any_name(), branch, any_name())
        .prop_map(|(project, branch, name)| step(&project, branch.as_deref(), &name))
}

fn any_selector(key: &'static str) -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec!["a", "*", "a*", "!a", "?", "A B", "zz"]);
    let list = prop::collection::vec(words, 0..3);
    list.prop_map(
        move |words| {
            if words.is_empty() { String::new() } else { format!("{key} = {words:?}\n") }
        },
    )
}

proptest! {
    /// No object is lost or reported twice, the counts are right, and settling again changes nothing.
    #[test]
    fn each_object_is_either_refused_or_accepted(
        notes in prop::collection::vec(any_note(), 1..6),
        rules in prop::collection::vec((any_selector("project"), any_selector("step"), any_selector("branch")), 0..4),
    ) {
        let rules = rules.iter().map(|(a, b, c)| {
            format!("[[accept]]\ngate = \"empty-pool\"\nreason = \"why\"\n{a}{b}{c}")
        });
        let file: String = rules.collect();
        let before = empty_pool(notes.clone());
        let SettledFindings { findings, accepted } = settle(&file, vec![before]);
        let refused = findings.iter().filter(|it| it.code == Code::EmptyPool);
        let parts: Vec<&Finding> = refused.chain(accepted.iter().map(|it| &it.finding)).collect();
        let mut told: Vec<&str> = parts.iter().flat_map(|it| &it.notes).map(Note::as_str).collect();
        let mut given: Vec<&str> = notes.iter().map(Note::as_str).collect();
        told.sort_unstable();
        given.sort_unstable();
        prop_assert_eq!(told, given);
        for part in &parts {
            let number = part.notes.len();
            let words = if number == 1 { "1 step ".to_owned() } else { format!("{number} steps ") };
            prop_assert!(part.message.starts_with(&words), "{}", part.message);
        }
        let all = findings.iter().cloned().chain(accepted.iter().map(|it| it.finding.clone()));
        let again = settle(&file, all.collect());
        prop_assert_eq!(again.accepted, accepted);
        prop_assert_eq!(again.findings, findings);
    }
}
