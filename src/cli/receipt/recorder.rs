//! Records an apply in a journal on disk. A thread of its own writes what has been noted since it last did, all at
//! once, so that many concurrent changes cost few writes.
//!
//! Never: a request that goes out before its line is on disk.

use super::{journal_file::JournalFile, precise_time};
use poolwright_client::apply::{ApplyEvent, StopReason, StoreError, journal::journal_event};
use poolwright_core::receipt::{ChangeOutcome, JournalEvent, Receipt, ReceiptEntry};

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};
use tokio::sync::watch;

/// Why an entry is unfinished if the user did not wait for the requests in progress.
const STOPPED: &str = "stopped before the server answered";

/// Records an apply in a journal.
pub(in crate::cli) struct ReceiptRecorder {
    shared: Arc<SharedJournal>,
    /// The thread that writes; taken when the receipt ends.
    thread: Mutex<Option<JoinHandle<JournalFile>>>,
    path: PathBuf,
}

/// How an apply was recorded.
pub(in crate::cli) struct RecordedApply {
    /// The final receipt.
    pub(in crate::cli) receipt: Receipt,
    /// Why it could not be written to its file, if it could not.
    pub(in crate::cli) lost: Option<String>,
}

/// What the recorder shares with its thread.
struct SharedJournal {
    state: Mutex<JournalState>,
    /// Signalled when there is something to write, or nothing more will come.
    work: Condvar,
    stored: watch::Sender<StoredEvents>,
    stop: watch::Sender<Option<StopReason>>,
}

struct JournalState {
    /// The receipt with every event so far.
    receipt: Receipt,
    queue: Vec<QueuedLine>,
    /// How many lines were ever queued.
    queued: usize,
    /// Whether the thread ends once the queue is empty.
    ends: bool,
    /// Whether nothing more is sent, so that what is noted now only completes what was sent before.
    sealed: bool,
    /// Why nothing can be written any more.
    lost: Option<String>,
}

/// A line to write.
struct QueuedLine {
    text: String,
    /// The change for which this is the first request.
    first_sent: Option<usize>,
}

/// How far the journal is on disk.
#[derive(Default)]
struct StoredEvents {
    count: usize,
    lost: Option<String>,
}

impl ReceiptRecorder {
    /// Records in a journal that begins with `receipt`. If a later write fails, `stop` is signalled.
    ///
    /// # Errors
    ///
    /// Fails if the thread that writes cannot be started; nothing may be applied then.
    pub(super) fn start(
        receipt: Receipt,
        file: JournalFile,
        stop: watch::Sender<Option<StopReason>>,
    ) -> anyhow::Result<Self> {
        let path = file.path().to_owned();
        let state = JournalState {
            receipt,
            queue: Vec::new(),
            queued: 0,
            ends: false,
            sealed: false,
            lost: None,
        };
        let shared = Arc::new(SharedJournal {
            state: Mutex::new(state),
            work: Condvar::new(),
            stored: watch::Sender::default(),
            stop,
        });
        let writer = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || writer.write_lines(file))?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)), path })
    }

    /// The file of the receipt.
    pub(in crate::cli) fn path(&self) -> &Path {
        &self.path
    }

    /// Notes an event, without waiting until it is on disk.
    pub(in crate::cli) fn note_event(&self, event: ApplyEvent) {
        if let Some(event) = journal_event(event) {
            self.shared.lock_state().note_event(event, &precise_time());
            self.shared.work.notify_one();
        }
    }

    /// Completes once everything that was noted before the call is on disk.
    ///
    /// # Errors
    ///
    /// Fails once the journal cannot be written any more.
    pub(in crate::cli) async fn wait_until_stored(&self) -> Result<(), StoreError> {
        let queued = self.shared.lock_state().queued;
        let mut stored = self.shared.stored.subscribe();
        let is_over = |stored: &StoredEvents| stored.lost.is_some() || stored.count >= queued;
        let lost = match stored.wait_for(is_over).await {
            Ok(stored) => stored.lost.clone(),
            Err(_) => Some("its thread has ended".to_owned()),
        };
        lost.map_or(Ok(()), |why| Err(StoreError(why)))
    }

    /// Ends the receipt once nothing is in progress any more, and replaces the journal by it.
    pub(in crate::cli) fn finish(&self, time: String) -> RecordedApply {
        self.shared.lock_state().ends = true;
        self.end(time)
    }

    /// Ends the receipt while requests are in progress: nothing more is sent, and the outcome of what was sent and
    /// not answered is unknown.
    pub(in crate::cli) fn stop_now(&self, time: String) -> RecordedApply {
        self.shared.seal(STOPPED.to_owned());
        {
            let mut state = self.shared.lock_state();
            let in_progress = |entry: &&mut ReceiptEntry| entry.outcome == ChangeOutcome::Unknown;
            for entry in state.receipt.entries.iter_mut().filter(in_progress) {
                entry.error.get_or_insert_with(|| STOPPED.to_owned());
            }
            state.ends = true;
        }
        self.end(time)
    }

    fn end(&self, time: String) -> RecordedApply {
        self.shared.work.notify_one();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let file = thread.and_then(|thread| thread.join().ok());
        let mut state = self.shared.lock_state();
        let mut receipt = state.receipt.clone();
        let finished = match file {
            Some(file) => file.finish(&mut receipt, time),
            // The other end of a race does it.
            None => {
                receipt.end_recording(time);
                Ok(())
            }
        };
        if let Err(error) = finished {
            state.lost.get_or_insert_with(|| format!("{error:#}"));
        }
        RecordedApply { receipt, lost: state.lost.clone() }
    }
}

