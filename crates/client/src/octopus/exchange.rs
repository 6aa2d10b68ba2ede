//! One request and its response, retried when that is safe.
//!
//! Reads and other repeatable requests can always be retried. Any other write is retried only if it certainly
//! was not processed. Never: a redirect to another host, or a body without a limit.

use super::{
    ClientError, Connection,
    answer::{ApiResponse, parse_error, parse_retry_after, status_error},
    auth::AuthHeader,
    error::{self, innermost_cause},
    outage::Outage,
    path::RequestPath,
    retry,
};
use reqwest::{
    Method, Response, Url,
    header::{CONTENT_TYPE, HeaderMap, LOCATION},
};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep};

pub(crate) use super::answer::strip_bom;

/// The largest body of a success that is read, in megabytes, unpacked.
const LARGEST: usize = 256;
/// How much of the body of an error is read, in bytes, unpacked.
const LARGEST_ERROR: usize = 256 << 10;
/// The most redirects that a read follows.
const HOPS: usize = 4;

/// A request to the API.
#[derive(Debug)]
pub(crate) struct ApiRequest<'a> {
    /// The verb.
    pub(crate) method: Method,
    /// The path below the base, with its query.
    pub(crate) path: &'a RequestPath,
    /// The JSON to send.
    pub(crate) body: Option<String>,
    /// Whether sending it twice does no harm.
    pub(crate) repeatable: bool,
    /// When the run ends, after which it is not retried.
    pub(crate) until: Option<Instant>,
}

impl<'a> ApiRequest<'a> {
    /// Returns a read of `path`.
    pub(super) fn get(path: &'a RequestPath) -> Self {
        Self { method: Method::GET, path, body: None, repeatable: true, until: None }
    }

    /// Whether it reads from a Git repository: its branches, or something on one of them.
    fn reads_repository(&self) -> bool {
        let path = self.path.without_query();
        self.method == Method::GET
            && ["/git/branches", "/refs%2Fheads%2F"].iter().any(|it| path.contains(it))
    }

    /// Returns method and path, for messages.
    pub(super) fn describe_request(&self) -> String {
        format!("{} {}", self.method, self.path.without_query())
    }
}

/// A failed attempt.
struct FailedAttempt {
    error: ClientError,
    /// Whether a retry may succeed.
    retry: RetryAdvice,
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
        let retry = match error.any_status() {
            Some(429) => RetryAdvice::Always,
            Some(status) if error::is_gateway_status(status) => RetryAdvice::IfRepeatable,
            Some(_) => RetryAdvice::Never,
            None => match &error {
                ClientError::Connect { .. } => RetryAdvice::Always,
                ClientError::Lost { .. } => RetryAdvice::IfRepeatable,
                _ => RetryAdvice::Never,
            },
        };
        Self { error, retry }
    }
}

impl Connection {
    /// Reads the JSON at a path.
    pub(super) async fn get_json<T: DeserializeOwned>(
        &self,
        path: &RequestPath,
    ) -> Result<T, ClientError> {
        self.send_with_retry(&ApiRequest::get(path), |body| serde_json::from_slice(strip_bom(body)))
            .await
    }

    /// Sends a request, retries it while that is safe and useful, and parses the response with `read`.
    pub(crate) async fn send_with_retry<T>(
        &self,
        call: &ApiRequest<'_>,
        read: fn(&[u8]) -> serde_json::Result<T>,
    ) -> Result<T, ClientError> {
        let is_read = call.method == Method::GET;
        let mut timer = if is_read { self.read_timer() } else { self.write_timer(call.until) };
        let mut has_new_token = false;
        loop {
            let auth = self.auth().header().await;
            let FailedAttempt { error, retry } =
                match self.send_once(call, auth.as_ref(), read).await {
                    Ok(response) => return Ok(response),
                    Err(failure) => failure,
                };
            let error = error.map_texts(&|text| self.auth().redact(text));
            let is_refused = error.any_status() == Some(401) && !has_new_token;
            if is_refused && self.auth().replace_refused(auth.as_ref()).await? {
                // A request that was refused for its token was not processed.
                has_new_token = true;
                continue;
            }
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
            let wait = if is_safe { timer.next_wait(error.retry_after(), calls) } else { None };
            let Some(wait) = wait else { return Err(error) };
            tracing::debug!(%error, ?wait, "retrying");
            sleep(wait).await;
        }
    }

