//! The values of variables in a file, brought to those that are live.
//!
//! Never: a guess about what could not be read.

use super::{FileUpdater, KeepError, TomlTable, escape_value, indirect_pools};
use crate::{
    desired::{Declared, DesiredValueOwner, DesiredValueScope, PoolVariableRule, ValueVerdict},
    finding::Finding,
    live::{
        DirectoryEntry, HiddenData, LiveVariableSet, PoolVariable, VariableOwner, VariableStore,
        normalize_names,
    },
    model::{Id, Name, Pool},
    plan::{Change, ChangeKind, PlannedCommit, ValueEdit},
    text::pattern::Patterns,
};

/// Words for a rule.
const RULE: &str = "pool_variables";

/// Where a value holds: environments, channels and tags, without regard to order and case.
type ScopeKey = [Vec<String>; 3];

/// A rule and its table.
struct ValueRuleTable<'r> {
    rule: &'r PoolVariableRule,
    at: usize,
    table: TomlTable,
}

impl ValueRuleTable<'_> {
    fn owner_patterns(&self) -> &Patterns {
        owner_selector(self.rule).1
    }

    fn names_owner(&self, owner: &Name) -> bool {
        self.owner_patterns().exact_names().any(|name| Name::new(name) == *owner)
    }
}

impl<'a> FileUpdater<'a> {
    /// Has the rules about values say what these are.
    pub(super) fn mend_value_rules(&mut self) -> Result<(), KeepError> {
        let judged = self.round.file_plan;
        for rule in &judged.desired.values {
            let at = self.owning_table(rule.span.bytes.start);
            let errors = self.errors_in_table(at);
            let changes = self.changes_by_rule(rule.span.bytes.start);
            if errors.is_empty() && changes.is_empty() {
                continue;
            }
            let Some(table) = self.document.tables.get(at).cloned() else { continue };
            let rule = ValueRuleTable { rule: &rule.value, at, table };
            match errors.as_slice() {
                [] => self.mend_moved_values(&rule, &changes),
                _ => self.mend_lost_values(&rule, &errors)?,
            }
        }
        Ok(())
    }

    /// A rule that leads nowhere: to a pool that is gone, or to values that are.
    fn mend_lost_values(
        &mut self,
        rule: &ValueRuleTable,
        errors: &[&Finding],
    ) -> Result<(), KeepError> {
        let names: Vec<Name> = rule.owner_patterns().exact_names().map(Name::new).collect();
        let sets =
            || self.round.live.indirect.sets.iter().filter(|it| is_same_owner_kind(rule.rule, it));
        let is_there = |name: &&Name| sets().any(|set| set.owner.name() == *name);
        let in_git =
            sets().filter(|set| rule.owner_patterns().matches_folded(set.owner.name().as_folded()));
        for set in in_git {
            if let VariableStore::SupersededByGit { unread: Some(why) } = &set.store {
                let what = format!("the variables of project {:?} in Git", set.owner.name());
                return Err(self.unread_error(rule.at, RULE, (what, why.clone())));
            }
        }
        let all_seen = rule.owner_patterns().is_exact() && names.iter().all(|it| is_there(&it));
        if !all_seen {
            self.ensure_all_read(rule.at, RULE, &[HiddenData::PoolReferences])?;
        }
        let is_scope = |it: &&&Finding| it.code.is_about_value_scope();
        let place = |finding: &&Finding| {
            super::start_offset(&finding.location).map(|at| (at, finding.message.clone()))
        };
        let gone: Vec<_> = errors.iter().filter(is_scope).filter_map(place).collect();
        // A value loses what goes of its scope, and keeps the rest of it.
        let mut took = false;
        for (at, message) in gone {
            if self.document.remove_list_item(&rule.table, at) {
                self.edit_notes.push(format!("a rule about values no longer says this: {message}"));
                took = true;
            }
        }
        if took {
            return Ok(());
        }
        if self.errors_mention_key(&rule.table, "pool", errors) {
            let found = self.decided_values(rule.rule);
            let pool = found.iter().find_map(|(_, it)| self.value_reference(it.pool.as_ref()));
            match pool {
                Some(pool) => self.set_rule_pool(rule, &pool),
                None => {
                    let why = format!("{}, and no value that it is about", join_messages(errors));
                    self.remove_owners(rule, &[], &why);
                }
            }
            return Ok(());
        }
        let lost: Vec<&Name> =
            names.iter().filter(|it| self.lacks_own_value(rule.rule, it)).collect();
        self.remove_owners(rule, &lost, &join_messages(errors));
        Ok(())
    }

