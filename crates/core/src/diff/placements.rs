//! Placements: the first rule that matches a step decides where it runs.
//!
//! A rule matches the live state of a step, or its state once pools and workers are as the file
//! declares: a rule that will match after the plan has to match before it, or the next plan would
//! not be empty.

use super::{
    branches::{BranchTracker, DocumentChanges},
    built_in::{BuiltInWorkerUse, CandidateStep},
    condition::PlaceConditions,
    goal::{ExecutionConflict, PlacementGoal, StepReach},
    ledger::RuleLedger,
    lingering_pools::LingeringPools,
    matched::Matched,
    refusals::RefusedProcesses,
    rules::Rulebook,
};
use crate::{
    desired::{Declared, Desired, FirstMatch, PlacementRule, PlacementVerdict},
    finding::{Finding, Level, Span},
    live::{Live, LiveProcess, LiveStep, StepNames},
    model::{Address, Id, StepAction},
    plan::{Change, ChangeKind},
};

use std::collections::HashMap;

/// Plans the steps that move, in the order of the server. `after` is the server after all other changes.
pub(super) fn plan_placements<'a>(
    matched: &'a Matched<'a>,
    branches: &mut BranchTracker<'a>,
    after: &Live,
    findings: &mut Vec<Finding>,
) -> Vec<Change> {
    let mut rules = StepRules::new(matched, after, findings);
    let (mut ledger, mut lingering) = (RuleLedger::new(matched), LingeringPools::default());
    let mut refused = RefusedProcesses::default();
    let mut documents = Vec::with_capacity(matched.live.processes.len());
    for process in &matched.live.processes {
        let mut changes = Vec::new();
        let process_rules = rules.book.rules_for_process(process);
        let steps = ProcessSteps::new(process);
        ledger.note_process(process, &process_rules);
        for step in &process.steps {
            let candidate = CandidateStep { process, step, reach: StepReach::from_step(step) };
            let fitting = rules.book.rules_for_step(&process_rules, step);
            ledger.note_step(&fitting, step, candidate.reach);
            let Some((at, rule)) = rules.decide_step(candidate, &fitting) else {
                lingering.note_lingering(rules.lingering_rule(candidate, &fitting, &steps));
                continue;
            };
            match rule.place_step(matched, &steps, step) {
                Ok(change) => changes.extend(change),
                Err(why) => ledger.note_impossible(at, why, steps.names.step_address(step)),
            }
        }
        let changes = refused.filter_changes(process, changes, matched.live);
        let (project, branch) = (&process.owner.project, process.git.as_ref());
        documents.push(DocumentChanges { project, branch, changes });
    }
    findings.extend(ledger.rule_findings(&rules.first_match));
    findings.extend(lingering.into_warning());
    findings.extend(refused.into_warning());
    branches.commit_changes(documents)
}

/// Returns the rule that decides about each live step, with the step's address; steps that no rule matches are
/// left out.
pub fn deciding_rules<'a>(
    desired: &'a Desired,
    live: &Live,
) -> Vec<(Address, &'a Declared<PlacementRule>)> {
    let mut findings = Vec::new();
    let matched = Matched::new(desired, live, &mut findings);
    let mut rules = StepRules::new(&matched, live, &mut findings);
    let mut decided = Vec::new();
    for process in &live.processes {
        let process_rules = rules.book.rules_for_process(process);
        let names = process.step_names();
        for step in &process.steps {
            let candidate = CandidateStep { process, step, reach: StepReach::from_step(step) };
            let fitting = rules.book.rules_for_step(&process_rules, step);
            let at = rules.decide_step(candidate, &fitting).map(|(at, _)| at);
            let rule = at.and_then(|at| desired.rules.get(at));
            decided.extend(rule.map(|rule| (names.step_address(step), rule)));
        }
    }
    decided
}

/// The steps of a process, counted by their names and by their ids.
struct ProcessSteps<'a> {
    process: &'a LiveProcess,
    names: StepNames<'a>,
    ids: HashMap<&'a Id<StepAction>, usize>,
}

impl<'a> ProcessSteps<'a> {
    fn new(process: &'a LiveProcess) -> Self {
        let mut ids = HashMap::with_capacity(process.steps.len());
        process.steps.iter().for_each(|step| *ids.entry(&step.id).or_default() += 1);
        Self { process, names: process.step_names(), ids }
    }
}

/// The placement rules of a file, resolved.
struct StepRules<'a> {
    matched: &'a Matched<'a>,
    rules: Vec<ResolvedRule<'a>>,
    book: Rulebook<'a>,
    built_in: BuiltInWorkerUse<'a>,
    first_match: FirstMatch,
}