    async fn send_once<T>(
        &self,
        call: &ApiRequest<'_>,
        auth: Option<&AuthHeader>,
        read: fn(&[u8]) -> serde_json::Result<T>,
    ) -> Result<T, FailedAttempt> {
        // Held until the response is read, so that memory is bounded too.
        let _permit = self.request_permits().acquire().await;
        let since = Instant::now();
        let redact = |text: &str| self.auth().redact(text);
        let answer = self.follow_redirects(call, auth).await.and_then(|response| {
            let ApiResponse { status, body, .. } = &response;
            let milliseconds = since.elapsed().as_millis();
            let path = call.path.without_query();
            tracing::debug!(method = %call.method, path, status = status.as_u16(), milliseconds);
            if !status.is_success() {
                return Err(status_error(call.describe_request(), response, &redact));
            }
            read(body)
                .map_err(|why| parse_error(call.describe_request(), *status, body, &why, &redact))
        });
        self.note_outcome(call, since, answer.as_ref().err());
        answer.map_err(FailedAttempt::from)
    }

    /// Notes whether the server has answered a request that began at this time.
    fn note_outcome(&self, call: &ApiRequest<'_>, since: Instant, error: Option<&ClientError>) {
        let note = |outage: &Outage, is_outage: bool| {
            if is_outage { outage.note_failure(since) } else { outage.note_answer() }
        };
        match error {
            // Nothing was sent.
            Some(ClientError::BadId(_) | ClientError::BadUrl { .. }) => {}
            // A repository that cannot be reached says nothing about the server.
            Some(error) if error.is_outage() && call.reads_repository() => {}
            error => {
                let is_outage = error.is_some_and(ClientError::is_outage);
                note(self.outage(), is_outage);
                if call.method != Method::GET {
                    note(self.write_outage(), is_outage);
                }
            }
        }
    }

    /// Sends once, and follows the redirects of a read within the same server.
    async fn follow_redirects(
        &self,
        call: &ApiRequest<'_>,
        auth: Option<&AuthHeader>,
    ) -> Result<ApiResponse, ClientError> {
        let mut url = self.base_url().join_path(call.path.to_text()?)?;
        for _ in 0..HOPS {
            let response = self.send_request(call, auth, url.clone()).await?;
            self.remember_answer();
            if !response.status().is_redirection() {
                return self.read_body(call, response).await;
            }
            url = self.redirect_target(call, &url, response.headers())?;
        }
        Err(ClientError::redirected(
            call.describe_request(),
            &self.auth().redact(&without_query(url)),
        ))
    }

    async fn send_request(
        &self,
        call: &ApiRequest<'_>,
        auth: Option<&AuthHeader>,
        url: Url,
    ) -> Result<Response, ClientError> {
        let mut request = self.http_client().request(call.method.clone(), url);
        if let Some(AuthHeader { name, value, .. }) = auth {
            request = request.header(name, value);
        }
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
        let redact = |text: &str| self.auth().redact(text);
        let location = headers.get(LOCATION).and_then(|it| it.to_str().ok()).unwrap_or_default();
        match from.join(location) {
            Ok(url) if call.method == Method::GET && self.base_url().is_same_origin(&url) => {
                Ok(url)
            }
            Ok(url) => Err(ClientError::redirected(request, &redact(&without_query(url)))),
            Err(_) => {
                let location = redact(location).escape_debug().to_string();
                Err(ClientError::redirected(request, &location))
            }
        }
    }

    async fn read_body(
        &self,
        call: &ApiRequest<'_>,
        mut response: Response,
    ) -> Result<ApiResponse, ClientError> {
        let (status, retry_after) = (response.status(), parse_retry_after(response.headers()));
        let limit = if status.is_success() { LARGEST << 20 } else { LARGEST_ERROR };
        let mut body = Vec::new();
        loop {
            let chunk = match response.chunk().await {
                Ok(Some(chunk)) => chunk,
                Ok(None) => break,
                // The status is known, and of an error the body is only its explanation.
                Err(_) if !status.is_success() => break,
                Err(why) => return Err(self.transport_error(call, &why)),
            };
            let left = limit - body.len();
            if chunk.len() > left && status.is_success() {
                let request = call.describe_request();
                return Err(ClientError::TooLarge { request, limit: LARGEST });
            }
            body.extend_from_slice(chunk.get(..left.min(chunk.len())).unwrap_or_default());
            if chunk.len() > left {
                break;
            }
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
}

fn without_query(mut url: Url) -> String {
    url.set_query(None);
    url.set_fragment(None);
    _ = url.set_username("");
    _ = url.set_password(None);
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_is_shown_without_its_query() {
        let url = Url::parse("https://user:pass@login.example/saml?token=secret#x").unwrap();
        assert_eq!(without_query(url), "https://login.example/saml");
    }
}
