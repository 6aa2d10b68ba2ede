//! Draws a diagram as SVG: two columns of boxes, and bands between them as wide as the steps are many.
//!
//! Nothing in it refers to anything outside, and it needs no script. Text is set in a fixed pitch, so that its width
//! is known here.

use super::{
    diagram::{BoxKind, Diagram, DiagramBox, DiagramEdge, DiagramLimits},
    labels::short_label,
};
use crate::text::escape::Escaped;

use maud::{Markup, html};

/// The style of the drawing, for light and dark, and for paper.
pub const SVG_STYLE: &str = include_str!("svg/graph.css");

/// The width of a box, of the room between the columns, and of the margin.
const BOX_WIDTH: usize = 264;
const GAP: usize = 216;
const MARGIN: usize = 8;
const WIDTH: usize = 2 * (MARGIN + BOX_WIDTH) + GAP;

/// The height of a line of text, and of the room for a band at a box.
const LINE: usize = 16;
const SLOT: usize = 16;

/// The room above and below the text of a box, and between boxes.
const PADDING: usize = 8;
const BETWEEN: usize = 12;

/// Where the first box begins, below the headings.
const TOP: usize = 34;

/// The widest band.
const WIDEST: usize = 40;

/// How many characters fit on a line of a box; a name is set larger.
const NAME_LETTERS: usize = 31;
const LINE_LETTERS: usize = 34;

/// The ids of the elements that name a drawing, unique in the page that it is in.
#[derive(Clone, Copy, Debug)]
pub struct SvgIds {
    /// That of its title.
    pub title: &'static str,
    /// That of its description.
    pub description: &'static str,
}

/// Renders a file of its own.
pub(super) fn render_file(diagram: &Diagram) -> String {
    let ids = SvgIds { title: "title", description: "description" };
    let drawing = draw(diagram, &ids, Some(SVG_STYLE));
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}\n", drawing.into_string())
}

/// Renders an element of a page.
pub(super) fn render_inline(diagram: &Diagram, ids: &SvgIds) -> String {
    draw(diagram, ids, None).into_string()
}

fn draw(diagram: &Diagram, ids: &SvgIds, style: Option<&str>) -> Markup {
    let [limits, ..] = DiagramLimits::LEVELS;
    let folded = diagram.folded(limits);
    let layout = Layout::new(&folded);
    let labels = format!("{} {}", ids.title, ids.description);
    // Boxes on a background of their own, in a page that has none.
    let background = style.is_some();
    let notes = folded.notes.iter().enumerate();
    let height = layout.height + folded.notes.len() * LINE;
    html! {
        svg xmlns="http://www.w3.org/2000/svg" class="graph" role="img" aria-labelledby=(labels)
            viewBox=(format!("0 0 {WIDTH} {height}")) width=(WIDTH) height=(height) {
            title id=(ids.title) { (Escaped(&diagram.title)) }
            desc id=(ids.description) { (Escaped(&describe(diagram))) }
            @if let Some(style) = style { style { (style) } }
            @if background { rect class="paper" width=(WIDTH) height=(height) {} }
            text class="column" x=(MARGIN) y=(TOP - 14) { (folded.left_title) }
            text class="column" x=(MARGIN + BOX_WIDTH + GAP) y=(TOP - 14) { (folded.right_title) }
            @for band in &layout.bands { (draw_band(band)) }
            @for (shown, at) in folded.left.iter().zip(&layout.left) { (draw_box(shown, MARGIN, at)) }
            @for (shown, at) in folded.right.iter().zip(&layout.right) {
                (draw_box(shown, MARGIN + BOX_WIDTH + GAP, at))
            }
            @for band in &layout.bands { (draw_label(band)) }
            @for (at, note) in notes {
                text class="note" x=(MARGIN) y=(layout.height + at * LINE + 4) {
                    (short_label(note, 100))
                }
            }
        }
    }
}

/// Describes a picture in a sentence, for those who do not see it.
fn describe(diagram: &Diagram) -> String {
    let steps = |moves: bool| -> usize {
        diagram.edges.iter().filter(|edge| edge.moves == moves).map(|edge| edge.steps).sum()
    };
    let columns = format!(
        "{}: {} boxes. {}: {} boxes.",
        diagram.left_title,
        diagram.left.len(),
        diagram.right_title,
        diagram.right.len()
    );
    match (steps(true), steps(false)) {
        (0, all) => format!("{columns} {all} steps."),
        (moved, stay) => format!("{columns} {moved} steps move, {stay} stay."),
    }
}

/// Where everything is.
struct Layout {
    left: Vec<Extent>,
    right: Vec<Extent>,
    bands: Vec<Band>,
    height: usize,
}

