//! Sorts what a server lists.
//!
//! A server lists its workers, projects and variables in an arbitrary order, which may change with an
//! upgrade. Plans must not change with it, so everything that is read is sorted once, here. Three orders
//! have a meaning and are kept: that of pools, which is one of their fields; that of the steps in a process
//! and of the values in a set, which is part of their documents; and that of the branches of a repository,
//! of which one may stand in for the one before it.

use super::{Live, LiveProcess, ProcessSnapshot, VariableOwner};
use crate::model::Name;

impl Live {
    /// Sorts every list whose order has no meaning.
    pub fn sort_lists(&mut self) {
        self.workers.sort_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
        self.projects.sort_by(|one, other| one.name.cmp(&other.name));
        self.processes.sort_by(|one, other| process_key(one).cmp(&process_key(other)));
        self.snapshots.sort_by_cached_key(snapshot_key);
        self.references.sort_by(|one, other| {
            let key = (one.kind, &one.what, &one.holder, &one.pool);
            key.cmp(&(other.kind, &other.what, &other.holder, &other.pool))
        });
        self.other_spaces.sort_by(|one, other| one.space.cmp(&other.space));
        let indirect = &mut self.indirect;
        indirect.variables.sort_by(|one, other| {
            (owner_key(&one.owner), &one.set).cmp(&(owner_key(&other.owner), &other.set))
        });
        indirect.sets.sort_by(|one, other| {
            (owner_key(&one.owner), &one.id).cmp(&(owner_key(&other.owner), &other.id))
        });
        indirect.targets.sort_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
        let directory = &mut self.directory;
        for entries in [
            &mut directory.policies,
            &mut directory.proxies,
            &mut directory.accounts,
            &mut directory.feeds,
        ] {
            entries.sort_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
        }
    }
}

/// Returns the sort key of a process: deployment processes, then runbooks, then processes in Git, each by
/// project. The processes of one repository keep the order in which they were read, branch by branch.
fn process_key(process: &LiveProcess) -> (bool, bool, &Name, Option<&Name>) {
    let runbook = process.owner.runbook.as_ref().filter(|_| process.git.is_none());
    (process.git.is_some(), runbook.is_some(), &process.owner.project, runbook)
}

/// Returns the sort key of an owner of variables: projects, then libraries, by name.
fn owner_key(owner: &VariableOwner) -> (bool, &Name) {
    (matches!(owner, VariableOwner::Library(_)), owner.name())
}

/// Returns the sort key of a snapshot: its process, then its origin.
fn snapshot_key(snapshot: &ProcessSnapshot) -> (Name, Option<Name>, Option<String>) {
    let owner = &snapshot.process.owner;
    (owner.project.clone(), owner.runbook.clone(), snapshot.describe_origin())
}
