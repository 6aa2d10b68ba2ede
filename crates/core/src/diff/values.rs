//! `[[pool_variables]]`: the values of worker pool variables.
//!
//! The first rule for a value decides. An owner named exactly gets the value if it lacks it; a wildcard only
//! finds existing values and creates none.

mod unused_rules;

use super::{
    branches::{BranchTracker, DocumentChanges},
    matched::Matched,
    reference::{self, ReferentKind, resolve_entry},
};
use crate::{
    desired::{
        Declared, DesiredValueOwner, DesiredValueScope, FirstMatch, PoolVariableRule, RuleSubject,
        ValueVerdict,
    },
    finding::Finding,
    live::{
        DirectoryEntry, LiveVariableSet, PoolVariable, VariableOwner, VariableStore,
        normalize_names,
    },
    model::{Address, Id, Linked, Name, PoolHandle, VariableSet},
    plan::{Change, ChangeKind, Delta, PlannedValueScope, ValueEdit},
    text::{eq_ignoring_case, pattern::Patterns},
};

use std::collections::HashMap;

/// A value by its set, its name, and its scope regardless of order and case.
type ValueKey<'a> = (&'a Id<VariableSet>, Name, [Vec<String>; 3]);

/// Plans the values that change: those in the server's database in the order of the file, then those in Git,
/// branch by branch.
pub(super) fn plan_value_changes<'a>(
    matched: &'a Matched<'a>,
    branches: &mut BranchTracker<'a>,
    findings: &mut Vec<Finding>,
) -> Vec<Change> {
    let mut values: HashMap<ValueKey, Vec<&PoolVariable>> = HashMap::new();
    let plain = matched.live.indirect.variables.iter().filter(|it| it.scope.is_declarable());
    for value in plain {
        let key = (&value.set, value.name.clone(), value.scope.normalized_names());
        values.entry(key).or_default().push(value);
    }
    let rules = &matched.desired.values;
    let mut decisions = ValueDecisions {
        first_match: FirstMatch::new(rules.len()),
        subjects: HashMap::new(),
        pools: Vec::new(),
    };
    let mut changes = Vec::new();
    for (at, rule) in rules.iter().enumerate() {
        let run = ValueRuleRun { matched, at, rule, values: &values };
        changes.extend(run.plan_rule_changes(&mut decisions, branches, findings));
    }
    commit_git_values(matched, branches, changes)
}

/// Turns the changes to variable sets in Git into commits to their branches.
fn commit_git_values<'a>(
    matched: &'a Matched<'a>,
    branches: &mut BranchTracker<'a>,
    mut changes: Vec<Change>,
) -> Vec<Change> {
    let documents = matched.live.indirect.sets.iter().filter_map(|set| {
        let VariableStore::Branch(branch) = &set.store else { return None };
        let is_own = |change: &mut Change| matches!(&change.kind, ChangeKind::SetValue { set: id, .. } if *id == set.id);
        let changes_of_set = changes.extract_if(.., is_own).collect();
        Some(DocumentChanges {
            project: set.owner.name(),
            branch: Some(branch),
            changes: changes_of_set,
        })
    });
    let documents = documents.collect();
    changes.extend(branches.commit_changes(documents));
    changes
}

/// The decisions of the rules so far.
struct ValueDecisions<'a> {
    first_match: FirstMatch,
    /// The values that any rule is about, whether they exist or not.
    subjects: HashMap<ValueKey<'a>, RuleSubject>,
    /// The pool that each rule so far sets; `None` if the rule removes values or its pool cannot be resolved.
    pools: Vec<Option<PoolHandle>>,
}

/// The run of one rule over the variable sets.
struct ValueRuleRun<'a, 'm> {
    matched: &'m Matched<'a>,
    /// The index of the rule.
    at: usize,
    rule: &'a Declared<PoolVariableRule>,
    values: &'m HashMap<ValueKey<'a>, Vec<&'a PoolVariable>>,
}

/// The outcome of a rule for one variable set.
enum ValueRuleOutcome {
    /// The set has nothing to decide about, or an earlier rule has decided.
    Nothing,
    /// The rule's scope has a name that the set does not know, so that a wildcard skips the set.
    Unresolved(Box<Finding>),
    /// The repository cannot be read, for this reason.
    Unreachable(String),
    /// The rule decides; `None` if nothing has to change.
    Decided(Option<Box<PlannedValueEdit>>),
}

/// The planned edit of a value.
struct PlannedValueEdit {
    /// The variable's name, as the server spells it if the variable exists.
    name: Name,
    /// The scope of the value, in words.
    scope: String,
    edit: ValueEdit,
}

