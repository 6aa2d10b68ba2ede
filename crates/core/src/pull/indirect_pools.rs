//! `[[pool_variables]]` and `[[target_pools]]` of what is live: what chooses a pool where a step does not.
//!
//! A value that several owners have alike is said once. What the language cannot say is a comment.

use super::{
    PulledPools, push_comments,
    toml::{escape_value, is_valid_name, render_list},
};
use crate::{
    live::{
        Live, LiveTarget, LiveVariableSet, PoolVariable, TargetReach, ValueSource, VariableOwner,
        VariableStore,
    },
    model::{Id, Name, Pool},
    text::pattern::Pattern,
};

use indexmap::IndexMap;
use std::fmt::Write as _;

/// The tables of all that chooses a pool.
pub(super) fn indirect_tables(live: &Live, pools: &PulledPools) -> String {
    let (mut text, left) = value_tables(live, pools, |_| true);
    push_comments(&mut text, &left);
    let (targets, left) = target_tables(live, pools, |_| true);
    text.push_str(&targets);
    push_comments(&mut text, &left);
    text
}

/// What a table says besides whose variable it is.
#[derive(PartialEq, Eq, Hash)]
struct PoolVariableEntry<'a> {
    key: &'static str,
    variable: &'a str,
    environments: &'a [String],
    channels: &'a [String],
    tags: &'a [String],
    pool: String,
}

/// Tables of some values, and what the language cannot say of them.
pub(super) fn value_tables(
    live: &Live,
    pools: &PulledPools,
    some: impl Fn(&PoolVariable) -> bool,
) -> (String, Vec<String>) {
    let mut tables: IndexMap<PoolVariableEntry, Vec<String>> = IndexMap::new();
    let mut left = Vec::new();
    let in_sets = live
        .indirect
        .variables
        .iter()
        .filter(|variable| variable.source != ValueSource::TemplateDefault);
    for value in in_sets.filter(|it| some(it)) {
        // What a tenant gives, and what is in Git, is in no set that could be written; and a value without a
        // pool says nothing.
        let Some(set) = live.indirect.sets.iter().find(|set| set.id == value.set) else { continue };
        let Some(pool) = &value.pool else { continue };
        match value_table_keys(live, pools, (set, value), pool) {
            Ok(said) => tables.entry(said).or_default().push(set.owner.name().to_string()),
            Err(why) => {
                let (owner, scope) = (set.owner.name(), value.scope.describe());
                let scope = if scope.is_empty() { scope } else { format!(" for {scope}") };
                left.push(format!("Variable {:?} of {owner:?}{scope}: {why}.", value.name));
            }
        }
    }
    let mut text = String::new();
    for (said, owners) in tables {
        let PoolVariableEntry { key, variable, environments, channels, tags, pool } = said;
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
    (text, left)
}

/// What the table of a value says.
///
/// # Errors
///
/// Why there can be none.
fn value_table_keys<'a>(
    live: &'a Live,
    pools: &PulledPools,
    (set, value): (&'a LiveVariableSet, &'a PoolVariable),
    pool: &Id<Pool>,
) -> Result<PoolVariableEntry<'a>, &'static str> {
    if !pools.has_reference(pool) {
        return Err("its pool is not there");
    }
    if !is_declarable_set(set) {
        return Err("the variables of its project are stored in Git");
    }
    if !value.scope.is_declarable() {
        return Err("it is for some steps, processes or targets alone");
    }
    if !is_exact_name(set.owner.name().as_str()) || !is_valid_name(value.name.as_str()) {
        return Err("a name in it has a wildcard, or is no text of one line");
    }
    let same_kind = |other: &&LiveVariableSet| {
        matches!(set.owner, VariableOwner::Project(_))
            == matches!(other.owner, VariableOwner::Project(_))
    };
    // What a branch has is beside what is left in the database, and that is not managed.
    let on_branch = matches!(set.store, VariableStore::Branch(_));
    let others = live.indirect.sets.iter().filter(|set| !on_branch || is_declarable_set(set));
    let named = others.filter(same_kind);
    if named.filter(|named| named.owner.name() == set.owner.name()).count() > 1
        || has_duplicate_name(live, &set.owner)
    {
        return Err("another owner of variables has the same name");
    }
    let scope = &value.scope;
    let has_unique_names = |entries: &[crate::live::DirectoryEntry], names: &[String]| {
        names.iter().all(|name| {
            let name = Name::new(name);
            is_valid_name(name.as_str())
                && entries.iter().filter(|entry| entry.name == name).count() == 1
        })
    };
    let tags = || scope.tenant_tags.iter().all(|tag| set.tenant_tags.contains(tag));
    if !has_unique_names(&set.environments, &scope.environments)
        || !has_unique_names(&set.channels, &scope.channels)
        || !tags()
    {
        return Err("something in its scope has no name that could be seen");
    }
    // One that is for some steps or processes alone is never taken for a plain one.
    let is_same_variable = |variable: &&PoolVariable| {
        let same = variable.set == value.set && variable.name == value.name;
        same && variable.scope.is_declarable()
            && variable.scope.normalized_names() == scope.normalized_names()
    };
    if set.other_variables.contains(&value.name)
        || value.id == Id::new("")
        || live.indirect.variables.iter().filter(is_same_variable).count() > 1
    {
        return Err("it cannot be told from another value");
    }
    Ok(PoolVariableEntry {
        key: match set.owner {
            VariableOwner::Project(_) => "project",
            VariableOwner::Library(_) => "library_set",
        },
        variable: value.name.as_str(),
        environments: &scope.environments,
        channels: &scope.channels,
        tags: &scope.tenant_tags,
        pool: pools.pool_reference(pool),
    })
}

