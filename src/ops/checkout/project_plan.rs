//! Plans the steps and values of each project in a working tree, and makes the edits of its files.

use super::{
    CheckoutEdits, live,
    planned::{self, FileStyle, PlannedAction, RuleLines, StepTemplateSteps},
    pools::CheckoutPools,
    projects::{self, ProjectFiles},
    style::PoolNaming,
    tree::{CheckoutDocument, ParsedTree},
    unanswerable::target_note,
    untyped::untyped_finding,
    values::{PlannedValue, ValueProject},
};
use crate::ops::unsaved_header;
use poolwright_core::{
    desired::{Declared, Desired, DesiredPool, DesiredPoolKind, Gate},
    diff::plan_changes,
    finding::{Code, Finding, Level, Note, Sources, Span},
    live::Live,
    model::{Linked, Name},
    ocl::OclAction,
    plan::Change,
};

use std::collections::HashMap;

/// A working tree and what is known about it.
pub(super) struct Checkout<'a> {
    /// The files.
    pub(super) tree: ParsedTree,
    /// The pools.
    pub(super) pools: CheckoutPools,
    /// What is asked for.
    pub(super) desired: &'a Desired,
    /// The part of it that places steps.
    pub(super) placing: Desired,
}

/// The changes planned for one project.
pub(super) struct ProjectPlan<'a> {
    is_mapped: bool,
    /// The positions of the project's documents.
    documents: Vec<usize>,
    /// The steps that move, in the order of the documents.
    pub(super) steps: Vec<PlannedStep<'a>>,
    /// The values that change.
    pub(super) values: Vec<PlannedValue<'a>>,
    /// Whether something that a rule is about stays as it is.
    leaves_some: bool,
}

impl ProjectPlan<'_> {
    fn changes_by_document(&self) -> HashMap<usize, FileChanges<'_>> {
        let mut changes: HashMap<usize, FileChanges> = HashMap::new();
        for step in &self.steps {
            let own = changes.entry(step.document).or_default();
            own.steps.push((step.action, &step.change));
        }
        for value in &self.values {
            changes.entry(value.document).or_default().values.push(value);
        }
        changes
    }
}

/// A step and the change planned for it.
pub(super) struct PlannedStep<'a> {
    /// The position of the document.
    pub(super) document: usize,
    action: &'a OclAction,
    /// The change.
    pub(super) change: Change,
}

