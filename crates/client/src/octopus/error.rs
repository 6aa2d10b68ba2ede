//! What can go wrong with a request.

use super::{Refusal, refusal::shorten};
use std::time::Duration;

/// How much of a redirect's target a message shows, in characters.
const TARGET: usize = 200;

/// Why a request has no usable response.
///
/// No variant holds a key. Paths are request paths: `/api/Spaces-1/workers/all`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The user's URL is not valid for a server.
    #[error("`{url}` is not a valid Octopus Server URL: {why}")]
    BadUrl {
        /// The URL, without a password.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// The key would cross a network unencrypted.
    #[error("`{0}` is not an https URL, so the key would be sent in the clear")]
    InsecureUrl(String),
    /// The key contains characters that are not allowed in a header.
    #[error("the API key or access token contains invalid characters")]
    BadCredentials,
    /// The additional certificate authorities are not valid PEM.
    #[error("the certificate authority file has no valid certificate: {0}")]
    BadCertificates(String),
    /// The HTTP client could not be built.
    #[error("cannot start the HTTP client: {0}")]
    Setup(String),
    /// No connection was made; nothing was sent.
    #[error("cannot connect to `{url}`: {why}")]
    Connect {
        /// The server.
        url: String,
        /// The system's error.
        why: String,
    },
    /// The connection broke before the response was complete.
    #[error("lost the connection during {request}: {why}")]
    Lost {
        /// Method and path.
        request: String,
        /// The system's error.
        why: String,
    },
    /// The response did not arrive in time.
    #[error("{request} timed out after {after:?}")]
    Timeout {
        /// Method and path.
        request: String,
        /// How long the client waited.
        after: Duration,
    },
    /// The server refused the request.
    #[error("the server returned {status}{}", status_reason(refusal, *status))]
    Status {
        /// Method and path.
        request: String,
        /// The HTTP status.
        status: u16,
        /// The server's reason.
        refusal: Refusal,
        /// The `Retry-After` of the response, in seconds.
        retry_after: Option<u64>,
    },
    /// The response is not from the API: a login page, or one from a proxy.
    #[error("{request} returned {status} with a body that is not {}: `{beginning}`", expected_body(*status, beginning))]
    NotJson {
        /// Method and path.
        request: String,
        /// The HTTP status.
        status: u16,
        /// The start of the body, on one line.
        beginning: String,
        /// The `Retry-After` of the response, in seconds.
        retry_after: Option<u64>,
    },
    /// The response is JSON of an unexpected shape.
    #[error("{request} returned an unexpected response: {why}")]
    Malformed {
        /// Method and path.
        request: String,
        /// What does not fit, and where.
        why: String,
    },
    /// The response is larger than any that the API returns.
    #[error("the response to {request} is larger than {limit} MB")]
    TooLarge {
        /// Method and path.
        request: String,
        /// The limit, in megabytes.
        limit: usize,
    },
    /// The server redirects to a place where the key must not be sent.
    #[error("{request} was redirected to `{to}`, which is not followed")]
    Redirected {
        /// Method and path.
        request: String,
        /// Where to, without its query.
        to: String,
    },
    /// Nothing was sent, because what it does could not be recorded first.
    #[error("nothing was sent, because the receipt cannot be written: {0}")]
    NotRecorded(String),
    /// An id cannot be part of a URL; nothing was sent.
    #[error("`{}` cannot be an id in a URL", shorten(.0, TARGET))]
    BadId(String),
    /// The access token was refused and there is no other; nothing was done.
    #[error("the access token was refused and cannot be renewed: {0}")]
    TokenNotRenewed(String),
    /// The run is over; nothing was sent.
    #[error("the time limit of this run is over, so nothing was sent")]
    TimeIsUp,
    /// The response is JSON from something other than an Octopus Server.
    #[error("`{0}` is not an Octopus Server")]
    NotOctopus(String),
}

/// Returns what a body with this status and beginning should have been.
fn expected_body(status: u16, beginning: &str) -> &'static str {
    if status >= 300 && beginning.starts_with(['{', '[']) { "from Octopus" } else { "JSON" }
}

/// Returns `: reason` with the server's reason, or else the standard phrase for the status.
fn status_reason(refusal: &Refusal, status: u16) -> String {
    let text = refusal.to_string();
    let usual = reqwest::StatusCode::from_u16(status).ok().and_then(|it| it.canonical_reason());
    match usual {
        _ if !text.is_empty() => format!(": {text}"),
        Some(usual) => format!(": {usual}"),
        None => String::new(),
    }
}

