//! Plans the steps and values of each project in a working tree, and makes the edits of its files.

use super::{
    CheckoutEdits, live,
    planned::{self, FileStyle, PlannedAction, RuleLines, StepTemplateSteps},
    pools::CheckoutPools,
    projects::{self, ProjectFiles},
    style::PoolNaming,
    tree::ParsedTree,
    unanswerable::target_note,
    untyped::untyped_finding,
    values::{PlannedValue, ValueProject},
};
use crate::ops::unsaved_header;
use poolwright_core::{
    desired::{Declared, Desired, DesiredPool, DesiredPoolKind, Gate},
    diff::plan_changes,
    finding::{Code, Finding, Level, Sources},
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
    fn steps_by_document(&self) -> HashMap<usize, Vec<PlannedAction<'_>>> {
        let mut steps: HashMap<usize, Vec<PlannedAction>> = HashMap::new();
        for step in &self.steps {
            steps.entry(step.document).or_default().push((step.action, &step.change));
        }
        steps
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
        let spellings =
            [PoolNaming::Slugs, PoolNaming::Names].map(|style| self.pools.spellings(style));
        let spell = |style: PoolNaming| match style {
            PoolNaming::Slugs => &spellings[0],
            PoolNaming::Names => &spellings[1],
        };
        let mut lines = RuleLines::new(sources);
        let mut outcome = CheckoutEdits::default();
        for plan in plans {
            outcome.leaves_some |= plan.leaves_some;
            let steps: HashMap<usize, Vec<PlannedAction>> = plan.steps_by_document();
            for at in &plan.documents {
                let Some(document) = self.tree.documents.get(*at) else { continue };
                let style =
                    FileStyle { spellings: spell(document.style), with_project: plan.is_mapped };
                let steps = steps.get(at).map(Vec::as_slice).unwrap_or_default();
                let made = planned::edits_for_file(document, steps, &style, &mut lines);
                findings.extend(made.as_ref().err().cloned());
                let (mut edits, changes) = made.unwrap_or_default();
                outcome.changes.extend(changes);
                for value in plan.values.iter().filter(|value| value.document == *at) {
                    let (edit, change) = value.edit(document, &style, &mut lines);
                    edits.push(edit);
                    outcome.changes.push(change);
                }
                outcome.files.push(document.edit(edits));
            }
        }
        outcome.notes.extend(target_note(&outcome.changes));
        outcome
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
    placing.policy.gates = Gate::ALL.into_iter().map(|gate| (gate, None)).collect();
    placing
}
