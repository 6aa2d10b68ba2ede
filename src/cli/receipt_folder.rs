//! The receipts of earlier runs, in a folder.

use super::{print::errln, receipt::FOLDER};
use crate::ops::{error_with_help, is_untouched};
use poolwright_core::{
    receipt::{HistoryEntry, Receipt, UnreadableReceipt},
    text::{eq_ignoring_case, escape::Escaped},
};

use anyhow::Context as _;
use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

/// The largest receipt that is read, in bytes.
const LARGEST: u64 = 256 << 20;

/// The receipts in a folder, oldest first, and the files that are not receipts.
#[derive(Debug, Default)]
pub(super) struct ReceiptFolder {
    /// The receipts.
    pub(super) entries: Vec<HistoryEntry>,
    /// The files that are named like receipts and cannot be read as one.
    pub(super) unreadable: Vec<UnreadableReceipt>,
}

impl ReceiptFolder {
    /// Reads the receipts in a folder, or in the default one. A folder that does not exist has none.
    ///
    /// # Errors
    ///
    /// Fails if the folder cannot be listed.
    pub(super) fn read(folder: Option<&Path>) -> anyhow::Result<Self> {
        let folder = folder.unwrap_or(Path::new(FOLDER));
        let context = || format!("cannot read the folder `{}`", folder.display());
        let listed = match fs::read_dir(folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            listed => listed.with_context(context)?,
        };
        let mut found = Self::default();
        for entry in listed {
            let path = entry.with_context(context)?.path();
            if path.extension().is_some_and(|it| it == "json") {
                found.add_file(&path);
            }
        }
        found.entries.sort_by(|one, other| {
            (&one.receipt.started, &one.file).cmp(&(&other.receipt.started, &other.file))
        });
        found.unreadable.sort_by(|one, other| one.file.cmp(&other.file));
        for (entry, number) in found.entries.iter_mut().zip(1..) {
            entry.number = number;
        }
        Ok(found)
    }

    fn add_file(&mut self, path: &Path) {
        let file = path.to_string_lossy().into_owned();
        match read_small(path) {
            Ok(receipt) => self.entries.push(HistoryEntry { number: 0, file, receipt }),
            Err(why) => self.unreadable.push(UnreadableReceipt { file, why }),
        }
    }

    /// Warns about the files that are not receipts.
    pub(super) fn warn_unreadable(&self) {
        for UnreadableReceipt { file, why } in &self.unreadable {
            errln!("warning: `{}` is left out: {}", Escaped(file), Escaped(why));
        }
    }

    /// Returns the receipt with a number.
    ///
    /// # Errors
    ///
    /// Fails if there is none.
    pub(super) fn find_number(&self, number: usize) -> anyhow::Result<&HistoryEntry> {
        let found = self.entries.iter().find(|entry| entry.number == number);
        found.ok_or_else(|| {
            let message = match self.entries.len() {
                0 => format!("there is no receipt {number}: there are none"),
                count => {
                    format!("there is no receipt {number}: they are numbered from 1 to {count}")
                }
            };
            error_with_help(message, "list them with `poolwright history`, or name a file")
        })
    }

    /// Returns the last apply to a server and a space that wrote anything; to any if they are not named.
    pub(super) fn last_written(
        &self,
        url: Option<&str>,
        space: Option<&str>,
    ) -> Option<&HistoryEntry> {
        let trim = |url: &str| url.trim_end_matches('/').to_owned();
        let is_named = |receipt: &Receipt| {
            let server = &receipt.server;
            let is_space = |space: &str| {
                eq_ignoring_case(space, &server.space) || eq_ignoring_case(space, &server.space_id)
            };
            url.is_none_or(|url| trim(url) == trim(&server.url)) && space.is_none_or(is_space)
        };
        let is_written = |receipt: &Receipt| !is_untouched(receipt) || !receipt.unread.is_empty();
        let mut entries = self.entries.iter().rev();
        entries.find(|entry| is_named(&entry.receipt) && is_written(&entry.receipt))
    }
}

/// Returns the path that a user means by a file or by a number of the history.
pub(super) fn resolve_receipt(named: &str, folder: Option<&Path>) -> anyhow::Result<PathBuf> {
    match named.parse() {
        Ok(number) if !Path::new(named).exists() => {
            let folder = ReceiptFolder::read(folder)?;
            Ok(PathBuf::from(&folder.find_number(number)?.file))
        }
        _ => Ok(PathBuf::from(named)),
    }
}

fn read_small(path: &Path) -> Result<Receipt, String> {
    let found = fs::metadata(path).map_err(|error| error.to_string())?;
    if !found.is_file() || found.len() > LARGEST {
        return Err("it is not a file, or too large".to_owned());
    }
    let text = fs::read(path).map_err(|error| error.to_string())?;
    Receipt::read(text).map_err(|error| error.to_string())
}
