//! What a step resolves to, and why.
//!
//! Octopus picks a step's place in this order: the step's own pool or pool variable, else the space's
//! default pool, else (a default pool without members, and nothing forbids it) the built-in worker.
//! This module is that rule and nothing more: no I/O, no clock, total over its input.
//!
//! # Source
//!
//! `api.md` 3.3 (run-time rules), 3.4 (how the portal's choices are stored), 4 (action types).

use super::{Live, LivePool, LiveStep};
use crate::model::{Execution, Id, Place, Pool, PoolKind};

/// On which side of the wire a step runs, by its type and its properties alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runs {
    /// Inside the server's process, whatever its fields say. It never has a pool.
    InServer,
    /// On its deployment targets.
    OnTargets,
    /// On a worker: its pool decides.
    OnWorker(Execution),
    /// Nobody has said where steps of this type run, so they are left alone.
    Unknown,
}

/// Where a step would run if it ran now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// Inside the server's process.
    InServer,
    /// On its deployment targets.
    OnTargets,
    /// On the built-in worker: the default pool has no members.
    BuiltInWorker,
    /// Nowhere: it needs the built-in worker, and that is switched off.
    Nowhere,
    /// In this pool.
    Pool(Id<Pool>),
    /// Wherever this variable says.
    Variable(String),
    /// Nobody knows.
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
const UNKNOWN: [&str; 3] = ["octopus.argocd*", "octopus.committogit", "octopus.processtemplate"];

/// Further names of the Argo CD family, which share no prefix.
const UNKNOWN_ARGO: [&str; 3] = [
    "octopus.triggerargocdsync",
    "octopus.waitforargocdpullrequestsmerged",
    "octopus.verifyargocdapplicationhealthy",
];

/// Types that always run on a worker; a trailing `*` stands for a family.
const ON_WORKER: [&str; 26] = [
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
    "aws-ecs*",
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

/// Whether steps of this type run on their deployment targets and nowhere else.
pub fn only_on_targets(step: &LiveStep) -> bool {
    is_in(&step.action_type.to_lowercase(), &ONLY_ON_TARGETS)
}

/// Whether steps of this type have nothing to work on without deployment targets.
pub fn needs_targets(step: &LiveStep) -> bool {
    is_in(&step.action_type.to_lowercase(), &NEED_TARGETS)
}

/// Whether a step runs on a worker.
pub fn is_on_worker(step: &LiveStep) -> bool {
    matches!(runs(step), Runs::OnWorker(_))
}

/// The pool whose steps run on the built-in worker: the default one, where it is static and has no members.
pub fn fallback_pool(live: &Live) -> Option<&LivePool> {
    let pool = live.default_pool()?;
    let empty = live.members(&pool.id).next().is_none();
    (pool.kind == PoolKind::Static && empty).then_some(pool)
}

/// On which side of the wire `step` runs.
pub fn runs(step: &LiveStep) -> Runs {
    let kind = step.action_type.to_lowercase();
    let on_worker = match step.target_roles.trim().is_empty() {
        true => Runs::OnWorker(Execution::Once),
        false => Runs::OnWorker(Execution::PerTarget),
    };
    let bears_pool = is_in(&kind, &EITHER) || step.place != Place::DefaultPool;
    if is_in(&kind, &IN_SERVER) {
        Runs::InServer
    } else if is_in(&kind, &UNKNOWN) || is_in(&kind, &UNKNOWN_ARGO) {
        Runs::Unknown
    } else if is_in(&kind, &ON_WORKER) || step.run_on_server {
        on_worker
    } else if !is_in(&kind, &ONLY_ON_TARGETS) && step.target_roles.trim().is_empty() && bears_pool {
        // It has no target to run on.
        on_worker
    } else {
        Runs::OnTargets
    }
}

/// Whether a type in lower case is one of `list`.
fn is_in(kind: &str, list: &[&str]) -> bool {
    list.iter().any(|entry| match entry.strip_suffix('*') {
        Some(family) => kind.starts_with(family),
        None => kind == *entry,
    })
}

/// Where `step` would run if it ran now.
pub fn resolve(step: &LiveStep, live: &Live) -> Resolved {
    match runs(step) {
        Runs::InServer => Resolved::InServer,
        Runs::OnTargets => Resolved::OnTargets,
        Runs::Unknown => Resolved::Unknown,
        Runs::OnWorker(_) => match &step.place {
            Place::Variable(name) => Resolved::Variable(name.clone()),
            Place::Pool(id) => of_pool(id, live),
            Place::DefaultPool => match live.default_pool() {
                Some(pool) => of_pool(&pool.id, live),
                None => Resolved::Unknown,
            },
        },
    }
}

/// Where a step of this pool would run: there, unless the pool is the default one and has no members.
fn of_pool(id: &Id<Pool>, live: &Live) -> Resolved {
    let falls_back = fallback_pool(live).is_some_and(|pool| pool.id == *id);
    match (falls_back, live.server.built_in_worker) {
        (false, _) => Resolved::Pool(id.clone()),
        (true, Some(false)) => Resolved::Nowhere,
        (true, _) => Resolved::BuiltInWorker,
    }
}
