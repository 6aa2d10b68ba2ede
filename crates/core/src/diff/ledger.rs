//! Findings about placement rules: names that do not exist, rules that never win.
//!
//! `currently` is ignored here: a completed migration is not a mistake.

mod known_names;
mod unread;

pub use unread::rules_about_unread;

use super::{
    goal::{ExecutionConflict, StepReach},
    matched::Matched,
    names::NameCatalog,
    reference::{self, ReferentKind},
    rules,
};
use crate::{
    desired::{
        Declared, FirstMatch, PlacementRule, RuleResult, StepSelectors, shadowed_rule_warning,
        with_earlier_rule,
    },
    finding::{Code, Finding, Level, Span},
    live::{
        HiddenData, LiveProcess, LiveStep, PROCESS_TEMPLATE, UnreadPart, UnreadSubject,
        describe_parts,
    },
    model::Address,
    text::{eq_ignoring_case, fold_case, nearest_name, pluralize, stays_unchanged},
};

use known_names::KnownNames;
use std::collections::{BTreeMap, BTreeSet};
use unread::may_be_about_unread;

/// The usage of each rule, collected while steps are visited.
pub(super) struct RuleLedger<'a> {
    matched: &'a Matched<'a>,
    usages: Vec<RuleUsage<'a>>,
}

/// The usage of one rule.
struct RuleUsage<'a> {
    rule: &'a Declared<PlacementRule>,
    /// How many processes have an owner that fits the rule.
    processes: usize,
    /// Names of steps and actions in those processes, if the rule selects by name.
    names: BTreeSet<&'a str>,
    /// The exact names that were found, each with the best reach and the type of such a step.
    found: BTreeMap<&'a str, (StepReach, &'a str)>,
    /// Steps that fit the rule and stay on their targets, since it sets no `execution`.
    on_targets: usize,
    /// Steps that fit the rule and that no rule can move.
    unmoved: usize,
    /// Steps that cannot run as the rule asks.
    impossible: BTreeMap<ExecutionConflict, Vec<Address>>,
}

impl<'a> RuleLedger<'a> {
    pub(super) fn new(matched: &'a Matched<'a>) -> Self {
        let unused = |rule: &'a Declared<PlacementRule>| RuleUsage {
            rule,
            processes: 0,
            names: BTreeSet::new(),
            found: BTreeMap::new(),
            on_targets: 0,
            unmoved: 0,
            impossible: BTreeMap::new(),
        };
        Self { matched, usages: matched.desired.rules.iter().map(unused).collect() }
    }

    /// Notes a process for the rules that fit its owner.
    pub(super) fn note_process(&mut self, process: &'a LiveProcess, rules: &[usize]) {
        for at in rules {
            let Some(usage) = self.usages.get_mut(*at) else { continue };
            usage.processes += 1;
            if !usage.needs_names() {
                continue;
            }
            for step in &process.steps {
                usage.names.extend([step.step.as_str(), step.action.as_str()]);
            }
        }
    }

    /// Notes a step for the rules whose selectors fit it.
    pub(super) fn note_step(&mut self, rules: &[usize], step: &'a LiveStep, reach: StepReach) {
        for at in rules {
            let Some(usage) = self.usages.get_mut(*at) else { continue };
            usage.note_exact_names(step, reach);
            if !reach.is_open_to(&usage.rule.verdict) {
                match reach {
                    StepReach::Targets => usage.on_targets += 1,
                    _ => usage.unmoved += 1,
                }
            }
        }
    }

    /// Notes that a step cannot run as a rule asks.
    pub(super) fn note_impossible(&mut self, rule: usize, why: ExecutionConflict, step: Address) {
        if let Some(usage) = self.usages.get_mut(rule) {
            usage.impossible.entry(why).or_default().push(step);
        }
    }

    /// Returns the findings about the rules, in their order.
    pub(super) fn rule_findings(self, first_match: &FirstMatch) -> Vec<Finding> {
        let Self { matched, usages } = self;
        let known = KnownNames::new(matched);
        let mut findings = Vec::new();
        for (at, usage) in usages.iter().enumerate() {
            let owners = known.unknown_selectors(&usage.rule.value);
            let has_owners = owners.iter().all(|it| it.level != Level::Error);
            let steps = if has_owners { usage.missing_steps(matched) } else { Vec::new() };
            let silent = owners.is_empty() && steps.is_empty();
            findings.extend(owners);
            findings.extend(steps);
            findings.extend(usage.impossible_findings());
            // A rule may be about steps that were not seen, which a finding of its own reports.
            let is_known = silent && !may_be_about_unread(usage.rule, matched.live);
            let result = usage.result_warning(first_match.result(at), &matched.desired.rules);
            findings.extend(result.filter(|_| is_known));
        }
        findings.extend(unread_processes(matched));
        findings
    }
}

impl<'a> RuleUsage<'a> {
    fn exact_steps(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.rule.select.step.iter().flat_map(|it| it.value.exact_names())
    }

