//! The files of a working tree: found, read, and put back whole or not at all.

use crate::cli::trouble::helped;
use anyhow::Context as _;
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

/// The OCL files among `paths` and in the folders among them, each once, with their texts.
pub(super) fn read(paths: &[PathBuf]) -> anyhow::Result<Vec<(PathBuf, String)>> {
    let mut found = Vec::new();
    for path in paths {
        let kind = fs::metadata(path).map_err(|error| {
            let message = format!("cannot read `{}`: {error}", path.display());
            helped(message, "name an OCL file, or a folder that has `.octopus` in it")
        })?;
        match kind.is_dir() {
            true => walk(path, &mut found)?,
            false => found.push(path.clone()),
        }
    }
    found.sort();
    found.dedup();
    if found.is_empty() {
        let message = "there are no OCL files here";
        return Err(helped(message, "name the folder that has `.octopus` in it, or the files"));
    }
    found.into_iter().map(|path| text(&path).map(|text| (path, text))).collect()
}

/// Adds the `*.ocl` below `.octopus` folders, and below a folder that is in one itself or has no such.
fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let context = || format!("cannot read the folder `{}`", folder.display());
    for entry in fs::read_dir(folder).with_context(context)? {
        let entry = entry.with_context(context)?;
        let (kind, path) = (entry.file_type().with_context(context)?, entry.path());
        // A link to a folder may lead round in a circle; one to a file is edited where it leads.
        if kind.is_dir() && entry.file_name() != ".git" {
            walk(&path, found)?;
        } else if path.extension().is_some_and(|it| it.eq_ignore_ascii_case("ocl"))
            && path.is_file()
        {
            found.push(path);
        }
    }
    Ok(())
}

fn text(path: &Path) -> anyhow::Result<String> {
    let shown = path.display();
    let bytes = fs::read(path).with_context(|| format!("cannot read `{shown}`"))?;
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        let message = format!("cannot read `{shown}`: it is UTF-16");
        return Err(helped(message, "save the file as UTF-8, which is what Octopus writes"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes().iter().take(valid).filter(|it| **it == b'\n').count() + 1;
        helped(format!("cannot read `{shown}`: line {line} is not UTF-8"), "save the file as UTF-8")
    })
}

/// Puts a text into a file that is there, with the rights that it has; a link is followed.
pub(in crate::cli) fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    let context = || format!("cannot write `{}`", path.display());
    let path = fs::canonicalize(path).with_context(context)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut beside = tempfile::NamedTempFile::new_in(folder).with_context(context)?;
    beside.write_all(text.as_bytes()).with_context(context)?;
    let rights = fs::metadata(&path).with_context(context)?.permissions();
    fs::set_permissions(beside.path(), rights).with_context(context)?;
    beside.persist(&path).map(drop).with_context(context)
}
