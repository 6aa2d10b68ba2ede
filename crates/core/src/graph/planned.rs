//! A plan → a diagram: where steps run before and after it, as far as the plan read the server.

use super::diagram::{BoxKind, Diagram, DiagramBox, DiagramEdge};
use crate::{
    model::Address,
    plan::{ExecutionPlace, PlaceContents, PlaceTally, Plan},
};

use std::collections::HashMap;

impl Diagram {
    /// Returns where steps run before and after a plan. `None` for a plan that does not say it: it changes nothing, or
    /// an older version saved it.
    pub fn from_plan(plan: &Plan) -> Option<Self> {
        let consequences = &plan.consequences;
        if consequences.places.is_empty() {
            return None;
        }
        let before = |tally: &'_ PlaceTally| tally.before.clone();
        let after = |tally: &'_ PlaceTally| tally.after.clone();
        let (left, before) = draw_column(plan, before);
        let (right, after) = draw_column(plan, after);
        let edges = consequences.flows.iter().filter_map(|flow| {
            Some(DiagramEdge {
                from: *before.get(&flow.from)?,
                to: *after.get(&flow.to)?,
                steps: flow.steps,
                when: String::new(),
                moves: flow.moves(),
            })
        });
        let mut edges: Vec<DiagramEdge> = edges.collect();
        edges.sort_by_key(|edge| (edge.from, edge.to));
        let title = "Where steps run before and after the plan".to_owned();
        let notes = unread_notes(plan);
        Some(Self { title, left_title: "Before", right_title: "After", left, right, edges, notes })
    }
}

/// Returns the boxes of a column, and the index of each place.
fn draw_column(
    plan: &Plan,
    side: impl Fn(&PlaceTally) -> Option<PlaceContents>,
) -> (Vec<DiagramBox>, HashMap<&ExecutionPlace, usize>) {
    let (mut boxes, mut indices) = (Vec::new(), HashMap::new());
    for tally in &plan.consequences.places {
        let is_pool = matches!(tally.place, ExecutionPlace::Pool(_));
        if let Some(contents) = side(tally).filter(|it| is_pool || it.steps > 0) {
            indices.insert(&tally.place, boxes.len());
            boxes.push(tally_box(tally, &contents, plan.header.scope.workers));
        }
    }
    (boxes, indices)
}

fn tally_box(tally: &PlaceTally, contents: &PlaceContents, has_workers: bool) -> DiagramBox {
    let kind = match (&tally.place, &tally.before, &tally.after) {
        (ExecutionPlace::Pool(_), None, _) => BoxKind::NewPool,
        (ExecutionPlace::Pool(_), _, None) => BoxKind::DeletedPool,
        (ExecutionPlace::Pool(_), ..) => BoxKind::Pool,
        _ => BoxKind::Place,
    };
    let mut drawn = DiagramBox::new(place_name(tally), kind);
    if let ExecutionPlace::Pool(_) = tally.place {
        drawn.worker_count = has_workers.then_some(contents.workers.len());
    }
    drawn.workers.clone_from(&contents.workers);
    drawn.steps = contents.steps;
    drawn
}

/// Returns what a box of a place is called: a pool's name, or else what the place is.
fn place_name(tally: &PlaceTally) -> String {
    match &tally.place {
        ExecutionPlace::Pool(Address::Pool(_)) if !tally.name.is_empty() => tally.name.clone(),
        place => super::now::describe_place(place),
    }
}

/// Returns what the plan did not read.
fn unread_notes(plan: &Plan) -> Vec<String> {
    let scope = &plan.header.scope;
    let parts = [
        (scope.workers, "workers"),
        (scope.deployments, "deployment processes"),
        (scope.runbooks, "runbooks"),
    ];
    let unread: Vec<&str> =
        parts.iter().filter(|(is_read, _)| !is_read).map(|(_, what)| *what).collect();
    if unread.is_empty() {
        return Vec::new();
    }
    vec![format!("the plan did not need to read {}, so they are not shown", unread.join(" and "))]
}
