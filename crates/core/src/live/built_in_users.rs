//! The steps that need the built-in worker.

use super::{Live, PoolUse, built_in_worker_pool, steps_in_pool, steps_maybe_in_pool};

/// Returns the steps of this space that need the built-in worker in any case, whether it is on or not.
pub fn steps_on_built_in(live: &Live) -> Vec<PoolUse> {
    let Some(pool) = built_in_worker_pool(live) else { return Vec::new() };
    steps_in_pool(live, &pool.id)
}

/// Describes the steps that need the built-in worker, in this space and in others.
pub fn describe_built_in_users(live: &Live) -> Vec<String> {
    let elsewhere = live.other_spaces.iter().flat_map(|space| space.on_built_in_worker.clone());
    steps_on_built_in(live).into_iter().chain(elsewhere).map(|it| it.what).collect()
}

/// Returns the steps of this space that may need the built-in worker.
pub fn steps_maybe_built_in(live: &Live) -> Vec<PoolUse> {
    let Some(pool) = built_in_worker_pool(live) else { return Vec::new() };
    steps_maybe_in_pool(live, &pool.id)
}
