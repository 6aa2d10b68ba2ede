//! Says what is wrong with a JSON text, without the words of the library that read it.

use serde_json::{Error, error::Category};

/// Describes why a text is not the JSON that is expected: what is wrong, and the line if it is known.
///
/// The result continues a sentence: `it is not JSON: {…}`.
pub fn describe_json_error(error: &Error) -> String {
    let what = describe_json_flaw(error);
    match error.line() {
        0 => what,
        line => format!("{what} at line {line}, column {}", error.column()),
    }
}

/// Describes the same without the place, for a text that is a line of another one.
pub fn describe_json_flaw(error: &Error) -> String {
    match error.classify() {
        Category::Io => "it cannot be read".to_owned(),
        Category::Eof => "it ends too early".to_owned(),
        Category::Syntax => "there is a syntax error".to_owned(),
        Category::Data => describe_data_error(&message_without_position(error)),
    }
}

fn message_without_position(error: &Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message).to_owned()
}

/// Describes a value of the wrong form. Whatever the library says in another form is left out: it may quote values.
fn describe_data_error(message: &str) -> String {
    if let Some(field) = quoted_after(message, "missing field ") {
        return format!("`{field}` is missing");
    }
    if let Some(field) = quoted_after(message, "duplicate field ") {
        return format!("`{field}` is there twice");
    }
    if let Some(field) = quoted_after(message, "unknown field ") {
        return format!("`{field}` is not a known field");
    }
    if let Some(word) = quoted_after(message, "unknown variant ") {
        return format!("`{word}` is not a known word");
    }
    let found = message.strip_prefix("invalid type: ").and_then(|it| it.split_once(", expected "));
    if let Some((found, expected)) = found {
        return format!("there is {}, not {}", kind_of(found), kind_of(expected));
    }
    if message.starts_with("invalid length") {
        return "a list has the wrong number of items".to_owned();
    }
    if message.starts_with("invalid value") {
        return "a value is out of range".to_owned();
    }
    let is_own = !message.starts_with("data did not match") && !message.contains("expected ");
    if is_own { message.to_owned() } else { "a value has an unexpected form".to_owned() }
}

fn quoted_after<'a>(message: &'a str, start: &str) -> Option<&'a str> {
    message.strip_prefix(start)?.strip_prefix('`')?.split('`').next()
}

/// Returns the kind of a value as people name it, from the library's name for it.
fn kind_of(name: &str) -> &'static str {
    let first = name.split([' ', '`']).next().unwrap_or_default();
    match first {
        "null" | "unit" => "null",
        "boolean" => "true or false",
        "integer" | "floating" => "a number",
        "string" | "character" => "a text",
        "sequence" | "tuple" => "a list",
        "map" | "struct" | "enum" | "newtype" | "internally" | "adjacently" => "an object",
        _ if name.contains("sequence") || name.contains("tuple") || name.contains("array") => {
            "a list"
        }
        _ if name.contains("map") => "an object",
        _ if name.contains("string") || name.contains("identifier") => "a text",
        _ if name.contains("boolean") => "true or false",
        _ if first.starts_with(['u', 'i', 'f']) && first.ends_with(char::is_numeric) => "a number",
        _ => "a value of another kind",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use std::fmt::Write as _;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[serde(rename = "tool")]
        _tool: Inner,
        #[serde(rename = "list")]
        _list: Vec<u32>,
    }

    #[derive(Debug, Deserialize)]
    struct Inner {
        #[serde(rename = "kind")]
        _kind: Kind,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        One,
    }

    #[test]
    fn serde_wording_never_appears_in_error_messages() {
        let texts = [
            "",
            "{",
            "nonsense",
            "[1]",
            "5",
            r#"{"tool": 5}"#,
            r#"{"tool": {"kind": "two"}}"#,
            r#"{"tool": {"kind": "one"}, "list": "x"}"#,
            r#"{"tool": {"kind": "one"}, "list": ["x"]}"#,
            r#"{"tool": {"kind": "one"}, "list": [-1]}"#,
            r#"{"tool": {"kind": "one"}}"#,
            r#"{"tool": {"kind": ["API-KEY"]}}"#,
            r#"{"x": 1}"#,
            r#"{"tool": null}"#,
        ];
        let mut all = String::new();
        for text in texts {
            let error = serde_json::from_str::<Sample>(text).unwrap_err();
            _ = writeln!(all, "{text}: {}", describe_json_error(&error));
        }
        insta::assert_snapshot!(all, @r#"
        : it ends too early at line 1, column 0
        {: it ends too early at line 1, column 1
        nonsense: there is a syntax error at line 1, column 2
        [1]: there is a number, not an object at line 1, column 2
        5: there is a number, not an object at line 1, column 1
        {"tool": 5}: there is a number, not an object at line 1, column 10
        {"tool": {"kind": "two"}}: `two` is not a known word at line 1, column 23
        {"tool": {"kind": "one"}, "list": "x"}: there is a text, not a list at line 1, column 37
        {"tool": {"kind": "one"}, "list": ["x"]}: there is a text, not a number at line 1, column 38
        {"tool": {"kind": "one"}, "list": [-1]}: a value is out of range at line 1, column 37
        {"tool": {"kind": "one"}}: `list` is missing at line 1, column 25
        {"tool": {"kind": ["API-KEY"]}}: there is a syntax error at line 1, column 19
        {"x": 1}: `x` is not a known field at line 1, column 4
        {"tool": null}: there is null, not an object at line 1, column 13
        "#);
        for word in ["struct", "Sample", "Inner", "variant", "u32", "sequence", "map", "expected"] {
            assert!(!all.contains(word), "{word}");
        }
    }
}
