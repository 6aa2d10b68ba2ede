//! Tells whose files are whose: a repository may have several projects, each in its own folder.
//!
//! # Source
//!
//! A project's process is `deployment_process.ocl` in its base path, and Octopus suggests `.octopus/PROJECT`
//! for a repository with more than one project (its documentation, "Configuration as Code reference").

use super::{CheckoutRequest, pools::pool_words, templates::plain_folder};
use poolwright_core::{
    desired::{Declared, Desired, PlacementRule, ProjectFolder},
    finding::{Code, Finding, FindingLocation, Level},
    text::{eq_ignoring_case, nearest_name, pluralize},
};

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
};

/// The file that each project has in its folder.
const PROCESS: &str = "deployment_process.ocl";
/// The folder in which Octopus keeps its files, unless a project configures another.
const OCTOPUS: &str = ".octopus";

/// The files of one project, by their positions in the working tree.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ProjectFiles {
    /// The project's name, if it is known.
    pub(super) project: Option<String>,
    /// Whether the file says which folder the project has.
    pub(super) is_mapped: bool,
    /// The files.
    pub(super) files: Vec<usize>,
}

/// A file of a working tree, as far as it shows whose it is.
pub(super) struct TreePath<'a> {
    pub(super) path: &'a Path,
    /// Whether the file belongs to a template and not to a project.
    pub(super) is_template: bool,
}

/// Returns the projects and the files of each, and findings about the other files. If a rule selects by project and
/// the project's files cannot be identified, a finding is an error: steps of other projects would move.
pub(super) fn select_projects(
    paths: &[TreePath],
    request: &CheckoutRequest,
    desired: &Desired,
) -> (Vec<ProjectFiles>, Vec<Finding>) {
    let tree = ProjectTree::new(paths);
    if !desired.project_folders.is_empty() {
        return tree.select_mapped(request, &desired.project_folders);
    }
    let files = (0..paths.len()).collect();
    let project = request.project.map(str::to_owned);
    let all = ProjectFiles { project, is_mapped: false, files };
    let selects_by_project = desired.rules.iter().any(|it| it.select.project.is_some());
    match request.project {
        Some(name) if selects_by_project && tree.folders.len() > 1 => {
            tree.select_named(name, request, all)
        }
        _ => (vec![all], Vec::new()),
    }
}

/// The files, and the folders that have a process.
struct ProjectTree {
    paths: Vec<PathBuf>,
    folders: BTreeSet<PathBuf>,
}

impl ProjectTree {
    fn new(given: &[TreePath]) -> Self {
        let is_process = |it: &&TreePath| {
            !it.is_template && it.path.file_name().is_some_and(|name| name == PROCESS)
        };
        let folders = given.iter().filter(is_process).filter_map(|it| it.path.parent());
        Self {
            paths: given.iter().map(|it| plain_folder(it.path)).collect(),
            folders: folders.map(plain_folder).collect(),
        }
    }

    /// Selects the files of the project of this name, by its folder.
    fn select_named(
        &self,
        project: &str,
        request: &CheckoutRequest,
        all: ProjectFiles,
    ) -> (Vec<ProjectFiles>, Vec<Finding>) {
        let wanted = pool_words(project);
        let named: Vec<&PathBuf> = self
            .folders
            .iter()
            .filter(|folder| folder_slug(&request.here.join(folder)).as_ref() == Some(&wanted))
            .collect();
        let asked: Vec<&PathBuf> = self
            .folders
            .iter()
            .filter(|folder| request.paths.iter().any(|path| plain_folder(path) == **folder))
            .collect();
        let projects = pluralize(self.folders.len(), "project");
        let (([folder], _) | ([], [folder])) = (named.as_slice(), asked.as_slice()) else {
            let message =
                format!("found {projects}, but cannot tell which files belong to `{project}`");
            let finding = several_projects(Level::Error, message);
            let notes = self.folders.iter().map(|it| format_folder(it));
            let help = "name the project's folder, `poolwright ocl plan --project NAME FOLDER`, or declare the project of each folder under `[ocl.folders]`";
            return (vec![all], vec![finding.with_notes(notes).with_help(help)]);
        };
        let owners: HashMap<&Path, usize> =
            self.folders.iter().map(|it| (it.as_path(), usize::from(it == *folder))).collect();
        let is_own = |at: &usize| self.nearest(*at, &owners) == Some(1);
        let (own, others): (Vec<usize>, Vec<usize>) = all.files.iter().partition(|at| is_own(at));
        let message = format!(
            "found {projects}; {} outside `{project}` will not change",
            pluralize(others.len(), "file"),
        );
        (vec![ProjectFiles { files: own, ..all }], vec![several_projects(Level::Warn, message)])
    }

