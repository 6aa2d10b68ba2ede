//! `poolwright check`: validates the files without a server.

use super::{exit, files, print::outln, screen::Screen};
use poolwright_core::{config, finding::Level, text::pluralize};

/// Parse, validate and lint the files, without contacting a server.
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
    let (desired, mut found) = config::load_desired(&sources);
    found.extend(args.files.untrusted_findings(&desired));
    files::print_findings(&found, &sources, screen);
    screen.ci.report_check(&found, &sources);
    if found.iter().any(|finding| finding.level == Level::Error) {
        return Ok(exit::ERROR);
    }
    let paths: Vec<_> = sources.0.iter().map(|it| it.path.as_str()).collect();
    outln!(
        "{}: {}, {}, {}: no problems found",
        paths.join(", "),
        pluralize(desired.pools.len(), "pool"),
        pluralize(desired.workers.len(), "worker"),
        pluralize(desired.rules.len(), "rule"),
    );
    Ok(exit::DONE)
}
