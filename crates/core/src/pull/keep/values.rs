//! Updates the values of variables in a file to match the server.
//!
//! Never: guessing at what could not be read.

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
    text::{pattern::Patterns, pluralize},
};

/// The table of these rules.
const RULE: &str = "pool_variables";

/// The scope of a value: environments, channels and tags, ignoring order and case.
type ScopeKey = [Vec<String>; 3];

/// A rule and its table in the document.
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
    /// Edits the rules about values until they match the server.
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

    /// Mends a rule whose pool or values no longer exist.
    fn mend_lost_values(
        &mut self,
        rule: &ValueRuleTable,
        errors: &[&Finding],
    ) -> Result<(), KeepError> {
        let names: Vec<Name> = rule.owner_patterns().exact_names().map(Name::new).collect();
        let sets = || {
            self.round.live.indirect.sets.iter().filter(|set| is_same_owner_kind(rule.rule, set))
        };
        let exists = |name: &&Name| sets().any(|set| set.owner.name() == *name);
        let matched =
            sets().filter(|set| rule.owner_patterns().matches_folded(set.owner.name().as_folded()));
        for set in matched {
            if let VariableStore::SupersededByGit { unread: Some(why) } = &set.store {
                let what = format!("the variables of project {:?} in Git", set.owner.name());
                return Err(self.unread_error(rule.at, RULE, what, why.clone()));
            }
        }
        let all_exist = rule.owner_patterns().is_exact() && names.iter().all(|name| exists(&name));
        if !all_exist {
            self.ensure_all_read(rule.at, RULE, &[HiddenData::PoolReferences])?;
        }
        let is_scope = |it: &&&Finding| it.code.is_about_value_scope();
        let place = |finding: &&Finding| {
            super::start_offset(&finding.location).map(|at| (at, finding.message.clone()))
        };
        let gone: Vec<_> = errors.iter().filter(is_scope).filter_map(place).collect();
        // Only the missing parts of a scope are removed.
        let mut removed = false;
        for (at, message) in gone {
            if self.document.remove_list_item(&rule.table, at) {
                self.edit_notes.push(format!("removed part of a rule about values: {message}"));
                removed = true;
            }
        }
        if removed {
            return Ok(());
        }
        if self.errors_mention_key(&rule.table, "pool", errors) {
            let found = self.decided_values(rule.rule);
            let pool = found.iter().find_map(|(_, it)| self.value_reference(it.pool.as_ref()));
            match pool {
                Some(pool) => self.set_rule_pool(rule, &pool),
                None => {
                    let why = format!("{}, and it matches no value", join_messages(errors));
                    self.remove_owners(rule, &[], &why);
                }
            }
            return Ok(());
        }
        let lost: Vec<&Name> =
            names.iter().filter(|name| self.lacks_own_value(rule.rule, name)).collect();
        self.remove_owners(rule, &lost, &join_messages(errors));
        Ok(())
    }

    /// Mends a rule about values that have another pool on the server, or do not exist.
    fn mend_moved_values(&mut self, rule: &ValueRuleTable, changes: &[&'a Change]) {
        use ValueEdit::{Change as Changes, Remove};
        let existing = changes.iter().filter_map(|change| match &change.kind {
            ChangeKind::SetValue {
                set, edit: Changes { id, .. } | Remove { id, .. }, git, ..
            } => {
                // A branch that does not exist yet starts as a copy of the protected one.
                let base = git.as_ref().and_then(PlannedCommit::base_document);
                let set = base.map_or(set.clone(), |base| base.variable_set_id());
                Some((set, id))
            }
            _ => None,
        });
        let ids: Vec<_> = existing.collect();
        if ids.len() < changes.len() {
            let names: Vec<Name> = rule.owner_patterns().exact_names().map(Name::new).collect();
            let lost: Vec<&Name> =
                names.iter().filter(|name| self.lacks_own_value(rule.rule, name)).collect();
            return self.remove_owners(rule, &lost, "values that it names no longer exist");
        }
        let found = self.decided_values(rule.rule);
        let moves = |variable: &PoolVariable| {
            ids.iter().any(|(set, id)| *set == variable.set && **id == variable.id)
        };
        let all = found.iter().all(|(_, it)| moves(it));
        // A rule that removes values can only set a pool if all of its values exist again.
        let is_complete = match rule.rule.verdict {
            ValueVerdict::Pool(_) => true,
            ValueVerdict::Remove => {
                let sets = self.round.live.indirect.sets.iter();
                let sets =
                    sets.filter(|set| self.manages_set(set) && may_have_value(rule.rule, set));
                let names = || rule.owner_patterns().exact_names().map(Name::new);
                let has_value = |name: Name| found.iter().any(|(set, _)| *set.owner.name() == name);
                sets.count() == found.len() && names().all(has_value)
            }
        };
        let first = found
            .iter()
            .find(|(_, variable)| self.value_reference(variable.pool.as_ref()).is_some());
        let place = first.filter(|_| all && is_complete).and_then(|(_, it)| it.pool.as_ref());
        if let Some(pool) = self.value_reference(place) {
            self.set_rule_pool(rule, &pool);
        }
        let others = found.into_iter().filter(|(_, it)| moves(it));
        let others: Vec<_> = others
            .filter(|(_, variable)| place.is_none() || variable.pool.as_ref() != place)
            .collect();
        self.exclude_values(rule, &others);
    }

    /// Excludes values from a rule: removes names from its list, and adds an exception before the rule or an
    /// exclusion for values that a wildcard matches.
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
            return self.remove_owners(rule, &names, "values that it names have another pool");
        }
        let key = owner_selector(rule.rule).0;
        let mut exceptions = Vec::new();
        for (set, variable) in wild {
            let is_this = |other: &PoolVariable| std::ptr::eq(other, variable);
            let (table, _) = indirect_pools::value_tables(self.round.live, &self.pools, is_this);
            let name = set.owner.name().as_str();
            if !table.is_empty() {
                exceptions.push(variable);
            } else if indirect_pools::is_exact_name(name) {
                let exclusion = escape_value(&format!("!{name}"));
                self.document.add_list_item(&rule.table, key, &exclusion);
                self.edit_notes.push(format!("excluded {name} from a rule"));
            } else {
                return self.remove_owners(rule, &[], "its values are now listed one by one");
            }
        }
        let is_exception =
            |variable: &PoolVariable| exceptions.iter().any(|other| std::ptr::eq(*other, variable));
        let (tables, _) = indirect_pools::value_tables(self.round.live, &self.pools, is_exception);
        if !tables.is_empty() {
            let added = pluralize(exceptions.len(), "exception");
            self.edit_notes.push(format!("added {added} before a rule"));
            self.document.insert_before(rule.at, &tables);
        }
    }

    /// Removes owners from a rule, or the whole rule if `names` is empty or nothing would be left.
    ///
    /// Values that the language cannot express become comments.
    fn remove_owners(&mut self, rule: &ValueRuleTable, names: &[&Name], why: &str) {
        let is_removed = |variable: &PoolVariable| {
            variable.name == rule.rule.variable.value && names.contains(&variable.owner.name())
        };
        let (_, omitted) = indirect_pools::value_tables(self.round.live, &self.pools, is_removed);
        let comments = self.missing_comments(&omitted);
        let key = owner_selector(rule.rule).0;
        if !self.document.remove_names(&rule.table, key, |name| names.contains(&name)) {
            self.edit_notes.push(format!("removed a rule about values: {why}"));
            return self.document.remove_table(rule.at, &comments);
        }
        self.edit_notes.push(format!("removed names from a rule about values: {why}"));
        if !comments.is_empty() {
            self.document.insert_before(rule.at, &comments);
        }
    }

    /// Sets the pool of a rule.
    fn set_rule_pool(&mut self, rule: &ValueRuleTable, pool: &str) {
        let (pool, variable) = (escape_value(pool), &rule.rule.variable.value);
        self.edit_notes.push(format!("set values of `{variable}` to {pool}"));
        if !self.document.replace_key(&rule.table, "remove", "pool", &pool) {
            self.document.set_value(&rule.table, "pool", &pool);
        }
    }

    /// Returns how the file refers to the pool of a value, or `None` if it cannot.
    fn value_reference(&self, pool: Option<&Id<Pool>>) -> Option<String> {
        pool.filter(|id| self.pools.has_reference(id)).map(|id| self.pools.pool_reference(id))
    }

    /// Adds rules for values that no rule matches, if the file has had rules about values.
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
            self.edit_notes.push("added rules for values that no rule matched".to_owned());
        }
        let kinds =
            [RULE, "placements", "workers", "pools", "manage", "server", "octopus", "removed"];
        self.document.append_tables(&kinds, &tables);
    }

    /// Returns whether the file manages a set: one in the database, or on its branches.
    fn manages_set(&self, set: &LiveVariableSet) -> bool {
        match &set.store {
            VariableStore::Database => true,
            VariableStore::Branch(_) => self.round.file_plan.desired.version_control.is_some(),
            VariableStore::SupersededByGit { .. } | VariableStore::OtherBranch(_) => false,
        }
    }

    /// Returns the live values that a rule decides.
    fn decided_values(
        &self,
        rule: &PoolVariableRule,
    ) -> Vec<(&'a LiveVariableSet, &'a PoolVariable)> {
        let (indirect, rules) = (&self.round.live.indirect, &self.round.file_plan.desired.values);
        let mut found = Vec::new();
        for variable in &indirect.variables {
            let set = indirect.sets.iter().find(|set| set.id == variable.set);
            let Some(set) = set.filter(|it| self.manages_set(it)) else { continue };
            let decides = rules.iter().find(|rule| rule_covers_value(rule, set, variable));
            found.extend(
                decides.filter(|it| std::ptr::eq(&it.value, rule)).map(|_| (set, variable)),
            );
        }
        found
    }

    /// Returns whether an owner that a rule names has no value that the rule can manage.
    fn lacks_own_value(&self, rule: &PoolVariableRule, owner: &Name) -> bool {
        let indirect = &self.round.live.indirect;
        let sets = indirect.sets.iter().filter(|set| set.owner.name() == owner);
        let is_manageable = |set: &LiveVariableSet| {
            let values = indirect.variables.iter();
            let values: Vec<_> = values
                .filter(|value| value.set == set.id && rule_covers_value(rule, set, value))
                .collect();
            let is_known = match (values.as_slice(), &rule.verdict) {
                ([one], _) => !one.id.as_str().is_empty(),
                ([], ValueVerdict::Remove) => resolve_scope(set, &rule.scope).is_some(),
                _ => false,
            };
            match &set.store {
                _ if self.manages_set(set) => {
                    is_known && !set.other_variables.contains(&rule.variable.value)
                }
                // The values on the branches count.
                VariableStore::Branch(_) | VariableStore::OtherBranch(_) => true,
                VariableStore::Database | VariableStore::SupersededByGit { .. } => {
                    self.round.file_plan.desired.version_control.is_some()
                }
            }
        };
        let sets: Vec<_> = sets.filter(|set| is_same_owner_kind(rule, set)).collect();
        let has_namesake =
            |set: &LiveVariableSet| indirect_pools::has_duplicate_name(self.round.live, &set.owner);
        sets.is_empty()
            || sets.iter().any(|set| has_namesake(set))
            || !sets.into_iter().all(is_manageable)
    }
}

