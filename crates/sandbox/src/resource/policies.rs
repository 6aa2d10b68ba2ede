//! Machine policies: one default a space.
//!
//! Never: acting on one; the sandbox cleans no machine up.

use super::{RequestContext, flag};
use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    kind::POLICIES,
    store::{self, StoredDocument},
};
use serde_json::{Value, json};

/// What a policy says that is told nothing.
pub(crate) fn defaults() -> Value {
    let script = json!({ "RunType": "InheritFromDefault", "ScriptBody": null });
    json!({
        "Name": "",
        "Description": "",
        "IsDefault": false,
        "MachineHealthCheckPolicy": {
            "PowerShellHealthCheckPolicy": script,
            "BashHealthCheckPolicy": script,
            "HealthCheckInterval": "01:00:00",
            "HealthCheckCron": null,
            "HealthCheckCronTimezone": "UTC",
            "HealthCheckType": "RunScript",
        },
        "MachineConnectivityPolicy": { "MachineConnectivityBehavior": "ExpectedToBeOnline" },
        "MachineCleanupPolicy": {
            "DeleteMachinesBehavior": "DoNotDelete",
            "DeleteMachinesElapsedTimeSpan": "00:00:00",
        },
        "MachineUpdatePolicy": {
            "CalamariUpdateBehavior": "UpdateOnDeployment",
            "TentacleUpdateBehavior": "NeverUpdate",
            "KubernetesAgentUpdateBehavior": "Update",
            "TentacleUpdateAccountId": null,
        },
        "MachineRpcCallRetryPolicy": {
            "Enabled": true,
            "RetryDuration": "00:02:30",
            "HealthCheckRetryDuration": "00:02:30",
        },
        "PollingRequestQueueTimeout": "00:02:00",
        "ConnectionRetrySleepInterval": "00:00:01",
        "ConnectionRetryCountLimit": 5,
        "ConnectionRetryTimeLimit": "00:05:00",
        "ConnectionConnectTimeout": "00:01:00",
    })
}

/// `GET …/machinepolicies/template`.
pub(super) fn template(call: &RequestContext<'_>) -> HandlerResult {
    let mut template = defaults();
    template["Id"] = Value::Null;
    template["SpaceId"] = json!(call.space);
    Ok(SandboxResponse::of(&template))
}

/// Lets a policy that is made the default take that from the other, and the default not lose it.
pub(super) fn keep_one_default(
    call: &RequestContext<'_>,
    policy: &mut Value,
    old: &Value,
) -> HandlerResult<()> {
    if flag(old, "IsDefault") {
        policy["IsDefault"] = json!(true);
        return Ok(());
    }
    if !flag(policy, "IsDefault") {
        return Ok(());
    }
    for other in store::all(call.db, &POLICIES, &call.space)? {
        let mut document = other.value()?;
        if flag(&document, "IsDefault") {
            document["IsDefault"] = json!(false);
            store::save(call.db, &StoredDocument::new(&POLICIES, &document))?;
        }
    }
    Ok(())
}

/// Refuses to delete the default.
pub(super) fn deletable(policy: &StoredDocument) -> HandlerResult<()> {
    if flag(&policy.value()?, "IsDefault") {
        return Err(ErrorResponse::rule("You cannot delete your default machine policy."));
    }
    Ok(())
}
