//! Plans a working tree as if it were a server: the same rules, matched by the same code.
//!
//! A checkout has projects in folders and knows pools by their slugs. A rule that depends on something the files do
//! not contain, such as a project's group, is a finding. This module reads and writes no files.

mod encoding;
mod live;
mod planned;
mod pools;
mod project_plan;
mod projects;
mod style;
mod templates;
mod tree;
mod unanswerable;
mod untyped;
mod values;

pub(crate) use encoding::{TextEncoding, decode_bytes};
pub(crate) use planned::CheckoutChange;

use super::LoadedFiles;
use pools::CheckoutPools;
use project_plan::{Checkout, ProjectPlan, placement_part};
use projects::{ProjectFiles, TreePath};
use style::PoolNaming;
use templates::TemplateFolders;
use tree::parse_documents;

use poolwright_core::{
    desired::Desired,
    finding::{Finding, Level, Sources},
    ocl::{OclProcess, TextEdit},
};

use std::{
    collections::{BTreeSet, HashSet},
    path::{Path, PathBuf},
};

/// A file in a working tree.
#[derive(Debug)]
pub(crate) struct OclFile {
    /// Its path.
    pub(crate) path: PathBuf,
    /// Its text.
    pub(crate) text: String,
    /// How its bytes encode the text.
    pub(crate) encoding: TextEncoding,
}

/// What is to be planned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CheckoutRequest<'a> {
    /// The project that the files belong to, as rules name it.
    pub(crate) project: Option<&'a str>,
    /// The files and folders that were named.
    pub(crate) paths: &'a [PathBuf],
    /// The folder that relative paths start from.
    pub(crate) here: &'a Path,
}

/// The edits planned for the files.
#[derive(Debug, Default)]
pub(crate) struct CheckoutEdits {
    /// The steps that move and the values that change.
    pub(crate) changes: Vec<CheckoutChange>,
    /// The files of the projects, changed or not.
    pub(crate) files: Vec<EditedFile>,
    /// What the files cannot tell about the changes.
    pub(crate) notes: Vec<String>,
    /// Whether something that a rule is about stays as it is.
    pub(crate) leaves_some: bool,
}

/// A file before and after.
#[derive(Debug)]
pub(crate) struct EditedFile {
    /// Its path.
    pub(crate) path: PathBuf,
    /// How its bytes encode the text.
    pub(crate) encoding: TextEncoding,
    /// Its text before the edits.
    pub(crate) before: String,
    /// Its text after the edits.
    pub(crate) after: String,
    /// The edits, in the order of the text.
    pub(crate) edits: Vec<TextEdit>,
}

impl CheckoutEdits {
    /// The files that change.
    pub(crate) fn changed_files(&self) -> impl Iterator<Item = &EditedFile> {
        self.files.iter().filter(|file| file.before != file.after)
    }
}

/// The plan for a working tree.
#[derive(Debug)]
pub(crate) struct CheckoutPlan {
    /// The edits; incomplete if a finding is an error.
    pub(crate) edits: CheckoutEdits,
    /// The findings about the rules and the OCL files.
    pub(crate) findings: Vec<Finding>,
    /// The texts that the findings are about.
    pub(crate) sources: Sources,
}

/// Plans the edits that bring the steps and values in a working tree to where the rules place them.
pub(crate) fn plan_checkout(
    rules: LoadedFiles,
    files: Vec<OclFile>,
    request: CheckoutRequest,
) -> CheckoutPlan {
    let LoadedFiles { mut sources, desired, warnings: mut findings } = rules;
    let (groups, others) = select_files(&files, &request, &desired);
    findings.extend(others);
    let is_selected: HashSet<usize> =
        groups.iter().flat_map(|group| group.files.iter().copied()).collect();
    let (tree, wrong) = parse_documents(files, &mut sources, |at| is_selected.contains(&at));
    findings.extend(wrong);
    let has_project = request.project.is_some() || groups.iter().any(|group| group.is_mapped);
    findings.extend(unanswerable::find_unanswerable(&desired.rules, has_project));
    let stops = |findings: &[Finding]| findings.iter().any(|it| it.level == Level::Error);
    if stops(&findings) {
        return CheckoutPlan { edits: CheckoutEdits::default(), findings, sources };
    }
    let all: Vec<&OclProcess> = tree.documents.iter().map(|it| &it.process).collect();
    let checkout = Checkout {
        pools: CheckoutPools::from_documents(&desired, &all),
        placing: placement_part(&desired),
        desired: &desired,
        tree,
    };
    let (mut plans, mut wanted) = (Vec::new(), WantedPools::default());
    for group in &groups {
        let plan = checkout.plan_project(group, &mut findings);
        wanted.add(&checkout, &plan);
        plans.push(plan);
    }
    if checkout.tree.has_slugs() {
        wanted.slugs.extend(checkout.pools.shared_slugs(&desired));
    }
    findings.extend(checkout.pools.unknown_pool_warnings(&desired, &wanted.all));
    findings.extend(checkout.pools.slug_findings(&wanted.slugs, &desired));
    let mut edits = CheckoutEdits::default();
    if !stops(&findings) {
        edits = checkout.edit_files(&plans, &sources, &mut findings);
    }
    CheckoutPlan { edits, findings, sources }
}

