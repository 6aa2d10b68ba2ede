//! Findings about value rules that decide about no value, or cannot.

use super::ValueRuleRun;
use crate::{
    desired::{
        DesiredValueOwner, RuleResult, ValueVerdict, shadowed_rule_warning, with_earlier_rule,
    },
    diff::{
        names::NameCatalog,
        reference::{self, ReferentKind, ambiguous_name_error},
    },
    finding::{Code, Finding},
    live::{LiveVariableSet, UnreadSubject},
    model::{Id, Name, VariableSet},
    text::{nearest_name, pluralize},
};

use std::collections::HashSet;

impl ValueRuleRun<'_, '_> {
    /// Returns errors for exact names of owners that do not exist or could not be read.
    pub(super) fn unknown_owners(&self) -> Vec<Finding> {
        let live = self.matched.live;
        let kind = match self.rule.owner {
            DesiredValueOwner::Projects(_) => ReferentKind::Project,
            DesiredValueOwner::Libraries(_) => ReferentKind::LibraryVariableSet,
        };
        let sets = || live.indirect.sets.iter().filter(|set| self.matches_owner_kind(set));
        let projects = || live.projects.iter().filter(|_| kind == ReferentKind::Project);
        let alike = self.owner_patterns().exact_names().filter_map(|name| {
            let alike = projects().filter(|project| project.name == Name::new(name));
            let alike: Vec<String> = alike.map(|it| it.name.to_string()).collect();
            let several = || {
                ambiguous_name_error(kind.noun(), name, &alike, self.owner_patterns().span.clone())
            };
            (alike.len() > 1)
                .then(|| several().with_help("rename all but one of them on the server"))
        });
        let missing = self.owner_patterns().exact_names().filter(|name| {
            let wanted = Name::new(*name);
            !sets().any(|set| *set.owner.name() == wanted)
        });
        let pattern_span = || self.owner_patterns().span.clone();
        let finding = |name: &str| {
            let wanted = Name::new(name);
            if kind == ReferentKind::Project
                && live.projects.iter().any(|project| project.name == wanted)
            {
                let message = format!("the variables of project `{name}` cannot be read");
                return Finding::error(Code::UnreadVariables, pattern_span(), message)
                    .with_help("give the key's user a role with `VariableView` in this space");
            }
            reference::unknown_name_error(
                kind,
                name,
                sets().map(|set| set.owner.name().as_str()),
                pattern_span(),
            )
        };
        let names = sets().map(|set| set.owner.name().as_str());
        let names = names.chain(projects().map(|project| project.name.as_str()));
        let subject = match kind {
            ReferentKind::Project => UnreadSubject::Projects,
            _ => UnreadSubject::EveryVariable,
        };
        let known = NameCatalog::new(self.matched, kind, names, subject);
        let partial = known.check_partial(self.owner_patterns());
        // A value that cannot be written is an error, even if its owner may only be hidden.
        alike.chain(missing.map(finding)).chain(partial).collect()
    }

    /// Returns a warning about projects matched by a wildcard whose variable is stored in Git, if the file has no
    /// `[version_control]`.
    pub(super) fn skipped_in_git(&self) -> Option<Finding> {
        if self.matched.desired.version_control.is_some() {
            return None;
        }
        let indirect = &self.matched.live.indirect;
        let has_variable = |set: &&LiveVariableSet| {
            let mut values = indirect.variables.iter();
            values.any(|value| value.set == set.id && value.name == self.rule.variable.value)
        };
        let sets =
            indirect.sets.iter().filter(|set| set.on_default_branch && self.matches_set(set));
        let sets = sets.filter(|set| !self.names_owner(set)).filter(has_variable);
        let projects: Vec<String> =
            sets.map(|set| format!("project {:?}", set.owner.name())).collect();
        let message = format!(
            "`{}` is stored in Git in {} and is left unchanged there",
            self.rule.variable.value,
            pluralize(projects.len(), "project")
        );
        (!projects.is_empty()).then(|| {
            Finding::warning(Code::VariablesInGit, self.rule.span.clone(), message)
                .with_notes(projects)
                .with_help("add `[version_control]` and name the branch to change it on")
        })
    }

    pub(super) fn in_git_error(&self, set: &LiveVariableSet) -> Finding {
        let message = format!("the variables of project `{}` are stored in Git", set.owner.name());
        Finding::error(Code::VariablesInGit, self.owner_patterns().span.clone(), message)
            .with_help("add `[version_control]` and name the branch to change them on")
    }

