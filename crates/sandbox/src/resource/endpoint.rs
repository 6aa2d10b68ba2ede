//! The endpoint of a worker or a target: what a client may send. What the server adds is in `document::endpoint`.
//!
//! The fields of each style are kept as they are sent.

use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    context::RequestContext,
    document::{
        endpoint::{SSH_PORT, complete_endpoint, endpoint_thumbprint, endpoint_uri},
        machine,
    },
    json::{json_field, text_field},
    kind::{ACCOUNTS, PROXIES},
};
use axum::http::Uri;
use serde_json::{Value, json};

/// The styles that workers have; targets have them and others.
pub(super) const WORKER_STYLES: [&str; 4] =
    ["TentaclePassive", "TentacleActive", "Ssh", "KubernetesTentacle"];

/// The types of accounts that sign in over SSH.
const SSH_ACCOUNTS: [&str; 2] = ["SshKeyPair", "UsernamePassword"];

/// The platforms for which Calamari is built. Without one, an SSH machine needs Mono.
const PLATFORMS: [&str; 4] = ["linux-x64", "linux-arm64", "linux-arm", "osx-x64"];

/// The lengths of a thumbprint: SHA-1, and SHA-256 in hexadecimal digits.
const THUMBPRINTS: [usize; 2] = [40, 64];

/// The length below which no agent's thumbprint is accepted.
///
/// # Source
///
/// `OctopusDeploy/go-octopusdeploy`, `test/e2e/kubernetes_monitor_test.go`: a server stores an agent with sixteen
/// digits.
const AGENT_THUMBPRINT: usize = 16;

/// The endpoint of a body, with the read-only fields of `old`.
pub(super) fn build_endpoint(
    call: &RequestContext<'_>,
    body: &Value,
    old: &Value,
) -> HandlerResult<Value> {
    if !body.is_object() {
        return Err(ErrorResponse::bad_request("Please provide an endpoint for this machine."));
    }
    let errors = match text_field(body, "CommunicationStyle") {
        "TentaclePassive" => tentacle_errors(body, "https", is_thumbprint),
        "TentacleActive" => tentacle_errors(body, "poll", is_thumbprint),
        "Ssh" => ssh_errors(call, body)?,
        "KubernetesTentacle" => agent_errors(json_field(body, "TentacleEndpointConfiguration")),
        "" => vec!["Please provide a communication style for this machine.".to_owned()],
        other => vec![format!("A worker cannot have the endpoint '{other}'.")],
    };
    if !errors.is_empty() {
        return Err(ErrorResponse::bad_request_lines(errors));
    }
    for part in [body, json_field(body, "TentacleEndpointConfiguration")] {
        let proxy = text_field(part, "ProxyId");
        if !proxy.is_empty() {
            call.require_reference(&PROXIES, proxy)?;
        }
    }
    let mut endpoint = body.clone();
    complete_endpoint(&mut endpoint, old);
    Ok(endpoint)
}

/// What is wrong with a Tentacle that is reached by a scheme.
fn tentacle_errors(
    body: &Value,
    scheme: &str,
    is_thumbprint: impl Fn(&str) -> bool,
) -> Vec<String> {
    let what = if scheme == "poll" { "a subscription" } else { "a URL" };
    let mut errors = missing_fields(body, &[("Uri", what), ("Thumbprint", "a thumbprint")]);
    let (uri, thumbprint) = (text_field(body, "Uri").trim(), text_field(body, "Thumbprint").trim());
    if !uri.is_empty() && !is_address(uri, scheme) {
        errors.push(format!("'{uri}' is not a valid address: it must start with {scheme}://."));
    }
    if !thumbprint.is_empty() && !is_thumbprint(thumbprint) {
        errors.push(format!("'{thumbprint}' is not a valid thumbprint."));
    }
    errors
}

/// What is wrong with a Kubernetes agent.
fn agent_errors(configuration: &Value) -> Vec<String> {
    let is_agent_thumbprint = |text: &str| text.len() >= AGENT_THUMBPRINT && is_hexadecimal(text);
    match text_field(configuration, "CommunicationMode") {
        "Polling" => tentacle_errors(configuration, "poll", is_agent_thumbprint),
        "Listening" => tentacle_errors(configuration, "https", is_agent_thumbprint),
        "" => vec!["Please provide a communication mode for this machine.".to_owned()],
        other => vec![format!("'{other}' is not a communication mode.")],
    }
}

/// What is wrong with an SSH machine.
fn ssh_errors(call: &RequestContext<'_>, body: &Value) -> HandlerResult<Vec<String>> {
    let wanted =
        [("AccountId", "an account"), ("Host", "a host"), ("Fingerprint", "a fingerprint")];
    let mut errors = missing_fields(body, &wanted);
    let port = json_field(body, "Port");
    let is_port = |port: u64| port > 0 && u16::try_from(port).is_ok();
    if !port.is_null() && !port.as_u64().is_some_and(is_port) {
        errors.push(format!("{port} is not a port: it must be between 1 and 65535."));
    }
    let host = text_field(body, "Host").trim();
    if !host.is_empty() && !is_address(&format!("ssh://{host}:{SSH_PORT}/"), "ssh") {
        errors.push(format!("'{host}' is not a valid host."));
    }
    let platform = text_field(body, "DotNetCorePlatform");
    if !platform.is_empty() && !PLATFORMS.contains(&platform) {
        errors.push(format!("'{platform}' is not a platform that Calamari runs on."));
    }
    let id = text_field(body, "AccountId");
    if !id.is_empty() {
        let account = call.require_reference(&ACCOUNTS, id)?;
        let kind = text_field(&account.parse_body()?, "AccountType").to_owned();
        if !SSH_ACCOUNTS.contains(&kind.as_str()) {
            errors.push(format!(
                "The account '{}' cannot be used for an SSH connection.",
                account.name
            ));
        }
    }
    Ok(errors)
}

fn is_thumbprint(text: &str) -> bool {
    THUMBPRINTS.contains(&text.len()) && is_hexadecimal(text)
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a text is a URL of this scheme with a host, and a port that can exist if it has one.
fn is_address(text: &str, scheme: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else { return false };
    let has_host = uri.host().is_some_and(|host| !host.is_empty());
    let authority = uri.authority().map_or("", |it| it.as_str());
    // A port that is no number of sixteen bits is left out by the parser.
    let has_port = match authority.rsplit_once(':') {
        Some((_, port)) if !port.ends_with(']') => port.parse::<u16>().is_ok_and(|port| port > 0),
        _ => !authority.contains('@'),
    };
    uri.scheme_str().is_some_and(|it| it.eq_ignore_ascii_case(scheme)) && has_host && has_port
}

fn missing_fields(body: &Value, fields: &[(&str, &str)]) -> Vec<String> {
    let missing = fields.iter().filter(|(name, _)| text_field(body, name).trim().is_empty());
    missing.map(|(_, what)| format!("Please provide {what} for this machine.")).collect()
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
    worker["Thumbprint"] = endpoint_thumbprint(&endpoint);
    worker["Uri"] = endpoint_uri(&endpoint);
    worker["WorkerPoolIds"] = json!([]);
    worker["Endpoint"] = endpoint;
    Ok(SandboxResponse::from_document(&worker))
}
