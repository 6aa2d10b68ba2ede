//! Texts that are reported to a CI system.

use crate::cli::{ci_command::escape_lines, print::redact_printed};

/// Returns a text on which nothing that reads a log acts, and that holds no secret. Line breaks stay.
pub(super) fn clean_text(text: &str) -> String {
    escape_lines(&redact_printed(text))
}
