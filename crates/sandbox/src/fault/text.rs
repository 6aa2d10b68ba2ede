//! A rule as text: a fault, then clauses in any order. `429 every 7 on GET */workers*`.
//!
//! A rule in JSON has the same clauses as keys, and is parsed here too. An error shows a correct form.

use crate::fault::rule::{FaultKind, FaultRule, FaultTrigger, RequestMatcher};
use jiff::SignedDuration;
use std::{
    fmt::{self, Display},
    ops::RangeInclusive,
    str::FromStr,
    time::Duration,
};

/// Why a text is not a valid rule.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultRuleError {
    /// It does not start with a known fault.
    #[error(
        "`{0}` is not a fault: use `delay`, a status from `400` to `599`, `html`, `drop before`, `drop after`, \
         `truncate`, `slow`, `redirect`, `expire` or `edit`"
    )]
    What(String),
    /// A fault has a detail that it does not accept.
    #[error(
        "`{written}` is not a valid fault: write {like}, optionally followed by `at`, `every`, `chance` and `on`"
    )]
    Detail {
        /// The whole text.
        written: String,
        /// A correct form.
        like: &'static str,
    },
    /// A clause has an invalid value.
    #[error("`{written}` is not valid: `{clause}` takes {like}")]
    Clause {
        /// The whole text.
        written: String,
        /// The word that starts the clause.
        clause: &'static str,
        /// A description of valid values.
        like: &'static str,
    },
    /// A clause is repeated, or contradicts another.
    #[error("`{0}` does not fit: a rule takes one of `at`, `every` and `chance`, and one `on`")]
    Twice(&'static str),
}

impl FaultRuleError {
    fn invalid_clause(clause: &'static str, value: &str, like: &'static str) -> Self {
        let written = format!("{clause} {value}").trim_end().to_owned();
        Self::Clause { written, clause, like }
    }
}

/// The words that begin a clause.
const CLAUSES: [&str; 4] = ["at", "every", "chance", "on"];

/// The methods that HTTP clients use.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

impl FromStr for FaultRule {
    type Err = FaultRuleError;

    fn from_str(text: &str) -> Result<Self, FaultRuleError> {
        let mut words = text.split_whitespace().peekable();
        let mut until_clause = || {
            let mut part = Vec::new();
            while let Some(word) = words.next_if(|word| !CLAUSES.contains(word)) {
                part.push(word);
            }
            (part.join(" "), words.next())
        };
        let (what, mut next) = until_clause();
        let mut clauses = Vec::new();
        while let Some(clause) = next {
            let (value, following) = until_clause();
            clauses.push((clause, value));
            next = following;
        }
        Self::from_clauses(&what, clauses.iter().map(|(clause, value)| (*clause, value.as_str())))
    }
}

impl FaultRule {
    /// A rule from its parts: the fault, and the clauses with their values.
    pub(super) fn from_clauses<'a>(
        what: &str,
        clauses: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, FaultRuleError> {
        let (mut when, mut on) = (None, None);
        for (clause, value) in clauses {
            match clause {
                "at" => set_once(&mut when, "at", FaultTrigger::At(parse_ranges(value)?))?,
                "every" => {
                    set_once(&mut when, "every", FaultTrigger::Every(parse_interval(value)?))?
                }
                "chance" => {
                    set_once(&mut when, "chance", FaultTrigger::Chance(parse_chance(value)?))?
                }
                _ => set_once(&mut on, "on", parse_requests(value)?)?,
            }
        }
        let what = parse_fault(what)?;
        Ok(Self { fault: what, when: when.unwrap_or_default(), requests: on.unwrap_or_default() })
    }

    /// The clauses of this rule, with their values.
    pub(super) fn clause_values(&self) -> Vec<(&'static str, String)> {
        let when = match &self.when {
            FaultTrigger::Always => None,
            FaultTrigger::At(ranges) => {
                let ranges: Vec<String> = ranges.iter().map(format_range).collect();
                Some(("at", ranges.join(",")))
            }
            FaultTrigger::Every(nth) => Some(("every", nth.to_string())),
            FaultTrigger::Chance(percent) => Some(("chance", format!("{percent}%"))),
        };
        let on =
            (self.requests != RequestMatcher::default()).then(|| ("on", self.requests.to_string()));
        when.into_iter().chain(on).collect()
    }
}

