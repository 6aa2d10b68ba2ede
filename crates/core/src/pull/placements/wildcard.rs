//! Replaces names that have words in common with a wildcard.
//!
//! A wildcard matches only the names that it replaces, out of all existing names.

use super::super::toml::escape_value;
use crate::text::{fold_case, pattern::Pattern};
use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap, HashMap},
};

/// The minimum length, in characters, of a word that names have in common.
const MIN_WORD_LENGTH: usize = 4;

/// Up to how many wildcards are compared with all names.
const MAX_COMPARED: usize = 64;

/// Where in the names a common word must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WordPosition {
    /// At the start, as in families of action types; two names are enough.
    First,
    /// Anywhere; takes three names, because a person would write out two.
    Anywhere,
}

/// Returns `names` with wildcards in place of names that have words in common.
///
/// A wildcard matches no other name in `all`, which are in lower case.
pub(super) fn generalize_names(
    names: &[&str],
    all: &BTreeSet<String>,
    words: WordPosition,
) -> Vec<String> {
    let enough = if words == WordPosition::First { 2 } else { 3 };
    let listed: BTreeSet<String> = names.iter().map(|it| fold_case(it)).collect();
    let mut open = listed.clone();
    let mut generalized: Vec<String> = Vec::new();
    let mut candidates = replaced_names(names, words);
    let count_open = |names: &[String], open: &BTreeSet<String>| {
        names.iter().filter(|name| open.contains(*name)).count()
    };
    // The candidates that replace the most names first; their numbers only fall.
    let mut ranked: BinaryHeap<RankedWildcard> = candidates
        .iter()
        .map(|(text, names)| RankedWildcard::new(count_open(names, &open), text))
        .collect();
    let mut compared = 0;
    while let Some(best) = ranked.pop().filter(|best| best.found >= enough) {
        let now = candidates.get(&best.text).map_or(0, |names| count_open(names, &open));
        if now < best.found {
            ranked.push(RankedWildcard::new(now, &best.text));
            continue;
        }
        if compared == MAX_COMPARED {
            break;
        }
        compared += 1;
        let pattern = Pattern::new(&best.text);
        candidates.remove(&best.text);
        if !all.iter().any(|text| !listed.contains(text) && pattern.matches(text)) {
            open.retain(|it| !pattern.matches(it));
            generalized.push(best.text);
        }
    }
    let rest = names.iter().filter(|it| open.contains(&fold_case(it)));
    generalized.extend(rest.map(|name| (*name).to_owned()));
    generalized.sort_by_cached_key(|name| fold_case(name));
    generalized
}

/// A wildcard, ordered by how many names it would replace; among equals, the most specific one is the greatest.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct RankedWildcard {
    found: usize,
    letters: usize,
    stars: Reverse<usize>,
    order: Reverse<String>,
    text: String,
}

impl RankedWildcard {
    fn new(found: usize, text: &str) -> Self {
        let stars = text.matches('*').count();
        Self {
            found,
            letters: text.chars().count() - stars,
            stars: Reverse(stars),
            order: Reverse(text.to_owned()),
            text: text.to_owned(),
        }
    }
}

/// Returns the names that each wildcard would replace, in lower case.
fn replaced_names(names: &[&str], words: WordPosition) -> HashMap<String, Vec<String>> {
    let mut spellings: HashMap<String, String> = HashMap::new();
    let mut replaced: HashMap<String, Vec<String>> = HashMap::new();
    for name in names {
        for candidate in wildcard_candidates(name, words) {
            // Of two spellings, the first one is written.
            let written = spellings.entry(fold_case(&candidate)).or_insert(candidate);
            replaced.entry(written.clone()).or_default().push(fold_case(name));
        }
    }
    replaced
}