/// Joins the messages of findings.
fn join_messages(errors: &[&Finding]) -> String {
    let messages: Vec<&str> = errors.iter().map(|it| it.message.as_str()).collect();
    messages.join("; ")
}

/// Returns the key that selects the owners of a rule's variables, and its patterns.
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

/// Returns whether a set may have a value that a rule matches.
fn may_have_value(rule: &PoolVariableRule, set: &LiveVariableSet) -> bool {
    is_same_owner_kind(rule, set)
        && owner_selector(rule).1.matches_folded(set.owner.name().as_folded())
        && resolve_scope(set, &rule.scope).is_some()
}

/// Returns whether a rule matches a value, regardless of other rules.
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

/// Resolves the scope of a rule to names in a set, or returns `None` if the set lacks one.
fn resolve_scope(set: &LiveVariableSet, scope: &DesiredValueScope) -> Option<ScopeKey> {
    let resolve_all = |known: &[DirectoryEntry], declared: &[Declared<String>]| {
        let names: Option<Vec<_>> = declared.iter().map(|name| resolve_name(known, name)).collect();
        Some(normalize_names(names?.iter()))
    };
    let tags = normalize_names(scope.tenant_tags.iter().map(|it| &it.value));
    let known = normalize_names(set.tenant_tags.iter());
    Some([
        resolve_all(&set.environments, &scope.environments)?,
        resolve_all(&set.channels, &scope.channels)?,
        Some(tags).filter(|tags| tags.iter().all(|it| known.contains(it)))?,
    ])
}

/// Resolves a reference to a name: by id, else by name, else by slug.
fn resolve_name(known: &[DirectoryEntry], reference: &str) -> Option<String> {
    let reference = Name::new(reference);
    let by: [&dyn Fn(&&DirectoryEntry) -> bool; 3] =
        [&|entry| Name::new(&entry.id) == reference, &|entry| entry.name == reference, &|entry| {
            !entry.slug.is_empty() && Name::new(&entry.slug) == reference
        }];
    let found = by.iter().find_map(|is| known.iter().find(is))?;
    Some(found.name.as_folded().to_owned())
}
