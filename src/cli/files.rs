//! Reads and parses the files that a command works on.

use super::{
    links,
    print::{Stream, errln},
    screen::Screen,
};
use crate::ops::{LoadedFiles, error_with_help};
use poolwright_core::{
    config,
    desired::Desired,
    finding::{Finding, Source, Sources},
    live::UnreadPart,
    plan::AcceptedFinding,
    render::{findings, render_accepted},
    text::escape::Escaped,
};

use anyhow::Context as _;
use std::{fs, io::Read as _, path::Path};

/// The file that is read by default.
pub(super) const DEFAULT: &str = "workers.toml";

/// Files with errors.
#[derive(Debug)]
pub(super) struct RefusedFiles {
    /// Their texts.
    pub(super) sources: Sources,
    /// What is wrong with them, and warnings.
    pub(super) findings: Vec<Finding>,
}

/// The files to read.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct Args {
    /// A configuration file, a folder, of which every `*.toml` is read, or `-` for standard input.
    /// May be repeated.
    #[arg(short, long = "file", default_value = DEFAULT, value_name = "FILE")]
    files: Vec<String>,
    /// Treat the files as untrusted, as in a pull request: refuse files that name a server or a space, and links
    /// that lead out of their folder.
    #[arg(long)]
    untrusted: bool,
}

impl Args {
    /// The arguments that name this file alone.
    pub(super) fn from_path(path: &Path) -> Self {
        Self { files: vec![path.to_string_lossy().into_owned()], untrusted: false }
    }

    /// Returns the paths of the files.
    pub(super) fn paths(&self) -> &[String] {
        &self.files
    }

    /// Whether only the default file is named.
    pub(super) fn are_default(&self) -> bool {
        self.files == [DEFAULT]
    }

    /// Reads the files' texts.
    pub(super) fn read(&self) -> anyhow::Result<Sources> {
        let paths = self.files.iter().map(|path| expand_folder(path));
        let paths = paths.collect::<anyhow::Result<Vec<_>>>()?.into_iter().flatten();
        let sources = paths.map(|path| self.read_checked(&path));
        sources.collect::<anyhow::Result<_>>().map(Sources)
    }

    /// Reads one file, which an untrusted author may have replaced by a link.
    fn read_checked(&self, path: &str) -> anyhow::Result<Source> {
        if self.untrusted && path != "-" {
            links::check_untrusted(Path::new(path))?;
        }
        read_source(path)
    }

    /// Reads and parses the files. Returns `None` after printing their errors.
    pub(super) fn load_files(&self, screen: &Screen) -> anyhow::Result<Option<LoadedFiles>> {
        Ok(self.load_or_refuse(screen)?.ok())
    }

    /// Reads and parses the files. Returns their errors after printing them.
    pub(super) fn load_or_refuse(
        &self,
        screen: &Screen,
    ) -> anyhow::Result<Result<LoadedFiles, RefusedFiles>> {
        let refused = match LoadedFiles::parse(self.read()?) {
            Ok(files) => {
                let findings = self.untrusted_findings(&files.desired);
                if findings.is_empty() {
                    return Ok(Ok(files));
                }
                RefusedFiles { sources: files.sources, findings }
            }
            Err((sources, findings)) => RefusedFiles { sources, findings },
        };
        print_findings(&refused.findings, &refused.sources, screen);
        Ok(Err(refused))
    }
}

impl Args {
    /// Returns an error for every setting in the files that an untrusted author may not decide.
    pub(super) fn untrusted_findings(&self, desired: &Desired) -> Vec<Finding> {
        if self.untrusted { config::untrusted_findings(desired) } else { Vec::new() }
    }
}

/// Prints findings and their count to standard error.
pub(super) fn print_findings(found: &[Finding], sources: &Sources, screen: &Screen) {
    Stream::Err.print_text(&findings::render_all(found, sources, screen.err));
    if let Some(tally) = findings::count_levels(found) {
        errln!("{tally}");
    }
    screen.ci.annotate(found, sources, Stream::Err);
}

/// Prints what the files accept to standard error.
pub(super) fn print_accepted(accepted: &[AcceptedFinding], sources: &Sources, screen: &Screen) {
    let lists_all = screen.err.verbosity > 0;
    Stream::Err.print_text(&render_accepted(accepted, sources, lists_all));
}

/// Warns about what a file lacks because it could not be read.
pub(super) fn warn_unread(unread: &[UnreadPart]) {
    for UnreadPart { what, why, .. } in unread {
        errln!("warning: missing from the file: {}: {}", Escaped(what), Escaped(why));
    }
}

/// Returns the `*.toml` files of a folder, by name; any other path is returned as it is. Hidden files and folders in
/// the folder are left out.
fn expand_folder(path: &str) -> anyhow::Result<Vec<String>> {
    let folder = Path::new(path);
    if path == "-" || !folder.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let unreadable = |error: std::io::Error| unreadable_file(path, &error);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        let name = name.into_string().map_err(|name| {
            let message = format!("cannot read a file of `{path}`: {name:?} is not UTF-8");
            error_with_help(message, "rename the file")
        })?;
        let is_config = name.ends_with(".toml") && !name.starts_with('.');
        if is_config && !folder.join(&name).is_dir() {
            names.push(name);
        }
    }
    names.sort();
    if names.is_empty() {
        let message = format!("there is no `*.toml` file in `{path}`");
        let help = "run `poolwright init` there to write a starter file; files in folders below are not read";
        return Err(error_with_help(message, help));
    }
    // As a user would name them: `workers.toml`, not `./workers.toml`.
    let in_folder = |name: &String| match path {
        "." | "./" => name.clone(),
        _ => folder.join(name).to_string_lossy().into_owned(),
    };
    Ok(names.iter().map(in_folder).collect())
}

/// Reads one file, or standard input.
pub(super) fn read_source(path: &str) -> anyhow::Result<Source> {
    let bytes = if path == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).context("cannot read standard input")?;
        bytes
    } else {
        fs::read(path).map_err(|error| unreadable_file(path, &error))?
    };
    let shown = if path == "-" { "<stdin>" } else { path };
    decode_text(shown, bytes).map(|text| Source::new(shown, text))
}

/// Returns the text of a file.
pub(super) fn decode_text(shown: &str, bytes: Vec<u8>) -> anyhow::Result<String> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()]
            .split(|byte| *byte == b'\n')
            .count();
        error_with_help(
            format!("cannot read `{shown}`: line {line} is not UTF-8"),
            "save the file as UTF-8",
        )
    })?;
    // Such as `/proc/self/environ`, to which a link may lead: no line of it is to be shown.
    if text.contains('\0') {
        let message = format!("cannot read `{shown}`: it is not a text file");
        return Err(error_with_help(message, "name a TOML file with `-f FILE`"));
    }
    Ok(text)
}

fn unreadable_file(path: &str, error: &std::io::Error) -> anyhow::Error {
    let message = format!("cannot read `{path}`: {error}");
    match error.kind() {
        std::io::ErrorKind::NotFound if Path::new(path).is_relative() => error_with_help(
            message,
            "run `poolwright init` to write a starter file, or name another one with `-f FILE`",
        ),
        _ => error_with_help(
            message,
            "name a readable file with `-f FILE`, or `-` for standard input",
        ),
    }
}
