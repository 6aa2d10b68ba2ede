//! `poolwright apply`: applies a plan to the server.

mod age;
mod output;
mod prepare;
mod report;

pub(super) use output::{ApplyOutput, ApplyShows};

use super::{
    ci_job,
    confirm::ask_to_confirm,
    error_report::print_error,
    exit, files, levels,
    output_args::{self, ShowsApply},
    output_file::{InputFile, OutputFile, OutputKind, check_outputs},
    output_request::OutputRequest,
    own_place,
    plan::PlanFilter,
    print::{Stream, errln, outln, warn_secret_in_file},
    progress::Progress,
    provenance::find_provenance,
    receipt::{self, ReceiptRecorder, RecordedApply},
    screen::Screen,
    session::{self, Session},
    signals::{ReceiptSlot, listen_for_stop},
    stamp::UserLookup,
    time_limit::{self, RunClock, finish_before},
    turns::turns_folder,
    undone::RollbackOutcome,
    wait,
};
use crate::ops::{
    LackingPermission, PlanCheck, PlanProvenance, lacking_apply_permissions, recheck_plan,
};
use age::parse_age;
use poolwright_client::apply::{
    self, ApplyEvent, ApplyListener, Deadline, LateChecks, StopReason, StoreError, apply_plan,
};
use poolwright_core::{
    diff::{LateExpectations, relax_unhealthy_gate},
    finding::Sources,
    live::Live,
    plan::{ApprovedPlan, Plan},
    receipt::RunRecord,
    render::{RenderFormat, approval_line, format_plan},
    text::pluralize,
};
use poolwright_refresh::PlanSource;
use prepare::{Preparation, prepare_plan};
use report::{print_stale, report_lost_receipt, report_receipt};

use anyhow::Context as _;
use futures_util::future::BoxFuture;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{sync::watch, time::Instant};

/// Apply a saved plan, or make a plan and apply it after confirmation.
///
/// Re-reads the server before the first write and exits with 4, writing nothing, if it has
/// changed since the plan. Exits with 3 if a gate refuses the plan, and with 5 if some
/// changes were not made; run `apply` again to continue from there. Example:
///
///   poolwright plan -o plan.json && poolwright apply plan.json --wait-healthy 5m
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// A plan saved by `plan -o` or `rollback -o`; applied without confirmation.
    #[arg(conflicts_with_all = ["target", "wave", "files"])]
    plan: Option<PathBuf>,
    /// Refuse a saved plan that was made longer ago than this (`24h`, `7d`), or whose time is not known.
    #[arg(long, value_name = "DURATION", value_parser = parse_age, requires = "plan")]
    max_age: Option<Duration>,
    #[command(flatten)]
    files: files::Args,
    #[command(flatten)]
    narrowed: PlanFilter,
    #[command(flatten)]
    outputs: output_args::Args<ShowsApply>,
    #[command(flatten)]
    flags: ApplyFlags,
}

/// How a plan is applied; `rollback` takes the same flags.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct ApplyFlags {
    /// Do not ask for confirmation.
    #[arg(short = 'y', long, visible_alias = "yes")]
    auto_approve: bool,
    /// The file to write the receipt to [default: a timestamped file in `.poolwright/receipts`].
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
    #[command(flatten)]
    pub(super) levels: levels::Args,
    #[command(flatten)]
    wait: wait::Args,
    #[command(flatten)]
    pub(super) own: own_place::Args,
    #[command(flatten)]
    pub(super) time: time_limit::Args,
    #[command(flatten)]
    pub(super) session: session::Args,
}

impl ApplyFlags {
    /// Whether the plan is applied without a question.
    pub(super) fn is_approved(&self) -> bool {
        self.auto_approve
    }

    /// Returns the file that the user names for the receipt.
    pub(super) fn receipt_file(&self) -> Option<OutputFile<'_>> {
        let receipt = self.receipt.as_deref();
        receipt.map(|path| OutputFile { path, kind: OutputKind::Receipt })
    }
}

impl Args {
    /// Checks, before a server is read, that no output replaces a file that has to stay.
    fn check_files(&self, inputs: &[InputFile]) -> anyhow::Result<()> {
        let outputs = self.outputs.requests.iter().map(OutputRequest::output_file);
        let outputs: Vec<OutputFile> =
            self.flags.receipt_file().into_iter().chain(outputs).collect();
        check_outputs(inputs, &outputs)
    }
}

/// Makes a plan unless one is given, asks for confirmation, and applies the plan.
pub(super) async fn run(args: &Args, screen: &Screen) -> anyhow::Result<u8> {
    let clock = RunClock::start();
    let prepared = args.flags.time.bound(clock, prepare_plan(args, screen)).await?;
    let (session, plan, sources) = match prepared {
        Preparation::Ready { session, plan, sources } => (session, *plan, sources),
        Preparation::Stopped(code) => return Ok(code),
    };
    let outcome = RollbackOutcome::from_plan(&plan);
    let (flags, saved, user) = (&args.flags, args.plan.as_deref(), UserLookup::start(&session));
    let output = ApplyOutput::new(&args.outputs, screen);
    let run = ApplyRun { session: &session, flags, output, saved, user, clock, screen };
    let code = run.confirm_and_apply(plan, &sources).await?;
    Ok(outcome.report(code))
}

