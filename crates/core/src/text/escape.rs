//! Escapes untrusted text before it is printed.
//!
//! Names come from servers and files: the right to name a step must not include the right to move a reader's cursor,
//! nor the right to give a command to the CI runner that reads the log.

mod command;

use command::CommandScanner;
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

/// The language of a printed text, which decides how its characters are escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// Text for people: `\u{23}`, as in [`Escaped`].
    Text,
    /// Text for people with the terminal's colours, which are let through.
    ColouredText,
    /// CSV: as text, and its lines end with `\r\n`.
    Csv,
    /// JSON: `\u0023`, so that every value stays the same.
    Json,
    /// HTML or XML: `&#x23;`, so that every text stays the same. What hides or reorders text is shown as in [`Escaped`].
    Html,
    /// TOML whose strings are all basic strings: `\u0023`, so that every value stays the same.
    Toml,
    /// XML: `&#x23;`, so that every text stays the same. What XML cannot hold is escaped as in text.
    Xml,
}

/// Escapes everything in a text that a terminal or a CI runner would act on, line breaks apart.
///
/// This is the last wall before a stream. It cannot know which line breaks are a name's: [`Escaped`] does.
pub fn escape_output(text: &str, syntax: Syntax) -> String {
    let mut safe = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let end = match line {
            _ if syntax == Syntax::Csv && line.ends_with("\r\n") => "\r\n",
            _ if line.ends_with('\n') => "\n",
            _ => "",
        };
        escape_line(&line[..line.len() - end.len()], syntax, &mut safe);
        safe.push_str(end);
    }
    safe
}

/// Escapes a line, or a text that is to stay on one line.
pub fn escape_line(line: &str, syntax: Syntax, safe: &mut String) {
    let mut scanner = CommandScanner::default();
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let colour = if syntax == Syntax::ColouredText { colour_length(rest) } else { 0 };
        if colour > 0 {
            safe.push_str(&rest[..colour]);
            rest = &rest[colour..];
            continue;
        }
        let is_tab = c == '\t' && syntax != Syntax::Json;
        let is_foreign = syntax == Syntax::Xml && !is_xml(c);
        if scanner.begins_command(rest) || is_foreign || (is_unsafe(c) && !is_tab) {
            push_escape(c, syntax, safe);
        } else {
            safe.push(c);
        }
        rest = &rest[c.len_utf8()..];
    }
}

/// Writes a character as an escape of the language.
fn push_escape(c: char, syntax: Syntax, safe: &mut String) {
    let code = u32::from(c);
    _ = match syntax {
        Syntax::Text | Syntax::ColouredText | Syntax::Csv | Syntax::Html if is_unsafe(c) => {
            write!(safe, "{}", c.escape_default())
        }
        Syntax::Text | Syntax::ColouredText | Syntax::Csv => write!(safe, "\\u{{{code:x}}}"),
        Syntax::Html => write!(safe, "&#x{code:x};"),
        Syntax::Json => {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().try_for_each(|unit| write!(safe, "\\u{unit:04x}"))
        }
        Syntax::Xml if is_xml(c) => write!(safe, "&#x{code:x};"),
        Syntax::Xml => write!(safe, "\\u{{{code:x}}}"),
        Syntax::Toml if code > 0xffff => write!(safe, "\\U{code:08X}"),
        Syntax::Toml => write!(safe, "\\u{code:04X}"),
    };
}

/// Returns whether XML 1.0 can hold a character, be it as it is or as a reference.
///
/// # Source
///
/// Extensible Markup Language (XML) 1.0, production 2, `Char`.
pub fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{fffd}' | '\u{10000}'..)
}

/// Returns the length in bytes of the colour sequence that a text begins with, or 0.
///
/// `\u{1b}[8m` hides text, so it is not a colour.
fn colour_length(text: &str) -> usize {
    let Some(rest) = text.strip_prefix("\u{1b}[") else { return 0 };
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap_or(rest.len());
    let hides = rest[..end].split(';').any(|number| number == "8");
    if rest[end..].starts_with('m') && !hides { text.len() - rest.len() + end + 1 } else { 0 }
}

/// Replaces each character that [`escape_output`] would escape, tabs excepted, with `\u{fffd}`.
///
/// The number of characters stays the same, so columns in source text stay correct.
pub fn mask_unsafe(text: &str) -> String {
    let mut scanner = CommandScanner::default();
    let mask = |(at, c): (usize, char)| {
        let is_command = scanner.begins_command(&text[at..]);
        if is_command || (is_unsafe(c) && c != '\t') { '\u{fffd}' } else { c }
    };
    text.char_indices().map(mask).collect()
}

