//! Templates of the Platform Hub, whose steps run where a parameter says.
//!
//! # Source
//!
//! Octopus keeps project templates in `project-templates` and process templates in `process-templates` (its Platform
//! Hub documentation; OctopusSamples/PlatformHubLibrary). A project template's parameters are in `parameters.ocl`
//! and its name in `template.ocl`, beside its process; a process template has all of that in one file. Octopus
//! rejects a template with a step in any other pool: "A step must specify a worker pool parameter".

use poolwright_core::{
    finding::{Code, Finding},
    model::Place,
    ocl::{OclAction, OclProcess, OclProcessKind},
    plan::{Change, ChangeKind, StepEdit},
    text::eq_ignoring_case,
};

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

/// The folder of project templates.
const PROJECT_TEMPLATES: &str = "project-templates";
/// The folder of process templates.
const PROCESS_TEMPLATES: &str = "process-templates";
/// The files that only a project template has.
const TEMPLATE_FILES: [&str; 2] = ["parameters.ocl", "template.ocl"];

/// What a file is a template of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TemplateKind {
    Project,
    Process,
}

/// A template that a file belongs to.
#[derive(Clone, Debug)]
pub(super) struct FileTemplate {
    kind: TemplateKind,
    /// The names of the parameters that may be worker pools.
    parameters: Vec<String>,
}

/// The folders of project templates in a working tree.
pub(super) struct TemplateFolders<'a>(HashSet<&'a Path>);

impl<'a> TemplateFolders<'a> {
    pub(super) fn find(paths: impl Iterator<Item = &'a Path>) -> Self {
        let is_marker = |path: &&Path| {
            TEMPLATE_FILES.iter().any(|name| path.file_name().is_some_and(|it| it == *name))
        };
        Self(paths.filter(is_marker).filter_map(Path::parent).collect())
    }

