//! Finds few rules that place the steps of a space where they are.
//!
//! The list grows from its end, level by level: first what a few words say about many steps, then what says
//! more and more about fewer. A rule may be wrong about a few steps of its own; a more specific rule before it
//! puts these right. Each level looks at each step once, so the work grows with the number of steps.
//! Never: how a rule is written.

mod merge;
mod prune;

use super::catalog::{RuleFacet, RuleTerm, StepCatalog};
use crate::text::fold_case;

use RuleFacet::{ActionType, Group, Process, Project, Runbook, Step};
use std::collections::{BTreeMap, HashMap, HashSet};

pub(super) use prune::{misplaced_steps, prune_unused};

/// The cost of reading a rule besides its names, counted in names.
const RULE_COST: usize = 3;

/// How many steps a rule must place for each one that it is wrong about.
const STEPS_PER_EXCEPTION: usize = 4;

/// A rule that places the steps it matches.
#[derive(Clone, Debug)]
pub(super) struct FoldedRule {
    /// A place in the catalog.
    pub(super) place: usize,
    /// What the rule matches; empty for every step.
    pub(super) terms: Vec<RuleTerm>,
    /// The steps that the rule matches.
    pub(super) reach: Vec<usize>,
}

/// What rules to find.
pub(super) struct FoldRequest {
    /// The steps that need a rule.
    pub(super) open: Vec<bool>,
    /// The steps that no rule for another place may match, because no rule can put them right.
    pub(super) fixed: Vec<bool>,
    /// The place of a last rule for all other steps.
    pub(super) catch_all: Option<usize>,
    /// From a few words about many steps to many words about few.
    pub(super) levels: &'static [FoldLevel],
    /// Whether a rule may be wrong about a few steps.
    pub(super) exceptions: bool,
}

/// The facets that the rules of a level match together.
pub(super) struct FoldLevel {
    facets: &'static [RuleFacet],
    /// In how many projects a combination of names must place steps.
    projects: usize,
    /// Whether a type that says little about its steps may be used.
    generic: bool,
}

/// The type of steps that run any script.
const GENERIC_TYPE: &str = "octopus.script";

const fn level(facets: &'static [RuleFacet], projects: usize) -> FoldLevel {
    FoldLevel { facets, projects, generic: true }
}

const fn specific(facets: &'static [RuleFacet], projects: usize) -> FoldLevel {
    FoldLevel { facets, projects, generic: false }
}

/// Levels that select by a step's type or name, never by its project alone, so that a rule matches a new step only
/// if the step resembles those that were read.
pub(super) const BY_KIND: &[FoldLevel] = &[
    specific(&[ActionType], 2),
    level(&[Step], 2),
    specific(&[Group, ActionType], 2),
    level(&[Group, Step], 2),
    specific(&[Project, ActionType], 1),
    level(&[Project, Step], 1),
    level(&[Project, Process, Step], 1),
    level(&[Project, Runbook, Step], 1),
    level(&[Project, Process, ActionType, Step], 1),
    level(&[Project, Runbook, ActionType, Step], 1),
];

/// Levels for a list of rules that covers every step anyway.
pub(super) const BY_ANYTHING: &[FoldLevel] = &[
    level(&[ActionType], 1),
    level(&[Group], 1),
    level(&[Step], 1),
    level(&[Process], 1),
    level(&[Group, ActionType], 1),
    level(&[Group, Step], 1),
    level(&[Project], 1),
    level(&[Project, Process], 1),
    level(&[Project, ActionType], 1),
    level(&[Project, Runbook], 1),
    level(&[Project, Step], 1),
    level(&[Project, Process, Step], 1),
    level(&[Project, Runbook, Step], 1),
    level(&[Project, Process, ActionType, Step], 1),
    level(&[Project, Runbook, ActionType, Step], 1),
];

/// The steps that have one combination of names.
#[derive(Default)]
struct StepCell {
    steps: Vec<usize>,
}

/// A cell that becomes part of a rule.
struct AcceptedCell {
    names: Vec<usize>,
    steps: Vec<usize>,
}

/// The rules found so far.
struct RuleFolder<'b, 'a> {
    catalog: &'b StepCatalog<'a>,
    request: FoldRequest,
    /// The last rule first.
    rules: Vec<FoldedRule>,
}

impl FoldedRule {
    /// Returns the cost of reading the rule.
    pub(super) fn reading_cost(&self) -> usize {
        RULE_COST + self.terms.iter().map(|(_, names)| names.len()).sum::<usize>()
    }
}

/// Returns the rules in the order of a file, and the open steps that none of them can match.
pub(super) fn fold_rules(
    catalog: &StepCatalog,
    request: FoldRequest,
) -> (Vec<FoldedRule>, Vec<usize>) {
    let mut folder = RuleFolder { catalog, request, rules: Vec::new() };
    if let Some(place) = folder.request.catch_all {
        let reach = (0..catalog.steps.len()).collect();
        folder.rules.push(FoldedRule { place, terms: Vec::new(), reach });
    }
    for level in folder.request.levels {
        folder.fold_level(level);
    }
    let open = folder.request.open.iter().enumerate().filter(|(_, open)| **open);
    let left = open.map(|(step, _)| step).collect();
    folder.rules.reverse();
    (folder.rules, left)
}

