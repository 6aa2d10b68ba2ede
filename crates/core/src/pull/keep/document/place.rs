//! Adds and removes whole tables, in the form that surrounds them.

use super::{TableForm, TomlDocument, TomlEntry, TomlTable, is_keyed_table, join_lines};
use std::ops::Range;

/// New tables in braces, for places that cannot have headers.
struct InlineTables {
    /// The last key and the braces of each table.
    tables: Vec<(String, String)>,
    /// The comments next to them, as lines.
    comments: String,
}

impl TomlDocument<'_> {
    /// Replaces a table and the tables inside it with `instead`.
    pub(in super::super) fn remove_table(&mut self, at: usize, instead: &str) {
        let Some(table) = self.tables.get(at).cloned() else { return };
        match table.form {
            TableForm::Header => {
                self.remove_lines(at, instead);
                let apart = self.header_tables(&table.path).into_iter();
                let apart = apart.filter(|index| *index != at && is_keyed_table(&table.path));
                apart.for_each(|index| self.remove_lines(index, ""));
            }
            TableForm::Item => self.remove_item_table(&table, instead),
            TableForm::Braces => {
                let is_it = |entry: &TomlEntry| entry.value == table.whole && !entry.dotted;
                let owner = self.tables.iter().filter(|it| it.entries.iter().any(is_it));
                let Some(owner) = owner.max_by_key(|it| it.path.len()).cloned() else { return };
                let gone: Vec<TomlEntry> =
                    owner.entries.iter().filter(|it| is_it(it)).cloned().collect();
                self.replace_entries(&owner, &gone, owner.path.len(), instead);
            }
            TableForm::Dotted => {
                let place = table.path.len() - 1;
                self.replace_entries(&table, &table.entries, place, instead);
                let inner = self.header_tables(&table.path);
                inner.iter().for_each(|at| self.remove_lines(*at, ""));
            }
        }
    }

    /// Replaces the lines of a table with a header, and those of the inner tables right after it.
    pub(super) fn remove_lines(&mut self, at: usize, instead: &str) {
        let Some(table) = self.tables.get(at) else { return };
        let (start, path) = (self.header_line_start(table), table.path.clone());
        let rest = self.tables.get(at..).unwrap_or_default().iter();
        let inside = rest.enumerate().take_while(|(n, table)| {
            *n == 0 || table.path.len() > path.len() && table.path.starts_with(&path)
        });
        let inside = inside.filter(|(_, table)| table.form == TableForm::Header);
        let end = inside.map(|(_, it)| self.table_end(it)).max().unwrap_or(start);
        let mut kept = join_lines(&self.comments_within(&(start..end)));
        kept.push_str(instead.trim_start_matches('\n'));
        // One of the blank lines around the table is left.
        let is_blank = |from: usize, to: usize| self.slice(from..to).trim().is_empty();
        let above = is_blank(self.line_start(start.saturating_sub(1)), start);
        let below = self.line_end(end);
        let end = if kept.is_empty() && above && is_blank(end, below) { below } else { end };
        self.replace_range(start..end, kept);
    }

    /// Replaces values of a table with other tables, keeping `depth` of their keys; comments go above.
    fn replace_entries(
        &mut self,
        owner: &TomlTable,
        gone: &[TomlEntry],
        depth: usize,
        instead: &str,
    ) {
        let InlineTables { tables, comments } = to_inline_tables(instead);
        let Some(first) = gone.first() else { return };
        let above = self.line_start(first.start);
        if tables.is_empty() {
            self.replace_range(above..above, comments);
            return self.remove_entries(owner.braces.as_ref(), gone);
        }
        let parts = super::read::key_parts(self.text, first.start);
        let key = parts.get(depth - owner.depth).map_or(first.start, |it| it.start);
        let prefix = self.slice(first.start..key);
        let entries = tables.iter().map(|(key, braces)| format!("{prefix}{key} = {braces}"));
        let entries: Vec<String> = entries.collect();
        let kept = join_lines(&self.comments_within(&(first.start..first.value.end)));
        self.replace_range(above..above, format!("{kept}{comments}"));
        let between = if owner.braces.is_some() { ", " } else { "\n" };
        self.replace_range(first.start..first.value.end, entries.join(between));
        let others = gone.get(1..).unwrap_or_default();
        if !others.is_empty() {
            self.remove_entries(owner.braces.as_ref(), others);
        }
    }

    /// Replaces a table in a list with `instead`.
    fn remove_item_table(&mut self, table: &TomlTable, instead: &str) {
        let holds = |candidate: &&TomlTable| {
            candidate.entries.iter().any(|entry| entry.items.contains(&table.whole))
        };
        let holder = self.tables.iter().filter(holds).max_by_key(|it| it.path.len()).cloned();
        let Some(holder) = holder else { return };
        let list = holder.entries.iter().find(|it| it.items.contains(&table.whole));
        let Some(list) = list else { return };
        let InlineTables { tables, comments } = to_inline_tables(instead);
        let above = self.line_start(table.whole.start);
        self.replace_range(above..above, comments);
        if !tables.is_empty() {
            let items: Vec<_> = tables.into_iter().map(|(_, braces)| braces).collect();
            self.replace_range(table.whole.clone(), items.join(", "));
        } else {
            self.pending_edit(list.value.clone()).gone.push(table.whole.end);
        }
    }

    /// Adds tables after the last one of the first kind in `kinds` that the file has.
    pub(in super::super) fn append_tables(&mut self, kinds: &[&str], tables: &str) {
        if tables.is_empty() {
            return;
        }
        let own = kinds.first().copied().unwrap_or_default();
        let written = self.tables.first().and_then(|it| it.direct_value(own)).cloned();
        if let Some(entry) = written {
            return self.append_inline(own, &entry, tables);
        }
        let last_of_kind = |kind: &&str| {
            self.tables
                .iter()
                .rposition(|table| table.path.first().is_some_and(|path| path == kind))
        };
        let last = kinds.iter().find_map(last_of_kind).unwrap_or_default();
        let headers = self.tables.iter().take(last + 1);
        let header = headers.rev().find(|header| header.form == TableForm::Header);
        let at = header.map_or(0, |it| self.table_end(it));
        let open = at > 0 && !self.slice(0..at).ends_with('\n');
        self.replace_range(at..at, format!("{}{tables}", if open { "\n" } else { "" }));
    }

    /// Adds tables to the inline table or list for their kind at the top of the file.
    fn append_inline(&mut self, kind: &str, entry: &TomlEntry, tables: &str) {
        let InlineTables { tables, comments } = to_inline_tables(tables);
        let above = self.line_start(entry.start);
        self.replace_range(above..above, comments);
        if let Some(table) =
            self.find_table(&[kind]).filter(|item| item.form == TableForm::Braces).cloned()
        {
            for (key, braces) in tables {
                self.add_entry(&table, &format!("{key} = {braces}"));
            }
            return;
        }
        let items = tables.into_iter().map(|(_, braces)| braces);
        self.pending_edit(entry.value.clone()).added.extend(items);
    }

    /// Inserts tables before another table and the comment right above it.
    pub(in super::super) fn insert_before(&mut self, before: usize, tables: &str) {
        let Some(table) = self.tables.get(before) else { return };
        let start = self.line_start(table.whole.start);
        let item = table.whole.clone();
        let indent = self.slice(start..item.start);
        if table.form == TableForm::Header {
            let at = self.comment_start(start);
            return self.replace_range(at..at, format!("{}\n", tables.trim_start_matches('\n')));
        }
        let InlineTables { tables, comments } = to_inline_tables(tables);
        let items = tables.into_iter().map(|(_, braces)| braces);
        if indent.trim().is_empty() {
            let lines = items.map(|item| format!("{indent}{item},\n"));
            let at = self.comment_start(start);
            return self.replace_range(at..at, format!("{comments}{}", lines.collect::<String>()));
        }
        self.replace_range(start..start, comments);
        let items = items.map(|item| format!("{item}, ")).collect();
        self.replace_range(item.start..item.start, items);
    }

    /// Returns the start of the comment right above a line, or of the line itself.
    fn comment_start(&self, line: usize) -> usize {
        let mut at = line;
        for comment in self.comments.iter().rev().skip_while(|comment| line <= comment.start) {
            let above = self.line_start(comment.start);
            let alone = self.slice(above..comment.start).trim().is_empty();
            if !alone || self.line_end(comment.end) != at {
                break;
            }
            at = above;
        }
        at
    }
}

/// Converts tables with headers to braces.
fn to_inline_tables(tables: &str) -> InlineTables {
    let Ok(document) = TomlDocument::new(tables) else {
        return InlineTables { tables: Vec::new(), comments: String::new() };
    };
    let entry = |entry: &TomlEntry| document.slice(entry.start..entry.value.end);
    let braces = |table: &TomlTable| {
        let entries: Vec<_> = table.entries.iter().map(entry).collect();
        let key = table.key.clone();
        (document.slice(key).to_owned(), format!("{{ {} }}", entries.join(", ")))
    };
    let whole: Range<usize> = 0..tables.len();
    let with_headers =
        document.tables.iter().skip(1).filter(|table| table.form == TableForm::Header);
    InlineTables {
        tables: with_headers.map(braces).collect(),
        comments: join_lines(&document.comments_within(&whole)),
    }
}
