//! `poolwright pull --keep FILE`: a file that is there, brought to what is live.

use super::{
    error_report::error_with_help,
    exit, files,
    print::errln,
    pull::{read_live, unsaved_header, warn_unread},
    replace_file::replace_file,
    screen::Screen,
    session,
};
use poolwright_core::{
    config,
    diff::{deciding_rules, plan_changes, rules_about_unread},
    finding::{Finding, Level, Source, Sources},
    live::{Live, UnreadPart},
    pull::{FilePlan, KeepResult, keep_text},
    text::escape::Escaped,
};
use poolwright_refresh::scope_for_plan;

use std::path::Path;

/// Reads the file and all there is, and edits the file where it says something else.
pub(super) async fn run(path: &Path, args: &session::Args, screen: &Screen) -> anyhow::Result<u8> {
    if path == Path::new("-") {
        return Err(error_with_help(
            "standard input cannot be kept",
            "`--keep FILE` names a file to edit",
        ));
    }
    if !path.exists() {
        let message = format!("there is no file `{}` to keep", path.display());
        return Err(error_with_help(message, "`poolwright pull -o FILE` writes one that is new"));
    }
    let files = files::Args::from_path(path);
    let Some(files) = files.load_files(screen)? else { return Ok(exit::ERROR) };
    let Some(Source { text, .. }) = files.sources.0.first() else { return Ok(exit::ERROR) };
    let said = files.desired.url.as_ref().map(|it| it.value.as_str());
    let session = args.open_session(said).await?;
    let asked = scope_for_plan(&files.desired);
    let asked = (asked.git.unwrap_or_default(), asked.feeds);
    let (live, hidden) =
        read_live(&session, args.space_name(files.desired.space.as_ref()), asked).await?;
    if let Some(UnreadPart { what, why, .. }) = hidden.first() {
        // It would be taken for gone, and out of the file.
        let help = "nothing was written; keep the file with a key that sees all of the space";
        return Err(error_with_help(format!("cannot see {what}: {why}"), help));
    }
    let kept = match keep_text(text, &live, |text| judge_text(text, &live)) {
        Ok(kept) => kept,
        Err(error) => {
            files::print_findings(&[error.to_finding()], &files.sources, screen);
            return Ok(exit::ERROR);
        }
    };
    let shown = path.to_string_lossy();
    let shown = Escaped(&shown);
    warn_unread(&live);
    kept.edit_notes.iter().for_each(|note| errln!("  {}", Escaped(note)));
    if kept.text == *text {
        errln!("{shown} is as it is live: nothing is written");
        print_refusals(path, &kept, screen);
        return Ok(exit::DONE);
    }
    replace_file(path, kept.text.as_bytes())?;
    errln!("{shown} is written: a plan of it is empty");
    print_refusals(path, &kept, screen);
    Ok(exit::DONE)
}

/// Tells why a plan of what is kept is refused, though it changes nothing.
fn print_refusals(path: &Path, kept: &KeepResult, screen: &Screen) {
    if !kept.refusals.is_empty() {
        errln!("a plan that changes nothing is refused all the same:");
        let source = Source { path: path.to_string_lossy().into_owned(), text: kept.text.clone() };
        files::print_findings(&kept.refusals, &Sources(vec![source]), screen);
    }
}

/// What a plan of a text would be; what is wrong with the text, where it does not load.
fn judge_text(text: &str, live: &Live) -> Result<FilePlan, Finding> {
    let source = Source { path: "workers.toml".to_owned(), text: text.to_owned() };
    let (desired, findings) = config::load_desired(&Sources(vec![source]));
    if let Some(error) = findings.into_iter().find(|finding| finding.level == Level::Error) {
        return Err(error);
    }
    let plan = plan_changes(&desired, live, unsaved_header(live));
    let decided = deciding_rules(&desired, live).into_iter();
    let decided = decided.map(|(address, rule)| (address, rule.span.bytes.start)).collect();
    let unread =
        rules_about_unread(&desired, live).into_iter().map(|rule| rule.span.bytes.start).collect();
    Ok(FilePlan { changes: plan.changes, findings: plan.findings, decided, unread, desired })
}
