//! Placements folded to few rules: exceptions first, what most steps do last.
//!
//! Several ways of folding are tried, and the one with the least to read is written. Judged with the patterns
//! of the language itself.

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

/// How many of the most common places are tried as what all other steps do.
const MAX_COMMON_PLACES: usize = 2;

/// A rule, as the keys and values of its table.
type RuleEntries = Vec<(&'static str, String)>;

/// Steps by the ids of their processes and their own.
type StepIds<'a> = HashSet<(&'a str, &'a str)>;

/// The rules that place every step where it is.
pub(super) fn render_rules(live: &Live, pools: &PulledPools) -> String {
    let mut text = String::new();
    let book = StepCatalog::new(live, PlacedStep::partition_all(live).0);
    let Some((leaves, folds)) = shortest_rules(&book, pools) else { return text };
    text.push_str("\n# Where steps run: the first rule that fits a step decides.\n");
    for LeaveRule { step, .. } in &leaves {
        let address = step.process.step_address(step.step);
        push_comment(&mut text, &format!("Step {address}: no rule finds it alone, so it is left."));
    }
    let writer = RuleWriter::new(live, pools, &book);
    let mut rules = String::new();
    leaves.iter().for_each(|it| it.write(&mut rules));
    folds.iter().for_each(|it| writer.write(&mut rules, it));
    text.push_str(rules.trim_start_matches('\n'));
    text
}

/// The rules with the least to read, those before them that leave single steps included; none where there
/// are no steps.
fn shortest_rules<'a>(
    book: &StepCatalog<'a>,
    pools: &PulledPools,
) -> Option<(Vec<LeaveRule<'a>>, Vec<FoldedRule>)> {
    let ways = common_places(book, pools).into_iter().flat_map(|common| {
        [FoldMode::Careful, FoldMode::Most, FoldMode::Half].map(|mode| (common, mode))
    });
    let shortened = ways.map(|(common, mode)| {
        let (folds, left) = fold::fold_rules(book, mode, common);
        let left: Vec<PlacedStep> =
            left.iter().filter_map(|index| book.steps.get(*index)).copied().collect();
        let leaves = LeaveRule::cover_steps(&left);
        let mut rules: Vec<FoldedRule> = leaves.iter().map(|it| it.to_fold_rule(book)).collect();
        rules.extend(folds);
        let folds = shorten::shorten_rules(book, rules).split_off(leaves.len());
        (leaves, folds)
    });
    let cost = |(leaves, folds): &(Vec<LeaveRule>, Vec<FoldedRule>)| {
        2 * LeaveRule::COST * leaves.len()
            + folds.iter().map(FoldedRule::reading_cost).sum::<usize>()
    };
    shortened.min_by_key(cost)
}

/// The most common places, the first of equals first, which is the default pool where there is one.
fn common_places(book: &StepCatalog, pools: &PulledPools) -> Vec<usize> {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    book.place.iter().for_each(|index| *counts.entry(*index).or_default() += 1);
    let is_said = |place: usize| {
        book.places.get(place).is_some_and(|it| inexpressible_reason(it, pools).is_none())
    };
    let mut places: Vec<_> = counts.into_iter().collect();
    places.sort_by_key(|(place, count)| (!is_said(*place), std::cmp::Reverse(*count), *place));
    places.into_iter().map(|(place, _)| place).take(MAX_COMMON_PLACES).collect()
}

/// Rules that leave these steps where they are, whatever other rules say: by their place where that finds
/// them and no others, and not `plainly`; by `leave` where it does not.
pub(super) fn exception_rules(
    live: &Live,
    pools: &PulledPools,
    moved: &StepIds,
    plainly: bool,
) -> String {
    let (on_worker, others) = PlacedStep::partition_all(live);
    let mut left: Vec<PlacedStep> = others.into_iter().filter(|it| it.is_in_ids(moved)).collect();
    let mut text = String::new();
    match plainly {
        true => left.extend(on_worker.into_iter().filter(|it| it.is_in_ids(moved))),
        false => {
            let book = StepCatalog::new(live, on_worker);
            let strange = write_exact_rules(live, pools, &book, moved, &mut text);
            left.extend(strange.iter().filter_map(|index| book.steps.get(*index)));
        }
    }
    LeaveRule::cover_steps(&left).iter().for_each(|it| it.write(&mut text));
    text
}

