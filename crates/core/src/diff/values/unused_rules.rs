//! What there is to say of a rule about values that decides about none, or cannot.

use super::ValueRuleRun;
use crate::{
    desired::{DesiredValueOwner, RuleResult, shadowed_rule_warning},
    diff::reference::{self, ReferentKind, ambiguous_name_error},
    finding::{Code, Finding},
    live::LiveVariableSet,
    model::Name,
    text::pluralize,
};

impl ValueRuleRun<'_, '_> {
    /// Names that are written out, and that nothing has which could be seen.
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
            (1 < alike.len())
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
        alike.chain(missing.map(finding)).collect()
    }

    /// Projects of a wildcard that have the variable in Git, where the file does not say how that is treated.
    pub(super) fn skipped_in_git(&self) -> Option<Finding> {
        if self.matched.desired.version_control.is_some() {
            return None;
        }
        let choosers = &self.matched.live.indirect;
        let has_variable = |set: &&LiveVariableSet| {
            let mut values = choosers.variables.iter();
            values.any(|value| value.set == set.id && value.name == self.rule.variable.value)
        };
        let sets = choosers.sets.iter();
        let sets = sets.filter(|set| set.on_default_branch && self.matches_set(set));
        let sets = sets.filter(|set| !self.names_owner(set)).filter(has_variable);
        let projects: Vec<String> =
            sets.map(|set| format!("project {:?}", set.owner.name())).collect();
        let message = format!(
            "`{}` is stored in Git in {}, and stays as it is there",
            self.rule.variable.value,
            pluralize(projects.len(), "project")
        );
        (!projects.is_empty()).then(|| {
            Finding::warning(Code::VariablesInGit, self.rule.span.clone(), message)
                .with_notes(projects)
                .with_help("say `[version_control]`, and on which branch it is to change")
        })
    }

    pub(super) fn in_git_error(&self, set: &LiveVariableSet) -> Finding {
        let message = format!("the variables of project `{}` are stored in Git", set.owner.name());
        Finding::error(Code::VariablesInGit, self.owner_patterns().span.clone(), message)
            .with_help("say `[version_control]`, and on which branch they are to change")
    }

    pub(super) fn wrong_type_error(&self, set: &LiveVariableSet) -> Finding {
        let message =
            format!("variable {} is not of type worker pool", self.describe_variable(set));
        Finding::error(Code::NotAPoolVariable, self.rule.variable.span.clone(), message)
            .with_help("choose another name: a variable has one type for all of its values")
    }

    pub(super) fn missing_id_error(&self, set: &LiveVariableSet) -> Finding {
        let message =
            format!("the server gives no id for the value of {}", self.describe_variable(set));
        Finding::error(Code::ValueWithoutId, self.rule.variable.span.clone(), message)
            .with_help("change it by hand: without an id, it cannot be told from others")
    }

    pub(super) fn ambiguous_error(&self, set: &LiveVariableSet, values: usize) -> Finding {
        let variable = self.describe_variable(set);
        let message = format!("{variable} has {values} values of the same scope");
        Finding::error(Code::AmbiguousValue, self.rule.variable.span.clone(), message).with_help(
            "delete all but one of them on the server: it is not defined which one counts",
        )
    }

    /// A value that an earlier rule would take once it exists, so that no plan would ever be empty.
    pub(super) fn never_settles_error(&self, set: &LiveVariableSet) -> Finding {
        let variable = self.describe_variable(set);
        let message = format!(
            "the rules would never settle: an earlier one would change {variable} once it exists"
        );
        Finding::error(Code::UnsettledRules, self.rule.span.clone(), message)
            .with_help("put this rule before the one with the wildcard")
    }

    fn describe_variable(&self, set: &LiveVariableSet) -> String {
        format!("`{}` of `{}`", self.rule.variable.value, set.owner.name())
    }

    /// The warning about a rule that decides about no value.
    pub(super) fn result_warning(
        &self,
        result: RuleResult,
        unresolved: Option<Finding>,
    ) -> Option<Finding> {
        let span = &self.rule.span;
        match result {
            RuleResult::Effective => None,
            // A name that none of the sets knows is a mistake, and one that some know is not.
            _ if unresolved.is_some() => unresolved,
            RuleResult::Shadowed { subjects, .. } => {
                Some(shadowed_rule_warning(span, None, &pluralize(subjects, "value")))
            }
            // A name that is written out and that nothing has is reported already.
            RuleResult::Idle if self.owner_patterns().is_exact() => None,
            RuleResult::Idle => {
                let name = &self.rule.variable.value;
                let message = format!("no variable `{name}` with a value of this scope is there");
                let help = "a wildcard finds values that are there; write a name out to make one";
                Some(Finding::warning(Code::IdleRule, span.clone(), message).with_help(help))
            }
        }
    }
}
