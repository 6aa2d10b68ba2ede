//! `poolwright plan`: what `apply` would do.

use super::{
    exit, files,
    print::out,
    replace_file::replace_file,
    screen::Screen,
    session::{self, Session},
};
use crate::ops::{LoadedFiles, PlanRequest, error_with_help, plan_files};
use poolwright_core::{
    diff::TargetFilter,
    finding::{Finding, Level},
    plan::{Plan, file},
    render::{self, RenderFormat},
};

use std::path::{Path, PathBuf};

/// Show what `apply` would do, and write nothing.
///
/// Exits with 3 where a gate refuses the plan, and with `--exit-code` with 2 where there are changes.
/// Example:
///
///   poolwright plan -f workers.toml -o plan.json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    #[command(flatten)]
    files: files::Args,
    /// Save the plan, for `show` and `apply`.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// How the plan is shown.
    #[arg(long, value_enum, default_value_t = PlanFormat::Text, value_name = "FORMAT")]
    format: PlanFormat,
    /// Exit with 2 where there are changes.
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    narrowed: PlanFilter,
    #[command(flatten)]
    session: session::Args,
}

/// What a plan is narrowed to.
#[derive(Debug, clap::Args)]
pub(super) struct PlanFilter {
    /// Only the change at this address, and what it depends on; `*` and `?` are wildcards. May be repeated.
    #[arg(long, value_name = "ADDRESS")]
    target: Vec<String>,
    /// Only the steps of the waves up to this one, by number or label; the built-in worker, the default pool
    /// and what is deleted wait for the last.
    #[arg(long, value_name = "WAVE")]
    wave: Option<String>,
}

impl PlanFilter {
    /// The plan of these files. `None` where they do not fit the server; what is wrong is printed.
    pub(super) async fn make_plan(
        &self,
        files: &LoadedFiles,
        args: &session::Args,
        session: &Session,
        screen: &Screen,
    ) -> anyhow::Result<Option<Plan>> {
        let request = PlanRequest {
            target: session.target(args, files.space()),
            addresses: self.parse_targets()?,
            wave: self.wave.as_deref(),
        };
        let plan = plan_files(&session.connection.reader(), files, &request).await?;
        if plan.highest_level() != Some(Level::Error) {
            return Ok(Some(plan));
        }
        let errors = plan.findings.into_iter().filter(|finding| finding.level != Level::Deny);
        let errors: Vec<Finding> = errors.collect();
        files::print_findings(&errors, &files.sources, screen);
        Ok(None)
    }

    fn parse_targets(&self) -> anyhow::Result<TargetFilter> {
        let targets = TargetFilter::new(self.target.iter().map(String::as_str));
        targets.map_err(|error| {
            error_with_help(
                error.to_string(),
                "a plan shows its addresses: `pools.sql`, `projects[\"Web Store\"]*`",
            )
        })
    }
}

/// How a plan is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum PlanFormat {
    /// For people.
    Text,
    /// For scripts; the schema is `poolwright schema plan`.
    Json,
}

impl From<PlanFormat> for RenderFormat {
    fn from(shown: PlanFormat) -> Self {
        match shown {
            PlanFormat::Text => Self::Text,
            PlanFormat::Json => Self::Json,
        }
    }
}

/// Plans and shows the plan.
pub(super) async fn run(args: &Args, screen: &Screen) -> anyhow::Result<u8> {
    let Some(files) = args.files.load_files(screen)? else { return Ok(exit::ERROR) };
    let session = args.session.open_session(files.url()).await?;
    let plan = args.narrowed.make_plan(&files, &args.session, &session, screen).await?;
    let Some(plan) = plan else { return Ok(exit::ERROR) };
    if let Some(path) = &args.output {
        // A configuration that is planned over is lost.
        if files.sources.0.iter().any(|source| Path::new(&source.path) == path.as_path()) {
            let message =
                format!("`{}` is the file that is planned, and not one for a plan", path.display());
            return Err(error_with_help(
                message,
                "save the plan into a file of its own, such as `-o plan.json`",
            ));
        }
        replace_file(path, file::write(&plan, &files.sources).as_bytes())?;
    }
    out!("{}", render::format_plan(&plan, &files.sources, args.format.into(), screen.out));
    Ok(match plan.highest_level() {
        Some(Level::Deny | Level::Error) => exit::REFUSED,
        _ if args.exit_code && !plan.changes.is_empty() => exit::CHANGES,
        _ => exit::DONE,
    })
}
