//! The server URL given by the user, and the request URLs built on it.
//!
//! Never: a URL that a server sent; links are not followed.

use super::ClientError;
use reqwest::Url;
use std::net::IpAddr;

const NO_SCHEME: &str = "it starts with neither `https://` nor `http://`";

/// The base URL of a server: scheme, host, port and base path, without a trailing slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BaseUrl {
    text: String,
    url: Url,
}

impl BaseUrl {
    /// Parses `text`, without a trailing `/api` or `/app`, which a browser shows.
    ///
    /// # Errors
    ///
    /// [`ClientError::BadUrl`] if it is not a valid server URL, [`ClientError::InsecureUrl`] if the key would
    /// cross a network unencrypted.
    pub(super) fn new(text: &str, insecure_http: bool) -> Result<Self, ClientError> {
        let bad_url =
            |why: &str| ClientError::BadUrl { url: redact_url(text), why: why.to_owned() };
        let url = Url::parse(text.trim()).map_err(|why| {
            if text.contains("://") { bad_url(&why.to_string()) } else { bad_url(NO_SCHEME) }
        })?;
        match url.scheme() {
            "https" => {}
            "http" if insecure_http || is_loopback_url(&url) => {}
            "http" => return Err(ClientError::InsecureUrl(redact_url(text))),
            _ => return Err(bad_url(NO_SCHEME)),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad_url("it contains a user name or password, which messages would show"));
        }
        if url.query().is_some() || url.fragment().is_some_and(|it| !it.starts_with('/')) {
            return Err(bad_url("it has a query or a fragment"));
        }
        if let Some(space) = space_of_page(&url) {
            let why = format!(
                "it is the address of a page of space `{space}`, which `--space {space}` selects"
            );
            return Err(bad_url(&why));
        }
        // The same name, which ends at the root of all names in both cases.
        let mut url = url;
        let without_dot = url.host_str().and_then(|host| host.strip_suffix('.')).map(str::to_owned);
        if let Some(name) = without_dot {
            url.set_host(Some(&name)).map_err(|why| bad_url(&why.to_string()))?;
        }
        let path = url.path().trim_end_matches('/');
        if !url.host_str().is_some_and(is_host_name) {
            return Err(bad_url("its host is neither a name nor an address"));
        }
        let below = ["/api", "/app"].iter().find_map(|it| path.strip_suffix(it)).unwrap_or(path);
        let origin = url.origin().ascii_serialization();
        let text = format!("{origin}{}", below.trim_end_matches('/'));
        let url = Url::parse(&text).map_err(|why| bad_url(&why.to_string()))?;
        Ok(Self { text, url })
    }

    /// The base URL as text.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// The base URL.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// Whether the server is reached over TLS.
    pub(super) fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Whether the server is on this machine, so that no proxy is used.
    pub(super) fn is_loopback(&self) -> bool {
        is_loopback_url(&self.url)
    }

    /// Returns the URL of a path below the base: `/api/spaces/all`.
    ///
    /// # Errors
    ///
    /// [`ClientError::BadUrl`] if the path is not valid.
    pub(super) fn join_path(&self, path: &str) -> Result<Url, ClientError> {
        let text = format!("{}{path}", self.text);
        Url::parse(&text).map_err(|why| ClientError::BadUrl { url: text, why: why.to_string() })
    }

    /// Whether `other` has the same scheme, host and port, so that the key may be sent there.
    pub(super) fn is_same_origin(&self, other: &Url) -> bool {
        self.url.origin() == other.origin()
    }
}

/// Whether a host is an address or a name that a server can have. A URL may have others, such as `*`.
fn is_host_name(host: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    host.starts_with('[') || !host.is_empty() && host.bytes().all(is_plain)
}

/// Returns the space of a page of the web portal or the API, if its URL names one: `/app#/Spaces-2`.
fn space_of_page(url: &Url) -> Option<&str> {
    let in_fragment = url.fragment().into_iter().flat_map(|text| text.split('/'));
    let in_path = url.path().split('/').skip_while(|part| !matches!(*part, "app" | "api")).skip(1);
    let is_space = |part: &&str| {
        let number =
            part.get(..7).filter(|it| it.eq_ignore_ascii_case("spaces-")).map(|_| &part[7..]);
        number.is_some_and(|it| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit()))
    };
    in_fragment.chain(in_path).find(is_space)
}

