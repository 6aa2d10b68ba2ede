//! What a run tells the CI system that it runs in: annotations, groups, the job's summary and outputs.
//!
//! It adds to what is printed for people and changes none of it. Something that cannot be reported is a
//! warning: no plan fails because of it. Commands go where the system reads them: on standard output, or on standard
//! error if standard output holds another format than text.

mod annotation;
mod outputs;
mod system;
mod text;

use super::{
    ci_command::CiCommand,
    print::{Stream, errln, redact_printed},
};
use annotation::{Annotation, MAX_ANNOTATIONS, annotations, teamcity_types};
use outputs::{PlanOutputs, append_to, write_dotenv};
use poolwright_core::{
    finding::{Finding, Sources},
    plan::Plan,
    receipt::Receipt,
    render::{self, MIN_MAX_BYTES, MarkdownOptions, findings::count_levels},
    text::escape::Escaped,
};
use system::{CiChoice, CiSystem};

use anyhow::Context as _;
use std::{
    env, fs,
    path::{Path, PathBuf},
};
use tempfile::Builder;

/// The flags about CI systems.
#[derive(Debug, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Output")]
pub(super) struct Args {
    /// The CI system to write annotations, groups, a summary and outputs for; `auto` detects it by its environment variables.
    #[arg(long, value_enum, global = true, default_value_t = CiChoice::Auto, value_name = "SYSTEM")]
    ci: CiChoice,
    /// Write the outputs of a plan to this file as `POOLWRIGHT_CHANGES=3`, such as a dotenv report of GitLab.
    #[arg(long, global = true, value_name = "FILE")]
    ci_dotenv: Option<PathBuf>,
}

/// Tells a CI system about a run.
#[derive(Clone, Debug)]
pub(super) struct CiReporter {
    system: Option<CiSystem>,
    dotenv: Option<PathBuf>,
}

/// The most bytes of a job summary on GitHub.
///
/// # Source
///
/// "Step isolation and limits" of job summaries: 1 MiB a step.
const MAX_SUMMARY: usize = 1024 * 1024;

impl CiReporter {
    /// Finds the CI system.
    pub(super) fn new(args: &Args) -> Self {
        let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
        Self { system: args.ci.find_system(is_set), dotenv: args.ci_dotenv.clone() }
    }

    /// Annotates findings. `stream` receives the commands.
    pub(super) fn annotate(&self, findings: &[Finding], sources: &Sources, stream: Stream) {
        let Some(system) = self.system else { return };
        if findings.is_empty() {
            return;
        }
        let mut annotations = annotations(findings, sources);
        let left = annotations.len().saturating_sub(MAX_ANNOTATIONS);
        annotations.truncate(MAX_ANNOTATIONS);
        let more = format!("{left} more findings are not annotated");
        match system {
            CiSystem::Octopus => annotate_octopus(&annotations, stream),
            CiSystem::GitHub | CiSystem::Azure | CiSystem::TeamCity => {
                let count = count_levels(findings).unwrap_or_default();
                print_all(stream, open_group(system, &format!("poolwright: {count}")));
                if system == CiSystem::TeamCity {
                    print_all(stream, teamcity_types(&annotations));
                }
                print_all(stream, annotations.iter().flat_map(|it| it.commands(system)));
                if left > 0 {
                    stream.print_line(format_args!("{more}"));
                }
                print_all(stream, close_group(system));
            }
            // These have no annotations in a log.
            CiSystem::GitLab | CiSystem::Buildkite | CiSystem::Bitbucket | CiSystem::Jenkins => {}
        }
    }

    /// Begins a part of the log, in a system that folds parts and has no annotations.
    pub(super) fn begin_section(&self, stream: Stream, title: &str) -> Section {
        let is_open = self.system == Some(CiSystem::GitLab);
        if is_open {
            stream.print_command(&CiCommand::gitlab_section(SECTION, unix_time(), Some(title)));
        }
        if self.system == Some(CiSystem::Buildkite) {
            stream.print_command(&CiCommand::buildkite_group(title));
        }
        Section { stream, is_open }
    }

    /// Reports a plan after it was shown: its findings, the job's summary, and the outputs.
    ///
    /// # Errors
    ///
    /// Fails if the file that `--ci-dotenv` names cannot be written.
    pub(super) fn report_plan(
        &self,
        plan: &Plan,
        sources: &Sources,
        saved_as: Option<&Path>,
        stream: Stream,
    ) -> anyhow::Result<()> {
        self.annotate(&plan.findings, sources, stream);
        let outputs = PlanOutputs::new(plan, saved_as);
        if let Some(path) = &self.dotenv {
            write_dotenv(path, &outputs.dotenv_lines())?;
        }
        let Some(system) = self.system else { return Ok(()) };
        if system == CiSystem::Octopus {
            let headline = render::headline(plan);
            print_marked(stream, "stdout-highlight", &format!("{headline}\n"));
        }
        print_all(stream, outputs.commands(system));
        let shown = saved_as.map(|path| path.to_string_lossy());
        let render = |max_bytes| {
            let options = MarkdownOptions { max_bytes, saved_as: shown.as_deref() };
            render::render_markdown(plan, sources, options)
        };
        warn_untold(write_output_file(system, &outputs));
        warn_untold(write_summary(system, stream, render));
        Ok(())
    }

