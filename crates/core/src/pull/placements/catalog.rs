//! All steps that run on a worker, and which of them a rule finds.
//!
//! A name finds what has it and nothing else: one that would be a wildcard for another name, or that the
//! language cannot say, is never asked for. Never: a choice of rules.

use crate::{
    live::{Live, LiveProcess, LiveStep, is_left_alone, runs_on_worker},
    model::{Id, Place, Pool},
    text::{fold_case, pattern::Pattern},
};

use std::collections::{BTreeMap, HashMap};

/// A step, and its process.
#[derive(Clone, Copy)]
pub(super) struct PlacedStep<'a> {
    pub(super) process: &'a LiveProcess,
    pub(super) step: &'a LiveStep,
}

/// What a rule looks at, in the order in which it is taken where it says as much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum RuleFacet {
    /// The type of the action.
    ActionType,
    /// The project's group.
    Group,
    /// The name of the step, or of the action.
    Step,
    /// Whether it is a deployment's or a runbook's.
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

/// What a rule asks of a facet: any of these names, by their numbers.
pub(super) type RuleTerm = (RuleFacet, Vec<usize>);

/// All steps, to find rules for.
pub(super) struct StepCatalog<'a> {
    pub(super) steps: Vec<PlacedStep<'a>>,
    /// The places that steps have: the default pool, pools in their order, variables by name.
    pub(super) places: Vec<&'a Place<Id<Pool>>>,
    /// Where each step is, as a number of `places`.
    pub(super) place: Vec<usize>,
    facets: BTreeMap<RuleFacet, FacetIndex<'a>>,
}

/// The names of a facet.
#[derive(Default)]
struct FacetIndex<'a> {
    names: Vec<IndexedName<'a>>,
    /// The name by which each step is asked for; of a step of several actions, the action's.
    of_step: Vec<Option<usize>>,
}

/// A name, and the steps that a rule with it finds.
pub(super) struct IndexedName<'a> {
    pub(super) written: &'a str,
    /// Whether a rule can say it, and finds nothing else by it.
    pub(super) askable: bool,
    pub(super) steps: Vec<usize>,
}

impl<'a> PlacedStep<'a> {
    /// All steps of a space: those that a rule may place, and the others.
    pub(super) fn partition_all(live: &'a Live) -> (Vec<Self>, Vec<Self>) {
        let process_steps =
            |process: &'a LiveProcess| process.steps.iter().map(move |step| Self { process, step });
        let all = live.processes.iter().flat_map(process_steps);
        all.partition(|step| runs_on_worker(step.step) && !is_left_alone(step.step))
    }

    /// Whether it is one of these.
    pub(super) fn is_in_ids(&self, ids: &super::StepIds) -> bool {
        ids.contains(&(self.process.id.as_str(), self.step.id.as_str()))
    }

    /// What a facet looks at; of a step that has several actions, the action's name.
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
    /// Its key in a rule.
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
    /// The steps of a space, those that run on a worker.
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

    /// The names that steps have.
    pub(super) fn facet_names(&self, facet: RuleFacet) -> &[IndexedName<'a>] {
        self.facets.get(&facet).map_or(&[], |it| &it.names)
    }

    /// A name by its number.
    pub(super) fn facet_name(&self, facet: RuleFacet, number: usize) -> Option<&IndexedName<'a>> {
        self.facet_names(facet).get(number)
    }

    /// The number of a step's name, where a rule can ask for it.
    pub(super) fn step_name_number(&self, facet: RuleFacet, step: usize) -> Option<usize> {
        let number = (*self.facets.get(&facet)?.of_step.get(step)?)?;
        self.facet_name(facet, number).filter(|it| it.askable).map(|_| number)
    }

    /// The steps that a rule of these terms finds, in order.
    pub(super) fn matching_steps(&self, terms: &[RuleTerm]) -> Vec<usize> {
        let found = |(facet, numbers): &RuleTerm| {
            let named = numbers.iter().filter_map(|number| self.facet_name(*facet, *number));
            let mut found: Vec<usize> = named.flat_map(|it| it.steps.iter().copied()).collect();
            found.sort_unstable();
            found.dedup();
            found
        };
        let mut all = terms.iter().map(found);
        let first = all.next().unwrap_or_else(|| (0..self.steps.len()).collect());
        all.fold(first, |mut reach, found| {
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
            let own = step.facet_value(facet).map(|it| index.add_name(&mut numbers, it, at));
            index.of_step.push(own);
            if facet == RuleFacet::Step {
                // A rule finds a step by its own name and by its action's.
                index.add_name(&mut numbers, step.step.step.as_str(), at);
                index.add_name(&mut numbers, step.step.action.as_str(), at);
            }
        }
        let wild: Vec<usize> = numbers
            .iter()
            .filter(|(name, number)| {
                let pattern = Pattern::new(name);
                pattern.exact_name().is_none()
                    && numbers.iter().any(|(text, other)| other != *number && pattern.matches(text))
            })
            .map(|(_, number)| *number)
            .collect();
        for number in wild {
            index.names.get_mut(number).into_iter().for_each(|name| name.askable = false);
        }
        index
    }

    /// Takes back the names that several projects have: a rule that names one is refused.
    fn disable_shared_names(&mut self, live: &Live) {
        let mut projects: HashMap<&str, usize> = HashMap::new();
        for project in &live.projects {
            *projects.entry(project.name.as_folded()).or_default() += 1;
        }
        let is_shared = |name: &&mut IndexedName| {
            projects.get(fold_case(&name.written).as_str()).is_some_and(|n| 1 < *n)
        };
        self.names.iter_mut().filter(is_shared).for_each(|name| name.askable = false);
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
                askable: is_selectable_name(written),
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

/// Whether a trimmed name can stand in a selector and mean itself.
fn is_selectable_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(char::is_control) && !name.starts_with('!')
}

/// Where steps are: the default pool, pools in their order, variables by name.
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
