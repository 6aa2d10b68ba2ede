//! Computes the edits that change where a step runs.
//!
//! The line that sets the pool is changed in place, added after the action's last attribute, or removed.
//! Never: a change to any other line.

use super::{
    process::{AttributeSpan, OclAction},
    variables::OclVariableValue,
};
use crate::{
    finding::{Code, Finding},
    model::Place,
};

use std::ops::Range;

/// A replacement of some bytes of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextEdit {
    /// The bytes to replace; empty for an insertion.
    pub range: Range<usize>,
    /// The replacement.
    pub text: String,
}

/// Returns the edits of `text` that make `action`, read from it, run in `place`; none if it already does.
///
/// A pool is given by its slug.
///
/// # Errors
///
/// Returns a finding if the action is written on one line.
pub fn place_edits(
    text: &str,
    action: &OclAction,
    place: &Place<String>,
) -> Result<Vec<TextEdit>, Finding> {
    if action.place == *place {
        return Ok(Vec::new());
    }
    let lines = &action.lines;
    let (name, value, own, other) = match place {
        Place::DefaultPool => {
            let set = [&lines.pool, &lines.variable].into_iter().flatten().filter(|it| !it.empty);
            return Ok(set.map(|attribute| removal_edit(text, attribute)).collect());
        }
        Place::Pool(slug) => ("worker_pool", slug, &lines.pool, &lines.variable),
        Place::Variable(name) => ("worker_pool_variable", name, &lines.variable, &lines.pool),
    };
    let value = quote_literal(value);
    Ok(match (own, other) {
        (Some(own), other) => {
            let set = other.iter().filter(|it| !it.empty);
            let removed = set.map(|attribute| removal_edit(text, attribute));
            let changed = TextEdit { range: own.value.clone(), text: value };
            let mut edits: Vec<_> = std::iter::once(changed).chain(removed).collect();
            edits.sort_by_key(|it| it.range.start);
            edits
        }
        (None, Some(other)) => match add_next_to_empty(text, other, &format!("{name} = {value}")) {
            Some(added) => vec![added],
            None => vec![
                TextEdit { range: other.key.clone(), text: name.to_owned() },
                TextEdit { range: other.value.clone(), text: value },
            ],
        },
        (None, None) => vec![add_line_edit(text, action, &format!("{name} = {value}"))?],
    })
}

/// Returns the edit that gives a variable's value another text.
pub fn value_edit(value: &OclVariableValue, text: &str) -> TextEdit {
    TextEdit { range: value.label.clone(), text: quote_literal(text) }
}

/// Applies `edits`, which must be in text order and must not overlap.
pub fn apply_edits(text: &str, edits: &[TextEdit]) -> String {
    let mut edited = String::with_capacity(text.len());
    let mut done = 0;
    for edit in edits {
        edited.push_str(text.get(done..edit.range.start).unwrap_or_default());
        edited.push_str(&edit.text);
        done = edit.range.end;
    }
    edited.push_str(text.get(done..).unwrap_or_default());
    edited
}

/// Adds a line after the last attribute, or at the top of a body that has none.
fn add_line_edit(text: &str, action: &OclAction, line: &str) -> Result<TextEdit, Finding> {
    let lines = &action.lines;
    let (end, like, deeper) = match &lines.last {
        Some(last) => (last.end, last.key.start, ""),
        None => (lines.head, lines.start, "    "),
    };
    if !text.get(end..).is_some_and(|it| it.starts_with('\n')) {
        return Err(Finding::error(
            Code::OclOneLine,
            action.span.clone(),
            "cannot add a line to a step that is written on one line",
        )
        .with_help("put each attribute and the last `}` on a line of its own, as Octopus does"));
    }
    let line_end = if text.get(..end).is_some_and(|it| it.ends_with('\r')) { "\r\n" } else { "\n" };
    let at = end + 1;
    let indent = line_indent(text, like);
    let deeper = if indent.contains('\t') && !deeper.is_empty() { "\t" } else { deeper };
    Ok(TextEdit { range: at..at, text: format!("{indent}{deeper}{line}{line_end}") })
}

