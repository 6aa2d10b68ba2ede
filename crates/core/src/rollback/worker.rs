//! Rolls back workers that were created, deleted, replaced or edited.

use super::{FieldState, RollbackPlanner, describe_edited, endpoint, text_or_empty};
use crate::{
    live::LiveWorker,
    model::{Address, Id, Linked, Name},
    plan::{
        ChangeKind, CommonField, Delta, EndpointField, Field, FieldSide, NewWorker, RestoredWorker,
        WorkerEdit, WorkerField, WrittenField, interim_worker_name,
    },
    receipt::{ChangeOutcome, ReceiptEntry},
    text::eq_ignoring_case,
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
            let address = Address::Worker(name.clone());
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
            restored: RestoredWorker::default(),
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
        let (mut restored, mut edited, mut untracked) = (worker.clone(), Vec::new(), Vec::new());
        let mut pools = None;
        // The mode of an agent decides what its address means.
        let is_mode = |field: &&WrittenField| field.field == EndpointField::AgentMode.into();
        let modes = entry.written.iter().filter(is_mode);
        for field in modes.chain(entry.written.iter().filter(|field| !is_mode(field))) {
            let is_live = |value: Option<&Value>| {
                let with_value = worker_with_field(worker, field.field, value)?;
                Some(with_value == *worker && with_value.name.as_str() == worker.name.as_str())
            };
            match FieldState::compare_live(field, is_live) {
                FieldState::Written => {
                    let before = field.before.as_ref();
                    restored =
                        worker_with_field(&restored, field.field, before).unwrap_or(restored);
                    let is_pools = field.field == WorkerField::Pools.into();
                    let ids = field.before.as_ref().filter(|_| is_pools);
                    pools = ids.map(|ids| self.resolve_pools(ids)).or(pools);
                }
                FieldState::Restored => {}
                FieldState::Edited => edited.push(describe_edited(field)),
                FieldState::Untracked => untracked.push(field),
            }
        }
        if !edited.is_empty() {
            return self.warn_edited_since(entry, &edited);
        }
        if let Some(missing) = self.find_missing_reference(entry) {
            return self.warn_not_undone(entry, &missing);
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
            self.push_change(Address::Worker(worker.name.to_string()), kind);
        }
        untracked.into_iter().for_each(|field| self.warn_untracked(entry, field));
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

    /// Returns what an entry's worker had referred to and does not exist in this space, in words.
    fn find_missing_reference(&self, entry: &ReceiptEntry) -> Option<String> {
        let directory = &self.live.directory;
        let references = [
            (Field::from(WorkerField::Policy), &directory.policies, "machine policy"),
            (EndpointField::Account.into(), &directory.accounts, "account"),
            (EndpointField::Proxy.into(), &directory.proxies, "proxy"),
        ];
        references.into_iter().find_map(|(field, known, noun)| {
            let id = text_or_empty(entry.value_before(field));
            // A list that could not be read is empty, too; the server checks the id then.
            let is_missing = !id.is_empty()
                && !known.is_empty()
                && !known.iter().any(|entry| eq_ignoring_case(&entry.id, id));
            is_missing.then(|| format!("its former {noun} {id:?} does not exist"))
        })
    }

    /// Rebuilds a deleted worker from the receipt; reports an entry that does not record enough.
    fn worker_from_receipt(&mut self, entry: &ReceiptEntry) -> Option<NewWorker> {
        let endpoint =
            endpoint::from_entry(entry, FieldSide::Before).and_then(|live| live.convert().ok());
        if let Some(missing) = self.find_missing_reference(entry) {
            self.warn_not_undone(entry, &missing);
            return None;
        }
        let Some(endpoint) = endpoint else {
            self.warn_not_undone(entry, "the receipt does not record the endpoint of the worker");
            return None;
        };
        let is_proxy = |field: &&WrittenField| {
            field.field == EndpointField::AgentProxy.into()
                && !text_or_empty(field.before.as_ref()).is_empty()
        };
        if let Some(proxy) = entry.written.iter().find(is_proxy) {
            self.warn_untracked(entry, proxy);
        }
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
            restored: restored_worker(entry),
        })
    }
}

