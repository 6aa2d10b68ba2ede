//! Finds few rules that place every step where it is.
//!
//! The list grows from its end: first the most common place, then the most common one of the remaining steps,
//! and so on, each rule before those that it is an exception to. The rule that decides the most steps with
//! the fewest names is taken first. Never: how a rule is written.

use super::catalog::{FACETS, RuleFacet, RuleTerm, StepCatalog};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The cost of reading a rule besides its names, counted in names.
const RULE_COST: usize = 3;

/// Facets that are useful in combination.
const FACET_PAIRS: [(RuleFacet, RuleFacet); 8] = [
    (RuleFacet::Group, RuleFacet::ActionType),
    (RuleFacet::Group, RuleFacet::Step),
    (RuleFacet::Process, RuleFacet::ActionType),
    (RuleFacet::Process, RuleFacet::Step),
    (RuleFacet::Project, RuleFacet::Process),
    (RuleFacet::Project, RuleFacet::ActionType),
    (RuleFacet::Project, RuleFacet::Step),
    (RuleFacet::Project, RuleFacet::Runbook),
];

/// Combinations of facets that match a single step if fewer facets do not.
const SINGLE_STEP_FACETS: [&[RuleFacet]; 4] = [
    &[RuleFacet::Project, RuleFacet::Process, RuleFacet::Step],
    &[RuleFacet::Project, RuleFacet::Runbook, RuleFacet::Step],
    &[RuleFacet::Project, RuleFacet::Process, RuleFacet::Step, RuleFacet::ActionType],
    &[RuleFacet::Project, RuleFacet::Runbook, RuleFacet::Step, RuleFacet::ActionType],
];

/// Up to how many blocks are compared with each other, to join them into one rule.
const MAX_BLOCKS: usize = 64;

/// A rule that places the steps it matches.
#[derive(Clone, Debug)]
pub(super) struct FoldedRule {
    /// A place in the catalog; `None` if the rule leaves its steps unchanged.
    pub(super) place: Option<usize>,
    /// What the rule matches; empty for every step.
    pub(super) terms: Vec<RuleTerm>,
    /// The steps that the rule matches.
    pub(super) reach: Vec<usize>,
}

/// How a rule may treat steps that are in another place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FoldMode {
    /// It matches none of them, so the order of rules does not matter.
    Alone,
    /// It matches none that are already decided correctly.
    Careful,
    /// It matches fewer of them than of its own; exceptions go before it.
    Most,
    /// It matches at most as many of them as of its own.
    Half,
}

/// The rules found so far.
struct RuleFolder<'b, 'a> {
    catalog: &'b StepCatalog<'a>,
    mode: FoldMode,
    /// Steps that no rule decides correctly yet.
    open: Vec<bool>,
    /// Steps that are already exceptions; another exception must match them alone.
    excepted: Vec<bool>,
    /// The last rule first.
    rules: Vec<FoldedRule>,
}

/// A possible next rule, and its gain: twice the number of steps that it decides correctly.
struct RuleCandidate {
    place: usize,
    terms: Vec<RuleTerm>,
    gain: usize,
}

impl FoldedRule {
    /// Returns the cost of reading the rule.
    pub(super) fn reading_cost(&self) -> usize {
        RULE_COST + self.terms.iter().map(|(_, names)| names.len()).sum::<usize>()
    }
}

/// Returns rules that place all steps, the last one for the place `common`; and the steps that no rule can
/// match.
pub(super) fn fold_rules(
    catalog: &StepCatalog,
    mode: FoldMode,
    common: usize,
) -> (Vec<FoldedRule>, Vec<usize>) {
    let open = catalog.place.iter().map(|index| *index != common).collect();
    let mut folding = RuleFolder {
        catalog,
        mode,
        open,
        excepted: vec![false; catalog.steps.len()],
        rules: Vec::new(),
    };
    let reach = (0..catalog.steps.len()).collect();
    folding.rules.push(FoldedRule { place: Some(common), terms: Vec::new(), reach });
    folding.collect_rules()
}

