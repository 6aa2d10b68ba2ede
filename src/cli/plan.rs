//! `poolwright plan`: what `apply` would do.

use super::{
    error_report::error_with_help,
    exit,
    files::{self, LoadedFiles},
    print::out,
    replace_file::replace_file,
    screen::Screen,
    session::{self, Session},
};
use poolwright_client::octopus::Reader;
use poolwright_core::{
    diff::{self, TargetFilter},
    finding::{Finding, Level},
    live::{Live, ReadScope},
    plan::{Change, ChangeKind, Plan, PlanHeader, file},
    render::{self, RenderFormat},
};
use poolwright_refresh::{find_space, refresh_live, scope_for_plan, with_every_step};

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
    let session =
        args.session.open_session(files.desired.url.as_ref().map(|it| it.value.as_str())).await?;
    let Some(plan) = make_plan(&files, (&args.session, &args.narrowed), &session, screen).await?
    else {
        return Ok(exit::ERROR);
    };
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

/// The plan of these files. `None` where they do not fit the server; what is wrong is printed.
pub(super) async fn make_plan(
    files: &LoadedFiles,
    (args, narrowed): (&session::Args, &PlanFilter),
    session: &Session,
    screen: &Screen,
) -> anyhow::Result<Option<Plan>> {
    let targets = narrowed.parse_targets()?;
    let reader = session.connection.reader();
    let desired = &files.desired;
    let space = find_space(&reader, args.space_name(desired.space.as_ref())).await?;
    let plan_in_scope = async |scope: ReadScope| {
        let live = refresh_live(&reader, &space, &scope, &session.url).await?;
        let header = plan_header(files, session, &live, scope);
        let plan =
            diff::plan_for_targets(desired, &live, header, &targets, narrowed.wave.as_deref());
        anyhow::Ok((live, plan))
    };
    let (mut live, mut plan) = plan_in_scope(scope_for_plan(desired)).await?;
    let every = with_every_step(&plan.header.scope);
    if every != plan.header.scope && diff::concerns_every_step(&live, &plan) {
        (live, plan) = plan_in_scope(every).await?;
    }
    plan.findings.extend(snapshot_findings(&reader, &live, &plan).await?);
    plan.findings.splice(0..0, files.warnings.iter().cloned());
    if plan.highest_level() == Some(Level::Error) {
        let errors = plan.findings.iter().filter(|finding| finding.level != Level::Deny);
        let errors: Vec<Finding> = errors.cloned().collect();
        files::print_findings(&errors, &files.sources, screen);
        return Ok(None);
    }
    Ok(Some(plan))
}

/// What keeps its old pools though the plan moves steps. It is read once it is known that some do, and
/// nothing of the plan relies on it.
async fn snapshot_findings(
    reader: &Reader,
    live: &Live,
    plan: &Plan,
) -> anyhow::Result<Vec<Finding>> {
    let is_placement = |change: &Change| matches!(change.kind, ChangeKind::PlaceStep { .. });
    if plan.header.scope.snapshots || !plan.changes.iter().any(is_placement) {
        return Ok(diff::frozen_warnings(plan, live, live));
    }
    let scope = ReadScope { snapshots: true, ..ReadScope::default() };
    let frozen = refresh_live(reader, &plan.header.space, &scope, &plan.header.url).await?;
    Ok(diff::frozen_warnings(plan, live, &frozen))
}

fn plan_header(
    files: &LoadedFiles,
    session: &Session,
    live: &Live,
    scope: ReadScope,
) -> PlanHeader {
    PlanHeader {
        url: session.url.clone(),
        server_version: live.server.version.clone(),
        space: live.server.space.clone(),
        files: files.sources.0.iter().map(|it| it.path.clone()).collect(),
        digest: files.sources_digest(),
        scope,
    }
}
