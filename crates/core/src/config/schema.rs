//! The JSON Schema of `workers.toml`, generated from the tables that files are read into.
//!
//! Uses draft 7, which Taplo and Even Better TOML support.

use super::{language::FileTable, reader::TableType};
use serde_json::{Map, Value, json};

/// The URL at which the schema is published, as given in `#:schema`.
const ID: &str =
    "https://raw.githubusercontent.com/poolwright/poolwright/main/schema/workers.schema.json";

/// Returns the JSON Schema of `workers.toml`.
pub fn json_schema() -> Value {
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
    schema.insert("$id".to_owned(), json!(ID));
    schema.insert("title".to_owned(), json!("workers.toml"));
    schema.extend(FileTable::define().schema());
    Value::Object(schema)
}
