//! How long to wait before a request is tried again, and when to give up.

use std::time::Duration;
use tokio::time::Instant;

/// The longest wait before the second try; doubled each time.
const FIRST: Duration = Duration::from_millis(500);
/// The longest wait that is chosen here; a server may ask for more.
const LONGEST: Duration = Duration::from_secs(10);
/// How often a server is called that has not answered yet: a mistyped host shall not take a minute.
pub(super) const FIRST_CALLS: u32 = 3;
/// How often an answer is asked for that breaks off each time: a server that restarts refuses to be
/// called, but one that cuts its answers short will go on doing so.
pub(super) const BROKEN_CALLS: u32 = 6;
/// How often something of one repository is asked for while a gateway says that it is not to be had: the server
/// answers, and what it asks for behind it may be away for days.
pub(super) const REPOSITORY_CALLS: u32 = 4;

/// The tries of one request.
#[derive(Debug)]
pub(super) struct RetryTimer {
    limit: Duration,
    since: Option<Instant>,
    tries: u32,
}

impl RetryTimer {
    /// Patience for so long, counted from the first failure.
    pub(super) fn new(limit: Duration) -> Self {
        Self { limit, since: None, tries: 0 }
    }

    /// How long to wait before the next try; `None` once it would be too late.
    ///
    /// `asked` is what the server asks to wait, and `calls` how often it is called at most.
    pub(super) fn next_wait(&mut self, asked: Option<Duration>, calls: u32) -> Option<Duration> {
        let since = *self.since.get_or_insert_with(Instant::now);
        self.tries += 1;
        if calls <= self.tries {
            return None;
        }
        let asked = asked.unwrap_or_default();
        let wait = asked.saturating_add(longest_wait(self.tries).mul_f64(fastrand::f64()));
        let left = self.limit.saturating_sub(since.elapsed());
        (asked <= left && !left.is_zero()).then(|| wait.min(left))
    }
}

/// The longest wait after so many tries. The wait itself is chance, so that many do not come back at once.
fn longest_wait(tries: u32) -> Duration {
    FIRST.saturating_mul(1 << tries.saturating_sub(1).min(8)).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_its_limit() {
        let seconds: Vec<f32> = (1..=7).map(|tries| longest_wait(tries).as_secs_f32()).collect();
        assert_eq!(seconds, [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]);
        assert_eq!(longest_wait(u32::MAX), LONGEST);
    }

    #[test]
    fn what_the_server_asks_for_is_the_least() {
        let mut patience = RetryTimer::new(Duration::from_secs(60));
        let wait = patience.next_wait(Some(Duration::from_secs(7)), u32::MAX).unwrap();
        assert!((7.0..7.5).contains(&wait.as_secs_f32()), "{wait:?}");
    }

    #[test]
    fn nobody_waits_longer_than_patience_lasts() {
        let mut patience = RetryTimer::new(Duration::from_secs(60));
        assert_eq!(patience.next_wait(Some(Duration::from_secs(61)), u32::MAX), None);
        assert_eq!(RetryTimer::new(Duration::ZERO).next_wait(None, u32::MAX), None);
    }

    #[test]
    fn nobody_is_called_more_often_than_that() {
        let mut patience = RetryTimer::new(Duration::from_secs(60));
        let waits = [0; 3].map(|_| patience.next_wait(None, 3).is_some());
        assert_eq!(waits, [true, true, false]);
    }
}
