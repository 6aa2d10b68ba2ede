//! The portal's overview of pools: how many workers each has, and their health.

use crate::{
    answer::{HandlerResult, SandboxResponse},
    context::RequestContext,
    json::{bool_field, json_field, text_field, text_list},
    kind::POOLS,
    resource::workers,
    text::fold_case,
};
use serde_json::{Value, json};

/// `GET …/workerpools/summary`.
pub(super) fn pool_summary(call: &RequestContext<'_>) -> HandlerResult {
    let pools = call.list_filter(&POOLS).read_values(call.db)?;
    let mut machines = workers::worker_filter(call).read_values(call.db)?;
    if let Some(part) = call.request.parameter("machinepartialname") {
        let part = fold_case(part);
        machines.retain(|machine| fold_case(text_field(machine, "Name")).contains(&part));
    }
    let hide_empty = call.request.flag_parameter("hideemptyworkerpools") == Some(true);
    let mut summary = count_machines(&machines.iter().collect::<Vec<_>>());
    let mut of_pools = Vec::new();
    for pool in pools {
        let id = text_field(&pool, "Id").to_owned();
        let members: Vec<&Value> = machines
            .iter()
            .filter(|machine| text_list(machine, "WorkerPoolIds").contains(&id))
            .collect();
        if hide_empty && members.is_empty() {
            continue;
        }
        let mut of_pool = count_machines(&members);
        of_pool["WorkerPool"] = pool;
        of_pools.push(of_pool);
    }
    summary["WorkerPoolSummaries"] = json!(of_pools);
    summary["Links"] = json!({ "Self": call.space_path(&format!("{}/summary", POOLS.path)) });
    Ok(SandboxResponse::from_document(&summary))
}

/// The number of machines, and their health.
pub(super) fn count_machines(machines: &[&Value]) -> Value {
    let mut health = json!({});
    let mut endpoints = json!({});
    let increment = |counts: &mut Value, name: &str| {
        let count = counts[name].as_u64().unwrap_or_default() + 1;
        counts[name] = json!(count);
    };
    for machine in machines {
        increment(&mut health, text_field(machine, "HealthStatus"));
        increment(
            &mut endpoints,
            text_field(json_field(machine, "Endpoint"), "CommunicationStyle"),
        );
    }
    let disabled = machines.iter().filter(|it| bool_field(it, "IsDisabled")).count();
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
