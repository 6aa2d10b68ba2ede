//! Selectors: case-insensitive names with `*` and `?`, and a leading `!` to exclude.
//!
//! A backslash takes `*`, `?`, `!` or another backslash literally; before any other character it is literal itself.

use super::fold_case;

use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// A name with wildcards: `*` matches any text, `?` one character. Case is ignored, also between equal patterns.
#[derive(Clone, Debug, Eq)]
pub struct Pattern {
    written: String,
    parts: Vec<PatternPart>,
    /// The name that the pattern stands for, if it has no wildcard.
    name: Option<String>,
}

/// A part of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PatternPart {
    /// This character, in lower case.
    Char(char),
    /// Any character.
    AnyChar,
    /// Any text.
    AnyText,
}

/// A list of patterns; those with a leading `!` exclude.
///
/// A name matches if at least one plain pattern and no exclusion matches it. A list that has only
/// exclusions matches every name that is not excluded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<String>", into = "Vec<String>")]
pub struct Patterns {
    include: PatternList,
    exclude: PatternList,
}

/// Patterns, one of which a name has to match. A list may have thousands of names, so they are looked up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct PatternList {
    all: Vec<Pattern>,
    /// The names of the patterns without a wildcard, in lower case.
    names: HashSet<String>,
    /// The indices of the patterns with a wildcard.
    wild: Vec<usize>,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.parts == other.parts
    }
}

impl Pattern {
    /// Parses a pattern; any text is valid.
    pub fn new(written: &str) -> Self {
        let parts = parse_parts(&fold_case(written));
        let spelled = parse_parts(written.trim());
        let name = spelled.iter().map(|part| match part {
            PatternPart::Char(c) => Some(*c),
            PatternPart::AnyChar | PatternPart::AnyText => None,
        });
        Self { written: written.trim().to_owned(), parts, name: name.collect() }
    }

    /// Creates a pattern that takes wildcards, but no backslashes: a text that is escaped in another way.
    pub fn from_escaped(written: &str) -> Self {
        Self::new(&written.replace('\\', "\\\\"))
    }

    /// Creates a pattern that matches this name alone.
    pub fn from_name(name: &str) -> Self {
        Self::new(&escape_name(name))
    }

    /// Returns the pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// Returns the name, if the pattern has no wildcard.
    pub fn exact_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Returns whether the pattern matches `folded`, a name in lower case.
    pub fn matches(&self, folded: &str) -> bool {
        let name: Vec<char> = folded.chars().collect();
        self.matches_chars(&name)
    }

    /// Returns whether the pattern matches any name that begins with `folded`.
    pub fn may_match_prefix(&self, folded: &str) -> bool {
        let name: Vec<char> = folded.chars().collect();
        // Some text always matches the rest of the pattern.
        (0..=self.parts.len()).any(|end| matches_parts(&self.parts[..end], &name))
    }

    /// Returns the name in lower case, if the pattern has no wildcard.
    fn folded_name(&self) -> Option<String> {
        let parts = self.parts.iter().map(|part| match part {
            PatternPart::Char(c) => Some(*c),
            PatternPart::AnyChar | PatternPart::AnyText => None,
        });
        parts.collect()
    }

    fn matches_chars(&self, name: &[char]) -> bool {
        matches_parts(&self.parts, name)
    }
}

