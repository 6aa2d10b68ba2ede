//! A file as tables of lines, and edits that touch nothing but what they name.
//!
//! An edit that takes something away leaves the comments that stood there. Never: what a table means.

use std::{borrow::Cow, collections::BTreeMap, ops::Range};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// A text, and where its tables are.
pub(super) struct Document<'a> {
    text: &'a str,
    /// In the order of the text; the first is what stands before any header.
    pub(super) tables: Vec<Table>,
    edits: Vec<(Range<usize>, String)>,
}

/// A table with a header of its own.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// The keys of its header; empty for what stands before any.
    pub(super) path: Vec<String>,
    /// Where the last key of the header is.
    key: Range<usize>,
    /// Where the header's line begins.
    start: usize,
    /// Its values.
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    key: String,
    start: usize,
    value: Range<usize>,
    /// The items of a list.
    items: Vec<Range<usize>>,
    /// Whether it is written as `a.b = 1`, on any number of lines.
    dotted: bool,
}

impl<'a> Document<'a> {
    /// The tables of a text that loads.
    pub(super) fn new(text: &'a str) -> Self {
        let (root, _) = DeTable::parse_recoverable(text);
        let mut found = Found { text, headers: BTreeMap::new(), entries: Vec::new() };
        found.table(root.get_ref(), &[]);
        let before = Table { path: Vec::new(), key: 0..0, start: 0, entries: Vec::new() };
        let headers = found.headers.into_iter();
        let headers =
            headers.map(|(start, (path, key))| Table { path, key, start, entries: Vec::new() });
        let mut tables: Vec<Table> = std::iter::once(before).chain(headers).collect();
        for entry in found.entries {
            if let Some(table) = tables.iter_mut().rfind(|it| it.start <= entry.start) {
                table.entries.push(entry);
            }
        }
        tables.iter_mut().for_each(|it| it.entries.sort_by_key(|it| it.start));
        Self { text, tables, edits: Vec::new() }
    }

    /// The table that a place of the text is in.
    pub(super) fn at(&self, place: usize) -> usize {
        self.tables.iter().rposition(|it| it.start <= place).unwrap_or_default()
    }

    fn slice(&self, range: Range<usize>) -> &'a str {
        self.text.get(range).unwrap_or_default()
    }

    fn line_start(&self, at: usize) -> usize {
        self.slice(0..at).rfind('\n').map_or(0, |it| it + 1)
    }

    fn line_end(&self, at: usize) -> usize {
        self.slice(at..self.text.len()).find('\n').map_or(self.text.len(), |it| at + it + 1)
    }

    /// Behind the last line of a table that says something.
    fn end(&self, table: &Table) -> usize {
        let last = table.entries.iter().map(|it| it.value.end).max();
        self.line_end(last.unwrap_or(table.key.end).max(table.key.end))
    }

    /// Whether a table is one that can be edited key by key.
    pub(super) fn is_plain(&self, table: &Table) -> bool {
        table.entries.iter().all(|it| !it.dotted)
    }

    /// Whether a table says this key.
    pub(super) fn says(&self, table: &Table, key: &str) -> bool {
        table.entries.iter().any(|it| it.key == key)
    }

    fn replace(&mut self, range: Range<usize>, with: String) {
        if !self.edits.iter().any(|(it, had)| *it == range && *had == with && !range.is_empty()) {
            self.edits.push((range, with));
        }
    }

    /// Gives a key of a table this value, unless it has it; whether anything changes.
    pub(super) fn set(&mut self, table: &Table, key: &str, value: &str) -> bool {
        let Some(entry) = table.entries.iter().find(|it| it.key == key) else {
            let at = self.end(table);
            let first = if self.slice(0..at).ends_with('\n') || at == 0 { "" } else { "\n" };
            self.replace(at..at, format!("{first}{key} = {value}\n"));
            return true;
        };
        let read = |value: &str| format!("x = {value}").parse::<toml::Table>().ok();
        if read(value).is_some() && read(value) == read(self.slice(entry.value.clone())) {
            return false;
        }
        let kept = lines(&comments(self.slice(entry.value.clone())));
        if !kept.is_empty() {
            let at = self.line_start(entry.start);
            self.replace(at..at, kept);
        }
        self.replace(entry.value.clone(), value.to_owned());
        true
    }

    /// Whether a place is in the value of a key.
    pub(super) fn is_in(&self, table: &Table, key: &str, place: usize) -> bool {
        table.entries.iter().any(|it| it.key == key && it.value.contains(&place))
    }

    /// Has another key with this value where a key is; false where that is not in the table.
    pub(super) fn swap(&mut self, table: &Table, key: &str, by: &str, value: &str) -> bool {
        let Some(entry) = table.entries.iter().find(|it| it.key == key) else { return false };
        self.replace(entry.start..entry.value.end, format!("{by} = {value}"));
        true
    }

    /// Takes a key out of a table.
    pub(super) fn unset(&mut self, table: &Table, key: &str) -> bool {
        let Some(entry) = table.entries.iter().find(|it| it.key == key) else { return false };
        let range = self.line_start(entry.start)..self.line_end(entry.value.end);
        let kept = lines(&comments(self.slice(range.clone())));
        self.replace(range, kept);
        true
    }

    /// Takes the item at a place out of the list it is in; false where it is the only one, or in none.
    pub(super) fn take_item(&mut self, table: &Table, place: usize) -> bool {
        let within = |it: &&Entry| it.value.contains(&place);
        let Some(entry) = table.entries.iter().find(within) else { return false };
        let Some(at) = entry.items.iter().position(|it| it.contains(&place)) else { return false };
        let (item, next) = (entry.items.get(at), entry.items.get(at + 1));
        let before = at.checked_sub(1).and_then(|it| entry.items.get(it));
        let range = match (item, before, next) {
            (Some(item), _, Some(next)) => item.start..next.start,
            (Some(item), Some(before), None) => before.end..item.end,
            _ => return false,
        };
        let kept: Vec<String> =
            comments(self.slice(range.clone())).iter().map(|it| format!(" {it}\n")).collect();
        self.replace(range, kept.concat());
        true
    }

    /// Calls a table by another key.
    pub(super) fn rename(&mut self, table: &Table, key: String) {
        self.replace(table.key.clone(), key);
    }

    /// Takes a table away, with the tables inside it, and has `instead` there.
    pub(super) fn remove(&mut self, at: usize, instead: &str) {
        let Some(table) = self.tables.get(at) else { return };
        let (start, path) = (table.start, table.path.clone());
        let rest = self.tables.get(at..).unwrap_or_default().iter();
        let inside = rest.enumerate().take_while(|(n, it)| {
            *n == 0 || it.path.len() > path.len() && it.path.starts_with(&path)
        });
        let end = inside.map(|(_, it)| self.end(it)).max().unwrap_or(start);
        let mut kept = lines(&comments(self.slice(start..end)));
        kept.push_str(instead.trim_start_matches('\n'));
        let alone = kept.is_empty() && (start == 0 || self.slice(0..start).ends_with("\n\n"));
        let blank = alone && self.slice(end..self.text.len()).starts_with('\n');
        self.replace(start..end + usize::from(blank), kept);
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
        let mut at = table.start;
        loop {
            let above = self.line_start(at.saturating_sub(1));
            if at == 0 || !self.slice(above..at).trim_start().starts_with('#') {
                break;
            }
            at = above;
        }
        self.replace(at..at, format!("{}\n", tables.trim_start_matches('\n')));
    }

    /// The text with all edits made.
    pub(super) fn edited(mut self) -> String {
        self.edits.sort_by_key(|(range, _)| (range.start, range.end));
        let end = if self.text.contains("\r\n") { "\r\n" } else { "\n" };
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

struct Found<'a> {
    text: &'a str,
    headers: BTreeMap<usize, (Vec<String>, Range<usize>)>,
    entries: Vec<Entry>,
}

