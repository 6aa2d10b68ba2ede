//! Which server a credential may be sent to: a key belongs to a host.
//!
//! A connection is made for a [`TrustedServer`], and there are two ways to one: the user names the server, or the user
//! has named its host before and something else names the server. Links and redirects are neither, so they are never
//! followed to another host. Never: the environment, a file or a question; the caller collects the hosts.

use super::{ClientError, base::BaseUrl};
use reqwest::Url;
use std::{collections::BTreeSet, fmt, str::FromStr};

/// A server that may be sent credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedServer(String);

/// A host that credentials belong to, with its port. Two hosts are the same if scheme, name and port are.
///
/// The name is in lower case and ASCII (an international name in Punycode), without a trailing dot; an IPv4 address is
/// in its usual form, and an IPv6 address in brackets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerHost {
    is_https: bool,
    name: String,
    port: u16,
}

/// A text that is not a host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a host such as `octopus.example`, `octopus.example:8443` or `http://octopus.example`"
)]
pub struct ParseHostError(String);

impl TrustedServer {
    /// Trusts a server because the user names it: on the command line, or in the environment.
    pub fn named_by_user(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// Trusts a server that something else names, such as a file, if its host is among those that the user has named.
    ///
    /// # Errors
    ///
    /// Returns the host if it is not among them, and [`ClientError::BadUrl`] if the URL is not valid.
    pub fn named_elsewhere(
        url: &str,
        trusted: &BTreeSet<ServerHost>,
    ) -> Result<Result<Self, ServerHost>, ClientError> {
        let host = ServerHost::from_url(url)?;
        let is_trusted = trusted.contains(&host);
        Ok(if is_trusted { Ok(Self(url.to_owned())) } else { Err(host) })
    }

    /// The URL.
    pub(super) fn url(&self) -> &str {
        &self.0
    }
}

impl ServerHost {
    /// Returns the host of a server's URL.
    ///
    /// # Errors
    ///
    /// [`ClientError::BadUrl`] if it is not a valid server URL.
    pub fn from_url(url: &str) -> Result<Self, ClientError> {
        let base = BaseUrl::new(url, true)?;
        Ok(Self::from_parsed(base.url()))
    }

    fn from_parsed(url: &Url) -> Self {
        Self {
            is_https: url.scheme() == "https",
            name: url.host_str().unwrap_or_default().to_owned(),
            port: url.port_or_known_default().unwrap_or_default(),
        }
    }

    /// Returns the end of the name of the variable that holds the key of this host: dots become `_`, hyphens `__`, and
    /// a port other than the usual one follows after `_`.
    ///
    /// `None` for an IPv6 address, for plain `http` to another machine, and for a name with characters that make two
    /// names one variable: an underscore, or a hyphen at the end of a part.
    pub fn variable_suffix(&self) -> Option<String> {
        let is_plain_part = |part: &str| {
            let is_plain = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
            !part.is_empty()
                && part.bytes().all(is_plain)
                && !part.starts_with('-')
                && !part.ends_with('-')
        };
        let is_plain = self.name.split('.').all(is_plain_part);
        let is_safe = self.is_https || self.is_loopback();
        (is_plain && is_safe).then(|| {
            let name = self.name.replace('-', "__").replace('.', "_");
            let port = self.shown_port().map_or_else(String::new, |port| format!("_{port}"));
            format!("{name}{port}")
        })
    }

    fn is_loopback(&self) -> bool {
        super::base::is_loopback_host(&self.name)
    }