impl SharedJournal {
    fn lock_state(&self) -> MutexGuard<'_, JournalState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what is queued, until nothing more will come or it cannot be written.
    fn write_lines(&self, mut file: JournalFile) -> JournalFile {
        loop {
            let mut state = self.lock_state();
            while state.queue.is_empty() && !state.ends {
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            let batch = std::mem::take(&mut state.queue);
            drop(state);
            if batch.is_empty() {
                return file;
            }
            let text: String = batch.iter().map(|line| line.text.as_str()).collect();
            if let Err(error) = file.append(text.as_bytes()) {
                self.lose(&batch, format!("{error:#}"));
                return file;
            }
            self.stored.send_modify(|stored| stored.count += batch.len());
        }
    }

    /// Stops the apply, because a batch cannot be written.
    fn lose(&self, batch: &[QueuedLine], why: String) {
        // `seal` comes last, because a task that it wakes must find everything else in order.
        self.stop.send_if_modified(|reason| {
            let is_first = reason.is_none();
            reason.get_or_insert(StopReason::ReceiptLost);
            is_first
        });
        let mut state = self.lock_state();
        state.sealed = true;
        state.forget_unsent(batch);
        state.lost = Some(why.clone());
        drop(state);
        self.seal(why);
    }

    /// Lets nothing more be sent.
    fn seal(&self, why: String) {
        let mut state = self.lock_state();
        state.sealed = true;
        let unsent = std::mem::take(&mut state.queue);
        state.forget_unsent(&unsent);
        drop(state);
        self.stored.send_modify(|stored| _ = stored.lost.get_or_insert(why));
    }
}

impl JournalState {
    fn note_event(&mut self, event: JournalEvent, time: &str) {
        let is_unsent = |entry: Option<&ReceiptEntry>| {
            entry.is_some_and(|entry| entry.outcome == ChangeOutcome::Skipped)
        };
        match event {
            // It will not be sent.
            JournalEvent::Sent { .. } if self.sealed => {}
            JournalEvent::Failed { change, error, .. }
                if self.sealed && is_unsent(self.receipt.entries.get(change)) =>
            {
                self.receipt.record_event(JournalEvent::Skipped { change, error }, Some(time));
            }
            event if self.sealed => _ = self.receipt.record_event(event, Some(time)),
            event => {
                let first_sent = match &event {
                    JournalEvent::Sent { change, .. } => {
                        Some(*change).filter(|change| is_unsent(self.receipt.entries.get(*change)))
                    }
                    _ => None,
                };
                let text = self.receipt.record_event(event, Some(time));
                self.queue.push(QueuedLine { text, first_sent });
                self.queued += 1;
            }
        }
    }

