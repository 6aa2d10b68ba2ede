//! The steps that move although no change names them, grouped by where they ran and will run.

use super::{
    code,
    filters::Filters,
    steps::{draw_steps, keyed_group},
};
use crate::{
    finding::ChangeOrigin,
    plan::{ExecutionPlace, MovedStep},
    text::pluralize,
};

use indexmap::IndexMap;
use maud::{Markup, html};

/// Where steps ran and will run, and whether the plan's base leads to it too.
type MovedKey<'a> = (&'a [ExecutionPlace], &'a [ExecutionPlace], Option<ChangeOrigin>);

/// Draws the steps that move although no change names them, if there are any.
pub(super) fn draw_moved(affected: &[MovedStep], filters: &mut Filters) -> Option<Markup> {
    let mut groups: IndexMap<MovedKey, Vec<&MovedStep>> = IndexMap::new();
    for step in affected {
        groups.entry((&step.before, &step.after, step.origin)).or_default().push(step);
    }
    let drawn = html! {
        div class="kind" {
            h3 { "Consequences: steps that move although no change names them " span class="count" { "(" (affected.len()) ")" } }
            @for (key, steps) in &groups { (draw_group(key, steps, filters)) }
        }
    };
    (!affected.is_empty()).then_some(drawn)
}

fn draw_group(key: &MovedKey, steps: &[&MovedStep], filters: &mut Filters) -> Markup {
    let (before, after, origin) = key;
    let keys = steps.first().map(|step| filters.moved_keys(step)).unwrap_or_default();
    let verb = if steps.len() == 1 { "moves" } else { "move" };
    let summary = html! {
        span class="action moved" { span aria-hidden="true" { "!" } " " (verb) } " "
        (pluralize(steps.len(), "step")) ": "
        (list_places(before)) " → " (list_places(after))
        @if *origin == Some(ChangeOrigin::Pending) { " (already pending)" }
    };
    keyed_group(&keys, summary, draw_steps(steps.iter().map(|step| &step.address), filters))
}

/// Lists where steps run, case by case.
fn list_places(places: &[ExecutionPlace]) -> Markup {
    html! {
        @for (at, place) in places.iter().enumerate() {
            @if at > 0 { " or " }
            @match place {
                ExecutionPlace::Pool(address) => (code(&address.to_string())),
                other => (other),
            }
        }
    }
}
