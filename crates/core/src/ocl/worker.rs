//! Computes the edits that make an action say that it runs on a worker.
//!
//! A step that leaves its pool for the default pool runs on a worker only because of this property.
//! Never: a change to any other property.

use super::{
    edit::{TextEdit, line_indent, starts_its_line},
    process::{AttributeSpan, OclAction, PropertySpans, RUN_ON_SERVER},
};
use crate::finding::{Code, Finding};

/// Returns the edits of `text` after which `action`, read from it, says that it runs on a worker: one property is
/// changed or added, in the order of the alphabet, as Octopus writes them. None if it already says so.
///
/// # Errors
///
/// Returns a finding if the line cannot be added, because of what else is on its line.
///
/// # Source
///
/// `api.md` 3.4.
pub fn run_on_worker_edits(text: &str, action: &OclAction) -> Result<Vec<TextEdit>, Finding> {
    if action.run_on_server == Some(true) {
        return Ok(Vec::new());
    }
    let edit = match &action.lines.properties {
        Some(properties) => property_edit(text, properties),
        None => add_properties(text, action),
    };
    edit.map(|edit| vec![edit]).ok_or_else(|| {
        let message = format!("cannot add `{RUN_ON_SERVER}` to a step that is written on one line");
        Finding::error(Code::OclOneLine, action.span.clone(), message)
            .with_help("put each attribute and property on a line of its own, as Octopus does")
    })
}

/// Changes the property, or adds it to the others.
fn property_edit(text: &str, properties: &PropertySpans) -> Option<TextEdit> {
    let entries = &properties.entries;
    if let Some((_, own)) = entries.iter().find(|(name, _)| name == RUN_ON_SERVER) {
        let is_one_line = !text.get(own.value.clone())?.contains('\n');
        let edit = TextEdit { range: own.value.clone(), text: "\"true\"".to_owned() };
        return is_one_line.then_some(edit);
    }
    if let Some((_, next)) = entries.iter().find(|(name, _)| name.as_str() > RUN_ON_SERVER) {
        return add_before(text, next);
    }
    match entries.last() {
        Some((_, last)) => add_after(text, last),
        None => fill_empty(text, properties),
    }
}

fn add_before(text: &str, next: &AttributeSpan) -> Option<TextEdit> {
    let indent = line_indent(text, next.key.start);
    let at = next.key.start - indent.len();
    let line = format!("{indent}{}{}", property_line(), line_end(text, at));
    starts_its_line(text, next.key.start).then_some(TextEdit { range: at..at, text: line })
}

fn add_after(text: &str, last: &AttributeSpan) -> Option<TextEdit> {
    let at = last.end + 1;
    let is_line_end = text.get(last.end..)?.starts_with('\n');
    let indent = line_indent(text, last.key.start);
    let line = format!("{indent}{}{}", property_line(), line_end(text, at));
    is_line_end.then_some(TextEdit { range: at..at, text: line })
}

/// Puts the property between braces with nothing but white space between them.
fn fill_empty(text: &str, properties: &PropertySpans) -> Option<TextEdit> {
    let braces = properties.value.clone()?;
    let inside = text.get(braces.clone())?.strip_prefix('{')?.strip_suffix('}')?;
    let indent = line_indent(text, braces.start);
    let body = property_body(text, indent, braces.start);
    inside.trim().is_empty().then_some(TextEdit { range: braces, text: body })
}

/// Adds the properties in front of the line that sets the pool, where the alphabet puts them.
fn add_properties(text: &str, action: &OclAction) -> Option<TextEdit> {
    let lines = &action.lines;
    let own = [&lines.pool, &lines.variable].into_iter().flatten().min_by_key(|it| it.key.start)?;
    let indent = line_indent(text, own.key.start);
    let at = own.key.start - indent.len();
    let body = property_body(text, indent, at);
    let added = format!("{indent}properties = {body}{}", line_end(text, at));
    starts_its_line(text, own.key.start).then_some(TextEdit { range: at..at, text: added })
}

fn property_line() -> String {
    format!("{RUN_ON_SERVER} = \"true\"")
}

