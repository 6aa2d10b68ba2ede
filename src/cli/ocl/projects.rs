//! Whose files these are: a repository may have several projects, each in a folder of its own.
//!
//! # Source
//!
//! A project's process is `deployment_process.ocl` in its base path, and Octopus proposes `.octopus/PROJECT`
//! where a repository has more than one project (its documentation, "Configuration as Code reference").

use super::{pools::slug, tree::File};
use crate::{
    finding::{At, Finding, Level},
    text::count,
};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// The file that each project has in its folder.
const PROCESS: &str = "deployment_process.ocl";

/// The files of the project of this name, and what is to be told of the others.
pub(super) fn of_project(files: Vec<File>, project: Option<&str>) -> (Vec<File>, Option<Finding>) {
    let is_process = |it: &&File| it.path.file_name().is_some_and(|name| name == PROCESS);
    let folders: BTreeSet<PathBuf> =
        files.iter().filter(is_process).filter_map(|it| Some(it.path.parent()?.into())).collect();
    let Some(project) = project.filter(|_| 1 < folders.len()) else { return (files, None) };
    let wanted = slug(project);
    let is_named = |it: &&PathBuf| it.file_name().is_some_and(|name| slug_of(name) == wanted);
    let mut named = folders.iter().filter(is_named);
    let projects = count(folders.len(), "project");
    match (named.next(), named.next()) {
        (Some(folder), None) => {
            let (own, others): (Vec<File>, Vec<File>) =
                files.into_iter().partition(|it| it.path.starts_with(folder));
            let message = format!(
                "these are the files of {projects}: of {} outside of `{}` nothing changes",
                count(others.len(), "file"),
                shown(folder)
            );
            (own, Some(warning(message)))
        }
        _ => {
            let message =
                format!("these are the files of {projects}, and all are taken for `{project}`'s");
            let notes = folders.iter().map(|it| shown(it)).collect();
            let help =
                "name the project's folder instead: `poolwright ocl plan --project NAME FOLDER`";
            (files, Some(warning(message).notes(notes).help(help)))
        }
    }
}

fn warning(message: String) -> Finding {
    Finding::new("several-projects", Level::Warn, At::Nowhere, message)
}

fn slug_of(name: &std::ffi::OsStr) -> String {
    slug(&name.to_string_lossy())
}

fn shown(folder: &Path) -> String {
    folder.to_string_lossy().trim_start_matches("./").to_owned()
}
