//! Reading a space.

use super::{
    ClientError, Connection, ProjectBranch, Resource,
    path::{RequestPath, percent_encode},
    resource::process_segment,
    wire,
};
use poolwright_core::model::{Id, ProcessKind, Space};
use serde_json::value::RawValue;

/// Selects the events that change documents, without the difference that each made.
const DOCUMENT_EVENTS: &str = "eventCategories=Created,Modified,Deleted&excludeDifference=true";

/// Read-only access to a space. Every method may fail with any [`ClientError`].
///
/// ```
/// # use poolwright_client::octopus::{ClientError, Resource, SpaceReader};
/// async fn plan(reader: SpaceReader, resource: Resource) -> Result<String, ClientError> {
///     reader.read_document(&resource).await
/// }
/// ```
///
/// ```compile_fail,E0599
/// # use poolwright_client::octopus::{ClientError, Resource, SpaceReader};
/// async fn plan(reader: SpaceReader, resource: Resource) -> Result<(), ClientError> {
///     reader.delete_resource(&resource).await
/// }
/// ```
#[derive(Clone, Debug)]
pub struct SpaceReader {
    connection: Connection,
    prefix: RequestPath,
    space: Id<Space>,
}

/// A document that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadDocument {
    /// Its id.
    pub id: String,
    /// Why.
    pub error: ClientError,
}

/// The result of a request.
type ClientResult<T> = Result<T, ClientError>;

impl SpaceReader {
    pub(super) fn new(connection: Connection, space: &Id<Space>) -> Self {
        let prefix = RequestPath::new("/api").with_id(space.as_str());
        Self { connection, prefix, space: space.clone() }
    }

    /// The space.
    pub(crate) fn space_id(&self) -> &Id<Space> {
        &self.space
    }

    /// The prefix of every path of the space.
    pub(crate) fn path_prefix(&self) -> &RequestPath {
        &self.prefix
    }

    fn space_path(&self, segments: &'static str) -> RequestPath {
        self.prefix.join(segments)
    }

    fn project_path(&self, project: &str) -> RequestPath {
        self.space_path("projects").with_id(project)
    }

    /// Lists all worker pools, in their order.
    pub async fn list_worker_pools(&self) -> ClientResult<Vec<wire::WorkerPoolResource>> {
        self.connection.list_all(&self.space_path("workerpools")).await
    }

    /// Lists all workers that the key may see; the list is empty if it may see none.
    pub async fn list_workers(&self) -> ClientResult<Vec<wire::WorkerResource>> {
        self.connection.list_all(&self.space_path("workers")).await
    }

    /// Lists the workers whose name may be this one.
    ///
    /// # Source
    ///
    /// `workers{?skip,take,name,ids,partialName,…}` in the links of `GET /api/{space}` (`api.md` 1.4): a server that
    /// knew no such filter would send all workers.
    pub async fn find_workers(&self, name: &str) -> ClientResult<Vec<wire::WorkerResource>> {
        let query = format!("partialName={}", percent_encode(name.trim()));
        self.connection.list_pages(&self.space_path("workers").with_query(&query)).await
    }

    /// Lists all machine policies.
    pub async fn list_machine_policies(&self) -> ClientResult<Vec<wire::NamedResource>> {
        self.connection.list_all(&self.space_path("machinepolicies")).await
    }

    /// Lists all proxies.
    pub async fn list_proxies(&self) -> ClientResult<Vec<wire::NamedResource>> {
        self.connection.list_all(&self.space_path("proxies")).await
    }

    /// Lists all accounts, of every type.
    pub async fn list_accounts(&self) -> ClientResult<Vec<wire::AccountResource>> {
        self.connection.list_all(&self.space_path("accounts")).await
    }

    /// Lists all feeds.
    pub async fn list_feeds(&self) -> ClientResult<Vec<wire::NamedResource>> {
        self.connection.list_all(&self.space_path("feeds")).await
    }

    /// Lists all projects that the key may see.
    pub async fn list_projects(&self) -> ClientResult<Vec<wire::ProjectResource>> {
        self.connection.list_all(&self.space_path("projects")).await
    }

    /// Lists all project groups.
    pub async fn list_project_groups(&self) -> ClientResult<Vec<wire::NamedResource>> {
        self.connection.list_pages(&self.space_path("projectgroups")).await
    }