    /// Forgets requests that were noted and will not be sent, because their lines are not on disk.
    fn forget_unsent(&mut self, lines: &[QueuedLine]) {
        for change in lines.iter().filter_map(|line| line.first_sent) {
            if let Some(entry) = self.receipt.entries.get_mut(change)
                && entry.outcome == ChangeOutcome::Unknown
            {
                entry.outcome = ChangeOutcome::Skipped;
                entry.started = None;
                entry.written.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolwright_core::{plan::CommonField, receipt::WrittenField};

    use serde_json::json;
    use std::fs;

    const TIME: &str = "2026-11-23T14:51:09Z";

    fn receipt(changes: usize) -> Receipt {
        let entry = |at: usize| {
            json!({
                "address": format!("workers.w{at}"), "kind": "worker", "action": "update",
                "id": format!("Workers-{at}"), "outcome": "skipped", "error": null, "written": [],
            })
        };
        let server = json!({
            "url": "https://octopus.example", "version": "2026.2", "space_id": "Spaces-1",
            "space": "Default",
        });
        let receipt = json!({
            "format_version": "1.1", "status": "running", "tool": "poolwright 0.1.0",
            "server": server, "config": "sha256:0", "started": TIME, "ended": null,
            "changes": (0..changes).map(entry).collect::<Vec<_>>(),
        });
        Receipt::read(receipt.to_string()).unwrap()
    }

    fn recorder(
        receipt: Receipt,
        path: &Path,
        stop: watch::Sender<Option<StopReason>>,
    ) -> ReceiptRecorder {
        let file = JournalFile::create(path.to_owned(), &receipt).unwrap();
        ReceiptRecorder::start(receipt, file, stop).unwrap()
    }

    fn written() -> Vec<WrittenField> {
        vec![WrittenField::new(CommonField::Name, Some(json!("old")), Some(json!("new")))]
    }

    fn writing(index: usize) -> ApplyEvent {
        ApplyEvent::Writing { index, written: written() }
    }

    fn failed(index: usize) -> ApplyEvent {
        let error = "nothing was sent".to_owned();
        ApplyEvent::Failed { index, error, unknown: false, partial: true }
    }

    fn outcomes(receipt: &Receipt) -> Vec<ChangeOutcome> {
        receipt.entries.iter().map(|entry| entry.outcome).collect()
    }

    #[tokio::test]
    async fn unrecorded_changes_count_as_skipped_and_sent_ones_stay_known() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("receipt.json");
        let (stop, stopped) = watch::channel(None);
        let recorder = recorder(receipt(4), &path, stop);
        recorder.note_event(writing(0));
        recorder.note_event(writing(3));
        recorder.wait_until_stored().await.unwrap();
        let journal = Receipt::read(fs::read(&path).unwrap()).unwrap();
        let (skipped, unknown) = (ChangeOutcome::Skipped, ChangeOutcome::Unknown);
        assert_eq!(outcomes(&journal), [unknown, skipped, skipped, unknown]);
        assert_eq!(journal.entries[0].written, written());

        fs::remove_file(&path).unwrap();
        recorder.note_event(writing(1));
        recorder.wait_until_stored().await.unwrap_err();
        assert_eq!(*stopped.borrow(), Some(StopReason::ReceiptLost));
        recorder.note_event(failed(1));
        recorder.note_event(writing(2));
        recorder.wait_until_stored().await.unwrap_err();
        recorder.note_event(failed(2));
        recorder.note_event(ApplyEvent::Done { index: 0, id: None, written: written() });
        let RecordedApply { receipt, lost } = recorder.finish(TIME.to_owned());
        assert!(lost.unwrap().contains("receipt.json"));
        assert_eq!(outcomes(&receipt), [ChangeOutcome::Done, skipped, skipped, unknown]);
        assert!(receipt.entries[1].written.is_empty() && receipt.entries[2].written.is_empty());
        assert_eq!(receipt.entries[1].error.as_deref(), Some("nothing was sent"));
    }

    #[tokio::test]
    async fn after_a_stop_nothing_is_sent_and_the_receipt_is_final() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("receipt.json");
        let (stop, _stopped) = watch::channel(None);
        let recorder = recorder(receipt(2), &path, stop);
        recorder.note_event(writing(0));
        recorder.wait_until_stored().await.unwrap();
        let recorded = recorder.stop_now(TIME.to_owned());
        recorder.note_event(writing(1));
        recorder.wait_until_stored().await.unwrap_err();
        assert_eq!(recorded.lost, None);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, recorded.receipt.to_json_text());
        let (unknown, skipped) = (ChangeOutcome::Unknown, ChangeOutcome::Skipped);
        assert_eq!(outcomes(&recorded.receipt), [unknown, skipped]);
        // Whatever ends the receipt second changes nothing.
        recorder.finish(TIME.to_owned());
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }

    async fn record_change(recorder: Arc<ReceiptRecorder>, index: usize) {
        recorder.note_event(writing(index));
        recorder.wait_until_stored().await.unwrap();
        if index.is_multiple_of(50) {
            let journal = Receipt::read(fs::read(recorder.path()).unwrap()).unwrap();
            assert_eq!(journal.entries[index].outcome, ChangeOutcome::Unknown);
        }
        recorder.note_event(ApplyEvent::Done { index, id: None, written: written() });
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn many_changes_at_once_are_each_on_disk_before_they_are_sent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("receipt.json");
        let (stop, _stopped) = watch::channel(None);
        let recorder = recorder(receipt(500), &path, stop);
        let recorder = Arc::new(recorder);
        let all = (0..500).map(|index| tokio::spawn(record_change(Arc::clone(&recorder), index)));
        let all: Vec<_> = all.collect();
        for one in all {
            one.await.unwrap();
        }
        let recorded = recorder.finish(TIME.to_owned());
        assert_eq!(recorded.lost, None);
        let saved = Receipt::read(fs::read(&path).unwrap()).unwrap();
        assert!(saved.entries.iter().all(|entry| entry.outcome == ChangeOutcome::Done));
        assert_eq!(saved, recorded.receipt);
    }
}
