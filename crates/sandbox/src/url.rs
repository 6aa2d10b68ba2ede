//! The parts of a URL: segments, queries, and percent-encoding.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The bytes that a segment or a parameter may not hold as they are.
const ESCAPED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b',');

/// A text as a segment or a parameter of a URL.
pub(crate) fn percent_encode(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

/// The segments of a path, each decoded on its own.
pub(crate) fn path_segments(path: &str) -> Vec<String> {
    path.split('/').filter(|part| !part.is_empty()).map(percent_decode).collect()
}

/// The names of a query in lower case, and their values.
pub(crate) fn query_pairs(query: &str) -> Vec<(String, String)> {
    let decode_pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (percent_decode(name).to_ascii_lowercase(), percent_decode(&value.replace('+', " ")))
    };
    query.split('&').filter(|part| !part.is_empty()).map(decode_pair).collect()
}

/// Decodes a text; an invalid escape stays as it is.
fn percent_decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}
