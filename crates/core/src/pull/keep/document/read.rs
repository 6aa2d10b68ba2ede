//! Locates the tables, values and comments of a text with `toml_edit`.
//!
//! All forms of a table count: below a header, in braces, as a list item, or by dotted keys.

use super::{TableForm, TomlEntry, TomlTable};
use std::ops::Range;
use toml_edit::{
    Array, Decor, Document, InlineTable, Item, RawString, TableLike, TomlError, Value,
    visit::{self, Visit},
};

/// Returns the tables and the comments of a text, in text order.
pub(super) fn read(text: &str) -> Result<(Vec<TomlTable>, Vec<Range<usize>>), TomlError> {
    let document = Document::parse(text)?;
    let mut reader = TomlReader { text, tables: Vec::new() };
    let root = TableFrame { path: Vec::new(), form: TableForm::Header, key: 0..0, whole: 0..0 };
    reader.add_table(document.as_table(), root);
    // The root table comes first, even if a list or a pool is at the very start of the text.
    reader
        .tables
        .sort_by_key(|table| (table.path.len().min(1), table.whole.start, table.path.len()));
    let mut comments = CommentFinder { text, found: Vec::new() };
    comments.visit_table(document.as_table());
    comments.collect_comments(document.trailing());
    comments.found.sort_by_key(|it| it.start);
    Ok((reader.tables, comments.found))
}

/// Returns the parts of a dotted key that starts at a position.
pub(super) fn key_parts(text: &str, start: usize) -> Vec<Range<usize>> {
    let (mut parts, mut at) = (Vec::new(), start);
    loop {
        let rest = |at: usize| text.get(at..).unwrap_or_default();
        at += rest(at).len() - rest(at).trim_start_matches([' ', '\t']).len();
        let mut escaped = false;
        let mut ends = |quote: char, c: char| {
            let ends = c == quote && !escaped;
            escaped = quote == '"' && c == '\\' && !escaped;
            ends
        };
        let len = match rest(at).chars().next() {
            Some(quote @ ('"' | '\'')) => {
                rest(at + 1).find(|c| ends(quote, c)).map_or(rest(at).len(), |index| index + 2)
            }
            _ => rest(at).find([' ', '\t', '.', '=', ']']).unwrap_or(rest(at).len()),
        };
        parts.push(at..at + len);
        at += len;
        let after = rest(at).trim_start_matches([' ', '\t']);
        if !after.starts_with('.') || len == 0 {
            return parts;
        }
        at += rest(at).len() - after.len() + 1;
    }
}

/// The position of a table, before its content is known.
struct TableFrame {
    path: Vec<String>,
    form: TableForm,
    key: Range<usize>,
    whole: Range<usize>,
}

/// A value below a header or in braces, with all keys that lead to it.
struct TomlLeaf<'d> {
    path: Vec<String>,
    key: Range<usize>,
    value: &'d Value,
}

struct TomlReader<'t> {
    text: &'t str,
    tables: Vec<TomlTable>,
}

