//! Plans a working tree as if it were a server: the same rules, matched by the same code.
//!
//! A checkout has one project and knows pools by their slugs. A rule that depends on something the files do not
//! contain, such as a project's group, is a finding. This module reads and writes no files.

mod encoding;
mod planned;
mod pools;
mod projects;
mod untyped;

pub(crate) use encoding::{TextEncoding, decode_bytes};
pub(crate) use planned::MovedStep;

use super::{LoadedFiles, unsaved_header};
use pools::{CheckoutPools, PoolNaming};
use untyped::untyped_finding;

use poolwright_core::{
    desired::{
        CurrentPlaces, Declared, Desired, DesiredPool, DesiredPoolKind, Gate, PlacementRule,
    },
    diff::plan_changes,
    finding::{Code, Finding, Level, Source, SourceId, Sources},
    live::{Directory, Live, LiveProcess, LiveProject, LiveServer, LiveStep, ProcessOwner},
    model::{Id, Linked, Name, Place},
    ocl::{self, OclProcess, OclProcessKind},
    plan::Change,
};

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
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
    /// Whether it may not be an Octopus file: other programs use this extension too, and this file is outside
    /// the tree's `.octopus` folder.
    pub(crate) maybe_foreign: bool,
}

/// The edits planned for the files.
#[derive(Debug, Default)]
pub(crate) struct CheckoutEdits {
    /// The steps that move.
    pub(crate) moved: Vec<MovedStep>,
    /// All files, changed or not.
    pub(crate) files: Vec<EditedFile>,
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

/// Plans the edits that place the steps in a project's files as the rules say.
pub(crate) fn plan_checkout(
    rules: LoadedFiles,
    files: Vec<OclFile>,
    project: Option<&str>,
) -> CheckoutPlan {
    let LoadedFiles { mut sources, desired, warnings: mut findings } = rules;
    let (files, others) = projects::select_project_files(files, project, &desired.rules);
    findings.extend(others);
    let (edits, found) = Checkout { project, files }.plan_placements(&desired, &mut sources);
    findings.extend(found);
    CheckoutPlan { edits, findings, sources }
}

/// The files of one project.
struct Checkout<'a> {
    /// The project, as rules name it.
    project: Option<&'a str>,
    /// Its OCL files.
    files: Vec<OclFile>,
}

impl Checkout<'_> {
    /// Plans the edits that place the steps in the files as the rules say. Adds the files to `sources`, for findings.
    fn plan_placements(
        self,
        desired: &Desired,
        sources: &mut Sources,
    ) -> (CheckoutEdits, Vec<Finding>) {
        let mut findings = self.find_unanswerable(&desired.rules);
        let (documents, wrong) = parse_documents(self.files, sources);
        findings.extend(wrong);
        if findings.iter().any(|finding| finding.level == Level::Error) {
            return (CheckoutEdits::default(), findings);
        }
        let texts: Vec<&OclProcess> = documents.iter().map(|(_, it)| it).collect();
        let (pools, styles) =
            (CheckoutPools::from_documents(desired, &texts), PoolNaming::detect_styles(&texts));
        let placing = placement_part(desired);
        let given_project = self.project.unwrap_or_default();
        let (project, idle) = projects::project_as_in_rules(given_project, &desired.rules);
        findings.extend(idle);
        let project = Name::new(project);
        let processes = documents.iter().enumerate();
        let processes: Vec<LiveProcess> = processes
            .map(|(at, (file, it))| process_of_file(at, &file.path, it, &project))
            .collect();
        let live = build_live(&pools, processes, project);
        let plan = plan_changes(&placing, &live, unsaved_header(Linked::new("", "")));
        let wanted = plan.changes.iter().flat_map(planned::target_pool_slugs).collect();
        findings.extend(pools::unknown_pool_warnings(desired, &texts, &wanted));
        let needs_server = |finding: &Finding| {
            finding.code.needs_whole_server()
                || finding.code == Code::TargetStep && finding.level != Level::Warn
        };
        // A warning is worth reporting only if a step stays that a rule would move.
        let is_relevant = |finding: &Finding| {
            !needs_server(finding)
                && (finding.level != Level::Warn || finding.code.reports_unmoved_step())
        };
        let relevant = plan.findings.into_iter().filter(is_relevant);
        findings.extend(relevant.map(|it| strip_project(it, given_project)));
        findings.extend(planned::template_steps_note(&documents, &desired.rules));
        let reported = template_step_ids(&documents, &desired.rules);
        let untyped = untyped_finding(&placing, &live, |step| reported.contains(step.id.as_str()));
        findings.extend(untyped.map(|it| strip_project(it, given_project)));
        let planned: HashMap<&str, &Change> = plan
            .changes
            .iter()
            .filter_map(|change| Some((planned::placed_step_id(change)?, change)))
            .collect();
        let mut outcome = CheckoutEdits::default();
        for (at, ((file, document), style)) in documents.into_iter().zip(styles).enumerate() {
            let changes = document.actions.iter().enumerate().filter_map(|(index, action)| {
                Some((action, *planned.get(step_id(at, index).as_str())?))
            });
            let (changes, kept) = changes.partition(|it| !planned::breaks_template(&document, it));
            findings.extend(planned::kept_steps_finding(kept));
            let spell_pool = |slug: &str| pools.spell_pool(slug, style);
            let made = planned::edits_for_file(&file, &changes, &spell_pool, sources);
            findings.extend(made.as_ref().err().cloned());
            let (edits, moved) = made.unwrap_or_default();
            outcome.moved.extend(moved);
            let OclFile { path, text, encoding, .. } = file;
            let after = ocl::apply_edits(&text, &edits);
            outcome.files.push(EditedFile { path, encoding, before: text, after });
        }
        (outcome, findings)
    }

    /// Returns an error for each condition in a rule that the files cannot answer.
    fn find_unanswerable(&self, rules: &[Declared<PlacementRule>]) -> Vec<Finding> {
        let mut findings = Vec::new();
        for rule in rules {
            let select = &rule.select;
            if let Some(group) = &select.project_group {
                findings.push(unknown_in_checkout(group.span.clone(), "a project's group"));
            }
            if let Some(tag) = &select.project_tag {
                findings.push(unknown_in_checkout(tag.span.clone(), "a project's tags"));
            }
            if let Some(channel) = &select.channel {
                findings.push(unknown_in_checkout(
                    channel.span.clone(),
                    "the names of a step's channels",
                ));
            }
            let needs_server = |it: &&Declared<CurrentPlaces>| it.value.depends_on_built_in();
            if let Some(currently) = select.currently.as_ref().filter(needs_server) {
                findings.push(unknown_in_checkout(
                    currently.span.clone(),
                    "whether a step runs on the server",
                ));
            }
            if let (Some(project), None) = (&select.project, self.project) {
                findings.push(
                    Finding::error(
                        Code::UnknownProject,
                        project.span.clone(),
                        "the rule selects by project, but the files' project is unknown",
                    )
                    .with_help("name the project that these files belong to: `--project NAME`"),
                );
            }
        }
        findings
    }
}

