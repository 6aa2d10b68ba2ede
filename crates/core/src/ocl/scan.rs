//! Where blocks, attributes and values are in a text.
//!
//! Every place is a range of bytes of the text as it was given. Never: what a name means.

use super::block::{OclAttribute, OclBlock, OclValue};
use crate::finding::{Finding, SourceId, Span};
use std::ops::Range;

/// How deep blocks and values may be nested; a process needs six.
const DEEPEST: usize = 64;

/// The whole text as a block.
///
/// # Errors
///
/// A finding at the first place that is not of the language.
pub(super) fn scan(source: SourceId, text: &str) -> Result<OclBlock, Finding> {
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut scan = OclScanner { source, text, at: start, depth: 0 };
    let mut root = OclBlock { span: 0..text.len(), head: start, ..OclBlock::default() };
    scan.body(&mut root)?;
    match scan.byte() {
        None => Ok(root),
        Some(_) => Err(scan.wrong("this `}` closes nothing")),
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
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Takes as many bytes as fit.
    fn take(&mut self, fits: impl Fn(char) -> bool) -> Range<usize> {
        let start = self.at;
        let rest = self.rest();
        self.at += rest.find(|it| !fits(it)).unwrap_or(rest.len());
        start..self.at
    }

    fn slice(&self, span: &Range<usize>) -> &str {
        self.text.get(span.clone()).unwrap_or_default()
    }

    /// What is wrong at the next character.
    fn wrong(&self, message: &str) -> Finding {
        let width = self.rest().chars().next().map_or(0, char::len_utf8);
        self.wrong_at(self.at..self.at + width, message)
    }

    fn wrong_at(&self, bytes: Range<usize>, message: &str) -> Finding {
        Finding::error("ocl-syntax", Span { source: self.source, bytes }, message)
            .help("Octopus could not read this file either; nothing in it is changed")
    }

    fn deeper<T>(&mut self, inside: impl FnOnce(&mut Self) -> ScanResult<T>) -> ScanResult<T> {
        if self.depth == DEEPEST {
            return Err(self.wrong("this is nested too deep"));
        }
        self.depth += 1;
        let found = inside(self);
        self.depth -= 1;
        found
    }

    /// White space and comments; line ends too where `lines` says so.
    fn blank(&mut self, lines: bool) -> ScanResult<()> {
        loop {
            self.take(|it| it.is_whitespace() && (lines || it != '\n'));
            let rest = self.rest();
            if rest.starts_with('#') || rest.starts_with("//") {
                self.take(|it| it != '\n');
            } else if rest.starts_with("/*") {
                match rest.find("*/") {
                    Some(end) => self.at += end + 2,
                    None => return Err(self.wrong("this comment has no end")),
                }
            } else {
                return Ok(());
            }
        }
    }

    /// Attributes and blocks up to a closing brace or the end.
    fn body(&mut self, block: &mut OclBlock) -> ScanResult<()> {
        loop {
            self.blank(true)?;
            if matches!(self.byte(), None | Some(b'}')) {
                return Ok(());
            }
            let key = self.key()?;
            let name = self.unquoted(&key);
            self.blank(false)?;
            if self.byte() == Some(b'=') {
                let attribute = self.attribute(key, name)?;
                self.line_end()?;
                block.attributes.push(OclAttribute { end: self.at, ..attribute });
            } else {
                let child = self.deeper(|it| it.block(key.start, name))?;
                block.blocks.push(child);
            }
        }
    }

    /// A name, quoted or not.
    fn key(&mut self) -> ScanResult<Range<usize>> {
        if self.byte() == Some(b'"') {
            return self.string().map(|it| it.0);
        }
        let odd = |it: char| it.is_whitespace() || "={}\"".contains(it);
        let key = self.take(|it| !odd(it));
        match key.is_empty() {
            true => Err(self.wrong("a name is expected here")),
            false => Ok(key),
        }
    }

    fn unquoted(&self, key: &Range<usize>) -> String {
        let text = self.slice(key);
        let inner = text.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
        inner.map_or_else(|| text.to_owned(), unescape)
    }

    /// What follows a block's name: labels and a body.
    fn block(&mut self, start: usize, name: String) -> ScanResult<OclBlock> {
        let mut block = OclBlock { name, ..OclBlock::default() };
        while self.byte() == Some(b'"') {
            let (_, label) = self.string()?;
            block.labels.push(label);
            self.blank(false)?;
        }
        if self.byte() != Some(b'{') {
            return Err(self.wrong("`=` or `{` is expected behind a name"));
        }
        self.at += 1;
        let open = self.at;
        self.blank(false)?;
        block.head = self.at;
        self.body(&mut block)?;
        if self.byte() != Some(b'}') {
            return Err(self.wrong_at(start..open, "this block is not closed"));
        }
        self.at += 1;
        block.span = start..self.at;
        Ok(block)
    }

    /// What follows an attribute's name.
    fn attribute(&mut self, key: Range<usize>, name: String) -> ScanResult<OclAttribute> {
        self.at += 1;
        self.blank(false)?;
        let start = self.at;
        let value = self.deeper(Self::value)?;
        Ok(OclAttribute { name, key, value_span: start..self.at, end: self.at, value })
    }

    /// Behind a value nothing else stands on its line.
    fn line_end(&mut self) -> ScanResult<()> {
        self.blank(false)?;
        match self.byte() {
            None | Some(b'\n' | b'}') => Ok(()),
            Some(_) => Err(self.wrong("the line should end behind its value")),
        }
    }

    fn value(&mut self) -> ScanResult<OclValue> {
        match self.byte() {
            Some(b'"') => Ok(OclValue::Text(self.string()?.1)),
            Some(b'<') => self.heredoc(),
            Some(b'{') => self.dictionary(),
            Some(b'[') => {
                self.list(b']')?;
                Ok(OclValue::Other)
            }
            _ => self.word(),
        }
    }

    /// `null`, a boolean, a number, or a call such as `base64("…")`.
    fn word(&mut self) -> ScanResult<OclValue> {
        let word = self.take(|it| it.is_alphanumeric() || "_+-.".contains(it));
        if word.is_empty() {
            return Err(self.wrong("a value is expected here"));
        }
        if self.byte() == Some(b'(') {
            self.list(b')')?;
        } else if self.slice(&word) == "null" {
            return Ok(OclValue::Null);
        }
        Ok(OclValue::Other)
    }

    /// Values up to a closing byte, with commas or lines between them.
    fn list(&mut self, close: u8) -> ScanResult<()> {
        let open = self.at;
        self.at += 1;
        loop {
            self.blank(true)?;
            match self.byte() {
                Some(it) if it == close => break,
                Some(b',') => self.at += 1,
                Some(_) => _ = self.deeper(Self::value)?,
                None => return Err(self.wrong_at(open..open + 1, "this list is not closed")),
            }
        }
        self.at += 1;
        Ok(())
    }

    fn dictionary(&mut self) -> ScanResult<OclValue> {
        let open = self.at;
        self.at += 1;
        let mut entries = Vec::new();
        loop {
            self.blank(true)?;
            match self.byte() {
                Some(b'}') => break,
                Some(b',') => self.at += 1,
                Some(_) => {
                    let entry = self.entry()?;
                    entries.push((entry.name, entry.value));
                }
                None => return Err(self.wrong_at(open..open + 1, "this `{` is not closed")),
            }
        }
        self.at += 1;
        Ok(OclValue::Dictionary(entries))
    }

    /// An entry of a dictionary. Its key may have spaces and braces in it: a package's name is part of some.
    fn entry(&mut self) -> ScanResult<OclAttribute> {
        let key = match self.byte() {
            Some(b'"') => self.string()?.0,
            _ => {
                let key = self.take(|it| !"=\n\"".contains(it));
                key.start..key.start + self.slice(&key).trim_end().len()
            }
        };
        let name = self.unquoted(&key);
        self.blank(false)?;
        match self.byte() {
            Some(b'=') if !name.is_empty() => self.attribute(key, name),
            _ => Err(self.wrong("a name and `=` are expected here")),
        }
    }

    /// A quoted string: its place, quotes included, and what it says.
    fn string(&mut self) -> ScanResult<(Range<usize>, String)> {
        let start = self.at;
        let mut escaped = false;
        let end = self.rest().char_indices().skip(1).find(|(_, it)| match it {
            '"' | '\n' if !escaped => true,
            '\n' => true,
            _ => {
                escaped = *it == '\\' && !escaped;
                false
            }
        });
        match end {
            Some((end, '"')) => {
                self.at = start + end + 1;
                let inside = start + 1..self.at - 1;
                Ok((start..self.at, unescape(self.slice(&inside))))
            }
            _ => Err(self.wrong("this string has no end on its line")),
        }
    }

    /// `<<TAG` or `<<-TAG`, up to the line that is the tag alone.
    fn heredoc(&mut self) -> ScanResult<OclValue> {
        let start = self.at;
        let rest = self.rest();
        let Some(head) = rest.strip_prefix("<<") else {
            return Err(self.wrong("a value is expected here"));
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
        Err(self.wrong_at(start..start + 2 + first.len(), "this heredoc has no last line"))
    }
}

/// A string without its escapes; what is no escape stays as it is.
fn unescape(text: &str) -> String {
    let mut said = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(it) = rest.next() {
        match (it, it == '\\') {
            (_, true) => said.extend(rest.next().map(|it| match it {
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
            let wrong = scan(SourceId(0), text).map(|_| ()).unwrap_err();
            let crate::finding::FindingLocation::Source(span) = &wrong.location else {
                unreachable!("{text}")
            };
            assert_eq!((span.bytes.start, wrong.message.as_str()), (at, message), "{text}");
        }
    }

    #[test]
    fn what_stands_in_strings_heredocs_and_comments_is_no_structure() {
        let text = "a = \"{ \\\" }\"\n# {\n// }\n/* { */\nb = <<-EOT\n  step \"x\" {\n  EOT\nc = base64(\"}\")\n";
        let root = scan(SourceId(0), text).unwrap();
        assert!(root.blocks.is_empty());
        assert_eq!(root.text("a"), Some("{ \" }"));
        assert_eq!(root.attributes.len(), 3);
    }

    #[test]
    fn what_is_nested_without_end_is_refused_and_not_followed() {
        assert!(scan(SourceId(0), &format!("a = {}", "[".repeat(100_000))).is_err());
        assert!(scan(SourceId(0), &"a {\n".repeat(100_000)).is_err());
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in r#"([a-z]|[{}\[\]()"=,\n\r\t #/*<\\-]|EOT|é|\u{feff}){0,60}"#) {
            _ = scan(SourceId(0), &text);
        }
    }
}
