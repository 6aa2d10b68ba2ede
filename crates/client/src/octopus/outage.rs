//! How long the server has not answered: shared by all requests of a connection, so that a server that is gone
//! costs a run the patience of one request, not of each.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// The present outage, if there is one.
#[derive(Debug)]
pub(super) struct Outage {
    limit: Duration,
    span: Mutex<Option<OutageSpan>>,
}

#[derive(Clone, Copy, Debug)]
struct OutageSpan {
    /// When its first failed request began.
    since: Instant,
    /// When its last failure was noted.
    last: Instant,
}

impl Outage {
    /// Returns no outage. One that lasts for `limit` is not waited out.
    pub(super) fn new(limit: Duration) -> Self {
        Self { limit, span: Mutex::default() }
    }

    /// Notes that a request that began at this time was not answered by the server.
    pub(super) fn note_failure(&self, began: Instant) {
        let mut span = self.lock_span();
        let now = Instant::now();
        // Failures that are far apart, with no request between them, are not one outage.
        let known = span.filter(|span| began.saturating_duration_since(span.last) <= self.limit);
        let since = known.map_or(began, |span| span.since);
        *span = Some(OutageSpan { since, last: now });
    }

    /// Notes that the server has answered.
    pub(super) fn note_answer(&self) {
        *self.lock_span() = None;
    }

    /// Returns when the outage began; `None` if the server answers.
    pub(super) fn start(&self) -> Option<Instant> {
        self.lock_span().map(|span| span.since)
    }

    /// Returns how long the outage has lasted, once that is too long to wait it out.
    pub(super) fn length_over_limit(&self) -> Option<Duration> {
        let length = self.start()?.elapsed();
        (length >= self.limit).then_some(length)
    }

    fn lock_span(&self) -> std::sync::MutexGuard<'_, Option<OutageSpan>> {
        self.span.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    #[test]
    fn an_outage_begins_with_its_first_failure_and_ends_with_an_answer() {
        let outage = Outage::new(LIMIT);
        let now = Instant::now();
        outage.note_failure(now);
        assert_eq!((outage.start(), outage.length_over_limit()), (Some(now), None));
        outage.note_answer();
        assert_eq!(outage.start(), None);
        let began = now.checked_sub(LIMIT).unwrap();
        outage.note_failure(began);
        outage.note_failure(now);
        assert_eq!(outage.start(), Some(began));
        assert!(outage.length_over_limit() >= Some(LIMIT));
    }

    #[test]
    fn failures_that_are_far_apart_are_not_one_outage() {
        let outage = Outage::new(LIMIT);
        outage.note_failure(Instant::now().checked_sub(LIMIT).unwrap());
        let later = Instant::now() + LIMIT * 5;
        outage.note_failure(later);
        assert_eq!((outage.start(), outage.length_over_limit()), (Some(later), None));
    }
}