    /// Selects the files of each project that the file maps a folder to.
    fn select_mapped(
        &self,
        request: &CheckoutRequest,
        map: &[Declared<ProjectFolder>],
    ) -> (Vec<ProjectFiles>, Vec<Finding>) {
        let is_asked = |entry: &&Declared<ProjectFolder>| {
            request.project.is_none_or(|project| {
                eq_ignoring_case(entry.project.as_str(), project)
                    || pool_words(entry.project.as_str()) == pool_words(project)
            })
        };
        if let Some(project) = request.project
            && !map.iter().any(|entry| is_asked(&entry))
        {
            return (Vec::new(), vec![unmapped_project(project, map)]);
        }
        let mut findings = Vec::new();
        // A folder with a process that is not mapped keeps its files from the project around it.
        let mut owners: HashMap<&Path, usize> =
            self.folders.iter().map(|folder| (folder.as_path(), map.len())).collect();
        let folders: BTreeSet<&Path> =
            self.paths.iter().flat_map(|path| path.ancestors().skip(1)).collect();
        for (at, entry) in map.iter().enumerate() {
            match find_folder(&folders, &entry.folder) {
                Some(folder) => _ = owners.insert(folder, at),
                None if is_asked(&entry) => findings.extend(missing_folder(entry, request)),
                None => {}
            }
        }
        let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let mut others = 0;
        for at in 0..self.paths.len() {
            match self.nearest(at, &owners).and_then(|owner| Some((owner, map.get(owner)?))) {
                Some((owner, entry)) if is_asked(&entry) => {
                    groups.entry(owner).or_default().push(at)
                }
                Some(_) => {}
                None => others += 1,
            }
        }
        if others > 0 {
            let message = format!(
                "{} outside the folders under `[ocl.folders]` will not change",
                pluralize(others, "file")
            );
            findings.push(several_projects(Level::Warn, message));
        }
        let group = |(owner, files): (usize, Vec<usize>)| {
            let project = map.get(owner).map(|entry| entry.project.to_string());
            ProjectFiles { project, is_mapped: true, files }
        };
        (groups.into_iter().map(group).collect(), findings)
    }

    /// Returns the owner of the nearest folder around a file.
    fn nearest(&self, at: usize, owners: &HashMap<&Path, usize>) -> Option<usize> {
        let mut around = self.paths.get(at)?.ancestors().skip(1);
        around.find_map(|folder| owners.get(folder).copied())
    }
}

/// Returns the folder that an entry of the map means: the one of this path or, if the tree was not named by its root,
/// the only one whose path ends like that.
fn find_folder<'a>(folders: &BTreeSet<&'a Path>, wanted: &str) -> Option<&'a Path> {
    let wanted = plain_folder(Path::new(wanted));
    if let Some(exact) = folders.get(wanted.as_path()) {
        return Some(exact);
    }
    let mut ending = folders.iter().filter(|folder| folder.ends_with(&wanted));
    ending.next().filter(|_| ending.next().is_none()).copied()
}

fn several_projects(level: Level, message: String) -> Finding {
    Finding::new(Code::SeveralProjects, level, FindingLocation::Nowhere, message)
}

fn unmapped_project(project: &str, map: &[Declared<ProjectFolder>]) -> Finding {
    let message = format!("no folder under `[ocl.folders]` belongs to project `{project}`");
    let names = map.iter().map(|entry| entry.project.as_str());
    let help = match nearest_name(project, names) {
        Some(near) => format!("a folder belongs to a project with a similar name: `{near}`"),
        None => format!("add an entry: `\"FOLDER\" = {project:?}`"),
    };
    Finding::new(Code::UnknownProject, Level::Error, FindingLocation::Nowhere, message)
        .with_help(help)
}

