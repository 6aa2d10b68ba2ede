//! Reads a file's TOML into the tables of the language.
//!
//! Reading continues after a mistake, so that all are reported. What the values mean is decided elsewhere.

use super::definition::{KeyDefinition, TableDefinition};
use crate::{
    desired::Declared,
    finding::{Code, Finding, FindingLocation, FixedReason, Level, SourceId, Sources, Span},
    text::{
        nearest_name,
        secret::{Credential, is_secret_key, name_credential},
        with_article,
    },
};

use serde_json::{Value, json};
use std::ops::Range;
use toml::{
    Spanned,
    de::{DeString, DeTable, DeValue},
};

/// A table of the language.
pub(super) trait TableType: Sized {
    /// The definition of its keys.
    fn define() -> TableDefinition;

    /// Reads the table's fields; returns `None` if a required one cannot be read.
    fn read_fields(table: &DeTable, reader: &mut FileReader) -> Option<Self>;
}

/// A type of value that a key may have.
pub(super) trait ValueType: Sized {
    /// Reads a value; reports a wrong one and returns `None`.
    fn read(found: &Found, reader: &mut FileReader) -> Option<Self>;

    /// The JSON schema of the value; by default, that of a non-empty string.
    fn schema() -> Value {
        json!({ "type": "string", "minLength": 1 })
    }

    /// The bytes to point at in findings about the value.
    fn span(found: &Found) -> Range<usize> {
        found.value.span()
    }
}

/// A string: its name, and a hint on how to write one. The constants below have the same form.
pub(super) const STRING: [&str; 2] = ["a string", "write a string in quotes"];
/// A number.
pub(super) const NUMBER: [&str; 2] =
    ["a whole number", "write a number such as `5`, without quotes and fraction"];
/// A list.
pub(super) const LIST: [&str; 2] = ["a list of strings", "write a list such as `[\"a\", \"b\"]`"];
/// A table.
const TABLE: [&str; 2] =
    ["a table", "write a table such as `{ key = \"value\" }`, or below a header in brackets"];
/// A table of tables.
pub(super) const MAP: [&str; 2] =
    ["a table of tables", "each table starts with a header such as `[pools.kubernetes]`"];
/// A table of strings.
pub(super) const TEXTS: [&str; 2] =
    ["a table of strings", "write `key = \"value\"` below a header in brackets"];

/// How many known keys are listed at most.
const LISTED_KEYS: usize = 40;

/// Reads one file and collects the findings about it.
pub(super) struct FileReader<'a> {
    sources: &'a Sources,
    source: SourceId,
    /// Whether the whole file could be parsed; if not, a missing key may be in the unparsed part.
    is_complete: bool,
    /// The current meaning of `{n}`.
    pub(super) placeholder: Placeholder,
    /// The findings so far.
    pub(super) findings: Vec<Finding>,
}

/// The meaning of `{n}` in a text.
pub(super) enum Placeholder {
    /// The literal characters.
    Literal,
    /// Nothing, since the worker's name has no range.
    Unbound,
    /// The item of the range that the worker's name contains.
    Bound(String),
}

/// A value and its key.
pub(super) struct Found<'t> {
    /// The key.
    pub(super) key: &'t Spanned<DeString<'t>>,
    /// The value.
    pub(super) value: &'t Spanned<DeValue<'t>>,
}

impl<'a> FileReader<'a> {
    /// Creates a reader for one of the files; `is_complete` tells whether the whole file could be parsed.
    pub(super) fn new(sources: &'a Sources, source: SourceId, is_complete: bool) -> Self {
        let (placeholder, findings) = (Placeholder::Literal, Vec::new());
        Self { sources, source, is_complete, placeholder, findings }
    }

    /// Reads a table; findings about the table as a whole point at `at`.
    pub(super) fn read_table<T: TableType>(
        &mut self,
        table: &DeTable,
        at: Range<usize>,
    ) -> Option<T> {
        let definition = T::define();
        for key in table.keys() {
            let name = key.get_ref();
            match definition.keys.iter().find(|known| known.name == name) {
                None if is_secret_key(name) => self.report_secret(key),
                None => self.report_unknown_key(key, &definition),
                Some(KeyDefinition { fixed: Some(reason), .. }) => {
                    self.report_fixed(name, *reason, key.span());
                }
                Some(known) if known.schema.is_none() => self.report_unsupported(key),
                Some(_) => {}
            }
        }
        for key in &definition.keys {
            // A misspelt key is reported once, at the key itself.
            let is_absent =
                || !table.contains_key(key.name) && !is_misspelt(key.name, table, &definition);
            if key.required && is_absent() {
                let message = format!("`{}` is missing", key.name);
                self.report_missing(&at, message, &key.remedy());
            }
        }
        definition.choices.iter().for_each(|names| self.check_choice(table, names, &at));
        T::read_fields(table, self)
    }

