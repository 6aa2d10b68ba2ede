//! One request and its response, retried when that is safe.
//!
//! Reads and deletes can always be retried. Any other write is retried only if it certainly was not
//! processed. Never: a redirect to another host, or a body without a limit.

use super::{
    ClientError, Connection, Refusal,
    error::{self, innermost_cause},
    retry,
};
use reqwest::{
    Method, Response, StatusCode, Url,
    header::{CONTENT_TYPE, DATE, HeaderMap, LOCATION, RETRY_AFTER},
};
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The largest body that is read, in megabytes.
const LARGEST: usize = 256;
/// The most redirects that a read follows.
const HOPS: usize = 4;
/// How much of a body that is not JSON is shown, in characters.
const BEGINNING: usize = 80;

/// A request to the API.
#[derive(Debug)]
pub(crate) struct ApiRequest<'a> {
    /// The verb.
    pub(crate) method: Method,
    /// The path below the base, with its query.
    pub(crate) path: &'a str,
    /// The JSON to send.
    pub(crate) body: Option<String>,
    /// Whether sending it twice does no harm.
    pub(crate) repeatable: bool,
}

impl<'a> ApiRequest<'a> {
    /// Returns a read of `path`.
    pub(super) fn get(path: &'a str) -> Self {
        Self { method: Method::GET, path, body: None, repeatable: true }
    }

    /// Whether it reads from a Git repository: its branches, or something on one of them.
    fn reads_repository(&self) -> bool {
        self.method == Method::GET
            && ["/git/branches", "/refs%2Fheads%2F"].iter().any(|it| self.path.contains(it))
    }

    /// Returns method and path, for messages.
    fn describe_request(&self) -> String {
        let path = self.path.split('?').next().unwrap_or_default();
        format!("{} {path}", self.method)
    }
}

/// A failed attempt.
struct FailedAttempt {
    error: ClientError,
    /// Whether a retry may succeed.
    retry: RetryAdvice,
    /// How long the server asks to wait.
    retry_after: Option<Duration>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum RetryAdvice {
    /// A retry would fail the same way.
    Never,
    /// A retry may succeed, but the request may have been processed.
    IfRepeatable,
    /// A retry may succeed, and the request certainly was not processed.
    Always,
}

impl From<ClientError> for FailedAttempt {
    fn from(error: ClientError) -> Self {
        let retry = match &error {
            ClientError::Connect { .. } | ClientError::Status { status: 429, .. } => {
                RetryAdvice::Always
            }
            ClientError::Lost { .. } => RetryAdvice::IfRepeatable,
            ClientError::NotJson { status: 429, .. } => RetryAdvice::Always,
            ClientError::Status { status, .. } | ClientError::NotJson { status, .. }
                if error::is_gateway_status(*status) =>
            {
                RetryAdvice::IfRepeatable
            }
            _ => RetryAdvice::Never,
        };
        Self { error, retry, retry_after: None }
    }
}

/// A complete response.
struct ApiResponse {
    status: StatusCode,
    body: Vec<u8>,
    retry_after: Option<Duration>,
}

impl Connection {
    /// Reads the JSON at a path.
    pub(super) async fn get_json<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.send_with_retry(&ApiRequest::get(path), |body| serde_json::from_slice(strip_bom(body)))
            .await
    }