    /// Appends what an apply has done to the job's summary; its receipt is in a file.
    pub(super) fn report_receipt(&self, receipt: &Receipt, path: &Path, stream: Stream) {
        let Some(system) = self.system else { return };
        let path = path.to_string_lossy();
        let render = |max_bytes| {
            let options = MarkdownOptions { max_bytes, saved_as: Some(&*path) };
            render::receipt_as_markdown(receipt, options)
        };
        warn_untold(write_summary(system, stream, render));
    }

    /// Appends the findings of files to the job's summary.
    pub(super) fn report_check(&self, findings: &[Finding], sources: &Sources) {
        let Some(system) = self.system.filter(|_| !findings.is_empty()) else { return };
        let render = |max_bytes| render::findings_as_markdown(findings, sources, max_bytes);
        warn_untold(write_summary(system, Stream::Err, render));
    }
}

/// A part of the log that has begun.
pub(super) struct Section {
    stream: Stream,
    /// Whether it has to be ended: that of Buildkite ends where the next one begins.
    is_open: bool,
}

impl Section {
    /// Ends the part.
    pub(super) fn end(self) {
        if self.is_open {
            self.stream.print_command(&CiCommand::gitlab_section(SECTION, unix_time(), None));
        }
    }
}

/// The name of the section in GitLab's log.
const SECTION: &str = "poolwright";

fn unix_time() -> i64 {
    jiff::Timestamp::now().as_second()
}

fn print_all(stream: Stream, commands: impl IntoIterator<Item = CiCommand>) {
    for command in commands {
        stream.print_command(&command);
    }
}

fn open_group(system: CiSystem, title: &str) -> Option<CiCommand> {
    match system {
        CiSystem::GitHub => Some(CiCommand::github("group", &[], title)),
        CiSystem::Azure => Some(CiCommand::azure_group(Some(title))),
        CiSystem::TeamCity => Some(CiCommand::teamcity("blockOpened", &[("name", BLOCK)])),
        _ => None,
    }
}

fn close_group(system: CiSystem) -> Option<CiCommand> {
    match system {
        CiSystem::GitHub => Some(CiCommand::github("endgroup", &[], "")),
        CiSystem::Azure => Some(CiCommand::azure_group(None)),
        CiSystem::TeamCity => Some(CiCommand::teamcity("blockClosed", &[("name", BLOCK)])),
        _ => None,
    }
}

/// The name of the block of findings in TeamCity's log: an end names what it ends.
const BLOCK: &str = "poolwright findings";

/// Octopus marks whole lines: what stands between two of its messages is an error, a warning, or highlighted.
fn annotate_octopus(annotations: &[Annotation], stream: Stream) {
    for (is_error, mark) in [(true, "stdout-error"), (false, "stdout-warning")] {
        let some = annotations.iter().filter(|it| it.is_error() == is_error);
        let text: String = some.map(Annotation::text).collect();
        if !text.is_empty() {
            print_marked(stream, mark, &text);
        }
    }
}

fn print_marked(stream: Stream, mark: &'static str, text: &str) {
    stream.print_command(&CiCommand::octopus(mark, &[]));
    stream.print_text(text);
    stream.print_command(&CiCommand::octopus("stdout-default", &[]));
}

/// Appends the outputs to the file that the system has named for them.
fn write_output_file(system: CiSystem, outputs: &PlanOutputs) -> anyhow::Result<()> {
    let (variable, lines) = match system {
        CiSystem::GitHub => ("GITHUB_OUTPUT", outputs.github_lines()),
        CiSystem::Bitbucket => ("BITBUCKET_PIPELINES_VARIABLES_PATH", outputs.dotenv_lines()),
        _ => return Ok(()),
    };
    match named_file(variable) {
        Some(path) => append_to(&path, &lines),
        None => Ok(()),
    }
}

fn named_file(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Appends Markdown to the job's summary, where the system has one. `render` makes it, of at most so many bytes.
fn write_summary(
    system: CiSystem,
    stream: Stream,
    render: impl Fn(usize) -> String,
) -> anyhow::Result<()> {
    match system {
        CiSystem::GitHub => {
            let Some(path) = named_file("GITHUB_STEP_SUMMARY") else { return Ok(()) };
            let used = fs::metadata(&path).map_or(0, |it| it.len());
            let used = usize::try_from(used).unwrap_or(MAX_SUMMARY);
            // The blank line that ends the earlier contents.
            let room = MAX_SUMMARY.saturating_sub(used + 1);
            anyhow::ensure!(room >= MIN_MAX_BYTES, "the job's summary has no room left");
            append_to(&path, &format!("\n{}", redact_printed(&render(room))))
        }
        CiSystem::Azure => {
            let Some(folder) = named_file("AGENT_TEMPDIRECTORY") else { return Ok(()) };
            let file = Builder::new().prefix("poolwright-").suffix(".md").tempfile_in(&folder);
            let file = file.context("cannot write the summary")?;
            fs::write(file.path(), redact_printed(&render(MAX_SUMMARY)))?;
            let (_, path) = file.keep().context("cannot keep the summary")?;
            let path = std::path::absolute(path)?;
            let path = path.to_string_lossy();
            stream.print_command(&CiCommand::azure("task.uploadsummary", &[], &path));
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Warns if something could not be reported, which is not a reason to fail.
fn warn_untold(written: anyhow::Result<()>) {
    if let Err(error) = written {
        errln!(
            "warning: cannot report everything to the CI system: {}",
            Escaped(&format!("{error:#}"))
        );
    }
}