fn set_once<T>(
    place: &mut Option<T>,
    clause: &'static str,
    value: T,
) -> Result<(), FaultRuleError> {
    if place.replace(value).is_some() { Err(FaultRuleError::Twice(clause)) } else { Ok(()) }
}

fn parse_fault(text: &str) -> Result<FaultKind, FaultRuleError> {
    let (what, rest) = text.split_once(' ').unwrap_or((text, ""));
    let bad_detail = |like| FaultRuleError::Detail { written: text.to_owned(), like };
    let without_detail =
        |fault: FaultKind, usage| if rest.is_empty() { Ok(fault) } else { Err(bad_detail(usage)) };
    match what {
        "delay" => {
            parse_delay(rest).ok_or_else(|| bad_detail("`delay 200ms` or `delay 200ms..2s`"))
        }
        "slow" => parse_duration(rest).map(FaultKind::Slow).ok_or_else(|| bad_detail("`slow 5s`")),
        "html" if rest.is_empty() => Ok(FaultKind::Html(502)),
        "html" => parse_status(rest)
            .map(FaultKind::Html)
            .ok_or_else(|| bad_detail("`html` or `html 503`")),
        "drop" => match rest {
            "before" => Ok(FaultKind::DropBefore),
            "after" => Ok(FaultKind::DropAfter),
            _ => Err(bad_detail("`drop before` or `drop after`")),
        },
        "truncate" => without_detail(FaultKind::Truncate, "`truncate` alone"),
        "expire" => without_detail(FaultKind::Expire, "`expire` alone"),
        "edit" if rest.is_empty() => Ok(FaultKind::Edit),
        "edit" if is_absolute_path(rest) => Ok(FaultKind::EditAt(rest.to_owned())),
        "edit" => Err(bad_detail("`edit` or `edit /api/PATH`")),
        "redirect"
            if is_absolute_path(rest) || rest.starts_with("http") || rest.starts_with("{path}") =>
        {
            Ok(FaultKind::Redirect(rest.to_owned()))
        }
        "redirect" => Err(bad_detail("`redirect /PATH` or `redirect https://HOST{path}`")),
        _ => {
            let code = parse_status(what).ok_or_else(|| FaultRuleError::What(text.to_owned()))?;
            let seconds = rest.strip_prefix("retry-after ").and_then(|it| it.parse().ok());
            match (rest, seconds) {
                ("", _) | (_, Some(_)) => Ok(FaultKind::Status { code, retry_after: seconds }),
                _ => Err(bad_detail("`429` or `429 retry-after 5`")),
            }
        }
    }
}

fn parse_status(text: &str) -> Option<u16> {
    text.parse().ok().filter(|code| (400..600).contains(code))
}

fn is_absolute_path(text: &str) -> bool {
    text.starts_with('/') && !text.contains(' ')
}

fn parse_delay(text: &str) -> Option<FaultKind> {
    let Some((from, to)) = text.split_once("..") else {
        return parse_duration(text).map(FaultKind::Delay);
    };
    let (from, to) = (parse_duration(from)?, parse_duration(to)?);
    (from <= to).then_some(FaultKind::DelayWithin(from..=to))
}

/// `200ms`, `2s`, `1m`.
fn parse_duration(text: &str) -> Option<Duration> {
    text.parse::<SignedDuration>().ok().and_then(|time| time.try_into().ok())
}

fn parse_positive(text: &str) -> Option<usize> {
    text.parse().ok().filter(|count| *count != 0)
}

