//! What a table of the language may hold, for the check of a file and for the JSON schema.

use serde_json::{Map, Value, json};

/// What a table may hold, for the check and the schema.
pub(super) struct TableDefinition {
    /// What the table is.
    pub(super) doc: &'static str,
    /// Its keys, in the order of the reference.
    pub(super) keys: Vec<KeyDefinition>,
    /// Choices: exactly one of the keys of each has to be there.
    pub(super) choices: Vec<&'static [&'static str]>,
}

/// A key of a table, for the check and the schema.
pub(super) struct KeyDefinition {
    /// Its name.
    pub(super) name: &'static str,
    /// What it means; empty where the doc of the table that it holds says it.
    pub(super) doc: &'static str,
    /// Whether it has to be there.
    pub(super) required: bool,
    /// The schema of its value; `None` for a key that a later version will know.
    pub(super) schema: Option<fn() -> Value>,
}

impl TableDefinition {
    /// The JSON schema of such a table.
    pub(super) fn schema(&self) -> Map<String, Value> {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for key in &self.keys {
            // A key that a later version will know has none.
            let Some(mut schema) = key.schema.map(|schema| schema()) else { continue };
            if let Some(fields) = schema.as_object_mut()
                && !key.doc.is_empty()
            {
                fields.insert("description".to_owned(), json!(key.doc));
            }
            properties.insert(key.name.to_owned(), schema);
            required.extend(key.required.then_some(key.name));
        }
        let mut schema = Map::new();
        schema.insert("description".to_owned(), json!(self.doc));
        schema.insert("type".to_owned(), json!("object"));
        schema.insert("properties".to_owned(), Value::Object(properties));
        schema.insert("additionalProperties".to_owned(), json!(false));
        if !required.is_empty() {
            schema.insert("required".to_owned(), json!(required));
        }
        let choice = |keys: &&[&str]| -> Value {
            keys.iter().map(|text| json!({ "required": [text] })).collect()
        };
        match self.choices.as_slice() {
            [] => {}
            [keys] => _ = schema.insert("oneOf".to_owned(), choice(keys)),
            several => {
                let all = several.iter().map(|keys| json!({ "oneOf": choice(keys) }));
                schema.insert("allOf".to_owned(), all.collect());
            }
        }
        schema
    }
}
