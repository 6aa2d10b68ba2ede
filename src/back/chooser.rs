//! Values of variables and pools of targets: back to what chose before.

use super::{Way, made, text};
use crate::{
    live::{self, PoolVariable},
    model::{Address, Id, Linked, Pool, PoolHandle, VariableSet},
    plan::{ChangeKind, Delta, NewScope, ValueEdit, Written},
    receipt::Entry,
};
use serde_json::Value;

/// The field of a receipt that has a whole value.
const WHOLE: &str = "Variable";
/// The field of a receipt that has a value's pool.
const POOL: &str = "Value";

impl Way<'_> {
    /// A value that was added goes.
    pub(super) fn unadd_value(&mut self, entry: &Entry, address: Address) {
        // Nothing was written where somebody else had added it.
        let Some(field) = entry.before.iter().find(|it| it.path == WHOLE) else { return };
        let added = field.after.as_ref();
        let id = text(added.and_then(|it| it.get("Id")));
        let Some(value) = self.value(entry, id) else { return };
        let now = value.pool.as_ref().map_or("", Id::as_str);
        if now != text(added.and_then(|it| it.get("Value"))) {
            return self.edited(entry, &["its pool".to_owned()]);
        }
        let pool = value.pool.as_ref().map(|it| self.pool(it.as_str()));
        let edit = ValueEdit::Remove { id: value.id.clone(), pool };
        self.set_value(entry, address, edit);
    }

    /// A value that was removed comes back as it was.
    pub(super) fn readd_value(&mut self, entry: &Entry, address: Address) {
        let Some(field) = entry.before.iter().find(|it| it.path == WHOLE) else { return };
        let Some(removed) = field.before.clone() else { return };
        if self.value(entry, text(removed.get("Id"))).is_some() {
            return;
        }
        let set = Id::new(entry.id.as_deref().unwrap_or_default());
        if self.live.choosers.sets.iter().all(|it| it.id != set) {
            return self.left(entry, "its variable set is not there any more, or cannot be read");
        }
        let pool = text(removed.get("Value"));
        if pool.is_empty() {
            return self.left(entry, "it had no pool");
        }
        let pool = self.pool(pool);
        let scope = self.scope(&set, removed.get("Scope"));
        let edit = ValueEdit::Add { scope, pool, restored: Some(removed) };
        self.set_value(entry, address, edit);
    }

    /// Where a value held, as far as a plan can say it.
    fn scope(&self, set: &Id<VariableSet>, scope: Option<&Value>) -> NewScope {
        let ids = |dimension: &str| -> Vec<String> {
            let ids = scope.and_then(|it| it.get(dimension)).and_then(Value::as_array);
            ids.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        fn linked<T>(ids: Vec<String>, known: Option<&[live::Entry]>) -> Vec<Linked<T>> {
            let name = |id: &String| {
                let entry = known.unwrap_or_default().iter().find(|it| it.id == *id);
                entry.map_or_else(|| id.clone(), |it| it.name.to_string())
            };
            ids.into_iter().map(|id| Linked::new(id.clone(), name(&id))).collect()
        }
        let set = self.live.choosers.sets.iter().find(|it| it.id == *set);
        NewScope {
            environments: linked(ids("Environment"), set.map(|it| it.environments.as_slice())),
            channels: linked(ids("Channel"), set.map(|it| it.channels.as_slice())),
            tenant_tags: ids("TenantTag"),
        }
    }

    /// A value that was changed is what it was.
    pub(super) fn restore_value(&mut self, entry: &Entry, address: Address) {
        let Some(field) = entry.before.iter().find(|it| it.path == POOL) else { return };
        let id = entry.step_id.as_deref().unwrap_or_default();
        let Some(value) = self.value(entry, id) else {
            return self.left(entry, "the value is not there any more, or cannot be read");
        };
        let (id, now) = (value.id.clone(), value.pool.clone());
        if let Some(pool) = self.turned_back(entry, field, now.as_ref()) {
            self.set_value(entry, address, ValueEdit::Change { id, pool });
        }
    }

    /// A target has the pool that it had.
    pub(super) fn restore_target(&mut self, entry: &Entry, address: Address) {
        let Some(field) = entry.before.first() else { return };
        let id = entry.id.as_deref().unwrap_or_default();
        let targets = &self.live.choosers.targets;
        let Some(target) = targets.iter().find(|it| it.id.as_str() == id) else {
            return self.left(entry, "the target is not there any more, or cannot be read");
        };
        let (id, now) = (target.id.clone(), target.pool.clone());
        if let Some(pool) = self.turned_back(entry, field, now.as_ref()) {
            self.push(address, ChangeKind::SetTargetPool { id, pool });
        }
    }

    /// From the pool that is there to the one that was; none where it is so already, or where somebody has
    /// chosen another one since, which is told.
    fn turned_back(
        &mut self,
        entry: &Entry,
        field: &Written,
        now: Option<&Id<Pool>>,
    ) -> Option<Delta<Option<PoolHandle>>> {
        let id = |value: &Option<Value>| {
            Some(text(value.as_ref()).to_owned()).filter(|it| !it.is_empty())
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

    fn value(&self, entry: &Entry, id: &str) -> Option<&PoolVariable> {
        let set = entry.id.as_deref()?;
        let mut values = self.live.choosers.variables.iter();
        values.find(|it| it.set.as_str() == set && it.id.as_str() == id && !id.is_empty())
    }

    fn set_value(&mut self, entry: &Entry, address: Address, edit: ValueEdit) {
        let Address::Variable { name, .. } = &address else {
            return self.left(entry, "its address is none of a variable");
        };
        let set = Id::new(entry.id.as_deref().unwrap_or_default());
        let name = name.clone();
        self.push(address, ChangeKind::SetValue { set, name, edit });
    }
}