/// Writes each character that [`escape_output`] would escape as a JSON escape such as `\u202e`.
///
/// Newlines stay; the result parses to the same value.
pub fn escape_json(json: &str) -> String {
    escape_output(json, Syntax::Json)
}

/// Returns whether a character is a control character, or reorders, hides or breaks the text next to it.
///
/// # Source
///
/// Unicode 17.0: `Default_Ignorable_Code_Point` of `DerivedCoreProperties.txt`, `Bidi_Control` of `PropList.txt`, the
/// line and paragraph separators, and the interlinear annotations.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn terminal_escapes_are_printed_literally() {
        assert_eq!(Escaped("a\u{1b}[31mb\r\n").to_string(), "a\\u{1b}[31mb\\r\\n");
        assert_eq!(Escaped("Größe \u{202e}txt").to_string(), "Größe \\u{202e}txt");
    }

    #[test]
    fn escaped_json_parses_to_the_same_value() {
        let name = "c\u{9b}31m \u{202e}\u{e0041} é ##vso[x]";
        let json = serde_json::to_string(name).unwrap();
        let safe = escape_json(&json);
        assert_eq!(safe, "\"c\\u009b31m \\u202e\\udb40\\udc41 é \\u0023#vso[x]\"");
        assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), name);
    }

    #[test]
    fn masking_preserves_columns() {
        assert_eq!(mask_unsafe("\ta\u{1b}[31m\u{202e}é"), "\ta\u{fffd}[31m\u{fffd}é");
        assert_eq!(mask_unsafe("a = ##vso[x]"), "a = \u{fffd}#vso[x]");
    }

    #[test]
    fn colour_codes_pass_only_in_coloured_text_and_hidden_text_never() {
        let text = "\u{1b}[1;31merror\u{1b}[0m: \u{1b}[8mx \u{1b}]0;title\u{7} \u{1b}[2J";
        let coloured = escape_output(text, Syntax::ColouredText);
        insta::assert_snapshot!(coloured.replace("\u{1b}[", "^["), @r"^[1;31merror^[0m: \u{1b}[8mx \u{1b}]0;title\u{7} \u{1b}[2J");
        assert!(!escape_output(text, Syntax::Text).contains('\u{1b}'));
    }

    /// A line without the white space and the colours before its first character.
    fn without_lead(line: &str) -> &str {
        let rest = line.trim_start();
        let colour = ["\u{1b}[0m", "\u{1b}[m"].iter().find_map(|it| rest.strip_prefix(it));
        colour.map_or(rest, without_lead)
    }

    proptest! {
        #[test]
        fn escaped_output_contains_no_command_in_any_syntax(text in "([#:\\[+~ \t\r\n^-]|##vso\\[|::|section_start:1:|\u{1b}\\[0?m|\u{61c}|.){0,40}") {
            for syntax in [Syntax::Text, Syntax::ColouredText, Syntax::Json, Syntax::Toml, Syntax::Xml] {
                let safe = escape_output(&text, syntax);
                prop_assert_eq!(safe.matches('\n').count(), text.matches('\n').count());
                // What was escaped needs no more.
                prop_assert_eq!(&escape_output(&safe, syntax), &safe);
                let bare = safe.replace("\u{1b}[0m", "").replace("\u{1b}[m", "");
                prop_assert!(!bare.contains(|c| is_unsafe(c) && c != '\n' && c != '\t'), "{:?}", safe);
                for line in safe.lines() {
                    prop_assert!(!line.contains("##vso[") && !line.contains("##["), "{:?}", safe);
                    prop_assert!(!without_lead(line).starts_with("::"), "{:?}", safe);
                    let folds = ["--- ", "+++ ", "~~~ ", "^^^ "].iter().any(|it| line.starts_with(it));
                    prop_assert!(!folds && !line.contains("section_start:1"), "{:?}", safe);
                }
            }
        }

        #[test]
        fn any_json_keeps_its_value(text in any::<String>(), marker in "##[a-z]{0,3}\\[|\\\\##\\[|section_end:7:") {
            let value = serde_json::json!({ &text: [&marker, format!("{text}{marker}")] });
            let safe = escape_json(&format!("{value:#}"));
            prop_assert!(!safe.contains(&marker));
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), value);
        }
    }
}
