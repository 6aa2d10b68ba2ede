//! Where blocks, attributes and values are in a text.
//!
//! Every place is a range of bytes of the text as it was given. Never: what a name means.

use super::block::{OclAttribute, OclBlock, OclValue};
use crate::finding::{Code, Finding, SourceId, Span};
use std::ops::Range;

/// How deep blocks and values may be nested; a process needs six.
const MAX_DEPTH: usize = 64;

/// The whole text as a block.
///
/// # Errors
///
/// A finding at the first place that is not of the language.
pub(super) fn parse_document(source: SourceId, text: &str) -> Result<OclBlock, Finding> {
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut scan = OclScanner { source, text, at: start, depth: 0 };
    let mut root = OclBlock { span: 0..text.len(), head: start, ..OclBlock::default() };
    scan.parse_body(&mut root)?;
    match scan.peek_byte() {
        None => Ok(root),
        Some(_) => Err(scan.syntax_error("this `}` closes nothing")),
    }
}

struct OclScanner<'a> {
    source: SourceId,
    text: &'a str,
    at: usize,
    depth: usize,
}

type ScanResult<T> = Result<T, Finding>;

impl OclScanner<'_> {
    fn remaining_text(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek_byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Takes as many bytes as fit.
    fn take_while(&mut self, fits: impl Fn(char) -> bool) -> Range<usize> {
        let start = self.at;
        let rest = self.remaining_text();
        self.at += rest.find(|it| !fits(it)).unwrap_or(rest.len());
        start..self.at
    }

    fn slice(&self, span: &Range<usize>) -> &str {
        self.text.get(span.clone()).unwrap_or_default()
    }

    /// What is wrong at the next character.
    fn syntax_error(&self, message: &str) -> Finding {
        let width = self.remaining_text().chars().next().map_or(0, char::len_utf8);
        self.syntax_error_at(self.at..self.at + width, message)
    }

    fn syntax_error_at(&self, bytes: Range<usize>, message: &str) -> Finding {
        Finding::error(Code::OclSyntax, Span { source: self.source, bytes }, message)
            .with_help("Octopus could not read this file either; nothing in it is changed")
    }

    fn parse_nested<T>(
        &mut self,
        inside: impl FnOnce(&mut Self) -> ScanResult<T>,
    ) -> ScanResult<T> {
        if self.depth == MAX_DEPTH {
            return Err(self.syntax_error("this is nested too deep"));
        }
        self.depth += 1;
        let found = inside(self);
        self.depth -= 1;
        found
    }

    /// White space and comments; line ends too where `lines` says so.
    fn skip_blank(&mut self, lines: bool) -> ScanResult<()> {
        loop {
            self.take_while(|c| c.is_whitespace() && (lines || c != '\n'));
            let rest = self.remaining_text();
            if rest.starts_with('#') || rest.starts_with("//") {
                self.take_while(|c| c != '\n');
            } else if rest.starts_with("/*") {
                match rest.find("*/") {
                    Some(end) => self.at += end + 2,
                    None => return Err(self.syntax_error("this comment has no end")),
                }
            } else {
                return Ok(());
            }
        }
    }

    /// Attributes and blocks up to a closing brace or the end.
    fn parse_body(&mut self, block: &mut OclBlock) -> ScanResult<()> {
        loop {
            self.skip_blank(true)?;
            if matches!(self.peek_byte(), None | Some(b'}')) {
                return Ok(());
            }
            let key = self.parse_key()?;
            let name = self.unquote_key(&key);
            self.skip_blank(false)?;
            if self.peek_byte() == Some(b'=') {
                let attribute = self.parse_attribute(key, name)?;
                self.expect_line_end()?;
                block.attributes.push(OclAttribute { end: self.at, ..attribute });
            } else {
                let child = self.parse_nested(|it| it.parse_block(key.start, name))?;
                block.blocks.push(child);
            }
        }
    }

    /// A name, quoted or not.
    fn parse_key(&mut self) -> ScanResult<Range<usize>> {
        if self.peek_byte() == Some(b'"') {
            return self.parse_string().map(|it| it.0);
        }
        let ends_name = |c: char| c.is_whitespace() || "={}\"".contains(c);
        let key = self.take_while(|it| !ends_name(it));
        match key.is_empty() {
            true => Err(self.syntax_error("a name is expected here")),
            false => Ok(key),
        }
    }

    fn unquote_key(&self, key: &Range<usize>) -> String {
        let text = self.slice(key);
        let inner = text.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
        inner.map_or_else(|| text.to_owned(), unescape_text)
    }

    /// What follows a block's name: labels and a body.
    fn parse_block(&mut self, start: usize, name: String) -> ScanResult<OclBlock> {
        let mut block = OclBlock { name, ..OclBlock::default() };
        while self.peek_byte() == Some(b'"') {
            let (_, label) = self.parse_string()?;
            block.labels.push(label);
            self.skip_blank(false)?;
        }
        if self.peek_byte() != Some(b'{') {
            return Err(self.syntax_error("`=` or `{` is expected behind a name"));
        }
        self.at += 1;
        let open = self.at;
        self.skip_blank(false)?;
        block.head = self.at;
        self.parse_body(&mut block)?;
        if self.peek_byte() != Some(b'}') {
            return Err(self.syntax_error_at(start..open, "this block is not closed"));
        }
        self.at += 1;
        block.span = start..self.at;
        Ok(block)
    }

    /// What follows an attribute's name.
    fn parse_attribute(&mut self, key: Range<usize>, name: String) -> ScanResult<OclAttribute> {
        self.at += 1;
        self.skip_blank(false)?;
        let start = self.at;
        let value = self.parse_nested(Self::parse_value)?;
        Ok(OclAttribute { name, key, value_span: start..self.at, end: self.at, value })
    }

    /// Behind a value nothing else stands on its line.
    fn expect_line_end(&mut self) -> ScanResult<()> {
        self.skip_blank(false)?;
        match self.peek_byte() {
            None | Some(b'\n' | b'}') => Ok(()),
            Some(_) => Err(self.syntax_error("the line should end behind its value")),
        }
    }

    fn parse_value(&mut self) -> ScanResult<OclValue> {
        match self.peek_byte() {
            Some(b'"') => Ok(OclValue::Text(self.parse_string()?.1)),
            Some(b'<') => self.parse_heredoc(),
            Some(b'{') => self.parse_dictionary(),
            Some(b'[') => {
                self.skip_list(b']')?;
                Ok(OclValue::Other)
            }
            _ => self.parse_word(),
        }
    }

    /// `null`, a boolean, a number, or a call such as `base64("…")`.
    fn parse_word(&mut self) -> ScanResult<OclValue> {
        let word = self.take_while(|c| c.is_alphanumeric() || "_+-.".contains(c));
        if word.is_empty() {
            return Err(self.syntax_error("a value is expected here"));
        }
        if self.peek_byte() == Some(b'(') {
            self.skip_list(b')')?;
        } else if self.slice(&word) == "null" {
            return Ok(OclValue::Null);
        }
        Ok(OclValue::Other)
    }

    /// Values up to a closing byte, with commas or lines between them.
    fn skip_list(&mut self, close: u8) -> ScanResult<()> {
        let open = self.at;
        self.at += 1;
        loop {
            self.skip_blank(true)?;
            match self.peek_byte() {
                Some(byte) if byte == close => break,
                Some(b',') => self.at += 1,
                Some(_) => _ = self.parse_nested(Self::parse_value)?,
                None => return Err(self.syntax_error_at(open..open + 1, "this list is not closed")),
            }
        }
        self.at += 1;
        Ok(())
    }

    fn parse_dictionary(&mut self) -> ScanResult<OclValue> {
        let open = self.at;
        self.at += 1;
        let mut entries = Vec::new();
        loop {
            self.skip_blank(true)?;
            match self.peek_byte() {
                Some(b'}') => break,
                Some(b',') => self.at += 1,
                Some(_) => {
                    let entry = self.parse_entry()?;
                    entries.push((entry.name, entry.value));
                }
                None => return Err(self.syntax_error_at(open..open + 1, "this `{` is not closed")),
            }
        }
        self.at += 1;
        Ok(OclValue::Dictionary(entries))
    }

    /// An entry of a dictionary. Its key may have spaces and braces in it: a package's name is part of some.
    fn parse_entry(&mut self) -> ScanResult<OclAttribute> {
        let key = match self.peek_byte() {
            Some(b'"') => self.parse_string()?.0,
            _ => {
                let key = self.take_while(|it| !"=\n\"".contains(it));
                key.start..key.start + self.slice(&key).trim_end().len()
            }
        };
        let name = self.unquote_key(&key);
        self.skip_blank(false)?;
        match self.peek_byte() {
            Some(b'=') if !name.is_empty() => self.parse_attribute(key, name),
            _ => Err(self.syntax_error("a name and `=` are expected here")),
        }
    }

    /// A quoted string: its place, quotes included, and what it says.
    fn parse_string(&mut self) -> ScanResult<(Range<usize>, String)> {
        let start = self.at;
        let mut escaped = false;
        let end = self.remaining_text().char_indices().skip(1).find(|(_, c)| match c {
            '"' | '\n' if !escaped => true,
            '\n' => true,
            _ => {
                escaped = *c == '\\' && !escaped;
                false
            }
        });
        match end {
            Some((end, '"')) => {
                self.at = start + end + 1;
                let inside = start + 1..self.at - 1;
                Ok((start..self.at, unescape_text(self.slice(&inside))))
            }
            _ => Err(self.syntax_error("this string has no end on its line")),
        }
    }

    /// `<<TAG` or `<<-TAG`, up to the line that is the tag alone.
    fn parse_heredoc(&mut self) -> ScanResult<OclValue> {
        let start = self.at;
        let rest = self.remaining_text();
        let Some(head) = rest.strip_prefix("<<") else {
            return Err(self.syntax_error("a value is expected here"));
        };
        let first = head.lines().next().unwrap_or_default();
        let tag = first.strip_prefix('-').unwrap_or(first).trim().to_owned();
        let mut at = start;
        for (number, line) in rest.split_inclusive('\n').enumerate() {
            if 0 < number && line.trim() == tag {
                self.at = at + line.trim_end().len();
                return Ok(OclValue::Heredoc);
            }
            at += line.len();
        }
        Err(self.syntax_error_at(start..start + 2 + first.len(), "this heredoc has no last line"))
    }
}