impl Found<'_> {
    /// The header line that a place is in.
    fn header(&self, at: usize) -> Option<usize> {
        let before = self.text.get(..at).unwrap_or_default();
        let start = before.rfind('\n').map_or(0, |it| it + 1);
        let line = self.text.get(start..).unwrap_or_default();
        line.trim_start_matches(['\u{feff}', ' ', '\t']).starts_with('[').then_some(start)
    }

    fn table(&mut self, table: &DeTable, path: &[String]) {
        for (key, value) in table {
            let mut inner = path.to_vec();
            inner.push(key.get_ref().to_string());
            match (self.header(key.span().start), value.get_ref()) {
                (Some(start), DeValue::Table(table)) => {
                    self.headers.insert(start, (inner.clone(), key.span()));
                    self.table(table, &inner);
                }
                (Some(_), DeValue::Array(items)) => {
                    items.iter().for_each(|it| self.item(it, &inner));
                }
                _ => self.entry(key, value, &inner),
            }
        }
    }

    fn item(&mut self, item: &Spanned<DeValue>, path: &[String]) {
        let DeValue::Table(table) = item.get_ref() else { return };
        if let Some(start) = self.header(item.span().start) {
            self.headers.insert(start, (path.to_vec(), item.span().start..item.span().start));
        }
        self.table(table, path);
    }

    fn entry(&mut self, key: &Spanned<Cow<str>>, value: &Spanned<DeValue>, path: &[String]) {
        let written = self.text.get(value.span()).unwrap_or_default();
        let dotted = matches!(value.get_ref(), DeValue::Table(_)) && !written.starts_with('{');
        if let (true, DeValue::Table(table)) = (dotted, value.get_ref()) {
            // What is inside may have a header of its own.
            self.table(table, path);
        }
        let items = match value.get_ref() {
            DeValue::Array(items) => items.iter().map(Spanned::span).collect(),
            _ => Vec::new(),
        };
        let (start, key) = (key.span().start, key.get_ref().to_string());
        self.entries.push(Entry { key, start, value: value.span(), items, dotted });
    }
}

fn lines(all: &[&str]) -> String {
    all.iter().map(|it| format!("{it}\n")).collect()
}

/// The comments of a part of a file that begins outside of strings.
fn comments(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['#', '"', '\'']) {
        rest = rest.get(at..).unwrap_or_default();
        let length = match rest.as_bytes().first() {
            Some(b'#') => {
                let line = rest.find('\n').unwrap_or(rest.len());
                found.push(rest.get(..line).unwrap_or_default().trim_end());
                line
            }
            _ => string(rest),
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    found
}

/// How long the string is with which a text begins.
fn string(text: &str) -> usize {
    let delimiters = ["\"\"\"", "'''", "\"", "'"];
    let Some(delimiter) = delimiters.into_iter().find(|it| text.starts_with(it)) else { return 1 };
    let mut at = delimiter.len();
    while let Some(rest) = text.get(at..).filter(|it| !it.is_empty()) {
        if rest.starts_with(delimiter) {
            let quotes =
                rest.len() - rest.trim_start_matches(delimiter.get(..1).unwrap_or("\"")).len();
            return at + if delimiter.len() == 1 { 1 } else { quotes.min(5) };
        }
        let escaped = delimiter.starts_with('"') && rest.starts_with('\\');
        let width = |it: &str| it.chars().next().map_or(1, char::len_utf8);
        at += match escaped {
            true => 1 + rest.get(1..).map_or(0, width),
            false => width(rest),
        };
    }
    text.len()
}