/// Removes the empty project name from a finding's notes if `project` was not given.
fn strip_project(finding: Finding, project: &str) -> Finding {
    let notes = finding.notes.into_iter();
    let strip_prefix = |note: String| match note.strip_prefix("projects[\"\"].") {
        Some(bare) if project.is_empty() => bare.to_owned(),
        _ => note,
    };
    Finding { notes: notes.map(strip_prefix).collect(), ..finding }
}

/// Parses the files. Returns each process with its file, and a finding for each file that does not parse.
fn parse_documents(
    files: Vec<OclFile>,
    sources: &mut Sources,
) -> (Vec<(OclFile, OclProcess)>, Vec<Finding>) {
    let (mut documents, mut findings) = (Vec::new(), Vec::new());
    for file in files {
        let source = SourceId(sources.0.len());
        let path = file.path.to_string_lossy().trim_start_matches("./").to_owned();
        sources.0.push(Source::new(path, file.text.as_str()));
        match ocl::read(source, &file.text) {
            Ok(document) => documents.push((file, document)),
            Err(finding) if file.maybe_foreign => findings.push(downgrade_finding(finding)),
            Err(finding) => findings.push(finding),
        }
    }
    (documents, findings)
}

/// Turns a parse error into a warning, for a file that may belong to another program.
fn downgrade_finding(error: Finding) -> Finding {
    let warning = Finding { level: Level::Warn, ..error };
    warning.with_help(
        "the file is outside `.octopus` and left alone; if it belongs to Octopus, name it explicitly",
    )
}

fn unknown_in_checkout(at: poolwright_core::finding::Span, what: &str) -> Finding {
    Finding::error(Code::NotInACheckout, at, format!("a working tree does not contain {what}"))
        .with_help(
            "remove this condition from the rule, or plan against a server: `poolwright plan`",
        )
}

/// Returns the part of a configuration that places steps: its rules, and the names of its pools. Gates are off,
/// because the files know nothing about workers.
fn placement_part(desired: &Desired) -> Desired {
    let name_only = |pool: &Declared<DesiredPool>| {
        let value = DesiredPool {
            name: pool.name.clone(),
            renamed_from: Vec::new(),
            slug: None,
            kind: DesiredPoolKind::default(),
            description: None,
            default: None,
            sort_order: None,
            protect: false,
        };
        Declared { value, span: pool.span.clone() }
    };
    let mut placing = Desired { rules: desired.rules.clone(), ..Desired::default() };
    placing.pools =
        desired.pools.iter().map(|(key, pool)| (key.clone(), name_only(pool))).collect();
    placing.policy.gates = Gate::ALL.into_iter().map(|gate| (gate, None)).collect();
    placing
}

