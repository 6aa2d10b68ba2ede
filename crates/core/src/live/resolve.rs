//! Determines where a step runs: inside the server, on its targets, or on a worker.
//!
//! The step's type and properties alone decide. Which pool it uses is determined by `effective`.
//!
//! # Source
//!
//! `api.md` 3.4 (how the portal's choices are stored), 4 (action types). In doubtful cases:
//!
//! - *Certificate.Import*, *DeployRelease* and *HealthCheck* run in the server, as the documentation lists
//!   them.
//! - *CommitToGit* runs on a worker, to the best knowledge of the source. No rule moves it (7, 29).
//! - The two Argo CD steps that update an application run on a worker, according to their documentation
//!   (octopus.com/docs/argo-cd/steps). It does not cover those that wait, verify and synchronise: they are
//!   unknown, whatever their fields contain.
//! - A type that is not listed runs on a worker if it has `RunOnServer`, or if it names a pool and does not
//!   deny `RunOnServer`; otherwise it is unknown. A script with target tags runs on its targets even if it
//!   names a pool (3.4), except in a file in Git, where Octopus omits the flag if the pool implies it
//!   (OctopusDeploy/Issues 7112 and 7296).

use super::{Live, LivePool, LiveStep};
use crate::{
    model::{Execution, Place, PoolKind},
    text::{eq_ignoring_case, fold_case},
};

/// Where a step runs, by its type and its properties alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunLocation {
    /// Inside the server's process, whatever its fields contain. It never has a pool.
    InServer,
    /// On its deployment targets.
    OnTargets,
    /// On a worker, which the step's pool decides.
    OnWorker(Execution),
    /// Not documented for steps of this type, which are therefore left alone.
    Unknown,
}

/// Types of steps that servers are known to have, as they spell them.
///
/// # Source
///
/// `api.md` 4.
pub const KNOWN_ACTION_TYPES: [&str; 62] = [
    "Octopus.Script",
    "Octopus.AzurePowerShell",
    "Octopus.AwsRunScript",
    "Octopus.GoogleCloudScripting",
    "Octopus.KubernetesRunScript",
    "Octopus.KubernetesDeployContainers",
    "Octopus.KubernetesDeployRawYaml",
    "Octopus.KubernetesDeployService",
    "Octopus.KubernetesDeployIngress",
    "Octopus.KubernetesDeployConfigMap",
    "Octopus.KubernetesDeploySecret",
    "Octopus.Kubernetes.Kustomize",
    "Octopus.HelmChartUpgrade",
    "Octopus.AwsRunCloudFormation",
    "Octopus.AwsDeleteCloudFormation",
    "Octopus.AwsApplyCloudFormationChangeSet",
    "Octopus.AwsUploadS3",
    "Octopus.AwsCreateS3",
    "Octopus.AwsDeployEcsService",
    "Octopus.AwsUpdateEcsService",
    "Octopus.AzureResourceGroup",
    "Octopus.AzureDeployBicepTemplate",
    "Octopus.AzureAppService",
    "Octopus.AzureWebApp",
    "Octopus.AzureServiceFabricApp",
    "Octopus.AzureServiceFabricPowerShell",
    "Octopus.AzureCloudService",
    "Octopus.TerraformApply",
    "Octopus.TerraformPlan",
    "Octopus.TerraformDestroy",
    "Octopus.TerraformPlanDestroy",
    "Octopus.TentaclePackage",
    "Octopus.IIS",
    "Octopus.WindowsService",
    "Octopus.Vhd",
    "Octopus.Nginx",
    "Octopus.TransferPackage",
    "Octopus.JavaArchive",
    "Octopus.JavaDeployCertificate",
    "Octopus.TomcatDeploy",
    "Octopus.TomcatState",
    "Octopus.TomcatDeployCertificate",
    "Octopus.WildFlyDeploy",
    "Octopus.WildFlyState",
    "Octopus.WildFlyCertificateDeploy",
    "Octopus.DockerRun",
    "Octopus.DockerStop",
    "Octopus.DockerNetwork",
    "Octopus.Certificate.Import",
    "Octopus.Manual",
    "Octopus.Email",
    "Octopus.DeployRelease",
    "Octopus.HealthCheck",
    "Octopus.JiraIntegration.ServiceDeskAction",
    "Octopus.CommitToGit",
    "Octopus.ArgoCDUpdateImageTags",
    "Octopus.ArgoCDUpdateManifests",
    "Octopus.TriggerArgoCDSync",
    "Octopus.WaitForArgoCDPullRequestsMerged",
    "Octopus.VerifyArgoCDApplicationHealthy",
    "Octopus.ProcessTemplate",
    "aws-ecs",
];

