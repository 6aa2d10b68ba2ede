//! Few rules that place every step where it is.
//!
//! The list grows from its end: what most steps do, then what most of the others do, and so on, each rule
//! before those that it is an exception to. What says the most for the fewest words is taken first. Never:
//! how a rule is written.

use super::book::{FACETS, RuleFacet, RuleTerm, StepCatalog};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What a rule costs a reader beside the names in it, in names.
const RULE: usize = 3;

/// Facets that say more together than alone.
const PAIRS: [(RuleFacet, RuleFacet); 8] = [
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
const CLOSE: [&[RuleFacet]; 4] = [
    &[RuleFacet::Project, RuleFacet::Process, RuleFacet::Step],
    &[RuleFacet::Project, RuleFacet::Runbook, RuleFacet::Step],
    &[RuleFacet::Project, RuleFacet::Process, RuleFacet::Step, RuleFacet::ActionType],
    &[RuleFacet::Project, RuleFacet::Runbook, RuleFacet::Step, RuleFacet::ActionType],
];

/// How many groups of projects are held against each other, to be one rule.
const HELD: usize = 64;

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
    pub(super) fn cost(&self) -> usize {
        RULE + self.terms.iter().map(|(_, names)| names.len()).sum::<usize>()
    }
}

/// Rules that say where all steps are, the last one for what is `common`; and the steps for which there is
/// none.
pub(super) fn fold(
    book: &StepCatalog,
    mode: FoldMode,
    common: usize,
) -> (Vec<FoldedRule>, Vec<usize>) {
    let open = book.place.iter().map(|it| *it != common).collect();
    let mut folding =
        RuleFolder { book, mode, open, excepted: vec![false; book.steps.len()], rules: Vec::new() };
    let reach = (0..book.steps.len()).collect();
    folding.rules.push(FoldedRule { place: Some(common), terms: Vec::new(), reach });
    folding.all()
}

/// Rules that find these steps, and none that is somewhere else; and the steps for which there is none.
pub(super) fn alone(book: &StepCatalog, open: Vec<bool>) -> (Vec<FoldedRule>, Vec<usize>) {
    RuleFolder {
        book,
        mode: FoldMode::Alone,
        open,
        excepted: vec![false; book.steps.len()],
        rules: Vec::new(),
    }
    .all()
}

impl RuleFolder<'_, '_> {
    fn all(mut self) -> (Vec<FoldedRule>, Vec<usize>) {
        while let Some(best) = self.best() {
            self.take_all(best);
        }
        for facets in CLOSE {
            self.close(facets);
        }
        let left = self.open.iter().enumerate().filter(|(_, open)| **open).map(|(at, _)| at);
        let left = left.collect();
        self.rules.reverse();
        (self.rules, left)
    }

    /// Takes what was offered together, but for what has come to be in the way of another.
    fn take_all(&mut self, candidates: Vec<RuleCandidate>) {
        for (at, candidate) in candidates.into_iter().enumerate() {
            if at == 0 || self.is_harmless(&candidate) {
                self.take(candidate);
            }
        }
    }

    fn is_open(&self, step: usize) -> bool {
        self.open.get(step) == Some(&true)
    }

    /// Whether a rule for this place would take a step from where it is.
    fn harms(&self, step: usize, place: usize) -> bool {
        self.book.place.get(step) != Some(&place)
            && (self.mode == FoldMode::Alone || !self.is_open(step))
    }

    fn is_harmless(&self, candidate: &RuleCandidate) -> bool {
        let reach = self.book.reach(&candidate.terms);
        !reach.iter().any(|it| self.harms(*it, candidate.place))
    }

    fn fixes(&self, step: usize, place: usize) -> bool {
        self.is_open(step) && self.book.place.get(step) == Some(&place)
    }

