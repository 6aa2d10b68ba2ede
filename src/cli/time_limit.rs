//! `--timeout`: a bound for a whole run, after which nothing is begun.

use poolwright_client::apply::Deadline;

use jiff::SignedDuration;
use std::time::Duration;
use tokio::time::Instant;

/// The shortest duration of a flag.
const SHORTEST: Duration = Duration::from_secs(1);
/// The longest duration of a flag.
const LONGEST: Duration = Duration::from_secs(12 * 60 * 60);
/// The time of a run without changes.
const BASE: Duration = Duration::from_secs(15 * 60);
/// The further time for each change.
const PER_CHANGE: Duration = Duration::from_secs(1);

/// How long a run may take.
#[derive(Clone, Copy, Debug, clap::Args)]
#[group(skip)]
pub(super) struct Args {
    /// Begin nothing more after this time, and exit with 5 (`10m`, `2h`) [default: 15 minutes, and a second for
    /// each change, and the time of `--wait-healthy`].
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    timeout: Option<Duration>,
}

/// The time that a run has taken, without the time that a person took to answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunClock {
    since: Instant,
}

impl RunClock {
    /// Starts with the run.
    pub(super) fn start() -> Self {
        Self { since: Instant::now() }
    }

    /// Returns a clock that leaves out a time.
    pub(super) fn without(self, time: Duration) -> Self {
        Self { since: self.since + time }
    }
}

impl Args {
    /// Returns when a run ends that makes this number of changes and waits this long for healthy workers.
    pub(super) fn deadline(
        self,
        clock: RunClock,
        changes: usize,
        wait: Option<Duration>,
    ) -> Deadline {
        let limit = self.timeout.unwrap_or_else(|| default_limit(changes, wait));
        Deadline { at: clock.since + limit, limit }
    }

    /// Runs what comes before the first change, which only an explicit limit bounds.
    ///
    /// # Errors
    ///
    /// That of `work`, or that the time is over.
    pub(super) async fn bound<T>(
        self,
        clock: RunClock,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        match self.timeout {
            Some(limit) => finish_before(Deadline { at: clock.since + limit, limit }, work).await,
            None => work.await,
        }
    }
}

/// Runs something that writes nothing, until the deadline.
///
/// # Errors
///
/// That of `work`, or that the time is over.
pub(super) async fn finish_before<T>(
    deadline: Deadline,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    let over = || {
        crate::ops::error_with_help(
            "the time limit of this run is over; nothing was written",
            "allow more time with `--timeout`",
        )
    };
    tokio::time::timeout_at(deadline.at, work).await.unwrap_or_else(|_| Err(over()))
}

fn default_limit(changes: usize, wait: Option<Duration>) -> Duration {
    let changes = u32::try_from(changes).unwrap_or(u32::MAX);
    BASE.saturating_add(PER_CHANGE.saturating_mul(changes)).saturating_add(wait.unwrap_or_default())
}

/// Parses a duration as a user writes it: `90s`, `5m`, `1h30m`.
pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    let span: Option<SignedDuration> = text.parse().ok();
    let duration = span.and_then(|span| Duration::try_from(span).ok());
    let in_range = duration.filter(|duration| (SHORTEST..=LONGEST).contains(duration));
    in_range.ok_or_else(|| {
        "expected a duration from 1s to 12h, such as `90s`, `5m` or `1h30m`".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_limit_grows_with_the_number_of_changes() {
        let minutes = |changes, wait| default_limit(changes, wait).as_secs_f64() / 60.0;
        assert_eq!(
            [0, 60, 10_000].map(|changes| minutes(changes, None).round()),
            [15.0, 16.0, 182.0]
        );
        assert_eq!(minutes(60, Some(Duration::from_secs(300))), 21.0);
        assert!(default_limit(usize::MAX, None) > LONGEST);
    }

    #[test]
    fn a_duration_needs_a_unit_and_lies_between_1_second_and_12_hours() {
        let seconds = |text| parse_duration(text).map(|duration| duration.as_secs());
        let table = [
            ("1s", 1),
            ("90s", 90),
            ("5m", 300),
            ("1h30m", 5400),
            ("1h 30m", 5400),
            ("2 minutes", 120),
            ("1.5h", 5400),
            ("12h", 43_200),
        ];
        for (text, expected) in table {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        let wrong = ["", "5", "m", "0s", "-1s", "13h", "2 days", "1 month", "5ü"];
        for text in wrong.into_iter().chain(["99999999999999999999h"]) {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