fn parse_ranges(value: &str) -> Result<Vec<RangeInclusive<usize>>, FaultRuleError> {
    let parse_range = |part: &str| match part.split_once("..") {
        None => parse_positive(part).map(|nth| nth..=nth),
        Some((from, "")) => parse_positive(from).map(|from| from..=usize::MAX),
        Some((from, to)) => {
            let (from, to) = (parse_positive(from)?, parse_positive(to)?);
            (from <= to).then_some(from..=to)
        }
    };
    let ranges: Option<Vec<_>> = value.split(',').map(|part| parse_range(part.trim())).collect();
    let like = "numbers from 1, such as `3`, `3,7`, `1..5` or `10..`";
    ranges.ok_or_else(|| FaultRuleError::invalid_clause("at", value, like))
}

fn parse_interval(value: &str) -> Result<usize, FaultRuleError> {
    let like = "a number from 1, such as `7`";
    parse_positive(value).ok_or_else(|| FaultRuleError::invalid_clause("every", value, like))
}

fn parse_chance(value: &str) -> Result<f64, FaultRuleError> {
    let percent = value.strip_suffix('%').and_then(|it| it.parse().ok());
    let percent = percent.filter(|percent| (0.0..=100.0).contains(percent));
    let like = "a share of the requests, from `0%` to `100%`";
    percent.ok_or_else(|| FaultRuleError::invalid_clause("chance", value, like))
}

fn parse_requests(value: &str) -> Result<RequestMatcher, FaultRuleError> {
    let words: Vec<&str> = value.split_whitespace().collect();
    let is_path = |word: &str| word.starts_with(['/', '*']);
    let is_method = |word: &str| {
        word.split(',').all(|part| METHODS.iter().any(|known| known.eq_ignore_ascii_case(part)))
    };
    let parse_methods = |word: &str| match word {
        "*" => Vec::new(),
        _ => word.split(',').map(str::to_uppercase).collect(),
    };
    match words.as_slice() {
        [path] if is_path(path) => {
            Ok(RequestMatcher { methods: Vec::new(), path: (*path).to_owned() })
        }
        [method] if is_method(method) => {
            Ok(RequestMatcher { methods: parse_methods(method), ..RequestMatcher::default() })
        }
        [method, path] if (is_method(method) || *method == "*") && is_path(path) => {
            Ok(RequestMatcher { methods: parse_methods(method), path: (*path).to_owned() })
        }
        _ => {
            let like = "a method, a path that begins with `/` or `*`, or both, such as `PUT,POST */workers*`";
            Err(FaultRuleError::invalid_clause("on", value, like))
        }
    }
}

impl Display for FaultRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.fault)?;
        self.clause_values().iter().try_for_each(|(clause, value)| write!(f, " {clause} {value}"))
    }
}

impl Display for RequestMatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.methods.as_slice(), self.path.as_str()) {
            ([], path) => write!(f, "{path}"),
            (methods, "*") => write!(f, "{}", methods.join(",")),
            (methods, path) => write!(f, "{} {path}", methods.join(",")),
        }
    }
}

impl Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = Duration::as_millis;
        match self {
            Self::Status { code, retry_after: None } => write!(f, "{code}"),
            Self::Status { code, retry_after: Some(wait) } => {
                write!(f, "{code} retry-after {wait}")
            }
            Self::Html(code) => write!(f, "html {code}"),
            Self::DropBefore => write!(f, "drop before"),
            Self::DropAfter => write!(f, "drop after"),
            Self::Truncate => write!(f, "truncate"),
            Self::Slow(time) => write!(f, "slow {}ms", ms(time)),
            Self::Delay(time) => write!(f, "delay {}ms", ms(time)),
            Self::DelayWithin(range) => {
                write!(f, "delay {}ms..{}ms", ms(range.start()), ms(range.end()))
            }
            Self::Edit => write!(f, "edit"),
            Self::EditAt(path) => write!(f, "edit {path}"),
            Self::Redirect(to) => write!(f, "redirect {to}"),
            Self::Expire => write!(f, "expire"),
        }
    }
}

