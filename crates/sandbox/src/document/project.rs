//! The fields of projects and runbooks that a client may leave out.

use crate::kind::{PROCESSES, RUNBOOK_PROCESSES, VARIABLES};
use serde_json::{Value, json};

/// The defaults of a project.
pub(crate) fn project_defaults(id: &str) -> Value {
    json!({
        "Description": "",
        "IsDisabled": false,
        "IsVersionControlled": false,
        "PersistenceSettings": { "Type": "Database" },
        "DeploymentProcessId": PROCESSES.id_for(id),
        "VariableSetId": VARIABLES.id_for(id),
        "ProjectTags": [],
        "IncludedLibraryVariableSetIds": [],
        "ClonedFromProjectId": null,
        "DiscreteChannelRelease": false,
        "AutoCreateRelease": false,
        "DefaultGuidedFailureMode": "EnvironmentDefault",
        "TenantedDeploymentMode": "Untenanted",
        "ProjectConnectivityPolicy": {
            "SkipMachineBehavior": "None",
            "TargetRoles": [],
            "AllowDeploymentsToNoTargets": false,
            "ExcludeUnhealthyTargets": false,
        },
        "VersioningStrategy": {
            "Template": "#{Octopus.Version.LastMajor}.#{Octopus.Version.LastMinor}.#{Octopus.Version.NextPatch}",
            "DonorPackage": null,
        },
        "Templates": [],
        "ExtensionSettings": [],
    })
}

/// The documents that belong to a project.
pub(crate) fn project_parts(id: &str) -> Value {
    json!({ "DeploymentProcessId": PROCESSES.id_for(id), "VariableSetId": VARIABLES.id_for(id) })
}

/// The documents that belong to a runbook.
pub(crate) fn runbook_parts(id: &str) -> Value {
    json!({ "RunbookProcessId": RUNBOOK_PROCESSES.id_for(id) })
}

/// The defaults of a runbook.
pub(crate) fn runbook_defaults(id: &str) -> Value {
    json!({
        "Description": "",
        "RunbookProcessId": RUNBOOK_PROCESSES.id_for(id),
        "PublishedRunbookSnapshotId": null,
        "MultiTenancyMode": "Untenanted",
        "EnvironmentScope": "All",
        "Environments": [],
        "DefaultGuidedFailureMode": "EnvironmentDefault",
        "RunRetentionPolicy": { "QuantityToKeep": 100, "ShouldKeepForever": false },
        "ConnectivityPolicy": {
            "SkipMachineBehavior": "None",
            "TargetRoles": [],
            "AllowDeploymentsToNoTargets": true,
            "ExcludeUnhealthyTargets": false,
        },
        "ForcePackageDownload": false,
        "RunbookTags": [],
    })
}
