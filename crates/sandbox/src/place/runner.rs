//! Who runs a step: the server, its target, or a worker.
//!
//! Never: which worker.
//!
//! # Source
//!
//! `api.md` 4. What it does not know is taken for a step that may run on targets or on workers.

use crate::place::ground::StepToPlace;

/// Who runs a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StepRunner {
    Server,
    Target,
    Worker,
    /// There is no target for a step that runs on targets.
    NoTarget,
}

/// What runs inside the server, and needs no worker ever.
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

/// What always needs a worker: whole names, and what names begin with.
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

/// What acts on a Kubernetes cluster, and so runs on the agent where the target is one.
const ON_CLUSTERS: [&str; 2] = ["Octopus.Kubernetes", "Octopus.HelmChartUpgrade"];

/// What runs on targets alone, whatever else the step says.
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
    let is_action_in = |names: &[&str]| names.iter().any(|it| step.action.eq_ignore_ascii_case(it));
    let starts_with_any = |names: &[&str]| names.iter().any(|it| step.action.starts_with(it));
    // The types of step packages are in lower case, and none of them runs on a target.
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
            // Something in a cloud runs nothing itself: a worker acts for it.
            Some(_) => StepRunner::Worker,
        }
    }
}
