//! What workers and targets have in common: filters, distinct values, their policy, their connection.

use crate::{
    answer::{HandlerResult, SandboxResponse},
    context::RequestContext,
    json::{bool_field, json_field, text_field},
    kind::{DocumentKind, POLICIES},
    page::ListFilter,
    store,
    time::current_time,
};
use serde_json::{Value, json};

/// `GET …/workers/{id}/connection`, and the same for a target.
pub(crate) fn connection_status(
    call: &RequestContext<'_>,
    kind: &'static DocumentKind,
    id: &str,
) -> HandlerResult {
    call.person.require_permission(kind.view)?;
    let worker = call.find_document(kind, id)?.parse_body()?;
    let version = &worker["Endpoint"]["TentacleVersionDetails"]["Version"];
    Ok(SandboxResponse::from_document(&json!({
        "Id": null,
        "MachineId": worker["Id"],
        "Logs": [],
        "Status": worker["Status"],
        "CurrentTentacleVersion": version,
        "LastChecked": current_time(),
        "Links": {
            "Self": call.space_path(&format!("{}/{id}/connection", kind.link)),
            "Machine": worker["Links"]["Self"],
        },
    })))
}

/// A filter by the parameters that workers and targets have in common.
pub(crate) fn machine_filter<'a>(
    call: &RequestContext<'a>,
    kind: &'static DocumentKind,
) -> ListFilter<'a> {
    let mut filter = call.list_filter(kind);
    filter.add_parameters(&[
        ("healthstatuses", "json_extract(body, '$.HealthStatus')"),
        ("commstyles", "json_extract(body, '$.Endpoint.CommunicationStyle')"),
        ("thumbprint", "json_extract(body, '$.Thumbprint')"),
        ("shellnames", "json_extract(body, '$.ShellName')"),
        ("operatingsystemnames", "json_extract(body, '$.OperatingSystem')"),
    ]);
    filter.add_flag_parameter("isdisabled", "json_extract(body, '$.IsDisabled')");
    filter
}

/// The distinct values of a field among all workers or targets.
pub(crate) fn distinct_values(
    call: &RequestContext<'_>,
    kind: &'static DocumentKind,
    name: &str,
) -> HandlerResult {
    let machines = if call.person.has_permission(kind.view) {
        store::list_documents(call.db, kind, &call.space)?
    } else {
        Vec::new()
    };
    let mut values: Vec<Value> = Vec::new();
    for machine in machines {
        let value = json_field(&machine.parse_body()?, name).clone();
        if value != "Unknown" && !values.contains(&value) {
            values.push(value);
        }
    }
    values.sort_by_key(ToString::to_string);
    Ok(SandboxResponse::from_document(&json!(values)))
}

/// The id of a machine's policy: that of the body, or the default.
pub(crate) fn find_policy_id(call: &RequestContext<'_>, body: &Value) -> HandlerResult<String> {
    let id = text_field(body, "MachinePolicyId");
    if !id.is_empty() {
        return Ok(call.require_reference(&POLICIES, id)?.id);
    }
    for policy in store::list_documents(call.db, &POLICIES, &call.space)? {
        if bool_field(&policy.parse_body()?, "IsDefault") {
            return Ok(policy.id);
        }
    }
    Ok(String::new())
}
