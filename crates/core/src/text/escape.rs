//! Escapes untrusted text before it is printed to a terminal.
//!
//! Names come from servers: the right to name a step must not include the right to move a reader's cursor.

use std::fmt::{self, Write as _};

/// Displays text with every control and formatting character escaped, so that `\u{1b}[2J` is printed literally.
///
/// Newlines and tabs are escaped too: a name is one line.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| {
            if is_unsafe(c) { write!(f, "{}", c.escape_default()) } else { f.write_char(c) }
        })
    }
}

/// Replaces each character that [`Escaped`] would escape, tabs excepted, with `\u{fffd}`.
///
/// The number of characters stays the same, so columns in source text stay correct.
pub fn mask_unsafe(text: &str) -> String {
    text.chars().map(|c| if is_unsafe(c) && c != '\t' { '\u{fffd}' } else { c }).collect()
}

/// Writes each character that [`Escaped`] would escape as a JSON escape such as `\u202e`.
///
/// Newlines stay; the result parses to the same value.
pub fn escape_json(json: &str) -> String {
    let is_safe = |c: char| c == '\n' || !is_unsafe(c);
    if json.chars().all(is_safe) {
        return json.to_owned();
    }
    let mut units = [0; 2];
    json.chars().fold(String::with_capacity(json.len()), |mut safe, c| {
        if is_safe(c) {
            safe.push(c);
        } else {
            let units = c.encode_utf16(&mut units).iter();
            units.for_each(|unit| _ = write!(safe, "\\u{unit:04x}"));
        }
        safe
    })
}

/// Returns whether a character is a control character, or reorders or hides the text next to it.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_escapes_are_printed_literally() {
        assert_eq!(Escaped("a\u{1b}[31mb\r\n").to_string(), "a\\u{1b}[31mb\\r\\n");
        assert_eq!(Escaped("Größe \u{202e}txt").to_string(), "Größe \\u{202e}txt");
    }

    #[test]
    fn escaped_json_parses_to_the_same_value() {
        let name = "c\u{9b}31m \u{202e}\u{e0041} é";
        let json = serde_json::to_string(name).unwrap();
        let safe = escape_json(&json);
        assert_eq!(safe, "\"c\\u009b31m \\u202e\\udb40\\udc41 é\"");
        assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), name);
    }

    #[test]
    fn masking_preserves_columns() {
        assert_eq!(mask_unsafe("\ta\u{1b}[31m\u{202e}é"), "\ta\u{fffd}[31m\u{fffd}é");
    }
}