/// Returns rules that match the `open` steps and none in another place; and the steps that no rule can match.
pub(super) fn exact_rules(catalog: &StepCatalog, open: Vec<bool>) -> (Vec<FoldedRule>, Vec<usize>) {
    RuleFolder {
        catalog,
        mode: FoldMode::Alone,
        open,
        excepted: vec![false; catalog.steps.len()],
        rules: Vec::new(),
    }
    .collect_rules()
}

impl RuleFolder<'_, '_> {
    fn collect_rules(mut self) -> (Vec<FoldedRule>, Vec<usize>) {
        while let Some(best) = self.best_candidates() {
            self.apply_all_harmless(best);
        }
        for facets in SINGLE_STEP_FACETS {
            self.add_single_rules(facets);
        }
        let left = self.open.iter().enumerate().filter(|(_, open)| **open).map(|(at, _)| at);
        let left = left.collect();
        self.rules.reverse();
        (self.rules, left)
    }

    /// Applies candidates of one kind, except those that an earlier one has made harmful.
    fn apply_all_harmless(&mut self, candidates: Vec<RuleCandidate>) {
        for (at, candidate) in candidates.into_iter().enumerate() {
            if at == 0 || self.is_harmless(&candidate) {
                self.apply_candidate(candidate);
            }
        }
    }

    fn is_undecided(&self, step: usize) -> bool {
        self.open.get(step) == Some(&true)
    }

    /// Returns whether a rule for this place would move a correctly placed step.
    fn misplaces_step(&self, step: usize, place: usize) -> bool {
        self.catalog.place.get(step) != Some(&place)
            && (self.mode == FoldMode::Alone || !self.is_undecided(step))
    }

    fn is_harmless(&self, candidate: &RuleCandidate) -> bool {
        let reach = self.catalog.matching_steps(&candidate.terms);
        !reach.iter().any(|index| self.misplaces_step(*index, candidate.place))
    }

    fn settles_step(&self, step: usize, place: usize) -> bool {
        self.is_undecided(step) && self.catalog.place.get(step) == Some(&place)
    }

    fn apply_candidate(&mut self, RuleCandidate { place, terms, .. }: RuleCandidate) {
        let reach = self.catalog.matching_steps(&terms);
        for step in &reach {
            let wrong =
                self.mode != FoldMode::Alone && self.catalog.place.get(*step) != Some(&place);
            if let (Some(open), Some(excepted)) =
                (self.open.get_mut(*step), self.excepted.get_mut(*step))
            {
                *excepted |= wrong && !*open;
                *open = wrong;
            }
        }
        self.rules.push(FoldedRule { place: Some(place), terms, reach });
    }

    /// Returns the best candidates for the next rules, all of one kind.
    fn best_candidates(&self) -> Option<Vec<RuleCandidate>> {
        let open: BTreeSet<usize> = (0..self.open.len())
            .filter(|at| self.is_undecided(*at))
            .filter_map(|at| self.catalog.place.get(at).copied())
            .collect();
        let singles = open.iter().flat_map(|place| {
            let candidates = FACETS.map(|facet| self.one_facet_candidate(facet, *place));
            candidates.into_iter().flatten().map(|candidate| vec![candidate])
        });
        let pairs = FACET_PAIRS.into_iter().map(|(one, other)| self.best_pairs(one, other, &open));
        singles.chain(pairs).filter(|offered| !offered.is_empty()).reduce(|best, offered| {
            let is_better =
                offered.first().zip(best.first()).is_some_and(|(a, b)| a.is_better_than(b));
            if is_better { offered } else { best }
        })
    }

    /// Returns the best rules of two facets, by gain per cost.
    fn best_pairs(
        &self,
        one: RuleFacet,
        other: RuleFacet,
        open: &BTreeSet<usize>,
    ) -> Vec<RuleCandidate> {
        let mut offered = self.two_facet_candidates(one, other, open);
        offered
            .sort_by(|a, b| b.scaled_gain(a.reading_cost()).cmp(&a.scaled_gain(b.reading_cost())));
        let Some((gain, cost)) = offered.first().map(|best| (best.gain, best.reading_cost()))
        else {
            return offered;
        };
        // Half as good is usually good enough to be the next rule, and matches other steps.
        offered
            .retain(|candidate| 2 * candidate.scaled_gain(cost) >= gain * candidate.reading_cost());
        offered
    }