    /// Returns the folder of the project template that a file belongs to.
    fn project_template(&self, path: &'a Path) -> Option<&'a Path> {
        let mut folders = path.ancestors().skip(1);
        folders.find(|folder| {
            let above = folder.parent().and_then(Path::file_name);
            self.0.contains(folder) || above.is_some_and(|name| name == PROJECT_TEMPLATES)
        })
    }

    /// Whether the path alone shows that a file belongs to a template.
    pub(super) fn contain(&self, path: &'a Path) -> bool {
        self.project_template(path).is_some()
            || is_below(path, PROJECT_TEMPLATES)
            || is_below(path, PROCESS_TEMPLATES)
    }

    /// Returns the template that each file belongs to, if it belongs to one.
    pub(super) fn judge(&self, files: &[(&'a Path, &OclProcess)]) -> Vec<Option<FileTemplate>> {
        let mut by_folder: HashMap<&Path, Vec<String>> = HashMap::new();
        for (path, document) in files {
            let folder = self.project_template(path);
            let parameters = folder.map(|folder| by_folder.entry(folder).or_default());
            parameters.into_iter().for_each(|it| it.extend(document.pool_parameters.clone()));
        }
        let judge_file = |(path, document): &(&'a Path, &OclProcess)| {
            if let Some(folder) = self.project_template(path) {
                let parameters = by_folder.get(folder).cloned().unwrap_or_default();
                return Some(FileTemplate { kind: TemplateKind::Project, parameters });
            }
            let is_process =
                document.kind == OclProcessKind::Template || is_below(path, PROCESS_TEMPLATES);
            let kind = if is_process {
                TemplateKind::Process
            } else if is_below(path, PROJECT_TEMPLATES) {
                TemplateKind::Project
            } else {
                return None;
            };
            Some(FileTemplate { kind, parameters: document.pool_parameters.clone() })
        };
        files.iter().map(judge_file).collect()
    }
}

fn is_below(path: &Path, folder: &str) -> bool {
    path.parent().into_iter().flat_map(Path::components).any(|it| it.as_os_str() == folder)
}

impl FileTemplate {
    /// Whether a change places a step by other means than one of the template's parameters.
    pub(super) fn forbids(&self, change: &Change) -> bool {
        let ChangeKind::PlaceStep { edits, .. } = &change.kind else { return false };
        let by_parameter = |edit: &StepEdit| match edit {
            StepEdit::Place(place) => match place.after() {
                Place::Variable(name) => self.is_parameter(name),
                Place::Pool(_) | Place::DefaultPool => false,
            },
            StepEdit::Execution { .. } | StepEdit::Container(_) => false,
        };
        !edits.iter().all(by_parameter)
    }

    /// Whether a text refers to one of the parameters: `#{Worker Pool}`.
    fn is_parameter(&self, text: &str) -> bool {
        let name = text.strip_prefix("#{").and_then(|text| text.strip_suffix('}')).map(str::trim);
        name.is_some_and(|name| self.parameters.iter().any(|it| eq_ignoring_case(it, name)))
    }

    /// Returns a warning for the steps that are not moved.
    pub(super) fn kept_steps_finding(&self, kept: &[&OclAction]) -> Option<Finding> {
        let action = kept.first()?;
        let noun = match self.kind {
            TemplateKind::Project => "project template",
            TemplateKind::Process => "process template",
        };
        let message =
            format!("the steps of a {noun} run where its parameters say and are left alone");
        let finding = Finding::warning(Code::ProcessTemplate, action.span.clone(), message);
        let names: Vec<String> = self
            .parameters
            .iter()
            .map(|name| format!("`pool_variable = \"#{{{name}}}\"`"))
            .collect();
        Some(finding.with_help(if names.is_empty() {
            "give the template a parameter of type worker pool, and place the steps by it"
                .to_owned()
        } else {
            format!(
                "place them by {}, or give the parameter a value where the template is used",
                names.join(" or ")
            )
        }))
    }
}

/// Returns the path of a folder without `.` in it.
pub(super) fn plain_folder(folder: &Path) -> PathBuf {
    folder.components().filter(|it| *it != std::path::Component::CurDir).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolwright_core::{finding::SourceId, ocl::read};

    fn parameters(files: &[(&str, &str)]) -> Vec<Option<Vec<String>>> {
        let parsed: Vec<_> =
            files.iter().map(|(_, text)| read(SourceId(0), text).unwrap()).collect();
        let paths: Vec<&Path> = files.iter().map(|(path, _)| Path::new(*path)).collect();
        let folders = TemplateFolders::find(paths.iter().copied());
        let judged = folders.judge(&paths.into_iter().zip(&parsed).collect::<Vec<_>>());
        judged.into_iter().map(|it| it.map(|template| template.parameters)).collect()
    }

    const POOL: &str = "parameter \"Pool\" {\n display_settings = {\n  Octopus.ControlType = \"WorkerPool\"\n }\n}\n";
    const TEXT: &str = "parameter \"Text\" {\n display_settings = {\n  Octopus.ControlType = \"SingleLineText\"\n }\n}\n";

    #[test]
    fn a_template_is_recognized_by_its_folder_or_sibling_files() {
        let own = Some(vec!["Pool".to_owned()]);
        let table = [
            (vec![(".octopus/process-templates/t.ocl", POOL)], vec![own.clone()]),
            (vec![("process-templates/a/t.ocl", "")], vec![Some(vec![])]),
            (vec![(".octopus/t.ocl", TEXT)], vec![Some(vec![])]),
            (
                vec![
                    (".octopus/project-templates/svc/deployment_process.ocl", ""),
                    (".octopus/project-templates/svc/parameters.ocl", POOL),
                    (".octopus/project-templates/svc/runbooks/r.ocl", ""),
                    (".octopus/project-templates/other/deployment_process.ocl", ""),
                    (".octopus/deployment_process.ocl", ""),
                ],
                vec![own.clone(), own.clone(), own.clone(), Some(vec![]), None],
            ),
            (
                vec![
                    ("x/deployment_process.ocl", ""),
                    ("x/template.ocl", ""),
                    ("y/deployment_process.ocl", ""),
                ],
                vec![Some(vec![]), Some(vec![]), None],
            ),
        ];
        for (files, told) in table {
            assert_eq!(parameters(&files), told, "{files:?}");
        }
    }

    #[test]
    fn only_a_parameter_reference_counts_as_a_parameter() {
        let template = FileTemplate {
            kind: TemplateKind::Process,
            parameters: vec!["Worker Pool".to_owned()],
        };
        assert!(
            template.is_parameter("#{Worker Pool}") && template.is_parameter("#{ worker pool }")
        );
        for text in ["Worker Pool", "#{Pool}", "Project.WorkerPool", "", "#{}"] {
            assert!(!template.is_parameter(text), "{text}");
        }
    }
}
