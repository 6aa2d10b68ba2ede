//! Ctrl-C and termination signals while changes are made: the first one lets requests in progress finish, the
//! second one does not.
//!
//! The streams of signals are opened once, before the first request, so that no signal is missed between two waits.

use super::{
    exit,
    print::{Stream, errln},
    receipt::{self, ReceiptRecorder, current_time},
};
use poolwright_client::apply::StopReason;
use poolwright_core::text::{escape::Syntax, pluralize};

use futures_util::{
    StreamExt as _,
    stream::{self, BoxStream, SelectAll},
};
use std::{
    io,
    sync::{Arc, OnceLock},
    thread,
    time::Duration,
};
use tokio::sync::{oneshot, watch};

/// How long a second signal waits for the receipt, whose disk may not respond.
const LAST_WRITE: Duration = Duration::from_secs(10);

/// The receipt, once there is one: before that nothing has been sent.
pub(super) type ReceiptSlot = Arc<OnceLock<ReceiptRecorder>>;

/// Begins to listen: from now on the first signal tells `stop`, and the second one ends the receipt and the process. If
/// there is no receipt yet, the first one ends the process.
///
/// # Errors
///
/// Fails if the system does not allow it.
pub(super) fn listen_for_stop(
    stop: watch::Sender<Option<StopReason>>,
    receipt: ReceiptSlot,
) -> io::Result<()> {
    let mut signals = open_streams()?;
    tokio::spawn(async move {
        signals.next().await;
        if receipt.get().is_none() {
            std::process::exit(i32::from(exit::INTERRUPTED));
        }
        stop.send_if_modified(|reason| {
            let is_first = reason.is_none();
            reason.get_or_insert(StopReason::Interrupted);
            is_first
        });
        // Standard error may be a pipe that nobody reads, which must not delay the second signal.
        thread::spawn(|| {
            errln!("finishing the requests in progress; press Ctrl-C again to stop immediately");
        });
        signals.next().await;
        let (ended, end) = oneshot::channel();
        thread::spawn(move || {
            if let Some(recorder) = receipt.get() {
                end_receipt(recorder);
            }
            ended.send(())
        });
        _ = tokio::time::timeout(LAST_WRITE, end).await;
        std::process::exit(i32::from(exit::INTERRUPTED));
    });
    Ok(())
}

/// Ends the receipt while requests are in progress, and says where it is.
fn end_receipt(recorder: &ReceiptRecorder) {
    let recorded = recorder.stop_now(current_time());
    let unknown = recorded.receipt.entries.iter().filter(|entry| entry.is_unknown()).count();
    if let Some(why) = recorded.lost {
        errln!("error: the receipt cannot be written: {why}");
        Stream::Err.print(&recorded.receipt.to_json_text(), Syntax::Json);
        return;
    }
    errln!("stopped; the outcome of {} is unknown", pluralize(unknown, "change"));
    receipt::print_path(recorder.path());
}

/// Opens the streams of the signals that ask the program to stop. Once they are open, these do not end the program.
#[cfg(unix)]
fn open_streams() -> io::Result<SelectAll<BoxStream<'static, ()>>> {
    use tokio::signal::unix::{Signal, SignalKind, signal};
    /// SIGXFSZ, which has this number on Linux, macOS and the BSDs.
    const FILE_LIMIT: i32 = 25;
    let watch_signal = |signal: Signal| {
        let next = |mut signal: Signal| async move { signal.recv().await.map(|()| ((), signal)) };
        stream::unfold(signal, next).boxed()
    };
    // A file that reaches the limit of `ulimit -f` is an error to report, not the end of the program.
    _ = signal(SignalKind::from_raw(FILE_LIMIT));
    let signals = [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?];
    Ok(stream::select_all(signals.map(watch_signal)))
}

#[cfg(windows)]
fn open_streams() -> io::Result<SelectAll<BoxStream<'static, ()>>> {
    use tokio::signal::windows::{ctrl_break, ctrl_c};
    let interrupts = stream::unfold(ctrl_c()?, |mut signal| async move {
        signal.recv().await.map(|()| ((), signal))
    });
    let breaks = stream::unfold(ctrl_break()?, |mut signal| async move {
        signal.recv().await.map(|()| ((), signal))
    });
    Ok(stream::select_all([interrupts.boxed(), breaks.boxed()]))
}
