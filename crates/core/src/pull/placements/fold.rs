//! Few rules that place every step where it is.
//!
//! The list grows from its end: what most steps do, then what most of the others do, and so on, each rule
//! before those that it is an exception to. What says the most for the fewest words is taken first. Never:
//! how a rule is written.

use super::catalog::{FACETS, RuleFacet, RuleTerm, StepCatalog};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What a rule costs a reader beside the names in it, in names.
const RULE_COST: usize = 3;

/// Facets that say more together than alone.
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

/// Facets that find one step, where fewer find another with it.
const SINGLE_STEP_FACETS: [&[RuleFacet]; 4] = [
    &[RuleFacet::Project, RuleFacet::Process, RuleFacet::Step],
    &[RuleFacet::Project, RuleFacet::Runbook, RuleFacet::Step],
    &[RuleFacet::Project, RuleFacet::Process, RuleFacet::Step, RuleFacet::ActionType],
    &[RuleFacet::Project, RuleFacet::Runbook, RuleFacet::Step, RuleFacet::ActionType],
];

/// How many groups of projects are held against each other, to be one rule.
const MAX_BLOCKS: usize = 64;

/// A rule that places the steps that it finds.
#[derive(Clone, Debug)]
pub(super) struct FoldedRule {
    /// A place of the book; none where it leaves its steps as they are.
    pub(super) place: Option<usize>,
    /// What it asks for; nothing where it is about every step.
    pub(super) terms: Vec<RuleTerm>,
    /// The steps that it finds.
    pub(super) reach: Vec<usize>,
}

/// How a rule may treat steps that are not where it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FoldMode {
    /// It finds none of them, so the order of rules has no meaning.
    Alone,
    /// It finds none that earlier rounds have right.
    Careful,
    /// It finds fewer of these than of its own: exceptions stand before it.
    Most,
    /// The same, and as many will do.
    Half,
}

/// Rules in the making.
struct RuleFolder<'b, 'a> {
    book: &'b StepCatalog<'a>,
    mode: FoldMode,
    /// Steps that no rule has right yet.
    open: Vec<bool>,
    /// Steps to which a rule is an exception already: another exception to it finds them alone.
    excepted: Vec<bool>,
    /// The last rule first.
    rules: Vec<FoldedRule>,
}

/// A rule that could be next, and what it gains: twice the steps that it has right.
struct RuleCandidate {
    place: usize,
    terms: Vec<RuleTerm>,
    gain: usize,
}

impl FoldedRule {
    /// How much there is to read.
    pub(super) fn reading_cost(&self) -> usize {
        RULE_COST + self.terms.iter().map(|(_, names)| names.len()).sum::<usize>()
    }
}

/// Rules that say where all steps are, the last one for what is `common`; and the steps for which there is
/// none.
pub(super) fn fold_rules(
    book: &StepCatalog,
    mode: FoldMode,
    common: usize,
) -> (Vec<FoldedRule>, Vec<usize>) {
    let open = book.place.iter().map(|index| *index != common).collect();
    let mut folding =
        RuleFolder { book, mode, open, excepted: vec![false; book.steps.len()], rules: Vec::new() };
    let reach = (0..book.steps.len()).collect();
    folding.rules.push(FoldedRule { place: Some(common), terms: Vec::new(), reach });
    folding.collect_rules()
}

