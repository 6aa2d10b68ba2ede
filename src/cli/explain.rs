//! `poolwright explain`: where steps run and why, or what uses a pool.

use super::{
    codes, exit, files,
    print::Stream,
    screen::Screen,
    session::{self, DeclaredServer},
};
use crate::ops::{ExplainQuestion, ExplainRequest, explain};
use poolwright_core::{
    explain::{render_csv, render_json, render_text},
    text::escape::Syntax,
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
    /// Output format.
    #[arg(long, value_enum, default_value_t = ExplainFormat::Text, value_name = "FORMAT")]
    format: ExplainFormat,
    #[command(flatten)]
    files: files::Args,
    #[command(flatten)]
    session: session::Args,
}

/// The output format of an explanation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum ExplainFormat {
    /// Human-readable text.
    Text,
    /// JSON, for scripts.
    Json,
    /// CSV, for spreadsheets.
    Csv,
}

/// Reads what the question needs and prints the answer.
pub(super) async fn run(args: &Args, screen: &Screen) -> anyhow::Result<u8> {
    if let Some(code) = &args.code {
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
    let url = files.and_then(|files| files.url());
    let session = args.session.open_session(url.map(DeclaredServer::in_file)).await?;
    let request = ExplainRequest {
        target: session.target(&args.session, files.and_then(|files| files.space())),
        question: args.question(),
        files,
    };
    let answer = explain(&session.connection.reader(), &request).await?;
    let explanation = &answer.explanation;
    match args.format {
        ExplainFormat::Text => Stream::Out.print_text(&render_text(explanation)),
        ExplainFormat::Json => Stream::Out.print(&render_json(explanation), Syntax::Json),
        ExplainFormat::Csv => Stream::Out.print(&render_csv(explanation), Syntax::Csv),
    }
    answer.incomplete.map_or(Ok(exit::DONE), Err)
}

impl Args {
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