/// Tells the projects' files apart, by their paths.
fn select_files(
    files: &[OclFile],
    request: &CheckoutRequest,
    desired: &Desired,
) -> (Vec<ProjectFiles>, Vec<Finding>) {
    let folders = TemplateFolders::find(files.iter().map(|file| file.path.as_path()));
    let paths = files.iter().map(|file| file.path.as_path());
    let paths: Vec<TreePath> =
        paths.map(|path| TreePath { path, is_template: folders.contain(path) }).collect();
    projects::select_projects(&paths, request, desired)
}

/// The pools that steps and values come to name.
#[derive(Default)]
struct WantedPools {
    /// The ids of all of them.
    all: BTreeSet<String>,
    /// The ids of those that are written by their slugs.
    slugs: BTreeSet<String>,
}

impl WantedPools {
    fn add(&mut self, checkout: &Checkout, plan: &ProjectPlan) {
        let steps = plan
            .steps
            .iter()
            .filter_map(|it| Some((it.document, planned::target_pool_id(&it.change)?)));
        let values = plan.values.iter().map(|it| (it.document, it.pool.clone()));
        for (document, pool) in steps.chain(values) {
            let document = checkout.tree.documents.get(document);
            if document.is_some_and(|it| it.style == PoolNaming::Slugs) {
                self.slugs.insert(pool.clone());
            }
            self.all.insert(pool);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::sample::source;

    const RULES: &str = "version = 1\n[pools.sql]\nname = \"SQL Pool\"\n\
                         [[placements]]\nproject = \"Web Store\"\nstep = \"*\"\npool = \"sql\"\n";

    fn file(path: &str, text: &str) -> OclFile {
        let encoding = TextEncoding::Utf8;
        OclFile { path: path.into(), text: text.to_owned(), encoding }
    }

    fn process(pool: &str) -> String {
        format!(
            "step \"run\" {{\n    name = \"Run\"\n\n    action {{\n        action_type = \
             \"Octopus.Script\"\n        properties = {{\n            \
             Octopus.Action.RunOnServer = \"true\"\n        }}\n        worker_pool = \
             \"{pool}\"\n    }}\n}}\n"
        )
    }

    fn plan(files: Vec<OclFile>, project: Option<&str>) -> CheckoutPlan {
        plan_with(RULES, files, project)
    }

    fn plan_with(rules: &str, files: Vec<OclFile>, project: Option<&str>) -> CheckoutPlan {
        let (paths, here) = (vec![PathBuf::from(".")], PathBuf::from("/work"));
        let request = CheckoutRequest { project, paths: &paths, here: &here };
        plan_checkout(LoadedFiles::parse(source(rules)).unwrap(), files, request)
    }

    #[test]
    fn moving_a_step_edits_one_line() {
        let text = process("old-pool");
        let files = vec![file(".octopus/deployment_process.ocl", &text)];
        let CheckoutPlan { edits, findings, .. } = plan(files, Some("Web Store"));
        assert!(findings.iter().all(|finding| finding.level < Level::Error), "{findings:?}");
        let moved: Vec<_> =
            edits.changes.iter().map(|step| (&*step.before, &*step.after)).collect();
        assert_eq!(moved, [("old-pool", "sql-pool")]);
        let after: Vec<_> = edits.changed_files().map(|file| file.after.as_str()).collect();
        assert_eq!(after, [process("sql-pool")]);
    }

    #[test]
    fn a_project_rule_is_an_error_if_the_files_project_is_unknown() {
        let files = vec![file(".octopus/deployment_process.ocl", &process("old-pool"))];
        let CheckoutPlan { edits, findings, .. } = plan(files, None);
        assert!(findings.iter().any(|finding| finding.level == Level::Error));
        assert!(edits.changes.is_empty());
    }

    #[test]
    fn files_of_another_project_are_not_edited() {
        let files = vec![
            file(".octopus/web-store/deployment_process.ocl", &process("old-pool")),
            file(".octopus/other/deployment_process.ocl", &process("old-pool")),
        ];
        let CheckoutPlan { edits, .. } = plan(files, Some("Web Store"));
        let changed: Vec<_> = edits.changed_files().map(|file| &file.path).collect();
        assert_eq!(changed, [&PathBuf::from(".octopus/web-store/deployment_process.ocl")]);
    }
}
