//! Slugs: how text outside the server, such as a file in Git, refers to a pool.
//!
//! # Source
//!
//! `api.md` 3.1. What Octopus accepts is in the text with which it refuses a slug: "It may only contain lowercase
//! letters, '-'s, and numbers" (OctopusDeploy/Issues 8117). How it derives one from letters outside ASCII depends
//! on its version (Issues 8117, 10187), and so does what it does with a name without letters (Issues 5596).

use std::fmt;

/// The words that stand in the API where the id of a pool does, so that none of them can be a slug.
///
/// # Source
///
/// `api.md` 2.2: the routes under `workerpools`.
const RESERVED: [&str; 5] = ["all", "dynamicworkertypes", "sortorder", "summary", "supportedtypes"];

/// Why it is not certain which slug Octopus gives to a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlugDoubt {
    /// Nothing of the name is left in the slug.
    Empty,
    /// The name has characters outside ASCII, which only some versions replace by similar letters.
    NotAscii,
    /// The slug is a word of the API.
    Reserved,
}

impl fmt::Display for SlugDoubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "its name has no letter from a to z and no digit",
            Self::NotAscii => "its name has characters outside ASCII",
            Self::Reserved => "the slug of its name is a reserved word",
        })
    }
}

/// Returns the slug that Octopus derives from a name: `Kubernetes Worker Pool` → `kubernetes-worker-pool`.
///
/// # Errors
///
/// Returns why the slug is uncertain.
pub fn derive_slug(name: &str) -> Result<String, SlugDoubt> {
    let slug = dash_words(name);
    if name.is_ascii() && RESERVED.contains(&slug.as_str()) {
        Err(SlugDoubt::Reserved)
    } else if slug.is_empty() || !slug.contains(|c: char| c.is_ascii_alphanumeric()) {
        Err(SlugDoubt::Empty)
    } else if name.is_ascii() {
        Ok(slug)
    } else {
        Err(SlugDoubt::NotAscii)
    }
}

/// Whether Octopus would accept a text as a pool's slug.
pub fn is_valid_slug(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    text.chars().all(allowed)
        && text.contains(|c: char| c != '-')
        && !text.starts_with('-')
        && !text.ends_with('-')
        && !RESERVED.contains(&text)
}

/// Returns the words of a text in lower case with single hyphens between them, whatever their alphabet: all
/// spellings of a name or a slug have one such key.
pub fn dash_words(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_slug_is_derived_only_if_it_is_unambiguous() {
        let table = [
            ("Kubernetes  Worker (Pool)", Ok("kubernetes-worker-pool")),
            ("a.b_c", Ok("a-b-c")),
            ("All", Err(SlugDoubt::Reserved)),
            (" summary! ", Err(SlugDoubt::Reserved)),
            ("All Pools", Ok("all-pools")),
            ("", Err(SlugDoubt::Empty)),
            ("(!)", Err(SlugDoubt::Empty)),
            ("東京", Err(SlugDoubt::Empty)),
            ("🚀", Err(SlugDoubt::Empty)),
            ("Tür Pool", Err(SlugDoubt::NotAscii)),
            ("東京 1", Err(SlugDoubt::NotAscii)),
            ("İstanbul", Err(SlugDoubt::NotAscii)),
        ];
        for (name, slug) in table {
            assert_eq!(derive_slug(name), slug.map(str::to_owned), "{name}");
        }
    }

    #[test]
    fn a_slug_has_lowercase_letters_digits_and_hyphens() {
        for slug in ["a", "7", "kubernetes-worker-pool", "a--b", "all-pools"] {
            assert!(is_valid_slug(slug), "{slug}");
        }
        for text in ["", "-", "-a", "a-", "A", "a b", "a_b", "é", "all", "summary", "#{x}"] {
            assert!(!is_valid_slug(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_derived_slug_is_valid_and_derives_itself(name in ".{0,20}") {
            if let Ok(slug) = derive_slug(&name) {
                prop_assert!(is_valid_slug(&slug), "{}", slug);
                prop_assert_eq!(derive_slug(&slug), Ok(slug));
            }
        }
    }
}
