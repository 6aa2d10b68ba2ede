//! The fields that a change writes, and the place of each in its object's document.
//!
//! Paths are spelled only here: receipts, saved plans, `apply` and the rollback all name a field by its
//! variant, so that code that misses a new field does not compile.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Defines the groups of fields, [`Field`] itself, and both directions between a field and its path.
macro_rules! define_fields {
    ($($(#[$group_doc:meta])* $group:ident($fields:ident) {
        $($(#[$field_doc:meta])* $field:ident = [$($key:literal),+],)+
    })+) => {
        /// A field that a change writes; its path in receipts and plans is its keys with dots between them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub enum Field {
            $($(#[$group_doc])* $group($fields),)+
        }

        impl Field {
            /// Returns the keys that lead to the field, outermost first. Fields of a step start at its action;
            /// those under `Step` at the step around it.
            pub const fn keys(self) -> &'static [&'static str] {
                match self {
                    $(Self::$group(field) => field.keys(),)+
                }
            }

            /// Returns every field of every group.
            pub fn all() -> impl Iterator<Item = Self> {
                [].into_iter()$(.chain($fields::ALL.iter().copied().map(Self::$group)))+
            }

            fn find_path(path: &str) -> Option<Self> {
                Self::all().find(|field: &Self| field.keys().join(".") == path)
            }
        }

        $(
            $(#[$group_doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
            pub enum $fields {
                $($(#[$field_doc])* $field,)+
            }

            impl $fields {
                /// All fields of the group, in the order in which a receipt lists them.
                pub const ALL: &[Self] = &[$(Self::$field,)+];

                /// Returns the keys that lead to the field, outermost first.
                pub const fn keys(self) -> &'static [&'static str] {
                    match self {
                        $(Self::$field => &[$($key),+],)+
                    }
                }
            }

            impl From<$fields> for Field {
                fn from(field: $fields) -> Self {
                    Self::$group(field)
                }
            }
        )+
    };
}

define_fields! {
    /// What pools and workers have in common.
    Common(CommonField) {
        /// The name.
        Name = ["Name"],
        /// The slug, by which files in Git refer to a pool; the server derives it from the name.
        Slug = ["Slug"],
    }
    /// A field of a worker pool.
    Pool(PoolField) {
        /// The description.
        Description = ["Description"],
        /// Static or dynamic.
        Type = ["WorkerPoolType"],
        /// The image of a dynamic pool.
        Image = ["WorkerType"],
    }
    /// A fact about all pools of the space.
    Space(SpaceField) {
        /// The id of the default pool.
        DefaultPool = ["DefaultPool"],
        /// The ids of all pools in their order.
        PoolOrder = ["SortOrder"],
        /// Whether a pool is the default one: how [`Self::DefaultPool`] is written.
        IsDefault = ["IsDefault"],
    }
    /// A field of a worker, except its endpoint.
    Worker(WorkerField) {
        /// The ids of its pools.
        Pools = ["WorkerPoolIds"],
        /// The id of its machine policy.
        Policy = ["MachinePolicyId"],
        /// Whether the worker is disabled and gets no work.
        Disabled = ["IsDisabled"],
    }
    /// A field of a worker's endpoint; each style has some of them.
    Endpoint(EndpointField) {
        /// The kind of endpoint.
        Style = ["Endpoint", "CommunicationStyle"],
        /// The URL, or the subscription.
        Uri = ["Endpoint", "Uri"],
        /// The Tentacle's thumbprint.
        Thumbprint = ["Endpoint", "Thumbprint"],
        /// The id of its proxy.
        Proxy = ["Endpoint", "ProxyId"],
        /// The id of its SSH account.
        Account = ["Endpoint", "AccountId"],
        /// The host, for SSH.
        Host = ["Endpoint", "Host"],
        /// The port, for SSH.
        Port = ["Endpoint", "Port"],
        /// The fingerprint of the host's key, for SSH.
        Fingerprint = ["Endpoint", "Fingerprint"],
        /// The platform of the self-contained Calamari, for SSH.
        Platform = ["Endpoint", "DotNetCorePlatform"],
        /// The default namespace of a Kubernetes agent.
        Namespace = ["Endpoint", "DefaultNamespace"],
        /// Whether a Kubernetes agent polls or listens.
        AgentMode = ["Endpoint", "TentacleEndpointConfiguration", "CommunicationMode"],
        /// The URL or the subscription of a Kubernetes agent.
        AgentUri = ["Endpoint", "TentacleEndpointConfiguration", "Uri"],
        /// The thumbprint of a Kubernetes agent.
        AgentThumbprint = ["Endpoint", "TentacleEndpointConfiguration", "Thumbprint"],
        /// Whether the Tentacle is kept at its version.
        UpgradeLocked = ["Endpoint", "TentacleVersionDetails", "UpgradeLocked"],
        /// Whether a Kubernetes agent is kept at its version.
        AgentUpgradeLocked = ["Endpoint", "UpgradeLocked"],
        /// The proxy of a Kubernetes agent.
        AgentProxy = ["Endpoint", "TentacleEndpointConfiguration", "ProxyId"],
    }
    /// A field that says where a step runs.
    Step(StepField) {
        /// The id of its pool.
        Pool = ["WorkerPoolId"],
        /// The name of the variable that holds its pool.
        Variable = ["WorkerPoolVariable"],
        /// The switch that makes the step run on a worker.
        RunOnServer = ["Properties", "Octopus.Action.RunOnServer"],
        /// Its target tags.
        TargetRoles = ["Step", "Properties", "Octopus.Action.TargetRoles"],
        /// Its target tags, if old data has them on the action.
        ActionTargetRoles = ["Properties", "Octopus.Action.TargetRoles"],
        /// Its container, whole.
        Container = ["Container"],
        /// The image of its container.
        Image = ["Container", "Image"],
        /// The id of the feed that has the image.
        Feed = ["Container", "FeedId"],
        /// Whether the tools of the worker's package are used; the server adds it to a step with a container.
        BundledTooling = ["Properties", "OctopusUseBundledTooling"],
        /// The Dockerfile that its image is built from.
        Dockerfile = ["Container", "Dockerfile"],
        /// The repository that has the Dockerfile.
        GitUrl = ["Container", "GitUrl"],
    }
    /// A value of a worker pool variable, or its pool.
    Value(ValueField) {
        /// The value, whole.
        Whole = ["Variable"],
        /// Its pool.
        Pool = ["Value"],
    }
    /// A field of a deployment target.
    Target(TargetField) {
        /// The id of the pool whose workers act for it.
        Pool = ["Endpoint", "DefaultWorkerPoolId"],
    }
    /// A switch of the server.
    Server(ServerField) {
        /// The switch of the built-in worker.
        BuiltInWorker = ["IsBuiltInWorkerEnabled"],
    }
}

/// The part of a step that a group of its fields describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepPart {
    /// The step's pool or pool variable.
    Place,
    /// How often the step runs, and on what.
    Execution,
    /// The step's container.
    Container,
}

impl StepField {
    /// Returns the part that the field belongs to.
    pub const fn part(self) -> StepPart {
        match self {
            Self::Pool | Self::Variable => StepPart::Place,
            Self::RunOnServer | Self::TargetRoles | Self::ActionTargetRoles => StepPart::Execution,
            Self::Container
            | Self::Image
            | Self::Feed
            | Self::BundledTooling
            | Self::Dockerfile
            | Self::GitUrl => StepPart::Container,
        }
    }

    /// Returns the field's key in the object that contains it.
    pub fn key(self) -> &'static str {
        self.keys().last().copied().unwrap_or_default()
    }
}

/// Why a text is not the path of a [`Field`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this version does not know the field `{0}`")]
pub struct UnknownFieldError(String);

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.keys().join("."))
    }
}

impl TryFrom<String> for Field {
    type Error = UnknownFieldError;

    fn try_from(path: String) -> Result<Self, Self::Error> {
        Self::find_path(&path).ok_or(UnknownFieldError(path))
    }
}

impl From<Field> for String {
    fn from(field: Field) -> Self {
        field.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_round_trips_through_its_path() {
        for (field, path) in [
            (Field::from(CommonField::Name), "Name"),
            (StepField::TargetRoles.into(), "Step.Properties.Octopus.Action.TargetRoles"),
            (StepField::ActionTargetRoles.into(), "Properties.Octopus.Action.TargetRoles"),
            (TargetField::Pool.into(), "Endpoint.DefaultWorkerPoolId"),
            (EndpointField::AgentUri.into(), "Endpoint.TentacleEndpointConfiguration.Uri"),
        ] {
            assert_eq!(field.to_string(), path);
            assert_eq!(Field::try_from(path.to_owned()), Ok(field));
        }
        let unknown = Field::try_from("ScriptBody".to_owned()).unwrap_err();
        assert_eq!(unknown.to_string(), "this version does not know the field `ScriptBody`");
    }
}
