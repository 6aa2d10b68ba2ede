//! `poolwright pull`: writes the server's state as a `workers.toml`.

use super::{
    exit,
    files::warn_unread,
    keep,
    output_file::{plan_command, print_saved},
    print::Stream,
    replace_file::replace_shared_file,
    screen::Screen,
    session,
};
use crate::ops::{PulledConfig, error_with_help, pull_config};
use poolwright_core::{pull::RuleCoverage, text::escape::Syntax};

use std::path::PathBuf;

/// Write the server's current state as a `workers.toml`, for which `plan` shows no changes.
///
/// Writes to standard output or to a new file, or updates an existing one with `--keep`.
/// The rules match the steps that were seen, by type and by name; steps without a pool and
/// steps of other names are left alone. With `--closed` a last rule matches all other steps,
/// those of the future too. Examples:
///
///   poolwright pull --url sandbox: -o workers.toml
///   poolwright pull --keep workers.toml
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The file to write [default: standard output].
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Update an existing file to match the server. Everything that still holds is left as written,
    /// including comments and order.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["output", "force"])]
    keep: Option<PathBuf>,
    /// Overwrite an existing file.
    #[arg(long, requires = "output")]
    force: bool,
    /// End the rules with one for all other steps: it also moves steps that are created later.
    #[arg(long, conflicts_with = "keep")]
    closed: bool,
    #[command(flatten)]
    session: session::Args,
}

/// Reads the server's state and writes it.
pub(super) async fn run(args: &Args, screen: &Screen) -> anyhow::Result<u8> {
    if let Some(path) = args.output.as_ref().filter(|path| !args.force && path.exists()) {
        let message = format!("`{}` already exists", path.display());
        return Err(error_with_help(
            message,
            "name another file, or overwrite this one with `--force`",
        ));
    }
    if let Some(path) = &args.keep {
        return keep::run(path, &args.session, screen).await;
    }
    let session = args.session.open_session(None).await?;
    let target = session.target(&args.session, None);
    let coverage = if args.closed { RuleCoverage::Closed } else { RuleCoverage::Seen };
    let PulledConfig { text, unread } =
        pull_config(&session.connection.reader(), target, coverage).await?;
    match &args.output {
        Some(path) => {
            replace_shared_file(path, text.as_bytes())?;
            print_saved(path, &format!("check it with `{}`", plan_command(path)));
        }
        None => Stream::Out.print(&text, Syntax::Toml),
    }
    warn_unread(&unread);
    Ok(exit::DONE)
}