impl<'a> StepRules<'a> {
    fn new(matched: &'a Matched<'a>, after: &'a Live, findings: &mut Vec<Finding>) -> Self {
        let Matched { desired, live, .. } = matched;
        Self {
            matched,
            rules: resolve_rules(matched, findings),
            book: Rulebook::new(&desired.rules, &live.projects),
            built_in: BuiltInWorkerUse::new(live, after),
            first_match: FirstMatch::new(desired.rules.len()),
        }
    }

    /// Returns the first rule that matches a step, among those whose selectors fit it.
    fn decide_step(
        &mut self,
        candidate: CandidateStep<'a>,
        fitting: &[usize],
    ) -> Option<(usize, &ResolvedRule<'a>)> {
        let rules = fitting.iter().filter_map(|at| Some((*at, self.rules.get(*at)?)));
        self.first_match.decide(
            rules.filter(|(_, it)| candidate.reach.is_open_to(&it.rule.verdict)),
            |it| it.rule.select.currently.is_none(),
            |it| it.applies_to_step(candidate, &self.built_in),
        )
    }

    /// Returns the rule that would decide about a step if it ran on a worker, if the step names another pool than
    /// the rule.
    fn lingering_rule(
        &self,
        candidate: CandidateStep<'a>,
        fitting: &[usize],
        steps: &ProcessSteps,
    ) -> Option<(&Span, Address)> {
        let CandidateStep { step, reach, .. } = candidate;
        if !LingeringPools::has_unused_pool(step, reach) {
            return None;
        }
        let mut rules = fitting.iter().filter_map(|at| self.rules.get(*at));
        let first = rules.find(|it| it.applies_to_step(candidate, &self.built_in))?;
        let goal = first.goal.as_ref()?;
        (!goal.is_named_by_step(self.matched, step))
            .then(|| (&first.rule.span, steps.names.step_address(step)))
    }
}

/// A rule with its references resolved.
struct ResolvedRule<'a> {
    rule: &'a Declared<PlacementRule>,
    conditions: Option<PlaceConditions>,
    /// `None` if the rule leaves its steps unchanged.
    goal: Option<PlacementGoal>,
    /// Whether a reference could not be resolved; such a rule decides nothing.
    broken: bool,
}

fn resolve_rules<'a>(matched: &Matched<'a>, findings: &mut Vec<Finding>) -> Vec<ResolvedRule<'a>> {
    let mut resolve = |rule: &'a Declared<PlacementRule>| {
        let mut errors = Vec::new();
        let currently = rule.select.currently.as_ref();
        let conditions = currently.map(|it| PlaceConditions::new(matched, it, &mut errors));
        let goal = match &rule.verdict {
            PlacementVerdict::Leave => None,
            PlacementVerdict::Place(placement) => {
                PlacementGoal::new(matched, placement).map_err(|it| errors.extend(it)).ok()
            }
        };
        let broken = errors.iter().any(|finding| finding.level == Level::Error);
        findings.extend(errors);
        ResolvedRule { rule, conditions, goal, broken }
    };
    matched.desired.rules.iter().map(&mut resolve).collect()
}

impl ResolvedRule<'_> {
    /// Whether the rule, whose selectors fit, matches this step by where it runs today.
    fn applies_to_step<'a>(
        &self,
        candidate: CandidateStep<'a>,
        built_in: &BuiltInWorkerUse<'a>,
    ) -> bool {
        !self.broken
            && self.conditions.as_ref().is_none_or(|it| it.matches_step(candidate, built_in))
    }

    fn place_step(
        &self,
        matched: &Matched,
        steps: &ProcessSteps,
        step: &LiveStep,
    ) -> Result<Option<Change>, ExecutionConflict> {
        let Some(goal) = &self.goal else { return Ok(None) };
        let edits = goal.step_edits(matched, step)?;
        if edits.is_empty() {
            return Ok(None);
        }
        if step.id.as_str().is_empty() || steps.ids.get(&step.id) != Some(&1) {
            return Err(ExecutionConflict::NoIdentity);
        }
        let process = steps.process;
        let kind = ChangeKind::PlaceStep {
            process: process.id.clone(),
            kind: process.owner.kind(),
            git: None,
            action: step.id.clone(),
            edits: edits.into(),
        };
        let mut change = Change::declared(steps.names.step_address(step), kind, &self.rule.span);
        change.cause.rule.clone_from(&self.rule.label);
        Ok(Some(change))
    }
}
