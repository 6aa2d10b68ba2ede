//! Where the links of a working tree lead.
//!
//! The command line names a path, but the tree supplies the links along it, and anyone who can push to a repository
//! can add links to it. So a link is never followed out of the tree that contains the path by its name. Octopus itself
//! follows no links in a repository, so this rule loses no file.

use super::resolved::ResolvedPath;
use crate::ops::error_with_help;
use anyhow::Context as _;
use std::{
    env, fs, io,
    path::{Component, Path, PathBuf},
};

/// Returns the file that a link in a folder leads to, relative to `root`, the folder's real path; `None` if the link
/// leads to anything else.
pub(super) fn follow_inside(root: &Path, link: &Path) -> Option<PathBuf> {
    let real = fs::canonicalize(link).ok()?;
    let inside = path_inside(root, &real)?;
    real.is_file().then(|| inside.to_owned())
}

/// Returns the path relative to `root`, unless it lies outside or is Git's own.
fn path_inside<'a>(root: &Path, real: &'a Path) -> Option<&'a Path> {
    let inside = real.strip_prefix(root).ok()?;
    let in_git = inside.components().any(|component| component.as_os_str() == ".git");
    (!in_git).then_some(inside)
}

/// Resolves a path that is read: it stays in the tree in which its name lies, and a link leads to a folder or to a file
/// of the expected kind.
///
/// # Errors
///
/// Fails if a link leads elsewhere.
pub(super) fn resolve_read(
    path: &Path,
    is_expected: impl Fn(&Path) -> bool,
) -> anyhow::Result<ResolvedPath> {
    let context = || format!("cannot read `{}`", path.display());
    let real = fs::canonicalize(path).with_context(context)?;
    let tree = fs::canonicalize(tree_of(path).with_context(context)?).with_context(context)?;
    let is_plain = real.is_dir() || is_expected(&real) || !is_link(path);
    if is_plain && let Some(inside) = path_inside(&tree, &real) {
        let inside = inside.to_owned();
        return Ok(ResolvedPath { tree, inside });
    }
    Err(link_error(
        path,
        &real,
        "links are followed only to files of the same kind in the same tree",
    ))
}

/// Checks that a configuration file whose author is not trusted is a file in its own folder, or a link to a TOML file in
/// it. A path that does not exist is reported by the code that reads it.
///
/// # Errors
///
/// Fails if a link leads elsewhere, or if it is not a regular file.
pub(super) fn check_untrusted(path: &Path) -> anyhow::Result<()> {
    if fs::symlink_metadata(path).is_err() {
        return Ok(());
    }
    let resolved = resolve_read(path, |real| real.extension().is_some_and(|it| it == "toml"))?;
    let context = || format!("cannot read `{}`", path.display());
    let real = resolved.path();
    let named = named_path(path).with_context(context)?;
    let folder = fs::canonicalize(named.parent().unwrap_or(&named)).with_context(context)?;
    if !real.starts_with(&folder) {
        return Err(link_error(path, &real, "an untrusted file must not leave its folder"));
    }
    if real.is_file() || real.is_dir() {
        return Ok(());
    }
    Err(error_with_help(
        format!("{}: it is not a regular file", context()),
        "name a TOML file with `-f FILE`",
    ))
}

/// What a path that is written leads to.
pub(super) enum WrittenPath {
    /// A file, which need not exist, or a folder.
    File(ResolvedPath),
    /// A pipe or a device, which is not a file that could be lost.
    Stream,
}

/// Resolves a path that is written: it stays in the tree in which its name lies. It need not exist.
///
/// # Errors
///
/// Fails if a link leads out of the tree, or to nothing.
pub(super) fn resolve_written(path: &Path) -> anyhow::Result<WrittenPath> {
    let context = || format!("cannot write `{}`", path.display());
    let named = named_path(path).with_context(context)?;
    let existing = named.ancestors().find(|it| fs::symlink_metadata(it).is_ok());
    let existing = existing.unwrap_or(&named);
    let Ok(real) = fs::canonicalize(existing) else {
        let message = format!("{}: a link on its way leads to nothing", context());
        return Err(error_with_help(message, "remove the link, or name another file"));
    };
    if !(real.is_file() || real.is_dir()) {
        return Ok(WrittenPath::Stream);
    }
    let tree = fs::canonicalize(tree_of(path).with_context(context)?).with_context(context)?;
    if let Ok(inside) = real.strip_prefix(&tree) {
        let missing = named.strip_prefix(existing).unwrap_or(Path::new(""));
        let inside = inside.components().chain(missing.components()).collect();
        return Ok(WrittenPath::File(ResolvedPath { tree, inside }));
    }
    Err(link_error(path, &real, "links are followed only in the same tree"))
}

/// Returns whether a path lies below the working folder by its name.
pub(super) fn is_below_working_folder(path: &Path) -> bool {
    let below = |named: PathBuf| env::current_dir().is_ok_and(|folder| named.starts_with(folder));
    named_path(path).is_ok_and(below)
}

fn link_error(path: &Path, real: &Path, why: &str) -> anyhow::Error {
    let message = format!("`{}` is a link to `{}`", path.display(), real.display());
    error_with_help(message, format!("{why}; name the file or folder itself"))
}

fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|it| it.is_symlink())
}

/// Returns the tree in which a path lies by its name: the repository, else the working folder, else the folder of
/// the path.
fn tree_of(path: &Path) -> io::Result<PathBuf> {
    let named = named_path(path)?;
    if let Some(root) = named.ancestors().find(|it| it.join(".git").exists()) {
        return Ok(root.to_owned());
    }
    let working = env::current_dir()?;
    if named.starts_with(&working) {
        return Ok(working);
    }
    let mut folders = named.ancestors().skip(1);
    Ok(folders.find(|it| it.exists()).unwrap_or(&named).to_owned())
}

/// Returns the absolute path, with `..` resolved by name alone, without looking at links.
fn named_path(path: &Path) -> io::Result<PathBuf> {
    let absolute = std::path::absolute(path)?;
    Ok(absolute.components().fold(PathBuf::new(), |mut normal, component| {
        match component {
            Component::ParentDir => _ = normal.pop(),
            other => normal.push(other),
        }
        normal
    }))
}
