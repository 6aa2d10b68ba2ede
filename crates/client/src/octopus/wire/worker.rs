//! Worker pools and workers.

use super::tolerant::or_default;
use serde::Deserialize;

/// A worker pool.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct WorkerPoolResource {
    /// `WorkerPools-21`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its name in URLs and OCL; empty on old servers.
    #[serde(default, deserialize_with = "or_default")]
    pub slug: String,
    /// Its description.
    #[serde(default, deserialize_with = "or_default")]
    pub description: String,
    /// `StaticWorkerPool` or `DynamicWorkerPool`.
    #[serde(default, deserialize_with = "or_default")]
    pub worker_pool_type: String,
    /// The image of a dynamic pool: `UbuntuDefault`.
    #[serde(default, deserialize_with = "or_default")]
    pub worker_type: String,
    /// Whether steps without a pool run here.
    #[serde(default, deserialize_with = "or_default")]
    pub is_default: bool,
    /// Its position among the pools.
    #[serde(default, deserialize_with = "or_default")]
    pub sort_order: i64,
}

/// A worker.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct WorkerResource {
    /// `Workers-3`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its name in URLs; empty on old servers.
    #[serde(default, deserialize_with = "or_default")]
    pub slug: String,
    /// The pools that it is a member of.
    #[serde(default, deserialize_with = "or_default")]
    pub worker_pool_ids: Vec<String>,
    /// Its machine policy; empty on servers that use the default one.
    #[serde(default, deserialize_with = "or_default")]
    pub machine_policy_id: String,
    /// Whether it is excluded from work.
    #[serde(default, deserialize_with = "or_default")]
    pub is_disabled: bool,
    /// `Healthy`, `HasWarnings`, `Unhealthy`, `Unavailable`, `Unknown`.
    #[serde(default, deserialize_with = "or_default")]
    pub health_status: String,
    /// How it is reached.
    #[serde(default, deserialize_with = "or_default")]
    pub endpoint: EndpointResource,
}

/// How a worker or target is reached; the communication style decides which fields apply.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct EndpointResource {
    /// `TentaclePassive`, `TentacleActive`, `Ssh`, `KubernetesTentacle`, and others.
    #[serde(deserialize_with = "or_default")]
    pub communication_style: String,
    /// For a Tentacle: `https://host:10933/` or `poll://…/`.
    #[serde(deserialize_with = "or_default")]
    pub uri: String,
    /// For a Tentacle.
    #[serde(deserialize_with = "or_default")]
    pub thumbprint: String,
    /// For a listening Tentacle or an SSH host.
    #[serde(deserialize_with = "or_default")]
    pub proxy_id: String,
    /// For an SSH host.
    #[serde(deserialize_with = "or_default")]
    pub account_id: String,
    /// For an SSH host.
    #[serde(deserialize_with = "or_default")]
    pub host: String,
    /// For an SSH host.
    pub port: Option<i64>,
    /// For an SSH host: the fingerprint of its key.
    #[serde(deserialize_with = "or_default")]
    pub fingerprint: String,
    /// For an SSH host: `linux-x64`; empty for Mono.
    #[serde(deserialize_with = "or_default")]
    pub dot_net_core_platform: String,
    /// For a Kubernetes agent.
    #[serde(deserialize_with = "or_default")]
    pub tentacle_endpoint_configuration: TentacleEndpointConfigurationResource,
    /// For a Kubernetes agent.
    #[serde(deserialize_with = "or_default")]
    pub default_namespace: String,
    /// For a cloud target: the pool of the workers that act for it.
    #[serde(deserialize_with = "or_default")]
    pub default_worker_pool_id: String,
}

/// How a Kubernetes agent is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TentacleEndpointConfigurationResource {
    /// `Polling` or `Listening`.
    #[serde(deserialize_with = "or_default")]
    pub communication_mode: String,
    /// `poll://…/` or `https://host:10933/`.
    #[serde(deserialize_with = "or_default")]
    pub uri: String,
    /// The agent's thumbprint.
    #[serde(deserialize_with = "or_default")]
    pub thumbprint: String,
}

/// `GET …/workerpools/dynamicworkertypes`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct WorkerPoolDynamicWorkerTypesResource {
    #[serde(deserialize_with = "or_default")]
    worker_types: Vec<DynamicWorkerType>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct DynamicWorkerType {
    #[serde(deserialize_with = "or_default")]
    r#type: String,
}

impl WorkerPoolDynamicWorkerTypesResource {
    /// Returns the names of the images: `UbuntuDefault`.
    pub fn image_names(self) -> Vec<String> {
        let names = self.worker_types.into_iter().map(|it| it.r#type);
        names.filter(|name| !name.is_empty()).collect()
    }
}
