//! The writes: one function per kind of change, and their shared parts.
//!
//! Every write reads first, and writes nothing if the server has changed since the plan. Never: a choice that
//! the plan left open.

mod actions;
mod commit;
mod create;
mod delete;
mod doubt;
mod endpoint;
mod field;
mod indirect_pools;
mod late_check;
mod modify;
mod pool;
mod presence;
mod server;
mod spelling;
mod step;
mod turn;
mod worker;

use super::{ApplyEvent, ApplyListener, LateChecks, late::LateReads};
use crate::{
    apply::writer::Writer,
    octopus::{ClientError, SpaceReader},
};
use commit::RepositoryUse;
use poolwright_core::{
    model::{Address, Id, Pool, PoolHandle, Space},
    plan::{Change, ChangeKind, Plan},
    receipt::{ChangeOutcome, WrittenField},
};

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::OnceCell;

/// The outcome of a change, by its index in the plan.
pub(super) type IndexedOutcome = (usize, ChangeOutcome);

/// The result of a change that was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct WriteSuccess {
    /// The id of the object that was created, or already existed.
    id: Option<String>,
    /// The changed fields.
    written: Vec<WrittenField>,
}

/// Why a change was not made.
#[derive(Clone, Debug, PartialEq, Eq)]
struct WriteFailure {
    error: String,
    /// Whether it may have been made anyway.
    unknown: bool,
    /// Whether it was made in part. If neither, nothing was written, and there is nothing to undo.
    partial: bool,
}

type WriteResult<T, E = WriteFailure> = std::result::Result<T, E>;

impl WriteFailure {
    /// Returns the failure of a change that certainly was not made.
    fn new(error: impl ToString) -> Self {
        Self { error: error.to_string(), unknown: false, partial: false }
    }

    /// Returns the failure of a change that was not sent, because something it needs cannot be read.
    fn from_unread(error: ClientError) -> Self {
        Self::new(error.with_help())
    }
}

/// Makes the changes of a plan.
pub(super) struct ChangeWriter<'a> {
    writer: Writer<'a>,
    late: Option<&'a LateChecks<'a>>,
    late_reads: LateReads,
    space: &'a Id<Space>,
    changes: &'a [Change],
    listener: &'a dyn ApplyListener,
    /// The pools that this apply created.
    made: Mutex<HashMap<&'a Address, Id<Pool>>>,
    /// The machine policy of workers without one.
    default_policy: OnceCell<String>,
    /// A lock for each repository, by URL: two concurrent commits would conflict.
    repositories: Mutex<HashMap<String, Arc<tokio::sync::Mutex<RepositoryUse>>>>,
    /// The folder of the locks that keep applies on this machine apart; `None` for no locks.
    turns: Option<&'a Path>,
}

impl<'a> ChangeWriter<'a> {
    pub(super) fn new(
        writer: Writer<'a>,
        plan: &'a Plan,
        late: Option<&'a LateChecks<'a>>,
        listener: &'a dyn ApplyListener,
        turns: Option<&'a Path>,
    ) -> Self {
        Self {
            writer,
            late,
            late_reads: LateReads::default(),
            space: &plan.header.space.id,
            changes: &plan.changes,
            listener,
            made: Mutex::default(),
            default_policy: OnceCell::new(),
            repositories: Mutex::default(),
            turns,
        }
    }

    /// Makes the changes of a unit with one write.
    pub(super) async fn write_unit(&self, unit: Vec<usize>) -> Vec<IndexedOutcome> {
        for index in &unit {
            self.listener.note_event(ApplyEvent::Started { index: *index });
        }
        let first = unit.first().and_then(|index| self.changes.get(*index));
        let results = match (unit.as_slice(), first.map(|it| &it.kind)) {
            (_, Some(ChangeKind::PlaceStep { .. })) => self.place_steps(&unit).await,
            (_, Some(ChangeKind::SetValue { .. })) => self.set_values(&unit).await,
            (indices, _) => {
                let mut results = Vec::with_capacity(indices.len());
                for index in indices {
                    results.push((*index, self.write_change(*index).await));
                }
                results
            }
        };
        results
            .into_iter()
            .map(|(index, result)| (index, self.report_outcome(index, result)))
            .collect()
    }

