//! Asks before something is written.

use super::print;
use crate::ops::error_with_help;

use std::io::{BufRead as _, IsTerminal as _};

/// Whether there is a person to ask.
pub(super) fn may_ask() -> bool {
    let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
    !in_ci && std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks a question, and returns whether the answer is `yes`.
pub(super) fn ask_yes(question: &str) -> anyhow::Result<bool> {
    print::ask(&format!("{question} Type `yes` to continue: "));
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim() == "yes")
}

/// Asks for confirmation.
pub(super) fn ask_to_confirm() -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(error_with_help(
            "cannot ask for confirmation: standard input is not a terminal",
            "pass `--auto-approve`, or save a plan with `-o FILE` and apply it",
        ));
    }
    ask_yes("Apply this plan?")
}