    /// Reports an error unless the table has exactly one of these keys.
    fn check_choice(&mut self, table: &DeTable, names: &[&str], at: &Range<usize>) {
        let is_choice = |key: &&Spanned<DeString>| names.contains(&key.get_ref().as_ref());
        let mut present = table.keys().filter(is_choice);
        let help = format!("set exactly one of {}", quote_names(names));
        match (present.next(), present.next()) {
            (None, _) => {
                let message = format!("one of {} is missing", quote_names(names));
                self.report_missing(at, message, &help);
            }
            (Some(first), Some(second)) => {
                let message =
                    format!("`{}` and `{}` exclude each other", first.get_ref(), second.get_ref());
                let (first, second) =
                    (self.source_span(first.span()), self.source_span(second.span()));
                self.findings.push(
                    Finding::error(Code::ConflictingKeys, second, message)
                        .with_other_place(first, "the other key")
                        .with_help(help),
                );
            }
            (Some(_), None) => {}
        }
    }

    /// Reads a key's value; returns `None` if the key is absent or its value is wrong (then reported).
    pub(super) fn read_key<T: ValueType>(
        &mut self,
        name: &str,
        table: &DeTable,
    ) -> Option<Declared<T>> {
        let (key, value) = table.iter().find(|(key, _)| key.get_ref() == name)?;
        self.read_value(&Found { key, value })
    }

    /// Reads a table inside a list or another table.
    pub(super) fn read_inner_table<T: TableType>(
        &mut self,
        value: &Spanned<DeValue>,
        at: Range<usize>,
    ) -> Option<T> {
        let table = self.expect(value, DeValue::as_table, TABLE)?;
        self.read_table(table, at)
    }

    /// Reads a value together with its position.
    pub(super) fn read_value<T: ValueType>(&mut self, found: &Found) -> Option<Declared<T>> {
        T::read(found, self).map(|value| self.declare(value, T::span(found)))
    }

    /// Adds a position to a value.
    pub(super) fn declare<T>(&self, value: T, at: Range<usize>) -> Declared<T> {
        Declared { value, span: self.source_span(at) }
    }

    /// Reads a non-empty text of one line and fills in its placeholders; `None` if it is unusable.
    pub(super) fn read_text(&mut self, found: &Found) -> Option<String> {
        let text = self.expect(found.value, DeValue::as_str, STRING)?;
        if text.trim().is_empty() {
            let help = "give the key a value, or remove it";
            self.report_error(Code::EmptyText, found.value.span(), "the text is empty", help);
            return None;
        }
        if text.contains(char::is_control) {
            let message = "the text contains a control character";
            self.report_error(Code::ControlCharacter, found.value.span(), message, "remove it");
            return None;
        }
        self.read_free_text(found)
    }

    /// Reads a text that may be empty or have several lines, and fills in its placeholders.
    pub(super) fn read_free_text(&mut self, found: &Found) -> Option<String> {
        let text = self.expect(found.value, DeValue::as_str, STRING)?;
        let at = found.value.span();
        // Not removed but replaced, because what is before and after it may be a placeholder together.
        if text.replace("$${", " ").contains("${") {
            let message = "`${…}` is not supported by this version of poolwright";
            let help = "write the value itself; `$${` is a literal `${`";
            self.report_error(Code::Unsupported, at, message, help);
            return None;
        }
        let text = text.replace("$${", "${");
        match &self.placeholder {
            Placeholder::Bound(n) => return Some(text.replace("{n}", n)),
            Placeholder::Unbound if text.contains("{n}") => {
                let message = "`{n}` has no meaning here: the worker's name has no range";
                let help = "`[01..06]` in the worker's name declares six workers";
                let stray = Finding::warning(Code::StrayN, self.source_span(at), message);
                self.findings.push(stray.with_help(help));
                // Report it only once for each worker.
                self.placeholder = Placeholder::Literal;
            }
            Placeholder::Unbound | Placeholder::Literal => {}
        }
        Some(text)
    }

