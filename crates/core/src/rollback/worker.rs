//! Rolls back workers that were created, deleted, replaced or edited.

use super::{FieldState, RollbackPlanner, describe_edited, endpoint, text_or_empty};
use crate::{
    live::LiveWorker,
    model::{Address, Id, Linked, Name},
    plan::{
        ChangeKind, CommonField, Delta, Field, FieldSide, NewWorker, WorkerEdit, WorkerField,
        WrittenField, interim_worker_name,
    },
    receipt::{ChangeOutcome, ReceiptEntry},
};

use serde_json::Value;

impl RollbackPlanner<'_> {
    pub(super) fn undo_worker_creation(&mut self, entry: &ReceiptEntry) {
        if entry.written.is_empty() {
            return;
        }
        if let Some(worker) = self.find_created_worker(entry) {
            if worker.name != created_name(entry) {
                return self.warn_not_undone(entry, "it has been renamed since");
            }
            if entry.is_unknown() && !is_as_made(worker, entry) {
                return self.warn_not_own(entry);
            }
            let (id, name) = (worker.id.clone(), worker.name.to_string());
            self.push_change(entry.address.clone(), ChangeKind::DeleteWorker { id, name });
        }
    }

    pub(super) fn recreate_worker(&mut self, entry: &ReceiptEntry) {
        let Some(new) = self.worker_from_receipt(entry) else { return };
        if self.live.workers.iter().any(|worker| worker.name == Name::new(&new.name)) {
            return;
        }
        self.push_change(Address::Worker(new.name.clone()), ChangeKind::CreateWorker(new));
    }

    pub(super) fn undo_replacement(&mut self, entry: &ReceiptEntry) {
        let Some(new) = self.worker_from_receipt(entry) else { return };
        self.remove_interim(entry);
        let Some(worker) = self.find_created_worker(entry) else {
            return self.recreate_worker(entry);
        };
        if worker.endpoint.kind() == new.endpoint.kind() {
            return;
        }
        let address = Address::Worker(new.name.clone());
        let (id, name) = (worker.id.clone(), worker.name.to_string());
        let kind = worker.endpoint.kind().to_owned();
        let old = Some(Box::new(NewWorker {
            name: name.clone(),
            endpoint: worker.endpoint.clone(),
            pools: worker.pools.iter().map(|id| self.resolve_pool(id.as_str())).collect(),
            policy: Some(worker.policy.clone()),
            disabled: worker.disabled,
        }));
        self.push_change(address, ChangeKind::ReplaceWorker { id, name, kind, old, new });
    }

    /// Deletes the new worker of a replacement that stopped before it got the name of the old one.
    fn remove_interim(&mut self, entry: &ReceiptEntry) {
        let name = Name::new(interim_worker_name(created_name(entry).as_str()));
        let is_interim = |worker: &&LiveWorker| worker.name == name && is_as_made(worker, entry);
        let interim = self.live.workers.iter().find(is_interim);
        if let Some(worker) = interim.filter(|_| entry.outcome != ChangeOutcome::Done) {
            let (id, name) = (worker.id.clone(), worker.name.to_string());
            let address = Address::Worker(name.clone());
            self.push_change(address, ChangeKind::DeleteWorker { id, name });
        }
    }

    pub(super) fn restore_worker(&mut self, entry: &ReceiptEntry) {
        let id = entry.id.as_deref().unwrap_or_default();
        let Some(worker) = self.live.workers.iter().find(|worker| worker.id.as_str() == id) else {
            return self.warn_not_undone(entry, "it no longer exists");
        };
        let (mut restored, mut edited) = (worker.clone(), Vec::new());
        let mut pools = None;
        for field in &entry.written {
            match FieldState::compare_live(worker, field, |value| {
                worker_with_field(worker, field.field, value)
            }) {
                FieldState::Written => {
                    restored = worker_with_field(&restored, field.field, field.before.as_ref());
                    let is_pools = field.field == WorkerField::Pools.into();
                    let ids = field.before.as_ref().filter(|_| is_pools);
                    pools = ids.map(|ids| self.resolve_pools(ids)).or(pools);
                }
                FieldState::Restored => {}
                FieldState::Edited => edited.push(describe_edited(field)),
            }
        }
        if !edited.is_empty() {
            return self.warn_edited_since(entry, &edited);
        }
        let now = worker.pools.iter().map(|id| self.resolve_pool(id.as_str())).collect();
        let pools = pools.and_then(|pools| Delta::if_different(now, pools)).map(WorkerEdit::Pools);
        let Some(edits) = worker_edits(worker, &restored) else {
            return self
                .warn_not_undone(entry, "the worker had an endpoint that cannot be written");
        };
        let edits: Vec<_> = edits.chain(pools).collect();
        if !edits.is_empty() {
            let kind = ChangeKind::UpdateWorker { id: worker.id.clone(), edits };
            self.push_change(entry.address.clone(), kind);
        }
    }

    /// Finds the worker that an entry created, if it still exists. Its id is recorded once the
    /// response has arrived; until then the entry has no id, or the id of the worker that was
    /// replaced.
    fn find_created_worker(&self, entry: &ReceiptEntry) -> Option<&LiveWorker> {
        let name = created_name(entry);
        let mut workers = self.live.workers.iter();
        match &entry.id {
            Some(id) if entry.outcome == ChangeOutcome::Done => {
                workers.find(|worker| worker.id.as_str() == id)
            }
            _ => workers.find(|worker| worker.name == name),
        }
    }

    /// Rebuilds a deleted worker from the receipt; reports an entry that does not record enough.
    fn worker_from_receipt(&mut self, entry: &ReceiptEntry) -> Option<NewWorker> {
        let endpoint =
            endpoint::from_entry(entry, FieldSide::Before).and_then(|live| live.convert().ok());
        let Some(endpoint) = endpoint else {
            self.warn_not_undone(entry, "the receipt does not record the endpoint of the worker");
            return None;
        };
        let policy = text_or_empty(entry.value_before(WorkerField::Policy));
        let entries = &self.live.directory.policies;
        let policy_name = entries.iter().find(|entry| entry.id == policy);
        let policy_name = policy_name.map_or(policy, |it| it.name.as_str());
        Some(NewWorker {
            name: text_or_empty(entry.value_before(CommonField::Name)).to_owned(),
            endpoint,
            pools: entry
                .value_before(WorkerField::Pools)
                .map(|ids| self.resolve_pools(ids))
                .unwrap_or_default(),
            policy: (!policy.is_empty()).then(|| Linked::new(policy, policy_name)),
            disabled: entry.value_before(WorkerField::Disabled) == Some(&Value::Bool(true)),
        })
    }
}

