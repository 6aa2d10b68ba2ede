//! The receipt on disk: written before the first request and updated after each change.

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

/// From this many changes on, the receipt is written a few times a second instead of at each event.
const MANY: usize = 200;

/// How long such a receipt may lag behind the changes.
const MAX_LAG: Duration = Duration::from_millis(250);

/// A receipt that is kept up to date in a file.
pub(super) struct ReceiptFile {
    receipt: Receipt,
    path: PathBuf,
    /// When it was last updated, if it has been.
    saved: Option<Instant>,
    /// Whether an update has failed; the warning is printed once.
    lost: bool,
}

impl ReceiptFile {
    /// Starts a receipt in the file `path`, or in a new timestamped file.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be written; nothing may be applied then.
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

    /// Records an event, and writes the receipt if an update is due.
    pub(super) fn note_event(&mut self, event: &ApplyEvent) {
        journal::record_event(&mut self.receipt, event);
        if matches!(event, ApplyEvent::Started { .. }) {
            return;
        }
        if self.receipt.entries.len() < MANY {
            let text = self.receipt.to_json_text();
            self.save_text(&text);
        } else if self.saved.is_none_or(|saved| saved.elapsed() > MAX_LAG) {
            let text = cautious_copy(&self.receipt).to_json_text();
            self.save_text(&text);
        }
    }

    /// Completes the receipt and writes it a last time.
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
            errln!("warning: cannot update the receipt: {error:#}");
        }
    }
}

/// Returns the receipt of a plan without changes.
pub(super) fn empty_receipt(approved: &ApprovedPlan) -> Receipt {
    let mut receipt =
        journal::begin_receipt(approved, tool_version(), current_second().to_string());
    receipt.end_recording(current_second().to_string());
    receipt
}

/// The name and version of this program, as a receipt records them.
fn tool_version() -> String {
    format!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
}

/// The current time in whole seconds.
fn current_second() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// Returns an unused path in the folder of receipts. Paths sort by time.
fn free_receipt_path() -> PathBuf {
    let time = Timestamp::now().strftime("%Y-%m-%dT%H-%M-%S.%3fZ").to_string();
    let path_for = |n: usize| match n {
        0 => format!(".poolwright/receipts/{time}.json"),
        n => format!(".poolwright/receipts/{time}-{n}.json"),
    };
    let free = (0..1000).map(|n| PathBuf::from(path_for(n))).find(|it| !it.exists());
    free.unwrap_or_else(|| PathBuf::from(path_for(0)))
}
