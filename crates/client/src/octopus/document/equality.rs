//! The value of a JSON text, and whether two texts have the same value.
//!
//! A number or text that `serde_json` cannot represent, such as `1E+400` or half a surrogate pair, counts as
//! its own spelling. Never: a guess; an object with a duplicate key equals nothing.

use super::scan;
use serde_json::{Map, Value};
use std::{collections::HashMap, ops::Range};

/// Returns the value at `span` of a text that is known to be JSON.
pub(super) fn value_at_span(text: &str, span: &Range<usize>) -> Value {
    let raw = text.get(span.clone()).unwrap_or_default();
    if let Ok(value) = serde_json::from_str(raw) {
        return value;
    }
    if let Some(members) = scan::object_members(text, span) {
        let key = |it: &scan::ContainerItem| it.decode_key(text).unwrap_or_default();
        let fields = members.iter().map(|member| (key(member), value_at_span(text, &member.value)));
        return Value::Object(fields.collect::<Map<_, _>>());
    }
    match scan::array_elements(text, span) {
        Some(elements) => elements.iter().map(|it| value_at_span(text, &it.value)).collect(),
        None => Value::from(raw),
    }
}

/// Whether two values, each at a span of a text, are equal, whatever the order of fields and the spelling.
pub(super) fn is_same_json(one: (&str, &Range<usize>), other: (&str, &Range<usize>)) -> bool {
    let members = |(text, span): (&str, &Range<usize>)| scan::object_members(text, span);
    let elements = |(text, span): (&str, &Range<usize>)| scan::array_elements(text, span);
    let is_same_inside =
        |a: &Range<usize>, b: &Range<usize>| is_same_json((one.0, a), (other.0, b));
    match (members(one), members(other)) {
        (Some(a), Some(b)) => {
            let Some((a, b)) = fields_by_key(one.0, a).zip(fields_by_key(other.0, b)) else {
                return false;
            };
            let matches_other =
                |(key, value)| b.get(key).is_some_and(|it| is_same_inside(value, it));
            return a.len() == b.len() && a.iter().all(matches_other);
        }
        (None, None) => {}
        _ => return false,
    }
    match (elements(one), elements(other)) {
        (Some(a), Some(b)) => {
            a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| is_same_inside(&a.value, &b.value))
        }
        (None, None) => value_at_span(one.0, one.1) == value_at_span(other.0, other.1),
        _ => false,
    }
}

/// Returns the values of an object by key; `None` if a key is duplicate or cannot be represented.
fn fields_by_key(
    text: &str,
    members: scan::ContainerItems,
) -> Option<HashMap<String, Range<usize>>> {
    let mut fields = HashMap::with_capacity(members.len());
    for member in members {
        if fields.insert(member.decode_key(text)?, member.value).is_some() {
            return None;
        }
    }
    Some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn is_same(one: &str, other: &str) -> bool {
        is_same_json((one, &scan::root_span(one)), (other, &scan::root_span(other)))
    }

    #[test]
    fn escapes_whitespace_and_key_order_do_not_matter() {
        for (one, other) in [
            (r#""P\u00f6ol\u0027s\/""#, r#""Pöol's/""#),
            (r#"{ "a" : 1.50, "\u0062":[ ] }"#, r#"{"b":[],"a":1.5}"#),
            ("1E+400", "1E+400"),
            (r#"[null,"\ud800"]"#, r#"[ null , "\ud800" ]"#),
        ] {
            assert!(is_same(one, other) && is_same(other, one), "{one} {other}");
        }
    }

    #[test]
    fn ambiguous_objects_and_different_values_are_not_equal() {
        let twice = r#"{"Image":"evil","Image":"x"}"#;
        for (one, other) in [
            (twice, r#"{"Image":"x"}"#),
            (twice, twice),
            (r#"{"Image":"x","image":"y"}"#, r#"{"Image":"x"}"#),
            ("[1,2]", "[2,1]"),
            ("[]", "{}"),
            ("null", r#""""#),
            (r#""7""#, "7"),
            ("1E+400", "1E+401"),
        ] {
            assert!(!is_same(one, other) && !is_same(other, one), "{one} {other}");
        }
    }

    #[test]
    fn an_unrepresentable_value_is_read_as_its_raw_text() {
        let text = r#"{"a":[1,1E+400],"b":{"c":"\ud800"},"d":"é"}"#;
        let wanted = json!({ "a": [1, "1E+400"], "b": { "c": "\"\\ud800\"" }, "d": "é" });
        assert_eq!(value_at_span(text, &scan::root_span(text)), wanted);
    }
}