/// Types that run inside the server's process.
const IN_SERVER: [&str; 6] = [
    "octopus.manual",
    "octopus.email",
    "octopus.deployrelease",
    "octopus.healthcheck",
    "octopus.certificate.import",
    "octopus.jiraintegration.servicedeskaction",
];

/// Types for which no source says for certain where they run; they are left alone.
const UNKNOWN: [&str; 1] = ["octopus.processtemplate"];

/// Argo CD types that wait, verify or synchronise, for which no source says where they run.
const UNKNOWN_ARGO: [&str; 3] = [
    "octopus.triggerargocdsync",
    "octopus.waitforargocdpullrequestsmerged",
    "octopus.verifyargocdapplicationhealthy",
];

/// Types that probably run on a worker, but that the source says to leave alone.
const LEFT_ALONE: [&str; 1] = ["octopus.committogit"];

/// Types that always run on a worker; a trailing `*` stands for a family.
const ON_WORKER: [&str; 28] = [
    "octopus.argocdupdateimagetags",
    "octopus.argocdupdatemanifests",
    "octopus.azurepowershell",
    "octopus.azureresourcegroup",
    "octopus.azuredeploybiceptemplate",
    "octopus.azureappservice",
    "octopus.azurewebapp",
    "octopus.azureservicefabricapp",
    "octopus.azureservicefabricpowershell",
    "octopus.azurecloudservice",
    "octopus.awsrunscript",
    "octopus.awsruncloudformation",
    "octopus.awsdeletecloudformation",
    "octopus.awsapplycloudformationchangeset",
    "octopus.awscreates3",
    "octopus.awsdeployecsservice",
    "octopus.awsupdateecsservice",
    "octopus.googlecloudscripting",
    "octopus.kubernetes*",
    "octopus.helmchartupgrade",
    "octopus.terraformapply",
    "octopus.terraformplan",
    "octopus.terraformdestroy",
    "octopus.terraformplandestroy",
    "octopus.targetdiscovery*",
    "octopus.action.kubernetes*",
    "octopus.healthcheck.*",
    "octopus.committogit",
];

/// Types that run on targets or on a worker, depending on their properties.
const EITHER: [&str; 6] = [
    "octopus.script",
    "octopus.awsuploads3",
    "octopus.javaarchive",
    "octopus.javadeploycertificate",
    "octopus.tomcat*",
    "octopus.wildfly*",
];

/// Types that always run on their deployment targets: no property moves them to a worker.
const ONLY_ON_TARGETS: [&str; 9] = [
    "octopus.tentaclepackage",
    "octopus.iis",
    "octopus.windowsservice",
    "octopus.vhd",
    "octopus.nginx",
    "octopus.transferpackage",
    "octopus.dockerrun",
    "octopus.dockerstop",
    "octopus.dockernetwork",
];

/// Types that run on a worker and operate on a cloud target, without which they have nothing to do.
const NEED_TARGETS: [&str; 5] = [
    "octopus.kubernetes*",
    "octopus.helmchartupgrade",
    "octopus.azureappservice",
    "octopus.azurewebapp",
    "octopus.azureservicefabric*",
];

/// Whether a step checks the health of its targets: the server runs it, and a worker checks each cloud
/// target.
///
/// # Source
///
/// `api.md` 4, `Octopus.HealthCheck`.
pub(super) fn checks_health(step: &LiveStep) -> bool {
    eq_ignoring_case(&step.action_type, "octopus.healthcheck")
}