/// Adds a line next to an empty attribute, in Octopus' order: the pool before its variable.
///
/// Undoing the change then only removes the line.
fn add_next_to_empty(text: &str, empty: &AttributeSpan, line: &str) -> Option<TextEdit> {
    let rest = text.get(empty.value.end..)?;
    let end = rest.find('\n')?;
    if !empty.empty
        || !starts_its_line(text, empty.key.start)
        || !rest.get(..end)?.trim().is_empty()
    {
        return None;
    }
    let indent = line_indent(text, empty.key.start);
    let line_end = if rest.get(..end)?.ends_with('\r') { "\r\n" } else { "\n" };
    let at = match text.get(empty.key.clone())? {
        "worker_pool" => empty.value.end + end + 1,
        _ => empty.key.start - indent.len(),
    };
    Some(TextEdit { range: at..at, text: format!("{indent}{line}{line_end}") })
}

/// Returns whether only white space precedes `at` on its line.
pub(super) fn starts_its_line(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    before.rsplit('\n').next().unwrap_or_default().trim().is_empty()
}

/// Returns the indentation of the line that contains `at`.
pub(super) fn line_indent(text: &str, at: usize) -> &str {
    let before = text.get(..at).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    let line = line.trim_start_matches('\u{feff}');
    &line[..line.len() - line.trim_start().len()]
}

/// Removes an attribute, with its line unless something else is on it.
fn removal_edit(text: &str, attribute: &AttributeSpan) -> TextEdit {
    let (start, end) = (attribute.key.start, attribute.value.end);
    let rest = text.get(end..).unwrap_or_default();
    let line = rest.find('\n').map_or(rest.len(), |index| index + 1);
    let alone = rest.get(..line).is_some_and(|it| it.trim().is_empty());
    let range = if alone && starts_its_line(text, start) {
        start - line_indent(text, start).len()..end + line
    } else {
        start..end + rest.len() - rest.trim_start_matches([' ', '\t']).len()
    };
    TextEdit { range, text: String::new() }
}

