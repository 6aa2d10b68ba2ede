//! Opens a connection from flags, the environment and files.
//!
//! A key is never an argument (a process list would show it), and never in a message or a log.

use super::{
    embedded::{self, Embedded},
    print,
};
use crate::ops::{Target, error_with_help};
use poolwright_client::octopus::{Connection, ConnectionOptions, Credentials, Secret, token};

use anyhow::Context as _;
use std::{
    env, fs, io,
    path::{Path, PathBuf},
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

    /// Connects to the server that the arguments or the environment name, else to `declared`.
    pub(super) async fn open_session(&self, declared: Option<&str>) -> anyhow::Result<Session> {
        let Some(url) = self.url().or(declared) else {
            return Err(error_with_help(
                "no server URL is set",
                "pass `--url URL`, set OCTOPUS_URL or set `url` under `[octopus]`; \
                 to try it without a server, pass `--url sandbox:`",
            ));
        };
        let (options, embedded) = match url.strip_prefix("sandbox:") {
            Some(store) => {
                let embedded = embedded::start(store).await?;
                let key = Credentials::ApiKey(Secret::from(embedded.key.to_owned()));
                (self.build_options(&embedded.url, key)?, Some(embedded))
            }
            None => (self.auth_options(url).await?, None),
        };
        Ok(Session {
            connection: Connection::open(options)?,
            url: url.to_owned(),
            _embedded: embedded,
        })
    }

    /// Returns how to connect to a real server, with the first credentials found.
    async fn auth_options(&self, url: &str) -> anyhow::Result<ConnectionOptions> {
        if let Some(path) = &self.api_key_file {
            return self.build_options(url, Credentials::ApiKey(read_key_file(path)?));
        }
        if let Some(key) = env_secret("OCTOPUS_API_KEY") {
            return self.build_options(url, Credentials::ApiKey(key));
        }
        if let Some(token) = env_secret("OCTOPUS_ACCESS_TOKEN") {
            return self.build_options(url, Credentials::AccessToken(token));
        }
        if let Ok(account) = env::var("OCTOPUS_SERVICE_ACCOUNT_ID") {
            let identity = identity_token(account.trim()).await?;
            let options = self.build_options(url, Credentials::Anonymous)?;
            let token = token::exchange_identity(options.clone(), account.trim(), &identity).await;
            let token = token.context("cannot exchange the job's identity for an access token")?;
            print::withhold_secret(&token);
            return Ok(ConnectionOptions {
                credentials: Credentials::AccessToken(token),
                ..options
            });
        }
        Err(error_with_help(
            "no API key is set",
            "set OCTOPUS_API_KEY or OCTOPUS_ACCESS_TOKEN, or pass `--api-key-file FILE`",
        ))
    }

    fn build_options(
        &self,
        url: &str,
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
            ..ConnectionOptions::new(url, credentials)
        })
    }
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
}

/// Gets the identity token that the CI job offers for a service account.
async fn identity_token(account: &str) -> anyhow::Result<Secret> {
    if let Some(token) = env_secret("OCTOPUS_ID_TOKEN") {
        return Ok(token);
    }
    let url = env::var("ACTIONS_ID_TOKEN_REQUEST_URL");
    let (Ok(url), Some(token)) = (url, env_secret("ACTIONS_ID_TOKEN_REQUEST_TOKEN")) else {
        return Err(error_with_help(
            "OCTOPUS_SERVICE_ACCOUNT_ID is set, but this job offers no identity token",
            "on GitHub, give the job `permissions: id-token: write`; elsewhere, set OCTOPUS_ID_TOKEN to the token",
        ));
    };
    let identity = token::github_identity(&url, token, account).await;
    let identity = identity.context("cannot get the job's identity token")?;
    print::withhold_secret(&identity);
    Ok(identity)
}

fn unreadable_file(what: &str, path: &Path, why: &io::Error) -> anyhow::Error {
    let message = format!("cannot read the {what} from `{}`: {why}", path.display());
    error_with_help(message, "name a readable file")
}
