//! `poolwright man`: man pages.

use super::{
    exit,
    output_file::{path_argument, print_saved},
    print::print_own_text,
};
use anyhow::Context as _;
use std::path::PathBuf;

/// Write all man pages to a folder, or the main page to standard output.
///
/// Example:
///
///   poolwright man --to /usr/local/share/man/man1
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The folder to write the pages to.
    #[arg(long, value_name = "FOLDER")]
    to: Option<PathBuf>,
}

/// Writes the pages.
pub(super) fn run(args: &Args, command: &clap::Command) -> anyhow::Result<u8> {
    match &args.to {
        Some(folder) => {
            clap_mangen::generate_to(command.clone(), folder)
                .with_context(|| format!("cannot write the man pages to `{}`", folder.display()))?;
            let first = path_argument(&folder.join("poolwright.1"));
            print_saved(folder, &format!("read the first page with `man -l {first}`"));
        }
        None => {
            let mut page = Vec::new();
            let man = clap_mangen::Man::new(command.clone());
            man.render(&mut page).context("cannot render the man page")?;
            print_own_text(&String::from_utf8_lossy(&page));
        }
    }
    Ok(exit::DONE)
}
