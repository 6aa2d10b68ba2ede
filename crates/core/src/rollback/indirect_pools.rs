//! Restores the values of variables and the pools of targets.
//!
//! A value in Git is identified by its name and scope, because its id is only its position.

use super::{
    POOL_OF_VALUE, RollbackPlanner, concerns_branch, describe_edited, step::commit_on_branch,
    text_or_empty,
};
use crate::{
    live::{self, LiveVariableSet, PoolVariable, VariableStore},
    model::{Address, Id, Linked, Name, Pool, PoolHandle, VariableSetOwner},
    plan::{
        ChangeKind, Delta, PlannedValueScope, RestoredValue, TargetField, ValueEdit, ValueField,
        WrittenField,
    },
    receipt::ReceiptEntry,
    text::eq_ignoring_case,
};

use serde_json::Value;

/// The message of the commits that restore values.
const COMMIT_MESSAGE: &str = "Restore the values of variables";

impl RollbackPlanner<'_> {
    /// Removes a value that was added.
    pub(super) fn undo_value_addition(&mut self, entry: &ReceiptEntry) {
        // Nothing was written if someone else had already added the value.
        let Some(field) = entry.find_written(ValueField::Whole) else { return };
        let added = field.after.as_ref();
        let id = text_or_empty(added.and_then(|it| it.get("Id")));
        let Some(value) = self.find_value(entry, id) else { return };
        let now = value.pool.as_ref().map_or("", Id::as_str);
        if now != self.resolve_pool_id(text_or_empty(added.and_then(|it| it.get(POOL_OF_VALUE)))) {
            return self.warn_edited_since(entry, &["its pool".to_owned()]);
        }
        let pool = value.pool.as_ref().map(|it| self.resolve_pool(it.as_str()));
        let scope = self.git_value_scope(entry, value);
        let edit = ValueEdit::Remove { id: value.id.clone(), scope, pool };
        self.push_value_edit(entry, edit);
    }

    /// Adds a value that was removed.
    pub(super) fn undo_value_removal(&mut self, entry: &ReceiptEntry) {
        let Some(field) = entry.find_written(ValueField::Whole) else { return };
        let Some(removed) = field.before.clone() else { return };
        if self.find_value(entry, text_or_empty(removed.get("Id"))).is_some() {
            return;
        }
        let Some(set) = self.find_variable_set(entry) else {
            return self.warn_missing(entry, "its variable set no longer exists or cannot be read");
        };
        let pool = self.resolve_pool_id(text_or_empty(removed.get(POOL_OF_VALUE))).to_owned();
        if pool.is_empty() {
            return self.warn_not_undone(entry, "it had no pool");
        }
        let pool = self.resolve_pool(&pool);
        let scope = scope_from_json(set, removed.get("Scope"));
        let restored = Some(RestoredValue { document: removed, text: field.before_text.clone() });
        let edit = ValueEdit::Add { scope, pool, restored };
        self.push_value_edit(entry, edit);
    }

    /// Restores a value that was changed.
    pub(super) fn restore_value(&mut self, entry: &ReceiptEntry) {
        let Some(field) = entry.find_written(ValueField::Pool) else { return };
        let id = entry.step_id.as_deref().unwrap_or_default();
        let Some(value) = self.find_value(entry, id) else {
            return self.warn_missing(entry, "the value no longer exists or cannot be read");
        };
        let (id, now) = (value.id.clone(), value.pool.clone());
        let scope = self.git_value_scope(entry, value);
        if let Some(pool) = self.reverse_pool_delta(entry, field, now.as_ref()) {
            let exactly = Some(Box::new(field.to_reversed()));
            self.push_value_edit(entry, ValueEdit::Change { id, scope, pool, restored: exactly });
        }
    }

    /// Restores the pool of a target.
    pub(super) fn restore_target(&mut self, entry: &ReceiptEntry) {
        let Some(field) = entry.find_written(TargetField::Pool) else { return };
        let id = entry.id.as_deref().unwrap_or_default();
        let targets = &self.live.indirect.targets;
        let Some(target) = targets.iter().find(|target| target.id.as_str() == id) else {
            return self.warn_missing(entry, "the target no longer exists or cannot be read");
        };
        let (id, now) = (target.id.clone(), target.pool.clone());
        if let Some(pool) = self.reverse_pool_delta(entry, field, now.as_ref()) {
            let exactly = Some(Box::new(field.to_reversed()));
            let kind = ChangeKind::SetTargetPool { id, pool, restored: exactly };
            self.push_change(entry.address.clone(), kind);
        }
    }

    /// Returns the change from the current pool to the previous one; `None` if it is already
    /// restored, or has been changed since the apply, which is reported.
    fn reverse_pool_delta(
        &mut self,
        entry: &ReceiptEntry,
        field: &WrittenField,
        now: Option<&Id<Pool>>,
    ) -> Option<Delta<Option<PoolHandle>>> {
        let pool_id = |value: &Option<Value>| {
            Some(self.resolve_pool_id(text_or_empty(value.as_ref())).to_owned())
                .filter(|it| !it.is_empty())
        };
        let (was, has_made) = (pool_id(&field.before), pool_id(&field.after));
        let now = now.map(|it| it.as_str().to_owned());
        if now == was {
            return None;
        }
        if now != has_made {
            self.warn_edited_since(entry, &[describe_edited(field)]);
            return None;
        }
        let handle = |id: Option<String>| id.map(|id| self.resolve_pool(&id));
        Delta::if_different(handle(now), handle(was))
    }

    /// Returns the id of the pool that a text names: in Git, a value may be a pool's slug or name.
    fn resolve_pool_id<'t>(&'t self, text: &'t str) -> &'t str {
        let matches_text = |name: &str| !text.is_empty() && eq_ignoring_case(name, text);
        let known = self.live.find_pool(&Id::new(text)).is_some()
            || self.remade.contains_key(&Id::new(text));
        let mut pools = self.live.pools.iter();
        let named = pools
            .find(|pool| matches_text(&pool.slug) || matches_text(pool.name.as_str()))
            .filter(|_| !known);
        named.map_or(text, |it| it.id.as_str())
    }

    /// Finds the variable set of an entry by its id, on the branch of its address.
    pub(super) fn find_variable_set(&self, entry: &ReceiptEntry) -> Option<&LiveVariableSet> {
        let id = entry.id.as_deref()?;
        let Address::Variable { owner, .. } = &entry.address else { return None };
        let is_entry_set = |set: &&LiveVariableSet| match (&set.store, owner) {
            (
                VariableStore::Branch(on),
                VariableSetOwner::Project { name, branch: Some(branch) },
            ) => on.at.name == *branch && concerns_branch(entry, on, name, set.owner.name()),
            (
                VariableStore::Database,
                VariableSetOwner::Project { branch: None, .. } | VariableSetOwner::Library(_),
            ) => set.id.as_str() == id,
            _ => false,
        };
        self.live.indirect.sets.iter().find(is_entry_set)
    }

    pub(super) fn find_value(&self, entry: &ReceiptEntry, id: &str) -> Option<&PoolVariable> {
        let Address::Variable { name, scope, .. } = &entry.address else { return None };
        let (set, name) = (self.find_variable_set(entry)?, Name::new(name));
        let is_entry_value = |variable: &&PoolVariable| match &set.store {
            VariableStore::Branch(_) => {
                variable.name == name && variable.scope.describe() == *scope
            }
            _ => variable.id.as_str() == id && !id.is_empty(),
        };
        let mut values =
            self.live.indirect.variables.iter().filter(|variable| variable.set == set.id);
        values.find(is_entry_value)
    }

    /// Returns the scope that identifies a value in Git; `None` for a value in the database.
    fn git_value_scope(
        &self,
        entry: &ReceiptEntry,
        value: &PoolVariable,
    ) -> Option<PlannedValueScope> {
        value.branch.as_ref()?;
        let set = self.find_variable_set(entry)?;
        fn link_names<T>(names: &[String], known: &[live::DirectoryEntry]) -> Vec<Linked<T>> {
            let id = |name: &String| {
                let entry = known.iter().find(|entry| entry.name == Name::new(name));
                entry.map_or_else(|| name.clone(), |it| it.id.clone())
            };
            names.iter().map(|name| Linked::new(id(name), name.clone())).collect()
        }
        Some(PlannedValueScope {
            environments: link_names(&value.scope.environments, &set.environments),
            channels: link_names(&value.scope.channels, &set.channels),
            tenant_tags: value.scope.tenant_tags.clone(),
        })
    }

    fn push_value_edit(&mut self, entry: &ReceiptEntry, edit: ValueEdit) {
        let Address::Variable { name, .. } = &entry.address else {
            return self.warn_not_undone(entry, "its address is not that of a variable");
        };
        let Some(LiveVariableSet { id: set, store, .. }) = self.find_variable_set(entry) else {
            return self
                .warn_not_undone(entry, "its variable set no longer exists or cannot be read");
        };
        let git = match store {
            VariableStore::Branch(branch) => Some(commit_on_branch(branch, COMMIT_MESSAGE)),
            _ => None,
        };
        let kind = ChangeKind::SetValue { set: set.clone(), git, name: name.clone(), edit };
        self.push_change(entry.address.clone(), kind);
    }
}

/// Returns the recorded scope of a value, as far as a plan can express it.
fn scope_from_json(set: &LiveVariableSet, scope: Option<&Value>) -> PlannedValueScope {
    let ids = |dimension: &str| -> Vec<String> {
        let ids = scope.and_then(|it| it.get(dimension)).and_then(Value::as_array);
        ids.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    fn link_ids<T>(ids: Vec<String>, known: &[live::DirectoryEntry]) -> Vec<Linked<T>> {
        let name = |id: &String| {
            let entry = known.iter().find(|entry| entry.id == *id);
            entry.map_or_else(|| id.clone(), |it| it.name.to_string())
        };
        ids.into_iter().map(|id| Linked::new(id.clone(), name(&id))).collect()
    }
    PlannedValueScope {
        environments: link_ids(ids("Environment"), &set.environments),
        channels: link_ids(ids("Channel"), &set.channels),
        tenant_tags: ids("TenantTag"),
    }
}
