//! Lists of rules of which the first that matches a subject decides about it.
//!
//! One engine for steps, values and deployment targets. It knows rules by their index and subjects not at all:
//! whoever narrows the candidates by an index of its own offers those alone.

use crate::finding::{Code, Finding, Span};

/// A list of rules, and what each of them has come to so far.
#[derive(Debug)]
pub struct FirstMatch(Vec<RuleTally>);

#[derive(Clone, Copy, Debug, Default)]
struct RuleTally {
    /// Subjects that the rule could decide about.
    subjects: usize,
    /// Those of them that an earlier rule always takes.
    taken: usize,
    /// The last rule that has taken one.
    taken_by: Option<usize>,
}

/// What the rules that were offered a subject have made of it.
#[derive(Debug, Default)]
pub struct RuleSubject {
    decided: bool,
    /// The first rule that decides about it whatever its state.
    taken_by: Option<usize>,
    awaited_by: Option<usize>,
}

/// What has become of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleResult {
    /// There is nothing that it could decide about.
    Idle,
    /// An earlier rule always takes what it could decide about.
    Shadowed {
        /// The last of these rules.
        by: usize,
        /// How many subjects there are.
        subjects: usize,
    },
    /// It decides, or would in another state of its subjects.
    Effective,
}

impl FirstMatch {
    /// A list of this many rules.
    pub fn new(rules: usize) -> Self {
        Self(vec![RuleTally::default(); rules])
    }

    /// Offers a subject to a rule that could decide about it, in the order of the rules. Returns whether it does.
    ///
    /// A rule that `always` matches takes the subject from all later ones; `matches` is not asked about a
    /// subject that is decided.
    pub fn offer(
        &mut self,
        rule: usize,
        subject: &mut RuleSubject,
        always: bool,
        matches: impl FnOnce() -> bool,
    ) -> bool {
        let Some(tally) = self.0.get_mut(rule) else { return false };
        tally.subjects += 1;
        if let Some(earlier) = subject.taken_by {
            tally.taken += 1;
            tally.taken_by = Some(earlier);
        } else if always {
            subject.taken_by = Some(rule);
        }
        let decides = !subject.decided && matches();
        subject.decided |= decides;
        decides
    }

    /// Offers a subject to all rules that could decide about it, in order, and returns the one that does.
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
        }
        decider
    }

    /// What has become of a rule.
    pub fn result(&self, rule: usize) -> RuleResult {
        let RuleTally { subjects, taken, taken_by } = self.0.get(rule).copied().unwrap_or_default();
        match taken_by {
            None if subjects == 0 => RuleResult::Idle,
            Some(by) if taken == subjects => RuleResult::Shadowed { by, subjects },
            _ => RuleResult::Effective,
        }
    }
}

impl RuleSubject {
    /// Notes that a rule would match the subject if it existed.
    pub fn await_by(&mut self, rule: usize) {
        self.awaited_by.get_or_insert(rule);
    }

    /// The first rule that would match the subject if it existed.
    pub fn awaited_by(&self) -> Option<usize> {
        self.awaited_by
    }
}

/// The warning about a rule, at `span`, all of whose `subjects` an earlier one takes, by its label if it has one.
pub fn shadowed_rule_warning(span: &Span, taker: Option<&str>, subjects: &str) -> Finding {
    let taker = taker.map_or("an earlier rule".into(), |label| format!("`{label}`"));
    let message = format!("this rule never wins: {taker} takes all that it matches");
    Finding::warning(Code::ShadowedRule, span.clone(), message)
        .with_label(subjects)
        .with_help("the first rule that matches decides: put this one before the other")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Offers subjects to rules, each subject as the rules that could decide about it: whether they always match,
    /// and whether they do today.
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
    fn the_first_rule_that_matches_decides_and_takes_the_subject_from_all_later_ones() {
        let all: &[_] = &[(0, true, true), (1, true, true)];
        let (deciders, rules) = results(&[all, all], 3);
        assert_eq!(deciders, [Some(0), Some(0)]);
        let shadowed = RuleResult::Shadowed { by: 0, subjects: 2 };
        assert_eq!(rules, [RuleResult::Effective, shadowed, RuleResult::Idle]);
    }

    #[test]
    fn a_rule_that_matches_today_alone_shadows_no_other() {
        let (deciders, rules) = results(&[&[(0, false, true), (1, true, true)]], 2);
        assert_eq!(deciders, [Some(0)]);
        assert_eq!(rules, [RuleResult::Effective; 2]);
    }

    #[test]
    fn a_rule_that_cannot_decide_still_shadows_where_it_always_would() {
        let (deciders, rules) = results(&[&[(0, true, false), (1, true, true)]], 2);
        assert_eq!(deciders, [Some(1)]);
        assert_eq!(rules[1], RuleResult::Shadowed { by: 0, subjects: 1 });
    }
}