impl Checkout<'_> {
    /// Plans the changes of one project, and adds findings.
    pub(super) fn plan_project(
        &self,
        group: &ProjectFiles,
        findings: &mut Vec<Finding>,
    ) -> ProjectPlan<'_> {
        let rules = &self.desired.rules;
        let documents: Vec<usize> =
            group.files.iter().filter_map(|at| self.tree.position(*at)).collect();
        let given = group.project.as_deref().unwrap_or_default();
        let (name, idle) = projects::project_as_in_rules(given, rules);
        // A project of the map that no rule selects is not what the user named.
        findings.extend(idle.filter(|_| !group.is_mapped));
        let project = Name::new(name);
        let own = documents.iter().filter_map(|at| Some((*at, self.tree.documents.get(*at)?)));
        let processes = own.clone().map(|(at, it)| {
            live::process_of_file(at, &it.file.path, &it.process, &self.pools, &project)
        });
        let live = live::build_live(&self.pools, processes.collect(), project.clone());
        let before = findings.len();
        let actions = own.clone().flat_map(|(at, it)| {
            let actions = it.process.actions.iter().enumerate();
            actions.map(move |(index, action)| (live::step_id(at, index), action))
        });
        let from_templates = StepTemplateSteps::find(actions, rules);
        let changes = self.plan_steps(&live, &from_templates, given, findings);
        let mut steps = Vec::new();
        for (at, document) in own {
            let actions = document.process.actions.iter().enumerate();
            let planned = actions.filter_map(|(index, action)| {
                let change = changes.get(&live::step_id(at, index))?.clone();
                Some(PlannedStep { document: at, action, change })
            });
            let (kept, moved): (Vec<PlannedStep>, Vec<PlannedStep>) = planned.partition(|step| {
                document.template.as_ref().is_some_and(|it| it.forbids(&step.change))
            });
            let kept: Vec<&OclAction> = kept.iter().map(|step| step.action).collect();
            let template = document.template.as_ref();
            findings.extend(template.and_then(|it| it.kept_steps_finding(&kept)));
            steps.extend(moved);
        }
        let (values, told) = self.plan_values(name, &documents);
        findings.extend(told);
        let leaves_some = findings.iter().skip(before).any(|it| it.level < Level::Error);
        ProjectPlan { is_mapped: group.is_mapped, documents, steps, values, leaves_some }
    }

    /// Returns the changes of steps by the steps' ids, and adds the findings that matter for files.
    fn plan_steps(
        &self,
        live: &Live,
        from_templates: &StepTemplateSteps,
        project: &str,
        findings: &mut Vec<Finding>,
    ) -> HashMap<String, Change> {
        let plan = plan_changes(&self.placing, live, unsaved_header(Linked::new("", "")));
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
        findings.extend(relevant.map(|it| strip_project(it, project)));
        findings.extend(from_templates.finding());
        let untyped =
            untyped_finding(&self.placing, live, |step| from_templates.contain(step.id.as_str()));
        findings.extend(untyped.map(|it| strip_project(it, project)));
        let changes = plan.changes.into_iter();
        let placed = changes
            .filter_map(|change| Some((planned::placed_step_id(&change)?.to_owned(), change)));
        placed.collect()
    }

    fn plan_values(
        &self,
        name: &str,
        documents: &[usize],
    ) -> (Vec<PlannedValue<'_>>, Vec<Finding>) {
        let is_own = |at: &&usize| {
            self.tree.documents.get(**at).is_some_and(|document| document.template.is_none())
        };
        let documents: Vec<usize> = documents.iter().filter(is_own).copied().collect();
        let all = &self.tree.documents;
        let project = ValueProject { name, documents: &documents, all, pools: &self.pools };
        project.plan_values(&self.desired.values)
    }

    /// Makes the edits of all projects.
    pub(super) fn edit_files(
        &self,
        plans: &[ProjectPlan],
        sources: &Sources,
        findings: &mut Vec<Finding>,
    ) -> CheckoutEdits {
        let mut editor = FileEditor {
            slugs: self.pools.spellings(PoolNaming::Slugs),
            names: self.pools.spellings(PoolNaming::Names),
            lines: RuleLines::new(sources),
            outcome: CheckoutEdits::default(),
            findings: Vec::new(),
        };
        for plan in plans {
            editor.outcome.leaves_some |= plan.leaves_some;
            let changes = plan.changes_by_document();
            let own = plan.documents.iter();
            let own = own.filter_map(|at| Some((at, self.tree.documents.get(*at)?)));
            own.for_each(|(at, it)| editor.edit_document(it, plan.is_mapped, changes.get(at)));
        }
        findings.extend(editor.findings);
        let notes = target_note(&editor.outcome.changes);
        CheckoutEdits { notes: notes.into_iter().collect(), ..editor.outcome }
    }
}

/// The changes of one document.
#[derive(Default)]
struct FileChanges<'a> {
    steps: Vec<PlannedAction<'a>>,
    values: Vec<&'a PlannedValue<'a>>,
}

/// Makes the edits of one file after the other.
struct FileEditor<'a> {
    /// The slug of each pool by its id.
    slugs: HashMap<String, String>,
    /// The name of each pool by its id.
    names: HashMap<String, String>,
    lines: RuleLines<'a>,
    outcome: CheckoutEdits,
    findings: Vec<Finding>,
}

impl FileEditor<'_> {
    fn edit_document(
        &mut self,
        document: &CheckoutDocument,
        with_project: bool,
        changes: Option<&FileChanges>,
    ) {
        let spellings = match document.style {
            PoolNaming::Slugs => &self.slugs,
            PoolNaming::Names => &self.names,
        };
        let style = FileStyle { spellings, with_project };
        let mut edits = Vec::new();
        if let Some(changes) = changes {
            match planned::edits_for_file(document, &changes.steps, &style, &mut self.lines) {
                Ok((made, moves)) => {
                    edits = made;
                    self.outcome.changes.extend(moves);
                }
                Err(finding) => self.findings.push(finding),
            }
            for value in &changes.values {
                let (edit, change) = value.edit(document, &style, &mut self.lines);
                edits.push(edit);
                self.outcome.changes.push(change);
            }
        }
        self.outcome.files.push(document.edit(edits));
    }
}

/// Removes the empty project name from a finding's notes if `project` was not given.
fn strip_project(finding: Finding, project: &str) -> Finding {
    let notes = finding.notes.into_iter();
    let strip_prefix = |note: Note| match note.strip_prefix("projects[\"\"].") {
        Some(bare) if project.is_empty() => bare.into(),
        _ => note,
    };
    Finding { notes: notes.map(strip_prefix).collect(), ..finding }
}

/// Returns the part of a configuration that places steps: its rules, and the names of its pools. Gates are off,
/// because the files know nothing about workers.
pub(super) fn placement_part(desired: &Desired) -> Desired {
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
    let allow = || Declared { value: None, span: Span::default() };
    placing.policy.levels = Gate::ALL.into_iter().map(|gate| (gate.code(), allow())).collect();
    placing
}
