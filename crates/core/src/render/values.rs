//! Shows the two sides of a field, with every name escaped.

use crate::{plan::FieldDiff, text::escape::Escaped};

use serde_json::Value;
use similar::{ChangeTag, TextDiff};

/// Texts longer than this, in characters, are shown as a line diff.
const LONG_TEXT: usize = 80;

/// How many unchanged lines are shown around changed ones.
const CONTEXT_LINES: usize = 3;

/// A line of a diff.
pub(super) struct DiffLine {
    /// What happens to the line; `None` where unchanged lines are left out.
    pub(super) tag: Option<ChangeTag>,
    /// The line, escaped, with its trailing spaces made visible.
    pub(super) text: String,
}

/// Returns both sides of a text that is too long for one line.
pub(super) fn long_text_sides(field: &FieldDiff) -> Option<(&str, &str)> {
    let is_text =
        |side: &'_ Option<Value>| side.is_none() || matches!(side, Some(Value::String(_)));
    if !is_text(&field.before) || !is_text(&field.after) {
        return None;
    }
    let before = field.before.as_ref().and_then(Value::as_str).unwrap_or_default();
    let after = field.after.as_ref().and_then(Value::as_str).unwrap_or_default();
    let is_long = |text: &str| text.trim_end().contains('\n') || text.chars().count() > LONG_TEXT;
    (is_long(before) || is_long(after)).then_some((before, after))
}

/// Returns both sides of a field on one line.
pub(super) fn render_sides(field: &FieldDiff) -> String {
    let show = |value: &Value| render_value(&field.path, value);
    match (&field.before, &field.after) {
        (Some(before), Some(after)) => format!("{} → {}", show(before), show(after)),
        (None, Some(value)) | (Some(value), None) => show(value),
        (None, None) => String::new(),
    }
}

/// Renders the fields of a change on one line.
pub(super) fn render_fields(fields: &[FieldDiff]) -> String {
    let fields = fields.iter().map(|it| format!("{} {}", Escaped(&it.path), render_sides(it)));
    fields.collect::<Vec<_>>().join(", ")
}

/// Returns a value as it is shown: a text between quotes.
pub(super) fn render_value(path: &str, value: &Value) -> String {
    // Addresses need no quotes.
    let is_address = matches!(path, "pool" | "pools" | "sort_order");
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) if is_address => Escaped(text).to_string(),
        Value::String(text) => quote_text(text),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|it| render_value(path, it)).collect();
            format!("[{}]", items.join(", "))
        }
        other => Escaped(&other.to_string()).to_string(),
    }
}

/// Quotes a text, escaping any quote in it.
pub(super) fn quote_text(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", Escaped(&text))
}

/// Returns what differs between two texts, line by line.
pub(super) fn diff_lines(before: &str, after: &str) -> Vec<DiffLine> {
    let diff = TextDiff::from_lines(before, after);
    let groups = diff.grouped_ops(CONTEXT_LINES);
    let mut shown = Vec::new();
    let mut next = 0;
    for line in groups.iter().flatten().flat_map(|part| diff.iter_changes(part)) {
        let at = line.old_index().unwrap_or(next);
        if next < at {
            shown.push(DiffLine { tag: None, text: String::new() });
        }
        next = at + usize::from(line.tag() != ChangeTag::Insert);
        let text = reveal_trailing(line.value().trim_end_matches(['\r', '\n']));
        shown.push(DiffLine { tag: Some(line.tag()), text });
    }
    shown
}

/// Makes the trailing spaces of a line visible.
fn reveal_trailing(line: &str) -> String {
    let text = line.trim_end_matches(' ');
    format!("{}{}", Escaped(text), "\\u{20}".repeat(line.len() - text.len()))
}
