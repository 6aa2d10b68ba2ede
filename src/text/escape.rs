//! Untrusted text on its way to a terminal.
//!
//! Names come from servers, and whoever may name a step must not be able to move somebody's cursor.

use std::fmt;

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
pub fn mask(text: &str) -> String {
    text.chars().map(|c| if is_unsafe(c) && c != '\t' { '\u{fffd}' } else { c }).collect()
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
    fn masked_text_has_its_columns_where_they_were() {
        assert_eq!(mask("\ta\u{1b}[31m\u{202e}é"), "\ta\u{fffd}[31m\u{fffd}é");
    }
}
