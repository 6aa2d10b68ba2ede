//! Who runs a step: the server, its target, or a worker.
//!
//! # Source
//!
//! `api.md` 4. An unknown type counts as a step that may run on targets or on workers.

use crate::{place::types::StepToPlace, text::contains_id};

/// Who runs a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StepRunner {
    Server,
    Target,
    Worker,
    /// There is no target for a step that runs on targets.
    NoTarget,
}

/// Types that run inside the server, and never need a worker.
const ON_THE_SERVER: [&str; 9] = [
    "Octopus.Manual",
    "Octopus.Email",
    "Octopus.DeployRelease",
    "Octopus.HealthCheck",
    "Octopus.Certificate.Import",
    "Octopus.JiraIntegration.ServiceDeskAction",
    "Octopus.TriggerArgoCDSync",
    "Octopus.WaitForArgoCDPullRequestsMerged",
    "Octopus.VerifyArgoCDApplicationHealthy",
];

/// Types that always need a worker: full names, and beginnings of names.
const ON_WORKERS: [&str; 22] = [
    "Octopus.ArgoCDUpdate",
    "Octopus.AwsApplyCloudFormationChangeSet",
    "Octopus.AwsCreateS3",
    "Octopus.AwsDeleteCloudFormation",
    "Octopus.AwsDeployEcsService",
    "Octopus.AwsRunCloudFormation",
    "Octopus.AwsRunScript",
    "Octopus.AwsUpdateEcsService",
    "Octopus.AzureAppService",
    "Octopus.AzureCloudService",
    "Octopus.AzureDeployBicepTemplate",
    "Octopus.AzurePowerShell",
    "Octopus.AzureResourceGroup",
    "Octopus.AzureServiceFabric",
    "Octopus.AzureWebApp",
    "Octopus.CommitToGit",
    "Octopus.GoogleCloudScripting",
    "Octopus.HelmChartUpgrade",
    "Octopus.Kubernetes",
    "Octopus.TargetDiscovery",
    "Octopus.Terraform",
    "Octopus.Action.Kubernetes",
];

/// Types that act on a Kubernetes cluster, and run on the agent if the target is one.
const ON_CLUSTERS: [&str; 2] = ["Octopus.Kubernetes", "Octopus.HelmChartUpgrade"];

/// Types that only run on targets, whatever the step says.
const ON_TARGETS: [&str; 6] = [
    "Octopus.TentaclePackage",
    "Octopus.IIS",
    "Octopus.WindowsService",
    "Octopus.Vhd",
    "Octopus.Nginx",
    "Octopus.TransferPackage",
];

/// Who runs a step.
pub(crate) fn find_runner(step: &StepToPlace<'_>) -> StepRunner {
    let is_action_in = |names: &[&str]| contains_id(names, step.action);
    let starts_with_any = |names: &[&str]| names.iter().any(|it| step.action.starts_with(it));
    // Types of step packages are in lower case; none of them runs on a target.
    let is_package = step.action.starts_with(|c: char| c.is_ascii_lowercase());
    let targets_alone = is_action_in(&ON_TARGETS) || step.action.starts_with("Octopus.Docker");
    if is_action_in(&ON_THE_SERVER) {
        StepRunner::Server
    } else if starts_with_any(&ON_CLUSTERS)
        && step.target.is_some_and(|it| it.is_kubernetes_agent())
    {
        StepRunner::Target
    } else if starts_with_any(&ON_WORKERS) || is_package || (step.on_server && !targets_alone) {
        StepRunner::Worker
    } else {
        match step.target {
            None => StepRunner::NoTarget,
            Some(target) if target.accepts_work() => StepRunner::Target,
            // A cloud service runs nothing itself: a worker acts on its behalf.
            Some(_) => StepRunner::Worker,
        }
    }
}
