//! The file of a receipt: a journal while the apply runs, and the final receipt after it.

use crate::cli::replace_file::{PlacedFile, place_file, place_new_file, replace_file, sync_file};
use poolwright_core::receipt::{JournalEvent, Receipt};

use anyhow::{Context as _, bail};
use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

/// A journal on disk.
pub(super) struct JournalFile {
    placed: PlacedFile,
    path: PathBuf,
}

impl JournalFile {
    /// Puts the first line of a journal on disk: the receipt before the first request.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be written; nothing may be sent then.
    pub(super) fn create(path: PathBuf, receipt: &Receipt) -> anyhow::Result<Self> {
        let placed = place_file(&path, receipt.to_journal_start().as_bytes())?;
        Ok(Self { placed, path })
    }

    /// Puts the first line of a journal on disk, unless something is at its path.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be written; nothing may be sent then.
    pub(super) fn create_new(path: PathBuf, receipt: &Receipt) -> anyhow::Result<Option<Self>> {
        let placed = place_new_file(&path, receipt.to_journal_start().as_bytes())?;
        Ok(placed.map(|placed| Self { placed, path }))
    }

    /// The path of the file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds lines, and returns once they are on disk.
    ///
    /// # Errors
    ///
    /// Fails if they cannot be written, or if the file is no longer at its path, where they would be found.
    pub(super) fn append(&mut self, lines: &[u8]) -> anyhow::Result<()> {
        self.append_all(lines).with_context(|| format!("cannot write `{}`", self.path.display()))
    }

    fn append_all(&mut self, lines: &[u8]) -> anyhow::Result<()> {
        let PlacedFile { file, is_stream } = &mut self.placed;
        file.write_all(lines)?;
        if *is_stream {
            return Ok(());
        }
        sync_file(file)?;
        if !is_in_place(file, &self.path)? {
            bail!("the file has been replaced by another one");
        }
        Ok(())
    }

    /// Ends the receipt, and replaces the journal by it. What cannot be replaced gets a last line instead.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be written. The journal is whole then, as far as it could be written.
    pub(super) fn finish(mut self, receipt: &mut Receipt, time: String) -> anyhow::Result<()> {
        let line = receipt.record_event(JournalEvent::Ended { time }, None);
        if self.placed.is_stream {
            return self.append(line.as_bytes());
        }
        let replaced = replace_file(&self.path, receipt.to_json_text().as_bytes());
        if replaced.is_err() {
            _ = self.append(line.as_bytes());
        }
        replaced
    }
}

/// Whether the path still leads to the file. On some network file systems one file has many numbers, so a file of the
/// same length counts as this one.
#[cfg(unix)]
fn is_in_place(file: &std::fs::File, path: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let [open, named] = [file.metadata()?, std::fs::metadata(path)?];
    let is_same = (open.dev(), open.ino()) == (named.dev(), named.ino());
    Ok(is_same || (named.is_file() && open.len() == named.len()))
}

#[cfg(not(unix))]
fn is_in_place(_: &std::fs::File, path: &Path) -> std::io::Result<bool> {
    std::fs::metadata(path).map(|found| found.is_file())
}
