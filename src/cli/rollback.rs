//! `poolwright rollback`: the way back from an apply.

use super::{
    apply::{ApplyFlags, ApplyRun},
    error_report::error_with_help,
    exit,
    print::{errln, out},
    replace_file::replace_file,
    screen::Screen,
};
use poolwright_core::{
    diff,
    finding::Sources,
    live::{GitScope, ReadScope},
    model::{Address, Linked, VariableSetOwner},
    plan::{ChangeAction, Plan, PlanHeader, check_soundness, file},
    receipt::{ApplyStatus, Receipt},
    render,
    rollback::plan_rollback,
};
use poolwright_refresh::refresh_live;

use std::{
    collections::BTreeSet,
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
    let space = Linked::new(&undone.server.space_id, &undone.server.space);
    let scope = rollback_scope(&undone);
    let live = refresh_live(&session.connection.reader(), &space, &scope, &session.url).await?;
    let (changes, findings) = plan_rollback(&undone, &live);
    let header = PlanHeader {
        url: session.url.clone(),
        server_version: live.server.version.clone(),
        space,
        files: vec![args.undo.display().to_string()],
        digest: undone.config.clone(),
        scope,
    };
    let plan = diff::plan_from_changes(changes, findings, &live, header);
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

/// What has to be read to find the way back.
fn rollback_scope(receipt: &Receipt) -> ReadScope {
    let has_kind = |kind: &str| receipt.entries.iter().any(|entry| entry.kind == kind);
    let made = receipt
        .entries
        .iter()
        .any(|entry| entry.kind == "pool" && entry.action == ChangeAction::Create);
    let branches: BTreeSet<String> = receipt
        .entries
        .iter()
        .filter_map(|entry| match entry.address.parse() {
            Ok(
                Address::Step { branch, .. }
                | Address::Variable { owner: VariableSetOwner::Project { branch, .. }, .. },
            ) => branch,
            _ => None,
        })
        .collect();
    let git = GitScope {
        branches: branches.into_iter().collect(),
        skip_unreachable: true,
        ..GitScope::default()
    };
    let by_variable = receipt
        .entries
        .iter()
        .any(|entry| entry.written.iter().any(|field| field.path == "WorkerPoolVariable"));
    let chooses = has_kind("variable") || has_kind("target");
    let steps = has_kind("placement") || chooses || made || has_kind("server");
    ReadScope {
        workers: true,
        policies: has_kind("worker"),
        accounts: has_kind("worker"),
        proxies: has_kind("worker"),
        feeds: has_kind("placement"),
        deployments: steps,
        runbooks: steps,
        references: made || by_variable || chooses,
        scope_names: has_kind("variable"),
        snapshots: made,
        features: has_kind("server"),
        features_if_visible: true,
        git: (!git.branches.is_empty()).then_some(git),
        ..ReadScope::default()
    }
}
