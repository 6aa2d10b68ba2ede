//! What is drawn: boxes on the left, boxes on the right, and how many steps lead from one to the other.

use crate::text::pluralize;
use std::collections::{HashMap, HashSet};

/// A picture before it is drawn in any language. Names in it are as the server and the files have them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagram {
    /// What is shown.
    pub title: String,
    /// The heading of the boxes on the left: `Projects` or `Before`.
    pub left_title: &'static str,
    /// The heading of the boxes on the right: `Pools` or `After`.
    pub right_title: &'static str,
    /// The boxes on the left.
    pub left: Vec<DiagramBox>,
    /// The boxes on the right.
    pub right: Vec<DiagramBox>,
    /// What leads from left to right, in the order of the boxes on the left.
    pub edges: Vec<DiagramEdge>,
    /// What a reader has to know besides, such as what was left out.
    pub notes: Vec<String>,
}

/// A box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiagramBox {
    /// Its heading.
    pub name: String,
    /// What it stands for.
    pub kind: BoxKind,
    /// Words about it: `default pool`.
    pub facts: Vec<String>,
    /// The workers in it.
    pub workers: Vec<String>,
    /// The number of its workers, if it is a pool whose workers are known.
    pub worker_count: Option<usize>,
    /// The number of steps.
    pub steps: usize,
}

/// What a box stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoxKind {
    /// A pool.
    Pool,
    /// A pool that a plan creates.
    NewPool,
    /// A pool that a plan deletes.
    DeletedPool,
    /// Another place where steps run, such as the Octopus Server.
    Place,
    /// A project.
    Source,
    /// A step of a project.
    Step,
    /// Several boxes for which there is no room.
    Fold,
}

/// Steps that lead from a box on the left to a box on the right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiagramEdge {
    /// The index of the box on the left.
    pub from: usize,
    /// The index of the box on the right.
    pub to: usize,
    /// The number of steps.
    pub steps: usize,
    /// When they run there, if not always.
    pub when: String,
    /// Whether they move.
    pub moves: bool,
}

/// How much of a diagram is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DiagramLimits {
    /// The most boxes in a column.
    pub(super) boxes: usize,
    /// The most workers named in a box.
    pub(super) workers: usize,
    /// The most edges.
    pub(super) edges: usize,
}

impl DiagramLimits {
    /// What a person can still take in, the most first.
    pub(super) const LEVELS: [Self; 5] = [
        Self { boxes: 60, workers: 6, edges: 300 },
        Self { boxes: 40, workers: 3, edges: 200 },
        Self { boxes: 25, workers: 0, edges: 120 },
        Self { boxes: 12, workers: 0, edges: 60 },
        Self { boxes: 5, workers: 0, edges: 30 },
    ];
}

impl DiagramBox {
    /// Creates a box without workers.
    pub(super) fn new(name: impl Into<String>, kind: BoxKind) -> Self {
        let (facts, workers) = (Vec::new(), Vec::new());
        Self { name: name.into(), kind, facts, workers, worker_count: None, steps: 0 }
    }

    /// Returns its details, besides its name and its workers.
    pub(super) fn describe(&self) -> String {
        if self.kind == BoxKind::Step {
            return String::new();
        }
        let state = match self.kind {
            BoxKind::NewPool => Some("new".to_owned()),
            BoxKind::DeletedPool => Some("deleted".to_owned()),
            _ => None,
        };
        let steps = pluralize(self.steps, "step");
        let workers = self.worker_count.map(|count| pluralize(count, "worker"));
        let parts = state.into_iter().chain([steps]).chain(workers).chain(self.facts.clone());
        parts.collect::<Vec<_>>().join(", ")
    }
}

impl Diagram {
    /// Returns an edge's label: when the steps run there, or else how many these are; empty for a single step that is
    /// a box of its own.
    pub(super) fn edge_label(&self, edge: &DiagramEdge) -> String {
        let is_step = self.left.get(edge.from).is_some_and(|source| source.kind == BoxKind::Step);
        if is_step || !edge.when.is_empty() {
            return edge.when.clone();
        }
        let steps = pluralize(edge.steps, "step");
        match (edge.moves, edge.steps) {
            (false, _) => steps,
            (true, 1) => format!("{steps} moves"),
            (true, _) => format!("{steps} move"),
        }
    }

