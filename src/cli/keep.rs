//! `poolwright pull --keep FILE`: a file that is there, brought to what is live.

use super::{
    exit,
    files::{self, warn_unread},
    print::errln,
    replace_file::replace_file,
    screen::Screen,
    session,
};
use crate::ops::{KeepOutcome, error_with_help, keep_file};
use poolwright_core::{
    finding::{Source, Sources},
    pull::KeepResult,
    text::escape::Escaped,
};

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
    let session = args.open_session(files.url()).await?;
    let target = session.target(args, files.space());
    let outcome = keep_file(&session.connection.reader(), &files, text, target).await?;
    let (kept, unread) = match outcome {
        KeepOutcome::Kept { result, unread } => (result, unread),
        KeepOutcome::Refused(finding) => {
            files::print_findings(&[finding], &files.sources, screen);
            return Ok(exit::ERROR);
        }
    };
    let shown = path.to_string_lossy();
    let shown = Escaped(&shown);
    warn_unread(&unread);
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
