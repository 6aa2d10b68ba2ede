//! A JSON object whose values are kept as text, so that an untouched field keeps its spelling.

use crate::answer::HandlerResult;
use indexmap::IndexMap;
use serde_json::{Value, value::RawValue};

/// A value as JSON text.
pub(crate) fn to_raw_json(value: &Value) -> HandlerResult<Box<RawValue>> {
    Ok(serde_json::value::to_raw_value(value)?)
}

/// A JSON object whose values are text.
pub(crate) type JsonFields = IndexMap<String, Box<RawValue>>;

/// Reading and writing the fields of a JSON object, their names without regard to case.
pub(crate) trait JsonFieldAccess {
    /// The field's JSON text.
    fn raw_field(&self, name: &str) -> Option<&RawValue>;
    /// Sets a field, in its place if it is there.
    fn set_field(&mut self, name: &str, value: Box<RawValue>);

    /// A text; empty where the field is missing, null, or no text.
    fn text_value(&self, name: &str) -> String {
        let text = self
            .raw_field(name)
            .and_then(|field| serde_json::from_str::<Option<String>>(field.get()).ok());
        text.flatten().unwrap_or_default()
    }

    /// A whole number.
    fn number_value(&self, name: &str) -> Option<i64> {
        self.raw_field(name).and_then(|field| serde_json::from_str(field.get()).ok())
    }

    /// The objects of a list; none where the field is missing or null.
    fn object_list(&self, name: &str) -> HandlerResult<Vec<JsonFields>> {
        let Some(list) = self.raw_field(name) else { return Ok(Vec::new()) };
        Ok(serde_json::from_str::<Option<Vec<JsonFields>>>(list.get())?.unwrap_or_default())
    }
}

impl JsonFieldAccess for JsonFields {
    fn raw_field(&self, name: &str) -> Option<&RawValue> {
        let ignoring_case =
            || self.iter().find(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, raw)| raw);
        self.get(name).or_else(ignoring_case).map(AsRef::as_ref)
    }

    fn set_field(&mut self, name: &str, value: Box<RawValue>) {
        let spelled = self.keys().find(|it| it.eq_ignore_ascii_case(name)).cloned();
        self.insert(spelled.unwrap_or_else(|| name.to_owned()), value);
    }
}
