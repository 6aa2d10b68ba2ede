//! What a step resolves to, and why.
//!
//! Octopus picks a step's place in this order: the step's own pool or pool variable, else the space's
//! default pool, else (a default pool without members, and nothing forbids it) the built-in worker.
//! This module is that rule and nothing more: no I/O, no clock, total over its input.
//!
//! # Source
//!
//! `api.md` 3.3 (run-time rules), 3.4 (how the portal's choices are stored), 4 (action types).

use super::{Live, LiveStep};
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

/// On which side of the wire `step` runs.
pub fn runs(step: &LiveStep) -> Runs {
    let kind = step.action_type.to_lowercase();
    let is_in = |list: &[&str]| list.iter().any(|it| is_of(&kind, it));
    let on_worker = match step.target_roles.trim().is_empty() {
        true => Runs::OnWorker(Execution::Once),
        false => Runs::OnWorker(Execution::PerTarget),
    };
    if is_in(&IN_SERVER) {
        Runs::InServer
    } else if is_in(&UNKNOWN) || is_in(&UNKNOWN_ARGO) {
        Runs::Unknown
    } else if is_in(&ON_WORKER) || step.run_on_server {
        on_worker
    } else if step.target_roles.trim().is_empty() && step.place != Place::DefaultPool {
        // It has no target to run on, and it names a pool.
        on_worker
    } else {
        Runs::OnTargets
    }
}

fn is_of(kind: &str, entry: &str) -> bool {
    match entry.strip_suffix('*') {
        Some(family) => kind.starts_with(family),
        None => kind == entry,
    }
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
    let falls_back = live.pool(id).is_some_and(|pool| {
        pool.default && pool.kind == PoolKind::Static && live.members(id).next().is_none()
    });
    match (falls_back, live.server.built_in_worker) {
        (false, _) => Resolved::Pool(id.clone()),
        (true, Some(false)) => Resolved::Nowhere,
        (true, _) => Resolved::BuiltInWorker,
    }
}
