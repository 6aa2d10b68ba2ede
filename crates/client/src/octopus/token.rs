//! Exchanges the identity of a CI job for an access token of the server (OpenID Connect).
//!
//! # Source
//!
//! `api.md` 1.2: the endpoint is discovered; the request is OAuth's token exchange.

use super::{
    ClientError, Connection, ConnectionOptions, Credentials, Secret, TrustedServer,
    exchange::ApiRequest, exchange::strip_bom,
};
use reqwest::{Method, Url};
use serde::Deserialize;
use serde_json::json;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

#[derive(Deserialize)]
struct OpenIdDiscovery {
    token_endpoint: String,
}

#[derive(Deserialize)]
struct TokenResponse {
    access_token: String,
}

#[derive(Deserialize)]
struct IdentityToken {
    value: String,
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
) -> Result<Secret, ClientError> {
    let connection =
        Connection::open(ConnectionOptions { credentials: Credentials::Anonymous, ..options })?;
    let discovery: OpenIdDiscovery =
        connection.get_json("/.well-known/openid-configuration").await?;
    let endpoint = discovery.token_endpoint;
    let Some(path) = path_below_server(&connection, &endpoint) else {
        return Err(ClientError::Redirected {
            request: "the token exchange".to_owned(),
            to: endpoint,
        });
    };
    let body = json!({
        "grant_type": GRANT,
        "audience": account,
        "subject_token_type": JWT,
        "subject_token": identity.reveal_text(),
    });
    let body = Some(body.to_string());
    // A token that was never received does no harm, so the request can be repeated.
    let call = ApiRequest { method: Method::POST, path: &path, body, repeatable: true };
    let parse_token = |body: &[u8]| serde_json::from_slice::<TokenResponse>(strip_bom(body));
    let token = connection.send_with_retry(&call, parse_token).await?;
    Ok(Secret::from(token.access_token))
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
    let identity: IdentityToken = connection.get_json(&path).await?;
    Ok(Secret::from(identity.value))
}

/// Returns the path of `endpoint` below the connection's server; `None` if it is on another server.
fn path_below_server(connection: &Connection, endpoint: &str) -> Option<String> {
    let url = Url::parse(endpoint).ok()?;
    connection.base_url().is_same_origin(&url).then_some(())?;
    let path = endpoint.get(connection.url().len()..)?;
    (endpoint.starts_with(connection.url()) && path.starts_with('/')).then(|| path.to_owned())
}
