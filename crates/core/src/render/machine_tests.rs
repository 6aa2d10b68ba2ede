//! What the formats for other programs have in common: whatever a name is, they stay what they are.

use super::{
    FindingsFormat, FindingsReport, ReceiptFormat, RenderFormat, RenderOptions, format_findings,
    format_plan, format_receipt,
};
use crate::{
    finding::{Code, Finding, Level, Source, SourceId, Sources, Span},
    model::Address,
    plan::{AcceptedFinding, Plan, sample},
    receipt::{ChangeOutcome, Receipt},
    text::escape::is_unsafe,
};

use jsonschema::Validator;
use proptest::prelude::*;
use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};
use serde_json::Value;
use std::{collections::HashSet, sync::LazyLock};

const OPTIONS: RenderOptions = RenderOptions { colour: false, verbosity: 0 };

/// The elements that JUnit XML may have, with what may be in each, and its attributes.
///
/// # Source
///
/// `junit-10.xsd` of the xUnit plugin for Jenkins. `*` marks what is required.
const JUNIT: &[(&str, &[&str], &[&str])] = &[
    ("testsuites", &["testsuite"], &["name", "time", "tests", "failures", "errors"]),
    (
        "testsuite",
        &["testcase", "properties", "system-out", "system-err"],
        &["name*", "tests*", "failures*", "errors*", "skipped", "time", "timestamp", "file"],
    ),
    (
        "testcase",
        &["failure", "error", "skipped", "system-out", "system-err"],
        &["name*", "classname", "time"],
    ),
    ("failure", &[], &["type", "message"]),
    ("error", &[], &["type", "message"]),
    ("skipped", &[], &["type", "message"]),
];

static SARIF: LazyLock<Validator> = LazyLock::new(|| {
    parse_schema(include_str!("../../../../tests/schemas/sarif-2.1.0.schema.json"))
});

static FINDINGS: LazyLock<Validator> =
    LazyLock::new(|| parse_schema(include_str!("../../../../schema/findings.schema.json")));

/// "Code Quality report format" of GitLab's documentation, as a schema.
static CODE_QUALITY: LazyLock<Validator> = LazyLock::new(|| {
    parse_schema(
        r#"{ "type": "array", "items": {
            "type": "object",
            "required": ["description", "check_name", "fingerprint", "severity", "location"],
            "additionalProperties": false,
            "properties": {
                "description": { "type": "string" },
                "check_name": { "type": "string", "minLength": 1 },
                "fingerprint": { "type": "string", "minLength": 1 },
                "severity": { "enum": ["info", "minor", "major", "critical", "blocker"] },
                "location": {
                    "type": "object", "required": ["path", "lines"], "additionalProperties": false,
                    "properties": {
                        "path": { "type": "string" },
                        "lines": {
                            "type": "object", "required": ["begin"], "additionalProperties": false,
                            "properties": { "begin": { "type": "integer", "minimum": 1 } }
                        }
                    }
                }
            }
        } }"#,
    )
});

fn parse_schema(text: &str) -> Validator {
    // The pattern of a language in the schema of SARIF is not a regular expression: it has a stray `]`.
    let text = text.replace("-[a-zA-Z]{2}]?$", "(-[a-zA-Z]{2})?$");
    let schema = serde_json::from_str(&text).unwrap();
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
}

fn assert_valid(schema: &Validator, text: &str) {
    let value: Value = serde_json::from_str(text).unwrap();
    let errors: Vec<String> =
        schema.iter_errors(&value).map(|it| format!("{}: {it}", it.instance_path())).collect();
    assert_eq!(errors, [""; 0], "{text}");
}

