//! The header that authenticates a request, and its renewal where the credentials are short-lived.

use super::{AccessToken, ClientError, Credentials, Secret, TokenSource};
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use tokio::{sync::Mutex, time::Instant};

/// The header of an API key.
const API_KEY: HeaderName = HeaderName::from_static("x-octopus-apikey");
/// How long before its end a token is renewed; half of its lifetime if that is shorter.
const MARGIN: Duration = Duration::from_secs(60);

/// What authenticates the requests of a connection.
#[derive(Debug)]
pub(super) enum RequestAuth {
    /// Nothing.
    Anonymous,
    /// The same header for every request.
    Fixed(AuthHeader, Secret),
    /// A token that is exchanged again before it ends.
    Renewed {
        /// How to get another token.
        exchange: Arc<dyn TokenSource>,
        /// The present token.
        current: Mutex<CurrentToken>,
        /// Every token that was in use.
        known: RwLock<Vec<Secret>>,
    },
}

/// A header, and which token it carries.
#[derive(Clone, Debug)]
pub(super) struct AuthHeader {
    pub(super) name: HeaderName,
    pub(super) value: HeaderValue,
    /// Counts the renewals.
    generation: u32,
}

/// A token in use.
#[derive(Debug)]
pub(super) struct CurrentToken {
    header: AuthHeader,
    renew_at: Option<Instant>,
}

impl CurrentToken {
    fn new(token: &AccessToken, generation: u32) -> Result<Self, ClientError> {
        let value = format!("Bearer {}", token.secret.reveal_text().trim());
        let margin = |lifetime: Duration| lifetime.saturating_sub(MARGIN).max(lifetime / 2);
        // A lifetime that overflows the clock never triggers a renewal.
        let renew_at = token.lifetime.and_then(|it| Instant::now().checked_add(margin(it)));
        Ok(Self { header: AuthHeader::new(AUTHORIZATION, &value, generation)?, renew_at })
    }
}

impl AuthHeader {
    fn new(name: HeaderName, value: &str, generation: u32) -> Result<Self, ClientError> {
        let mut value = HeaderValue::from_str(value).map_err(|_| ClientError::BadCredentials)?;
        value.set_sensitive(true);
        Ok(Self { name, value, generation })
    }
}

impl RequestAuth {
    /// # Errors
    ///
    /// [`ClientError::BadCredentials`].
    pub(super) fn new(credentials: Credentials) -> Result<Self, ClientError> {
        match credentials {
            Credentials::Anonymous => Ok(Self::Anonymous),
            Credentials::ApiKey(key) => {
                Ok(Self::Fixed(AuthHeader::new(API_KEY, key.reveal_text().trim(), 0)?, key))
            }
            Credentials::AccessToken(token) => {
                let value = format!("Bearer {}", token.reveal_text().trim());
                Ok(Self::Fixed(AuthHeader::new(AUTHORIZATION, &value, 0)?, token))
            }
            Credentials::Exchanged(exchange, token) => {
                let current = Mutex::new(CurrentToken::new(&token, 0)?);
                Ok(Self::Renewed { exchange, current, known: RwLock::new(vec![token.secret]) })
            }
        }
    }

    /// Returns a text without the key: a server may quote it.
    pub(super) fn redact(&self, text: &str) -> String {
        match self {
            Self::Anonymous => text.to_owned(),
            Self::Fixed(_, secret) => secret.redact(text),
            Self::Renewed { known, .. } => {
                let known = known.read().unwrap_or_else(PoisonError::into_inner);
                known.iter().fold(text.to_owned(), |text, secret| secret.redact(&text))
            }
        }
    }

    /// Returns the header for the next request, renewed if its token ends soon.
    pub(super) async fn header(&self) -> Option<AuthHeader> {
        match self {
            Self::Anonymous => None,
            Self::Fixed(header, _) => Some(header.clone()),
            Self::Renewed { exchange, current, known } => {
                let mut current = current.lock().await;
                if current.renew_at.is_some_and(|at| at <= Instant::now())
                    && let Err(why) = renew(exchange, &mut current, known).await
                {
                    // It may still be valid; if it is not, the server will say so.
                    tracing::debug!(%why, "cannot renew the access token early");
                    current.renew_at = None;
                }
                Some(current.header.clone())
            }
        }
    }

    /// Renews the token that a request was refused with, unless another request already did. Returns whether
    /// there is another token to try.
    ///
    /// # Errors
    ///
    /// [`ClientError::TokenNotRenewed`].
    pub(super) async fn replace_refused(
        &self,
        refused: Option<&AuthHeader>,
    ) -> Result<bool, ClientError> {
        let (Self::Renewed { exchange, current, known }, Some(refused)) = (self, refused) else {
            return Ok(false);
        };
        let mut current = current.lock().await;
        if current.header.generation == refused.generation {
            let renewed = renew(exchange, &mut current, known).await;
            renewed.map_err(|why| ClientError::TokenNotRenewed(why.to_string()))?;
        }
        Ok(true)
    }
}

async fn renew(
    exchange: &Arc<dyn TokenSource>,
    current: &mut CurrentToken,
    known: &RwLock<Vec<Secret>>,
) -> Result<(), ClientError> {
    let token = exchange.renew_token().await?;
    known.write().unwrap_or_else(PoisonError::into_inner).push(token.secret.clone());
    *current = CurrentToken::new(&token, current.header.generation.wrapping_add(1))?;
    Ok(())
}
