//! SHA-256 digests as text.

use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// Returns `sha256:` and the digest of some bytes, which are taken one after the other.
pub fn sha256_text<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part);
    }
    let mut text = "sha256:".to_owned();
    for byte in digest.finalize() {
        // Writing to a `String` cannot fail.
        _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_matches_sha256sum() {
        let expected = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256_text([b"abc".as_slice()]), expected);
        assert_eq!(sha256_text([b"a".as_slice(), b"bc"]), expected);
    }
}
