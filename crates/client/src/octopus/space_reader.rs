//! Reading a space.

use super::{
    ClientError, Connection, ProjectBranch, Resource, base::percent_encode,
    resource::process_segment, wire,
};
use poolwright_core::model::{Id, ProcessKind, Space};
use serde_json::value::RawValue;

/// Reads a space, and can do nothing else. Every method may fail with any [`ClientError`].
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
    prefix: String,
    space: Id<Space>,
}

/// A thing that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadDocument {
    /// Its id.
    pub id: String,
    /// Why.
    pub error: ClientError,
}

/// An answer, or why there is none.
type ClientResult<T> = Result<T, ClientError>;

impl SpaceReader {
    pub(super) fn new(connection: Connection, space: &Id<Space>) -> Self {
        let prefix = format!("/api/{}", percent_encode(space.as_str()));
        Self { connection, prefix, space: space.clone() }
    }

    /// The space that it reads.
    pub(crate) fn space_id(&self) -> &Id<Space> {
        &self.space
    }

    /// What every path of the space begins with.
    pub(crate) fn path_prefix(&self) -> &str {
        &self.prefix
    }

    fn space_path(&self, path: &str) -> String {
        format!("{}/{path}", self.prefix)
    }

    /// All worker pools, in their order.
    pub async fn list_worker_pools(&self) -> ClientResult<Vec<wire::WorkerPoolResource>> {
        self.connection.list_all(&self.space_path("workerpools")).await
    }

    /// All workers that the key may see: none, where it may see none.
    pub async fn list_workers(&self) -> ClientResult<Vec<wire::WorkerResource>> {
        self.connection.list_all(&self.space_path("workers")).await
    }

    /// All machine policies.
    pub async fn list_machine_policies(&self) -> ClientResult<Vec<wire::NamedResource>> {
        self.connection.list_all(&self.space_path("machinepolicies")).await
    }

    /// All proxies.
    pub async fn list_proxies(&self) -> ClientResult<Vec<wire::NamedResource>> {
        self.connection.list_all(&self.space_path("proxies")).await
    }

    /// All accounts, of every type.
    pub async fn list_accounts(&self) -> ClientResult<Vec<wire::AccountResource>> {
        self.connection.list_all(&self.space_path("accounts")).await
    }

    /// All feeds.
    pub async fn list_feeds(&self) -> ClientResult<Vec<wire::NamedResource>> {
        self.connection.list_all(&self.space_path("feeds")).await
    }

    /// All projects that the key may see.
    pub async fn list_projects(&self) -> ClientResult<Vec<wire::ProjectResource>> {
        self.connection.list_all(&self.space_path("projects")).await
    }

    /// All project groups.
    pub async fn list_project_groups(&self) -> ClientResult<Vec<wire::NamedResource>> {
        self.connection.list_pages(&self.space_path("projectgroups")).await
    }

    /// All runbooks that are kept in the database.
    pub async fn list_runbooks(&self) -> ClientResult<Vec<wire::RunbookResource>> {
        self.connection.list_pages(&self.space_path("runbooks")).await
    }

    /// All deployment targets.
    pub async fn list_targets(&self) -> ClientResult<Vec<wire::DeploymentTargetResource>> {
        self.connection.list_pages(&self.space_path("machines")).await
    }

    /// All library variable sets.
    pub async fn list_library_sets(&self) -> ClientResult<Vec<wire::LibraryVariableSetResource>> {
        self.connection.list_all(&self.space_path("libraryvariablesets")).await
    }

    /// What all tenants say where projects and libraries leave something to them.
    pub async fn list_tenant_variables(&self) -> ClientResult<Vec<wire::TenantVariableResource>> {
        self.connection.list_all(&self.space_path("tenantvariables")).await
    }

    /// All step templates.
    pub async fn list_step_templates(&self) -> ClientResult<Vec<wire::ActionTemplateResource>> {
        self.connection.list_all(&self.space_path("actiontemplates")).await
    }

    /// All environments.
    pub async fn list_environments(&self) -> ClientResult<Vec<wire::NamedResource>> {
        self.connection.list_all(&self.space_path("environments")).await
    }

    /// All tag sets, with their tags.
    pub async fn list_tag_sets(&self) -> ClientResult<Vec<wire::TagSetResource>> {
        self.connection.list_all(&self.space_path("tagsets")).await
    }

    /// All channels of all projects.
    pub async fn list_channels(&self) -> ClientResult<Vec<wire::ChannelResource>> {
        self.connection.list_all(&self.space_path("channels")).await
    }

    /// The newest releases of all projects, newest first: at most `pages` of them, and no further one
    /// once `enough` holds of those so far. Whether there are older ones comes with them.
    pub async fn newest_releases(
        &self,
        pages: usize,
        enough: impl Fn(&[wire::ReleaseResource]) -> bool,
    ) -> ClientResult<(Vec<wire::ReleaseResource>, bool)> {
        self.connection.list_newest(&self.space_path("releases"), pages, enough).await
    }