    /// Returns a rule with the names of a facet that gain the most for their number.
    fn one_facet_candidate(&self, facet: RuleFacet, place: usize) -> Option<RuleCandidate> {
        let rank_name = |(number, named): (usize, &super::catalog::IndexedName)| {
            let fixed = named.steps.iter().filter(|step| self.settles_step(**step, place)).count();
            if fixed == 0 || !named.usable {
                return None;
            }
            let broken =
                named.steps.iter().filter(|step| self.misplaces_step(**step, place)).count();
            let is_fresh = |index: &usize| self.excepted.get(*index) == Some(&false);
            let fresh = named
                .steps
                .iter()
                .filter(|step| self.settles_step(**step, place) && is_fresh(step))
                .count();
            let gain = match self.mode {
                _ if broken == 0 => 2 * fixed,
                FoldMode::Most if broken < fresh => 2 * (fresh - broken),
                FoldMode::Half if broken <= fresh => 2 * fresh - broken,
                _ => return None,
            };
            Some((std::cmp::Reverse(gain), number))
        };
        let mut names: Vec<_> =
            self.catalog.facet_names(facet).iter().enumerate().filter_map(rank_name).collect();
        names.sort_unstable();
        let mut candidate = RuleCandidate { place, terms: vec![(facet, Vec::new())], gain: 0 };
        for (std::cmp::Reverse(gain), number) in names {
            let cost = candidate.reading_cost();
            // Stop when another name would lower the average gain.
            if candidate.gain * (cost + 1) > (candidate.gain + gain) * cost {
                break;
            }
            candidate.gain += gain;
            candidate.terms.iter_mut().for_each(|(_, names)| names.push(number));
        }
        (candidate.gain > 0).then_some(candidate)
    }

    /// Returns rules of two facets; values of the first with equal values of the second share one.
    fn two_facet_candidates(
        &self,
        one: RuleFacet,
        other: RuleFacet,
        open: &BTreeSet<usize>,
    ) -> Vec<RuleCandidate> {
        let catalog = self.catalog;
        let mut cells: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
        let mut open_pairs: BTreeSet<(usize, usize)> = BTreeSet::new();
        for step in 0..catalog.steps.len() {
            let (Some(a), Some(b)) =
                (catalog.step_name_number(one, step), catalog.step_name_number(other, step))
            else {
                continue;
            };
            if self.is_undecided(step) {
                open_pairs.insert((a, b));
            }
        }
        for (a, b) in &open_pairs {
            let terms = [(one, vec![*a]), (other, vec![*b])];
            cells.insert((*a, *b), self.steps_in_both(&terms));
        }
        let mut candidates = Vec::new();
        for place in open {
            let mut rows: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
            let fits = |(_, steps): &(&(usize, usize), &Vec<usize>)| {
                steps.iter().any(|index| self.settles_step(*index, *place))
                    && !steps.iter().any(|index| self.misplaces_step(*index, *place))
            };
            for ((a, b), _) in cells.iter().filter(fits) {
                rows.entry(*a).or_default().insert(*b);
            }
            let mut alike: BTreeMap<BTreeSet<usize>, Vec<usize>> = BTreeMap::new();
            rows.into_iter().for_each(|(a, names)| alike.entry(names).or_default().push(a));
            let blocks = alike
                .into_iter()
                .map(|(names, rows)| [(one, rows), (other, names.into_iter().collect())]);
            candidates.extend(self.join_blocks(blocks.collect(), *place));
        }
        candidates
    }