impl RuleFolder<'_, '_> {
    fn is_open(&self, step: usize) -> bool {
        self.request.open.get(step) == Some(&true)
    }

    fn place_of(&self, step: usize) -> Option<usize> {
        self.catalog.place.get(step).copied()
    }

    /// Notes that a rule for a place decides about a step: it is open if that is another place than its own.
    fn settle_step(&mut self, step: usize, place: usize) {
        let is_wrong = self.place_of(step) != Some(place);
        if let Some(open) = self.request.open.get_mut(step) {
            *open = is_wrong;
        }
    }

    /// Adds the rules of a level: those of one place together, so that they share tables.
    fn fold_level(&mut self, level: &FoldLevel) {
        let mut by_place: BTreeMap<usize, Vec<AcceptedCell>> = BTreeMap::new();
        for (names, cell) in self.collect_cells(level.facets) {
            if !level.generic && self.has_generic_type(level, &names) {
                continue;
            }
            if let Some(place) = self.accept_cell(level, &cell) {
                by_place.entry(place).or_default().push(AcceptedCell { names, steps: cell.steps });
            }
        }
        for (place, cells) in by_place {
            for step in cells.iter().flat_map(|cell| &cell.steps) {
                self.settle_step(*step, place);
            }
            let mut rules = merge::merge_cells(level.facets, place, cells);
            // The list is in reverse order.
            rules.reverse();
            self.rules.extend(rules);
        }
    }

    fn has_generic_type(&self, level: &FoldLevel, names: &[usize]) -> bool {
        level.facets.iter().zip(names).any(|(facet, name)| {
            let named = self.catalog.facet_name(*facet, *name);
            *facet == ActionType && named.is_some_and(|it| fold_case(it.written) == GENERIC_TYPE)
        })
    }

    /// Returns the cells that have an open step, with all of their steps, in the order of their names.
    fn collect_cells(&self, facets: &[RuleFacet]) -> BTreeMap<Vec<usize>, StepCell> {
        let catalog = self.catalog;
        let own_names = |step: usize| -> Option<Vec<usize>> {
            facets.iter().map(|facet| catalog.step_name_number(*facet, step)).collect()
        };
        let open = (0..catalog.steps.len()).filter(|step| self.is_open(*step));
        let wanted: HashSet<Vec<usize>> = open.filter_map(own_names).collect();
        let mut cells: BTreeMap<Vec<usize>, StepCell> = BTreeMap::new();
        if wanted.is_empty() {
            return cells;
        }
        for step in 0..catalog.steps.len() {
            let combinations = catalog.name_combinations(facets, step).into_iter();
            for names in combinations.filter(|names| wanted.contains(names)) {
                cells.entry(names).or_default().steps.push(step);
            }
        }
        cells
    }

    /// Returns the place of the rule that a cell becomes part of, or `None` if it becomes part of none.
    fn accept_cell(&self, level: &FoldLevel, cell: &StepCell) -> Option<usize> {
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        for step in cell.steps.iter().filter(|step| self.is_open(**step)) {
            *counts.entry(self.place_of(*step)?).or_default() += 1;
        }
        let (place, settled) =
            counts.into_iter().max_by_key(|(place, count)| (*count, std::cmp::Reverse(*place)))?;
        let is_wrong = |step: &&usize| self.place_of(**step) != Some(place);
        let wrong: Vec<usize> = cell.steps.iter().filter(is_wrong).copied().collect();
        let is_fixed = |step: &usize| self.request.fixed.get(*step) == Some(&true);
        // A step may be in several cells of a level that matches names, so an exception there could be undone.
        let may_be_wrong = self.request.exceptions && !level.facets.contains(&Step);
        let is_harmless = wrong.is_empty()
            || may_be_wrong
                && wrong.len() * STEPS_PER_EXCEPTION <= settled
                && !wrong.iter().any(is_fixed);
        let is_enough = level.projects < 2 || {
            let right = cell.steps.iter().filter(|step| !is_wrong(step));
            let projects: HashSet<_> =
                right.map(|step| self.catalog.step_name_number(Project, *step)).collect();
            projects.len() >= level.projects
        };
        (is_harmless && is_enough).then_some(place)
    }
}

/// Returns the rule that decides each step, as an index into `rules`.
fn deciding_rules(steps: usize, rules: &[FoldedRule]) -> Vec<Option<usize>> {
    let mut deciders = vec![None; steps];
    for (at, rule) in rules.iter().enumerate().rev() {
        for step in &rule.reach {
            deciders.get_mut(*step).into_iter().for_each(|decider| *decider = Some(at));
        }
    }
    deciders
}

/// Names of rows, by the names of columns that they share.
type RowsByColumns = HashMap<Vec<usize>, Vec<usize>>;
