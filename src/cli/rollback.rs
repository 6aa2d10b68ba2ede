//! `poolwright rollback`: undoes an apply.

use super::{
    apply::{ApplyFlags, ApplyOutput, ApplyRun, ApplyShows},
    confirm::{ask_yes, may_ask},
    exit,
    format::OutputFormat,
    output_args::{self, ShowsPlan},
    output_file::{InputFile, PlanSubject, path_argument},
    plan_output::PlanOutput,
    print::errln,
    receipt::FOLDER,
    receipt_folder::{ReceiptFolder, resolve_receipt},
    screen::Screen,
    session::DeclaredServer,
    stamp::{UserLookup, stamp_saved_plan},
    time_limit::RunClock,
    undone::RollbackOutcome,
};
use crate::ops::{PlanGuards, error_with_help, plan_receipt_rollback};
use poolwright_client::octopus::Reader;
use poolwright_core::{
    finding::{Level, Sources},
    plan::{Plan, check_soundness},
    receipt::{ApplyStatus, Receipt},
    text::eq_ignoring_case,
};
use poolwright_refresh::find_space;

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Undo an apply, using its receipt. Without a receipt, a terminal offers the last one.
///
/// Shows the rollback as a plan and applies it after confirmation, with a receipt of its
/// own. Steps are restored byte for byte. Anything that has changed since the apply is left
/// alone and reported. With `-o` the plan is only saved, for `show` and `apply`. The formats are
/// those of the plan, but `--format json` prints the receipt of a rollback that is applied. Example:
///
///   poolwright rollback .poolwright/receipts/2026-11-24T09-30-00.123Z.json -o back.json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The receipt of the apply to undo: a file, or a number that `history` shows. The receipt of a rollback undoes
    /// the rollback.
    #[arg(value_name = "RECEIPT")]
    undo: Option<String>,
    /// Save the rollback as a plan, without applying it.
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["auto_approve", "receipt", "wait_healthy"])]
    output: Option<PathBuf>,
    #[command(flatten)]
    outputs: output_args::Args<ShowsPlan>,
    #[command(flatten)]
    flags: ApplyFlags,
}

/// Plans the rollback, asks for confirmation, and applies it.
pub(super) async fn run(args: &Args, screen: &Screen) -> anyhow::Result<u8> {
    let clock = RunClock::start();
    let Some(undo) = choose_receipt(args)? else {
        errln!("nothing was written");
        return Ok(exit::ERROR);
    };
    let receipt = read_receipt(args, &undo)?;
    let saved = args.output.as_deref();
    let output = PlanOutput { saved, read_from: None, args: &args.outputs, screen };
    check_files(args, &undo, &output, &receipt)?;
    let session = args
        .flags
        .session
        .open_session(Some(DeclaredServer::in_receipt(&receipt.server.url)))
        .await?;
    let file = undo.display().to_string();
    let reader = session.connection.reader();
    check_space(&reader, &receipt, args).await?;
    let user = UserLookup::start(&session);
    let PlanGuards { own, settle } = args.flags.levels.guards(&args.flags.own);
    let plan = plan_receipt_rollback(&reader, &receipt, file, &session.url, &own, &settle);
    let mut plan = args.flags.time.bound(clock, plan).await?;
    let outcome = RollbackOutcome::from_plan(&plan);
    check_kept(&plan, &output)?;
    if args.output.is_some() {
        stamp_saved_plan(&mut plan, user.finish().await);
        output.report(&plan, &Sources::default())?;
        output.save(&plan, &Sources::default())?;
        let is_refused = plan.highest_level() >= Some(Level::Deny);
        return Ok(outcome.report(if is_refused { exit::REFUSED } else { exit::DONE }));
    }
    let shows = match args.outputs.format {
        OutputFormat::Text => ApplyShows::Plan,
        OutputFormat::Json => ApplyShows::Receipt(OutputFormat::Json),
        _ => {
            output.print(&plan, &Sources::default());
            ApplyShows::Nothing
        }
    };
    output.save(&plan, &Sources::default())?;
    let apply_output = ApplyOutput {
        shows,
        requests: &[],
        max_bytes: args.outputs.max_bytes,
        options: screen.for_file(),
    };
    let run = ApplyRun {
        session: &session,
        flags: &args.flags,
        output: apply_output,
        saved: None,
        user,
        clock,
        screen,
    };
    let code = run.confirm_and_apply(plan, &Sources::default()).await?;
    Ok(outcome.report(code))
}