    /// Reads a text that must be one of `words`.
    pub(super) fn read_word<'t>(&mut self, words: &[&str], found: &Found<'t>) -> Option<&'t str> {
        let text = self.expect(found.value, DeValue::as_str, STRING)?;
        if words.contains(&text) {
            return Some(text);
        }
        let help = match nearest_name(text, words.iter().copied()) {
            Some(near) => format!("a similar word exists: `{near}`"),
            None => format!("use one of {}", quote_names(words)),
        };
        let message = format!("`{text}` is not one of {}", quote_names(words));
        self.report_error(Code::UnknownWord, found.value.span(), message, help);
        None
    }

    /// Reports an error.
    pub(super) fn report_error(
        &mut self,
        code: Code,
        at: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let span = self.source_span(at);
        self.findings.push(Finding::error(code, span, message).with_help(help));
    }

    /// Returns what `take` extracts from a value; if that is nothing, reports the wrong type.
    pub(super) fn expect<'t, T>(
        &mut self,
        value: &'t Spanned<DeValue<'t>>,
        take: impl Fn(&'t DeValue<'t>) -> Option<T>,
        [expected, help]: [&str; 2],
    ) -> Option<T> {
        let taken = take(value.get_ref());
        if taken.is_none() {
            let found = with_article(value.get_ref().type_str());
            let message = format!("expected {expected}, found {found}");
            self.report_error(Code::WrongType, value.span(), message, help);
        }
        taken
    }

    fn report_unsupported(&mut self, key: &Spanned<DeString>) {
        let message = format!("`{}` is not supported by this version of poolwright", key.get_ref());
        let help = concat!("this is version ", env!("CARGO_PKG_VERSION"));
        self.report_error(Code::Unsupported, key.span(), message, help);
    }

    /// Reports that the level of a code is not for the file to set.
    pub(super) fn report_fixed(&mut self, code: &str, reason: FixedReason, at: Range<usize>) {
        let message = format!("`{code}` {}", reason.describe());
        self.report_error(Code::FixedLevel, at, message, reason.help());
    }

    fn report_missing(&mut self, at: &Range<usize>, message: String, help: &str) {
        if self.is_complete {
            self.report_error(Code::MissingKey, at.clone(), message, help);
        }
    }

    fn report_unknown_key(&mut self, key: &Spanned<DeString>, definition: &TableDefinition) {
        let known: Vec<_> = definition.known_names().collect();
        let help = match nearest_name(key.get_ref(), known.iter().copied()) {
            Some(near) => format!("a key with a similar name exists: `{near}`"),
            // One for each code that a finding may have.
            None if known.len() > LISTED_KEYS => {
                "`poolwright explain --code` lists the codes".to_owned()
            }
            None => format!("known keys are {}", quote_names(&known)),
        };
        let message = match key.get_ref().as_ref() {
            "" => "a key is empty".to_owned(),
            name => format!("unknown key `{name}`"),
        };
        self.report_error(Code::UnknownKey, key.span(), message, help);
    }

    /// Reports a secret without showing its line, which contains the value.
    fn report_secret(&mut self, key: &Spanned<DeString>) {
        let span = self.source_span(key.span());
        let message = format!("`{}` is a secret and must not be in a file", key.get_ref());
        let at =
            self.sources.start_line(&span).map_or(FindingLocation::Nowhere, FindingLocation::Line);
        let help = secret_help(key.get_ref());
        self.findings
            .push(Finding::new(Code::SecretInFile, Level::Error, at, message).with_help(help));
    }

    fn source_span(&self, bytes: Range<usize>) -> Span {
        Span { source: self.source, bytes }
    }
}

/// Returns what to do with a secret whose key has this name.
fn secret_help(key: &str) -> &'static str {
    match name_credential(key) {
        Some(Credential::ApiKey) => {
            "remove it, and pass a new API key in OCTOPUS_API_KEY or `--api-key-file FILE`"
        }
        Some(Credential::AccessToken) => {
            "remove it, and pass a new access token in OCTOPUS_ACCESS_TOKEN"
        }
        None => "remove it; a machine's secret belongs in the account, in Octopus",
    }
}

/// Whether the table has an unknown key whose name is nearest to this one.
fn is_misspelt(name: &str, table: &DeTable, definition: &TableDefinition) -> bool {
    table.keys().any(|found| {
        let found = found.get_ref();
        let is_unknown = definition.keys.iter().all(|known| known.name != found);
        is_unknown && nearest_name(found, definition.known_names()) == Some(name)
    })
}

/// Returns the names in backticks, separated by commas.
fn quote_names(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
