//! Ordered lists of rules: the first rule that matches a subject decides about it.
//!
//! One engine serves steps, values and deployment targets. It knows rules by their index and nothing about
//! subjects: callers offer each subject to the rules that could decide about it.

use crate::finding::{Code, Finding, Span};

/// A list of rules, and the result of each so far.
#[derive(Debug)]
pub struct FirstMatch {
    results: Vec<RuleResult>,
    /// Every rule from this index on is known to be effective.
    settled_from: usize,
}

/// A subject, and what the rules that it was offered to have made of it.
#[derive(Debug, Default)]
pub struct RuleSubject {
    decided: bool,
    /// The first rule that decides about the subject whatever its state.
    taken_by: Option<usize>,
    awaited_by: Option<usize>,
}

/// The result of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleResult {
    /// No subject fits the rule.
    Idle,
    /// Earlier rules always take every subject that fits the rule.
    Shadowed {
        /// The earlier rule that took the last subject.
        by: usize,
        /// How many subjects fit the rule.
        subjects: usize,
    },
    /// The rule decides about a subject, or would if the subject were in another state.
    Effective,
}

impl FirstMatch {
    /// Creates a list of this many rules.
    pub fn new(rules: usize) -> Self {
        Self { results: vec![RuleResult::Idle; rules], settled_from: rules }
    }

    /// Offers a subject to a rule that could decide about it, and returns whether the rule does. Rules must be
    /// offered the subject in order.
    ///
    /// A rule that `always` matches takes the subject from all later ones; `matches` is not called for a
    /// subject that is already decided.
    pub fn offer(
        &mut self,
        rule: usize,
        subject: &mut RuleSubject,
        always: bool,
        matches: impl FnOnce() -> bool,
    ) -> bool {
        self.note_subject(rule, subject.taken_by);
        if always {
            subject.taken_by.get_or_insert(rule);
        }
        let decides = !subject.decided && matches();
        subject.decided |= decides;
        decides
    }

    fn note_subject(&mut self, rule: usize, taken_by: Option<usize>) {
        let Some(result) = self.results.get_mut(rule) else { return };
        *result = match (*result, taken_by) {
            (RuleResult::Effective, _) | (_, None) => RuleResult::Effective,
            (RuleResult::Idle, Some(by)) => RuleResult::Shadowed { by, subjects: 1 },
            (RuleResult::Shadowed { subjects, .. }, Some(by)) => {
                RuleResult::Shadowed { by, subjects: subjects + 1 }
            }
        };
        let unsettled = self.results.iter().take(self.settled_from).rev();
        self.settled_from -=
            unsettled.take_while(|result| **result == RuleResult::Effective).count();
    }

    /// Offers a subject to every rule that could decide about it, in order, and returns the rule that does.
    pub fn decide<R>(
        &mut self,
        candidates: impl Iterator<Item = (usize, R)>,
        always: impl Fn(&R) -> bool,
        matches: impl Fn(&R) -> bool,
    ) -> Option<(usize, R)> {
        let mut subject = RuleSubject::default();
        let mut decider = None;
        for (at, rule) in candidates {
            if self.offer(at, &mut subject, always(&rule), || matches(&rule)) {
                decider = Some((at, rule));
            }
            // A decided subject only matters to later rules that may still turn out to be shadowed.
            if decider.is_some() && self.settled_from <= at + 1 {
                break;
            }
        }
        decider
    }

    /// Returns the result of a rule.
    pub fn result(&self, rule: usize) -> RuleResult {
        self.results.get(rule).copied().unwrap_or(RuleResult::Idle)
    }
}

impl RuleSubject {
    /// Notes that a rule would match the subject if it existed.
    pub fn await_by(&mut self, rule: usize) {
        self.awaited_by.get_or_insert(rule);
    }

    /// Returns the first rule that would match the subject if it existed.
    pub fn awaited_by(&self) -> Option<usize> {
        self.awaited_by
    }
}

/// Returns the warning for a rule at `span` that is shadowed by the rule labelled `taker`, with its `subjects`
/// as the label.
pub fn shadowed_rule_warning(span: &Span, taker: Option<&str>, subjects: &str) -> Finding {
    let taker = taker.map_or("an earlier rule".into(), |label| format!("`{label}`"));
    let message = format!("this rule never wins: {taker} takes everything it matches");
    Finding::warning(Code::ShadowedRule, span.clone(), message)
        .with_label(subjects)
        .with_help("the first matching rule decides: move this one before the other")
}

