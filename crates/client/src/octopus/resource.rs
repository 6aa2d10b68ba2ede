//! Resources that have their own document, and the paths of these documents.

use super::path::{RequestPath, percent_encode};
use poolwright_core::model::{BranchRef, ProcessKind};
use serde::Deserialize;

/// A resource whose whole document can be read and written. Ids are spelled as the server spells them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Resource {
    /// A worker pool, by its id.
    WorkerPool(String),
    /// A worker, by its id.
    Worker(String),
    /// A process, by its id.
    Process(ProcessKind, String),
    /// A process, by its id, on a branch of its project's repository.
    BranchProcess(ProjectBranch, ProcessKind, String),
    /// The variable set of a project or library, by its id.
    VariableSet(String),
    /// The variables of a project on a branch of its repository.
    BranchVariableSet(ProjectBranch),
    /// A deployment target, by its id.
    Target(String),
    /// The server's feature switches.
    Features,
}

/// A branch of a version-controlled project's repository.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProjectBranch {
    /// The project's id.
    pub project: String,
    /// The branch's short name: `main`.
    pub name: String,
}

impl From<&BranchRef> for ProjectBranch {
    fn from(at: &BranchRef) -> Self {
        Self { project: at.project.as_str().to_owned(), name: at.name.clone() }
    }
}

impl ProjectBranch {
    /// Returns the name that cannot be confused with a tag or commit: `refs/heads/main`.
    pub fn canonical_name(&self) -> String {
        format!("refs/heads/{}", self.name)
    }

    /// Returns the prefix of every path on the branch, given the space's prefix.
    ///
    /// # Source
    ///
    /// A ref is one path segment with its slashes percent-encoded (`api.md` 2.10).
    pub(crate) fn path_in_space(&self, space: &RequestPath) -> RequestPath {
        space.join("projects").with_id(&self.project).with_git_ref(&self.canonical_name())
    }
}

/// Returns the path segment of a kind of process.
pub(crate) fn process_segment(kind: ProcessKind) -> &'static str {
    match kind {
        ProcessKind::Deployment => "deploymentprocesses",
        ProcessKind::Runbook => "runbookProcesses",
    }
}

impl Resource {
    /// Returns the document's path, given a space's prefix such as `/api/Spaces-1`.
    pub(crate) fn document_path(&self, space: &RequestPath) -> RequestPath {
        match self {
            Self::WorkerPool(id) => space.join("workerpools").with_id(id),
            Self::Worker(id) => space.join("workers").with_id(id),
            Self::Process(kind, id) => space.join(process_segment(*kind)).with_id(id),
            Self::BranchProcess(branch, kind, id) => {
                let processes = branch.path_in_space(space).join(process_segment(*kind));
                match kind {
                    // A branch has only one, which is served without its id.
                    ProcessKind::Deployment => processes,
                    ProcessKind::Runbook => processes.with_id(id),
                }
            }
            Self::VariableSet(id) => space.join("variables").with_id(id),
            Self::BranchVariableSet(branch) => branch.path_in_space(space).join("variables"),
            Self::Target(id) => space.join("machines").with_id(id),
            Self::Features => RequestPath::new("/api/featuresconfiguration"),
        }
    }

    /// The id in the resource's document; `None` if it has none of its own, or none that is known.
    pub(crate) fn document_id(&self) -> Option<&str> {
        match self {
            Self::WorkerPool(id)
            | Self::Worker(id)
            | Self::Process(_, id)
            | Self::VariableSet(id)
            | Self::Target(id) => Some(id),
            Self::BranchProcess(..) | Self::BranchVariableSet(_) | Self::Features => None,
        }
    }

    /// The field that tells a document without a known id from any other JSON.
    pub(crate) fn telling_field(&self) -> Option<&'static str> {
        match self {
            Self::Features => Some("IsBuiltInWorkerEnabled"),
            Self::BranchProcess(..) => Some("Steps"),
            Self::BranchVariableSet(_) => Some("Variables"),
            _ => None,
        }
    }

    /// Whether the server refuses to replace a document that somebody changed after it was read.
    ///
    /// # Source
    ///
    /// Only processes and variable sets in the database have a `Version` (`api.md` 0.2, 7.14).
    pub(crate) fn is_versioned(&self) -> bool {
        matches!(self, Self::Process(..) | Self::VariableSet(_))
    }

    /// Returns the path to send a PUT of `body` to.
    ///
    /// A deployment process is put through its project if its own link does the same: newer servers deprecate
    /// the route by process id, and older ones have no other.
    pub(crate) fn path_to_put(&self, space: &RequestPath, body: &str) -> RequestPath {
        let by_project = match self {
            Self::Process(ProcessKind::Deployment, _) => project_process_path(space, body),
            _ => None,
        };
        by_project.unwrap_or_else(|| self.document_path(space))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OwnedProcess {
    project_id: String,
    links: ProcessLinks,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ProcessLinks {
    #[serde(rename = "Self")]
    itself: String,
}

/// Returns the route of a project's process if `body` links to it. The link itself is not followed.
fn project_process_path(space: &RequestPath, body: &str) -> Option<RequestPath> {
    let OwnedProcess { project_id, links } = serde_json::from_str(body).ok()?;
    let path = space.join("projects").with_id(&project_id).join("deploymentprocesses");
    let below = format!("/projects/{}/deploymentprocesses", percent_encode(&project_id));
    let has_it = links.itself.to_lowercase().ends_with(&below.to_lowercase());
    (has_it && path.to_text().is_ok()).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space() -> RequestPath {
        RequestPath::new("/api").with_id("Spaces-1")
    }

    #[test]
    fn a_process_is_written_to_the_path_of_its_self_link() {
        let process =
            Resource::Process(ProcessKind::Deployment, "deploymentprocess-Projects-1".to_owned());
        let put = |link: &str| {
            let body = format!(r#"{{"ProjectId":"Projects-1","Links":{{"Self":"{link}"}}}}"#);
            let path = process.path_to_put(&space(), &body);
            path.to_text().unwrap().to_owned()
        };
        let by_project = "/api/Spaces-1/projects/Projects-1/deploymentprocesses";
        assert_eq!(put(by_project), by_project);
        assert_eq!(put("https://evil.example/projects/Projects-1/deploymentprocesses"), by_project);
        let by_id = "/api/Spaces-1/deploymentprocesses/deploymentprocess-Projects-1";
        assert_eq!(put(by_id), by_id);
        assert_eq!(process.path_to_put(&space(), "{}").to_text(), Ok(by_id));
    }

    #[test]
    fn a_ref_is_one_segment_of_a_path() {
        let branch =
            ProjectBranch { project: "Projects-2".to_owned(), name: "release/1".to_owned() };
        let id = "RunbookProcess-restart".to_owned();
        let process = Resource::BranchProcess(branch, ProcessKind::Runbook, id);
        assert_eq!(
            process.document_path(&space()).to_text(),
            Ok(
                "/api/Spaces-1/projects/Projects-2/refs%2Fheads%2Frelease%2F1/runbookProcesses/RunbookProcess-restart"
            )
        );
    }
}
