//! One function a kind of change.

mod endpoint;
mod pool;
mod server;
mod step;
mod worker;

pub(super) use step::steps;

use super::desk::{Desk, Made, Trouble};
use crate::plan::{Change, ChangeKind};

/// Makes a change that is a write of its own.
pub(super) async fn one(desk: &Desk, change: &Change) -> Result<Made, Trouble> {
    match &change.kind {
        ChangeKind::CreatePool(new) => pool::create(desk, &change.address, new).await,
        ChangeKind::UpdatePool { id, edits } => pool::update(desk, id, edits).await,
        ChangeKind::DeletePool { id, name } => pool::delete(desk, id, name).await,
        ChangeKind::SetDefaultPool { to, .. } => pool::make_default(desk, to).await,
        ChangeKind::SortPools { order, .. } => pool::sort(desk, order).await,
        ChangeKind::CreateWorker(new) => worker::create(desk, new).await,
        ChangeKind::UpdateWorker { id, edits } => worker::update(desk, id, edits).await,
        ChangeKind::ReplaceWorker { id, name, new, .. } => {
            worker::replace(desk, id, name, new).await
        }
        ChangeKind::DeleteWorker { id, name } => worker::delete(desk, id, name).await,
        ChangeKind::SetBuiltInWorker { on } => server::switch(desk, *on).await,
        ChangeKind::PlaceStep { .. } => {
            Err(Trouble::Failed("a step is written with its process".to_owned()))
        }
    }
}