impl ClientError {
    /// Changes every text that may come from a server or a library.
    pub(super) fn map_texts(mut self, change: &dyn Fn(&str) -> String) -> Self {
        let texts: Vec<&mut String> = match &mut self {
            Self::BadUrl { url, why } | Self::Connect { url, why } => vec![url, why],
            Self::InsecureUrl(text)
            | Self::BadCertificates(text)
            | Self::Setup(text)
            | Self::NotRecorded(text)
            | Self::BadId(text)
            | Self::TokenNotRenewed(text)
            | Self::NotOctopus(text) => vec![text],
            Self::Lost { request, why } | Self::Malformed { request, why } => vec![request, why],
            Self::Timeout { request, .. } | Self::TooLarge { request, .. } => vec![request],
            Self::Status { request, refusal, .. } => {
                let Refusal { message, errors } = refusal;
                [request, message].into_iter().chain(errors).collect()
            }
            Self::NotJson { request, beginning, .. } => vec![request, beginning],
            Self::Redirected { request, to } => vec![request, to],
            Self::BadCredentials | Self::TimeIsUp => Vec::new(),
        };
        texts.into_iter().for_each(|text| *text = change(text));
        self
    }

    /// Returns a refusal to follow a redirect.
    pub(super) fn redirected(request: String, to: &str) -> Self {
        Self::Redirected { request, to: shorten(to, TARGET) }
    }

    /// Whether a gateway answered, or a server that is not ready.
    pub fn is_gateway(&self) -> bool {
        self.any_status().is_some_and(is_gateway_status)
    }

    /// Returns the error and what to do about it in one line.
    pub(crate) fn with_help(&self) -> String {
        let error = self.to_string();
        match self.help() {
            Some(help) => format!("{}; {help}", error.trim_end_matches('.')),
            None => error,
        }
    }

    /// Whether the error is the server's own word, as opposed to that of something in between.
    pub(super) fn is_from_api(&self) -> bool {
        matches!(self, Self::Status { refusal, .. } if !refusal.is_empty())
    }

    /// Whether the server was not reached, or not ready.
    pub(super) fn is_outage(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Lost { .. } | Self::Timeout { .. } => true,
            _ => self.is_gateway(),
        }
    }

    /// Whether a write was refused because the document changed after it was read.
    ///
    /// # Source
    ///
    /// The server returns 400, not 409, with a text about another user's changes.
    pub fn is_stale(&self) -> bool {
        match self {
            Self::Status { status: 409, .. } => true,
            Self::Status { status: 400, refusal, .. } => {
                refusal.contains_text("another user has made changes")
            }
            _ => false,
        }
    }

    /// Whether a write was refused for its content, which the server may accept in another state.
    pub fn is_refused(&self) -> bool {
        match self {
            Self::Status { status: 400 | 412 | 422, refusal, .. } => {
                !refusal.contains_text("protected branch")
            }
            _ => false,
        }
    }

    /// Whether the key lacks a permission.
    pub fn is_forbidden(&self) -> bool {
        self.status_code() == Some(403)
    }

    /// Whether the server itself reports that the resource does not exist. A 404 without the API's own error
    /// may come from a gateway, and says nothing about the resource.
    pub fn is_not_found(&self) -> bool {
        self.status_code() == Some(404) && self.is_from_api()
    }

    /// Whether something answered that there is no such resource or route.
    pub fn is_any_404(&self) -> bool {
        self.any_status() == Some(404)
    }

    /// Whether the server does not know the route or what it is given, as an old one may not.
    pub fn is_unknown_to_server(&self) -> bool {
        self.is_missing_route() || self.status_code() == Some(400)
    }

    /// Whether the server has no such route; the response to one is not always JSON.
    pub(super) fn is_missing_route(&self) -> bool {
        matches!(self.any_status(), Some(404 | 405))
    }

    /// The status of a refusal by the server itself; `None` for a page from something else.
    pub(super) fn status_code(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// The status of an answer that is not a success, whoever sent it.
    pub(super) fn any_status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            Self::NotJson { status, .. } if *status >= 300 => Some(*status),
            _ => None,
        }
    }

    /// How long the server asks to wait before a retry.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } | Self::NotJson { retry_after, .. } => {
                retry_after.map(Duration::from_secs)
            }
            _ => None,
        }
    }

    /// Returns what the user can do about this error, if anything.
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::BadUrl { .. } => "use a URL such as `https://octopus.acme.example`",
            Self::InsecureUrl(_) => {
                "use an `https` URL, or pass `--insecure-http` to send the key in the clear anyway"
            }
            Self::BadCredentials => {
                "remove any quotes and line breaks around the key; an API key is `API-` followed by upper-case letters and digits"
            }
            Self::BadCertificates(_) => "pass a file of PEM certificates to `--ca-file`",
            Self::Connect { why, .. } if why.to_lowercase().contains("certificate") => {
                "trust the server's certificate authority with `--ca-file FILE`"
            }
            Self::Connect { .. } => {
                "check the URL and that the server is running; `HTTPS_PROXY` and `NO_PROXY` are honoured"
            }
            Self::Lost { .. } | Self::Timeout { .. } => {
                "try again; a proxy or gateway may be cutting off long responses"
            }
            Self::NotJson { status: 429 | 503, retry_after: Some(seconds), .. } => {
                return Some(wait_help(*seconds));
            }
            Self::NotJson { .. } => {
                "check the URL and the network; a proxy or a login page may be answering instead of the server"
            }
            Self::Malformed { .. } => {
                "upgrade poolwright if the server is newer than the versions it supports"
            }
            Self::Redirected { to, .. } => {
                return Some(format!("if `{to}` is the same server, use it as the URL"));
            }
            Self::NotOctopus(_) => "use the URL of the server's web portal, without `/app`",
            Self::Status { status, refusal, retry_after, .. } => {
                return status_help(*status, refusal, *retry_after);
            }
            Self::TokenNotRenewed(_) => {
                "check the service account; the identity token of a CI job is valid for a limited time only"
            }
            Self::TimeIsUp => "run it again to continue, or allow more time with `--timeout`",
            Self::BadId(_) => "check the server: ids contain neither slashes nor dots alone",
            Self::Setup(_) | Self::TooLarge { .. } | Self::NotRecorded(_) => return None,
        };
        Some(help.to_owned())
    }
}

