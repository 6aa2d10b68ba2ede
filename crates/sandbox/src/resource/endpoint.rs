//! The endpoint of a worker: what a client may send, and what the server adds.
//!
//! There are four styles; the fields of each are kept as they are sent.

use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    context::RequestContext,
    document::machine,
    json::{json_field, text_field},
    kind::{ACCOUNTS, PROXIES},
};
use serde_json::{Value, json};

/// The endpoint of a body, with the read-only fields of `old`.
pub(super) fn build_endpoint(
    call: &RequestContext<'_>,
    body: &Value,
    old: &Value,
) -> HandlerResult<Value> {
    if !body.is_object() {
        return Err(ErrorResponse::bad_request("Please provide an endpoint for this machine."));
    }
    let mut endpoint = body.clone();
    match text_field(body, "CommunicationStyle") {
        "TentaclePassive" => {
            require_fields(body, &[("Uri", "a URL"), ("Thumbprint", "a thumbprint")])?;
            require_reference(call, body, "ProxyId")?;
            complete_tentacle(&mut endpoint, old);
        }
        "TentacleActive" => {
            require_fields(body, &[("Uri", "a subscription"), ("Thumbprint", "a thumbprint")])?;
            complete_tentacle(&mut endpoint, old);
        }
        "Ssh" => {
            let wanted =
                [("AccountId", "an account"), ("Host", "a host"), ("Fingerprint", "a fingerprint")];
            require_fields(body, &wanted)?;
            require_reference(call, body, "AccountId")?;
            require_reference(call, body, "ProxyId")?;
            let port = json_field(body, "Port").as_u64().unwrap_or(22);
            endpoint["Port"] = json!(port);
            endpoint["Uri"] = json!(format!("ssh://{}:{port}/", text_field(body, "Host")));
            set_if_missing(&mut endpoint, "ProxyId", &Value::Null);
        }
        "KubernetesTentacle" => {
            let inner = json_field(body, "TentacleEndpointConfiguration");
            require_fields(inner, &[("Uri", "a URL"), ("Thumbprint", "a thumbprint")])?;
            require_reference(call, inner, "ProxyId")?;
            complete_kubernetes(&mut endpoint, old);
        }
        "" => {
            return Err(ErrorResponse::bad_request(
                "Please provide a communication style for this machine.",
            ));
        }
        other => {
            return Err(ErrorResponse::bad_request(format!(
                "A worker cannot have the endpoint '{other}'."
            )));
        }
    }
    for (name, value) in [("Id", Value::Null), ("Links", json!({}))] {
        set_if_missing(&mut endpoint, name, &value);
    }
    Ok(endpoint)
}

/// The worker's own `Thumbprint`, a copy of the endpoint's; SSH has none.
pub(super) fn worker_thumbprint(endpoint: &Value) -> Value {
    mirrored_field(endpoint, "Thumbprint")
}

/// The worker's own `Uri`, a copy of the endpoint's in the server's spelling; SSH has none.
pub(super) fn worker_uri(endpoint: &Value) -> Value {
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

fn require_fields(body: &Value, fields: &[(&str, &str)]) -> HandlerResult<()> {
    let missing = fields.iter().filter(|(name, _)| text_field(body, name).trim().is_empty());
    let lines: Vec<String> =
        missing.map(|(_, what)| format!("Please provide {what} for this machine.")).collect();
    if lines.is_empty() { Ok(()) } else { Err(ErrorResponse::bad_request_lines(lines)) }
}

/// Refuses a reference to an account or a proxy that does not exist.
fn require_reference(call: &RequestContext<'_>, body: &Value, name: &str) -> HandlerResult<()> {
    let (kind, id) = (if name == "ProxyId" { &PROXIES } else { &ACCOUNTS }, text_field(body, name));
    if !id.is_empty() {
        call.require_reference(kind, id)?;
    }
    Ok(())
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
    if text_field(endpoint, "CommunicationStyle") == "TentaclePassive" {
        set_if_missing(endpoint, "ProxyId", &Value::Null);
    }
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

/// `GET …/discover`: an unsaved worker, with the thumbprint that the machine would have.
pub(super) fn discover_machine(call: &RequestContext<'_>) -> HandlerResult {
    let Some(host) = call.request.parameter("host") else {
        return Err(ErrorResponse::bad_request(
            "The hostname of the machine to discover must be supplied as URI parameter named 'host'.",
        ));
    };
    let number = host.bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(31) + u64::from(byte));
    let port_parameter =
        |default: &str| call.request.parameter("port").unwrap_or(default).to_owned();
    let endpoint = match call.request.parameter("type").unwrap_or("TentaclePassive") {
        "Ssh" => json!({
            "CommunicationStyle": "Ssh",
            "Host": host,
            "Port": port_parameter("22").parse().unwrap_or(22),
            "Fingerprint": format!("SHA256:{number:043x}"),
            "Uri": format!("ssh://{host}:{}/", port_parameter("22")),
            "ProxyId": call.request.parameter("proxyid"),
        }),
        _ => json!({
            "CommunicationStyle": "TentaclePassive",
            "Uri": format!("https://{host}:{}/", port_parameter("10933")),
            "Thumbprint": format!("{number:040X}"),
            "ProxyId": call.request.parameter("proxyid"),
        }),
    };
    let mut worker = machine::unchecked_machine("");
    worker["Id"] = Value::Null;
    worker["Name"] = json!(host);
    worker["Thumbprint"] = worker_thumbprint(&endpoint);
    worker["Uri"] = worker_uri(&endpoint);
    worker["WorkerPoolIds"] = json!([]);
    worker["Endpoint"] = endpoint;
    Ok(SandboxResponse::from_document(&worker))
}
