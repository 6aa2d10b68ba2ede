//! Rules that leave single steps unchanged, because no rule can match them alone.

use super::{
    LEAVE, RuleEntries,
    catalog::{PlacedStep, RuleFacet, StepCatalog},
    escape_value,
    fold::FoldedRule,
    write_rule,
};
use crate::text::pattern::Patterns;

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

    /// Returns rules that together match all of these steps.
    pub(super) fn cover_steps(steps: &[PlacedStep<'a>]) -> Vec<Self> {
        let mut leaves: Vec<Self> = Vec::new();
        for step in steps {
            if !leaves.iter().any(|it| it.matches_step(step)) {
                leaves.push(Self::new(*step));
            }
        }
        leaves
    }

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

    /// Converts the rule for the list of folded rules.
    pub(super) fn to_fold_rule(&self, catalog: &StepCatalog) -> FoldedRule {
        let steps = catalog.steps.iter().enumerate();
        let reach = steps.filter(|(_, step)| self.matches_step(step)).map(|(at, _)| at).collect();
        FoldedRule { place: None, terms: Vec::new(), reach }
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
        write_rule(text, None, rule, (LEAVE, true.to_string()));
    }
}

/// Returns a pattern that matches a name, with `?` for characters that a pattern cannot contain.
pub(in crate::pull) fn pattern_for_name(name: &str) -> String {
    let replace_unsafe =
        |(at, c): (usize, char)| if c.is_control() || at == 0 && c == '!' { '?' } else { c };
    let pattern: String = name.trim().char_indices().map(replace_unsafe).collect();
    if pattern.is_empty() { "*".to_owned() } else { pattern }
}
