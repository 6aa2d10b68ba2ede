//! `poolwright plan`: shows what `apply` would change.

use super::{
    base, exit, files, levels,
    output_args::{self, ShowsPlan},
    output_file::{InputFile, PlanSubject},
    own_place,
    plan_output::PlanOutput,
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
    text::nearest_name,
};

use std::path::PathBuf;

/// Show what `apply` would change, without changing the server.
///
/// Exits with 3 if a gate or a denied warning refuses the plan and, with `--exit-code`, with 2 if there are
/// changes. Example:
///
///   poolwright plan -f workers.toml -o plan.json
///
/// On a branch, this separates what the branch brings from what was already pending:
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
    #[command(flatten)]
    outputs: output_args::Args<ShowsPlan>,
    /// Exit with 2 if there are changes; with `--base`, only if the files bring any.
    #[arg(long)]
    exit_code: bool,
    /// Separate what the files bring from what was already pending: a Git revision such as `origin/main`,
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

impl Args {
    fn output<'a>(&'a self, screen: &'a Screen) -> PlanOutput<'a> {
        let saved = self.output.as_deref();
        PlanOutput { saved, read_from: None, args: &self.outputs, screen }
    }

    /// Checks that no output replaces a file that has to stay.
    fn check_files(
        &self,
        output: &PlanOutput,
        sources: &Sources,
        files: Option<&LoadedFiles>,
    ) -> anyhow::Result<()> {
        let names: Vec<String> = sources.0.iter().map(|source| source.path.clone()).collect();
        let subject = PlanSubject {
            url: self.session.url().or(files.and_then(LoadedFiles::url)),
            space: self.session.space_name(files.and_then(LoadedFiles::space)),
            files: &names,
        };
        output.check_files(subject, &InputFile::configuration(&names), &[])
    }
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

/// What a plan is made from, besides the server.
#[derive(Clone, Copy)]
pub(super) struct PlanInput<'a> {
    /// The files.
    pub(super) files: &'a LoadedFiles,
    /// What they are compared with, if anything.
    pub(super) base: Option<&'a BaseFiles>,
    /// What the command line adds to the gates.
    pub(super) guards: &'a PlanGuards,
}

impl PlanFilter {
    /// Makes the plan for these files, compared with that of their base if there is one. Returns why they do not fit
    /// the server, after printing it.
    pub(super) async fn make_plan(
        &self,
        input: PlanInput<'_>,
        args: &session::Args,
        session: &Session,
        screen: &Screen,
    ) -> anyhow::Result<Result<Plan, Vec<Finding>>> {
        let PlanInput { files, base, guards } = input;
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
            return Ok(Ok(plan));
        }
        let errors = plan.findings.into_iter().filter(|finding| finding.level != Level::Deny);
        let errors: Vec<Finding> = errors.collect();
        files::print_findings(&errors, &files.sources, screen);
        Ok(Err(errors))
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
    let output = args.output(screen);
    let files = match args.files.load_or_refuse(screen)? {
        Ok(files) => files,
        Err(refused) => {
            args.check_files(&output, &refused.sources, None)?;
            output.report_errors(&refused.findings, &refused.sources)?;
            return Ok(exit::ERROR);
        }
    };
    args.check_files(&output, &files.sources, Some(&files))?;
    let base = args.load_base(&files)?;
    let session = args.session.open_session(files.url().map(DeclaredServer::in_file)).await?;
    // Only what is kept says how it was made.
    let user = output.keeps_plan().then(|| UserLookup::start(&session));
    let guards = args.levels.guards(&args.own);
    let input = PlanInput { files: &files, base: base.as_ref(), guards: &guards };
    let plan = args.narrowed.make_plan(input, &args.session, &session, screen);
    let mut plan = match plan.await? {
        Ok(plan) => plan,
        Err(errors) => {
            output.report_errors(&errors, &files.sources)?;
            return Ok(exit::ERROR);
        }
    };
    if let Some(user) = user {
        stamp_saved_plan(&mut plan, user.finish().await);
    }
    output.report(&plan, &files.sources)?;
    output.save(&plan, &files.sources)?;
    Ok(match plan.highest_level() {
        Some(Level::Deny | Level::Error) => exit::REFUSED,
        _ if args.exit_code && plan.brings_changes() => exit::CHANGES,
        _ => exit::DONE,
    })
}
