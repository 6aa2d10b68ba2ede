//! Values of variables and pools of targets: back to what chose before.
//!
//! A value in Git is known by its name and where it holds, since its id is but its place.

use super::{RollbackPlanner, is_in, made, step::commit, text};
use crate::{
    live::{self, LiveVariableSet, PoolVariable, VariableStore},
    model::{Address, Id, Linked, Name, Pool, PoolHandle, VariableSetOwner},
    plan::{ChangeKind, Delta, PlannedValueScope, ValueEdit, WrittenField, exactly::VALUE},
    receipt::ReceiptEntry,
};

use serde_json::Value;

/// What the commit says that leads back.
const MESSAGE: &str = "Give variables back their values";
/// The field of a receipt that has a whole value.
const WHOLE: &str = "Variable";

impl RollbackPlanner<'_> {
    /// A value that was added goes.
    pub(super) fn unadd_value(&mut self, entry: &ReceiptEntry, address: Address) {
        // Nothing was written where somebody else had added it.
        let Some(field) = entry.written.iter().find(|it| it.path == WHOLE) else { return };
        let added = field.after.as_ref();
        let id = text(added.and_then(|it| it.get("Id")));
        let Some(value) = self.value(entry, &address, id) else { return };
        let now = value.pool.as_ref().map_or("", Id::as_str);
        if now != self.id_of(text(added.and_then(|it| it.get("Value")))) {
            return self.edited(entry, &["its pool".to_owned()]);
        }
        let pool = value.pool.as_ref().map(|it| self.pool(it.as_str()));
        let scope = self.scope_in_git(entry, &address, value);
        let edit = ValueEdit::Remove { id: value.id.clone(), scope, pool };
        self.set_value(entry, address, edit);
    }

    /// A value that was removed comes back as it was.
    pub(super) fn readd_value(&mut self, entry: &ReceiptEntry, address: Address) {
        let Some(field) = entry.written.iter().find(|it| it.path == WHOLE) else { return };
        let Some(removed) = field.before.clone() else { return };
        if self.value(entry, &address, text(removed.get("Id"))).is_some() {
            return;
        }
        let Some(set) = self.set(entry, &address) else {
            return self.lost(
                entry,
                &address,
                "its variable set is not there any more, or cannot be read",
            );
        };
        let pool = self.id_of(text(removed.get("Value"))).to_owned();
        if pool.is_empty() {
            return self.left(entry, "it had no pool");
        }
        let pool = self.pool(&pool);
        let scope = scope(set, removed.get("Scope"));
        let (restored, restored_text) = (Some(removed), field.before_text.clone());
        let edit = ValueEdit::Add { scope, pool, restored, restored_text };
        self.set_value(entry, address, edit);
    }

    /// A value that was changed is what it was.
    pub(super) fn restore_value(&mut self, entry: &ReceiptEntry, address: Address) {
        let Some(field) = entry.written.iter().find(|it| it.path == VALUE) else { return };
        let id = entry.step_id.as_deref().unwrap_or_default();
        let Some(value) = self.value(entry, &address, id) else {
            return self.lost(
                entry,
                &address,
                "the value is not there any more, or cannot be read",
            );
        };
        let (id, now) = (value.id.clone(), value.pool.clone());
        let scope = self.scope_in_git(entry, &address, value);
        if let Some(pool) = self.turned_back(entry, field, now.as_ref()) {
            let exactly = Some(Box::new(field.turned()));
            self.set_value(
                entry,
                address,
                ValueEdit::Change { id, scope, pool, exact_field: exactly },
            );
        }
    }

    /// A target has the pool that it had.
    pub(super) fn restore_target(&mut self, entry: &ReceiptEntry, address: Address) {
        let Some(field) = entry.written.first() else { return };
        let id = entry.id.as_deref().unwrap_or_default();
        let targets = &self.live.indirect.targets;
        let Some(target) = targets.iter().find(|it| it.id.as_str() == id) else {
            return self.left(entry, "the target is not there any more, or cannot be read");
        };
        let (id, now) = (target.id.clone(), target.pool.clone());
        if let Some(pool) = self.turned_back(entry, field, now.as_ref()) {
            let exactly = Some(Box::new(field.turned()));
            self.push(address, ChangeKind::SetTargetPool { id, pool, exact_field: exactly });
        }
    }

    /// From the pool that is there to the one that was; none where it is so already, or where somebody has
    /// chosen another one since, which is told.
    fn turned_back(
        &mut self,
        entry: &ReceiptEntry,
        field: &WrittenField,
        now: Option<&Id<Pool>>,
    ) -> Option<Delta<Option<PoolHandle>>> {
        let id = |value: &Option<Value>| {
            Some(self.id_of(text(value.as_ref())).to_owned()).filter(|it| !it.is_empty())
        };
        let (was, has_made) = (id(&field.before), id(&field.after));
        let now = now.map(|it| it.as_str().to_owned());
        if now == was {
            return None;
        }
        if now != has_made {
            self.edited(entry, &[made(field)]);
            return None;
        }
        let handle = |id: Option<String>| id.map(|id| self.pool(&id));
        Delta::between(handle(now), handle(was))
    }

    /// The id of the pool that a text names: in Git, a value may have a pool's slug or name.
    fn id_of<'t>(&'t self, text: &'t str) -> &'t str {
        let is = |it: &str| !text.is_empty() && it.eq_ignore_ascii_case(text);
        let known =
            self.live.pool(&Id::new(text)).is_some() || self.remade.contains_key(&Id::new(text));
        let mut pools = self.live.pools.iter();
        let named = pools.find(|it| is(&it.slug) || is(it.name.as_str())).filter(|_| !known);
        named.map_or(text, |it| it.id.as_str())
    }

    /// The set of an entry: by its id, on the branch of its address.
    fn set(&self, entry: &ReceiptEntry, address: &Address) -> Option<&LiveVariableSet> {
        let id = entry.id.as_deref()?;
        let Address::Variable { owner, .. } = address else { return None };
        let is = |it: &&LiveVariableSet| match (&it.store, owner) {
            (
                VariableStore::Branch(on),
                VariableSetOwner::Project { name, branch: Some(branch) },
            ) => on.name == *branch && is_in(entry, on, name, it.owner.name()),
            (
                VariableStore::Database,
                VariableSetOwner::Project { branch: None, .. } | VariableSetOwner::Library(_),
            ) => it.id.as_str() == id,
            _ => false,
        };
        self.live.indirect.sets.iter().find(is)
    }

    fn value(&self, entry: &ReceiptEntry, address: &Address, id: &str) -> Option<&PoolVariable> {
        let Address::Variable { name, scope, .. } = address else { return None };
        let (set, name) = (self.set(entry, address)?, Name::new(name));
        let is = |it: &&PoolVariable| match &set.store {
            VariableStore::Branch(_) => it.name == name && it.scope.shown() == *scope,
            _ => it.id.as_str() == id && !id.is_empty(),
        };
        let mut values = self.live.indirect.variables.iter().filter(|it| it.set == set.id);
        values.find(is)
    }

    /// Where a value holds, by which it is known in Git; none for one in the database.
    fn scope_in_git(
        &self,
        entry: &ReceiptEntry,
        address: &Address,
        value: &PoolVariable,
    ) -> Option<PlannedValueScope> {
        value.branch.as_ref()?;
        let set = self.set(entry, address)?;
        fn linked<T>(names: &[String], known: &[live::DirectoryEntry]) -> Vec<Linked<T>> {
            let id = |name: &String| {
                let entry = known.iter().find(|it| it.name == Name::new(name));
                entry.map_or_else(|| name.clone(), |it| it.id.clone())
            };
            names.iter().map(|name| Linked::new(id(name), name.clone())).collect()
        }
        Some(PlannedValueScope {
            environments: linked(&value.scope.environments, &set.environments),
            channels: linked(&value.scope.channels, &set.channels),
            tenant_tags: value.scope.tenant_tags.clone(),
        })
    }

    fn set_value(&mut self, entry: &ReceiptEntry, address: Address, edit: ValueEdit) {
        let Address::Variable { name, .. } = &address else {
            return self.left(entry, "its address is none of a variable");
        };
        let Some(LiveVariableSet { id: set, store, .. }) = self.set(entry, &address) else {
            return self.left(entry, "its variable set is not there any more, or cannot be read");
        };
        let git = match store {
            VariableStore::Branch(branch) => Some(commit(branch, MESSAGE)),
            _ => None,
        };
        let kind = ChangeKind::SetValue { set: set.clone(), git, name: name.clone(), edit };
        self.push(address, kind);
    }
}

/// Where a value held, as far as a plan can say it.
fn scope(set: &LiveVariableSet, scope: Option<&Value>) -> PlannedValueScope {
    let ids = |dimension: &str| -> Vec<String> {
        let ids = scope.and_then(|it| it.get(dimension)).and_then(Value::as_array);
        ids.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    fn linked<T>(ids: Vec<String>, known: &[live::DirectoryEntry]) -> Vec<Linked<T>> {
        let name = |id: &String| {
            let entry = known.iter().find(|it| it.id == *id);
            entry.map_or_else(|| id.clone(), |it| it.name.to_string())
        };
        ids.into_iter().map(|id| Linked::new(id.clone(), name(&id))).collect()
    }
    PlannedValueScope {
        environments: linked(ids("Environment"), &set.environments),
        channels: linked(ids("Channel"), &set.channels),
        tenant_tags: ids("TenantTag"),
    }
}