    /// Returns the diagram with no more in it than fits; the notes say what was folded.
    pub(super) fn folded(&self, limits: DiagramLimits) -> Self {
        let mut folded = self.clone();
        let moving: HashSet<usize> =
            self.edges.iter().filter(|it| it.moves).map(|it| it.from).collect();
        let reached: HashSet<usize> =
            self.edges.iter().filter(|it| it.moves).map(|it| it.to).collect();
        let left = fold_column(&mut folded.left, limits, &moving, self.left_noun());
        let right = fold_column(&mut folded.right, limits, &reached, "pool");
        folded.edges = merge_edges(&self.edges, &left, &right);
        let total = folded.edges.len();
        if total > limits.edges {
            let mut order: Vec<usize> = (0..total).collect();
            order.sort_by_key(|at| {
                folded.edges.get(*at).map(|edge| (!edge.moves, usize::MAX - edge.steps))
            });
            let kept: HashSet<usize> = order.into_iter().take(limits.edges).collect();
            let mut at = 0..;
            folded.edges.retain(|_| at.next().is_some_and(|at| kept.contains(&at)));
            let dropped = pluralize(total - limits.edges, "line");
            folded.notes.push(format!("{dropped} with the fewest steps are not drawn"));
        }
        folded
    }

    fn left_noun(&self) -> &'static str {
        let has = |kind| self.left.iter().any(|shown| shown.kind == kind);
        if has(BoxKind::Source) {
            "project"
        } else if has(BoxKind::Step) {
            "step"
        } else {
            "pool"
        }
    }
}

/// Folds a column. Returns the new index of each of its boxes.
fn fold_column(
    column: &mut Vec<DiagramBox>,
    limits: DiagramLimits,
    moving: &HashSet<usize>,
    noun: &str,
) -> Vec<usize> {
    for shown in column.iter_mut() {
        let hidden = shown.workers.len().saturating_sub(limits.workers);
        shown.workers.truncate(limits.workers);
        if hidden > 0 && limits.workers > 0 {
            shown.workers.push(format!("and {hidden} more"));
        }
    }
    if column.len() <= limits.boxes {
        return (0..column.len()).collect();
    }
    let mut order: Vec<usize> = (0..column.len()).collect();
    order.sort_by_key(|at| {
        let steps = column.get(*at).map_or(0, |it| it.steps);
        (!moving.contains(at), usize::MAX - steps, *at)
    });
    let kept: HashSet<usize> = order.into_iter().take(limits.boxes.saturating_sub(1)).collect();
    let mut fold = DiagramBox::new(String::new(), BoxKind::Fold);
    let (mut places, mut shown, mut hidden) = (Vec::new(), Vec::new(), 0);
    for (at, each) in std::mem::take(column).into_iter().enumerate() {
        if kept.contains(&at) {
            places.push(shown.len());
            shown.push(each);
        } else {
            places.push(kept.len());
            fold.steps += each.steps;
            hidden += 1;
        }
    }
    fold.name = format!("and {} more", pluralize(hidden, noun));
    shown.push(fold);
    *column = shown;
    places
}

/// Joins the edges between the same boxes.
fn merge_edges(edges: &[DiagramEdge], left: &[usize], right: &[usize]) -> Vec<DiagramEdge> {
    let mut merged: Vec<DiagramEdge> = Vec::new();
    let mut known: HashMap<(usize, usize, bool, &str), usize> = HashMap::new();
    for edge in edges {
        let (Some(from), Some(to)) = (left.get(edge.from), right.get(edge.to)) else { continue };
        let at = *known.entry((*from, *to, edge.moves, &edge.when)).or_insert(merged.len());
        match merged.get_mut(at) {
            Some(same) => same.steps += edge.steps,
            None => merged.push(DiagramEdge { from: *from, to: *to, ..edge.clone() }),
        }
    }
    merged
}
