//! Writes `[[pool_variables]]` and `[[target_pools]]`, which set the pool of steps that do not.
//!
//! Owners with equal values share a table. What the language cannot express becomes a comment.

use super::{
    PulledPools, push_comments,
    toml::{escape_value, is_valid_name, render_list},
};
use crate::{
    live::{
        DirectoryEntry, Live, LiveTarget, LiveVariableSet, PoolVariable, TargetReach, ValueSource,
        VariableOwner, VariableStore,
    },
    model::{Id, Name, Pool, VariableSet},
    text::pattern::Pattern,
};

use indexmap::IndexMap;
use std::{collections::HashMap, fmt::Write as _};

/// Renders the tables of all pool variables and target pools.
pub(super) fn indirect_tables(live: &Live, pools: &PulledPools) -> String {
    let (mut text, omitted) = value_tables(live, pools, |_| true);
    push_comments(&mut text, &omitted);
    let (targets, omitted) = target_tables(live, pools, |_| true);
    text.push_str(&targets);
    push_comments(&mut text, &omitted);
    text
}

/// The content of a `[[pool_variables]]` table, apart from the owners.
#[derive(PartialEq, Eq, Hash)]
struct PoolVariableEntry<'a> {
    key: &'static str,
    variable: &'a str,
    environments: &'a [String],
    channels: &'a [String],
    tags: &'a [String],
    pool: String,
}

/// Renders the tables of the selected values, and comments on those that the language cannot express.
pub(super) fn value_tables(
    live: &Live,
    pools: &PulledPools,
    is_selected: impl Fn(&PoolVariable) -> bool,
) -> (String, Vec<String>) {
    let mut tables: IndexMap<PoolVariableEntry, Vec<String>> = IndexMap::new();
    let (index, mut omitted) = (ValueIndex::new(live), Vec::new());
    let in_sets = live
        .indirect
        .variables
        .iter()
        .filter(|variable| variable.source != ValueSource::TemplateDefault);
    for value in in_sets.filter(|variable| is_selected(variable)) {
        // Values of tenants and in Git are not in a writable set; a value without a pool has no effect.
        let Some(set) = index.sets.get(&value.set).copied() else { continue };
        let Some(pool) = &value.pool else { continue };
        match value_entry(&index, pools, set, value, pool) {
            Ok(entry) => tables.entry(entry).or_default().push(set.owner.name().to_string()),
            Err(why) => {
                let (owner, scope) = (set.owner.name(), value.scope.describe());
                let scope = if scope.is_empty() { scope } else { format!(" for {scope}") };
                omitted.push(format!("Variable {:?} of {owner:?}{scope}: {why}.", value.name));
            }
        }
    }
    let mut text = String::new();
    for (entry, owners) in tables {
        let PoolVariableEntry { key, variable, environments, channels, tags, pool } = entry;
        _ = writeln!(text, "\n[[pool_variables]]\n{key} = {}", render_one_or_list(&owners));
        _ = writeln!(text, "variable = {}", escape_value(variable));
        for (key, names) in
            [("environment", environments), ("channel", channels), ("tenant_tag", tags)]
        {
            if !names.is_empty() {
                _ = writeln!(text, "{key} = {}", render_one_or_list(names));
            }
        }
        _ = writeln!(text, "pool = {}", escape_value(&pool));
    }
    (text, omitted)
}

/// Returns the content of a value's table.
///
/// # Errors
///
/// Returns the reason if the language cannot express the value.
fn value_entry<'a>(
    index: &ValueIndex<'a>,
    pools: &PulledPools,
    set: &'a LiveVariableSet,
    value: &'a PoolVariable,
    pool: &Id<Pool>,
) -> Result<PoolVariableEntry<'a>, &'static str> {
    if !pools.has_reference(pool) {
        return Err("its pool does not exist");
    }
    if !is_declarable_set(set) {
        return Err("the variables of its project are stored in Git");
    }
    if !value.scope.is_declarable() {
        return Err("it is scoped to steps, processes or targets");
    }
    if !is_exact_name(set.owner.name().as_str()) || !is_valid_name(value.name.as_str()) {
        return Err("a name in it has a wildcard or is not a single line");
    }
    if !index.has_unique_owner(set) {
        return Err("another project or library set has the same name");
    }
    if !has_unique_scope(set, value) {
        return Err("its scope has something without a readable, unique name");
    }
    if !index.is_distinguishable(set, value) {
        return Err("it cannot be distinguished from another value");
    }
    Ok(PoolVariableEntry {
        key: match set.owner {
            VariableOwner::Project(_) => "project",
            VariableOwner::Library(_) => "library_set",
        },
        variable: value.name.as_str(),
        environments: &value.scope.environments,
        channels: &value.scope.channels,
        tags: &value.scope.tenant_tags,
        pool: pools.pool_reference(pool),
    })
}

/// Variable sets and their values, for looking up many.
struct ValueIndex<'a> {
    sets: HashMap<&'a Id<VariableSet>, &'a LiveVariableSet>,
    values: HashMap<&'a Id<VariableSet>, Vec<&'a PoolVariable>>,
    /// How many sets owners of a kind and a name have, and how many of those a file can declare values in.
    owners: HashMap<(bool, &'a Name), OwnerSets>,
    /// How many projects have a name.
    projects: HashMap<&'a Name, usize>,
}

/// The number of sets of owners with one name.
#[derive(Clone, Copy, Default)]
struct OwnerSets {
    all: usize,
    declarable: usize,
}

