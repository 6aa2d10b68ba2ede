//! `poolwright graph`: draws pools, workers and what runs where.

use super::{
    exit, files,
    print::Stream,
    screen::Screen,
    session::{self, DeclaredServer},
    show::read_plan,
};
use crate::ops::{GraphRequest, draw_plan, draw_server};
use poolwright_core::{
    finding::{Finding, Level},
    graph::{Diagram, GraphFormat, format_graph},
    text::escape::Syntax,
};

use std::path::{Path, PathBuf};

/// Draw pools, workers and what runs where, as Mermaid, Graphviz DOT or SVG.
///
/// No file is needed. A saved plan is drawn without contacting a server, before and after.
/// Example:
///
///   poolwright graph --after --format svg > workers.svg
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// A saved plan to draw instead of a server.
    #[arg(conflicts_with_all = ["pool", "project"])]
    plan: Option<PathBuf>,
    /// Draw only this pool, given by name, slug or id.
    #[arg(long, value_name = "POOL")]
    pool: Option<String>,
    /// Draw only this project, given by name, slug or id, step by step.
    #[arg(long, value_name = "PROJECT")]
    project: Option<String>,
    /// Also draw where steps run once the files are applied.
    #[arg(long)]
    after: bool,
    /// Output format.
    #[arg(long, value_enum, default_value_t = GraphLanguage::Mermaid, value_name = "FORMAT")]
    format: GraphLanguage,
    #[command(flatten)]
    files: files::Args,
    #[command(flatten)]
    session: session::Args,
}

/// The language of a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum GraphLanguage {
    /// A Mermaid flowchart, which GitHub, GitLab and Azure DevOps draw in Markdown.
    Mermaid,
    /// Graphviz DOT.
    Dot,
    /// An SVG file.
    Svg,
}

/// Draws what was asked for and prints it.
pub(super) async fn run(args: &Args, screen: &Screen) -> anyhow::Result<u8> {
    if let Some(path) = &args.plan {
        args.format.print(&draw_plan(&read_plan(path)?)?);
        return Ok(exit::DONE);
    }
    let has_file = args.after || !args.files.are_default() || Path::new(files::DEFAULT).exists();
    let files = if has_file {
        let Some(files) = args.files.load_files(screen)? else { return Ok(exit::ERROR) };
        Some(files)
    } else {
        None
    };
    let files = files.as_ref();
    let url = files.and_then(|files| files.url());
    let session = args.session.open_session(url.map(DeclaredServer::in_file)).await?;
    let request = GraphRequest {
        target: session.target(&args.session, files.and_then(|files| files.space())),
        pool: args.pool.as_deref(),
        project: args.project.as_deref(),
        after: files.filter(|_| args.after),
    };
    match (draw_server(&session.connection.reader(), &request).await?, files) {
        (Ok(diagram), _) => {
            args.format.print(&diagram);
            Ok(exit::DONE)
        }
        (Err(findings), files) => {
            let errors = findings.into_iter().filter(|finding| finding.level == Level::Error);
            let errors: Vec<Finding> = errors.collect();
            if let Some(files) = files {
                files::print_findings(&errors, &files.sources, screen);
            }
            Ok(exit::ERROR)
        }
    }
}

impl GraphLanguage {
    fn print(self, diagram: &Diagram) {
        let (format, syntax) = match self {
            Self::Mermaid => (GraphFormat::Mermaid, Syntax::Text),
            Self::Dot => (GraphFormat::Dot, Syntax::Text),
            Self::Svg => (GraphFormat::Svg, Syntax::Html),
        };
        Stream::Out.print(&format_graph(diagram, format), syntax);
    }
}
