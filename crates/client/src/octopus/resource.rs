//! Resources that have their own document, and the paths of these documents.

use super::base::percent_encode;
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
    pub(crate) fn path_in_space(&self, space: &str) -> String {
        format!(
            "{space}/projects/{}/{}",
            percent_encode(&self.project),
            percent_encode(&self.canonical_name())
        )
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
    pub(crate) fn document_path(&self, space: &str) -> String {
        match self {
            Self::WorkerPool(id) => format!("{space}/workerpools/{}", percent_encode(id)),
            Self::Worker(id) => format!("{space}/workers/{}", percent_encode(id)),
            Self::Process(kind, id) => {
                format!("{space}/{}/{}", process_segment(*kind), percent_encode(id))
            }
            Self::BranchProcess(branch, kind, id) => {
                let processes =
                    format!("{}/{}", branch.path_in_space(space), process_segment(*kind));
                match kind {
                    // A branch has only one, which is served without its id.
                    ProcessKind::Deployment => processes,
                    ProcessKind::Runbook => format!("{processes}/{}", percent_encode(id)),
                }
            }
            Self::VariableSet(id) => format!("{space}/variables/{}", percent_encode(id)),
            Self::BranchVariableSet(branch) => format!("{}/variables", branch.path_in_space(space)),
            Self::Target(id) => format!("{space}/machines/{}", percent_encode(id)),
            Self::Features => "/api/featuresconfiguration".to_owned(),
        }
    }

    /// Returns the path to send a PUT of `body` to.
    ///
    /// A deployment process is put through its project if its own link does the same: newer servers deprecate
    /// the route by process id, and older ones have no other.
    pub(crate) fn path_to_put(&self, space: &str, body: &str) -> String {
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
fn project_process_path(space: &str, body: &str) -> Option<String> {
    let OwnedProcess { project_id, links } = serde_json::from_str(body).ok()?;
    let below = format!("/projects/{}/deploymentprocesses", percent_encode(&project_id));
    let has_it = links.itself.to_lowercase().ends_with(&below.to_lowercase());
    has_it.then(|| format!("{space}{below}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_put_where_it_says_that_it_lives() {
        let process =
            Resource::Process(ProcessKind::Deployment, "deploymentprocess-Projects-1".to_owned());
        let put = |link: &str| {
            let body = format!(r#"{{"ProjectId":"Projects-1","Links":{{"Self":"{link}"}}}}"#);
            process.path_to_put("/api/Spaces-1", &body)
        };
        let by_project = "/api/Spaces-1/projects/Projects-1/deploymentprocesses";
        assert_eq!(put(by_project), by_project);
        assert_eq!(put("https://evil.example/projects/Projects-1/deploymentprocesses"), by_project);
        let by_id = "/api/Spaces-1/deploymentprocesses/deploymentprocess-Projects-1";
        assert_eq!(put(by_id), by_id);
        assert_eq!(process.path_to_put("/api/Spaces-1", "{}"), by_id);
    }

    #[test]
    fn a_ref_is_one_segment_of_a_path() {
        let branch =
            ProjectBranch { project: "Projects-2".to_owned(), name: "release/1".to_owned() };
        assert_eq!(
            Resource::BranchProcess(
                branch,
                ProcessKind::Runbook,
                "RunbookProcess-restart".to_owned()
            )
            .document_path("/api/Spaces-1"),
            "/api/Spaces-1/projects/Projects-2/refs%2Fheads%2Frelease%2F1/runbookProcesses/RunbookProcess-restart"
        );
    }

    #[test]
    fn an_id_cannot_leave_its_place_in_the_path() {
        let worker = Resource::Worker("../spaces/Spaces-2?x=".to_owned());
        assert_eq!(
            worker.document_path("/api/Spaces-1"),
            "/api/Spaces-1/workers/..%2Fspaces%2FSpaces-2%3Fx%3D"
        );
    }
}
