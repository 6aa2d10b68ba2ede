//! The server's responses, as Octopus spells them, with only the fields that are used.
//!
//! An id and a name are required; every other field may be missing or `null`. Unknown fields are ignored,
//! and enumerations stay text, since a newer server may have more values. Never: an interpretation.

mod event;
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
mod user;
mod worker;

pub use event::EventResource;
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
pub use user::UserResource;
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
    /// Whether it is the default space.
    #[serde(default, deserialize_with = "or_default")]
    pub is_default: bool,
}

/// The server's feature switches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct FeaturesConfigurationResource {
    /// Whether the built-in worker may run steps; absent on servers without one.
    pub is_built_in_worker_enabled: Option<bool>,
}

/// A resource of which only the name matters: a machine policy, proxy, feed or project group.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct NamedResource {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its name in URLs; empty if it has none.
    #[serde(default, deserialize_with = "or_default")]
    pub slug: String,
    /// Whether it is the default one of its type.
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
    /// The fields that depend on the type, on newer servers.
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
