//! Edits lists and inline tables.

use super::{
    PendingEdit, TableForm, TomlDocument, TomlEntry, TomlTable, join_lines, text_at_range,
};
use crate::model::Name;
use std::ops::Range;

impl TomlDocument<'_> {
    /// Removes the list item at a position; returns false if it is the only one or not in a list.
    pub(in super::super) fn remove_list_item(
        &mut self,
        table: &TomlTable,
        position: usize,
    ) -> bool {
        let within = |entry: &&TomlEntry| entry.value.contains(&position);
        let entry = table.entries.iter().find(within);
        entry.is_some_and(|entry| self.remove_items(entry, |item| item.contains(&position)))
    }

    /// Removes names from the list at a key. Returns false, removing nothing, if there is no list, or if none or all
    /// of its names would go.
    pub(in super::super) fn remove_names(
        &mut self,
        table: &TomlTable,
        key: &str,
        goes: impl Fn(&Name) -> bool,
    ) -> bool {
        let text = self.text;
        let goes = |range: &Range<usize>| {
            text_at_range(text, range).is_some_and(|name| goes(&Name::new(&name)))
        };
        let entry = table.entries.iter().find(|entry| entry.name == key);
        entry.is_some_and(|entry| self.remove_items(entry, goes))
    }

    /// Removes items from a list. Returns false, removing nothing, if none or all of them would go, or if only
    /// exclusions would be left.
    fn remove_items(&mut self, entry: &TomlEntry, goes: impl Fn(&Range<usize>) -> bool) -> bool {
        let excludes = |range: &Range<usize>| {
            text_at_range(self.text, range).is_some_and(|it| it.starts_with('!'))
        };
        if entry.items.iter().all(|item| goes(item) || excludes(item)) {
            return false;
        }
        self.cut_items(&entry.items, entry.value.end, goes)
    }

    /// Removes some but not all comma-separated items; returns whether anything is removed.
    pub(super) fn cut_items(
        &mut self,
        items: &[Range<usize>],
        end: usize,
        goes: impl Fn(&Range<usize>) -> bool,
    ) -> bool {
        let Some(last) = items.iter().rposition(|it| !goes(it)) else { return false };
        let lines: Option<Vec<_>> = items
            .iter()
            .filter(|it| goes(it))
            .map(|it| self.own_line_range(items, end, it))
            .collect();
        if let Some(lines) = lines {
            for line in &lines {
                let text = self.slice(line.clone());
                let indent = text.get(..text.len() - text.trim_start().len()).unwrap_or_default();
                let kept =
                    self.comments_within(line).into_iter().map(|name| format!("{indent}{name}\n"));
                self.replace_range(line.clone(), kept.collect());
            }
            return !lines.is_empty();
        }
        let before = items.iter().zip(items.iter().skip(1)).take(last);
        let before = before.filter(|(it, _)| goes(it)).map(|(range, next)| range.start..next.start);
        let after = items.get(last).zip(items.last()).map(|(range, end)| range.end..end.end);
        let ranges: Vec<_> = before.chain(after.filter(|it| !it.is_empty())).collect();
        for range in &ranges {
            let kept =
                self.comments_within(range).into_iter().map(|name| format!(" {name}\n")).collect();
            self.replace_range(range.clone(), kept);
        }
        !ranges.is_empty()
    }

    /// Returns the lines of an item and its comma, if nothing else is on them.
    fn own_line_range(
        &self,
        items: &[Range<usize>],
        end: usize,
        item: &Range<usize>,
    ) -> Option<Range<usize>> {
        let line = self.line_start(item.start)..self.line_end(item.end);
        let after = self.without_comments(item.end..line.end);
        let is_last = items.last() == Some(item);
        // The comma of the last item may be on a later line, and must not stay there alone.
        let ends = || is_last && !self.without_comments(item.end..end).contains(',');
        let alone = self.slice(line.start..item.start).trim().is_empty()
            && (after == "," || after.is_empty() && ends());
        alone.then_some(line)
    }

    /// Returns a part of the text without its comments, trimmed.
    fn without_comments(&self, part: Range<usize>) -> String {
        let text = self.slice(part.clone()).to_owned();
        let bare = self
            .comments_within(&part)
            .into_iter()
            .fold(text, |text, comment| text.replacen(comment, "", 1));
        bare.trim().to_owned()
    }

    /// Adds an item to a key's value, turning it into a list if necessary.
    pub(in super::super) fn add_list_item(&mut self, table: &TomlTable, key: &str, item: &str) {
        let Some(entry) = table.direct_value(key) else { return };
        match entry.items.last() {
            Some(last) => self.replace_range(last.end..last.end, format!(", {item}")),
            None => {
                let written = self.slice(entry.value.clone());
                self.replace_range(entry.value.clone(), format!("[{written}, {item}]"));
            }
        }
    }

    /// Removes values and their keys, from their braces or as lines.
    pub(super) fn remove_entries(&mut self, braces: Option<&Range<usize>>, gone: &[TomlEntry]) {
        let Some(braces) = braces else {
            for entry in gone {
                let range = self.line_start(entry.start)..self.line_end(entry.value.end);
                let kept = join_lines(&self.comments_within(&range));
                self.replace_range(range, kept);
            }
            return;
        };
        self.pending_edit(braces.clone()).gone.extend(gone.iter().map(|it| it.value.end));
    }

    /// Returns the collected edits of a list or an inline table.
    pub(super) fn pending_edit(&mut self, whole: Range<usize>) -> &mut PendingEdit {
        let at =
            self.pending.iter().position(|pending| pending.whole == whole).unwrap_or_else(|| {
                self.pending.push(PendingEdit { whole, gone: Vec::new(), added: Vec::new() });
                self.pending.len() - 1
            });
        &mut self.pending[at]
    }

    /// Makes the collected edits of a list or an inline table.
    pub(super) fn apply_pending(&mut self, pending: &PendingEdit) {
        let PendingEdit { whole, gone, added } = pending;
        let mut entries = self.tables.iter().flat_map(|it| &it.entries);
        let list = entries.find(|entry| entry.value == *whole);
        let has_braces =
            |table: &&TomlTable| table.whole == *whole && table.form != TableForm::Dotted;
        let items: Vec<Range<usize>> = match (self.tables.iter().find(has_braces), &list) {
            (Some(table), _) => {
                table.entries.iter().map(|entry| entry.start..entry.value.end).collect()
            }
            (None, Some(list)) => list.items.clone(),
            (None, None) => return,
        };
        let goes = |it: &Range<usize>| gone.contains(&it.end);
        let added = added.join(", ");
        let last = items.iter().rev().find(|it| !goes(it));
        match (last, items.first()) {
            (Some(last), _) => {
                let at = last.end;
                self.cut_items(&items, whole.end, goes);
                if !added.is_empty() {
                    self.replace_range(at..at, format!(", {added}"));
                }
                return;
            }
            (None, Some(first)) => {
                let inside = first.start..whole.end - 1;
                let kept = join_lines(&self.comments_within(&inside));
                let kept = if kept.is_empty() { kept } else { format!("\n{kept}") };
                self.replace_range(inside, kept);
            }
            (None, None) => {}
        }
        let at = items.first().map_or(whole.start + 1, |it| it.start);
        let space = if self.slice(whole.start + 1..at).is_empty() { " " } else { "" };
        if !added.is_empty() {
            self.replace_range(at..at, format!("{space}{added} "));
        }
    }
}