/// Whether a status comes from a gateway or a starting server, so that the request may have been processed, or
/// may still be under way.
///
/// # Source
///
/// RFC 9110 for 408 and 502 to 504; Cloudflare's documentation for 520 to 530; 598 and 599 are the time-outs of
/// some proxies.
pub(super) fn is_gateway_status(status: u16) -> bool {
    matches!(status, 408 | 502..=504 | 520..=527 | 530 | 598 | 599)
}

/// Returns what to do about a server that asks to wait.
fn wait_help(seconds: u64) -> String {
    match seconds {
        0..=86_400 => format!(
            "wait {seconds} seconds, as the server asks, or lower the request rate with `--parallelism`"
        ),
        _ => "try again later; the server asks to wait for more than a day".to_owned(),
    }
}

fn status_help(status: u16, refusal: &Refusal, retry_after: Option<u64>) -> Option<String> {
    let help = match (status, refusal.missing_permission(), retry_after) {
        (401, ..) => {
            "check the key: it may have expired, been revoked or belong to a different server"
                .to_owned()
        }
        (403, Some(permission), _) => {
            format!("give the key's user a role with `{permission}` in this space")
        }
        (403, None, _) => {
            "give the key's user the missing permission; the server's audit log names it".to_owned()
        }
        (404, ..) => {
            "check that the resource still exists and that the key's user may see it".to_owned()
        }
        (429 | 503, _, Some(seconds)) if seconds > 0 => wait_help(seconds),
        (429, ..) => "lower the request rate with `--parallelism`".to_owned(),
        (status, ..) if is_gateway_status(status) => {
            "try again later; the server is starting, in maintenance or unreachable behind its gateway"
                .to_owned()
        }
        (500, ..) => "see the server's log for details".to_owned(),
        _ => return None,
    };
    Some(help)
}

/// Returns the text of the innermost cause; the outer ones only repeat the URL.
pub(super) fn innermost_cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A status that an API answered a write with.
    pub(in crate::octopus) fn status(status: u16, text: &str) -> ClientError {
        let refusal = Refusal { message: text.to_owned(), errors: Vec::new() };
        let request = "PUT /api/Spaces-1/workers/Workers-1".to_owned();
        ClientError::Status { request, status, refusal, retry_after: None }
    }

    #[test]
    fn a_status_is_shown_with_the_servers_words_or_the_standard_phrase() {
        insta::assert_snapshot!(status(403, "Missing permission: WorkerView"), @"the server returned 403: Missing permission: WorkerView");
        insta::assert_snapshot!(status(502, ""), @"the server returned 502: Bad Gateway");
        insta::assert_snapshot!(status(599, ""), @"the server returned 599");
    }

    #[test]
    fn help_names_the_permission_that_is_missing() {
        let help = status(403, "Missing permission: WorkerView").help();
        insta::assert_snapshot!(help.unwrap(), @"give the key's user a role with `WorkerView` in this space");
    }

    #[test]
    fn only_an_octopus_404_means_not_found() {
        assert!(status(404, "The resource you requested was not found.").is_not_found());
        let page = status_page(404);
        for error in [status(404, ""), page, status(410, "Gone")] {
            assert!(!error.is_not_found(), "{error}");
        }
    }

    fn status_page(status: u16) -> ClientError {
        let (request, beginning) = ("GET /api".to_owned(), "{\"message\":\"no Route\"}".to_owned());
        ClientError::NotJson { request, status, beginning, retry_after: Some(5) }
    }

    #[test]
    fn an_error_says_that_a_response_is_not_from_octopus() {
        insta::assert_snapshot!(status_page(404), @r#"GET /api returned 404 with a body that is not from Octopus: `{"message":"no Route"}`"#);
        insta::assert_snapshot!(status_page(503).help().unwrap(), @"wait 5 seconds, as the server asks, or lower the request rate with `--parallelism`");
    }

    #[test]
    fn a_stale_write_is_recognized_by_its_message() {
        let text = "Changes to this deployment process could not be saved, because another user has made changes to it.";
        assert!(status(400, text).is_stale() && status(409, "").is_stale());
        assert!(!status(400, "Please provide a name.").is_stale());
    }
}
