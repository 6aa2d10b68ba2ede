//! Names that have words in common, as one name with a wildcard.
//!
//! A wildcard stands for the names that it came from and, of all that are there, for no other.

use super::super::toml::escape_value;
use crate::text::{fold_case, pattern::Pattern};
use std::{cmp::Reverse, collections::BTreeSet};

/// Of how many characters a word has to be, to say what names have in common.
const MIN_WORD_LENGTH: usize = 4;

/// Where words have to be in names, to be what these have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WordPosition {
    /// At their beginning, as in families of types; two names are enough.
    First,
    /// Anywhere; of two names a person would write both.
    Anywhere,
}

/// The names of a list, those with words in common by a wildcard that finds no other of `all`, which are in
/// lower case.
pub(super) fn generalize_names(
    names: &[&str],
    all: &BTreeSet<String>,
    words: WordPosition,
) -> Vec<String> {
    let enough = if words == WordPosition::First { 2 } else { 3 };
    let listed: BTreeSet<String> = names.iter().map(|it| fold_case(it)).collect();
    let mut open = listed.clone();
    let mut said: Vec<String> = Vec::new();
    loop {
        let best = wildcard_candidates(names, words)
            .into_iter()
            .map(|candidate| {
                let pattern = Pattern::new(&candidate);
                let strange =
                    all.iter().any(|text| !listed.contains(text) && pattern.matches(text));
                let found = open.iter().filter(|it| pattern.matches(it)).count();
                (if strange { 0 } else { found }, candidate)
            })
            .filter(|(found, _)| enough <= *found)
            // Of as many the one that says the most.
            .max_by_key(|(found, text)| {
                let stars = text.matches('*').count();
                (*found, text.chars().count() - stars, Reverse(stars), Reverse(text.clone()))
            });
        let Some((_, best)) = best else { break };
        let pattern = Pattern::new(&best);
        open.retain(|it| !pattern.matches(it));
        said.push(best);
    }
    let rest = names.iter().filter(|it| open.contains(&fold_case(it)));
    said.extend(rest.map(|text| (*text).to_owned()));
    said.sort_by_key(|it| fold_case(it));
    said
}

/// Wildcards for what names begin with, end in, or have inside.
fn wildcard_candidates(names: &[&str], place: WordPosition) -> BTreeSet<String> {
    let mut candidates = BTreeSet::new();
    for name in names.iter().filter(|name| !name.contains(['*', '?', '!'])) {
        for (start, end) in word_ranges(name) {
            let (Some(word), Some(before), Some(behind)) =
                (name.get(start..end), name.get(..end), name.get(start..))
            else {
                continue;
            };
            // What every type begins with says nothing.
            let says = word.chars().count() >= MIN_WORD_LENGTH && word != "Octopus";
            if !says || !word.chars().all(char::is_alphabetic) {
                continue;
            }
            candidates.insert(format!("{before}*"));
            if place == WordPosition::Anywhere {
                candidates.extend([format!("*{behind}"), format!("*{word}*")]);
            }
        }
    }
    candidates
}

/// Where the words of a name are; in `Octopus.KubernetesRunScript` there are four.
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

/// A list of names as a value, sorted.
pub(super) fn render_names(names: &[String]) -> String {
    /// What fits on a line, in characters.
    const LINE: usize = 100;
    let all: Vec<String> = names.iter().map(|it| escape_value(it)).collect();
    match all.as_slice() {
        [one] => one.clone(),
        many if many.join(", ").chars().count() <= LINE => format!("[{}]", many.join(", ")),
        many => format!("[\n{}]", wrap_items(many, LINE)),
    }
}

/// As many items on a line as fit.
fn wrap_items(items: &[String], width: usize) -> String {
    let mut text = String::new();
    let mut line = String::new();
    for item in items {
        if !line.is_empty() && width < line.chars().count() + item.chars().count() + 2 {
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

    fn said(names: &[&str], others: &[&str], words: WordPosition) -> String {
        let all = names.iter().chain(others).map(|it| fold_case(it)).collect();
        generalize_names(names, &all, words).join(" | ")
    }

    #[test]
    fn words_that_names_have_in_common_are_said_once() {
        let names = ["Back up database", "Migrate database", "Restore database", "Sweep"];
        assert_eq!(said(&names, &[], WordPosition::Anywhere), "*database | Sweep");
        let names = ["Octopus.KubernetesRunScript", "Octopus.KubernetesDeployRawYaml"];
        assert_eq!(said(&names, &["Octopus.Script"], WordPosition::First), "Octopus.Kubernetes*");
        let names = ["Octopus.Script", "Octopus.AwsRunScript"];
        assert_eq!(said(&names, &[], WordPosition::First), "Octopus.AwsRunScript | Octopus.Script");
    }

    #[test]
    fn a_wildcard_finds_nothing_but_what_it_came_from() {
        let names = ["Legacy CRM", "Legacy ERP", "Legacy HR"];
        let apart = "Legacy CRM | Legacy ERP | Legacy HR";
        assert_eq!(said(&names, &["legacy cms"], WordPosition::Anywhere), apart);
        assert_eq!(said(&names, &["CMS"], WordPosition::Anywhere), "Legacy*");
    }

    #[test]
    fn two_names_stay_two_names() {
        let names = ["Legacy CRM", "Legacy ERP"];
        assert_eq!(said(&names, &[], WordPosition::Anywhere), "Legacy CRM | Legacy ERP");
    }
}
