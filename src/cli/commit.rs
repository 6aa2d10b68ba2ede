//! The Git commit that files come from, found without running anything that their repository configures.
//!
//! A repository may come from anybody, with its configuration: an unpacked archive, a shared folder. Filters are
//! programs, and a missing object may be fetched by one.

use super::git::git_command;
use poolwright_core::plan::SourceCommit;

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// Returns a Git command that fetches nothing.
fn quiet_command(folder: &Path) -> Command {
    let mut command = git_command(folder);
    command.env("GIT_ALLOW_PROTOCOL", "none").env("GIT_NO_LAZY_FETCH", "1").stdin(Stdio::null());
    command
}

/// Returns the commit that files come from, judged by the folder of the first one; nothing outside a repository.
///
/// Where there is no Git, or it does not trust the repository, `commit_of_job` is what the CI job says.
pub(super) fn find_commit(files: &[String], commit_of_job: Option<String>) -> SourceCommit {
    let files: Vec<&Path> = files.iter().map(Path::new).filter(|path| path.is_file()).collect();
    let folder = files.first().and_then(|file| file.parent());
    let folder = folder.filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match quiet_command(folder).args(["rev-parse", "--verify", "HEAD"]).output() {
        Ok(Output { status, stdout, .. }) if status.success() => {
            let id = String::from_utf8_lossy(&stdout).trim().to_owned();
            if !is_commit_id(&id) {
                return SourceCommit::default();
            }
            SourceCommit { id: Some(id), dirty: is_dirty(folder, &files) }
        }
        Ok(_) if !is_in_repository(folder) => SourceCommit::default(),
        Err(error) if error.kind() != ErrorKind::NotFound => SourceCommit::default(),
        _ => SourceCommit { id: commit_of_job.filter(|id| is_commit_id(id)), dirty: None },
    }
}

/// Whether a text is the full id of a commit.
fn is_commit_id(text: &str) -> bool {
    [40, 64].contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_in_repository(folder: &Path) -> bool {
    let folder = std::path::absolute(folder).unwrap_or_default();
    folder.ancestors().any(|it| it.join(".git").exists())
}

/// Returns whether files may differ from the commit: a tracked file of the tree has changed, or one of `files` is not
/// tracked; `None` if Git cannot tell.
fn is_dirty(folder: &Path, files: &[&Path]) -> Option<bool> {
    let absolute =
        files.iter().map(std::path::absolute).collect::<Result<Vec<PathBuf>, _>>().ok()?;
    let mut tracked = quiet_command(folder);
    tracked.args(["ls-files", "--error-unmatch", "--"]).args(absolute);
    if !files.is_empty() && !tracked.output().ok()?.status.success() {
        return Some(true);
    }
    let mut status = quiet_command(folder);
    for name in local_filters(folder)? {
        // A name with an equals sign would end before it. A filter that is empty is none.
        if name.contains('=') {
            return None;
        }
        for setting in ["clean=", "process=", "required=false"] {
            status.arg("-c").arg(format!("filter.{name}.{setting}"));
        }
    }
    status.args(["status", "--porcelain", "--untracked-files=no", "--ignore-submodules=dirty"]);
    let output = status.output().ok()?;
    output.status.success().then_some(!output.stdout.is_empty())
}

/// Returns the filters that the repository itself configures; `None` if Git cannot list them.
fn local_filters(folder: &Path) -> Option<Vec<String>> {
    let mut command = quiet_command(folder);
    command.args(["config", "-z", "--show-scope", "--name-only", "--get-regexp", r"^filter\."]);
    let output = command.output().ok()?;
    // Git ends with 1 if there are none.
    if !output.status.success() && output.status.code() != Some(1) {
        return None;
    }
    let text = String::from_utf8(output.stdout).ok()?;
    let fields: Vec<&str> = text.split_terminator('\0').collect();
    let mut names = Vec::new();
    for pair in fields.chunks(2) {
        let [scope, setting] = pair else { return None };
        let name = setting.strip_prefix("filter.").and_then(|it| it.rsplit_once('.'));
        match (*scope, name) {
            ("global" | "system" | "command", _) | (_, None) => {}
            (_, Some((name, _))) => names.push(name.to_owned()),
        }
    }
    names.dedup();
    Some(names)
}
