//! An index of all steps that run on a worker, and of which ones a rule matches.
//!
//! Names are matched exactly: a name that is also a wildcard for another name, or that the language
//! cannot express, is never used. Never: choosing rules.

use crate::{
    live::{Live, LiveProcess, LiveStep, is_left_alone, runs_on_worker},
    model::{Id, Place, Pool},
    text::{fold_case, pattern::Pattern},
};

use std::collections::{BTreeMap, HashMap};

/// A step and its process.
#[derive(Clone, Copy)]
pub(super) struct PlacedStep<'a> {
    pub(super) process: &'a LiveProcess,
    pub(super) step: &'a LiveStep,
}

/// A property that a rule can match, in order of preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum RuleFacet {
    /// The type of the action.
    ActionType,
    /// The project's group.
    Group,
    /// The name of the step, or of the action.
    Step,
    /// Whether the process is a deployment's or a runbook's.
    Process,
    /// The runbook's name.
    Runbook,
    /// The project's name.
    Project,
}

/// Every facet.
pub(super) const FACETS: [RuleFacet; 6] = [
    RuleFacet::ActionType,
    RuleFacet::Group,
    RuleFacet::Step,
    RuleFacet::Process,
    RuleFacet::Runbook,
    RuleFacet::Project,
];

/// What a rule matches of a facet: any of these names, by their numbers.
pub(super) type RuleTerm = (RuleFacet, Vec<usize>);

/// The steps to find rules for, with their places and names.
pub(super) struct StepCatalog<'a> {
    pub(super) steps: Vec<PlacedStep<'a>>,
    /// The places of steps: the default pool, pools in server order, variables by name.
    pub(super) places: Vec<&'a Place<Id<Pool>>>,
    /// The place of each step, as an index into `places`.
    pub(super) place: Vec<usize>,
    facets: BTreeMap<RuleFacet, FacetIndex<'a>>,
}

/// The names of a facet.
#[derive(Default)]
struct FacetIndex<'a> {
    names: Vec<IndexedName<'a>>,
    /// The number of each step's name; the action's name for a step with several actions.
    by_step: Vec<Option<usize>>,
}

/// A name and the steps that a rule with it matches.
pub(super) struct IndexedName<'a> {
    pub(super) written: &'a str,
    /// Whether a rule can use the name and matches nothing else by it.
    pub(super) usable: bool,
    pub(super) steps: Vec<usize>,
}

impl<'a> PlacedStep<'a> {
    /// Returns all steps of a space: those that a rule may place, and the others.
    pub(super) fn partition_all(live: &'a Live) -> (Vec<Self>, Vec<Self>) {
        let process_steps =
            |process: &'a LiveProcess| process.steps.iter().map(move |step| Self { process, step });
        let all = live.processes.iter().flat_map(process_steps);
        all.partition(|step| runs_on_worker(step.step) && !is_left_alone(step.step))
    }

    /// Returns whether the step is in `ids`.
    pub(super) fn is_in_ids(&self, ids: &super::StepIds) -> bool {
        ids.contains(&(self.process.id.as_str(), self.step.id.as_str()))
    }

    /// Returns the step's value for a facet; the action's name for a step with several actions.
    pub(super) fn facet_value(&self, facet: RuleFacet) -> Option<&'a str> {
        let owner = &self.process.owner;
        Some(match facet {
            RuleFacet::ActionType => &self.step.action_type,
            RuleFacet::Group => owner.group.as_str(),
            RuleFacet::Step => self.step.display_name().as_str(),
            RuleFacet::Process if owner.runbook.is_none() => "deployment",
            RuleFacet::Process => "runbook",
            RuleFacet::Runbook => owner.runbook.as_ref()?.as_str(),
            RuleFacet::Project => owner.project.as_str(),
        })
    }
}

impl RuleFacet {
    /// Returns the facet's key in a rule.
    pub(super) fn rule_key(self) -> &'static str {
        match self {
            Self::ActionType => "action_type",
            Self::Group => "project_group",
            Self::Step => "step",
            Self::Process => "process",
            Self::Runbook => "runbook",
            Self::Project => "project",
        }
    }
}

impl<'a> StepCatalog<'a> {
    /// Indexes the given steps of a space.
    pub(super) fn new(live: &'a Live, steps: Vec<PlacedStep<'a>>) -> Self {
        let places = ordered_places(live, &steps);
        let numbers: HashMap<&Place<Id<Pool>>, usize> =
            places.iter().enumerate().map(|(number, place)| (*place, number)).collect();
        let place_number = |step: &PlacedStep| numbers.get(&step.step.place).copied();
        let place = steps.iter().map(|it| place_number(it).unwrap_or_default()).collect();
        let mut facets: BTreeMap<RuleFacet, FacetIndex> =
            FACETS.into_iter().map(|facet| (facet, FacetIndex::new(&steps, facet))).collect();
        if let Some(projects) = facets.get_mut(&RuleFacet::Project) {
            projects.disable_shared_names(live);
        }
        Self { steps, places, place, facets }
    }

