//! Updates the pools of a file to match the server.
//!
//! Never: deciding whether a pool should exist.

use super::{
    FileUpdater, KeepRound, KeyAllocator, PulledPools, TomlTable, escape_value, is_unambiguous_id,
    undeclarable_reason,
};
use crate::{
    desired::Declared,
    live::LivePool,
    model::{Id, Name, Pool, PoolKind},
    plan::ChangeKind,
};

use std::collections::{HashMap, HashSet};

/// Matches declared pools to live ones, and assigns keys to the pools that the file does not declare.
pub(super) fn match_pools<'a>(
    round: &'a KeepRound<'a>,
) -> (PulledPools<'a>, HashMap<&'a str, &'a LivePool>) {
    let all = &round.live.pools;
    let mut live: HashMap<&str, &LivePool> = HashMap::new();
    let declared = &round.file_plan.desired.pools;
    let names = declared.values().map(|pool| (&pool.name, pool.renamed_from.as_slice()));
    let find_by_name = |name: &Name| {
        let mut named = all.iter().filter(|pool| pool.name == *name);
        named.next().filter(|_| named.next().is_none())
    };
    for (key, pool) in declared.keys().zip(match_declared(names, find_by_name, |it| it.id.as_str()))
    {
        let declarable = pool.filter(|it| undeclarable_reason(it, all).is_none());
        live.extend(declarable.map(|it| (key.as_str(), it)));
    }
    let mut by_id: HashMap<&Id<Pool>, String> =
        live.iter().map(|(key, pool)| (&pool.id, (*key).to_owned())).collect();
    let mut keys = KeyAllocator::new(all.iter().map(|pool| pool.name.as_str()));
    keys.reserve_all(round.file_plan.desired.pools.keys());
    let (mut declared, mut omitted) = (Vec::new(), Vec::new());
    for pool in all {
        if by_id.contains_key(&pool.id) {
            continue;
        }
        let name = match undeclarable_reason(pool, all) {
            Some(why) => {
                omitted.push(format!("Pool {:?} ({}): {why}.", pool.name, pool.id.as_str()));
                if !is_unambiguous_id(pool.id.as_str(), all) {
                    continue;
                }
                pool.id.as_str().to_owned()
            }
            None => {
                let key = keys.assign_key(pool.name.as_str());
                declared.push((key.clone(), pool));
                key
            }
        };
        by_id.insert(&pool.id, name);
    }
    (PulledPools { declared, by_id, omitted }, live)
}

/// Matches each declared object to a live one by name, or else by a former name; no live object is matched twice.
pub(super) fn match_declared<'d, 'a, T>(
    declared: impl Iterator<Item = (&'d Name, &'d [Declared<String>])> + Clone,
    named: impl Fn(&Name) -> Option<&'a T>,
    id: impl Fn(&T) -> &str,
) -> Vec<Option<&'a T>> {
    let mut now: Vec<Option<&T>> = declared.clone().map(|(name, _)| named(name)).collect();
    let mut taken: HashSet<String> = now.iter().flatten().map(|it| id(it).to_owned()).collect();
    for (now, (_, before)) in now.iter_mut().zip(declared) {
        let mut before = before.iter().filter_map(|it| named(&Name::new(&it.value)));
        if now.is_none() {
            *now = before.find(|it| !taken.contains(id(it)));
            taken.extend(now.map(|it| id(it).to_owned()));
        }
    }
    now
}

impl FileUpdater<'_> {
    /// Returns the tables of pools affected by a change of the default pool or of the order.
    pub(super) fn affected_pool_tables(&self, kind: &ChangeKind) -> impl Iterator<Item = usize> {
        let key = match kind {
            ChangeKind::SetDefaultPool { .. } => Some("default"),
            ChangeKind::SortPools { .. } => Some("sort_order"),
            _ => None,
        };
        let is_default = |path: &[String]| {
            let live = path.get(1).and_then(|it| self.live.get(it.as_str()));
            key == Some("default") && live.is_some_and(|it| it.default)
        };
        let tables = self.document.tables.iter().enumerate();
        let tables = tables.filter(|(_, table)| {
            table.path.len() == 2 && table.path.first().is_some_and(|text| text == "pools")
        });
        let with = tables.filter(|(_, table)| {
            is_default(&table.path) || key.is_some_and(|key| self.document.contains_key(table, key))
        });
        with.map(|(at, _)| at).collect::<Vec<_>>().into_iter()
    }

    /// Edits a pool's table to match the server.
    pub(super) fn mend_pool(&mut self, at: usize, table: &TomlTable, key: &str) {
        let Some(pool) = self.live.get(key).copied() else {
            self.edit_notes.push(format!("removed pool `{key}`"));
            return self.document.remove_table(at, "");
        };
        let name = (Name::new(key).as_str() != pool.name.as_str())
            .then(|| escape_value(pool.name.as_str()));
        let image = match &pool.kind {
            PoolKind::Static => None,
            PoolKind::Dynamic { image } => Some(escape_value(image)),
        };
        let has_key = |key: &str| self.document.contains_key(table, key);
        let order = self.round.live.pools.iter().position(|candidate| candidate.id == pool.id);
        let entries = [
            ("name", name),
            ("description", has_key("description").then(|| escape_value(&pool.description))),
            ("image", image),
            ("default", pool.default.then(|| true.to_string())),
            ("sort_order", order.filter(|_| has_key("sort_order")).map(|it| it.to_string())),
        ];
        let mut changed = false;
        for (key, value) in entries {
            changed |= match value {
                Some(value) => self.document.set_value(table, key, &value),
                None => self.document.remove_key(table, key),
            };
        }
        changed |= self.document.remove_key(table, "renamed_from");
        if !changed {
            // Only its members can differ.
            self.document.remove_key(table, "members");
        }
        self.edit_notes.push(format!("updated pool `{key}`"));
    }
}