/// From where to where something reaches, downwards.
struct Extent {
    top: usize,
    height: usize,
}

/// Steps on their way, from the right edge of one box to the left edge of another.
struct Band {
    from: usize,
    to: usize,
    width: usize,
    moves: bool,
    label: String,
}

impl Layout {
    fn new(diagram: &Diagram) -> Self {
        let most = diagram.edges.iter().map(|edge| edge.steps).max().unwrap_or(1).max(1);
        let width = |edge: &DiagramEdge| (edge.steps * WIDEST / most).max(2);
        let slot = |edge: &DiagramEdge| width(edge).max(SLOT);
        let left = extents(&diagram.left, |at| {
            diagram.edges.iter().filter(|edge| edge.from == at).map(slot).sum()
        });
        let right = extents(&diagram.right, |at| {
            diagram.edges.iter().filter(|edge| edge.to == at).map(slot).sum()
        });
        let first = |extents: &[Extent]| -> Vec<usize> {
            extents.iter().map(|extent| extent.top + PADDING / 2).collect()
        };
        let (mut leaves, mut arrives) = (first(&left), first(&right));
        let band = |edge: &DiagramEdge| {
            let slot = slot(edge);
            Some(Band {
                from: take_slot(leaves.get_mut(edge.from)?, slot),
                to: take_slot(arrives.get_mut(edge.to)?, slot),
                width: width(edge),
                moves: edge.moves,
                label: diagram.edge_label(edge),
            })
        };
        let bands = diagram.edges.iter().filter_map(band).collect();
        let end = |extents: &[Extent]| extents.last().map_or(TOP, |it| it.top + it.height);
        let height = end(&left).max(end(&right)) + BETWEEN;
        Self { left, right, bands, height }
    }
}

/// Returns the middle of the next slot, and moves on.
fn take_slot(next: &mut usize, slot: usize) -> usize {
    let middle = *next + slot / 2;
    *next += slot;
    middle
}

/// Places boxes below each other, each as high as its text and its bands need.
fn extents(boxes: &[DiagramBox], bands: impl Fn(usize) -> usize) -> Vec<Extent> {
    let mut top = TOP;
    let place = |(at, shown): (usize, &DiagramBox)| {
        let text = (1 + usize::from(!shown.describe().is_empty()) + shown.workers.len()) * LINE;
        let height = (text + 2 * PADDING).max(bands(at) + PADDING);
        let extent = Extent { top, height };
        top += height + BETWEEN;
        extent
    };
    boxes.iter().enumerate().map(place).collect()
}

fn draw_box(shown: &DiagramBox, x: usize, at: &Extent) -> Markup {
    let class = match shown.kind {
        BoxKind::Pool => "box",
        BoxKind::NewPool => "box new",
        BoxKind::DeletedPool => "box deleted",
        BoxKind::Place => "box place",
        BoxKind::Source | BoxKind::Step => "box source",
        BoxKind::Fold => "box fold",
    };
    let left = x + PADDING + 2;
    let line = |number: usize| at.top + PADDING + number * LINE - 4;
    html! {
        g class=(class) {
            title { (Escaped(&shown.name)) }
            rect x=(x) y=(at.top) width=(BOX_WIDTH) height=(at.height) rx="6" {}
            text class="name" x=(left) y=(line(1)) { (short_label(&shown.name, NAME_LETTERS)) }
            text class="facts" x=(left) y=(line(2)) {
                (short_label(&shown.describe(), LINE_LETTERS))
            }
            @for (number, worker) in shown.workers.iter().enumerate() {
                text class="worker" x=(left) y=(line(number + 3)) {
                    (short_label(worker, LINE_LETTERS))
                }
            }
        }
    }
}

fn draw_band(band: &Band) -> Markup {
    let (x1, x2) = (MARGIN + BOX_WIDTH, MARGIN + BOX_WIDTH + GAP);
    let middle = x1 + GAP / 2;
    let path =
        format!("M{x1} {}C{middle} {} {middle} {} {x2} {}", band.from, band.from, band.to, band.to);
    let class = if band.moves { "band moves" } else { "band" };
    html! {
        path class=(class) d=(path) stroke-width=(band.width) { title { (Escaped(&band.label)) } }
    }
}

/// Returns the number of steps, where the band arrives.
fn draw_label(band: &Band) -> Markup {
    let class = if band.moves { "label moves" } else { "label" };
    let x = MARGIN + BOX_WIDTH + GAP - 6;
    html! {
        text class=(class) x=(x) y=(band.to + 4) text-anchor="end" { (short_label(&band.label, 28)) }
    }
}