    pub(super) fn wrong_type_error(&self, set: &LiveVariableSet) -> Finding {
        let message =
            format!("variable {} is not a worker pool variable", self.describe_variable(set));
        Finding::error(Code::NotAPoolVariable, self.rule.variable.span.clone(), message)
            .with_help("choose another name: all values of a variable have the same type")
    }

    pub(super) fn missing_id_error(&self, set: &LiveVariableSet) -> Finding {
        let message =
            format!("the server reports no id for the value of {}", self.describe_variable(set));
        Finding::error(Code::ValueWithoutId, self.rule.variable.span.clone(), message).with_help(
            "change it by hand: without an id, it cannot be told apart from other values",
        )
    }

    pub(super) fn ambiguous_error(&self, set: &LiveVariableSet, values: usize) -> Finding {
        let variable = self.describe_variable(set);
        let message = format!("{variable} has {values} values with the same scope");
        Finding::error(Code::AmbiguousValue, self.rule.variable.span.clone(), message)
            .with_help("delete all but one of them on the server: which one applies is undefined")
    }

    /// Returns the error for a value that an earlier rule would change once it exists, so that no plan would ever
    /// be empty.
    pub(super) fn never_settles_error(&self, set: &LiveVariableSet) -> Finding {
        let variable = self.describe_variable(set);
        let message = format!(
            "the rules would never settle: an earlier rule would change {variable} once it exists"
        );
        Finding::error(Code::UnsettledRules, self.rule.span.clone(), message)
            .with_help("put this rule before the one with the wildcard")
    }

    /// Returns the variable in the rule's owners whose name is most similar to the rule's, unless one has that name.
    fn similar_variable(&self) -> Option<&str> {
        let name = &self.rule.variable.value;
        let sets = self.matched.live.indirect.sets.iter().filter(|set| self.matches_set(set));
        let sets: HashSet<&Id<VariableSet>> = sets.map(|set| &set.id).collect();
        let values = self.matched.live.indirect.variables.iter();
        let names: Vec<&Name> =
            values.filter(|value| sets.contains(&value.set)).map(|value| &value.name).collect();
        if names.contains(&name) {
            return None;
        }
        nearest_name(name.as_str(), names.iter().map(|name| name.as_str()))
    }

    /// Returns the warning about a value to remove that does not exist although a similar variable does.
    pub(super) fn idle_removal_warning(&self) -> Option<Finding> {
        if self.rule.verdict != ValueVerdict::Remove {
            return None;
        }
        let near = self.similar_variable()?;
        let message = format!("there is no worker pool variable `{}`", self.rule.variable.value);
        let finding = Finding::warning(Code::IdleRemoval, self.rule.variable.span.clone(), message);
        Some(finding.with_help(format!("a variable with a similar name exists: `{near}`")))
    }

    fn describe_variable(&self, set: &LiveVariableSet) -> String {
        format!("`{}` of `{}`", self.rule.variable.value, set.owner.name())
    }

    /// Returns the warning about a rule that decides about no value.
    pub(super) fn result_warning(
        &self,
        result: RuleResult,
        unresolved: Option<Finding>,
    ) -> Option<Finding> {
        let span = &self.rule.span;
        match result {
            RuleResult::Effective => None,
            // A name that no set knows is a mistake; one that some sets know is not.
            _ if unresolved.is_some() => unresolved,
            RuleResult::Shadowed { by, subjects } => {
                let taker = self.matched.desired.values.get(by).map(|rule| &rule.span);
                let warning = shadowed_rule_warning(span, None, &pluralize(subjects, "value"));
                Some(with_earlier_rule(warning, taker))
            }
            // Exact names that do not exist are already reported.
            RuleResult::Idle if self.owner_patterns().is_exact() => None,
            RuleResult::Idle => {
                let name = &self.rule.variable.value;
                let message = format!("no variable `{name}` has a value with this scope");
                let help = match self.similar_variable() {
                    Some(near) => format!("a variable with a similar name exists: `{near}`"),
                    None => {
                        "a wildcard only finds existing values; name an owner exactly to create one"
                            .to_owned()
                    }
                };
                let is_read = !self.matched.live.is_unread(UnreadSubject::EveryVariable);
                let finding = Finding::warning(Code::IdleRule, span.clone(), message);
                is_read.then(|| finding.with_help(help))
            }
        }
    }
}
