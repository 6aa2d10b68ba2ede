//! The values of variables in a file, brought to those that are live.
//!
//! Never: a guess about what could not be read.

use super::{FileUpdater, KeepError, TomlTable, choosers, value};
use crate::{
    desired::{Declared, DesiredValueOwner, DesiredValueScope, PoolVariableRule, ValueVerdict},
    finding::Finding,
    live::{
        DirectoryEntry, HiddenData, LiveVariableSet, PoolVariable, VariableOwner, VariableStore,
        folded,
    },
    model::{Id, Name, Pool},
    plan::{Change, ChangeKind, ValueEdit},
    text::pattern::Patterns,
};

/// Words for a rule.
const RULE: &str = "pool_variables";

/// What is told of a name in a scope that is none any more.
const SCOPES: [&str; 3] = ["unknown-environment", "unknown-channel", "unknown-tenant-tag"];

/// Where a value holds: environments, channels and tags, without regard to order and case.
type ScopeKey = [Vec<String>; 3];

/// A rule and its table.
struct ValueRuleTable<'r> {
    rule: &'r PoolVariableRule,
    at: usize,
    table: TomlTable,
}

impl ValueRuleTable<'_> {
    fn owners(&self) -> &Patterns {
        owners(self.rule).1
    }

    fn names(&self, owner: &Name) -> bool {
        self.owners().exact().any(|name| Name::new(name) == *owner)
    }
}

impl<'a> FileUpdater<'a> {
    /// Has the rules about values say what these are.
    pub(super) fn values(&mut self) -> Result<(), KeepError> {
        let judged = self.round.file_plan;
        for rule in &judged.desired.values {
            let at = self.at(rule.span.bytes.start);
            let errors = self.errors_in(at);
            let changes = self.changes_of(rule.span.bytes.start);
            if errors.is_empty() && changes.is_empty() {
                continue;
            }
            let Some(table) = self.document.tables.get(at).cloned() else { continue };
            let rule = ValueRuleTable { rule: &rule.value, at, table };
            match errors.as_slice() {
                [] => self.moved(&rule, &changes),
                _ => self.wrong(&rule, &errors)?,
            }
        }
        Ok(())
    }

    /// A rule that leads nowhere: to a pool that is gone, or to values that are.
    fn wrong(&mut self, rule: &ValueRuleTable, errors: &[&Finding]) -> Result<(), KeepError> {
        let names: Vec<Name> = rule.owners().exact().map(Name::new).collect();
        let sets = || self.round.live.indirect.sets.iter().filter(|it| is_of_kind(rule.rule, it));
        let is_there = |name: &&Name| sets().any(|it| it.owner.name() == *name);
        let in_git = sets().filter(|it| rule.owners().matches_folded(it.owner.name().folded()));
        for set in in_git {
            if let VariableStore::SupersededByGit { unread: Some(why) } = &set.store {
                let what = format!("the variables of project {:?} in Git", set.owner.name());
                return Err(self.unread(rule.at, RULE, (what, why.clone())));
            }
        }
        let all_seen = rule.owners().is_exact() && names.iter().all(|it| is_there(&it));
        if !all_seen {
            self.all_read(rule.at, RULE, &[HiddenData::PoolReferences])?;
        }
        let is_scope = |it: &&&Finding| SCOPES.contains(&it.code.as_str());
        let place = |it: &&Finding| super::place(&it.location).map(|at| (at, it.message.clone()));
        let gone: Vec<_> = errors.iter().filter(is_scope).filter_map(place).collect();
        // A value loses what goes of its scope, and keeps the rest of it.
        let mut took = false;
        for (at, message) in gone {
            if self.document.take_item(&rule.table, at) {
                self.edit_notes.push(format!("a rule about values no longer says this: {message}"));
                took = true;
            }
        }
        if took {
            return Ok(());
        }
        if self.is_about(&rule.table, "pool", errors) {
            let found = self.decided_by(rule.rule);
            let pool = found.iter().find_map(|(_, it)| self.said(it.pool.as_ref()));
            match pool {
                Some(pool) => self.say(rule, &pool),
                None => {
                    let why = format!("{}, and no value that it is about", told(errors));
                    self.out(rule, &[], &why);
                }
            }
            return Ok(());
        }
        let lost: Vec<&Name> = names.iter().filter(|it| self.lacks(rule.rule, it)).collect();
        self.out(rule, &lost, &told(errors));
        Ok(())
    }