/// Adds the rule that takes everything to the warning about the one that never wins.
pub fn with_earlier_rule(warning: Finding, taker: Option<&Span>) -> Finding {
    match taker {
        Some(taker) => warning.with_other_place(taker.clone(), "the earlier rule"),
        None => warning,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    /// Offers subjects to rules, and returns the decider of each subject and the result of each rule. A subject is
    /// given as its candidate rules: their index, whether they always match, and whether they match today.
    fn results(
        subjects: &[&[(usize, bool, bool)]],
        rules: usize,
    ) -> (Vec<Option<usize>>, Vec<RuleResult>) {
        let mut list = FirstMatch::new(rules);
        let deciders = subjects.iter().map(|candidates| {
            let candidates =
                candidates.iter().map(|(at, always, matches)| (*at, (*always, *matches)));
            let decider = list.decide(candidates, |(always, _)| *always, |(_, matches)| *matches);
            decider.map(|(at, _)| at)
        });
        let deciders = deciders.collect();
        (deciders, (0..rules).map(|at| list.result(at)).collect())
    }

    #[test]
    fn the_first_matching_rule_decides_and_shadows_later_rules() {
        let all: &[_] = &[(0, true, true), (1, true, true)];
        let (deciders, rules) = results(&[all, all], 3);
        assert_eq!(deciders, [Some(0), Some(0)]);
        let shadowed = RuleResult::Shadowed { by: 0, subjects: 2 };
        assert_eq!(rules, [RuleResult::Effective, shadowed, RuleResult::Idle]);
    }

    #[test]
    fn a_rule_that_only_matches_today_shadows_nothing() {
        let (deciders, rules) = results(&[&[(0, false, true), (1, true, true)]], 2);
        assert_eq!(deciders, [Some(0)]);
        assert_eq!(rules, [RuleResult::Effective; 2]);
    }

    #[test]
    fn a_rule_that_always_matches_shadows_even_if_it_cannot_decide() {
        let (deciders, rules) = results(&[&[(0, true, false), (1, true, true)]], 2);
        assert_eq!(deciders, [Some(1)]);
        assert_eq!(rules[1], RuleResult::Shadowed { by: 0, subjects: 1 });
    }

    #[test]
    fn rules_after_the_decider_are_not_visited_once_they_are_known_to_be_effective() {
        let mut list = FirstMatch::new(2);
        list.decide([(1, ())].into_iter(), |()| true, |()| true);
        let mut visited = Vec::new();
        let candidates = [(0, ()), (1, ())].into_iter().inspect(|(at, ())| visited.push(*at));
        let decider = list.decide(candidates, |()| true, |()| true);
        assert_eq!((decider, visited), (Some((0, ())), vec![0]));
    }

    proptest! {
        #[test]
        fn the_results_are_those_of_a_full_walk(
            fits in vec(vec(any::<[bool; 3]>(), 4), 0..8),
        ) {
            let subjects: Vec<Vec<_>> = fits.iter().map(|rules| {
                let rules = rules.iter().enumerate().filter(|(_, [fits, ..])| *fits);
                rules.map(|(at, [_, always, matches])| (at, *always, *matches)).collect()
            }).collect();
            let slices: Vec<&[_]> = subjects.iter().map(Vec::as_slice).collect();
            let (deciders, rules) = results(&slices, 4);
            let first = |subject: &Vec<(usize, bool, bool)>| Some(subject.iter().find(|it| it.2)?.0);
            prop_assert_eq!(deciders, subjects.iter().map(first).collect::<Vec<_>>());
            for (at, rule) in rules.into_iter().enumerate() {
                let fitting = subjects.iter().filter(|subject| subject.iter().any(|it| it.0 == at));
                let takers: Vec<_> = fitting
                    .map(|subject| subject.iter().find(|it| it.1 && it.0 < at).map(|it| it.0))
                    .collect();
                let expected = match takers.last() {
                    None => RuleResult::Idle,
                    Some(Some(by)) if takers.iter().all(Option::is_some) => {
                        RuleResult::Shadowed { by: *by, subjects: takers.len() }
                    }
                    Some(_) => RuleResult::Effective,
                };
                prop_assert_eq!(rule, expected);
            }
        }
    }
}
