//! Folds placements into few rules: exceptions first, the most common place last.
//!
//! Several ways of folding are tried, and the shortest result is written. Matching uses the patterns of
//! the language itself.

mod catalog;
mod fold;
mod leave;
mod shorten;
mod wildcard;

use super::{PulledPools, push_comment, toml::escape_value};
use crate::{
    live::Live,
    model::{Id, Place, Pool},
    text::fold_case,
};

use catalog::{PlacedStep, RuleFacet, StepCatalog};
use fold::{FoldMode, FoldedRule};
use leave::LeaveRule;
pub(super) use leave::pattern_for_name;
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fmt::Write as _,
};
use wildcard::{WordPosition, generalize_names, render_names};

/// How many of the most common places are tried for the last rule.
const MAX_COMMON_PLACES: usize = 2;

/// A rule, as the keys and values of its table.
type RuleEntries = Vec<(&'static str, String)>;

/// Steps by the ids of their processes and their own.
type StepIds<'a> = HashSet<(&'a str, &'a str)>;

/// Renders the rules that place every step where it is now.
pub(super) fn render_rules(live: &Live, pools: &PulledPools) -> String {
    let mut text = String::new();
    let catalog = StepCatalog::new(live, PlacedStep::partition_all(live).0);
    let Some((leaves, folds)) = shortest_rules(&catalog, pools) else { return text };
    text.push_str("\n# Where steps run: the first rule that matches a step decides.\n");
    for LeaveRule { step, .. } in &leaves {
        let address = step.process.step_address(step.step);
        push_comment(
            &mut text,
            &format!("Step {address}: no rule can match it alone, so it is left unchanged."),
        );
    }
    let writer = RuleWriter::new(live, pools, &catalog);
    let mut rules = String::new();
    leaves.iter().for_each(|leave| leave.write(&mut rules));
    folds.iter().for_each(|fold| writer.write(&mut rules, fold));
    text.push_str(rules.trim_start_matches('\n'));
    text
}

/// Returns the shortest list of rules, preceded by those that leave single steps unchanged; `None` if
/// there are no steps.
fn shortest_rules<'a>(
    catalog: &StepCatalog<'a>,
    pools: &PulledPools,
) -> Option<(Vec<LeaveRule<'a>>, Vec<FoldedRule>)> {
    let attempts = common_places(catalog, pools).into_iter().flat_map(|common| {
        [FoldMode::Careful, FoldMode::Most, FoldMode::Half].map(|mode| (common, mode))
    });
    let shortened = attempts.map(|(common, mode)| {
        let (folds, left) = fold::fold_rules(catalog, mode, common);
        let left: Vec<PlacedStep> =
            left.iter().filter_map(|index| catalog.steps.get(*index)).copied().collect();
        let leaves = LeaveRule::cover_steps(&left);
        let mut rules: Vec<FoldedRule> = leaves.iter().map(|it| it.to_fold_rule(catalog)).collect();
        rules.extend(folds);
        let folds = shorten::shorten_rules(catalog, rules).split_off(leaves.len());
        (leaves, folds)
    });
    let cost = |(leaves, folds): &(Vec<LeaveRule>, Vec<FoldedRule>)| {
        2 * LeaveRule::COST * leaves.len()
            + folds.iter().map(FoldedRule::reading_cost).sum::<usize>()
    };
    shortened.min_by_key(cost)
}

/// Returns the most common places; equally common ones in catalog order, which starts with the default pool.
fn common_places(catalog: &StepCatalog, pools: &PulledPools) -> Vec<usize> {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    catalog.place.iter().for_each(|index| *counts.entry(*index).or_default() += 1);
    let is_expressible = |place: usize| {
        catalog.places.get(place).is_some_and(|it| inexpressible_reason(it, pools).is_none())
    };
    let mut places: Vec<_> = counts.into_iter().collect();
    places
        .sort_by_key(|(place, count)| (!is_expressible(*place), std::cmp::Reverse(*count), *place));
    places.into_iter().map(|(place, _)| place).take(MAX_COMMON_PLACES).collect()
}

/// Renders rules that keep these steps where they are, whatever later rules say.
///
/// They set the place if a rule can match these steps alone, and use `leave` otherwise or if `plainly`.
pub(super) fn exception_rules(
    live: &Live,
    pools: &PulledPools,
    moved: &StepIds,
    plainly: bool,
) -> String {
    let (on_worker, others) = PlacedStep::partition_all(live);
    let mut left: Vec<PlacedStep> =
        others.into_iter().filter(|step| step.is_in_ids(moved)).collect();
    let mut text = String::new();
    if plainly {
        left.extend(on_worker.into_iter().filter(|step| step.is_in_ids(moved)));
    } else {
        let catalog = StepCatalog::new(live, on_worker);
        let unmatched = write_exact_rules(live, pools, &catalog, moved, &mut text);
        left.extend(unmatched.iter().filter_map(|index| catalog.steps.get(*index)));
    }
    LeaveRule::cover_steps(&left).iter().for_each(|rule| rule.write(&mut text));
    text
}

/// Renders rules that place these steps where they are, except steps that no rule can match alone.
pub(super) fn additional_rules(live: &Live, pools: &PulledPools, new: &StepIds) -> String {
    let mut text = String::new();
    let catalog = StepCatalog::new(live, PlacedStep::partition_all(live).0);
    write_exact_rules(live, pools, &catalog, new, &mut text);
    text
}