/// Returns wildcards for the words that a name starts with, ends with or contains.
fn wildcard_candidates(name: &str, place: WordPosition) -> BTreeSet<String> {
    let mut candidates = BTreeSet::new();
    if name.contains(['*', '?', '!', '\\']) {
        return candidates;
    }
    for (start, end) in word_ranges(name) {
        let (Some(word), Some(head), Some(tail)) =
            (name.get(start..end), name.get(..end), name.get(start..))
        else {
            continue;
        };
        // `Octopus` starts every action type, so it distinguishes nothing.
        let is_telling = word.chars().count() >= MIN_WORD_LENGTH && word != "Octopus";
        if !is_telling || !word.chars().all(char::is_alphabetic) {
            continue;
        }
        candidates.insert(format!("{head}*"));
        if place == WordPosition::Anywhere {
            candidates.extend([format!("*{tail}"), format!("*{word}*")]);
        }
    }
    candidates
}

/// Returns the ranges of the words in a name; `Octopus.KubernetesRunScript` has four.
fn word_ranges(name: &str) -> Vec<(usize, usize)> {
    let mut words = Vec::new();
    let mut start = None;
    let mut before = ' ';
    for (at, c) in name.char_indices() {
        let begins = c.is_alphanumeric()
            && (!before.is_alphanumeric() || c.is_uppercase() && !before.is_uppercase());
        if let Some(start) = start.filter(|_| begins || !c.is_alphanumeric()) {
            words.push((start, at));
        }
        start = match (begins, c.is_alphanumeric()) {
            (true, _) => Some(at),
            (false, true) => start,
            (false, false) => None,
        };
        before = c;
    }
    words.extend(start.map(|it| (it, name.len())));
    words
}

/// Renders a list of names as a value.
pub(super) fn render_names(names: &[String]) -> String {
    /// The maximum length of a line, in characters.
    const LINE: usize = 100;
    let items: Vec<String> = names.iter().map(|name| escape_value(name)).collect();
    match items.as_slice() {
        [one] => one.clone(),
        many if many.join(", ").chars().count() <= LINE => format!("[{}]", many.join(", ")),
        many => format!("[\n{}]", wrap_items(many, LINE)),
    }
}

/// Puts as many items on each line as fit.
fn wrap_items(items: &[String], width: usize) -> String {
    let mut text = String::new();
    let mut line = String::new();
    for item in items {
        if !line.is_empty() && line.chars().count() + item.chars().count() + 2 > width {
            text.push_str(&format!("   {line}\n"));
            line.clear();
        }
        line.push_str(&format!(" {item},"));
    }
    format!("{text}   {line}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generalize(names: &[&str], others: &[&str], words: WordPosition) -> String {
        let all = names.iter().chain(others).map(|it| fold_case(it)).collect();
        generalize_names(names, &all, words).join(" | ")
    }

    #[test]
    fn common_words_become_a_wildcard() {
        let names = ["Back up database", "Migrate database", "Restore database", "Sweep"];
        assert_eq!(generalize(&names, &[], WordPosition::Anywhere), "*database | Sweep");
        let names = ["Octopus.KubernetesRunScript", "Octopus.KubernetesDeployRawYaml"];
        assert_eq!(
            generalize(&names, &["Octopus.Script"], WordPosition::First),
            "Octopus.Kubernetes*"
        );
        let names = ["Octopus.Script", "Octopus.AwsRunScript"];
        assert_eq!(
            generalize(&names, &[], WordPosition::First),
            "Octopus.AwsRunScript | Octopus.Script"
        );
    }

    #[test]
    fn a_wildcard_matches_only_the_names_it_replaces() {
        let names = ["Legacy CRM", "Legacy ERP", "Legacy HR"];
        let apart = "Legacy CRM | Legacy ERP | Legacy HR";
        assert_eq!(generalize(&names, &["legacy cms"], WordPosition::Anywhere), apart);
        assert_eq!(generalize(&names, &["CMS"], WordPosition::Anywhere), "Legacy*");
    }

    #[test]
    fn two_names_are_written_out() {
        let names = ["Legacy CRM", "Legacy ERP"];
        assert_eq!(generalize(&names, &[], WordPosition::Anywhere), "Legacy CRM | Legacy ERP");
    }
}
