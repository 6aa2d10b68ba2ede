//! Where a step runs.

use serde::{Deserialize, Serialize};

/// What chooses a step's pool. `P` is the type of a declared, live or planned pool.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place<P> {
    /// This pool.
    Pool(P),
    /// The worker pool variable of this name.
    Variable(String),
    /// The space's default pool at run time, because the step names none.
    ///
    /// In Octopus, the field is then absent, `null` or empty.
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

/// How often a step runs, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Execution {
    /// Once, on a worker.
    Once,
    /// On a worker, on behalf of each deployment target.
    PerTarget,
    /// On each deployment target itself. A file cannot request this.
    OnTargets,
}

/// The container image in which a step runs on its worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container<F> {
    /// The image, with its tag.
    pub image: String,
    /// The feed that has the image.
    pub feed: F,
}

impl Execution {
    /// The word for it in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::PerTarget => "per-target",
            Self::OnTargets => "on-targets",
        }
    }
}
