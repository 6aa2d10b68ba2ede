//! Rules of what goes wrong, and the requests that they match.

use crate::text::fold_case;
use std::{ops::RangeInclusive, time::Duration};

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

impl RequestMatcher {
    pub(crate) fn matches_request(&self, method: &str, target: &str) -> bool {
        let path = target.split('?').next().unwrap_or_default();
        let is_method = |it: &String| it.eq_ignore_ascii_case(method);
        (self.methods.is_empty() || self.methods.iter().any(is_method))
            && (matches_wildcard(path, &self.path) || matches_wildcard(target, &self.path))
    }
}

/// Whether a text is what a pattern says, in which `*` is any text and case does not count.
fn matches_wildcard(text: &str, pattern: &str) -> bool {
    let (text, pattern) = (fold_case(text), fold_case(pattern));
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