/// Returns a URL fit for a message: without anything that may be a password or a key.
fn redact_url(text: &str) -> String {
    let text = text.split('?').next().unwrap_or_default();
    match (text.find("://"), text.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => {
            format!("{}://…{}", &text[..scheme], &text[at..])
        }
        _ => text.to_owned(),
    }
}

fn is_loopback_url(url: &Url) -> bool {
    is_loopback_host(url.host_str().unwrap_or_default())
}

/// Whether a host is this machine: `localhost`, or a loopback address.
pub(super) fn is_loopback_host(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|it| it.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(text: &str) -> String {
        match BaseUrl::new(text, false) {
            Ok(base) => base.as_str().to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn browser_urls_resolve_to_the_server_url() {
        for text in [
            "https://Octopus.Acme.example",
            " https://octopus.acme.example:443/ ",
            "https://octopus.acme.example/api/",
            "https://octopus.acme.example/app#/",
            "https://octopus.acme.example/app#/configuration/about",
        ] {
            assert_eq!(base(text), "https://octopus.acme.example", "{text}");
        }
        assert_eq!(base("https://acme.example/octopus//api"), "https://acme.example/octopus");
    }

    #[test]
    fn a_space_url_is_refused_with_a_hint_to_the_space_option() {
        for page in
            ["app#/Spaces-2", "app#/spaces-2/projects", "api/Spaces-2", "app/Spaces-2/tasks"]
        {
            let text = base(&format!("https://octopus.acme.example/{page}"));
            assert!(text.to_lowercase().contains("--space spaces-2"), "{text}");
        }
    }

    #[test]
    fn a_key_is_not_sent_unencrypted_over_a_network() {
        for text in ["http://localhost:8066", "http://127.1.2.3", "http://[::1]:80"] {
            assert!(base(text).starts_with("http://"), "{text}");
        }
        insta::assert_snapshot!(base("http://octopus.acme.example"), @"`http://octopus.acme.example` is not an https URL, so the key would be sent in the clear");
        insta::assert_snapshot!(base("http://127.0.0.1.evil.example"), @"`http://127.0.0.1.evil.example` is not an https URL, so the key would be sent in the clear");
        assert!(BaseUrl::new("http://octopus.acme.example", true).is_ok());
    }

    #[test]
    fn an_invalid_server_url_is_refused_without_showing_its_password() {
        insta::assert_snapshot!(base("octopus.acme.example"), @"`octopus.acme.example` is not a valid Octopus Server URL: it starts with neither `https://` nor `http://`");
        insta::assert_snapshot!(base("ftp://octopus.acme.example"), @"`ftp://octopus.acme.example` is not a valid Octopus Server URL: it starts with neither `https://` nor `http://`");
        insta::assert_snapshot!(base("https://admin:hunter2@octopus.acme.example"), @"`https://…@octopus.acme.example` is not a valid Octopus Server URL: it contains a user name or password, which messages would show");
        insta::assert_snapshot!(base("https://octopus.acme.example/?apikey=x"), @"`https://octopus.acme.example/` is not a valid Octopus Server URL: it has a query or a fragment");
    }

    #[test]
    fn a_host_with_pattern_characters_is_refused() {
        for host in ["*", "*.acme.example", "octopus.*", "{host}", "$host", "a,b", "a;b", "'a'"] {
            let text = base(&format!("https://{host}"));
            assert!(text.ends_with("its host is neither a name nor an address"), "{text}");
        }
        for host in ["octopus_eu.acme.example", "10.0.0.1", "[2001:db8::1]", "b\u{fc}cher.example"]
        {
            assert!(base(&format!("https://{host}")).starts_with("https://"), "{host}");
        }
    }

    #[test]
    fn a_path_below_the_base_keeps_its_prefix() {
        let base = BaseUrl::new("https://acme.example/octopus/", false).unwrap();
        let url = base.join_path("/api/Spaces-1/workers/all").unwrap();
        assert_eq!(url.as_str(), "https://acme.example/octopus/api/Spaces-1/workers/all");
        assert!(base.is_same_origin(&url));
        for other in
            ["http://acme.example/octopus", "https://acme.example:8443", "https://a.example"]
        {
            assert!(!base.is_same_origin(&Url::parse(other).unwrap()), "{other}");
        }
    }
}
