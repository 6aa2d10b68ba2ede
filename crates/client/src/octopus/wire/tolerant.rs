//! Reading fields that may be missing, `null`, or of a different type on some servers.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Reads a value, with its default for `null`.
pub(super) fn or_default<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Default + Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Reads a list without its `null` items; empty if the list itself is `null`.
pub(super) fn non_null_items<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    optional_items(deserializer).map(Option::unwrap_or_default)
}

/// Reads a list without its `null` items; `None` if the list itself is `null`.
pub(super) fn optional_items<'de, T, D>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let list = Option::<Vec<Option<T>>>::deserialize(deserializer)?;
    Ok(list.map(|list| list.into_iter().flatten().collect()))
}

/// A text, a switch, or anything else, such as `null`, a sensitive value or a number.
pub(super) enum LenientText {
    Words(String),
    Switch(bool),
    Other,
}

impl<'de> Deserialize<'de> for LenientText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Read raw: serde would parse every number on the way, and fail on one too large to represent.
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Ok(match raw.get() {
            "true" => Self::Switch(true),
            "false" => Self::Switch(false),
            raw => serde_json::from_str(raw).map_or(Self::Other, Self::Words),
        })
    }
}

impl LenientText {
    /// Returns the text; a switch is spelled as in .NET.
    pub(super) fn into_text(self) -> Option<String> {
        match self {
            Self::Words(text) => Some(text),
            Self::Switch(true) => Some("True".to_owned()),
            Self::Switch(false) => Some("False".to_owned()),
            Self::Other => None,
        }
    }
}
