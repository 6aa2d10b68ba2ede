//! A table that has been checked, read value by value.
//!
//! What is missing or of a wrong type reads as not there: the check has told about it already.

use crate::{
    desired::Declared,
    finding::{SourceId, Span},
};

use std::{ops::Range, rc::Rc};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// A table of a file, and what its texts' `{n}` stands for.
#[derive(Clone)]
pub(super) struct CheckedTable<'a> {
    table: &'a DeTable<'a>,
    source: SourceId,
    at: Range<usize>,
    n: Option<Rc<str>>,
}

impl<'a> CheckedTable<'a> {
    /// The table of a whole file.
    pub(super) fn new(table: &'a DeTable<'a>, source: SourceId) -> Self {
        Self { table, source, at: 0..0, n: None }
    }

    /// The same with `{n}` standing for this.
    pub(super) fn bind_placeholder(&self, n: Option<&str>) -> Self {
        Self { n: n.map(Rc::from), ..self.clone() }
    }

    /// Whether `{n}` stands for something.
    pub(super) fn is_placeholder_bound(&self) -> bool {
        self.n.is_some()
    }

    /// Where the table is.
    pub(super) fn table_span(&self) -> Span {
        self.source_span(self.at.clone())
    }

    /// A value with its place, such as one made of this table.
    pub(super) fn declare<T>(&self, value: T) -> Declared<T> {
        Declared { value, span: self.table_span() }
    }

    /// Whether the key is there.
    pub(super) fn has_key(&self, key: &str) -> bool {
        self.get_value(key).is_some()
    }

    /// Where a key's value is.
    pub(super) fn value_span(&self, key: &str) -> Option<Span> {
        self.get_value(key).map(|value| self.source_span(value.span()))
    }

    /// A text, interpolated.
    pub(super) fn get_text(&self, key: &str) -> Option<Declared<String>> {
        self.get_value(key).and_then(|value| self.text_from_value(value))
    }

    /// A text or a list of texts, as a list; `None` where the key is not there.
    pub(super) fn get_texts(&self, key: &str) -> Option<Vec<Declared<String>>> {
        let value = self.get_value(key)?;
        Some(match value.get_ref() {
            DeValue::Array(items) => {
                items.iter().filter_map(|it| self.text_from_value(it)).collect()
            }
            _ => self.text_from_value(value).into_iter().collect(),
        })
    }

    /// `true` or `false`.
    pub(super) fn get_flag(&self, key: &str) -> Option<Declared<bool>> {
        let value = self.get_value(key)?;
        let flag = value.get_ref().as_bool()?;
        Some(Declared { value: flag, span: self.source_span(value.span()) })
    }

    /// A number that is not negative.
    pub(super) fn get_number(&self, key: &str) -> Option<Declared<u32>> {
        let value = self.get_value(key)?;
        let number = value.get_ref().as_integer()?;
        let number = u32::from_str_radix(number.as_str(), number.radix()).ok()?;
        Some(Declared { value: number, span: self.source_span(value.span()) })
    }

    /// A table inside.
    pub(super) fn get_table(&self, key: &str) -> Option<CheckedTable<'a>> {
        let value = self.get_value(key)?;
        self.table_from_value(value, self.key_span(key)?)
    }

    /// A list of tables.
    pub(super) fn get_tables(&self, key: &str) -> Vec<CheckedTable<'a>> {
        let items = self.get_value(key).and_then(|value| value.get_ref().as_array());
        let items = items.into_iter().flat_map(|items| items.iter());
        items.filter_map(|item| self.table_from_value(item, item.span())).collect()
    }

    /// A table of tables, by their keys, in the file's order.
    pub(super) fn get_table_map(&self, key: &str) -> Vec<(Declared<String>, CheckedTable<'a>)> {
        let table = self.get_value(key).and_then(|value| value.get_ref().as_table());
        let items = table.into_iter().flat_map(|table| table.iter());
        items
            .filter_map(|(key, item)| {
                let at = self.source_span(key.span());
                let part = self.table_from_value(item, key.span())?;
                Some((Declared { value: key.get_ref().to_string(), span: at }, part))
            })
            .collect()
    }

    /// All texts of the table and of the tables and lists inside it.
    pub(super) fn collect_texts(&self) -> Vec<Declared<String>> {
        let mut texts = Vec::new();
        let mut open: Vec<_> = self.table.values().collect();
        while let Some(value) = open.pop() {
            match value.get_ref() {
                DeValue::Array(items) => open.extend(items.iter()),
                DeValue::Table(table) => open.extend(table.values()),
                _ => texts.extend(self.text_from_value(value)),
            }
        }
        texts.sort_by_key(|it| it.span.bytes.start);
        texts
    }

    fn get_value(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
    }

    fn key_span(&self, key: &str) -> Option<Range<usize>> {
        self.table.iter().find(|(name, _)| name.get_ref() == key).map(|(name, _)| name.span())
    }

    fn table_from_value(
        &self,
        value: &'a Spanned<DeValue<'a>>,
        at: Range<usize>,
    ) -> Option<CheckedTable<'a>> {
        let table = value.get_ref().as_table()?;
        Some(CheckedTable { table, at, ..self.clone() })
    }

    fn text_from_value(&self, value: &Spanned<DeValue>) -> Option<Declared<String>> {
        let text = value.get_ref().as_str()?.replace("$${", "${");
        let text = match &self.n {
            Some(n) => text.replace("{n}", n),
            None => text,
        };
        Some(Declared { value: text, span: self.source_span(value.span()) })
    }

    fn source_span(&self, bytes: Range<usize>) -> Span {
        Span { source: self.source, bytes }
    }
}