    /// Lists all runbooks that are stored in the database.
    pub async fn list_runbooks(&self) -> ClientResult<Vec<wire::RunbookResource>> {
        self.connection.list_pages(&self.space_path("runbooks")).await
    }

    /// Lists all deployment targets.
    pub async fn list_targets(&self) -> ClientResult<Vec<wire::DeploymentTargetResource>> {
        self.connection.list_pages(&self.space_path("machines")).await
    }

    /// Lists all library variable sets.
    pub async fn list_library_sets(&self) -> ClientResult<Vec<wire::LibraryVariableSetResource>> {
        self.connection.list_all(&self.space_path("libraryvariablesets")).await
    }

    /// Lists the values that all tenants give to the variable templates of projects and libraries.
    pub async fn list_tenant_variables(&self) -> ClientResult<Vec<wire::TenantVariableResource>> {
        self.connection.list_all(&self.space_path("tenantvariables")).await
    }

    /// Lists all step templates.
    pub async fn list_step_templates(&self) -> ClientResult<Vec<wire::ActionTemplateResource>> {
        self.connection.list_all(&self.space_path("actiontemplates")).await
    }

    /// Lists all environments.
    pub async fn list_environments(&self) -> ClientResult<Vec<wire::NamedResource>> {
        self.connection.list_all(&self.space_path("environments")).await
    }

    /// Lists all tag sets, with their tags.
    pub async fn list_tag_sets(&self) -> ClientResult<Vec<wire::TagSetResource>> {
        self.connection.list_all(&self.space_path("tagsets")).await
    }

    /// Lists all channels of all projects.
    pub async fn list_channels(&self) -> ClientResult<Vec<wire::ChannelResource>> {
        self.connection.list_all(&self.space_path("channels")).await
    }

    /// Lists the newest releases of all projects, newest first: at most `pages` pages, until `enough` returns
    /// true for the releases so far. Also returns whether there are older ones.
    pub async fn newest_releases(
        &self,
        pages: usize,
        enough: impl Fn(&[wire::ReleaseResource]) -> bool,
    ) -> ClientResult<(Vec<wire::ReleaseResource>, bool)> {
        self.connection.list_newest(&self.space_path("releases"), pages, enough).await
    }

    /// Lists the newest events in which something with one of these ids was created, modified or deleted: at most
    /// `pages` pages for each hundred ids, until each id has one.
    ///
    /// # Source
    ///
    /// `events{?regardingAny,eventCategories,excludeDifference,…}` in the links of `GET /api` (`api.md` 1.4); events
    /// are ordered by their date, descending.
    pub async fn newest_events(
        &self,
        ids: &[String],
        pages: usize,
    ) -> ClientResult<Vec<wire::EventResource>> {
        let path = self.space_path("events").with_query(DOCUMENT_EVENTS);
        self.connection
            .list_newest_about(&path, ids, pages, |event: &wire::EventResource| {
                &event.related_document_ids
            })
            .await
    }

    /// Lists the newest deletions, at most one page.
    pub async fn newest_deletions(&self) -> ClientResult<Vec<wire::EventResource>> {
        let query = "eventCategories=Deleted&excludeDifference=true";
        let path = self.space_path("events").with_query(query);
        Ok(self.connection.list_newest(&path, 1, |_| true).await?.0)
    }

    /// Reads the runbook snapshots with these ids.
    pub async fn runbook_snapshots(
        &self,
        ids: &[String],
    ) -> (Vec<wire::RunbookSnapshotResource>, Vec<UnreadDocument>) {
        self.connection.list_by_ids(&self.space_path("runbookSnapshots"), ids).await
    }

    /// Reads the worker-pool variables on a branch.
    pub async fn branch_variables(
        &self,
        branch: &ProjectBranch,
    ) -> ClientResult<wire::VariableSetResource> {
        let variables = Resource::BranchVariableSet(branch.clone());
        self.connection.get_json(&variables.document_path(&self.prefix)).await
    }

