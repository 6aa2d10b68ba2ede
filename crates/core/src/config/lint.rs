//! What a file may say and hardly means: told as warnings.
//!
//! Never: an error; what cannot be is told where it is read.

use crate::{
    desired::Declared,
    finding::{Code, Finding, Span},
};

/// Base64 digits of a SHA-256 digest, without padding.
const SHA256_DIGITS: usize = 43;

/// Pairs of hexadecimal digits of an MD5 digest.
const MD5_PAIRS: usize = 16;

/// Brackets in a worker's name that look like a range, and are none.
pub(super) fn lint_range(key: &Declared<String>) -> Option<Finding> {
    let (_, rest) = key.value.split_once('[')?;
    let message = match rest.split_once(']') {
        None if rest.contains("..") || rest.contains(',') => {
            "the `[` has no `]`: it is a part of the worker's name"
        }
        Some((inside, _))
            if inside.split(['-', ':', '–', '…']).filter(|it| is_decimal_number(it)).count()
                == 2 =>
        {
            "brackets without `..` are a part of the worker's name"
        }
        _ => return None,
    };
    Some(
        Finding::warning(Code::OddRange, key.span.clone(), message)
            .with_help("a range is `[01..06]`, a list is `[a,b,c]`"),
    )
}

fn is_decimal_number(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit())
}

/// A text that no host's key has as its fingerprint.
pub(super) fn lint_fingerprint(text: &Declared<String>) -> Option<Finding> {
    let fits = match text.value.trim().strip_prefix("SHA256:") {
        Some(digest) => is_sha256_digest(digest),
        None => is_md5_fingerprint(&text.value),
    };
    let message = "no host's key has this fingerprint";
    (!fits).then(|| {
        Finding::warning(Code::OddFingerprint, text.span.clone(), message).with_help(
            "`ssh-keyscan HOST | ssh-keygen -lf -` prints it: `SHA256:` and 43 digits of base64",
        )
    })
}

fn is_sha256_digest(digest: &str) -> bool {
    let digits = digest.trim_end_matches('=');
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    digits.len() == SHA256_DIGITS && digits.bytes().all(is_digit)
}

/// `16:27:ac:…`, as older tools print it.
fn is_md5_fingerprint(text: &str) -> bool {
    let text = text.trim();
    let pairs: Vec<_> = text.strip_prefix("MD5:").unwrap_or(text).split(':').collect();
    let is_pair = |name: &&str| name.len() == 2 && name.bytes().all(|it| it.is_ascii_hexdigit());
    pairs.len() == MD5_PAIRS && pairs.iter().all(is_pair)
}

/// Two pools of a file that ask for one position.
pub(super) fn sort_order_warning(at: Span, position: u32, other: &str) -> Finding {
    let message = format!("`{other}` has position {position} already");
    Finding::warning(Code::SamePosition, at, message).with_help(
        "give each pool a `sort_order` of its own: the file's order decides between these two",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(finding: impl Fn(&Declared<String>) -> Option<Finding>, text: &str) -> bool {
        finding(&Declared { value: text.to_owned(), span: Span::default() }).is_some()
    }

    #[test]
    fn brackets_that_look_like_a_range_are_told() {
        for odd in ["db-[01-06]", "db-[01..06", "db-[a,b", "db-[1:3]", "db-[01…06]"] {
            assert!(told(lint_range, odd), "{odd}");
        }
        for fine in ["db-[01..06]", "db-[a,b]", "db [old]", "db-01", "db-[x-y]", "db-[2019-old]"] {
            assert!(!told(lint_range, fine), "{fine}");
        }
    }

    #[test]
    fn a_fingerprint_is_a_digest_of_sha256_or_md5() {
        let pairs = ["66"; 16].join(":");
        let sha = "SHA256:jdvAfEyVwm1YNrYcPWkL7HT1Et5MSpSgpQgVtFaYTCA";
        for fine in [sha, &format!("{sha}="), &pairs, &format!("MD5:{pairs}")] {
            assert!(!told(lint_fingerprint, fine), "{fine}");
        }
        for odd in ["SHA256:…", "", "66:66", &sha.to_lowercase(), &sha[..40]] {
            assert!(told(lint_fingerprint, odd), "{odd}");
        }
    }
}
