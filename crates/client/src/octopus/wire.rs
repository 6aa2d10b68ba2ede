//! What the server answers, as Octopus spells it, and only the fields that somebody reads.
//!
//! An id and a name are required; every other field may be missing or `null`. Unknown fields are ignored,
//! and words of an enumeration stay words, since a newer server has more of them. Never: a meaning.

mod frozen;
mod page;
mod permissions;
mod process;
mod project;
mod raw;
mod resolved;
mod task;
mod tenant;
mod tolerant;
mod worker;

pub use frozen::{Channel, Release, RunbookSnapshot};
pub(super) use page::{Keyed, Page};
pub use permissions::{Grant, Permissions};
pub use process::{Action, Container, Process, Properties, Step};
pub use project::{
    ConversionState, GitBranch, LibraryVariableSet, PersistenceSettings, Project, Runbook,
    ScopeValues, Target, Variable, VariableScope, VariableSet,
};
pub use raw::Raw;
pub use resolved::{Resolved, ResolvedAction, ResolvedStep};
pub use task::Task;
pub use tenant::{StepTemplate, Tag, TagSet, Template, TenantValue, TenantVariables};
pub use worker::{Endpoint, TentacleEndpoint, Worker, WorkerPool, WorkerTypes};

use serde::Deserialize;
use tolerant::or_default;

/// `GET /api`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Root {
    /// The server's version: `2026.2.9314`.
    #[serde(deserialize_with = "or_default")]
    pub version: String,
}

/// A space.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Space {
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
pub struct Features {
    /// Whether the built-in worker may run steps; absent on servers that have none.
    pub is_built_in_worker_enabled: Option<bool>,
}

/// A thing of which only the name counts: a machine policy, proxy, feed or project group.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Named {
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
pub struct Account {
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

/// The nested half of an [`Account`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AccountDetails {
    /// `SshKeyPair`, and others.
    #[serde(deserialize_with = "or_default")]
    pub account_type: String,
}
