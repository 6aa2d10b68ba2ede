//! `poolwright check`: validates the files without a server.

use super::{exit, files, levels, print::outln, screen::Screen};
use poolwright_core::{config, finding::Level, plan::SettledFindings, text::pluralize};

/// Parse, validate and lint the files, without contacting a server.
///
/// Exits with 1 if there is an error, and with 3 if a warning is denied, by `[gates]` or by
/// `-D`.
///
/// Example:
///
///   poolwright check -f pools.toml -f workers.toml
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    #[command(flatten)]
    files: files::Args,
    #[command(flatten)]
    levels: levels::Args,
}

/// Checks the files.
pub(super) fn run(args: &Args, screen: &Screen) -> anyhow::Result<u8> {
    let sources = args.files.read()?;
    let (desired, mut found) = config::load_desired(&sources);
    found.extend(args.files.untrusted_findings(&desired));
    let SettledFindings { findings, accepted } =
        args.levels.request().settle_files(&desired, found);
    files::print_findings(&findings, &sources, screen);
    files::print_accepted(&accepted, &sources, screen);
    screen.ci.report_check(&findings, &sources);
    match findings.iter().map(|finding| finding.level).max() {
        Some(Level::Error) => return Ok(exit::ERROR),
        Some(Level::Deny) => return Ok(exit::REFUSED),
        Some(Level::Warn) | None => {}
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
