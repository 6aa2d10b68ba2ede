//! How a plan is made, as it is recorded: the clock, the working tree, the CI job and the server's user.

use super::{ci_job, commit::find_commit, receipt::current_time, session::Session};
use crate::ops::user_name;
use poolwright_core::plan::{Plan, PlanOrigin, PlanStamp};

use std::{sync::Mutex, time::Duration};
use tokio::task::JoinHandle;

/// How long a run waits for the name of its user once everything else is there.
const PATIENCE: Duration = Duration::from_secs(10);

/// The name of the key's user, read while other things are. A server that does not tell it stops nothing.
pub(super) struct UserLookup(Mutex<Option<JoinHandle<Option<String>>>>);

impl UserLookup {
    /// Asks the server.
    pub(super) fn start(session: &Session) -> Self {
        let reader = session.connection.reader();
        Self(Mutex::new(Some(tokio::spawn(async move { user_name(&reader).await }))))
    }

    /// Returns the name, once; `None` if the server does not tell it in time.
    pub(super) async fn finish(&self) -> Option<String> {
        let task = self.0.lock().ok()?.take()?;
        let stop = task.abort_handle();
        let name = tokio::time::timeout(PATIENCE, task).await;
        stop.abort();
        name.ok()?.ok()?
    }
}

/// Records how a plan that is saved was made.
pub(super) fn stamp_saved_plan(plan: &mut Plan, user: Option<String>) {
    stamp_commit(plan);
    let stamp = plan.header.stamp.clone();
    let (at, job) = (Some(current_time()), ci_job::current_job());
    plan.header.stamp = PlanStamp { at, user, job, ..stamp };
}

/// Records the commit that a plan comes from. The receipt of a rollback comes from none.
pub(super) fn stamp_commit(plan: &mut Plan) {
    if plan.header.origin == PlanOrigin::Files {
        plan.header.stamp.commit = find_commit(&plan.header.files, ci_job::current_commit());
    }
}
