//! Machine policies: one default a space.
//!
//! Never: acting on one; the sandbox cleans no machine up.

use super::{RequestContext, bool_field};
use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    kind::POLICIES,
    store::{self, StoredDocument},
};
use serde_json::{Value, json};

/// What a policy says that is told nothing.
pub(crate) fn default_policy() -> Value {
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
pub(super) fn policy_template(call: &RequestContext<'_>) -> HandlerResult {
    let mut template = default_policy();
    template["Id"] = Value::Null;
    template["SpaceId"] = json!(call.space);
    Ok(SandboxResponse::from_document(&template))
}

/// Lets a policy that is made the default take that from the other, and the default not lose it.
pub(super) fn keep_one_default(
    call: &RequestContext<'_>,
    policy: &mut Value,
    old: &Value,
) -> HandlerResult<()> {
    if bool_field(old, "IsDefault") {
        policy["IsDefault"] = json!(true);
        return Ok(());
    }
    if !bool_field(policy, "IsDefault") {
        return Ok(());
    }
    for other in store::list_documents(call.db, &POLICIES, &call.space)? {
        let mut document = other.parse_body()?;
        if bool_field(&document, "IsDefault") {
            document["IsDefault"] = json!(false);
            store::save_document(call.db, &StoredDocument::new(&POLICIES, &document))?;
        }
    }
    Ok(())
}

/// Refuses to delete the default.
pub(super) fn check_deletable(policy: &StoredDocument) -> HandlerResult<()> {
    if bool_field(&policy.parse_body()?, "IsDefault") {
        return Err(ErrorResponse::bad_request("You cannot delete your default machine policy."));
    }
    Ok(())
}
