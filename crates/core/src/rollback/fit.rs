//! Whether an entry of a receipt fits the object that its id names.
//!
//! A receipt is a file that anybody may have edited, or that another server may have written: its labels are text,
//! and a rollback writes by id. So the label of each entry is compared with the server's own. Never: undoing.

use super::{RollbackPlanner, text_or_empty, values::find_value_flaw};
use crate::{
    live::LivePool,
    model::{Address, Id, Name, Pool},
    plan::{ChangeAction, CommonField, ObjectKind, SpaceField, interim_worker_name},
    receipt::{ChangeOutcome, ReceiptEntry},
    text::eq_ignoring_case,
};

/// How an entry does not fit.
pub(super) enum EntryMisfit {
    /// The label names one object, and the id another; or the label cannot belong to the kind of object.
    Forged(String),
    /// The label may be that of another object: a pool's is a key of the file, which may be any word.
    Mislabelled(String),
    /// The object has another name by now.
    Renamed(String),
    /// A recorded value cannot be one of its field.
    BadValue(String),
}

impl RollbackPlanner<'_> {
    /// Checks an entry before it is undone.
    ///
    /// # Errors
    ///
    /// Returns how the entry does not fit the server.
    pub(super) fn check_fit(&self, entry: &ReceiptEntry) -> Result<(), EntryMisfit> {
        if !fits_kind(entry.kind, &entry.address) {
            let message = "its address is not that of an object of its kind".to_owned();
            return Err(EntryMisfit::Forged(message));
        }
        let sides = entry.written.iter().flat_map(|it| {
            let sides = [it.before.as_ref(), it.after.as_ref()].into_iter().flatten();
            sides.map(|value| (it.field, value))
        });
        for (field, value) in sides {
            if let Some(flaw) = find_value_flaw(field, value) {
                return Err(EntryMisfit::BadValue(format!("its recorded `{field}` is {flaw}")));
            }
        }
        match &entry.address {
            Address::Pool(key) => self.check_pool_fit(entry, key),
            Address::Worker(name) => self.check_worker_fit(entry, name),
            address => match self.live_address(entry) {
                Some(live) if !live.is_same_object(address) => {
                    Err(self.misfit(&live, self.exists(address)))
                }
                _ => Ok(()),
            },
        }
    }

    fn misfit(&self, live: &Address, label_exists: bool) -> EntryMisfit {
        if label_exists {
            EntryMisfit::Forged(format!("its id is that of `{live}`"))
        } else {
            EntryMisfit::Renamed(format!("it is `{live}` by now"))
        }
    }

    /// Returns the server's own address for the object of an entry, if the object exists.
    fn live_address(&self, entry: &ReceiptEntry) -> Option<Address> {
        match entry.kind {
            ObjectKind::Placement => {
                let (process, step) = self.find_step(entry)?;
                Some(process.step_address(step))
            }
            ObjectKind::Target => {
                let id = entry.id.as_deref()?;
                let mut targets = self.live.indirect.targets.iter();
                let target = targets.find(|target| target.id.as_str() == id)?;
                Some(Address::Target(target.name.to_string()))
            }
            ObjectKind::Variable => {
                let owner = self.find_variable_set(entry)?.address_owner();
                let Address::Variable { name, scope, .. } = &entry.address else { return None };
                let value = entry.step_id.as_deref().and_then(|id| self.find_value(entry, id));
                let (name, scope) = match value {
                    Some(value) => (value.name.to_string(), value.scope.describe()),
                    None => (name.clone(), scope.clone()),
                };
                Some(Address::Variable { owner, name, scope })
            }
            ObjectKind::Pool | ObjectKind::Worker | ObjectKind::Server => None,
        }
    }

    /// Returns whether the label of an entry is that of an object on the server.
    fn exists(&self, address: &Address) -> bool {
        match address {
            Address::Step { project, .. } => {
                let project = Name::new(project);
                let processes = self.live.processes.iter();
                let mut processes = processes.filter(|process| process.owner.project == project);
                processes.any(|process| {
                    let mut steps = process.steps.iter();
                    steps.any(|step| process.step_address(step).is_same_object(address))
                })
            }
            Address::Target(name) => {
                let name = Name::new(name);
                self.live.indirect.targets.iter().any(|target| target.name == name)
            }
            Address::Variable { owner, .. } => {
                let mut sets = self.live.indirect.sets.iter();
                sets.any(|set| set.address_owner().is_same_owner(owner))
            }
            _ => false,
        }
    }

    /// A pool's address is its key in the file, which may be any word except the name of another pool.
    fn check_pool_fit(&self, entry: &ReceiptEntry, key: &str) -> Result<(), EntryMisfit> {
        // A pool that was created by the same apply had no id when its entry as the default pool was made.
        let default = entry.find_written(SpaceField::DefaultPool);
        let default = default.map(|default| text_or_empty(default.after.as_ref()));
        let id: Id<Pool> = Id::new(default.or(entry.id.as_deref()).unwrap_or_default());
        let written = entry.find_written(CommonField::Name);
        let recorded = written.into_iter().flat_map(|name| [&name.before, &name.after]);
        let recorded = recorded.flatten().map(|name| text_or_empty(Some(name)));
        let at_start = self.receipt.pools.get(id.as_str()).map(String::as_str);
        let live = self.live.find_pool(&id);
        let own_names = || recorded.clone().chain(at_start).chain(live.map(|it| it.name.as_str()));
        let is_named = |pool: &LivePool, text: &str| {
            pool.name == Name::new(text) || eq_ignoring_case(&pool.slug, text)
        };
        let mut others = self.live.pools.iter().filter(|pool| pool.id != id);
        let is_own_key = own_names().any(|name| eq_ignoring_case(name, key))
            || live.is_some_and(|pool| is_named(pool, key));
        let is_undone = entry.action == ChangeAction::Delete;
        if let Some(other) = others.find(|pool| is_named(pool, key))
            && !is_own_key
            && !is_undone
        {
            let own = own_names().last().unwrap_or(id.as_str());
            let other = &other.name;
            let message = format!("its label names pool {other:?}, but its id is that of {own:?}");
            return Err(EntryMisfit::Mislabelled(message));
        }
        let Some(pool) = live else { return Ok(()) };
        let existed = at_start.is_some() && entry.action == ChangeAction::Create;
        if existed && entry.outcome == ChangeOutcome::Done && !entry.written.is_empty() {
            let message = format!("pool {:?} existed before the apply", pool.name);
            return Err(EntryMisfit::Forged(message));
        }
        let is_known = recorded.clone().any(|name| pool.name == Name::new(name));
        match entry.action {
            ChangeAction::Delete if !is_known => {
                let message = format!("its id is that of pool {:?}", pool.name);
                Err(EntryMisfit::Forged(message))
            }
            _ => Ok(()),
        }
    }

    fn check_worker_fit(&self, entry: &ReceiptEntry, label: &str) -> Result<(), EntryMisfit> {
        let label = Name::new(label);
        let written = entry.find_written(CommonField::Name);
        let recorded = written.into_iter().flat_map(|name| [&name.before, &name.after]);
        let recorded: Vec<Name> =
            recorded.flatten().map(|name| Name::new(text_or_empty(Some(name)))).collect();
        // A replacement that stopped half-way has not got its name yet.
        let interim = Name::new(interim_worker_name(label.as_str()));
        let id = entry.id.as_deref().unwrap_or_default();
        let live = self.live.workers.iter().find(|worker| worker.id.as_str() == id);
        let is_own = recorded.contains(&label) || recorded.contains(&interim);
        if !recorded.is_empty() && !is_own {
            let recorded = recorded.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>();
            let message =
                format!("its label is {label:?}, but its name {}", recorded.join(", then "));
            return Err(EntryMisfit::Forged(message));
        }
        let Some(worker) = live else { return Ok(()) };
        if [&label, &interim].contains(&&worker.name) || recorded.contains(&worker.name) {
            return Ok(());
        }
        let is_label_used = self.live.workers.iter().any(|worker| worker.name == label);
        Err(self.misfit(&Address::Worker(worker.name.to_string()), is_label_used))
    }
}

/// Returns whether an object of this kind can have the address.
fn fits_kind(kind: ObjectKind, address: &Address) -> bool {
    match kind {
        ObjectKind::Pool => matches!(address, Address::Pool(_) | Address::PoolOrder),
        ObjectKind::Worker => matches!(address, Address::Worker(_)),
        ObjectKind::Variable => matches!(address, Address::Variable { .. }),
        ObjectKind::Target => matches!(address, Address::Target(_)),
        ObjectKind::Placement => matches!(address, Address::Step { .. }),
        ObjectKind::Server => *address == Address::BuiltInWorker,
    }
}
