//! A journal is read as what its whole lines say, wherever it ends.

use super::*;
use crate::{
    model::Address,
    plan::{ChangeAction, CommonField, ObjectKind, WorkerField},
    receipt::{ApplyStatus, ChangeOutcome, FORMAT, ReceiptServer},
    text::escape::Escaped,
};

use proptest::{collection::vec, option, prelude::*, sample::Index};
use serde_json::json;

/// When every event takes place.
const TIME: &str = "2026-11-23T14:51:08.250Z";

/// The changes of the receipts below.
const CHANGES: usize = 4;

/// The receipt of an apply that begins.
fn begun() -> Receipt {
    let entry = |at: usize| ReceiptEntry {
        address: Address::Worker(format!("wörker-{at}\u{202e}")),
        kind: ObjectKind::Worker,
        action: ChangeAction::Update,
        id: at.is_multiple_of(2).then(|| format!("Workers-{at}")),
        step_id: None,
        project_id: None,
        base: None,
        outcome: ChangeOutcome::Skipped,
        error: None,
        started: None,
        ended: None,
        written: Vec::new(),
    };
    Receipt {
        format_version: FORMAT.into(),
        status: ApplyStatus::Running,
        tool: "poolwright 0.1.0".into(),
        server: ReceiptServer {
            url: "https://octopus.acme.example".into(),
            version: "2026.2.9314".into(),
            space_id: "Spaces-1".into(),
            space: "Default".into(),
        },
        config: format!("sha256:{}", "0".repeat(64)),
        origin: Default::default(),
        run: Default::default(),
        started: "2026-11-23T14:51:07Z".into(),
        ended: None,
        pools: [("WorkerPools-21".to_owned(), "Lïnux".to_owned())].into(),
        entries: (0..CHANGES).map(entry).collect(),
        unread: Vec::new(),
    }
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-zé\"\\\\\n\u{1b}\u{202e}]{0,6}", Just("no answer".to_owned())]
}

fn any_written() -> impl Strategy<Value = Vec<WrittenField>> {
    let value = option::of(prop_oneof![
        Just(json!(null)),
        Just(json!(["WorkerPools-1", "WorkerPools-2"])),
        any::<bool>().prop_map(|flag| json!(flag)),
        any_text().prop_map(|text| json!(text)),
    ]);
    let field = prop_oneof![
        Just(crate::plan::Field::from(CommonField::Name)),
        Just(crate::plan::Field::from(WorkerField::Pools)),
        Just(crate::plan::Field::from(WorkerField::Disabled)),
    ];
    let written = (field, value.clone(), value, option::of(any_text()));
    let written = written.prop_map(|(field, before, after, before_text)| WrittenField {
        before_text,
        ..WrittenField::new(field, before, after)
    });
    vec(written, 0..3)
}

