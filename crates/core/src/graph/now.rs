//! A server → a diagram: what runs where now, or before and after changes.

use super::diagram::{BoxKind, Diagram, DiagramBox, DiagramEdge};
use crate::{
    explain::{case_condition, health_text},
    live::{
        Case, Health, Live, LivePool, LiveProcess, LiveStep, LiveWorker, describe_parts,
        effective_cases, inner_step_cases,
    },
    model::{Address, Id, Pool, PoolKind, ProcessName},
    plan::{ExecutionPlace, StepFlow},
    text::pluralize,
};

use indexmap::IndexMap;
use std::collections::HashMap;

/// What a diagram of a server is narrowed to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GraphFilter {
    /// The pool; all if `None`.
    pub pool: Option<Id<Pool>>,
    /// The project whose steps are shown one by one; what was read of the server is narrowed to it already.
    pub project: Option<String>,
}

/// Where a step runs in a case, and when that is.
type PlacedCase = (ExecutionPlace, String);

impl Diagram {
    /// Returns which projects run in which pools, or which steps of one project.
    pub fn from_live(live: &Live, filter: &GraphFilter) -> Self {
        let mut count = SourceCount::new(live, filter);
        for process in &live.processes {
            for (step, cases) in step_cases(process, live) {
                count.add_step(process, &step, &cases);
            }
        }
        let SourceCount { boxes, sources, edges, .. } = count;
        let kind = if filter.project.is_some() { BoxKind::Step } else { BoxKind::Source };
        let mut left: Vec<DiagramBox> =
            sources.into_keys().map(|name| DiagramBox::new(name, kind)).collect();
        let edges = edges.into_iter().map(|((from, to, when), steps)| {
            if let Some(source) = left.get_mut(from) {
                source.steps += steps;
            }
            DiagramEdge { from, to, steps, when, moves: false }
        });
        let mut edges: Vec<DiagramEdge> = edges.collect();
        edges.sort_by_key(|edge| (edge.from, edge.to));
        let left_title = if filter.project.is_some() { "Steps" } else { "Projects" };
        let diagram = Self {
            title: title(live, filter, ""),
            left_title,
            right_title: "Pools",
            left,
            right: boxes.finish(),
            edges,
            notes: unread_notes(live),
        };
        diagram.narrowed(filter, live)
    }

    /// Returns where steps run before and after changes; `after` is the server after them.
    pub fn from_states(before: &Live, after: &Live, filter: &GraphFilter) -> Self {
        let (mut left, mut right) = (PlaceBoxes::new(before), PlaceBoxes::new(after));
        left.mark_missing_in(after, BoxKind::DeletedPool);
        right.mark_missing_in(before, BoxKind::NewPool);
        let mut edges: IndexMap<(usize, usize, bool), usize> = IndexMap::new();
        for (was, then) in cases_in_both(before, after) {
            let (was, then) = (distinct_places(&was), distinct_places(&then));
            let wanted = filter.pool.as_ref().map(pool_place);
            if wanted.is_some_and(|wanted| !was.contains(&wanted) && !then.contains(&wanted)) {
                continue;
            }
            for (from, to) in StepFlow::pair_places(&was, &then) {
                let moves = from != to;
                let key = (left.place_index(&from), right.place_index(&to), moves);
                *edges.entry(key).or_default() += 1;
            }
            was.iter().for_each(|place| left.count_place(place));
            then.iter().for_each(|place| right.count_place(place));
        }
        let edges = edges.into_iter().map(|((from, to, moves), steps)| DiagramEdge {
            from,
            to,
            steps,
            when: String::new(),
            moves,
        });
        let mut edges: Vec<DiagramEdge> = edges.collect();
        edges.sort_by_key(|edge| (edge.from, edge.to));
        let diagram = Self {
            title: title(before, filter, ", before and after"),
            left_title: "Before",
            right_title: "After",
            left: left.finish(),
            right: right.finish(),
            edges,
            notes: unread_notes(before),
        };
        diagram.narrowed(filter, before)
    }

    /// Drops the places that have no steps, and the pools that a filter leaves without any.
    fn narrowed(mut self, filter: &GraphFilter, live: &Live) -> Self {
        let is_whole = *filter == GraphFilter::default();
        let name = filter.pool.as_ref().and_then(|id| live.find_pool(id));
        let name = name.map(|pool| pool.name.to_string());
        let stays = |shown: &DiagramBox| match shown.kind {
            BoxKind::Place => false,
            _ => is_whole || name.as_ref() == Some(&shown.name),
        };
        let is_from = |at: usize| self.edges.iter().any(|edge| edge.from == at);
        let is_to = |at: usize| self.edges.iter().any(|edge| edge.to == at);
        let left = retain_boxes(&mut self.left, |at, shown| is_from(at) || stays(shown));
        let right = retain_boxes(&mut self.right, |at, shown| is_to(at) || stays(shown));
        for edge in &mut self.edges {
            edge.from = left.get(&edge.from).copied().unwrap_or_default();
            edge.to = right.get(&edge.to).copied().unwrap_or_default();
        }
        self
    }
}