impl TomlReader<'_> {
    /// Adds a table and the tables inside it.
    fn add_table(&mut self, like: &dyn TableLike, frame: TableFrame) {
        let mut leaves = Vec::new();
        self.collect_leaves(like, &frame.path, &mut leaves);
        leaves.sort_by_key(|it| it.key.start);
        let depth = frame.path.len();
        let braces = (frame.form != TableForm::Header).then(|| frame.whole.clone());
        let mut end = if braces.is_some() { frame.whole.start + 1 } else { frame.whole.end };
        let mut entries: Vec<(Vec<String>, TomlEntry)> = Vec::new();
        for TomlLeaf { path, key, value } in leaves {
            let start = self.skip_to_key(end);
            let span = value.span().unwrap_or_default();
            end = span.end;
            let items = value.as_array().into_iter().flat_map(Array::iter);
            let items = items.filter_map(Value::span).collect();
            let entry = TomlEntry {
                name: String::new(),
                start,
                key: key.clone(),
                value: span.clone(),
                items,
                dotted: false,
            };
            self.add_value_tables(value, &path, key, span);
            entries.push((path, entry));
        }
        self.add_dotted_tables(&entries, depth, braces.as_ref());
        let TableFrame { path, form, key, whole } = frame;
        let entries = table_entries(&entries, &path);
        self.tables.push(TomlTable { path, form, depth, key, whole, braces, entries });
    }

    /// Collects the values of a table, including dotted keys; adds tables with headers.
    fn collect_leaves<'d>(
        &mut self,
        like: &'d dyn TableLike,
        path: &[String],
        leaves: &mut Vec<TomlLeaf<'d>>,
    ) {
        for (name, item) in like.iter() {
            let path = [path, &[name.to_owned()]].concat();
            let key = like.key(name).and_then(|it| it.span()).unwrap_or_default();
            let mut add_header = |table: &toml_edit::Table| {
                let (whole, key) = (table.span().unwrap_or_default(), key.clone());
                self.add_table(
                    table,
                    TableFrame { path: path.clone(), form: TableForm::Header, key, whole },
                );
            };
            match item {
                Item::None => {}
                Item::Value(Value::InlineTable(table)) if table.is_dotted() => {
                    self.collect_leaves(table, &path, leaves);
                }
                Item::Value(value) => leaves.push(TomlLeaf { path, key, value }),
                // An implicit table comes from dotted keys or from the headers of inner tables.
                Item::Table(table) if table.is_implicit() => {
                    self.collect_leaves(table, &path, leaves)
                }
                Item::Table(table) => add_header(table),
                Item::ArrayOfTables(tables) => tables.iter().for_each(add_header),
            }
        }
    }

    /// Adds the tables in a value: an inline table, or those in a list.
    fn add_value_tables(
        &mut self,
        value: &Value,
        path: &[String],
        key: Range<usize>,
        whole: Range<usize>,
    ) {
        match value {
            Value::InlineTable(table) => {
                self.add_table(
                    table,
                    TableFrame { path: path.to_vec(), form: TableForm::Braces, key, whole },
                );
            }
            Value::Array(items) => {
                for table in items.iter().filter_map(Value::as_inline_table) {
                    let (whole, key) = (table.span().unwrap_or_default(), key.clone());
                    self.add_table(
                        table,
                        TableFrame { path: path.to_vec(), form: TableForm::Item, key, whole },
                    );
                }
            }
            _ => {}
        }
    }

    /// Adds the tables that dotted keys create.
    fn add_dotted_tables(
        &mut self,
        entries: &[(Vec<String>, TomlEntry)],
        depth: usize,
        braces: Option<&Range<usize>>,
    ) {
        let mut known: Vec<&[String]> = Vec::new();
        let groups = entries.iter().flat_map(|(path, first)| {
            (depth + 1..path.len()).filter_map(move |len| Some((path.get(..len)?, first)))
        });
        for (path, first) in groups {
            if known.contains(&path) {
                continue;
            }
            known.push(path);
            let key = key_parts(self.text, first.start).get(path.len() - depth - 1).cloned();
            self.tables.push(TomlTable {
                path: path.to_vec(),
                form: TableForm::Dotted,
                depth,
                key: key.unwrap_or_default(),
                whole: first.start..first.value.end,
                braces: braces.cloned(),
                entries: table_entries(entries, path),
            });
        }
    }

    /// Returns the start of the next key, skipping white space, commas and comments.
    fn skip_to_key(&self, mut at: usize) -> usize {
        loop {
            let rest = self.text.get(at..).unwrap_or_default();
            let bare =
                rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',' || c == '\u{feff}');
            at += rest.len() - bare.len();
            if !bare.starts_with('#') {
                return at;
            }
            at += bare.find('\n').unwrap_or(bare.len());
        }
    }
}

/// Returns the values that are in the table at a path.
fn table_entries(entries: &[(Vec<String>, TomlEntry)], path: &[String]) -> Vec<TomlEntry> {
    let inside = entries.iter().filter_map(|(keys, entry)| {
        let rest = keys.strip_prefix(path)?;
        let name = rest.first()?.clone();
        Some(TomlEntry { name, dotted: rest.len() > 1, ..entry.clone() })
    });
    inside.collect()
}

/// Finds comments around keys, values and headers.
struct CommentFinder<'a> {
    text: &'a str,
    found: Vec<Range<usize>>,
}

