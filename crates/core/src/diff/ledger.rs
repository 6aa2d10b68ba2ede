//! What each rule of placement came to: names that are not there, rules that never win.
//!
//! Judged without `currently`: a migration that is done is no mistake.

mod known_names;
mod unread;

pub use unread::rules_about_unread;

use super::{
    goal::{ExecutionConflict, StepReach},
    matched::Matched,
    reference, rules,
};
use crate::{
    desired::{Declared, FirstMatch, PlacementRule, RuleResult, shadowed_rule_warning},
    finding::{Code, Finding, Level, Span},
    live::{HiddenData, LiveProcess, LiveStep, PROCESS_TEMPLATE, UnreadPart},
    model::Address,
    text::{eq_ignoring_case, fold_case, nearest_name, pluralize, stays_unchanged},
};

use known_names::KnownNames;
use std::collections::{BTreeMap, BTreeSet};
use unread::may_be_about_unread;

/// What is known of each rule, filled as steps go by.
pub(super) struct RuleLedger<'a> {
    matched: &'a Matched<'a>,
    pages: Vec<RuleUsage<'a>>,
}

/// What is known of one rule.
struct RuleUsage<'a> {
    rule: &'a Declared<PlacementRule>,
    /// Processes whose owner the rule fits.
    processes: usize,
    /// Names of steps and actions in these, for suggestions; only where the rule names steps exactly.
    names: BTreeSet<&'a str>,
    /// The exact names that were found, and how far each could be reached at best.
    found: BTreeMap<&'a str, (StepReach, &'a str)>,
    /// Steps that fit it and stay on their targets, since it says no `execution`.
    on_targets: usize,
    /// Steps that fit it and that no rule moves.
    unmoved: usize,
    /// Steps that cannot run as the rule says.
    cannot: BTreeMap<ExecutionConflict, Vec<Address>>,
}

impl<'a> RuleLedger<'a> {
    pub(super) fn new(matched: &'a Matched<'a>) -> Self {
        let page = |rule: &'a Declared<PlacementRule>| RuleUsage {
            rule,
            processes: 0,
            names: BTreeSet::new(),
            found: BTreeMap::new(),
            on_targets: 0,
            unmoved: 0,
            cannot: BTreeMap::new(),
        };
        Self { matched, pages: matched.desired.rules.iter().map(page).collect() }
    }

    /// Notes a process and the rules that fit its owner.
    pub(super) fn note_process(&mut self, process: &'a LiveProcess, rules: &[usize]) {
        for at in rules {
            let Some(page) = self.pages.get_mut(*at) else { continue };
            page.processes += 1;
            if page.exact_steps().next().is_none() {
                continue;
            }
            for step in &process.steps {
                page.names.extend([step.step.as_str(), step.action.as_str()]);
            }
        }
    }

    /// Notes a step and the rules whose selectors fit it.
    pub(super) fn note_step(&mut self, rules: &[usize], step: &'a LiveStep, reach: StepReach) {
        for at in rules {
            let Some(page) = self.pages.get_mut(*at) else { continue };
            page.note_exact_names(step, reach);
            if !reach.is_open_to(&page.rule.verdict) {
                match reach {
                    StepReach::Targets => page.on_targets += 1,
                    _ => page.unmoved += 1,
                }
            }
        }
    }

    /// Notes that a step cannot run as a rule says.
    pub(super) fn note_impossible(&mut self, rule: usize, why: ExecutionConflict, step: Address) {
        if let Some(page) = self.pages.get_mut(rule) {
            page.cannot.entry(why).or_default().push(step);
        }
    }

    /// What there is to say about the rules, in their order, and about what has become of each.
    pub(super) fn rule_findings(self, first_match: &FirstMatch) -> Vec<Finding> {
        let Self { matched, pages } = self;
        let known = KnownNames::new(matched);
        let mut findings = Vec::new();
        for (at, page) in pages.iter().enumerate() {
            let owners = known.unknown_selectors(&page.rule.value);
            let steps = if owners.is_empty() { page.missing_steps() } else { Vec::new() };
            let silent = owners.is_empty() && steps.is_empty();
            findings.extend(
                owners.into_iter().chain(steps).map(|it| page.soften_if_unread(it, matched)),
            );
            findings.extend(page.impossible_findings());
            let result = first_match.result(at);
            findings.extend(page.result_warning(result, &matched.desired.rules).filter(|_| silent));
        }
        findings.extend(unread_processes(matched));
        findings
    }
}

