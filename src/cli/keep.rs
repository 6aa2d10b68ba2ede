//! `poolwright pull --keep FILE`: updates an existing file to match the server.

use super::{
    exit,
    files::{self, warn_unread},
    output_file::{plan_command, print_saved},
    print::errln,
    replace_file::replace_file,
    screen::Screen,
    session::{self, DeclaredServer},
};
use crate::ops::{KeepOutcome, error_with_help, keep_file};
use poolwright_core::{
    finding::{Source, Sources},
    pull::KeepResult,
    text::escape::Escaped,
};

use std::path::Path;

/// Reads the file and the server, and edits the file where they differ.
pub(super) async fn run(path: &Path, args: &session::Args, screen: &Screen) -> anyhow::Result<u8> {
    if path == Path::new("-") {
        return Err(error_with_help(
            "`--keep` cannot edit standard input",
            "name a file to edit: `--keep FILE`",
        ));
    }
    if !path.exists() {
        let message = format!("there is no file `{}` to update", path.display());
        return Err(error_with_help(message, "write a new file with `poolwright pull -o FILE`"));
    }
    let files = files::Args::from_path(path);
    let Some(files) = files.load_files(screen)? else { return Ok(exit::ERROR) };
    let Some(Source { text, .. }) = files.sources.0.first() else { return Ok(exit::ERROR) };
    let session = args.open_session(files.url().map(DeclaredServer::in_file)).await?;
    let target = session.target(args, files.space());
    let outcome = keep_file(&session.connection.reader(), &files, text, target).await?;
    let (result, unread) = match outcome {
        KeepOutcome::Kept { result, unread } => (result, unread),
        KeepOutcome::Refused(finding) => {
            files::print_findings(&[finding], &files.sources, screen);
            return Ok(exit::ERROR);
        }
    };
    let shown = path.to_string_lossy();
    let shown = Escaped(&shown);
    warn_unread(&unread);
    result.edit_notes.iter().for_each(|note| errln!("  {}", Escaped(note)));
    if result.text == *text {
        errln!("{shown} already matches the server; nothing was written");
        print_refusals(path, &result, screen);
        return Ok(exit::DONE);
    }
    replace_file(path, result.text.as_bytes())?;
    print_saved(path, &format!("check it with `{}`", plan_command(path)));
    print_refusals(path, &result, screen);
    Ok(exit::DONE)
}

/// Prints why a plan for the updated file is refused, although it changes nothing.
fn print_refusals(path: &Path, result: &KeepResult, screen: &Screen) {
    if !result.refusals.is_empty() {
        errln!("a plan for this file changes nothing, but is refused:");
        let source = Source::new(path.to_string_lossy(), result.text.as_str());
        files::print_findings(&result.refusals, &Sources(vec![source]), screen);
    }
}
