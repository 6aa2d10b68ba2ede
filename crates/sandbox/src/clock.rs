//! The sandbox's clock: the system's time, and the time that was skipped.

use jiff::{SignedDuration, Timestamp};
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

/// The clock of simulated work, schedules and access tokens.
///
/// A test that waits for simulated work would depend on how fast the machine is. It skips the time instead.
#[derive(Clone, Debug, Default)]
pub(crate) struct SandboxClock {
    /// How many milliseconds this clock is ahead of the system's.
    skipped: Arc<AtomicI64>,
}

impl SandboxClock {
    /// The time of the sandbox.
    pub(crate) fn now(&self) -> Timestamp {
        let skipped = SignedDuration::from_millis(self.skipped.load(Ordering::Relaxed));
        Timestamp::now().saturating_add(skipped).unwrap_or(Timestamp::MAX)
    }

    /// Moves the clock forward.
    pub(crate) fn skip(&self, time: Duration) {
        let time = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        _ = self.skipped.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |skipped| {
            Some(skipped.saturating_add(time))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_moves_only_forward() {
        let clock = SandboxClock::default();
        let before = clock.now();
        clock.skip(Duration::from_secs(3600));
        assert!(clock.now().duration_since(before) >= SignedDuration::from_hours(1));
        clock.skip(Duration::MAX);
        clock.skip(Duration::MAX);
        assert_eq!(clock.now(), Timestamp::MAX);
    }
}
