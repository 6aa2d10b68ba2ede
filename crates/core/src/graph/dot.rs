//! Draws a diagram in Graphviz DOT.
//!
//! # Source
//!
//! Graphviz, "The DOT Language": in a quoted string only `"` is escaped; labels read `\N`, `\G`, `\n` and other
//! escapes besides, so that a backslash is doubled; and `&…;` is an entity.

use super::{
    diagram::{BoxKind, Diagram, DiagramBox, DiagramLimits},
    labels::{NAME_COLUMNS, short_label},
};

use std::fmt::{self, Write as _};

/// Renders the diagram.
pub(super) fn render_dot(diagram: &Diagram) -> String {
    let [limits, ..] = DiagramLimits::LEVELS;
    let mut out = String::new();
    // Writing to a `String` cannot fail.
    _ = write_graph(&mut out, &diagram.folded(limits));
    out
}

fn write_graph(out: &mut String, diagram: &Diagram) -> fmt::Result {
    writeln!(out, "digraph poolwright {{")?;
    writeln!(out, "  rankdir=LR; ranksep=2; nodesep=0.15; charset=\"UTF-8\"; labelloc=t;")?;
    let lines: Vec<String> =
        std::iter::once(&diagram.title).chain(&diagram.notes).cloned().collect();
    writeln!(out, "  label={};", quote_lines(&lines, 3 * NAME_COLUMNS, "\\n"))?;
    writeln!(out, "  fontname=\"sans-serif\"; bgcolor=white;")?;
    writeln!(
        out,
        "  node [shape=box, style=\"rounded,filled\", fillcolor=white, fontname=\"sans-serif\", fontsize=11];"
    )?;
    writeln!(out, "  edge [fontname=\"sans-serif\", fontsize=9, color=gray50];")?;
    for (side, boxes) in [("l", &diagram.left), ("r", &diagram.right)] {
        for (at, shown) in boxes.iter().enumerate() {
            writeln!(out, "  {side}{at} [label={}{}];", box_label(shown), box_style(shown))?;
        }
        let all: Vec<_> = (0..boxes.len()).map(|at| format!("{side}{at}")).collect();
        if !all.is_empty() {
            writeln!(out, "  {{ rank=same; {}; }}", all.join("; "))?;
        }
    }
    for edge in &diagram.edges {
        let style = if edge.moves { ", color=\"#9a6700\", penwidth=2" } else { "" };
        let label = quote_lines(&[diagram.edge_label(edge)], NAME_COLUMNS, "\\n");
        writeln!(out, "  l{} -> r{} [label={label}{style}];", edge.from, edge.to)?;
    }
    out.write_str("}\n")
}

fn box_label(shown: &DiagramBox) -> String {
    let lines = [shown.name.clone(), shown.describe()].into_iter().filter(|it| !it.is_empty());
    let lines: Vec<String> = lines.chain(shown.workers.iter().cloned()).collect();
    quote_lines(&lines, NAME_COLUMNS, "\\l")
}

fn box_style(shown: &DiagramBox) -> &'static str {
    match shown.kind {
        BoxKind::NewPool => ", color=\"#1a7f37\", penwidth=2",
        BoxKind::DeletedPool => ", color=\"#cf222e\", style=\"rounded,filled,dashed\"",
        BoxKind::Fold => ", style=\"rounded,filled,dotted\"",
        BoxKind::Source | BoxKind::Step => ", fillcolor=gray95",
        BoxKind::Pool | BoxKind::Place => "",
    }
}

/// Returns lines as one quoted string, with the escape that ends each line.
fn quote_lines(lines: &[String], columns: usize, end: &str) -> String {
    let mut quoted = "\"".to_owned();
    for line in lines {
        for c in short_label(line, columns).chars() {
            match c {
                '"' => quoted.push_str("\\\""),
                '\\' => quoted.push_str("\\\\"),
                '&' => quoted.push_str("&amp;"),
                _ => quoted.push(c),
            }
        }
        quoted.push_str(end);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_close_its_quotes_or_form_an_escape() {
        let quoted = quote_lines(&["a\" \\N &lt; \u{202e}".to_owned()], 60, "\\l");
        assert_eq!(quoted, r#""a\" \\N &amp;lt; \\u{202e}\l""#);
    }
}
