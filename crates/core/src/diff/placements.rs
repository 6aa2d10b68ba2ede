//! Placements: the first rule that matches a step decides where it runs.
//!
//! A step is matched as it is live, or as it will be once pools and workers are as the file says: a rule
//! that will match after the plan has to match before it, or the next plan would not be empty.

use super::{
    branches::BranchTracker,
    built_in::{BuiltInWorkerUse, CandidateStep},
    condition::PlaceConditions,
    goal::{ExecutionConflict, PlacementGoal, StepReach},
    ledger::RuleLedger,
    lingering_pools::LingeringPools,
    matched::Matched,
    rules::Rulebook,
};
use crate::{
    desired::{Declared, Desired, PlacementRule, PlacementVerdict},
    finding::{Finding, FindingLocation},
    live::{Live, LiveProcess, LiveStep},
    model::Address,
    plan::{Cause, Change, ChangeKind, ProcessKind},
};

/// The steps that move, in the order of the server. `after` is the server once all else is done.
pub(super) fn plan_placements<'a>(
    matched: &'a Matched<'a>,
    branches: &mut BranchTracker<'a>,
    after: &Live,
    findings: &mut Vec<Finding>,
) -> Vec<Change> {
    let rules = resolve_rules(matched, findings);
    let built_in = BuiltInWorkerUse::new(matched.live, after);
    let mut book = Rulebook::new(&matched.desired.rules, &matched.live.projects);
    let (mut ledger, mut lingering) = (RuleLedger::new(matched), LingeringPools::default());
    let mut changes = Vec::new();
    for process in &matched.live.processes {
        let mut moved = Vec::new();
        let of_process = book.rules_for_process(process);
        ledger.note_process(process, &of_process);
        for step in &process.steps {
            let reach = StepReach::from_step(step);
            let about = book.rules_for_step(&of_process, step);
            ledger.note_step(&about, step, reach);
            let asked = CandidateStep { process, step, reach };
            let decides = about
                .iter()
                .copied()
                .find(|at| rules.get(*at).is_some_and(|rule| rule.decides_step(asked, &built_in)));
            let Some((at, rule)) = decides.and_then(|at| rules.get(at).map(|it| (at, it))) else {
                let about = about.iter().filter_map(|at| rules.get(*at));
                let other = lingering_rule(about, matched, asked, &built_in);
                lingering
                    .note_lingering(other.map(|it| (&it.rule.span, process.step_address(step))));
                continue;
            };
            match rule.place_step(matched, process, step) {
                Ok(change) => moved.extend(change),
                Err(why) => ledger.note_impossible(at, why, process.step_address(step)),
            }
        }
        changes.extend(branches.assign_commits(
            &process.owner.project,
            process.git.as_ref(),
            moved,
        ));
    }
    findings.extend(ledger.rule_findings());
    findings.extend(lingering.into_warning());
    changes
}

/// The rule that decides about each live step, by the step's address; steps that no rule matches are left out.
pub fn deciding_rules<'a>(
    desired: &'a Desired,
    live: &Live,
) -> Vec<(Address, &'a Declared<PlacementRule>)> {
    let mut findings = Vec::new();
    let matched = Matched::new(desired, live, &mut findings);
    let rules = resolve_rules(&matched, &mut findings);
    let built_in = BuiltInWorkerUse::new(live, live);
    let mut book = Rulebook::new(&desired.rules, &live.projects);
    let mut decided = Vec::new();
    for process in &live.processes {
        let of_process = book.rules_for_process(process);
        for step in &process.steps {
            let (reach, about) =
                (StepReach::from_step(step), book.rules_for_step(&of_process, step));
            let rules = about.iter().filter_map(|at| rules.get(*at).zip(desired.rules.get(*at)));
            let asked = CandidateStep { process, step, reach };
            let mut rules = rules.filter(|(it, _)| it.decides_step(asked, &built_in));
            decided.extend(rules.next().map(|(_, rule)| (process.step_address(step), rule)));
        }
    }
    decided
}

