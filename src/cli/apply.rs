//! `poolwright apply`: a plan, carried out.

use super::{
    exit, files,
    plan::{PlanFilter, PlanFormat},
    print::{err, errln, out, outln},
    progress::Progress,
    receipt::{self, ReceiptFile},
    screen::Screen,
    session::{self, Session},
    show, wait,
};
use crate::ops::{
    LackingPermission, PlanCheck, error_with_help, lacking_apply_permissions, recheck_plan,
    unfinished_entries,
};
use poolwright_client::apply::{self, apply_plan};
use poolwright_core::{
    diff::{StaleExpectation, relax_unhealthy_gate},
    finding::Sources,
    live::Live,
    plan::{ApprovedPlan, Plan, PlanOrigin},
    receipt::{ApplyStatus, ChangeOutcome, Receipt},
    render,
    text::{escape::Escaped, pluralize},
};
use poolwright_refresh::find_space;

use anyhow::Context as _;
use std::{
    io::{BufRead as _, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
};
use tokio::sync::watch;

/// How many lines of a list are shown where not all are asked for.
const FEW: usize = 10;

/// Carry out a saved plan; or plan, ask, and carry out.
///
/// Before the first write the server is looked at again: exits with 4, nothing written, where it is no
/// longer as the plan expects. Exits with 3 where a gate refuses the plan, and with 5 where some change
/// was not made; the next `apply` goes on from there. Example:
///
///   poolwright plan -o plan.json && poolwright apply plan.json --wait-healthy 5m
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// A plan that `plan -o` or `rollback -o` has saved; it is carried out without a question.
    #[arg(conflicts_with_all = ["target", "wave", "files"])]
    plan: Option<PathBuf>,
    #[command(flatten)]
    files: files::Args,
    #[command(flatten)]
    narrowed: PlanFilter,
    #[command(flatten)]
    flags: ApplyFlags,
}

/// How a plan is carried out; `rollback` takes the same flags.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct ApplyFlags {
    /// Do not ask for confirmation.
    #[arg(long)]
    auto_approve: bool,
    /// Where the receipt goes; without it, under the time in `.poolwright/receipts`.
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
    /// How the plan is shown; json prints the receipt instead, unless the plan is only saved.
    #[arg(long, value_enum, default_value_t = PlanFormat::Text, value_name = "FORMAT")]
    pub(super) format: PlanFormat,
    #[command(flatten)]
    wait: wait::Args,
    #[command(flatten)]
    pub(super) session: session::Args,
}

/// Plans where no plan is given, asks, and carries the plan out.
pub(super) async fn run(args: &Args, screen: &Screen) -> anyhow::Result<u8> {
    let Some((session, plan, sources)) = prepare_plan(args, screen).await? else {
        return Ok(exit::ERROR);
    };
    let saved = args.plan.as_deref();
    let run = ApplyRun { session: &session, flags: &args.flags, saved, screen };
    run.confirm_and_apply(plan, &sources).await
}

/// A plan on its way to the server: what it is carried out with.
pub(super) struct ApplyRun<'a> {
    /// The server.
    pub(super) session: &'a Session,
    /// How, as far as the user says.
    pub(super) flags: &'a ApplyFlags,
    /// The file that the plan was saved in: then nobody is asked.
    pub(super) saved: Option<&'a Path>,
    /// Where it is shown.
    pub(super) screen: &'a Screen,
}

