//! `poolwright rollback`: the way back from an apply.

use super::{
    apply::{ApplyFlags, ApplyRun},
    exit,
    print::{errln, out},
    replace_file::replace_file,
    screen::Screen,
};
use crate::ops::{error_with_help, plan_receipt_rollback};
use poolwright_core::{
    finding::Sources,
    plan::{Plan, check_soundness, file},
    receipt::{ApplyStatus, Receipt},
    render,
};

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Undo what an apply has done, as its receipt says, where nobody has changed it since.
///
/// Shows the way back as a plan, asks, and carries it out; it leaves a receipt of its own. Steps
/// go back byte for byte. What somebody has changed since is left as it is, and told. With `-o`
/// nothing is written but the plan, for `show` and `apply`. Example:
///
///   poolwright rollback .poolwright/receipts/2026-11-24T09-30-00.123Z.json -o back.json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The receipt of the apply; that of a rollback leads back to where it began.
    #[arg(value_name = "RECEIPT")]
    undo: PathBuf,
    /// Save the way back as a plan, and carry nothing out.
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["auto_approve", "receipt", "wait_healthy"])]
    output: Option<PathBuf>,
    #[command(flatten)]
    flags: ApplyFlags,
}

/// Plans the way back, asks, and carries it out.
pub(super) async fn run(args: &Args, screen: &Screen) -> anyhow::Result<u8> {
    let undone = read_receipt(args)?;
    let session = args.flags.session.open_session(Some(&undone.server.url)).await?;
    let file = args.undo.display().to_string();
    let reader = session.connection.reader();
    let plan = plan_receipt_rollback(&reader, &undone, file, &session.url).await?;
    if let Some(path) = &args.output {
        return save_rollback(&plan, path, args, screen);
    }
    let run = ApplyRun { session: &session, flags: &args.flags, saved: None, screen };
    run.confirm_and_apply(plan, &Sources::default()).await
}

/// Saves the way back, and shows it.
fn save_rollback(plan: &Plan, path: &Path, args: &Args, screen: &Screen) -> anyhow::Result<u8> {
    let shown = path.display();
    if *path == args.undo {
        let message = format!("`{shown}` is the receipt, and not a file for a plan");
        return Err(error_with_help(
            message,
            "save the plan into a file of its own, such as `-o back.json`",
        ));
    }
    // What no reader would believe is not written.
    if let Err(flaw) = check_soundness(plan) {
        let message = format!("the way back cannot be saved: {flaw}");
        return Err(error_with_help(message, "carry it out at once, without `-o`"));
    }
    replace_file(path, file::write(plan, &Sources::default()).as_bytes())?;
    out!(
        "{}",
        render::format_plan(plan, &Sources::default(), args.flags.format.into(), screen.out)
    );
    Ok(exit::DONE)
}

fn read_receipt(args: &Args) -> anyhow::Result<Receipt> {
    let shown = args.undo.display();
    let help =
        "every `apply` leaves a receipt in `.poolwright/receipts`, or where `--receipt` says";
    let text = fs::read_to_string(&args.undo)
        .map_err(|error| error_with_help(format!("cannot read `{shown}`: {error}"), help))?;
    let receipt = Receipt::read(&text).map_err(|error| {
        error_with_help(format!("cannot use `{shown}`: {:#}", anyhow::Error::from(error)), help)
    })?;
    if let Some(url) = args.flags.session.url()
        && url.trim_end_matches('/') != receipt.server.url.trim_end_matches('/')
    {
        let message = format!("the receipt is of `{}`, and not of `{url}`", receipt.server.url);
        return Err(error_with_help(
            message,
            "leave `--url` and OCTOPUS_URL out, or name that server",
        ));
    }
    if receipt.status == ApplyStatus::Running {
        errln!(
            "warning: the apply of this receipt runs still, or was killed: what is in it is undone"
        );
    }
    Ok(receipt)
}