    /// Whether words of the rule's `step` have to be checked against the names of steps. A single wildcard does not: if it
    /// matches nothing, the rule is idle.
    fn needs_names(&self) -> bool {
        self.rule.select.step.as_ref().is_some_and(|patterns| {
            let included = patterns.value.included();
            let has_exact = included.iter().any(|pattern| pattern.exact_name().is_some());
            has_exact || included.len() > 1 || !patterns.value.excluded().is_empty()
        })
    }

    /// Notes which of the rule's exact names this step has.
    fn note_exact_names(&mut self, step: &'a LiveStep, reach: StepReach) {
        let is_step_name = |name: &str| {
            let folded = fold_case(name);
            folded == step.step.as_folded() || folded == step.action.as_folded()
        };
        for name in self.exact_steps().filter(|name| is_step_name(name)) {
            let best = self.found.entry(name).or_insert((reach, &step.action_type));
            if reach.is_open_to(&self.rule.verdict) {
                *best = (reach, &step.action_type);
            }
        }
    }

    /// Returns findings for names of steps that do not exist or that no rule can move.
    fn missing_steps(&self, matched: &Matched) -> Vec<Finding> {
        let Some(select) = &self.rule.select.step else { return Vec::new() };
        let missing = self.exact_steps().filter_map(|name| match self.found.get(name) {
            None => {
                Some(self.soften_if_unread(self.unknown_step_error(name, &select.span), matched))
            }
            Some((reach, _)) if reach.is_open_to(&self.rule.verdict) => None,
            Some((reach, kind)) => Some(unmovable_finding(name, *reach, kind, &select.span)),
        });
        let mut findings: Vec<Finding> = missing.collect();
        if self.processes > 0 && !may_be_about_unread(self.rule, matched.live) {
            let names = self.names.iter().copied();
            let known =
                NameCatalog::new(matched, ReferentKind::Step, names, UnreadSubject::RuleSteps);
            findings.extend(known.check_partial(select));
        }
        findings
    }

    fn unknown_step_error(&self, name: &str, at: &Span) -> Finding {
        let (message, label) = match self.processes {
            0 => (
                format!("there is no step `{name}`: no process fits the rule"),
                "no process fits the rule's other selectors".to_owned(),
            ),
            n => {
                let processes =
                    if n == 1 { "process has".into() } else { format!("{n} processes have") };
                let label = format!(
                    "the {processes} {} with other names",
                    pluralize(self.names.len(), "step")
                );
                (format!("there is no step `{name}`"), label)
            }
        };
        let help = match nearest_name(name, self.names.iter().copied()) {
            Some(near) => format!("a step with a similar name exists: `{near}`"),
            None if self.names.is_empty() => {
                "check the rule's `project`, `project_group`, `project_tag`, `runbook` and `process`".to_owned()
            }
            None => format!("available: {}", reference::first_names(self.names.iter().copied())),
        };
        Finding::error(Code::UnknownStep, at.clone(), message).with_label(label).with_help(help)
    }

    /// Downgrades an error to a warning if the missing step may be among the unread ones.
    fn soften_if_unread(&self, finding: Finding, matched: &Matched) -> Finding {
        if !may_be_about_unread(self.rule, matched.live) {
            return finding;
        }
        Finding { level: Level::Warn, ..finding }
            .with_help("it may exist among the processes that could not be read")
    }

    /// Returns findings for steps that the rule decides about and that cannot run as it asks.
    fn impossible_findings(&self) -> Vec<Finding> {
        let finding = |(why, steps): (&ExecutionConflict, &Vec<Address>)| {
            let (message, help) = match why {
                ExecutionConflict::Rolling => (
                    "`once` would remove the target tags from a step with several actions",
                    "set `execution = \"per-target\"`, or leave these steps alone with an earlier rule",
                ),
                ExecutionConflict::NeedsTargets => (
                    "`once` would remove the targets from a step that works on them",
                    "set `execution = \"per-target\"`, or remove `execution`: a worker already runs the step",
                ),
                ExecutionConflict::NoTargets => (
                    "`per-target` is not possible: the step has no target tags",
                    "set `execution = \"once\"`, or give the step target tags in Octopus",
                ),
                ExecutionConflict::OnlyByPool => (
                    "the step runs on a worker only because it names a pool",
                    "set it to run once on a worker in Octopus, or name a pool in this rule",
                ),
                ExecutionConflict::NoIdentity => (
                    "the id of the step is missing, or not unique in its process",
                    "save the process in Octopus, or recreate the step: it cannot be changed alone",
                ),
            };
            // A wildcard leaves such steps alone; naming one exactly is a mistake.
            let is_skippable =
                matches!(why, ExecutionConflict::OnlyByPool | ExecutionConflict::NoIdentity);
            let skipped = is_skippable && self.exact_steps().next().is_none();
            let code = match why {
                ExecutionConflict::NoIdentity => Code::AmbiguousStep,
                _ => Code::ImpossibleExecution,
            };
            let at = self.rule.span.clone();
            let finding = if skipped {
                let (count, stay) = (pluralize(steps.len(), "step"), stays_unchanged(steps.len()));
                Finding::warning(code, at, format!("{count} {stay}: {message}"))
            } else {
                Finding::error(code, at, message)
            };
            finding.with_notes(steps).with_help(help)
        };
        self.impossible.iter().map(finding).collect()
    }

