//! Gates, findings and changes as JUnit XML, for the test tab of a CI system.
//!
//! Written with `quick-xml` rather than `quick-junit`, which would bring a second library for times and drop the
//! characters that are shown escaped everywhere else.
//!
//! # Source
//!
//! `junit-10.xsd` of the xUnit plugin for Jenkins, which the other systems read too.

use super::{
    TOOL_NAME,
    file_uri::plain_path,
    findings_report::{
        FileRegion, FindingsReport, PlacedFinding, acceptance_line, detail_lines, message_line,
    },
};
use crate::{
    finding::{Code, Finding, Level, Sources},
    plan::{GateLevel, Plan},
    receipt::{ChangeOutcome, Receipt, ReceiptEntry},
    text::{
        escape::{Escaped, Syntax, escape_output},
        pluralize,
    },
};

use jiff::Timestamp;
use quick_xml::{
    Writer,
    events::{BytesDecl, BytesText, Event},
};
use std::io;

/// A suite of cases.
struct JunitSuite {
    name: String,
    /// When it began, if that is known.
    timestamp: Option<String>,
    cases: Vec<JunitCase>,
}

/// A case, which a CI system recognizes in the next run by its class and name.
struct JunitCase {
    class: String,
    name: String,
    /// How long it took, in seconds, if that is known.
    seconds: Option<f64>,
    /// What came of it; `None` if it passed.
    outcome: Option<CaseOutcome>,
}