/// The steps that were counted by what they belong to.
struct SourceCount<'a> {
    filter: &'a GraphFilter,
    boxes: PlaceBoxes,
    sources: IndexMap<String, usize>,
    /// The number of steps from a source to a place, by when they run there.
    edges: IndexMap<(usize, usize, String), usize>,
}

impl<'a> SourceCount<'a> {
    fn new(live: &Live, filter: &'a GraphFilter) -> Self {
        let boxes = PlaceBoxes::new(live);
        Self { filter, boxes, sources: IndexMap::new(), edges: IndexMap::new() }
    }

    fn add_step(&mut self, process: &LiveProcess, step: &str, cases: &[Case]) {
        let placed = placed_cases(cases, self.filter);
        if placed.is_empty() {
            return;
        }
        let by_step = self.filter.project.is_some();
        let source =
            if by_step { step_name(process, step) } else { process.owner.project.to_string() };
        let next = self.sources.len();
        let from = *self.sources.entry(source).or_insert(next);
        let mut reached = Vec::new();
        for (place, when) in placed {
            let to = self.boxes.place_index(&place);
            let is_first = !reached.contains(&to);
            if is_first {
                self.boxes.count_step(to);
                reached.push(to);
            }
            // A project has one line to a place, a step one for each case.
            let when = if by_step { when } else { String::new() };
            if is_first || !when.is_empty() {
                *self.edges.entry((from, to, when)).or_default() += 1;
            }
        }
    }
}

/// Keeps some boxes. Returns the new index of each of these.
fn retain_boxes(
    boxes: &mut Vec<DiagramBox>,
    keep: impl Fn(usize, &DiagramBox) -> bool,
) -> HashMap<usize, usize> {
    let mut places = HashMap::new();
    let mut at = 0;
    boxes.retain(|shown| {
        let kept = keep(at, shown);
        if kept {
            places.insert(at, places.len());
        }
        at += 1;
        kept
    });
    places
}

/// The places that are not pools, in the order in which they are shown.
const OTHER_PLACES: [ExecutionPlace; 5] = [
    ExecutionPlace::Server,
    ExecutionPlace::Targets,
    ExecutionPlace::Template,
    ExecutionPlace::Nowhere,
    ExecutionPlace::Unknown,
];

/// The boxes of a column of places: every pool, and whatever else steps run on.
struct PlaceBoxes(IndexMap<ExecutionPlace, DiagramBox>);

impl PlaceBoxes {
    fn new(live: &Live) -> Self {
        let boxes = live.pools.iter().map(|pool| (pool_place(&pool.id), pool_box(live, pool)));
        let others = OTHER_PLACES.map(|place| {
            let shown = DiagramBox::new(describe_place(&place), BoxKind::Place);
            (place, shown)
        });
        Self(boxes.chain(others).collect())
    }

    fn mark_missing_in(&mut self, other: &Live, kind: BoxKind) {
        let known: Vec<ExecutionPlace> =
            other.pools.iter().map(|pool| pool_place(&pool.id)).collect();
        for (place, shown) in self.0.iter_mut().filter(|(place, _)| !known.contains(place)) {
            if let ExecutionPlace::Pool(_) = place {
                shown.kind = kind;
            }
        }
    }

    fn place_index(&mut self, place: &ExecutionPlace) -> usize {
        let name = || DiagramBox::new(describe_place(place), BoxKind::Place);
        self.0.entry(place.clone()).or_insert_with(name);
        self.0.get_index_of(place).unwrap_or_default()
    }

    fn count_step(&mut self, at: usize) {
        if let Some((_, shown)) = self.0.get_index_mut(at) {
            shown.steps += 1;
        }
    }

    fn count_place(&mut self, place: &ExecutionPlace) {
        let at = self.place_index(place);
        self.count_step(at);
    }

    fn finish(self) -> Vec<DiagramBox> {
        self.0.into_values().collect()
    }
}

fn pool_place(id: &Id<Pool>) -> ExecutionPlace {
    ExecutionPlace::Pool(Address::Pool(id.as_str().to_owned()))
}

fn pool_box(live: &Live, pool: &LivePool) -> DiagramBox {
    let mut shown = DiagramBox::new(pool.name.to_string(), BoxKind::Pool);
    if let PoolKind::Dynamic { image } = &pool.kind {
        shown.facts.push(format!("dynamic, {image}"));
    }
    if pool.default {
        shown.facts.push("default pool".to_owned());
    }
    shown.workers = live.pool_members(&pool.id).map(describe_worker).collect();
    let is_static = pool.kind == PoolKind::Static;
    shown.worker_count = is_static.then_some(shown.workers.len());
    shown
}

