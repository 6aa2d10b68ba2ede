//! Reading a space.

use super::{
    ClientError, Connection, ProcessCollection, ProjectBranch, Resource, base::encoded, wire,
};
use poolwright_core::model::{Id, Space};
use serde_json::value::RawValue;

/// Reads a space, and can do nothing else.
///
/// ```
/// # use poolwright_client::octopus::{Error, Resource, SpaceReader};
/// async fn plan(reader: SpaceReader, resource: Resource) -> Result<String, Error> {
///     reader.document(&resource).await
/// }
/// ```
///
/// ```compile_fail,E0599
/// # use poolwright_client::octopus::{Error, Resource, SpaceReader};
/// async fn plan(reader: SpaceReader, resource: Resource) -> Result<(), Error> {
///     reader.delete(&resource).await
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
        let prefix = format!("/api/{}", encoded(space.as_str()));
        Self { connection, prefix, space: space.clone() }
    }

    /// The space that it reads.
    pub(crate) fn space(&self) -> &Id<Space> {
        &self.space
    }

    /// What every path of the space begins with.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    fn at(&self, path: &str) -> String {
        format!("{}/{path}", self.prefix)
    }

    /// All worker pools, in their order.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`], as for everything below.
    pub async fn worker_pools(&self) -> ClientResult<Vec<wire::WorkerPoolResource>> {
        self.connection.list(&self.at("workerpools")).await
    }

    /// All workers that the key may see: none, where it may see none.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    pub async fn workers(&self) -> ClientResult<Vec<wire::WorkerResource>> {
        self.connection.list(&self.at("workers")).await
    }

    /// All machine policies.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    pub async fn machine_policies(&self) -> ClientResult<Vec<wire::NamedResource>> {
        self.connection.list(&self.at("machinepolicies")).await
    }

    /// All proxies.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    pub async fn proxies(&self) -> ClientResult<Vec<wire::NamedResource>> {
        self.connection.list(&self.at("proxies")).await
    }

    /// All accounts, of every type.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    pub async fn accounts(&self) -> ClientResult<Vec<wire::AccountResource>> {
        self.connection.list(&self.at("accounts")).await
    }

    /// All feeds.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    pub async fn feeds(&self) -> ClientResult<Vec<wire::NamedResource>> {
        self.connection.list(&self.at("feeds")).await
    }

    /// All projects that the key may see.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    pub async fn projects(&self) -> ClientResult<Vec<wire::ProjectResource>> {
        self.connection.list(&self.at("projects")).await
    }

    /// All project groups.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    pub async fn project_groups(&self) -> ClientResult<Vec<wire::NamedResource>> {
        self.connection.pages(&self.at("projectgroups")).await
    }

    /// All runbooks that are kept in the database.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    pub async fn runbooks(&self) -> ClientResult<Vec<wire::RunbookResource>> {
        self.connection.pages(&self.at("runbooks")).await
    }

    /// All deployment targets.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    pub async fn targets(&self) -> ClientResult<Vec<wire::DeploymentTargetResource>> {
        self.connection.pages(&self.at("machines")).await
    }

    /// All library variable sets.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    pub async fn library_variable_sets(
        &self,
    ) -> ClientResult<Vec<wire::LibraryVariableSetResource>> {
        self.connection.list(&self.at("libraryvariablesets")).await
    }

    /// What all tenants say where projects and libraries leave something to them.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    pub async fn tenant_variables(&self) -> ClientResult<Vec<wire::TenantVariableResource>> {
        self.connection.list(&self.at("tenantvariables")).await
    }

    /// All step templates.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    pub async fn step_templates(&self) -> ClientResult<Vec<wire::ActionTemplateResource>> {
        self.connection.list(&self.at("actiontemplates")).await
    }

    /// All environments.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    pub async fn environments(&self) -> ClientResult<Vec<wire::NamedResource>> {
        self.connection.list(&self.at("environments")).await
    }

    /// All tag sets, with their tags.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    pub async fn tag_sets(&self) -> ClientResult<Vec<wire::TagSetResource>> {
        self.connection.list(&self.at("tagsets")).await
    }

    /// All channels of all projects.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    pub async fn channels(&self) -> ClientResult<Vec<wire::ChannelResource>> {
        self.connection.list(&self.at("channels")).await
    }

    /// The newest releases of all projects, newest first: at most `pages` of them, and no further one
    /// once `enough` holds of those so far. Whether there are older ones comes with them.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    pub async fn newest_releases(
        &self,
        pages: usize,
        enough: impl Fn(&[wire::ReleaseResource]) -> bool,
    ) -> ClientResult<(Vec<wire::ReleaseResource>, bool)> {
        self.connection.newest(&self.at("releases"), pages, enough).await
    }

    /// The snapshots of runbooks of these ids.
    pub async fn runbook_snapshots(
        &self,
        ids: &[String],
    ) -> (Vec<wire::RunbookSnapshotResource>, Vec<UnreadDocument>) {
        self.connection.by_ids(&self.at("runbookSnapshots"), ids).await
    }

    /// The variables on a branch, with those of type worker pool alone.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    pub async fn variables_on(
        &self,
        branch: &ProjectBranch,
    ) -> ClientResult<wire::VariableSetResource> {
        let variables = Resource::BranchVariableSet(branch.clone());
        self.connection.get(&variables.path(&self.prefix)).await
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
        let path = self.at("workerpools/dynamicworkertypes");
        match self.connection.get::<wire::WorkerPoolDynamicWorkerTypesResource>(&path).await {
            Ok(types) => Ok(Some(types.names())),
            Err(error) if error.is_no_route() || error.status() == Some(500) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The variable sets of these ids, with their worker-pool variables alone.
    pub async fn variable_sets(
        &self,
        ids: &[String],
    ) -> (Vec<wire::VariableSetResource>, Vec<UnreadDocument>) {
        self.connection.by_ids(&self.at("variables"), ids).await
    }

    /// The processes of these ids, in no order: what decides where their steps run, and no more.
    pub async fn processes(
        &self,
        kind: ProcessCollection,
        ids: &[String],
    ) -> (Vec<wire::ProcessResource>, Vec<UnreadDocument>) {
        self.connection.by_ids(&self.at(kind.path()), ids).await
    }

    /// All branches of a version-controlled project's repository.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    pub async fn branches(&self, project: &str) -> ClientResult<Vec<wire::GitBranchResource>> {
        self.connection
            .pages(&self.at(&format!("projects/{}/git/branches", encoded(project))))
            .await
    }

    /// A branch; `None` where there is none of this name.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`] but that it is not found.
    pub async fn branch(
        &self,
        branch: &ProjectBranch,
    ) -> ClientResult<Option<wire::GitBranchResource>> {
        let (project, name) = (encoded(&branch.project), encoded(&branch.canonical()));
        let path = self.at(&format!("projects/{project}/git/branches/{name}"));
        match self.connection.get(&path).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The runbooks that are kept on a branch.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    pub async fn runbooks_on(
        &self,
        branch: &ProjectBranch,
    ) -> ClientResult<Vec<wire::RunbookResource>> {
        self.connection.pages(&format!("{}/runbooks", branch.path(&self.prefix))).await
    }

    /// A process that has a document of its own: what decides where its steps run, and no more.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    pub async fn process(&self, resource: &Resource) -> ClientResult<wire::ProcessResource> {
        self.connection.get(&resource.path(&self.prefix)).await
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
    pub async fn resolved(
        &self,
        project: &str,
        branch: Option<&ProjectBranch>,
    ) -> ClientResult<wire::ResolvedProcessResource> {
        let owner = match branch {
            None => self.at(&format!("projects/{}", encoded(project))),
            Some(branch) => branch.path(&self.prefix),
        };
        self.connection
            .get(&format!("{owner}/{}/resolved", ProcessCollection::Deployment.path()))
            .await
    }

    /// A task of the server.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    pub async fn task(&self, id: &str) -> ClientResult<wire::TaskResource> {
        self.connection.get(&self.at(&format!("tasks/{}", encoded(id)))).await
    }

    /// All documents that are listed at a segment such as `workerpools`, as they came.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    pub async fn raw(&self, segment: &str) -> ClientResult<Vec<wire::RawDocument>> {
        self.connection.pages(&self.at(segment)).await
    }

    /// The documents of these ids that are listed at a segment, as they came.
    pub async fn raw_by_ids(
        &self,
        segment: &str,
        ids: &[String],
    ) -> (Vec<wire::RawDocument>, Vec<UnreadDocument>) {
        self.connection.by_ids(&self.at(segment), ids).await
    }

    /// A document as it came.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    pub async fn document(&self, resource: &Resource) -> ClientResult<String> {
        let path = resource.path(&self.prefix);
        let text: Box<RawValue> = self.connection.get(&path).await?;
        Ok(text.get().to_owned())
    }
}
