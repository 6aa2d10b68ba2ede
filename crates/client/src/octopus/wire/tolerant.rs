//! Reading what may be missing, `null`, or of another type on some server.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// A value; its default where there is `null`.
pub(super) fn or_default<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Default + Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A list without what is `null` in it; empty where the whole is.
pub(super) fn non_null_items<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    optional_items(deserializer).map(Option::unwrap_or_default)
}

/// The same, and none where the whole is `null`.
pub(super) fn optional_items<'de, T, D>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let list = Option::<Vec<Option<T>>>::deserialize(deserializer)?;
    Ok(list.map(|list| list.into_iter().flatten().collect()))
}

/// A text, or what is none: `null`, a sensitive value, a number, whatever there is inside it.
pub(super) enum LenientText {
    Words(String),
    Switch(bool),
    Other,
}

impl<'de> Deserialize<'de> for LenientText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Looked at as a text: serde would read every number on the way, and fail at one too large to hold.
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Ok(match raw.get() {
            "true" => Self::Switch(true),
            "false" => Self::Switch(false),
            raw => serde_json::from_str(raw).map_or(Self::Other, Self::Words),
        })
    }
}

impl LenientText {
    /// The text; a switch is spelled as .NET does.
    pub(super) fn into_text(self) -> Option<String> {
        match self {
            Self::Words(text) => Some(text),
            Self::Switch(true) => Some("True".to_owned()),
            Self::Switch(false) => Some("False".to_owned()),
            Self::Other => None,
        }
    }
}
