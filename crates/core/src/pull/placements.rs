//! Folds placements into few rules.
//!
//! The rules say no more than what was seen: steps that name no pool, and steps that are unlike all others, are
//! matched by none, unless a last rule for all other steps is asked for. Several ways of folding are tried, and
//! the shortest result is written. Matching uses the patterns of the language itself.

mod catalog;
mod fold;
mod label;
mod leave;
mod wildcard;

use super::{PulledPools, push_comment, toml::escape_value};
use crate::{
    live::Live,
    model::{Id, Place, Pool},
    text::{fold_case, pluralize},
};

use catalog::{PlacedStep, RuleFacet, StepCatalog};
use fold::{FoldRequest, FoldedRule, fold_rules, misplaced_steps, prune_unused};
pub(super) use leave::pattern_for_name;
use leave::{LeaveRule, LeaveRules};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fmt::Write as _,
};
use wildcard::{WordPosition, generalize_names, render_names};

/// Which steps the rules of a pulled file are about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RuleCoverage {
    /// Those that name a pool or a variable, as they were seen.
    #[default]
    Seen,
    /// Every step: a last rule catches all others, those that are yet to be created too.
    Closed,
}

/// How many of the most common places are tried for the last rule.
const MAX_COMMON_PLACES: usize = 2;

/// A rule, as the keys and values of its table.
type RuleEntries = Vec<(&'static str, String)>;

/// Steps by the ids of their processes and their own.
type StepIds<'a> = HashSet<(&'a str, &'a str)>;

/// The rules of a pulled file.
#[derive(Default)]
struct RuleList<'a> {
    /// Rules that leave single steps unchanged; they come first.
    leaves: LeaveRules<'a>,
    folds: Vec<FoldedRule>,
    /// Steps that no rule can match alone, and none matches.
    left: Vec<usize>,
}

/// Renders the rules that place steps where they are now.
pub(super) fn render_rules(live: &Live, pools: &PulledPools, coverage: RuleCoverage) -> String {
    let mut text = String::new();
    let catalog = StepCatalog::new(live, PlacedStep::partition_all(live).0);
    if catalog.steps.is_empty() {
        return text;
    }
    let list = shortest_rules(&catalog, pools, coverage);
    text.push_str("\n# Where steps run: the first rule that matches a step decides.\n");
    if coverage == RuleCoverage::Seen {
        write_unmatched_note(&catalog, &mut text);
    }
    let left = list.left.iter().filter_map(|step| catalog.steps.get(*step));
    let noted = left.map(|step| (step, "no rule mentions it"));
    let leaves = list.leaves.all.iter().map(|leave| (&leave.step, "it is left unchanged"));
    for (step, outcome) in leaves.chain(noted) {
        let address = step.process.step_address(step.step);
        push_comment(
            &mut text,
            &format!("Step {address}: no rule can match it alone, so {outcome}."),
        );
    }
    let mut writer = RuleWriter::new(live, pools, &catalog, coverage);
    let mut rules = String::new();
    list.leaves.all.iter().for_each(|leave| leave.write(&mut rules));
    list.folds.iter().for_each(|fold| writer.write(&mut rules, fold));
    text.push_str(rules.trim_start_matches('\n'));
    text
}

/// Notes how many steps have no rule because they name no pool.
fn write_unmatched_note(catalog: &StepCatalog, text: &mut String) {
    let is_default = |place: &&usize| {
        catalog.places.get(**place).is_some_and(|place| **place == Place::DefaultPool)
    };
    match catalog.place.iter().filter(is_default).count() {
        0 => {}
        steps => push_comment(
            text,
            &format!("Not matched by any rule: {} without a pool.", pluralize(steps, "step")),
        ),
    }
}

/// Returns the shortest list of rules.
fn shortest_rules<'a>(
    catalog: &StepCatalog<'a>,
    pools: &PulledPools,
    coverage: RuleCoverage,
) -> RuleList<'a> {
    let attempts: Vec<FoldRequest> = match coverage {
        RuleCoverage::Seen => {
            [true, false].map(|exceptions| seen_steps(catalog, pools, exceptions)).into()
        }
        RuleCoverage::Closed => common_places(catalog, pools)
            .into_iter()
            .flat_map(|common| [true, false].map(|it| all_steps(catalog, common, it)))
            .collect(),
    };
    let lists = attempts.into_iter().map(|request| {
        let (mut folds, left) = fold_rules(catalog, request);
        let misplaced = misplaced_steps(catalog, &folds);
        let placed_steps = |steps: &[usize]| -> Vec<PlacedStep<'a>> {
            steps.iter().filter_map(|step| catalog.steps.get(*step)).copied().collect()
        };
        let leaves = LeaveRules::cover_steps(&placed_steps(&misplaced));
        let is_left =
            |step: usize| catalog.steps.get(step).is_some_and(|step| leaves.match_step(step));
        prune_unused(catalog, &mut folds, is_left);
        let left = left.into_iter().filter(|step| misplaced.binary_search(step).is_err()).collect();
        RuleList { leaves, folds, left }
    });
    let cost = |list: &RuleList| {
        2 * LeaveRule::COST * list.leaves.all.len()
            + list.folds.iter().map(FoldedRule::reading_cost).sum::<usize>()
    };
    lists.min_by_key(cost).unwrap_or_default()
}

