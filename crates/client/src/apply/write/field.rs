//! A field that a change writes: where it is, what it may be before, and what it shall be.

use crate::octopus::document::{JsonDocument, PathSegment};
use poolwright_core::{
    model::{SSH_PORT, Subscription, TentacleUrl, Thumbprint, normalize_text},
    plan::{Field, WrittenField},
};

use serde_json::{Value, json};

/// A way into a document.
pub(super) type FieldPath<'p> = Vec<PathSegment<'p>>;

/// A field to be set.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FieldWrite<'p> {
    /// Where it is in the document.
    pub(super) path: FieldPath<'p>,
    /// Which field it is, for people and for the receipt.
    pub(super) field: Field,
    /// What it shall be; none where it shall not be there.
    pub(super) after: Option<Value>,
    /// How that is to be spelled, where that is known; a text that says anything else is passed over.
    pub(super) text: Option<String>,
}

impl<'p> FieldWrite<'p> {
    /// A field that is spelled as this tool does.
    pub(super) fn new(path: FieldPath<'p>, field: impl Into<Field>, after: Option<Value>) -> Self {
        Self { path, field: field.into(), after, text: None }
    }

    /// A field that goes back to what it was to the byte, where that is known.
    pub(super) fn restore_exactly(
        path: FieldPath<'p>,
        field: impl Into<Field>,
        exactly: Option<&WrittenField>,
        after: impl FnOnce() -> Value,
    ) -> Self {
        match exactly {
            Some(WrittenField { after, after_text, .. }) => {
                Self { text: after_text.clone(), ..Self::new(path, field, after.clone()) }
            }
            None => Self::new(path, field, Some(after())),
        }
    }
}

/// A field that is one thing and shall be another.
#[derive(Clone, Debug)]
pub(super) struct FieldChange {
    /// Which field it is.
    pub(super) field: Field,
    /// What it has to be, where it is not yet as it shall be.
    pub(super) before: Value,
    /// What it shall be.
    pub(super) after: Value,
    /// When two of its values are the same.
    pub(super) comparison: FieldComparison,
    /// What it was to the byte, where it goes back; it counts only as far as it is `after`.
    pub(super) restored: Option<WrittenField>,
}

/// When two values of a field are the same. An absent field and `null` are always the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FieldComparison {
    /// The same text, but for white space around it; none is as good as an empty one.
    Text,
    /// The same switch; none is off.
    Flag,
    /// The same ids in any order.
    Ids,
    /// The same id; none is this one.
    IdOr(String),
    /// The same URL of a Tentacle, or the same subscription.
    Uri,
    /// The same thumbprint in any case.
    Thumbprint,
    /// The same port of SSH.
    Port,
}

impl FieldChange {
    /// A field that is created, and is looked at to see whether it is so already.
    pub(super) fn new(field: impl Into<Field>, value: Value, alike: FieldComparison) -> Self {
        Self::new_change(field, value.clone(), value, alike)
    }

    pub(super) fn new_change(
        field: impl Into<Field>,
        before: Value,
        after: Value,
        alike: FieldComparison,
    ) -> Self {
        Self { field: field.into(), before, after, comparison: alike, restored: None }
    }

    fn check_document(
        &self,
        document: &JsonDocument,
    ) -> Result<Option<FieldWrite<'static>>, String> {
        let path = document_path(self.field);
        let now = document.get_value(&path).unwrap_or_default();
        let normal = self.comparison.normalize(&now);
        if normal == self.comparison.normalize(&self.after) {
            return Ok(None);
        }
        match normal == self.comparison.normalize(&self.before) {
            true => Ok(Some(self.build_set(path))),
            false => Err(mismatch_message(&self.field.to_string(), &now, &self.before)),
        }
    }

    fn build_set(&self, path: FieldPath<'static>) -> FieldWrite<'static> {
        let writes_same = |field: &&WrittenField| {
            let after = field.after.clone().unwrap_or_default();
            self.comparison.normalize(&after) == self.comparison.normalize(&self.after)
        };
        FieldWrite::restore_exactly(
            path,
            self.field,
            self.restored.as_ref().filter(writes_same),
            || self.after.clone(),
        )
    }
}

/// Where a field is in the document of its object.
pub(super) fn document_path(field: Field) -> FieldPath<'static> {
    field.keys().iter().map(|key| PathSegment::Key(key)).collect()
}

/// A document with these fields.
pub(super) fn document_with(fields: impl IntoIterator<Item = (Field, Value)>) -> Value {
    let mut document = json!({});
    for (field, value) in fields {
        // What is missing on the way is made.
        let place = field.keys().iter().fold(&mut document, |place, key| &mut place[*key]);
        *place = value;
    }
    document
}

/// What has to be set for the document to be as wanted.
///
/// # Errors
///
/// A field that is neither as it was nor as it shall be.
pub(super) fn check_fields(
    document: &JsonDocument,
    wanted: &[FieldChange],
) -> Result<Vec<FieldWrite<'static>>, String> {
    let sets: Result<Vec<_>, _> = wanted.iter().map(|it| it.check_document(document)).collect();
    Ok(sets?.into_iter().flatten().collect())
}

/// What is said of a field that somebody else has changed.
pub(super) fn mismatch_message(name: &str, now: &Value, before: &Value) -> String {
    format!("`{name}` is {}, the plan expected {}", format_value(now), format_value(before))
}

