//! The receipt on disk: written before the first request, and as the work goes on.

use super::{print::errln, replace_file::replace_file};
use crate::ops::cautious_copy;
use poolwright_client::apply::{ApplyEvent, journal};
use poolwright_core::{
    live::{Live, LivePool},
    plan::ApprovedPlan,
    receipt::Receipt,
};

use jiff::Timestamp;
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// From this many changes on, a receipt is not written at each event but a few times a second.
const MANY: usize = 200;

/// How long such a receipt may be behind.
const BEHIND: Duration = Duration::from_millis(250);

/// A receipt that is kept in a file.
pub(super) struct ReceiptFile {
    receipt: Receipt,
    path: PathBuf,
    /// When it was last written since the work began.
    saved: Option<Instant>,
    /// Whether the file could not be written: told once.
    lost: bool,
}

impl ReceiptFile {
    /// Starts a receipt; `path` is where it goes, else a folder here, under the time.
    ///
    /// # Errors
    ///
    /// Where it cannot be written: then nothing may be applied either.
    pub(super) fn start_receipt(
        approved: &ApprovedPlan,
        live: &Live,
        path: Option<&Path>,
    ) -> anyhow::Result<Self> {
        let path = path.map_or_else(free_receipt_path, Path::to_owned);
        let mut receipt =
            journal::begin_receipt(approved, tool_version(), current_second().to_string());
        let id_and_name = |pool: &LivePool| (pool.id.as_str().to_owned(), pool.name.to_string());
        receipt.pools = live.pools.iter().map(id_and_name).collect();
        replace_file(&path, receipt.to_json_text().as_bytes())?;
        Ok(Self { receipt, path, saved: None, lost: false })
    }

    /// Notes an event, and writes the receipt where it is time to.
    pub(super) fn note_event(&mut self, event: &ApplyEvent) {
        journal::record_event(&mut self.receipt, event);
        if matches!(event, ApplyEvent::Started { .. }) {
            return;
        }
        if self.receipt.entries.len() < MANY {
            let text = self.receipt.to_json_text();
            self.save_text(&text);
        } else if self.saved.is_none_or(|saved| BEHIND < saved.elapsed()) {
            let text = cautious_copy(&self.receipt).to_json_text();
            self.save_text(&text);
        }
    }

    /// Ends the receipt, and writes it as it stays.
    pub(super) fn end_and_save(mut self) -> (Receipt, PathBuf) {
        self.receipt.end_recording(current_second().to_string());
        let text = self.receipt.to_json_text();
        self.save_text(&text);
        (self.receipt, self.path)
    }

    fn save_text(&mut self, text: &str) {
        self.saved = Some(Instant::now());
        if let Err(error) = replace_file(&self.path, text.as_bytes())
            && !self.lost
        {
            self.lost = true;
            errln!("warning: the receipt is behind: {error:#}");
        }
    }
}

/// The receipt of a plan that has no changes.
pub(super) fn empty_receipt(approved: &ApprovedPlan) -> Receipt {
    let mut receipt =
        journal::begin_receipt(approved, tool_version(), current_second().to_string());
    receipt.end_recording(current_second().to_string());
    receipt
}

/// What writes the receipt.
fn tool_version() -> String {
    format!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
}

/// Now, in whole seconds.
fn current_second() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// A name of the folder of receipts that is not taken; in the order of names the last is the newest.
fn free_receipt_path() -> PathBuf {
    let time = Timestamp::now().strftime("%Y-%m-%dT%H-%M-%S.%3fZ").to_string();
    let path_for = |n: usize| match n {
        0 => format!(".poolwright/receipts/{time}.json"),
        n => format!(".poolwright/receipts/{time}-{n}.json"),
    };
    let free = (0..1000).map(|n| PathBuf::from(path_for(n))).find(|it| !it.exists());
    free.unwrap_or_else(|| PathBuf::from(path_for(0)))
}
