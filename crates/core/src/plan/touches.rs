//! The reach of a plan: the number of things that it touches.

use super::{Change, ChangeKind, Plan, WorkerEdit};
use crate::model::{Address, PoolHandle, ProcessName};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// The things that a plan touches, each counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touches {
    /// Pools that are written, or that steps or workers join or leave.
    pub pools: usize,
    /// Workers.
    pub workers: usize,
    /// Projects with a step that moves.
    pub projects: usize,
    /// Steps that move.
    pub steps: usize,
    /// Runbooks with a step that moves.
    pub runbooks: usize,
    /// Values of worker pool variables.
    #[serde(default)]
    pub variables: usize,
    /// Deployment targets.
    #[serde(default)]
    pub targets: usize,
    /// Further steps that will run in another place.
    #[serde(default)]
    pub affected: Affected,
}

/// Steps that a plan makes run in another place, or not at all, although no change names them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Affected {
    /// The number of steps.
    pub steps: usize,
    /// The number of projects that they are in.
    pub projects: usize,
    /// The number of runbooks that they are in.
    pub runbooks: usize,
}

impl Plan {
    /// Counts the things that the changes touch.
    pub fn count_touched(&self) -> Touches {
        let mut pools: HashSet<String> = HashSet::new();
        let mut runbooks = HashSet::new();
        let mut projects = HashSet::new();
        let (mut workers, mut steps, mut variables, mut targets) = (0, 0, 0, 0);
        for change in &self.changes {
            pools.extend(related_pools(change).into_iter().map(|it| it.to_string()));
            match &change.address {
                Address::Worker(_) => workers += 1,
                Address::Pool(_) => _ = pools.insert(change.address.to_string()),
                Address::Step { project, process, .. } => {
                    steps += 1;
                    projects.insert(project);
                    runbooks.extend(runbook_name(process).map(|name| (project, name)));
                }
                Address::Variable { .. } => variables += 1,
                Address::Target(_) => targets += 1,
                Address::BuiltInWorker | Address::PoolOrder => {}
            }
        }
        let (pools, projects, runbooks) = (pools.len(), projects.len(), runbooks.len());
        let affected = self.consequences.count_affected();
        Touches { pools, workers, projects, steps, runbooks, variables, targets, affected }
    }
}

fn runbook_name(process: &ProcessName) -> Option<&String> {
    match process {
        ProcessName::Runbook(name) => Some(name),
        ProcessName::Deployment => None,
    }
}

/// Returns the pools that a change involves besides the one at its address.
fn related_pools(change: &Change) -> Vec<&Address> {
    match &change.kind {
        ChangeKind::PlaceStep { edits, .. } => {
            let pools = edits.pool_before().into_iter().chain(edits.pool_after());
            pools.map(PoolHandle::address).collect()
        }
        ChangeKind::UpdateWorker { edits, .. } => edits
            .iter()
            .flat_map(|edit| match edit {
                WorkerEdit::Pools(pools) => {
                    let differ = |handle: &&PoolHandle| {
                        pools.before().contains(handle) != pools.after().contains(handle)
                    };
                    let all = pools.before().iter().chain(pools.after());
                    all.filter(differ).map(PoolHandle::address).collect()
                }
                _ => Vec::new(),
            })
            .collect(),
        ChangeKind::CreateWorker(new) | ChangeKind::ReplaceWorker { new, .. } => {
            new.pools.iter().map(PoolHandle::address).collect()
        }
        ChangeKind::SetValue { edit, .. } => edit
            .pool_before()
            .into_iter()
            .chain(edit.pool_after())
            .map(PoolHandle::address)
            .collect(),
        ChangeKind::SetTargetPool { pool, .. } => {
            pool.before().iter().chain(pool.after()).map(PoolHandle::address).collect()
        }
        ChangeKind::SetDefaultPool { from, to } => {
            from.iter().chain([to]).map(PoolHandle::address).collect()
        }
        ChangeKind::CreatePool(_)
        | ChangeKind::UpdatePool { .. }
        | ChangeKind::DeletePool { .. }
        | ChangeKind::DeleteWorker { .. }
        | ChangeKind::SortPools { .. }
        | ChangeKind::SetBuiltInWorker { .. } => Vec::new(),
    }
}
