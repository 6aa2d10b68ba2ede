//! A request as the routes see it: method, decoded path segments, query, body.

use crate::{
    answer::{ErrorResponse, HandlerResult},
    url,
};
use axum::http::{Method, request::Parts};
use serde_json::Value;

/// One request.
#[derive(Debug)]
pub(crate) struct SandboxRequest {
    /// Its verb, after `X-HTTP-Method-Override`.
    pub(crate) verb: HttpVerb,
    /// The segments of its path, each decoded on its own, so that `refs%2Fheads%2Fmain` is one.
    pub(crate) path: Vec<String>,
    /// The names of its query in lower case, and their values.
    pub(crate) query: Vec<(String, String)>,
    /// The API key or access token.
    pub(crate) key: Option<String>,
    /// The client's `User-Agent`.
    pub(crate) agent: String,
    /// The `Host` that the client asked: `127.0.0.1:8065`.
    pub(crate) host: String,
    /// The body.
    pub(crate) body: String,
}

/// The methods that the API knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HttpVerb {
    /// `GET` and `HEAD`.
    Get,
    /// `POST` without an override.
    Post,
    /// `PUT`.
    Put,
    /// `DELETE`.
    Delete,
    /// Anything else.
    Other,
}

/// The method of a request, or that of its `X-HTTP-Method-Override`.
pub(crate) fn effective_method(parts: &Parts) -> String {
    let stands_for = parts.headers.get("x-http-method-override").and_then(|it| it.to_str().ok());
    match stands_for.filter(|_| parts.method == Method::POST) {
        Some(method) => method.to_uppercase(),
        None => parts.method.to_string(),
    }
}

impl SandboxRequest {
    /// Reads the parts of a request.
    pub(crate) fn new(parts: &Parts, body: &[u8]) -> Self {
        let Parts { uri, headers, .. } = parts;
        let header_text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let query = url::query_pairs(uri.query().unwrap_or_default());
        let bearer_token = |value: &str| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
        };
        let in_query = query.iter().find(|(name, _)| name == "apikey");
        let key = header_text("x-octopus-apikey")
            .map(str::to_owned)
            .or_else(|| header_text("authorization").and_then(bearer_token))
            .or_else(|| in_query.map(|(_, value)| value.clone()));
        Self {
            verb: HttpVerb::new(&effective_method(parts)),
            path: url::path_segments(uri.path()),
            query,
            key,
            agent: header_text("user-agent").unwrap_or_default().to_owned(),
            host: header_text("host").unwrap_or_default().to_owned(),
            body: String::from_utf8_lossy(body).into_owned(),
        }
    }

    /// The value of a parameter, unless it is missing or empty.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameter_values(name).next()
    }

    /// The values of a parameter that is a list: repeated, separated by commas, or both.
    pub(crate) fn list_parameter(&self, name: &str) -> Option<Vec<String>> {
        let values = self.parameter_values(name).flat_map(|value| value.split(','));
        let values: Vec<String> = values.map(|it| it.trim().to_owned()).collect();
        (!values.is_empty()).then_some(values)
    }

    /// Whether a parameter is `true`; `None` if it is missing.
    pub(crate) fn flag_parameter(&self, name: &str) -> Option<bool> {
        self.parameter(name).map(|value| value.eq_ignore_ascii_case("true"))
    }

    /// A parameter that is a number.
    pub(crate) fn number_parameter(&self, name: &str) -> Option<usize> {
        self.parameter(name).and_then(|value| value.parse().ok())
    }

    fn parameter_values(&self, name: &str) -> impl Iterator<Item = &str> {
        let values = self.query.iter().filter(move |(it, _)| it.eq_ignore_ascii_case(name));
        values.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// The body as a JSON object.
    pub(crate) fn body_object(&self) -> HandlerResult<Value> {
        if self.body.trim().is_empty() {
            return Err(ErrorResponse::bad_request("No request body was provided."));
        }
        let body: Value = serde_json::from_str(&self.body)?;
        if body.is_object() {
            return Ok(body);
        }
        Err(ErrorResponse::bad_request("The request body must be a JSON object."))
    }
}

impl HttpVerb {
    fn new(method: &str) -> Self {
        match method {
            "GET" | "HEAD" => Self::Get,
            "POST" => Self::Post,
            "PUT" => Self::Put,
            "DELETE" => Self::Delete,
            _ => Self::Other,
        }
    }
}
