//! The one place that prints why a command failed: each cause once, then the help.

use super::{exit, print::Stream, screen::Screen};
use crate::ops::ErrorWithHelp;
use poolwright_client::octopus;
use poolwright_core::text::{escape::Escaped, secret::redact_message};
use poolwright_refresh as refresh;

use std::{fmt::Write as _, process::ExitCode};

/// Prints `error` and its help. Returns the exit code.
pub(super) fn print_error(error: &anyhow::Error, screen: &Screen) -> ExitCode {
    let (red, plain) = if screen.err.colour { ("\u{1b}[1;31m", "\u{1b}[0m") } else { ("", "") };
    let messages = error.chain().map(|cause| redact_message(&cause.to_string()));
    let mut chain: Vec<String> = messages.map(|message| escape_message(&message)).collect();
    // A transparent error repeats its source's message.
    chain.dedup();
    let mut text = format!("{red}error{plain}: {}\n", chain.join(": "));
    if let Some(help) = find_help(error) {
        _ = writeln!(text, "help: {}", escape_message(&help));
    }
    Stream::Err.print_text(&text);
    ExitCode::from(exit::ERROR)
}

/// Escapes everything in a message that moves the cursor, except line breaks.
fn escape_message(text: &str) -> String {
    text.lines().map(|line| Escaped(line).to_string()).collect::<Vec<_>>().join("\n  ")
}

/// Returns the first help in the chain of causes.
fn find_help(error: &anyhow::Error) -> Option<String> {
    error.chain().find_map(|cause| {
        let helped = cause.downcast_ref::<ErrorWithHelp>().map(|it| it.help.clone());
        let octopus = || cause.downcast_ref::<octopus::ClientError>()?.help();
        let refresh = || cause.downcast_ref::<refresh::RefreshError>()?.help();
        let space = || cause.downcast_ref::<refresh::SpaceError>()?.help();
        helped.or_else(octopus).or_else(refresh).or_else(space)
    })
}
