//! Reads files at a Git revision, as the repository stores them.

use crate::{
    cli::{files, git::git_command},
    ops::error_with_help,
};
use poolwright_core::finding::{Source, Sources};

use anyhow::Context as _;
use std::{
    ffi::{OsStr, OsString},
    fs, io,
    path::{Path, PathBuf},
    process::Output,
};

/// Whether a text names a commit of the repository of the working folder.
pub(super) fn is_revision(text: &str) -> bool {
    let folder = Path::new(".");
    run_git(folder, &resolve_arguments(text)).is_ok_and(|output| output.status.success())
}

/// Reads the files at `paths` as they are at a revision, and returns its commit. Files that it lacks are left out.
///
/// # Errors
///
/// Fails if the files are in no repository, or if it has no such revision.
pub(super) fn read_revision(base: &str, paths: &[String]) -> anyhow::Result<(String, Sources)> {
    let (mut first_commit, mut sources) = (None, Vec::new());
    for path in paths {
        let file = TrackedFile::find(Path::new(path))?;
        let commit = resolve_revision(&file.folder, base)?;
        if let Some(text) = file.read_at(&commit)? {
            let shown = format!("{base}:{path}");
            sources.push(Source::new(shown.clone(), files::decode_text(&shown, text)?));
        }
        first_commit.get_or_insert(commit);
    }
    Ok((first_commit.context("no file is named")?, Sources(sources)))
}

/// A file of a working tree.
struct TrackedFile {
    folder: PathBuf,
    name: OsString,
}

impl TrackedFile {
    /// Finds the real file: a link in the working tree is followed, and none at the revision.
    fn find(path: &Path) -> anyhow::Result<Self> {
        let real = fs::canonicalize(path).with_context(|| unreadable(path))?;
        let (folder, name) =
            real.parent().zip(real.file_name()).with_context(|| unreadable(path))?;
        Ok(Self { folder: folder.to_owned(), name: name.to_owned() })
    }

    /// Returns the file's text at a commit, under its name at that time; `None` if the commit does not have it.
    fn read_at(&self, commit: &str) -> anyhow::Result<Option<Vec<u8>>> {
        let listed = self.ask(&["ls-tree", "-z", commit, "--"], Some(&self.name))?;
        // `100644 blob 0123… TAB name`: a link or a submodule is not a file.
        let listed = String::from_utf8_lossy(&listed);
        let mut words = listed.split_ascii_whitespace();
        let blob = match (words.next(), words.next(), words.next()) {
            (Some(mode), Some("blob"), Some(blob)) if mode.starts_with("100") => blob.to_owned(),
            (Some(_), ..) => return Ok(None),
            (None, ..) => match self.former_path(commit)? {
                Some(former) => format!("{commit}:{former}"),
                None => return Ok(None),
            },
        };
        self.ask(&["cat-file", "blob", &blob], None).map(Some)
    }

    /// Returns the path that the file had at a commit, from the root, if it was renamed since.
    fn former_path(&self, commit: &str) -> anyhow::Result<Option<String>> {
        let prefix = self.ask(&["rev-parse", "--show-prefix"], None)?;
        let mut path = String::from_utf8_lossy(&prefix).trim_end_matches('\n').to_owned();
        path.push_str(&self.name.to_string_lossy());
        let arguments =
            ["diff-tree", "-r", "-z", "--find-renames", "--diff-filter=R", "--name-status"];
        // A repository without a commit of its own has renamed nothing.
        let arguments = [&arguments[..], &["--no-ext-diff", commit, "HEAD"]].concat();
        let Ok(renames) = self.ask(&arguments, None) else { return Ok(None) };
        let renames = String::from_utf8_lossy(&renames).into_owned();
        let fields: Vec<&str> = renames.split('\0').collect();
        let former = fields.chunks_exact(3).find(|rename| rename.get(2) == Some(&path.as_str()));
        Ok(former.and_then(|rename| rename.get(1)).map(|former| (*former).to_owned()))
    }

    /// Returns what Git prints.
    fn ask(&self, arguments: &[&str], name: Option<&OsStr>) -> anyhow::Result<Vec<u8>> {
        let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).chain(name).collect();
        let output = run_git(&self.folder, &arguments)?;
        if output.status.success() { Ok(output.stdout) } else { Err(git_error(&output)) }
    }
}

fn unreadable(path: &Path) -> String {
    format!("cannot read `{}`", path.display())
}

/// Returns the arguments that resolve a revision to its commit. No text that begins with `-` gets here.
fn resolve_arguments(base: &str) -> [OsString; 5] {
    let commit = format!("{base}^{{commit}}");
    ["rev-parse", "--verify", "--quiet", "--end-of-options", &commit].map(OsString::from)
}

fn resolve_revision(folder: &Path, base: &str) -> anyhow::Result<String> {
    let output = run_git(folder, &resolve_arguments(base))?;
    let commit = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let is_commit = commit.len() >= 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    if output.status.success() && is_commit {
        return Ok(commit);
    }
    if !output.stderr.trim_ascii().is_empty() {
        return Err(git_error(&output));
    }
    let shallow = run_git(folder, &["rev-parse", "--is-shallow-repository"])?;
    let is_shallow = shallow.stdout.trim_ascii() == b"true";
    let message = format!("`{base}` is neither a revision of this repository nor a path");
    let fetch = match base.split_once('/') {
        Some((remote, branch)) if !branch.is_empty() => {
            format!("git fetch {remote} {branch}:refs/remotes/{base}")
        }
        _ => format!("git fetch origin {base}"),
    };
    let help = if is_shallow {
        format!(
            "the clone is shallow: fetch its history, such as by `fetch-depth: 0` of actions/checkout, or run `{fetch}`"
        )
    } else {
        format!("run `{fetch}`, or name another revision with `--base`")
    };
    Err(error_with_help(message, help))
}

fn run_git(folder: &Path, arguments: &[impl AsRef<OsStr>]) -> anyhow::Result<Output> {
    git_command(folder).args(arguments).output().map_err(|error| {
        let help = "name a file or a folder with `--base`, or install Git";
        let what = if error.kind() == io::ErrorKind::NotFound {
            "`git` is not on the path".to_owned()
        } else {
            format!("cannot run `git`: {error}")
        };
        error_with_help(what, help)
    })
}

/// Returns what Git has to say, in one line.
fn git_error(output: &Output) -> anyhow::Error {
    let said = String::from_utf8_lossy(&output.stderr);
    let line = said.lines().find(|line| !line.trim().is_empty()).unwrap_or("no output from `git`");
    let line = line.trim_start_matches("fatal: ");
    let help = if line.contains("dubious ownership") {
        "run `git config --global --add safe.directory` with the folder of the repository"
    } else {
        "run the command in a Git repository, or name a file or a folder with `--base`"
    };
    error_with_help(format!("Git cannot read the base: {line}"), help)
}
