//! `poolwright check`: validates the files without a server.

use super::{
    exit, files,
    format::{OutputFormat, print_formatted},
    levels,
    output_args::{self, ShowsFindings},
    output_file::{InputFile, OutputFile, check_outputs},
    output_request::{OutputRequest, save_outputs},
    print::{Stream, outln},
    screen::Screen,
};
use poolwright_core::{
    config,
    desired::Desired,
    finding::{Level, Sources},
    plan::SettledFindings,
    render::{RenderOptions, findings::count_levels},
    text::pluralize,
};

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
    #[command(flatten)]
    outputs: output_args::Args<ShowsFindings>,
}

/// Checks the files.
pub(super) fn run(args: &Args, screen: &Screen) -> anyhow::Result<u8> {
    let sources = args.files.read()?;
    args.check_files(&sources)?;
    let (desired, mut found) = config::load_desired(&sources);
    found.extend(args.files.untrusted_findings(&desired));
    let SettledFindings { findings: found, accepted } =
        args.levels.request().settle_files(&desired, found);
    let is_valid = found.iter().all(|finding| finding.level == Level::Warn);
    let tally =
        if is_valid { Some(describe_files(&sources, &desired)) } else { count_levels(&found) };
    let tally = tally.unwrap_or_default();
    let render = |format: OutputFormat, options: RenderOptions| {
        let max_bytes = args.outputs.max_bytes;
        let text = format.render_findings(&found, &sources, max_bytes, options)?;
        let tally = (format == OutputFormat::Text).then(|| format!("{tally}\n"));
        Some(text + tally.as_deref().unwrap_or_default())
    };
    if args.outputs.format == OutputFormat::Text {
        files::print_findings(&found, &sources, screen);
        files::print_accepted(&accepted, &sources, screen);
        if is_valid {
            outln!("{tally}");
        }
    } else if let Some(text) = render(args.outputs.format, screen.out) {
        print_formatted(args.outputs.format, &text);
        screen.ci.annotate(&found, &sources, Stream::Err);
    }
    screen.ci.report_check(&found, &sources);
    let render = |request: &OutputRequest| render(request.format, screen.for_file());
    save_outputs(&args.outputs.requests, render)?;
    Ok(match found.iter().map(|finding| finding.level).max() {
        Some(Level::Error) => exit::ERROR,
        Some(Level::Deny) => exit::REFUSED,
        Some(Level::Warn) | None => exit::DONE,
    })
}

/// Returns what is in files without errors.
fn describe_files(sources: &Sources, desired: &Desired) -> String {
    let paths: Vec<_> = sources.0.iter().map(|it| it.path.as_str()).collect();
    format!(
        "{}: {}, {}, {}: no problems found",
        paths.join(", "),
        pluralize(desired.pools.len(), "pool"),
        pluralize(desired.workers.len(), "worker"),
        pluralize(desired.rules.len(), "rule"),
    )
}

impl Args {
    /// Checks that no output replaces a file that has to stay.
    fn check_files(&self, sources: &Sources) -> anyhow::Result<()> {
        let names: Vec<String> = sources.0.iter().map(|source| source.path.clone()).collect();
        let outputs = self.outputs.requests.iter().map(OutputRequest::output_file);
        let outputs: Vec<OutputFile> = outputs.collect();
        check_outputs(&InputFile::configuration(&names), &outputs)
    }
}
