//! Receipt × [`Live`] → the changes that restore the state before an apply.
//!
//! Anything that has been edited since the apply is left unchanged, and reported. Never: an order
//! or a gate; those belong to `diff`, and apply to every plan.

mod endpoint;
mod fit;
mod indirect_pools;
#[cfg(test)]
mod laws;
mod pool;
mod report;
mod step;
mod values;
mod worker;

use crate::{
    finding::{Code, Finding, FindingLocation, Level},
    live::{Live, LiveBranch, LivePool},
    model::{Address, Id, Name, Pool, PoolHandle},
    plan::{
        Cause, Change, ChangeAction, ChangeKind, CommonField, Field, ObjectKind, ServerField,
        StepField, TargetField, ValueField, WorkerField, WrittenField,
    },
    receipt::{ChangeOutcome, Receipt, ReceiptEntry},
    text::eq_ignoring_case,
};

use serde_json::Value;
use std::collections::HashMap;

/// Returns the changes that undo what `receipt` records, and a finding for everything that cannot
/// be undone.
///
/// Anything that is already restored needs no change, so a second rollback is empty.
pub fn plan_rollback(receipt: &Receipt, live: &Live) -> (Vec<Change>, Vec<Finding>) {
    // A failed change may have been written in part: a replacement may have deleted the old worker. But a pool or
    // worker is created with one request; if that failed, what has its name is somebody else's.
    let is_creation = |entry: &ReceiptEntry| {
        let is_alone = matches!(entry.kind, ObjectKind::Pool | ObjectKind::Worker);
        is_alone && entry.action == ChangeAction::Create
    };
    let may_be_written = |entry: &&ReceiptEntry| match entry.outcome {
        ChangeOutcome::Done | ChangeOutcome::Unknown => true,
        ChangeOutcome::Failed => !entry.written.is_empty() && !is_creation(entry),
        ChangeOutcome::Skipped => false,
    };
    // Pools come first, because everything that returns to a pool needs its current id. Pools to
    // recreate come before pools to delete, because the default pool may move from the latter to
    // the former.
    let (mut pools, others): (Vec<&ReceiptEntry>, Vec<&ReceiptEntry>) = receipt
        .entries
        .iter()
        .filter(may_be_written)
        .partition(|entry| entry.kind == ObjectKind::Pool);
    pools.sort_by_key(|pool| match pool.action {
        ChangeAction::Delete => 0,
        ChangeAction::Update | ChangeAction::Replace => 1,
        ChangeAction::Create => 2,
    });
    if let Some(finding) = find_other_server(receipt, live) {
        return (Vec::new(), vec![finding]);
    }
    let remade = find_remade_pools(receipt, live);
    let mut way =
        RollbackPlanner { live, receipt, remade, changes: Vec::new(), findings: Vec::new() };
    pools.into_iter().chain(others).for_each(|entry| way.undo_entry(entry));
    for entry in &receipt.unread {
        let why = format!("its receipt entry is not understood: {}", entry.why);
        way.push_finding(Code::UnreadEntry, &entry.address, &why);
    }
    way.note_consequences();
    (way.changes, way.findings)
}

/// Returns whether a rollback leaves entries of its receipt that it could not read or could not trust.
pub fn is_incomplete(findings: &[Finding]) -> bool {
    findings.iter().any(|it| matches!(it.code, Code::UnreadEntry | Code::ReceiptMismatch))
}

/// Returns an error if no pool of the receipt is on the server, although the apply did not delete them all.
fn find_other_server(receipt: &Receipt, live: &Live) -> Option<Finding> {
    let was_deleted = |id: &str| {
        let mut entries = receipt.entries.iter();
        entries.any(|entry| {
            entry.kind == ObjectKind::Pool
                && entry.action == ChangeAction::Delete
                && entry.id.as_deref() == Some(id)
        })
    };
    let was_renamed = |id: &str| {
        let mut entries = receipt.entries.iter().filter(|entry| entry.id.as_deref() == Some(id));
        entries.any(|entry| entry.find_written(CommonField::Name).is_some())
    };
    let pools: Vec<_> = receipt.pools.iter().filter(|(id, _)| !was_deleted(id)).collect();
    // Of one pool, the name may be another by now; of several, not every name.
    let is_there = |(id, name): &(&String, &String)| {
        let pool = live.find_pool(&Id::new(*id));
        pool.is_some_and(|pool| {
            pools.len() == 1 || pool.name == Name::new(*name) || was_renamed(id)
        })
    };
    if pools.is_empty() || pools.iter().any(is_there) {
        return None;
    }
    let message = "the receipt does not fit the server: none of its pools is there".to_owned();
    let finding =
        Finding::new(Code::ReceiptMismatch, Level::Error, FindingLocation::Nowhere, message);
    Some(finding.with_help("use the receipt of an apply to this server"))
}

