//! Edits of one value of a worker pool variable: it comes, changes, or goes.

use super::{Delta, FieldDiff, WrittenField, edit::render_pool};
use crate::model::{Channel, Environment, Id, Linked, Name, PoolHandle, VariableValue};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What becomes of a value of a worker pool variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueEdit {
    /// There is none of this scope yet.
    Add {
        /// Where it shall hold.
        scope: PlannedValueScope,
        /// The pool.
        pool: PoolHandle,
        /// The value as it was before somebody removed it, where a rollback brings it back.
        #[serde(flatten)]
        restored: Option<RestoredValue>,
    },
    /// It is another pool.
    Change {
        /// Which value.
        id: Id<VariableValue>,
        /// Where it holds, for one in Git: its id there is but its place among those of its name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scope: Option<PlannedValueScope>,
        /// The pool; none where the value is empty.
        pool: Delta<Option<PoolHandle>>,
        /// Its field, where it goes back to what it was to the byte: absent, `null` or empty, too.
        #[serde(rename = "exactly", default, skip_serializing_if = "Option::is_none")]
        restored: Option<Box<WrittenField>>,
    },
    /// It goes.
    Remove {
        /// Which value.
        id: Id<VariableValue>,
        /// Where it holds, for one in Git.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scope: Option<PlannedValueScope>,
        /// The pool that it is; none where it is empty.
        pool: Option<PoolHandle>,
    },
}

/// A value of a variable as it was: what the edit that brings it back does not say of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoredValue {
    /// The value, whole.
    #[serde(rename = "restored")]
    pub document: Value,
    /// How it was spelled, where this tool would spell it another way.
    #[serde(rename = "restored_text", default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// Where a value shall hold: all of these. An empty list is no condition.
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
    /// The ids of what it names, by the server's names of the dimensions.
    pub fn id_lists(&self) -> [(&'static str, Vec<&str>); 3] {
        let Self { environments, channels, tenant_tags } = self;
        [
            ("Environment", environments.iter().map(|it| it.id.as_str()).collect()),
            ("Channel", channels.iter().map(|it| it.id.as_str()).collect()),
            ("TenantTag", tenant_tags.iter().map(String::as_str).collect()),
        ]
    }

    /// Where the value shall hold, in words; empty for everywhere. The same words as those of a value that
    /// is there.
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
    /// Whether it is a value of this variable that holds where the edit says.
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
}

impl ValueEdit {
    /// The edit as it is shown.
    pub fn edited_field(&self) -> FieldDiff {
        match self {
            Self::Add { pool, .. } => FieldDiff::new_added("pool", render_pool(pool)),
            Self::Change { pool, .. } => {
                pool.to_field_diff("pool", |it| it.as_ref().map_or(Value::Null, render_pool))
            }
            Self::Remove { pool, .. } => {
                FieldDiff::new_removed("pool", pool.as_ref().map_or(Value::Null, render_pool))
            }
        }
    }

    /// The pool that it is now.
    pub fn pool_before(&self) -> Option<&PoolHandle> {
        match self {
            Self::Add { .. } => None,
            Self::Change { pool, .. } => pool.before().as_ref(),
            Self::Remove { pool, .. } => pool.as_ref(),
        }
    }

    /// The pool that it shall be.
    pub fn pool_after(&self) -> Option<&PoolHandle> {
        match self {
            Self::Add { pool, .. } => Some(pool),
            Self::Change { pool, .. } => pool.after().as_ref(),
            Self::Remove { .. } => None,
        }
    }
}
