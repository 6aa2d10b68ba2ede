//! `own-worker`: a plan must not take away the worker or the pool on which the program itself runs.
//!
//! Never: deciding what the program runs on; the command line names it.

use super::GateInput;
use crate::{
    finding::{Code, Finding, FindingLocation, Level},
    live::{Live, LivePool, LiveWorker, built_in_worker_pool},
    model::{Address, Id, Name, Pool, PoolKind},
    plan::{Change, ChangeKind, OwnPlace},
};

/// What to do about each finding.
const HELP: &str = "run this command on a worker that the plan does not change";

/// Returns findings about the worker and the pool that the program runs on, as far as the plan takes them away, and
/// about those that it names but that do not exist.
pub(in crate::diff) fn check_own_place(input: &GateInput) -> Vec<Finding> {
    let OwnPlace { workers, pools } = &input.settings.own;
    let concerns_workers = |change: &Change| {
        let address = &change.address;
        matches!(address, Address::Pool(_) | Address::Worker(_) | Address::BuiltInWorker)
    };
    if !input.changes.iter().any(concerns_workers) {
        return Vec::new();
    }
    let workers = workers.iter().filter_map(|name| worker_finding(input, name));
    let pools = pools.iter().filter_map(|name| pool_finding(input, name));
    workers.chain(pools).collect()
}

fn worker_finding(input: &GateInput, name: &str) -> Option<Finding> {
    let live = input.matched.live;
    let searched = Name::new(name);
    let is_named = |worker: &&LiveWorker| worker.name == searched || worker.id.as_str() == name;
    let Some(worker) = live.workers.iter().find(is_named) else {
        return Some(unknown_place("worker", name, "--own-worker"));
    };
    let replaces = |change: &&Change| match &change.kind {
        ChangeKind::ReplaceWorker { id, .. } => *id == worker.id,
        _ => false,
    };
    let later = input.after.workers.iter().find(|other| other.id == worker.id);
    let outcome = if input.changes.iter().any(|change| replaces(&change)) {
        "replaced"
    } else if later.is_none() {
        "deleted"
    } else if !worker.disabled && later.is_some_and(|it| it.disabled) {
        "disabled"
    } else {
        return None;
    };
    let address = Address::Worker(worker.name.to_string());
    let message =
        format!("worker `{}`, which this command runs on, would be {outcome}", worker.name);
    Some(refusal(input, address, message))
}

fn pool_finding(input: &GateInput, name: &str) -> Option<Finding> {
    let live = input.matched.live;
    let searched = Name::new(name);
    let is_named = |pool: &&LivePool| pool.name == searched || pool.id.as_str() == name;
    let Some(pool) = live.pools.iter().find(is_named) else {
        return Some(unknown_place("pool", name, "--own-pool"));
    };
    let address = input.matched.pool_address(pool);
    if input.after.find_pool(&pool.id).is_none() {
        let message = format!("pool `{}`, which this command runs in, would be deleted", pool.name);
        return Some(refusal(input, address, message));
    }
    if pool.kind == PoolKind::Static
        && has_worker(live, &pool.id)
        && !has_worker(input.after, &pool.id)
    {
        let message = format!(
            "pool `{}`, which this command runs in, would have no enabled worker",
            pool.name
        );
        return Some(refusal(input, address, message));
    }
    let is_on_server = built_in_worker_pool(live).is_some_and(|served| served.id == pool.id);
    let switches_off =
        |kind: &ChangeKind| matches!(kind, ChangeKind::SetBuiltInWorker { enabled: false });
    let is_off = input.changes.iter().any(|change| switches_off(&change.kind));
    (is_on_server && is_off).then(|| {
        let message =
            "the built-in worker, which this command runs on, would be switched off".to_owned();
        refusal(input, Address::BuiltInWorker, message)
    })
}

fn has_worker(live: &Live, pool: &Id<Pool>) -> bool {
    live.pool_members(pool).any(|worker| !worker.disabled)
}

/// Returns the finding that refuses a plan, at the change that causes it if there is one.
fn refusal(input: &GateInput, address: Address, message: String) -> Finding {
    let change = input.changes.iter().find(|change| change.address == address);
    let at = change.map_or(FindingLocation::Nowhere, |change| change.cause.location.clone());
    let finding = Finding::new(Code::OwnWorker, Level::Deny, at, message);
    finding.with_address(address).with_help(HELP)
}

/// Returns the warning that a name protects nothing.
fn unknown_place(what: &str, name: &str, flag: &str) -> Finding {
    let message = format!("there is no {what} `{name}`, so `{flag}` protects nothing");
    let help = format!("use the name that the {what} has on the server");
    Finding::unplaced_warning(Code::OwnWorker, message).with_help(help)
}
