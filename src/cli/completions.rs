//! `poolwright completions`: what a shell can complete.

use super::exit;
use clap_complete::Shell;

/// Print the completions of a shell.
///
/// Example:
///
///   poolwright completions bash > /etc/bash_completion.d/poolwright
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The shell.
    shell: Shell,
}

/// Prints the completions.
pub(super) fn run(args: &Args, mut command: clap::Command) -> u8 {
    clap_complete::generate(args.shell, &mut command, "poolwright", &mut std::io::stdout());
    exit::DONE
}