/// What a plan is applied with.
pub(super) struct ApplyRun<'a> {
    /// The server.
    pub(super) session: &'a Session,
    /// The user's flags.
    pub(super) flags: &'a ApplyFlags,
    /// What is printed, and written to files.
    pub(super) output: ApplyOutput<'a>,
    /// The file that the plan was saved in, if any; such a plan needs no confirmation.
    pub(super) saved: Option<&'a Path>,
    /// Who makes the changes.
    pub(super) user: UserLookup,
    /// How long the run has taken.
    pub(super) clock: RunClock,
    /// How to print.
    pub(super) screen: &'a Screen,
}

impl ApplyRun<'_> {
    /// Checks a saved plan, shows it and applies it; any other is shown, confirmed, checked and applied. Returns the
    /// exit code.
    ///
    /// A saved plan is untrusted: what is shown of it has been compared with the server.
    pub(super) async fn confirm_and_apply(
        &self,
        plan: Plan,
        sources: &Sources,
    ) -> anyhow::Result<u8> {
        let Self { session, flags, saved, .. } = self;
        let shows_plan = self.output.shows == ApplyShows::Plan;
        let mut checked_live = None;
        let mut plan = self.relax_gates(plan);
        // The run that made a saved plan may have been on another worker.
        plan.gates.own.extend(&flags.own.own_place());
        if saved.is_some() && !plan.changes.is_empty() {
            errln!("applying {}", approval_line(&plan, age::describe_age(&plan).as_deref()));
            let provenance = find_provenance(&plan);
            let recheck = self.recheck(&plan, &provenance);
            match flags.time.bound(self.clock, recheck).await? {
                PlanCheck::Fits { plan: derived, live } => {
                    (plan, checked_live) = (self.relax_gates(*derived), Some(live));
                }
                other => return self.report_unfit(&other, plan),
            }
        }
        self.report_plan(&plan, sources)?;
        let approved = match plan.approve() {
            Ok(approved) => approved,
            Err(refused) => return self.report_refusal(&refused, sources, shows_plan),
        };
        let plan = approved.plan();
        if plan.changes.is_empty() {
            let receipt = receipt::empty_receipt(&approved);
            self.output.print(&receipt, plan, None);
            return self.output.save(&receipt, plan, None).map(|()| exit::DONE);
        }
        warn_permissions(session, plan).await;
        flags.wait.warn_no_checks(&session.connection, plan).await;
        let asked = Instant::now();
        if checked_live.is_none() && !flags.auto_approve && !ask_to_confirm()? {
            errln!("nothing was written");
            return Ok(exit::ERROR);
        }
        let clock = self.clock.without(asked.elapsed());
        let deadline = flags.time.deadline(clock, plan.changes.len(), flags.wait.limit());
        if let Some(live) = checked_live {
            return self.write_with_receipt(&approved, &live, deadline).await;
        }
        let recheck = self.recheck(plan, &PlanProvenance::JustMade);
        match finish_before(deadline, recheck).await? {
            PlanCheck::Fits { plan, live } => match self.relax_gates(*plan).approve() {
                Ok(approved) => self.write_with_receipt(&approved, &live, deadline).await,
                Err(refused) => self.report_refusal(&refused, sources, false),
            },
            other => self.report_unfit(&other, plan.clone()),
        }
    }

    /// Prints the plan if that is asked for, and tells the CI system about it.
    fn report_plan(&self, plan: &Plan, sources: &Sources) -> anyhow::Result<()> {
        let Self { saved, screen, .. } = self;
        if self.output.shows != ApplyShows::Plan {
            return screen.ci.report_plan(plan, sources, *saved, Stream::Err);
        }
        let section = screen.ci.begin_section(Stream::Out, "poolwright plan");
        Stream::Out.print_text(&format_plan(plan, sources, RenderFormat::Text, screen.out));
        section.end();
        screen.ci.report_plan(plan, sources, *saved, Stream::Out)
    }

    fn relax_gates(&self, plan: Plan) -> Plan {
        if self.flags.wait.is_enabled() { relax_unhealthy_gate(plan) } else { plan }
    }

    async fn recheck(&self, plan: &Plan, provenance: &PlanProvenance) -> anyhow::Result<PlanCheck> {
        let session = self.session;
        let settle = self.flags.levels.request();
        recheck_plan(&session.connection.reader(), plan, &session.url, provenance, &settle).await
    }

    /// Reports a plan that gates refuse, with their findings unless these were shown. Returns the exit code.
    fn report_refusal(
        &self,
        refused: &Plan,
        sources: &Sources,
        are_shown: bool,
    ) -> anyhow::Result<u8> {
        if !are_shown {
            files::print_findings(&refused.findings, sources, self.screen);
        }
        errln!("refused: nothing was written");
        self.output.report_refused(refused, sources)?;
        Ok(exit::REFUSED)
    }

    /// Reports a plan that cannot be carried out. Returns the exit code.
    fn report_unfit(&self, check: &PlanCheck, plan: Plan) -> anyhow::Result<u8> {
        if let PlanCheck::Stale { changed, applied } = check {
            print_stale(changed, applied, self.saved.map(|saved| (saved, &plan)), self.screen);
            return Ok(exit::STALE);
        }
        if self.output.shows == ApplyShows::Plan {
            outln!("Nothing to do: this plan is already applied");
        }
        if let Ok(approved) = plan.approve() {
            let receipt = receipt::applied_receipt(&approved);
            self.output.print(&receipt, approved.plan(), None);
            self.output.save(&receipt, approved.plan(), None)?;
        }
        Ok(exit::DONE)
    }

    /// Makes the changes, keeps a receipt, and reports the outcome. Returns the exit code.
    async fn write_with_receipt(
        &self,
        approved: &ApprovedPlan,
        live: &Live,
        deadline: Deadline,
    ) -> anyhow::Result<u8> {
        let Self { session, flags, screen, .. } = self;
        let (stop, stopped) = watch::channel(None);
        let slot = ReceiptSlot::default();
        listen_for_stop(stop.clone(), Arc::clone(&slot)).context("nothing was written")?;
        let (user, job) = (self.user.finish().await, ci_job::current_job());
        let run = RunRecord { user, job, ..RunRecord::from_plan(approved.plan()) };
        let recorder = receipt::start_receipt(approved, live, run, flags.receipt.as_deref(), stop)
            .context("nothing was written")?;
        let recorder = slot.get_or_init(|| recorder);
        let progress = Progress::new(approved.plan(), screen);
        let observer = ApplyObserver { recorder, progress };
        let options = apply::ApplyOptions {
            parallelism: flags.session.parallelism,
            wait: flags.wait.plan_wait(approved.plan(), live),
            deadline: Some(deadline),
            turns: turns_folder(&session.url),
        };
        let plan = approved.plan();
        let source = PlanSource {
            reader: session.connection.reader(),
            header: &plan.header,
            url: &session.url,
        };
        let expectations = LateExpectations::new(plan, live);
        let late = Some(LateChecks { expectations, reader: &source });
        let (connection, stop) = (&session.connection, stopped.clone());
        apply_plan(approved, connection, &options, late.as_ref(), stop, &observer).await;
        observer.progress.clear_bar();
        let recorded = recorder.finish(receipt::current_time());
        let interrupted = *stopped.borrow() == Some(StopReason::Interrupted);
        let code = self.report_apply(&recorded, plan, recorder.path(), interrupted);
        match self.output.save(&recorded.receipt, plan, Some(recorder.path())) {
            Ok(()) => Ok(code),
            Err(error) if code == exit::DONE => Err(error),
            Err(error) => {
                // What is wrong with the apply matters more than a report of it.
                print_error(&error, screen);
                Ok(code)
            }
        }
    }

    /// Prints the outcome. Returns the exit code.
    fn report_apply(
        &self,
        recorded: &RecordedApply,
        plan: &Plan,
        path: &Path,
        interrupted: bool,
    ) -> u8 {
        let RecordedApply { receipt: recorded, lost } = recorded;
        self.output.print(recorded, plan, Some(path));
        let shows_plan = self.output.shows == ApplyShows::Plan;
        let stream = if shows_plan { Stream::Out } else { Stream::Err };
        self.screen.ci.report_receipt(recorded, path, stream);
        if let Some(why) = lost {
            return report_lost_receipt(recorded, why, self.screen);
        }
        warn_secret_in_file(path, &recorded.to_json_text());
        let code = report_receipt(recorded, self.screen);
        if code == exit::DONE && self.output.shows == ApplyShows::Plan {
            outln!("Applied: {}", pluralize(recorded.entries.len(), "change"));
        }
        receipt::print_path(path);
        if code != exit::DONE && interrupted { exit::INTERRUPTED } else { code }
    }
}

/// Records and shows the events of an apply.
struct ApplyObserver<'a> {
    recorder: &'a ReceiptRecorder,
    progress: Progress<'a>,
}

impl ApplyListener for ApplyObserver<'_> {
    fn note_event(&self, event: ApplyEvent) {
        self.progress.show_event(&event);
        self.recorder.note_event(event);
    }

    fn wait_until_stored(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.recorder.wait_until_stored())
    }
}

/// Warns which changes the server will refuse, before the user confirms them.
async fn warn_permissions(session: &Session, plan: &Plan) {
    let lacking = lacking_apply_permissions(&session.connection.reader(), plan).await;
    for LackingPermission { permission, needed_by } in lacking {
        let changes = pluralize(needed_by, "change");
        errln!("warning: the API key's user lacks {permission}; the server will refuse {changes}");
    }
}