    /// A rule about values that are other pools, or not there.
    fn mend_moved_values(&mut self, rule: &ValueRuleTable, changes: &[&'a Change]) {
        use ValueEdit::{Change as Changes, Remove};
        let there = changes.iter().filter_map(|change| match &change.kind {
            ChangeKind::SetValue {
                set, edit: Changes { id, .. } | Remove { id, .. }, git, ..
            } => {
                // A branch that is to be made has what the protected one has.
                let base = git.as_ref().and_then(PlannedCommit::base_document);
                let set = base.map_or(set.clone(), |base| base.variable_set_id());
                Some((set, id))
            }
            _ => None,
        });
        let ids: Vec<_> = there.collect();
        if ids.len() < changes.len() {
            let names: Vec<Name> = rule.owner_patterns().exact_names().map(Name::new).collect();
            let lost: Vec<&Name> =
                names.iter().filter(|it| self.lacks_own_value(rule.rule, it)).collect();
            return self.remove_owners(rule, &lost, "values that it names are gone");
        }
        let found = self.decided_values(rule.rule);
        let moves = |variable: &PoolVariable| {
            ids.iter().any(|(set, id)| *set == variable.set && **id == variable.id)
        };
        let all = found.iter().all(|(_, it)| moves(it));
        // A value that is there again is said where each that the rule asks to go is.
        let whole = match rule.rule.verdict {
            ValueVerdict::Pool(_) => true,
            ValueVerdict::Remove => {
                let sets = self.round.live.indirect.sets.iter();
                let sets =
                    sets.filter(|set| self.manages_set(set) && may_have_value(rule.rule, set));
                let names = || rule.owner_patterns().exact_names().map(Name::new);
                let has_it = |name: Name| found.iter().any(|(set, _)| *set.owner.name() == name);
                sets.count() == found.len() && names().all(has_it)
            }
        };
        let first = found
            .iter()
            .find(|(_, variable)| self.value_reference(variable.pool.as_ref()).is_some());
        let place = first.filter(|_| all && whole).and_then(|(_, it)| it.pool.as_ref());
        if let Some(pool) = self.value_reference(place) {
            self.set_rule_pool(rule, &pool);
        }
        let others = found.into_iter().filter(|(_, it)| moves(it));
        let others: Vec<_> = others
            .filter(|(_, variable)| place.is_none() || variable.pool.as_ref() != place)
            .collect();
        self.exclude_values(rule, &others);
    }

    /// Takes values out of a rule: names out of its list, and what a wildcard finds by a rule before it or by
    /// an exclusion.
    fn exclude_values(
        &mut self,
        rule: &ValueRuleTable,
        values: &[(&'a LiveVariableSet, &'a PoolVariable)],
    ) {
        if values.is_empty() {
            return;
        }
        let (named, wild): (Vec<_>, Vec<_>) =
            values.iter().partition(|(set, _)| rule.names_owner(set.owner.name()));
        let names: Vec<&Name> = named.iter().map(|(set, _)| set.owner.name()).collect();
        if !names.is_empty() {
            return self.remove_owners(rule, &names, "values that it names are another pool");
        }
        let key = owner_selector(rule.rule).0;
        let mut exceptions = Vec::new();
        for (set, variable) in wild {
            let is_it = |other: &PoolVariable| std::ptr::eq(other, variable);
            let (table, _) = indirect_pools::value_tables(self.round.live, &self.pools, is_it);
            let name = set.owner.name().as_str();
            match table.is_empty() {
                false => exceptions.push(variable),
                true if indirect_pools::is_exact_name(name) => {
                    self.document.add_list_item(
                        &rule.table,
                        key,
                        &escape_value(&format!("!{name}")),
                    );
                    self.edit_notes.push(format!("a rule leaves out {name}"));
                }
                true => return self.remove_owners(rule, &[], "its values are said one by one"),
            }
        }
        let is_one =
            |variable: &PoolVariable| exceptions.iter().any(|other| std::ptr::eq(*other, variable));
        let (tables, _) = indirect_pools::value_tables(self.round.live, &self.pools, is_one);
        if !tables.is_empty() {
            self.edit_notes.push(format!(
                "{} before a rule",
                crate::text::pluralize(exceptions.len(), "exception")
            ));
            self.document.insert_before(rule.at, &tables);
        }
    }

    /// Takes owners out of a rule, or the rule out of the file where nothing would be left of it or nothing is
    /// to be taken out; what cannot be said of their values is a comment.
    fn remove_owners(&mut self, rule: &ValueRuleTable, names: &[&Name], why: &str) {
        let of_rule = |variable: &PoolVariable| {
            variable.name == rule.rule.variable.value && names.contains(&variable.owner.name())
        };
        let (_, left) = indirect_pools::value_tables(self.round.live, &self.pools, of_rule);
        let left = self.missing_comments(&left);
        match self
            .document
            .remove_names(&rule.table, owner_selector(rule.rule).0, |it| names.contains(&it))
        {
            true => {
                self.edit_notes.push(format!("a rule about values names fewer: {why}"));
                if !left.is_empty() {
                    self.document.insert_before(rule.at, &left);
                }
            }
            false => {
                self.edit_notes.push(format!("a rule about values is removed: {why}"));
                self.document.remove_table(rule.at, &left);
            }
        }
    }

    /// Has a rule say a pool.
    fn set_rule_pool(&mut self, rule: &ValueRuleTable, pool: &str) {
        let (pool, variable) = (escape_value(pool), &rule.rule.variable.value);
        self.edit_notes.push(format!("values of `{variable}` are {pool}"));
        if !self.document.replace_key(&rule.table, "remove", "pool", &pool) {
            self.document.set_value(&rule.table, "pool", &pool);
        }
    }

    /// How the file says the pool of a value; none where it cannot.
    fn value_reference(&self, pool: Option<&Id<Pool>>) -> Option<String> {
        pool.filter(|it| self.pools.has_reference(it)).map(|it| self.pools.pool_reference(it))
    }

    /// Adds the values that no rule is about, where the file has had rules about values.
    pub(super) fn add_value_rules(&mut self) {
        let (live, rules) = (self.round.live, &self.round.file_plan.desired.values);
        if !self.round.has_values {
            return;
        }
        let is_new = |variable: &PoolVariable| {
            let set = live.indirect.sets.iter().find(|set| set.id == variable.set);
            let set = set.filter(|set| self.manages_set(set));
            set.is_some_and(|set| !rules.iter().any(|rule| rule_covers_value(rule, set, variable)))
        };
        let (tables, _) = indirect_pools::value_tables(live, &self.pools, is_new);
        if !tables.is_empty() {
            self.edit_notes.push("values that no rule was about".to_owned());
        }
        let kinds =
            [RULE, "placements", "workers", "pools", "manage", "server", "octopus", "removed"];
        self.document.append_tables(&kinds, &tables);
    }

    /// Whether the file says what values of a set are: those in the database, and those on its branches.
    fn manages_set(&self, set: &LiveVariableSet) -> bool {
        match &set.store {
            VariableStore::Database => true,
            VariableStore::Branch(_) => self.round.file_plan.desired.version_control.is_some(),
            VariableStore::SupersededByGit { .. } | VariableStore::OtherBranch(_) => false,
        }
    }

    /// The live values that a rule decides about.
    fn decided_values(
        &self,
        rule: &PoolVariableRule,
    ) -> Vec<(&'a LiveVariableSet, &'a PoolVariable)> {
        let (choosers, rules) = (&self.round.live.indirect, &self.round.file_plan.desired.values);
        let mut found = Vec::new();
        for variable in &choosers.variables {
            let set = choosers.sets.iter().find(|set| set.id == variable.set);
            let Some(set) = set.filter(|it| self.manages_set(it)) else { continue };
            let decides = rules.iter().find(|rule| rule_covers_value(rule, set, variable));
            found.extend(
                decides.filter(|it| std::ptr::eq(&it.value, rule)).map(|_| (set, variable)),
            );
        }
        found
    }

    /// Whether a name that a rule writes out has no value of its own that can be managed.
    fn lacks_own_value(&self, rule: &PoolVariableRule, owner: &Name) -> bool {
        let choosers = &self.round.live.indirect;
        let sets = choosers.sets.iter().filter(|set| set.owner.name() == owner);
        let is_whole = |set: &LiveVariableSet| {
            let values = choosers.variables.iter();
            let values: Vec<_> = values
                .filter(|value| value.set == set.id && rule_covers_value(rule, set, value))
                .collect();
            let known = match (values.as_slice(), &rule.verdict) {
                ([one], _) => !one.id.as_str().is_empty(),
                ([], ValueVerdict::Remove) => resolve_scope(set, &rule.scope).is_some(),
                _ => false,
            };
            match &set.store {
                _ if self.manages_set(set) => {
                    known && !set.other_variables.contains(&rule.variable.value)
                }
                // What counts is on the branches.
                VariableStore::Branch(_) | VariableStore::OtherBranch(_) => true,
                VariableStore::Database | VariableStore::SupersededByGit { .. } => {
                    self.round.file_plan.desired.version_control.is_some()
                }
            }
        };
        let sets: Vec<_> = sets.filter(|set| is_same_owner_kind(rule, set)).collect();
        let twin =
            |set: &LiveVariableSet| indirect_pools::has_duplicate_name(self.round.live, &set.owner);
        sets.is_empty() || sets.iter().any(|it| twin(it)) || !sets.into_iter().all(is_whole)
    }
}

/// What is wrong, in words.
fn join_messages(errors: &[&Finding]) -> String {
    let messages: Vec<&str> = errors.iter().map(|it| it.message.as_str()).collect();
    messages.join("; ")
}

/// The key that says whose variables a rule is about, and what it says.
fn owner_selector(rule: &PoolVariableRule) -> (&'static str, &Patterns) {
    match &rule.owner {
        DesiredValueOwner::Projects(names) => ("project", names),
        DesiredValueOwner::Libraries(names) => ("library_set", names),
    }
}

fn is_same_owner_kind(rule: &PoolVariableRule, set: &LiveVariableSet) -> bool {
    matches!(set.owner, VariableOwner::Project(_))
        == matches!(rule.owner, DesiredValueOwner::Projects(_))
}

/// Whether a set may have a value that a rule is about.
fn may_have_value(rule: &PoolVariableRule, set: &LiveVariableSet) -> bool {
    is_same_owner_kind(rule, set)
        && owner_selector(rule).1.matches_folded(set.owner.name().as_folded())
        && resolve_scope(set, &rule.scope).is_some()
}

/// Whether a rule is about a value, were it the only one.
fn rule_covers_value(
    rule: &PoolVariableRule,
    set: &LiveVariableSet,
    variable: &PoolVariable,
) -> bool {
    variable.name == rule.variable.value
        && variable.scope.is_declarable()
        && may_have_value(rule, set)
        && resolve_scope(set, &rule.scope)
            .is_some_and(|scope| scope == variable.scope.normalized_names())
}

/// The scope that a rule says, by the names of a set; none where that does not know one.
fn resolve_scope(set: &LiveVariableSet, said: &DesiredValueScope) -> Option<ScopeKey> {
    let resolve_all = |known: &[DirectoryEntry], said: &[Declared<String>]| {
        let names: Option<Vec<_>> = said.iter().map(|it| resolve_name(known, it)).collect();
        Some(normalize_names(names?.iter()))
    };
    let tags = normalize_names(said.tenant_tags.iter().map(|it| &it.value));
    let known = normalize_names(set.tenant_tags.iter());
    Some([
        resolve_all(&set.environments, &said.environments)?,
        resolve_all(&set.channels, &said.channels)?,
        Some(tags).filter(|tags| tags.iter().all(|it| known.contains(it)))?,
    ])
}

/// The name of what is called so: by its id, else its name, else its slug.
fn resolve_name(known: &[DirectoryEntry], said: &str) -> Option<String> {
    let wanted = Name::new(said);
    let by: [&dyn Fn(&&DirectoryEntry) -> bool; 3] =
        [&|entry| Name::new(&entry.id) == wanted, &|entry| entry.name == wanted, &|entry| {
            !entry.slug.is_empty() && Name::new(&entry.slug) == wanted
        }];
    let found = by.iter().find_map(|is| known.iter().find(is))?;
    Some(found.name.as_folded().to_owned())
}