/// Returns the request for rules about the steps that name a pool or a variable.
fn seen_steps(catalog: &StepCatalog, pools: &PulledPools, exceptions: bool) -> FoldRequest {
    let is_open =
        |place: &usize| catalog.places.get(*place).is_some_and(|it| is_declarable(it, pools));
    let open: Vec<bool> = catalog.place.iter().map(is_open).collect();
    let fixed = open.iter().map(|open| !open).collect();
    FoldRequest { open, fixed, catch_all: None, levels: fold::BY_KIND, exceptions }
}

/// Returns the request for rules about every step, the last one for a common place.
fn all_steps(catalog: &StepCatalog, common: usize, exceptions: bool) -> FoldRequest {
    let open = catalog.place.iter().map(|place| *place != common).collect();
    let fixed = vec![false; catalog.steps.len()];
    FoldRequest { open, fixed, catch_all: Some(common), levels: fold::BY_ANYTHING, exceptions }
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
    LeaveRules::cover_steps(&left).all.iter().for_each(|rule| rule.write(&mut text));
    text
}

/// Renders rules that place these steps where they are, except steps that name no pool or one that no rule can
/// name, and steps that no rule can match alone.
pub(super) fn additional_rules(live: &Live, pools: &PulledPools, new: &StepIds) -> String {
    let mut text = String::new();
    let catalog = StepCatalog::new(live, PlacedStep::partition_all(live).0);
    let names_pool = |step: &&PlacedStep| is_declarable(&step.step.place, pools);
    let steps = catalog.steps.iter().filter(|step| step.is_in_ids(new)).filter(names_pool);
    let ids = steps.map(|step| (step.process.id.as_str(), step.step.id.as_str()));
    let new: &StepIds = &ids.collect();
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
    let fixed = vec![true; catalog.steps.len()];
    let levels = fold::BY_KIND;
    let request = FoldRequest { open, fixed, catch_all: None, levels, exceptions: false };
    let (folds, left) = fold_rules(catalog, request);
    let mut writer = RuleWriter::new(live, pools, catalog, RuleCoverage::Seen);
    folds.iter().for_each(|fold| writer.write(text, fold));
    left
}

/// Returns whether a place is a pool or a variable that a rule can name.
fn is_declarable(place: &Place<Id<Pool>>, pools: &PulledPools) -> bool {
    *place != Place::DefaultPool && inexpressible_reason(place, pools).is_none()
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
    /// All names in the space, in lower case: a wildcard must match only the names it replaces. Empty if no
    /// wildcard may be written, since it would also match names that are yet to come.
    names: BTreeMap<RuleFacet, BTreeSet<String>>,
    /// How often each label was written.
    labels: HashMap<String, usize>,
}

impl<'w, 'a> RuleWriter<'w, 'a> {
    fn new(
        live: &'a Live,
        pools: &'w PulledPools<'a>,
        catalog: &'w StepCatalog<'a>,
        coverage: RuleCoverage,
    ) -> Self {
        let names = match coverage {
            RuleCoverage::Seen => BTreeMap::new(),
            RuleCoverage::Closed => all_names(live),
        };
        Self { pools, catalog, names, labels: HashMap::new() }
    }

    fn write(&mut self, text: &mut String, fold: &FoldedRule) {
        let Some(place) = self.catalog.places.get(fold.place) else { return };
        let left_note = inexpressible_reason(place, self.pools)
            .map(|reason| format!("{reason}: its steps are left unchanged."));
        let catch_all_note = || fold.terms.is_empty().then(|| "All other steps.".to_owned());
        let label = label::describe_rule(self.catalog, fold);
        let label = self.distinct_label(label);
        write_rule(
            text,
            left_note.or_else(catch_all_note),
            label,
            self.rule_selectors(fold),
            verdict_for_place(place, self.pools),
        );
    }

    /// Returns a label that no other rule has.
    fn distinct_label(&mut self, label: String) -> String {
        let times = self.labels.entry(fold_case(&label)).or_default();
        *times += 1;
        if *times == 1 { label } else { format!("{label} ({times})") }
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
        match facet {
            // A keyword, not a pattern.
            RuleFacet::Process if names.len() > 1 => escape_value("any"),
            _ => render_names(&self.written_names(facet, &names)),
        }
    }

    /// Returns names as a rule lists them.
    fn written_names(&self, facet: RuleFacet, names: &[&str]) -> Vec<String> {
        let Some(all) = self.names.get(&facet) else {
            let mut names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            names.sort_by_cached_key(|name| fold_case(name));
            return names;
        };
        let words = match facet {
            RuleFacet::ActionType => WordPosition::First,
            _ => WordPosition::Anywhere,
        };
        generalize_names(names, all, words)
    }
}

/// Returns all names in a space, in lower case.
fn all_names(live: &Live) -> BTreeMap<RuleFacet, BTreeSet<String>> {
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
    names
}

/// Writes a rule, preceded by its note as a comment.
fn write_rule(
    text: &mut String,
    note: Option<String>,
    label: String,
    rule: RuleEntries,
    verdict: (&'static str, String),
) {
    text.push('\n');
    note.iter().for_each(|note| push_comment(text, note));
    text.push_str("[[placements]]\n");
    for (key, value) in [("label", escape_value(&label))].iter().chain(&rule).chain([&verdict]) {
        _ = writeln!(text, "{key} = {value}");
    }
}