/// Returns the pools of a receipt that are gone but have been created again under the same name.
fn find_remade_pools(receipt: &Receipt, live: &Live) -> HashMap<Id<Pool>, PoolHandle> {
    let gone = receipt.pools.iter().filter(|(id, _)| live.find_pool(&Id::new(*id)).is_none());
    let find_remade = |(id, name): (&String, &String)| {
        let pool = live.pools.iter().find(|pool| pool.name == Name::new(name))?;
        let address = Address::Pool(pool.name.to_string());
        Some((Id::new(id), PoolHandle::Existing { id: pool.id.clone(), address }))
    };
    gone.filter_map(find_remade).collect()
}

/// A rollback while it is being planned.
struct RollbackPlanner<'a> {
    live: &'a Live,
    receipt: &'a Receipt,
    /// Deleted pools that this rollback or an earlier one creates again, by their former ids.
    remade: HashMap<Id<Pool>, PoolHandle>,
    changes: Vec<Change>,
    findings: Vec<Finding>,
}

/// The key of the pool in a whole value.
const POOL_OF_VALUE: &str = ValueField::Pool.keys()[0];

/// The live state of a field that an apply has written.
enum FieldState {
    /// The field still has the value that the apply wrote.
    Written,
    /// The field already has its previous value.
    Restored,
    /// The field has some other value.
    Edited,
    /// The field's value is not known.
    Untracked,
}

impl FieldState {
    /// Compares a field with its values before and after; `is_live` returns whether the live object has the given
    /// value, or `None` if that is not known of this field.
    fn compare_live(
        field: &WrittenField,
        is_live: impl Fn(Option<&Value>) -> Option<bool>,
    ) -> Self {
        match (is_live(field.before.as_ref()), is_live(field.after.as_ref())) {
            (None, _) | (_, None) => Self::Untracked,
            (Some(true), _) => Self::Restored,
            (Some(false), Some(true)) => Self::Written,
            (Some(false), Some(false)) => Self::Edited,
        }
    }
}

impl RollbackPlanner<'_> {
    fn undo_entry(&mut self, entry: &ReceiptEntry) {
        if entry.is_unknown() && entry.written.is_empty() {
            let why =
                "it may have been made, and the receipt does not record what was there before";
            return self.push_finding(Code::UnreadEntry, &entry.address.to_string(), why);
        }
        if entry.written.iter().any(WrittenField::is_withheld) {
            let why = "its former value is withheld in a receipt that was printed";
            return self.push_finding(Code::UnreadEntry, &entry.address.to_string(), why);
        }
        if let Err(misfit) = self.check_fit(entry) {
            return self.push_misfit(entry, misfit);
        }
        let entry = &match self.with_current_pools(entry) {
            Ok(entry) => entry,
            Err(pool) => {
                let why = format!("its former pool {pool:?} no longer exists");
                // A pool that was never there is one that somebody has written into the receipt.
                let recorded = &self.receipt.pools;
                let is_known = recorded.is_empty() || recorded.values().any(|name| *name == pool);
                let code = if is_known { Code::NotUndone } else { Code::ReceiptMismatch };
                return self.push_finding(code, &entry.address.to_string(), &why);
            }
        };
        match (entry.kind, entry.action) {
            (ObjectKind::Pool, ChangeAction::Create) => self.undo_pool_creation(entry),
            (ObjectKind::Pool, ChangeAction::Delete) => self.recreate_pool(entry),
            (ObjectKind::Pool, ChangeAction::Update | ChangeAction::Replace) => {
                self.restore_pool(entry);
            }
            (ObjectKind::Worker, ChangeAction::Create) => self.undo_worker_creation(entry),
            (ObjectKind::Worker, ChangeAction::Delete) => self.recreate_worker(entry),
            (ObjectKind::Worker, ChangeAction::Replace) => self.undo_replacement(entry),
            (ObjectKind::Worker, ChangeAction::Update) => self.restore_worker(entry),
            (ObjectKind::Variable, ChangeAction::Create) => self.undo_value_addition(entry),
            (ObjectKind::Variable, ChangeAction::Delete) => self.undo_value_removal(entry),
            (ObjectKind::Variable, ChangeAction::Update | ChangeAction::Replace) => {
                self.restore_value(entry);
            }
            (ObjectKind::Target, _) => self.restore_target(entry),
            (ObjectKind::Placement, _) => self.restore_step(entry),
            (ObjectKind::Server, _) => self.restore_switch(entry),
        }
    }

    fn restore_switch(&mut self, entry: &ReceiptEntry) {
        let before = entry.value_before(ServerField::BuiltInWorker);
        let (Some(on), Some(now)) =
            (before.and_then(Value::as_bool), self.live.server.built_in_worker)
        else {
            return;
        };
        if on != now {
            let kind = ChangeKind::SetBuiltInWorker { enabled: on };
            self.push_change(entry.address.clone(), kind);
        }
    }

    /// Reports that an object has the name of one that the apply was about to create, and is another one.
    fn warn_not_own(&mut self, entry: &ReceiptEntry) {
        let why = "the server did not answer its creation, and what has its name now is not as this apply would \
                   have made it";
        self.warn_not_undone(entry, why);
    }

    fn push_change(&mut self, address: Address, kind: ChangeKind) {
        let cause = Cause::default();
        self.changes.push(Change { address, kind, cause, after: Vec::new() });
    }

    /// Returns the current pool for a former id.
    fn resolve_pool(&self, id: &str) -> PoolHandle {
        let id = Id::new(id);
        match (self.remade.get(&id), self.live.find_pool(&id)) {
            (Some(remade), _) => remade.clone(),
            (None, Some(pool)) => {
                let address = Address::Pool(pool.name.to_string());
                PoolHandle::Existing { id, address }
            }
            (None, None) => {
                let address = Address::Pool(id.as_str().to_owned());
                PoolHandle::Existing { id, address }
            }
        }
    }

    /// Returns the entry with the current ids of pools that an earlier rollback created again.
    ///
    /// # Errors
    ///
    /// Returns the name of a pool that the entry's object would return to but that no longer
    /// exists.
    fn with_current_pools(&self, entry: &ReceiptEntry) -> Result<ReceiptEntry, String> {
        let mut entry = entry.clone();
        for written in &mut entry.written {
            let before = written.before.clone();
            for id in pool_ids_before(written) {
                *id = self.current_pool_id(id)?;
            }
            // The recorded spelling has the former id.
            if written.before != before {
                written.before_text = None;
            }
        }
        Ok(entry)
    }

    /// Returns the current id of a pool.
    ///
    /// # Errors
    ///
    /// Returns the name of a pool that no longer exists.
    fn current_pool_id(&self, id: &str) -> Result<String, String> {
        match self.remade.get(&Id::new(id)) {
            Some(remade) => Ok(remade.id().map_or(id, Id::as_str).to_owned()),
            None => self.missing_pool_name(id).map_or_else(|| Ok(id.to_owned()), Err),
        }
    }

    /// Returns the name of a pool that does not exist; `None` if it exists.
    fn missing_pool_name(&self, id: &str) -> Option<String> {
        if self.live.find_pool(&Id::new(id)).is_some() {
            return None;
        }
        match self.receipt.pools.get(id) {
            // A receipt is not believed about a pool that is not there.
            None if !self.is_known_pool(id) => Some(id.to_owned()),
            named => named.cloned(),
        }
    }

    /// Whether a text is empty, or is the slug or name of an existing pool, as in a file in Git.
    fn is_known_pool(&self, text: &str) -> bool {
        let named =
            |pool: &LivePool| eq_ignoring_case(&pool.slug, text) || pool.name == Name::new(text);
        text.is_empty() || self.live.pools.iter().any(named)
    }

    fn resolve_pools(&self, ids: &Value) -> Vec<PoolHandle> {
        let ids = ids.as_array().into_iter().flatten().filter_map(Value::as_str);
        ids.map(|id| self.resolve_pool(id)).collect()
    }
}

