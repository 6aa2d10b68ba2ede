//! Exchanges the identity of a CI job for an access token of the server (OpenID Connect).
//!
//! # Source
//!
//! `api.md` 1.2: the endpoint is discovered; the request is OAuth's token exchange.

use super::{
    AccessToken, ClientError, Connection, ConnectionOptions, Credentials, Secret, TokenSource,
    TrustedServer,
    exchange::{ApiRequest, strip_bom},
    path::RequestPath,
};
use futures_util::future::BoxFuture;
use reqwest::{Method, Url};
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

#[derive(Deserialize)]
struct OpenIdDiscovery {
    token_endpoint: String,
}

#[derive(Deserialize)]
struct TokenResponse {
    access_token: String,
    #[serde(default)]
    expires_in: Option<serde_json::Number>,
}

#[derive(Deserialize)]
struct IdentityToken {
    value: String,
}

/// Where the identity token of a CI job comes from.
#[derive(Clone, Debug)]
pub enum IdentitySource {
    /// The job's environment holds it.
    Token(Secret),
    /// GitHub Actions issues one on request.
    GitHub {
        /// The job's `ACTIONS_ID_TOKEN_REQUEST_URL`.
        url: String,
        /// The job's `ACTIONS_ID_TOKEN_REQUEST_TOKEN`.
        token: Secret,
    },
}

/// What it takes to get an access token, as often as one is needed.
#[derive(Clone, Debug)]
pub struct TokenExchange {
    /// How to connect to the server; its credentials are not sent.
    pub options: ConnectionOptions,
    /// The service account's id, as shown in the portal.
    pub account: String,
    /// The identity of the job.
    pub identity: IdentitySource,
}

impl TokenExchange {
    /// Returns an identity token for the service account.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    pub async fn identity_token(&self) -> Result<Secret, ClientError> {
        match &self.identity {
            IdentitySource::Token(token) => Ok(token.clone()),
            IdentitySource::GitHub { url, token } => {
                github_identity(url, token.clone(), &self.account).await
            }
        }
    }

    /// Exchanges an identity token for an access token.
    ///
    /// # Errors
    ///
    /// As [`exchange_identity`].
    pub async fn exchange(&self, identity: &Secret) -> Result<AccessToken, ClientError> {
        exchange_identity(self.options.clone(), &self.account, identity).await
    }
}

impl TokenSource for TokenExchange {
    fn renew_token(&self) -> BoxFuture<'_, Result<AccessToken, ClientError>> {
        Box::pin(async {
            let identity = self.identity_token().await?;
            self.exchange(&identity).await
        })
    }
}

/// Returns an access token for a service account, in exchange for an identity token that it trusts.
///
/// `account` is the service account's id as shown in the portal. The credentials in `options` are not
/// sent.
///
/// # Errors
///
/// Any [`ClientError`]; [`ClientError::Redirected`] if the server names an endpoint on another host, to
/// which the identity is not sent.
pub async fn exchange_identity(
    options: ConnectionOptions,
    account: &str,
    identity: &Secret,
) -> Result<AccessToken, ClientError> {
    let connection =
        Connection::open(ConnectionOptions { credentials: Credentials::Anonymous, ..options })?;
    let well_known = RequestPath::new("/.well-known/openid-configuration");
    let discovery: OpenIdDiscovery = connection.get_json(&well_known).await?;
    let endpoint = discovery.token_endpoint;
    let Some(path) = path_below_server(&connection, &endpoint) else {
        return Err(ClientError::redirected("the token exchange".to_owned(), &endpoint));
    };
    let body = json!({
        "grant_type": GRANT,
        "audience": account,
        "subject_token_type": JWT,
        "subject_token": identity.reveal_text(),
    });
    // A token that was never received does no harm, so the request can be repeated.
    let call = ApiRequest {
        method: Method::POST,
        path: &path,
        body: Some(body.to_string()),
        repeatable: true,
        until: None,
    };
    let parse_token = |body: &[u8]| serde_json::from_slice::<TokenResponse>(strip_bom(body));
    let TokenResponse { access_token, expires_in } =
        connection.send_with_retry(&call, parse_token).await?;
    let seconds = expires_in.and_then(|it| it.as_f64());
    let lifetime = seconds.and_then(|it| Duration::try_from_secs_f64(it).ok());
    Ok(AccessToken { secret: Secret::from(access_token), lifetime })
}

/// Returns the identity token of a GitHub Actions job for `audience`.
///
/// `url` and `token` are the job's `ACTIONS_ID_TOKEN_REQUEST_URL` and `…_TOKEN`.
///
/// # Errors
///
/// Any [`ClientError`].
pub async fn github_identity(
    url: &str,
    token: Secret,
    audience: &str,
) -> Result<Secret, ClientError> {
    let bad_url =
        || ClientError::BadUrl { url: url.to_owned(), why: "it cannot be parsed".to_owned() };
    let mut parsed = Url::parse(url).map_err(|_| bad_url())?;
    parsed.query_pairs_mut().append_pair("audience", audience);
    let origin = parsed.origin().ascii_serialization();
    // The job's own environment names it.
    let server = TrustedServer::named_by_user(origin);
    let connection =
        Connection::open(ConnectionOptions::new(server, Credentials::AccessToken(token)))?;
    let path = format!("{}?{}", parsed.path(), parsed.query().unwrap_or_default());
    let identity: IdentityToken = connection.get_json(&RequestPath::from_endpoint(path)).await?;
    Ok(Secret::from(identity.value))
}

/// Returns the path of `endpoint` below the connection's server; `None` if it is on another server.
fn path_below_server(connection: &Connection, endpoint: &str) -> Option<RequestPath> {
    let url = Url::parse(endpoint).ok()?;
    connection.base_url().is_same_origin(&url).then_some(())?;
    let path = endpoint.get(connection.url().len()..)?;
    let is_below = endpoint.starts_with(connection.url()) && path.starts_with('/');
    is_below.then(|| RequestPath::from_endpoint(path.to_owned()))
}
