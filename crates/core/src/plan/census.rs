//! What the places where steps run have before and after a plan, for a picture of both.
//!
//! For people: no decision depends on it, and a saved plan's is not believed.

use super::ExecutionPlace;
use serde::{Deserialize, Serialize};

/// A place where steps run, before and after the changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceTally {
    /// The place.
    pub place: ExecutionPlace,
    /// The pool's name; empty for a place that is not a pool.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What it has now; `None` for a pool that does not exist yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<PlaceContents>,
    /// What it will have; `None` for a pool that is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<PlaceContents>,
}

/// What a place has, as far as the plan read it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceContents {
    /// The names of its workers; empty for a place that is not a pool.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workers: Vec<String>,
    /// The number of steps that run there; a step that runs elsewhere in another case counts in both places.
    pub steps: usize,
}

/// The steps that run in one place before the changes, and in one place after them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepFlow {
    /// The place before.
    pub from: ExecutionPlace,
    /// The place after; equal for steps that stay.
    pub to: ExecutionPlace,
    /// The number of steps.
    pub steps: usize,
    /// The number of projects that they are in.
    pub projects: usize,
}

impl StepFlow {
    /// Whether the steps move.
    pub fn moves(&self) -> bool {
        self.from != self.to
    }

    /// Returns the pairs of places between which one step flows. It stays where it runs both before and after.
    pub fn pair_places<P: Clone + PartialEq>(before: &[P], after: &[P]) -> Vec<(P, P)> {
        let only = |one: &[P], other: &[P]| -> Vec<P> {
            one.iter().filter(|place| !other.contains(place)).cloned().collect()
        };
        let stays = before.iter().filter(|place| after.contains(place));
        let mut pairs: Vec<(P, P)> = stays.map(|place| (place.clone(), place.clone())).collect();
        let (left, reached) = (only(before, after), only(after, before));
        // A step that gets one place more comes from every place that it had.
        let from = if left.is_empty() && !reached.is_empty() { before } else { &left };
        let to = if reached.is_empty() && !left.is_empty() { after } else { &reached };
        for from in from {
            pairs.extend(to.iter().map(|to| (from.clone(), to.clone())));
        }
        pairs
    }
}