/// Returns the name of the worker that an entry created.
fn created_name(entry: &ReceiptEntry) -> Name {
    let name = entry.find_written(CommonField::Name);
    Name::new(text_or_empty(name.and_then(|name| name.after.as_ref())))
}

/// Whether a worker is as the entry's apply would have created it, apart from its name.
fn is_as_made(worker: &LiveWorker, entry: &ReceiptEntry) -> bool {
    let Some(made) = endpoint::from_entry(entry, FieldSide::After) else { return false };
    let set = entry.written.iter().filter(|field| field.field != CommonField::Name.into());
    // The server chooses a policy if none is given.
    let is_chosen = |field: &WrittenField| {
        field.field == WorkerField::Policy.into() && text_or_empty(field.after.as_ref()).is_empty()
    };
    let mut set = set.filter(|field| field.after.is_some() && !is_chosen(field));
    endpoint::have_same_form(&made, &worker.endpoint)
        && set.all(|it| worker_with_field(worker, it.field, it.after.as_ref()) == *worker)
}

/// Returns the worker with the given value of a field.
fn worker_with_field(worker: &LiveWorker, field: Field, value: Option<&Value>) -> LiveWorker {
    let mut worker = worker.clone();
    match field {
        Field::Common(CommonField::Name) => worker.name = Name::new(text_or_empty(value)),
        Field::Worker(WorkerField::Disabled) => worker.disabled = value == Some(&Value::Bool(true)),
        Field::Worker(WorkerField::Policy) => {
            if worker.policy.id.as_str() != text_or_empty(value) {
                worker.policy = Linked::new(text_or_empty(value), text_or_empty(value));
            }
        }
        Field::Worker(WorkerField::Pools) => {
            let ids = value.and_then(Value::as_array).into_iter().flatten();
            let ids: Vec<_> = ids.filter_map(Value::as_str).map(Id::new).collect();
            // The server returns the pools in an order of its own.
            let same =
                ids.len() == worker.pools.len() && ids.iter().all(|it| worker.pools.contains(it));
            if !same {
                worker.pools = ids;
            }
        }
        Field::Endpoint(field) => endpoint::set_field(&mut worker.endpoint, field, value),
        Field::Pool(_)
        | Field::Space(_)
        | Field::Step(_)
        | Field::Value(_)
        | Field::Target(_)
        | Field::Server(_) => {}
    }
    worker
}

/// Returns all edits except those of pools; `None` if the previous endpoint cannot be written.
fn worker_edits(now: &LiveWorker, then: &LiveWorker) -> Option<impl Iterator<Item = WorkerEdit>> {
    let name = Delta::if_different(now.name.to_string(), then.name.to_string());
    let endpoint = if now.endpoint == then.endpoint {
        None
    } else {
        Delta::if_different(now.endpoint.clone(), then.endpoint.convert().ok()?)
    };
    let policy = Delta::if_different(now.policy.clone(), then.policy.clone());
    let disabled = Delta::if_different(now.disabled, then.disabled);
    let edits = [
        name.map(WorkerEdit::Name),
        endpoint.map(|it| WorkerEdit::Endpoint(Box::new(it))),
        policy.map(WorkerEdit::Policy),
        disabled.map(WorkerEdit::Disabled),
    ];
    Some(edits.into_iter().flatten())
}
