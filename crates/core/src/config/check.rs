//! The file against the definition of the language: types, unknown keys, missing keys, secrets.
//!
//! All that is wrong is told, and nothing stops at the first. Never: what a value means.

use super::definition::{KeyDefinition, TableDefinition, ValueShape};
use crate::{
    finding::{Code, Finding, FindingLocation, Level, SourceId, Sources, Span},
    text::{nearest_name, with_article},
};

use std::ops::Range;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// Keys that hold secrets elsewhere, without `-` and `_` and in lower case.
const SECRETS: [&str; 9] = [
    "apikey",
    "octopusapikey",
    "password",
    "passwd",
    "secret",
    "token",
    "accesstoken",
    "privatekey",
    "passphrase",
];

/// Checks files against the language.
pub(super) struct Checker<'a> {
    sources: &'a Sources,
    source: SourceId,
    /// Whether all of the file could be read; otherwise a missing key may be in the other part.
    is_complete: bool,
    findings: &'a mut Vec<Finding>,
}

impl<'a> Checker<'a> {
    /// A checker of one file, which adds to `findings`.
    pub(super) fn new(
        sources: &'a Sources,
        source: SourceId,
        is_complete: bool,
        findings: &'a mut Vec<Finding>,
    ) -> Self {
        Self { sources, source, is_complete, findings }
    }

    /// Checks a table; `at` is where it stands.
    pub(super) fn check_table(
        &mut self,
        table: &DeTable,
        definition: &'static TableDefinition,
        at: &Range<usize>,
    ) {
        for (name, value) in table {
            match definition.find_key(name.get_ref()) {
                _ if is_secret_key(name.get_ref()) => self.report_secret(name),
                Some(key) => self.check_value(value, key, name),
                None => self.report_unknown_key(name, definition),
            }
        }
        let has = |name: &str| table.iter().any(|(key, _)| key.get_ref() == name);
        for key in definition.keys.iter().filter(|key| key.required && !has(key.name)) {
            let message = format!("`{}` is missing", key.name);
            self.report_missing(at, message, key.doc.to_owned());
        }
        definition.one_of.iter().for_each(|keys| self.check_exclusive_keys(table, keys, at));
    }

    /// Exactly one of these keys, which exclude each other.
    fn check_exclusive_keys(&mut self, table: &DeTable, keys: &[&str], at: &Range<usize>) {
        let is_one = |name: &str| keys.contains(&name);
        let mut present = table.iter().map(|(key, _)| key).filter(|key| is_one(key.get_ref()));
        let names: Vec<_> = keys.iter().map(|name| format!("`{name}`")).collect();
        match (present.next(), present.next()) {
            (None, _) => {
                let help = format!("say exactly one of {}", names.join(", "));
                let message = format!("one of {} is missing", names.join(", "));
                self.report_missing(at, message, help);
            }
            (Some(first), Some(second)) => {
                let message =
                    format!("`{}` and `{}` exclude each other", first.get_ref(), second.get_ref());
                let help = format!("say exactly one of {}", names.join(", "));
                self.report_error(Code::ConflictingKeys, second.span(), message, help);
            }
            _ => {}
        }
    }

