//! Definitions of the language's tables, used to check files and to generate the JSON schema.

use crate::finding::FixedReason;

use serde_json::{Map, Value, json};

/// The keys that a table may have.
pub(super) struct TableDefinition {
    /// The table's description.
    pub(super) doc: &'static str,
    /// Its keys, in the order of the reference.
    pub(super) keys: Vec<KeyDefinition>,
    /// Groups of keys, of which exactly one key each is required.
    pub(super) choices: Vec<&'static [&'static str]>,
}

/// A key of a table.
pub(super) struct KeyDefinition {
    /// The key's name.
    pub(super) name: &'static str,
    /// The key's description; empty if the table that it holds describes itself.
    pub(super) doc: &'static str,
    /// Whether the key is required.
    pub(super) required: bool,
    /// The schema of the value; `None` for a key that is reserved for a later version.
    pub(super) schema: Option<fn() -> Value>,
    /// Why the key is known but must not be set; `None` for any other.
    pub(super) fixed: Option<FixedReason>,
}

impl KeyDefinition {
    /// Creates the definition of a key with a value.
    pub(super) fn new(name: &'static str, doc: &'static str, schema: fn() -> Value) -> Self {
        Self { name, doc, required: false, schema: Some(schema), fixed: None }
    }

    /// Creates the definition of a key that has no value.
    pub(super) fn without_value(name: &'static str, fixed: Option<FixedReason>) -> Self {
        Self { name, doc: "", required: false, schema: None, fixed }
    }

    /// Returns what to do if the key is missing.
    pub(super) fn remedy(&self) -> String {
        let sentence = self.doc.split_once(". ").map_or(self.doc, |(first, _)| first);
        // What follows describes the value's syntax, which matters only if the value is wrong.
        let sentence = sentence.split([':', ';', '.']).next().unwrap_or_default();
        let mut words = sentence.split(' ');
        // `The …` and `A …` go on in lower case; a name keeps its capital.
        let phrase = match words.next() {
            Some(article @ ("The" | "A" | "An" | "Whether" | "Which" | "How")) => {
                format!("{}{}", article.to_lowercase(), &sentence[article.len()..])
            }
            _ => sentence.to_owned(),
        };
        match phrase.as_str() {
            _ if self.name == "version" => "add `version = 1` at the top".to_owned(),
            "" => format!("add `{}`", self.name),
            phrase => format!("add `{}`, {phrase}", self.name),
        }
    }
}

impl TableDefinition {
    /// The names of the keys that a file may have.
    pub(super) fn known_names(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().filter(|key| key.schema.is_some()).map(|key| key.name)
    }

    /// Returns the table's JSON schema.
    pub(super) fn schema(&self) -> Map<String, Value> {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for key in &self.keys {
            // Reserved keys have no schema.
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
