//! A connection: the HTTP client, the credentials, and the limits that all requests share.

use super::{
    ClientError, ConnectionOptions, auth::RequestAuth, base::BaseUrl, error::innermost_cause,
    outage::Outage, retry::RetryTimer,
};
use reqwest::{Certificate, Client, redirect};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Semaphore, time::Instant};

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
    auth: RequestAuth,
    permits: Semaphore,
    timeout: Duration,
    retry_limit: Duration,
    outage: Arc<Outage>,
    write_outage: Arc<Outage>,
    answered: AtomicBool,
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
            auth: RequestAuth::new(options.credentials)?,
            permits: Semaphore::new(options.parallelism.clamp(1, Semaphore::MAX_PERMITS)),
            timeout: options.timeout,
            retry_limit: options.retry_limit,
            outage: Arc::new(Outage::new(options.retry_limit)),
            write_outage: Arc::new(Outage::new(options.retry_limit)),
            answered: AtomicBool::new(false),
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

    pub(super) fn auth(&self) -> &RequestAuth {
        &self.0.auth
    }

    /// Returns a timer for the attempts of one read.
    pub(super) fn read_timer(&self) -> RetryTimer {
        RetryTimer::new(self.0.retry_limit, Arc::clone(&self.0.outage), None)
    }

    /// Returns a timer for the attempts of one write, of which none begins after `until`.
    pub(crate) fn write_timer(&self, until: Option<Instant>) -> RetryTimer {
        RetryTimer::new(self.0.retry_limit, Arc::clone(&self.0.write_outage), until)
    }

    /// Returns how long the server has not answered, once that is too long to wait any longer.
    pub(crate) fn outage_over_limit(&self) -> Option<Duration> {
        self.0.outage.length_over_limit()
    }

    /// Whether the server has answered lately.
    pub(super) fn outage(&self) -> &Outage {
        &self.0.outage
    }

    /// Whether the server has answered a write lately: in maintenance it may answer reads alone.
    pub(super) fn write_outage(&self) -> &Outage {
        &self.0.write_outage
    }

    /// Whether the server has ever answered.
    pub(super) fn has_answered(&self) -> bool {
        self.0.answered.load(Ordering::Relaxed)
    }

    /// Records that something has answered, which may be a gateway.
    pub(super) fn remember_answer(&self) {
        self.0.answered.store(true, Ordering::Relaxed);
    }
}

fn build_client(options: &ConnectionOptions, base: &BaseUrl) -> Result<Client, ClientError> {
    // From the second call in a process on, a provider is already installed, which is just as good.
    _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .user_agent(USER_AGENT)
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
