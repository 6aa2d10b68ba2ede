//! Where commands write, and what they may write over: never an input, another output, or a file that the tool would
//! not write there itself.
//!
//! All of it is checked before a server is asked for anything, so that no work is done for an output that is refused.

mod identity;
mod previous;

use super::{files::DEFAULT, links, print::errln};
use crate::ops::error_with_help;
use poolwright_core::text::shell_word;

use anyhow::Context as _;
use identity::FileIdentity;
use std::{fs, io::ErrorKind, path::Path};

pub(super) use previous::{OutputKind, PlanSubject, PreviousContent, check_previous};

/// The largest file that is read to find out what it is, in bytes.
const LARGEST: u64 = 256 << 20;

/// A file that a command reads.
#[derive(Clone, Copy, Debug)]
pub(super) struct InputFile<'a> {
    /// The path, as the user gave it.
    pub(super) path: &'a Path,
    /// What it is, with its article: `a configuration file`.
    pub(super) what: &'static str,
}

impl<'a> InputFile<'a> {
    /// The configuration files among the paths that the user gave; `-` is standard input.
    pub(super) fn configuration(paths: &'a [String]) -> Vec<Self> {
        let files = paths.iter().filter(|path| *path != "-");
        files.map(|path| Self { path: Path::new(path), what: "a configuration file" }).collect()
    }
}

/// A file that a command writes.
#[derive(Clone, Copy, Debug)]
pub(super) struct OutputFile<'a> {
    /// The path, as the user gave it.
    pub(super) path: &'a Path,
    /// What is written there.
    pub(super) kind: OutputKind<'a>,
}

/// Checks that no output replaces an input, another output, or a file that the tool would not write there itself.
///
/// # Errors
///
/// Fails for the first output that would, or that cannot be looked at.
pub(super) fn check_outputs(inputs: &[InputFile], outputs: &[OutputFile]) -> anyhow::Result<()> {
    let mut earlier: Vec<(FileIdentity, &OutputFile)> = Vec::new();
    for output in outputs {
        links::resolve_written(output.path)?;
        let Some(identity) = FileIdentity::find(output.path)? else { continue };
        for input in inputs {
            if FileIdentity::find(input.path)?.as_ref() == Some(&identity) {
                return Err(output.refuse(input.what));
            }
        }
        if let Some((_, other)) = earlier.iter().find(|(known, _)| *known == identity) {
            let (one, two) = (other.kind.noun(), output.kind.noun());
            let both = if one == two { format!("{one} twice") } else { format!("{one} and {two}") };
            let message =
                format!("cannot save {both} to the same file `{}`", output.path.display());
            return Err(error_with_help(message, "name a file for each of them"));
        }
        output.check_previous()?;
        earlier.push((identity, output));
    }
    Ok(())
}

impl OutputFile<'_> {
    /// Checks that the output may replace the file, or be written beside it.
    ///
    /// # Errors
    ///
    /// Fails if it may not, or cannot be read.
    pub(super) fn check_previous(&self) -> anyhow::Result<PreviousContent> {
        let context = || format!("cannot read `{}`", self.path.display());
        let size = match fs::metadata(self.path) {
            Ok(found) if found.is_dir() => return Err(self.refuse("a folder")),
            // A pipe or a device holds nothing, and must not be read.
            Ok(found) if !found.is_file() => return Ok(PreviousContent::Replaceable),
            Ok(found) => found.len(),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(PreviousContent::Replaceable);
            }
            Err(error) => return Err(error).with_context(context),
        };
        if size > LARGEST {
            return Err(self.refuse(previous::FOREIGN));
        }
        let content = fs::read(self.path).with_context(context)?;
        check_previous(&self.kind, &content).map_err(|what| self.refuse(&what))
    }

    fn refuse(&self, what: &str) -> anyhow::Error {
        let noun = self.kind.noun();
        let message = format!("cannot save {noun} to `{}`: it is {what}", self.path.display());
        let example = match self.kind {
            OutputKind::Plan(_) => ", such as `-o plan.json`",
            OutputKind::Receipt => ", such as `--receipt receipt.json`",
            OutputKind::Report { .. } => "",
        };
        error_with_help(message, format!("save {noun} to another file{example}"))
    }
}

/// Says where something was saved and what to do with it next.
pub(super) fn print_saved(path: &Path, next: &str) {
    errln!("saved to {}; {next}", path.display());
}

/// Says where something is being saved while the command runs.
#[cfg(feature = "sandbox")]
pub(super) fn print_saving(path: &Path, what: &str) {
    errln!("saving to {}; {what}", path.display());
}

/// Returns a path as an argument of a command that people copy.
pub(super) fn path_argument(path: &Path) -> String {
    let text = path.to_string_lossy();
    // A path that begins with a hyphen would be an option.
    if text.starts_with('-') { shell_word(&format!("./{text}")) } else { shell_word(&text) }
}

/// Returns the command that plans with a configuration file.
pub(super) fn plan_command(path: &Path) -> String {
    if path == Path::new(DEFAULT) {
        return "poolwright plan".to_owned();
    }
    format!("poolwright plan -f {}", path_argument(path))
}

#[cfg(test)]
mod tests;
