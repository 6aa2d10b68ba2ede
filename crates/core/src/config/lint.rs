//! Warns of things in a file that are valid but probably not intended.
//!
//! Errors are reported where values are read.

use crate::{
    desired::Declared,
    finding::{Code, Finding, Span},
};

/// The number of base64 digits in a SHA-256 digest, without padding.
const SHA256_DIGITS: usize = 43;

/// The number of pairs of hexadecimal digits in an MD5 digest.
const MD5_PAIRS: usize = 16;

/// Warns of a bracket in a worker's name that looks like the start of a range but has no end, and of a list of one that
/// looks like a part of the name.
pub(super) fn lint_range(key: &Declared<String>) -> Option<Finding> {
    let (before, rest) = key.value.split_once('[')?;
    let message = match rest.split_once(']') {
        None if rest.contains("..") || rest.contains(',') => {
            "the `[` has no `]`, so it is part of the worker's name".to_owned()
        }
        Some((item, after)) if before.ends_with(' ') && !item.contains(['.', ',']) => {
            format!("`[{item}]` is a list of one, so the worker's name is `{before}{item}{after}`")
        }
        _ => return None,
    };
    Some(
        Finding::warning(Code::OddRange, key.span.clone(), message)
            .with_help("a range is `[01..06]`, a list is `[a,b,c]`"),
    )
}

/// Whether the inside of brackets looks like a range but is not one: two numbers with another mark between them.
pub(super) fn is_odd_range(inside: &str) -> bool {
    let mut parts = inside.split(['-', ':', '–', '…']);
    let is_number = |part: Option<&str>| part.is_some_and(is_decimal_number);
    is_number(parts.next()) && is_number(parts.next()) && parts.next().is_none()
}

fn is_decimal_number(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Warns of a text that is not a valid fingerprint of an SSH host key.
pub(super) fn lint_fingerprint(text: &Declared<String>) -> Option<Finding> {
    let is_valid = match text.value.trim().strip_prefix("SHA256:") {
        Some(digest) => is_sha256_digest(digest),
        None => is_md5_fingerprint(&text.value),
    };
    let message = "this is not a valid SSH host key fingerprint";
    (!is_valid).then(|| {
        Finding::warning(Code::OddFingerprint, text.span.clone(), message).with_help(
            "`ssh-keyscan HOST | ssh-keygen -lf -` prints it: `SHA256:` and 43 base64 characters",
        )
    })
}

fn is_sha256_digest(digest: &str) -> bool {
    let digits = digest.trim_end_matches('=');
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    digits.len() == SHA256_DIGITS && digits.bytes().all(is_digit)
}

/// Whether a text is an MD5 fingerprint such as `16:27:ac:…`, as older tools print it.
fn is_md5_fingerprint(text: &str) -> bool {
    let text = text.trim();
    let pairs: Vec<_> = text.strip_prefix("MD5:").unwrap_or(text).split(':').collect();
    let is_pair = |pair: &&str| pair.len() == 2 && pair.bytes().all(|it| it.is_ascii_hexdigit());
    pairs.len() == MD5_PAIRS && pairs.iter().all(is_pair)
}

/// Warns of two pools in a file with the same position.
pub(super) fn sort_order_warning(at: Span, position: u32, earlier: &Declared<String>) -> Finding {
    let message = format!("`{}` already has position {position}", earlier.value);
    Finding::warning(Code::SamePosition, at, message)
        .with_other_place(earlier.span.clone(), "the other pool")
        .with_help(
            "give each pool a `sort_order` of its own; until then, the order in the file decides",
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warns(lint: impl Fn(&Declared<String>) -> Option<Finding>, text: &str) -> bool {
        lint(&Declared { value: text.to_owned(), span: Span::default() }).is_some()
    }

    #[test]
    fn brackets_that_look_like_a_range_get_a_warning() {
        for odd in ["db-[01..06", "db-[a,b", "db [old]"] {
            assert!(warns(lint_range, odd), "{odd}");
        }
        for fine in ["db-[01..06]", "db-[a,b]", "db-[old]", "db-01", "db-[x-y]", "db-[2019-old]"] {
            assert!(!warns(lint_range, fine), "{fine}");
        }
        for odd in ["01-06", "1:3", "01…06"] {
            assert!(is_odd_range(odd), "{odd}");
        }
        assert!(!["01..06", "x-y", "2019-old", "1-2-3", "7"].into_iter().any(is_odd_range));
    }

    #[test]
    fn a_fingerprint_is_a_sha256_or_md5_digest() {
        let pairs = ["66"; 16].join(":");
        let sha = "SHA256:jdvAfEyVwm1YNrYcPWkL7HT1Et5MSpSgpQgVtFaYTCA";
        for fine in [sha, &format!("{sha}="), &pairs, &format!("MD5:{pairs}")] {
            assert!(!warns(lint_fingerprint, fine), "{fine}");
        }
        for odd in ["SHA256:…", "", "66:66", &sha.to_lowercase(), &sha[..40]] {
            assert!(warns(lint_fingerprint, odd), "{odd}");
        }
    }
}
