//! `--wait-healthy`: steps that move once the workers that they come to are healthy.

use super::print::errln;
use poolwright_client::{apply::HealthWait, octopus::Connection};
use poolwright_core::{
    diff::find_arrivals,
    live::Live,
    plan::{ChangeKind, Plan},
    text::pluralize,
};
use poolwright_refresh::lacking_permissions;

use std::time::Duration;

/// The longest time that may be waited, in seconds: half a day.
const LONGEST: u64 = 12 * 60 * 60;

/// Whether steps wait, and how long.
#[derive(Clone, Copy, Debug, clap::Args)]
#[group(skip)]
pub(super) struct Args {
    /// Check the workers of each pool that gets steps, and wait so long for healthy ones: `90s`, `5m`, `1h`.
    /// Where there are none by then the steps stay where they are, and all else is done.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    wait_healthy: Option<Duration>,
}

impl Args {
    /// Whether steps wait.
    pub(super) fn is_enabled(self) -> bool {
        self.wait_healthy.is_some()
    }

    /// What the steps of a plan wait for; nothing where nobody wants them to.
    pub(super) fn plan_wait(self, plan: &Plan, live: &Live) -> HealthWait {
        match self.wait_healthy {
            Some(limit) => HealthWait { limit, arrivals: find_arrivals(plan, live) },
            None => HealthWait::default(),
        }
    }

    /// Tells that no health check can be started, where the server says that it will refuse that.
    pub(super) async fn warn_no_checks(self, connection: &Connection, plan: &Plan) {
        if !self.is_enabled() || plan.requirements.is_empty() {
            return;
        }
        let (reader, space) = (connection.reader(), &plan.header.space.id);
        let steps = plan
            .changes
            .iter()
            .filter(|change| matches!(change.kind, ChangeKind::PlaceStep { .. }));
        let steps = pluralize(steps.count(), "step");
        for permission in lacking_permissions(&reader, space, [CHECKS]).await {
            errln!(
                "warning: the key's user lacks {permission}: no health check can be started, and of {steps} \
                 those stay that wait for one"
            );
        }
    }
}

/// The permission that a health check takes.
///
/// # Source
///
/// `api.md` 3.10.
const CHECKS: &str = "TaskCreate";

fn parse_duration(text: &str) -> Result<Duration, String> {
    let seconds = [("s", 1), ("m", 60), ("h", 3600)].into_iter().find_map(|(unit, seconds)| {
        let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
        number.checked_mul(seconds)
    });
    match seconds {
        Some(seconds @ 1..=LONGEST) => Ok(Duration::from_secs(seconds)),
        _ => Err("a time from 1s to 12h, such as `90s`, `5m` or `1h`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_and_a_unit() {
        let seconds = |text| parse_duration(text).map(|it| it.as_secs());
        assert_eq!(["1s", "90s", "5m", "12h"].map(seconds), [Ok(1), Ok(90), Ok(300), Ok(43_200)]);
        for wrong in
            ["", "5", "m", "0s", "-1s", "1.5h", "5 m", "13h", "99999999999999999999h", "5ü"]
        {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
