//! An error that says what to do.

use std::fmt;

/// An error with a line of help, where no room's own error has one.
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

/// An error that says what to do.
pub(crate) fn error_with_help(
    message: impl Into<String>,
    help: impl Into<String>,
) -> anyhow::Error {
    ErrorWithHelp { message: message.into(), help: help.into() }.into()
}
