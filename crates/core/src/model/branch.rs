//! What is stored in Git: processes and variables, each as one branch has it.

use super::{Id, Process, Project, VariableSet};

use serde::{Deserialize, Serialize};

/// A process or a set of variables, as one branch of a project's repository has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BranchRef {
    /// The process or the variable set, by the id that all branches share.
    #[serde(alias = "process")]
    pub document: String,
    /// The project whose repository it is in.
    pub project: Id<Project>,
    /// The repository's URL, without what may be secret in it. Projects may share one.
    pub repository: String,
    /// The branch's short name: `main`.
    #[serde(rename = "branch")]
    pub name: String,
}

impl BranchRef {
    /// The same document on another branch.
    pub fn on_branch(&self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self.clone() }
    }

    /// The id of a process on this branch.
    pub fn process_id(&self) -> Id<Process> {
        Id::new(self.unique_id())
    }

    /// The id of a set of variables on this branch.
    pub fn variable_set_id(&self) -> Id<VariableSet> {
        Id::new(self.unique_id())
    }

    /// The document's id, unique among all projects and branches.
    ///
    /// # Source
    ///
    /// `api.md` 2.10: ids of runbooks in Git are slug-based, so that two projects may have the same.
    fn unique_id(&self) -> String {
        format!("{}/{}@{}", self.project.as_str(), self.document, self.name)
    }
}
