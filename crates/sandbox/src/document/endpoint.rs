//! The fields of an endpoint that only the server writes, by its communication style.
//!
//! Every endpoint of the store has them, whether a client sent it or a seed planted it: clients read them
//! without asking whether they are there.
//!
//! # Source
//!
//! `OctopusDeploy/OctopusClients`, `source/Octopus.Server.Client/Model/Endpoints/`; `OctopusDeploy/go-octopusdeploy`,
//! `pkg/machines/kubernetes_agent_details.go`, which refuses an agent without a known `UpgradeStatus`.

use crate::json::{json_field, text_field};
use serde_json::{Value, json};

/// The port of SSH, where a client names none.
pub(crate) const SSH_PORT: u64 = 22;

/// Adds the server's fields to an endpoint, keeping those of the endpoint that it replaces.
pub(crate) fn complete_endpoint(endpoint: &mut Value, old: &Value) {
    match text_field(endpoint, "CommunicationStyle") {
        "TentaclePassive" => {
            complete_tentacle(endpoint, old);
            set_if_missing(endpoint, "ProxyId", &Value::Null);
        }
        "TentacleActive" => complete_tentacle(endpoint, old),
        "Ssh" => {
            let port = json_field(endpoint, "Port").as_u64().unwrap_or(SSH_PORT);
            endpoint["Port"] = json!(port);
            endpoint["Uri"] = json!(format!("ssh://{}:{port}/", text_field(endpoint, "Host")));
            set_if_missing(endpoint, "ProxyId", &Value::Null);
        }
        "KubernetesTentacle" => complete_kubernetes(endpoint, old),
        _ => {}
    }
    for (name, value) in [("Id", Value::Null), ("Links", json!({}))] {
        set_if_missing(endpoint, name, &value);
    }
}

/// Sets a field that is missing.
fn set_if_missing(endpoint: &mut Value, name: &str, value: &Value) {
    if json_field(endpoint, name).is_null() {
        endpoint[name] = value.clone();
    }
}

fn complete_tentacle(endpoint: &mut Value, old: &Value) {
    let locked =
        json_field(json_field(endpoint, "TentacleVersionDetails"), "UpgradeLocked").clone();
    let mut details = json_field(old, "TentacleVersionDetails").clone();
    if !details.is_object() {
        details = json!({
            "UpgradeLocked": false,
            "Version": null,
            "UpgradeSuggested": false,
            "UpgradeRequired": false,
            "UpgradeAvailable": false,
        });
    }
    if locked.is_boolean() {
        details["UpgradeLocked"] = locked;
    }
    endpoint["TentacleVersionDetails"] = details;
    endpoint["CertificateSignatureAlgorithm"] =
        json_field(old, "CertificateSignatureAlgorithm").clone();
}

fn complete_kubernetes(endpoint: &mut Value, old: &Value) {
    let seen = json_field(old, "KubernetesAgentDetails");
    let details = if seen.is_object() {
        seen.clone()
    } else {
        json!({
            "AgentVersion": null,
            "TentacleVersion": null,
            "UpgradeStatus": "NoUpgrades",
            "HelmReleaseName": null,
            "KubernetesNamespace": null,
        })
    };
    endpoint["KubernetesAgentDetails"] = details;
    set_if_missing(endpoint, "UpgradeLocked", &json!(false));
    set_if_missing(endpoint, "DefaultNamespace", &Value::Null);
    set_if_missing(endpoint, "CertificateSignatureAlgorithm", &Value::Null);
}

/// A machine's own `Thumbprint`, a copy of the endpoint's; SSH has none.
pub(crate) fn endpoint_thumbprint(endpoint: &Value) -> Value {
    mirrored_field(endpoint, "Thumbprint")
}

/// A machine's own `Uri`, a copy of the endpoint's in the server's spelling; SSH has none.
pub(crate) fn endpoint_uri(endpoint: &Value) -> Value {
    let uri = mirrored_field(endpoint, "Uri");
    match uri.as_str() {
        Some(uri) if !uri.ends_with('/') => json!(format!("{uri}/")),
        _ => uri,
    }
}

fn mirrored_field(endpoint: &Value, name: &str) -> Value {
    match text_field(endpoint, "CommunicationStyle") {
        "Ssh" => Value::Null,
        "KubernetesTentacle" => {
            json_field(json_field(endpoint, "TentacleEndpointConfiguration"), name).clone()
        }
        _ => json_field(endpoint, name).clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_keeps_reported_details_and_gains_missing_defaults() {
        let mut new = json!({ "CommunicationStyle": "KubernetesTentacle" });
        complete_endpoint(&mut new, &Value::Null);
        assert_eq!(new["KubernetesAgentDetails"]["UpgradeStatus"], "NoUpgrades");
        let mut seen = new.clone();
        seen["KubernetesAgentDetails"]["AgentVersion"] = json!("2.22.0");
        let mut sent = json!({ "CommunicationStyle": "KubernetesTentacle", "UpgradeLocked": true });
        complete_endpoint(&mut sent, &seen);
        assert_eq!(sent["KubernetesAgentDetails"], seen["KubernetesAgentDetails"]);
        assert_eq!(sent["UpgradeLocked"], true);
    }
}