/// Rules that find these steps, and none that is somewhere else; and the steps for which there is none.
pub(super) fn exact_rules(book: &StepCatalog, open: Vec<bool>) -> (Vec<FoldedRule>, Vec<usize>) {
    RuleFolder {
        book,
        mode: FoldMode::Alone,
        open,
        excepted: vec![false; book.steps.len()],
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

    /// Takes what was offered together, but for what has come to be in the way of another.
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

    /// Whether a rule for this place would take a step from where it is.
    fn misplaces_step(&self, step: usize, place: usize) -> bool {
        self.book.place.get(step) != Some(&place)
            && (self.mode == FoldMode::Alone || !self.is_undecided(step))
    }

    fn is_harmless(&self, candidate: &RuleCandidate) -> bool {
        let reach = self.book.matching_steps(&candidate.terms);
        !reach.iter().any(|index| self.misplaces_step(*index, candidate.place))
    }

    fn settles_step(&self, step: usize, place: usize) -> bool {
        self.is_undecided(step) && self.book.place.get(step) == Some(&place)
    }

    fn apply_candidate(&mut self, RuleCandidate { place, terms, .. }: RuleCandidate) {
        let reach = self.book.matching_steps(&terms);
        for step in &reach {
            let wrong = self.mode != FoldMode::Alone && self.book.place.get(*step) != Some(&place);
            if let (Some(open), Some(excepted)) =
                (self.open.get_mut(*step), self.excepted.get_mut(*step))
            {
                *excepted |= wrong && !*open;
                *open = wrong;
            }
        }
        self.rules.push(FoldedRule { place: Some(place), terms, reach });
    }

    /// The rules that are next, of one kind.
    fn best_candidates(&self) -> Option<Vec<RuleCandidate>> {
        let open: BTreeSet<usize> = (0..self.open.len())
            .filter(|at| self.is_undecided(*at))
            .filter_map(|at| self.book.place.get(at).copied())
            .collect();
        let mut best: Option<Vec<RuleCandidate>> = None;
        let mut offer = |offered: Vec<RuleCandidate>| {
            let Some(first) = offered.first() else { return };
            let better =
                best.as_ref().and_then(|it| it.first()).is_none_or(|it| first.is_better_than(it));
            if better {
                best = Some(offered);
            }
        };
        for place in &open {
            for facet in FACETS {
                offer(self.one_facet_candidate(facet, *place).into_iter().collect());
            }
        }
        for (one, other) in FACET_PAIRS {
            let mut offered = self.two_facet_candidates(one, other, &open);
            offered.sort_by(|candidate, other| {
                other
                    .scaled_gain(candidate.reading_cost())
                    .cmp(&candidate.scaled_gain(other.reading_cost()))
            });
            let most = offered.first().map(|offered| (offered.gain, offered.reading_cost()));
            // What is worth half as much would be next in most cases, and finds none of the same steps.
            offered.retain(|candidate| {
                most.is_some_and(|(gain, price)| {
                    2 * candidate.scaled_gain(price) >= gain * candidate.reading_cost()
                })
            });
            offer(offered);
        }
        best
    }

    /// The names of a facet that say the most for their number.
    fn one_facet_candidate(&self, facet: RuleFacet, place: usize) -> Option<RuleCandidate> {
        let rank_name = |(number, named): (usize, &super::catalog::IndexedName)| {
            let fixed = named.steps.iter().filter(|step| self.settles_step(**step, place)).count();
            if fixed == 0 || !named.askable {
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
            self.book.facet_names(facet).iter().enumerate().filter_map(rank_name).collect();
        names.sort_unstable();
        let mut candidate = RuleCandidate { place, terms: vec![(facet, Vec::new())], gain: 0 };
        for (std::cmp::Reverse(gain), number) in names {
            let price = candidate.reading_cost();
            // As long as another name says more than those before it, on average.
            if candidate.gain * (price + 1) > (candidate.gain + gain) * price {
                break;
            }
            candidate.gain += gain;
            candidate.terms.iter_mut().for_each(|(_, names)| names.push(number));
        }
        (candidate.gain > 0).then_some(candidate)
    }

    /// Rules of two facets: those that find the same names of the one by the same names of the other.
    fn two_facet_candidates(
        &self,
        one: RuleFacet,
        other: RuleFacet,
        open: &BTreeSet<usize>,
    ) -> Vec<RuleCandidate> {
        let book = self.book;
        let mut cells: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
        let mut wanted: BTreeSet<(usize, usize)> = BTreeSet::new();
        for step in 0..book.steps.len() {
            let (Some(a), Some(b)) =
                (book.step_name_number(one, step), book.step_name_number(other, step))
            else {
                continue;
            };
            if self.is_undecided(step) {
                wanted.insert((a, b));
            }
        }
        for (a, b) in &wanted {
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

    /// The steps of one name of each of two facets.
    fn steps_in_both(&self, terms: &[RuleTerm; 2]) -> Vec<usize> {
        let named_steps = |(facet, numbers): &RuleTerm| {
            numbers
                .first()
                .and_then(|number| self.book.facet_name(*facet, *number))
                .map(|it| &it.steps)
        };
        let (Some(one), Some(other)) = (named_steps(&terms[0]), named_steps(&terms[1])) else {
            return Vec::new();
        };
        let (few, many) = if one.len() < other.len() { (one, other) } else { (other, one) };
        few.iter().filter(|it| many.binary_search(it).is_ok()).copied().collect()
    }

    /// Blocks of two facets as rules, those in one that harm nothing together.
    fn join_blocks(&self, blocks: Vec<[RuleTerm; 2]>, place: usize) -> Vec<RuleCandidate> {
        let harmless = |terms: &[RuleTerm]| {
            !self.book.matching_steps(terms).iter().any(|step| self.misplaces_step(*step, place))
        };
        let mut joined: Vec<[RuleTerm; 2]> = Vec::new();
        let few = blocks.len() <= MAX_BLOCKS;
        for block in blocks {
            let fits = joined.iter().position(|item| {
                let both = union_blocks(item, &block);
                few && count_names(&both) < count_names(item) + count_names(&block) + RULE_COST
                    && harmless(&both)
            });
            match fits.and_then(|at| joined.get_mut(at)) {
                Some(item) => *item = union_blocks(item, &block),
                None => joined.push(block),
            }
        }
        let candidate = |terms: [RuleTerm; 2]| {
            let terms = terms.to_vec();
            let gain = self
                .book
                .matching_steps(&terms)
                .iter()
                .filter(|step| self.settles_step(**step, place))
                .count()
                * 2;
            RuleCandidate { place, terms, gain }
        };
        joined.into_iter().map(candidate).collect()
    }

    /// Rules for single steps that are found by these facets together.
    fn add_single_rules(&mut self, facets: &[RuleFacet]) {
        let book = self.book;
        let names = |step: usize| -> Option<Vec<usize>> {
            facets.iter().map(|facet| book.step_name_number(*facet, step)).collect()
        };
        let open: Vec<usize> =
            (0..self.open.len()).filter(|index| self.is_undecided(*index)).collect();
        let mut known: HashMap<Vec<usize>, Vec<usize>> = HashMap::new();
        for step in open {
            let Some(names) = names(step).filter(|_| self.is_undecided(step)) else { continue };
            let terms: Vec<RuleTerm> =
                facets.iter().zip(&names).map(|(facet, name)| (*facet, vec![*name])).collect();
            let reach = known.entry(names).or_insert_with(|| book.matching_steps(&terms));
            let Some(place) = book.place.get(step).copied() else { continue };
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

    /// What it gains at another's price, to be compared with the other's gain at its own.
    fn scaled_gain(&self, other: usize) -> usize {
        self.gain * other
    }

    /// Whether it says more for its price; of equals the one before.
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
