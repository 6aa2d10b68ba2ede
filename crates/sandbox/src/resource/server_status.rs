//! `/api/serverstatus`: an instance that is well, and has little to say about itself.
//!
//! # Source
//!
//! `OctopusDeploy/go-octopusdeploy`, `pkg/serverstatus`.

use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    context::RequestContext,
    kind::{
        CERTIFICATES, DEPLOYMENTS, DocumentKind, ENVIRONMENTS, POOLS, PROJECTS, RELEASES, RUNBOOKS,
        RUNS, SPACES, TARGETS, TENANTS, VARIABLES, WORKERS,
    },
    options::VERSION,
    time::current_time,
};
use serde_json::{Value, json};

/// `GET /api/serverstatus` and everything below.
pub(crate) fn server_status(call: &RequestContext<'_>, path: &[&str]) -> HandlerResult {
    let answer = match path {
        [] => online_status(),
        ["health"] => json!({
            "Id": null,
            "Description": "All the nodes in the cluster are operating normally.",
            "IsOperatingNormally": true,
            "IsCompliantWithLicense": true,
            "IsEntireClusterDrainingTasks": false,
            "IsEntireClusterReadOnly": false,
            "Links": {},
        }),
        // The sandbox keeps no log of its own, and knows no time zone but its own.
        ["extensions" | "logs"] => json!([]),
        ["timezones"] => {
            json!([{ "Id": "UTC", "Name": "(UTC) Coordinated Universal Time", "IsLocal": true }])
        }
        ["counts"] => document_counts(call)?,
        ["system-info"] => system_info(call)?,
        _ => return Err(ErrorResponse::not_found()),
    };
    Ok(SandboxResponse::from_document(&answer))
}

fn online_status() -> Value {
    json!({
        "IsOnline": true,
        "IsMajorMinorUpgradeAvailable": false,
        "MaintenanceExpires": null,
        "IsInMaintenanceMode": false,
        "Version": VERSION,
        "ServerTime": current_time(),
        "Links": { "Self": "/api/serverstatus" },
    })
}

/// How many documents there are in all spaces.
fn document_counts(call: &RequestContext<'_>) -> HandlerResult<Value> {
    let count = |kind: &DocumentKind| -> HandlerResult<i64> {
        let sql = "select count(*) from document where kind = ?1";
        Ok(call.db.prepare_cached(sql)?.query_row([kind.prefix], |row| row.get(0))?)
    };
    Ok(json!({
        "Global": { "Spaces": count(&SPACES)?, "Teams": 0, "Users": 0 },
        "Infrastructure": {
            "DeploymentTargets": count(&TARGETS)?,
            "Environments": count(&ENVIRONMENTS)?,
            "Tenants": count(&TENANTS)?,
            "WorkerPools": count(&POOLS)?,
            "Workers": count(&WORKERS)?,
        },
        "Library": {
            "Certificates": count(&CERTIFICATES)?,
            "Packages": 0,
            "VariableSets": count(&VARIABLES)?,
        },
        "Project": {
            "Deployments": count(&DEPLOYMENTS)?,
            "Projects": count(&PROJECTS)?,
            "Releases": count(&RELEASES)?,
            "RunbookRuns": count(&RUNS)?,
            "Runbooks": count(&RUNBOOKS)?,
        },
    }))
}

/// The process and its machine, made up.
fn system_info(call: &RequestContext<'_>) -> HandlerResult<Value> {
    call.person.require_permission("AdministerSystem")?;
    Ok(json!({
        "Version": VERSION,
        "ClrVersion": "sandbox",
        "OSVersion": std::env::consts::OS,
        "Uptime": "00:01:00",
        "WorkingSetBytes": 64 << 20,
        "ThreadCount": 8,
        "MinThreadPoolCount": 2,
        "Links": { "Self": "/api/serverstatus/system-info" },
    }))
}
