//! Workers: made, gone, replaced, and edited.

use super::{FieldState, RollbackPlanner, describe_edited, endpoint, text_or_empty, value_before};
use crate::{
    live::LiveWorker,
    model::{Address, Id, Linked, Name},
    plan::{ChangeKind, Delta, NewWorker, WorkerEdit, WrittenField},
    receipt::{ChangeOutcome, ReceiptEntry},
};

use serde_json::Value;

impl RollbackPlanner<'_> {
    pub(super) fn undo_worker_creation(&mut self, entry: &ReceiptEntry, address: Address) {
        if entry.written.is_empty() {
            return;
        }
        if let Some(worker) = self.find_created_worker(entry) {
            let name = entry.written.iter().find(|field| field.path == "Name");
            if worker.name != Name::new(text_or_empty(name.and_then(|it| it.after.as_ref()))) {
                return self.warn_not_undone(entry, "somebody has renamed it since");
            }
            let (id, name) = (worker.id.clone(), worker.name.to_string());
            self.push_change(address, ChangeKind::DeleteWorker { id, name });
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

    pub(super) fn restore_worker(&mut self, entry: &ReceiptEntry, address: Address) {
        let id = entry.id.as_deref().unwrap_or_default();
        let Some(worker) = self.live.workers.iter().find(|worker| worker.id.as_str() == id) else {
            return self.warn_not_undone(entry, "it is not there any more");
        };
        let (mut restored, mut edited) = (worker.clone(), Vec::new());
        let mut pools = None;
        for field in &entry.written {
            match FieldState::compare_live(worker, field, |value| {
                worker_with_field(worker, &field.path, value)
            }) {
                FieldState::Written => {
                    restored = worker_with_field(&restored, &field.path, field.before.as_ref());
                    let ids = field.before.as_ref().filter(|_| field.path == "WorkerPoolIds");
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
                .warn_not_undone(entry, "the worker was reached in a way that cannot be written");
        };
        let edits: Vec<_> = edits.chain(pools).collect();
        if !edits.is_empty() {
            self.push_change(address, ChangeKind::UpdateWorker { id: worker.id.clone(), edits });
        }
    }

    /// The worker that an entry has made, if it is still there. Its id is known once the answer is; until then
    /// the entry has none, or that of the worker that was replaced.
    fn find_created_worker(&self, entry: &ReceiptEntry) -> Option<&LiveWorker> {
        let name = entry.written.iter().find(|field| field.path == "Name");
        let name = Name::new(text_or_empty(name.and_then(|it| it.after.as_ref())));
        let mut workers = self.live.workers.iter();
        match &entry.id {
            Some(id) if entry.outcome == ChangeOutcome::Done => {
                workers.find(|worker| worker.id.as_str() == id)
            }
            _ => workers.find(|worker| worker.name == name),
        }
    }

    /// What a receipt has kept of a worker that is gone; told where that is not enough.
    fn worker_from_receipt(&mut self, entry: &ReceiptEntry) -> Option<NewWorker> {
        let fields: Vec<(&str, &Value)> = entry
            .written
            .iter()
            .filter_map(|WrittenField { path, before, .. }| Some((path.as_str(), before.as_ref()?)))
            .collect();
        let endpoint = endpoint::from_fields(&fields).and_then(|live| live.convert().ok());
        let Some(endpoint) = endpoint else {
            self.warn_not_undone(entry, "the receipt does not say how the worker was reached");
            return None;
        };
        let policy = text_or_empty(value_before(entry, "MachinePolicyId"));
        let entries = &self.live.directory.policies;
        let policy_name = entries.iter().find(|entry| entry.id == policy);
        let policy_name = policy_name.map_or(policy, |it| it.name.as_str());
        Some(NewWorker {
            name: text_or_empty(value_before(entry, "Name")).to_owned(),
            endpoint,
            pools: value_before(entry, "WorkerPoolIds")
                .map(|ids| self.resolve_pools(ids))
                .unwrap_or_default(),
            policy: (!policy.is_empty()).then(|| Linked::new(policy, policy_name)),
            disabled: value_before(entry, "IsDisabled") == Some(&Value::Bool(true)),
        })
    }
}

/// The worker with another value of a field.
fn worker_with_field(worker: &LiveWorker, path: &str, value: Option<&Value>) -> LiveWorker {
    let mut worker = worker.clone();
    match path {
        "Name" => worker.name = Name::new(text_or_empty(value)),
        "IsDisabled" => worker.disabled = value == Some(&Value::Bool(true)),
        "MachinePolicyId" if worker.policy.id.as_str() != text_or_empty(value) => {
            worker.policy = Linked::new(text_or_empty(value), text_or_empty(value));
        }
        "WorkerPoolIds" => {
            let ids = value.and_then(Value::as_array).into_iter().flatten();
            let ids: Vec<_> = ids.filter_map(Value::as_str).map(Id::new).collect();
            // The server keeps them in an order of its own.
            let same =
                ids.len() == worker.pools.len() && ids.iter().all(|it| worker.pools.contains(it));
            if !same {
                worker.pools = ids;
            }
        }
        _ => endpoint::set_field(&mut worker.endpoint, path, value),
    }
    worker
}

/// What differs, but for the pools; none where the endpoint was one that cannot be written.
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
