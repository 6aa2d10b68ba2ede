//! `poolwright explain`: where steps run and why, or what uses a pool.

use super::{
    codes, exit, files,
    format::{OutputFormat, print_formatted},
    output_args::{self, ShowsExplanation},
    output_file::{InputFile, OutputFile, check_outputs},
    output_request::{OutputRequest, save_outputs},
    screen::Screen,
    session::{self, DeclaredServer},
};
use crate::ops::{ExplainQuestion, ExplainRequest, LoadedFiles, error_with_help, explain};
use poolwright_core::explain::{
    Explanation, render_csv, render_json, render_markdown, render_text,
};

use std::path::Path;

/// Explain where a project's steps run, and on which workers, what uses a pool, or what a finding means.
///
/// No file is needed; if there is a `workers.toml`, the rule that places each step is shown
/// too. Example:
///
///   poolwright explain "Web Store" "Deploy to AKS"
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The project's name, slug or id.
    #[arg(required_unless_present_any = ["pool", "code"], conflicts_with_all = ["pool", "code"])]
    project: Option<String>,
    /// The name of a step or action in the project; all steps if omitted.
    #[arg(requires = "project")]
    step: Option<String>,
    /// Explain what uses this pool, given by name, slug or id.
    #[arg(long, value_name = "POOL")]
    pool: Option<String>,
    /// Explain what this code of a finding means and what to do about it, without a server; all codes if omitted.
    #[arg(long, value_name = "CODE", num_args = 0..=1, default_missing_value = "", conflicts_with = "pool")]
    code: Option<String>,
    #[command(flatten)]
    outputs: output_args::Args<ShowsExplanation>,
    #[command(flatten)]
    files: files::Args,
    #[command(flatten)]
    session: session::Args,
}

/// Reads what the question needs and prints the answer.
pub(super) async fn run(args: &Args, screen: &Screen) -> anyhow::Result<u8> {
    if let Some(code) = &args.code {
        if args.outputs.format != OutputFormat::Text || !args.outputs.requests.is_empty() {
            return Err(error_with_help(
                "`--code` prints text alone",
                "remove `--format` and `--out`; docs/findings.md is the same text as Markdown",
            ));
        }
        return codes::run(code);
    }
    let has_file = !args.files.are_default() || Path::new(files::DEFAULT).exists();
    let files = if has_file {
        let Some(files) = args.files.load_files(screen)? else { return Ok(exit::ERROR) };
        Some(files)
    } else {
        None
    };
    let files = files.as_ref();
    args.check_files(files)?;
    let url = files.and_then(|files| files.url());
    let session = args.session.open_session(url.map(DeclaredServer::in_file)).await?;
    let request = ExplainRequest {
        target: session.target(&args.session, files.and_then(|files| files.space())),
        question: args.question(),
        files,
    };
    let answer = explain(&session.connection.reader(), &request).await?;
    let explanation = &answer.explanation;
    let output_args::Args { format, requests, max_bytes, .. } = &args.outputs;
    let render = |format| render_explanation(explanation, format, *max_bytes);
    if let Some(text) = render(*format) {
        print_formatted(*format, &text);
    }
    save_outputs(requests, |request| render(request.format))?;
    answer.incomplete.map_or(Ok(exit::DONE), Err)
}

/// Returns an explanation in a format; `None` if explanations do not have it.
fn render_explanation(
    explanation: &Explanation,
    format: OutputFormat,
    max_bytes: usize,
) -> Option<String> {
    match format {
        OutputFormat::Text => Some(render_text(explanation)),
        OutputFormat::Json => Some(render_json(explanation)),
        OutputFormat::Csv => Some(render_csv(explanation)),
        OutputFormat::Markdown => Some(render_markdown(explanation, max_bytes)),
        OutputFormat::Html
        | OutputFormat::Sarif
        | OutputFormat::Junit
        | OutputFormat::CodeQuality => None,
    }
}

impl Args {
    /// Checks that no output replaces a file that has to stay.
    fn check_files(&self, files: Option<&LoadedFiles>) -> anyhow::Result<()> {
        let names = files.map(LoadedFiles::names).unwrap_or_default();
        let outputs = self.outputs.requests.iter().map(OutputRequest::output_file);
        let outputs: Vec<OutputFile> = outputs.collect();
        check_outputs(&InputFile::configuration(&names), &outputs)
    }

    fn question(&self) -> ExplainQuestion<'_> {
        match (&self.pool, &self.project) {
            (Some(pool), _) => ExplainQuestion::Pool(pool),
            // clap requires one of the two.
            (None, project) => ExplainQuestion::Steps {
                project: project.as_deref().unwrap_or_default(),
                step: self.step.as_deref(),
            },
        }
    }
}
