//! What goes wrong on demand, and at which request.
//!
//! Never: chance that a second run does not repeat. The same requests in the same order meet the same
//! misfortunes, under the same seed.

pub(super) mod control;
mod text;
pub(super) mod wire;

pub use text::FaultRuleError;

use std::{collections::HashSet, ops::RangeInclusive, time::Duration};

/// A misfortune, and the requests that meet it. As text: `429 every 7 on GET */workers*`.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultRule {
    /// What happens.
    pub fault: FaultKind,
    /// To which of the requests that match.
    pub when: FaultTrigger,
    /// Which requests match.
    pub requests: RequestMatcher,
}

/// To which of the requests that match something happens; they are counted from 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum FaultTrigger {
    /// To each.
    #[default]
    Always,
    /// To those whose count is in one of these.
    At(Vec<RangeInclusive<usize>>),
    /// To those whose count this divides.
    Every(usize),
    /// To each with this probability, in percent.
    Chance(f64),
}

/// Which requests match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestMatcher {
    /// Their methods, in capitals; none is any.
    pub methods: Vec<String>,
    /// Their path, with or without its query; `*` is any text, and case does not count.
    pub path: String,
}

impl Default for RequestMatcher {
    fn default() -> Self {
        Self { methods: Vec::new(), path: "*".to_owned() }
    }
}

/// What happens to a request.
#[derive(Clone, Debug, PartialEq)]
pub enum FaultKind {
    /// It is not handled; the answer is an error body under this status.
    Status {
        /// The HTTP status.
        code: u16,
        /// The `Retry-After` header, in seconds.
        retry_after: Option<u64>,
    },
    /// It is not handled; the answer is a page of HTML under this status, as a proxy sends it.
    Html(u16),
    /// It is not handled, and the connection closes without an answer.
    DropBefore,
    /// It is handled, and the connection closes without an answer.
    DropAfter,
    /// It is handled, and the answer's body breaks off half way.
    Truncate,
    /// It is handled, and the answer's body takes this time to arrive.
    Slow(Duration),
    /// It is handled after this time.
    Delay(Duration),
    /// It is handled after a time in this range.
    DelayWithin(RangeInclusive<Duration>),
    /// Somebody else saves the document that it addresses, just before it is handled.
    Edit,
    /// Somebody else saves the document at this path, just before it is handled.
    EditAt(String),
    /// It is not handled; the answer points elsewhere, where `{path}` is what was asked for.
    Redirect(String),
    /// From this request on, the key or token that it carries is nobody's.
    Expire,
}

/// The shortest rule: the nth request that begins so meets its misfortune.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Which of the requests that match, counted from 1.
    pub nth: usize,
    /// How a request must begin to match, such as `PUT /api/Spaces-1/workerpools`; `None` is any.
    /// Case does not count.
    pub requests: Option<String>,
    /// What happens to it.
    pub fault: FaultKind,
}

impl From<Fault> for FaultRule {
    fn from(Fault { nth, requests: on, fault: what }: Fault) -> Self {
        let on = on.map_or_else(RequestMatcher::default, |begin| {
            let (method, path) = begin.split_once(' ').unwrap_or((&begin, ""));
            RequestMatcher { methods: vec![method.to_uppercase()], path: format!("{path}*") }
        });
        Self { fault: what, when: FaultTrigger::At(vec![nth..=nth]), requests: on }
    }
}

/// The rules of a sandbox, each with what it has seen.
#[derive(Debug, Default)]
pub(super) struct Faults {
    seed: u64,
    rules: Vec<CountedRule>,
    expired: HashSet<String>,
}

#[derive(Debug)]
struct CountedRule {
    rule: FaultRule,
    luck: fastrand::Rng,
    /// The requests that matched.
    matched: usize,
    /// Those of them that it happened to.
    triggered: usize,
}

/// What a request meets.
#[derive(Debug, Default, PartialEq)]
pub(super) struct TriggeredFault {
    /// How long it waits first: the delays that it meets, added up.
    pub(super) wait: Duration,
    /// The first other misfortune.
    pub(super) fault: Option<FaultKind>,
}

impl Faults {
    pub(super) fn new(seed: u64, rules: Vec<FaultRule>) -> Self {
        let mut faults = Self { seed, ..Self::default() };
        rules.into_iter().for_each(|rule| faults.add_rule(rule));
        faults
    }

    fn add_rule(&mut self, rule: FaultRule) {
        // Each rule has luck of its own, so that one more rule changes nothing for the others.
        let mut luck = fastrand::Rng::with_seed(self.seed);
        let luck = (0..self.rules.len()).fold(luck.fork(), |_, _| luck.fork());
        self.rules.push(CountedRule { rule, luck, matched: 0, triggered: 0 });
    }

    /// Counts a request, and tells what it meets.
    pub(super) fn check_request(&mut self, method: &str, target: &str) -> TriggeredFault {
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
    pub(super) fn rule_counts(&self) -> Vec<(String, usize)> {
        self.rules.iter().map(|rule| (rule.rule.to_string(), rule.triggered)).collect()
    }

    /// Makes a key nobody's.
    pub(super) fn revoke_key(&mut self, key: &str) {
        self.expired.insert(key.to_owned());
    }

    /// Whether a key was made nobody's.
    pub(super) fn is_key_revoked(&self, key: &str) -> bool {
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

impl RequestMatcher {
    fn matches_request(&self, method: &str, target: &str) -> bool {
        let path = target.split('?').next().unwrap_or_default();
        let is_method = |it: &String| it.eq_ignore_ascii_case(method);
        (self.methods.is_empty() || self.methods.iter().any(is_method))
            && (matches_wildcard(path, &self.path) || matches_wildcard(target, &self.path))
    }
}

/// Whether a text is what a pattern says, in which `*` is any text and case does not count.
fn matches_wildcard(text: &str, pattern: &str) -> bool {
    let (text, pattern) = (text.to_lowercase(), pattern.to_lowercase());
    let Some((begin, rest)) = pattern.split_once('*') else { return text == pattern };
    let Some(mut text) = text.strip_prefix(begin) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        // The first place leaves the most for the parts behind it.
        let Some((_, behind)) = text.split_once(part) else { return false };
        text = behind;
    }
    text.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(seed: u64, rules: &[&str]) -> Faults {
        Faults::new(seed, rules.iter().map(|rule| rule.parse().unwrap()).collect())
    }

    /// Which of as many requests for one path meet something.
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
    fn chance_is_the_same_under_the_same_seed_whatever_else_there_is() {
        let alone = met(&mut faults(7, &["503 chance 30%"]), 1000);
        assert_eq!(met(&mut faults(7, &["503 chance 30%", "delay 1ms..2s"]), 1000), alone);
        assert_ne!(met(&mut faults(8, &["503 chance 30%"]), 1000), alone);
        assert!((200..400).contains(&alone.len()), "{}", alone.len());
    }

    #[test]
    fn delays_add_up_and_the_first_of_the_others_happens() {
        let mut faults = faults(0, &["delay 1s", "502", "delay 1s..3s", "503"]);
        let TriggeredFault { wait, fault: then } = faults.check_request("GET", "/api");
        assert!((2_000..=4_000).contains(&wait.as_millis()), "{wait:?}");
        assert_eq!(then, Some(FaultKind::Status { code: 502, retry_after: None }));
        let met: Vec<usize> = faults.rules.iter().map(|it| it.triggered).collect();
        assert_eq!(met, [1, 1, 1, 0]);
    }
}
