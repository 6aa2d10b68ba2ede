//! How long simulated work takes, and how much of it runs at once.

use std::time::Duration;

/// How long simulated work takes, and how much of it runs at once.
#[derive(Clone, Debug)]
pub struct Pace {
    /// How long a deployment, a runbook run, a script or an upgrade holds its workers.
    pub work: Duration,
    /// How many tasks run at once in a new store; `PUT /api/octopusservernodes/{id}` changes it.
    pub tasks_at_once: u32,
    /// How long an access token is valid.
    pub token: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { work: Duration::from_secs(2), tasks_at_once: 5, token: Duration::from_secs(3600) }
    }
}
