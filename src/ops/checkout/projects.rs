//! Selects the files of one project: a repository may have several projects, each in its own folder.
//!
//! # Source
//!
//! A project's process is `deployment_process.ocl` in its base path, and Octopus suggests `.octopus/PROJECT`
//! for a repository with more than one project (its documentation, "Configuration as Code reference").

use super::{OclFile, pools::slugify};
use poolwright_core::{
    desired::{Declared, PlacementRule},
    finding::{Code, Finding, FindingLocation, Level},
    text::{nearest_name, pluralize},
};

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// The file that each project has in its folder.
const PROCESS: &str = "deployment_process.ocl";
/// The folder in which Octopus keeps its files, unless a project configures another.
const OCTOPUS: &str = ".octopus";

/// Returns the files of the project with this name, and a finding about the other files. If a rule selects by
/// project and the project's files cannot be identified, the finding is an error: steps of other projects would move.
pub(super) fn select_project_files(
    files: Vec<OclFile>,
    project: Option<&str>,
    rules: &[Declared<PlacementRule>],
) -> (Vec<OclFile>, Option<Finding>) {
    let is_process = |file: &&OclFile| file.path.file_name().is_some_and(|name| name == PROCESS);
    let folders: BTreeSet<PathBuf> = files
        .iter()
        .filter(is_process)
        .filter_map(|file| Some(file.path.parent()?.into()))
        .collect();
    let select_by_project = rules.iter().any(|it| it.select.project.is_some());
    let Some(project) = project.filter(|_| select_by_project && folders.len() > 1) else {
        return (files, None);
    };
    let mut named = folders.iter().filter(|folder| folder_slug(folder) == Some(slugify(project)));
    let projects = pluralize(folders.len(), "project");
    match (named.next(), named.next()) {
        (Some(folder), None) => {
            // Another project may have its folder inside this one.
            let is_other_project = |file: &OclFile| {
                folders.iter().any(|inner| {
                    inner != folder && inner.starts_with(folder) && file.path.starts_with(inner)
                })
            };
            let (own, others): (Vec<OclFile>, Vec<OclFile>) = files
                .into_iter()
                .partition(|file| file.path.starts_with(folder) && !is_other_project(file));
            let message = format!(
                "found {projects}; {} outside `{project}` will not change",
                pluralize(others.len(), "file"),
            );
            (
                own,
                Some(Finding::new(
                    Code::SeveralProjects,
                    Level::Warn,
                    FindingLocation::Nowhere,
                    message,
                )),
            )
        }
        _ => {
            let message =
                format!("found {projects}, but cannot tell which files belong to `{project}`");
            let notes = folders.iter().map(|it| format_folder(it)).collect();
            let help =
                "name the project's folder or files: `poolwright ocl plan --project NAME FOLDER`";
            let finding = Finding::new(
                Code::SeveralProjects,
                Level::Error,
                FindingLocation::Nowhere,
                message,
            );
            (files, Some(finding.with_notes(notes).with_help(help)))
        }
    }
}

/// Returns the project's name as the rules spell it if it was given as a slug, and a warning if no rule selects it.
pub(super) fn project_as_in_rules<'a>(
    project: &'a str,
    rules: &'a [Declared<PlacementRule>],
) -> (&'a str, Option<Finding>) {
    let selects = || rules.iter().map(|it| it.select.project.as_ref());
    if project.is_empty()
        || selects().any(|select| select.is_none_or(|it| it.value.matches(project)))
    {
        return (project, None);
    }
    let mut names = selects().flatten().flat_map(|it| it.value.exact_names());
    if let Some(name) = names.find(|name| slugify(name) == slugify(project)) {
        return (name, None);
    }
    let names = selects().flatten().flat_map(|it| it.value.exact_names());
    let message = format!("no rule selects project `{project}`");
    let finding = Finding::new(Code::IdleProject, Level::Warn, FindingLocation::Nowhere, message);
    let help = match nearest_name(project, names) {
        Some(near) => format!("a rule selects a similar name: `{near}`"),
        None => "spell the project's name as the rules do: `--project NAME`".to_owned(),
    };
    (project, (!rules.is_empty()).then(|| finding.with_help(help)))
}

/// Returns the slug of a project's folder; for `.octopus` itself, that of its parent folder.
fn folder_slug(folder: &Path) -> Option<String> {
    let names = folder.components().rev().filter_map(|it| it.as_os_str().to_str());
    names.filter(|name| *name != OCTOPUS && *name != ".").map(slugify).next()
}

fn format_folder(folder: &Path) -> String {
    folder.to_string_lossy().trim_start_matches("./").to_owned()
}
