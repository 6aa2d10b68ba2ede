//! Parses a text into blocks, attributes and values with their positions.
//!
//! Every position is a byte range in the original text. Never: the meaning of a name.

use super::block::{OclAttribute, OclBlock, OclValue};
use crate::finding::{Code, Finding, SourceId, Span};
use std::ops::Range;

/// How deeply blocks and values may be nested; a process needs six levels.
const MAX_DEPTH: usize = 64;

/// Parses the whole text as a block.
///
/// # Errors
///
/// Returns a finding at the first syntax error.
pub(super) fn parse_document(source: SourceId, text: &str) -> Result<OclBlock, Finding> {
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut scan = OclScanner { source, text, at: start, depth: 0 };
    let mut root = OclBlock { span: 0..text.len(), head: start, ..OclBlock::default() };
    scan.parse_body(&mut root)?;
    match scan.peek_byte() {
        None => Ok(root),
        Some(_) => Err(scan.syntax_error("unexpected `}`")),
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

    /// Consumes characters while `fits` accepts them, and returns their range.
    fn take_while(&mut self, fits: impl Fn(char) -> bool) -> Range<usize> {
        let start = self.at;
        let rest = self.remaining_text();
        self.at += rest.find(|c| !fits(c)).unwrap_or(rest.len());
        start..self.at
    }

    fn slice(&self, span: &Range<usize>) -> &str {
        self.text.get(span.clone()).unwrap_or_default()
    }

    /// Returns a syntax error at the next character.
    fn syntax_error(&self, message: &str) -> Finding {
        let width = self.remaining_text().chars().next().map_or(0, char::len_utf8);
        self.syntax_error_at(self.at..self.at + width, message)
    }

    fn syntax_error_at(&self, bytes: Range<usize>, message: &str) -> Finding {
        Finding::error(Code::OclSyntax, Span { source: self.source, bytes }, message).with_help(
            "fix the syntax: Octopus cannot read this file either, and nothing in it was changed",
        )
    }

    fn parse_nested<T>(
        &mut self,
        inside: impl FnOnce(&mut Self) -> ScanResult<T>,
    ) -> ScanResult<T> {
        if self.depth == MAX_DEPTH {
            return Err(self.syntax_error("blocks or values are nested too deeply"));
        }
        self.depth += 1;
        let found = inside(self);
        self.depth -= 1;
        found
    }

    /// Skips white space and comments, including line endings if `lines` is set.
    fn skip_blank(&mut self, lines: bool) -> ScanResult<()> {
        loop {
            self.take_while(|c| c.is_whitespace() && (lines || c != '\n'));
            let rest = self.remaining_text();
            if rest.starts_with('#') || rest.starts_with("//") {
                self.take_while(|c| c != '\n');
            } else if rest.starts_with("/*") {
                match rest.find("*/") {
                    Some(end) => self.at += end + 2,
                    None => return Err(self.syntax_error("unterminated comment")),
                }
            } else {
                return Ok(());
            }
        }
    }

    /// Parses attributes and blocks up to a closing brace or the end of the text.
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
                let child = self.parse_nested(|scan| scan.parse_block(key.start, name))?;
                block.blocks.push(child);
            }
        }
    }

    /// Parses a name, quoted or not.
    fn parse_key(&mut self) -> ScanResult<Range<usize>> {
        if self.peek_byte() == Some(b'"') {
            return self.parse_string().map(|it| it.0);
        }
        let ends_name = |c: char| c.is_whitespace() || "={}\"".contains(c);
        let key = self.take_while(|c| !ends_name(c));
        if key.is_empty() { Err(self.syntax_error("expected a name")) } else { Ok(key) }
    }

    fn unquote_key(&self, key: &Range<usize>) -> String {
        let text = self.slice(key);
        let inner = text.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
        inner.map_or_else(|| text.to_owned(), unescape_text)
    }

    /// Parses what follows a block's name: labels and a body.
    fn parse_block(&mut self, start: usize, name: String) -> ScanResult<OclBlock> {
        let mut block = OclBlock { name, ..OclBlock::default() };
        while self.peek_byte() == Some(b'"') {
            let (span, label) = self.parse_string()?;
            block.labels.push(label);
            block.label_spans.push(span);
            self.skip_blank(false)?;
        }
        if self.peek_byte() != Some(b'{') {
            return Err(self.syntax_error("expected `=` or `{` after the name"));
        }
        self.at += 1;
        let open = self.at;
        self.skip_blank(false)?;
        block.head = self.at;
        self.parse_body(&mut block)?;
        if self.peek_byte() != Some(b'}') {
            return Err(self.syntax_error_at(start..open, "unclosed block"));
        }
        self.at += 1;
        block.span = start..self.at;
        Ok(block)
    }

    /// Parses what follows an attribute's name.
    fn parse_attribute(&mut self, key: Range<usize>, name: String) -> ScanResult<OclAttribute> {
        self.at += 1;
        self.skip_blank(false)?;
        let start = self.at;
        let value = self.parse_nested(Self::parse_value)?;
        Ok(OclAttribute { name, key, value_span: start..self.at, end: self.at, value })
    }

    /// Checks that nothing else follows a value on its line.
    fn expect_line_end(&mut self) -> ScanResult<()> {
        self.skip_blank(false)?;
        match self.peek_byte() {
            None | Some(b'\n' | b'}') => Ok(()),
            Some(_) => Err(self.syntax_error("expected the end of the line after the value")),
        }
    }

    fn parse_value(&mut self) -> ScanResult<OclValue> {
        match self.peek_byte() {
            Some(b'"') => Ok(OclValue::Text(self.parse_string()?.1)),
            Some(b'<') => self.parse_heredoc(),
            Some(b'{') => self.parse_dictionary(),
            Some(b'[') => self.parse_list(b']').map(OclValue::List),
            _ => self.parse_word(),
        }
    }

    /// Parses `null`, a boolean, a number, or a call such as `base64("…")`.
    fn parse_word(&mut self) -> ScanResult<OclValue> {
        let word = self.take_while(|c| c.is_alphanumeric() || "_+-.".contains(c));
        if word.is_empty() {
            return Err(self.syntax_error("expected a value"));
        }
        if self.peek_byte() == Some(b'(') {
            self.parse_list(b')')?;
        } else if self.slice(&word) == "null" {
            return Ok(OclValue::Null);
        }
        Ok(OclValue::Other)
    }

    /// Parses values up to a closing byte, with commas or line endings between them.
    fn parse_list(&mut self, close: u8) -> ScanResult<Vec<OclValue>> {
        let (open, mut items) = (self.at, Vec::new());
        self.at += 1;
        loop {
            self.skip_blank(true)?;
            match self.peek_byte() {
                Some(byte) if byte == close => break,
                Some(b',') => self.at += 1,
                Some(_) => items.push(self.parse_nested(Self::parse_value)?),
                None => return Err(self.syntax_error_at(open..open + 1, "unclosed list")),
            }
        }
        self.at += 1;
        Ok(items)
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
                    self.skip_blank(false)?;
                    entries.push(OclAttribute { end: self.at, ..entry });
                }
                None => return Err(self.syntax_error_at(open..open + 1, "unclosed `{`")),
            }
        }
        self.at += 1;
        Ok(OclValue::Dictionary(entries))
    }

    /// Parses an entry of a dictionary. Some keys contain a package name, hence spaces and braces are allowed.
    fn parse_entry(&mut self) -> ScanResult<OclAttribute> {
        let key = match self.peek_byte() {
            Some(b'"') => self.parse_string()?.0,
            _ => {
                let key = self.take_while(|c| !"=\n\"".contains(c));
                key.start..key.start + self.slice(&key).trim_end().len()
            }
        };
        let name = self.unquote_key(&key);
        self.skip_blank(false)?;
        match self.peek_byte() {
            Some(b'=') if !name.is_empty() => self.parse_attribute(key, name),
            _ => Err(self.syntax_error("expected a name and `=`")),
        }
    }

    /// Parses a quoted string, and returns its range including quotes and its unescaped content.
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
            _ => Err(self.syntax_error("unterminated string")),
        }
    }

    /// Parses `<<TAG` or `<<-TAG`, up to the line that contains only the tag.
    fn parse_heredoc(&mut self) -> ScanResult<OclValue> {
        let start = self.at;
        let rest = self.remaining_text();
        let Some(head) = rest.strip_prefix("<<") else {
            return Err(self.syntax_error("expected a value"));
        };
        let first = head.lines().next().unwrap_or_default();
        let tag = first.strip_prefix('-').unwrap_or(first).trim().to_owned();
        let mut at = start;
        for (number, line) in rest.split_inclusive('\n').enumerate() {
            if number > 0 && line.trim() == tag {
                self.at = at + line.trim_end().len();
                return Ok(OclValue::Heredoc);
            }
            at += line.len();
        }
        Err(self.syntax_error_at(start..start + 2 + first.len(), "unterminated heredoc"))
    }
}