impl<'a> RuleUsage<'a> {
    fn exact_steps(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.rule.select.step.iter().flat_map(|it| it.value.exact_names())
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

    /// Exact names of steps that are not there, or that no rule can move.
    fn missing_steps(&self) -> Vec<Finding> {
        let Some(select) = &self.rule.select.step else { return Vec::new() };
        let missing = self.exact_steps().filter_map(|name| match self.found.get(name) {
            None => Some(self.unknown_step_error(name, &select.span)),
            Some((reach, _)) if reach.is_open_to(&self.rule.verdict) => None,
            Some((reach, kind)) => Some(unmovable_finding(name, *reach, kind, &select.span)),
        });
        missing.collect()
    }

    fn unknown_step_error(&self, name: &str, at: &Span) -> Finding {
        let (message, label) = match self.processes {
            0 => (
                format!("there is no step `{name}`: no process fits the rule"),
                "no project, runbook and kind of process fits the rule's other selectors"
                    .to_owned(),
            ),
            n => {
                let processes =
                    if n == 1 { "process has".into() } else { format!("{n} processes have") };
                let label = format!(
                    "the {processes} {} of other names",
                    pluralize(self.names.len(), "step")
                );
                (format!("there is no step `{name}`"), label)
            }
        };
        let help = match nearest_name(name, self.names.iter().copied()) {
            Some(near) => format!("a step of a similar name exists: `{near}`"),
            None if self.names.is_empty() => {
                "look at the rule's `project`, `project_group`, `project_tag`, `runbook` and `process`".to_owned()
            }
            None => format!("there are {}", reference::first_names(self.names.iter().copied())),
        };
        Finding::error(Code::UnknownStep, at.clone(), message).with_label(label).with_help(help)
    }

    /// The finding, and no error where what is not found may be among what could not be read.
    fn soften_if_unread(&self, finding: Finding, matched: &Matched) -> Finding {
        let is_read = |finding: &Finding| {
            !finding.code.may_be_in_unread_process()
                || matched.desired.version_control.is_none()
                || !may_be_about_unread(self.rule, matched.live)
        };
        if finding.level != Level::Error || is_read(&finding) {
            return finding;
        }
        Finding { level: Level::Warn, ..finding }
            .with_help("it may be among what could not be read")
    }

    /// Steps that the rule takes and that cannot run as it says.
    fn impossible_findings(&self) -> Vec<Finding> {
        let finding = |(why, steps): (&ExecutionConflict, &Vec<Address>)| {
            let (message, help) = match why {
                ExecutionConflict::Rolling => (
                    "`once` would take the target tags from a step of several actions",
                    "say `execution = \"per-target\"`, or leave these steps by a rule before this one",
                ),
                ExecutionConflict::NeedsTargets => (
                    "`once` would take the targets from a step that works on them",
                    "say `execution = \"per-target\"`, or leave `execution` out: a worker runs it already",
                ),
                ExecutionConflict::NoTargets => (
                    "`per-target` is not possible: the step has no target tags",
                    "say `execution = \"once\"`, or give the step target tags in Octopus",
                ),
                ExecutionConflict::OnlyByPool => (
                    "without the pool that it names, nothing says that the step runs on a worker",
                    "choose in Octopus that it runs once on a worker, or name a pool in this rule",
                ),
                ExecutionConflict::NoIdentity => (
                    "its process has another step of its id, or it has none",
                    "save the process in Octopus, or make the step anew: nothing can be written to it alone",
                ),
            };
            let steps: Vec<String> = steps.iter().map(Address::to_string).collect();
            // A wildcard leaves them where they are; who names one is wrong about it.
            let stays_by_itself =
                matches!(why, ExecutionConflict::OnlyByPool | ExecutionConflict::NoIdentity);
            let left = stays_by_itself && self.exact_steps().next().is_none();
            let code = match why {
                ExecutionConflict::NoIdentity => Code::AmbiguousStep,
                _ => Code::ImpossibleExecution,
            };
            let at = self.rule.span.clone();
            let finding = match left {
                true => {
                    let (left, stay) =
                        (pluralize(steps.len(), "step"), stays_unchanged(steps.len()));
                    Finding::warning(code, at, format!("{left} {stay}: {message}"))
                }
                false => Finding::error(code, at, message),
            };
            finding.with_notes(steps).with_help(help)
        };
        self.cannot.iter().map(finding).collect()
    }

    /// A rule that decides about no step, and why.
    fn useless_rule_warning(&self) -> Finding {
        let (message, help) = match (self.on_targets, self.unmoved) {
            _ if self.processes == 0 => (
                "no process fits this rule".to_owned(),
                "remove it, or widen its `project`, `project_group`, `project_tag`, `runbook`, `channel` or `process`",
            ),
            (0, 0) => ("no step fits this rule".to_owned(), "remove it, or widen its selectors"),
            (0, n) => (
                format!("this rule fits {} that no rule moves", pluralize(n, "step")),
                "remove it: these steps run inside the server, or always on their targets",
            ),
            (n, _) => (
                format!("this rule leaves {} on deployment targets", pluralize(n, "step")),
                "say `execution = \"once\"` or `\"per-target\"` to move them to a worker",
            ),
        };
        Finding::warning(Code::IdleRule, self.rule.span.clone(), message).with_help(help)
    }

    /// The warning about a rule that matches nothing, or that never wins.
    fn result_warning(
        &self,
        result: RuleResult,
        rules: &[Declared<PlacementRule>],
    ) -> Option<Finding> {
        match result {
            RuleResult::Effective => None,
            RuleResult::Idle => Some(self.useless_rule_warning()),
            RuleResult::Shadowed { by, subjects } => {
                let taker = rules.get(by).and_then(|it| it.label.as_deref());
                let steps = pluralize(subjects, "step");
                Some(shadowed_rule_warning(&self.rule.span, taker, &steps))
            }
        }
    }
}

/// Why a step that a rule names exactly is not moved by it.
fn unmovable_finding(name: &str, reach: StepReach, kind: &str, at: &Span) -> Finding {
    let remove = "remove it from the rule";
    let (code, why, help) = match reach {
        StepReach::Worker | StepReach::Targets => {
            let message = format!("step `{name}` runs on its deployment targets and stays there");
            return Finding::warning(Code::TargetStep, at.clone(), message).with_help(
                "say `execution = \"once\"` or `\"per-target\"` to move it to a worker",
            );
        }
        StepReach::InServer => (
            Code::ServerSideStep,
            "always runs inside the Octopus Server, and never on a worker",
            remove,
        ),
        StepReach::OnlyTargets => {
            (Code::TargetStep, "always runs on its deployment targets", remove)
        }
        StepReach::Unknown if kind.is_empty() => (
            Code::UnmanagedStep,
            "is made of a step template that is not here, and names no pool",
            "choose its pool once in Octopus, or by hand: a step that names a pool is moved",
        ),
        StepReach::Unknown if eq_ignoring_case(kind, PROCESS_TEMPLATE) => (
            Code::UnmanagedStep,
            "stands for the steps of a process template",
            "remove it from the rule, and change the parameter's value in Octopus where the template is used",
        ),
        StepReach::Unknown => (
            Code::UnmanagedStep,
            "is of a type that this version leaves alone",
            "remove it from the rule: it is not documented where such a step runs",
        ),
    };
    let label = if kind.is_empty() {
        "only its template says whether it runs on a worker".to_owned()
    } else {
        format!("its type is {kind}")
    };
    Finding::error(code, at.clone(), format!("step `{name}` {why}"))
        .with_label(label)
        .with_help(help)
}

/// What could not be read, where rules would have been asked about it.
fn unread_processes(matched: &Matched) -> Option<Finding> {
    if matched.desired.rules.is_empty() {
        return None;
    }
    let is_asked = |gap: &&UnreadPart| {
        matches!(gap.hidden, HiddenData::Steps | HiddenData::Rules)
            && gap.project.as_ref().is_none_or(|it| rules::may_place_project(matched, it))
    };
    let gaps = matched.live.unread.iter().filter(is_asked);
    let notes: Vec<_> = gaps.map(|gap| format!("{}: {}", gap.what, gap.why)).collect();
    let at = matched.desired.rules.first().map(|rule| rule.span.clone())?;
    (!notes.is_empty()).then(|| {
        let message = "some processes could not be read, and no rule decides about their steps";
        Finding::warning(Code::UnseenSteps, at, message).with_notes(notes)
    })
}
