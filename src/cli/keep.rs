//! `poolwright pull --keep FILE`: a file that is there, brought to what is live.

use super::{
    exit, files,
    ocl::tree::replace,
    print::errln,
    pull::{header, live, tell},
    screen::Screen,
    session,
    trouble::helped,
};
use poolwright_core::{
    config,
    diff::{decisions, diff, unread},
    finding::{Finding, Level, Source, Sources},
    live::{Live, UnreadPart},
    pull::{FilePlan, KeepResult, keep},
    text::escape::Escaped,
};
use poolwright_refresh::scope;

use std::path::Path;

/// Reads the file and all there is, and edits the file where it says something else.
pub(super) async fn run(path: &Path, args: &session::Args, screen: &Screen) -> anyhow::Result<u8> {
    if path == Path::new("-") {
        return Err(helped("standard input cannot be kept", "`--keep FILE` names a file to edit"));
    }
    if !path.exists() {
        let message = format!("there is no file `{}` to keep", path.display());
        return Err(helped(message, "`poolwright pull -o FILE` writes one that is new"));
    }
    let files = files::Args::of(path);
    let Some(files) = files.load(screen)? else { return Ok(exit::ERROR) };
    let Some(Source { text, .. }) = files.sources.0.first() else { return Ok(exit::ERROR) };
    let said = files.desired.url.as_ref().map(|it| it.value.as_str());
    let session = args.open(said).await?;
    let asked = scope(&files.desired);
    let asked = (asked.git.unwrap_or_default(), asked.feeds);
    let (live, hidden) = live(&session, args.space(files.desired.space.as_ref()), asked).await?;
    if let Some(UnreadPart { what, why, .. }) = hidden.first() {
        // It would be taken for gone, and out of the file.
        let help = "nothing was written; keep the file with a key that sees all of the space";
        return Err(helped(format!("cannot see {what}: {why}"), help));
    }
    let kept = match keep(text, &live, |text| judge(text, &live)) {
        Ok(kept) => kept,
        Err(error) => {
            files::print(&[error.finding()], &files.sources, screen);
            return Ok(exit::ERROR);
        }
    };
    let shown = path.to_string_lossy();
    let shown = Escaped(&shown);
    tell(&live);
    kept.edit_notes.iter().for_each(|it| errln!("  {}", Escaped(it)));
    if kept.text == *text {
        errln!("{shown} is as it is live: nothing is written");
        refusals(path, &kept, screen);
        return Ok(exit::DONE);
    }
    replace(path, kept.text.as_bytes())?;
    errln!("{shown} is written: a plan of it is empty");
    refusals(path, &kept, screen);
    Ok(exit::DONE)
}

/// Tells why a plan of what is kept is refused, though it changes nothing.
fn refusals(path: &Path, kept: &KeepResult, screen: &Screen) {
    if !kept.refusals.is_empty() {
        errln!("a plan that changes nothing is refused all the same:");
        let source = Source { path: path.to_string_lossy().into_owned(), text: kept.text.clone() };
        files::print(&kept.refusals, &Sources(vec![source]), screen);
    }
}

/// What a plan of a text would be; what is wrong with the text, where it does not load.
fn judge(text: &str, live: &Live) -> Result<FilePlan, Finding> {
    let source = Source { path: "workers.toml".to_owned(), text: text.to_owned() };
    let (desired, findings) = config::load(&Sources(vec![source]));
    if let Some(error) = findings.into_iter().find(|it| it.level == Level::Error) {
        return Err(error);
    }
    let plan = diff(&desired, live, header(live));
    let decided = decisions(&desired, live).into_iter();
    let decided = decided.map(|(address, rule)| (address, rule.span.bytes.start)).collect();
    let unread = unread(&desired, live).into_iter().map(|rule| rule.span.bytes.start).collect();
    Ok(FilePlan { changes: plan.changes, findings: plan.findings, decided, unread, desired })
}