/// Returns a pattern that matches this name alone.
pub fn escape_name(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for (at, c) in name.trim().char_indices() {
        if matches!(c, '*' | '?' | '\\') || c == '!' && at == 0 {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// Returns the parts of a pattern.
fn parse_parts(text: &str) -> Vec<PatternPart> {
    let mut parts = Vec::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        parts.push(match c {
            '*' => PatternPart::AnyText,
            '?' => PatternPart::AnyChar,
            '\\' => {
                let escaped = chars.next_if(|next| matches!(next, '*' | '?' | '!' | '\\'));
                PatternPart::Char(escaped.unwrap_or('\\'))
            }
            plain => PatternPart::Char(plain),
        });
    }
    parts
}

impl From<Vec<String>> for Patterns {
    fn from(words: Vec<String>) -> Self {
        Self::new(words.iter().map(String::as_str))
    }
}

impl From<Patterns> for Vec<String> {
    fn from(patterns: Patterns) -> Self {
        patterns.to_words()
    }
}

impl Patterns {
    /// Parses patterns; exclusions have a leading `!`.
    pub fn new<'a>(written: impl IntoIterator<Item = &'a str>) -> Self {
        let mut patterns = Self::default();
        for text in written {
            match text.trim().strip_prefix('!') {
                Some(excluded) => patterns.exclude.push(Pattern::new(excluded)),
                None => patterns.include.push(Pattern::new(text)),
            }
        }
        patterns
    }

    /// Returns the patterns of which a name has to match one; empty if every name does.
    pub fn included(&self) -> &[Pattern] {
        &self.include.all
    }

    /// Returns the patterns that exclude, without their `!`.
    pub fn excluded(&self) -> &[Pattern] {
        &self.exclude.all
    }

    /// Returns whether the list matches `name`.
    pub fn matches(&self, name: &str) -> bool {
        self.matches_folded(&fold_case(name))
    }

    /// Returns whether the list matches a name that is already trimmed and in lower case.
    pub fn matches_folded(&self, folded: &str) -> bool {
        self.matches_any_folded(&[folded])
    }

    /// Returns whether the list matches an object with several names; a match or an exclusion may use any.
    pub fn matches_any<'a>(&self, names: impl Iterator<Item = &'a str>) -> bool {
        let names: Vec<String> = names.map(fold_case).collect();
        self.matches_any_folded(&names.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Like [`matches_any`](Self::matches_any), for names that are already trimmed and in lower case.
    pub fn matches_any_folded(&self, folded: &[&str]) -> bool {
        (self.include.all.is_empty() || self.include.matches_any(folded))
            && !self.exclude.matches_any(folded)
    }

    /// Returns the names that the list consists of, in lower case; `None` if it has a wildcard or an exclusion, or is
    /// empty.
    pub fn listed_names(&self) -> Option<&HashSet<String>> {
        let is_plain = self.include.wild.is_empty() && self.exclude.all.is_empty();
        Some(&self.include.names).filter(|names| is_plain && !names.is_empty())
    }

    /// Returns the included names that have no wildcard.
    pub fn exact_names(&self) -> impl Iterator<Item = &str> {
        self.include.all.iter().filter_map(Pattern::exact_name)
    }

    /// Returns the words of the list, as [`Patterns::new`] takes them.
    pub fn to_words(&self) -> Vec<String> {
        let included = self.include.all.iter().map(|pattern| pattern.as_str().to_owned());
        let excluded = self.exclude.all.iter().map(|pattern| format!("!{}", pattern.as_str()));
        included.chain(excluded).collect()
    }

    /// Returns whether the list includes at least one name, and all without wildcards.
    pub fn is_exact(&self) -> bool {
        !self.include.all.is_empty() && self.include.all.iter().all(|it| it.exact_name().is_some())
    }

    /// Returns whether the list matches every name.
    pub fn matches_everything(&self) -> bool {
        let is_star = |pattern: &Pattern| {
            !pattern.parts.is_empty() && pattern.parts.iter().all(|it| *it == PatternPart::AnyText)
        };
        self.exclude.all.is_empty()
            && (self.include.all.is_empty() || self.include.all.iter().any(is_star))
    }

    /// Returns whether both lists could match the same name; true unless that can be ruled out.
    pub fn may_overlap(&self, other: &Self) -> bool {
        let misses = |one: &Self, two: &Self| {
            one.is_exact() && one.exact_names().all(|name| !two.matches(name))
        };
        !misses(self, other) && !misses(other, self)
    }
}

impl PatternList {
    fn push(&mut self, pattern: Pattern) {
        match pattern.folded_name() {
            Some(name) => _ = self.names.insert(name),
            None => self.wild.push(self.all.len()),
        }
        self.all.push(pattern);
    }

    /// Returns whether any pattern matches any of the names, which are in lower case.
    fn matches_any(&self, folded: &[&str]) -> bool {
        if folded.iter().any(|name| self.names.contains(*name)) {
            return true;
        }
        if self.wild.is_empty() {
            return false;
        }
        let names: Vec<Vec<char>> = folded.iter().map(|name| name.chars().collect()).collect();
        let mut wild = self.wild.iter().filter_map(|at| self.all.get(*at));
        wild.any(|pattern| names.iter().any(|name| pattern.matches_chars(name)))
    }
}

/// Matches greedily and backtracks to the last `*` only, so it is never exponential.
fn matches_parts(pattern: &[PatternPart], name: &[char]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        let fits = match pattern.get(p) {
            Some(PatternPart::AnyText) => {
                star = Some((p, n));
                p += 1;
                continue;
            }
            Some(PatternPart::AnyChar) => true,
            Some(PatternPart::Char(c)) => *c == name[n],
            None => false,
        };
        match star {
            _ if fits => {
                p += 1;
                n += 1;
            }
            // Backtrack: the last `*` takes one more character.
            Some((at, taken)) => {
                n = taken + 1;
                p = at + 1;
                star = Some((at, n));
            }
            None => return false,
        }
    }
    pattern[p..].iter().all(|part| *part == PatternPart::AnyText)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(patterns: &[&str], name: &str) -> bool {
        Patterns::new(patterns.iter().copied()).matches(name)
    }

    #[test]
    fn wildcards_match_any_text_and_any_character() {
        assert!(matches(&["*database*"], "Migrate Database (EU)"));
        assert!(matches(&["db-0?"], "DB-07"));
        assert!(!matches(&["db-0?"], "db-0"));
        assert!(matches(&["*a*b*c"], "xxaxxbxxc"));
        assert!(!matches(&["*a*b*c"], "xxaxxcxxb"));
    }

    #[test]
    fn a_backslash_makes_a_wildcard_literal() {
        assert!(matches(&[r"Load \*"], "load *") && !matches(&[r"Load \*"], "Load all"));
        assert!(matches(&[r"\!urgent \?"], "!Urgent ?") && !matches(&[r"\!urgent \?"], "x"));
        assert!(matches(&[r"ACME\build"], r"acme\BUILD") && matches(&[r"a\\*"], r"a\b"));
        assert_eq!(Pattern::new(r"Load \*").exact_name(), Some("Load *"));
        assert_eq!(Pattern::new(r"Load *").exact_name(), None);
        assert!(Pattern::from_escaped(r"a\*").matches(r"a\b"));
    }

    #[test]
    fn an_exclusion_beats_every_pattern() {
        assert!(matches(&["*", "!legacy-*"], "Web Store"));
        assert!(!matches(&["*", "!legacy-*"], "Legacy-CRM"));
        assert!(matches(&["!legacy-*"], "Web Store"));
    }

    #[test]
    fn either_of_two_names_can_be_excluded() {
        let either = |patterns: &[&str]| {
            Patterns::new(patterns.iter().copied()).matches_any_folded(&["load", "stop jobs"])
        };
        assert!(either(&["stop*"]) && either(&["load"]));
        assert!(!either(&["load", "!stop*"]) && !either(&["drain"]));
    }

    #[test]
    fn any_of_several_names_can_match_or_be_excluded() {
        let matches = |patterns: &[&str], names: &[&str]| {
            Patterns::new(patterns.iter().copied()).matches_any(names.iter().copied())
        };
        assert!(matches(&["web*"], &["db", "Web-Server"]));
        assert!(!matches(&["web*", "!db"], &["db", "web"]));
        assert!(!matches(&["web"], &[]) && matches(&["!db"], &[]));
    }

    #[test]
    fn exact_lists_overlap_only_if_they_share_a_name() {
        let overlap = |a: &str, b: &str| Patterns::new([a]).may_overlap(&Patterns::new([b]));
        assert!(!overlap("Web Store", "Billing"));
        assert!(overlap("Web Store", "web *"));
        assert!(overlap("*a", "b*"));
    }

    proptest! {
        #[test]
        fn a_list_matches_what_its_patterns_match(
            words in prop::collection::vec("!?[aAbσΣ*?\\\\]{1,3}", 0..6),
            names in prop::collection::vec("[aAbσΣ*?]{0,3}", 0..3),
        ) {
            let patterns = Patterns::new(words.iter().map(String::as_str));
            let folded: Vec<String> = names.iter().map(|name| fold_case(name)).collect();
            let matches_one = |list: &[Pattern]| {
                list.iter().any(|pattern| folded.iter().any(|name| pattern.matches(name)))
            };
            let (included, excluded) = (patterns.included(), patterns.excluded());
            let expected =
                (included.is_empty() || matches_one(included)) && !matches_one(excluded);
            prop_assert_eq!(patterns.matches_any(names.iter().map(String::as_str)), expected);
        }

        #[test]
        fn a_pattern_without_wildcards_matches_only_itself(name in "[a-zA-Z ]{1,12}", other in "[a-z]{1,12}") {
            let pattern = Patterns::new([name.as_str()]);
            prop_assert!(pattern.matches(&name));
            prop_assert_eq!(pattern.matches(&other), fold_case(&name) == other);
        }

        #[test]
        fn an_escaped_name_matches_only_itself(name in r"[ab*?!\\]{1,5}", other in r"[ab*?!\\]{1,5}") {
            let patterns = Patterns::new([&*escape_name(&name)]);
            prop_assert_eq!(patterns.exact_names().collect::<Vec<_>>(), [&*name]);
            prop_assert!(patterns.matches(&name));
            prop_assert_eq!(patterns.matches(&other), name == other);
        }

        #[test]
        fn matching_agrees_with_the_definition(pattern in "[ab*?]{0,6}", name in "[ab]{0,6}") {
            fn defined(p: &[u8], n: &[u8]) -> bool {
                match (p, n) {
                    ([], []) => true,
                    ([b'*', p @ ..], n) => {
                        (0..=n.len()).any(|k| defined(p, &n[k..]))
                    }
                    ([b'?', p @ ..], [_, n @ ..]) => defined(p, n),
                    ([c, p @ ..], [d, n @ ..]) => c == d && defined(p, n),
                    _ => false,
                }
            }
            let expected = defined(pattern.as_bytes(), name.as_bytes());
            prop_assert_eq!(Pattern::new(&pattern).matches(&name), expected);
        }

        #[test]
        fn a_possible_prefix_has_a_matching_continuation(pattern in "[ab*?]{0,4}", name in "[ab]{0,3}") {
            let pattern = Pattern::new(&pattern);
            // A pattern of four characters needs at most four more characters after the prefix.
            let ends = (0..=4).flat_map(|n| (0..1 << n).map(move |bits| (n, bits)));
            let end = |(n, bits): (u32, u32)| (0..n).map(|at| if bits >> at & 1 == 0 { 'a' } else { 'b' }).collect::<String>();
            let expected = ends.map(end).any(|end| pattern.matches(&format!("{name}{end}")));
            prop_assert_eq!(pattern.may_match_prefix(&name), expected);
        }
    }
}
