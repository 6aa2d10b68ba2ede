//! Expands a key into several workers: `db-[01..06]` and `win-[a,b,c]`.

use super::{
    lint::{is_odd_range, lint_range},
    reader::{FileReader, Found, MAP, Placeholder, TableType, ValueType},
    values::TableMap,
};
use crate::{desired::Declared, finding::Code};

use serde_json::Value;
use toml::de::DeValue;

/// The maximum number of workers that a key may declare.
const MOST: usize = 10_000;

/// One of the names that a key expands to, and its table.
#[derive(Debug)]
pub(super) struct Expanded<T> {
    /// The name.
    pub(super) name: Declared<String>,
    /// The table with `{n}` filled in; `None` if it cannot be read, which is reported.
    pub(super) table: Option<T>,
}

/// Tables by their names, in the file's order.
impl<T: TableType> ValueType for Vec<Expanded<T>> {
    fn read(found: &Found, reader: &mut FileReader) -> Option<Self> {
        let mut tables = Vec::new();
        for (key, value) in reader.expect(found.value, DeValue::as_table, MAP)? {
            let declared = reader.declare(key.get_ref().to_string(), key.span());
            reader.findings.extend(lint_range(&declared));
            let names = expand_names(&declared.value).unwrap_or_else(|error| {
                let help = "a range is `[01..06]`, a list is `[a,b,c]`";
                reader.report_error(Code::BadRange, key.span(), error.to_string(), help);
                // Report the other mistakes in the table.
                reader.read_inner_table::<T>(value, key.span());
                Vec::new()
            });
            for ExpandedName { name, n } in names {
                reader.placeholder = n.map_or(Placeholder::Unbound, Placeholder::Bound);
                let table = reader.read_inner_table(value, key.span());
                // The server trims names: one with spaces around it would differ in every plan.
                let name = reader.declare(name.trim().to_owned(), key.span());
                tables.push(Expanded { name, table });
            }
            reader.placeholder = Placeholder::Literal;
        }
        Some(tables)
    }

    fn schema() -> Value {
        TableMap::<T>::schema()
    }
}

/// A name, and the item in it that comes from a range or a list.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ExpandedName {
    /// The name.
    name: String,
    /// The meaning of `{n}`; `None` if the key is a plain name.
    n: Option<String>,
}

/// Why a key cannot be expanded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum ExpandError {
    /// Two pairs of brackets.
    #[error("a name can have only one range")]
    Twice,
    /// An end before its start.
    #[error("the range ends before it starts")]
    Backwards,
    /// Something that is not a number.
    #[error("a range needs two numbers; `{0}` is not a number")]
    NoNumber(String),
    /// Two numbers with another mark between them.
    #[error("`[{0}]` is neither a range nor a list")]
    OddRange(String),
    /// An empty item.
    #[error("the list has an empty item")]
    Empty,
    /// More than [`MOST`] names.
    #[error("the range has more than {MOST} names")]
    TooMany,
}

/// Returns the names that a key expands to, in order.
///
/// Brackets with neither `..` nor `,` inside are a list of one.
fn expand_names(key: &str) -> Result<Vec<ExpandedName>, ExpandError> {
    let Some((before, inside, after)) = split_brackets(key) else {
        return Ok(vec![ExpandedName { name: key.to_owned(), n: None }]);
    };
    if split_brackets(after).is_some() {
        return Err(ExpandError::Twice);
    }
    if is_odd_range(inside) {
        return Err(ExpandError::OddRange(inside.to_owned()));
    }
    let parts = match inside.split_once("..") {
        Some((first, last)) => expand_numbers(first.trim(), last.trim())?,
        None => inside.split(',').map(|item| item.trim().to_owned()).collect(),
    };
    if parts.iter().any(String::is_empty) {
        return Err(ExpandError::Empty);
    }
    let expand = |n: String| ExpandedName { name: format!("{before}{n}{after}"), n: Some(n) };
    Ok(parts.into_iter().map(expand).collect())
}

/// Splits a key at its first brackets unless they are empty: before, inside, after.
fn split_brackets(key: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = key.split_once('[')?;
    let (inside, after) = rest.split_once(']')?;
    (!inside.trim().is_empty()).then_some((before, inside, after))
}

/// Returns the numbers of a range, padded with zeros to the width of the first.
fn expand_numbers(first: &str, last: &str) -> Result<Vec<String>, ExpandError> {
    let parse_number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
        let number = digits.then(|| text.parse::<u32>().ok()).flatten();
        number.ok_or_else(|| ExpandError::NoNumber(text.to_owned()))
    };
    let (from, to) = (parse_number(first)?, parse_number(last)?);
    if to < from {
        return Err(ExpandError::Backwards);
    }
    if (to - from) as usize >= MOST {
        return Err(ExpandError::TooMany);
    }
    let width = first.len();
    Ok((from..=to).map(|n| format!("{n:0width$}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(key: &str) -> Result<Vec<String>, ExpandError> {
        expand_names(key).map(|all| all.into_iter().map(|it| it.name).collect())
    }

    #[test]
    fn a_range_keeps_the_leading_zeros_of_its_start() {
        assert_eq!(names("db-[08..10]"), Ok(vec!["db-08".into(), "db-09".into(), "db-10".into()]));
        assert_eq!(names("[9..10]-db"), Ok(vec!["9-db".into(), "10-db".into()]));
    }

    #[test]
    fn a_list_is_expanded_even_if_it_has_one_item_and_a_plain_name_is_not() {
        assert_eq!(names("win-[a, b]"), Ok(vec!["win-a".into(), "win-b".into()]));
        assert_eq!(names("win-[a]"), Ok(vec!["win-a".into()]));
        assert_eq!(names("db-01"), Ok(vec!["db-01".into()]));
        assert_eq!(names("db[]"), Ok(vec!["db[]".into()]));
    }

    #[test]
    fn an_invalid_range_is_an_error_that_says_why() {
        assert_eq!(names("db-[3..1]"), Err(ExpandError::Backwards));
        assert_eq!(names("db-[1..x]"), Err(ExpandError::NoNumber("x".into())));
        assert_eq!(names("[1..2]-[a,b]"), Err(ExpandError::Twice));
        assert_eq!(names("db-[a,,b]"), Err(ExpandError::Empty));
        assert_eq!(names("db-[01-06]"), Err(ExpandError::OddRange("01-06".into())));
        assert_eq!(names("db-[0..4000000000]"), Err(ExpandError::TooMany));
        assert_eq!(names("db-[0..99999999999]"), Err(ExpandError::NoNumber("99999999999".into())));
    }
}
