//! On which side of the wire a step runs: inside the server, on its targets, or on a worker.
//!
//! By its type and its properties alone: no I/O, no clock, total over its input. Never: which pool, or which
//! worker; that is `effective`'s.
//!
//! # Source
//!
//! `api.md` 3.4 (how the portal's choices are stored), 4 (action types). Where it is in doubt:
//!
//! - *Certificate.Import* is taken for a step of the server, as the documentation lists it; *DeployRelease*
//!   and *HealthCheck* are too.
//! - *CommitToGit* is taken for a step of a worker, which is its best judgement. No rule moves it (7, 29).
//! - Of Argo CD, the two steps that update an application run on a worker, as their documentation says
//!   (octopus.com/docs/argo-cd/steps); of those that wait, look and synchronise nobody says, and they are
//!   unknown, whatever their fields say.
//! - A type that no list has is opaque: it runs on a worker where it says `RunOnServer`, or where it names a
//!   pool and does not deny it; without any of that it is unknown. A script that has target tags runs on its
//!   targets all the same, for of scripts 3.4 says so. In a file in Git that is not so: there, Octopus leaves
//!   the flag out where the pool says as much (OctopusDeploy/Issues 7112 and 7296).

use super::{Live, LivePool, LiveStep};
use crate::{
    model::{Execution, Place, PoolKind},
    text::{eq_ignoring_case, fold_case},
};

/// On which side of the wire a step runs, by its type and its properties alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunLocation {
    /// Inside the server's process, whatever its fields say. It never has a pool.
    InServer,
    /// On its deployment targets.
    OnTargets,
    /// On a worker: its pool decides.
    OnWorker(Execution),
    /// Nobody has said where steps of this type run, so they are left alone.
    Unknown,
}

/// Types that run inside the server's process.
const IN_SERVER: [&str; 6] = [
    "octopus.manual",
    "octopus.email",
    "octopus.deployrelease",
    "octopus.healthcheck",
    "octopus.certificate.import",
    "octopus.jiraintegration.servicedeskaction",
];

/// Types of which no source says for certain where they run; they are left as they are.
const UNKNOWN: [&str; 1] = ["octopus.processtemplate"];

/// Those of the Argo CD family. The two that update an application are on a worker, by their documentation;
/// of those that wait and look there is no word.
const UNKNOWN_ARGO: [&str; 3] = [
    "octopus.triggerargocdsync",
    "octopus.waitforargocdpullrequestsmerged",
    "octopus.verifyargocdapplicationhealthy",
];

/// Types that run on a worker by the best judgement of the source, which says to leave them as they are.
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

/// Types that run on targets or on a worker, as their properties say.
const EITHER: [&str; 6] = [
    "octopus.script",
    "octopus.awsuploads3",
    "octopus.javaarchive",
    "octopus.javadeploycertificate",
    "octopus.tomcat*",
    "octopus.wildfly*",
];

/// Types that run on their deployment targets alone: no property moves them to a worker.
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

/// Types that work on a cloud target, from a worker: without the target there is nothing to work on.
const NEED_TARGETS: [&str; 5] = [
    "octopus.kubernetes*",
    "octopus.helmchartupgrade",
    "octopus.azureappservice",
    "octopus.azurewebapp",
    "octopus.azureservicefabric*",
];

/// Whether a step checks the health of its targets: the server runs it, and a worker looks at each target in a
/// cloud.
///
/// # Source
///
/// `api.md` 4, `Octopus.HealthCheck`.
pub(super) fn checks_health(step: &LiveStep) -> bool {
    eq_ignoring_case(&step.action_type, "octopus.healthcheck")
}

/// Whether steps of this type run on their deployment targets and nowhere else.
pub fn runs_only_on_targets(step: &LiveStep) -> bool {
    is_listed_type(&fold_case(&step.action_type), &ONLY_ON_TARGETS)
}

/// Whether steps of this type have nothing to work on without deployment targets.
pub fn needs_targets(step: &LiveStep) -> bool {
    is_listed_type(&fold_case(&step.action_type), &NEED_TARGETS)
}

/// Whether a step runs on a worker.
pub fn runs_on_worker(step: &LiveStep) -> bool {
    matches!(classify_step(step), RunLocation::OnWorker(_))
}

/// Whether no rule may move steps of this type, though it is known where they run.
pub fn is_left_alone(step: &LiveStep) -> bool {
    is_listed_type(&fold_case(&step.action_type), &LEFT_ALONE)
}

/// The pool whose steps run on the built-in worker, be it on or off: the default one, where it is static and
/// has no members.
pub fn built_in_worker_pool(live: &Live) -> Option<&LivePool> {
    let pool = live.default_pool()?;
    let empty = live.pool_members(&pool.id).next().is_none();
    (pool.kind == PoolKind::Static && empty && !is_octopus_cloud(live)).then_some(pool)
}

/// Whether the server is Octopus Cloud, which has no built-in worker: it alone has dynamic pools, and it
/// alone is a host of `octopus.app`.
///
/// # Source
///
/// `api.md` 3.3, 2 (the built-in worker is of self-hosted servers only), 7, 26 (a self-hosted server creates
/// no dynamic pool).
pub fn is_octopus_cloud(live: &Live) -> bool {
    let host = live.server.url.split("://").nth(1).unwrap_or_default();
    let host = host.split(['/', ':']).next().unwrap_or_default();
    host.to_ascii_lowercase().ends_with(".octopus.app")
        || live.pools.iter().any(|pool| pool.kind != PoolKind::Static)
}

/// On which side of the wire `step` runs.
pub fn classify_step(step: &LiveStep) -> RunLocation {
    let kind = fold_case(&step.action_type);
    let tagged = step.has_target_tags();
    let on_worker = match tagged {
        true => RunLocation::OnWorker(Execution::PerTarget),
        false => RunLocation::OnWorker(Execution::Once),
    };
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
        // A pool lingers at a step that runs on its targets.
        (Some(false), _) => RunLocation::OnTargets,
        (None, true) if step.from_file => on_worker,
        (None, _) if tagged && is_listed_type(&kind, &EITHER) => RunLocation::OnTargets,
        (None, true) => on_worker,
        (None, false) if tagged => RunLocation::OnTargets,
        (None, false) if is_listed_type(&kind, &EITHER) => RunLocation::OnTargets,
        (None, false) => RunLocation::Unknown,
    }
}

/// Whether a type is that of a step package, which is written in lower case: `aws-ecs`.
fn is_step_package(action_type: &str) -> bool {
    let lower = action_type.starts_with(|it: char| it.is_ascii_lowercase());
    lower && !action_type.starts_with("octopus.")
}

/// Whether a type in lower case is one of `list`.
fn is_listed_type(kind: &str, list: &[&str]) -> bool {
    list.iter().any(|entry| match entry.strip_suffix('*') {
        Some(family) => kind.starts_with(family),
        None => kind == *entry,
    })
}
