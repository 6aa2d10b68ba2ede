//! The rules of what goes wrong: a fault, when it happens, and to which requests.

use crate::text::fold_case;
use std::{ops::RangeInclusive, time::Duration};

/// A fault, and the requests that meet it. As text: `429 every 7 on GET */workers*`.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultRule {
    /// What happens.
    pub fault: FaultKind,
    /// Which of the matching requests meet it.
    pub when: FaultTrigger,
    /// Which requests match.
    pub requests: RequestMatcher,
}

/// Which of the matching requests meet a fault; they are counted from 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum FaultTrigger {
    /// Each of them.
    #[default]
    Always,
    /// Those whose number is in one of these ranges.
    At(Vec<RangeInclusive<usize>>),
    /// Those whose number is divisible by this.
    Every(usize),
    /// Each with this probability, in percent.
    Chance(f64),
}

/// Which requests match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestMatcher {
    /// Their methods, in capitals; empty for any method.
    pub methods: Vec<String>,
    /// Their path, with or without its query; `*` is any text, and case is ignored.
    pub path: String,
}

impl Default for RequestMatcher {
    fn default() -> Self {
        Self { methods: Vec::new(), path: "*".to_owned() }
    }
}

/// A fault that happens to a request.
#[derive(Clone, Debug, PartialEq)]
pub enum FaultKind {
    /// The request is not handled; the answer is an error body with this status.
    Status {
        /// The HTTP status.
        code: u16,
        /// The `Retry-After` header, in seconds.
        retry_after: Option<u64>,
    },
    /// The request is not handled; the answer is a page of HTML with this status, as a proxy sends it.
    Html(u16),
    /// The request is not handled, and the connection closes without an answer.
    DropBefore,
    /// The request is handled, and the connection closes without an answer.
    DropAfter,
    /// The request is handled, and the body of the answer breaks off half way.
    Truncate,
    /// The request is handled, and the body of the answer takes this time to arrive.
    Slow(Duration),
    /// The request is handled after this time.
    Delay(Duration),
    /// The request is handled after a time in this range.
    DelayWithin(RangeInclusive<Duration>),
    /// Another user saves the requested document just before the request is handled.
    Edit,
    /// Another user saves the document at this path just before the request is handled.
    EditAt(String),
    /// The request is not handled; the answer redirects it, and `{path}` stands for the requested path.
    Redirect(String),
    /// From this request on, its key or token is rejected.
    Expire,
}

/// The simplest rule: the nth request that begins with a text meets a fault.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Which of the requests that match, counted from 1.
    pub nth: usize,
    /// The beginning of the requests that match, such as `PUT /api/Spaces-1/workerpools`; `None` for any.
    /// Case is ignored.
    pub requests: Option<String>,
    /// The fault.
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

/// Whether a text matches a pattern, in which `*` is any text and case is ignored.
fn matches_wildcard(text: &str, pattern: &str) -> bool {
    let (text, pattern) = (fold_case(text), fold_case(pattern));
    let Some((begin, rest)) = pattern.split_once('*') else { return text == pattern };
    let Some(mut text) = text.strip_prefix(begin) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        // The first match leaves the most text for the remaining parts.
        let Some((_, behind)) = text.split_once(part) else { return false };
        text = behind;
    }
    text.ends_with(end)
}