/// What came of a case that did not pass.
struct CaseOutcome {
    kind: OutcomeKind,
    /// A word for it.
    word: String,
    message: String,
    details: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum OutcomeKind {
    Failure,
    Error,
    Skipped,
}

/// Returns the gates and the other findings of a plan as cases.
pub(super) fn render_plan(plan: &Plan, sources: &Sources) -> String {
    let report = FindingsReport::for_plan(plan, sources);
    let placed = report.place_findings();
    let is_about_gate = |code: Code| plan.gates.gate_levels().any(|(gate, _)| gate == code);
    let gates = plan.gates.gate_levels().map(|(code, level)| gate_case(code, level, &placed));
    let others = placed.iter().filter(|it| !is_about_gate(it.finding.code)).map(finding_case);
    let mut suites = vec![
        JunitSuite::new("gates", gates.collect()),
        JunitSuite::new("findings", others.collect()),
    ];
    let all = report.place_all();
    let accepted: Vec<JunitCase> = all.iter().filter_map(accepted_case).collect();
    if !accepted.is_empty() {
        suites.push(JunitSuite::new("accepted", accepted));
    }
    let name = if plan.drift.is_some() { "drift" } else { "plan" };
    render_suites(name, &suites)
}

/// Returns the findings of files as cases, with a suite for each file.
pub(super) fn render_findings(report: &FindingsReport) -> String {
    let placed = report.place_findings();
    let mut files = report.files.clone();
    files.extend(placed.iter().map(|it| it.file).filter(|file| !report.files.contains(file)));
    files.dedup();
    let suite = |file: &&str| {
        let mut cases: Vec<JunitCase> =
            placed.iter().filter(|it| it.file == *file).map(finding_case).collect();
        if cases.is_empty() {
            cases.push(JunitCase::passed("check", "no problems found"));
        }
        JunitSuite::new(&plain_path(file), cases)
    };
    let suites: Vec<JunitSuite> = files.iter().map(suite).collect();
    render_suites("check", &suites)
}

/// Returns the changes of an apply as cases.
pub(super) fn render_receipt(receipt: &Receipt) -> String {
    let mut cases: Vec<JunitCase> = receipt.entries.iter().map(change_case).collect();
    if cases.is_empty() {
        cases.push(JunitCase::passed("changes", "no changes"));
    }
    let suite = JunitSuite {
        timestamp: Some(receipt.started.clone()),
        ..JunitSuite::new("changes", cases)
    };
    render_suites("apply", &[suite])
}

/// A gate fails with the findings that refuse the plan, and is skipped where the files lower it.
fn gate_case(code: Code, level: GateLevel, placed: &[PlacedFinding]) -> JunitCase {
    let own: Vec<_> = placed.iter().filter(|it| it.finding.code == code).collect();
    let refusals = own.iter().filter(|it| it.finding.level != Level::Warn);
    let refusals: Vec<_> = refusals.copied().collect();
    let shown = if refusals.is_empty() { own } else { refusals };
    let outcome = match shown.as_slice() {
        [] if level == GateLevel::Allow => Some(CaseOutcome {
            kind: OutcomeKind::Skipped,
            word: "allow".to_owned(),
            message: "the files allow it".to_owned(),
            details: Vec::new(),
        }),
        [] => None,
        [one] => Some(finding_outcome(one)),
        // One element for all of them: most systems read only the first.
        [first, ..] => {
            let all = shown.iter().flat_map(|it| {
                let outcome = finding_outcome(it);
                [outcome.message].into_iter().chain(outcome.details)
            });
            Some(CaseOutcome {
                message: pluralize(shown.len(), "finding"),
                details: all.collect(),
                ..finding_outcome(first)
            })
        }
    };
    JunitCase { outcome, ..JunitCase::passed("gates", code.as_str()) }
}

fn finding_case(placed: &PlacedFinding) -> JunitCase {
    let finding = placed.finding;
    let subject = finding.address.as_ref().map(|address| format!("{address}: "));
    let name = format!("{}{}", subject.unwrap_or_default(), message_line(finding));
    JunitCase {
        outcome: Some(finding_outcome(placed)),
        ..JunitCase::passed(finding.code.as_str(), &name)
    }
}

/// What the files accept is a case that is skipped, for the reason that they give.
fn accepted_case(placed: &PlacedFinding) -> Option<JunitCase> {
    let reason = acceptance_line(placed.accepted?);
    let case = finding_case(placed);
    let outcome = CaseOutcome {
        kind: OutcomeKind::Skipped,
        word: "accepted".to_owned(),
        message: reason,
        details: vec![message_line(placed.finding)],
    };
    Some(JunitCase { outcome: Some(outcome), ..case })
}

/// A warning is a case that is skipped: it is shown, and nothing fails for it.
fn finding_outcome(placed: &PlacedFinding) -> CaseOutcome {
    let finding: &Finding = placed.finding;
    let place = match placed.region {
        FileRegion::File => None,
        region => Some(format!("{}:{}", Escaped(placed.file), region.line())),
    };
    CaseOutcome {
        kind: match finding.level {
            Level::Error | Level::Deny => OutcomeKind::Failure,
            Level::Warn => OutcomeKind::Skipped,
        },
        word: finding.code.to_string(),
        message: message_line(finding),
        details: place.into_iter().chain(detail_lines(finding)).collect(),
    }
}

fn change_case(entry: &ReceiptEntry) -> JunitCase {
    let kind = match entry.outcome {
        ChangeOutcome::Done => None,
        ChangeOutcome::Failed => Some(OutcomeKind::Failure),
        ChangeOutcome::Skipped => Some(OutcomeKind::Skipped),
        ChangeOutcome::Unknown => Some(OutcomeKind::Error),
    };
    let word = entry.outcome.as_str();
    let outcome = kind.map(|kind| CaseOutcome {
        kind,
        word: word.to_owned(),
        message: entry.error.clone().unwrap_or_else(|| word.to_owned()),
        details: Vec::new(),
    });
    let name = format!("{} {}", entry.action.as_str(), entry.address);
    let seconds = change_seconds(entry);
    JunitCase { outcome, seconds, ..JunitCase::passed(entry.kind.as_str(), &name) }
}

/// Returns how long a change took, in seconds; `None` if its receipt does not say so.
fn change_seconds(entry: &ReceiptEntry) -> Option<f64> {
    let started: Timestamp = entry.started.as_ref()?.parse().ok()?;
    let ended: Timestamp = entry.ended.as_ref()?.parse().ok()?;
    let duration = ended.duration_since(started);
    (!duration.is_negative()).then(|| duration.as_secs_f64())
}

impl JunitSuite {
    fn new(name: &str, cases: Vec<JunitCase>) -> Self {
        Self { name: name.to_owned(), timestamp: None, cases }
    }

