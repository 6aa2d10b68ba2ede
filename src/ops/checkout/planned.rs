//! Turns the changes planned for a file's steps into edits of its text.
//!
//! Makes no change that is not in the plan.

use super::{
    live::{acts_on_targets, runs_on_worker_by_pool},
    tree::CheckoutDocument,
};
use poolwright_core::{
    desired::{Declared, PlacementRule, PlacementVerdict},
    finding::{Code, Finding, FindingLocation, Sources, Span},
    model::{Address, Id, Place, Pool, PoolHandle},
    ocl::{self, OclAction},
    plan::{Change, ChangeKind, StepEdit},
    text::{pluralize, stays_unchanged},
};

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
};

/// A step that moves, or a value that changes.
#[derive(Debug)]
pub(crate) struct CheckoutChange {
    /// The file.
    pub(crate) file: PathBuf,
    /// The step or the value.
    pub(crate) address: String,
    /// The pool before.
    pub(crate) before: String,
    /// The pool after.
    pub(crate) after: String,
    /// The file and line of the rule that asks for it, and its label.
    pub(crate) because: String,
    /// Whether the step comes to say that it runs on a worker, which its pool implied.
    pub(crate) run_on_worker: bool,
    /// Whether it is a value of a variable and not a step.
    pub(crate) is_value: bool,
    /// Whether the step acts on deployment targets.
    pub(crate) on_targets: bool,
}

/// An action and the change planned for it.
pub(super) type PlannedAction<'a> = (&'a OclAction, &'a Change);

/// The lines of rules, each counted once.
pub(super) struct RuleLines<'a> {
    sources: &'a Sources,
    known: HashMap<Span, String>,
}

impl<'a> RuleLines<'a> {
    pub(super) fn new(sources: &'a Sources) -> Self {
        Self { sources, known: HashMap::new() }
    }

    /// Returns the file and line on which a span starts.
    pub(super) fn describe(&mut self, span: &Span) -> String {
        if let Some(known) = self.known.get(span) {
            return known.clone();
        }
        let line = self.sources.start_line(span);
        let text = line.map(|line| format!("{}:{}", line.file, line.line)).unwrap_or_default();
        self.known.insert(span.clone(), text.clone());
        text
    }
}

/// How the changes to a file are written and reported.
pub(super) struct FileStyle<'a> {
    /// The text of each pool in this file, by the pool's id.
    pub(super) spellings: &'a HashMap<String, String>,
    /// Whether addresses have the name of the project.
    pub(super) with_project: bool,
}

/// Returns the id of the step that a change places.
pub(super) fn placed_step_id(change: &Change) -> Option<&str> {
    match &change.kind {
        ChangeKind::PlaceStep { action, .. } => Some(action.as_str()),
        _ => None,
    }
}

/// Returns the edits that make these changes, and the steps that move.
pub(super) fn edits_for_file(
    document: &CheckoutDocument,
    changes: &[PlannedAction],
    style: &FileStyle,
    lines: &mut RuleLines,
) -> Result<(Vec<ocl::TextEdit>, Vec<CheckoutChange>), Finding> {
    let (mut edits, mut moves) = (Vec::new(), Vec::new());
    for (action, change) in changes {
        let wanted = wanted_place(action, change, style)?;
        edits.extend(ocl::place_edits(&document.file.text, action, &wanted)?);
        let run_on_worker = wanted == Place::DefaultPool && runs_on_worker_by_pool(action);
        if run_on_worker {
            edits.extend(ocl::run_on_worker_edits(&document.file.text, action)?);
        }
        moves.push(CheckoutChange {
            file: document.file.path.clone(),
            address: describe_address(change, style),
            before: describe_place(&action.place),
            after: describe_place(&wanted),
            because: describe_cause(change, lines),
            run_on_worker,
            is_value: false,
            on_targets: acts_on_targets(action),
        });
    }
    Ok((edits, moves))
}

/// Returns where a change makes an action run.
fn wanted_place(
    action: &OclAction,
    change: &Change,
    style: &FileStyle,
) -> Result<Place<String>, Finding> {
    let ChangeKind::PlaceStep { edits, .. } = &change.kind else { return Ok(action.place.clone()) };
    let mut wanted = action.place.clone();
    for edit in edits.iter() {
        match edit {
            StepEdit::Place(place) => {
                wanted = match place.after() {
                    Place::Pool(pool) => {
                        let id = pool_id(pool);
                        Place::Pool(style.spellings.get(&id).cloned().unwrap_or(id))
                    }
                    Place::Variable(name) => Place::Variable(name.clone()),
                    Place::DefaultPool => Place::DefaultPool,
                }
            }
            StepEdit::Execution { .. } => return Err(multi_line_error(action, "execution")),
            StepEdit::Container(_) => return Err(multi_line_error(action, "container")),
        }
    }
    Ok(wanted)
}

