//! The receipt while an apply runs: a journal of JSON lines, to which one short line is added per event.
//!
//! The first line is the whole receipt before the first request; each later line is a [`JournalEvent`]. A line that
//! says that a request is sent is on disk before the request goes out, so what a journal does not say was not sent,
//! wherever the journal ends. Never: a file. `cli` stores the lines.

use super::{FORMAT_PREFIX, Receipt, ReceiptEntry, ReceiptReadError, UnreadEntry, WrittenField};
use crate::text::{describe_json_flaw, escape::escape_json};

use serde::{Deserialize, Serialize};
use serde_json::{Deserializer, Value};

/// One line of a journal: what happened to a change, which is named by its index in the plan, counted from 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum JournalEvent {
    /// A request is about to be sent. Repeated if another one is sent for the same change.
    Sent {
        /// The change.
        change: usize,
        /// The fields that the request writes.
        written: Vec<WrittenField>,
    },
    /// The change was made.
    Done {
        /// The change.
        change: usize,
        /// The id of the object that was created, or already existed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// The written fields, unless they are the ones that were sent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        written: Option<Vec<WrittenField>>,
    },
    /// The change was not made.
    Failed {
        /// The change.
        change: usize,
        /// Why.
        error: String,
        /// Whether it was made in part. Otherwise nothing was written, and there is nothing to undo.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        partial: bool,
    },
    /// A request was sent, and it cannot be known whether it was processed.
    Unknown {
        /// The change.
        change: usize,
        /// Why.
        error: String,
    },
    /// Nothing was sent, and nothing will be.
    Skipped {
        /// The change.
        change: usize,
        /// Why.
        error: String,
    },
    /// The apply ended. A journal that cannot be replaced by the final receipt, such as one in a pipe, ends so.
    Ended {
        /// When.
        time: String,
    },
}

impl JournalEvent {
    /// Returns the event as a line that ends with a newline, with the time at which it took place.
    fn to_line(&self, time: Option<&str>) -> String {
        #[derive(Serialize)]
        struct TimedEvent<'a> {
            #[serde(flatten)]
            event: &'a JournalEvent,
            #[serde(skip_serializing_if = "Option::is_none")]
            time: Option<&'a str>,
        }
        let time = time.filter(|_| !matches!(self, Self::Ended { .. }));
        // Strings, numbers and lists always have a JSON form.
        let text = serde_json::to_string(&TimedEvent { event: self, time }).unwrap_or_default();
        format!("{}\n", escape_json(&text))
    }

    /// Returns the change that the event is about.
    fn change(&self) -> Option<usize> {
        match self {
            Self::Sent { change, .. }
            | Self::Done { change, .. }
            | Self::Failed { change, .. }
            | Self::Unknown { change, .. }
            | Self::Skipped { change, .. } => Some(*change),
            Self::Ended { .. } => None,
        }
    }
}

impl Receipt {
    /// Returns the first line of a journal: the receipt as it is now.
    pub fn to_journal_start(&self) -> String {
        let text = escape_json(&serde_json::to_string(self).unwrap_or_default());
        format!("{text}\n")
    }

    /// Records an event that took place at `time`, as RFC 3339, and returns its line of the journal.
    pub fn record_event(&mut self, mut event: JournalEvent, time: Option<&str>) -> String {
        let entry = event.change().and_then(|change| self.entries.get_mut(change));
        if let (JournalEvent::Done { written, .. }, Some(entry)) = (&mut event, &entry)
            && written.as_ref() == Some(&entry.written)
        {
            *written = None;
        }
        let line = event.to_line(time);
        match (event, entry) {
            (JournalEvent::Ended { time }, _) => self.end_recording(time),
            (event, Some(entry)) => entry.record_event(event, time),
            (_, None) => {}
        }
        line
    }

    /// Reads a receipt from JSON, or from a journal, which may end anywhere after its first line: a last line
    /// that is not whole counts for nothing.
    ///
    /// Entries that this version does not understand do not prevent a rollback: they go to
    /// [`Receipt::unread`], for the rollback to report.
    ///
    /// # Errors
    ///
    /// Returns a [`ReceiptReadError`] if the text is not a receipt that this version can read.
    pub fn read(text: impl AsRef<[u8]>) -> Result<Self, ReceiptReadError> {
        let text = text.as_ref();
        let (mut saved, end) = read_first_value(text)?;
        let entries = saved.get_mut("changes").and_then(Value::as_array_mut);
        let entries = entries.map(std::mem::take).unwrap_or_default();
        let mut receipt = Self::deserialize(saved)?;
        let entries = entries.into_iter().map(SavedEntry::read).collect::<Result<_, _>>()?;
        let mut journal = JournalReader { entries, ended: None };
        let (head, lines) = text.split_at_checked(end).unwrap_or((text, &[]));
        let first = 1 + head.iter().filter(|byte| **byte == b'\n').count();
        journal.read_lines(lines, first)?;
        for entry in journal.entries {
            match entry {
                SavedEntry::Understood(entry) => receipt.entries.push(*entry),
                SavedEntry::Unread { entry, sent: true } => receipt.unread.push(entry),
                SavedEntry::Unread { sent: false, .. } => {}
            }
        }
        if let Some(time) = journal.ended {
            receipt.end_recording(time);
        }
        Ok(receipt)
    }
}

