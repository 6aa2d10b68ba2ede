//! A connection: the HTTP client, the key's header, and the permits that limit concurrent requests.

use super::{
    ClientError, ConnectionOptions, Credentials, base::BaseUrl, error::innermost_cause,
    retry::RetryTimer,
};
use reqwest::{
    Certificate, Client,
    header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue},
    redirect,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::Semaphore;

/// The header of an API key.
const API_KEY: HeaderName = HeaderName::from_static("x-octopus-apikey");
/// The client's name and version.
const USER_AGENT: &str = concat!("poolwright/", env!("CARGO_PKG_VERSION"));
/// The longest time to wait for a connection.
const CONNECT: Duration = Duration::from_secs(15);

/// A connection to a server with one key. Clones share it.
#[derive(Clone, Debug)]
pub struct Connection(Arc<ConnectionInner>);

#[derive(Debug)]
struct ConnectionInner {
    client: Client,
    base: BaseUrl,
    permits: Semaphore,
    timeout: Duration,
    retry_limit: Duration,
    answered: AtomicBool,
    credentials: Credentials,
}

impl Connection {
    /// Prepares a connection without sending anything.
    ///
    /// # Errors
    ///
    /// [`ClientError::BadUrl`], [`ClientError::InsecureUrl`], [`ClientError::BadCredentials`],
    /// [`ClientError::BadCertificates`], or [`ClientError::Setup`] if the system has no certificates.
    pub fn open(options: ConnectionOptions) -> Result<Self, ClientError> {
        let base = BaseUrl::new(options.server.url(), options.insecure_http)?;
        let client = build_client(&options, &base)?;
        Ok(Self(Arc::new(ConnectionInner {
            client,
            base,
            permits: Semaphore::new(options.parallelism.clamp(1, Semaphore::MAX_PERMITS)),
            timeout: options.timeout,
            retry_limit: options.retry_limit,
            answered: AtomicBool::new(false),
            credentials: options.credentials,
        })))
    }

    /// The server's URL, without a trailing slash.
    pub fn url(&self) -> &str {
        self.0.base.as_str()
    }

    pub(super) fn http_client(&self) -> &Client {
        &self.0.client
    }

    pub(super) fn base_url(&self) -> &BaseUrl {
        &self.0.base
    }

    pub(super) fn request_permits(&self) -> &Semaphore {
        &self.0.permits
    }

    pub(super) fn request_timeout(&self) -> Duration {
        self.0.timeout
    }

    /// Returns a timer for the attempts of one request or write.
    pub(crate) fn retry_timer(&self) -> RetryTimer {
        RetryTimer::new(self.0.retry_limit)
    }

    /// Returns a text without the key: a server may quote it.
    pub(super) fn redact(&self, text: &str) -> String {
        match &self.0.credentials {
            Credentials::ApiKey(secret) | Credentials::AccessToken(secret) => secret.redact(text),
            Credentials::Anonymous => text.to_owned(),
        }
    }

    /// Whether the server has ever answered.
    pub(super) fn has_answered(&self) -> bool {
        self.0.answered.load(Ordering::Relaxed)
    }

    /// Records that the server has answered.
    pub(super) fn remember_answer(&self) {
        self.0.answered.store(true, Ordering::Relaxed);
    }
}

fn build_client(options: &ConnectionOptions, base: &BaseUrl) -> Result<Client, ClientError> {
    // From the second call in a process on, a provider is already installed, which is just as good.
    _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .user_agent(USER_AGENT)
        .default_headers(auth_headers(&options.credentials)?)
        .redirect(redirect::Policy::none())
        .referer(false)
        .gzip(true)
        .connect_timeout(CONNECT.min(options.timeout))
        .timeout(options.timeout);
    if base.is_loopback() {
        builder = builder.no_proxy();
    }
    let certificates = parse_certificates(options.ca_pem.as_deref())?;
    builder = match (base.is_https(), certificates.is_empty()) {
        // Plain http needs no certificates, so a machine that has none must not fail.
        (false, _) => builder.tls_certs_only([]),
        (true, true) => builder,
        // The macOS keychain cannot be extended, so the file replaces it there.
        (true, false) if cfg!(target_vendor = "apple") => builder.tls_certs_only(certificates),
        (true, false) => builder.tls_certs_merge(certificates),
    };
    builder.build().map_err(|why| ClientError::Setup(innermost_cause(&why)))
}

fn parse_certificates(pem: Option<&[u8]>) -> Result<Vec<Certificate>, ClientError> {
    let Some(pem) = pem else { return Ok(Vec::new()) };
    let found = Certificate::from_pem_bundle(pem);
    let found = found.map_err(|why| ClientError::BadCertificates(innermost_cause(&why)))?;
    if found.is_empty() {
        return Err(ClientError::BadCertificates("it contains no `BEGIN CERTIFICATE`".to_owned()));
    }
    Ok(found)
}

fn auth_headers(credentials: &Credentials) -> Result<HeaderMap, ClientError> {
    let (name, value) = match credentials {
        Credentials::ApiKey(key) => (API_KEY, key.reveal_text().trim().to_owned()),
        Credentials::AccessToken(token) => {
            (AUTHORIZATION, format!("Bearer {}", token.reveal_text().trim()))
        }
        Credentials::Anonymous => return Ok(HeaderMap::new()),
    };
    let mut value = HeaderValue::from_str(&value).map_err(|_| ClientError::BadCredentials)?;
    value.set_sensitive(true);
    Ok(HeaderMap::from_iter([(name, value)]))
}