    fn take(&mut self, RuleCandidate { place, terms, .. }: RuleCandidate) {
        let reach = self.book.reach(&terms);
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
    fn best(&self) -> Option<Vec<RuleCandidate>> {
        let open: BTreeSet<usize> = (0..self.open.len())
            .filter(|at| self.is_open(*at))
            .filter_map(|at| self.book.place.get(at).copied())
            .collect();
        let mut best: Option<Vec<RuleCandidate>> = None;
        let mut offer = |offered: Vec<RuleCandidate>| {
            let Some(first) = offered.first() else { return };
            let better = best.as_ref().and_then(|it| it.first()).is_none_or(|it| first.beats(it));
            if better {
                best = Some(offered);
            }
        };
        for place in &open {
            for facet in FACETS {
                offer(self.by_one(facet, *place).into_iter().collect());
            }
        }
        for (one, other) in PAIRS {
            let mut offered = self.by_two(one, other, &open);
            offered.sort_by(|it, other| other.worth(it.price()).cmp(&it.worth(other.price())));
            let most = offered.first().map(|it| (it.gain, it.price()));
            // What is worth half as much would be next in most cases, and finds none of the same steps.
            offered.retain(|it| {
                most.is_some_and(|(gain, price)| 2 * it.worth(price) >= gain * it.price())
            });
            offer(offered);
        }
        best
    }

    /// The names of a facet that say the most for their number.
    fn by_one(&self, facet: RuleFacet, place: usize) -> Option<RuleCandidate> {
        let worth = |(number, named): (usize, &super::book::IndexedName)| {
            let fixed = named.steps.iter().filter(|it| self.fixes(**it, place)).count();
            if fixed == 0 || !named.askable {
                return None;
            }
            let broken = named.steps.iter().filter(|it| self.harms(**it, place)).count();
            let is_fresh = |it: &usize| self.excepted.get(*it) == Some(&false);
            let fresh =
                named.steps.iter().filter(|it| self.fixes(**it, place) && is_fresh(it)).count();
            let gain = match self.mode {
                _ if broken == 0 => 2 * fixed,
                FoldMode::Most if broken < fresh => 2 * (fresh - broken),
                FoldMode::Half if broken <= fresh => 2 * fresh - broken,
                _ => return None,
            };
            Some((std::cmp::Reverse(gain), number))
        };
        let mut names: Vec<_> =
            self.book.names(facet).iter().enumerate().filter_map(worth).collect();
        names.sort_unstable();
        let mut candidate = RuleCandidate { place, terms: vec![(facet, Vec::new())], gain: 0 };
        for (std::cmp::Reverse(gain), number) in names {
            let price = candidate.price();
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
    fn by_two(
        &self,
        one: RuleFacet,
        other: RuleFacet,
        open: &BTreeSet<usize>,
    ) -> Vec<RuleCandidate> {
        let book = self.book;
        let mut cells: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
        let mut wanted: BTreeSet<(usize, usize)> = BTreeSet::new();
        for step in 0..book.steps.len() {
            let (Some(a), Some(b)) = (book.name_of(one, step), book.name_of(other, step)) else {
                continue;
            };
            if self.is_open(step) {
                wanted.insert((a, b));
            }
        }
        for (a, b) in &wanted {
            let terms = [(one, vec![*a]), (other, vec![*b])];
            cells.insert((*a, *b), self.cell(&terms));
        }
        let mut candidates = Vec::new();
        for place in open {
            let mut rows: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
            let fits = |(_, steps): &(&(usize, usize), &Vec<usize>)| {
                steps.iter().any(|it| self.fixes(*it, *place))
                    && !steps.iter().any(|it| self.harms(*it, *place))
            };
            for ((a, b), _) in cells.iter().filter(fits) {
                rows.entry(*a).or_default().insert(*b);
            }
            let mut alike: BTreeMap<BTreeSet<usize>, Vec<usize>> = BTreeMap::new();
            rows.into_iter().for_each(|(a, names)| alike.entry(names).or_default().push(a));
            let blocks = alike
                .into_iter()
                .map(|(names, rows)| [(one, rows), (other, names.into_iter().collect())]);
            candidates.extend(self.joined(blocks.collect(), *place));
        }
        candidates
    }

    /// The steps of one name of each of two facets.
    fn cell(&self, terms: &[RuleTerm; 2]) -> Vec<usize> {
        let named = |(facet, numbers): &RuleTerm| {
            numbers.first().and_then(|it| self.book.name(*facet, *it)).map(|it| &it.steps)
        };
        let (Some(one), Some(other)) = (named(&terms[0]), named(&terms[1])) else {
            return Vec::new();
        };
        let (few, many) = if one.len() < other.len() { (one, other) } else { (other, one) };
        few.iter().filter(|it| many.binary_search(it).is_ok()).copied().collect()
    }

    /// Blocks of two facets as rules, those in one that harm nothing together.
    fn joined(&self, blocks: Vec<[RuleTerm; 2]>, place: usize) -> Vec<RuleCandidate> {
        let harmless =
            |terms: &[RuleTerm]| !self.book.reach(terms).iter().any(|it| self.harms(*it, place));
        let mut joined: Vec<[RuleTerm; 2]> = Vec::new();
        let few = blocks.len() <= HELD;
        for block in blocks {
            let fits = joined.iter().position(|it| {
                let both = union(it, &block);
                few && size(&both) < size(it) + size(&block) + RULE && harmless(&both)
            });
            match fits.and_then(|at| joined.get_mut(at)) {
                Some(it) => *it = union(it, &block),
                None => joined.push(block),
            }
        }
        let candidate = |terms: [RuleTerm; 2]| {
            let terms = terms.to_vec();
            let gain =
                self.book.reach(&terms).iter().filter(|it| self.fixes(**it, place)).count() * 2;
            RuleCandidate { place, terms, gain }
        };
        joined.into_iter().map(candidate).collect()
    }

    /// Rules for single steps that are found by these facets together.
    fn close(&mut self, facets: &[RuleFacet]) {
        let book = self.book;
        let names = |step: usize| -> Option<Vec<usize>> {
            facets.iter().map(|facet| book.name_of(*facet, step)).collect()
        };
        let open: Vec<usize> = (0..self.open.len()).filter(|it| self.is_open(*it)).collect();
        let mut known: HashMap<Vec<usize>, Vec<usize>> = HashMap::new();
        for step in open {
            let Some(names) = names(step).filter(|_| self.is_open(step)) else { continue };
            let terms: Vec<RuleTerm> =
                facets.iter().zip(&names).map(|(facet, name)| (*facet, vec![*name])).collect();
            let reach = known.entry(names).or_insert_with(|| book.reach(&terms));
            let Some(place) = book.place.get(step).copied() else { continue };
            if !reach.iter().any(|it| self.harms(*it, place)) {
                self.take(RuleCandidate { place, terms, gain: 2 });
            }
        }
    }
}

impl RuleCandidate {
    fn price(&self) -> usize {
        RULE + self.terms.iter().map(|(_, names)| names.len()).sum::<usize>()
    }

    /// What it gains at another's price, to be compared with the other's gain at its own.
    fn worth(&self, other: usize) -> usize {
        self.gain * other
    }

    /// Whether it says more for its price; of equals the one before.
    fn beats(&self, other: &Self) -> bool {
        self.worth(other.price()) > other.worth(self.price())
    }
}

fn size(block: &[RuleTerm; 2]) -> usize {
    block.iter().map(|(_, names)| names.len()).sum()
}

fn union(one: &[RuleTerm; 2], other: &[RuleTerm; 2]) -> [RuleTerm; 2] {
    let both = |at: usize| {
        let names: BTreeSet<usize> = one[at].1.iter().chain(&other[at].1).copied().collect();
        (one[at].0, names.into_iter().collect())
    };
    [both(0), both(1)]
}