    /// Returns the port, unless it is the usual one.
    fn shown_port(&self) -> Option<u16> {
        let usual = if self.is_https { 443 } else { 80 };
        (self.port != usual).then_some(self.port)
    }
}

impl fmt::Display for ServerHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_https {
            f.write_str("http://")?;
        }
        f.write_str(&self.name)?;
        self.shown_port().map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// Parses a host, with or without a scheme. Without one, it is `https`, or `http` on this machine.
impl FromStr for ServerHost {
    type Err = ParseHostError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseHostError(text.escape_debug().to_string());
        let text = text.trim();
        let parse = |url: &str| BaseUrl::new(url, true).map_err(|_| error());
        let base = if text.contains("://") {
            parse(text)?
        } else {
            let base = parse(&format!("https://{text}"))?;
            if base.is_loopback() { parse(&format!("http://{text}"))? } else { base }
        };
        let has_only_host = base.url().path() == "/" && !text.contains(['\\', '#']);
        if has_only_host { Ok(Self::from_parsed(base.url())) } else { Err(error()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> String {
        match text.parse::<ServerHost>() {
            Ok(host) => host.to_string(),
            Err(_) => "none".to_owned(),
        }
    }

    fn is_trusted(url: &str, hosts: &[&str]) -> bool {
        let hosts = hosts.iter().map(|it| it.parse().unwrap()).collect();
        TrustedServer::named_elsewhere(url, &hosts).is_ok_and(|trusted| trusted.is_ok())
    }

    fn variable(url: &str) -> Option<String> {
        ServerHost::from_url(url).unwrap().variable_suffix()
    }

    #[test]
    fn equivalent_host_spellings_parse_to_one_host() {
        for text in [
            "octopus.acme.example",
            " Octopus.ACME.example. ",
            "https://octopus.acme.example",
            "octopus.acme.example:443",
            "https://octopus.acme.example:443/",
        ] {
            assert_eq!(host(text), "octopus.acme.example", "{text}");
        }
        assert_eq!(host("octopus.acme.example:8443"), "octopus.acme.example:8443");
        assert_eq!(host("http://octopus.acme.example"), "http://octopus.acme.example");
        assert_eq!(host("bücher.example"), "xn--bcher-kva.example");
        assert_eq!(host("[2001:DB8::1]:8443"), "[2001:db8::1]:8443");
        assert_eq!(host("localhost:8065"), "http://localhost:8065");
        assert_eq!(host("127.1:8065"), "http://127.0.0.1:8065");
        for text in [
            "",
            "*",
            "*.acme.example",
            "a b",
            "acme.example/octopus",
            "me@acme.example",
            "ftp://a",
            "a#b",
            "a\\b",
            "a?b",
        ] {
            assert_eq!(host(text), "none", "{text}");
        }
    }

    #[test]
    fn a_server_is_trusted_if_scheme_name_and_port_are_those_of_a_host() {
        let hosts = ["octopus.acme.example"];
        for url in [
            "https://octopus.acme.example",
            "https://OCTOPUS.acme.example.:443/octopus/api",
            "https://octopus.acme.example/app#/configuration/about",
        ] {
            assert!(is_trusted(url, &hosts), "{url}");
        }
        for url in [
            "http://octopus.acme.example",
            "https://octopus.acme.example:8443",
            "https://octopus.acme.example.evil.example",
            "https://evil-octopus.acme.example",
            "https://acme.example",
            "https://octopus.acme.example@evil.example",
            "https://evil.example/octopus.acme.example",
            "https://evil.example\\@octopus.acme.example",
            "https://evil.example#@octopus.acme.example",
            "https://evil.example/app#/octopus.acme.example",
            "https://*.acme.example",
            "https://*",
            // It is refused on any host, as the page of a space.
            "https://octopus.acme.example/app#/Spaces-1",
            "https://оctopus.acme.example",
            "octopus.acme.example",
            "",
        ] {
            assert!(!is_trusted(url, &hosts), "{url}");
        }
        assert!(is_trusted("http://[::1]:8065", &["[::1]:8065"]));
        assert!(!is_trusted("http://[::1]:8066", &["[::1]:8065"]));
        assert!(!is_trusted("https://octopus.acme.example", &[]));
        assert!(is_trusted("http://octopus.acme.example", &["http://octopus.acme.example"]));
    }

    #[test]
    fn each_variable_name_belongs_to_one_host() {
        for (url, name) in [
            ("https://octopus.eu.acme.example", "octopus_eu_acme_example"),
            ("https://Octopus-EU.acme.example./", "octopus__eu_acme_example"),
            ("https://octopus.acme.example:8443", "octopus_acme_example_8443"),
            ("https://bücher.example", "xn____bcher__kva_example"),
            ("http://127.0.0.1:8065", "127_0_0_1_8065"),
            ("https://a--b.example", "a____b_example"),
        ] {
            assert_eq!(variable(url).as_deref(), Some(name), "{url}");
        }
        for url in [
            "https://octopus_eu.acme.example",
            "https://octopus-.acme.example",
            "https://octopus.-acme.example",
            "http://octopus.acme.example",
            "https://[::1]",
        ] {
            assert_eq!(variable(url), None, "{url}");
        }
    }
}