    fn check_value(
        &mut self,
        value: &Spanned<DeValue>,
        key: &'static KeyDefinition,
        name: &Spanned<std::borrow::Cow<'_, str>>,
    ) {
        let (at, de) = (value.span(), value.get_ref());
        match (&key.shape, de) {
            (ValueShape::Reserved, _) => {
                let message =
                    format!("`{}` is not supported by this version of poolwright", key.name);
                let help = format!("this is version {}", env!("CARGO_PKG_VERSION"));
                self.report_error(Code::Unsupported, name.span(), message, help);
            }
            (ValueShape::Version, DeValue::Integer(number)) => {
                self.check_version(number.as_str(), at)
            }
            (ValueShape::Text, DeValue::String(text)) => self.check_text(text, at, true),
            (ValueShape::FreeText, DeValue::String(text)) => self.check_text(text, at, false),
            (ValueShape::Texts, DeValue::String(text)) => self.check_text(text, at, true),
            (
                ValueShape::Texts | ValueShape::List | ValueShape::Words(_),
                DeValue::Array(items),
            ) => {
                let words =
                    if let ValueShape::Words(words) = key.shape { Some(words) } else { None };
                if items.iter().next().is_none() && words.is_none() {
                    let message = format!("`{}` is an empty list", key.name);
                    self.report_error(Code::EmptyList, at, message, empty_list_help(key));
                }
                items.iter().for_each(|item| self.check_list_item(item, words));
            }
            (ValueShape::Word(words), DeValue::String(text)) => self.check_word(text, words, at),
            (ValueShape::Flag, DeValue::Boolean(_))
            | (ValueShape::True, DeValue::Boolean(true)) => {}
            (ValueShape::True, DeValue::Boolean(false)) => {
                let message = format!("`{} = false` says nothing", key.name);
                self.report_error(Code::SaysNothing, at, message, "remove it".to_owned());
            }
            (ValueShape::Number(least, most), DeValue::Integer(number)) => {
                self.check_number(number.as_str(), number.radix(), (*least, *most), at);
            }
            (ValueShape::CountOrPercent, DeValue::Integer(number)) => {
                self.check_number(number.as_str(), number.radix(), (0, 1_000_000), at);
            }
            (ValueShape::CountOrPercent, DeValue::String(text)) => self.check_percent(text, at),
            (ValueShape::Table(table), DeValue::Table(map)) => {
                self.check_table(map, table, &name.span())
            }
            (ValueShape::Tables(table), DeValue::Array(items)) => {
                items.iter().for_each(|item| self.check_inner_table(item, table, &item.span()));
            }
            (ValueShape::Map(table), DeValue::Table(items)) => {
                items
                    .iter()
                    .for_each(|(key, item)| self.check_inner_table(item, table, &key.span()));
            }
            (shape, other) => self.report_wrong_type(shape, other, at),
        }
    }

    fn check_inner_table(
        &mut self,
        item: &Spanned<DeValue>,
        table: &'static TableDefinition,
        at: &Range<usize>,
    ) {
        match item.get_ref() {
            DeValue::Table(map) => self.check_table(map, table, at),
            de => self.report_wrong_type(&ValueShape::Table(table), de, item.span()),
        }
    }