    /// Sends a request, retries it while that is safe and useful, and parses the response with `read`.
    pub(crate) async fn send_with_retry<T>(
        &self,
        call: &ApiRequest<'_>,
        read: fn(&[u8]) -> serde_json::Result<T>,
    ) -> Result<T, ClientError> {
        let mut timer = self.retry_timer();
        loop {
            let FailedAttempt { error, retry, retry_after } = match self.send_once(call, read).await
            {
                Ok(response) => return Ok(response),
                Err(failure) => failure,
            };
            let error = error.map_texts(&|text| self.redact(text));
            let is_safe = match retry {
                RetryAdvice::Never => false,
                RetryAdvice::IfRepeatable => call.repeatable,
                RetryAdvice::Always => true,
            };
            let calls = match error {
                _ if !self.has_answered() => retry::FIRST_CALLS,
                ClientError::Lost { .. } => retry::BROKEN_CALLS,
                ClientError::Status { status: 502..=504, .. } if call.reads_repository() => {
                    retry::REPOSITORY_CALLS
                }
                _ => u32::MAX,
            };
            let wait = if is_safe { timer.next_wait(retry_after, calls) } else { None };
            let Some(wait) = wait else { return Err(error) };
            tracing::debug!(%error, ?wait, "retrying");
            sleep(wait).await;
        }
    }

    async fn send_once<T>(
        &self,
        call: &ApiRequest<'_>,
        read: fn(&[u8]) -> serde_json::Result<T>,
    ) -> Result<T, FailedAttempt> {
        // Held until the response is read, so that memory is bounded too.
        let _permit = self.request_permits().acquire().await;
        let since = Instant::now();
        let ApiResponse { status, body, retry_after } = self.follow_redirects(call).await?;
        let milliseconds = since.elapsed().as_millis();
        tracing::debug!(method = %call.method, path = call.path, status = status.as_u16(), milliseconds);
        if !status.is_success() {
            let error = self.status_error(call, status, &body, retry_after);
            return Err(FailedAttempt { retry_after, ..FailedAttempt::from(error) });
        }
        read(&body).map_err(|why| self.parse_error(call, status, &body, &why).into())
    }

    /// Sends once, and follows the redirects of a read within the same server.
    async fn follow_redirects(&self, call: &ApiRequest<'_>) -> Result<ApiResponse, ClientError> {
        let mut url = self.base_url().join_path(call.path)?;
        for _ in 0..HOPS {
            let response = self.send_request(call, url.clone()).await?;
            self.remember_answer();
            if !response.status().is_redirection() {
                return self.read_body(call, response).await;
            }
            url = self.redirect_target(call, &url, response.headers())?;
        }
        Err(ClientError::Redirected { request: call.describe_request(), to: without_query(url) })
    }

    async fn send_request(&self, call: &ApiRequest<'_>, url: Url) -> Result<Response, ClientError> {
        let mut request = self.http_client().request(call.method.clone(), url);
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        request.send().await.map_err(|why| self.transport_error(call, &why))
    }

    fn redirect_target(
        &self,
        call: &ApiRequest<'_>,
        from: &Url,
        headers: &HeaderMap,
    ) -> Result<Url, ClientError> {
        let request = call.describe_request();
        let location = headers.get(LOCATION).and_then(|it| it.to_str().ok()).unwrap_or_default();
        match from.join(location) {
            Ok(url) if call.method == Method::GET && self.base_url().is_same_origin(&url) => {
                Ok(url)
            }
            Ok(url) => Err(ClientError::Redirected { request, to: without_query(url) }),
            Err(_) => {
                Err(ClientError::Redirected { request, to: location.escape_debug().to_string() })
            }
        }
    }

