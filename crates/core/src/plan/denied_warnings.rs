//! The warnings that the command line turns into refusals: `-D warnings`, `-D CODE`.

use crate::{finding::Code, text::nearest_name};

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Warnings that refuse a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DeniedWarnings {
    /// All warnings.
    All,
    /// Those of one code.
    Code(Code),
}

/// The word for all warnings.
const ALL: &str = "warnings";

/// Why a text does not name warnings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not the code of a finding{}", self.suggest())]
pub struct UnknownWarningsError {
    /// The text.
    pub text: String,
}

impl UnknownWarningsError {
    fn suggest(&self) -> String {
        let words = Code::ALL.iter().map(|code| code.as_str()).chain([ALL]);
        match nearest_name(&self.text, words) {
            Some(near) => format!("; a similar one is `{near}`"),
            None => "; `warnings` denies all warnings".to_owned(),
        }
    }
}

impl DeniedWarnings {
    /// Whether these are the warnings with this code, or contain them.
    pub fn contains(self, code: Code) -> bool {
        self == Self::All || self == Self::Code(code)
    }
}

impl FromStr for DeniedWarnings {
    type Err = UnknownWarningsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == ALL {
            return Ok(Self::All);
        }
        let code = Code::from_word(text).map(Self::Code);
        code.ok_or_else(|| UnknownWarningsError { text: text.to_owned() })
    }
}

impl fmt::Display for DeniedWarnings {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::All => f.write_str(ALL),
            Self::Code(code) => f.write_str(code.as_str()),
        }
    }
}

impl TryFrom<String> for DeniedWarnings {
    type Error = UnknownWarningsError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<DeniedWarnings> for String {
    fn from(denied: DeniedWarnings) -> Self {
        denied.to_string()
    }
}
