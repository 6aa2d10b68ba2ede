//! Turns the changes planned for a file's steps into edits of its text.
//!
//! Makes no change that is not in the plan.

use super::OclFile;
use poolwright_core::{
    desired::{Declared, PlacementRule, PlacementVerdict},
    finding::{Code, Finding, FindingLocation, Sources},
    model::{Address, Id, Place, Pool, PoolHandle},
    ocl::{self, OclAction, OclProcess, OclProcessKind},
    plan::{Change, ChangeKind, StepEdit},
    text::{pluralize, stays_unchanged},
};

use std::path::PathBuf;

/// A step that moves.
#[derive(Debug)]
pub(crate) struct MovedStep {
    pub(crate) file: PathBuf,
    pub(crate) address: String,
    pub(crate) before: String,
    pub(crate) after: String,
    /// The file and line of the rule that moves it, and its label.
    pub(crate) because: String,
}

/// An action and the change planned for it.
pub(super) type PlannedAction<'a> = (&'a OclAction, &'a Change);

/// Returns the id of the step that a change places.
pub(super) fn placed_step_id(change: &Change) -> Option<&str> {
    match &change.kind {
        ChangeKind::PlaceStep { action, .. } => Some(action.as_str()),
        _ => None,
    }
}

/// Returns the edits that make these changes, in the file's order, and the steps that move.
pub(super) fn edits_for_file(
    file: &OclFile,
    changes: &[PlannedAction],
    spell_pool: &dyn Fn(&str) -> String,
    sources: &Sources,
) -> Result<(Vec<ocl::TextEdit>, Vec<MovedStep>), Finding> {
    let (mut edits, mut moves) = (Vec::new(), Vec::new());
    for (action, change) in changes {
        let (made, place) = edits_for_change(&file.text, action, change, spell_pool)?;
        edits.extend(made);
        moves.push(describe_move(file, change, action, &place, sources));
    }
    edits.sort_by_key(|it| it.range.start);
    Ok((edits, moves))
}

/// Returns the edits that make a change, and where the step runs after them.
fn edits_for_change(
    text: &str,
    action: &OclAction,
    change: &Change,
    spell_pool: &dyn Fn(&str) -> String,
) -> Result<(Vec<ocl::TextEdit>, Place<String>), Finding> {
    let ChangeKind::PlaceStep { edits, .. } = &change.kind else {
        return Ok((Vec::new(), action.place.clone()));
    };
    let mut wanted = action.place.clone();
    for edit in edits.iter() {
        match edit {
            StepEdit::Place(place) => {
                wanted = match place.after() {
                    Place::Pool(pool) => Place::Pool(spell_pool(&pool_slug(pool))),
                    Place::Variable(name) => Place::Variable(name.clone()),
                    Place::DefaultPool => Place::DefaultPool,
                }
            }
            StepEdit::Execution { .. } => return Err(multi_line_error(action, "execution")),
            StepEdit::Container(_) => return Err(multi_line_error(action, "container")),
        }
    }
    Ok((ocl::place_edits(text, action, &wanted)?, wanted))
}

/// Returns the slugs of the pools that a change moves a step to.
pub(super) fn target_pool_slugs(change: &Change) -> Vec<String> {
    let ChangeKind::PlaceStep { edits, .. } = &change.kind else { return Vec::new() };
    let pool = |edit: &StepEdit| match edit {
        StepEdit::Place(place) => match place.after() {
            Place::Pool(pool) => Some(pool_slug(pool)),
            _ => None,
        },
        _ => None,
    };
    edits.iter().filter_map(pool).collect()
}

fn pool_slug(pool: &PoolHandle) -> String {
    let id: Option<&Id<Pool>> = pool.id();
    id.map(|it| it.as_str().to_owned()).unwrap_or_default()
}

fn multi_line_error(action: &OclAction, key: &str) -> Finding {
    let message = format!("`{key}` would change more than the line that sets the pool");
    Finding::error(Code::OclOneLine, action.span.clone(), message)
        .with_help(format!("change this step in Octopus, or remove `{key}` from the rule"))
}

fn describe_move(
    file: &OclFile,
    change: &Change,
    action: &OclAction,
    after: &Place<String>,
    sources: &Sources,
) -> MovedStep {
    let format_place = |place: &Place<String>| match place {
        Place::Pool(slug) => slug.clone(),
        Place::Variable(name) => format!("variable {name:?}"),
        Place::DefaultPool => "default".to_owned(),
    };
    let address = match &change.address {
        Address::Step { process, step, .. } => format!("{process}.steps[{step:?}]"),
        other => other.to_string(),
    };
    let line = match &change.cause.location {
        FindingLocation::Source(span) => sources.start_line(span),
        _ => None,
    };
    let at = line.map(|line| format!("{}:{}", line.file, line.line)).unwrap_or_default();
    let because = match &change.cause.rule {
        Some(label) => format!("{at} {label:?}"),
        None => at,
    };
    MovedStep {
        file: file.path.clone(),
        address,
        before: format_place(&action.place),
        after: format_place(after),
        because,
    }
}

/// Whether a change would break a process template, whose steps take their pools from its parameters.
///
/// # Source
///
/// Octopus rejects a template with a step in any other pool: "A step must specify a worker pool
/// parameter".
pub(super) fn breaks_template(document: &OclProcess, (_, change): &PlannedAction) -> bool {
    let ChangeKind::PlaceStep { edits, .. } = &change.kind else { return false };
    let by_parameter = |edit: &StepEdit| matches!(edit, StepEdit::Place(place) if matches!(place.after(), Place::Variable(_)));
    document.kind == OclProcessKind::Template && !edits.iter().all(by_parameter)
}

/// Returns a warning for the steps from step templates that name no pool, if a rule would move them: the file does
/// not contain the type of such a step.
///
/// # Source
///
/// Octopus writes the parameters of such a step and a reference to its template, and no type
/// (OctopusDeploy/Ocl, "Step Templates in Configuration as Code").
pub(super) fn template_steps_note(
    documents: &[(OclFile, OclProcess)],
    rules: &[Declared<PlacementRule>],
) -> Option<Finding> {
    let actions = documents.iter().flat_map(|(_, it)| &it.actions);
    let unplaced: Vec<&OclAction> = actions.filter(|it| is_from_template(it, rules)).collect();
    let at = unplaced.first()?.span.clone();
    let (steps, stay) = (pluralize(unplaced.len(), "step"), stays_unchanged(unplaced.len()));
    let message = format!("{steps} from step templates, without a pool, {stay}");
    let names = unplaced.iter().map(|action| format!("{:?}", action.step)).collect();
    let finding = Finding::warning(Code::TemplateStep, at, message).with_notes(names);
    Some(finding.with_help(
        "the file does not say whether a worker runs these steps; choose their pools once in Octopus",
    ))
}

/// Whether [`template_steps_note`] reports a step.
pub(super) fn is_from_template(action: &OclAction, rules: &[Declared<PlacementRule>]) -> bool {
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

/// Returns a warning for the steps of a process template that are not moved.
pub(super) fn kept_steps_finding(kept: Vec<PlannedAction>) -> Option<Finding> {
    let (action, _) = kept.first()?;
    let message = "the steps of a process template run where its parameters say and are left alone";
    let finding = Finding::warning(Code::ProcessTemplate, action.span.clone(), message);
    Some(finding.with_help(
        "place them by `pool_variable`, or give the parameter a value where the template is used",
    ))
}
