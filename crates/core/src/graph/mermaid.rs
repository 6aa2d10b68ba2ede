//! Draws a diagram as a Mermaid flowchart.
//!
//! # Source
//!
//! Mermaid's documentation: a text in double quotes may hold anything but a double quote, and `#quot;` and `#35;` stand
//! for characters ("Entity codes to escape characters"); a diagram of more than 50,000 characters or 500 edges is not
//! drawn (`maxTextSize`, `maxEdges`).

use super::{
    diagram::{BoxKind, Diagram, DiagramBox, DiagramLimits},
    labels::{NAME_COLUMNS, short_label},
};

use std::fmt::{self, Write as _};

/// The most characters that Mermaid draws, with room for what a page puts around the diagram.
const MAX_TEXT: usize = 48_000;

/// The styles of boxes that differ from the others, readable on light and on dark.
const STYLES: &str = "  classDef new stroke:#1a7f37,stroke-width:2px
  classDef deleted stroke:#cf222e,stroke-width:2px,stroke-dasharray:5 3
  classDef fold stroke-dasharray:2 3
";

/// Renders the diagram, folded as far as Mermaid needs it.
pub(super) fn render_mermaid(diagram: &Diagram) -> String {
    let mut out = String::new();
    for limits in DiagramLimits::LEVELS {
        out.clear();
        // Writing to a `String` cannot fail.
        _ = write_chart(&mut out, &diagram.folded(limits));
        if out.len() <= MAX_TEXT {
            break;
        }
    }
    out
}

fn write_chart(out: &mut String, diagram: &Diagram) -> fmt::Result {
    // A title of its own would need lines of `---`, which a CI runner takes for a command.
    writeln!(out, "flowchart LR\n  accTitle: {}", plain_line(&diagram.title))?;
    for note in &diagram.notes {
        writeln!(out, "  %% {}", plain_line(note))?;
    }
    for (side, title, boxes) in
        [("l", diagram.left_title, &diagram.left), ("r", diagram.right_title, &diagram.right)]
    {
        if boxes.is_empty() {
            continue;
        }
        writeln!(out, "  subgraph {side}[\"{title}\"]\n    direction TB")?;
        for (at, shown) in boxes.iter().enumerate() {
            let class = class_name(shown).map(|name| format!(":::{name}")).unwrap_or_default();
            writeln!(out, "    {side}{at}[\"{}\"]{class}", box_text(shown))?;
        }
        writeln!(out, "  end")?;
    }
    for edge in &diagram.edges {
        let arrow = if edge.moves { "==>" } else { "-->" };
        let label = quote_text(&short_label(&diagram.edge_label(edge), NAME_COLUMNS));
        let label = if label.is_empty() { label } else { format!("|\"{label}\"|") };
        writeln!(out, "  l{} {arrow}{label} r{}", edge.from, edge.to)?;
    }
    out.write_str(STYLES)
}

fn class_name(shown: &DiagramBox) -> Option<&'static str> {
    match shown.kind {
        BoxKind::NewPool => Some("new"),
        BoxKind::DeletedPool => Some("deleted"),
        BoxKind::Fold => Some("fold"),
        BoxKind::Pool | BoxKind::Place | BoxKind::Source | BoxKind::Step => None,
    }
}

/// Returns the text of a box: its name, its details and its workers, one below the other.
fn box_text(shown: &DiagramBox) -> String {
    let lines = [shown.name.clone(), shown.describe()].into_iter().filter(|it| !it.is_empty());
    let lines = lines.chain(shown.workers.iter().cloned());
    let lines: Vec<_> = lines.map(|it| quote_text(&short_label(&it, NAME_COLUMNS))).collect();
    lines.join("<br/>")
}

/// Writes every character as an entity that Mermaid, Markdown or HTML would read as anything but itself.
fn quote_text(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_alphanumeric() || matches!(c, ' ' | '.' | ',' | ':' | '/' | '(' | ')' | '…') {
            quoted.push(c);
        } else {
            _ = write!(quoted, "#{};", u32::from(c));
        }
    }
    quoted
}

/// Returns a text for a line that has no quotes: letters, digits and what stands between words.
fn plain_line(text: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || " .,:/-".contains(c) { c } else { ' ' };
    short_label(text, 4 * NAME_COLUMNS).chars().map(plain).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_close_its_quotes_or_form_markup() {
        assert_eq!(quote_text("Web Store"), "Web Store");
        assert_eq!(quote_text("\"]; click"), "#34;#93;#59; click");
        assert_eq!(quote_text("<b>`*_#35;"), "#60;b#62;#96;#42;#95;#35;35#59;");
        assert_eq!(plain_line("a\n%%{init}%%"), "a n   init");
    }
}