    /// The snapshots of runbooks of these ids.
    pub async fn runbook_snapshots(
        &self,
        ids: &[String],
    ) -> (Vec<wire::RunbookSnapshotResource>, Vec<UnreadDocument>) {
        self.connection.list_by_ids(&self.space_path("runbookSnapshots"), ids).await
    }

    /// The variables on a branch, with those of type worker pool alone.
    pub async fn branch_variables(
        &self,
        branch: &ProjectBranch,
    ) -> ClientResult<wire::VariableSetResource> {
        let variables = Resource::BranchVariableSet(branch.clone());
        self.connection.get_json(&variables.document_path(&self.prefix)).await
    }

    /// The images of dynamic worker pools; `None` where the server has none to offer.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`] but that there is no such route.
    ///
    /// # Source
    ///
    /// `GET …/workerpools/dynamicworkertypes`. A server that cannot reach the service behind it answers
    /// 500, which is no error here.
    pub async fn dynamic_worker_types(&self) -> ClientResult<Option<Vec<String>>> {
        let path = self.space_path("workerpools/dynamicworkertypes");
        match self.connection.get_json::<wire::WorkerPoolDynamicWorkerTypesResource>(&path).await {
            Ok(types) => Ok(Some(types.image_names())),
            Err(error) if error.is_missing_route() || error.status_code() == Some(500) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The variable sets of these ids, with their worker-pool variables alone.
    pub async fn variable_sets(
        &self,
        ids: &[String],
    ) -> (Vec<wire::VariableSetResource>, Vec<UnreadDocument>) {
        self.connection.list_by_ids(&self.space_path("variables"), ids).await
    }

    /// The processes of these ids, in no order: what decides where their steps run, and no more.
    pub async fn processes_by_ids(
        &self,
        kind: ProcessKind,
        ids: &[String],
    ) -> (Vec<wire::ProcessResource>, Vec<UnreadDocument>) {
        self.connection.list_by_ids(&self.space_path(process_segment(kind)), ids).await
    }

    /// All branches of a version-controlled project's repository.
    pub async fn list_branches(&self, project: &str) -> ClientResult<Vec<wire::GitBranchResource>> {
        self.connection
            .list_pages(
                &self.space_path(&format!("projects/{}/git/branches", percent_encode(project))),
            )
            .await
    }

    /// A branch; `None` where there is none of this name.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`] but that it is not found.
    pub async fn find_branch(
        &self,
        branch: &ProjectBranch,
    ) -> ClientResult<Option<wire::GitBranchResource>> {
        let (project, name) =
            (percent_encode(&branch.project), percent_encode(&branch.canonical_name()));
        let path = self.space_path(&format!("projects/{project}/git/branches/{name}"));
        match self.connection.get_json(&path).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The runbooks that are kept on a branch.
    pub async fn branch_runbooks(
        &self,
        branch: &ProjectBranch,
    ) -> ClientResult<Vec<wire::RunbookResource>> {
        self.connection
            .list_pages(&format!("{}/runbooks", branch.path_in_space(&self.prefix)))
            .await
    }

    /// A process that has a document of its own: what decides where its steps run, and no more.
    pub async fn read_process(&self, resource: &Resource) -> ClientResult<wire::ProcessResource> {
        self.connection.get_json(&resource.document_path(&self.prefix)).await
    }

    /// The deployment process of a project, by its id, with the steps of process templates in place of their
    /// usages; of a version-controlled project on this branch.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`]; a server that knows no process templates has no such route.
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
            None => self.space_path(&format!("projects/{}", percent_encode(project))),
            Some(branch) => branch.path_in_space(&self.prefix),
        };
        self.connection
            .get_json(&format!("{owner}/{}/resolved", process_segment(ProcessKind::Deployment)))
            .await
    }

    /// A task of the server.
    pub async fn read_task(&self, id: &str) -> ClientResult<wire::TaskResource> {
        self.connection.get_json(&self.space_path(&format!("tasks/{}", percent_encode(id)))).await
    }

    /// All documents that are listed at a segment such as `workerpools`, as they came.
    pub async fn list_raw(&self, segment: &str) -> ClientResult<Vec<wire::RawDocument>> {
        self.connection.list_pages(&self.space_path(segment)).await
    }

    /// The documents of these ids that are listed at a segment, as they came.
    pub async fn raw_by_ids(
        &self,
        segment: &str,
        ids: &[String],
    ) -> (Vec<wire::RawDocument>, Vec<UnreadDocument>) {
        self.connection.list_by_ids(&self.space_path(segment), ids).await
    }

    /// A document as it came.
    pub async fn read_document(&self, resource: &Resource) -> ClientResult<String> {
        let path = resource.document_path(&self.prefix);
        let text: Box<RawValue> = self.connection.get_json(&path).await?;
        Ok(text.get().to_owned())
    }
}