fn format_range(range: &RangeInclusive<usize>) -> String {
    match (*range.start(), *range.end()) {
        (from, to) if from == to => from.to_string(),
        (from, usize::MAX) => format!("{from}.."),
        (from, to) => format!("{from}..{to}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_displays_in_canonical_form_and_parses_back() {
        for (text, canonical) in [
            ("429 every 7 on GET */workers*", ""),
            ("429 retry-after 5 at 1..3,9,20..", ""),
            ("503   on put,POST at 2", "503 at 2 on PUT,POST"),
            ("html", "html 502"),
            ("html 503 chance 2.5%", ""),
            ("drop before at 3 on /api", ""),
            ("drop after on * *", "drop after"),
            ("truncate on * */all", "truncate on */all"),
            ("slow 5s", "slow 5000ms"),
            ("delay 200ms", ""),
            ("delay 1s..1m", "delay 1000ms..60000ms"),
            ("delay 1m30s", "delay 90000ms"),
            ("redirect {path}", ""),
            ("redirect https://octopus.invalid{path} at 1", ""),
            ("expire at 5", ""),
            ("edit at 20", ""),
            ("edit /api/Spaces-1/workerpools/WorkerPools-1 at 20 on PUT", ""),
        ] {
            let rule: FaultRule = text.parse().unwrap();
            assert_eq!(rule.to_string(), if canonical.is_empty() { text } else { canonical });
            assert_eq!(rule.to_string().parse(), Ok(rule));
        }
    }

    #[test]
    fn an_invalid_rule_is_refused_with_a_valid_form() {
        let texts = [
            "",
            "tea",
            "200",
            "429 soon",
            "delay 5",
            "delay 2s..1s",
            "drop",
            "truncate half",
            "redirect nowhere",
            "edit pools",
            "503 at 0",
            "503 every",
            "503 chance 1",
            "503 on workers",
            "503 at 1 every 2",
            "503 on GET on PUT",
        ];
        let messages: Vec<String> =
            texts.iter().map(|text| text.parse::<FaultRule>().unwrap_err().to_string()).collect();
        insta::assert_snapshot!(messages.join("\n"), @r"
        `` is not a fault: use `delay`, a status from `400` to `599`, `html`, `drop before`, `drop after`, `truncate`, `slow`, `redirect`, `expire` or `edit`
        `tea` is not a fault: use `delay`, a status from `400` to `599`, `html`, `drop before`, `drop after`, `truncate`, `slow`, `redirect`, `expire` or `edit`
        `200` is not a fault: use `delay`, a status from `400` to `599`, `html`, `drop before`, `drop after`, `truncate`, `slow`, `redirect`, `expire` or `edit`
        `429 soon` is not a valid fault: write `429` or `429 retry-after 5`, optionally followed by `at`, `every`, `chance` and `on`
        `delay 5` is not a valid fault: write `delay 200ms` or `delay 200ms..2s`, optionally followed by `at`, `every`, `chance` and `on`
        `delay 2s..1s` is not a valid fault: write `delay 200ms` or `delay 200ms..2s`, optionally followed by `at`, `every`, `chance` and `on`
        `drop` is not a valid fault: write `drop before` or `drop after`, optionally followed by `at`, `every`, `chance` and `on`
        `truncate half` is not a valid fault: write `truncate` alone, optionally followed by `at`, `every`, `chance` and `on`
        `redirect nowhere` is not a valid fault: write `redirect /PATH` or `redirect https://HOST{path}`, optionally followed by `at`, `every`, `chance` and `on`
        `edit pools` is not a valid fault: write `edit` or `edit /api/PATH`, optionally followed by `at`, `every`, `chance` and `on`
        `at 0` is not valid: `at` takes numbers from 1, such as `3`, `3,7`, `1..5` or `10..`
        `every` is not valid: `every` takes a number from 1, such as `7`
        `chance 1` is not valid: `chance` takes a share of the requests, from `0%` to `100%`
        `on workers` is not valid: `on` takes a method, a path that begins with `/` or `*`, or both, such as `PUT,POST */workers*`
        `every` does not fit: a rule takes one of `at`, `every` and `chance`, and one `on`
        `on` does not fit: a rule takes one of `at`, `every` and `chance`, and one `on`
        ");
    }
}
