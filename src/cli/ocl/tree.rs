//! The files of a working tree: found and read.

use crate::ops::{OclFile, TextEncoding, decode_bytes, error_with_help};
use anyhow::Context as _;
use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

/// The folder in which Octopus keeps its files, unless somebody has told it another.
const OCTOPUS: &str = ".octopus";

/// The OCL files among `paths` and in the folders among them, each once.
pub(super) fn read(paths: &[PathBuf]) -> anyhow::Result<Vec<OclFile>> {
    let mut found = Vec::new();
    for path in paths {
        let kind = fs::metadata(path).map_err(|error| {
            let message = format!("cannot read `{}`: {error}", path.display());
            error_with_help(message, "name an OCL file, or a folder that has `.octopus` in it")
        })?;
        match kind.is_dir() {
            true => found.extend(find_ocl_files(path)?),
            false => found.push((path.clone(), false)),
        }
    }
    found.sort();
    if found.is_empty() {
        let message = "there are no OCL files here";
        return Err(error_with_help(
            message,
            "name the folder that has `.octopus` in it, or the files",
        ));
    }
    let (mut files, mut seen) = (Vec::new(), HashSet::new());
    for (path, doubtful) in found {
        // The same file may be named twice, or be linked to.
        let real = fs::canonicalize(&path).with_context(|| read_error_text(&path))?;
        if seen.insert(real) {
            let (text, encoding) = decode_file(&path)?;
            files.push(OclFile { path, text, encoding, maybe_foreign: doubtful });
        }
    }
    Ok(files)
}

/// The `*.ocl` below a folder, and whether each is doubtful.
fn find_ocl_files(folder: &Path) -> anyhow::Result<Vec<(PathBuf, bool)>> {
    let mut found = Vec::new();
    walk_folder(folder, &mut found)?;
    let is_in_octopus =
        |path: &Path| path.components().any(|component| component.as_os_str() == OCTOPUS);
    let within = fs::canonicalize(folder).is_ok_and(|it| is_in_octopus(&it));
    let somewhere = within || found.iter().any(|it| is_in_octopus(it));
    let is_doubtful = |path: &Path| somewhere && !within && !is_in_octopus(path);
    Ok(found.into_iter().map(|other| (other.clone(), is_doubtful(&other))).collect())
}

fn walk_folder(folder: &Path, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let context = || format!("cannot read the folder `{}`", folder.display());
    for entry in fs::read_dir(folder).with_context(context)? {
        let entry = entry.with_context(context)?;
        let (kind, path) = (entry.file_type().with_context(context)?, entry.path());
        // A link to a folder may lead round in a circle; one to a file is edited where it leads.
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
        error_with_help(message, "save the file as UTF-8, which is what Octopus writes")
    })
}

fn read_error_text(path: &Path) -> String {
    format!("cannot read `{}`", path.display())
}

/// Refuses a file that is not to be written.
///
/// # Errors
///
/// Where it is read-only: another file in its place would be none the less an edit of it.
pub(super) fn check_writable(path: &Path) -> anyhow::Result<()> {
    let context = || format!("cannot write `{}`", path.display());
    match fs::metadata(path).with_context(context)?.permissions().readonly() {
        false => Ok(()),
        true => Err(error_with_help(
            format!("{}: it is read-only", context()),
            "make it writable, or name the other files; nothing was edited",
        )),
    }
}
