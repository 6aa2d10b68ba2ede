//! What the server has observed of a worker: unknown at first, healthy after a check.
//!
//! A check finds every machine well, but one at a host that nobody can reach: one of `.invalid`, the names that
//! no host ever has (RFC 2606). The first is due at the next request after a worker is made, so
//! that its answer still says `Unknown`, without a clock. Never: sleeping.

use super::{RequestContext, current_time, text_field};
use crate::{
    answer::{HandlerResult, SandboxResponse},
    audit::{self, AuditAuthor},
    kind::{DocumentKind, TARGETS, WORKERS},
    store,
};
use rusqlite::Connection;
use serde_json::{Value, json};

/// The fields that only the server writes.
pub(super) const OBSERVED: [&str; 10] = [
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

/// A machine of this id that was never checked.
pub(super) fn unchecked_machine(id: &str) -> Value {
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

/// Makes a machine one that was checked just now.
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

/// Whether the host of an endpoint can be there.
fn is_reachable(endpoint: &Value) -> bool {
    let uri = text_field(endpoint, "Uri").split("://").last().unwrap_or_default();
    let hosts = [text_field(endpoint, "Host"), uri.split([':', '/']).next().unwrap_or_default()];
    !hosts.iter().any(|host| host.to_lowercase().ends_with(".invalid"))
}

/// Has a worker checked at the next request.
pub(super) fn queue_check(db: &Connection, worker: &str) -> HandlerResult<()> {
    db.execute("insert or ignore into check_due values (?1)", [worker])?;
    Ok(())
}

/// Whether earlier requests queued checks that nobody has done.
pub(crate) fn is_check_due(db: &Connection) -> HandlerResult<bool> {
    let mut statement = db.prepare_cached("select exists (select 1 from check_due)")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

/// Does the checks that earlier requests queued.
pub(crate) fn run_checks_due(db: &Connection) -> HandlerResult<()> {
    if !is_check_due(db)? {
        return Ok(());
    }
    let mut statement = db.prepare_cached("select worker from check_due")?;
    let due: Vec<String> =
        statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    check_all(db, &due)?;
    db.execute("delete from check_due", [])?;
    audit::record_events(db, AuditAuthor::SERVER)
}

/// Checks the workers and targets of these ids; those that are gone are passed over.
pub(crate) fn check_all(db: &Connection, ids: &[String]) -> HandlerResult<()> {
    for (id, kind) in ids.iter().flat_map(|id| [(id, &WORKERS), (id, &TARGETS)]) {
        let found = store::select_documents(db, kind, "id = ?2", [kind.prefix, id])?;
        for mut worker in found {
            let mut document = worker.parse_body()?;
            check_machine(&mut document);
            worker.body = document.to_string();
            store::save_document(db, &worker)?;
        }
    }
    Ok(())
}

/// `GET …/workers/{id}/connection`, and the same of a target.
pub(super) fn connection_status(
    call: &RequestContext<'_>,
    kind: &'static DocumentKind,
    id: &str,
) -> HandlerResult {
    call.person.require_permission(kind.view)?;
    let worker = call.find_document(kind, id)?.parse_body()?;
    let version = &worker["Endpoint"]["TentacleVersionDetails"]["Version"];
    Ok(SandboxResponse::from_document(&json!({
        "Id": null,
        "MachineId": worker["Id"],
        "Logs": [],
        "Status": worker["Status"],
        "CurrentTentacleVersion": version,
        "LastChecked": current_time(),
        "Links": {
            "Self": call.space_path(&format!("{}/{id}/connection", kind.link)),
            "Machine": worker["Links"]["Self"],
        },
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_at_a_host_of_invalid_is_found_unavailable() {
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
