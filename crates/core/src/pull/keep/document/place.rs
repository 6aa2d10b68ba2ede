//! Whole tables that go and that come, in the form that stands around them.

use super::{TableForm, TomlDocument, TomlEntry, TomlTable, is_keyed_table, join_lines};
use std::ops::Range;

/// New tables in braces, for where there can be no header.
struct InlineTables {
    /// The last key of each, and its braces.
    tables: Vec<(String, String)>,
    /// The comments beside them, as lines.
    comments: String,
}

impl TomlDocument<'_> {
    /// Takes a table away, with the tables inside it, and has `instead` there.
    pub(in super::super) fn remove_table(&mut self, at: usize, instead: &str) {
        let Some(table) = self.tables.get(at).cloned() else { return };
        match table.form {
            TableForm::Header => {
                self.remove_lines(at, instead);
                let apart = self.header_tables(&table.path).into_iter();
                let apart = apart.filter(|apart| *apart != at && is_keyed_table(&table.path));
                apart.for_each(|it| self.remove_lines(it, ""));
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

    /// Takes the lines of a table with a header away, with those of the tables right behind it that are inside it.
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
        // Of the blank lines around it one is left.
        let is_blank = |from: usize, to: usize| self.slice(from..to).trim().is_empty();
        let above = is_blank(self.line_start(start.saturating_sub(1)), start);
        let below = self.line_end(end);
        let end = if kept.is_empty() && above && is_blank(end, below) { below } else { end };
        self.replace_range(start..end, kept);
    }

    /// Has other tables where values of a table are, `place` of whose keys stay; comments stay above them.
    fn replace_entries(
        &mut self,
        owner: &TomlTable,
        gone: &[TomlEntry],
        place: usize,
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
        let key = parts.get(place - owner.depth).map_or(first.start, |it| it.start);
        let prefix = self.slice(first.start..key);
        let said = tables.iter().map(|(key, braces)| format!("{prefix}{key} = {braces}"));
        let said: Vec<String> = said.collect();
        let had = join_lines(&self.comments_within(&(first.start..first.value.end)));
        self.replace_range(above..above, format!("{had}{comments}"));
        let between = if owner.braces.is_some() { ", " } else { "\n" };
        self.replace_range(first.start..first.value.end, said.join(between));
        let others = gone.get(1..).unwrap_or_default();
        if !others.is_empty() {
            self.remove_entries(owner.braces.as_ref(), others);
        }
    }

    /// Takes an item out of its list, or the list out of its table where it is the last.
    fn remove_item_table(&mut self, table: &TomlTable, instead: &str) {
        let holds = |toml_table: &&TomlTable| {
            toml_table.entries.iter().any(|it| it.items.contains(&table.whole))
        };
        let holder = self.tables.iter().filter(holds).max_by_key(|it| it.path.len()).cloned();
        let Some(holder) = holder else { return };
        let list = holder.entries.iter().find(|it| it.items.contains(&table.whole));
        let Some(list) = list else { return };
        let InlineTables { tables, comments } = to_inline_tables(instead);
        let above = self.line_start(table.whole.start);
        self.replace_range(above..above, comments);
        if !tables.is_empty() {
            let said: Vec<_> = tables.into_iter().map(|(_, braces)| braces).collect();
            self.replace_range(table.whole.clone(), said.join(", "));
        } else {
            self.pending_edit(list.value.clone()).gone.push(table.whole.end);
        }
    }

    /// Adds tables behind the last one of a kind, or else of the kinds before it.
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
        let behind = kinds.iter().find_map(last_of_kind).unwrap_or_default();
        let headers = self.tables.iter().take(behind + 1);
        let header = headers.rev().find(|header| header.form == TableForm::Header);
        let at = header.map_or(0, |it| self.table_end(it));
        let open = at > 0 && !self.slice(0..at).ends_with('\n');
        self.replace_range(at..at, format!("{}{tables}", if open { "\n" } else { "" }));
    }

    /// Adds tables to the braces or to the list that the top of the file has for their kind.
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
        let said: Vec<_> = tables.into_iter().map(|(_, braces)| braces).collect();
        self.pending_edit(entry.value.clone()).added.extend(said);
    }

    /// Adds tables before another, and before the comment right above that.
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
        let said: Vec<_> = tables.into_iter().map(|(_, braces)| braces).collect();
        if indent.trim().is_empty() {
            let said = said.into_iter().map(|text| format!("{indent}{text},\n"));
            let at = self.comment_start(start);
            return self.replace_range(at..at, format!("{comments}{}", said.collect::<String>()));
        }
        self.replace_range(start..start, comments);
        let said = said.into_iter().map(|text| format!("{text}, ")).collect();
        self.replace_range(item.start..item.start, said);
    }

    /// Where the comment right above a line begins, or else the line.
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

/// Tables with headers as they are written in braces.
fn to_inline_tables(tables: &str) -> InlineTables {
    let Ok(document) = TomlDocument::new(tables) else {
        return InlineTables { tables: Vec::new(), comments: String::new() };
    };
    let entry = |entry: &TomlEntry| document.slice(entry.start..entry.value.end);
    let braces = |table: &TomlTable| {
        let said: Vec<_> = table.entries.iter().map(entry).collect();
        let key = table.key.clone();
        (document.slice(key).to_owned(), format!("{{ {} }}", said.join(", ")))
    };
    let whole: Range<usize> = 0..tables.len();
    let with_headers =
        document.tables.iter().skip(1).filter(|table| table.form == TableForm::Header);
    InlineTables {
        tables: with_headers.map(braces).collect(),
        comments: join_lines(&document.comments_within(&whole)),
    }
}
