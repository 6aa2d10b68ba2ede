//! A file as tables of lines, and edits that touch nothing but what they name.
//!
//! `toml_edit` says where everything is, and the bytes are replaced here. What it prints of an edited document
//! is not the file with an edit: `\r`, a byte order mark and the lack of a last line end are gone, and dotted
//! keys are gathered. An edit that takes something away leaves the comments that stood there. Never: what a
//! table means.

mod edit;
mod list;
mod place;
mod read;

use std::{cmp::Reverse, ops::Range};

/// A text, and where its tables are.
pub(super) struct TomlDocument<'a> {
    text: &'a str,
    /// In the order of the text; the first is what stands before any header.
    pub(super) tables: Vec<TomlTable>,
    /// Where the comments are, in the order of the text.
    comments: Vec<Range<usize>>,
    edits: Vec<(Range<usize>, String)>,
    /// Edits of what stands between commas, which are made when all of them are known.
    pending: Vec<PendingEdit>,
}

/// What becomes of a list or of braces.
struct PendingEdit {
    /// All of it, brackets and all.
    whole: Range<usize>,
    /// Where what goes ends.
    gone: Vec<usize>,
    added: Vec<String>,
}

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TableForm {
    /// Below a header of its own, or before any.
    Header,
    /// As the value of a key: `key = { … }`.
    Braces,
    /// As an item of a list: `key = [{ … }]`.
    Item,
    /// By keys such as `key.name`, below another header or in other braces.
    Dotted,
}

/// A table, however it is written.
#[derive(Clone, Debug)]
pub(super) struct TomlTable {
    /// The keys that lead to it; empty for what stands before any header.
    pub(super) path: Vec<String>,
    form: TableForm,
    /// How many of these keys are said by what its lines stand in: by a header, or by what has the braces.
    depth: usize,
    /// Where its last key is.
    key: Range<usize>,
    /// Where its header is, brackets and all; its braces; or the first of its dotted lines.
    whole: Range<usize>,
    /// The braces that its values are in, where these are no lines.
    braces: Option<Range<usize>>,
    /// Its values, in the order of the text.
    entries: Vec<TomlEntry>,
}

#[derive(Clone, Debug)]
struct TomlEntry {
    /// Its key in the table; the first of several.
    name: String,
    /// Where its key begins: the first of several.
    start: usize,
    /// Where its key is; the last of several.
    key: Range<usize>,
    value: Range<usize>,
    /// The items of a list.
    items: Vec<Range<usize>>,
    /// Whether it is written as `a.b = 1`: each such line is an entry.
    dotted: bool,
}

/// A text after its edits, and how to find back.
pub(super) struct EditedText {
    /// The text.
    pub(super) text: String,
    /// What was replaced, and where that is now.
    moves: Vec<(Range<usize>, Range<usize>)>,
}

impl EditedText {
    /// Where a place of the text was before the edits.
    pub(super) fn original_position(&self, place: usize) -> usize {
        let mut found = place;
        for (old, new) in self.moves.iter().take_while(|(_, new)| new.start <= place) {
            found = if place < new.end { old.start } else { place - new.end + old.end };
        }
        found
    }
}

impl<'a> TomlDocument<'a> {
    /// The tables of a text.
    ///
    /// # Errors
    ///
    /// Where it is no TOML.
    pub(super) fn new(text: &'a str) -> Result<Self, toml_edit::TomlError> {
        let (tables, comments) = read::read(text)?;
        Ok(Self { text, tables, comments, edits: Vec::new(), pending: Vec::new() })
    }

    /// The table that a place of the text is in: the innermost.
    pub(super) fn innermost_table(&self, place: usize) -> usize {
        let is_header = |table: &TomlTable| {
            table.form == TableForm::Header && self.header_line_start(table) <= place
        };
        let header = self.tables.iter().rposition(is_header).unwrap_or_default();
        let inside = self.tables.iter().enumerate().skip(header);
        let inside = inside
            .filter(|(_, table)| table.form != TableForm::Header && table.contains_place(place));
        inside.max_by_key(|(_, it)| it.path.len()).map_or(header, |(at, _)| at)
    }

