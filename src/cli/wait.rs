//! `--wait-healthy`: moves steps once the workers that will run them are healthy.

use super::print::errln;
use crate::ops::{LackingPermission, lacking_check_permission};
use poolwright_client::{apply::HealthWait, octopus::Connection};
use poolwright_core::{diff::find_arrivals, live::Live, plan::Plan, text::pluralize};

use jiff::SignedDuration;
use std::time::Duration;

/// The shortest wait.
const SHORTEST: Duration = Duration::from_secs(1);
/// The longest wait: half a day.
const LONGEST: Duration = Duration::from_secs(12 * 60 * 60);

/// Whether steps wait, and for how long.
#[derive(Clone, Copy, Debug, clap::Args)]
#[group(skip)]
pub(super) struct Args {
    /// Check the workers in each pool that gets steps, and wait this long for a healthy one (`90s`, `5m`, `1h`).
    /// Steps whose pool has none by then are not moved; all other changes are made.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    wait_healthy: Option<Duration>,
}

impl Args {
    /// Whether steps wait.
    pub(super) fn is_enabled(self) -> bool {
        self.wait_healthy.is_some()
    }

    /// Returns what the steps of a plan wait for: nothing, unless waiting is enabled.
    pub(super) fn plan_wait(self, plan: &Plan, live: &Live) -> HealthWait {
        match self.wait_healthy {
            Some(limit) => HealthWait { limit, arrivals: find_arrivals(plan, live) },
            None => HealthWait::default(),
        }
    }

    /// Warns that no health check can be started, if the server would refuse one.
    pub(super) async fn warn_no_checks(self, connection: &Connection, plan: &Plan) {
        if !self.is_enabled() {
            return;
        }
        let lacking = lacking_check_permission(&connection.reader(), plan).await;
        if let Some(LackingPermission { permission, needed_by }) = lacking {
            let steps = pluralize(needed_by, "step");
            errln!(
                "warning: the API key's user lacks {permission}; health checks cannot be started, and those of \
                 {steps} that wait for one will not be moved"
            );
        }
    }
}

fn parse_duration(text: &str) -> Result<Duration, String> {
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
    fn a_duration_has_units_and_is_from_a_second_to_half_a_day() {
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
