//! A TOML file as tables, and edits that change nothing else.
//!
//! `toml_edit` locates everything, and the bytes are replaced here: a document printed by `toml_edit` loses
//! `\r`, the byte order mark and a missing final newline, and gathers dotted keys. An edit that removes
//! something leaves its comments. Never: the meaning of a table.

mod edit;
mod list;
mod place;
mod read;

use std::{cmp::Reverse, ops::Range};

/// A text and the positions of its tables.
pub(super) struct TomlDocument<'a> {
    text: &'a str,
    /// The tables in text order; the first is the root table, before any header.
    pub(super) tables: Vec<TomlTable>,
    /// The positions of comments, in text order.
    comments: Vec<Range<usize>>,
    edits: Vec<(Range<usize>, String)>,
    /// Edits of comma-separated items, which are made once all of them are known.
    pending: Vec<PendingEdit>,
}

/// The collected edits of a list or an inline table.
struct PendingEdit {
    /// The range of the list or table, including brackets.
    whole: Range<usize>,
    /// The end positions of removed items.
    gone: Vec<usize>,
    added: Vec<String>,
}

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TableForm {
    /// Below its own header, or before any header.
    Header,
    /// As a value: `key = { … }`.
    Braces,
    /// As a list item: `key = [{ … }]`.
    Item,
    /// By dotted keys such as `key.name`, below another header or in other braces.
    Dotted,
}

/// A table in any form.
#[derive(Clone, Debug)]
pub(super) struct TomlTable {
    /// The keys that lead to the table; empty for the root table.
    pub(super) path: Vec<String>,
    form: TableForm,
    /// How many of these keys come from the enclosing header or braces.
    depth: usize,
    /// The position of the last key.
    key: Range<usize>,
    /// The position of the header with brackets, the braces, or the first dotted line.
    whole: Range<usize>,
    /// The braces that contain the values, unless these are on lines of their own.
    braces: Option<Range<usize>>,
    /// The values, in text order.
    entries: Vec<TomlEntry>,
}

#[derive(Clone, Debug)]
struct TomlEntry {
    /// The key in the table; the first part of a dotted key.
    name: String,
    /// The start of the key; of the first part of a dotted key.
    start: usize,
    /// The position of the key; of the last part of a dotted key.
    key: Range<usize>,
    value: Range<usize>,
    /// The positions of list items.
    items: Vec<Range<usize>>,
    /// Whether the key is dotted, as in `a.b = 1`; each such line is an entry.
    dotted: bool,
}

/// An edited text, and how to map positions back.
pub(super) struct EditedText {
    /// The text.
    pub(super) text: String,
    /// The replaced ranges, before and after the edits.
    moves: Vec<(Range<usize>, Range<usize>)>,
}

impl EditedText {
    /// Returns where a position was before the edits.
    pub(super) fn original_position(&self, position: usize) -> usize {
        let mut found = position;
        for (old, new) in self.moves.iter().take_while(|(_, new)| new.start <= position) {
            found = if position < new.end { old.start } else { position - new.end + old.end };
        }
        found
    }
}

impl<'a> TomlDocument<'a> {
    /// Parses a text.
    ///
    /// # Errors
    ///
    /// Returns an error if the text is not valid TOML.
    pub(super) fn new(text: &'a str) -> Result<Self, toml_edit::TomlError> {
        let (tables, comments) = read::read(text)?;
        Ok(Self { text, tables, comments, edits: Vec::new(), pending: Vec::new() })
    }

    /// Returns the innermost table that contains a position.
    pub(super) fn innermost_table(&self, position: usize) -> usize {
        let is_header = |table: &TomlTable| {
            table.form == TableForm::Header && self.header_line_start(table) <= position
        };
        let header = self.tables.iter().rposition(is_header).unwrap_or_default();
        let inside = self.tables.iter().enumerate().skip(header);
        let inside =
            inside.filter(|(_, table)| table.form != TableForm::Header && table.contains(position));
        inside.max_by_key(|(_, table)| table.path.len()).map_or(header, |(at, _)| at)
    }