    fn check_list_item(&mut self, item: &Spanned<DeValue>, words: Option<&[&'static str]>) {
        match (item.get_ref(), words) {
            (DeValue::String(text), Some(words)) => self.check_word(text, words, item.span()),
            (DeValue::String(text), None) => self.check_text(text, item.span(), true),
            (de, _) => self.report_wrong_type(&ValueShape::Text, de, item.span()),
        }
    }

    fn check_text(&mut self, text: &str, at: Range<usize>, filled: bool) {
        if filled && text.trim().is_empty() {
            self.report_error(
                Code::EmptyText,
                at,
                "the text is empty",
                "say something, or leave the key out",
            );
            return;
        }
        let interpolated = text.replace("$${", "");
        if interpolated.contains("${") {
            let message = "`${…}` is not supported by this version of poolwright";
            let help = "write the value itself; `$${` is a literal `${`".to_owned();
            self.report_error(Code::Unsupported, at, message, help);
        } else if filled && text.contains(char::is_control) {
            self.report_error(
                Code::ControlCharacter,
                at,
                "the text has a control character",
                "write it without",
            );
        }
    }

    fn check_word(&mut self, text: &str, words: &[&'static str], at: Range<usize>) {
        if words.contains(&text) {
            return;
        }
        let listed: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
        let help = match nearest_name(text, words.iter().copied()) {
            Some(near) => format!("a similar word exists: `{near}`"),
            None => format!("say one of {}", listed.join(", ")),
        };
        let message = format!("`{text}` is none of {}", listed.join(", "));
        self.report_error(Code::UnknownWord, at, message, help);
    }

    fn check_version(&mut self, number: &str, at: Range<usize>) {
        if number == "1" {
            return;
        }
        let message = format!("this file is of version {number}, and this tool reads version 1");
        let help = match number.parse::<i64>() {
            Ok(2..) => "a newer poolwright reads it: `cargo install poolwright`",
            _ => "say `version = 1`",
        };
        self.report_error(Code::UnknownVersion, at, message, help.to_owned());
    }

    fn check_number(
        &mut self,
        digits: &str,
        radix: u32,
        (least, most): (i64, i64),
        at: Range<usize>,
    ) {
        let number = i64::from_str_radix(digits, radix);
        if number.is_ok_and(|number| (least..=most).contains(&number)) {
            return;
        }
        let message = format!("the number is not from {least} to {most}");
        self.report_error(
            Code::NumberOutOfRange,
            at,
            message,
            "choose a number within these bounds",
        );
    }

    fn check_percent(&mut self, text: &str, at: Range<usize>) {
        let number = text.strip_suffix('%').and_then(|suffix| suffix.trim().parse::<u8>().ok());
        if number.is_none_or(|number| 100 < number) {
            let message = "this is no percentage";
            let help = "say a count such as 5, or a percentage from \"0%\" to \"100%\"".to_owned();
            self.report_error(Code::WrongType, at, message, help);
        }
    }

    fn report_wrong_type(&mut self, shape: &ValueShape, found: &DeValue, at: Range<usize>) {
        let message =
            format!("expected {}, found {}", describe_shape(shape), with_article(found.type_str()));
        self.report_error(Code::WrongType, at, message, syntax_help(shape));
    }

    fn report_unknown_key(
        &mut self,
        name: &Spanned<std::borrow::Cow<'_, str>>,
        definition: &TableDefinition,
    ) {
        let near = nearest_name(name.get_ref(), definition.key_names());
        let known: Vec<_> = definition.key_names().map(|name| format!("`{name}`")).collect();
        let help = match near {
            Some(near) => format!("a key of a similar name exists: `{near}`"),
            None => format!("known keys are {}", known.join(", ")),
        };
        let message = format!("unknown key `{}`", name.get_ref());
        self.report_error(Code::UnknownKey, name.span(), message, help);
    }

    /// The value is not shown: neither is its line, for that would show it too.
    fn report_secret(&mut self, name: &Spanned<std::borrow::Cow<'_, str>>) {
        let span = Span { source: self.source, bytes: name.span() };
        let message = format!("`{}` is a secret, and does not belong into a file", name.get_ref());
        let at =
            self.sources.start_line(&span).map_or(FindingLocation::Nowhere, FindingLocation::Line);
        self.findings.push(Finding::new(Code::SecretInFile, Level::Error, at, message).with_help(
            "remove it here and give the tool a new one: OCTOPUS_API_KEY, OCTOPUS_ACCESS_TOKEN or `--api-key-file FILE`",
        ));
    }

    fn report_missing(&mut self, at: &Range<usize>, message: String, help: String) {
        if self.is_complete {
            self.report_error(Code::MissingKey, at.clone(), message, help);
        }
    }

    fn report_error(
        &mut self,
        code: Code,
        at: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let span = Span { source: self.source, bytes: at };
        self.findings.push(Finding::error(code, span, message).with_help(help));
    }
}

fn is_secret_key(key: &str) -> bool {
    let plain: String = key.chars().filter(|c| c.is_alphanumeric()).collect();
    SECRETS.contains(&plain.to_lowercase().as_str())
}

fn empty_list_help(key: &KeyDefinition) -> String {
    match key.required {
        true => "name at least one".to_owned(),
        false => "leave the key out: it then matches everything".to_owned(),
    }
}

fn describe_shape(shape: &ValueShape) -> &'static str {
    match shape {
        ValueShape::Version | ValueShape::Number(..) => "a whole number",
        ValueShape::Text | ValueShape::FreeText | ValueShape::Word(_) => "a string",
        ValueShape::Texts => "a string or a list of strings",
        ValueShape::List | ValueShape::Words(_) => "a list of strings",
        ValueShape::Flag | ValueShape::True => "true or false",
        ValueShape::CountOrPercent => "a whole number or a percentage such as \"10%\"",
        ValueShape::Table(_) => "a table",
        ValueShape::Tables(_) => "a list of tables, such as `[[placements]]`",
        ValueShape::Map(_) => "a table of tables",
        ValueShape::Reserved => "nothing",
    }
}

/// How it is written.
fn syntax_help(shape: &ValueShape) -> &'static str {
    match shape {
        ValueShape::Version | ValueShape::Number(..) => {
            "a number is written without quotes, as in `5`"
        }
        ValueShape::Text | ValueShape::FreeText | ValueShape::Word(_) => {
            "a string is written in quotes"
        }
        ValueShape::Texts | ValueShape::List | ValueShape::Words(_) => {
            "a list is written as in `[\"a\", \"b\"]`"
        }
        ValueShape::Flag | ValueShape::True => "`true` and `false` are written without quotes",
        ValueShape::CountOrPercent => "a percentage is written in quotes, a number without",
        ValueShape::Table(_) => {
            "a table is written as in `{ key = \"value\" }`, or below a header in brackets"
        }
        ValueShape::Tables(_) => "each of them begins with its header in double brackets",
        ValueShape::Map(_) => "each of them begins with its header, as in `[pools.kubernetes]`",
        ValueShape::Reserved => "remove it",
    }
}