/// Builds the state that a server with these pools and processes would have.
fn build_live(pools: &CheckoutPools, processes: Vec<LiveProcess>, project: Name) -> Live {
    Live {
        server: LiveServer {
            url: String::new(),
            version: String::new(),
            space: Linked::new("", ""),
            built_in_worker: None,
        },
        pools: pools.live_pools(),
        workers: Vec::new(),
        projects: vec![LiveProject {
            name: project,
            group: Name::new(""),
            tags: Vec::new(),
            git: false,
        }],
        processes,
        directory: Directory::default(),
        references: Vec::new(),
        indirect: Default::default(),
        snapshots: Vec::new(),
        other_spaces: Vec::new(),
        unread: Vec::new(),
    }
}

fn process_of_file(
    at: usize,
    path: &std::path::Path,
    document: &ocl::OclProcess,
    project: &Name,
) -> LiveProcess {
    let stem = path.file_stem().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
    let in_runbooks =
        path.parent().and_then(|it| it.file_name()).is_some_and(|text| text == "runbooks");
    let is_runbook = in_runbooks || document.kind == OclProcessKind::Runbook;
    let runbook = is_runbook.then(|| document.name.clone().unwrap_or(stem));
    let steps = document.actions.iter().enumerate().map(|(index, action)| LiveStep {
        id: Id::new(step_id(at, index)),
        step: Name::new(&action.step),
        action: Name::new(&action.action),
        has_siblings: action.has_siblings,
        action_type: action.action_type.clone(),
        place: match &action.place {
            // Early files have the pool's name, from which the slug is derived.
            Place::Pool(pool) => Place::Pool(Id::new(pools::slugify(pool))),
            Place::Variable(name) => Place::Variable(name.clone()),
            Place::DefaultPool => Place::DefaultPool,
        },
        run_on_server: action.run_on_server,
        from_file: true,
        target_roles: action.target_roles.clone(),
        container: action.container.clone(),
        channels: Vec::new(),
        parameters: Vec::new(),
        disabled: false,
    });
    LiveProcess {
        id: Id::new(format!("{at}")),
        owner: ProcessOwner {
            project: project.clone(),
            group: Name::new(""),
            runbook: runbook.map(Name::new),
        },
        git: None,
        steps: steps.collect(),
        templates: Vec::new(),
    }
}

/// Returns the ids of the steps that [`planned::template_steps_note`] reports.
fn template_step_ids(
    documents: &[(OclFile, OclProcess)],
    rules: &[Declared<PlacementRule>],
) -> HashSet<String> {
    let actions = documents.iter().enumerate().flat_map(|(at, (_, document))| {
        document.actions.iter().enumerate().map(move |(index, it)| (step_id(at, index), it))
    });
    actions.filter(|(_, it)| planned::is_from_template(it, rules)).map(|(id, _)| id).collect()
}

fn step_id(file: usize, action: usize) -> String {
    format!("{file}#{action}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::sample::source;

    const RULES: &str = "version = 1\n[pools.sql]\nname = \"SQL Pool\"\n\
                         [[placements]]\nproject = \"Web Store\"\nstep = \"*\"\npool = \"sql\"\n";

    fn file(path: &str, text: &str) -> OclFile {
        let encoding = TextEncoding::Utf8;
        OclFile { path: path.into(), text: text.to_owned(), encoding, maybe_foreign: false }
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
        plan_checkout(LoadedFiles::parse(source(RULES)).unwrap(), files, project)
    }

    #[test]
    fn a_step_moves_by_an_edit_of_one_line() {
        let text = process("old-pool");
        let files = vec![file(".octopus/deployment_process.ocl", &text)];
        let CheckoutPlan { edits, findings, .. } = plan(files, Some("Web Store"));
        assert!(findings.iter().all(|finding| finding.level < Level::Error), "{findings:?}");
        let moved: Vec<_> = edits.moved.iter().map(|step| (&*step.before, &*step.after)).collect();
        assert_eq!(moved, [("old-pool", "sql-pool")]);
        let after: Vec<_> = edits.changed_files().map(|file| file.after.as_str()).collect();
        assert_eq!(after, [process("sql-pool")]);
    }

    #[test]
    fn a_rule_about_a_project_needs_to_know_whose_the_files_are() {
        let files = vec![file(".octopus/deployment_process.ocl", &process("old-pool"))];
        let CheckoutPlan { edits, findings, .. } = plan(files, None);
        assert!(findings.iter().any(|finding| finding.level == Level::Error));
        assert!(edits.moved.is_empty());
    }

    #[test]
    fn the_files_of_another_project_stay() {
        let files = vec![
            file(".octopus/web-store/deployment_process.ocl", &process("old-pool")),
            file(".octopus/other/deployment_process.ocl", &process("old-pool")),
        ];
        let CheckoutPlan { edits, .. } = plan(files, Some("Web Store"));
        let changed: Vec<_> = edits.changed_files().map(|file| &file.path).collect();
        assert_eq!(changed, [&PathBuf::from(".octopus/web-store/deployment_process.ocl")]);
    }
}
