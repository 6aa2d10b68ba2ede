//! How a plan was made: when, by whom, and from what. For people, and for the age that `apply` accepts.
//!
//! Never: anything that decides what a plan does. A saved plan is text that anybody may have edited.

use serde::{Deserialize, Serialize};

/// How a plan was made. What is not known is left out, as is all of it for a plan that is only shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PlanStamp {
    /// When, as RFC 3339 in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// The server's user whose key it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The commit that the files come from.
    #[serde(flatten)]
    pub commit: SourceCommit,
    /// The page of the CI job that made the plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// The wave that the plan was narrowed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wave: Option<String>,
    /// The version of the tool; saved with its name.
    #[serde(skip)]
    pub tool: Option<String>,
    /// The digest of each file; saved with their names.
    #[serde(skip)]
    pub files: Vec<FileDigest>,
}

/// The Git commit that files come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceCommit {
    /// Its full id; `None` outside a repository.
    #[serde(rename = "commit", skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Whether the files may differ from the commit, because the working tree had changes; `None` if it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dirty: Option<bool>,
}

/// A file that a plan was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDigest {
    /// The file, as the user gave it.
    pub file: String,
    /// `sha256:` and the digest of its bytes.
    pub digest: String,
}

impl PlanStamp {
    /// Whether there is nothing to save.
    pub fn is_empty(&self) -> bool {
        let Self { at, user, commit, job, wave, tool: _, files: _ } = self;
        [at, user, job, wave].iter().all(|part| part.is_none()) && commit.id.is_none()
    }
}

impl SourceCommit {
    /// Returns the commit in few characters, as people compare it.
    pub fn short_id(&self) -> Option<String> {
        self.id.as_ref().map(|id| id.chars().take(12).collect())
    }
}