/// Reads JUnit XML and checks every element against [`JUNIT`]. Returns how many cases there are.
fn check_junit(text: &str) -> usize {
    assert!(text.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"), "{text}");
    let mut reader = Reader::from_str(text);
    let mut open: Vec<String> = Vec::new();
    let mut cases = 0;
    loop {
        let event = reader.read_event().unwrap();
        match &event {
            Event::Eof => break,
            Event::End(_) => _ = open.pop(),
            Event::Start(start) => {
                open.push(check_element(start, open.last().map(String::as_str)));
                cases += usize::from(open.last().is_some_and(|name| name == "testcase"));
            }
            Event::Empty(start) => {
                let name = check_element(start, open.last().map(String::as_str));
                cases += usize::from(name == "testcase");
            }
            _ => {}
        }
    }
    assert_eq!(open, [""; 0]);
    cases
}

/// Checks an element's place and attributes. Returns its name.
fn check_element(start: &BytesStart, parent: Option<&str>) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let name = text(start.name().as_ref());
    let entry = |name: &str| JUNIT.iter().find(|(element, ..)| *element == name).unwrap();
    let is_allowed =
        parent.map_or(name == "testsuites", |parent| entry(parent).1.contains(&&*name));
    assert!(is_allowed, "{name} in {parent:?}");
    let given: Vec<String> =
        start.attributes().map(|attribute| text(attribute.unwrap().key.as_ref())).collect();
    let known = entry(&name).2;
    for attribute in &given {
        assert!(known.iter().any(|it| it.trim_end_matches('*') == attribute), "{attribute}");
    }
    for required in known.iter().filter_map(|it| it.strip_suffix('*')) {
        assert!(given.iter().any(|it| it == required), "{name} without {required}");
    }
    name
}

fn is_clean(text: &str) -> bool {
    !text.contains(|c: char| is_unsafe(c) && c != '\n')
}

/// A plan with findings of every level about something of this name.
fn plan_about(name: &str) -> Plan {
    let step = Address::Step {
        project: name.to_owned(),
        branch: Some(name.to_owned()),
        process: crate::model::ProcessName::Runbook(name.to_owned()),
        step: name.to_owned(),
    };
    let span = Span { source: SourceId(0), bytes: 2..6 };
    let findings = vec![
        Finding::new(Code::EmptyPool, Level::Deny, span_location(&span), format!("`{name}`"))
            .with_address(step)
            .with_label(name)
            .with_help(name),
        Finding::warning(Code::IdleRule, span.clone(), name).with_other_place(span, name),
        Finding::unplaced_warning(Code::DerivedSlug, name).with_notes(vec![name.to_owned()]),
    ];
    let mut plan = sample::plan(sample::everything().changes, findings);
    plan.header.files = vec![name.to_owned()];
    plan.header.url = name.to_owned();
    plan
}

fn span_location(span: &Span) -> crate::finding::FindingLocation {
    crate::finding::FindingLocation::Source(span.clone())
}

fn receipt_about(name: &str) -> Receipt {
    let plan = plan_about(name);
    let mut receipt =
        Receipt::start_recording(&plan.header, &plan.changes, "poolwright 0".into(), name.into());
    let outcomes = [ChangeOutcome::Failed, ChangeOutcome::Unknown, ChangeOutcome::Done];
    for (entry, outcome) in receipt.entries.iter_mut().zip(outcomes.into_iter().cycle()) {
        entry.outcome = outcome;
        entry.error = Some(name.to_owned());
        entry.started = Some("2026-11-28T10:00:00Z".into());
        entry.ended = Some("2026-11-28T10:00:01.25Z".into());
    }
    receipt.end_recording(name.into());
    receipt
}

#[test]
fn the_findings_of_a_plan_as_sarif() {
    let text = format_plan(&sample::everything(), &sample::sources(), RenderFormat::Sarif, OPTIONS);
    assert_valid(&SARIF, &text);
    insta::assert_snapshot!(text);
}

#[test]
fn the_gates_and_findings_of_a_plan_as_junit() {
    let text = format_plan(&sample::everything(), &sample::sources(), RenderFormat::Junit, OPTIONS);
    check_junit(&text);
    insta::assert_snapshot!(text);
}

#[test]
fn the_findings_of_a_plan_as_code_quality() {
    let text =
        format_plan(&sample::everything(), &sample::sources(), RenderFormat::CodeQuality, OPTIONS);
    assert_valid(&CODE_QUALITY, &text);
    insta::assert_snapshot!(text);
}

#[test]
fn the_changes_of_an_apply_as_junit() {
    let text = format_receipt(&receipt_about("Web Store"), ReceiptFormat::Junit);
    check_junit(&text);
    insta::assert_snapshot!(text);
}