    /// Returns the names that steps have for a facet.
    pub(super) fn facet_names(&self, facet: RuleFacet) -> &[IndexedName<'a>] {
        self.facets.get(&facet).map_or(&[], |it| &it.names)
    }

    /// Returns a name by its number.
    pub(super) fn facet_name(&self, facet: RuleFacet, number: usize) -> Option<&IndexedName<'a>> {
        self.facet_names(facet).get(number)
    }

    /// Returns the number of a step's name, if a rule can use it.
    pub(super) fn step_name_number(&self, facet: RuleFacet, step: usize) -> Option<usize> {
        let number = (*self.facets.get(&facet)?.by_step.get(step)?)?;
        self.facet_name(facet, number).filter(|it| it.usable).map(|_| number)
    }

    /// Returns the steps that a rule with these terms matches, in order.
    pub(super) fn matching_steps(&self, terms: &[RuleTerm]) -> Vec<usize> {
        let found = |(facet, numbers): &RuleTerm| {
            let named = numbers.iter().filter_map(|number| self.facet_name(*facet, *number));
            let mut found: Vec<usize> = named.flat_map(|it| it.steps.iter().copied()).collect();
            found.sort_unstable();
            found.dedup();
            found
        };
        let mut matches = terms.iter().map(found);
        let first = matches.next().unwrap_or_else(|| (0..self.steps.len()).collect());
        matches.fold(first, |mut reach, found| {
            reach.retain(|it| found.binary_search(it).is_ok());
            reach
        })
    }
}

impl<'a> FacetIndex<'a> {
    fn new(steps: &[PlacedStep<'a>], facet: RuleFacet) -> Self {
        let mut index = Self::default();
        let mut numbers: HashMap<String, usize> = HashMap::new();
        for (at, step) in steps.iter().enumerate() {
            let number = step.facet_value(facet).map(|name| index.add_name(&mut numbers, name, at));
            index.by_step.push(number);
            if facet == RuleFacet::Step {
                // A rule matches a step by its name or by its action's.
                index.add_name(&mut numbers, step.step.step.as_str(), at);
                index.add_name(&mut numbers, step.step.action.as_str(), at);
            }
        }
        let wild: Vec<usize> = numbers
            .iter()
            .filter(|(name, number)| {
                let pattern = Pattern::new(name);
                pattern.exact_name().is_none()
                    && numbers
                        .iter()
                        .any(|(text, text_number)| text_number != *number && pattern.matches(text))
            })
            .map(|(_, number)| *number)
            .collect();
        for number in wild {
            index.names.get_mut(number).into_iter().for_each(|name| name.usable = false);
        }
        index
    }

    /// Marks names that several projects share as unusable, because a rule that names one is rejected.
    fn disable_shared_names(&mut self, live: &Live) {
        let mut projects: HashMap<&str, usize> = HashMap::new();
        for project in &live.projects {
            *projects.entry(project.name.as_folded()).or_default() += 1;
        }
        let is_shared = |name: &&mut IndexedName| {
            projects.get(fold_case(name.written).as_str()).is_some_and(|count| *count > 1)
        };
        self.names.iter_mut().filter(is_shared).for_each(|name| name.usable = false);
    }

    fn add_name(
        &mut self,
        numbers: &mut HashMap<String, usize>,
        name: &'a str,
        step: usize,
    ) -> usize {
        let written = name.trim();
        let number = *numbers.entry(fold_case(written)).or_insert(self.names.len());
        if number == self.names.len() {
            self.names.push(IndexedName {
                written,
                usable: is_selectable_name(written),
                steps: vec![],
            });
        }
        if let Some(named) = self.names.get_mut(number)
            && named.steps.last() != Some(&step)
        {
            named.steps.push(step);
        }
        number
    }
}

/// Returns whether a trimmed name can be used as a selector.
fn is_selectable_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(char::is_control) && !name.starts_with('!')
}

/// Returns the places of steps: the default pool, pools in server order, variables by name.
fn ordered_places<'a>(live: &Live, steps: &[PlacedStep<'a>]) -> Vec<&'a Place<Id<Pool>>> {
    let order: HashMap<&str, usize> =
        live.pools.iter().enumerate().map(|(at, pool)| (pool.id.as_str(), at)).collect();
    let rank = |place: &Place<Id<Pool>>| match place {
        Place::DefaultPool => (0, 0, String::new()),
        Place::Pool(id) => {
            let at = order.get(id.as_str()).copied().unwrap_or(usize::MAX);
            (1, at, id.as_str().to_owned())
        }
        Place::Variable(name) => (2, 0, name.clone()),
    };
    let by_rank: BTreeMap<_, _> =
        steps.iter().map(|step| (rank(&step.step.place), &step.step.place)).collect();
    by_rank.into_values().collect()
}
