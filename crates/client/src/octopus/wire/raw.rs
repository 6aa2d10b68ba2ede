//! Documents as received, of which only the id is parsed.

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::value::RawValue;

/// A document as received.
#[derive(Clone, Debug)]
pub struct RawDocument {
    /// Its id.
    pub id: String,
    /// Its JSON text.
    pub text: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct IdOnly {
    id: String,
}

impl<'de> Deserialize<'de> for RawDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        let found: IdOnly = serde_json::from_str(text.get()).map_err(D::Error::custom)?;
        Ok(Self { id: found.id, text: text.get().to_owned() })
    }
}