/// Returns a warning about a folder of the map without files, if the whole tree was to be read.
fn missing_folder(entry: &Declared<ProjectFolder>, request: &CheckoutRequest) -> Option<Finding> {
    let is_whole = request.paths.iter().any(|path| plain_folder(path).as_os_str().is_empty());
    let message = format!("no OCL file is in the folder `{}`", entry.folder);
    let finding = Finding::warning(Code::UnknownFolder, entry.span.clone(), message);
    is_whole.then(|| finding.with_help("give the folder relative to the root of the repository"))
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
    if let Some(name) = names.find(|name| pool_words(name) == pool_words(project)) {
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
    names.filter(|name| *name != OCTOPUS && *name != ".").map(pool_words).next()
}

fn format_folder(folder: &Path) -> String {
    folder.to_string_lossy().trim_start_matches("./").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{LoadedFiles, sample::source};

    /// The files of each project, or the codes of the findings.
    fn select(rules: &str, project: Option<&str>, named: &[&str], files: &[&str]) -> String {
        let rules =
            format!("version = 1\n{rules}[[placements]]\nproject = \"*\"\ndefault_pool = true\n");
        let desired = LoadedFiles::parse(source(&rules)).unwrap().desired;
        let paths: Vec<_> = files
            .iter()
            .map(|path| TreePath {
                path: Path::new(path),
                is_template: path.contains("-templates/"),
            })
            .collect();
        let named: Vec<PathBuf> = named.iter().map(PathBuf::from).collect();
        let here = PathBuf::from("/home/ci/shop");
        let request = CheckoutRequest { project, paths: &named, here: &here };
        let (groups, findings) = select_projects(&paths, &request, &desired);
        let mut told: Vec<String> = groups
            .iter()
            .map(|group| {
                let own: Vec<&str> = group.files.iter().map(|at| files[*at]).collect();
                format!("{}: {}", group.project.as_deref().unwrap_or("?"), own.join(" "))
            })
            .collect();
        told.extend(findings.iter().map(|it| format!("{} {}", it.code, it.message)));
        told.join("\n")
    }

    const TREE: [&str; 5] = [
        "./.octopus/deployment_process.ocl",
        "./.octopus/runbooks/r.ocl",
        "./.octopus/billing/deployment_process.ocl",
        "./.octopus/billing/runbooks/b.ocl",
        "./.octopus/process-templates/t/deployment_process.ocl",
    ];

    #[test]
    fn a_root_project_can_be_selected_if_another_is_nested() {
        let root = "./.octopus/deployment_process.ocl ./.octopus/runbooks/r.ocl ./.octopus/process-templates/t/deployment_process.ocl";
        let told = "several-projects found 2 projects; 2 files outside";
        // By the name of the repository, or by naming the folder.
        assert_eq!(
            select("", Some("Shop"), &["."], &TREE),
            format!("Shop: {root}\n{told} `Shop` will not change")
        );
        assert_eq!(
            select("", Some("Web Store"), &[".octopus"], &TREE),
            format!("Web Store: {root}\n{told} `Web Store` will not change")
        );
        assert!(
            select("", Some("Billing"), &[".octopus"], &TREE)
                .starts_with("Billing: ./.octopus/billing/d")
        );
        assert!(
            select("", Some("Nobody"), &["."], &TREE).contains("cannot tell which files belong")
        );
    }

    #[test]
    fn folders_are_mapped_to_projects() {
        let map =
            "[ocl.folders]\n\".octopus\" = \"Web Store\"\n\".octopus/billing\" = \"Accounts\"\n";
        insta::assert_snapshot!(select(map, None, &["."], &TREE), @"
        Web Store: ./.octopus/deployment_process.ocl ./.octopus/runbooks/r.ocl ./.octopus/process-templates/t/deployment_process.ocl
        Accounts: ./.octopus/billing/deployment_process.ocl ./.octopus/billing/runbooks/b.ocl
        ");
        insta::assert_snapshot!(select(map, Some("accounts"), &["."], &TREE), @"Accounts: ./.octopus/billing/deployment_process.ocl ./.octopus/billing/runbooks/b.ocl");
        insta::assert_snapshot!(select(map, Some("Acounts"), &["."], &TREE), @"unknown-project no folder under `[ocl.folders]` belongs to project `Acounts`");
        // What is not mapped stays, also inside of what is.
        let one = "[ocl.folders]\n\".octopus\" = \"Web Store\"\n\"nowhere\" = \"X\"\n";
        insta::assert_snapshot!(select(one, None, &["."], &TREE), @"
        Web Store: ./.octopus/deployment_process.ocl ./.octopus/runbooks/r.ocl ./.octopus/process-templates/t/deployment_process.ocl
        unknown-folder no OCL file is in the folder `nowhere`
        several-projects 2 files outside the folders under `[ocl.folders]` will not change
        ");
        // A tree that is named by another path than its root.
        let far = ["/src/shop/.octopus/billing/deployment_process.ocl"];
        insta::assert_snapshot!(select(map, None, &["/src/shop"], &far), @"Accounts: /src/shop/.octopus/billing/deployment_process.ocl");
    }
}