fn describe_worker(worker: &LiveWorker) -> String {
    let disabled = worker.disabled.then_some("disabled");
    let health = (worker.health != Health::Healthy).then_some(health_text(worker.health));
    let state: Vec<&str> = disabled.into_iter().chain(health).collect();
    if state.is_empty() {
        worker.name.to_string()
    } else {
        format!("{} ({})", worker.name, state.join(", "))
    }
}

/// Returns what a box of a place is called that is not a pool with a name.
pub(super) fn describe_place(place: &ExecutionPlace) -> String {
    match place {
        ExecutionPlace::Server => "Octopus Server".to_owned(),
        ExecutionPlace::Targets => "Deployment targets".to_owned(),
        ExecutionPlace::Template => "Process templates".to_owned(),
        ExecutionPlace::Nowhere => "Nowhere: the step fails".to_owned(),
        ExecutionPlace::Unknown => "Not known".to_owned(),
        ExecutionPlace::Pool(address) => address.to_string(),
    }
}

/// Returns the cases of each step in two states of a server.
fn cases_in_both(before: &Live, after: &Live) -> Vec<(Vec<Case>, Vec<Case>)> {
    let earlier: HashMap<_, &LiveProcess> =
        before.processes.iter().map(|process| (&process.id, process)).collect();
    let both = after.processes.iter().filter_map(|process| {
        let was = step_cases(earlier.get(&process.id)?, before);
        Some(was.into_iter().zip(step_cases(process, after)))
    });
    both.flatten().map(|((_, was), (_, then))| (was, then)).collect()
}

/// Returns the steps of a process by name, with their cases. In place of a step that uses a template come the
/// template's own steps, if they are known.
fn step_cases(process: &LiveProcess, live: &Live) -> Vec<(String, Vec<Case>)> {
    let names = process.step_names();
    let step_of = |address: Address| match address {
        Address::Step { step, .. } => step,
        other => other.to_string(),
    };
    let mut found = Vec::new();
    for step in &process.steps {
        let inner: &[LiveStep] = process.inner_steps(step);
        if inner.is_empty() {
            let name = step_of(names.step_address(step));
            found.push((name, effective_cases(process, step, live)));
        }
        for each in inner {
            let name = step_of(process.inner_step_address(step, each));
            found.push((name, inner_step_cases(process, step, each, live)));
        }
    }
    found
}

/// Returns where a step runs, and when, as far as a filter asks.
fn placed_cases(cases: &[Case], filter: &GraphFilter) -> Vec<PlacedCase> {
    let wanted = filter.pool.as_ref().map(pool_place);
    let placed = cases.iter().map(|case| (place_of_case(case), case_condition(case)));
    placed.filter(|(place, _)| wanted.as_ref().is_none_or(|wanted| wanted == place)).collect()
}

fn distinct_places(cases: &[Case]) -> Vec<ExecutionPlace> {
    let mut places = Vec::new();
    for place in cases.iter().map(place_of_case) {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places
}

fn place_of_case(case: &Case) -> ExecutionPlace {
    ExecutionPlace::from_required(&case.place, |id| Some(Address::Pool(id.as_str().to_owned())))
}

/// Returns a step as people name it within its project.
fn step_name(process: &LiveProcess, step: &str) -> String {
    let branch = process.git.as_ref().map_or(String::new(), |git| format!("@{}", git.at.name));
    match process.owner.process_name() {
        ProcessName::Deployment => format!("deployment{branch} / {step}"),
        ProcessName::Runbook(runbook) => format!("{runbook}{branch} / {step}"),
    }
}

fn title(live: &Live, filter: &GraphFilter, suffix: &str) -> String {
    let pool = filter.pool.as_ref().and_then(|id| live.find_pool(id));
    let what = match (&filter.project, pool) {
        (Some(project), Some(pool)) => format!("Project {project} in pool {}", pool.name),
        (Some(project), None) => format!("Where project {project} runs"),
        (None, Some(pool)) => format!("What runs in pool {}", pool.name),
        (None, None) => "What runs where".to_owned(),
    };
    format!("{what}, space {}{suffix}", live.server.space.name)
}

fn unread_notes(live: &Live) -> Vec<String> {
    let unread = describe_parts(live.unread.iter());
    if unread.is_empty() {
        return Vec::new();
    }
    let few = unread.iter().take(5).cloned().collect::<Vec<_>>().join("; ");
    let more = unread.len().saturating_sub(5);
    let more =
        if more > 0 { format!("; and {} more", pluralize(more, "part")) } else { String::new() };
    vec![format!("not seen: {few}{more}")]
}
