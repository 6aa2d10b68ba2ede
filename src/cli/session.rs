//! Opens a connection from flags, the environment and files.
//!
//! A key is never an argument (a process list would show it), and never in a message or a log.

use super::{
    embedded::{self, Embedded},
    links::is_below_working_folder,
    print,
    trusted_hosts::{ALLOWED_HOSTS, ask_to_trust, trusted_hosts},
};
use crate::ops::{Target, error_with_help};
use poolwright_client::octopus::{
    Connection, ConnectionOptions, Credentials, Secret, ServerHost, TrustedServer,
    token::{IdentitySource, TokenExchange},
};

use anyhow::Context as _;
use std::{
    collections::BTreeSet,
    env, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Flags for the connection.
#[derive(Debug, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Connection")]
pub(super) struct Args {
    /// The server's URL, or `sandbox:` for an embedded server.
    #[arg(long, env = "OCTOPUS_URL", hide_env_values = true, value_name = "URL")]
    url: Option<String>,
    /// The space's name, slug or id.
    #[arg(long, env = "OCTOPUS_SPACE", hide_env_values = true, value_name = "SPACE")]
    pub(super) space: Option<String>,
    /// A file with an API key [default: OCTOPUS_API_KEY, then OCTOPUS_ACCESS_TOKEN].
    #[arg(long, value_name = "FILE")]
    api_key_file: Option<PathBuf>,
    /// A PEM file of certificate authorities to trust in addition to the system's.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Allow plain `http` to another machine. This sends the key unencrypted.
    #[arg(long)]
    insecure_http: bool,
    /// How many requests to run at once.
    #[arg(long, default_value_t = 8, value_name = "N", value_parser = parse_parallelism)]
    pub(super) parallelism: usize,
}

fn parse_parallelism(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n @ 1..=256) => Ok(n),
        _ => Err("expected a number from 1 to 256".to_owned()),
    }
}

/// A server that is named neither on the command line nor in the environment. It does not decide where credentials go.
#[derive(Clone, Copy)]
pub(super) struct DeclaredServer<'a> {
    url: &'a str,
    /// What names it.
    source: &'static str,
    /// Whether that was written by the tool itself, to be used later and perhaps elsewhere.
    is_saved: bool,
}

impl<'a> DeclaredServer<'a> {
    /// The server that a configuration file names.
    pub(super) fn in_file(url: &'a str) -> Self {
        Self { url, source: "the file", is_saved: false }
    }

    /// The server that a saved plan is for.
    pub(super) fn in_plan(url: &'a str) -> Self {
        Self { url, source: "the plan", is_saved: true }
    }

    /// The server of a receipt.
    pub(super) fn in_receipt(url: &'a str) -> Self {
        Self { url, source: "the receipt", is_saved: true }
    }
}

/// An open connection, and the embedded server if it leads to one.
pub(super) struct Session {
    /// The connection to the server.
    pub(super) connection: Connection,
    /// The server as the user named it.
    pub(super) url: String,
    /// Runs until dropped.
    _embedded: Option<Embedded>,
}

impl Session {
    /// Returns the server, and the space that the arguments or the environment name, else the `declared` one.
    pub(super) fn target<'a>(&'a self, args: &'a Args, declared: Option<&'a str>) -> Target<'a> {
        Target { url: &self.url, space: args.space_name(declared) }
    }
}

impl Args {
    /// Returns arguments for a server that is not named by `--url`; the key comes from the environment.
    #[cfg(feature = "sandbox")]
    pub(super) fn for_url(url: &str) -> Self {
        Self {
            url: Some(url.to_owned()),
            space: None,
            api_key_file: None,
            ca_file: None,
            insecure_http: false,
            parallelism: 8,
        }
    }

    /// Returns the URL that the arguments or the environment name.
    pub(super) fn url(&self) -> Option<&str> {
        self.url.as_deref().filter(|it| !it.is_empty())
    }

    /// Returns the space that the arguments or the environment name, else `declared`.
    pub(super) fn space_name<'a>(&'a self, declared: Option<&'a str>) -> Option<&'a str> {
        self.space.as_deref().filter(|name| !name.is_empty()).or(declared)
    }

    /// Connects to the server that the arguments or the environment name, else to the `declared` one.
    pub(super) async fn open_session(
        &self,
        declared: Option<DeclaredServer<'_>>,
    ) -> anyhow::Result<Session> {
        let (url, declared) = match (self.url(), declared) {
            (Some(url), _) => (url, None),
            (None, Some(declared)) => (declared.url, Some(declared)),
            (None, None) => {
                return Err(error_with_help(
                    "no server URL is set",
                    "pass `--url URL`, set OCTOPUS_URL or set `url` under `[octopus]`; \
                     to try it without a server, pass `--url sandbox:`",
                ));
            }
        };
        let (options, embedded) = match url.strip_prefix("sandbox:") {
            Some(store) => {
                if let Some(declared) = declared.filter(|it| it.is_saved && !store.is_empty()) {
                    let message = format!("only {} names `{url}`", declared.source);
                    return Err(error_with_help(message, format!("pass `--url {url}` to use it")));
                }
                if declared.is_some() {
                    check_declared_store(store)?;
                }
                // The embedded server is sent its own key and no other.
                let embedded = embedded::start(store).await?;
                let key = Credentials::ApiKey(Secret::from(embedded.key.to_owned()));
                let server = TrustedServer::named_by_user(&embedded.url);
                (self.build_options(server, key)?, Some(embedded))
            }
            None => (self.auth_options(url, declared).await?, None),
        };
        Ok(Session {
            connection: Connection::open(options)?,
            url: url.to_owned(),
            _embedded: embedded,
        })
    }