impl CommentFinder<'_> {
    fn collect_decor(&mut self, decor: &Decor) {
        decor.prefix().into_iter().chain(decor.suffix()).for_each(|it| self.collect_comments(it));
    }

    fn collect_comments(&mut self, raw: &RawString) {
        let Some(span) = raw.span() else { return };
        let mut start = span.start;
        for line in self.text.get(span).unwrap_or_default().split_inclusive('\n') {
            if let Some(at) = line.find('#') {
                self.found.push(start + at..start + line.trim_end().len());
            }
            start += line.len();
        }
    }
}

impl<'a> Visit<'a> for CommentFinder<'_> {
    fn visit_table(&mut self, table: &'a toml_edit::Table) {
        self.collect_decor(table.decor());
        visit::visit_table(self, table);
    }

    fn visit_inline_table(&mut self, table: &'a InlineTable) {
        self.collect_comments(table.trailing());
        visit::visit_inline_table(self, table);
    }

    fn visit_table_like(&mut self, like: &'a dyn TableLike) {
        let keys = like.iter().filter_map(|(name, _)| like.key(name));
        keys.for_each(|it| self.collect_decor(it.leaf_decor()));
        visit::visit_table_like(self, like);
    }

    fn visit_array(&mut self, array: &'a Array) {
        self.collect_comments(array.trailing());
        visit::visit_array(self, array);
    }

    fn visit_value(&mut self, value: &'a Value) {
        self.collect_decor(value.decor());
        visit::visit_value(self, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*, sample::select};

    const FILE: &str = r##"# a
x.y = 1 # b
z = [1, # c
 2 # d
, # e
]
x.w = '#' # f
[ a . "b#" ] # g
	c = { d = '#', e = [ # h
] }
# i
[[l]]
[l.m]
n = '''
# no'''
[[l]] # j"##;

    #[test]
    fn tables_values_and_comments_are_located() {
        let text = format!("\u{feff}{}", FILE.replace('\n', "\r\n"));
        let (tables, comments) = read(&text).unwrap();
        let slice = |range: &Range<usize>| text[range.clone()].escape_debug().to_string();
        let mut rendered = String::new();
        for TomlTable { path, form, key, whole, entries, .. } in &tables {
            rendered.push_str(&format!("{path:?} {form:?} `{}` `{}`\n", slice(whole), slice(key)));
            for TomlEntry { name, value, items, dotted, .. } in entries {
                let items: Vec<_> = items.iter().map(slice).collect();
                let dots = ["", ".…"][usize::from(*dotted)];
                rendered.push_str(&format!("  {name}{dots} = `{}` {items:?}\n", slice(value)));
            }
        }
        insta::assert_snapshot!(rendered);
        let comments: Vec<_> = comments.iter().map(|comment| &text[comment.clone()]).collect();
        assert_eq!(comments.join(" "), "# a # b # c # d # e # f # g # h # i # j");
    }

    const LINES: [&str; 12] = [
        "[a]",
        "[[b]]",
        "[b.c.d]",
        "k = 1",
        "k = '#'",
        "k = \"\"\"\n#\\\"\"\"\"\"",
        "k = '''\n#'''''",
        "k.l = [%1, %[%]%,%]",
        "k = {%a = 1%, b.c = '#'%}",
        "k.\"#\" = \"#\\\"#\"",
        "  ",
        "",
    ];

    proptest! {
        /// `%` stands for a comment.
        #[test]
        fn exactly_the_comments_are_found(
            lines in vec((select(LINES.to_vec()), select(vec!["", " ", "%"])), 0..8),
            end in select(vec!["\n", "\r\n"]),
        ) {
            let (mut text, mut number) = (String::new(), 0);
            for (at, (line, tail)) in lines.iter().enumerate() {
                let line = line.replacen('k', &format!("k{at}"), 1).replacen("[a", &format!("[a{at}"), 1);
                let line = line.replacen("b.", &format!("b{at}."), 1).replace('\n', end);
                for part in format!("{line}{tail}\n").split_inclusive(['%', '\n']) {
                    text.push_str(part.trim_end_matches(['%', '\n', '\r']));
                    if part.ends_with('%') {
                        text.push_str(&format!("#<{number}> 'x\" "));
                        number += 1;
                    }
                    text.push_str(end);
                }
            }
            prop_assume!(Document::parse(text.as_str()).is_ok());
            let (_, comments) = read(&text).unwrap();
            prop_assert_eq!(comments.len(), number, "{}", text);
            prop_assert!(comments.iter().all(|comment| text[comment.clone()].starts_with("#<")));
        }
    }
}
