//! What the server observes of a worker or a target: unknown at first, healthy after a check.
//!
//! A check finds every machine healthy except one at a host of `.invalid`, a name that no host ever has
//! (RFC 2606).

use crate::json::text_field;
use serde_json::{Value, json};

/// The fields that only the server writes.
pub(crate) const OBSERVED: [&str; 10] = [
    "Status",
    "HealthStatus",
    "HasLatestCalamari",
    "StatusSummary",
    "IsInProcess",
    "OperatingSystem",
    "OperatingSystemVersion",
    "ShellName",
    "ShellVersion",
    "Architecture",
];

/// A machine that has not been checked.
pub(crate) fn unchecked_machine(id: &str) -> Value {
    let mut machine = json!({
        "Id": id,
        "Status": "Unknown",
        "HealthStatus": "Unknown",
        "HasLatestCalamari": false,
        "StatusSummary": "This machine was recently added. Please perform a health check.",
        "IsInProcess": false,
    });
    for name in &OBSERVED[5..] {
        machine[name] = json!("Unknown");
    }
    machine
}

/// Checks the health of a machine.
pub(crate) fn check_machine(machine: &mut Value) {
    let style = text_field(&machine["Endpoint"], "CommunicationStyle").to_owned();
    let observed = match style.as_str() {
        "TentaclePassive" => {
            ["Microsoft Windows Server 2022", "10.0.20348.0", "PowerShell", "5.1.20348.2400"]
        }
        _ => ["Ubuntu 24.04.1 LTS", "24.04", "Bash", "5.2.21"],
    };
    let when = jiff::Timestamp::now().strftime("%A, %d %B %Y %-I:%M:%S %p +00:00");
    if !is_reachable(&machine["Endpoint"]) {
        machine["Status"] = json!("Offline");
        machine["HealthStatus"] = json!("Unavailable");
        machine["StatusSummary"] = json!(format!(
            "There was a problem communicating with this machine (last checked: {when})"
        ));
        return;
    }
    let summary = format!(
        "Octopus was able to successfully establish a connection with this machine on {when}"
    );
    machine["Status"] = json!("Online");
    machine["HealthStatus"] = json!("Healthy");
    machine["HasLatestCalamari"] = json!(true);
    machine["StatusSummary"] = json!(summary);
    for (name, value) in OBSERVED[5..9].iter().zip(observed) {
        machine[name] = json!(value);
    }
    machine["Architecture"] = json!("x64");
    let endpoint = &mut machine["Endpoint"];
    if style.starts_with("Tentacle") {
        endpoint["TentacleVersionDetails"]["Version"] = json!("8.3.2800");
        endpoint["CertificateSignatureAlgorithm"] = json!("sha256RSA");
    } else if style == "KubernetesTentacle" {
        endpoint["KubernetesAgentDetails"]["AgentVersion"] = json!("2.22.0");
        endpoint["KubernetesAgentDetails"]["TentacleVersion"] = json!("8.3.2800");
    }
}

/// Whether the host of an endpoint can exist.
fn is_reachable(endpoint: &Value) -> bool {
    let uri = text_field(endpoint, "Uri").split("://").last().unwrap_or_default();
    let hosts = [text_field(endpoint, "Host"), uri.split([':', '/']).next().unwrap_or_default()];
    !hosts.iter().any(|host| host.to_lowercase().ends_with(".invalid"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_in_the_invalid_domain_is_unavailable() {
        let found = |endpoint: Value| {
            let mut machine = json!({ "Endpoint": endpoint });
            check_machine(&mut machine);
            machine["HealthStatus"].clone()
        };
        for uri in ["https://db-01.INVALID:10933/", "https://db-01.invalid"] {
            assert_eq!(found(json!({ "Uri": uri })), "Unavailable", "{uri}");
        }
        assert_eq!(found(json!({ "Host": "db-01.invalid", "Port": 22 })), "Unavailable");
        for uri in ["https://invalid.example:10933/", "poll://x.invalid.example/", ""] {
            assert_eq!(found(json!({ "Uri": uri, "Host": null })), "Healthy", "{uri}");
        }
    }
}
