//! The fields that a change writes, and where each is in its object's document.
//!
//! A path is spelled here and nowhere else: receipts, saved plans, `apply` and the rollback all name a field
//! by its variant, so that one that somebody adds and another part forgets does not compile.

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
            /// The keys that lead to it, outermost first. Fields of a step are seen from its action; those
            /// behind `Step` from the step around it.
            pub const fn keys(self) -> &'static [&'static str] {
                match self {
                    $(Self::$group(field) => field.keys(),)+
                }
            }

            fn find_path(path: &str) -> Option<Self> {
                let mut all = [].into_iter()
                    $(.chain($fields::ALL.iter().copied().map(Self::$group)))+;
                all.find(|field: &Self| field.keys().join(".") == path)
            }
        }

        $(
            $(#[$group_doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
            pub enum $fields {
                $($(#[$field_doc])* $field,)+
            }

            impl $fields {
                /// All of them, in the order in which a receipt lists them.
                pub const ALL: &[Self] = &[$(Self::$field,)+];

                /// The keys that lead to it, outermost first.
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
    /// A field of a worker, its endpoint apart.
    Worker(WorkerField) {
        /// The ids of its pools.
        Pools = ["WorkerPoolIds"],
        /// The id of its machine policy.
        Policy = ["MachinePolicyId"],
        /// Whether it gets no work.
        Disabled = ["IsDisabled"],
    }
    /// A field of a worker's endpoint; each style has some of them.
    Endpoint(EndpointField) {
        /// Which kind of endpoint it is.
        Style = ["Endpoint", "CommunicationStyle"],
        /// The URL, or the subscription.
        Uri = ["Endpoint", "Uri"],
        /// The Tentacle's thumbprint.
        Thumbprint = ["Endpoint", "Thumbprint"],
        /// The id of its proxy.
        Proxy = ["Endpoint", "ProxyId"],
        /// The id of its SSH account.
        Account = ["Endpoint", "AccountId"],
        /// The host, by SSH.
        Host = ["Endpoint", "Host"],
        /// The port, by SSH.
        Port = ["Endpoint", "Port"],
        /// The fingerprint of the host's key, by SSH.
        Fingerprint = ["Endpoint", "Fingerprint"],
        /// The platform of the self-contained Calamari, by SSH.
        Platform = ["Endpoint", "DotNetCorePlatform"],
        /// The default namespace of a Kubernetes agent.
        Namespace = ["Endpoint", "DefaultNamespace"],
        /// Whether a Kubernetes agent polls or listens.
        AgentMode = ["Endpoint", "TentacleEndpointConfiguration", "CommunicationMode"],
        /// The URL or the subscription of a Kubernetes agent.
        AgentUri = ["Endpoint", "TentacleEndpointConfiguration", "Uri"],
        /// The thumbprint of a Kubernetes agent.
        AgentThumbprint = ["Endpoint", "TentacleEndpointConfiguration", "Thumbprint"],
        /// The proxy of a Kubernetes agent.
        AgentProxy = ["Endpoint", "TentacleEndpointConfiguration", "ProxyId"],
    }
    /// A field that says where a step runs.
    Step(StepField) {
        /// The id of its pool.
        Pool = ["WorkerPoolId"],
        /// The name of the variable that has its pool.
        Variable = ["WorkerPoolVariable"],
        /// The switch by which it runs on a worker.
        RunOnServer = ["Properties", "Octopus.Action.RunOnServer"],
        /// Its target tags.
        TargetRoles = ["Step", "Properties", "Octopus.Action.TargetRoles"],
        /// Its target tags, where old data has them on the action.
        ActionTargetRoles = ["Properties", "Octopus.Action.TargetRoles"],
        /// Its container, whole.
        Container = ["Container"],
        /// The image of its container.
        Image = ["Container", "Image"],
        /// The id of the feed that has the image.
        Feed = ["Container", "FeedId"],
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
        /// That of the built-in worker.
        BuiltInWorker = ["IsBuiltInWorkerEnabled"],
    }
}

/// What the fields of a step say together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepPart {
    /// What chooses its pool.
    Place,
    /// How often it runs, and on what.
    Execution,
    /// Its container.
    Container,
}

impl StepField {
    /// The part that it belongs to.
    pub const fn part(self) -> StepPart {
        match self {
            Self::Pool | Self::Variable => StepPart::Place,
            Self::RunOnServer | Self::TargetRoles | Self::ActionTargetRoles => StepPart::Execution,
            Self::Container | Self::Image | Self::Feed => StepPart::Container,
        }
    }

    /// Its key in the object that has it.
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
    fn a_field_is_read_from_the_path_that_it_is_written_as() {
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