impl<'a> ValueIndex<'a> {
    fn new(live: &'a Live) -> Self {
        let (mut values, mut owners) = (HashMap::<_, Vec<_>>::new(), HashMap::new());
        for value in &live.indirect.variables {
            values.entry(&value.set).or_default().push(value);
        }
        for set in &live.indirect.sets {
            let sets: &mut OwnerSets = owners.entry(owner_key(&set.owner)).or_default();
            sets.all += 1;
            sets.declarable += usize::from(is_declarable_set(set));
        }
        let mut projects = HashMap::new();
        live.projects.iter().for_each(|it| *projects.entry(&it.name).or_default() += 1);
        // Of two sets with one id, the first is meant.
        let sets = live.indirect.sets.iter().rev().map(|set| (&set.id, set)).collect();
        Self { sets, values, owners, projects }
    }

    /// Returns whether a rule that names the set's owner means this set only.
    fn has_unique_owner(&self, set: &LiveVariableSet) -> bool {
        let key = owner_key(&set.owner);
        let sets = self.owners.get(&key).copied().unwrap_or_default();
        // A project with variables on a branch may still have unmanaged ones in the database.
        let on_branch = matches!(set.store, VariableStore::Branch(_));
        let is_shared = key.0 && self.projects.get(key.1).is_some_and(|count| *count > 1);
        (if on_branch { sets.declarable } else { sets.all }) <= 1 && !is_shared
    }

    /// Returns whether a rule about the value means this value only.
    fn is_distinguishable(&self, set: &LiveVariableSet, value: &PoolVariable) -> bool {
        // A value that is scoped to steps or processes is never taken for a plain one.
        let is_same_variable = |variable: &&&PoolVariable| {
            variable.name == value.name
                && variable.scope.is_declarable()
                && variable.scope.normalized_names() == value.scope.normalized_names()
        };
        let values = self.values.get(&value.set).map_or(&[][..], Vec::as_slice);
        !set.other_variables.contains(&value.name)
            && value.id != Id::new("")
            && values.iter().filter(is_same_variable).count() <= 1
    }
}

/// Returns whether an owner is a project, and its name.
fn owner_key(owner: &VariableOwner) -> (bool, &Name) {
    (matches!(owner, VariableOwner::Project(_)), owner.name())
}

/// Returns whether the file can name everything in the value's scope.
fn has_unique_scope(set: &LiveVariableSet, value: &PoolVariable) -> bool {
    let has_unique_names = |entries: &[DirectoryEntry], names: &[String]| {
        names.iter().all(|name| {
            let name = Name::new(name);
            is_valid_name(name.as_str())
                && entries.iter().filter(|entry| entry.name == name).count() == 1
        })
    };
    let scope = &value.scope;
    has_unique_names(&set.environments, &scope.environments)
        && has_unique_names(&set.channels, &scope.channels)
        && scope.tenant_tags.iter().all(|tag| set.tenant_tags.contains(tag))
}

/// Returns whether several projects have the owner's name, so that a rule cannot name one of them.
pub(super) fn has_duplicate_name(live: &Live, owner: &VariableOwner) -> bool {
    let VariableOwner::Project(name) = owner else { return false };
    live.projects.iter().filter(|project| project.name == *name).count() > 1
}

/// Returns whether a file can declare values in a set: one in the database, or on the branch that the file names.
fn is_declarable_set(set: &LiveVariableSet) -> bool {
    matches!(set.store, VariableStore::Database | VariableStore::Branch(_))
}

/// Renders the tables of the selected targets, and comments on those that the language cannot express.
///
/// Targets without a pool are left out.
pub(super) fn target_tables(
    live: &Live,
    pools: &PulledPools,
    is_selected: impl Fn(&LiveTarget) -> bool,
) -> (String, Vec<String>) {
    let in_cloud =
        live.indirect.targets.iter().filter(|target| target.reach == TargetReach::Worker);
    let mut tables: IndexMap<String, Vec<String>> = IndexMap::new();
    let (mut omitted, mut names) = (Vec::new(), HashMap::<&Name, usize>::new());
    live.indirect.targets.iter().for_each(|it| *names.entry(&it.name).or_default() += 1);
    for target in in_cloud.filter(|target| is_selected(target)) {
        let Some(pool) = &target.pool else { continue };
        let why = if !pools.has_reference(pool) {
            "its pool does not exist"
        } else if !is_exact_name(target.name.as_str()) {
            "its name has a wildcard or is not a single line"
        } else if names.get(&target.name).is_some_and(|count| *count > 1) {
            "another target has the same name"
        } else {
            tables.entry(pools.pool_reference(pool)).or_default().push(target.name.to_string());
            continue;
        };
        omitted.push(format!("Deployment target {:?}: {why}.", target.name));
    }
    let mut text = String::new();
    for (pool, names) in tables {
        _ = writeln!(text, "\n[[target_pools]]\ntarget = {}", render_one_or_list(&names));
        _ = writeln!(text, "pool = {}", escape_value(&pool));
    }
    (text, omitted)
}

/// Returns whether a selector with this name matches only this name.
pub(super) fn is_exact_name(name: &str) -> bool {
    is_valid_name(name)
        && !name.starts_with('!')
        && Pattern::new(name).exact_name().is_some_and(|exact| exact == name.trim())
}

fn render_one_or_list(names: &[String]) -> String {
    match names {
        [one] => escape_value(one),
        several => render_list(several),
    }
}
