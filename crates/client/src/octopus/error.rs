//! What can go wrong between here and an answer.

use super::Refusal;
use std::time::Duration;

/// Why there is no answer, or none that can be used.
///
/// No variant holds a key, and paths are those of requests: `/api/Spaces-1/workers/all`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// What the user named is no URL of a server.
    #[error("`{url}` is no URL of an Octopus Server: {why}")]
    BadUrl {
        /// The URL, without a password.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// The key would cross a network unprotected.
    #[error("`{0}` is not https, so the key would be sent in the clear")]
    InsecureUrl(String),
    /// The key has characters that no header can carry.
    #[error("the API key or access token has characters that no key has")]
    BadCredentials,
    /// The additional certificate authorities are no PEM.
    #[error("the file of certificate authorities holds no certificate: {0}")]
    BadCertificates(String),
    /// The client could not be made.
    #[error("the HTTP client cannot start: {0}")]
    Setup(String),
    /// No connection was made; nothing was sent.
    #[error("cannot connect to `{url}`: {why}")]
    Connect {
        /// The server.
        url: String,
        /// What the system says.
        why: String,
    },
    /// The connection broke before the answer was whole.
    #[error("the connection broke during {request}: {why}")]
    Lost {
        /// Method and path.
        request: String,
        /// What the system says.
        why: String,
    },
    /// The answer did not come in time.
    #[error("no answer to {request} within {after:?}")]
    Timeout {
        /// Method and path.
        request: String,
        /// How long was waited.
        after: Duration,
    },
    /// The server refuses, and says why.
    #[error("the server answered {status}{}", status_reason(refusal, *status))]
    Status {
        /// Method and path.
        request: String,
        /// The HTTP status.
        status: u16,
        /// What the server said.
        refusal: Refusal,
        /// How many seconds it asks to wait.
        retry_after: Option<u64>,
    },
    /// Something answers, and it is not the API: a page to log in, or a proxy's.
    #[error("{request} was answered {status} with a page that is no JSON: `{beginning}`")]
    NotJson {
        /// Method and path.
        request: String,
        /// The HTTP status.
        status: u16,
        /// How the page begins, on one line.
        beginning: String,
    },
    /// JSON, and not what the API answers there.
    #[error("{request} was answered with something unexpected: {why}")]
    Malformed {
        /// Method and path.
        request: String,
        /// What does not fit, and where.
        why: String,
    },
    /// The answer is larger than anything that the API answers.
    #[error("the answer to {request} is larger than {limit} MB")]
    TooLarge {
        /// Method and path.
        request: String,
        /// The limit, in megabytes.
        limit: usize,
    },
    /// The server points elsewhere, and the key does not go there.
    #[error("{request} was redirected to `{to}`, which is not followed")]
    Redirected {
        /// Method and path.
        request: String,
        /// Where to, without its query.
        to: String,
    },
    /// JSON, from something that is no Octopus Server.
    #[error("`{0}` is not an Octopus Server")]
    NotOctopus(String),
}

/// `: what the server said`, or the usual words for the status where it said nothing.
fn status_reason(refusal: &Refusal, status: u16) -> String {
    let text = refusal.to_string();
    let usual = reqwest::StatusCode::from_u16(status).ok().and_then(|it| it.canonical_reason());
    match (text.is_empty(), usual) {
        (false, _) => format!(": {text}"),
        (true, Some(usual)) => format!(": {usual}"),
        (true, None) => String::new(),
    }
}

impl ClientError {
    /// Whether a write that failed so may have been done all the same.
    pub fn is_ambiguous(&self) -> bool {
        match self {
            Self::Lost { .. } | Self::Timeout { .. } => true,
            Self::Malformed { .. } | Self::TooLarge { .. } => true,
            Self::Status { status, .. } => is_gateway_status(*status),
            Self::NotJson { status, .. } => *status < 300 || is_gateway_status(*status),
            _ => false,
        }
    }

    /// Whether a write was refused because somebody else wrote since it was read.
    ///
    /// # Source
    ///
    /// The server answers 400, not 409, with a text about another user's changes.
    pub fn is_stale(&self) -> bool {
        match self {
            Self::Status { status: 409, .. } => true,
            Self::Status { status: 400, refusal, .. } => {
                refusal.contains_text("another user has made changes")
            }
            _ => false,
        }
    }

    /// Whether a write was refused for what it asks, which another state of the server may allow.
    pub fn is_refused(&self) -> bool {
        match self {
            Self::Status { status: 400 | 412 | 422, refusal, .. } => {
                !refusal.contains_text("protected branch")
            }
            _ => false,
        }
    }

    /// Whether the key may not do it.
    pub fn is_forbidden(&self) -> bool {
        self.status_code() == Some(403)
    }

    /// Whether the server says that there is no such thing.
    pub fn is_not_found(&self) -> bool {
        self.status_code() == Some(404)
    }

    /// Whether the server has nothing to serve under this path; such an answer is not always JSON.
    pub(super) fn is_missing_route(&self) -> bool {
        matches!(
            self,
            Self::Status { status: 404 | 405, .. } | Self::NotJson { status: 404 | 405, .. }
        )
    }

