//! The portal's overview of pools: how many workers each has, and how they are.
//!
//! Never: a worker's own document.

use super::{RequestContext, field, flag, list, text, workers};
use crate::{
    answer::{HandlerResult, SandboxResponse},
    kind::POOLS,
    page::ListFilter,
};
use serde_json::{Value, json};

/// `GET …/workerpools/summary`.
pub(super) fn answer(call: &RequestContext<'_>) -> HandlerResult {
    let pools = ListFilter::new(&POOLS, &call.space, call.request).values(call.db)?;
    let mut machines = workers::filter(call).values(call.db)?;
    if let Some(part) = call.request.parameter("machinepartialname") {
        let part = part.to_lowercase();
        machines.retain(|it| text(it, "Name").to_lowercase().contains(&part));
    }
    let hide_empty = call.request.parameter("hideemptyworkerpools");
    let hide_empty = hide_empty.is_some_and(|it| it.eq_ignore_ascii_case("true"));
    let mut summary = counted(&machines.iter().collect::<Vec<_>>());
    let mut of_pools = Vec::new();
    for pool in pools {
        let id = text(&pool, "Id").to_owned();
        let members: Vec<&Value> =
            machines.iter().filter(|it| list(it, "WorkerPoolIds").contains(&id)).collect();
        if hide_empty && members.is_empty() {
            continue;
        }
        let mut of_pool = counted(&members);
        of_pool["WorkerPool"] = pool;
        of_pools.push(of_pool);
    }
    summary["WorkerPoolSummaries"] = json!(of_pools);
    summary["Links"] = json!({ "Self": call.at(&format!("{}/summary", POOLS.path)) });
    Ok(SandboxResponse::of(&summary))
}

/// How many machines there are, and how they are.
pub(super) fn counted(machines: &[&Value]) -> Value {
    let mut health = json!({});
    let mut endpoints = json!({});
    let add = |counts: &mut Value, name: &str| {
        let count = counts[name].as_u64().unwrap_or_default() + 1;
        counts[name] = json!(count);
    };
    for machine in machines {
        add(&mut health, text(machine, "HealthStatus"));
        add(&mut endpoints, text(field(machine, "Endpoint"), "CommunicationStyle"));
    }
    let disabled = machines.iter().filter(|it| flag(it, "IsDisabled")).count();
    json!({
        "TotalMachines": machines.len(),
        "TotalDisabledMachines": disabled,
        "MachineHealthStatusSummaries": health,
        "MachineEndpointSummaries": endpoints,
        "TentacleUpgradesRequired": false,
        "MachineIdsForCalamariUpgrade": [],
        "MachineIdsForTentacleUpgrade": [],
    })
}