    /// Counts the cases of an outcome.
    fn count(&self, kind: OutcomeKind) -> usize {
        let is_kind =
            |case: &&JunitCase| case.outcome.as_ref().is_some_and(|outcome| outcome.kind == kind);
        self.cases.iter().filter(is_kind).count()
    }

    fn write(&self, writer: &mut Writer<Vec<u8>>) -> io::Result<()> {
        let name = Escaped(&self.name).to_string();
        let counts = [
            ("tests", self.cases.len()),
            ("failures", self.count(OutcomeKind::Failure)),
            ("errors", self.count(OutcomeKind::Error)),
            ("skipped", self.count(OutcomeKind::Skipped)),
        ];
        let mut element = writer.create_element("testsuite").with_attribute(("name", &*name));
        for (attribute, count) in counts {
            element = element.with_attribute((attribute, &*count.to_string()));
        }
        if let Some(timestamp) = &self.timestamp {
            let timestamp = Escaped(timestamp).to_string();
            element = element.with_attribute(("timestamp", &*timestamp));
        }
        element.write_inner_content(|writer| {
            self.cases.iter().try_for_each(|case| case.write(writer))
        })?;
        Ok(())
    }
}

impl JunitCase {
    fn passed(class: &str, name: &str) -> Self {
        let class = format!("{TOOL_NAME}.{class}");
        Self { class, name: name.to_owned(), seconds: None, outcome: None }
    }

    fn write(&self, writer: &mut Writer<Vec<u8>>) -> io::Result<()> {
        let name = Escaped(&self.name).to_string();
        let mut element = writer
            .create_element("testcase")
            .with_attribute(("classname", &*self.class))
            .with_attribute(("name", &*name));
        if let Some(seconds) = self.seconds {
            element = element.with_attribute(("time", &*format!("{seconds:.3}")));
        }
        match &self.outcome {
            None => element.write_empty()?,
            Some(outcome) => element.write_inner_content(|writer| outcome.write(writer))?,
        };
        Ok(())
    }
}

impl CaseOutcome {
    fn write(&self, writer: &mut Writer<Vec<u8>>) -> io::Result<()> {
        let element = match self.kind {
            OutcomeKind::Failure => "failure",
            OutcomeKind::Error => "error",
            OutcomeKind::Skipped => "skipped",
        };
        let message = Escaped(&self.message).to_string();
        let element = writer
            .create_element(element)
            .with_attribute(("type", &*self.word))
            .with_attribute(("message", &*message));
        if self.details.is_empty() {
            element.write_empty()?;
        } else {
            element.write_text_content(BytesText::new(&self.details.join("\n")))?;
        }
        Ok(())
    }
}

/// Returns suites as a text that ends with a newline.
fn render_suites(command: &str, suites: &[JunitSuite]) -> String {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    // Writing to memory cannot fail.
    _ = write_suites(&mut writer, command, suites);
    let text = String::from_utf8_lossy(&writer.into_inner()).into_owned();
    format!("{}\n", escape_output(&text, Syntax::Xml))
}

fn write_suites(
    writer: &mut Writer<Vec<u8>>,
    command: &str,
    suites: &[JunitSuite],
) -> io::Result<()> {
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let sum = |count: &dyn Fn(&JunitSuite) -> usize| suites.iter().map(count).sum::<usize>();
    let counts = [
        ("tests", sum(&|suite| suite.cases.len())),
        ("failures", sum(&|suite| suite.count(OutcomeKind::Failure))),
        ("errors", sum(&|suite| suite.count(OutcomeKind::Error))),
    ];
    let name = format!("{TOOL_NAME} {command}");
    let mut element = writer.create_element("testsuites").with_attribute(("name", &*name));
    for (attribute, count) in counts {
        element = element.with_attribute((attribute, &*count.to_string()));
    }
    element.write_inner_content(|writer| suites.iter().try_for_each(|it| it.write(writer)))?;
    Ok(())
}
