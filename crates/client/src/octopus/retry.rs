//! How long to wait before a request is tried again, and when to give up.

use super::outage::Outage;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// The longest wait before the second attempt; doubled each time.
const FIRST: Duration = Duration::from_millis(500);
/// The longest wait chosen by this client; a server may ask for more.
const LONGEST: Duration = Duration::from_secs(10);
/// The most attempts at a server that has not answered yet: a mistyped host must not take a minute.
pub(super) const FIRST_CALLS: u32 = 3;
/// The most attempts while each response breaks off: a restarting server refuses connections, but one that cuts
/// its responses short will keep doing so.
pub(super) const BROKEN_CALLS: u32 = 6;
/// The most attempts to read from a Git repository while the gateway returns 502 to 504: the server itself
/// answers, and the repository may be unreachable for days.
pub(super) const REPOSITORY_CALLS: u32 = 4;
/// The most attempts at a write that another client interferes with, or whose response is lost.
pub(crate) const WRITE_CALLS: u32 = 5;
/// The most attempts to create an object when the response is lost.
pub(crate) const CREATE_CALLS: u32 = 2;
/// The most attempts at a write that something answers in a way that decides nothing.
pub(crate) const UNCLEAR_CALLS: u32 = 2;

/// Decides when to retry a request or a write, and when to give up.
#[derive(Debug)]
pub(crate) struct RetryTimer {
    limit: Duration,
    since: Option<Instant>,
    tries: u32,
    outage: Arc<Outage>,
    until: Option<Instant>,
}

impl RetryTimer {
    /// Returns a timer that gives up after `limit`, counted from the first failure, or from the start of the
    /// `outage` that the failure is part of. It allows no attempt after `until`.
    pub(super) fn new(limit: Duration, outage: Arc<Outage>, until: Option<Instant>) -> Self {
        Self { limit, since: None, tries: 0, outage, until }
    }

    /// The number of failed attempts so far.
    pub(crate) fn tries(&self) -> u32 {
        self.tries
    }

    /// Returns how long to wait before the next attempt; `None` once it would be too late.
    ///
    /// `retry_after` is the wait that the server asks for, and `calls` the most attempts.
    pub(super) fn next_wait(
        &mut self,
        retry_after: Option<Duration>,
        calls: u32,
    ) -> Option<Duration> {
        let first = *self.since.get_or_insert_with(Instant::now);
        let since = self.outage.start().map_or(first, |start| start.min(first));
        self.tries = self.tries.saturating_add(1);
        if self.tries >= calls {
            return None;
        }
        let asked = retry_after.unwrap_or_default();
        let wait = asked.saturating_add(longest_wait(self.tries).mul_f64(fastrand::f64()));
        let mut left = self.limit.saturating_sub(since.elapsed());
        if let Some(until) = self.until {
            left = left.min(until.saturating_duration_since(Instant::now()));
        }
        (asked <= left && !left.is_zero()).then(|| wait.min(left))
    }

    /// Waits before the next attempt as [`next_wait`](Self::next_wait) says, and returns whether to make it.
    pub(crate) async fn pause(&mut self, retry_after: Option<Duration>, calls: u32) -> bool {
        let Some(wait) = self.next_wait(retry_after, calls) else { return false };
        tokio::time::sleep(wait).await;
        true
    }
}

/// Returns the longest wait after this many attempts. The actual wait is random, so that clients do not all come
/// back at once.
fn longest_wait(tries: u32) -> Duration {
    FIRST.saturating_mul(1 << tries.saturating_sub(1).min(8)).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timer(limit: Duration) -> RetryTimer {
        RetryTimer::new(limit, Arc::new(Outage::new(limit)), None)
    }

    #[test]
    fn the_wait_doubles_up_to_its_limit() {
        let seconds: Vec<f32> = (1..=7).map(|tries| longest_wait(tries).as_secs_f32()).collect();
        assert_eq!(seconds, [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]);
        assert_eq!(longest_wait(u32::MAX), LONGEST);
    }

    #[test]
    fn the_wait_is_at_least_what_the_server_asks_for() {
        let mut patience = timer(Duration::from_secs(60));
        let wait = patience.next_wait(Some(Duration::from_secs(7)), u32::MAX).unwrap();
        assert!((7.0..7.5).contains(&wait.as_secs_f32()), "{wait:?}");
    }

    #[test]
    fn a_wait_beyond_the_retry_limit_is_not_started() {
        let mut patience = timer(Duration::from_secs(60));
        assert_eq!(patience.next_wait(Some(Duration::from_secs(61)), u32::MAX), None);
        assert_eq!(timer(Duration::ZERO).next_wait(None, u32::MAX), None);
    }

    #[test]
    fn retries_stop_at_the_attempt_limit() {
        let mut patience = timer(Duration::from_secs(60));
        let waits = [0; 3].map(|_| patience.next_wait(None, 3).is_some());
        assert_eq!(waits, [true, true, false]);
    }

    #[test]
    fn all_requests_share_one_retry_limit_per_outage() {
        let limit = Duration::from_secs(60);
        let outage = Arc::new(Outage::new(limit));
        let ago = |seconds| Instant::now().checked_sub(Duration::from_secs(seconds)).unwrap();
        outage.note_failure(ago(59));
        let wait = RetryTimer::new(limit, Arc::clone(&outage), None).next_wait(None, u32::MAX);
        assert!(wait.unwrap() <= Duration::from_secs(1), "{wait:?}");
        outage.note_answer();
        outage.note_failure(ago(60));
        let mut late = RetryTimer::new(limit, Arc::clone(&outage), None);
        assert_eq!(late.next_wait(None, u32::MAX), None);
        outage.note_answer();
        assert!(RetryTimer::new(limit, outage, None).next_wait(None, u32::MAX).is_some());
    }

    #[test]
    fn no_attempt_begins_after_the_end_of_the_run() {
        let limit = Duration::from_secs(60);
        let timer = |until| RetryTimer::new(limit, Arc::new(Outage::new(limit)), Some(until));
        let soon = Instant::now() + Duration::from_secs(50);
        assert_eq!(timer(soon).next_wait(Some(Duration::from_secs(51)), u32::MAX), None);
        assert!(timer(soon).next_wait(None, u32::MAX).is_some());
        assert_eq!(timer(Instant::now()).next_wait(None, u32::MAX), None);
    }
}
