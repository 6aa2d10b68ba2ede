//! What is asked again right before a write, and how.
//!
//! What several writes ask for at the same time is read once, and never before they asked. Never: a judgment;
//! `diff` says what must hold.

use crate::octopus::wire;
use poolwright_core::{
    diff::LateExpectations,
    live::{Live, LiveStep},
};

use futures_util::future::BoxFuture;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// What the writes of a plan rely on, and how to read it again.
pub struct LateChecks<'a> {
    /// What the writes rely on.
    pub expectations: LateExpectations,
    /// Reads the server as a plan sees it.
    pub reader: &'a dyn LateReader,
}

/// Reads the server as a plan sees it.
pub trait LateReader: Sync {
    /// Returns the steps of a process.
    fn live_steps(&self, process: wire::ProcessResource) -> Vec<LiveStep>;

    /// Reads everything that the plan was made from.
    ///
    /// # Errors
    ///
    /// Why it cannot be read, in words.
    fn read_live(&self) -> BoxFuture<'_, Result<Live, String>>;
}

/// What late checks of concurrent writes share.
#[derive(Debug, Default)]
pub(super) struct LateReads {
    pub(super) workers: SharedRead<Vec<wire::WorkerResource>>,
    pub(super) pools: SharedRead<Vec<wire::WorkerPoolResource>>,
    pub(super) live: SharedRead<Live>,
}

/// Something that is read for all that ask at the same time. A read serves those that asked before it began.
#[derive(Debug)]
pub(super) struct SharedRead<T> {
    /// The number of reads that have begun.
    begun: AtomicU64,
    last: tokio::sync::Mutex<Option<LastRead<T>>>,
}

#[derive(Debug)]
struct LastRead<T> {
    /// Its number, counted from 1.
    number: u64,
    result: Result<Arc<T>, String>,
}

impl<T> Default for SharedRead<T> {
    fn default() -> Self {
        Self { begun: AtomicU64::new(0), last: tokio::sync::Mutex::default() }
    }
}

impl<T> SharedRead<T> {
    pub(super) async fn read<F: Future<Output = Result<T, String>>>(
        &self,
        request: impl FnOnce() -> F,
    ) -> Result<Arc<T>, String> {
        let asked = self.begun.load(Ordering::SeqCst);
        let mut last = self.last.lock().await;
        if let Some(LastRead { number, result }) = last.as_ref()
            && *number > asked
        {
            return result.clone();
        }
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let result = request().await.map(Arc::new);
        *last = Some(LastRead { number, result: result.clone() });
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::join_all;

    #[tokio::test]
    async fn a_shared_read_serves_requests_made_before_it_started() {
        let (shared, count) = (SharedRead::<u64>::default(), AtomicU64::new(0));
        let read = || async {
            tokio::task::yield_now().await;
            Ok(count.fetch_add(1, Ordering::SeqCst) + 1)
        };
        let all = join_all((0..8).map(|_| shared.read(read))).await;
        let mut all: Vec<u64> = all.into_iter().map(|it| *it.unwrap()).collect();
        all.sort_unstable();
        // The first asked alone, and all others while its read was under way.
        assert_eq!(all, [1, 2, 2, 2, 2, 2, 2, 2]);
        assert_eq!(*shared.read(read).await.unwrap(), 3);
    }
}
