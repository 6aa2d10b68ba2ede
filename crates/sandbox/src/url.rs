//! The parts of a URL: segments, queries, and percent-encoding.

use std::fmt::Write as _;

/// A text as a segment or a parameter of a URL.
pub(crate) fn percent_encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~,".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

/// The parts of a path, each decoded on its own.
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

/// `text` without percent signs; what is no valid escape stays as it is.
fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escape = (byte == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match escape.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(decoded) => {
                plain.push(decoded);
                at += 3;
            }
            None => {
                plain.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}