impl PlannedValueEdit {
    fn from_value(value: &PoolVariable, edit: ValueEdit) -> Box<Self> {
        Box::new(Self { name: value.name.clone(), scope: value.scope.describe(), edit })
    }
}

impl<'a> ValueRuleRun<'a, '_> {
    fn plan_rule_changes(
        &self,
        decisions: &mut ValueDecisions<'a>,
        branches: &mut BranchTracker<'a>,
        findings: &mut Vec<Finding>,
    ) -> Vec<Change> {
        let pool = match &self.rule.verdict {
            ValueVerdict::Remove => Ok(None),
            ValueVerdict::Pool(pool) => self.matched.resolve_pool(pool).map(Some),
        };
        decisions.pools.push(pool.as_ref().ok().cloned().flatten());
        let pool = match pool {
            Ok(pool) => pool,
            Err(finding) => {
                findings.push(finding);
                return Vec::new();
            }
        };
        let findings_before = findings.len();
        findings.extend(self.unknown_owners());
        let (mut changes, mut unresolved, mut is_read) = (Vec::new(), None, true);
        for set in self.matched.live.indirect.sets.iter().filter(|set| self.matches_set(set)) {
            if !matches!(set.store, VariableStore::Database) {
                branches.note_covered(set.owner.name());
            }
            match self.decide_in_set(set, pool.as_ref(), decisions) {
                Ok(ValueRuleOutcome::Nothing) => {}
                Ok(ValueRuleOutcome::Unresolved(finding)) => {
                    unresolved = unresolved.or(Some(*finding));
                }
                Ok(ValueRuleOutcome::Unreachable(why)) => {
                    is_read = false;
                    branches.note_unreachable(set.owner.name(), &why);
                }
                Ok(ValueRuleOutcome::Decided(edit)) => {
                    changes.extend(edit.map(|edit| self.value_change(set, *edit)));
                }
                Err(finding) => findings.push(finding),
            }
        }
        if is_read && findings.len() == findings_before {
            findings.extend(self.result_warning(decisions.first_match.result(self.at), unresolved));
        }
        if changes.is_empty() {
            findings.extend(self.idle_removal_warning());
        }
        findings.extend(self.skipped_in_git());
        changes
    }

    fn owner_patterns(&self) -> &'a Declared<Patterns> {
        let (DesiredValueOwner::Projects(names) | DesiredValueOwner::Libraries(names)) =
            &self.rule.owner;
        names
    }

    fn matches_set(&self, set: &LiveVariableSet) -> bool {
        self.matches_owner_kind(set)
            && self.owner_patterns().matches_folded(set.owner.name().as_folded())
    }

    /// Whether the rule names the owner of a set exactly, without a wildcard.
    fn names_owner(&self, set: &LiveVariableSet) -> bool {
        let mut exact = self.owner_patterns().exact_names();
        exact.any(|name| Name::new(name) == *set.owner.name())
    }

    /// Decides about the value in one set.
    ///
    /// # Errors
    ///
    /// Returns a finding if the set cannot have such a value.
    fn decide_in_set(
        &self,
        set: &'a LiveVariableSet,
        pool: Option<&PoolHandle>,
        decisions: &mut ValueDecisions<'a>,
    ) -> Result<ValueRuleOutcome, Finding> {
        let named = self.names_owner(set);
        let variable = &self.rule.variable;
        let lacks =
            |finding: Finding| if named { Err(finding) } else { Ok(ValueRuleOutcome::Nothing) };
        match &set.store {
            VariableStore::Database | VariableStore::Branch(_) => {}
            VariableStore::OtherBranch(_) => return Ok(ValueRuleOutcome::Nothing),
            VariableStore::SupersededByGit { unread } => {
                return self.decide_outside_git(set, unread.as_deref());
            }
        }
        if set.other_variables.contains(&variable.value) {
            return lacks(self.wrong_type_error(set));
        }
        let scope = match resolve_scope(set, &self.rule.scope) {
            Ok(scope) => scope,
            Err(finding) if named => return Err(finding),
            Err(finding) => return Ok(ValueRuleOutcome::Unresolved(Box::new(finding))),
        };
        let key = (&set.id, variable.value.clone(), scope_key(&scope));
        let values = self.values.get(&key).map(Vec::as_slice).unwrap_or_default();
        let subject = decisions.subjects.entry(key).or_default();
        if values.is_empty() && !named {
            subject.await_by(self.at);
            return Ok(ValueRuleOutcome::Nothing);
        }
        let awaited = subject.awaited_by().and_then(|at| decisions.pools.get(at));
        let is_awaited = values.is_empty() && awaited.is_some_and(|it| it.as_ref() != pool);
        if is_awaited && pool.is_some() {
            return Err(self.never_settles_error(set));
        }
        if !decisions.first_match.offer(self.at, subject, true, || true) {
            return Ok(ValueRuleOutcome::Nothing);
        }
        let edit = match (values, pool) {
            ([], None) => None,
            ([], Some(pool)) => {
                let (description, pool) = (scope.describe(), pool.clone());
                let edit = ValueEdit::Add { scope, pool, restored: None };
                Some(Box::new(PlannedValueEdit {
                    name: variable.value.clone(),
                    scope: description,
                    edit,
                }))
            }
            ([value], _) if value.id.as_str().is_empty() => return Err(self.missing_id_error(set)),
            ([value], pool) => self.edit_value(value, scope, pool),
            (several, _) => return Err(self.ambiguous_error(set, several.len())),
        };
        Ok(ValueRuleOutcome::Decided(edit))
    }

    /// Returns the edit of an existing value; `None` if the value stays unchanged.
    fn edit_value(
        &self,
        value: &PoolVariable,
        scope: PlannedValueScope,
        pool: Option<&PoolHandle>,
    ) -> Option<Box<PlannedValueEdit>> {
        let scope = value.branch.is_some().then_some(scope);
        let id = value.id.clone();
        let before = value.pool.as_ref().map(|it| self.matched.pool_handle_by_id(it));
        let edit = match pool {
            None => ValueEdit::Remove { id, scope, pool: before },
            Some(pool) => {
                let pool = Delta::if_different(before, Some(pool.clone()))?;
                ValueEdit::Change { id, scope, pool, restored: None }
            }
        };
        Some(PlannedValueEdit::from_value(value, edit))
    }

    /// Decides about the database's variables of a project whose variables are stored in Git. Its branches have
    /// variable sets of their own.
    fn decide_outside_git(
        &self,
        set: &LiveVariableSet,
        unread: Option<&str>,
    ) -> Result<ValueRuleOutcome, Finding> {
        let named = self.names_owner(set);
        match (&self.matched.desired.version_control, unread) {
            (None, _) if named => Err(self.in_git_error(set)),
            (Some(settings), Some(why)) if !settings.value.skip_unreachable => {
                Ok(ValueRuleOutcome::Unreachable(why.to_owned()))
            }
            _ => Ok(ValueRuleOutcome::Nothing),
        }
    }

    fn value_change(&self, set: &LiveVariableSet, edit: PlannedValueEdit) -> Change {
        let PlannedValueEdit { name, scope, edit } = edit;
        let (owner, name) = (set.address_owner(), name.to_string());
        let address = Address::Variable { owner, name: name.clone(), scope };
        let kind = ChangeKind::SetValue { set: set.id.clone(), git: None, name, edit };
        Change::declared(address, kind, &self.rule.span)
    }

    fn matches_owner_kind(&self, set: &LiveVariableSet) -> bool {
        matches!(set.owner, VariableOwner::Project(_))
            == matches!(self.rule.owner, DesiredValueOwner::Projects(_))
    }
}

