//! Receipt × [`Live`] → the changes that lead back to what was before an apply.
//!
//! What somebody has changed since is left as it is, and told. Never: an order, or a gate; those are
//! `diff`'s, and hold of every plan.

mod endpoint;
mod indirect_pools;
#[cfg(test)]
mod laws;
mod pool;
mod step;
mod worker;

use crate::{
    finding::{Code, Finding, FindingLocation, Level},
    live::{Live, LiveBranch, LivePool},
    model::{Address, Id, Name, Pool, PoolHandle},
    plan::{
        Cause, Change, ChangeAction, ChangeKind, Field, ObjectKind, ServerField, StepField,
        TargetField, ValueField, WorkerField, WrittenField,
    },
    receipt::{ChangeOutcome, Receipt, ReceiptEntry},
    text::eq_ignoring_case,
};

use serde_json::Value;
use std::collections::HashMap;

/// The changes that undo what `receipt` says was done, and what is not undone and why.
///
/// What is so already is no change: a second way back is empty.
pub fn plan_rollback(receipt: &Receipt, live: &Live) -> (Vec<Change>, Vec<Finding>) {
    // What failed may have been written in part: of a replacement, the old worker is gone.
    let may_be_written = |entry: &&ReceiptEntry| match entry.outcome {
        ChangeOutcome::Done | ChangeOutcome::Unknown => true,
        ChangeOutcome::Failed => !entry.written.is_empty(),
        ChangeOutcome::Skipped => false,
    };
    // Pools first: what goes back into one has to know where that is. Of these, those that are made again come
    // first and those that go come last, for the default pool goes from the ones to the others.
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
    let remade = find_remade_pools(receipt, live);
    let mut way =
        RollbackPlanner { live, receipt, remade, changes: Vec::new(), findings: Vec::new() };
    pools.into_iter().chain(others).for_each(|entry| way.undo_entry(entry));
    for entry in &receipt.unread {
        way.push_not_undone(&entry.address, &format!("its entry is not understood: {}", entry.why));
    }
    (way.changes, way.findings)
}

/// The pools of a receipt that are gone and of whose name there is one: somebody has made them again.
fn find_remade_pools(receipt: &Receipt, live: &Live) -> HashMap<Id<Pool>, PoolHandle> {
    let gone = receipt.pools.iter().filter(|(id, _)| live.find_pool(&Id::new(*id)).is_none());
    let find_remade = |(id, name): (&String, &String)| {
        let pool = live.pools.iter().find(|pool| pool.name == Name::new(name))?;
        let address = Address::Pool(pool.name.to_string());
        Some((Id::new(id), PoolHandle::Existing { id: pool.id.clone(), address }))
    };
    gone.filter_map(find_remade).collect()
}

/// The way back as it is found.
struct RollbackPlanner<'a> {
    live: &'a Live,
    receipt: &'a Receipt,
    /// Pools that were deleted and are made again, now or by an earlier way back, by the ids that they had.
    remade: HashMap<Id<Pool>, PoolHandle>,
    changes: Vec<Change>,
    findings: Vec<Finding>,
}

/// The key of a whole value that has its pool.
const POOL_OF_VALUE: &str = ValueField::Pool.keys()[0];

/// What is known of a field that an apply has written.
enum FieldState {
    /// It is as the apply made it.
    Written,
    /// It is as it was before.
    Restored,
    /// It is neither.
    Edited,
}

impl FieldState {
    /// `set` makes a copy of the object with a value of the field, as far as that matters.
    fn compare_live<T: PartialEq>(
        live: &T,
        field: &WrittenField,
        set: impl Fn(Option<&Value>) -> T,
    ) -> Self {
        let equals_live = |value: &Option<Value>| set(value.as_ref()) == *live;
        match (equals_live(&field.before), equals_live(&field.after)) {
            (true, _) => Self::Restored,
            (false, true) => Self::Written,
            (false, false) => Self::Edited,
        }
    }
}