    /// Returns the table of the pool, worker or rule that a table belongs to.
    pub(super) fn root_table(&self, at: usize) -> usize {
        let Some(TomlTable { path, .. }) = self.tables.get(at) else { return at };
        let is_keyed = is_keyed_table(path);
        let Some(path) = path.get(..if is_keyed { 2 } else { 1 }) else { return at };
        let is_head = |table: &TomlTable| table.path == path;
        let head = if is_keyed {
            self.tables.iter().position(is_head)
        } else {
            self.tables.iter().take(at + 1).rposition(is_head)
        };
        head.unwrap_or(at)
    }

    /// Returns the table at a path, such as the endpoint of a worker.
    pub(super) fn find_table(&self, path: &[&str]) -> Option<&TomlTable> {
        self.tables.iter().find(|table| table.path == path)
    }

    /// Returns the start of a table that has a header or braces.
    pub(super) fn table_start(&self, table: &TomlTable) -> usize {
        table.whole.start
    }

    /// Returns the start of a header's line.
    fn header_line_start(&self, table: &TomlTable) -> usize {
        self.line_start(table.whole.start)
    }

    fn slice(&self, range: Range<usize>) -> &'a str {
        self.text.get(range).unwrap_or_default()
    }

    fn line_start(&self, at: usize) -> usize {
        let mark = if self.text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        self.slice(0..at).rfind('\n').map_or(mark, |index| index + 1)
    }

    fn line_end(&self, at: usize) -> usize {
        self.slice(at..self.text.len()).find('\n').map_or(self.text.len(), |slice| at + slice + 1)
    }

    /// Returns the end of the last line with a value, in a table with a header.
    fn table_end(&self, table: &TomlTable) -> usize {
        self.line_end(table.entries.last().map_or(table.whole.end, |it| it.value.end))
    }

    /// Returns whether a table has this key.
    pub(super) fn contains_key(&self, table: &TomlTable, key: &str) -> bool {
        table.entries.iter().any(|entry| entry.name == key)
    }

    /// Returns whether a key has a string value that satisfies a predicate.
    pub(super) fn value_satisfies(
        &self,
        table: &TomlTable,
        key: &str,
        is: impl Fn(&str) -> bool,
    ) -> bool {
        table
            .direct_value(key)
            .and_then(|it| text_at_range(self.text, &it.value))
            .is_some_and(|it| is(&it))
    }

    /// Returns the comments in a part of the text.
    fn comments_within(&self, part: &Range<usize>) -> Vec<&'a str> {
        let inside = self
            .comments
            .iter()
            .filter(|comment| part.start <= comment.start && comment.end <= part.end);
        inside.map(|it| self.slice(it.clone())).collect()
    }

    fn replace_range(&mut self, range: Range<usize>, with: String) {
        if !self
            .edits
            .iter()
            .any(|(edited, text)| *edited == range && *text == with && !range.is_empty())
        {
            self.edits.push((range, with));
        }
    }

    /// Returns whether a position is in the value of a key.
    pub(super) fn is_in_value(&self, table: &TomlTable, key: &str, position: usize) -> bool {
        table.entries.iter().any(|entry| entry.name == key && entry.value.contains(&position))
    }

    /// Returns the key whose entry contains a position.
    pub(super) fn key_at(&self, table: &TomlTable, position: usize) -> Option<String> {
        let is_at = |entry: &&TomlEntry| (entry.start..entry.value.end).contains(&position);
        table.entries.iter().find(is_at).map(|it| it.name.clone())
    }

    /// Applies all edits.
    pub(super) fn apply_edits(mut self) -> EditedText {
        for pending in std::mem::take(&mut self.pending) {
            self.apply_pending(&pending);
        }
        // Insertions come first, and a removal swallows the edits inside it.
        self.edits.sort_by_key(|(range, _)| (range.start, !range.is_empty(), Reverse(range.end)));
        // New lines use the line ending of the first line.
        let first = self.text.lines().next().map_or(0, str::len);
        let end = if self.slice(first..self.text.len()).starts_with('\r') { "\r\n" } else { "\n" };
        let (mut edited, mut done, mut moves) = (String::new(), 0, Vec::new());
        for (range, with) in &self.edits {
            if range.start < done && !range.is_empty() {
                continue;
            }
            edited.push_str(self.text.get(done..range.start).unwrap_or_default());
            let start = edited.len();
            edited.push_str(&with.replace('\n', end));
            done = done.max(range.end);
            moves.push((range.start..done, start..edited.len()));
        }
        edited.push_str(self.text.get(done..).unwrap_or_default());
        EditedText { text: edited, moves }
    }
}