/// A string without its escapes; what is no escape stays as it is.
fn unescape_text(text: &str) -> String {
    let mut said = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match (c, c == '\\') {
            (_, true) => said.extend(rest.next().map(|c| match c {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                other => other,
            })),
            (other, false) => said.push(other),
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_wrong_is_said_at_its_place() {
        let table = [
            ("step \"a\" {\n", 0, "this block is not closed"),
            ("}\n", 0, "this `}` closes nothing"),
            ("a = \"b\n\"", 4, "this string has no end on its line"),
            ("a = <<EOT\nb\n", 4, "this heredoc has no last line"),
            ("a = [1, 2", 4, "this list is not closed"),
            ("a = { b = 1", 4, "this `{` is not closed"),
            ("a b", 2, "`=` or `{` is expected behind a name"),
            ("a = 1 b = 2", 6, "the line should end behind its value"),
            ("/* a", 0, "this comment has no end"),
            ("a = ", 4, "a value is expected here"),
        ];
        for (text, at, message) in table {
            let wrong = parse_document(SourceId(0), text).map(|_| ()).unwrap_err();
            let crate::finding::FindingLocation::Source(span) = &wrong.location else {
                unreachable!("{text}")
            };
            assert_eq!((span.bytes.start, wrong.message.as_str()), (at, message), "{text}");
        }
    }

    #[test]
    fn what_stands_in_strings_heredocs_and_comments_is_no_structure() {
        let text = "a = \"{ \\\" }\"\n# {\n// }\n/* { */\nb = <<-EOT\n  step \"x\" {\n  EOT\nc = base64(\"}\")\n";
        let root = parse_document(SourceId(0), text).unwrap();
        assert!(root.blocks.is_empty());
        assert_eq!(root.text_attribute("a"), Some("{ \" }"));
        assert_eq!(root.attributes.len(), 3);
    }

    #[test]
    fn what_is_nested_without_end_is_refused_and_not_followed() {
        assert!(parse_document(SourceId(0), &format!("a = {}", "[".repeat(100_000))).is_err());
        assert!(parse_document(SourceId(0), &"a {\n".repeat(100_000)).is_err());
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in r#"([a-z]|[{}\[\]()"=,\n\r\t #/*<\\-]|EOT|é|\u{feff}){0,60}"#) {
            _ = parse_document(SourceId(0), &text);
        }
    }
}
