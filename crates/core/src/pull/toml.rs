//! Texts and keys, as TOML spells them.

/// A text as a value of the language, in which `${` stands for something else.
pub(super) fn escape_value(text: &str) -> String {
    quote_string(&text.replace("${", "$${"))
}

/// A text as a TOML string on one line.
fn quote_string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A list of texts, on as many lines as it needs to be read.
pub(super) fn render_list(texts: &[String]) -> String {
    /// What fits on a line, in characters.
    const LINE: usize = 100;
    let all: Vec<String> = texts.iter().map(|it| escape_value(it)).collect();
    let line = all.join(", ");
    match line.chars().count() > LINE {
        true => format!("[\n    {},\n]", all.join(",\n    ")),
        false => format!("[{line}]"),
    }
}

/// A key of a table: bare where it can be.
pub(super) fn table_key(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    match !key.is_empty() && key.chars().all(bare) {
        true => key.to_owned(),
        false => quote_string(key),
    }
}

/// The longest name that the language takes, in characters.
const LONGEST_NAME: usize = 200;

/// Whether the language takes a text as a name, just as it is.
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
        fn what_is_quoted_reads_as_it_was(text in any::<String>(), key in any::<String>()) {
            let file = format!("{} = {}", table_key(&key), quote_string(&text));
            let table: ::toml::Table = file.parse().unwrap();
            prop_assert_eq!(table[&key].as_str(), Some(text.as_str()));
        }
    }
}
