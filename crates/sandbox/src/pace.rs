//! How long what the sandbox only pretends takes, and how much of it goes on at once.
//!
//! Never: a clock; whoever handles a request says what time it is.

use std::time::Duration;

/// How long simulated things take, and how many go on at once.
#[derive(Clone, Debug)]
pub struct Pace {
    /// How long a deployment, a runbook run, a script or an upgrade holds its workers.
    pub work: Duration,
    /// How many tasks a new store's server does at once; `PUT /api/octopusservernodes/{id}` changes it.
    pub tasks_at_once: u32,
    /// How long an access token opens the door that was got for an identity.
    pub token: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { work: Duration::from_secs(2), tasks_at_once: 5, token: Duration::from_secs(3600) }
    }
}
