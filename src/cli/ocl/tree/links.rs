//! Where the links of a working tree lead.
//!
//! Octopus reads a repository's files and follows no link, so nothing is lost where a link is not followed either.

use crate::ops::error_with_help;
use anyhow::Context as _;
use std::{
    fs,
    path::{Component, Path, PathBuf},
};

/// Returns the OCL file that a link in a folder leads to, relative to `root`, the folder's real path; `None` if the
/// link leads to anything else.
pub(super) fn follow_inside(root: &Path, link: &Path) -> Option<PathBuf> {
    let real = fs::canonicalize(link).ok()?;
    let inside = path_inside(root, &real)?;
    (super::is_ocl(&real) && real.is_file()).then(|| inside.to_owned())
}

/// Returns the path relative to `root`, unless it lies outside or is Git's own.
fn path_inside<'a>(root: &Path, real: &'a Path) -> Option<&'a Path> {
    let inside = real.strip_prefix(root).ok()?;
    let in_git = inside.components().any(|component| component.as_os_str() == ".git");
    (!in_git).then_some(inside)
}

/// Checks that a path that the user named stays in the tree in which its name lies.
///
/// # Errors
///
/// Fails if a link leads out of the tree: its name may come from the command line, but the link comes from the tree.
pub(super) fn check_named(path: &Path) -> anyhow::Result<()> {
    let context = || format!("cannot read `{}`", path.display());
    let real = fs::canonicalize(path).with_context(context)?;
    let tree = tree_of(path).with_context(context)?;
    let tree = fs::canonicalize(&tree).with_context(context)?;
    let is_plain = real.is_dir() || super::is_ocl(&real) || !is_link(path);
    if is_plain && path_inside(&tree, &real).is_some() {
        return Ok(());
    }
    let message = format!("`{}` is a link to `{}`", path.display(), real.display());
    Err(error_with_help(
        message,
        "links are followed only to OCL files in the same tree; name the file or folder itself",
    ))
}

fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|it| it.is_symlink())
}

/// Returns the tree in which a path lies by its name: the repository, else the working folder, else the folder of
/// the path.
fn tree_of(path: &Path) -> std::io::Result<PathBuf> {
    let named = normalize(&std::path::absolute(path)?);
    if let Some(root) = named.ancestors().find(|it| it.join(".git").exists()) {
        return Ok(root.to_owned());
    }
    let working = std::env::current_dir()?;
    if named.starts_with(&working) {
        return Ok(working);
    }
    Ok(named.parent().unwrap_or(&named).to_owned())
}

/// Resolves `..` by name alone, without looking at links.
fn normalize(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut normal, component| {
        match component {
            Component::ParentDir => _ = normal.pop(),
            other => normal.push(other),
        }
        normal
    })
}