    /// Returns how to connect to a real server, with the first credentials found that belong to its host.
    async fn auth_options(
        &self,
        url: &str,
        declared: Option<DeclaredServer<'_>>,
    ) -> anyhow::Result<ConnectionOptions> {
        let host_key = host_key(&ServerHost::from_url(url)?)?;
        let server = match declared {
            None => TrustedServer::named_by_user(url),
            Some(declared) => match TrustedServer::named_elsewhere(url, &trusted_hosts()?)? {
                Ok(server) => server,
                Err(host) => return self.unknown_host_options(declared, host, host_key).await,
            },
        };
        self.own_options(server, host_key).await
    }

    /// Returns how to connect to a host that the user has not named: with the key of that host alone, or after a
    /// question.
    async fn unknown_host_options(
        &self,
        declared: DeclaredServer<'_>,
        host: ServerHost,
        host_key: Option<Secret>,
    ) -> anyhow::Result<ConnectionOptions> {
        let trusted = BTreeSet::from([host.clone()]);
        let trust = || {
            let server = TrustedServer::named_elsewhere(declared.url, &trusted)?;
            server.map_err(|host| untrusted_host_error(declared, &host))
        };
        match host_key {
            Some(key) if self.api_key_file.is_none() => {
                self.build_options(trust()?, Credentials::ApiKey(key))
            }
            _ if !self.has_credentials() => Err(no_credentials_error(Some(&host))),
            _ if !declared.is_saved && ask_to_trust(&host)? => {
                self.own_options(trust()?, None).await
            }
            _ => Err(untrusted_host_error(declared, &host)),
        }
    }

    /// Whether there are any credentials that are not those of one host.
    fn has_credentials(&self) -> bool {
        let is_set = |name: &&str| env::var(name).is_ok_and(|text| !text.trim().is_empty());
        self.api_key_file.is_some() || SHARED_CREDENTIALS.iter().any(is_set)
    }

    /// Returns how to connect to a trusted server, with the first credentials found.
    async fn own_options(
        &self,
        server: TrustedServer,
        host_key: Option<Secret>,
    ) -> anyhow::Result<ConnectionOptions> {
        if let Some(path) = &self.api_key_file {
            return self.build_options(server, Credentials::ApiKey(read_key_file(path)?));
        }
        if let Some(key) = host_key.or_else(|| env_secret(API_KEY)) {
            return self.build_options(server, Credentials::ApiKey(key));
        }
        if let Some(token) = env_secret(ACCESS_TOKEN) {
            return self.build_options(server, Credentials::AccessToken(token));
        }
        if let Ok(account) = env::var(SERVICE_ACCOUNT) {
            let options = self.build_options(server, Credentials::Anonymous)?;
            return exchange_identity(options, account.trim()).await;
        }
        Err(no_credentials_error(None))
    }

    fn build_options(
        &self,
        server: TrustedServer,
        credentials: Credentials,
    ) -> anyhow::Result<ConnectionOptions> {
        let ca_pem = self
            .ca_file
            .as_ref()
            .map(|path| fs::read(path).map_err(|why| unreadable_file("certificates", path, &why)));
        Ok(ConnectionOptions {
            ca_pem: ca_pem.transpose()?,
            insecure_http: self.insecure_http,
            parallelism: self.parallelism,
            ..ConnectionOptions::new(server, credentials)
        })
    }
}

/// The variables with credentials for whichever server the user names.
const SHARED_CREDENTIALS: [&str; 3] = [API_KEY, ACCESS_TOKEN, SERVICE_ACCOUNT];
const API_KEY: &str = "OCTOPUS_API_KEY";
const ACCESS_TOKEN: &str = "OCTOPUS_ACCESS_TOKEN";
const SERVICE_ACCOUNT: &str = "OCTOPUS_SERVICE_ACCOUNT_ID";

/// Returns the key of the variable that is named after a host, ignoring case.
fn host_key(host: &ServerHost) -> anyhow::Result<Option<Secret>> {
    let Some(wanted) = key_variable(host) else { return Ok(None) };
    let keys: BTreeSet<String> = text_variables()
        .filter(|(name, key)| name.eq_ignore_ascii_case(&wanted) && !key.is_empty())
        .map(|(_, key)| key)
        .collect();
    if keys.len() > 1 {
        let message = format!("{wanted} is set to different keys in different spellings");
        return Err(error_with_help(message, "set it once"));
    }
    Ok(keys.into_iter().next().map(Secret::from))
}