    /// Returns the warning about a rule that decides about no step, with the reason.
    fn useless_rule_warning(&self) -> Finding {
        let (message, help) = match (self.on_targets, self.unmoved) {
            _ if self.processes == 0 => (
                "no process fits this rule".to_owned(),
                "remove it, or widen its `project`, `project_group`, `project_tag`, `runbook`, `channel` or `process`",
            ),
            (0, 0) => ("no step fits this rule".to_owned(), "remove it, or widen its selectors"),
            (0, n) => (
                format!("this rule fits {} that no rule can move", pluralize(n, "step")),
                "remove it: these steps always run inside the server or on their targets",
            ),
            (n, _) => (
                format!("this rule leaves {} on deployment targets", pluralize(n, "step")),
                "set `execution = \"once\"` or `\"per-target\"` to move them to a worker",
            ),
        };
        Finding::warning(Code::IdleRule, self.rule.span.clone(), message).with_help(help)
    }

    /// Returns the warning about a rule that matches nothing or never wins.
    fn result_warning(
        &self,
        result: RuleResult,
        rules: &[Declared<PlacementRule>],
    ) -> Option<Finding> {
        match result {
            RuleResult::Effective => None,
            RuleResult::Idle => Some(self.useless_rule_warning()),
            RuleResult::Shadowed { by, subjects } => {
                let taker = rules.get(by);
                let label = taker.and_then(|it| it.label.as_deref());
                let steps = pluralize(subjects, "step");
                let warning = shadowed_rule_warning(&self.rule.span, label, &steps);
                Some(with_earlier_rule(warning, taker.map(|rule| &rule.span)))
            }
        }
    }
}

/// Returns the finding about a step that a rule names exactly and does not move.
fn unmovable_finding(name: &str, reach: StepReach, kind: &str, at: &Span) -> Finding {
    let remove = "remove it from the rule";
    let (code, why, help) = match reach {
        StepReach::Worker | StepReach::Targets => {
            let message = format!("step `{name}` runs on its deployment targets and stays there");
            return Finding::warning(Code::TargetStep, at.clone(), message).with_help(
                "set `execution = \"once\"` or `\"per-target\"` to move it to a worker",
            );
        }
        StepReach::InServer => (
            Code::ServerSideStep,
            "always runs inside the Octopus Server, never on a worker",
            remove,
        ),
        StepReach::OnlyTargets => {
            (Code::TargetStep, "always runs on its deployment targets", remove)
        }
        StepReach::Unknown if kind.is_empty() => (
            Code::UnmanagedStep,
            "uses a step template that is missing here, and names no pool",
            "choose its pool once in Octopus: a step that names a pool can be moved",
        ),
        StepReach::Unknown if eq_ignoring_case(kind, PROCESS_TEMPLATE) => (
            Code::UnmanagedStep,
            "uses a process template",
            "remove it from the rule, and change the parameter's value in Octopus where the template is used",
        ),
        StepReach::Unknown => (
            Code::UnmanagedStep,
            "has a type that this version leaves alone",
            "remove it from the rule: where such a step runs is not documented",
        ),
    };
    let label = if kind.is_empty() {
        "only the template determines whether it runs on a worker".to_owned()
    } else {
        format!("its type is {kind}")
    };
    Finding::error(code, at.clone(), format!("step `{name}` {why}"))
        .with_label(label)
        .with_help(help)
}

/// Returns a warning about unread processes that rules may cover.
fn unread_processes(matched: &Matched) -> Option<Finding> {
    if matched.desired.rules.is_empty() {
        return None;
    }
    let uses_names = |is_used: fn(&StepSelectors) -> bool| {
        matched.desired.rules.iter().any(|rule| is_used(&rule.select))
    };
    let is_covered = |part: &&UnreadPart| match part.hidden {
        // Each repository is reported with its project.
        HiddenData::StepsInGit => false,
        HiddenData::Groups => uses_names(|select| select.project_group.is_some()),
        HiddenData::Channels => uses_names(|select| select.channel.is_some()),
        _ => {
            part.may_hide(UnreadSubject::RuleSteps)
                && part.project.as_ref().is_none_or(|it| rules::may_place_project(matched, it))
        }
    };
    let notes = describe_parts(matched.live.unread.iter().filter(is_covered));
    let at = matched.desired.rules.first().map(|rule| rule.span.clone())?;
    (!notes.is_empty()).then(|| {
        let message = "some processes could not be read, so no rule decides about their steps";
        Finding::warning(Code::UnseenSteps, at, message).with_notes(notes)
    })
}