/// Returns what a file cannot declare of a deleted worker.
fn restored_worker(entry: &ReceiptEntry) -> RestoredWorker {
    let locked = [EndpointField::UpgradeLocked, EndpointField::AgentUpgradeLocked];
    let locked = locked.into_iter().find_map(|field| entry.value_before(field)?.as_bool());
    let slug = text_or_empty(entry.value_before(CommonField::Slug));
    RestoredWorker {
        slug: Some(slug.to_owned()).filter(|slug| !slug.is_empty()),
        upgrade_locked: locked,
    }
}

/// Returns the name of the worker that an entry created.
fn created_name(entry: &ReceiptEntry) -> Name {
    let name = entry.find_written(CommonField::Name);
    Name::new(text_or_empty(name.and_then(|name| name.after.as_ref())))
}

/// Whether a worker is as the entry's apply would have created it, apart from its name and its slug.
fn is_as_made(worker: &LiveWorker, entry: &ReceiptEntry) -> bool {
    let Some(made) = endpoint::from_entry(entry, FieldSide::After) else { return false };
    let is_label =
        |field: Field| matches!(field, Field::Common(CommonField::Name | CommonField::Slug));
    let set = entry.written.iter().filter(|field| !is_label(field.field));
    // The server chooses a policy if none is given.
    let is_chosen = |field: &WrittenField| {
        field.field == WorkerField::Policy.into() && text_or_empty(field.after.as_ref()).is_empty()
    };
    let mut set = set.filter(|field| field.after.is_some() && !is_chosen(field));
    let is_live = |field: &WrittenField| {
        let made = worker_with_field(worker, field.field, field.after.as_ref());
        made.is_none_or(|made| made == *worker)
    };
    endpoint::have_same_form(&made, &worker.endpoint) && set.all(is_live)
}

/// Returns the worker with the given value of a field; `None` if a worker's edits do not have the field.
fn worker_with_field(
    worker: &LiveWorker,
    field: Field,
    value: Option<&Value>,
) -> Option<LiveWorker> {
    let mut worker = worker.clone();
    match field {
        Field::Common(CommonField::Name) => worker.name = Name::new(text_or_empty(value)),
        Field::Common(CommonField::Slug) => text_or_empty(value).clone_into(&mut worker.slug),
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
        Field::Endpoint(
            EndpointField::AgentProxy
            | EndpointField::UpgradeLocked
            | EndpointField::AgentUpgradeLocked,
        ) => return None,
        Field::Endpoint(field) => endpoint::set_field(&mut worker.endpoint, field, value),
        Field::Pool(_)
        | Field::Space(_)
        | Field::Step(_)
        | Field::Value(_)
        | Field::Target(_)
        | Field::Server(_) => return None,
    }
    Some(worker)
}

/// Returns all edits except those of pools; `None` if the previous endpoint cannot be written.
fn worker_edits(now: &LiveWorker, then: &LiveWorker) -> Option<impl Iterator<Item = WorkerEdit>> {
    let name = Delta::if_different(now.name.to_string(), then.name.to_string());
    let slug = Delta::if_different(now.slug.clone(), then.slug.clone());
    let endpoint = if now.endpoint == then.endpoint {
        None
    } else {
        Delta::if_different(now.endpoint.clone(), then.endpoint.convert().ok()?)
    };
    let policy = Delta::if_different(now.policy.clone(), then.policy.clone());
    let disabled = Delta::if_different(now.disabled, then.disabled);
    let edits = [
        name.map(WorkerEdit::Name),
        slug.map(WorkerEdit::Slug),
        endpoint.map(|it| WorkerEdit::Endpoint(Box::new(it))),
        policy.map(WorkerEdit::Policy),
        disabled.map(WorkerEdit::Disabled),
    ];
    Some(edits.into_iter().flatten())
}
