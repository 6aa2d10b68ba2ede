//! Counts what each place where steps run has before and after a plan.

use super::{BothStates, PoolNames};
use crate::{
    live::{
        Case, Live, LivePool, LiveProcess, LiveStep, effective_cases, inner_step_cases,
        is_process_template,
    },
    model::{Address, Id, Name, Place, Pool},
    plan::{ExecutionPlace, PlaceContents, PlaceTally, StepFlow},
};

use indexmap::IndexMap;
use std::collections::{HashMap, HashSet};

/// Counts workers and steps in every pool, and in every other place where steps run.
pub(super) fn take_census(states: &BothStates) -> (Vec<PlaceTally>, Vec<StepFlow>) {
    let mut count = StepCount::default();
    let (mut before, mut after) = (
        PlaceFinder::new(states.before, &states.names_before),
        PlaceFinder::new(states.after, &states.names_after),
    );
    let earlier = states.before.processes.iter();
    let earlier: HashMap<_, &LiveProcess> = earlier.map(|it| (&it.id, it)).collect();
    for process in &states.after.processes {
        let Some(was) = earlier.get(&process.id) else { continue };
        for (old, new) in was.steps.iter().zip(&process.steps) {
            let project = &process.owner.project;
            count.add_step(project, before.find(was, old), after.find(process, new));
            let inner = was.inner_steps(old).iter().zip(process.inner_steps(new));
            for (old_inner, new_inner) in inner {
                let then = inner_step_cases(was, old, old_inner, states.before);
                let now = inner_step_cases(process, new, new_inner, states.after);
                count.add_step(project, before.name_places(then), after.name_places(now));
            }
        }
    }
    let tallies = place_tallies(states, &count);
    let order: HashMap<&ExecutionPlace, usize> =
        tallies.iter().enumerate().map(|(at, tally)| (&tally.place, at)).collect();
    let mut flows = count.into_flows();
    flows.sort_by_key(|flow| (order.get(&flow.from).copied(), order.get(&flow.to).copied()));
    (tallies, flows)
}

/// Finds where steps run in one state of the server.
struct PlaceFinder<'a> {
    live: &'a Live,
    names: &'a PoolNames<'a>,
    /// The places of steps that differ in nothing that matters.
    known: HashMap<StepShape<'a>, Vec<ExecutionPlace>>,
}

/// What decides where a step runs, unless a variable or a template does.
#[derive(PartialEq, Eq, Hash)]
struct StepShape<'a> {
    pool: Option<&'a Id<Pool>>,
    action_type: &'a str,
    target_roles: &'a str,
    run_on_server: Option<bool>,
    from_file: bool,
}

impl<'a> PlaceFinder<'a> {
    fn new(live: &'a Live, names: &'a PoolNames<'a>) -> Self {
        Self { live, names, known: HashMap::new() }
    }

    fn find(&mut self, process: &LiveProcess, step: &'a LiveStep) -> Vec<ExecutionPlace> {
        let Some(shape) = StepShape::new(step) else {
            return self.name_places(effective_cases(process, step, self.live));
        };
        if let Some(places) = self.known.get(&shape) {
            return places.clone();
        }
        let places = self.name_places(effective_cases(process, step, self.live));
        self.known.insert(shape, places.clone());
        places
    }

    /// Returns the places of cases, each once.
    fn name_places(&self, cases: Vec<Case>) -> Vec<ExecutionPlace> {
        let mut places = Vec::new();
        for case in cases {
            let place =
                ExecutionPlace::from_required(&case.place, |id| self.names.get(id).cloned());
            if !places.contains(&place) {
                places.push(place);
            }
        }
        places
    }
}

impl<'a> StepShape<'a> {
    fn new(step: &'a LiveStep) -> Option<Self> {
        let pool = match &step.place {
            Place::Pool(id) => Some(id),
            Place::DefaultPool => None,
            Place::Variable(_) => return None,
        };
        (!is_process_template(step)).then_some(Self {
            pool,
            action_type: &step.action_type,
            target_roles: &step.target_roles,
            run_on_server: step.run_on_server,
            from_file: step.from_file,
        })
    }
}

/// The steps that were counted.
#[derive(Default)]
struct StepCount<'a> {
    before: HashMap<ExecutionPlace, usize>,
    after: HashMap<ExecutionPlace, usize>,
    flows: IndexMap<(ExecutionPlace, ExecutionPlace), FlowCount<'a>>,
}

/// The steps of one flow.
#[derive(Default)]
struct FlowCount<'a> {
    steps: usize,
    projects: HashSet<&'a Name>,
}

impl<'a> StepCount<'a> {
    /// Counts a step. One that uses a template runs wherever the template's own steps do, and these are counted.
    fn add_step(
        &mut self,
        project: &'a Name,
        before: Vec<ExecutionPlace>,
        after: Vec<ExecutionPlace>,
    ) {
        if before.contains(&ExecutionPlace::Template) || after.contains(&ExecutionPlace::Template) {
            return;
        }
        for pair in StepFlow::pair_places(&before, &after) {
            let flow = self.flows.entry(pair).or_default();
            flow.steps += 1;
            flow.projects.insert(project);
        }
        before.into_iter().for_each(|place| *self.before.entry(place).or_default() += 1);
        after.into_iter().for_each(|place| *self.after.entry(place).or_default() += 1);
    }

    fn into_flows(self) -> Vec<StepFlow> {
        let flow = |((from, to), count): (_, FlowCount)| StepFlow {
            from,
            to,
            steps: count.steps,
            projects: count.projects.len(),
        };
        self.flows.into_iter().map(flow).collect()
    }
}

/// Returns the pools in their order, the new ones last, and then the other places that have steps.
fn place_tallies(states: &BothStates, count: &StepCount) -> Vec<PlaceTally> {
    let mut tallies: IndexMap<Address, PlaceTally> = IndexMap::new();
    let sides = [(states.before, &states.names_before), (states.after, &states.names_after)];
    for (at, (live, names)) in sides.into_iter().enumerate() {
        let is_after = at == 1;
        for pool in &live.pools {
            let Some(address) = names.get(&pool.id) else { continue };
            let place = ExecutionPlace::Pool(address.clone());
            let steps = if is_after { &count.after } else { &count.before };
            let steps = steps.get(&place).copied().unwrap_or_default();
            let contents = Some(PlaceContents { workers: worker_names(live, pool), steps });
            let tally = tallies.entry(address.clone()).or_insert_with(|| PlaceTally {
                place,
                name: String::new(),
                before: None,
                after: None,
            });
            tally.name = pool.name.to_string();
            *(if is_after { &mut tally.after } else { &mut tally.before }) = contents;
        }
    }
    let others = [
        ExecutionPlace::Server,
        ExecutionPlace::Targets,
        ExecutionPlace::Nowhere,
        ExecutionPlace::Unknown,
    ];
    let others = others.into_iter().filter_map(|place| {
        let steps = [&count.before, &count.after].map(|steps| steps.get(&place).copied());
        let contents = |steps: Option<usize>| {
            Some(PlaceContents { workers: Vec::new(), steps: steps.unwrap_or_default() })
        };
        let [before, after] = steps;
        (before.or(after).is_some()).then(|| PlaceTally {
            place,
            name: String::new(),
            before: contents(before),
            after: contents(after),
        })
    });
    tallies.into_values().chain(others).collect()
}

fn worker_names(live: &Live, pool: &LivePool) -> Vec<String> {
    live.pool_members(&pool.id).map(|worker| worker.name.to_string()).collect()
}
