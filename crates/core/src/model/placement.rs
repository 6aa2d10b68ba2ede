//! Where a step runs.

use serde::{Deserialize, Serialize};

/// What chooses a step's pool. `P` is the pool as declared, as it is, or as planned.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place<P> {
    /// This pool.
    Pool(P),
    /// A variable of type worker pool, by its name.
    Variable(String),
    /// Nothing: the space's default pool, whichever that is at run time.
    ///
    /// Octopus spells it as an absent, a `null` or an empty field; all three are this one thing.
    DefaultPool,
}

impl<P> Place<P> {
    /// The pool, where it is named.
    pub fn pool(&self) -> Option<&P> {
        match self {
            Self::Pool(pool) => Some(pool),
            Self::Variable(_) | Self::DefaultPool => None,
        }
    }
}

/// How often a step runs, and on what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Execution {
    /// Once, on a worker.
    Once,
    /// On a worker, on behalf of each deployment target.
    PerTarget,
    /// On each deployment target itself. A file cannot ask for it.
    OnTargets,
}

/// The container image in which a step runs on its worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container<F> {
    /// The image, with its tag.
    pub image: String,
    /// The feed that has it.
    pub feed: F,
}

impl Execution {
    /// The word for it, as in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::PerTarget => "per-target",
            Self::OnTargets => "on-targets",
        }
    }
}