    /// The status of a refusal by the server itself; a page from something else has none.
    pub(super) fn status_code(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// What helps: a statement, where there is one.
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::BadUrl { .. } => "name the server as in `https://octopus.acme.example`",
            Self::InsecureUrl(_) => {
                "use an `https` URL; `--insecure-http` sends the key in the clear all the same"
            }
            Self::BadCredentials => {
                "an API key is `API-` and upper-case letters and digits; look for quotes and line ends around it"
            }
            Self::BadCertificates(_) => "`--ca-file` takes a file of PEM certificates",
            Self::Connect { why, .. } if why.to_lowercase().contains("certificate") => {
                "`--ca-file FILE` adds the certificate authority of the server"
            }
            Self::Connect { .. } => {
                "check the URL and that the server runs; `HTTPS_PROXY` and `NO_PROXY` hold here"
            }
            Self::Lost { .. } | Self::Timeout { .. } => {
                "try again; what stands between here and the server may cut long answers off"
            }
            Self::NotJson { .. } => {
                "something between here and the server answers in its place: a proxy, or a page to log in"
            }
            Self::Malformed { .. } => {
                "the server may be of a version that this tool does not know yet"
            }
            Self::Redirected { to, .. } => {
                return Some(format!("if `{to}` is the same server, use it as the URL"));
            }
            Self::NotOctopus(_) => "name the URL under which the portal opens, without `/app`",
            Self::Status { status, refusal, retry_after, .. } => {
                return status_help(*status, refusal, *retry_after);
            }
            Self::Setup(_) | Self::TooLarge { .. } => return None,
        };
        Some(help.to_owned())
    }
}

/// Statuses of a gateway, or of a server that starts: what was asked may have been done.
pub(super) fn is_gateway_status(status: u16) -> bool {
    matches!(status, 502..=504)
}

fn status_help(status: u16, refusal: &Refusal, retry_after: Option<u64>) -> Option<String> {
    let help = match (status, refusal.missing_permission(), retry_after) {
        (401, ..) => {
            "the key is not valid on this server: it may be of another one, expired or revoked"
                .to_owned()
        }
        (403, Some(permission), _) => {
            format!("give the key's user a role with `{permission}` in this space")
        }
        (403, None, _) => {
            "the key's user lacks a permission; the server's audit log names it".to_owned()
        }
        (404, ..) => "it is gone, or the key's user may not see it".to_owned(),
        (429, _, Some(seconds)) => {
            format!(
                "the server limits requests and asks to wait {seconds} seconds; `--parallelism` lowers the rate"
            )
        }
        (429, ..) => "the server limits requests; `--parallelism` lowers the rate".to_owned(),
        (502..=504, ..) => {
            "the server is starting, in maintenance or not reachable behind its gateway; try again"
                .to_owned()
        }
        (500, ..) => "the server's log says more".to_owned(),
        _ => return None,
    };
    Some(help)
}

/// What the innermost cause says; the outer ones name the URL again and again.
pub(super) fn innermost_cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(status: u16, text: &str) -> ClientError {
        let refusal = Refusal { message: text.to_owned(), errors: Vec::new() };
        let request = "PUT /api/Spaces-1/workers/Workers-1".to_owned();
        ClientError::Status { request, status, refusal, retry_after: None }
    }

    #[test]
    fn a_status_is_told_with_the_servers_words_or_the_usual_ones() {
        insta::assert_snapshot!(status(403, "Missing permission: WorkerView"), @"the server answered 403: Missing permission: WorkerView");
        insta::assert_snapshot!(status(502, ""), @"the server answered 502: Bad Gateway");
        insta::assert_snapshot!(status(599, ""), @"the server answered 599");
    }

    #[test]
    fn help_names_the_permission_that_is_missing() {
        let help = status(403, "Missing permission: WorkerView").help();
        insta::assert_snapshot!(help.unwrap(), @"give the key's user a role with `WorkerView` in this space");
    }

    #[test]
    fn a_write_is_in_doubt_only_where_it_may_have_been_done() {
        for (code, in_doubt) in
            [(400, false), (404, false), (429, false), (500, false), (502, true), (503, true)]
        {
            assert_eq!(status(code, "").is_ambiguous(), in_doubt, "{code}");
        }
        let page = |status| ClientError::NotJson {
            request: String::new(),
            status,
            beginning: String::new(),
        };
        assert!(page(200).is_ambiguous() && page(504).is_ambiguous() && !page(403).is_ambiguous());
        let refused = ClientError::Connect { url: String::new(), why: String::new() };
        assert!(!refused.is_ambiguous());
    }

    #[test]
    fn a_stale_write_is_known_by_its_words() {
        let text = "Changes to this deployment process could not be saved, because another user has made changes to it.";
        assert!(status(400, text).is_stale() && status(409, "").is_stale());
        assert!(!status(400, "Please provide a name.").is_stale());
    }
}