/// The rule that would decide about a step, did it run on a worker, where a pool lingers that is not the rule's.
fn lingering_rule<'a, 'b, 'c>(
    mut rules: impl Iterator<Item = &'b ResolvedRule<'c>>,
    matched: &Matched,
    asked: CandidateStep<'a>,
    built_in: &BuiltInWorkerUse<'a>,
) -> Option<&'b ResolvedRule<'c>> {
    if !LingeringPools::has_unused_pool(asked.step, asked.reach) {
        return None;
    }
    let first = rules.find(|rule| rule.applies_to_step(asked, built_in))?;
    let goal = first.goal.as_ref()?;
    (!goal.is_named_by_step(matched, asked.step)).then_some(first)
}

/// A rule with all that it points at resolved.
struct ResolvedRule<'a> {
    rule: &'a Declared<PlacementRule>,
    conditions: Option<PlaceConditions>,
    /// None where the rule leaves its steps as they are.
    goal: Option<PlacementGoal>,
    /// Whether something that it points at is not there: then it decides nothing.
    broken: bool,
}

fn resolve_rules<'a>(matched: &Matched<'a>, findings: &mut Vec<Finding>) -> Vec<ResolvedRule<'a>> {
    let mut resolve = |rule: &'a Declared<PlacementRule>| {
        let mut trouble = Vec::new();
        let currently = rule.select.currently.as_ref();
        let conditions = currently.map(|it| PlaceConditions::new(matched, it, &mut trouble));
        let goal = match &rule.verdict {
            PlacementVerdict::Leave => None,
            PlacementVerdict::Place(target) => {
                PlacementGoal::new(matched, target).map_err(|it| trouble.extend(it)).ok()
            }
        };
        let broken = !trouble.is_empty();
        findings.extend(trouble);
        ResolvedRule { rule, conditions, goal, broken }
    };
    matched.desired.rules.iter().map(&mut resolve).collect()
}

impl ResolvedRule<'_> {
    /// Whether the rule, whose selectors fit, decides about this step.
    fn decides_step<'a>(&self, asked: CandidateStep<'a>, built_in: &BuiltInWorkerUse<'a>) -> bool {
        self.goal.as_ref().is_none_or(|goal| goal.may_decide(asked.reach))
            && self.applies_to_step(asked, built_in)
    }

    /// The same, whether or not a tool may say where the step runs.
    fn applies_to_step<'a>(
        &self,
        asked: CandidateStep<'a>,
        built_in: &BuiltInWorkerUse<'a>,
    ) -> bool {
        !self.broken && self.conditions.as_ref().is_none_or(|it| it.matches_step(asked, built_in))
    }

    fn place_step(
        &self,
        matched: &Matched,
        process: &LiveProcess,
        step: &LiveStep,
    ) -> Result<Option<Change>, ExecutionConflict> {
        let Some(goal) = &self.goal else { return Ok(None) };
        let edits = goal.step_edits(matched, step)?;
        if edits.is_empty() {
            return Ok(None);
        }
        let of_id = process.steps.iter().filter(|other| other.id == step.id);
        if step.id.as_str().is_empty() || of_id.count() != 1 {
            return Err(ExecutionConflict::NoIdentity);
        }
        let kind = match process.owner.runbook {
            None => ProcessKind::Deployment,
            Some(_) => ProcessKind::Runbook,
        };
        Ok(Some(Change {
            address: process.step_address(step),
            kind: ChangeKind::PlaceStep {
                process: process.id.clone(),
                kind,
                git: None,
                action: step.id.clone(),
                edits,
                exact_fields: Vec::new(),
            },
            cause: Cause {
                location: FindingLocation::Source(self.rule.span.clone()),
                rule: self.rule.label.clone(),
                why: None,
            },
            after: Vec::new(),
        }))
    }
}
