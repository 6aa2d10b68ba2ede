//! Whose files these are: a repository may have several projects, each in a folder of its own.
//!
//! # Source
//!
//! A project's process is `deployment_process.ocl` in its base path, and Octopus proposes `.octopus/PROJECT`
//! where a repository has more than one project (its documentation, "Configuration as Code reference").

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
/// The folder in which Octopus keeps its files, unless somebody has told it another.
const OCTOPUS: &str = ".octopus";

/// The files of the project of this name, and what is to be told of the others. Where nobody can tell whose files
/// they are, and a rule asks for a project, that is an error: it would move the steps of others.
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
    let asks = rules.iter().any(|it| it.select.project.is_some());
    let Some(project) = project.filter(|_| asks && 1 < folders.len()) else {
        return (files, None);
    };
    let mut named = folders.iter().filter(|folder| folder_slug(folder) == Some(slugify(project)));
    let projects = pluralize(folders.len(), "project");
    match (named.next(), named.next()) {
        (Some(folder), None) => {
            // Another project may have its folder below this one.
            let is_other_project = |file: &OclFile| {
                folders
                    .iter()
                    .any(|of| of != folder && of.starts_with(folder) && file.path.starts_with(of))
            };
            let (own, others): (Vec<OclFile>, Vec<OclFile>) = files
                .into_iter()
                .partition(|file| file.path.starts_with(folder) && !is_other_project(file));
            let message = format!(
                "these are the files of {projects}: of {} that `{project}` does not have nothing changes",
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
            let message = format!(
                "these are the files of {projects}, and nobody can tell which ones `{project}` has"
            );
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

/// The project as rules name it, where it is named by its slug; and what is told where no rule is about it.
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
    let message = format!("no rule is about project `{project}`");
    let finding = Finding::new(Code::IdleProject, Level::Warn, FindingLocation::Nowhere, message);
    let help = match nearest_name(project, names) {
        Some(near) => format!("a rule is about `{near}`"),
        None => "say its name as the rules do: `--project NAME`".to_owned(),
    };
    (project, (!rules.is_empty()).then(|| finding.with_help(help)))
}

/// The name of a project's folder, as a slug: of `.octopus` itself, the one that has it.
fn folder_slug(folder: &Path) -> Option<String> {
    let names = folder.components().rev().filter_map(|it| it.as_os_str().to_str());
    names.filter(|name| *name != OCTOPUS && *name != ".").map(slugify).next()
}

fn format_folder(folder: &Path) -> String {
    folder.to_string_lossy().trim_start_matches("./").to_owned()
}
