//! Fields of a JSON document. As on a real server, their names compare without regard to case.

use serde_json::{Value, json};

/// A field of a body, its name compared without regard to case.
pub(crate) fn json_field<'a>(body: &'a Value, name: &str) -> &'a Value {
    let exact = body.get(name);
    let ignoring_case = || {
        let mut fields = body.as_object()?.iter();
        fields.find(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    };
    exact.or_else(ignoring_case).unwrap_or(&Value::Null)
}

/// A text field of a body; empty if it is missing or not a text.
pub(crate) fn text_field<'a>(body: &'a Value, name: &str) -> &'a str {
    json_field(body, name).as_str().unwrap_or_default()
}

/// A boolean field of a body; `false` if it is missing.
pub(crate) fn bool_field(body: &Value, name: &str) -> bool {
    json_field(body, name).as_bool().unwrap_or_default()
}

/// The texts of an array in a body.
pub(crate) fn text_list(body: &Value, name: &str) -> Vec<String> {
    array_items(body, name).iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Replaces each secret by a note that there is one.
pub(crate) fn forget_secrets(value: &mut Value) {
    match value {
        Value::Object(fields) if fields.contains_key("HasValue") => {
            let new = fields.get("NewValue").is_some_and(|field| field.is_string() && field != "");
            let has = new || bool_field(&Value::Object(fields.clone()), "HasValue");
            *value = json!({ "HasValue": has, "NewValue": null, "Hint": null });
        }
        Value::Object(fields) => fields.values_mut().for_each(forget_secrets),
        Value::Array(items) => items.iter_mut().for_each(forget_secrets),
        _ => {}
    }
}

/// The items of an array in a body; none if it is missing.
pub(crate) fn array_items<'a>(body: &'a Value, name: &str) -> &'a [Value] {
    json_field(body, name).as_array().map(Vec::as_slice).unwrap_or_default()
}
