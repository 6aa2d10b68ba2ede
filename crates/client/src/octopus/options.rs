//! Connection options: the server, the credentials, and the limits.

use super::{ClientError, TrustedServer};
use futures_util::future::BoxFuture;
use poolwright_core::text::secret::KEY_WITHHELD;
use std::{fmt, sync::Arc, time::Duration};

/// The shortest secret that is looked for in a text.
const SHORTEST_SECRET: usize = 8;

/// A text that must not be shown: an API key, or a token.
///
/// It has no `Display`, and its `Debug` hides the text.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text, for the header that carries it.
    pub(super) fn reveal_text(&self) -> &str {
        &self.0
    }

    /// Returns a text with every occurrence of the secret replaced, in any case.
    ///
    /// A secret of fewer than eight characters is not replaced: it may be a part of any word.
    pub fn redact(&self, text: &str) -> String {
        let secret = self.0.trim();
        let length = secret.len();
        let mut rest = text;
        let mut redacted = String::with_capacity(text.len());
        while let Some(c) = rest.chars().next() {
            let same = length >= SHORTEST_SECRET
                && rest.get(..length).is_some_and(|it| it.eq_ignore_ascii_case(secret));
            let (shown, skipped) =
                if same { (KEY_WITHHELD, length) } else { (&rest[..c.len_utf8()], c.len_utf8()) };
            redacted.push_str(shown);
            rest = &rest[skipped..];
        }
        redacted
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

/// An access token of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    /// The token.
    pub secret: Secret,
    /// How long it is valid, counted from its exchange; `None` if the server does not say.
    pub lifetime: Option<Duration>,
}

/// Where another access token comes from.
pub trait TokenSource: fmt::Debug + Send + Sync {
    /// Returns a new token.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    fn renew_token(&self) -> BoxFuture<'_, Result<AccessToken, ClientError>>;
}

/// How requests are authenticated.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// The API key of a user or service account: `API-…`.
    ApiKey(Secret),
    /// A short-lived token, sent as a bearer token.
    AccessToken(Secret),
    /// A short-lived token, and how to get another one before it ends.
    Exchanged(Arc<dyn TokenSource>, AccessToken),
    /// No credentials: only for the token exchange, which sends the identity itself.
    Anonymous,
}

/// How to connect to a server.
#[derive(Clone, Debug)]
pub struct ConnectionOptions {
    /// The server, with its base path if it has one.
    pub server: TrustedServer,
    /// How requests are authenticated.
    pub credentials: Credentials,
    /// Certificate authorities to trust in addition to the system's, as PEM.
    pub ca_pem: Option<Vec<u8>>,
    /// Whether `http` is allowed for hosts other than this machine.
    pub insecure_http: bool,
    /// The maximum number of concurrent requests.
    pub parallelism: usize,
    /// How long one request may take, its response included.
    pub timeout: Duration,
    /// How long a failed request is retried.
    pub retry_limit: Duration,
}

impl ConnectionOptions {
    /// Returns the default options: 8 concurrent requests, 100 seconds for each, a minute of retries.
    pub fn new(server: TrustedServer, credentials: Credentials) -> Self {
        Self {
            server,
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
    fn the_secret_is_removed_from_shown_text() {
        let redact = |secret: &str, text: &str| Secret::from(secret.to_owned()).redact(text);
        insta::assert_snapshot!(
            redact("API-HIDDEN", "é API-HIDDEN, api-hidden of API-HIDDE"),
            @"é (key withheld), (key withheld) of API-HIDDE"
        );
        assert_eq!([redact("x", "axe"), redact("", "axe")], ["axe", "axe"]);
    }

    #[test]
    fn debug_output_does_not_show_the_secret() {
        let key = Credentials::ApiKey(Secret::from("API-HIDDEN".to_owned()));
        let server = TrustedServer::named_by_user("https://octopus.example");
        let options = ConnectionOptions::new(server, key);
        assert!(!format!("{options:#?}").contains("HIDDEN"));
        assert_eq!(format!("{:?}", options.credentials), "ApiKey(Secret(…))");
    }
}