/// Whether several projects have the name of an owner: no rule can name one of them.
pub(super) fn has_duplicate_name(live: &Live, owner: &VariableOwner) -> bool {
    let VariableOwner::Project(name) = owner else { return false };
    1 < live.projects.iter().filter(|project| project.name == *name).count()
}

/// Whether a file can say what the values of a set are: those in the database, and those on the branch that it names.
fn is_declarable_set(set: &LiveVariableSet) -> bool {
    matches!(set.store, VariableStore::Database | VariableStore::Branch(_))
}

/// Tables of some targets that name a pool, and what the language cannot say of them; one that names none is
/// left as it is.
pub(super) fn target_tables(
    live: &Live,
    pools: &PulledPools,
    some: impl Fn(&LiveTarget) -> bool,
) -> (String, Vec<String>) {
    let in_cloud =
        live.indirect.targets.iter().filter(|target| target.reach == TargetReach::Worker);
    let mut tables: IndexMap<String, Vec<String>> = IndexMap::new();
    let mut left = Vec::new();
    for target in in_cloud.filter(|it| some(it)) {
        let Some(pool) = &target.pool else { continue };
        let named = live.indirect.targets.iter().filter(|other| other.name == target.name).count();
        let why = match () {
            () if !pools.has_reference(pool) => "its pool is not there",
            () if !is_exact_name(target.name.as_str()) => {
                "its name has a wildcard, or is no text of one line"
            }
            () if 1 < named => "another one has the same name",
            () => {
                tables.entry(pools.pool_reference(pool)).or_default().push(target.name.to_string());
                continue;
            }
        };
        left.push(format!("Deployment target {:?}: {why}.", target.name));
    }
    let mut text = String::new();
    for (pool, names) in tables {
        _ = writeln!(text, "\n[[target_pools]]\ntarget = {}", render_one_or_list(&names));
        _ = writeln!(text, "pool = {}", escape_value(&pool));
    }
    (text, left)
}

/// Whether a selector can say this name and mean no other.
pub(super) fn is_exact_name(name: &str) -> bool {
    is_valid_name(name) && !name.starts_with('!') && Pattern::new(name).exact_name().is_some()
}

fn render_one_or_list(names: &[String]) -> String {
    match names {
        [one] => escape_value(one),
        several => render_list(several),
    }
}
