//! `poolwright check`: whether the files are right, as far as they can tell by themselves.

use super::{exit, files, print::outln, screen::Screen};
use poolwright_core::{config, finding::Level, text::count};

/// Parse, validate and lint the files. No server is asked.
///
/// Example:
///
///   poolwright check -f pools.toml -f workers.toml
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    #[command(flatten)]
    files: files::Args,
}

/// Checks the files.
pub(super) fn run(args: &Args, screen: &Screen) -> anyhow::Result<u8> {
    let sources = args.files.read()?;
    let (desired, found) = config::load(&sources);
    files::print(&found, &sources, screen);
    if found.iter().any(|finding| finding.level == Level::Error) {
        return Ok(exit::ERROR);
    }
    let paths: Vec<_> = sources.0.iter().map(|it| it.path.as_str()).collect();
    outln!(
        "{}: {}, {}, {}: nothing wrong",
        paths.join(", "),
        count(desired.pools.len(), "pool"),
        count(desired.workers.len(), "worker"),
        count(desired.rules.len(), "rule"),
    );
    Ok(exit::DONE)
}
