//! Finds and reads the OCL files in a working tree.

mod git;

use crate::cli::{links, resolved::ResolvedPath};
use crate::ops::{OclFile, TextEncoding, decode_bytes, error_with_help};
use anyhow::Context as _;
use std::{
    collections::HashSet,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

/// The folder in which Octopus keeps its files, unless a project configures another.
const OCTOPUS: &str = ".octopus";
/// The file that each project has.
const PROCESS: &str = "deployment_process.ocl";

/// The files of a working tree.
#[derive(Debug)]
pub(super) struct TreeFiles {
    /// The OCL files, each once.
    pub(super) files: Vec<OclFile>,
    /// The links that are not followed.
    pub(super) skipped: Vec<PathBuf>,
    /// The processes that are left alone because they are not in `.octopus`.
    pub(super) outside: Vec<PathBuf>,
    /// The folders in a repository whose files Git did not list.
    pub(super) unlisted: Vec<PathBuf>,
}

/// Reads the OCL files among `paths` and in the folders among them, each once.
///
/// Whoever may push to a repository may put links into it, so a link is followed only to another OCL file of the same
/// folder: neither an excerpt nor an edit reaches anything else.
pub(super) fn read(paths: &[PathBuf]) -> anyhow::Result<TreeFiles> {
    let mut tree = FoundFiles::default();
    for path in paths {
        let kind = fs::metadata(path).map_err(|error| {
            let message = format!("cannot read `{}`: {error}", path.display());
            error_with_help(message, "name an OCL file or a folder that contains `.octopus`")
        })?;
        links::resolve_read(path, is_ocl)?;
        if kind.is_dir() {
            tree.add_folder(path)?;
        } else if kind.is_file() {
            tree.found.push(path.clone());
        } else {
            let message = format!("`{}` is neither a file nor a folder", path.display());
            return Err(error_with_help(message, "name an OCL file or a folder"));
        }
    }
    let FoundFiles { mut found, skipped, outside, unlisted } = tree;
    found.sort();
    if found.is_empty() {
        let message = "no OCL files found";
        return Err(error_with_help(
            message,
            "name the folder that contains `.octopus`, or the files themselves",
        ));
    }
    let (mut files, mut seen) = (Vec::new(), HashSet::new());
    for path in found {
        // A file may be named twice, or reached by a link.
        let real = links::resolve_read(&path, is_ocl)?;
        if !seen.contains(&real) {
            let (text, encoding) = decode_file(&path, &real)?;
            seen.insert(real);
            files.push(OclFile { path, text, encoding });
        }
    }
    Ok(TreeFiles { files, skipped, outside, unlisted })
}

/// The files found so far.
#[derive(Default)]
struct FoundFiles {
    found: Vec<PathBuf>,
    skipped: Vec<PathBuf>,
    outside: Vec<PathBuf>,
    unlisted: Vec<PathBuf>,
}

impl FoundFiles {
    /// Adds the `*.ocl` files in a folder: those of its repository or, outside of any, all of them. If there is an
    /// `.octopus` folder, other files are left alone: other languages use the same extension.
    fn add_folder(&mut self, folder: &Path) -> anyhow::Result<()> {
        let context = || format!("cannot read the folder `{}`", folder.display());
        let root = fs::canonicalize(folder).with_context(context)?;
        let (mut files, mut linked) = (Vec::new(), Vec::new());
        match git::list_files(folder) {
            Some(listed) => {
                for inside in listed {
                    sort_out_listed(&root, folder, &inside, &mut files, &mut linked);
                }
            }
            None => {
                let in_repository = root.ancestors().any(|it| it.join(".git").exists());
                self.unlisted.extend(in_repository.then(|| folder.to_owned()));
                walk_folder(folder, &mut files, &mut linked)?;
            }
        }
        for link in linked {
            match links::follow_inside(&root, &link).filter(|path| is_ocl(path)) {
                Some(inside) if is_in_octopus(&link) => self.found.push(folder.join(inside)),
                Some(inside) => files.push(folder.join(inside)),
                None => self.skipped.push(link),
            }
        }
        let within = is_in_octopus(&root);
        let has_octopus = files.iter().any(|it| is_in_octopus(it));
        let is_own = |path: &PathBuf| !has_octopus || within || is_in_octopus(path);
        let (own, others): (Vec<PathBuf>, Vec<PathBuf>) = files.into_iter().partition(is_own);
        self.found.extend(own);
        let is_process = |path: &PathBuf| path.file_name().is_some_and(|name| name == PROCESS);
        self.outside.extend(others.into_iter().filter(is_process));
        Ok(())
    }
}

/// Tells an OCL file that Git lists from a link. A file behind a link to a folder is neither.
fn sort_out_listed(
    root: &Path,
    folder: &Path,
    inside: &Path,
    files: &mut Vec<PathBuf>,
    linked: &mut Vec<PathBuf>,
) {
    let path = folder.join(inside);
    let Ok(kind) = fs::symlink_metadata(&path) else { return };
    if kind.is_symlink() && (is_ocl(&path) || is_in_octopus(&path)) {
        linked.push(path);
    } else if kind.is_file() && is_ocl(&path) {
        let is_plain = fs::canonicalize(&path).is_ok_and(|real| real == root.join(inside));
        if is_plain { files.push(path) } else { linked.push(path) }
    }
}

fn is_in_octopus(path: &Path) -> bool {
    path.components().any(|component| component.as_os_str() == OCTOPUS)
}

fn is_ocl(path: &Path) -> bool {
    path.extension().is_some_and(|it| it.eq_ignore_ascii_case("ocl"))
}

/// Collects the OCL files in a folder, and the links where one is expected; not in repositories inside it.
fn walk_folder(
    folder: &Path,
    files: &mut Vec<PathBuf>,
    linked: &mut Vec<PathBuf>,
) -> anyhow::Result<()> {
    let context = || format!("cannot read the folder `{}`", folder.display());
    for entry in fs::read_dir(folder).with_context(context)? {
        let entry = entry.with_context(context)?;
        let (kind, path) = (entry.file_type().with_context(context)?, entry.path());
        if kind.is_dir() {
            if entry.file_name() != ".git" && !path.join(".git").exists() {
                walk_folder(&path, files, linked)?;
            }
        } else if kind.is_symlink() && (is_ocl(&path) || is_in_octopus(&path)) {
            linked.push(path);
        } else if kind.is_file() && is_ocl(&path) {
            files.push(path);
        }
    }
    Ok(())
}

fn decode_file(path: &Path, real: &ResolvedPath) -> anyhow::Result<(String, TextEncoding)> {
    let mut bytes = Vec::new();
    let read = real.open_file().and_then(|mut file| file.read_to_end(&mut bytes));
    read.with_context(|| read_error_text(path))?;
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