/// Returns the variables of the environment that are text, with their values trimmed.
fn text_variables() -> impl Iterator<Item = (String, String)> {
    env::vars_os().filter_map(|(name, value)| {
        Some((name.into_string().ok()?, value.into_string().ok()?.trim().to_owned()))
    })
}

/// Returns the name of the variable with the key of a host, if a variable can be named after it.
fn key_variable(host: &ServerHost) -> Option<String> {
    Some(format!("{API_KEY}_{}", host.variable_suffix()?))
}

fn untrusted_host_error(declared: DeclaredServer<'_>, host: &ServerHost) -> anyhow::Error {
    let message = format!("no credentials are sent to {host}: only {} names it", declared.source);
    let own = key_variable(host).map(|name| format!(", or set {name} to its API key"));
    let help = format!(
        "if you trust it, set OCTOPUS_URL or pass `--url {}`, or add {host} to {ALLOWED_HOSTS}{}",
        declared.url,
        own.unwrap_or_default()
    );
    error_with_help(message, help)
}

fn no_credentials_error(host: Option<&ServerHost>) -> anyhow::Error {
    let own = host.and_then(key_variable).map(|name| format!(", or {name}"));
    error_with_help(
        "no API key is set",
        format!(
            "set {API_KEY} or {ACCESS_TOKEN}{}, or pass `--api-key-file FILE`",
            own.unwrap_or_default()
        ),
    )
}

/// Checks a sandbox that a file, a saved plan or a receipt names: none of them chooses a path outside.
fn check_declared_store(store: &str) -> anyhow::Result<()> {
    if store == ":memory:" || store.is_empty() || is_below_working_folder(Path::new(store)) {
        return Ok(());
    }
    Err(error_with_help(
        format!("the sandbox `{store}` is outside the working folder, and only a file names it"),
        "name it on the command line too: `--url sandbox:PATH`, or set OCTOPUS_URL",
    ))
}

/// Reads an API key from a file.
fn read_key_file(path: &Path) -> anyhow::Result<Secret> {
    let key = fs::read_to_string(path).map_err(|why| unreadable_file("key", path, &why))?;
    if key.trim().is_empty() || key.trim().contains(char::is_whitespace) {
        let message = format!("`{}` does not contain a single API key", path.display());
        return Err(error_with_help(message, "put only the key in the file"));
    }
    let key = Secret::from(key.trim().to_owned());
    print::withhold_secret(&key);
    Ok(key)
}

/// Returns a secret from the environment, unless it is unset or blank.
fn env_secret(name: &str) -> Option<Secret> {
    let text = env::var(name).ok()?;
    (!text.trim().is_empty()).then(|| Secret::from(text.trim().to_owned()))
}

/// Withholds the secrets of the environment from everything that is printed, whether they are used or not.
pub(super) fn withhold_env_secrets() {
    for name in [
        "OCTOPUS_API_KEY",
        "OCTOPUS_ACCESS_TOKEN",
        "OCTOPUS_ID_TOKEN",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    ] {
        env_secret(name).iter().for_each(print::withhold_secret);
    }
    let is_host_key = |name: &str| {
        name.get(..API_KEY.len()).is_some_and(|start| start.eq_ignore_ascii_case(API_KEY))
    };
    for (_, key) in text_variables().filter(|(name, key)| is_host_key(name) && !key.is_empty()) {
        print::withhold_secret(&Secret::from(key));
    }
}

/// Exchanges the identity that the CI job offers for an access token, which is renewed before it ends.
async fn exchange_identity(
    options: ConnectionOptions,
    account: &str,
) -> anyhow::Result<ConnectionOptions> {
    let (account, identity) = (account.to_owned(), identity_source()?);
    let exchange = Arc::new(TokenExchange { options: options.clone(), account, identity });
    let identity = exchange.identity_token().await;
    let identity = identity.context("cannot get the job's identity token")?;
    print::withhold_secret(&identity);
    let token = exchange.exchange(&identity).await;
    let token = token.context("cannot exchange the job's identity for an access token")?;
    print::withhold_secret(&token.secret);
    Ok(ConnectionOptions { credentials: Credentials::Exchanged(exchange, token), ..options })
}

/// Returns where the identity token of the CI job comes from.
fn identity_source() -> anyhow::Result<IdentitySource> {
    if let Some(token) = env_secret("OCTOPUS_ID_TOKEN") {
        return Ok(IdentitySource::Token(token));
    }
    let url = env::var("ACTIONS_ID_TOKEN_REQUEST_URL");
    let (Ok(url), Some(token)) = (url, env_secret("ACTIONS_ID_TOKEN_REQUEST_TOKEN")) else {
        return Err(error_with_help(
            "OCTOPUS_SERVICE_ACCOUNT_ID is set, but this job offers no identity token",
            "on GitHub, give the job `permissions: id-token: write`; elsewhere, set OCTOPUS_ID_TOKEN to the token",
        ));
    };
    Ok(IdentitySource::GitHub { url, token })
}

fn unreadable_file(what: &str, path: &Path, why: &io::Error) -> anyhow::Error {
    let message = format!("cannot read the {what} from `{}`: {why}", path.display());
    error_with_help(message, "name a readable file")
}
