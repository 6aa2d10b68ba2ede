//! A field that a change writes: its path, its value before, and its value after.

use crate::octopus::document::{JsonDocument, PathSegment};
use poolwright_core::{
    model::{SSH_PORT, Subscription, TentacleUrl, Thumbprint, normalize_text},
    plan::{Field, WrittenField},
};

use serde_json::{Value, json};

/// The path to a field in a document.
pub(super) type FieldPath<'p> = Vec<PathSegment<'p>>;

/// A field to set.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FieldWrite<'p> {
    /// Its path in the document.
    pub(super) path: FieldPath<'p>,
    /// The field, for messages and the receipt.
    pub(super) field: Field,
    /// Its new value; `None` to remove it.
    pub(super) after: Option<Value>,
    /// The spelling of the new value, if known; a text with a different value is ignored.
    pub(super) text: Option<String>,
}

impl<'p> FieldWrite<'p> {
    /// Returns a write with this tool's own spelling.
    pub(super) fn new(path: FieldPath<'p>, field: impl Into<Field>, after: Option<Value>) -> Self {
        Self { path, field: field.into(), after, text: None }
    }

    /// Returns a write that restores a field byte for byte, if its bytes are known.
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

/// A change of a field from one value to another.
#[derive(Clone, Debug)]
pub(super) struct FieldChange {
    /// The field.
    pub(super) field: Field,
    /// The value that it must have, unless it already has the new one.
    pub(super) before: Value,
    /// The new value.
    pub(super) after: Value,
    /// How its values are compared.
    pub(super) comparison: FieldComparison,
    /// The original bytes for a rollback; they only count if their value is `after`.
    pub(super) restored: Option<WrittenField>,
}

/// How two values of a field are compared. An absent field always equals `null`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FieldComparison {
    /// Texts, ignoring surrounding white space; an absent text equals an empty one.
    Text,
    /// Switches; an absent one is off.
    Flag,
    /// Ids in any order.
    Ids,
    /// Ids; an absent one equals this one.
    IdOr(String),
    /// Tentacle URLs, or subscriptions, in normal form.
    Uri,
    /// Thumbprints, ignoring case.
    Thumbprint,
    /// SSH ports; an absent one equals the default.
    Port,
}

impl FieldChange {
    /// Returns the field of an object to create, which an existing object must equal.
    pub(super) fn new(field: impl Into<Field>, value: Value, comparison: FieldComparison) -> Self {
        Self::new_change(field, value.clone(), value, comparison)
    }

    pub(super) fn new_change(
        field: impl Into<Field>,
        before: Value,
        after: Value,
        comparison: FieldComparison,
    ) -> Self {
        Self { field: field.into(), before, after, comparison, restored: None }
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
        if normal != self.comparison.normalize(&self.before) {
            return Err(mismatch_message(&self.field.to_string(), &now, &self.before));
        }
        Ok(Some(self.build_set(path)))
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

/// Returns the path of a field in the document of its object.
pub(super) fn document_path(field: Field) -> FieldPath<'static> {
    field.keys().iter().map(|key| PathSegment::Key(key)).collect()
}

/// Builds a document with these fields.
pub(super) fn document_with(fields: impl IntoIterator<Item = (Field, Value)>) -> Value {
    let mut document = json!({});
    for (field, value) in fields {
        // Indexing creates missing parents.
        let place = field.keys().iter().fold(&mut document, |place, key| &mut place[*key]);
        *place = value;
    }
    document
}

/// Returns the fields to set to get the wanted document.
///
/// # Errors
///
/// A field has neither the value before nor the value after the change.
pub(super) fn check_fields(
    document: &JsonDocument,
    wanted: &[FieldChange],
) -> Result<Vec<FieldWrite<'static>>, String> {
    let sets: Result<Vec<_>, _> = wanted.iter().map(|it| it.check_document(document)).collect();
    Ok(sets?.into_iter().flatten().collect())
}

/// Describes a field that changed after the plan was made.
pub(super) fn mismatch_message(name: &str, now: &Value, before: &Value) -> String {
    format!("`{name}` is {}, but the plan expected {}", format_value(now), format_value(before))
}

/// Formats a value for a message; `null` and an empty text are both `empty`.
pub(super) fn format_value(value: &Value) -> String {
    match value {
        Value::Null => "empty".to_owned(),
        Value::String(text) if text.is_empty() => "empty".to_owned(),
        Value::String(text) => format!("`{text}`"),
        other => format!("`{other}`"),
    }
}

/// Sets the fields, and returns the changed ones with their previous values.
///
/// # Errors
///
/// The document cannot be edited.
pub(super) fn write_fields(
    document: &mut JsonDocument,
    sets: &[FieldWrite<'_>],
) -> Result<Vec<WrittenField>, String> {
    let mut written = Vec::new();
    for FieldWrite { path, field, after, text } in sets {
        let (before, raw) = (document.get_value(path), document.get_raw(path));
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
        // The text is only kept if the value would otherwise be spelled differently.
        let rendered = before
            .as_ref()
            .and_then(|value| document.render_spelling(path, value, after.is_none()));
        let before_text = raw.filter(|raw| rendered.as_ref() != Some(raw));
        written
            .push(WrittenField { before_text, ..WrittenField::new(*field, before, after.clone()) });
    }
    Ok(written)
}

/// Returns the text of a field; empty if it has none, such as one that is a number.
pub(super) fn text_at_path(document: &JsonDocument, keys: &[PathSegment<'_>]) -> String {
    // A number that `serde_json` cannot represent is read as a text with its spelling.
    let is_text = || document.get_raw(keys).is_some_and(|spelling| spelling.starts_with('"'));
    match document.get_value(keys) {
        Some(Value::String(text)) if is_text() => text,
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

    /// Whether the value has the field's type; any other value only equals itself.
    fn has_field_type(&self, value: &Value) -> bool {
        match self {
            Self::Text | Self::IdOr(_) | Self::Uri | Self::Thumbprint => value.is_string(),
            Self::Flag => value.is_boolean(),
            Self::Ids => value.is_array(),
            Self::Port => value.is_u64(),
        }
    }
}

/// Returns the normal form of a subscription, or of a URL with its default port.
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
    fn a_field_is_set_only_if_it_has_the_value_in_the_plan() {
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
        insta::assert_snapshot!(checked(r#"{"Name":null}"#, wanted()).unwrap_err(), @"`Name` is empty, but the plan expected `SQL`");
        insta::assert_snapshot!(checked(r#"{"Name":7}"#, wanted()).unwrap_err(), @"`Name` is `7`, but the plan expected `SQL`");
    }

    #[test]
    fn equivalent_spellings_compare_equal() {
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
