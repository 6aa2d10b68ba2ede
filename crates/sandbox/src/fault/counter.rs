//! The rules of a sandbox, and how many requests each has counted.

use crate::fault::rule::{FaultKind, FaultRule, FaultTrigger};
use std::{collections::HashSet, time::Duration};

/// The rules of a sandbox, and the keys that have expired.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    pub(super) seed: u64,
    pub(super) rules: Vec<CountedRule>,
    pub(crate) expired: HashSet<String>,
}

/// A rule with the requests that it has counted.
#[derive(Debug)]
pub(super) struct CountedRule {
    pub(crate) rule: FaultRule,
    luck: fastrand::Rng,
    /// The requests that matched.
    pub(crate) matched: usize,
    /// Those of them that met the fault.
    pub(crate) triggered: usize,
}

/// The faults of one request.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct TriggeredFault {
    /// How long the request waits first: the sum of its delays.
    pub(crate) wait: Duration,
    /// The first fault that is not a delay.
    pub(crate) fault: Option<FaultKind>,
}

impl Faults {
    pub(crate) fn new(seed: u64, rules: Vec<FaultRule>) -> Self {
        let mut faults = Self { seed, ..Self::default() };
        rules.into_iter().for_each(|rule| faults.add_rule(rule));
        faults
    }

    pub(crate) fn add_rule(&mut self, rule: FaultRule) {
        // Each rule has a generator of its own, so that adding a rule does not affect the others.
        let mut luck = fastrand::Rng::with_seed(self.seed);
        let luck = (0..self.rules.len()).fold(luck.fork(), |_, _| luck.fork());
        self.rules.push(CountedRule { rule, luck, matched: 0, triggered: 0 });
    }

    /// Counts a request, and returns the faults that it meets.
    pub(crate) fn check_request(&mut self, method: &str, target: &str) -> TriggeredFault {
        let mut met = TriggeredFault::default();
        for counted in &mut self.rules {
            if !counted.rule.requests.matches_request(method, target) || !counted.count_and_match()
            {
                continue;
            }
            match &counted.rule.fault {
                FaultKind::Delay(time) => met.wait += *time,
                FaultKind::DelayWithin(range) => {
                    let share = counted.luck.f64();
                    met.wait +=
                        *range.start() + range.end().saturating_sub(*range.start()).mul_f64(share);
                }
                _ if met.fault.is_some() => continue,
                other => met.fault = Some(other.clone()),
            }
            counted.triggered += 1;
        }
        met
    }

    /// The rules, and how many requests met each.
    pub(crate) fn rule_counts(&self) -> Vec<(String, usize)> {
        self.rules.iter().map(|rule| (rule.rule.to_string(), rule.triggered)).collect()
    }

    /// Revokes a key.
    pub(crate) fn revoke_key(&mut self, key: &str) {
        self.expired.insert(key.to_owned());
    }

    /// Whether a key has been revoked.
    pub(crate) fn is_key_revoked(&self, key: &str) -> bool {
        self.expired.contains(key)
    }
}

impl CountedRule {
    fn count_and_match(&mut self) -> bool {
        self.matched += 1;
        match &self.rule.when {
            FaultTrigger::Always => true,
            FaultTrigger::At(ranges) => ranges.iter().any(|range| range.contains(&self.matched)),
            FaultTrigger::Every(nth) => self.matched.is_multiple_of(*nth),
            FaultTrigger::Chance(percent) => self.luck.f64() * 100.0 < *percent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(seed: u64, rules: &[&str]) -> Faults {
        Faults::new(seed, rules.iter().map(|rule| rule.parse().unwrap()).collect())
    }

    /// Which of so many requests for one path meet a fault.
    fn met(faults: &mut Faults, count: usize) -> Vec<usize> {
        (1..=count).filter(|_| faults.check_request("GET", "/api").fault.is_some()).collect()
    }

    #[test]
    fn a_pattern_matches_the_path_with_or_without_its_query() {
        for (on, target, matches) in [
            ("*", "/api", true),
            ("GET", "/api", true),
            ("PUT", "/api", false),
            ("PUT,get", "/api", true),
            ("GET */workers*", "/API/Spaces-1/Workers/all", true),
            ("GET */workers", "/api/Spaces-1/workers?skip=30", true),
            ("GET *skip=30", "/api/Spaces-1/workers?skip=30", true),
            ("GET /api", "/api/Spaces-1", false),
            ("*/a*b*/c", "/a/b/a/b/c", true),
            ("*/a*b*/c", "/a/c", false),
            ("/api*api", "/api", false),
        ] {
            let rule: FaultRule = format!("500 on {on}").parse().unwrap();
            assert_eq!(rule.requests.matches_request("GET", target), matches, "{on}: {target}");
        }
    }

    #[test]
    fn requests_are_counted_for_each_rule() {
        for (when, wanted) in [
            ("", vec![1, 2, 3, 4, 5, 6, 7, 8, 9]),
            ("at 3", vec![3]),
            ("at 2,4..5", vec![2, 4, 5]),
            ("at 8..", vec![8, 9]),
            ("every 4", vec![4, 8]),
            ("chance 0%", vec![]),
            ("chance 100%", vec![1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ] {
            let rule = format!("503 {when}");
            assert_eq!(met(&mut faults(0, &[&rule]), 9), wanted, "{rule}");
        }
    }

    #[test]
    fn chance_depends_on_the_seed_and_not_on_other_rules() {
        let alone = met(&mut faults(7, &["503 chance 30%"]), 1000);
        assert_eq!(met(&mut faults(7, &["503 chance 30%", "delay 1ms..2s"]), 1000), alone);
        assert_ne!(met(&mut faults(8, &["503 chance 30%"]), 1000), alone);
        assert!((200..400).contains(&alone.len()), "{}", alone.len());
    }

    #[test]
    fn delays_add_up_and_the_first_other_fault_applies() {
        let mut faults = faults(0, &["delay 1s", "502", "delay 1s..3s", "503"]);
        let TriggeredFault { wait, fault: then } = faults.check_request("GET", "/api");
        assert!((2_000..=4_000).contains(&wait.as_millis()), "{wait:?}");
        assert_eq!(then, Some(FaultKind::Status { code: 502, retry_after: None }));
        let met: Vec<usize> = faults.rules.iter().map(|it| it.triggered).collect();
        assert_eq!(met, [1, 1, 1, 0]);
    }
}
