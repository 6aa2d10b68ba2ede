//! Rules that leave single steps unchanged, because no rule can match them alone.

use super::{
    LEAVE, RuleEntries,
    catalog::{PlacedStep, RuleFacet},
    escape_value, label, write_rule,
};
use crate::text::{fold_case, pattern::Patterns};

use std::collections::HashSet;

/// Rules that leave steps unchanged.
#[derive(Default)]
pub(super) struct LeaveRules<'a> {
    pub(super) all: Vec<LeaveRule<'a>>,
    /// What the rules without a wildcard match: project, runbook and step, in lower case.
    exact: HashSet<[Option<String>; 3]>,
    /// The indices of the rules with a wildcard.
    wild: Vec<usize>,
}

/// A rule that leaves a step unchanged. If it matches other steps too, they are also left unchanged.
pub(super) struct LeaveRule<'a> {
    /// The step that needs the rule.
    pub(super) step: PlacedStep<'a>,
    project: String,
    runbook: Option<String>,
    name: String,
}

impl<'a> LeaveRule<'a> {
    /// The cost of reading one, counted in names.
    pub(super) const COST: usize = 6;

    fn new(step: PlacedStep<'a>) -> Self {
        let name_pattern = |facet| pattern_for_name(step.facet_value(facet).unwrap_or_default());
        Self {
            step,
            project: name_pattern(RuleFacet::Project),
            runbook: step.process.owner.runbook.as_ref().map(|it| pattern_for_name(it.as_str())),
            name: name_pattern(RuleFacet::Step),
        }
    }

    fn matches_step(&self, step: &PlacedStep) -> bool {
        let fits = |pattern: &str, name: &str| Patterns::new([pattern]).matches(name);
        let owner = &step.process.owner;
        let process = match (&self.runbook, &owner.runbook) {
            (None, None) => true,
            (Some(pattern), Some(name)) => fits(pattern, name.as_str()),
            _ => false,
        };
        let names = [&step.step.step, &step.step.action];
        process
            && fits(&self.project, owner.project.as_str())
            && names.iter().any(|it| fits(&self.name, it.as_str()))
    }

    /// Writes the rule's table.
    pub(super) fn write(&self, text: &mut String) {
        let process = match &self.runbook {
            None => ("process", escape_value("deployment")),
            Some(name) => ("runbook", escape_value(name)),
        };
        let rule: RuleEntries = vec![
            ("project", escape_value(&self.project)),
            process,
            ("step", escape_value(&self.name)),
        ];
        let label = label::describe_left_step(&self.step);
        write_rule(text, None, label, rule, (LEAVE, true.to_string()));
    }
}

impl<'a> LeaveRules<'a> {
    /// Returns rules that together match all of these steps.
    pub(super) fn cover_steps(steps: &[PlacedStep<'a>]) -> Self {
        let mut rules = Self::default();
        for step in steps {
            if !rules.match_step(step) {
                rules.push(LeaveRule::new(*step));
            }
        }
        rules
    }

    fn push(&mut self, rule: LeaveRule<'a>) {
        let patterns = [Some(&rule.project), rule.runbook.as_ref(), Some(&rule.name)];
        // A pattern with a backslash is not spelled like the name that it matches.
        if patterns.iter().flatten().any(|pattern| pattern.contains(['*', '?', '\\'])) {
            self.wild.push(self.all.len());
        } else {
            self.exact.insert(patterns.map(|pattern| pattern.map(|it| fold_case(it))));
        }
        self.all.push(rule);
    }

    /// Returns whether any of the rules matches a step.
    pub(super) fn match_step(&self, step: &PlacedStep) -> bool {
        let owner = &step.process.owner;
        let is_exact = |name: &str| {
            let runbook = owner.runbook.as_ref().map(|it| fold_case(it.as_str()));
            let key = [Some(fold_case(owner.project.as_str())), runbook, Some(fold_case(name))];
            self.exact.contains(&key)
        };
        let names = [&step.step.step, &step.step.action];
        !self.exact.is_empty() && names.iter().any(|name| is_exact(name.as_str()))
            || self.wild.iter().filter_map(|at| self.all.get(*at)).any(|it| it.matches_step(step))
    }
}

/// Returns a pattern that matches a name, with `?` for characters that a pattern cannot contain.
pub(in crate::pull) fn pattern_for_name(name: &str) -> String {
    let mut pattern = String::with_capacity(name.len());
    for (at, c) in name.trim().char_indices() {
        match c {
            // A single backslash would take the character after it literally.
            '\\' => pattern.push_str("\\\\"),
            _ if c.is_control() || at == 0 && c == '!' => pattern.push('?'),
            _ => pattern.push(c),
        }
    }
    if pattern.is_empty() { "*".to_owned() } else { pattern }
}
