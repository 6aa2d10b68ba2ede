//! Reading a server: what is in no space.

use super::{ClientError, Connection, SpaceReader, wire};
use poolwright_core::model::{Id, Space};

/// Reads a server, and can do nothing else. Every method may fail with any [`ClientError`].
///
/// ```
/// # use poolwright_client::octopus::{ClientError, Reader};
/// # use poolwright_core::model::{Id, Space};
/// async fn plan(reader: Reader, space: Id<Space>) -> Result<usize, ClientError> {
///     Ok(reader.in_space(&space).list_workers().await?.len())
/// }
/// ```
///
/// ```compile_fail,E0599
/// # use poolwright_client::octopus::{ClientError, Reader};
/// # use poolwright_core::model::{Id, Space};
/// async fn plan(reader: Reader, space: Id<Space>) -> Result<(), ClientError> {
///     reader.writer(&space).sort_worker_pools(&[]).await
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Reader(Connection);

impl Connection {
    /// What can read, and nothing else.
    pub fn reader(&self) -> Reader {
        Reader(self.clone())
    }
}

impl Reader {
    /// The server's URL, without a slash at its end.
    pub fn url(&self) -> &str {
        self.0.url()
    }

    /// What the server says about itself.
    ///
    /// # Errors
    ///
    /// [`ClientError::NotOctopus`] where something else answers, and any other [`ClientError`].
    pub async fn read_server_root(&self) -> Result<wire::RootResource, ClientError> {
        let not_octopus = || ClientError::NotOctopus(self.0.url().to_owned());
        match self.0.get_json::<wire::RootResource>("/api").await {
            Ok(root) if root.version.is_empty() => Err(not_octopus()),
            Err(error) if error.is_not_found() => Err(not_octopus()),
            answer => answer,
        }
    }

    /// All spaces that the key may see.
    pub async fn list_spaces(&self) -> Result<Vec<wire::SpaceResource>, ClientError> {
        self.0.list_all("/api/spaces").await
    }

    /// The documents of all spaces that the key may see, as they came.
    pub async fn list_raw_spaces(&self) -> Result<Vec<wire::RawDocument>, ClientError> {
        self.0.list_all("/api/spaces").await
    }

    /// The server's switches.
    pub async fn read_features(&self) -> Result<wire::FeaturesConfigurationResource, ClientError> {
        self.0.get_json("/api/featuresconfiguration").await
    }

    /// What the key's user may do.
    ///
    /// # Source
    ///
    /// What may not be seen is absent from lists; this alone tells an empty list from a hidden one.
    pub async fn read_permissions(&self) -> Result<wire::UserPermissionSetResource, ClientError> {
        self.0.get_json("/api/users/me/permissions").await
    }

    /// What reads a space.
    pub fn in_space(&self, space: &Id<Space>) -> SpaceReader {
        SpaceReader::new(self.0.clone(), space)
    }
}