/// Whether an entry is about a document on this branch: by ids, or by the project's name then and
/// now if the receipt does not record the project's id.
fn concerns_branch(entry: &ReceiptEntry, on: &LiveBranch, then: &str, now: &Name) -> bool {
    let of_project = match &entry.project_id {
        Some(id) => on.at.project.as_str() == id,
        None => Name::new(then) == *now,
    };
    entry.id.as_deref() == Some(on.at.document.as_str()) && of_project
}

/// Describes a field that has been edited, with its value after the apply.
fn describe_edited(field: &WrittenField) -> String {
    let made = field.after.as_ref().filter(|it| !it.is_null());
    let made = made.map_or_else(|| "empty".to_owned(), Value::to_string);
    format!("`{}` (it was {made} after the apply)", field.field)
}

/// Returns a value's text; empty if it has none.
fn text_or_empty(value: Option<&Value>) -> &str {
    value.and_then(Value::as_str).unwrap_or_default()
}

/// Returns the ids of an object's previous pools in a field; in Git, they may be slugs or names
/// instead.
fn pool_ids_before(written: &mut WrittenField) -> Vec<&mut String> {
    let Some(before) = &mut written.before else { return Vec::new() };
    let ids: &mut [Value] = match written.field {
        Field::Step(StepField::Pool)
        | Field::Value(ValueField::Pool)
        | Field::Target(TargetField::Pool) => std::slice::from_mut(before),
        Field::Worker(WorkerField::Pools) => {
            before.as_array_mut().map_or(&mut [], Vec::as_mut_slice)
        }
        Field::Value(ValueField::Whole) => {
            before.get_mut(POOL_OF_VALUE).map_or(&mut [], std::slice::from_mut)
        }
        // The pools of the space are looked up when they are restored, without those that no longer
        // exist.
        Field::Space(_)
        | Field::Common(_)
        | Field::Pool(_)
        | Field::Worker(WorkerField::Policy | WorkerField::Disabled)
        | Field::Endpoint(_)
        | Field::Step(_)
        | Field::Server(_) => &mut [],
    };
    let texts = ids.iter_mut().filter_map(|id| match id {
        Value::String(id) => Some(id),
        _ => None,
    });
    texts.collect()
}
