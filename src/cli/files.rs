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
    render::findings,
    text::escape::Escaped,
};

use anyhow::Context as _;
use std::{fs, io::Read as _, path::Path};

/// The file that is read by default.
pub(super) const DEFAULT: &str = "workers.toml";

/// The files to read.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct Args {
    /// A configuration file, or `-` for standard input. May be repeated.
    #[arg(short, long = "file", default_value = DEFAULT, value_name = "FILE")]
    files: Vec<String>,
    /// The files may be written by anyone, as in a pull request: refuse what names a server or a space, and links
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
        let sources = self.files.iter().map(|path| self.read_checked(path));
        sources.collect::<anyhow::Result<_>>().map(Sources)
    }

    /// Reads one file, of which an untrusted author may have made a link.
    fn read_checked(&self, path: &str) -> anyhow::Result<Source> {
        if self.untrusted && path != "-" {
            links::check_untrusted(Path::new(path))?;
        }
        read_source(path)
    }

    /// Reads and parses the files. Returns `None` after printing their errors.
    pub(super) fn load_files(&self, screen: &Screen) -> anyhow::Result<Option<LoadedFiles>> {
        let (findings, sources) = match LoadedFiles::parse(self.read()?) {
            Ok(files) => {
                let findings = self.untrusted_findings(&files.desired);
                if findings.is_empty() {
                    return Ok(Some(files));
                }
                (findings, files.sources)
            }
            Err((sources, findings)) => (findings, sources),
        };
        print_findings(&findings, &sources, screen);
        Ok(None)
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

/// Warns about what a file lacks because it could not be read.
pub(super) fn warn_unread(unread: &[UnreadPart]) {
    for UnreadPart { what, why, .. } in unread {
        errln!("warning: missing from the file: {}: {}", Escaped(what), Escaped(why));
    }
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
        std::io::ErrorKind::IsADirectory => {
            error_with_help(message, "name a file, not a folder, with `-f FILE`")
        }
        _ => error_with_help(
            message,
            "name a readable file with `-f FILE`, or `-` for standard input",
        ),
    }
}
