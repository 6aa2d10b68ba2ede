//! `poolwright pull`: the live state as a `workers.toml`.

use super::{
    exit,
    files::warn_unread,
    keep,
    print::{errln, out},
    replace_file::replace_file,
    screen::Screen,
    session,
};
use crate::ops::{PulledConfig, error_with_help, pull_config};

use std::path::PathBuf;

/// Write the live state as a `workers.toml`: a plan of it is empty.
///
/// It goes to standard output, or into a file that is not there yet. Example:
///
///   poolwright pull --url sandbox: -o workers.toml
///   poolwright pull --keep workers.toml
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The file to write; standard output where none is given.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Bring a file that is there to what is live, instead: what is still so stays as it is written,
    /// comments and order too.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["output", "force"])]
    keep: Option<PathBuf>,
    /// Write over a file that is there.
    #[arg(long, requires = "output")]
    force: bool,
    #[command(flatten)]
    session: session::Args,
}

/// Reads all there is, and writes it.
pub(super) async fn run(args: &Args, screen: &Screen) -> anyhow::Result<u8> {
    if let Some(path) = args.output.as_ref().filter(|path| !args.force && path.exists()) {
        let message = format!("`{}` is there already", path.display());
        return Err(error_with_help(message, "name another file, or write over it with `--force`"));
    }
    if let Some(path) = &args.keep {
        return keep::run(path, &args.session, screen).await;
    }
    let session = args.session.open_session(None).await?;
    let target = session.target(&args.session, None);
    let PulledConfig { text, unread } = pull_config(&session.connection.reader(), target).await?;
    match &args.output {
        Some(path) => {
            replace_file(path, text.as_bytes())?;
            errln!("{} is written: a plan of it is empty", path.display());
        }
        None => out!("{text}"),
    }
    warn_unread(&unread);
    Ok(exit::DONE)
}
