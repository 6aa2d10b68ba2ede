//! Reading a server: everything outside spaces.

use super::{ClientError, Connection, SpaceReader, path::RequestPath, wire};
use poolwright_core::model::{Id, Space};

/// Read-only access to a server. Every method may fail with any [`ClientError`].
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
    /// Returns a read-only view of this connection.
    pub fn reader(&self) -> Reader {
        Reader(self.clone())
    }
}

impl Reader {
    /// The server's URL, without a trailing slash.
    pub fn url(&self) -> &str {
        self.0.url()
    }

    /// Reads the server's description of itself.
    ///
    /// # Errors
    ///
    /// [`ClientError::NotOctopus`] if it is not an Octopus Server, and any other [`ClientError`].
    pub async fn read_server_root(&self) -> Result<wire::RootResource, ClientError> {
        let not_octopus = || ClientError::NotOctopus(self.0.url().to_owned());
        match self.0.get_json::<wire::RootResource>(&RequestPath::new("/api")).await {
            Ok(root) if root.version.is_empty() => Err(not_octopus()),
            Err(error) if error.is_any_404() => Err(not_octopus()),
            answer => answer,
        }
    }

    /// Lists all spaces that the key may see.
    pub async fn list_spaces(&self) -> Result<Vec<wire::SpaceResource>, ClientError> {
        self.0.list_all(&RequestPath::new("/api/spaces")).await
    }

    /// Lists the documents of all spaces that the key may see, as received.
    pub async fn list_raw_spaces(&self) -> Result<Vec<wire::RawDocument>, ClientError> {
        self.0.list_all(&RequestPath::new("/api/spaces")).await
    }

    /// Reads the server's feature switches.
    pub async fn read_features(&self) -> Result<wire::FeaturesConfigurationResource, ClientError> {
        self.0.get_json(&RequestPath::new("/api/featuresconfiguration")).await
    }

    /// Reads the permissions of the key's user.
    ///
    /// # Source
    ///
    /// Lists leave out what the user may not see; only permissions tell an empty list from a hidden one.
    pub async fn read_permissions(&self) -> Result<wire::UserPermissionSetResource, ClientError> {
        self.0.get_json(&RequestPath::new("/api/users/me/permissions")).await
    }

    /// Reads the key's user.
    pub async fn read_user(&self) -> Result<wire::UserResource, ClientError> {
        self.0.get_json(&RequestPath::new("/api/users/me")).await
    }

    /// Returns a reader for a space.
    pub fn in_space(&self, space: &Id<Space>) -> SpaceReader {
        SpaceReader::new(self.0.clone(), space)
    }
}