/// A value in a sentence; nothing and an empty text are one thing.
pub(super) fn format_value(value: &Value) -> String {
    match value {
        Value::Null => "empty".to_owned(),
        Value::String(text) if text.is_empty() => "empty".to_owned(),
        Value::String(text) => format!("`{text}`"),
        other => format!("`{other}`"),
    }
}

/// Sets the fields, and tells what was there.
///
/// # Errors
///
/// Why the document cannot be edited.
pub(super) fn write_fields(
    document: &mut JsonDocument,
    sets: &[FieldWrite<'_>],
) -> Result<Vec<WrittenField>, String> {
    let mut written = Vec::new();
    for FieldWrite { path, field, after, text } in sets {
        let (before, raw) = (document.get_value(path), document.get_raw(path).map(str::to_owned));
        let changed = match after {
            Some(after) => document.put_value(path, after),
            None => document.remove(path),
        };
        if !changed.map_err(|error| error.to_string())? {
            continue;
        }
        if let Some(text) = text {
            document.set_spelling(path, text);
        }
        // Of what cannot be spelled anew, the text is kept to be sure.
        let anew = before
            .as_ref()
            .and_then(|value| document.render_spelling(path, value, after.is_none()));
        let before_text = raw.filter(|raw| anew.as_ref() != Some(raw));
        written
            .push(WrittenField { before_text, ..WrittenField::new(*field, before, after.clone()) });
    }
    Ok(written)
}

/// The text of a field; empty for none.
pub(super) fn text_at_path(document: &JsonDocument, keys: &[PathSegment<'_>]) -> String {
    match document.get_value(keys) {
        Some(Value::String(text)) => text,
        _ => String::new(),
    }
}

impl FieldComparison {
    fn normalize(&self, value: &Value) -> Value {
        let text = value.as_str().unwrap_or_default().trim();
        match self {
            _ if !value.is_null() && !self.has_field_type(value) => value.clone(),
            Self::Text => json!(text),
            Self::Flag => json!(value.as_bool().unwrap_or_default()),
            Self::Ids => {
                let ids = value.as_array().map(Vec::as_slice).unwrap_or_default();
                let mut ids: Vec<&str> = ids.iter().filter_map(Value::as_str).collect();
                ids.sort_unstable();
                ids.dedup();
                json!(ids)
            }
            Self::IdOr(default) => json!(if text.is_empty() { default } else { text }),
            Self::Uri => json!(normal_uri(text)),
            Self::Thumbprint => json!(normalize_text::<Thumbprint>(text)),
            Self::Port => json!(value.as_u64().unwrap_or(SSH_PORT.into())),
        }
    }

    /// Whether the value is of the field's type; one that is not is like nothing but itself.
    fn has_field_type(&self, value: &Value) -> bool {
        match self {
            Self::Text | Self::IdOr(_) | Self::Uri | Self::Thumbprint => value.is_string(),
            Self::Flag => value.is_boolean(),
            Self::Ids => value.is_array(),
            Self::Port => value.is_u64(),
        }
    }
}

/// A subscription, or a URL with the port that it means, in their normal form.
fn normal_uri(text: &str) -> String {
    text.parse::<Subscription>()
        .map_or_else(|_| TentacleUrl::normalize_url(text), |subscription| subscription.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolwright_core::plan::CommonField;

    fn checked(text: &str, wanted: FieldChange) -> Result<usize, String> {
        let document = JsonDocument::parse(text.to_owned()).unwrap();
        check_fields(&document, &[wanted]).map(|sets| sets.len())
    }

    #[test]
    fn a_field_is_set_only_where_it_is_as_the_plan_saw_it() {
        let wanted = || {
            FieldChange::new_change(
                CommonField::Name,
                json!("SQL"),
                json!("Sql"),
                FieldComparison::Text,
            )
        };
        assert_eq!(checked(r#"{"Name":"SQL"}"#, wanted()), Ok(1));
        assert_eq!(checked(r#"{"Name":"Sql"}"#, wanted()), Ok(0));
        insta::assert_snapshot!(checked(r#"{"Name":null}"#, wanted()).unwrap_err(), @"`Name` is empty, the plan expected `SQL`");
        insta::assert_snapshot!(checked(r#"{"Name":7}"#, wanted()).unwrap_err(), @"`Name` is `7`, the plan expected `SQL`");
    }

    #[test]
    fn two_spellings_of_one_value_are_one() {
        for (alike, one, other) in [
            (FieldComparison::Text, json!(null), json!("")),
            (FieldComparison::Flag, json!(null), json!(false)),
            (FieldComparison::Ids, json!(["b", "a"]), json!(["a", "b", "a"])),
            (
                FieldComparison::IdOr("MachinePolicies-1".into()),
                json!(""),
                json!("MachinePolicies-1"),
            ),
            (FieldComparison::Uri, json!("https://DB:443/"), json!("https://db")),
            (FieldComparison::Uri, json!("poll://x"), json!("poll://x/")),
            (FieldComparison::Thumbprint, json!("8a".repeat(20)), json!("8A".repeat(20))),
            (FieldComparison::Port, json!(null), json!(22)),
        ] {
            assert_eq!(alike.normalize(&one), alike.normalize(&other), "{alike:?}");
        }
        assert_ne!(
            FieldComparison::Flag.normalize(&json!("true")),
            FieldComparison::Flag.normalize(&json!(true))
        );
    }
}