impl ApplyRun<'_> {
    /// Shows a plan, asks, and carries it out; the exit code.
    pub(super) async fn confirm_and_apply(
        &self,
        plan: Plan,
        sources: &Sources,
    ) -> anyhow::Result<u8> {
        let Self { session, flags, saved, screen } = self;
        let text = flags.format == PlanFormat::Text;
        let plan = if flags.wait.is_enabled() { relax_unhealthy_gate(plan) } else { plan };
        if text {
            out!("{}", render::format_plan(&plan, sources, flags.format.into(), screen.out));
        }
        let approved = match plan.approve() {
            Ok(approved) => approved,
            Err(refused) => {
                if !text {
                    files::print_findings(&refused.findings, sources, screen);
                }
                errln!("refused: nothing was written");
                return Ok(exit::REFUSED);
            }
        };
        let plan = approved.plan();
        if plan.changes.is_empty() {
            if !text {
                out!("{}", receipt::empty_receipt(&approved).to_json_text());
            }
            return Ok(exit::DONE);
        }
        warn_permissions(session, plan).await;
        flags.wait.warn_no_checks(&session.connection, plan).await;
        if saved.is_none() && !flags.auto_approve && !ask_to_confirm()? {
            errln!("nothing was written");
            return Ok(exit::ERROR);
        }
        match recheck_plan(&session.connection.reader(), plan, &session.url).await? {
            PlanCheck::Fits(live) => self.write_with_receipt(&approved, &live).await,
            PlanCheck::Stale(changed) => {
                print_stale(&changed, saved.map(|saved| (saved, plan)), screen);
                Ok(exit::STALE)
            }
        }
    }

    /// Writes, with a receipt, and tells what it came to.
    async fn write_with_receipt(&self, approved: &ApprovedPlan, live: &Live) -> anyhow::Result<u8> {
        let Self { session, flags, screen, .. } = self;
        let text = flags.format == PlanFormat::Text;
        let mut kept = ReceiptFile::start_receipt(approved, live, flags.receipt.as_deref())
            .context("nothing was written")?;
        let progress = Progress::new(approved.plan(), screen);
        let stop = stop_on_signals();
        let mut listen = |event| {
            kept.note_event(&event);
            progress.show_event(&event);
        };
        let options = apply::ApplyOptions {
            parallelism: flags.session.parallelism,
            wait: flags.wait.plan_wait(approved.plan(), live),
        };
        apply_plan(approved, &session.connection, &options, stop.clone(), &mut listen).await;
        progress.clear_bar();
        let (receipt, path) = kept.end_and_save();
        if !text {
            out!("{}", receipt.to_json_text());
        }
        let interrupted = *stop.borrow();
        let code = report_receipt(&receipt, &path, screen);
        if code == exit::DONE && text {
            let changes = pluralize(receipt.entries.len(), "change");
            outln!("Applied: {changes}; the receipt is {}", path.display());
        }
        Ok(if code == exit::PARTIAL && interrupted { exit::INTERRUPTED } else { code })
    }
}

/// A connection and a plan for it. `None` where there is none; why is printed.
async fn prepare_plan(
    args: &Args,
    screen: &Screen,
) -> anyhow::Result<Option<(Session, Plan, Sources)>> {
    if let Some(path) = &args.plan {
        let plan = show::read_plan(path)?;
        let session = open_for_saved_plan(args, &plan).await?;
        return Ok(Some((session, plan, Sources::default())));
    }
    let Some(files) = args.files.load_files(screen)? else { return Ok(None) };
    let session_args = &args.flags.session;
    let session = session_args.open_session(files.url()).await?;
    let plan = args.narrowed.make_plan(&files, session_args, &session, screen).await?;
    Ok(plan.map(|plan| (session, plan, files.sources)))
}

/// A connection to the server and the space that a saved plan is for, and no other.
async fn open_for_saved_plan(args: &Args, plan: &Plan) -> anyhow::Result<Session> {
    let header = &plan.header;
    if let Some(url) = args.flags.session.url()
        && url.trim_end_matches('/') != header.url.trim_end_matches('/')
    {
        let message = format!("the plan is for `{}`, and not for `{url}`", header.url);
        return Err(error_with_help(
            message,
            "plan for this server, or leave `--url` and OCTOPUS_URL out",
        ));
    }
    let session = args.flags.session.open_session(Some(&header.url)).await?;
    if let Some(wanted) = args.flags.session.space_name(None) {
        let space = find_space(&session.connection.reader(), Some(wanted)).await?;
        if space.id != header.space.id {
            let message = format!("the plan is for space `{}`, not `{wanted}`", header.space.name);
            return Err(error_with_help(
                message,
                "plan for this space, or leave `--space` and OCTOPUS_SPACE out",
            ));
        }
    }
    Ok(session)
}

