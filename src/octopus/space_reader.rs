//! Reading a space.

use super::{Connection, Error, ProcessKind, Resource, base::encoded, wire};
use crate::model::{Id, Space};
use serde_json::value::RawValue;

/// Reads a space, and can do nothing else.
///
/// ```
/// # use poolwright::octopus::{Error, Resource, SpaceReader};
/// async fn plan(reader: SpaceReader, resource: Resource) -> Result<String, Error> {
///     reader.document(&resource).await
/// }
/// ```
///
/// ```compile_fail,E0599
/// # use poolwright::octopus::{Error, Resource, SpaceReader};
/// async fn plan(reader: SpaceReader, resource: Resource) -> Result<(), Error> {
///     reader.delete(&resource).await
/// }
/// ```
#[derive(Clone, Debug)]
pub struct SpaceReader {
    connection: Connection,
    prefix: String,
}

/// A thing that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Its id.
    pub id: String,
    /// Why.
    pub error: Error,
}

/// An answer, or why there is none.
type Answer<T> = Result<T, Error>;

impl SpaceReader {
    pub(super) fn new(connection: Connection, space: &Id<Space>) -> Self {
        Self { connection, prefix: format!("/api/{}", encoded(space.as_str())) }
    }

    /// What every path of the space begins with.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    fn at(&self, path: &str) -> String {
        format!("{}/{path}", self.prefix)
    }

    /// All worker pools, in their order.
    ///
    /// # Errors
    ///
    /// Any [`Error`], as for everything below.
    pub async fn worker_pools(&self) -> Answer<Vec<wire::WorkerPool>> {
        self.connection.list(&self.at("workerpools")).await
    }

    /// All workers that the key may see: none, where it may see none.
    ///
    /// # Errors
    ///
    /// Any [`Error`].
    pub async fn workers(&self) -> Answer<Vec<wire::Worker>> {
        self.connection.list(&self.at("workers")).await
    }

    /// All machine policies.
    ///
    /// # Errors
    ///
    /// Any [`Error`].
    pub async fn machine_policies(&self) -> Answer<Vec<wire::Named>> {
        self.connection.list(&self.at("machinepolicies")).await
    }

    /// All proxies.
    ///
    /// # Errors
    ///
    /// Any [`Error`].
    pub async fn proxies(&self) -> Answer<Vec<wire::Named>> {
        self.connection.list(&self.at("proxies")).await
    }

    /// All accounts, of every type.
    ///
    /// # Errors
    ///
    /// Any [`Error`].
    pub async fn accounts(&self) -> Answer<Vec<wire::Account>> {
        self.connection.list(&self.at("accounts")).await
    }

    /// All feeds.
    ///
    /// # Errors
    ///
    /// Any [`Error`].
    pub async fn feeds(&self) -> Answer<Vec<wire::Named>> {
        self.connection.list(&self.at("feeds")).await
    }

    /// All projects that the key may see.
    ///
    /// # Errors
    ///
    /// Any [`Error`].
    pub async fn projects(&self) -> Answer<Vec<wire::Project>> {
        self.connection.list(&self.at("projects")).await
    }

    /// All project groups.
    ///
    /// # Errors
    ///
    /// Any [`Error`].
    pub async fn project_groups(&self) -> Answer<Vec<wire::Named>> {
        self.connection.pages(&self.at("projectgroups")).await
    }

    /// All runbooks that are kept in the database.
    ///
    /// # Errors
    ///
    /// Any [`Error`].
    pub async fn runbooks(&self) -> Answer<Vec<wire::Runbook>> {
        self.connection.pages(&self.at("runbooks")).await
    }

    /// All deployment targets.
    ///
    /// # Errors
    ///
    /// Any [`Error`].
    pub async fn targets(&self) -> Answer<Vec<wire::Target>> {
        self.connection.pages(&self.at("machines")).await
    }

    /// All library variable sets.
    ///
    /// # Errors
    ///
    /// Any [`Error`].
    pub async fn library_variable_sets(&self) -> Answer<Vec<wire::LibraryVariableSet>> {
        self.connection.list(&self.at("libraryvariablesets")).await
    }

    /// The images of dynamic worker pools; `None` where the server has none to offer.
    ///
    /// # Errors
    ///
    /// Any [`Error`] but that there is no such route.
    ///
    /// # Source
    ///
    /// `GET …/workerpools/dynamicworkertypes`. A server that cannot reach the service behind it answers
    /// 500, which is no error here.
    pub async fn dynamic_worker_types(&self) -> Answer<Option<Vec<String>>> {
        let path = self.at("workerpools/dynamicworkertypes");
        match self.connection.get::<wire::WorkerTypes>(&path).await {
            Ok(types) => Ok(Some(types.names())),
            Err(error) if error.is_no_route() || error.status() == Some(500) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The variable sets of these ids, with their worker-pool variables alone.
    pub async fn variable_sets(&self, ids: &[String]) -> (Vec<wire::VariableSet>, Vec<Unread>) {
        self.connection.by_ids(&self.at("variables"), ids).await
    }

    /// The processes of these ids, in no order: what decides where their steps run, and no more.
    pub async fn processes(
        &self,
        kind: ProcessKind,
        ids: &[String],
    ) -> (Vec<wire::Process>, Vec<Unread>) {
        self.connection.by_ids(&self.at(kind.path()), ids).await
    }

    /// A document as it came.
    ///
    /// # Errors
    ///
    /// Any [`Error`].
    pub async fn document(&self, resource: &Resource) -> Answer<String> {
        let path = resource.path(&self.prefix);
        let text: Box<RawValue> = self.connection.get(&path).await?;
        Ok(text.get().to_owned())
    }
}
