//! Selectors: `*` and `?`, a leading `!` that excludes, and no regard to case.

use super::fold_case;

/// A name with wildcards: `*` stands for any text, `?` for one character. Case does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    written: String,
    folded: Vec<char>,
}

/// A list of patterns, of which those with a leading `!` exclude.
///
/// Matches a name that any plain pattern matches and no excluding one does. A list of nothing but
/// exclusions matches all that is not excluded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patterns {
    include: Vec<Pattern>,
    exclude: Vec<Pattern>,
}

impl Pattern {
    /// A pattern, as written.
    pub fn new(written: &str) -> Self {
        let folded = fold_case(written).chars().collect();
        Self { written: written.trim().to_owned(), folded }
    }

    /// The name that it is, where it has no wildcard.
    pub fn exact_name(&self) -> Option<&str> {
        (!self.written.contains(['*', '?'])).then_some(&*self.written)
    }

    /// Whether `folded`, a name in lower case, is one that the pattern stands for.
    pub fn matches(&self, folded: &str) -> bool {
        let name: Vec<char> = folded.chars().collect();
        self.matches_chars(&name)
    }

    /// Whether the pattern stands for a name that begins with `folded`.
    pub fn may_match_prefix(&self, folded: &str) -> bool {
        let name: Vec<char> = folded.chars().collect();
        // What is left of the pattern then always has something that it stands for.
        (0..=self.folded.len()).any(|end| matches_chars(&self.folded[..end], &name))
    }

    fn matches_chars(&self, name: &[char]) -> bool {
        matches_chars(&self.folded, name)
    }
}

impl Patterns {
    /// The list of these, each as written, exclusions with their `!`.
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

    /// Whether `name` is one of those that the list stands for.
    pub fn matches(&self, name: &str) -> bool {
        self.matches_folded(&fold_case(name))
    }

    /// The same for a name that is trimmed and in lower case already.
    pub fn matches_folded(&self, folded: &str) -> bool {
        self.matches_chars(&[folded.chars().collect()])
    }

    /// Whether the list stands for a thing of two names: either may be asked for, and either may exclude it.
    ///
    /// Both are trimmed and in lower case already.
    pub fn matches_either(&self, one: &str, other: &str) -> bool {
        if one == other {
            return self.matches_folded(one);
        }
        self.matches_chars(&[one.chars().collect(), other.chars().collect()])
    }

    /// Whether the list stands for a thing of these names: any may be asked for, and any may exclude it.
    pub fn matches_any<'a>(&self, names: impl Iterator<Item = &'a str>) -> bool {
        let names: Vec<Vec<char>> = names.map(|name| fold_case(name).chars().collect()).collect();
        self.matches_chars(&names)
    }

    fn matches_chars(&self, names: &[Vec<char>]) -> bool {
        let any = |list: &[Pattern]| {
            list.iter().any(|pattern| names.iter().any(|name| pattern.matches_chars(name)))
        };
        (self.include.is_empty() || any(&self.include)) && !any(&self.exclude)
    }

    /// The names that the list asks for without a wildcard.
    pub fn exact_names(&self) -> impl Iterator<Item = &str> {
        self.include.iter().filter_map(Pattern::exact_name)
    }

    /// Whether every name that the list asks for is one without a wildcard.
    pub fn is_exact(&self) -> bool {
        !self.include.is_empty() && self.include.iter().all(|it| it.exact_name().is_some())
    }

    /// Whether the list stands for every name there is.
    pub fn matches_everything(&self) -> bool {
        let is_star = |pattern: &Pattern| {
            !pattern.folded.is_empty() && pattern.folded.iter().all(|c| *c == '*')
        };
        self.exclude.is_empty() && (self.include.is_empty() || self.include.iter().any(is_star))
    }

    /// Whether a name can be thought of that both lists match: true wherever that cannot be ruled out.
    pub fn may_overlap(&self, other: &Self) -> bool {
        let misses = |one: &Self, two: &Self| {
            one.is_exact() && one.exact_names().all(|name| !two.matches(name))
        };
        !misses(self, other) && !misses(other, self)
    }
}

