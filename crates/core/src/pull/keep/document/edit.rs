//! Edits the values and the key of a table.

use super::{
    TableForm, TomlDocument, TomlEntry, TomlTable, is_keyed_table, join_lines, read::key_parts,
    read_value,
};

impl TomlDocument<'_> {
    /// Sets a key of a table; returns whether that changes anything.
    pub(in super::super) fn set_value(
        &mut self,
        table: &TomlTable,
        key: &str,
        value: &str,
    ) -> bool {
        let Some(entry) = table.direct_value(key) else {
            self.add_entry(table, &format!("{key} = {value}"));
            return true;
        };
        let old = read_value(self.slice(entry.value.clone()));
        if old.is_some() && old == read_value(value) {
            return false;
        }
        let kept = join_lines(&self.comments_within(&entry.value));
        if !kept.is_empty() {
            let at = self.line_start(entry.key.start);
            self.replace_range(at..at, kept);
        }
        self.replace_range(entry.value.clone(), value.to_owned());
        true
    }

    /// Adds `key = value` to a table.
    pub(super) fn add_entry(&mut self, table: &TomlTable, entry: &str) {
        let Some(braces) = &table.braces else { return self.add_line(table, entry) };
        let prefix =
            table.entries.last().map(|it| self.dotted_prefix(table, it)).unwrap_or_default();
        let entry = format!("{prefix}{entry}");
        self.pending_edit(braces.clone()).added.push(entry);
    }

    /// Adds a line to a table.
    fn add_line(&mut self, table: &TomlTable, line: &str) {
        let last = table.entries.last();
        let prefix = last.map(|it| self.dotted_prefix(table, it)).unwrap_or_default();
        let at = self.line_end(last.map_or(table.whole.end, |it| it.value.end));
        let open = at > 0 && !self.slice(0..at).ends_with('\n');
        let first = if open { "\n" } else { "" };
        let indent = last.filter(|_| table.form == TableForm::Dotted);
        let indent =
            indent.map(|entry| self.slice(self.line_start(entry.start)..entry.start).to_owned());
        let indent = indent.unwrap_or_default();
        self.replace_range(at..at, format!("{first}{indent}{prefix}{line}\n"));
    }

    /// Returns what precedes the table's own keys in a dotted line.
    pub(super) fn dotted_prefix(&self, table: &TomlTable, entry: &TomlEntry) -> String {
        let parts = key_parts(self.text, entry.start);
        let own = parts.get(table.path.len() - table.depth);
        let own = own.filter(|_| table.form == TableForm::Dotted);
        own.map_or(String::new(), |own| self.slice(entry.start..own.start).to_owned())
    }

    /// Replaces a key and its value; returns false if the key is not in the table.
    pub(in super::super) fn replace_key(
        &mut self,
        table: &TomlTable,
        key: &str,
        by: &str,
        value: &str,
    ) -> bool {
        let Some(entry) = table.direct_value(key) else { return false };
        if key != by {
            self.replace_range(entry.key.clone(), by.to_owned());
        }
        self.replace_range(entry.value.clone(), value.to_owned());
        true
    }

    /// Removes a key from a table, with any table that it leads to.
    pub(in super::super) fn remove_key(&mut self, table: &TomlTable, key: &str) -> bool {
        let gone: Vec<TomlEntry> =
            table.entries.iter().filter(|entry| entry.name == key).cloned().collect();
        self.remove_entries(table.braces.as_ref(), &gone);
        let inner = self.inner_tables(table, key);
        inner.iter().for_each(|at| self.remove_lines(*at, ""));
        !gone.is_empty() || !inner.is_empty()
    }

    /// Returns the tables with headers that a key of a table leads to.
    fn inner_tables(&self, table: &TomlTable, key: &str) -> Vec<usize> {
        let path = [table.path.as_slice(), &[key.to_owned()]].concat();
        let inner = self.header_tables(&path);
        if is_keyed_table(&table.path) {
            return inner;
        }
        // Each item of a list has its own tables, right after it.
        let at = self
            .tables
            .iter()
            .position(|candidate| candidate.whole == table.whole)
            .unwrap_or_default();
        let rest = self.tables.iter().skip(at + 1);
        let own = rest.take_while(|inner| inner.path.len() > table.path.len()).count();
        inner.into_iter().filter(|index| (at..=at + own).contains(index)).collect()
    }

    /// Returns the tables with headers at a path or below it.
    pub(super) fn header_tables(&self, path: &[String]) -> Vec<usize> {
        let has_header =
            |table: &TomlTable| table.form == TableForm::Header && table.path.starts_with(path);
        let tables = self.tables.iter().enumerate().filter(|(_, it)| has_header(it));
        tables.map(|(at, _)| at).collect()
    }

    /// Renames a table's last key everywhere.
    pub(in super::super) fn rename_table(&mut self, table: &TomlTable, key: &str) {
        let place = table.path.len().saturating_sub(1);
        for at in self.header_tables(&table.path) {
            let Some(header) = self.tables.get(at).map(|it| it.whole.clone()) else { continue };
            let bracket = self.slice(header.clone()).chars().take_while(|c| *c == '[').count();
            let part = key_parts(self.text, header.start + bracket).get(place).cloned();
            part.into_iter().for_each(|part| self.replace_range(part, key.to_owned()));
        }
        match table.form {
            TableForm::Header | TableForm::Item => {}
            TableForm::Braces => self.replace_range(table.key.clone(), key.to_owned()),
            TableForm::Dotted => {
                let parts = table.entries.iter().filter_map(|entry| {
                    key_parts(self.text, entry.start).get(place - table.depth).cloned()
                });
                let parts: Vec<_> = parts.collect();
                parts.into_iter().for_each(|part| self.replace_range(part, key.to_owned()));
            }
        }
    }
}