    /// The table of the thing that a table is, or is a part of: of a pool, a worker, a rule.
    pub(super) fn root_table(&self, at: usize) -> usize {
        let Some(TomlTable { path, .. }) = self.tables.get(at) else { return at };
        let of_map = is_keyed_table(path);
        let Some(path) = path.get(..if of_map { 2 } else { 1 }) else { return at };
        let is_head = |table: &TomlTable| table.path == path;
        let head = match of_map {
            true => self.tables.iter().position(is_head),
            false => self.tables.iter().take(at + 1).rposition(is_head),
        };
        head.unwrap_or(at)
    }

    /// The table of a path, such as the endpoint of a worker.
    pub(super) fn find_table(&self, path: &[&str]) -> Option<&TomlTable> {
        self.tables.iter().find(|table| table.path == path)
    }

    /// Where a table begins that is written with a header or in braces.
    pub(super) fn table_start(&self, table: &TomlTable) -> usize {
        table.whole.start
    }

    /// Where the line of a header begins.
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

    /// Behind the last line of a table with a header that says something.
    fn table_end(&self, table: &TomlTable) -> usize {
        self.line_end(table.entries.last().map_or(table.whole.end, |it| it.value.end))
    }

    /// Whether a table says this key.
    pub(super) fn contains_key(&self, table: &TomlTable, key: &str) -> bool {
        table.entries.iter().any(|entry| entry.name == key)
    }

    /// Whether a table says this text for a key, in whatever case.
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

    /// The comments in a part of the text.
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
            .any(|(other, had)| *other == range && *had == with && !range.is_empty())
        {
            self.edits.push((range, with));
        }
    }

    /// Whether a place is in the value of a key.
    pub(super) fn is_in_value(&self, table: &TomlTable, key: &str, place: usize) -> bool {
        table.entries.iter().any(|entry| entry.name == key && entry.value.contains(&place))
    }

    /// The key whose value a place is in.
    pub(super) fn key_at_place(&self, table: &TomlTable, place: usize) -> Option<String> {
        let is_at = |entry: &&TomlEntry| (entry.start..entry.value.end).contains(&place);
        table.entries.iter().find(is_at).map(|it| it.name.clone())
    }

    /// The text with all edits made.
    pub(super) fn apply_edits(mut self) -> EditedText {
        for pending in std::mem::take(&mut self.pending) {
            self.apply_pending(&pending);
        }
        // What is added comes first, and what is taken away takes with it all that is edited in there.
        self.edits.sort_by_key(|(range, _)| (range.start, !range.is_empty(), Reverse(range.end)));
        // New lines end as the first one does.
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
    /// Whether a place is in it, or in the key that has it.
    fn contains_place(&self, place: usize) -> bool {
        let is_in = |entry: &TomlEntry| (entry.start..entry.value.end).contains(&place);
        match self.form {
            TableForm::Header => false,
            TableForm::Braces => (self.key.start..self.whole.end).contains(&place),
            TableForm::Item => self.whole.contains(&place),
            TableForm::Dotted => self.entries.iter().any(is_in),
        }
    }

    /// A value that it says itself, and not by dotted keys.
    fn direct_value(&self, key: &str) -> Option<&TomlEntry> {
        self.entries.iter().find(|entry| entry.name == key && !entry.dotted)
    }
}

/// Whether a path leads to a pool or a worker, which is one by its key; all else is one of a list, or alone.
fn is_keyed_table(path: &[String]) -> bool {
    path.first().is_some_and(|path| path == "pools" || path == "workers")
}

fn join_lines(all: &[&str]) -> String {
    all.iter().map(|text| format!("{text}\n")).collect()
}

/// A value as it is written, read.
fn read_value(written: &str) -> Option<toml::Value> {
    format!("x = {written}").parse::<toml::Table>().ok()?.remove("x")
}

/// A text of the language at a place.
fn text_at_range(text: &str, at: &Range<usize>) -> Option<String> {
    let value = text.get(at.clone()).and_then(read_value)?;
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
        fn names_go_out_of_a_list_however_it_is_written(
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
            let took = document.remove_names(&table, "k", |it| goes(it.as_str()));
            let edited = document.apply_edits().text;
            let before = names(&text);
            let left: Vec<_> = before.iter().filter(|it| !goes(it)).cloned().collect();
            let some = left.len() < before.len() && left.iter().any(|it| !it.starts_with('!'));
            prop_assert_eq!(took, some);
            prop_assert_eq!(names(&edited), if took { left } else { before }, "{}", &edited);
            prop_assert_eq!(text.matches("# c").count(), edited.matches("# c").count(), "{}", &edited);
            prop_assert_eq!(edited.matches('\n').count(), edited.matches(end).count());
        }
    }
}
