//! Writes strings and keys as TOML.

use crate::text::escape::{Syntax, escape_output};

/// Quotes a text, and escapes `${`, which would be an interpolation.
pub(super) fn escape_value(text: &str) -> String {
    quote_string(&text.replace("${", "$${"))
}

/// Quotes a text as a TOML string on one line.
///
/// Everything that a terminal or a runner would act on is written as an escape; the value stays the same.
fn quote_string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    escape_output(&quoted, Syntax::Toml)
}

/// Renders a list of texts, on several lines if it is long.
pub(super) fn render_list(texts: &[String]) -> String {
    /// The maximum length of a line, in characters.
    const LINE: usize = 100;
    let items: Vec<String> = texts.iter().map(|text| escape_value(text)).collect();
    let line = items.join(", ");
    if line.chars().count() > LINE {
        format!("[\n    {},\n]", items.join(",\n    "))
    } else {
        format!("[{line}]")
    }
}

/// Renders a table key, bare if possible.
pub(super) fn table_key(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !key.is_empty() && key.chars().all(bare) { key.to_owned() } else { quote_string(key) }
}

/// The maximum length of a name, in characters.
const LONGEST_NAME: usize = 200;

/// Returns whether the language accepts a text as a name, unchanged.
pub(super) fn is_valid_name(text: &str) -> bool {
    let fits = !text.is_empty() && text.chars().count() <= LONGEST_NAME;
    fits && text.trim() == text && !text.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn quoted_text_reads_back_unchanged(text in any::<String>(), key in any::<String>()) {
            let file = format!("{} = {}", table_key(&key), quote_string(&text));
            let table: ::toml::Table = file.parse().unwrap();
            prop_assert_eq!(table[&key].as_str(), Some(text.as_str()));
        }
    }
}
