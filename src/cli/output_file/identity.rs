//! Which file a path leads to, however it is spelled.

use anyhow::Context as _;
use std::{
    fs,
    io::{self, ErrorKind},
    path::{Component, Path, PathBuf},
};

/// What tells one file from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FileIdentity {
    /// An existing file, by its device and number: all of its names lead to it.
    #[cfg(unix)]
    Inode {
        /// The device.
        device: u64,
        /// The number on the device.
        number: u64,
    },
    /// A file that does not exist yet, or whose number is not known, by its real path.
    Path(PathBuf),
}

impl FileIdentity {
    /// Returns the identity of the file at a path; `None` for a pipe or a device, which several outputs may share.
    ///
    /// # Errors
    ///
    /// Fails if the path cannot be resolved.
    pub(super) fn find(path: &Path) -> anyhow::Result<Option<Self>> {
        Self::resolve(path).with_context(|| format!("cannot look at `{}`", path.display()))
    }

    fn resolve(path: &Path) -> io::Result<Option<Self>> {
        match fs::metadata(path) {
            Ok(found) if !found.is_file() && !found.is_dir() => Ok(None),
            Ok(found) => Self::from_existing(path, &found).map(Some),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                real_path(path).map(|path| Some(Self::Path(path)))
            }
            Err(error) => Err(error),
        }
    }

    #[cfg(unix)]
    fn from_existing(_: &Path, found: &fs::Metadata) -> io::Result<Self> {
        use std::os::unix::fs::MetadataExt as _;
        Ok(Self::Inode { device: found.dev(), number: found.ino() })
    }

    #[cfg(not(unix))]
    fn from_existing(path: &Path, _: &fs::Metadata) -> io::Result<Self> {
        fs::canonicalize(path).map(Self::Path)
    }
}

/// Returns the path that a file would have, with the links of its existing folders resolved.
fn real_path(path: &Path) -> io::Result<PathBuf> {
    let absolute = std::path::absolute(path)?;
    let existing = absolute.ancestors().find(|folder| folder.exists());
    let Some(existing) = existing else { return Ok(absolute) };
    let rest = absolute.strip_prefix(existing).unwrap_or(&absolute);
    let mut real = fs::canonicalize(existing)?;
    for part in rest.components() {
        match part {
            Component::ParentDir => _ = real.pop(),
            Component::Normal(name) => real.push(fold_name(name)),
            _ => {}
        }
    }
    Ok(real)
}

/// Folds the name of a file that does not exist yet, where names that differ in case usually lead to one file.
fn fold_name(name: &std::ffi::OsStr) -> std::ffi::OsString {
    if cfg!(any(windows, target_os = "macos")) {
        name.to_ascii_lowercase()
    } else {
        name.to_owned()
    }
}
