//! Asks the `git` on the path about a repository.
//!
//! Never: a command that writes, or that runs a program which the repository names.

use std::{path::Path, process::Command};

/// The variables by which a hook tells Git about another repository or index.
const FOREIGN: [&str; 4] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"];

/// Returns a Git command in a folder.
pub(super) fn git_command(folder: &Path) -> Command {
    let mut command = Command::new("git");
    // A configured monitor of the file system is a program, and it may come with the repository.
    command.arg("-C").arg(folder).args(["-c", "core.fsmonitor=false"]);
    command.args(["-c", "core.hooksPath=/dev/null"]);
    FOREIGN.iter().for_each(|name| _ = command.env_remove(name));
    command.env("GIT_OPTIONAL_LOCKS", "0").env("GIT_LITERAL_PATHSPECS", "1");
    // A partial clone may fetch what is missing, but there is nobody to type a password.
    command.env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
    command
}
