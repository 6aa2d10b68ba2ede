//! How a worker is reached: what a client may say of an endpoint, and what the server adds.
//!
//! Four styles; the fields of each are kept as they are sent. Never: a deployment target's endpoint.

use super::{RequestContext, field, health, text};
use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    kind::{ACCOUNTS, PROXIES},
};
use serde_json::{Value, json};

/// The endpoint that a body asks for, with the read-only fields that `old` had.
pub(super) fn written(
    call: &RequestContext<'_>,
    body: &Value,
    old: &Value,
) -> HandlerResult<Value> {
    if !body.is_object() {
        return Err(ErrorResponse::rule("Please provide an endpoint for this machine."));
    }
    let mut endpoint = body.clone();
    match text(body, "CommunicationStyle") {
        "TentaclePassive" => {
            needs(body, &[("Uri", "a URL"), ("Thumbprint", "a thumbprint")])?;
            exists(call, body, "ProxyId")?;
            tentacle(&mut endpoint, old);
        }
        "TentacleActive" => {
            needs(body, &[("Uri", "a subscription"), ("Thumbprint", "a thumbprint")])?;
            tentacle(&mut endpoint, old);
        }
        "Ssh" => {
            let wanted =
                [("AccountId", "an account"), ("Host", "a host"), ("Fingerprint", "a fingerprint")];
            needs(body, &wanted)?;
            exists(call, body, "AccountId")?;
            exists(call, body, "ProxyId")?;
            let port = field(body, "Port").as_u64().unwrap_or(22);
            endpoint["Port"] = json!(port);
            endpoint["Uri"] = json!(format!("ssh://{}:{port}/", text(body, "Host")));
            keep(&mut endpoint, "ProxyId", &Value::Null);
        }
        "KubernetesTentacle" => {
            let inner = field(body, "TentacleEndpointConfiguration");
            needs(inner, &[("Uri", "a URL"), ("Thumbprint", "a thumbprint")])?;
            exists(call, inner, "ProxyId")?;
            kubernetes(&mut endpoint, old);
        }
        "" => {
            return Err(ErrorResponse::rule(
                "Please provide a communication style for this machine.",
            ));
        }
        other => {
            return Err(ErrorResponse::rule(format!(
                "A worker cannot have the endpoint '{other}'."
            )));
        }
    }
    for (name, value) in [("Id", Value::Null), ("Links", json!({}))] {
        keep(&mut endpoint, name, &value);
    }
    Ok(endpoint)
}

/// The worker's own `Thumbprint`, a mirror of the endpoint's; SSH has none.
pub(super) fn thumbprint(endpoint: &Value) -> Value {
    mirrored(endpoint, "Thumbprint")
}

/// The worker's own `Uri`, a mirror of the endpoint's in the server's spelling; SSH has none.
pub(super) fn uri(endpoint: &Value) -> Value {
    let uri = mirrored(endpoint, "Uri");
    match uri.as_str() {
        Some(uri) if !uri.ends_with('/') => json!(format!("{uri}/")),
        _ => uri,
    }
}

fn mirrored(endpoint: &Value, name: &str) -> Value {
    match text(endpoint, "CommunicationStyle") {
        "Ssh" => Value::Null,
        "KubernetesTentacle" => {
            field(field(endpoint, "TentacleEndpointConfiguration"), name).clone()
        }
        _ => field(endpoint, name).clone(),
    }
}

fn needs(body: &Value, fields: &[(&str, &str)]) -> HandlerResult<()> {
    let missing = fields.iter().filter(|(name, _)| text(body, name).trim().is_empty());
    let lines: Vec<String> =
        missing.map(|(_, what)| format!("Please provide {what} for this machine.")).collect();
    if lines.is_empty() { Ok(()) } else { Err(ErrorResponse::rules(lines)) }
}

/// Refuses a reference to an account or a proxy that is not there.
fn exists(call: &RequestContext<'_>, body: &Value, name: &str) -> HandlerResult<()> {
    let (kind, id) = (if name == "ProxyId" { &PROXIES } else { &ACCOUNTS }, text(body, name));
    if id.is_empty() || call.has(kind, id)? {
        return Ok(());
    }
    Err(ErrorResponse::rule(format!("The {} '{id}' does not exist.", kind.noun)))
}

/// Sets a field that the body leaves out.
fn keep(endpoint: &mut Value, name: &str, value: &Value) {
    if field(endpoint, name).is_null() {
        endpoint[name] = value.clone();
    }
}

fn tentacle(endpoint: &mut Value, old: &Value) {
    let locked = field(field(endpoint, "TentacleVersionDetails"), "UpgradeLocked").clone();
    let mut details = field(old, "TentacleVersionDetails").clone();
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
    endpoint["CertificateSignatureAlgorithm"] = field(old, "CertificateSignatureAlgorithm").clone();
    if text(endpoint, "CommunicationStyle") == "TentaclePassive" {
        keep(endpoint, "ProxyId", &Value::Null);
    }
}

fn kubernetes(endpoint: &mut Value, old: &Value) {
    let seen = field(old, "KubernetesAgentDetails");
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
    keep(endpoint, "UpgradeLocked", &json!(false));
    keep(endpoint, "DefaultNamespace", &Value::Null);
    keep(endpoint, "CertificateSignatureAlgorithm", &Value::Null);
}

/// `GET …/discover`: a worker that is not saved, with the thumbprint that the machine would have.
pub(super) fn discover(call: &RequestContext<'_>) -> HandlerResult {
    let Some(host) = call.request.parameter("host") else {
        return Err(ErrorResponse::rule(
            "The hostname of the machine to discover must be supplied as URI parameter named 'host'.",
        ));
    };
    let number = host.bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(31) + u64::from(byte));
    let port = |default: &str| call.request.parameter("port").unwrap_or(default).to_owned();
    let endpoint = match call.request.parameter("type").unwrap_or("TentaclePassive") {
        "Ssh" => json!({
            "CommunicationStyle": "Ssh",
            "Host": host,
            "Port": port("22").parse().unwrap_or(22),
            "Fingerprint": format!("SHA256:{number:043x}"),
            "Uri": format!("ssh://{host}:{}/", port("22")),
            "ProxyId": call.request.parameter("proxyid"),
        }),
        _ => json!({
            "CommunicationStyle": "TentaclePassive",
            "Uri": format!("https://{host}:{}/", port("10933")),
            "Thumbprint": format!("{number:040X}"),
            "ProxyId": call.request.parameter("proxyid"),
        }),
    };
    let mut worker = health::unknown("");
    worker["Id"] = Value::Null;
    worker["Name"] = json!(host);
    worker["Thumbprint"] = thumbprint(&endpoint);
    worker["Uri"] = uri(&endpoint);
    worker["WorkerPoolIds"] = json!([]);
    worker["Endpoint"] = endpoint;
    Ok(SandboxResponse::of(&worker))
}
