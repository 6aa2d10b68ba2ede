//! Whether a JSON value is what a definition of Swagger 2.0 says.
//!
//! Only what the excerpt uses: `$ref`, `type`, `format`, `enum`, `properties`, `required`, `items` and
//! `additionalProperties`. A property that no definition names is wrong. `null` is right wherever a value
//! may be left out: Swagger 2.0 has no word for it, and Octopus writes it for most of what is not set.

use serde_json::{Map, Value};

/// Definitions by name.
pub(crate) type Definitions = Map<String, Value>;

/// What is wrong with `value`, a line each: where, and what.
pub(crate) fn violations(definitions: &Definitions, schema: &Value, value: &Value) -> Vec<String> {
    let mut check =
        Check { definitions, path: String::new(), name: String::new(), told: Vec::new() };
    check.value(schema, value);
    check.told.sort();
    check.told.dedup();
    check.told
}

struct Check<'a> {
    definitions: &'a Definitions,
    /// Where in the document, with `[]` for any item of a list.
    path: String,
    /// The definition that the value at hand is a part of.
    name: String,
    told: Vec<String>,
}

impl Check<'_> {
    fn tell(&mut self, what: &str) {
        self.told.push(format!("{}{}: {what}", self.name, self.path));
    }

    fn value(&mut self, schema: &Value, value: &Value) {
        if let Some(name) = schema["$ref"].as_str() {
            return self.reference(name, value);
        }
        if let Some(words) = schema["enum"].as_array()
            && !value.is_null()
            && !words.contains(value)
        {
            return self.tell(&format!("{value} is none of the words of the contract"));
        }
        match (schema["type"].as_str(), value) {
            (_, Value::Null) | (None, _) => {}
            (Some("string"), Value::String(text)) => self.text(schema, text),
            (Some("boolean"), Value::Bool(_)) | (Some("number"), Value::Number(_)) => {}
            (Some("integer"), Value::Number(number)) => match number.as_i64() {
                Some(n) if schema["format"] != "int32" || i32::try_from(n).is_ok() => {}
                _ => self.tell(&format!("{number} is no integer of this size")),
            },
            (Some("array"), Value::Array(items)) => {
                items.iter().for_each(|item| self.at("[]", &schema["items"], item));
            }
            (Some("object"), Value::Object(object)) => self.object(schema, object),
            // The server's word for a value of any type.
            (Some("object"), _) if is_open(schema) => {}
            (Some(wanted), found) => self.tell(&format!("{} is no {wanted}", kind(found))),
        }
    }

    /// Looks at a part of the value at hand.
    fn at(&mut self, below: &str, schema: &Value, value: &Value) {
        let (path, name) = (self.path.clone(), self.name.clone());
        self.path.push_str(below);
        self.value(schema, value);
        (self.path, self.name) = (path, name);
    }

    fn reference(&mut self, reference: &str, value: &Value) {
        let name = reference.rsplit('/').next().unwrap_or_default();
        match self.definitions.get(name).cloned() {
            // A property is a text, or an object where it is a secret: the definition is the object's.
            Some(_) if name == "PropertyValueResource" && value.is_string() => {}
            Some(definition) => {
                let (path, outer) = (std::mem::take(&mut self.path), self.name.clone());
                self.name = name.to_owned();
                self.value(&definition, value);
                (self.path, self.name) = (path, outer);
            }
            None => self.tell(&format!("there is no definition {name}")),
        }
    }

    fn object(&mut self, schema: &Value, object: &Map<String, Value>) {
        let known = schema["properties"].as_object();
        let others = &schema["additionalProperties"];
        for (key, value) in object {
            match known.and_then(|it| it.get(key)) {
                Some(schema) => self.at(&format!(".{key}"), schema, value),
                None if others.is_object() => self.at(".*", others, value),
                // An object of which nothing is said holds anything.
                None if known.is_none() => {}
                None => self.tell(&format!("`{key}` is not in the contract")),
            }
        }
        for key in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if object.get(key).is_none_or(Value::is_null) {
                self.tell(&format!("`{key}` is missing"));
            }
        }
    }

    fn text(&mut self, schema: &Value, text: &str) {
        if schema["format"] == "date-time" && text.parse::<jiff::Timestamp>().is_err() {
            self.tell(&format!("{text:?} is no point in time"));
        }
    }
}

fn is_open(schema: &Value) -> bool {
    schema["properties"].is_null() && schema["additionalProperties"].is_null()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(value: Value) -> String {
        let definitions = json!({
            "Pool": {
                "type": "object",
                "required": ["Version"],
                "properties": {
                    "Name": { "type": "string" },
                    "Kind": { "type": "string", "enum": ["Static", "Dynamic"] },
                    "Made": { "type": "string", "format": "date-time" },
                    "Version": { "type": "integer", "format": "int32" },
                    "Workers": { "type": "array", "items": { "$ref": "#/definitions/Worker" } },
                    "Links": { "type": "object", "additionalProperties": { "type": "string" } },
                },
            },
            "Worker": { "type": "object", "properties": { "Up": { "type": "boolean" } } },
        });
        let schema = json!({ "$ref": "#/definitions/Pool" });
        violations(definitions.as_object().unwrap(), &schema, &value).join("\n")
    }

    #[test]
    fn a_value_that_matches_its_definition_passes() {
        let fine = json!({
            "Name": null, "Kind": "Static", "Made": "2026-11-24T01:00:00.000+00:00", "Version": 1,
            "Workers": [{ "Up": true }, {}], "Links": { "Self": "/api" },
        });
        assert_eq!(told(fine), "");
    }

    #[test]
    fn deviations_from_a_definition_are_reported() {
        insta::assert_snapshot!(told(json!({
            "Name": 3, "Kind": "static", "Made": "today", "Nme": "x", "Version": 3_000_000_000_u32,
            "Workers": [{ "Up": "yes" }, 7, { "Down": true }], "Links": { "Self": {} },
        })), @r#"
        Pool.Kind: "static" is none of the words of the contract
        Pool.Links.*: object is no string
        Pool.Made: "today" is no point in time
        Pool.Name: number is no string
        Pool.Version: 3000000000 is no integer of this size
        Pool: `Nme` is not in the contract
        Worker.Up: string is no boolean
        Worker: `Down` is not in the contract
        Worker: number is no object
        "#);
        insta::assert_snapshot!(told(json!([])), @"Pool: array is no object");
        insta::assert_snapshot!(told(json!({ "Version": null })), @"Pool: `Version` is missing");
    }
}
