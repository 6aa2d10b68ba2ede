//! Placements folded to few rules: exceptions first, what most steps do last.
//!
//! Several ways of folding are tried, and the one with the least to read is written. Judged with the patterns
//! of the language itself.

mod book;
mod fold;
mod leave;
mod shorten;
mod wild;

use super::{Pools, comment, toml::value};
use crate::{
    live::Live,
    model::{Id, Place, Pool},
};

use book::{Book, Facet, Step};
use fold::{Fold, Mode};
use leave::Leave;
pub(super) use leave::pattern;
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fmt::Write as _,
};
use wild::{Words, shown, wild};

/// How many of the most common places are tried as what all other steps do.
const COMMON: usize = 2;

/// A rule, as the keys and values of its table.
type Rule = Vec<(&'static str, String)>;

/// Steps by the ids of their processes and their own.
type Ids<'a> = HashSet<(&'a str, &'a str)>;

/// The rules that place every step where it is.
pub(super) fn rules(live: &Live, pools: &Pools) -> String {
    let mut text = String::new();
    let book = Book::new(live, Step::all(live).0);
    let Some((leaves, folds)) = shortest(&book, pools) else { return text };
    text.push_str("\n# Where steps run: the first rule that fits a step decides.\n");
    for Leave { step, .. } in &leaves {
        let address = step.process.address(step.step);
        comment(&mut text, &format!("Step {address}: no rule finds it alone, so it is left."));
    }
    let writer = Writer::new(live, pools, &book);
    let mut rules = String::new();
    leaves.iter().for_each(|it| it.write(&mut rules));
    folds.iter().for_each(|it| writer.write(&mut rules, it));
    text.push_str(rules.trim_start_matches('\n'));
    text
}

/// The rules with the least to read, those before them that leave single steps included; none where there
/// are no steps.
fn shortest<'a>(book: &Book<'a>, pools: &Pools) -> Option<(Vec<Leave<'a>>, Vec<Fold>)> {
    let ways = common(book, pools)
        .into_iter()
        .flat_map(|common| [Mode::Careful, Mode::Most, Mode::Half].map(|mode| (common, mode)));
    let shortened = ways.map(|(common, mode)| {
        let (folds, left) = fold::fold(book, mode, common);
        let left: Vec<Step> = left.iter().filter_map(|it| book.steps.get(*it)).copied().collect();
        let leaves = Leave::all(&left);
        let mut rules: Vec<Fold> = leaves.iter().map(|it| it.fold(book)).collect();
        rules.extend(folds);
        let folds = shorten::shorten(book, rules).split_off(leaves.len());
        (leaves, folds)
    });
    let cost = |(leaves, folds): &(Vec<Leave>, Vec<Fold>)| {
        2 * Leave::COST * leaves.len() + folds.iter().map(Fold::cost).sum::<usize>()
    };
    shortened.min_by_key(cost)
}

/// The most common places, the first of equals first, which is the default pool where there is one.
fn common(book: &Book, pools: &Pools) -> Vec<usize> {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    book.place.iter().for_each(|it| *counts.entry(*it).or_default() += 1);
    let is_said =
        |place: usize| book.places.get(place).is_some_and(|it| unsayable(it, pools).is_none());
    let mut places: Vec<_> = counts.into_iter().collect();
    places.sort_by_key(|(place, count)| (!is_said(*place), std::cmp::Reverse(*count), *place));
    places.into_iter().map(|(place, _)| place).take(COMMON).collect()
}

/// Rules that leave these steps where they are, whatever other rules say: by their place where that finds
/// them and no others, and not `plainly`; by `leave` where it does not.
pub(super) fn exceptions(live: &Live, pools: &Pools, moved: &Ids, plainly: bool) -> String {
    let (on_worker, others) = Step::all(live);
    let mut left: Vec<Step> = others.into_iter().filter(|it| it.is_of(moved)).collect();
    let mut text = String::new();
    match plainly {
        true => left.extend(on_worker.into_iter().filter(|it| it.is_of(moved))),
        false => {
            let book = Book::new(live, on_worker);
            let strange = alone(live, pools, &book, moved, &mut text);
            left.extend(strange.iter().filter_map(|it| book.steps.get(*it)));
        }
    }
    Leave::all(&left).iter().for_each(|it| it.write(&mut text));
    text
}

/// Rules that place these steps where they are; none for those that no rule finds alone.
pub(super) fn additions(live: &Live, pools: &Pools, new: &Ids) -> String {
    let mut text = String::new();
    alone(live, pools, &Book::new(live, Step::all(live).0), new, &mut text);
    text
}

