//! `poolwright plan`: shows what `apply` would change.

use super::{
    base, exit, files, levels,
    output_file::{InputFile, PlanSubject},
    own_place,
    print::Stream,
    saved_plan::{check_destination, save_plan},
    screen::Screen,
    session::{self, DeclaredServer, Session},
    stamp::{UserLookup, stamp_saved_plan},
};
use crate::ops::{BaseFiles, LoadedFiles, PlanGuards, PlanRequest, error_with_help, plan_files};
use poolwright_core::{
    diff::TargetFilter,
    finding::{Finding, Level, Sources},
    model::Address,
    plan::Plan,
    render::{self, RenderFormat},
    text::{escape::Syntax, nearest_name},
};

use std::path::{Path, PathBuf};

/// Show what `apply` would change, without changing the server.
///
/// Exits with 3 if a gate or a denied warning refuses the plan and, with `--exit-code`, with 2 if there are
/// changes. Example:
///
///   poolwright plan -f workers.toml -o plan.json
///
/// On a branch, this tells what the branch brings from what was pending before:
///
///   poolwright plan --base origin/main
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    #[command(flatten)]
    files: files::Args,
    /// Save the plan to this file, for `show` and `apply`.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Output format.
    #[arg(long, value_enum, default_value_t = PlanFormat::Text, value_name = "FORMAT")]
    format: PlanFormat,
    /// Exit with 2 if there are changes; with `--base`, if this change of the files brings any.
    #[arg(long)]
    exit_code: bool,
    /// Tell what a change of the files brings from what was pending before it: a Git revision such as `origin/main`,
    /// or the path of the file or folder before the change.
    #[arg(long, value_name = "REF")]
    base: Option<String>,
    #[command(flatten)]
    narrowed: PlanFilter,
    #[command(flatten)]
    own: own_place::Args,
    #[command(flatten)]
    levels: levels::Args,
    #[command(flatten)]
    session: session::Args,
}

/// The filters that narrow a plan.
#[derive(Debug, clap::Args)]
pub(super) struct PlanFilter {
    /// Plan only the changes at this address and their dependencies; `*` and `?` are wildcards. May be repeated.
    #[arg(long, value_name = "ADDRESS")]
    target: Vec<String>,
    /// Move only the steps in waves up to this one, given by number or label. Changes to the built-in worker
    /// and the default pool, and deletions, wait for the last wave.
    #[arg(long, value_name = "WAVE")]
    wave: Option<String>,
}

impl PlanFilter {
    /// Makes the plan for these files, compared with that of their base if there is one. Returns `None` after printing
    /// why they do not fit the server.
    pub(super) async fn make_plan(
        &self,
        files: &LoadedFiles,
        base: Option<&BaseFiles>,
        guards: &PlanGuards,
        args: &session::Args,
        session: &Session,
        screen: &Screen,
    ) -> anyhow::Result<Option<Plan>> {
        let request = PlanRequest {
            target: session.target(args, files.space()),
            addresses: self.parse_targets(files)?,
            wave: self.wave.as_deref(),
            base,
            own: &guards.own,
            settle: &guards.settle,
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

    fn parse_targets(&self, files: &LoadedFiles) -> anyhow::Result<TargetFilter> {
        let targets = TargetFilter::new(self.target.iter().map(String::as_str));
        targets.map_err(|error| {
            let declared = files.desired.pools.keys().cloned().map(Address::Pool);
            let workers = files.desired.workers.keys().cloned().map(Address::Worker);
            let known: Vec<String> = declared.chain(workers).map(|it| it.to_string()).collect();
            let help = match nearest_name(&error.text, known.iter().map(String::as_str)) {
                Some(near) => format!("a similar address exists: `{near}`"),
                None => "use an address that `plan` shows, such as `pools.sql` or `projects[\"Web Store\"]*`"
                    .to_owned(),
            };
            error_with_help(error.to_string(), help)
        })
    }
}

/// The output format of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum PlanFormat {
    /// Human-readable text.
    Text,
    /// JSON, for scripts; `poolwright schema plan` prints its schema.
    Json,
    /// A page for people, in one file.
    Html,
}

impl PlanFormat {
    /// Prints a plan of this run, which is saved in a file or not, and tells the CI system about it.
    pub(super) fn report_plan(
        self,
        plan: &Plan,
        sources: &Sources,
        saved_as: Option<&Path>,
        screen: &Screen,
    ) -> anyhow::Result<()> {
        if self == Self::Text {
            let section = screen.ci.begin_section(Stream::Out, "poolwright plan");
            self.print_plan(plan, sources, screen);
            section.end();
            return screen.ci.report_plan(plan, sources, saved_as, Stream::Out);
        }
        self.print_plan(plan, sources, screen);
        // Commands have no place in a text for machines.
        screen.ci.report_plan(plan, sources, saved_as, Stream::Err)
    }

