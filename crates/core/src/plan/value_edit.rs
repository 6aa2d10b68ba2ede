//! Edits of one value of a worker pool variable: added, changed, or removed.

use super::{Delta, FieldDiff, WrittenField, edit::render_pool};
use crate::model::{Channel, Environment, Id, Linked, Name, PoolHandle, VariableValue};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An edit of a value of a worker pool variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueEdit {
    /// Adds a value for a scope that has none yet.
    Add {
        /// The scope of the value.
        scope: PlannedValueScope,
        /// The pool.
        pool: PoolHandle,
        /// The value before it was removed, if a rollback restores it.
        #[serde(flatten)]
        restored: Option<RestoredValue>,
    },
    /// Changes the pool of a value.
    Change {
        /// The value's id.
        id: Id<VariableValue>,
        /// The scope, for a value in Git: its id there is only its position among the values of its name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scope: Option<PlannedValueScope>,
        /// The pool; `None` if the value is empty.
        pool: Delta<Option<PoolHandle>>,
        /// The field, if it is restored byte for byte, be it absent, `null` or empty.
        #[serde(rename = "exactly", default, skip_serializing_if = "Option::is_none")]
        restored: Option<Box<WrittenField>>,
    },
    /// Removes a value.
    Remove {
        /// The value's id.
        id: Id<VariableValue>,
        /// The scope, for a value in Git.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scope: Option<PlannedValueScope>,
        /// The value's pool; `None` if the value is empty.
        pool: Option<PoolHandle>,
    },
}

/// A removed value, including what the edit that restores it does not state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoredValue {
    /// The whole value.
    #[serde(rename = "restored")]
    pub document: Value,
    /// The original spelling, if this tool would spell the value differently.
    #[serde(rename = "restored_text", default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// The scope of a planned value: all of these must match. An empty list is no condition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedValueScope {
    /// Environments.
    pub environments: Vec<Linked<Environment>>,
    /// Channels.
    pub channels: Vec<Linked<Channel>>,
    /// Tenant tags: `Region/Europe`.
    pub tenant_tags: Vec<String>,
}

impl PlannedValueScope {
    /// Returns the ids of what the scope names, by the server's names of the dimensions.
    pub fn id_lists(&self) -> [(&'static str, Vec<&str>); 3] {
        let Self { environments, channels, tenant_tags } = self;
        [
            ("Environment", environments.iter().map(|it| it.id.as_str()).collect()),
            ("Channel", channels.iter().map(|it| it.id.as_str()).collect()),
            ("TenantTag", tenant_tags.iter().map(String::as_str).collect()),
        ]
    }

    /// Describes the scope in words, the same ones as for an existing value; empty if the value
    /// applies everywhere.
    pub fn describe(&self) -> String {
        let Self { environments, channels, tenant_tags } = self;
        let lists = [
            ("environment", environments.iter().map(|it| it.name.as_str()).collect::<Vec<_>>()),
            ("channel", channels.iter().map(|it| it.name.as_str()).collect()),
            ("tenant tag", tenant_tags.iter().map(String::as_str).collect()),
        ];
        let parts = lists.into_iter().filter(|(_, names)| !names.is_empty());
        let parts: Vec<_> =
            parts.map(|(noun, names)| format!("{noun} {}", names.join(", "))).collect();
        parts.join("; ")
    }
}

impl RestoredValue {
    /// Returns whether this is a value of the variable `name` with the scope of the edit.
    pub(super) fn is_shown_as(&self, name: &str, scope: &PlannedValueScope) -> bool {
        let text = |key| self.document.get(key).and_then(Value::as_str).unwrap_or_default();
        let ids = |dimension| -> Vec<&str> {
            let ids = self.document.get("Scope").and_then(|scope| scope.get(dimension)?.as_array());
            ids.into_iter().flatten().filter_map(Value::as_str).collect()
        };
        Name::new(text("Name")) == Name::new(name)
            && text("Type").eq_ignore_ascii_case("WorkerPool")
            && scope.id_lists().into_iter().all(|(dimension, shown)| ids(dimension) == shown)
    }

