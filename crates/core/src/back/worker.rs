//! Workers: made, gone, replaced, and edited.

use super::{FieldState, RollbackPlanner, before, endpoint, made, text};
use crate::{
    live::LiveWorker,
    model::{Address, Id, Linked, Name},
    plan::{ChangeKind, Delta, NewWorker, WorkerEdit, WrittenField},
    receipt::{ChangeOutcome, ReceiptEntry},
};

use serde_json::Value;

impl RollbackPlanner<'_> {
    pub(super) fn uncreate_worker(&mut self, entry: &ReceiptEntry, address: Address) {
        if entry.written.is_empty() {
            return;
        }
        if let Some(worker) = self.made(entry) {
            let name = entry.written.iter().find(|it| it.path == "Name");
            if worker.name != Name::new(text(name.and_then(|it| it.after.as_ref()))) {
                return self.left(entry, "somebody has renamed it since");
            }
            let (id, name) = (worker.id.clone(), worker.name.to_string());
            self.push(address, ChangeKind::DeleteWorker { id, name });
        }
    }

    pub(super) fn recreate_worker(&mut self, entry: &ReceiptEntry) {
        let Some(new) = self.remains(entry) else { return };
        if self.live.workers.iter().any(|it| it.name == Name::new(&new.name)) {
            return;
        }
        self.push(Address::Worker(new.name.clone()), ChangeKind::CreateWorker(new));
    }

    pub(super) fn replace_back(&mut self, entry: &ReceiptEntry) {
        let Some(new) = self.remains(entry) else { return };
        let Some(worker) = self.made(entry) else { return self.recreate_worker(entry) };
        if worker.endpoint.kind() == new.endpoint.kind() {
            return;
        }
        let address = Address::Worker(new.name.clone());
        let (id, name) = (worker.id.clone(), worker.name.to_string());
        let kind = worker.endpoint.kind().to_owned();
        let old = Some(Box::new(NewWorker {
            name: name.clone(),
            endpoint: worker.endpoint.clone(),
            pools: worker.pools.iter().map(|id| self.pool(id.as_str())).collect(),
            policy: Some(worker.policy.clone()),
            disabled: worker.disabled,
        }));
        self.push(address, ChangeKind::ReplaceWorker { id, name, kind, old, new });
    }

    pub(super) fn restore_worker(&mut self, entry: &ReceiptEntry, address: Address) {
        let id = entry.id.as_deref().unwrap_or_default();
        let Some(worker) = self.live.workers.iter().find(|it| it.id.as_str() == id) else {
            return self.left(entry, "it is not there any more");
        };
        let (mut restored, mut edited) = (worker.clone(), Vec::new());
        let mut pools = None;
        for field in &entry.written {
            match FieldState::of(worker, field, |value| with(worker, &field.path, value)) {
                FieldState::Written => {
                    restored = with(&restored, &field.path, field.before.as_ref());
                    let ids = field.before.as_ref().filter(|_| field.path == "WorkerPoolIds");
                    pools = ids.map(|ids| self.pools(ids)).or(pools);
                }
                FieldState::Restored => {}
                FieldState::Edited => edited.push(made(field)),
            }
        }
        if !edited.is_empty() {
            return self.edited(entry, &edited);
        }
        let now = worker.pools.iter().map(|id| self.pool(id.as_str())).collect();
        let pools = pools.and_then(|pools| Delta::between(now, pools)).map(WorkerEdit::Pools);
        let edits: Vec<_> = edits(worker, &restored).chain(pools).collect();
        if !edits.is_empty() {
            self.push(address, ChangeKind::UpdateWorker { id: worker.id.clone(), edits });
        }
    }

    /// The worker that an entry has made, if it is still there. Its id is known once the answer is; until then
    /// the entry has none, or that of the worker that was replaced.
    fn made(&self, entry: &ReceiptEntry) -> Option<&LiveWorker> {
        let name = entry.written.iter().find(|it| it.path == "Name");
        let name = Name::new(text(name.and_then(|it| it.after.as_ref())));
        let mut workers = self.live.workers.iter();
        match &entry.id {
            Some(id) if entry.outcome == ChangeOutcome::Done => {
                workers.find(|it| it.id.as_str() == id)
            }
            _ => workers.find(|it| it.name == name),
        }
    }

    /// What a receipt has kept of a worker that is gone; told where that is not enough.
    fn remains(&mut self, entry: &ReceiptEntry) -> Option<NewWorker> {
        let fields: Vec<(&str, &Value)> = entry
            .written
            .iter()
            .filter_map(|WrittenField { path, before, .. }| Some((path.as_str(), before.as_ref()?)))
            .collect();
        let Some(endpoint) = endpoint::of(&fields) else {
            self.left(entry, "the receipt does not say how the worker was reached");
            return None;
        };
        let policy = text(before(entry, "MachinePolicyId"));
        let entries = &self.live.directory.policies;
        let policy_name = entries.iter().find(|it| it.id == policy);
        let policy_name = policy_name.map_or(policy, |it| it.name.as_str());
        Some(NewWorker {
            name: text(before(entry, "Name")).to_owned(),
            endpoint,
            pools: before(entry, "WorkerPoolIds").map(|ids| self.pools(ids)).unwrap_or_default(),
            policy: (!policy.is_empty()).then(|| Linked::new(policy, policy_name)),
            disabled: before(entry, "IsDisabled") == Some(&Value::Bool(true)),
        })
    }
}

/// The worker with another value of a field.
fn with(worker: &LiveWorker, path: &str, value: Option<&Value>) -> LiveWorker {
    let mut worker = worker.clone();
    match path {
        "Name" => worker.name = Name::new(text(value)),
        "IsDisabled" => worker.disabled = value == Some(&Value::Bool(true)),
        "MachinePolicyId" if worker.policy.id.as_str() != text(value) => {
            worker.policy = Linked::new(text(value), text(value));
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
        _ => endpoint::set(&mut worker.endpoint, path, value),
    }
    worker
}

/// What differs, but for the pools.
fn edits(now: &LiveWorker, then: &LiveWorker) -> impl Iterator<Item = WorkerEdit> {
    let name = Delta::between(now.name.to_string(), then.name.to_string());
    let endpoint = Delta::between(now.endpoint.clone(), then.endpoint.clone());
    let policy = Delta::between(now.policy.clone(), then.policy.clone());
    let disabled = Delta::between(now.disabled, then.disabled);
    [
        name.map(WorkerEdit::Name),
        endpoint.map(|it| WorkerEdit::Endpoint(Box::new(it))),
        policy.map(WorkerEdit::Policy),
        disabled.map(WorkerEdit::Disabled),
    ]
    .into_iter()
    .flatten()
}