fn any_event() -> impl Strategy<Value = JournalEvent> {
    let change = 0..CHANGES;
    let error = || (change.clone(), any_text());
    prop_oneof![
        (change.clone(), any_written())
            .prop_map(|(change, written)| JournalEvent::Sent { change, written }),
        (change.clone(), option::of(any_text()), option::of(any_written()))
            .prop_map(|(change, id, written)| JournalEvent::Done { change, id, written }),
        (error(), any::<bool>()).prop_map(|((change, error), partial)| JournalEvent::Failed {
            change,
            error,
            partial
        }),
        error().prop_map(|(change, error)| JournalEvent::Unknown { change, error }),
        error().prop_map(|(change, error)| JournalEvent::Skipped { change, error }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_truncated_journal_reads_as_its_complete_lines(
        events in vec(any_event(), 0..12), ends in any::<bool>(), anywhere in vec(any::<Index>(), 24),
    ) {
        let mut receipt = begun();
        let mut journal = receipt.to_journal_start();
        // The receipt after each line, by where the line ends.
        let mut known = vec![(journal.len(), receipt.clone())];
        let end = ends.then(|| JournalEvent::Ended { time: "2026-11-23T14:51:09Z".into() });
        for event in events.into_iter().chain(end) {
            journal.push_str(&receipt.record_event(event, Some(TIME)));
            known.push((journal.len(), receipt.clone()));
        }
        let around = known.iter().flat_map(|(end, _)| [end - 2, end - 1, *end]);
        let anywhere = anywhere.iter().map(|cut| cut.index(journal.len()));
        for cut in around.chain(anywhere) {
            let read = Receipt::read(&journal.as_bytes()[..cut]);
            // A line without its newline is whole, too.
            match known.iter().rev().find(|(end, _)| *end <= cut + 1) {
                Some((_, receipt)) => prop_assert_eq!(&read.unwrap(), receipt),
                None => prop_assert!(matches!(read, Err(ReceiptReadError::Cut)), "{}: {:?}", cut, read),
            }
        }
    }
}

fn journal(lines: &[&str]) -> Result<Receipt, String> {
    let text = begun().to_journal_start() + &lines.join("\n") + "\n";
    Receipt::read(text).map_err(|error| error.to_string())
}

const SENT: &str =
    r#"{"event":"sent","change":1,"written":[{"path":"IsDisabled","before":false,"after":true}]}"#;

#[test]
fn journal_events_are_short_lines_that_read_back() {
    let mut receipt = begun();
    let written =
        vec![WrittenField::new(WorkerField::Disabled, Some(json!(false)), Some(json!(true)))];
    let mut lines = String::new();
    for event in [
        JournalEvent::Sent { change: 1, written: written.clone() },
        JournalEvent::Done {
            change: 1,
            id: Some("Workers-7".into()),
            written: Some(written.clone()),
        },
        JournalEvent::Done { change: 2, id: None, written: Some(Vec::new()) },
        JournalEvent::Failed { change: 0, error: "the server returned 400".into(), partial: false },
        JournalEvent::Ended { time: "2026-11-23T14:51:09Z".into() },
    ] {
        lines.push_str(&receipt.record_event(event, Some(TIME)));
    }
    insta::assert_snapshot!(lines, @r#"
    {"event":"sent","change":1,"written":[{"path":"IsDisabled","before":false,"after":true}],"time":"2026-11-23T14:51:08.250Z"}
    {"event":"done","change":1,"id":"Workers-7","time":"2026-11-23T14:51:08.250Z"}
    {"event":"done","change":2,"time":"2026-11-23T14:51:08.250Z"}
    {"event":"failed","change":0,"error":"the server returned 400","time":"2026-11-23T14:51:08.250Z"}
    {"event":"ended","time":"2026-11-23T14:51:09Z"}
    "#);
    let entry = &receipt.entries[1];
    assert_eq!((entry.outcome, &entry.written), (ChangeOutcome::Done, &written));
    assert_eq!((receipt.status, receipt.ended.is_some()), (ApplyStatus::Partial, true));
}

#[test]
fn only_a_sent_but_unanswered_change_is_unknown() {
    let read = journal(&[SENT]).unwrap();
    let outcomes: Vec<ChangeOutcome> = read.entries.iter().map(|entry| entry.outcome).collect();
    let skipped = ChangeOutcome::Skipped;
    assert_eq!(outcomes, [skipped, ChangeOutcome::Unknown, skipped, skipped]);
    assert_eq!(read.status, ApplyStatus::Running);
    assert_eq!(read.entries[1].written[0].before, Some(json!(false)));
}

#[test]
fn a_garbled_line_is_named_and_empty_lines_are_ignored() {
    assert!(journal(&["", SENT, "\r"]).is_ok());
    insta::assert_snapshot!(journal(&[SENT, "\0\0\0", SENT]).unwrap_err(), @"its line 3 is not an event of a journal: there is a syntax error");
    insta::assert_snapshot!(journal(&[SENT, &SENT[..40]]).unwrap_err(), @"its line 3 is not an event of a journal: it ends too early");
    insta::assert_snapshot!(journal(&[r#"{"event":"done","change":4}"#]).unwrap_err(), @"its line 2 is not an event of a journal: the receipt has no change 4");
    insta::assert_snapshot!(journal(&[r#"{"change":0}"#]).unwrap_err(), @"its line 2 is not an event of a journal: `event` is missing");
    // A final receipt is one value, and no events follow it.
    let text = begun().to_json_text();
    insta::assert_snapshot!(Receipt::read(format!("{text}x\n")).unwrap_err(), @"its line 56 is not an event of a journal: there is a syntax error");
    insta::assert_snapshot!(Receipt::read(&text[..text.len() / 2]).unwrap_err(), @"this is not a receipt: it ends too early at line 25, column 13");
    insta::assert_snapshot!(Receipt::read("").unwrap_err(), @"it ends within its first line, which is written before the first request is sent");
}

#[test]
fn an_event_from_a_newer_version_sets_its_entry_aside() {
    let later = SENT.replace("IsDisabled", "Notes");
    let read = journal(&[&later, r#"{"event":"verified","change":2}"#]).unwrap();
    assert_eq!(read.entries.len(), CHANGES - 2);
    let why: Vec<_> = read
        .unread
        .iter()
        .map(|entry| format!("{}: {}", Escaped(&entry.address), entry.why))
        .collect();
    insta::assert_snapshot!(why.join("\n"), @r#"
    workers["wörker-1\u{202e}"]: this version does not know the field `Notes`
    workers["wörker-2\u{202e}"]: `verified` is not a known word
    "#);
    let stray = SENT.replace("IsDisabled", "Description");
    insta::assert_snapshot!(journal(&[&stray]).unwrap().unread[0].why, @"`Description` is not one of its fields");
}

#[test]
fn an_entry_from_a_newer_version_is_reported_only_if_it_was_sent() {
    let start = begun().to_journal_start().replacen(r#""kind":"worker""#, r#""kind":"tenant""#, 1);
    let unread = |lines: &str| Receipt::read(format!("{start}{lines}\n")).unwrap().unread.len();
    assert_eq!(unread(""), 0);
    assert_eq!(unread(SENT), 0);
    assert_eq!(unread(&SENT.replace(r#""change":1"#, r#""change":0"#)), 1);
    assert_eq!(unread(r#"{"event":"skipped","change":0,"error":"interrupted"}"#), 0);
}
