//! Finds and reads the OCL files in a working tree.

use crate::ops::{OclFile, TextEncoding, decode_bytes, error_with_help};
use anyhow::Context as _;
use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

/// The folder in which Octopus keeps its files, unless a project configures another.
const OCTOPUS: &str = ".octopus";

/// Reads the OCL files among `paths` and in the folders among them, each once.
pub(super) fn read(paths: &[PathBuf]) -> anyhow::Result<Vec<OclFile>> {
    let mut found = Vec::new();
    for path in paths {
        let kind = fs::metadata(path).map_err(|error| {
            let message = format!("cannot read `{}`: {error}", path.display());
            error_with_help(message, "name an OCL file or a folder that contains `.octopus`")
        })?;
        if kind.is_dir() {
            found.extend(find_ocl_files(path)?);
        } else {
            found.push((path.clone(), false));
        }
    }
    found.sort();
    if found.is_empty() {
        let message = "no OCL files found";
        return Err(error_with_help(
            message,
            "name the folder that contains `.octopus`, or the files themselves",
        ));
    }
    let (mut files, mut seen) = (Vec::new(), HashSet::new());
    for (path, doubtful) in found {
        // A file may be named twice, or reached by a link.
        let real = fs::canonicalize(&path).with_context(|| read_error_text(&path))?;
        if seen.insert(real) {
            let (text, encoding) = decode_file(&path)?;
            files.push(OclFile { path, text, encoding, maybe_foreign: doubtful });
        }
    }
    Ok(files)
}

/// Finds the `*.ocl` files in a folder, and whether each may belong to another program.
fn find_ocl_files(folder: &Path) -> anyhow::Result<Vec<(PathBuf, bool)>> {
    let mut found = Vec::new();
    walk_folder(folder, &mut found)?;
    let is_in_octopus =
        |path: &Path| path.components().any(|component| component.as_os_str() == OCTOPUS);
    let within = fs::canonicalize(folder).is_ok_and(|it| is_in_octopus(&it));
    let has_octopus = within || found.iter().any(|it| is_in_octopus(it));
    let is_doubtful = |path: &Path| has_octopus && !within && !is_in_octopus(path);
    Ok(found.into_iter().map(|path| (path.clone(), is_doubtful(&path))).collect())
}

fn walk_folder(folder: &Path, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let context = || format!("cannot read the folder `{}`", folder.display());
    for entry in fs::read_dir(folder).with_context(context)? {
        let entry = entry.with_context(context)?;
        let (kind, path) = (entry.file_type().with_context(context)?, entry.path());
        // A link to a folder may form a cycle; the target of a link to a file is edited.
        if kind.is_dir() && entry.file_name() != ".git" {
            walk_folder(&path, found)?;
        } else if path.extension().is_some_and(|it| it.eq_ignore_ascii_case("ocl"))
            && path.is_file()
        {
            found.push(path);
        }
    }
    Ok(())
}

fn decode_file(path: &Path) -> anyhow::Result<(String, TextEncoding)> {
    let bytes = fs::read(path).with_context(|| read_error_text(path))?;
    decode_bytes(&bytes).map_err(|wrong| {
        let message =
            format!("{}: line {} is not {}", read_error_text(path), wrong.line, wrong.encoding);
        error_with_help(message, "save the file as UTF-8, as Octopus does")
    })
}

fn read_error_text(path: &Path) -> String {
    format!("cannot read `{}`", path.display())
}

/// Checks that a file may be edited.
///
/// # Errors
///
/// Fails if it is read-only: replacing it with another file would edit it nonetheless.
pub(super) fn check_writable(path: &Path) -> anyhow::Result<()> {
    let context = || format!("cannot write `{}`", path.display());
    if fs::metadata(path).with_context(context)?.permissions().readonly() {
        return Err(error_with_help(
            format!("{}: it is read-only; nothing was edited", context()),
            "make it writable, or name only the other files",
        ));
    }
    Ok(())
}