    /// Returns the members that neither the value's address nor its pool shows, unless they are as in a new value: the
    /// server has nothing to compare them with, so people have to see them.
    fn hidden_fields(&self) -> Vec<FieldDiff> {
        let mut fields = Vec::new();
        for (key, value) in self.document.as_object().into_iter().flatten() {
            match (key.as_str(), value) {
                ("Id" | "Name" | "Type" | "Value", _) => {}
                ("Scope", Value::Object(scope)) => fields.extend(hidden_dimensions(scope)),
                ("IsEditable", Value::Bool(true)) => {}
                (_, Value::Bool(false)) if key != "IsEditable" => {}
                (_, Value::Null) => {}
                (_, Value::String(text)) if text.is_empty() => {}
                _ => fields.push(FieldDiff::new_added(key, value.clone())),
            }
        }
        fields
    }
}

/// Returns the dimensions of a scope that a value's address does not have.
fn hidden_dimensions(scope: &Map<String, Value>) -> impl Iterator<Item = FieldDiff> {
    let shown = PlannedValueScope::default().id_lists().map(|(dimension, _)| dimension);
    let hidden = scope.iter().filter(move |(dimension, _)| !shown.contains(&dimension.as_str()));
    hidden.map(|(dimension, ids)| FieldDiff::new_added(&format!("scope.{dimension}"), ids.clone()))
}

impl ValueEdit {
    /// Returns the fields of the edit for display.
    pub fn edited_fields(&self) -> Vec<FieldDiff> {
        match self {
            Self::Add { pool, restored, .. } => {
                let hidden = restored.iter().flat_map(RestoredValue::hidden_fields);
                [FieldDiff::new_added("pool", render_pool(pool))]
                    .into_iter()
                    .chain(hidden)
                    .collect()
            }
            Self::Change { pool, .. } => {
                vec![pool.to_field_diff("pool", |it| it.as_ref().map_or(Value::Null, render_pool))]
            }
            Self::Remove { pool, .. } => {
                vec![FieldDiff::new_removed("pool", pool.as_ref().map_or(Value::Null, render_pool))]
            }
        }
    }

    /// Returns the scope that the edit states; `None` if the value's id decides.
    pub fn planned_scope(&self) -> Option<&PlannedValueScope> {
        match self {
            Self::Add { scope, .. } => Some(scope),
            Self::Change { scope, .. } | Self::Remove { scope, .. } => scope.as_ref(),
        }
    }

    /// Returns the current pool.
    pub fn pool_before(&self) -> Option<&PoolHandle> {
        match self {
            Self::Add { .. } => None,
            Self::Change { pool, .. } => pool.before().as_ref(),
            Self::Remove { pool, .. } => pool.as_ref(),
        }
    }

    /// Returns the new pool.
    pub fn pool_after(&self) -> Option<&PoolHandle> {
        match self {
            Self::Add { pool, .. } => Some(pool),
            Self::Change { pool, .. } => pool.after().as_ref(),
            Self::Remove { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Address;
    use serde_json::json;

    #[test]
    fn other_fields_of_a_restored_value_are_shown() {
        let shown = |more: Value| {
            let mut document = json!({
                "Id": "v", "Name": "Build.Pool", "Type": "WorkerPool", "Value": "WorkerPools-1", "Description": "",
                "Scope": { "Environment": ["Environments-1"] }, "IsEditable": true, "Prompt": null, "IsSensitive": false,
            });
            for (key, value) in more.as_object().unwrap() {
                document[key] = value.clone();
            }
            let pool = PoolHandle::New(Address::Pool("new".to_owned()));
            let restored = Some(RestoredValue { document, text: None });
            let edit = ValueEdit::Add { scope: PlannedValueScope::default(), pool, restored };
            edit.edited_fields().into_iter().skip(1).map(|it| it.path).collect::<Vec<_>>()
        };
        assert_eq!(shown(json!({})), [""; 0]);
        let all = json!({
            "Description": "x", "IsEditable": false, "IsSensitive": true, "Prompt": { "Label": "Where?" }, "New": 1,
            "Scope": { "Machine": ["Machines-1"], "TenantTag": [] },
        });
        assert_eq!(
            shown(all),
            ["Description", "scope.Machine", "IsEditable", "Prompt", "IsSensitive", "New"]
        );
    }
}
