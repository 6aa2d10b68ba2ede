//! The JSON Schema of `workers.toml`, made of the tables that the files are read into.
//!
//! Draft 7, which Taplo and Even Better TOML read.

use super::{language::FileTable, reader::TableType};
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
    schema.extend(FileTable::define().schema());
    Value::Object(schema)
}