/// Returns a text in quotes, with escapes.
fn quote_literal(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '"' | '\\' => quoted.extend(['\\', c]),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{finding::SourceId, ocl::read};

    use proptest::prelude::*;

    /// Returns the text after its first action is moved to `wanted`.
    fn placed(text: &str, wanted: &Place<String>) -> Result<String, Finding> {
        let document = read(SourceId(0), text)?;
        place_edits(text, &document.actions[0], wanted).map(|edits| apply_edits(text, &edits))
    }

    fn step(lines: &str) -> String {
        format!("step \"a\" {{\n  action {{\n{lines}  }}\n}}")
    }

    #[test]
    fn one_line_is_changed_added_or_removed() {
        let pool = Place::Pool("db".to_owned());
        let variable = Place::Variable("My \"Pool\"".to_owned());
        let table = [
            ("    worker_pool = \"a\" # why\n", &pool, "    worker_pool = \"db\" # why\n"),
            ("    worker_pool   =  \"a\"\r\n", &pool, "    worker_pool   =  \"db\"\r\n"),
            ("\tx = 1\r\n\n", &pool, "\tx = 1\r\n\tworker_pool = \"db\"\r\n\n"),
            ("    x = 1 // b\n", &pool, "    x = 1 // b\n    worker_pool = \"db\"\n"),
            ("", &pool, "      worker_pool = \"db\"\n"),
            ("    b {\n    }\n", &pool, "      worker_pool = \"db\"\n    b {\n    }\n"),
            (
                "    a = 1\r\n    worker_pool_variable = \"\"\r\n",
                &pool,
                "    a = 1\r\n    worker_pool = \"db\"\r\n    worker_pool_variable = \"\"\r\n",
            ),
            (
                "    worker_pool = \"\"\n    b = 1\n",
                &variable,
                "    worker_pool = \"\"\n    worker_pool_variable = \"My \\\"Pool\\\"\"\n    b = 1\n",
            ),
            ("    worker_pool_variable = \"\" # b\n", &pool, "    worker_pool = \"db\" # b\n"),
            ("    worker_pool_variable = \"V\"\n", &pool, "    worker_pool = \"db\"\n"),
            (
                "    worker_pool = \"a\"\n",
                &variable,
                "    worker_pool_variable = \"My \\\"Pool\\\"\"\n",
            ),
            (
                "    worker_pool = null\n    worker_pool_variable = \"V\"\n",
                &pool,
                "    worker_pool = \"db\"\n",
            ),
            ("    worker_pool = \"a\"\r\n    x = 1\n", &Place::DefaultPool, "    x = 1\n"),
            ("    worker_pool = \"a\" # why\n", &Place::DefaultPool, "    # why\n"),
            (
                "    worker_pool_variable = \"\"\n",
                &Place::DefaultPool,
                "    worker_pool_variable = \"\"\n",
            ),
            // A line is never added in the middle of a comment, or of a block.
            (
                "    x = 1 /* a\n  b */\n",
                &pool,
                "    x = 1 /* a\n  b */\n    worker_pool = \"db\"\n",
            ),
            (
                "    x = 1\n    b { c {\n    } }\n",
                &pool,
                "    x = 1\n    worker_pool = \"db\"\n    b { c {\n    } }\n",
            ),
            (
                "    x = <<-EOT\n      a\n      EOT\n",
                &pool,
                "    x = <<-EOT\n      a\n      EOT\n    worker_pool = \"db\"\n",
            ),
        ];
        for (before, wanted, after) in table {
            assert_eq!(placed(&step(before), wanted).unwrap(), step(after), "{before}");
        }
    }

    #[test]
    fn a_step_on_one_line_is_rejected() {
        let pool = Place::Pool("db".to_owned());
        for action in ["{ x = 1 }", "{}", "{ /* a\n */ }", "{ b {\n } \n }"] {
            let text = format!("step \"a\" {{\n action {action}\n}}");
            assert_eq!(placed(&text, &pool).unwrap_err().code, Code::OclOneLine, "{text}");
        }
    }

    fn any_place() -> impl Strategy<Value = Place<String>> {
        prop_oneof![
            "[a-z\"\\\\ é]{1,5}".prop_map(Place::Pool),
            "[a-zA-Z. ]{1,5}".prop_map(Place::Variable),
            Just(Place::DefaultPool),
        ]
    }

    /// Lines of an action's body, one of which may set a pool.
    fn any_body() -> impl Strategy<Value = String> {
        let line = prop_oneof![
            Just("name = \"é { # \\\"\""),
            Just("# worker_pool = \"nobody\""),
            Just("b = [\"x\", \"y\",]"),
            Just("p = {\n\t\tOctopus.Action[a b].C = \"}\"\n\t}"),
            Just("s = <<-EOT\nworker_pool = \"nobody\"\n  }\n  EOT"),
            Just(""),
        ];
        let setting = prop_oneof![
            Just(""),
            Just("worker_pool = \"a\" /* b */"),
            Just("worker_pool = \"\""),
            Just("worker_pool_variable = \"\""),
            Just("worker_pool_variable = \"V\""),
            Just("worker_pool = \"a\"\nworker_pool_variable = \"\""),
        ];
        let ends = prop_oneof![Just("\n"), Just("\r\n")];
        (prop::collection::vec(line, 0..4), setting, any::<bool>(), ends).prop_map(
            |(mut lines, setting, first, end)| {
                lines.insert(if first { 0 } else { lines.len() }, setting);
                lines.iter().map(|text| format!("    {}{end}", text.replace('\n', end))).collect()
            },
        )
    }

    proptest! {
        #[test]
        fn a_step_moves_and_no_other_line_changes(
            body in any_body(), wanted in any_place(), bom in any::<bool>(),
        ) {
            let bom = if bom { "\u{feff}" } else { "" };
            let before = format!("{bom}{}", step(&body));
            let after = placed(&before, &wanted).unwrap();
            let now = read(SourceId(0), &after).unwrap();
            prop_assert_eq!(&now.actions[0].place, &wanted);
            prop_assert_eq!(&placed(&after, &wanted).unwrap(), &after);
            // Moving back removes what was added, and nothing else.
            if read(SourceId(0), &before).unwrap().actions[0].place == Place::DefaultPool
                && !body.contains("worker_pool = \"\"") && matches!(wanted, Place::Pool(_))
            {
                prop_assert_eq!(&placed(&after, &Place::DefaultPool).unwrap(), &before);
            }
            let others = |text: &str| -> Vec<String> {
                let lines = text.split_inclusive('\n');
                let is_place = |line: &&str| {
                    let line = line.trim_start();
                    line.starts_with("worker_pool") && !line.contains("\"nobody\"")
                };
                lines.filter(|line| !is_place(line) && !line.trim_start().starts_with("/* b */"))
                    .map(str::to_owned).collect()
            };
            prop_assert_eq!(others(&before), others(&after));
        }
    }
}
