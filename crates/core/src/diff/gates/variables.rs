//! Steps whose pool a variable chooses: checks that the variable has a value wherever they may run, and that its
//! pools have workers.
//!
//! A variable that does not exist refuses the plan. A missing value is only a warning, since a tenant or a prompt may
//! supply it.

use super::{GateInput, bypass_help, gate_finding, gate_warning};
use crate::{
    desired::Gate,
    finding::{Code, CountUnit, CountedMessage, Finding, FindingLocation, Level, Note},
    live::{
        Case, EffectivePlace, Live, LiveProcess, LiveStep, NowhereReason, PoolReferenceKind,
        UnreadSubject, describe_parts, effective_cases, is_expression,
    },
    model::{Address, Name, Place},
    plan::{Change, ChangeKind, StepEdits, ValueEdit},
    text::nearest_name,
};

use indexmap::IndexMap;
use std::collections::{BTreeSet, HashMap};

/// What makes steps use a variable, or removes its value.
#[derive(PartialEq, Eq, Hash)]
enum IssueCause<'a> {
    /// A rule of the file.
    Rule(&'a FindingLocation),
    /// The removal of a value.
    RemovedValue(&'a Address),
}

/// The issues of a variable, for all the steps that one rule makes use it.
#[derive(Default)]
struct VariableIssues {
    location: Option<FindingLocation>,
    /// Steps in whose projects the variable does not exist.
    unknown: Vec<Note>,
    /// Steps in whose projects no variable that could be read has the name.
    unseen: Vec<Note>,
    /// Steps for which the variable has no value, by case.
    unset: Vec<Note>,
    /// Steps whose pool has no enabled worker, by case.
    empty: Vec<Note>,
    /// Steps whose pool has no healthy worker, by case.
    unhealthy: Vec<Note>,
    /// Steps whose pool has only workers without a health check, by case.
    unchecked: Vec<Note>,
    /// Variables in the projects of these steps.
    project_variables: BTreeSet<String>,
}

/// Returns findings about the variables that the plan makes steps use.
pub(super) fn check_variables(input: &GateInput) -> Vec<Finding> {
    let live = input.after;
    let processes: HashMap<_, &LiveProcess> =
        live.processes.iter().map(|process| (&process.id, process)).collect();
    let mut issues_by_cause: IndexMap<(&str, IssueCause), VariableIssues> = IndexMap::new();
    for change in input.changes {
        if let ChangeKind::SetValue { name, edit: ValueEdit::Remove { .. }, .. } = &change.kind {
            let issues = VariableIssues::from_removed_value(input, change, name);
            issues_by_cause.insert((name, IssueCause::RemovedValue(&change.address)), issues);
        }
        let ChangeKind::PlaceStep { process, action, edits, .. } = &change.kind else { continue };
        let process = processes.get(process).copied();
        let (Some(variable), Some(process)) = (edited_variable(edits), process) else { continue };
        let Some(step) = process.steps.iter().find(|step| step.id == *action) else { continue };
        let key = (variable, IssueCause::Rule(&change.cause.location));
        let issues = issues_by_cause.entry(key).or_default();
        issues.location.get_or_insert_with(|| change.cause.location.clone());
        issues.note_step(variable, process, step, live);
    }
    issues_by_cause.sort_by(|(name, _), _, (other, _), _| name.cmp(other));
    let findings =
        issues_by_cause.into_iter().flat_map(|((name, _), it)| it.into_findings(input, name));
    findings.collect()
}

/// Whether a tenant sets a value for a variable of a project or of a library set.
fn tenants_set_value(live: &Live, variable: &str, project: &Name) -> bool {
    live.references.iter().any(|reference| {
        reference.kind == PoolReferenceKind::TenantVariable
            && reference
                .variable
                .as_deref()
                .is_some_and(|text| Name::new(text) == Name::new(variable))
            && reference.project.as_ref().is_none_or(|name| name == project)
    })
}

/// Returns the variable that the edits of a step make it use.
fn edited_variable(edits: &StepEdits) -> Option<&str> {
    match edits.place()?.after() {
        Place::Variable(name) => Some(name.as_str()),
        Place::Pool(_) | Place::DefaultPool => None,
    }
}

impl VariableIssues {
    /// Collects the steps that lose their value when it is removed.
    fn from_removed_value(input: &GateInput, change: &Change, name: &str) -> Self {
        let mut issues = Self { location: Some(change.cause.location.clone()), ..Self::default() };
        issues.project_variables.insert(name.to_owned());
        let wanted = Name::new(name);
        let lacks = |live: &Live, process: &LiveProcess, step: &LiveStep| {
            let cases = effective_cases(process, step, live).into_iter();
            let unset = cases.filter(|case| {
                matches!(case.place, EffectivePlace::Nowhere(_, NowhereReason::NoValue))
            });
            unset.map(|unset| note_case(process, step, &unset)).collect::<Vec<_>>()
        };
        for process in &input.after.processes {
            let uses_variable = |step: &&LiveStep| matches!(&step.place, Place::Variable(name) if Name::new(name) == wanted);
            if tenants_set_value(input.after, name, &process.owner.project) {
                continue;
            }
            for step in process.steps.iter().filter(uses_variable) {
                let before = lacks(input.matched.live, process, step);
                let now = lacks(input.after, process, step).into_iter();
                issues.unset.extend(now.filter(|it| !before.contains(it)));
            }
        }
        issues
    }

    /// Collects the issues of a step that gets its pool from a variable.
    fn note_step(&mut self, variable: &str, process: &LiveProcess, step: &LiveStep, live: &Live) {
        let project = &process.owner.project;
        let variables = live.indirect.variables.iter();
        let variables = variables.filter(|it| it.projects.contains(project));
        let known: Vec<&Name> = variables.map(|it| &it.name).collect();
        self.project_variables.extend(known.iter().map(|name| name.to_string()));
        let has_tenant_values = tenants_set_value(live, variable, project);
        let name = Name::new(variable);
        if !(has_tenant_values || is_expression(variable) || known.contains(&&name)) {
            let is_unread = live.unread_by(UnreadSubject::Variables(project)).next().is_some();
            let steps = if is_unread { &mut self.unseen } else { &mut self.unknown };
            return steps.push(Note::from(&process.step_address(step)));
        }
        let mut cases = effective_cases(process, step, live);
        if has_tenant_values {
            cases.retain(|case| {
                !matches!(case.place, EffectivePlace::Nowhere(_, NowhereReason::NoValue))
            });
        }
        self.note_cases(cases, process, step, live);
    }

    fn note_cases(
        &mut self,
        cases: Vec<Case>,
        process: &LiveProcess,
        step: &LiveStep,
        live: &Live,
    ) {
        for case in cases {
            let step_case = note_case(process, step, &case);
            match &case.place {
                EffectivePlace::Nowhere(_, NowhereReason::NoValue) => self.unset.push(step_case),
                EffectivePlace::Nowhere(Some(pool), NowhereReason::NoHealthyWorker)
                    if live.pool_members(pool).any(|it| !it.disabled) =>
                {
                    self.unhealthy.push(step_case);
                }
                EffectivePlace::Nowhere(Some(_), NowhereReason::NoHealthyWorker)
                | EffectivePlace::Nowhere(
                    _,
                    NowhereReason::Empty
                    | NowhereReason::NoSuchPool
                    | NowhereReason::BuiltInWorkerOff
                    | NowhereReason::NoBuiltInWorker,
                ) => {
                    self.empty.push(step_case);
                }
                EffectivePlace::Nowhere(_, NowhereReason::Unchecked) => {
                    self.unchecked.push(step_case)
                }
                _ => {}
            }
        }
    }

    fn into_findings(self, input: &GateInput, name: &str) -> Vec<Finding> {
        let at = self.location.clone().unwrap_or(FindingLocation::Nowhere);
        let missing = self.missing_findings(input, name, &at);
        let unset = (!self.unset.is_empty()).then(|| {
            let message =
                CountedMessage::new(format!("variable `{name}` has no value in "), CASES, "");
            Finding::new(Code::UnsetVariable, Level::Warn, at.clone(), "")
                .with_counted_notes(message, self.unset)
                .with_help("give it a value without a scope, or one for each environment")
        });
        let pools = [
            (
                self.empty,
                Gate::EmptyPool,
                "without an enabled worker",
                "give the pool a worker, or the variable another value",
            ),
            (
                self.unhealthy,
                Gate::UnhealthyPool,
                "without a healthy worker",
                "repair a worker, or run a health check if one has been repaired",
            ),
        ];
        let refused = pools.into_iter().filter(|(steps, ..)| !steps.is_empty());
        let refused = refused.map(|(steps, gate, without, help)| {
            let message = format!("variable `{name}` leads to a pool {without}");
            let finding = gate_finding(gate, at.clone(), message);
            finding.with_notes(steps).with_help(format!("{help}; {}", bypass_help(gate)))
        });
        let unchecked = (!self.unchecked.is_empty()).then(|| {
            let message = format!(
                "variable `{name}` leads to a pool whose workers have had no health check yet"
            );
            let help = "place the steps in a second run, once a health check has passed";
            gate_warning(Gate::UnhealthyPool, at.clone(), message)
                .with_notes(self.unchecked)
                .with_help(help)
        });
        let unset = missing.into_iter().chain(unset);
        unset.chain(refused).chain(unchecked).collect()
    }

    /// Returns findings about steps in whose projects the variable does not exist, or was not seen.
    fn missing_findings(
        &self,
        input: &GateInput,
        name: &str,
        at: &FindingLocation,
    ) -> Vec<Finding> {
        let gate = Gate::UnknownVariable;
        let near = nearest_name(name, self.project_variables.iter().map(String::as_str));
        let help = match near {
            Some(near) if Name::new(near) != Name::new(name) => {
                format!("a variable with a similar name exists: `{near}`")
            }
            _ => {
                "create it in the project, or in a library set that the project includes".to_owned()
            }
        };
        let of_other_type = || {
            let mut sets = input.after.indirect.sets.iter();
            sets.any(|set| set.other_variables.contains(&Name::new(name)))
        };
        let unknown = (!self.unknown.is_empty()).then(|| {
            let help = format!("{help}; {}", bypass_help(gate));
            let notes = self.unknown.clone();
            let before = format!("there is no worker pool variable `{name}`");
            let finding = if of_other_type() {
                let message = format!("variable `{name}` is not a worker pool variable");
                gate_finding(gate, at.clone(), message).with_notes(notes)
            } else if near.is_some_and(|near| Name::new(near) == Name::new(name)) {
                let before = format!("{before} in the projects of ");
                let message = CountedMessage::new(before, CountUnit::STEPS, "");
                gate_finding(gate, at.clone(), "").with_counted_notes(message, notes)
            } else {
                gate_finding(gate, at.clone(), before).with_notes(notes)
            };
            finding.with_help(help)
        });
        let unseen = (!self.unseen.is_empty()).then(|| {
            let message = CountedMessage::new(
                format!("no worker pool variable `{name}` was found for "),
                CountUnit::STEPS,
                ", but some variables could not be read",
            );
            let parts = input.matched.live.unread_by(UnreadSubject::EveryVariable);
            let parts = describe_parts(parts).into_iter().map(Note::from);
            let notes = self.unseen.iter().cloned().chain(parts).collect();
            gate_warning(gate, at.clone(), "")
                .with_counted_notes(message, notes)
                .with_help(help.clone())
        });
        [unknown, unseen].into_iter().flatten().collect()
    }
}

/// The words for a number of cases.
const CASES: CountUnit = CountUnit { one: "1 case", many: "cases" };

/// Returns a note about a step in a case.
fn note_case(process: &LiveProcess, step: &LiveStep, case: &Case) -> Note {
    let address = process.step_address(step);
    Note::at(format!("{address}{}", describe_case(case)), address)
}

/// Returns the conditions of a case as a suffix for a step; empty if there are none.
fn describe_case(case: &Case) -> String {
    let parts = case.when.iter().map(|condition| {
        let dimension = condition.dimension.as_str();
        match condition.names.as_slice() {
            [] => format!("any other {dimension}"),
            names => format!("{dimension} {}", names.join(", ")),
        }
    });
    let parts: Vec<_> = parts.collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join("; ")) }
}
