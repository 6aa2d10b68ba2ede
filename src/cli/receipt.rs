//! The receipt on disk: begun before the first request, and true at every moment until the apply has ended.

mod journal_file;
mod recorder;

pub(super) use recorder::{ReceiptRecorder, RecordedApply};

use super::print::errln;
use poolwright_client::apply::{StopReason, journal};
use poolwright_core::{
    live::{Live, LivePool},
    plan::ApprovedPlan,
    receipt::{ApplyStatus, Receipt},
};

use jiff::Timestamp;
use std::{
    fs,
    path::{Path, PathBuf},
};
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
    path: Option<&Path>,
    stop: watch::Sender<Option<StopReason>>,
) -> anyhow::Result<ReceiptRecorder> {
    let path = path.map_or_else(free_receipt_path, beside_unfinished);
    let mut receipt = journal::begin_receipt(approved, tool_version(), current_time());
    let id_and_name = |pool: &LivePool| (pool.id.as_str().to_owned(), pool.name.to_string());
    receipt.pools = live.pools.iter().map(id_and_name).collect();
    ReceiptRecorder::start(receipt, path, stop)
}

/// Returns the path, or the next free one if the receipt of an apply is there that has not ended: it is all that is
/// known of that apply.
fn beside_unfinished(path: &Path) -> PathBuf {
    // A pipe or a device must not be read.
    let is_file = fs::metadata(path).is_ok_and(|found| found.is_file());
    let receipt = if is_file { fs::read(path).ok() } else { None };
    let receipt = receipt.and_then(|text| Receipt::read(text).ok());
    if receipt.is_none_or(|receipt| receipt.status != ApplyStatus::Running) {
        return path.to_owned();
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().map(|it| format!(".{}", it.to_string_lossy()));
    let numbered = |n: usize| {
        path.with_file_name(format!("{stem}-{n}{}", extension.as_deref().unwrap_or_default()))
    };
    let free = (1..1000).map(numbered).find(|path| !path.exists());
    let free = free.unwrap_or_else(|| numbered(1000));
    errln!(
        "note: `{}` is the receipt of an apply that did not end; this one is `{}`",
        path.display(),
        free.display()
    );
    free
}

/// Returns the receipt of a plan without changes.
pub(super) fn empty_receipt(approved: &ApprovedPlan) -> Receipt {
    let mut receipt = journal::begin_receipt(approved, tool_version(), current_time());
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
