//! An error with a line of help.

use std::fmt;

/// An error with a line of help, for modules without an error type of their own.
#[derive(Debug)]
pub(crate) struct ErrorWithHelp {
    /// What is wrong.
    pub(crate) message: String,
    /// What to do.
    pub(crate) help: String,
}

impl fmt::Display for ErrorWithHelp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ErrorWithHelp {}

/// Returns an error with a line of help.
pub(crate) fn error_with_help(
    message: impl Into<String>,
    help: impl Into<String>,
) -> anyhow::Error {
    ErrorWithHelp { message: message.into(), help: help.into() }.into()
}