/// Returns the id of the pool that a change moves a step to.
pub(super) fn target_pool_id(change: &Change) -> Option<String> {
    let ChangeKind::PlaceStep { edits, .. } = &change.kind else { return None };
    edits.iter().find_map(|edit| match edit {
        StepEdit::Place(place) => match place.after() {
            Place::Pool(pool) => Some(pool_id(pool)),
            Place::Variable(_) | Place::DefaultPool => None,
        },
        StepEdit::Execution { .. } | StepEdit::Container(_) => None,
    })
}

fn pool_id(pool: &PoolHandle) -> String {
    let id: Option<&Id<Pool>> = pool.id();
    id.map(|it| it.as_str().to_owned()).unwrap_or_default()
}

fn multi_line_error(action: &OclAction, key: &str) -> Finding {
    let message = format!("`{key}` would change more than the line that sets the pool");
    Finding::error(Code::OclOneLine, action.span.clone(), message)
        .with_help(format!("change this step in Octopus, or remove `{key}` from the rule"))
}

fn describe_place(place: &Place<String>) -> String {
    match place {
        Place::Pool(slug) => slug.clone(),
        Place::Variable(name) => format!("variable {name:?}"),
        Place::DefaultPool => "default".to_owned(),
    }
}

fn describe_address(change: &Change, style: &FileStyle) -> String {
    match &change.address {
        Address::Step { process, step, .. } if !style.with_project => {
            format!("{process}.steps[{step:?}]")
        }
        other => other.to_string(),
    }
}

fn describe_cause(change: &Change, lines: &mut RuleLines) -> String {
    let at = match &change.cause.location {
        FindingLocation::Source(span) => lines.describe(span),
        _ => String::new(),
    };
    match &change.cause.rule {
        Some(label) => format!("{at} {label:?}"),
        None => at,
    }
}

/// The steps from step templates that name no pool, and that a rule would move: a file does not contain the type of
/// such a step.
///
/// # Source
///
/// Octopus writes the parameters of such a step and a reference to its template, and no type
/// (OctopusDeploy/Ocl, "Step Templates in Configuration as Code").
pub(super) struct StepTemplateSteps<'a> {
    steps: Vec<&'a OclAction>,
    ids: HashSet<String>,
}

impl<'a> StepTemplateSteps<'a> {
    pub(super) fn find(
        actions: impl Iterator<Item = (String, &'a OclAction)>,
        rules: &[Declared<PlacementRule>],
    ) -> Self {
        let found = actions.filter(|(_, action)| is_from_template(action, rules));
        let (ids, steps) = found.unzip();
        Self { steps, ids }
    }

    /// Whether the step with this id is one of them.
    pub(super) fn contain(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    /// Returns a warning for the steps.
    pub(super) fn finding(&self) -> Option<Finding> {
        let at = self.steps.first()?.span.clone();
        let (steps, stay) =
            (pluralize(self.steps.len(), "step"), stays_unchanged(self.steps.len()));
        let message = format!("{steps} from step templates, without a pool, {stay}");
        let names = self.steps.iter().map(|action| format!("{:?}", action.step));
        let finding = Finding::warning(Code::TemplateStep, at, message).with_notes(names);
        Some(finding.with_help(
            "the file does not say whether a worker runs these steps; choose their pools once in Octopus",
        ))
    }
}

fn is_from_template(action: &OclAction, rules: &[Declared<PlacementRule>]) -> bool {
    let says_nothing = action.action_type.is_empty()
        && action.place == Place::DefaultPool
        && action.run_on_server != Some(true);
    let rule_names_step = |rule: &&Declared<PlacementRule>| match &rule.select.step {
        None => rule.select.action_type.is_none(),
        Some(step) => {
            let exact =
                |name: &str| step.value.exact_names().any(|it| it.eq_ignore_ascii_case(name));
            // The plan itself reports a step that is named exactly.
            let matches_name = |name: &str| step.value.matches(name) && !exact(name);
            matches_name(&action.step) || matches_name(&action.action)
        }
    };
    says_nothing
        && rules
            .iter()
            .find(rule_names_step)
            .is_some_and(|rule| rule.verdict != PlacementVerdict::Leave)
}
