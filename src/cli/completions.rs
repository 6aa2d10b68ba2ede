//! `poolwright completions`: completion scripts for shells.

use super::{exit, print::print_own_text};
use clap_complete::Shell;

/// Print the completion script for a shell.
///
/// Example:
///
///   poolwright completions bash > /etc/bash_completion.d/poolwright
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The shell to complete for.
    shell: Shell,
}

/// Prints the script.
pub(super) fn run(args: &Args, mut command: clap::Command) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "poolwright", &mut script);
    print_own_text(&String::from_utf8_lossy(&script));
    exit::DONE
}
