//! What a change does, and to which kind of object.

use serde::{Deserialize, Serialize};

/// The kind of object that a change is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectKind {
    /// A worker pool, or all pools of the space.
    Pool,
    /// A worker.
    Worker,
    /// A value of a worker pool variable.
    Variable,
    /// A deployment target.
    Target,
    /// A step of a process.
    Placement,
    /// The server.
    Server,
}

/// What a change does to its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeAction {
    /// Creates it.
    Create,
    /// Changes some of its fields.
    Update,
    /// Creates another with the same name in its place.
    Replace,
    /// Deletes it.
    Delete,
}

impl ObjectKind {
    /// Returns the name of the kind in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pool => "pool",
            Self::Worker => "worker",
            Self::Variable => "variable",
            Self::Target => "target",
            Self::Placement => "placement",
            Self::Server => "server",
        }
    }
}

impl ChangeAction {
    /// Returns the symbol of the action in text output.
    pub fn symbol(self) -> char {
        match self {
            Self::Create => '+',
            Self::Update => '~',
            Self::Replace => '±',
            Self::Delete => '-',
        }
    }

    /// Returns the name of the action in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::Delete => "delete",
        }
    }
}