/// Writes rules that place the selected steps, and returns the steps that no rule can match alone.
fn write_exact_rules(
    live: &Live,
    pools: &PulledPools,
    catalog: &StepCatalog,
    selected: &StepIds,
    text: &mut String,
) -> Vec<usize> {
    let open = catalog.steps.iter().map(|step| step.is_in_ids(selected)).collect();
    let (folds, left) = fold::exact_rules(catalog, open);
    let writer = RuleWriter::new(live, pools, catalog);
    folds.iter().for_each(|fold| writer.write(text, fold));
    left
}

/// The key for a rule that leaves its steps unchanged.
const LEAVE: &str = "leave";

/// Returns why a rule cannot express a place, or `None` if it can.
fn inexpressible_reason(place: &Place<Id<Pool>>, pools: &PulledPools) -> Option<String> {
    match place {
        Place::Pool(id) if !pools.has_reference(id) => {
            Some(format!("Pool {:?} cannot be named in a rule", id.as_str()))
        }
        Place::Variable(name) if name.contains(char::is_control) => {
            Some(format!("Variable {name:?} has a name with control characters"))
        }
        _ => None,
    }
}

/// Returns the key and value of a rule for a place, `leave` if the place cannot be expressed.
pub(super) fn verdict_for_place(
    place: &Place<Id<Pool>>,
    pools: &PulledPools,
) -> (&'static str, String) {
    match place {
        _ if inexpressible_reason(place, pools).is_some() => (LEAVE, true.to_string()),
        Place::Pool(id) => ("pool", escape_value(&pools.pool_reference(id))),
        Place::Variable(name) => ("pool_variable", escape_value(name)),
        Place::DefaultPool => ("default_pool", true.to_string()),
    }
}

/// Writes rules as tables.
struct RuleWriter<'w, 'a> {
    pools: &'w PulledPools<'a>,
    catalog: &'w StepCatalog<'a>,
    /// All names in the space, in lower case: a wildcard must match only the names it replaces.
    names: BTreeMap<RuleFacet, BTreeSet<String>>,
}

impl<'w, 'a> RuleWriter<'w, 'a> {
    fn new(live: &'a Live, pools: &'w PulledPools<'a>, catalog: &'w StepCatalog<'a>) -> Self {
        let mut names: BTreeMap<RuleFacet, BTreeSet<String>> = BTreeMap::new();
        let mut add_name = |facet, name: &str| {
            names.entry(facet).or_default().insert(fold_case(name));
        };
        for process in &live.processes {
            let runbook = process.owner.runbook.iter();
            runbook.for_each(|name| add_name(RuleFacet::Runbook, name.as_str()));
            for step in &process.steps {
                add_name(RuleFacet::ActionType, &step.action_type);
                add_name(RuleFacet::Step, step.step.as_str());
                add_name(RuleFacet::Step, step.action.as_str());
            }
        }
        for project in &live.projects {
            add_name(RuleFacet::Project, project.name.as_str());
            add_name(RuleFacet::Group, project.group.as_str());
        }
        Self { pools, catalog, names }
    }

    fn write(&self, text: &mut String, fold: &FoldedRule) {
        let Some(place) = fold.place.and_then(|it| self.catalog.places.get(it)) else { return };
        let left_note = inexpressible_reason(place, self.pools)
            .map(|reason| format!("{reason}: its steps are left unchanged."));
        let catch_all_note = || fold.terms.is_empty().then(|| "All other steps.".to_owned());
        write_rule(
            text,
            left_note.or_else(catch_all_note),
            self.rule_selectors(fold),
            verdict_for_place(place, self.pools),
        );
    }

    /// Returns the selectors of a rule.
    fn rule_selectors(&self, fold: &FoldedRule) -> RuleEntries {
        let has_facet = |facet| fold.terms.iter().any(|(rule_facet, _)| *rule_facet == facet);
        let any = !has_facet(RuleFacet::Process) && !has_facet(RuleFacet::Runbook);
        let mut rule: RuleEntries = Vec::new();
        rule.extend(any.then(|| ("process", escape_value("any"))));
        // A runbook's name implies `process = "runbook"`.
        let terms = fold.terms.iter();
        rule.extend(
            terms.map(|(facet, names)| (facet.rule_key(), self.selector_value(*facet, names))),
        );
        rule
    }

    fn selector_value(&self, facet: RuleFacet, names: &[usize]) -> String {
        let named = names.iter().filter_map(|name| self.catalog.facet_name(facet, *name));
        let names: Vec<&str> = named.map(|it| it.written).collect();
        let none = BTreeSet::new();
        let all = self.names.get(&facet).unwrap_or(&none);
        match facet {
            // A keyword, not a pattern.
            RuleFacet::Process if names.len() > 1 => escape_value("any"),
            RuleFacet::Process => {
                render_names(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
            }
            RuleFacet::ActionType => {
                render_names(&generalize_names(&names, all, WordPosition::First))
            }
            _ => render_names(&generalize_names(&names, all, WordPosition::Anywhere)),
        }
    }
}

/// Writes a rule, preceded by its note as a comment.
fn write_rule(
    text: &mut String,
    note: Option<String>,
    rule: RuleEntries,
    verdict: (&'static str, String),
) {
    text.push('\n');
    note.iter().for_each(|note| push_comment(text, note));
    text.push_str("[[placements]]\n");
    for (key, value) in rule.iter().chain([&verdict]) {
        _ = writeln!(text, "{key} = {value}");
    }
}
