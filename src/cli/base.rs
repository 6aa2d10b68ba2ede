//! Reads the files that a plan is compared with: at a Git revision, or at a path.
//!
//! Git is asked for objects alone. The revision is resolved to a commit first, and everything is read of that commit.

mod revision;

use super::files;
use crate::ops::{BaseFiles, LoadedFiles, error_with_help};
use poolwright_core::{
    desired::Desired,
    finding::{Level, Source, Sources},
};

use anyhow::Context as _;
use std::path::{Component, Path};

/// Reads the base of a plan of the files at `paths`.
///
/// Files that the base does not have count as empty. Errors in its files are not an error here: nothing counts as pending.
///
/// # Errors
///
/// Fails if there is no such revision or path, or if it cannot be read.
pub(super) fn load_base(base: &str, paths: &[String]) -> anyhow::Result<BaseFiles> {
    if base.is_empty() || base.starts_with('-') {
        let message = format!("`{base}` is not a revision or a path");
        return Err(error_with_help(message, "name a base such as `--base origin/main`"));
    }
    let path = Path::new(base);
    let is_path = path.is_absolute() || base.starts_with("./") || base.starts_with("../");
    if is_path || path.exists() {
        if !is_path && revision::is_revision(base) {
            let message = format!("`{base}` is both a Git revision and a path");
            let help =
                format!("write `./{base}` for the path, or `refs/heads/{base}` for the branch");
            return Err(error_with_help(message, help));
        }
        return Ok(parse_base(base, None, read_path(path, paths)?));
    }
    refuse_stdin(paths)?;
    let (commit, sources) = revision::read_revision(base, paths)?;
    Ok(parse_base(base, Some(commit), sources))
}

fn parse_base(name: &str, commit: Option<String>, sources: Sources) -> BaseFiles {
    let files = if sources.0.is_empty() {
        Ok(LoadedFiles { sources, desired: Desired::default(), warnings: Vec::new() })
    } else {
        LoadedFiles::parse(sources).map_err(|(sources, findings)| {
            let errors = findings.iter().filter(|finding| finding.level == Level::Error);
            errors.map(|error| sources.describe_finding(error)).collect()
        })
    };
    BaseFiles { name: name.to_owned(), commit, files }
}

fn refuse_stdin(paths: &[String]) -> anyhow::Result<()> {
    if paths.iter().any(|path| path == "-") {
        return Err(error_with_help(
            "standard input has no base",
            "name the files with `-f FILE`, or a file as the base, such as `--base old.toml`",
        ));
    }
    Ok(())
}

/// Reads the base at a path: a file is the whole base, and a folder has the same files as the working folder.
fn read_path(base: &Path, paths: &[String]) -> anyhow::Result<Sources> {
    let shown = base.display();
    let kind = std::fs::metadata(base).map_err(|error| {
        let help = "name a file, a folder or a Git revision with `--base`";
        error_with_help(format!("cannot read `{shown}`: {error}"), help)
    })?;
    if !kind.is_dir() {
        return Ok(Sources(vec![read_source(base)?]));
    }
    refuse_stdin(paths)?;
    let mut sources = Vec::new();
    for path in paths {
        let path = Path::new(path);
        let is_below = |part| matches!(part, Component::Normal(_) | Component::CurDir);
        if !path.components().all(is_below) {
            let message = format!("`{}` is outside the working folder", path.display());
            let help = "name files in the working folder, or a file as the base";
            return Err(error_with_help(message, help));
        }
        let there = base.join(path);
        if there.exists() {
            sources.push(read_source(&there)?);
        }
    }
    if sources.is_empty() {
        let files: Vec<_> = paths.iter().map(|path| format!("`{path}`")).collect();
        let message = format!("`{shown}` has no {}", files.join(" or "));
        return Err(error_with_help(
            message,
            "name the folder that has the files before the change",
        ));
    }
    Ok(Sources(sources))
}

fn read_source(path: &Path) -> anyhow::Result<Source> {
    let text = path.to_str().with_context(|| format!("`{}` is not UTF-8", path.display()))?;
    files::read_source(text)
}