impl RollbackPlanner<'_> {
    fn undo_entry(&mut self, entry: &ReceiptEntry) {
        let entry = &match self.with_current_pools(entry) {
            Ok(entry) => entry,
            Err(pool) => {
                let why = format!("pool {pool:?}, which it had, is not there any more");
                return self.warn_not_undone(entry, &why);
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

    fn push_change(&mut self, address: Address, kind: ChangeKind) {
        let cause = Cause { location: FindingLocation::Nowhere, rule: None, why: None };
        self.changes.push(Change { address, kind, cause, after: Vec::new() });
    }

    /// Tells that an entry is not undone.
    fn warn_not_undone(&mut self, entry: &ReceiptEntry, why: &str) {
        self.push_not_undone(&entry.address.to_string(), why);
    }

    fn push_not_undone(&mut self, address: &str, why: &str) {
        let message = format!("`{address}` is left as it is: {why}");
        let finding = Finding::new(Code::NotUndone, Level::Warn, FindingLocation::Nowhere, message);
        self.findings.push(finding.with_help("look at it by hand"));
    }

    /// Tells that somebody has changed fields since, which are left as they are.
    fn warn_edited_since(&mut self, entry: &ReceiptEntry, fields: &[String]) {
        let message = format!(
            "`{}` is left as it is: somebody has changed {} since",
            entry.address,
            fields.join(", ")
        );
        let finding =
            Finding::new(Code::EditedSince, Level::Warn, FindingLocation::Nowhere, message);
        self.findings
            .push(finding.with_help("look at it by hand: the receipt has what was there before"));
    }

    /// A pool by the id that it had, wherever it is now.
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

    /// The entry with the ids that pools have now which were made again by an earlier rollback.
    ///
    /// # Errors
    ///
    /// The name of a pool that the entry's object would go back to and that is gone.
    fn with_current_pools(&self, entry: &ReceiptEntry) -> Result<ReceiptEntry, String> {
        let mut entry = entry.clone();
        for written in &mut entry.written {
            let before = written.before.clone();
            for id in pool_ids_before(written) {
                *id = self.current_pool_id(id)?;
            }
            // Another id is spelled in another way.
            if written.before != before {
                written.before_text = None;
            }
        }
        Ok(entry)
    }

    /// The id that a pool has now.
    ///
    /// # Errors
    ///
    /// The name of a pool that is gone.
    fn current_pool_id(&self, id: &str) -> Result<String, String> {
        match self.remade.get(&Id::new(id)) {
            Some(remade) => Ok(remade.id().map_or(id, Id::as_str).to_owned()),
            None => self.missing_pool_name(id).map_or_else(|| Ok(id.to_owned()), Err),
        }
    }

    /// The name of a pool that is gone. One that was not there when the apply began says as little now as it did
    /// then.
    fn missing_pool_name(&self, id: &str) -> Option<String> {
        if self.live.find_pool(&Id::new(id)).is_some() {
            return None;
        }
        match self.receipt.pools.get(id) {
            // An old receipt does not say which pools were there.
            None if self.receipt.pools.is_empty() && !self.is_known_pool(id) => Some(id.to_owned()),
            named => named.cloned(),
        }
    }

    /// Whether a text is nothing, or names a pool that is there as a file in Git does.
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

/// Whether an entry is about what is stored in Git of a project: by ids, and where its receipt does not have that
/// of the project, by the project's name then and now.
fn concerns_branch(entry: &ReceiptEntry, on: &LiveBranch, then: &str, now: &Name) -> bool {
    let of_project = match &entry.project_id {
        Some(id) => on.at.project.as_str() == id,
        None => Name::new(then) == *now,
    };
    entry.id.as_deref() == Some(on.at.document.as_str()) && of_project
}

/// A field that somebody has changed, with what it was when the apply had ended.
fn describe_edited(field: &WrittenField) -> String {
    let made = field.after.as_ref().filter(|it| !it.is_null());
    let made = made.map_or_else(|| "empty".to_owned(), Value::to_string);
    format!("`{}` (the apply had made it {made})", field.field)
}

/// A text; an empty one where there is none.
fn text_or_empty(value: Option<&Value>) -> &str {
    value.and_then(Value::as_str).unwrap_or_default()
}

/// The ids of the pools that an object had by a field; in Git, a pool may be named in other ways.
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
        // Those of the space are looked up where they are restored: one that is gone has no place there.
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