    /// Prints a plan to standard output.
    pub(super) fn print_plan(self, plan: &Plan, sources: &Sources, screen: &Screen) {
        let format = match self {
            Self::Text => RenderFormat::Text,
            Self::Json => RenderFormat::Json,
            Self::Html => RenderFormat::Html,
        };
        let text = render::format_plan(plan, sources, format, screen.out);
        match self {
            Self::Text => Stream::Out.print_text(&text),
            Self::Json => Stream::Out.print(&text, Syntax::Json),
            Self::Html => Stream::Out.print(&text, Syntax::Html),
        }
    }
}

impl Args {
    /// Reads the files that the plan is compared with. Those for another server or space say nothing about this one.
    fn load_base(&self, files: &LoadedFiles) -> anyhow::Result<Option<BaseFiles>> {
        let Some(name) = &self.base else { return Ok(None) };
        // A folder that `-f` names is the files in it.
        let is_stdin = self.files.paths().iter().any(|path| path == "-");
        let paths = if is_stdin { self.files.paths().to_vec() } else { files.names() };
        let mut base = base::load_base(name, &paths)?;
        let differs = |own: Option<&str>, other: Option<&str>| {
            own.zip(other).is_some_and(|(own, other)| own != other)
        };
        if let Ok(other) = &base.files
            && (self.session.url().is_none() && differs(files.url(), other.url())
                || self.session.space_name(None).is_none() && differs(files.space(), other.space()))
        {
            base.files = Err(vec!["its files are for another server or space".to_owned()]);
        }
        Ok(Some(base))
    }
}

/// Makes the plan and shows it.
pub(super) async fn run(args: &Args, screen: &Screen) -> anyhow::Result<u8> {
    let Some(files) = args.files.load_files(screen)? else { return Ok(exit::ERROR) };
    let names = files.names();
    let subject = PlanSubject {
        url: args.session.url().or(files.url()),
        space: args.session.space_name(files.space()),
        files: &names,
    };
    check_destination(args.output.as_deref(), subject, &InputFile::configuration(&names))?;
    let base = args.load_base(&files)?;
    let session = args.session.open_session(files.url().map(DeclaredServer::in_file)).await?;
    // Only what is kept says how it was made.
    let is_kept = args.output.is_some() || args.format == PlanFormat::Json;
    let user = is_kept.then(|| UserLookup::start(&session));
    let guards = args.levels.guards(&args.own);
    let (base, narrowed) = (base.as_ref(), &args.narrowed);
    let plan = narrowed.make_plan(&files, base, &guards, &args.session, &session, screen);
    let Some(mut plan) = plan.await? else { return Ok(exit::ERROR) };
    if let Some(user) = user {
        stamp_saved_plan(&mut plan, user.finish().await);
    }
    args.format.report_plan(&plan, &files.sources, args.output.as_deref(), screen)?;
    if let Some(path) = &args.output {
        save_plan(&plan, &files.sources, path)?;
    }
    Ok(match plan.highest_level() {
        Some(Level::Deny | Level::Error) => exit::REFUSED,
        _ if args.exit_code && plan.brings_changes() => exit::CHANGES,
        _ => exit::DONE,
    })
}
