//! Pools, workers and what runs where, as a picture: a server or a plan → [`Diagram`] → Mermaid, Graphviz DOT or SVG.
//!
//! Pure and deterministic. A diagram is made small enough to be looked at before it is drawn, and says what was left
//! out; every language escapes the names itself. Never: deciding where a step runs.

mod diagram;
mod dot;
mod labels;
mod mermaid;
mod now;
mod planned;
mod svg;

pub use diagram::Diagram;
pub use now::GraphFilter;
pub use svg::{SVG_STYLE, SvgIds};

/// The language of a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GraphFormat {
    /// A Mermaid flowchart, which GitHub, GitLab and Azure DevOps draw in Markdown.
    Mermaid,
    /// Graphviz DOT.
    Dot,
    /// An SVG file.
    Svg,
}

/// Returns the diagram in a language, ending with a newline.
pub fn format_graph(diagram: &Diagram, format: GraphFormat) -> String {
    match format {
        GraphFormat::Mermaid => mermaid::render_mermaid(diagram),
        GraphFormat::Dot => dot::render_dot(diagram),
        GraphFormat::Svg => svg::render_file(diagram),
    }
}

/// Returns the diagram as an SVG element to stand in a page that has [`SVG_STYLE`].
pub fn draw_inline(diagram: &Diagram, ids: &SvgIds) -> String {
    svg::render_inline(diagram, ids)
}