/// Checks that the receipt is for the space that the user names, and that its space is still called the same.
async fn check_space(reader: &Reader, receipt: &Receipt, args: &Args) -> anyhow::Result<()> {
    let recorded = &receipt.server;
    let found = find_space(reader, Some(&recorded.space_id)).await?;
    if found.id.as_str() != recorded.space_id || !eq_ignoring_case(&found.name, &recorded.space) {
        let (id, shown) = (&recorded.space_id, &recorded.space);
        let message =
            format!("the receipt calls space {id} `{shown}`, but its name is `{}`", found.name);
        let help = "use the receipt of an apply to this server and space";
        return Err(error_with_help(message, help));
    }
    let Some(wanted) = args.flags.session.space_name(None) else { return Ok(()) };
    if find_space(reader, Some(wanted)).await?.id == found.id {
        return Ok(());
    }
    let message = format!("the receipt is for space `{}`, not `{wanted}`", found.name);
    Err(error_with_help(message, "remove `--space` and OCTOPUS_SPACE, or set them to that space"))
}

/// Checks that neither the plan nor the new receipt replaces a file that has to stay.
fn check_files(
    args: &Args,
    undo: &Path,
    output: &PlanOutput,
    receipt: &Receipt,
) -> anyhow::Result<()> {
    let input = InputFile { path: undo, what: "the receipt" };
    let subject = PlanSubject {
        url: Some(args.flags.session.url().unwrap_or(&receipt.server.url)),
        space: Some(&receipt.server.space_id),
        files: &[undo.display().to_string()],
    };
    output.check_files(subject, &[input], args.flags.receipt_file().as_slice())
}

/// Checks that a plan that is kept can be applied later.
fn check_kept(plan: &Plan, output: &PlanOutput) -> anyhow::Result<()> {
    match check_soundness(plan) {
        Err(flaw) if output.saves_plan() => {
            let message = format!("cannot save the rollback: {flaw}");
            Err(error_with_help(message, "apply it directly, without saving its plan"))
        }
        _ => Ok(()),
    }
}

/// Returns the receipt that the user names, or the last one if a person agrees; `None` if the person does not.
fn choose_receipt(args: &Args) -> anyhow::Result<Option<PathBuf>> {
    if let Some(named) = &args.undo {
        return resolve_receipt(named, None).map(Some);
    }
    let folder = ReceiptFolder::read(None)?;
    let session = &args.flags.session;
    let Some(last) = folder.last_written(session.url(), session.space_name(None)) else {
        return Err(error_with_help(
            format!("no receipt is named, and {FOLDER} has none of an apply that wrote something"),
            "name the receipt of an apply: `poolwright rollback RECEIPT`",
        ));
    };
    let path = PathBuf::from(&last.file);
    let line = last.receipt.describe_line();
    if args.flags.is_approved() || !may_ask() {
        let command = format!("poolwright rollback {}", path_argument(&path));
        return Err(error_with_help(
            "no receipt is named",
            format!("`{command}` undoes the last apply ({line})"),
        ));
    }
    errln!("The last apply is {} ({line}).", path.display());
    Ok(ask_yes("Undo it?")?.then_some(path))
}

fn read_receipt(args: &Args, undo: &Path) -> anyhow::Result<Receipt> {
    let shown = undo.display();
    let help =
        "name a receipt that `apply` wrote to `.poolwright/receipts` or to its `--receipt` file";
    // A journal may end within a character.
    let text = fs::read(undo)
        .map_err(|error| error_with_help(format!("cannot read `{shown}`: {error}"), help))?;
    let receipt = Receipt::read(&text).map_err(|error| {
        error_with_help(format!("cannot use `{shown}`: {:#}", anyhow::Error::from(error)), help)
    })?;
    if let Some(url) = args.flags.session.url()
        && url.trim_end_matches('/') != receipt.server.url.trim_end_matches('/')
    {
        let message = format!("the receipt is for `{}`, not `{url}`", receipt.server.url);
        return Err(error_with_help(
            message,
            "remove `--url` and OCTOPUS_URL, or set them to that server",
        ));
    }
    if receipt.status == ApplyStatus::Running {
        errln!(
            "warning: the apply that wrote this receipt is still running or was killed; only what the receipt \
             records will be undone"
        );
    }
    Ok(receipt)
}