    /// Lists the images of dynamic worker pools; `None` if the server offers none.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`] except a missing route.
    ///
    /// # Source
    ///
    /// `GET …/workerpools/dynamicworkertypes`. A server that cannot reach the underlying service returns
    /// 500, which is not an error here.
    pub async fn dynamic_worker_types(&self) -> ClientResult<Option<Vec<String>>> {
        let path = self.space_path("workerpools/dynamicworkertypes");
        match self.connection.get_json::<wire::WorkerPoolDynamicWorkerTypesResource>(&path).await {
            Ok(types) => Ok(Some(types.image_names())),
            Err(error) if error.is_missing_route() || error.status_code() == Some(500) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads the worker-pool variables of the variable sets with these ids.
    pub async fn variable_sets(
        &self,
        ids: &[String],
    ) -> (Vec<wire::VariableSetResource>, Vec<UnreadDocument>) {
        self.connection.list_by_ids(&self.space_path("variables"), ids).await
    }

    /// Reads the processes with these ids, in no particular order, with only the fields that decide where
    /// their steps run.
    pub async fn processes_by_ids(
        &self,
        kind: ProcessKind,
        ids: &[String],
    ) -> (Vec<wire::ProcessResource>, Vec<UnreadDocument>) {
        self.connection.list_by_ids(&self.space_path(process_segment(kind)), ids).await
    }

    /// Lists all branches of a version-controlled project's repository.
    pub async fn list_branches(&self, project: &str) -> ClientResult<Vec<wire::GitBranchResource>> {
        self.connection.list_pages(&self.project_path(project).join("git/branches")).await
    }

    /// Finds a branch; `None` if the server says, or the list of all branches shows, that no branch has this name.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`] except not found.
    pub async fn find_branch(
        &self,
        branch: &ProjectBranch,
    ) -> ClientResult<Option<wire::GitBranchResource>> {
        let branches = self.project_path(&branch.project).join("git/branches");
        let path = branches.with_git_ref(&branch.canonical_name());
        match self.connection.get_json(&path).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) if error.is_any_404() => {
                let all = self.list_branches(&branch.project).await?;
                Ok(all.into_iter().find(|found| found.name == branch.name))
            }
            Err(error) => Err(error),
        }
    }

    /// Lists the runbooks that are stored on a branch.
    pub async fn branch_runbooks(
        &self,
        branch: &ProjectBranch,
    ) -> ClientResult<Vec<wire::RunbookResource>> {
        self.connection.list_pages(&branch.path_in_space(&self.prefix).join("runbooks")).await
    }

    /// Reads a process that has its own document, with only the fields that decide where its steps run.
    pub async fn read_process(&self, resource: &Resource) -> ClientResult<wire::ProcessResource> {
        self.connection.get_json(&resource.document_path(&self.prefix)).await
    }

    /// Reads a project's deployment process with the steps of process templates in place of their usages; for
    /// a version-controlled project, on this branch.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`]; a server without process templates has no such route.
    ///
    /// # Source
    ///
    /// `api.md` 2.8. No route resolves the process of a runbook.
    pub async fn resolved_process(
        &self,
        project: &str,
        branch: Option<&ProjectBranch>,
    ) -> ClientResult<wire::ResolvedProcessResource> {
        let owner = match branch {
            None => self.project_path(project),
            Some(branch) => branch.path_in_space(&self.prefix),
        };
        let process = owner.join(process_segment(ProcessKind::Deployment));
        self.connection.get_json(&process.join("resolved")).await
    }

    /// Reads a server task.
    pub async fn read_task(&self, id: &str) -> ClientResult<wire::TaskResource> {
        self.connection.get_json(&self.space_path("tasks").with_id(id)).await
    }

    /// Lists all documents at a segment such as `workerpools`, as received.
    pub async fn list_raw(&self, segment: &'static str) -> ClientResult<Vec<wire::RawDocument>> {
        self.connection.list_pages(&self.space_path(segment)).await
    }

    /// Reads the documents with these ids at a segment, as received.
    pub async fn raw_by_ids(
        &self,
        segment: &'static str,
        ids: &[String],
    ) -> (Vec<wire::RawDocument>, Vec<UnreadDocument>) {
        self.connection.list_by_ids(&self.space_path(segment), ids).await
    }

    /// Reads a document as received.
    pub async fn read_document(&self, resource: &Resource) -> ClientResult<String> {
        let path = resource.document_path(&self.prefix);
        let text: Box<RawValue> = self.connection.get_json(&path).await?;
        Ok(text.get().to_owned())
    }
}
