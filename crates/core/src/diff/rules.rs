//! Which rules fit which steps, by their selectors except `currently`.
//!
//! Rules are found by the names that they list. Only the rules with a wildcard are compared with a name, and each
//! name of a step only once, since thousands of steps share few names.

mod selector_index;

use super::matched::Matched;
use crate::{
    desired::{Declared, PlacementRule, PlacementVerdict},
    live::{LiveProcess, LiveProject, LiveStep},
    model::Name,
    text::{fold_case, pattern::Patterns},
};

use selector_index::SelectorIndex;
use std::{collections::HashMap, rc::Rc};

/// The placement rules of a file, indexed for matching many steps.
pub(super) struct Rulebook<'a> {
    rules: &'a [Declared<PlacementRule>],
    /// The tags of each project, if any rule selects by tag.
    tags: HashMap<&'a Name, &'a [String]>,
    /// Whether any rule selects by channel.
    by_channel: bool,
    by_project: SelectorIndex<'a>,
    by_step: SelectorIndex<'a>,
    /// The rules that fit each pair of names of a step and its action.
    by_names: HashMap<(&'a str, &'a str), Rc<[usize]>>,
    by_type: HashMap<&'a str, Rc<[bool]>>,
}

impl<'a> Rulebook<'a> {
    /// Indexes the rules, in the file's order, for the steps of these projects.
    pub(super) fn new(rules: &'a [Declared<PlacementRule>], projects: &'a [LiveProject]) -> Self {
        let by_tag = rules.iter().any(|rule| rule.select.project_tag.is_some());
        let tags = projects
            .iter()
            .filter(|_| by_tag)
            .map(|project| (&project.name, project.tags.as_slice()));
        Self {
            rules,
            tags: tags.collect(),
            by_channel: rules.iter().any(|rule| rule.select.channel.is_some()),
            by_project: SelectorIndex::new(rules, |select| &select.project),
            by_step: SelectorIndex::new(rules, |select| &select.step),
            by_names: HashMap::new(),
            by_type: HashMap::new(),
        }
    }

    /// Returns the rules whose selectors for project, group, runbook and kind of process fit this process.
    pub(super) fn rules_for_process(&self, process: &LiveProcess) -> Vec<usize> {
        let owner = &process.owner;
        let fits_process = |rule: &PlacementRule| {
            let select = &rule.select;
            let kind = match &owner.runbook {
                None => select.processes.has_deployments() && select.runbook.is_none(),
                Some(name) => {
                    select.processes.has_runbooks() && fits_name(&select.runbook, name.as_folded())
                }
            };
            let tags = self.tags.get(&owner.project).copied().unwrap_or_default();
            kind && fits_name(&select.project_group, owner.group.as_folded())
                && fits_any_name(&select.project_tag, tags)
        };
        let mut fitting = self.by_project.rules_for_names(&[owner.project.as_folded()]);
        fitting.retain(|at| self.rules.get(*at).is_some_and(|it| fits_process(it)));
        fitting
    }

    /// Returns those of `candidates` whose selectors for name, type and channel fit this step, in order.
    pub(super) fn rules_for_step(
        &mut self,
        candidates: &[usize],
        step: &'a LiveStep,
    ) -> Vec<usize> {
        if candidates.is_empty() {
            return Vec::new();
        }
        let rules = self.rules;
        let names = (step.step.as_folded(), step.action.as_folded());
        let named = self
            .by_names
            .entry(names)
            .or_insert_with(|| self.by_step.rules_for_names(&[names.0, names.1]).into());
        let named = Rc::clone(named);
        let typed = self.by_type.entry(&step.action_type).or_insert_with(|| {
            let kind = fold_case(&step.action_type);
            rules.iter().map(|rule| fits_type(&rule.select.action_type, &kind)).collect()
        });
        let is_set = |list: &Rc<[bool]>, at: usize| list.get(at).copied().unwrap_or_default();
        let by_channel = self.by_channel;
        let in_channel = |at: usize| {
            !by_channel || rules.get(at).is_some_and(|it| fits_channels(&it.select.channel, step))
        };
        let fits_step = |at: &usize| is_set(typed, *at) && in_channel(*at);
        // Both are sorted, and the shorter one is walked through.
        let (short, long) = if named.len() < candidates.len() {
            (&*named, candidates)
        } else {
            (candidates, &*named)
        };
        let both = short.iter().copied().filter(|at| long.binary_search(at).is_ok());
        both.filter(fits_step).collect()
    }
}

/// Whether a rule may place a step of this project, whose steps are not known.
pub(super) fn may_place_project(matched: &Matched, project: &Name) -> bool {
    let mut same_name = matched.live.projects.iter().filter(|other| other.name == *project);
    same_name.any(|it| may_place_any(&matched.desired.rules, it))
}

/// Whether one of some rules may place a step of this project.
pub(super) fn may_place_any(rules: &[Declared<PlacementRule>], project: &LiveProject) -> bool {
    let about = |rule: &&Declared<PlacementRule>| {
        fits_name(&rule.select.project, project.name.as_folded())
            && fits_name(&rule.select.project_group, project.group.as_folded())
            && fits_any_name(&rule.select.project_tag, &project.tags)
    };
    let deployments = |rule: &&Declared<PlacementRule>| {
        rule.select.processes.has_deployments() && rule.select.runbook.is_none()
    };
    let runbooks = |it: &&Declared<PlacementRule>| it.select.processes.has_runbooks();
    let place = |rules: &mut dyn Iterator<Item = &Declared<PlacementRule>>| {
        // Later rules cannot place what an earlier rule leaves entirely.
        rules
            .take_while(|it| !leaves_all_steps(it))
            .any(|rule| rule.verdict != PlacementVerdict::Leave)
    };
    place(&mut rules.iter().filter(about).filter(deployments))
        || place(&mut rules.iter().filter(about).filter(runbooks))
}

/// Whether a rule leaves all steps of the projects that it selects.
fn leaves_all_steps(rule: &PlacementRule) -> bool {
    let select = &rule.select;
    rule.verdict == PlacementVerdict::Leave
        && select.runbook.is_none()
        && select.step.is_none()
        && select.action_type.is_none()
        && select.channel.is_none()
        && select.currently.is_none()
}

/// Whether the channels of a step fit. A step without channels runs in all of them and does not fit.
fn fits_channels(select: &Option<Declared<Patterns>>, step: &LiveStep) -> bool {
    select.is_none() || !step.channels.is_empty() && fits_any_name(select, &step.channels)
}

fn fits_any_name(select: &Option<Declared<Patterns>>, names: &[String]) -> bool {
    select.as_ref().is_none_or(|select| select.matches_any(names.iter().map(String::as_str)))
}

fn fits_name(select: &Option<Declared<Patterns>>, folded: &str) -> bool {
    select.as_ref().is_none_or(|patterns| patterns.matches_folded(folded))
}

/// Whether a type of action fits. An unknown type, which is empty, only fits a selector that excludes nothing.
fn fits_type(select: &Option<Declared<Patterns>>, folded: &str) -> bool {
    if folded.is_empty() {
        select.as_ref().is_none_or(|patterns| patterns.matches_everything())
    } else {
        fits_name(select, folded)
    }
}