/// Returns the property in braces, each on a line of its own.
fn property_body(text: &str, indent: &str, at: usize) -> String {
    let (end, deeper) = (line_end(text, at), if indent.contains('\t') { "\t" } else { "    " });
    format!("{{{end}{indent}{deeper}{}{end}{indent}}}", property_line())
}

/// Returns how the line before `at` ends or, on the first line, the line with it.
fn line_end(text: &str, at: usize) -> &'static str {
    let before = text.get(..at).unwrap_or_default();
    let after = text.get(at..).unwrap_or_default();
    let is_windows = match before.rfind('\n') {
        Some(end) => before.get(..end).is_some_and(|it| it.ends_with('\r')),
        None => after
            .find('\n')
            .is_some_and(|end| after.get(..end).is_some_and(|it| it.ends_with('\r'))),
    };
    if is_windows { "\r\n" } else { "\n" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        finding::SourceId,
        model::Place,
        ocl::{apply_edits, place_edits, read},
    };

    /// Returns the text after its first action left its pool for the default pool.
    fn defaulted(text: &str) -> Result<String, Finding> {
        let document = read(SourceId(0), text)?;
        let action = &document.actions[0];
        let mut edits = place_edits(text, action, &Place::DefaultPool)?;
        edits.extend(run_on_worker_edits(text, action)?);
        edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
        Ok(apply_edits(text, &edits))
    }

    fn step(lines: &str) -> String {
        format!("step \"a\" {{\n  action {{\n{lines}  }}\n}}")
    }

    #[test]
    fn a_step_in_the_default_pool_says_that_it_runs_on_a_worker() {
        let flag = "Octopus.Action.RunOnServer = \"true\"";
        let table = [
            // Changed, added in the order of the alphabet, or added with all properties.
            (
                "    properties = {\n      Octopus.Action.RunOnServer = \"\"\n    }\n    worker_pool = \"a\"\n",
                format!("    properties = {{\n      {flag}\n    }}\n"),
            ),
            (
                "    properties = {\r\n\tA = \"1\"\r\n\tP = <<-EOT\n\tx\n\tEOT\r\n    }\r\n    worker_pool = \"a\"\r\n",
                format!(
                    "    properties = {{\r\n\tA = \"1\"\r\n\t{flag}\r\n\tP = <<-EOT\n\tx\n\tEOT\r\n    }}\r\n"
                ),
            ),
            (
                "    properties = {\n      A = \"1\" # b\n    }\n    worker_pool_variable = \"a\"\n",
                format!("    properties = {{\n      A = \"1\" # b\n      {flag}\n    }}\n"),
            ),
            (
                "    properties = {}\n    worker_pool = \"a\"\n",
                format!("    properties = {{\n        {flag}\n    }}\n"),
            ),
            (
                "    action_type = \"x\"\n    worker_pool = \"a\"\n\n    container {\n    }\n",
                format!(
                    "    action_type = \"x\"\n    properties = {{\n        {flag}\n    }}\n\n    container {{\n    }}\n"
                ),
            ),
            (
                "    worker_pool = \"a\"\n    properties {\n      A = \"1\"\n    }\n",
                format!("    properties {{\n      A = \"1\"\n      {flag}\n    }}\n"),
            ),
            (
                "    properties = {\n      Octopus.Action.RunOnServer = \"True\"\n    }\n    worker_pool = \"a\"\n",
                "    properties = {\n      Octopus.Action.RunOnServer = \"True\"\n    }\n"
                    .to_owned(),
            ),
        ];
        for (before, after) in table {
            assert_eq!(defaulted(&step(before)).unwrap(), step(&after), "{before}");
        }
    }

    #[test]
    fn properties_on_one_line_are_rejected() {
        for properties in ["{ A = \"1\" }", "{ Z = \"1\" }", "{ # a\n }"] {
            let text = step(&format!("    properties = {properties}\n    worker_pool = \"a\"\n"));
            assert_eq!(defaulted(&text).unwrap_err().code, Code::OclOneLine, "{text}");
        }
    }
}