    /// Returns the steps that have both names.
    fn steps_in_both(&self, terms: &[RuleTerm; 2]) -> Vec<usize> {
        let named_steps = |(facet, numbers): &RuleTerm| {
            numbers
                .first()
                .and_then(|number| self.catalog.facet_name(*facet, *number))
                .map(|it| &it.steps)
        };
        let (Some(one), Some(other)) = (named_steps(&terms[0]), named_steps(&terms[1])) else {
            return Vec::new();
        };
        let (few, many) = if one.len() < other.len() { (one, other) } else { (other, one) };
        few.iter().filter(|it| many.binary_search(it).is_ok()).copied().collect()
    }

    /// Turns blocks of two facets into rules, and joins those that are harmless together.
    fn join_blocks(&self, blocks: Vec<[RuleTerm; 2]>, place: usize) -> Vec<RuleCandidate> {
        let harmless = |terms: &[RuleTerm]| {
            !self.catalog.matching_steps(terms).iter().any(|step| self.misplaces_step(*step, place))
        };
        let mut joined: Vec<[RuleTerm; 2]> = Vec::new();
        let few = blocks.len() <= MAX_BLOCKS;
        for block in blocks {
            let fits = joined.iter().position(|earlier| {
                let both = union_blocks(earlier, &block);
                few && count_names(&both) < count_names(earlier) + count_names(&block) + RULE_COST
                    && harmless(&both)
            });
            match fits.and_then(|at| joined.get_mut(at)) {
                Some(earlier) => *earlier = union_blocks(earlier, &block),
                None => joined.push(block),
            }
        }
        let candidate = |terms: [RuleTerm; 2]| {
            let terms = terms.to_vec();
            let gain = self
                .catalog
                .matching_steps(&terms)
                .iter()
                .filter(|step| self.settles_step(**step, place))
                .count()
                * 2;
            RuleCandidate { place, terms, gain }
        };
        joined.into_iter().map(candidate).collect()
    }

    /// Adds rules for single steps that these facets match together.
    fn add_single_rules(&mut self, facets: &[RuleFacet]) {
        let catalog = self.catalog;
        let names = |step: usize| -> Option<Vec<usize>> {
            facets.iter().map(|facet| catalog.step_name_number(*facet, step)).collect()
        };
        let open: Vec<usize> =
            (0..self.open.len()).filter(|index| self.is_undecided(*index)).collect();
        let mut matches: HashMap<Vec<usize>, Vec<usize>> = HashMap::new();
        for step in open {
            let Some(names) = names(step).filter(|_| self.is_undecided(step)) else { continue };
            let terms: Vec<RuleTerm> =
                facets.iter().zip(&names).map(|(facet, name)| (*facet, vec![*name])).collect();
            let reach = matches.entry(names).or_insert_with(|| catalog.matching_steps(&terms));
            let Some(place) = catalog.place.get(step).copied() else { continue };
            if !reach.iter().any(|index| self.misplaces_step(*index, place)) {
                self.apply_candidate(RuleCandidate { place, terms, gain: 2 });
            }
        }
    }
}

impl RuleCandidate {
    fn reading_cost(&self) -> usize {
        RULE_COST + self.terms.iter().map(|(_, names)| names.len()).sum::<usize>()
    }

    /// Returns the gain scaled by another candidate's cost, for comparing gains per cost.
    fn scaled_gain(&self, other_cost: usize) -> usize {
        self.gain * other_cost
    }

    /// Returns whether this candidate gains more for its cost.
    fn is_better_than(&self, other: &Self) -> bool {
        self.scaled_gain(other.reading_cost()) > other.scaled_gain(self.reading_cost())
    }
}

fn count_names(block: &[RuleTerm; 2]) -> usize {
    block.iter().map(|(_, names)| names.len()).sum()
}

fn union_blocks(one: &[RuleTerm; 2], other: &[RuleTerm; 2]) -> [RuleTerm; 2] {
    let merge_term = |at: usize| {
        let names: BTreeSet<usize> = one[at].1.iter().chain(&other[at].1).copied().collect();
        (one[at].0, names.into_iter().collect())
    };
    [merge_term(0), merge_term(1)]
}
