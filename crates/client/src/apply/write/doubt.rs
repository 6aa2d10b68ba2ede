//! The attempts at one write: what is in doubt after them, and whether there may be another.
//!
//! After every attempt that is in doubt the object is looked at, also after the last. Never: a request.

use super::WriteFailure;
use crate::{
    apply::writer::WriteDoubt,
    octopus::{ClientError, retry::RetryTimer},
};

/// The attempts so far.
pub(super) struct WriteAttempts {
    timer: RetryTimer,
    /// Why the last attempt is in doubt.
    last: Option<String>,
    /// Whether an attempt may still be under way.
    unanswered: bool,
    is_over: bool,
}

impl WriteAttempts {
    pub(super) fn new(timer: RetryTimer) -> Self {
        Self { timer, last: None, unanswered: false, is_over: false }
    }

    /// Whether an attempt may have been done.
    pub(super) fn are_in_doubt(&self) -> bool {
        self.last.is_some()
    }

    /// Whether there was an attempt.
    pub(super) fn have_begun(&self) -> bool {
        self.timer.tries() > 0
    }

    /// Whether there is no further attempt.
    pub(super) fn are_over(&self) -> bool {
        self.is_over
    }

    /// Notes a doubt, and waits before the object is looked at.
    pub(super) async fn wait_to_look(&mut self, doubt: WriteDoubt) {
        let WriteDoubt { error, unanswered, retry_after, calls } = doubt;
        (self.last, self.unanswered) = (Some(error), self.unanswered || unanswered);
        // Also waits after the last attempt, which the server may still be processing.
        let has_time = self.timer.pause(retry_after, u32::MAX).await;
        self.is_over = !has_time || self.timer.tries() >= calls;
    }

    /// Notes that nothing was done, but that another attempt may succeed. Returns whether to make it.
    pub(super) async fn wait_to_repeat(&mut self, calls: u32) -> bool {
        self.is_over = !self.timer.pause(None, calls).await;
        !self.is_over
    }

    /// Returns the failure if the object shows that the write was not done.
    pub(super) fn not_done(&self, error: impl ToString) -> WriteFailure {
        WriteFailure { unknown: self.unanswered, ..WriteFailure::new(error) }
    }

    /// Returns the failure of the last attempt, which the object shows not to have been done.
    pub(super) fn last_failure(&self) -> WriteFailure {
        self.not_done(self.last.as_deref().unwrap_or("nothing was tried"))
    }

    /// Returns the failure of an attempt that the server refused.
    pub(super) fn refused(&self, error: &ClientError) -> WriteFailure {
        self.not_done(error.with_help())
    }

    /// Returns the failure if the object cannot be looked at.
    pub(super) fn unseen(&self, error: impl ToString) -> WriteFailure {
        let error = match &self.last {
            Some(last) => format!("{last}; and it cannot be read: {}", error.to_string()),
            None => error.to_string(),
        };
        WriteFailure { unknown: self.last.is_some(), ..WriteFailure::new(error) }
    }
}
