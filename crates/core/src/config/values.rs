//! The types of values in the language: how each is read, and its JSON schema.

use super::reader::{FileReader, Found, LIST, MAP, NUMBER, TEXTS, TableType, ValueType};
use crate::{
    desired::{AcceptDate, Declared, MaxDeletes},
    finding::Code,
    model::{Subscription, TentacleUrl, Thumbprint},
    text::pattern::Patterns,
};

use serde_json::{Value, json};
use std::{fmt::Display, ops::Range, str::FromStr};
use toml::de::{DeArray, DeValue};

/// The platform of a .NET runtime; empty for none.
#[derive(Debug)]
pub(super) struct SshPlatform(pub(super) &'static str);

/// A text that is not empty.
impl ValueType for String {
    fn read(found: &Found, reader: &mut FileReader) -> Option<Self> {
        reader.read_text(found)
    }
}

/// A text that may be empty.
#[derive(Debug)]
pub(super) struct FreeText(pub(super) String);

impl ValueType for FreeText {
    fn read(found: &Found, reader: &mut FileReader) -> Option<Self> {
        reader.read_free_text(found).map(Self)
    }

    fn schema() -> Value {
        json!({ "type": "string" })
    }
}

/// A text of one line, or an empty one that clears what it sets.
#[derive(Debug)]
pub(super) struct Clearable(pub(super) String);

impl ValueType for Clearable {
    fn read(found: &Found, reader: &mut FileReader) -> Option<Self> {
        match found.value.get_ref().as_str() {
            Some("") => Some(Self(String::new())),
            _ => reader.read_text(found).map(Self),
        }
    }

    fn schema() -> Value {
        json!({ "type": "string" })
    }
}

/// A table, or `false` for none.
#[derive(Debug)]
pub(super) struct OrFalse<T>(pub(super) Option<T>);

impl<T: ValueType> ValueType for OrFalse<T> {
    fn read(found: &Found, reader: &mut FileReader) -> Option<Self> {
        match found.value.get_ref().as_bool() {
            Some(false) => Some(Self(None)),
            Some(true) => {
                let help = "describe it in a table, or write `false` for none";
                reader.report_error(
                    Code::SaysNothing,
                    found.value.span(),
                    "`true` has no effect",
                    help,
                );
                None
            }
            None => T::read(found, reader).map(|table| Self(Some(table))),
        }
    }

    fn schema() -> Value {
        json!({ "anyOf": [{ "const": false }, T::schema()] })
    }

    fn span(found: &Found) -> Range<usize> {
        found.key.span()
    }
}

/// The result of parsing a text; `None` if it does not parse, which is reported.
#[derive(Debug)]
pub(super) struct FromText<T>(pub(super) Option<T>);

/// A type that is parsed from a text.
pub(super) trait TextType: FromStr<Err: Display> {
    /// The code to report if a text does not parse, and the help that goes with it.
    const ERROR: (Code, &str);
}

impl TextType for TentacleUrl {
    const ERROR: (Code, &str) = (Code::BadUrl, "such as `https://k8s-01.acme.example:10933`");
}

impl TextType for Subscription {
    const ERROR: (Code, &str) = (Code::BadSubscription, "such as `poll://ih8pbyo8vxqjv0kbwwzc/`");
}

impl TextType for Thumbprint {
    const ERROR: (Code, &str) =
        (Code::BadThumbprint, "`Tentacle show-thumbprint` prints it on the machine");
}

impl<T: TextType> ValueType for FromText<T> {
    fn read(found: &Found, reader: &mut FileReader) -> Option<Self> {
        let parsed = reader.read_text(found).map(|text| text.parse::<T>());
        if let Some(Err(error)) = &parsed {
            let (code, help) = T::ERROR;
            reader.report_error(code, found.value.span(), error.to_string(), help);
        }
        Some(Self(parsed.and_then(Result::ok)))
    }
}

/// A text, or a list of at least one.
impl ValueType for Vec<Declared<String>> {
    fn read(found: &Found, reader: &mut FileReader) -> Option<Self> {
        read_texts(found, reader, "remove the key")
    }

    fn schema() -> Value {
        json!({ "anyOf": [String::schema(), TextList::schema()] })
    }
}

/// A pattern, or a list of at least one.
impl ValueType for Patterns {
    fn read(found: &Found, reader: &mut FileReader) -> Option<Self> {
        let help = "remove the key to match everything";
        let texts = read_texts(found, reader, help)?;
        Some(Self::new(texts.iter().map(|text| text.value.as_str())))
    }

    fn schema() -> Value {
        Vec::<Declared<String>>::schema()
    }
}

fn read_texts(
    found: &Found,
    reader: &mut FileReader,
    empty_help: &str,
) -> Option<Vec<Declared<String>>> {
    if found.value.get_ref().is_str() {
        return Some(reader.read_value(found).into_iter().collect());
    }
    let expected = ["a string or a list of strings", LIST[1]];
    let items = reader.expect(found.value, DeValue::as_array, expected)?;
    Some(read_list(found, items, reader, empty_help))
}

/// A list of at least one text.
#[derive(Debug)]
pub(super) struct TextList(pub(super) Vec<Declared<String>>);

impl ValueType for TextList {
    fn read(found: &Found, reader: &mut FileReader) -> Option<Self> {
        let items = reader.expect(found.value, DeValue::as_array, LIST)?;
        Some(Self(read_list(found, items, reader, "list at least one")))
    }

    fn schema() -> Value {
        json!({ "type": "array", "items": String::schema(), "minItems": 1 })
    }
}

fn read_list(
    found: &Found,
    items: &DeArray,
    reader: &mut FileReader,
    empty_help: &str,
) -> Vec<Declared<String>> {
    if items.is_empty() {
        let message = format!("`{}` is an empty list", found.key.get_ref());
        reader.report_error(Code::EmptyList, found.value.span(), message, empty_help);
    }
    read_items(found, items, reader)
}

/// Reads the items of a list, without those that are wrong.
pub(super) fn read_items<T: ValueType>(
    found: &Found,
    items: &DeArray,
    reader: &mut FileReader,
) -> Vec<Declared<T>> {
    let items = items.iter().map(|value| Found { key: found.key, value });
    items.filter_map(|item| reader.read_value(&item)).collect()
}

impl ValueType for bool {
    fn read(found: &Found, reader: &mut FileReader) -> Option<Self> {
        let expected = ["true or false", "write `true` and `false` without quotes"];
        reader.expect(found.value, DeValue::as_bool, expected)
    }

    fn schema() -> Value {
        json!({ "type": "boolean" })
    }
}

/// `true`; `false` would have no effect.
#[derive(Debug)]
pub(super) struct True;

impl ValueType for True {
    fn read(found: &Found, reader: &mut FileReader) -> Option<Self> {
        if bool::read(found, reader)? {
            return Some(Self);
        }
        let message = format!("`{} = false` has no effect", found.key.get_ref());
        reader.report_error(Code::SaysNothing, found.value.span(), message, "remove it");
        None
    }

    fn schema() -> Value {
        json!({ "const": true })
    }
}

/// A whole number within bounds.
#[derive(Debug)]
pub(super) struct Number<const LEAST: u32, const MOST: u32>(pub(super) u32);

impl<const LEAST: u32, const MOST: u32> ValueType for Number<LEAST, MOST> {
    fn read(found: &Found, reader: &mut FileReader) -> Option<Self> {
        let number = reader.expect(found.value, DeValue::as_integer, NUMBER)?;
        let value = u32::from_str_radix(number.as_str(), number.radix()).ok();
        let value = value.filter(|value| (LEAST..=MOST).contains(value));
        if value.is_none() {
            let message = format!("the number is not between {LEAST} and {MOST}");
            let help = "use a number within these bounds";
            reader.report_error(Code::NumberOutOfRange, found.value.span(), message, help);
        }
        value.map(Self)
    }

    fn schema() -> Value {
        json!({ "type": "integer", "minimum": LEAST, "maximum": MOST })
    }
}

/// A count of deletes.
type DeleteCount = Number<0, 1_000_000>;

impl ValueType for MaxDeletes {
    fn read(found: &Found, reader: &mut FileReader) -> Option<Self> {
        if found.value.get_ref().is_integer() {
            let count = DeleteCount::read(found, reader)?;
            return usize::try_from(count.0).ok().map(Self::Count);
        }
        let expected = [
            "a whole number or a percentage such as \"10%\"",
            "write a percentage in quotes, a number without",
        ];
        let text = reader.expect(found.value, DeValue::as_str, expected)?;
        let number = text.strip_suffix('%').and_then(|number| number.trim().parse().ok());
        let percent = number.filter(|number| *number <= 100_u8);
        if percent.is_none() {
            let help = "give a count such as 5, or a percentage from \"0%\" to \"100%\"";
            let message = "this is not a percentage";
            reader.report_error(Code::WrongType, found.value.span(), message, help);
        }
        percent.map(Self::Percent)
    }

    fn schema() -> Value {
        let percent = json!({ "type": "string", "pattern": "^(100|[0-9]{1,2}) *%$" });
        json!({ "anyOf": [DeleteCount::schema(), percent] })
    }
}

/// A day, as TOML writes one.
impl ValueType for AcceptDate {
    fn read(found: &Found, reader: &mut FileReader) -> Option<Self> {
        let expected = ["a date", "write the day alone and without quotes, such as `2026-12-31`"];
        let as_day = |value: &DeValue| {
            let time = value.as_datetime().filter(|it| it.time.is_none())?;
            time.date.map(Self::from)
        };
        reader.expect(found.value, as_day, expected)
    }

    fn schema() -> Value {
        json!({ "type": "string", "format": "date" })
    }
}

/// The version of the language.
#[derive(Debug)]
pub(super) struct Version;

impl ValueType for Version {
    fn read(found: &Found, reader: &mut FileReader) -> Option<Self> {
        let number = reader.expect(found.value, DeValue::as_integer, NUMBER)?.as_str();
        if number == "1" {
            return Some(Self);
        }
        let message =
            format!("this file is written for version {number}, but this tool reads version 1");
        let help = match number.parse::<i64>() {
            Ok(2..) => format!("upgrade poolwright to read version {number} files"),
            _ => "write `version = 1`".to_owned(),
        };
        reader.report_error(Code::UnknownVersion, found.value.span(), message, help);
        None
    }

    fn schema() -> Value {
        json!({ "const": 1 })
    }
}

impl<T: TableType> ValueType for T {
    fn read(found: &Found, reader: &mut FileReader) -> Option<Self> {
        reader.read_inner_table(found.value, found.key.span())
    }

    fn schema() -> Value {
        Value::Object(T::define().schema())
    }

    fn span(found: &Found) -> Range<usize> {
        found.key.span()
    }
}

/// A list of tables.
pub(super) type Tables<T> = Vec<Declared<T>>;

impl<T: TableType> ValueType for Tables<T> {
    fn read(found: &Found, reader: &mut FileReader) -> Option<Self> {
        let expected = [
            "a list of tables, such as `[[placements]]`",
            "each table starts with a header in double brackets",
        ];
        let mut tables = Vec::new();
        for item in reader.expect(found.value, DeValue::as_array, expected)?.iter() {
            let table = reader.read_inner_table(item, item.span());
            tables.extend(table.map(|table| reader.declare(table, item.span())));
        }
        Some(tables)
    }

    fn schema() -> Value {
        json!({ "type": "array", "items": T::schema() })
    }
}

/// Texts under keys that the user chooses, in the file's order.
impl ValueType for Vec<(Declared<String>, Declared<String>)> {
    fn read(found: &Found, reader: &mut FileReader) -> Option<Self> {
        let mut texts = Vec::new();
        for (key, value) in reader.expect(found.value, DeValue::as_table, TEXTS)? {
            let text = reader.read_value::<String>(&Found { key, value });
            let key = reader.declare(key.get_ref().to_string(), key.span());
            texts.extend(text.map(|text| (key, text)));
        }
        Some(texts)
    }

    fn schema() -> Value {
        json!({ "type": "object", "additionalProperties": String::schema() })
    }
}

/// Tables under keys that the user chooses, in the file's order.
pub(super) type TableMap<T> = Vec<(Declared<String>, T)>;

impl<T: TableType> ValueType for TableMap<T> {
    fn read(found: &Found, reader: &mut FileReader) -> Option<Self> {
        let mut tables = Vec::new();
        for (key, value) in reader.expect(found.value, DeValue::as_table, MAP)? {
            let table = reader.read_inner_table(value, key.span());
            let key = reader.declare(key.get_ref().to_string(), key.span());
            tables.extend(table.map(|table| (key, table)));
        }
        Some(tables)
    }

    fn schema() -> Value {
        json!({ "type": "object", "additionalProperties": T::schema() })
    }
}
