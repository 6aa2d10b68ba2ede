//! Reads answers: what an error says, who it is from, and how long it asks to wait.
//!
//! Only the API's own error JSON is the server's word. Never: a text of any length, or a request.

use super::{ClientError, Refusal, refusal::shorten};
use poolwright_core::text::describe_json_error;
use reqwest::{
    StatusCode,
    header::{DATE, HeaderMap, RETRY_AFTER},
};
use serde_json::error::Category;
use std::time::Duration;

/// How much of a body that is not the server's is shown, in characters.
const BEGINNING: usize = 80;
/// How much of a text from a server a message shows, in characters.
const SHOWN: usize = 1000;

/// A complete response; the body of an error may be cut off.
pub(super) struct ApiResponse {
    pub(super) status: StatusCode,
    pub(super) body: Vec<u8>,
    pub(super) retry_after: Option<Duration>,
}

/// Takes the key out of a text, before it is cut.
type RedactText<'r> = &'r dyn Fn(&str) -> String;

/// Returns the error for a response that is not a success.
pub(super) fn status_error(
    request: String,
    response: ApiResponse,
    redact: RedactText<'_>,
) -> ClientError {
    let ApiResponse { status, body, retry_after } = response;
    let body = redact(&String::from_utf8_lossy(&body));
    let body = body.as_bytes();
    let (status, retry_after) = (status.as_u16(), retry_after.map(|it| it.as_secs()));
    match Refusal::read(strip_bom(body)) {
        Some(refusal) => ClientError::Status { request, status, refusal, retry_after },
        None if body.trim_ascii().is_empty() => {
            ClientError::Status { request, status, refusal: Refusal::default(), retry_after }
        }
        None => {
            ClientError::NotJson { request, status, beginning: body_excerpt(body), retry_after }
        }
    }
}

/// Returns the error for the body of a success that cannot be read.
pub(super) fn parse_error(
    request: String,
    status: StatusCode,
    body: &[u8],
    why: &serde_json::Error,
    redact: RedactText<'_>,
) -> ClientError {
    match why.classify() {
        _ if !looks_like_json(body) => {
            let beginning =
                redact(&String::from_utf8_lossy(body.get(..BEGINNING * 64).unwrap_or(body)));
            let (status, beginning) = (status.as_u16(), body_excerpt(beginning.as_bytes()));
            ClientError::NotJson { request, status, beginning, retry_after: None }
        }
        Category::Eof => ClientError::Lost { request, why: "the response is cut off".to_owned() },
        _ => ClientError::Malformed {
            request,
            why: shorten(&redact(&describe_json_error(why)), SHOWN),
        },
    }
}

/// Whether a body starts like an object or an array; the API returns nothing else.
fn looks_like_json(body: &[u8]) -> bool {
    matches!(strip_bom(body).trim_ascii_start().first(), Some(b'{' | b'['))
}

/// Returns the body without the byte order mark that some .NET writers put before UTF-8.
pub(crate) fn strip_bom(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

fn body_excerpt(body: &[u8]) -> String {
    // White space may be most of it.
    let text = String::from_utf8_lossy(body.get(..BEGINNING * 64).unwrap_or(body));
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    shorten(&words, BEGINNING).escape_debug().to_string()
}

/// Parses `Retry-After`: seconds, or a date, which is relative to the response's own `Date` if it has one.
pub(super) fn parse_retry_after(headers: &HeaderMap) -> Option<Duration> {
    let header_text = |name| headers.get(name).and_then(|it| it.to_str().ok());
    let wait = header_text(RETRY_AFTER)?.trim();
    if !wait.is_empty() && wait.bytes().all(|it| it.is_ascii_digit()) {
        // A number too large for any clock is longer than anybody waits, too.
        return Some(Duration::from_secs(wait.parse().unwrap_or(u64::MAX)));
    }
    let parse_date = |text: &str| jiff::fmt::rfc2822::parse(text).ok().map(|it| it.timestamp());
    let now = header_text(DATE).and_then(parse_date).unwrap_or_else(jiff::Timestamp::now);
    Some(parse_date(wait)?.duration_since(now).try_into().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retry_after(headers: &[(reqwest::header::HeaderName, &str)]) -> Option<u64> {
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap()));
        parse_retry_after(&headers.collect()).map(|it| it.as_secs())
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = (DATE, "Wed, 21 Oct 2026 07:28:00 GMT");
        assert_eq!(retry_after(&[(RETRY_AFTER, " 7 ")]), Some(7));
        assert_eq!(retry_after(&[(RETRY_AFTER, "99999999999999999999999")]), Some(u64::MAX));
        for (date, wait) in [
            ("Wed, 21 Oct 2026 07:28:42 GMT", Some(42)),
            ("Wed, 21 Oct 2026 07:00:00 GMT", Some(0)),
            ("soon", None),
            ("-5", None),
            ("1.5", None),
            ("", None),
        ] {
            assert_eq!(retry_after(&[now.clone(), (RETRY_AFTER, date)]), wait, "{date}");
        }
    }

    #[test]
    fn a_date_without_the_servers_own_date_is_relative_to_the_clock() {
        assert_eq!(retry_after(&[(RETRY_AFTER, "Wed, 21 Oct 2015 07:28:42 GMT")]), Some(0));
        let far = retry_after(&[(RETRY_AFTER, "Mon, 21 Oct 2999 07:28:42 GMT")]);
        assert!(far > Some(1_000_000), "{far:?}");
    }

    #[test]
    fn the_beginning_of_a_page_is_one_short_line_without_control_characters() {
        let page = format!("<!DOCTYPE html>\n<html>\u{1b}[2J{}", "<br/>".repeat(50));
        insta::assert_snapshot!(body_excerpt(page.as_bytes()), @r"<!DOCTYPE html> <html>\u{1b}[2J<br/><br/><br/><br/><br/><br/><br/><br/><br/><br/><br/…");
    }
}