    /// A rule about values that are other pools, or not there.
    fn moved(&mut self, rule: &ValueRuleTable, changes: &[&'a Change]) {
        use ValueEdit::{Change as Changes, Remove};
        let there = changes.iter().filter_map(|it| match &it.kind {
            ChangeKind::SetValue {
                set, edit: Changes { id, .. } | Remove { id, .. }, git, ..
            } => {
                // A branch that is to be made has what the protected one has.
                let made_of = git.as_ref().and_then(|it| Some((it, it.base.as_ref()?)));
                let set = made_of.map_or(set.clone(), |(commit, base)| {
                    LiveVariableSet::on_branch(&commit.project, &commit.document, base)
                });
                Some((set, id))
            }
            _ => None,
        });
        let ids: Vec<_> = there.collect();
        if ids.len() < changes.len() {
            let names: Vec<Name> = rule.owners().exact().map(Name::new).collect();
            let lost: Vec<&Name> = names.iter().filter(|it| self.lacks(rule.rule, it)).collect();
            return self.out(rule, &lost, "values that it names are gone");
        }
        let found = self.decided_by(rule.rule);
        let moves = |it: &PoolVariable| ids.iter().any(|(set, id)| *set == it.set && **id == it.id);
        let all = found.iter().all(|(_, it)| moves(it));
        // A value that is there again is said where each that the rule asks to go is.
        let whole = match rule.rule.verdict {
            ValueVerdict::Pool(_) => true,
            ValueVerdict::Remove => {
                let sets = self.round.live.indirect.sets.iter();
                let sets = sets.filter(|it| self.is_managed(it) && has_scope(rule.rule, it));
                let names = || rule.owners().exact().map(Name::new);
                let has_it = |name: Name| found.iter().any(|(set, _)| *set.owner.name() == name);
                sets.count() == found.len() && names().all(has_it)
            }
        };
        let first = found.iter().find(|(_, it)| self.said(it.pool.as_ref()).is_some());
        let place = first.filter(|_| all && whole).and_then(|(_, it)| it.pool.as_ref());
        if let Some(pool) = self.said(place) {
            self.say(rule, &pool);
        }
        let others = found.into_iter().filter(|(_, it)| moves(it));
        let others: Vec<_> =
            others.filter(|(_, it)| place.is_none() || it.pool.as_ref() != place).collect();
        self.without(rule, &others);
    }

    /// Takes values out of a rule: names out of its list, and what a wildcard finds by a rule before it or by
    /// an exclusion.
    fn without(
        &mut self,
        rule: &ValueRuleTable,
        values: &[(&'a LiveVariableSet, &'a PoolVariable)],
    ) {
        if values.is_empty() {
            return;
        }
        let (named, wild): (Vec<_>, Vec<_>) =
            values.iter().partition(|(set, _)| rule.names(set.owner.name()));
        let names: Vec<&Name> = named.iter().map(|(set, _)| set.owner.name()).collect();
        if !names.is_empty() {
            return self.out(rule, &names, "values that it names are another pool");
        }
        let key = owners(rule.rule).0;
        let mut exceptions = Vec::new();
        for (set, it) in wild {
            let is_it = |other: &PoolVariable| std::ptr::eq(other, it);
            let (table, _) = choosers::values(self.round.live, &self.pools, is_it);
            let name = set.owner.name().as_str();
            match table.is_empty() {
                false => exceptions.push(it),
                true if choosers::is_exact(name) => {
                    self.document.add_item(&rule.table, key, &value(&format!("!{name}")));
                    self.edit_notes.push(format!("a rule leaves out {name}"));
                }
                true => return self.out(rule, &[], "its values are said one by one"),
            }
        }
        let is_one = |it: &PoolVariable| exceptions.iter().any(|other| std::ptr::eq(*other, it));
        let (tables, _) = choosers::values(self.round.live, &self.pools, is_one);
        if !tables.is_empty() {
            self.edit_notes.push(format!(
                "{} before a rule",
                crate::text::count(exceptions.len(), "exception")
            ));
            self.document.insert(rule.at, &tables);
        }
    }

    /// Takes owners out of a rule, or the rule out of the file where nothing would be left of it or nothing is
    /// to be taken out; what cannot be said of their values is a comment.
    fn out(&mut self, rule: &ValueRuleTable, names: &[&Name], why: &str) {
        let of_rule = |it: &PoolVariable| {
            it.name == rule.rule.variable.value && names.contains(&it.owner.name())
        };
        let (_, left) = choosers::values(self.round.live, &self.pools, of_rule);
        let left = self.unsaid(&left);
        match self.document.take_names(&rule.table, owners(rule.rule).0, |it| names.contains(&it)) {
            true => {
                self.edit_notes.push(format!("a rule about values names fewer: {why}"));
                if !left.is_empty() {
                    self.document.insert(rule.at, &left);
                }
            }
            false => {
                self.edit_notes.push(format!("a rule about values is removed: {why}"));
                self.document.remove(rule.at, &left);
            }
        }
    }

    /// Has a rule say a pool.
    fn say(&mut self, rule: &ValueRuleTable, pool: &str) {
        let (pool, variable) = (value(pool), &rule.rule.variable.value);
        self.edit_notes.push(format!("values of `{variable}` are {pool}"));
        if !self.document.swap(&rule.table, "remove", "pool", &pool) {
            self.document.set(&rule.table, "pool", &pool);
        }
    }

    /// How the file says the pool of a value; none where it cannot.
    fn said(&self, pool: Option<&Id<Pool>>) -> Option<String> {
        pool.filter(|it| self.pools.has(it)).map(|it| self.pools.reference(it))
    }

    /// Adds the values that no rule is about, where the file has had rules about values.
    pub(super) fn new_values(&mut self) {
        let (live, rules) = (self.round.live, &self.round.file_plan.desired.values);
        if !self.round.has_values {
            return;
        }
        let is_new = |it: &PoolVariable| {
            let set = live.indirect.sets.iter().find(|set| set.id == it.set);
            let set = set.filter(|set| self.is_managed(set));
            set.is_some_and(|set| !rules.iter().any(|rule| covers(rule, set, it)))
        };
        let (tables, _) = choosers::values(live, &self.pools, is_new);
        if !tables.is_empty() {
            self.edit_notes.push("values that no rule was about".to_owned());
        }
        let kinds =
            [RULE, "placements", "workers", "pools", "manage", "server", "octopus", "removed"];
        self.document.append(&kinds, &tables);
    }

    /// Whether the file says what values of a set are: those in the database, and those on its branches.
    fn is_managed(&self, set: &LiveVariableSet) -> bool {
        match &set.store {
            VariableStore::Database => true,
            VariableStore::Branch(_) => self.round.file_plan.desired.version_control.is_some(),
            VariableStore::SupersededByGit { .. } | VariableStore::OtherBranch(_) => false,
        }
    }

    /// The live values that a rule decides about.
    fn decided_by(&self, rule: &PoolVariableRule) -> Vec<(&'a LiveVariableSet, &'a PoolVariable)> {
        let (choosers, rules) = (&self.round.live.indirect, &self.round.file_plan.desired.values);
        let mut found = Vec::new();
        for it in &choosers.variables {
            let set = choosers.sets.iter().find(|set| set.id == it.set);
            let Some(set) = set.filter(|it| self.is_managed(it)) else { continue };
            let decides = rules.iter().find(|rule| covers(rule, set, it));
            found.extend(decides.filter(|it| std::ptr::eq(&it.value, rule)).map(|_| (set, it)));
        }
        found
    }

    /// Whether a name that a rule writes out has no value of its own that can be managed.
    fn lacks(&self, rule: &PoolVariableRule, owner: &Name) -> bool {
        let choosers = &self.round.live.indirect;
        let sets = choosers.sets.iter().filter(|set| set.owner.name() == owner);
        let is_whole = |set: &LiveVariableSet| {
            let values = choosers.variables.iter();
            let values: Vec<_> =
                values.filter(|it| it.set == set.id && covers(rule, set, it)).collect();
            let known = match (values.as_slice(), &rule.verdict) {
                ([one], _) => !one.id.as_str().is_empty(),
                ([], ValueVerdict::Remove) => scope_in(set, &rule.scope).is_some(),
                _ => false,
            };
            match &set.store {
                _ if self.is_managed(set) => {
                    known && !set.other_variables.contains(&rule.variable.value)
                }
                // What counts is on the branches.
                VariableStore::Branch(_) | VariableStore::OtherBranch(_) => true,
                VariableStore::Database | VariableStore::SupersededByGit { .. } => {
                    self.round.file_plan.desired.version_control.is_some()
                }
            }
        };
        let sets: Vec<_> = sets.filter(|set| is_of_kind(rule, set)).collect();
        let twin = |set: &LiveVariableSet| choosers::has_twin(self.round.live, &set.owner);
        sets.is_empty() || sets.iter().any(|it| twin(it)) || !sets.into_iter().all(is_whole)
    }
}

/// What is wrong, in words.
fn told(errors: &[&Finding]) -> String {
    let messages: Vec<&str> = errors.iter().map(|it| it.message.as_str()).collect();
    messages.join("; ")
}

/// The key that says whose variables a rule is about, and what it says.
fn owners(rule: &PoolVariableRule) -> (&'static str, &Patterns) {
    match &rule.owner {
        DesiredValueOwner::Projects(names) => ("project", names),
        DesiredValueOwner::Libraries(names) => ("library_set", names),
    }
}

fn is_of_kind(rule: &PoolVariableRule, set: &LiveVariableSet) -> bool {
    matches!(set.owner, VariableOwner::Project(_))
        == matches!(rule.owner, DesiredValueOwner::Projects(_))
}

/// Whether a set may have a value that a rule is about.
fn has_scope(rule: &PoolVariableRule, set: &LiveVariableSet) -> bool {
    is_of_kind(rule, set)
        && owners(rule).1.matches_folded(set.owner.name().folded())
        && scope_in(set, &rule.scope).is_some()
}

/// Whether a rule is about a value, were it the only one.
fn covers(rule: &PoolVariableRule, set: &LiveVariableSet, it: &PoolVariable) -> bool {
    it.name == rule.variable.value
        && it.scope.is_plain()
        && has_scope(rule, set)
        && scope_in(set, &rule.scope).is_some_and(|scope| scope == it.scope.normal())
}

/// The scope that a rule says, by the names of a set; none where that does not know one.
fn scope_in(set: &LiveVariableSet, said: &DesiredValueScope) -> Option<ScopeKey> {
    let entries = |known: &[DirectoryEntry], said: &[Declared<String>]| {
        let names: Option<Vec<_>> = said.iter().map(|it| entry(known, it)).collect();
        Some(folded(names?.iter()))
    };
    let tags = folded(said.tenant_tags.iter().map(|it| &it.value));
    let known = folded(set.tenant_tags.iter());
    Some([
        entries(&set.environments, &said.environments)?,
        entries(&set.channels, &said.channels)?,
        Some(tags).filter(|tags| tags.iter().all(|it| known.contains(it)))?,
    ])
}

/// The name of what is called so: by its id, else its name, else its slug.
fn entry(known: &[DirectoryEntry], said: &str) -> Option<String> {
    let wanted = Name::new(said);
    let by: [&dyn Fn(&&DirectoryEntry) -> bool; 3] =
        [&|it| Name::new(&it.id) == wanted, &|it| it.name == wanted, &|it| {
            !it.slug.is_empty() && Name::new(&it.slug) == wanted
        }];
    let found = by.iter().find_map(|is| known.iter().find(is))?;
    Some(found.name.folded().to_owned())
}