/// Reads the first JSON value of a receipt, and returns it with the offset of its end.
fn read_first_value(text: &[u8]) -> Result<(Value, usize), ReceiptReadError> {
    #[derive(Deserialize)]
    struct FormatVersion {
        format_version: String,
    }
    let mut values = Deserializer::from_slice(text).into_iter::<Value>();
    let saved = match values.next() {
        Some(Ok(saved)) => saved,
        Some(Err(error)) if error.is_eof() && is_start_of_journal(text) => {
            return Err(ReceiptReadError::Cut);
        }
        Some(Err(error)) => return Err(error.into()),
        None => return Err(ReceiptReadError::Cut),
    };
    let FormatVersion { format_version } = FormatVersion::deserialize(&saved)?;
    if !format_version.starts_with(FORMAT_PREFIX) {
        return Err(ReceiptReadError::Format(format_version));
    }
    Ok((saved, values.byte_offset()))
}

/// Whether a text may be the beginning of the first line of a journal. A final receipt has its first field on the
/// second line.
fn is_start_of_journal(text: &[u8]) -> bool {
    const START: &[u8] = br#"{"format_version":"#;
    text.starts_with(START) || START.starts_with(text)
}

/// An entry of a receipt while its journal is read.
enum SavedEntry {
    /// This version understands the entry.
    Understood(Box<ReceiptEntry>),
    /// It does not; `sent` if a request may have been sent for it.
    Unread { entry: UnreadEntry, sent: bool },
}

impl SavedEntry {
    fn read(saved: Value) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct AnyEntry {
            address: String,
            outcome: String,
        }
        let why = match ReceiptEntry::read(&saved) {
            Ok(entry) => return Ok(Self::Understood(Box::new(entry))),
            Err(why) => why,
        };
        let AnyEntry { address, outcome } = AnyEntry::deserialize(saved)?;
        Ok(Self::Unread { entry: UnreadEntry { address, why }, sent: outcome != "skipped" })
    }

    /// Sets the entry aside, because this version does not understand an event of it.
    fn set_aside(&mut self, why: String) {
        let address = match self {
            Self::Understood(entry) => entry.address.to_string(),
            Self::Unread { entry, .. } => std::mem::take(&mut entry.address),
        };
        *self = Self::Unread { entry: UnreadEntry { address, why }, sent: true };
    }
}

/// A journal while it is read.
struct JournalReader {
    entries: Vec<SavedEntry>,
    ended: Option<String>,
}

impl JournalReader {
    /// Reads what follows the first value of a journal; `line` is the number of the line that this starts on.
    fn read_lines(&mut self, text: &[u8], mut line: usize) -> Result<(), ReceiptReadError> {
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.iter().position(|byte| *byte == b'\n');
            let (event, after) =
                rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, &[]));
            match self.read_event(event.trim_ascii()) {
                // The last line is not whole: what it would have said never took place.
                Err(_) if end.is_none() => return Ok(()),
                Err(why) => return Err(ReceiptReadError::Line { line, why }),
                Ok(()) => {}
            }
            rest = after.get(1..).unwrap_or_default();
            line += 1;
        }
        Ok(())
    }

    fn read_event(&mut self, text: &[u8]) -> Result<(), String> {
        /// What every event has.
        #[derive(Deserialize)]
        struct AnyEvent {
            #[serde(rename = "event")]
            _event: String,
            change: usize,
        }
        if text.is_empty() {
            return Ok(());
        }
        let saved: Value = serde_json::from_slice(text).map_err(|why| describe_json_flaw(&why))?;
        let event = match JournalEvent::deserialize(&saved) {
            Ok(JournalEvent::Ended { time }) => {
                self.ended = Some(time);
                return Ok(());
            }
            Ok(event) => Ok(event),
            Err(why) => Err(describe_json_flaw(&why)),
        };
        let change = AnyEvent::deserialize(&saved).map_err(|why| describe_json_flaw(&why))?.change;
        let entry = self.entries.get_mut(change);
        let entry = entry.ok_or_else(|| format!("the receipt has no change {change}"))?;
        match (event, entry) {
            (Ok(event), SavedEntry::Understood(known)) => {
                let before = known.clone();
                known.record_event(event, saved.get("time").and_then(Value::as_str));
                if let Err(why) = known.check_fields() {
                    *known = before;
                    self.set_aside(change, why);
                }
            }
            (Ok(JournalEvent::Skipped { .. }), SavedEntry::Unread { .. }) => {}
            (Ok(_), SavedEntry::Unread { sent, .. }) => *sent = true,
            (Err(why), entry) => entry.set_aside(why),
        }
        Ok(())
    }

    fn set_aside(&mut self, change: usize, why: String) {
        if let Some(entry) = self.entries.get_mut(change) {
            entry.set_aside(why);
        }
    }
}

#[cfg(test)]
mod tests;
