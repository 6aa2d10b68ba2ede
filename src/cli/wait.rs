//! `--wait-healthy`: moves steps once the workers that will run them are healthy.

use super::{print::errln, time_limit::parse_duration};
use crate::ops::{LackingPermission, lacking_check_permission};
use poolwright_client::{apply::HealthWait, octopus::Connection};
use poolwright_core::{diff::find_arrivals, live::Live, plan::Plan, text::pluralize};

use std::time::Duration;

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

    /// Returns how long steps may wait for healthy workers.
    pub(super) fn limit(self) -> Option<Duration> {
        self.wait_healthy
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
