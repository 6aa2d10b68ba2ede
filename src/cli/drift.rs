//! `poolwright drift`: shows where the server differs from files that were applied, and who made it differ.

use super::{
    exit, files, levels,
    output_args::{self, ShowsPlan},
    output_file::{InputFile, PlanSubject},
    plan::{PlanFilter, PlanInput},
    plan_output::PlanOutput,
    screen::Screen,
    session::{self, DeclaredServer},
};
use crate::ops::{DriftRequest, OwnReceipt, PlanGuards, explain_drift};
use poolwright_core::{plan::OwnPlace, receipt::Receipt};

use jiff::{SignedDuration, Timestamp};
use std::{fs, path::PathBuf};

/// The folder in which applies leave their receipts.
const RECEIPTS: &str = ".poolwright/receipts";
/// The most receipts that are read, newest first.
const MOST_RECEIPTS: usize = 200;
/// The largest receipt that is read, in bytes.
const LARGEST_RECEIPT: u64 = 64 << 20;

/// Show where the server differs from files that have been applied, and who changed it.
///
/// User, time and client come from the server's audit log, if the key can view events, and from
/// the receipts of your own applies. With `--exit-code`, exits with 2 if there is drift; gates
/// do not apply. Example, for a job that runs every night:
///
///   poolwright drift --exit-code --since 7d
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    #[command(flatten)]
    files: files::Args,
    #[command(flatten)]
    outputs: output_args::Args<ShowsPlan>,
    /// Exit with 2 if there is drift.
    #[arg(long)]
    exit_code: bool,
    /// Leave out drift that is older than this, such as `7d` or `12h`. Drift with an unknown time is always shown.
    #[arg(long, value_name = "DURATION", value_parser = parse_since)]
    since: Option<Since>,
    #[command(flatten)]
    levels: levels::Args,
    #[command(flatten)]
    narrowed: PlanFilter,
    #[command(flatten)]
    session: session::Args,
}

/// How far back drift is shown.
#[derive(Clone, Debug)]
struct Since {
    text: String,
    duration: SignedDuration,
}

fn parse_since(text: &str) -> Result<Since, String> {
    let expected = || "expected a duration such as `7d`, `12h` or `90m`".to_owned();
    let in_days = |number: &str, days: i64| {
        let hours = number.parse::<i64>().ok().filter(|number| (1..=10_000).contains(number));
        hours.map(|number| SignedDuration::from_hours(24 * days * number))
    };
    let duration = match (text.strip_suffix('d'), text.strip_suffix('w')) {
        (Some(days), _) => in_days(days, 1),
        (_, Some(weeks)) => in_days(weeks, 7),
        _ => text.parse().ok().filter(|it: &SignedDuration| it.is_positive()),
    };
    Ok(Since { text: text.to_owned(), duration: duration.ok_or_else(expected)? })
}

/// Shows the drift.
pub(super) async fn run(args: &Args, screen: &Screen) -> anyhow::Result<u8> {
    let Some(files) = args.files.load_files(screen)? else { return Ok(exit::ERROR) };
    let output = PlanOutput { saved: None, read_from: None, args: &args.outputs, screen };
    let names = files.names();
    let subject = PlanSubject {
        url: args.session.url().or(files.url()),
        space: args.session.space_name(files.space()),
        files: &names,
    };
    output.check_files(subject, &InputFile::configuration(&names), &[])?;
    let session = args.session.open_session(files.url().map(DeclaredServer::in_file)).await?;
    let guards = PlanGuards { own: OwnPlace::default(), settle: args.levels.request() };
    let input = PlanInput { files: &files, base: None, guards: &guards };
    let plan = args.narrowed.make_plan(input, &args.session, &session, screen);
    let plan = match plan.await? {
        Ok(plan) => plan,
        Err(errors) => {
            output.report_errors(&errors, &files.sources)?;
            return Ok(exit::ERROR);
        }
    };
    let oldest = args.since.as_ref().map(|since| Timestamp::now().saturating_sub(since.duration));
    let request = DriftRequest {
        receipts: read_receipts(),
        since: args.since.as_ref().map(|since| since.text.clone()),
        oldest: oldest.transpose()?.map(Timestamp::as_second),
        parse_time,
    };
    let plan = explain_drift(&session.connection.reader(), plan, &request).await;
    output.report(&plan, &files.sources)?;
    output.save(&plan, &files.sources)?;
    let is_drift = args.exit_code && !plan.changes.is_empty();
    Ok(if is_drift { exit::CHANGES } else { exit::DONE })
}

/// Reads a time of the server or of a receipt as seconds.
fn parse_time(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_second)
}

/// Reads the newest receipts of applies from this folder. What is not a receipt is passed over.
fn read_receipts() -> Vec<OwnReceipt> {
    let Ok(entries) = fs::read_dir(RECEIPTS) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let is_small = fs::symlink_metadata(&path)
            .is_ok_and(|found| found.is_file() && found.len() <= LARGEST_RECEIPT);
        let text = is_small.then(|| fs::read(&path).ok()).flatten()?;
        let receipt = Receipt::read(text).ok()?;
        Some(OwnReceipt { path: path.display().to_string(), receipt })
    };
    paths.into_iter().rev().take(MOST_RECEIPTS).filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_can_be_given_in_days() {
        let hours = |text| parse_since(text).map(|it| it.duration.as_hours()).ok();
        assert_eq!(["7d", "2w", "12h", "90m"].map(hours), [168, 336, 12, 1].map(Some));
        for wrong in ["", "d", "0d", "-1d", "7", "7x", "-3h", "99999999999d"] {
            assert_eq!(hours(wrong), None, "{wrong}");
        }
    }
}