impl TomlTable {
    /// Returns whether a position is in the table or in its key.
    fn contains(&self, position: usize) -> bool {
        let is_in = |entry: &TomlEntry| (entry.start..entry.value.end).contains(&position);
        match self.form {
            TableForm::Header => false,
            TableForm::Braces => (self.key.start..self.whole.end).contains(&position),
            TableForm::Item => self.whole.contains(&position),
            TableForm::Dotted => self.entries.iter().any(is_in),
        }
    }

    /// Returns the value of a key, unless it is set by dotted keys.
    fn direct_value(&self, key: &str) -> Option<&TomlEntry> {
        self.entries.iter().find(|entry| entry.name == key && !entry.dotted)
    }
}

/// Returns whether a path leads to a pool or worker, which are identified by key.
fn is_keyed_table(path: &[String]) -> bool {
    path.first().is_some_and(|path| path == "pools" || path == "workers")
}

fn join_lines(lines: &[&str]) -> String {
    lines.iter().map(|text| format!("{text}\n")).collect()
}

/// Parses a value.
fn read_value(written: &str) -> Option<toml::Value> {
    format!("x = {written}").parse::<toml::Table>().ok()?.remove("x")
}

/// Reads a string value at a position.
fn text_at_range(text: &str, range: &Range<usize>) -> Option<String> {
    let value = text.get(range.clone()).and_then(read_value)?;
    value.as_str().map(|it| it.trim().replace("$${", "${"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*, sample::select, sample::subsequence};

    const NAMES: [&str; 5] = ["a", "b", "!c", "${d}", "e # f"];
    const BETWEEN: [&str; 7] = [",", ", ", ",\n  ", ", # c\n  ", "\n, ", " # c\n, ", " , # c\n\n"];

    fn names(text: &str) -> Vec<String> {
        let table: toml::Table = text.parse().unwrap();
        let names = table["k"].as_array().unwrap().iter();
        names.map(|name| name.as_str().unwrap().replace("$${", "${")).collect()
    }

    proptest! {
        #[test]
        fn names_are_removed_from_lists_in_any_layout(
            items in vec((select(NAMES.to_vec()), select(BETWEEN.to_vec())), 1..6),
            open in select(vec!["[", "[\n  ", "[ # c\n  "]),
            close in select(vec!["]", "\n]", ",]", " # c\n]", ", # c\n]", ",\n  # c\n]", "\n,]"]),
            gone in subsequence(NAMES.to_vec(), 1..4),
            end in select(vec!["\n", "\r\n"]),
        ) {
            let mut text = format!("v = 1\nk = {open}");
            for (at, (name, between)) in items.iter().enumerate() {
                let between = if at == 0 { "" } else { between };
                text.push_str(&format!("{between}\"{}\"", name.replace("${", "$${")));
            }
            let text = format!("{text}{close} # c\nz = 1\n").replace('\n', end);
            let mut document = TomlDocument::new(&text).unwrap();
            let table = document.tables[0].clone();
            let goes = |name: &str| gone.contains(&name);
            let removed = document.remove_names(&table, "k", |it| goes(it.as_str()));
            let edited = document.apply_edits().text;
            let before = names(&text);
            let left: Vec<_> = before.iter().filter(|it| !goes(it)).cloned().collect();
            let some = left.len() < before.len() && left.iter().any(|it| !it.starts_with('!'));
            prop_assert_eq!(removed, some);
            prop_assert_eq!(names(&edited), if removed { left } else { before }, "{}", &edited);
            prop_assert_eq!(text.matches("# c").count(), edited.matches("# c").count(), "{}", &edited);
            prop_assert_eq!(edited.matches('\n').count(), edited.matches(end).count());
        }
    }
}
