//! Untrusted text on its way to a terminal.
//!
//! Names come from servers, and whoever may name a step must not be able to move somebody's cursor.

use std::fmt::{self, Write as _};

/// Text shown with every control and formatting character escaped: `\u{1b}[2J` stands there as words.
///
/// Newlines and tabs too: a name is one line.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match is_unsafe(c) {
            true => write!(f, "{}", c.escape_default()),
            false => write!(f, "{c}"),
        })
    }
}

/// The same as [`Escaped`], but lines stay lines: for texts that are shown as a difference of lines.
pub fn escape_lines(text: &str) -> String {
    text.split('\n').map(|line| Escaped(line).to_string()).collect::<Vec<_>>().join("\n")
}

/// As many characters, with each that [`Escaped`] would escape replaced by `\u{fffd}`, but for tabs: for
/// source text, where columns count.
pub fn mask_unsafe(text: &str) -> String {
    text.chars().map(|c| if is_unsafe(c) && c != '\t' { '\u{fffd}' } else { c }).collect()
}

/// JSON with every character that [`Escaped`] would escape as `\u202e`: the same text to who parses it.
pub fn escape_json(json: &str) -> String {
    let is_safe = |c: char| c == '\n' || !is_unsafe(c);
    if json.chars().all(is_safe) {
        return json.to_owned();
    }
    let mut units = [0; 2];
    json.chars().fold(String::with_capacity(json.len()), |mut safe, c| {
        match is_safe(c) {
            true => safe.push(c),
            false => c
                .encode_utf16(&mut units)
                .iter()
                .for_each(|number| _ = write!(safe, "\\u{number:04x}")),
        }
        safe
    })
}

/// Control characters, and those that reorder or hide what stands beside them.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_escapes_are_shown_and_not_obeyed() {
        assert_eq!(Escaped("a\u{1b}[31mb\r\n").to_string(), "a\\u{1b}[31mb\\r\\n");
        assert_eq!(Escaped("Größe \u{202e}txt").to_string(), "Größe \\u{202e}txt");
    }

    #[test]
    fn json_is_the_same_to_who_parses_it() {
        let name = "c\u{9b}31m \u{202e}\u{e0041} é";
        let json = serde_json::to_string(name).unwrap();
        let safe = escape_json(&json);
        assert_eq!(safe, "\"c\\u009b31m \\u202e\\udb40\\udc41 é\"");
        assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), name);
    }

    #[test]
    fn masked_text_has_its_columns_where_they_were() {
        assert_eq!(mask_unsafe("\ta\u{1b}[31m\u{202e}é"), "\ta\u{fffd}[31m\u{fffd}é");
    }
}
