//! A file as tables of lines, and edits that touch nothing but what they name.
//!
//! `toml_edit` says where everything is, and the bytes are replaced here. What it prints of an edited document
//! is not the file with an edit: `\r`, a byte order mark and the lack of a last line end are gone, and dotted
//! keys are gathered. An edit that takes something away leaves the comments that stood there. Never: what a
//! table means.

mod read;

use crate::model::Name;
use std::ops::Range;

/// A text, and where its tables are.
pub(super) struct Document<'a> {
    text: &'a str,
    /// In the order of the text; the first is what stands before any header.
    pub(super) tables: Vec<Table>,
    /// Where the comments are, in the order of the text.
    comments: Vec<Range<usize>>,
    edits: Vec<(Range<usize>, String)>,
}

/// A table with a header of its own.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// The keys of its header; empty for what stands before any.
    pub(super) path: Vec<String>,
    /// Where the last key of the header is.
    key: Range<usize>,
    /// Where its header is, brackets and all.
    header: Range<usize>,
    /// Its values, in the order of the text.
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    /// Its key; the first of several.
    name: String,
    /// Where its key is; the last of several.
    key: Range<usize>,
    value: Range<usize>,
    /// The items of a list.
    items: Vec<Range<usize>>,
    /// Whether it is written as `a.b = 1`: each such line is an entry.
    dotted: bool,
}

impl<'a> Document<'a> {
    /// The tables of a text.
    ///
    /// # Errors
    ///
    /// Where it is no TOML.
    pub(super) fn new(text: &'a str) -> Result<Self, toml_edit::TomlError> {
        let (tables, comments) = read::read(text)?;
        Ok(Self { text, tables, comments, edits: Vec::new() })
    }

    /// The table that a place of the text is in.
    pub(super) fn at(&self, place: usize) -> usize {
        self.tables.iter().rposition(|it| self.start(it) <= place).unwrap_or_default()
    }

    /// Where the line of a table's header begins.
    fn start(&self, table: &Table) -> usize {
        self.line_start(table.header.start)
    }

