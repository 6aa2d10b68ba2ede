//! Shows a plan in the format that is asked for, and writes it to files in others: one plan feeds them all.

use super::{
    format::{OutputFormat, print_formatted},
    output_args::{self, ShowsPlan},
    output_file::{InputFile, OutputFile, OutputKind, PlanSubject, check_outputs},
    output_request::{OutputRequest, save_outputs, saved_plan_paths},
    print::Stream,
    repository::{plan_in_repository, sources_in_repository},
    saved_plan::save_plan,
    screen::Screen,
};
use poolwright_core::{
    finding::{Finding, Sources},
    plan::Plan,
    render::{MarkdownOptions, RenderFormat, RenderOptions, format_plan},
};

use std::path::Path;

/// Where a plan is shown and written.
#[derive(Debug)]
pub(super) struct PlanOutput<'a> {
    /// The file that `-o` names.
    pub(super) saved: Option<&'a Path>,
    /// The file that the plan was read from.
    pub(super) read_from: Option<&'a Path>,
    /// The formats.
    pub(super) args: &'a output_args::Args<ShowsPlan>,
    /// How to print.
    pub(super) screen: &'a Screen,
}

impl PlanOutput<'_> {
    /// Checks, before a server is read, that nothing is lost that has to stay. `others` are further outputs of the run.
    ///
    /// # Errors
    ///
    /// Fails if an output would replace an input, another output, or another file than an earlier one of its kind.
    pub(super) fn check_files(
        &self,
        subject: PlanSubject,
        inputs: &[InputFile],
        others: &[OutputFile],
    ) -> anyhow::Result<()> {
        let plan = |path| OutputFile { path, kind: OutputKind::Plan(subject) };
        let requested = self.args.requests.iter().map(|request| {
            if request.is_saved_plan() { plan(&request.path) } else { request.output_file() }
        });
        let outputs = self.saved.map(plan).into_iter().chain(requested);
        let outputs: Vec<OutputFile> = outputs.chain(others.iter().copied()).collect();
        check_outputs(inputs, &outputs)
    }

    /// Whether the plan is saved or printed whole, so that it has to record how it was made.
    pub(super) fn keeps_plan(&self) -> bool {
        self.args.format == OutputFormat::Json || self.saves_plan()
    }

    /// Whether the plan is written to a file, from which it can be applied later.
    pub(super) fn saves_plan(&self) -> bool {
        self.saved.is_some() || saved_plan_paths(&self.args.requests).next().is_some()
    }

    /// Prints a plan of this run, and tells the CI system about it.
    ///
    /// # Errors
    ///
    /// Fails if a file of the CI system cannot be written.
    pub(super) fn report(&self, plan: &Plan, sources: &Sources) -> anyhow::Result<()> {
        let ci = &self.screen.ci;
        if self.args.format != OutputFormat::Text {
            self.print(plan, sources);
            // Commands have no place in a text for machines.
            return ci.report_plan(plan, sources, self.saved_as(), Stream::Err);
        }
        let section = ci.begin_section(Stream::Out, "poolwright plan");
        self.print(plan, sources);
        section.end();
        ci.report_plan(plan, sources, self.saved_as(), Stream::Out)
    }

    /// Prints the plan to standard output.
    pub(super) fn print(&self, plan: &Plan, sources: &Sources) {
        let format = self.args.format;
        if let Some(text) = self.render(format, plan, sources, self.screen.out) {
            print_formatted(format, &text);
        }
    }

    /// Writes the plan to every file that is asked for, and says where.
    ///
    /// # Errors
    ///
    /// Fails for the first file that cannot be written.
    pub(super) fn save(&self, plan: &Plan, sources: &Sources) -> anyhow::Result<()> {
        let plans = self.saved.into_iter().chain(saved_plan_paths(&self.args.requests));
        for path in plans {
            save_plan(plan, sources, path)?;
        }
        let options = self.screen.for_file();
        let render = |request: &OutputRequest| {
            let format = request.format;
            if request.is_saved_plan() { None } else { self.render(format, plan, sources, options) }
        };
        save_outputs(&self.args.requests, render)
    }

    /// Shows and writes the errors that prevent a plan, in the formats that do not need one.
    ///
    /// # Errors
    ///
    /// Fails for the first file that cannot be written.
    pub(super) fn report_errors(&self, found: &[Finding], sources: &Sources) -> anyhow::Result<()> {
        let options = self.screen.for_file();
        let render = |format: OutputFormat| match format {
            // The JSON of a plan is a plan, and the text is on standard error.
            OutputFormat::Json | OutputFormat::Text => None,
            format => format.render_findings(found, sources, self.args.max_bytes, options),
        };
        if let Some(text) = render(self.args.format) {
            print_formatted(self.args.format, &text);
        }
        save_outputs(&self.args.requests, |request| render(request.format))
    }

    /// Returns the file in which the plan is kept, for `apply`.
    fn saved_as(&self) -> Option<&Path> {
        let requested = saved_plan_paths(&self.args.requests).next();
        self.saved.or(requested).or(self.read_from)
    }

    /// Returns the plan in a format; `None` if plans do not have it.
    fn render(
        &self,
        format: OutputFormat,
        plan: &Plan,
        sources: &Sources,
        options: RenderOptions,
    ) -> Option<String> {
        let saved_as = self.saved_as().map(Path::to_string_lossy);
        let is_about_repository = format.is_about_repository();
        let format = match format {
            OutputFormat::Text => RenderFormat::Text,
            OutputFormat::Json => RenderFormat::Json,
            OutputFormat::Markdown => RenderFormat::Markdown(MarkdownOptions {
                max_bytes: self.args.max_bytes,
                saved_as: saved_as.as_deref(),
            }),
            OutputFormat::Html => RenderFormat::Html,
            OutputFormat::Sarif => RenderFormat::Sarif,
            OutputFormat::Junit => RenderFormat::Junit,
            OutputFormat::CodeQuality => RenderFormat::CodeQuality,
            OutputFormat::Csv => return None,
        };
        Some(if is_about_repository {
            let (plan, sources) = (plan_in_repository(plan), sources_in_repository(sources));
            format_plan(&plan, &sources, format, options)
        } else {
            format_plan(plan, sources, format, options)
        })
    }
}
