//! The path of a request: literal segments, and ids that cannot leave their place.
//!
//! Ids come from a server, a plan or a receipt. An id that a URL cannot hold as one segment is remembered, and
//! the request is not sent. Never: a path that a server sent as a whole, except the endpoint of a token exchange.

use super::ClientError;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// A path below the base URL, with its query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestPath {
    text: String,
    /// The first id that is not a segment.
    bad_id: Option<String>,
}

impl RequestPath {
    /// Returns a literal path: `/api/spaces`.
    pub(super) fn new(text: &'static str) -> Self {
        Self { text: text.to_owned(), bad_id: None }
    }

    /// Returns the path of an endpoint on the same server, as parsed from its URL.
    pub(super) fn from_endpoint(text: String) -> Self {
        Self { text, bad_id: None }
    }

    /// Returns the path with literal segments appended: `workerpools/sortorder`.
    pub(crate) fn join(&self, segments: &'static str) -> Self {
        Self { text: format!("{}/{segments}", self.text), bad_id: self.bad_id.clone() }
    }

    /// Returns the path with an id appended.
    pub(crate) fn with_id(&self, id: &str) -> Self {
        self.with_segment(id, is_segment(id))
    }

    /// Returns the path with a canonical Git ref appended, whose slashes are encoded.
    pub(crate) fn with_git_ref(&self, name: &str) -> Self {
        self.with_segment(name, name.split('/').all(is_segment))
    }

    fn with_segment(&self, segment: &str, is_valid: bool) -> Self {
        let bad_id = (!is_valid).then(|| segment.to_owned());
        let text = format!("{}/{}", self.text, percent_encode(segment));
        Self { text, bad_id: self.bad_id.clone().or(bad_id) }
    }

    /// Returns the path with a query, whose values are encoded already.
    pub(super) fn with_query(&self, query: &str) -> Self {
        let separator = if self.text.contains('?') { '&' } else { '?' };
        let text = format!("{}{separator}{query}", self.text);
        Self { text, bad_id: self.bad_id.clone() }
    }

    /// Returns the path as text.
    ///
    /// # Errors
    ///
    /// [`ClientError::BadId`] if an id is not a segment.
    pub(super) fn to_text(&self) -> Result<&str, ClientError> {
        match &self.bad_id {
            Some(id) => Err(ClientError::BadId(id.clone())),
            None => Ok(&self.text),
        }
    }

    /// Returns the path without its query, for messages.
    pub(super) fn without_query(&self) -> &str {
        self.text.split('?').next().unwrap_or_default()
    }
}

/// Whether a text stays one segment after every decoding on its way, and names no list.
///
/// # Source
///
/// The URL standard removes `.` and `..` from paths even if they are percent-encoded, and some gateways decode
/// `%2F`. `all` is a list (`api.md` 1.7).
fn is_segment(text: &str) -> bool {
    !matches!(text.trim(), "" | "." | "..")
        && !text.eq_ignore_ascii_case("all")
        && !text.contains(|c: char| matches!(c, '/' | '\\') || c.is_control())
}

/// Encodes a text as one path segment or query value.
pub(crate) fn percent_encode(text: &str) -> String {
    const RESERVED: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    utf8_percent_encode(text, RESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workers() -> RequestPath {
        RequestPath::new("/api").with_id("Spaces-1").join("workers")
    }

    #[test]
    fn an_id_is_encoded_as_one_segment_or_refused() {
        for (id, path) in [
            ("Workers-1", "/api/Spaces-1/workers/Workers-1"),
            ("a b", "/api/Spaces-1/workers/a%20b"),
            ("x?apikey=1#y", "/api/Spaces-1/workers/x%3Fapikey%3D1%23y"),
            ("100%", "/api/Spaces-1/workers/100%25"),
            ("...", "/api/Spaces-1/workers/..."),
            ("%2e%2e", "/api/Spaces-1/workers/%252e%252e"),
        ] {
            assert_eq!(workers().with_id(id).to_text(), Ok(path));
        }
        for id in ["", " ", ".", "..", " .. ", "../x", "a/b", "a\\b", "/", "a\nb", "a\0", "All"] {
            let bad_id = Err(ClientError::BadId(id.to_owned()));
            assert_eq!(workers().with_id(id).to_text(), bad_id);
            assert_eq!(workers().with_id(id).join("usages").with_query("x").to_text(), bad_id);
        }
    }

    #[test]
    fn a_git_ref_is_one_segment_without_path_traversal() {
        let at = |name: &str| RequestPath::new("/p").with_git_ref(name);
        assert_eq!(at("refs/heads/release/1").to_text(), Ok("/p/refs%2Fheads%2Frelease%2F1"));
        for name in ["refs/heads/", "refs/heads/../x", "refs/heads/a//b", "..", "refs/heads/a\\b"] {
            assert_eq!(at(name).to_text(), Err(ClientError::BadId(name.to_owned())));
        }
    }

    #[test]
    fn a_value_in_a_query_is_encoded() {
        assert_eq!(percent_encode("a/b ü?,"), "a%2Fb%20%C3%BC%3F%2C");
    }
}