/// Writes rules that place some of all steps, and returns those for which there is none.
fn alone(live: &Live, pools: &Pools, book: &Book, some: &Ids, text: &mut String) -> Vec<usize> {
    let open = book.steps.iter().map(|it| it.is_of(some)).collect();
    let (folds, left) = fold::alone(book, open);
    let writer = Writer::new(live, pools, book);
    folds.iter().for_each(|it| writer.write(text, it));
    left
}

/// The word for a rule that leaves its steps as they are.
const LEAVE: &str = "leave";

/// Why no rule can say a place.
fn unsayable(place: &Place<Id<Pool>>, pools: &Pools) -> Option<String> {
    match place {
        Place::Pool(id) if !pools.has(id) => {
            Some(format!("Pool {:?} is none that a rule can name", id.as_str()))
        }
        Place::Variable(name) if name.contains(char::is_control) => {
            Some(format!("Variable {name:?} has no name of one line"))
        }
        _ => None,
    }
}

/// What a rule says for a place: what it cannot say is left as it is.
pub(super) fn verdict(place: &Place<Id<Pool>>, pools: &Pools) -> (&'static str, String) {
    match place {
        _ if unsayable(place, pools).is_some() => (LEAVE, true.to_string()),
        Place::Pool(id) => ("pool", value(&pools.reference(id))),
        Place::Variable(name) => ("pool_variable", value(name)),
        Place::DefaultPool => ("default_pool", true.to_string()),
    }
}

/// Writes rules as tables.
struct Writer<'w, 'a> {
    pools: &'w Pools<'a>,
    book: &'w Book<'a>,
    /// All names of the space, in lower case: a wildcard must find none but those that a rule names.
    names: BTreeMap<Facet, BTreeSet<String>>,
}

impl<'w, 'a> Writer<'w, 'a> {
    fn new(live: &'a Live, pools: &'w Pools<'a>, book: &'w Book<'a>) -> Self {
        let mut names: BTreeMap<Facet, BTreeSet<String>> = BTreeMap::new();
        let mut add = |facet, name: &str| {
            names.entry(facet).or_default().insert(name.trim().to_lowercase());
        };
        for process in &live.processes {
            process.owner.runbook.iter().for_each(|it| add(Facet::Runbook, it.as_str()));
            for step in &process.steps {
                add(Facet::ActionType, &step.action_type);
                add(Facet::Step, step.step.as_str());
                add(Facet::Step, step.action.as_str());
            }
        }
        for project in &live.projects {
            add(Facet::Project, project.name.as_str());
            add(Facet::Group, project.group.as_str());
        }
        Self { pools, book, names }
    }

    fn write(&self, text: &mut String, fold: &Fold) {
        let Some(place) = fold.place.and_then(|it| self.book.places.get(it)) else { return };
        let left = unsayable(place, self.pools).map(|it| format!("{it}: its steps are left."));
        let other = || fold.terms.is_empty().then(|| "All other steps.".to_owned());
        write(text, left.or_else(other), self.rule(fold), verdict(place, self.pools));
    }

    /// The selectors of a rule.
    fn rule(&self, fold: &Fold) -> Rule {
        let says = |facet| fold.terms.iter().any(|(it, _)| *it == facet);
        let any = !says(Facet::Process) && !says(Facet::Runbook);
        let mut rule: Rule = Vec::new();
        rule.extend(any.then(|| ("process", value("any"))));
        // A rule about a runbook is about runbooks.
        let terms = fold.terms.iter();
        rule.extend(terms.map(|(facet, names)| (facet.key(), self.said(*facet, names))));
        rule
    }

    fn said(&self, facet: Facet, names: &[usize]) -> String {
        let named = names.iter().filter_map(|it| self.book.name(facet, *it));
        let names: Vec<&str> = named.map(|it| it.written).collect();
        let none = BTreeSet::new();
        let all = self.names.get(&facet).unwrap_or(&none);
        match facet {
            // A word, which has no wildcard.
            Facet::Process if names.len() > 1 => value("any"),
            Facet::Process => shown(&names.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>()),
            Facet::ActionType => shown(&wild(&names, all, Words::First)),
            _ => shown(&wild(&names, all, Words::Anywhere)),
        }
    }
}

/// Writes a rule, and what there is to say about it.
fn write(text: &mut String, note: Option<String>, rule: Rule, verdict: (&'static str, String)) {
    text.push('\n');
    note.iter().for_each(|it| comment(text, it));
    text.push_str("[[placements]]\n");
    for (key, value) in rule.iter().chain([&verdict]) {
        _ = writeln!(text, "{key} = {value}");
    }
}