/// Resolves the names in a scope to the ids that they have in a variable set.
///
/// # Errors
///
/// Returns a finding for the first name that the set does not know.
fn resolve_scope(
    set: &LiveVariableSet,
    scope: &DesiredValueScope,
) -> Result<PlannedValueScope, Finding> {
    fn resolve_names<T>(
        kind: ReferentKind,
        known: &[DirectoryEntry],
        wanted: &[Declared<String>],
    ) -> Result<Vec<Linked<T>>, Finding> {
        wanted.iter().map(|it| resolve_entry(kind, known, it)).collect()
    }
    let tag = |wanted: &Declared<String>| {
        let is_wanted = |tag: &&String| eq_ignoring_case(tag, wanted);
        match set.tenant_tags.iter().find(is_wanted) {
            Some(tag) => Ok(tag.clone()),
            None => {
                let known = set.tenant_tags.iter().map(String::as_str);
                Err(reference::unknown_name_error(
                    ReferentKind::TenantTag,
                    wanted,
                    known,
                    wanted.span.clone(),
                ))
            }
        }
    };
    Ok(PlannedValueScope {
        environments: resolve_names(
            ReferentKind::Environment,
            &set.environments,
            &scope.environments,
        )?,
        channels: resolve_names(ReferentKind::Channel, &set.channels, &scope.channels)?,
        tenant_tags: scope.tenant_tags.iter().map(tag).collect::<Result<_, _>>()?,
    })
}

fn scope_key(scope: &PlannedValueScope) -> [Vec<String>; 3] {
    [
        normalize_names(scope.environments.iter().map(|it| &it.name)),
        normalize_names(scope.channels.iter().map(|it| &it.name)),
        normalize_names(scope.tenant_tags.iter()),
    ]
}
