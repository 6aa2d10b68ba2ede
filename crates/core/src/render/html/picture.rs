//! The picture of a plan: pools with their workers and steps, before and after, and the same as tables.

use super::{page::PageSection, section};
use crate::{
    graph::{Diagram, SvgIds, draw_inline},
    plan::{Consequences, ExecutionPlace, PlaceContents, PlaceTally, Plan, StepFlow},
    text::escape::Escaped,
};

use maud::{Markup, PreEscaped, html};

/// Draws the picture, if the plan says what there is to see.
pub(super) fn draw_picture(plan: &Plan) -> Option<PageSection> {
    let diagram = Diagram::from_plan(plan)?;
    let ids = SvgIds { title: "picture-title", description: "picture-description" };
    // Our own renderer writes the element, and escapes what is in it.
    let drawing = PreEscaped(draw_inline(&diagram, &ids));
    let content = html! {
        figure {
            div class="wide" tabindex="0" role="region" aria-label="The picture, which scrolls sideways" { (drawing) }
            figcaption {
                "Where steps run now, on the left, and after the plan, on the right. A step that runs in different places in different cases counts in each, and one that needs a pool stands in it, whether or not a worker is healthy."
                @for note in &diagram.notes { " " (capitalize(note)) "." }
            }
        }
        details {
            summary { "The picture as tables" }
            (draw_tables(&plan.consequences, plan.header.scope.workers))
        }
    };
    Some(section("picture", "Where steps run", None, content))
}

fn capitalize(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

fn draw_tables(consequences: &Consequences, has_workers: bool) -> Markup {
    let flows: Vec<&StepFlow> = consequences.flows.iter().filter(|flow| flow.moves()).collect();
    html! {
        div class="wide" tabindex="0" role="region" aria-label="Places before and after" {
            table {
                caption { "Places before and after" }
                thead {
                    tr {
                        th scope="col" { "Place" }
                        th scope="col" class="number" { "Steps before" }
                        th scope="col" class="number" { "Steps after" }
                        @if has_workers {
                            th scope="col" { "Workers before" }
                            th scope="col" { "Workers after" }
                        }
                    }
                }
                tbody { @for tally in &consequences.places { (tally_row(tally, has_workers)) } }
            }
        }
        @if !flows.is_empty() {
            div class="wide" tabindex="0" role="region" aria-label="Steps that move" {
                table {
                    caption { "Steps that move" }
                    thead {
                        tr {
                            th scope="col" { "From" }
                            th scope="col" { "To" }
                            th scope="col" class="number" { "Steps" }
                            th scope="col" class="number" { "Projects" }
                        }
                    }
                    tbody { @for flow in flows { (flow_row(flow, consequences)) } }
                }
            }
        }
    }
}

fn tally_row(tally: &PlaceTally, has_workers: bool) -> Markup {
    let steps = |side: &Option<PlaceContents>| {
        side.as_ref().map_or("–".to_owned(), |contents| contents.steps.to_string())
    };
    let workers = |side: &Option<PlaceContents>| {
        side.as_ref().map(|contents| contents.workers.join(", ")).unwrap_or_default()
    };
    let state = match (&tally.before, &tally.after) {
        (None, _) => " (new)",
        (_, None) => " (deleted)",
        _ => "",
    };
    html! {
        tr {
            th scope="row" { (Escaped(&place_name(&tally.place, &tally.name))) (state) }
            td class="number" { (steps(&tally.before)) }
            td class="number" { (steps(&tally.after)) }
            @if has_workers {
                td { (Escaped(&workers(&tally.before))) }
                td { (Escaped(&workers(&tally.after))) }
            }
        }
    }
}

fn flow_row(flow: &StepFlow, consequences: &Consequences) -> Markup {
    let name = |place: &ExecutionPlace| {
        let tally = consequences.places.iter().find(|tally| tally.place == *place);
        place_name(place, tally.map_or("", |tally| &tally.name))
    };
    html! {
        tr {
            td { (Escaped(&name(&flow.from))) }
            td { (Escaped(&name(&flow.to))) }
            td class="number" { (flow.steps) }
            td class="number" { (flow.projects) }
        }
    }
}

fn place_name(place: &ExecutionPlace, name: &str) -> String {
    if name.is_empty() { place.to_string() } else { name.to_owned() }
}
