//! Steps of which a variable chooses the pool: whether it has a value wherever they may run, and workers behind it.
//!
//! A value that is missing is told and no more: a tenant may give it, or somebody who is asked for it.

use super::{GateInput, bypass_help};
use crate::{
    desired::Gate,
    finding::{Code, Finding, FindingLocation, Level},
    live::{
        Case, EffectivePlace, Live, LiveProcess, LiveStep, NowhereReason, PoolReferenceKind,
        effective_cases,
    },
    model::{Address, Name, Place},
    plan::{Change, ChangeKind, StepEdits, ValueEdit},
    text::{nearest_name, pluralize},
};

use indexmap::IndexMap;
use std::collections::{BTreeSet, HashMap};

/// What gives steps to a variable, or takes its value from them.
#[derive(PartialEq, Eq, Hash)]
enum IssueCause<'a> {
    /// A rule of the file.
    Rule(&'a FindingLocation),
    /// The removal of a value.
    RemovedValue(&'a Address),
}

/// What is wrong with a variable, of all the steps that one rule gives to it.
#[derive(Default)]
struct VariableIssues {
    location: Option<FindingLocation>,
    /// Steps and cases in which it has no value.
    unset: Vec<String>,
    /// Steps and cases in which its pool has nobody.
    empty: Vec<String>,
    /// Steps and cases in which nobody in its pool is healthy.
    unhealthy: Vec<String>,
    /// Steps and cases in which nobody in its pool has been checked yet.
    unchecked: Vec<String>,
    /// Variables that the projects of these steps have.
    project_variables: BTreeSet<String>,
}

/// What is wrong with the variables to which the plan gives steps.
pub(super) fn check_variables(outcome: &GateInput) -> Vec<Finding> {
    let live = outcome.after;
    let processes: HashMap<_, &LiveProcess> =
        live.processes.iter().map(|process| (&process.id, process)).collect();
    let mut troubles: IndexMap<(&str, IssueCause), VariableIssues> = IndexMap::new();
    for change in outcome.changes {
        if let ChangeKind::SetValue { name, edit: ValueEdit::Remove { .. }, .. } = &change.kind {
            let trouble = VariableIssues::from_removed_value(outcome, change, name);
            troubles.insert((name, IssueCause::RemovedValue(&change.address)), trouble);
        }
        let ChangeKind::PlaceStep { process, action, edits, .. } = &change.kind else { continue };
        let process = processes.get(process).copied();
        let step = process.and_then(|process| process.steps.iter().find(|step| step.id == *action));
        let (Some(variable), Some(process), Some(step)) = (edited_variable(edits), process, step)
        else {
            continue;
        };
        let key = (variable, IssueCause::Rule(&change.cause.location));
        let trouble = troubles.entry(key).or_default();
        let mut cases = effective_cases(process, step, live);
        if tenants_set_value(live, variable, &process.owner.project) {
            cases.retain(|case| {
                !matches!(case.place, EffectivePlace::Nowhere(_, NowhereReason::NoValue))
            });
        }
        trouble.note_cases(change, cases, (process, step), live);
        let of_project = live.indirect.variables.iter();
        let of_project = of_project.filter(|it| it.projects.contains(&process.owner.project));
        trouble.project_variables.extend(of_project.map(|it| it.name.to_string()));
    }
    troubles.sort_by(|(name, _), _, (other, _), _| name.cmp(other));
    let findings = troubles.into_iter().flat_map(|((name, _), it)| it.into_findings(outcome, name));
    findings.collect()
}

/// Whether some tenant gives a value for a variable of a project, or of a library set.
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

/// The variable to which the edits of a step give it.
fn edited_variable(edits: &StepEdits) -> Option<&str> {
    match edits.place()?.after() {
        Place::Variable(name) => Some(name.as_str()),
        Place::Pool(_) | Place::DefaultPool => None,
    }
}

impl VariableIssues {
    /// Steps that have a value now, and have none once one is removed.
    fn from_removed_value(outcome: &GateInput, change: &Change, name: &str) -> Self {
        let mut trouble = Self { location: Some(change.cause.location.clone()), ..Self::default() };
        trouble.project_variables.insert(name.to_owned());
        let wanted = Name::new(name);
        let lacks = |live: &Live, process: &LiveProcess, step: &LiveStep| {
            let cases = effective_cases(process, step, live).into_iter();
            let unset = cases.filter(|case| {
                matches!(case.place, EffectivePlace::Nowhere(_, NowhereReason::NoValue))
            });
            unset
                .map(|unset| format!("{}{}", process.step_address(step), describe_case(&unset)))
                .collect::<Vec<_>>()
        };
        for process in &outcome.after.processes {
            let uses_variable = |other: &&LiveStep| matches!(&other.place, Place::Variable(name) if Name::new(name) == wanted);
            if tenants_set_value(outcome.after, name, &process.owner.project) {
                continue;
            }
            for step in process.steps.iter().filter(uses_variable) {
                let before = lacks(outcome.matched.live, process, step);
                let now = lacks(outcome.after, process, step).into_iter();
                trouble.unset.extend(now.filter(|it| !before.contains(it)));
            }
        }
        trouble
    }

    fn note_cases(
        &mut self,
        change: &Change,
        cases: Vec<Case>,
        (process, step): (&LiveProcess, &LiveStep),
        live: &Live,
    ) {
        self.location.get_or_insert_with(|| change.cause.location.clone());
        for case in cases {
            let step_case = format!("{}{}", process.step_address(step), describe_case(&case));
            match &case.place {
                EffectivePlace::Nowhere(_, NowhereReason::NoValue) => self.unset.push(step_case),
                EffectivePlace::Nowhere(
                    _,
                    NowhereReason::Empty
                    | NowhereReason::NoSuchPool
                    | NowhereReason::BuiltInWorkerOff
                    | NowhereReason::NoBuiltInWorker,
                ) => {
                    self.empty.push(step_case);
                }
                EffectivePlace::Nowhere(Some(pool), NowhereReason::NoHealthyWorker) => {
                    match live.pool_members(pool).any(|it| !it.disabled) {
                        true => self.unhealthy.push(step_case),
                        false => self.empty.push(step_case),
                    }
                }
                EffectivePlace::Nowhere(_, NowhereReason::Unchecked) => {
                    self.unchecked.push(step_case)
                }
                _ => {}
            }
        }
    }

    fn into_findings(self, outcome: &GateInput, name: &str) -> Vec<Finding> {
        let at = self.location.unwrap_or(FindingLocation::Nowhere);
        let known =
            self.project_variables.iter().any(|variable| Name::new(variable) == Name::new(name));
        let unset = (!self.unset.is_empty()).then(|| {
            let steps = pluralize(self.unset.len(), "case");
            let (message, help) = match (
                known,
                nearest_name(name, self.project_variables.iter().map(String::as_str)),
            ) {
                (true, _) => (
                    format!("variable `{name}` has no value in {steps}"),
                    "give it a value without a scope, or one for each environment".to_owned(),
                ),
                (false, Some(near)) => (
                    format!("there is no worker pool variable `{name}`"),
                    format!("a variable of a similar name exists: `{near}`"),
                ),
                (false, None) => (
                    format!("there is no worker pool variable `{name}`"),
                    "make it in the project, or in a library set that the project includes"
                        .to_owned(),
                ),
            };
            Finding::new(Code::UnsetVariable, Level::Warn, at.clone(), message)
                .with_notes(self.unset)
                .with_help(help)
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
                "repair a worker, or run a health check if it is repaired already",
            ),
        ];
        let refused = pools.into_iter().filter(|(steps, ..)| !steps.is_empty());
        let refused = refused.filter_map(|(steps, gate, without, help)| {
            let message = format!("variable `{name}` leads to a pool {without}");
            let finding = outcome.gate_finding(gate, at.clone(), message)?;
            Some(finding.with_notes(steps).with_help(format!("{help}; {}", bypass_help(gate))))
        });
        let unchecked = (!self.unchecked.is_empty()).then(|| {
            let message = format!(
                "variable `{name}` leads to a pool whose workers have had no health check yet"
            );
            let finding = outcome.gate_warning(Gate::UnhealthyPool, at.clone(), message)?;
            let help = "place the steps in a second run, once a health check has passed";
            Some(finding.with_notes(self.unchecked).with_help(help))
        });
        unset.into_iter().chain(refused).chain(unchecked.flatten()).collect()
    }
}

/// When a case holds, behind a step; nothing where it always does.
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
