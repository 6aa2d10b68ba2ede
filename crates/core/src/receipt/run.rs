//! Who made an apply, from where, and of what.

use crate::plan::{Plan, SourceCommit};
use serde::{Deserialize, Serialize};

/// Who made an apply, from where, and of what. What is not known is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunRecord {
    /// The server's user whose key it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The page of the CI job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// The commit that the plan was made from.
    #[serde(flatten)]
    pub commit: SourceCommit,
    /// The wave that the plan was narrowed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wave: Option<String>,
    /// The digest of the plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
}

impl RunRecord {
    /// Returns what a plan tells of an apply of it.
    pub fn from_plan(plan: &Plan) -> Self {
        let stamp = &plan.header.stamp;
        Self {
            user: None,
            job: None,
            commit: stamp.commit.clone(),
            wave: stamp.wave.clone(),
            plan: Some(plan.digest().to_string()),
        }
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
