//! What a connection is made of: where, as whom, and how patiently.

use std::{fmt, time::Duration};

/// A text that must not be seen: an API key, or a token.
///
/// There is no `Display`, and `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text, for the one header that carries it.
    pub(super) fn reveal_text(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// A key of a user or service account: `API-…`.
    ApiKey(Secret),
    /// A short-lived token, sent as a bearer token.
    AccessToken(Secret),
    /// Nobody: for the exchange of a token alone.
    Anonymous,
}

/// How a connection is made.
#[derive(Clone, Debug)]
pub struct ConnectionOptions {
    /// The server: `https://octopus.example`, or with a path where it is served below one.
    pub url: String,
    /// Who asks.
    pub credentials: Credentials,
    /// Certificate authorities to trust beside the system's, as PEM.
    pub ca_pem: Option<Vec<u8>>,
    /// Whether `http` is allowed to a host that is not this machine.
    pub insecure_http: bool,
    /// How many requests may be under way at once.
    pub parallelism: usize,
    /// How long one request may take, its answer included.
    pub timeout: Duration,
    /// How long a request that failed is tried again.
    pub retry_limit: Duration,
}

impl ConnectionOptions {
    /// The usual manners: 8 requests at once, 100 seconds for each, a minute of tries.
    pub fn new(url: impl Into<String>, credentials: Credentials) -> Self {
        Self {
            url: url.into(),
            credentials,
            ca_pem: None,
            insecure_http: false,
            parallelism: 8,
            timeout: Duration::from_secs(100),
            retry_limit: Duration::from_secs(60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown_in_what_holds_it() {
        let key = Credentials::ApiKey(Secret::from("API-HIDDEN".to_owned()));
        let options = ConnectionOptions::new("https://octopus.example", key);
        assert!(!format!("{options:#?}").contains("HIDDEN"));
        assert_eq!(format!("{:?}", options.credentials), "ApiKey(Secret(…))");
    }
}
