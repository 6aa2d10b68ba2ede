//! The fields of a machine policy that a client may leave out.

use serde_json::{Value, json};

/// The defaults of a machine policy.
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
