//! Who points at a pool.

use super::{Live, Runs, runs};
use crate::model::{Id, Place, Pool};

/// Everything that is known to point at `pool`, in words, in a fixed order: members, steps,
/// variables and targets.
///
/// A step whose pool field lingers though it runs on its targets counts too: the server counts it.
pub fn users_of_pool(live: &Live, pool: &Id<Pool>) -> Vec<String> {
    let members = live.members(pool).map(|worker| format!("worker {:?}", worker.name));
    let steps = live.processes.iter().flat_map(|process| {
        let uses = process.steps.iter().filter(|step| step.place == Place::Pool(pool.clone()));
        uses.map(|step| match runs(step) {
            Runs::OnWorker(_) => process.address(step).to_string(),
            _ => format!("{} (which does not run on a worker)", process.address(step)),
        })
    });
    let pointers = live.pointers.iter().filter(|it| it.pool == *pool).map(|it| it.what.clone());
    members.chain(steps).chain(pointers).collect()
}
