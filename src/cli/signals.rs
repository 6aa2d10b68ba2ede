//! Ctrl-C and termination signals while changes are made: the first one lets requests in progress finish, the
//! second one does not.
//!
//! The streams of signals are opened once, before the first request, so that no signal is missed between two waits.

use super::{
    exit,
    print::errln,
    receipt::{ReceiptRecorder, current_time},
};
use poolwright_client::apply::StopReason;
use poolwright_core::text::pluralize;

use std::{io, sync::Arc, thread, time::Duration};
use tokio::sync::{oneshot, watch};

/// How long a second signal waits for the receipt, whose disk may not respond.
const LAST_WRITE: Duration = Duration::from_secs(10);

/// The signals that ask the program to stop. While this exists, they do not end the program.
pub(super) struct StopSignals {
    streams: SignalStreams,
}

impl StopSignals {
    /// Begins to listen.
    ///
    /// # Errors
    ///
    /// Fails if the system does not allow it.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self { streams: SignalStreams::open()? })
    }

    /// At the first signal, tells `stop`; at the second one, ends the receipt and the process.
    pub(super) fn watch(
        mut self,
        stop: watch::Sender<Option<StopReason>>,
        recorder: Arc<ReceiptRecorder>,
    ) {
        tokio::spawn(async move {
            self.streams.next_signal().await;
            stop.send_if_modified(|reason| {
                let is_first = reason.is_none();
                reason.get_or_insert(StopReason::Interrupted);
                is_first
            });
            // Standard error may be a pipe that nobody reads, which must not delay the second signal.
            thread::spawn(|| {
                errln!(
                    "finishing the requests in progress; press Ctrl-C again to stop immediately"
                );
            });
            self.streams.next_signal().await;
            let (ended, end) = oneshot::channel();
            thread::spawn(move || {
                end_receipt(&recorder);
                ended.send(())
            });
            _ = tokio::time::timeout(LAST_WRITE, end).await;
            std::process::exit(i32::from(exit::INTERRUPTED));
        });
    }
}

/// Ends the receipt while requests are in progress, and says where it is.
fn end_receipt(recorder: &ReceiptRecorder) {
    let recorded = recorder.stop_now(current_time());
    let unknown = recorded.receipt.entries.iter().filter(|entry| entry.is_unknown()).count();
    if let Some(why) = recorded.lost {
        errln!("error: the receipt is not complete: {why}");
    }
    let path = recorder.path().display();
    errln!(
        "stopped; the outcome of {} is unknown; the receipt is {path}",
        pluralize(unknown, "change")
    );
}

#[cfg(unix)]
struct SignalStreams {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    /// Never awaited: a file that reaches the limit of `ulimit -f` is an error to report, not the end.
    _file_limit: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl SignalStreams {
    fn open() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        /// SIGXFSZ, which has this number on Linux, macOS and the BSDs.
        const FILE_LIMIT: i32 = 25;
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            _file_limit: signal(SignalKind::from_raw(FILE_LIMIT)).ok(),
        })
    }

    async fn next_signal(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(windows)]
struct SignalStreams {
    interrupt: tokio::signal::windows::CtrlC,
    terminate: tokio::signal::windows::CtrlBreak,
}

#[cfg(windows)]
impl SignalStreams {
    fn open() -> io::Result<Self> {
        use tokio::signal::windows::{ctrl_break, ctrl_c};
        Ok(Self { interrupt: ctrl_c()?, terminate: ctrl_break()? })
    }

    async fn next_signal(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
