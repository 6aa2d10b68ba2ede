//! Asks before something is written.

use super::print;
use crate::ops::error_with_help;

use std::io::{BufRead as _, IsTerminal as _};

/// Asks for confirmation.
pub(super) fn ask_to_confirm() -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(error_with_help(
            "cannot ask for confirmation: standard input is not a terminal",
            "pass `--auto-approve`, or save a plan with `plan -o FILE` and apply it",
        ));
    }
    print::ask("Apply this plan? Type `yes` to continue: ");
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim() == "yes")
}
