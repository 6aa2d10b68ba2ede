//! The pools that a change refers to.

use super::{ChangeKind, WorkerEdit};
use crate::model::PoolHandle;

impl ChangeKind {
    /// Returns every pool that a change refers to, before and after it.
    pub fn pool_handles(&self) -> Vec<&PoolHandle> {
        match self {
            Self::CreateWorker(new) => new.pools.iter().collect(),
            Self::ReplaceWorker { old, new, .. } => {
                old.iter().flat_map(|old| &old.pools).chain(&new.pools).collect()
            }
            Self::UpdateWorker { edits, .. } => edits
                .iter()
                .filter_map(|edit| match edit {
                    WorkerEdit::Pools(pools) => Some(pools.before().iter().chain(pools.after())),
                    _ => None,
                })
                .flatten()
                .collect(),
            Self::PlaceStep { edits, .. } => {
                edits.pool_before().into_iter().chain(edits.pool_after()).collect()
            }
            Self::SetValue { edit, .. } => {
                edit.pool_before().into_iter().chain(edit.pool_after()).collect()
            }
            Self::SetTargetPool { pool, .. } => pool.before().iter().chain(pool.after()).collect(),
            Self::SetDefaultPool { from, to } => from.iter().chain([to]).collect(),
            Self::SortPools { before, order } => before.iter().chain(order).collect(),
            Self::CreatePool(_)
            | Self::UpdatePool { .. }
            | Self::DeletePool { .. }
            | Self::DeleteWorker { .. }
            | Self::SetBuiltInWorker { .. } => Vec::new(),
        }
    }
}