/// Rules that place these steps where they are; none for those that no rule finds alone.
pub(super) fn additional_rules(live: &Live, pools: &PulledPools, new: &StepIds) -> String {
    let mut text = String::new();
    write_exact_rules(
        live,
        pools,
        &StepCatalog::new(live, PlacedStep::partition_all(live).0),
        new,
        &mut text,
    );
    text
}

/// Writes rules that place some of all steps, and returns those for which there is none.
fn write_exact_rules(
    live: &Live,
    pools: &PulledPools,
    book: &StepCatalog,
    some: &StepIds,
    text: &mut String,
) -> Vec<usize> {
    let open = book.steps.iter().map(|it| it.is_in_ids(some)).collect();
    let (folds, left) = fold::exact_rules(book, open);
    let writer = RuleWriter::new(live, pools, book);
    folds.iter().for_each(|it| writer.write(text, it));
    left
}

/// The word for a rule that leaves its steps as they are.
const LEAVE: &str = "leave";

/// Why no rule can say a place.
fn inexpressible_reason(place: &Place<Id<Pool>>, pools: &PulledPools) -> Option<String> {
    match place {
        Place::Pool(id) if !pools.has_reference(id) => {
            Some(format!("Pool {:?} is none that a rule can name", id.as_str()))
        }
        Place::Variable(name) if name.contains(char::is_control) => {
            Some(format!("Variable {name:?} has no name of one line"))
        }
        _ => None,
    }
}

/// What a rule says for a place: what it cannot say is left as it is.
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
    book: &'w StepCatalog<'a>,
    /// All names of the space, in lower case: a wildcard must find none but those that a rule names.
    names: BTreeMap<RuleFacet, BTreeSet<String>>,
}

impl<'w, 'a> RuleWriter<'w, 'a> {
    fn new(live: &'a Live, pools: &'w PulledPools<'a>, book: &'w StepCatalog<'a>) -> Self {
        let mut names: BTreeMap<RuleFacet, BTreeSet<String>> = BTreeMap::new();
        let mut add_name = |facet, name: &str| {
            names.entry(facet).or_default().insert(fold_case(name));
        };
        for process in &live.processes {
            process.owner.runbook.iter().for_each(|it| add_name(RuleFacet::Runbook, it.as_str()));
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
        Self { pools, book, names }
    }

    fn write(&self, text: &mut String, fold: &FoldedRule) {
        let Some(place) = fold.place.and_then(|it| self.book.places.get(it)) else { return };
        let left = inexpressible_reason(place, self.pools)
            .map(|reason| format!("{reason}: its steps are left."));
        let catch_all_note = || fold.terms.is_empty().then(|| "All other steps.".to_owned());
        write_rule(
            text,
            left.or_else(catch_all_note),
            self.rule_selectors(fold),
            verdict_for_place(place, self.pools),
        );
    }

    /// The selectors of a rule.
    fn rule_selectors(&self, fold: &FoldedRule) -> RuleEntries {
        let has_facet = |facet| fold.terms.iter().any(|(rule_facet, _)| *rule_facet == facet);
        let any = !has_facet(RuleFacet::Process) && !has_facet(RuleFacet::Runbook);
        let mut rule: RuleEntries = Vec::new();
        rule.extend(any.then(|| ("process", escape_value("any"))));
        // A rule about a runbook is about runbooks.
        let terms = fold.terms.iter();
        rule.extend(
            terms.map(|(facet, names)| (facet.rule_key(), self.selector_value(*facet, names))),
        );
        rule
    }

    fn selector_value(&self, facet: RuleFacet, names: &[usize]) -> String {
        let named = names.iter().filter_map(|name| self.book.facet_name(facet, *name));
        let names: Vec<&str> = named.map(|it| it.written).collect();
        let none = BTreeSet::new();
        let all = self.names.get(&facet).unwrap_or(&none);
        match facet {
            // A word, which has no wildcard.
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

/// Writes a rule, and what there is to say about it.
fn write_rule(
    text: &mut String,
    note: Option<String>,
    rule: RuleEntries,
    verdict: (&'static str, String),
) {
    text.push('\n');
    note.iter().for_each(|it| push_comment(text, it));
    text.push_str("[[placements]]\n");
    for (key, value) in rule.iter().chain([&verdict]) {
        _ = writeln!(text, "{key} = {value}");
    }
}
