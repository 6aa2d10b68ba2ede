//! What changed between two versions of a document, as JSON Patch.
//!
//! An array of another length is replaced as a whole.

use serde_json::{Value, json};

/// The operations that turn `old` into `new`.
pub(super) fn patch_operations(old: &Value, new: &Value) -> Vec<Value> {
    let mut differences = Vec::new();
    collect_operations(old, new, String::new(), &mut differences);
    differences
}

fn collect_operations(old: &Value, new: &Value, path: String, into: &mut Vec<Value>) {
    let child_path = |name: &str| format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"));
    match (old, new) {
        (Value::Object(before), Value::Object(after)) => {
            for (name, value) in before {
                match after.get(name) {
                    Some(changed) => collect_operations(value, changed, child_path(name), into),
                    None => into.push(json!({ "op": "remove", "path": child_path(name) })),
                }
            }
            for (name, value) in after.iter().filter(|(name, _)| !before.contains_key(*name)) {
                into.push(json!({ "op": "add", "path": child_path(name), "value": value }));
            }
        }
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
            for (index, (value, changed)) in before.iter().zip(after).enumerate() {
                collect_operations(value, changed, child_path(&index.to_string()), into);
            }
        }
        (before, after) if before == after => {}
        (_, after) => into.push(json!({ "op": "replace", "path": path, "value": after })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_has_the_path_of_the_change() {
        let pool = json!({ "Name": "A", "Links": { "Self": "/a" }, "Pools": ["P-1", "P-2"] });
        for (new, wanted) in [
            (pool.clone(), json!([])),
            (
                json!({ "Name": "B", "Links": { "Self": "/a" }, "Pools": ["P-1", "P-3"] }),
                json!([
                    { "op": "replace", "path": "/Name", "value": "B" },
                    { "op": "replace", "path": "/Pools/1", "value": "P-3" },
                ]),
            ),
            (
                json!({ "Name": "A", "Links": {}, "Pools": [], "a/b": 1 }),
                json!([
                    { "op": "remove", "path": "/Links/Self" },
                    { "op": "replace", "path": "/Pools", "value": [] },
                    { "op": "add", "path": "/a~1b", "value": 1 },
                ]),
            ),
        ] {
            assert_eq!(json!(patch_operations(&pool, &new)), wanted);
        }
    }
}
