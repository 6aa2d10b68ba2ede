//! Where the tables, values and comments of a text are, as `toml_edit` finds them.

use super::{Entry, Table};
use std::ops::Range;
use toml_edit::{
    Array, Decor, Document, InlineTable, Item, RawString, TableLike, TomlError, Value,
    visit::{self, Visit},
};

/// The tables of a text and its comments, in its order.
pub(super) fn read(text: &str) -> Result<(Vec<Table>, Vec<Range<usize>>), TomlError> {
    let document = Document::parse(text)?;
    let mut tables = Vec::new();
    table(document.as_table(), &[], 0..0, &mut tables);
    tables.sort_by_key(|it| it.header.start);
    let mut comments = Comments { text, found: Vec::new() };
    comments.visit_table(document.as_table());
    comments.raw(document.trailing());
    comments.found.sort_by_key(|it| it.start);
    Ok((tables, comments.found))
}

/// Adds a table with a header, and those that are inside it.
fn table(it: &toml_edit::Table, path: &[String], key: Range<usize>, tables: &mut Vec<Table>) {
    let (header, mut entries) = (it.span().unwrap_or_default(), Vec::new());
    inside(it, (path, path.len()), &mut entries, tables);
    entries.sort_by_key(|it| it.key.start);
    tables.push(Table { path: path.to_vec(), key, header, entries });
}

/// Adds what is in a table that has a header `depth` keys long, or is inside one by dotted keys.
fn inside(
    it: &toml_edit::Table,
    (path, depth): (&[String], usize),
    entries: &mut Vec<Entry>,
    tables: &mut Vec<Table>,
) {
    for (name, item) in it.iter() {
        let path = [path, &[name.to_owned()]].concat();
        let key = it.key(name).and_then(|it| it.span()).unwrap_or_default();
        match item {
            Item::None => {}
            Item::Value(value) => {
                entries.push(entry(path.get(depth..).unwrap_or_default(), key, value));
            }
            // Its keys are dotted, or the headers of what is in it are.
            Item::Table(it) if it.is_implicit() => inside(it, (&path, depth), entries, tables),
            Item::Table(it) => table(it, &path, key, tables),
            Item::ArrayOfTables(all) => {
                all.iter().for_each(|it| table(it, &path, key.clone(), tables));
            }
        }
    }
}

fn entry(keys: &[String], key: Range<usize>, value: &Value) -> Entry {
    let items = value.as_array().into_iter().flat_map(Array::iter);
    Entry {
        name: keys.first().cloned().unwrap_or_default(),
        key,
        value: value.span().unwrap_or_default(),
        items: items.filter_map(Value::span).collect(),
        dotted: 1 < keys.len(),
    }
}

/// Where comments are: in what stands around keys, values and headers.
struct Comments<'a> {
    text: &'a str,
    found: Vec<Range<usize>>,
}

impl Comments<'_> {
    fn around(&mut self, decor: &Decor) {
        decor.prefix().into_iter().chain(decor.suffix()).for_each(|it| self.raw(it));
    }

    fn raw(&mut self, raw: &RawString) {
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

impl<'a> Visit<'a> for Comments<'_> {
    fn visit_table(&mut self, it: &'a toml_edit::Table) {
        self.around(it.decor());
        visit::visit_table(self, it);
    }

    fn visit_inline_table(&mut self, it: &'a InlineTable) {
        self.raw(it.trailing());
        visit::visit_inline_table(self, it);
    }

    fn visit_table_like(&mut self, it: &'a dyn TableLike) {
        let keys = it.iter().filter_map(|(name, _)| it.key(name));
        keys.for_each(|it| self.around(it.leaf_decor()));
        visit::visit_table_like(self, it);
    }

    fn visit_array(&mut self, it: &'a Array) {
        self.raw(it.trailing());
        visit::visit_array(self, it);
    }

    fn visit_value(&mut self, it: &'a Value) {
        self.around(it.decor());
        visit::visit_value(self, it);
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
    fn tables_and_values_are_where_they_are_written() {
        let text = format!("\u{feff}{}", FILE.replace('\n', "\r\n"));
        let (tables, comments) = read(&text).unwrap();
        let said = |at: &Range<usize>| text[at.clone()].escape_debug().to_string();
        let mut shown = String::new();
        for Table { path, key, header, entries } in &tables {
            shown.push_str(&format!("{path:?} `{}` `{}`\n", said(header), said(key)));
            for Entry { name, value, items, dotted, .. } in entries {
                let items: Vec<_> = items.iter().map(said).collect();
                let dots = ["", ".…"][usize::from(*dotted)];
                shown.push_str(&format!("  {name}{dots} = `{}` {items:?}\n", said(value)));
            }
        }
        insta::assert_snapshot!(shown);
        let comments: Vec<_> = comments.iter().map(|it| &text[it.clone()]).collect();
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
        fn every_comment_is_found_and_nothing_that_only_looks_like_one(
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
            prop_assert!(comments.iter().all(|it| text[it.clone()].starts_with("#<")));
        }
    }
}
