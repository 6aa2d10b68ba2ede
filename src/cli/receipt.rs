//! The receipt on disk: begun before the first request, and true at every moment until the apply has ended.

mod journal_file;
mod recorder;

pub(super) use recorder::{ReceiptRecorder, RecordedApply};

use super::{
    output_file::{OutputFile, OutputKind, PreviousContent, path_argument, print_saved},
    print::errln,
};
use crate::ops::error_with_help;
use poolwright_client::apply::{StopReason, journal};
use poolwright_core::{
    live::{Live, LivePool},
    plan::ApprovedPlan,
    receipt::{ChangeOutcome, Receipt, RunRecord},
};

use jiff::Timestamp;
use journal_file::JournalFile;
use std::path::{Path, PathBuf};
use tokio::sync::watch;

/// Starts the receipt of an apply in the file `path`, or in a new timestamped file. `stop` is signalled if the
/// receipt can no longer be written.
///
/// # Errors
///
/// Fails if the file cannot be written; nothing may be applied then.
pub(super) fn start_receipt(
    approved: &ApprovedPlan,
    live: &Live,
    run: RunRecord,
    path: Option<&Path>,
    stop: watch::Sender<Option<StopReason>>,
) -> anyhow::Result<ReceiptRecorder> {
    let mut receipt = journal::begin_receipt(approved, tool_version(), current_time());
    receipt.run = run;
    let id_and_name = |pool: &LivePool| (pool.id.as_str().to_owned(), pool.name.to_string());
    receipt.pools = live.pools.iter().map(id_and_name).collect();
    let journal = match path {
        Some(path) => journal_at(path, &receipt)?,
        None => new_journal(|n| timestamped_path(&receipt_time(), n), &receipt)?,
    };
    ReceiptRecorder::start(receipt, journal, stop)
}

/// The folder of receipts.
pub(super) const FOLDER: &str = ".poolwright/receipts";

/// How many names are tried for a receipt.
const NAMES: usize = 1000;

/// Starts the journal that the user has named; beside it, if the receipt of another run is there.
fn journal_at(path: &Path, receipt: &Receipt) -> anyhow::Result<JournalFile> {
    let output = OutputFile { path, kind: OutputKind::Receipt };
    if output.check_previous()? == PreviousContent::Replaceable {
        // An empty file, a pipe or a device.
        if path.exists() {
            return JournalFile::create(path.to_owned(), receipt);
        }
        if let Some(journal) = JournalFile::create_new(path.to_owned(), receipt)? {
            return Ok(journal);
        }
    }
    let journal = new_journal(|n| numbered_path(path, n + 1), receipt)?;
    errln!(
        "note: `{}` is the receipt of another run; this one is `{}`",
        path.display(),
        journal.path().display()
    );
    Ok(journal)
}

/// Starts a journal at the first path that leads to no file, even if other runs choose a path at the same time.
fn new_journal(path: impl Fn(usize) -> PathBuf, receipt: &Receipt) -> anyhow::Result<JournalFile> {
    for n in 0..NAMES {
        if let Some(journal) = JournalFile::create_new(path(n), receipt)? {
            return Ok(journal);
        }
    }
    let message = format!("there are {NAMES} receipts beside `{}`", path(0).display());
    Err(error_with_help(message, "name another file with `--receipt`"))
}

/// Returns a path with a number before its extension: `receipt-1.json`.
fn numbered_path(path: &Path, n: usize) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().map(|it| format!(".{}", it.to_string_lossy()));
    path.with_file_name(format!("{stem}-{n}{}", extension.unwrap_or_default()))
}

/// Says where a receipt is and what it is for, unless it went to a pipe or a device.
pub(super) fn print_path(path: &Path) {
    if path.is_file() {
        print_saved(path, &format!("undo it with `poolwright rollback {}`", path_argument(path)));
    }
}

/// Returns the receipt of a plan without changes.
pub(super) fn empty_receipt(approved: &ApprovedPlan) -> Receipt {
    let mut receipt = journal::begin_receipt(approved, tool_version(), current_time());
    receipt.end_recording(current_time());
    receipt
}

/// Returns the receipt of a plan whose changes are in effect already: there is nothing to undo.
pub(super) fn applied_receipt(approved: &ApprovedPlan) -> Receipt {
    let mut receipt = journal::begin_receipt(approved, tool_version(), current_time());
    receipt.entries.iter_mut().for_each(|entry| entry.outcome = ChangeOutcome::Done);
    receipt.end_recording(current_time());
    receipt
}

/// The name and version of this program, as a receipt records them.
fn tool_version() -> String {
    format!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
}

/// The current time in whole seconds, as receipts record it.
pub(super) fn current_time() -> String {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now).to_string()
}

/// The current time in milliseconds, as receipts record the start and the end of each change.
fn precise_time() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// The current time, as the names of receipts have it.
fn receipt_time() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H-%M-%S.%3fZ").to_string()
}

/// Returns a path in the folder of receipts. Paths sort by time.
fn timestamped_path(time: &str, n: usize) -> PathBuf {
    PathBuf::from(match n {
        0 => format!("{FOLDER}/{time}.json"),
        n => format!("{FOLDER}/{time}-{n}.json"),
    })
}
