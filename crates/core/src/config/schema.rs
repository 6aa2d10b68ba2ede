//! The JSON Schema of `workers.toml`, made of the definition that the files are checked by.
//!
//! Draft 7, which Taplo and Even Better TOML read.

use super::{
    definition::{KeyDefinition, TableDefinition, ValueShape},
    language::FILE,
};
use serde_json::{Map, Value, json};

/// Where the schema is published, and what `#:schema` names.
const ID: &str =
    "https://raw.githubusercontent.com/poolwright/poolwright/main/schema/workers.schema.json";

/// The JSON Schema of `workers.toml`.
pub fn json_schema() -> Value {
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
    schema.insert("$id".to_owned(), json!(ID));
    schema.insert("title".to_owned(), json!("workers.toml"));
    schema.extend(table_schema(&FILE));
    Value::Object(schema)
}

fn table_schema(table: &TableDefinition) -> Map<String, Value> {
    let known = table.keys.iter().filter(|key| !matches!(key.shape, ValueShape::Reserved));
    let properties: Map<_, _> = known
        .clone()
        .map(|definition| (definition.name.to_owned(), Value::Object(key_schema(definition))))
        .collect();
    let required: Vec<_> = known.filter(|key| key.required).map(|key| key.name).collect();
    let mut schema = Map::new();
    schema.insert("description".to_owned(), json!(table.doc));
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("properties".to_owned(), Value::Object(properties));
    schema.insert("additionalProperties".to_owned(), json!(false));
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    let choice = |keys: &&[&str]| -> Value {
        keys.iter().map(|text| json!({ "required": [text] })).collect()
    };
    match table.one_of {
        [] => {}
        [keys] => _ = schema.insert("oneOf".to_owned(), choice(keys)),
        several => {
            let all = several.iter().map(|keys| json!({ "oneOf": choice(keys) }));
            schema.insert("allOf".to_owned(), all.collect());
        }
    }
    schema
}

fn key_schema(key: &KeyDefinition) -> Map<String, Value> {
    let mut schema = shape_schema(&key.shape);
    schema.insert("description".to_owned(), json!(key.doc));
    schema
}

fn shape_schema(shape: &ValueShape) -> Map<String, Value> {
    let text = || json!({ "type": "string", "minLength": 1 });
    let texts = || json!({ "type": "array", "items": text(), "minItems": 1 });
    let schema = match shape {
        ValueShape::Version => json!({ "const": 1 }),
        ValueShape::Text => text(),
        ValueShape::FreeText => json!({ "type": "string" }),
        ValueShape::Texts => json!({ "anyOf": [text(), texts()] }),
        ValueShape::List => texts(),
        ValueShape::Words(words) => {
            json!({ "type": "array", "items": { "type": "string", "enum": words } })
        }
        ValueShape::Word(words) => json!({ "type": "string", "enum": words }),
        ValueShape::Flag => json!({ "type": "boolean" }),
        ValueShape::True => json!({ "const": true }),
        ValueShape::Number(least, most) => {
            json!({ "type": "integer", "minimum": least, "maximum": most })
        }
        ValueShape::CountOrPercent => json!({ "anyOf": [
            { "type": "integer", "minimum": 0, "maximum": 1_000_000 },
            { "type": "string", "pattern": "^(100|[0-9]{1,2}) *%$" },
        ] }),
        ValueShape::Table(definition) => return table_schema(definition),
        ValueShape::Tables(definition) => {
            json!({ "type": "array", "items": table_schema(definition) })
        }
        ValueShape::Map(definition) => {
            json!({ "type": "object", "additionalProperties": table_schema(definition) })
        }
        ValueShape::Reserved => json!(false),
    };
    match schema {
        Value::Object(schema) => schema,
        _ => Map::new(),
    }
}
