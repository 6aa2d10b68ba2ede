//! Rules by the names that one of their selectors lists.

use crate::{
    desired::{Declared, PlacementRule, StepSelectors},
    text::pattern::Patterns,
};

use std::collections::HashMap;

/// Rules by the names that one of their selectors lists.
pub(super) struct SelectorIndex<'a> {
    /// The rules whose selector consists of names, by each of them in lower case.
    listed: HashMap<&'a str, Vec<usize>>,
    /// The other rules, in order, each with its selector.
    open: Vec<(usize, Option<&'a Patterns>)>,
}

impl<'a> SelectorIndex<'a> {
    /// Indexes rules by the selector that `select` returns.
    pub(super) fn new(
        rules: &'a [Declared<PlacementRule>],
        select: impl Fn(&'a StepSelectors) -> &'a Option<Declared<Patterns>>,
    ) -> Self {
        let mut index = Self { listed: HashMap::new(), open: Vec::new() };
        for (at, rule) in rules.iter().enumerate() {
            let patterns = select(&rule.value.select).as_ref().map(|patterns| &patterns.value);
            let Some(names) = patterns.and_then(Patterns::listed_names) else {
                index.open.push((at, patterns));
                continue;
            };
            for name in names {
                index.listed.entry(name).or_default().push(at);
            }
        }
        index
    }

    /// Returns the rules whose selector matches an object with these names, in order. The names are in lower case.
    pub(super) fn rules_for_names(&self, names: &[&str]) -> Vec<usize> {
        let fits = |patterns: &Option<&Patterns>| {
            patterns.is_none_or(|patterns| patterns.matches_any_folded(names))
        };
        let open = self.open.iter().filter(|(_, patterns)| fits(patterns)).map(|(at, _)| *at);
        let listed = names.iter().filter_map(|name| self.listed.get(name)).flatten().copied();
        let mut rules: Vec<usize> = open.chain(listed).collect();
        rules.sort_unstable();
        rules.dedup();
        rules
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::load_desired,
        finding::{Source, Sources},
    };
    use proptest::prelude::*;
    use std::fmt::Write as _;

    proptest! {
        #[test]
        fn the_index_finds_the_same_rules_as_a_linear_scan(
            rules in prop::collection::vec(
                prop::option::of(prop::collection::vec("!?[abA*]{1,2}", 1..4)), 0..8,
            ),
            names in prop::collection::vec("[ab]{0,2}", 1..3),
        ) {
            let mut text = "version = 1\n".to_owned();
            for words in rules {
                text.push_str("[[placements]]\ndefault_pool = true\n");
                if let Some(words) = words {
                    writeln!(text, "step = {words:?}").unwrap();
                }
            }
            let (desired, _) = load_desired(&Sources(vec![Source::new("w", text)]));
            let index = SelectorIndex::new(&desired.rules, |select| &select.step);
            let fits = |rule: &PlacementRule| {
                let patterns = rule.select.step.as_ref();
                patterns.is_none_or(|it| it.matches_any(names.iter().map(String::as_str)))
            };
            let rules = desired.rules.iter().enumerate();
            let each: Vec<_> = rules.filter(|(_, rule)| fits(rule)).map(|(at, _)| at).collect();
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            prop_assert_eq!(index.rules_for_names(&names), each);
        }
    }
}
