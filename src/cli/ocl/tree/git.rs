//! The files that a repository calls its own.
//!
//! Git knows what belongs to a repository: files in submodules, in other worktrees inside it, and ignored files do
//! not. Never: a command that runs a hook or writes.

use crate::cli::git::git_command;
use std::path::{Path, PathBuf};

/// Returns the files in a folder that are tracked or could be, relative to the folder; `None` if the folder is not in
/// a repository, or Git cannot be asked.
pub(super) fn list_files(folder: &Path) -> Option<Vec<PathBuf>> {
    let mut command = git_command(folder);
    command.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let output = command.output().ok()?;
    output.status.success().then(|| {
        let names = output.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        names.map(path_from_bytes).collect()
    })
}

#[cfg(unix)]
fn path_from_bytes(name: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    std::ffi::OsStr::from_bytes(name).into()
}

#[cfg(not(unix))]
fn path_from_bytes(name: &[u8]) -> PathBuf {
    String::from_utf8_lossy(name).into_owned().into()
}
