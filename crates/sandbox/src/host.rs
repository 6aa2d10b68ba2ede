//! Which requests are answered at all: those that are addressed to this server, and not made by a page of another.
//!
//! A browser lets any page send requests to the loopback address, and a name that resolves to it makes its page the
//! same site (DNS rebinding). What tells them apart is the `Host` that was asked for, and the `Origin` that asks.

use crate::{answer::ErrorResponse, reply};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, Method, StatusCode, header, request::Parts, uri::Authority},
    middleware::Next,
    response::Response,
};
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The hosts that a server answers to.
#[derive(Clone, Debug)]
pub(crate) struct AllowedHosts {
    /// The address that it listens on.
    bound: IpAddr,
    /// The names that it was given, in lower case.
    named: Vec<String>,
}

impl AllowedHosts {
    pub(crate) fn new(bound: SocketAddr, named: &[String]) -> Self {
        let named = named.iter().map(|name| name.to_ascii_lowercase()).collect();
        Self { bound: bound.ip(), named }
    }

    /// Whether a `Host` is this server: a loopback name or address, the address that it listens on, or a name that
    /// it was given. The port is not compared, since a tunnel may have another.
    fn is_allowed(&self, host: &str) -> bool {
        let Ok(authority) = host.parse::<Authority>() else { return false };
        let name = authority.host().trim_end_matches('.').to_ascii_lowercase();
        if name == "localhost" || name.ends_with(".localhost") || self.named.contains(&name) {
            return true;
        }
        let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        // No name leads to an address in a `Host`, so a server on every interface may be asked by each of them.
        address.is_ok_and(|address| {
            address.is_loopback() || address == self.bound || self.bound.is_unspecified()
        })
    }
}

/// Passes on a request that is for this server, and refuses the others.
pub(crate) async fn check_request(
    State(hosts): State<Arc<AllowedHosts>>,
    request: Request,
    next: Next,
) -> Response {
    match refusal_reason(&hosts, request.method(), request.headers()) {
        None => next.run(request).await,
        Some(why) => {
            reply::refusal_response(ErrorResponse::with_status(StatusCode::FORBIDDEN, why))
        }
    }
}

/// Why a request is refused, if it is.
fn refusal_reason(
    hosts: &AllowedHosts,
    method: &Method,
    headers: &HeaderMap,
) -> Option<&'static str> {
    // Only programs leave the host out.
    if header_text(headers, &header::HOST).is_some_and(|host| !hosts.is_allowed(host)) {
        return Some("This host is not served here.");
    }
    let is_write = !matches!(*method, Method::GET | Method::HEAD);
    (is_write && is_cross_site(headers)).then_some("Requests of pages of other sites are refused.")
}

/// Whether a browser sends a request for a page of another server. The sandbox's own routes refuse reads of those
/// too, since they need no key.
pub(crate) fn is_cross_origin(parts: &Parts) -> bool {
    is_cross_site(&parts.headers)
}

fn is_cross_site(headers: &HeaderMap) -> bool {
    let host = header_text(headers, &header::HOST);
    let is_other = |url: &str| {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let asking = rest.split(['/', '?', '#']).next();
        !asking.zip(host).is_some_and(|(asking, host)| asking.eq_ignore_ascii_case(host))
    };
    if let Some(origin) = header_text(headers, &header::ORIGIN) {
        return is_other(origin);
    }
    match header_text(headers, &FETCH_SITE) {
        Some(site) => !matches!(site, "same-origin" | "none"),
        None => header_text(headers, &header::REFERER).is_some_and(is_other),
    }
}

fn header_text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    // A header that is not text is one that no browser sends.
    headers.get(name).map(|value| value.to_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(bound: &str) -> AllowedHosts {
        AllowedHosts::new(bound.parse().unwrap(), &["Sandbox.corp.example".to_owned()])
    }

    #[test]
    fn a_server_answers_to_loopback_its_own_address_and_the_names_it_was_given() {
        let local = hosts("127.0.0.1:8065");
        for host in [
            "127.0.0.1:8065",
            "127.0.0.1",
            "127.1.2.3:80",
            "localhost:9000",
            "LOCALHOST.",
            "octopus.localhost:8065",
            "[::1]:8065",
            "sandbox.CORP.example:8065",
        ] {
            assert!(local.is_allowed(host), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:8065",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "10.0.0.5:8065",
            "[fe80::1]:8065",
            "corp.example",
            "",
            "a b",
            "user@127.0.0.1@evil.example",
        ] {
            assert!(!local.is_allowed(host), "{host}");
        }
        assert!(hosts("10.0.0.5:8065").is_allowed("10.0.0.5:8065"));
        assert!(hosts("0.0.0.0:8065").is_allowed("10.0.0.5:8065"));
        assert!(!hosts("0.0.0.0:8065").is_allowed("evil.example:8065"));
    }

    #[test]
    fn a_cross_site_page_cannot_write() {
        let local = hosts("127.0.0.1:8065");
        let reason = |method: Method, lines: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "127.0.0.1:8065".parse().unwrap());
            for (name, value) in lines {
                headers.insert(*name, value.parse().unwrap());
            }
            refusal_reason(&local, &method, &headers)
        };
        for lines in [
            &[("origin", "http://evil.example")][..],
            &[("origin", "null")],
            &[("origin", "http://127.0.0.1:9999")],
            &[("origin", "http://127.0.0.1:8065.evil.example")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("referer", "http://evil.example/page")],
        ] {
            for method in [Method::POST, Method::PUT, Method::DELETE] {
                assert!(reason(method, lines).is_some(), "{lines:?}");
            }
            assert_eq!(reason(Method::GET, lines), None, "{lines:?}");
        }
        for lines in [
            &[][..],
            &[("origin", "http://127.0.0.1:8065")],
            &[("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "none")],
            &[("referer", "http://127.0.0.1:8065/?space=Spaces-1")],
        ] {
            assert_eq!(reason(Method::POST, lines), None, "{lines:?}");
        }
    }
}