    fn slice(&self, range: Range<usize>) -> &'a str {
        self.text.get(range).unwrap_or_default()
    }

    fn line_start(&self, at: usize) -> usize {
        let mark = if self.text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        self.slice(0..at).rfind('\n').map_or(mark, |it| it + 1)
    }

    fn line_end(&self, at: usize) -> usize {
        self.slice(at..self.text.len()).find('\n').map_or(self.text.len(), |it| at + it + 1)
    }

    /// Behind the last line of a table that says something.
    fn end(&self, table: &Table) -> usize {
        self.line_end(table.entries.last().map_or(table.header.end, |it| it.value.end))
    }

    /// Whether a table is one that can be edited key by key.
    pub(super) fn is_plain(&self, table: &Table) -> bool {
        table.entries.iter().all(|it| !it.dotted)
    }

    /// Whether a table says this key.
    pub(super) fn says(&self, table: &Table, key: &str) -> bool {
        table.entries.iter().any(|it| it.name == key)
    }

    /// The comments in a part of the text.
    fn comments(&self, part: &Range<usize>) -> Vec<&'a str> {
        let inside = self.comments.iter().filter(|it| part.start <= it.start && it.end <= part.end);
        inside.map(|it| self.slice(it.clone())).collect()
    }

    fn replace(&mut self, range: Range<usize>, with: String) {
        if !self.edits.iter().any(|(it, had)| *it == range && *had == with && !range.is_empty()) {
            self.edits.push((range, with));
        }
    }

    /// Gives a key of a table this value, unless it has it; whether anything changes.
    pub(super) fn set(&mut self, table: &Table, key: &str, value: &str) -> bool {
        let Some(entry) = table.entries.iter().find(|it| it.name == key) else {
            let at = self.end(table);
            let first = if self.slice(0..at).ends_with('\n') || at == 0 { "" } else { "\n" };
            self.replace(at..at, format!("{first}{key} = {value}\n"));
            return true;
        };
        let had = read_value(self.slice(entry.value.clone()));
        if had.is_some() && had == read_value(value) {
            return false;
        }
        let kept = lines(&self.comments(&entry.value));
        if !kept.is_empty() {
            let at = self.line_start(entry.key.start);
            self.replace(at..at, kept);
        }
        self.replace(entry.value.clone(), value.to_owned());
        true
    }

    /// Whether a place is in the value of a key.
    pub(super) fn is_in(&self, table: &Table, key: &str, place: usize) -> bool {
        table.entries.iter().any(|it| it.name == key && it.value.contains(&place))
    }

    /// The key whose value a place is in.
    pub(super) fn key_at(&self, table: &Table, place: usize) -> Option<String> {
        let entry = table.entries.iter().find(|it| it.value.contains(&place));
        entry.map(|it| it.name.clone())
    }

    /// Has another key with this value where a key is; false where that is not in the table.
    pub(super) fn swap(&mut self, table: &Table, key: &str, by: &str, value: &str) -> bool {
        let Some(entry) = table.entries.iter().find(|it| it.name == key) else { return false };
        if key != by {
            self.replace(entry.key.clone(), by.to_owned());
        }
        self.replace(entry.value.clone(), value.to_owned());
        true
    }

    /// Takes a key out of a table.
    pub(super) fn unset(&mut self, table: &Table, key: &str) -> bool {
        let Some(entry) = table.entries.iter().find(|it| it.name == key) else { return false };
        let range = self.line_start(entry.key.start)..self.line_end(entry.value.end);
        let kept = lines(&self.comments(&range));
        self.replace(range, kept);
        true
    }

    /// Takes the item at a place out of the list it is in; false where it is the only one, or in none.
    pub(super) fn take_item(&mut self, table: &Table, place: usize) -> bool {
        let within = |it: &&Entry| it.value.contains(&place);
        let entry = table.entries.iter().find(within);
        entry.is_some_and(|entry| self.take(entry, |it| it.contains(&place)))
    }

    /// Takes names out of the list that a key has; false where that would be none or all, or there is no list.
    pub(super) fn take_names(
        &mut self,
        table: &Table,
        key: &str,
        goes: impl Fn(&Name) -> bool,
    ) -> bool {
        let text = self.text;
        let goes = |it: &Range<usize>| said(text, it).is_some_and(|said| goes(&Name::new(&said)));
        let entry = table.entries.iter().find(|it| it.name == key);
        entry.is_some_and(|entry| self.take(entry, goes))
    }

    /// Takes items out of a list; false where that would be none or all, or leave nothing but exclusions.
    fn take(&mut self, entry: &Entry, goes: impl Fn(&Range<usize>) -> bool) -> bool {
        let items = &entry.items;
        let excludes =
            |it: &Range<usize>| said(self.text, it).is_some_and(|it| it.starts_with('!'));
        let Some(last) = items.iter().rposition(|it| !goes(it)) else { return false };
        if items.iter().all(|it| goes(it) || excludes(it)) {
            return false;
        }
        let lines: Option<Vec<_>> =
            items.iter().filter(|it| goes(it)).map(|it| self.own_line(entry, it)).collect();
        if let Some(lines) = lines {
            for line in &lines {
                let text = self.slice(line.clone());
                let indent = text.get(..text.len() - text.trim_start().len()).unwrap_or_default();
                let kept = self.comments(line).into_iter().map(|it| format!("{indent}{it}\n"));
                self.replace(line.clone(), kept.collect());
            }
            return !lines.is_empty();
        }
        let before = items.iter().zip(items.iter().skip(1)).take(last);
        let before = before.filter(|(it, _)| goes(it)).map(|(it, next)| it.start..next.start);
        let behind = items.get(last).zip(items.last()).map(|(it, end)| it.end..end.end);
        let ranges: Vec<_> = before.chain(behind.filter(|it| !it.is_empty())).collect();
        for range in &ranges {
            let kept = self.comments(range).into_iter().map(|it| format!(" {it}\n")).collect();
            self.replace(range.clone(), kept);
        }
        !ranges.is_empty()
    }

    /// The line of an item that has one of its own, with its comma.
    fn own_line(&self, entry: &Entry, item: &Range<usize>) -> Option<Range<usize>> {
        let line = self.line_start(item.start)..self.line_end(item.end);
        let behind = self.bare(item.end..line.end);
        let is_last = entry.items.last() == Some(item);
        // A comma of the last one may be further down, and would be left alone there.
        let ends = || is_last && !self.bare(item.end..entry.value.end).contains(',');
        let alone = self.slice(line.start..item.start).trim().is_empty()
            && (behind == "," || behind.is_empty() && ends());
        alone.then_some(line)
    }

    /// A part of the text behind an item, without its comments.
    fn bare(&self, part: Range<usize>) -> String {
        let text = self.slice(part.clone()).to_owned();
        let bare = self.comments(&part).into_iter().fold(text, |text, it| text.replacen(it, "", 1));
        bare.trim().to_owned()
    }

    /// Adds an item to what a key has, which then is a list.
    pub(super) fn add_item(&mut self, table: &Table, key: &str, item: &str) {
        let Some(entry) = table.entries.iter().find(|it| it.name == key) else { return };
        match entry.items.last() {
            Some(last) => self.replace(last.end..last.end, format!(", {item}")),
            None => {
                let written = self.slice(entry.value.clone());
                self.replace(entry.value.clone(), format!("[{written}, {item}]"));
            }
        }
    }

    /// Calls a table by another key.
    pub(super) fn rename(&mut self, table: &Table, key: String) {
        self.replace(table.key.clone(), key);
    }

    /// Takes a table away, with the tables inside it, and has `instead` there.
    pub(super) fn remove(&mut self, at: usize, instead: &str) {
        let Some(table) = self.tables.get(at) else { return };
        let (start, path) = (self.start(table), table.path.clone());
        let rest = self.tables.get(at..).unwrap_or_default().iter();
        let inside = rest.enumerate().take_while(|(n, it)| {
            *n == 0 || it.path.len() > path.len() && it.path.starts_with(&path)
        });
        let end = inside.map(|(_, it)| self.end(it)).max().unwrap_or(start);
        let mut kept = lines(&self.comments(&(start..end)));
        kept.push_str(instead.trim_start_matches('\n'));
        // Of the blank lines around it one is left.
        let is_blank = |from: usize, to: usize| self.slice(from..to).trim().is_empty();
        let above = is_blank(self.line_start(start.saturating_sub(1)), start);
        let below = self.line_end(end);
        let end = if kept.is_empty() && above && is_blank(end, below) { below } else { end };
        self.replace(start..end, kept);
    }

    /// Adds tables behind the last one of a kind, or else of the kinds before it.
    pub(super) fn append(&mut self, kinds: &[&str], tables: &str) {
        if tables.is_empty() {
            return;
        }
        let of = |kind: &&str| {
            self.tables.iter().rposition(|it| it.path.first().is_some_and(|it| it == kind))
        };
        let behind = kinds.iter().find_map(of).unwrap_or_default();
        let at = self.tables.get(behind).map_or(0, |it| self.end(it));
        let open = at > 0 && !self.slice(0..at).ends_with('\n');
        self.replace(at..at, format!("{}{tables}", if open { "\n" } else { "" }));
    }

    /// Adds tables before another, and before the comment right above that.
    pub(super) fn insert(&mut self, before: usize, tables: &str) {
        let Some(table) = self.tables.get(before) else { return };
        let header = self.start(table);
        let mut at = header;
        for comment in self.comments.iter().rev().skip_while(|it| header <= it.start) {
            let above = self.line_start(comment.start);
            let alone = self.slice(above..comment.start).trim().is_empty();
            if !alone || self.line_end(comment.end) != at {
                break;
            }
            at = above;
        }
        self.replace(at..at, format!("{}\n", tables.trim_start_matches('\n')));
    }

    /// The text with all edits made.
    pub(super) fn edited(mut self) -> String {
        self.edits.sort_by_key(|(range, _)| (range.start, range.end));
        // New lines end as the first one does.
        let first = self.text.lines().next().map_or(0, str::len);
        let end = if self.slice(first..self.text.len()).starts_with('\r') { "\r\n" } else { "\n" };
        let (mut edited, mut done) = (String::new(), 0);
        for (range, with) in &self.edits {
            if range.start < done && !range.is_empty() {
                continue;
            }
            edited.push_str(self.text.get(done..range.start).unwrap_or_default());
            edited.push_str(&with.replace('\n', end));
            done = done.max(range.end);
        }
        edited.push_str(self.text.get(done..).unwrap_or_default());
        edited
    }
}

fn lines(all: &[&str]) -> String {
    all.iter().map(|it| format!("{it}\n")).collect()
}

/// A value as it is written, read.
fn read_value(written: &str) -> Option<toml::Value> {
    format!("x = {written}").parse::<toml::Table>().ok()?.remove("x")
}

/// A text of the language at a place.
fn said(text: &str, at: &Range<usize>) -> Option<String> {
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
        names.map(|it| it.as_str().unwrap().replace("$${", "${")).collect()
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
            let mut document = Document::new(&text).unwrap();
            let table = document.tables[0].clone();
            let goes = |name: &str| gone.contains(&name);
            let took = document.take_names(&table, "k", |it| goes(it.as_str()));
            let edited = document.edited();
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
