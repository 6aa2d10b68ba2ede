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
const FACETS: [RuleFacet; 6] = [
    RuleFacet::ActionType,
    RuleFacet::Group,
    RuleFacet::Step,
    RuleFacet::Process,
    RuleFacet::Runbook,
    RuleFacet::Project,
];

/// Up to how many names with wildcards are compared with all others; of more, none is used.
const MAX_WILD_NAMES: usize = 64;

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
    /// The number of each step's name, if a rule can use it; the action's name for a step with several actions.
    by_step: Vec<Option<usize>>,
    /// The numbers of all names that match each step, if those may be several.
    all_by_step: Vec<Vec<usize>>,
}

/// A name that steps have.
pub(super) struct IndexedName<'a> {
    pub(super) written: &'a str,
    /// Whether a rule can use the name and matches nothing else by it.
    usable: bool,
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
        facets.values_mut().for_each(FacetIndex::forget_unusable);
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
        *self.facets.get(&facet)?.by_step.get(step)?
    }

    /// Returns the numbers of all names by which a rule can match a step.
    pub(super) fn step_name_numbers(&self, facet: RuleFacet, step: usize) -> &[usize] {
        let Some(index) = self.facets.get(&facet) else { return &[] };
        let own = || index.by_step.get(step).map_or(&[][..], Option::as_slice);
        index.all_by_step.get(step).map_or_else(own, Vec::as_slice)
    }

    /// Returns every combination of names, one for each facet, that matches a step.
    pub(super) fn name_combinations(&self, facets: &[RuleFacet], step: usize) -> Vec<Vec<usize>> {
        let mut all = vec![Vec::with_capacity(facets.len())];
        for facet in facets {
            let names = self.step_name_numbers(*facet, step);
            if let ([name], [only]) = (names, all.as_mut_slice()) {
                only.push(*name);
                continue;
            }
            let extend = |known: &Vec<usize>| {
                let known = known.clone();
                names.iter().map(move |name| [known.as_slice(), &[*name]].concat())
            };
            all = all.iter().flat_map(extend).collect();
        }
        all
    }
}

impl<'a> FacetIndex<'a> {
    fn new(steps: &[PlacedStep<'a>], facet: RuleFacet) -> Self {
        let mut index = Self::default();
        let mut numbers: HashMap<String, usize> = HashMap::new();
        for step in steps {
            let number = step.facet_value(facet).map(|name| index.add_name(&mut numbers, name));
            index.by_step.push(number);
            if facet == RuleFacet::Step {
                // A rule matches a step by its name or by its action's.
                let names = [&step.step.step, &step.step.action];
                let names = names.map(|name| index.add_name(&mut numbers, name.as_str()));
                let mut all: Vec<usize> = number.into_iter().chain(names).collect();
                all.sort_unstable();
                all.dedup();
                index.all_by_step.push(all);
            }
        }
        // A name with an escape, such as `a\*`, is read as another one.
        let has_wildcard =
            |name: &&String| Pattern::new(name).exact_name().is_none_or(|it| it != name.trim());
        let wild: Vec<&String> = numbers.keys().filter(has_wildcard).collect();
        let few = wild.len() <= MAX_WILD_NAMES;
        let is_misread = |name: &&&String| {
            let pattern = Pattern::new(name);
            let is_other = |text: &String| (text != **name) == pattern.matches(text);
            !few || numbers.keys().any(is_other)
        };
        let wild: Vec<usize> =
            wild.iter().filter(is_misread).filter_map(|name| numbers.get(*name)).copied().collect();
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

    /// Removes the numbers of names that a rule cannot use from the steps.
    fn forget_unusable(&mut self) {
        let Self { names, by_step, all_by_step } = self;
        let is_usable = |number: &usize| names.get(*number).is_some_and(|name| name.usable);
        by_step.iter_mut().for_each(|number| *number = number.filter(is_usable));
        all_by_step.iter_mut().for_each(|numbers| numbers.retain(is_usable));
    }

    fn add_name(&mut self, numbers: &mut HashMap<String, usize>, name: &'a str) -> usize {
        let written = name.trim();
        let number = *numbers.entry(fold_case(written)).or_insert(self.names.len());
        if number == self.names.len() {
            self.names.push(IndexedName { written, usable: is_selectable_name(written) });
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