/// Replaces the escapes in a string; unknown ones yield the escaped character.
fn unescape_text(text: &str) -> String {
    let mut unescaped = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            unescaped.push(c);
            continue;
        }
        unescaped.extend(rest.next().map(|c| match c {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            c => c,
        }));
    }
    unescaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn syntax_errors_are_located() {
        let table = [
            ("step \"a\" {\n", 0, "unclosed block"),
            ("}\n", 0, "unexpected `}`"),
            ("a = \"b\n\"", 4, "unterminated string"),
            ("a = <<EOT\nb\n", 4, "unterminated heredoc"),
            ("a = [1, 2", 4, "unclosed list"),
            ("a = { b = 1", 4, "unclosed `{`"),
            ("a b", 2, "expected `=` or `{` after the name"),
            ("a = 1 b = 2", 6, "expected the end of the line after the value"),
            ("/* a", 0, "unterminated comment"),
            ("a = ", 4, "expected a value"),
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
    fn strings_heredocs_and_comments_are_not_parsed() {
        let text = "a = \"{ \\\" }\"\n# {\n// }\n/* { */\nb = <<-EOT\n  step \"x\" {\n  EOT\nc = base64(\"}\")\n";
        let root = parse_document(SourceId(0), text).unwrap();
        assert!(root.blocks.is_empty());
        assert_eq!(root.text_attribute("a"), Some("{ \" }"));
        assert_eq!(root.attributes.len(), 3);
    }

    #[test]
    fn excessive_nesting_is_rejected() {
        assert!(parse_document(SourceId(0), &format!("a = {}", "[".repeat(100_000))).is_err());
        assert!(parse_document(SourceId(0), &"a {\n".repeat(100_000)).is_err());
    }

    proptest! {
        #[test]
        fn any_text_parses_without_panicking(text in r#"([a-z]|[{}\[\]()"=,\n\r\t #/*<\\-]|EOT|é|\u{feff}){0,60}"#) {
            _ = parse_document(SourceId(0), &text);
        }
    }
}
