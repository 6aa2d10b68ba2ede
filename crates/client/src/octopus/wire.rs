//! What the server answers, as Octopus spells it, and only the fields that somebody reads.
//!
//! An id and a name are required; every other field may be missing or `null`. Unknown fields are ignored,
//! and words of an enumeration stay words, since a newer server has more of them. Never: a meaning.

mod page;
mod permissions;
mod process;
mod project;
mod raw;
mod release;
mod resolved;
mod task;
mod tenant;
mod tolerant;
mod worker;

pub(super) use page::{HasId, ResourceCollection};
pub use permissions::{UserPermissionRestriction, UserPermissionSetResource};
pub use process::{
    DeploymentActionContainerResource, DeploymentActionResource, DeploymentStepResource,
    PlacementProperties, ProcessResource,
};
pub use project::{
    ConversionStateResource, DeploymentTargetResource, GitBranchResource,
    LibraryVariableSetResource, PersistenceSettingsResource, ProjectResource, RunbookResource,
    VariableResource, VariableScopeResource, VariableScopeValues, VariableSetResource,
};
pub use raw::RawDocument;
pub use release::{ChannelResource, ReleaseResource, RunbookSnapshotResource};
pub use resolved::{ResolvedActionResource, ResolvedProcessResource, ResolvedStepResource};
pub use task::TaskResource;
pub use tenant::{
    ActionTemplateParameterResource, ActionTemplateResource, TagResource, TagSetResource,
    TenantValue, TenantVariableResource,
};
pub use worker::{
    EndpointResource, TentacleEndpointConfigurationResource, WorkerPoolDynamicWorkerTypesResource,
    WorkerPoolResource, WorkerResource,
};

use serde::Deserialize;
use tolerant::or_default;

/// `GET /api`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RootResource {
    /// The server's version: `2026.2.9314`.
    #[serde(deserialize_with = "or_default")]
    pub version: String,
}

/// A space.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SpaceResource {
    /// `Spaces-1`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its name in URLs; empty on old servers.
    #[serde(default, deserialize_with = "or_default")]
    pub slug: String,
    /// Whether it is the one where nothing is said.
    #[serde(default, deserialize_with = "or_default")]
    pub is_default: bool,
}

/// The server's switches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct FeaturesConfigurationResource {
    /// Whether the built-in worker may run steps; absent on servers that have none.
    pub is_built_in_worker_enabled: Option<bool>,
}

/// A thing of which only the name counts: a machine policy, proxy, feed or project group.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct NamedResource {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its name in URLs; empty where it has none.
    #[serde(default, deserialize_with = "or_default")]
    pub slug: String,
    /// Whether it is what is taken where nothing is said.
    #[serde(default, deserialize_with = "or_default")]
    pub is_default: bool,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AccountResource {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its name in URLs; empty on old servers.
    #[serde(default, deserialize_with = "or_default")]
    pub slug: String,
    /// `SshKeyPair`, and others.
    #[serde(default, deserialize_with = "or_default")]
    pub account_type: String,
    /// Where newer servers keep what the type decides.
    #[serde(default, deserialize_with = "or_default")]
    pub details: AccountDetails,
}

/// The nested half of an [`AccountResource`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AccountDetails {
    /// `SshKeyPair`, and others.
    #[serde(deserialize_with = "or_default")]
    pub account_type: String,
}