#[test]
fn a_second_place_is_a_related_location() {
    let sources = sample::sources();
    let finding = Finding::warning(Code::ShadowedRule, sample::at("\"*database*\""), "never used")
        .with_other_place(sample::at("[pools.azure]"), "this comes first");
    let text = format_findings(
        &FindingsReport::for_files(&[finding], &sources),
        FindingsFormat::Sarif,
        OPTIONS,
    );
    let log: Value = serde_json::from_str(&text).unwrap();
    let result = &log["runs"][0]["results"][0];
    let region = |place: &Value| place["physicalLocation"]["region"].to_string();
    assert_eq!(
        region(&result["locations"][0]),
        r#"{"startLine":16,"startColumn":8,"endLine":16,"endColumn":20}"#
    );
    assert_eq!(
        region(&result["relatedLocations"][0]),
        r#"{"startLine":7,"startColumn":1,"endLine":7,"endColumn":14}"#
    );
    assert_eq!(result["relatedLocations"][0]["message"]["text"], "this comes first");
}

#[test]
fn the_findings_of_files_as_json() {
    let sources = sample::sources();
    let findings = sample::everything().findings;
    let text = format_findings(
        &FindingsReport::for_files(&findings, &sources),
        FindingsFormat::Json,
        OPTIONS,
    );
    assert_valid(&FINDINGS, &text);
    insta::assert_snapshot!(text);
}

#[test]
fn files_without_findings_are_cases_that_pass() {
    let sources = Sources(vec![Source::new("a.toml", ""), Source::new("b.toml", "")]);
    let report = FindingsReport::for_files(&[], &sources);
    let text = format_findings(&report, FindingsFormat::Junit, OPTIONS);
    assert_eq!(check_junit(&text), 2);
    assert!(!text.contains("failure "), "{text}");
    for (format, schema) in [
        (FindingsFormat::Sarif, &*SARIF),
        (FindingsFormat::CodeQuality, &*CODE_QUALITY),
        (FindingsFormat::Json, &*FINDINGS),
    ] {
        assert_valid(schema, &format_findings(&report, format, OPTIONS));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_name_breaks_a_format(
        name in "(]]>|<!--|&#0;|\"|'|\\[a\\]\\(b\\)|##vso\\[|\n::error::|\u{0}|\u{1b}|\u{fffe}|\u{ffff}|\u{202e}|\\.\\./|.){0,12}"
    ) {
        let plan = plan_about(&name);
        let sources = Sources(vec![Source::new(&*name, "a = 1\nb = 2\n")]);
        let formats = [RenderFormat::Sarif, RenderFormat::Junit, RenderFormat::CodeQuality];
        let [sarif, junit, quality] = formats.map(|it| format_plan(&plan, &sources, it, OPTIONS));
        let report = FindingsReport::for_files(&plan.findings, &sources);
        let json = format_findings(&report, FindingsFormat::Json, OPTIONS);
        let suites = format_findings(&report, FindingsFormat::Junit, OPTIONS);
        let done = format_receipt(&receipt_about(&name), ReceiptFormat::Junit);
        assert_valid(&SARIF, &sarif);
        assert_valid(&FINDINGS, &json);
        let violations: Vec<Value> = serde_json::from_str(&quality).unwrap();
        let prints: HashSet<_> =
            violations.iter().map(|it| it["fingerprint"].to_string()).collect();
        prop_assert_eq!(prints.len(), 3);
        for text in [&junit, &suites, &done] {
            check_junit(text);
        }
        for text in [sarif, junit, quality, json, suites, done] {
            prop_assert!(is_clean(&text), "{:?}", text);
        }
    }
}

#[test]
fn accepted_findings_are_suppressed_or_skipped_with_their_reason() {
    let mut plan = sample::everything();
    let finding = plan.findings.remove(0);
    plan.accepted.push(AcceptedFinding {
        location: finding.location.clone(),
        finding,
        reason: "OPS-1: the workers come on Monday".to_owned(),
        until: None,
    });
    let sarif = format_plan(&plan, &sample::sources(), RenderFormat::Sarif, OPTIONS);
    assert_valid(&SARIF, &sarif);
    let sarif: Value = serde_json::from_str(&sarif).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let suppressed: Vec<_> = results.iter().filter(|it| it.get("suppressions").is_some()).collect();
    assert_eq!(suppressed.len(), 1);
    assert_eq!(
        suppressed[0]["suppressions"][0]["justification"],
        "accepted OPS-1: the workers come on Monday"
    );
    let junit = format_plan(&plan, &sample::sources(), RenderFormat::Junit, OPTIONS);
    check_junit(&junit);
    assert!(junit.contains("<testsuite name=\"accepted\" tests=\"1\""), "{junit}");
    assert!(
        junit.contains("<skipped") && junit.contains("OPS-1: the workers come on Monday"),
        "{junit}"
    );
}
