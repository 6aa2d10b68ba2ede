//! `poolwright init`: writes a starter file.

use super::{
    exit,
    output_file::{plan_command, print_saved},
};
use crate::ops::error_with_help;
use anyhow::Context as _;
use poolwright_core::config;
use std::{
    fs::File,
    io::{ErrorKind, Write as _},
    path::PathBuf,
};

/// Write a commented starter file. Never overwrites a file.
///
/// Example:
///
///   poolwright init && poolwright plan --url sandbox:
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The file to write.
    #[arg(default_value = "workers.toml")]
    file: PathBuf,
}

/// Writes the file.
pub(super) fn run(args: &Args) -> anyhow::Result<u8> {
    let shown = args.file.display();
    let mut file = match File::create_new(&args.file) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(error_with_help(
                format!("`{shown}` already exists"),
                "choose another name: `poolwright init other.toml`",
            ));
        }
        Err(error) => return Err(error).with_context(|| format!("cannot write `{shown}`")),
    };
    file.write_all(config::starter_file().as_bytes())
        .with_context(|| format!("cannot write `{shown}`"))?;
    print_saved(&args.file, &format!("edit it, then run `{}`", plan_command(&args.file)));
    Ok(exit::DONE)
}
