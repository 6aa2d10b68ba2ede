//! What an apply prints, and what it writes to files once it has ended.

use crate::cli::{
    format::{OutputFormat, print_formatted},
    output_args::{self, ShowsApply},
    output_request::{OutputRequest, save_outputs},
    screen::Screen,
};
use poolwright_core::{
    finding::Sources,
    plan::Plan,
    receipt::Receipt,
    render::{MarkdownOptions, RenderFormat, RenderOptions, format_plan, format_receipt},
};

use std::path::Path;

/// What an apply prints to standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum ApplyShows {
    /// The plan, and a line when it is applied.
    Plan,
    /// What was done, in this format.
    Receipt(OutputFormat),
    /// Nothing: the plan was printed.
    Nothing,
}

/// What an apply prints, and what it writes to files.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct ApplyOutput<'a> {
    /// What is printed.
    pub(in crate::cli) shows: ApplyShows,
    /// The files that are written once it has ended.
    pub(in crate::cli) requests: &'a [OutputRequest],
    /// The most bytes of Markdown.
    pub(in crate::cli) max_bytes: usize,
    /// How to write a file.
    pub(in crate::cli) options: RenderOptions,
}

impl<'a> ApplyOutput<'a> {
    /// Returns what `apply` prints and writes.
    pub(super) fn new(args: &'a output_args::Args<ShowsApply>, screen: &Screen) -> Self {
        let shows = match args.format {
            OutputFormat::Text => ApplyShows::Plan,
            format => ApplyShows::Receipt(format),
        };
        let output_args::Args { requests, max_bytes, .. } = args;
        Self { shows, requests, max_bytes: *max_bytes, options: screen.for_file() }
    }

    /// Prints what was done, if that is asked for. `path` is the receipt's, if it has a file.
    pub(super) fn print(&self, receipt: &Receipt, plan: &Plan, path: Option<&Path>) {
        let ApplyShows::Receipt(format) = self.shows else { return };
        if let Some(text) = self.render(format, receipt, plan, path) {
            print_formatted(format, &text);
        }
    }

    /// Writes what was done to every file that is asked for, and says where.
    ///
    /// # Errors
    ///
    /// Fails for the first file that cannot be written.
    pub(super) fn save(
        &self,
        receipt: &Receipt,
        plan: &Plan,
        path: Option<&Path>,
    ) -> anyhow::Result<()> {
        save_outputs(self.requests, |request| self.render(request.format, receipt, plan, path))
    }

    /// Prints and writes the plan that gates refuse, in the formats that have it: nothing was done.
    ///
    /// # Errors
    ///
    /// Fails for the first file that cannot be written.
    pub(super) fn report_refused(&self, plan: &Plan, sources: &Sources) -> anyhow::Result<()> {
        let markdown = MarkdownOptions { max_bytes: self.max_bytes, saved_as: None };
        let render = |format: OutputFormat| {
            let format = match format {
                OutputFormat::Text => RenderFormat::Text,
                OutputFormat::Markdown => RenderFormat::Markdown(markdown),
                OutputFormat::Html => RenderFormat::Html,
                OutputFormat::Junit => RenderFormat::Junit,
                // There is no receipt, and an apply has no other format.
                _ => return None,
            };
            Some(format_plan(plan, sources, format, self.options))
        };
        if let ApplyShows::Receipt(format) = self.shows
            && let Some(text) = render(format)
        {
            print_formatted(format, &text);
        }
        save_outputs(self.requests, |request| render(request.format))
    }

    fn render(
        &self,
        format: OutputFormat,
        receipt: &Receipt,
        plan: &Plan,
        path: Option<&Path>,
    ) -> Option<String> {
        let saved_as = path.map(Path::to_string_lossy);
        let options = MarkdownOptions { max_bytes: self.max_bytes, saved_as: saved_as.as_deref() };
        Some(format_receipt(receipt, format.for_receipt(options, Some(plan))?))
    }
}