/// Tells which changes the server will refuse, before anybody agrees to them.
async fn warn_permissions(session: &Session, plan: &Plan) {
    let lacking = lacking_apply_permissions(&session.connection.reader(), plan).await;
    for LackingPermission { permission, needed_by } in lacking {
        let changes = pluralize(needed_by, "change");
        errln!("warning: the key's user lacks {permission}: the server will refuse {changes}");
    }
}

/// Asks whether to go on.
fn ask_to_confirm() -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(error_with_help(
            "there is nobody to ask, and nothing was written",
            "give `--auto-approve`, or save the plan with `plan -o FILE` and apply that",
        ));
    }
    err!("Apply this plan? Type `yes` to continue: ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim() == "yes")
}

/// Becomes true at the first Ctrl-C or request to end; the second one ends the process.
fn stop_on_signals() -> watch::Receiver<bool> {
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        wait_for_signal().await;
        errln!("finishing what is under way; once more to stop at once");
        _ = stop.send(true);
        wait_for_signal().await;
        std::process::exit(i32::from(exit::INTERRUPTED));
    });
    stopped
}

#[cfg(unix)]
async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        },
        Err(_) => _ = tokio::signal::ctrl_c().await,
    }
}

#[cfg(not(unix))]
async fn wait_for_signal() {
    _ = tokio::signal::ctrl_c().await;
}

fn print_stale(changed: &[StaleExpectation], saved: Option<(&Path, &Plan)>, screen: &Screen) {
    errln!("error: the server is not as the plan expects, nothing was written");
    let told = changed.iter().map(|StaleExpectation { address, field: what, expected, found }| {
        let address = address.as_ref().map(|address| format!("{address}: ")).unwrap_or_default();
        format!("{address}{what} is {found}, the plan expects {expected}")
    });
    print_some(told, screen);
    match saved {
        Some((path, plan)) => {
            let undone =
                plan.header.files.first().filter(|_| plan.header.origin == PlanOrigin::Rollback);
            let command = undone.map_or("plan".to_owned(), |receipt| format!("rollback {receipt}"));
            errln!("help: plan again: `poolwright {} -o {}`", Escaped(&command), path.display());
        }
        None => {
            errln!("help: somebody has changed the server since the plan was made: apply again")
        }
    }
}

/// Prints a few lines of a list, or all of them where they are asked for.
fn print_some(lines: impl ExactSizeIterator<Item = String>, screen: &Screen) {
    let (all, few) = (lines.len(), if 0 < screen.err.verbosity { usize::MAX } else { FEW });
    for line in lines.take(few) {
        errln!("  {}", Escaped(&line));
    }
    if few < all {
        errln!("  and {} more; -v shows all", all - few);
    }
}

/// Tells what was not made; the exit code.
fn report_receipt(receipt: &Receipt, path: &Path, screen: &Screen) -> u8 {
    if receipt.status == ApplyStatus::Done {
        return exit::DONE;
    }
    let open = unfinished_entries(receipt);
    errln!("error: {} of {} changes were not made", open.len(), receipt.entries.len());
    let told = open.iter().map(|entry| {
        let outcome = match entry.outcome {
            ChangeOutcome::Failed => "failed",
            ChangeOutcome::Unknown => "unknown",
            ChangeOutcome::Skipped | ChangeOutcome::Done => "skipped",
        };
        let why = entry.error.as_deref().unwrap_or_default();
        format!("{}: {outcome}: {why}", entry.address)
    });
    print_some(told, screen);
    let shown = path.display();
    errln!("help: the next `apply` goes on from here; what was done is in {shown}");
    exit::PARTIAL
}