    fn report_outcome(&self, index: usize, result: WriteResult<WriteSuccess>) -> ChangeOutcome {
        let (outcome, event) = match result {
            Ok(WriteSuccess { id, written }) => {
                (ChangeOutcome::Done, ApplyEvent::Done { index, id, written })
            }
            Err(WriteFailure { error, unknown, partial }) => {
                let outcome = if unknown { ChangeOutcome::Unknown } else { ChangeOutcome::Failed };
                (outcome, ApplyEvent::Failed { index, error, unknown, partial })
            }
        };
        self.listener.note_event(event);
        outcome
    }

    async fn write_change(&self, index: usize) -> WriteResult<WriteSuccess> {
        let Some(Change { address, kind, .. }) = self.changes.get(index) else {
            return Err(WriteFailure::new("the plan has no such change"));
        };
        match kind {
            ChangeKind::CreatePool(new) => self.create_pool(index, address, new).await,
            ChangeKind::UpdatePool { id, edits } => self.update_pool(index, id, edits).await,
            ChangeKind::DeletePool { id, name } => self.delete_pool(index, id, name).await,
            ChangeKind::SetDefaultPool { from, to } => {
                self.set_default_pool(index, from.as_ref(), to).await
            }
            ChangeKind::SortPools { before, order } => self.sort_pools(index, before, order).await,
            ChangeKind::CreateWorker(new) => self.create_worker(index, new).await,
            ChangeKind::UpdateWorker { id, edits } => self.update_worker(index, id, edits).await,
            ChangeKind::ReplaceWorker { id, name, new, .. } => {
                self.replace_worker(index, id, name, new).await
            }
            ChangeKind::DeleteWorker { id, name } => self.delete_worker(index, id, name).await,
            ChangeKind::SetBuiltInWorker { enabled: on } => {
                self.set_built_in_worker(index, *on).await
            }
            ChangeKind::SetTargetPool { id, pool, restored: exactly } => {
                self.set_target_pool(index, id, pool, exactly.as_deref()).await
            }
            ChangeKind::PlaceStep { .. } | ChangeKind::SetValue { .. } => {
                Err(WriteFailure::new("it must be written with its whole process or variable set"))
            }
        }
    }

    /// The space.
    pub(super) fn space_id(&self) -> &Id<Space> {
        self.space
    }

    /// The writer of the space, for requests that are not changes of the plan.
    pub(super) fn writer(&self) -> &Writer<'a> {
        &self.writer
    }

    /// What writes rely on; `None` if nothing is to be asked again.
    pub(super) fn late_checks(&self) -> Option<&'a LateChecks<'a>> {
        self.late
    }

    /// What late checks share.
    pub(super) fn late_reads(&self) -> &LateReads {
        &self.late_reads
    }

    fn space_reader(&self) -> SpaceReader {
        self.writer.space_reader()
    }

    fn announce_write(&self, index: usize, written: &[WrittenField]) {
        self.listener.note_event(ApplyEvent::Writing { index, written: written.to_vec() });
    }

    /// Returns the id of a pool that is live, or was created by this apply.
    pub(super) fn pool_id(&self, handle: &PoolHandle) -> WriteResult<String, String> {
        let address = match handle {
            PoolHandle::Existing { id, .. } => return Ok(id.as_str().to_owned()),
            PoolHandle::New(address) => address,
        };
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let id = made.get(address).map(|id| id.as_str().to_owned());
        id.ok_or_else(|| format!("{address} was not created"))
    }

    fn pool_ids(&self, handles: &[PoolHandle]) -> WriteResult<Vec<String>, String> {
        handles.iter().map(|it| self.pool_id(it)).collect()
    }

    fn remember_created(&self, address: &'a Address, id: &str) {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.insert(address, Id::new(id));
    }
}