    async fn read_body(
        &self,
        call: &ApiRequest<'_>,
        mut response: Response,
    ) -> Result<ApiResponse, ClientError> {
        let (status, retry_after) = (response.status(), parse_retry_after(response.headers()));
        let mut body = Vec::new();
        while let Some(chunk) =
            response.chunk().await.map_err(|why| self.transport_error(call, &why))?
        {
            if body.len() + chunk.len() > LARGEST << 20 {
                return Err(ClientError::TooLarge {
                    request: call.describe_request(),
                    limit: LARGEST,
                });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(ApiResponse { status, body, retry_after })
    }

    fn transport_error(&self, call: &ApiRequest<'_>, error: &reqwest::Error) -> ClientError {
        let (request, why) = (call.describe_request(), innermost_cause(error));
        if error.is_connect() {
            ClientError::Connect { url: self.url().to_owned(), why }
        } else if error.is_timeout() {
            ClientError::Timeout { request, after: self.request_timeout() }
        } else {
            ClientError::Lost { request, why }
        }
    }

    fn status_error(
        &self,
        call: &ApiRequest<'_>,
        status: StatusCode,
        body: &[u8],
        retry_after: Option<Duration>,
    ) -> ClientError {
        let request = call.describe_request();
        let (status, retry_after) = (status.as_u16(), retry_after.map(|it| it.as_secs()));
        match Refusal::read(body) {
            Some(refusal) => ClientError::Status { request, status, refusal, retry_after },
            None if body.trim_ascii().is_empty() => {
                ClientError::Status { request, status, refusal: Refusal::default(), retry_after }
            }
            None => ClientError::NotJson { request, status, beginning: self.body_excerpt(body) },
        }
    }

    fn parse_error(
        &self,
        call: &ApiRequest<'_>,
        status: StatusCode,
        body: &[u8],
        why: &serde_json::Error,
    ) -> ClientError {
        let request = call.describe_request();
        match why.classify() {
            _ if !looks_like_json(body) => ClientError::NotJson {
                request,
                status: status.as_u16(),
                beginning: self.body_excerpt(body),
            },
            Category::Eof => {
                ClientError::Lost { request, why: "the response is cut off".to_owned() }
            }
            _ => ClientError::Malformed { request, why: why.to_string() },
        }
    }

    /// Returns the start of a body, on one line. The key is taken out before the text is cut.
    fn body_excerpt(&self, body: &[u8]) -> String {
        shorten_page(&self.redact(&String::from_utf8_lossy(body)))
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

fn shorten_page(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut short: String = words.chars().take(BEGINNING).collect();
    if short.len() < words.len() {
        short.push('…');
    }
    short.escape_debug().to_string()
}

fn without_query(mut url: Url) -> String {
    url.set_query(None);
    url.set_fragment(None);
    _ = url.set_username("");
    _ = url.set_password(None);
    url.into()
}

/// Parses `Retry-After`: seconds, or a date, which is relative to the response's own `Date`.
fn parse_retry_after(headers: &HeaderMap) -> Option<Duration> {
    let header_text = |name| headers.get(name).and_then(|it| it.to_str().ok());
    let wait = header_text(RETRY_AFTER)?.trim();
    if let Ok(seconds) = wait.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let parse_date = |text: &str| jiff::fmt::rfc2822::parse(text).ok().map(|it| it.timestamp());
    let wait = parse_date(wait)?.duration_since(parse_date(header_text(DATE)?)?);
    Some(wait.try_into().unwrap_or_default())
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
        assert_eq!(
            retry_after(&[now.clone(), (RETRY_AFTER, "Wed, 21 Oct 2026 07:28:42 GMT")]),
            Some(42)
        );
        assert_eq!(
            retry_after(&[now.clone(), (RETRY_AFTER, "Wed, 21 Oct 2026 07:00:00 GMT")]),
            Some(0)
        );
        assert_eq!(retry_after(&[(RETRY_AFTER, "Wed, 21 Oct 2026 07:28:42 GMT")]), None);
        assert_eq!(retry_after(&[now, (RETRY_AFTER, "soon")]), None);
    }

    #[test]
    fn the_beginning_of_a_page_is_one_short_line_without_control_characters() {
        let page = format!("<!DOCTYPE html>\n<html>\u{1b}[2J{}", "<br/>".repeat(50));
        insta::assert_snapshot!(shorten_page(&page), @r"<!DOCTYPE html> <html>\u{1b}[2J<br/><br/><br/><br/><br/><br/><br/><br/><br/><br/><br/…");
    }

    #[test]
    fn a_redirect_is_shown_without_its_query() {
        let url = Url::parse("https://user:pass@login.example/saml?token=secret#x").unwrap();
        assert_eq!(without_query(url), "https://login.example/saml");
    }
}