/// Whether steps of this type always run on their deployment targets.
pub fn runs_only_on_targets(step: &LiveStep) -> bool {
    is_listed_type(&fold_case(&step.action_type), &ONLY_ON_TARGETS)
}

/// Whether steps of this type have nothing to do without deployment targets.
pub fn needs_targets(step: &LiveStep) -> bool {
    is_listed_type(&fold_case(&step.action_type), &NEED_TARGETS)
}

/// Whether a step runs on a worker.
pub fn runs_on_worker(step: &LiveStep) -> bool {
    matches!(classify_step(step), RunLocation::OnWorker(_))
}

/// Whether no rule may move steps of this type, although it is known where they run.
pub fn is_left_alone(step: &LiveStep) -> bool {
    is_listed_type(&fold_case(&step.action_type), &LEFT_ALONE)
}

/// Returns the pool whose steps run on the built-in worker, be it on or off: the default pool, if it is
/// static and has no members.
pub fn built_in_worker_pool(live: &Live) -> Option<&LivePool> {
    let pool = live.default_pool()?;
    let empty = live.pool_members(&pool.id).next().is_none();
    (pool.kind == PoolKind::Static && empty && !is_octopus_cloud(live)).then_some(pool)
}

/// Whether the server is Octopus Cloud, which has no built-in worker: only Octopus Cloud has dynamic pools,
/// and hosts under `octopus.app`.
///
/// # Source
///
/// `api.md` 3.3, 2 (only self-hosted servers have a built-in worker), 7, 26 (a self-hosted server does not
/// create dynamic pools).
pub fn is_octopus_cloud(live: &Live) -> bool {
    let host = live.server.url.split("://").nth(1).unwrap_or_default();
    let host = host.split(['/', ':']).next().unwrap_or_default();
    host.to_ascii_lowercase().ends_with(".octopus.app")
        || live.pools.iter().any(|pool| pool.kind != PoolKind::Static)
}

/// Returns where `step` runs.
pub fn classify_step(step: &LiveStep) -> RunLocation {
    let kind = fold_case(&step.action_type);
    let tagged = step.has_target_tags();
    let execution = if tagged { Execution::PerTarget } else { Execution::Once };
    let on_worker = RunLocation::OnWorker(execution);
    if is_listed_type(&kind, &IN_SERVER) {
        return RunLocation::InServer;
    }
    if is_listed_type(&kind, &UNKNOWN) || is_listed_type(&kind, &UNKNOWN_ARGO) {
        return RunLocation::Unknown;
    }
    if is_listed_type(&kind, &ONLY_ON_TARGETS) {
        return RunLocation::OnTargets;
    }
    if is_listed_type(&kind, &ON_WORKER) || is_step_package(&step.action_type) {
        return on_worker;
    }
    let names_pool = step.place != Place::DefaultPool;
    match (step.run_on_server, names_pool) {
        (Some(true), _) => on_worker,
        // A step that runs on its targets may still have a pool, which has no effect.
        (Some(false), _) => RunLocation::OnTargets,
        (None, true) if step.from_file => on_worker,
        (None, _) if tagged && is_listed_type(&kind, &EITHER) => RunLocation::OnTargets,
        (None, true) => on_worker,
        (None, false) if tagged => RunLocation::OnTargets,
        (None, false) if is_listed_type(&kind, &EITHER) => RunLocation::OnTargets,
        (None, false) => RunLocation::Unknown,
    }
}

/// Whether a type belongs to a step package; these are in lower case: `aws-ecs`.
fn is_step_package(action_type: &str) -> bool {
    let lower = action_type.starts_with(|c: char| c.is_ascii_lowercase());
    lower && !action_type.starts_with("octopus.")
}

/// Whether `list` contains a type, which is given in lower case.
fn is_listed_type(kind: &str, list: &[&str]) -> bool {
    list.iter().any(|entry| match entry.strip_suffix('*') {
        Some(family) => kind.starts_with(family),
        None => kind == *entry,
    })
}
