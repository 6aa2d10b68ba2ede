//! Findings as a plan's file has them, and those that the files accept.

use crate::{
    desired::AcceptDate,
    finding::{
        ChangeOrigin, Code, Finding, FindingLocation, Level, Note, SourceLine, Sources, Subject,
    },
    model::Address,
    plan::AcceptedFinding,
};

use serde::{Deserialize, Serialize};

/// A finding as a plan's file has it.
#[derive(Serialize, Deserialize)]
pub(super) struct SavedFinding {
    code: String,
    level: Level,
    message: String,
    address: Option<Address>,
    file: Option<String>,
    line: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    help: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<ChangeOrigin>,
}

/// A finding that the files accept.
#[derive(Serialize, Deserialize)]
pub(super) struct SavedAcceptance {
    finding: SavedFinding,
    /// The objects that the notes of the finding are about, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    subjects: Vec<Option<Box<Subject>>>,
    reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<AcceptDate>,
    file: Option<String>,
    line: Option<usize>,
}

impl SavedAcceptance {
    pub(super) fn new(accepted: &AcceptedFinding, sources: &Sources) -> Self {
        let AcceptedFinding { finding, reason, until, location } = accepted;
        let line = sources.line_of(location);
        Self {
            finding: save_finding(finding, sources),
            subjects: finding.notes.iter().map(|note| note.subject.clone()).collect(),
            reason: reason.clone(),
            until: *until,
            file: line.as_ref().map(|it| it.file.clone()),
            line: line.map(|it| it.line),
        }
    }
}

impl From<SavedAcceptance> for AcceptedFinding {
    fn from(saved: SavedAcceptance) -> Self {
        let SavedAcceptance { finding, subjects, reason, until, file, line } = saved;
        let mut finding = read_finding(finding);
        for (note, subject) in finding.notes.iter_mut().zip(subjects) {
            note.subject = subject;
        }
        Self { finding, reason, until, location: at_from_line(file, line) }
    }
}

pub(super) fn save_finding(finding: &Finding, sources: &Sources) -> SavedFinding {
    let Finding {
        code,
        level,
        message,
        location: at,
        address,
        label,
        other,
        notes,
        help,
        origin,
        count: _,
        is_fixed: _,
    } = finding.clone();
    let mut notes: Vec<String> = notes.iter().map(ToString::to_string).collect();
    // A saved plan has one place for a finding.
    let place = other.as_ref().and_then(|other| sources.start_line(&other.span));
    notes.extend(other.zip(place).map(|(other, place)| {
        let SourceLine { file, line } = place;
        format!("{file}:{line}: {}", other.label)
    }));
    let address = address.map(|it| *it);
    let line = sources.line_of(&at);
    SavedFinding {
        code: code.as_str().to_owned(),
        level,
        message,
        address,
        file: line.as_ref().map(|it| it.file.clone()),
        line: line.map(|it| it.line),
        label,
        notes,
        help,
        origin,
    }
}

pub(super) fn read_finding(saved: SavedFinding) -> Finding {
    let SavedFinding { code, level, mut message, address, file, line, label, notes, help, origin } =
        saved;
    let address = address.map(Box::new);
    let known = Code::from_word(&code);
    if known.is_none() {
        message = format!("{message} (`{code}`)");
    }
    Finding {
        code: known.unwrap_or(Code::UnknownCode),
        level,
        message,
        location: at_from_line(file, line),
        address,
        label,
        other: None,
        notes: notes.into_iter().map(Note::from).collect(),
        count: None,
        help,
        origin,
        is_fixed: false,
    }
}

/// Returns the location of a saved line.
pub(super) fn at_from_line(file: Option<String>, line: Option<usize>) -> FindingLocation {
    match (file, line) {
        (Some(file), Some(line)) => FindingLocation::Line(SourceLine { file, line }),
        _ => FindingLocation::Nowhere,
    }
}