/// The greedy matcher with one step back: linear but for the last `*`, and never exponential.
fn matches_chars(pattern: &[char], name: &[char]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match (pattern.get(p), star) {
            (Some('*'), _) => {
                star = Some((p, n));
                p += 1;
            }
            (Some(c), _) if *c == '?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            // Back to the last `*`, which takes one character more.
            (_, Some((at, taken))) => {
                n = taken + 1;
                p = at + 1;
                star = Some((at, n));
            }
            (_, None) => return false,
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(patterns: &[&str], name: &str) -> bool {
        Patterns::new(patterns.iter().copied()).matches(name)
    }

    #[test]
    fn wildcards_stand_for_any_text_and_any_character() {
        assert!(matches(&["*database*"], "Migrate Database (EU)"));
        assert!(matches(&["db-0?"], "DB-07"));
        assert!(!matches(&["db-0?"], "db-0"));
        assert!(matches(&["*a*b*c"], "xxaxxbxxc"));
        assert!(!matches(&["*a*b*c"], "xxaxxcxxb"));
    }

    #[test]
    fn an_exclusion_wins_over_every_pattern() {
        assert!(matches(&["*", "!legacy-*"], "Web Store"));
        assert!(!matches(&["*", "!legacy-*"], "Legacy-CRM"));
        assert!(matches(&["!legacy-*"], "Web Store"));
    }

    #[test]
    fn a_thing_of_two_names_is_excluded_by_either() {
        let either = |patterns: &[&str]| {
            Patterns::new(patterns.iter().copied()).matches_either("load", "stop jobs")
        };
        assert!(either(&["stop*"]) && either(&["load"]));
        assert!(!either(&["load", "!stop*"]) && !either(&["drain"]));
    }

    #[test]
    fn a_thing_of_many_names_is_found_and_excluded_by_any() {
        let matches = |patterns: &[&str], names: &[&str]| {
            Patterns::new(patterns.iter().copied()).matches_any(names.iter().copied())
        };
        assert!(matches(&["web*"], &["db", "Web-Server"]));
        assert!(!matches(&["web*", "!db"], &["db", "web"]));
        assert!(!matches(&["web"], &[]) && matches(&["!db"], &[]));
    }

    #[test]
    fn lists_of_exact_names_overlap_only_where_they_share_one() {
        let overlap = |a: &str, b: &str| Patterns::new([a]).may_overlap(&Patterns::new([b]));
        assert!(!overlap("Web Store", "Billing"));
        assert!(overlap("Web Store", "web *"));
        assert!(overlap("*a", "b*"));
    }

    proptest! {
        #[test]
        fn a_pattern_of_no_wildcards_matches_itself_alone(name in "[a-zA-Z ]{1,12}", other in "[a-z]{1,12}") {
            let pattern = Patterns::new([name.as_str()]);
            prop_assert!(pattern.matches(&name));
            prop_assert_eq!(pattern.matches(&other), fold_case(&name) == other);
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
        fn a_beginning_may_be_of_what_is_matched(pattern in "[ab*?]{0,4}", name in "[ab]{0,3}") {
            let pattern = Pattern::new(&pattern);
            // A pattern of four needs no more than four characters behind the beginning.
            let ends = (0..=4).flat_map(|n| (0..1 << n).map(move |bits| (n, bits)));
            let end = |(n, bits): (u32, u32)| (0..n).map(|at| if bits >> at & 1 == 0 { 'a' } else { 'b' }).collect::<String>();
            let expected = ends.map(end).any(|end| pattern.matches(&format!("{name}{end}")));
            prop_assert_eq!(pattern.may_match_prefix(&name), expected);
        }
    }
}
