//! Worker pools: one is the default of its space, and all are static on a self-hosted server.

use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    context::RequestContext,
    document::{features, links},
    json::{bool_field, json_field, text_field},
    kind::{POOLS, PROCESSES, RUNBOOK_PROCESSES, SNAPSHOT_MARK, WORKERS},
    request::HttpVerb,
    resource::{sort_order, summary, workers},
    store::{self, StoredDocument},
};
use rusqlite::params;
use serde_json::{Value, json};

/// Routes that only pools have.
pub(crate) fn route_pools(call: &RequestContext<'_>, path: &[&str]) -> Option<HandlerResult> {
    Some(match (call.verb(), path) {
        (HttpVerb::Get, ["dynamicworkertypes"]) => dynamic_types(call),
        (HttpVerb::Get, ["supportedtypes"]) => supported_types(call),
        (HttpVerb::Get, ["summary"]) => summary::pool_summary(call),
        (HttpVerb::Get, [id, "workers"]) => list_members(call, id),
        (HttpVerb::Put, ["sortorder"]) => sort_order::set_sort_order(call, &POOLS),
        (HttpVerb::Post, []) => create(call),
        (HttpVerb::Put, [id]) => update(call, id),
        (HttpVerb::Delete, [id]) => delete(call, id),
        _ => return None,
    })
}

/// The images of dynamic pools.
const IMAGES: [(&str, &str, ImageAge); 6] = [
    ("UbuntuDefault", "Ubuntu (default)", ImageAge::Current),
    ("Ubuntu2204", "Ubuntu 22.04", ImageAge::Ending),
    ("WindowsDefault", "Windows (default)", ImageAge::Current),
    ("Windows2022", "Windows Server 2022", ImageAge::Ending),
    ("Ubuntu2404", "Ubuntu 24.04", ImageAge::New),
    ("Windows2025", "Windows Server 2025", ImageAge::New),
];

/// The stage of an image's life.
///
/// # Source
///
/// `api.md` 2.1: the new images arrived on 14 July 2026, and the old ones end on 13 October.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ImageAge {
    Current,
    New,
    Ending,
}

fn dynamic_types(call: &RequestContext<'_>) -> HandlerResult {
    let images = if features::is_cloud_instance(call.db)? { IMAGES.as_slice() } else { &[] };
    let types: Vec<Value> = images
        .iter()
        .map(|(image, description, age)| {
            let ends = (*age == ImageAge::Ending).then_some("2026-10-13T00:00:00.000+00:00");
            let starts = if *age == ImageAge::New { "2026-07-14" } else { "2023-01-01" };
            json!({
                "Id": image,
                "Type": image,
                "Description": description,
                "StartDateUtc": format!("{starts}T00:00:00.000+00:00"),
                "DeprecationDateUtc": ends.map(|_| "2026-07-14T00:00:00.000+00:00"),
                "EndOfLifeDateUtc": ends,
            })
        })
        .collect();
    Ok(SandboxResponse::from_document(
        &json!({ "Id": "dynamicworkertypes", "WorkerTypes": types, "Links": {} }),
    ))
}

fn supported_types(call: &RequestContext<'_>) -> HandlerResult {
    let mut types = vec!["StaticWorkerPool"];
    if features::is_cloud_instance(call.db)? {
        types.push("DynamicWorkerPool");
    }
    Ok(SandboxResponse::from_document(&json!({ "SupportedPoolTypes": types, "Links": {} })))
}

fn list_members(call: &RequestContext<'_>, id: &str) -> HandlerResult {
    let pool = call.find_document(&POOLS, id)?;
    let mut filter = workers::worker_filter(call);
    filter.add_array_any_of("$.WorkerPoolIds", std::slice::from_ref(&pool.id));
    let path = call.space_path(&format!("workerpools/{}/workers", pool.id));
    filter.sized_page(call.db, &path, 20)
}

fn create(call: &RequestContext<'_>) -> HandlerResult {
    call.person.require_permission(POOLS.edit)?;
    let body = call.request.body_object()?;
    let name = call.require_name(&POOLS, &body, "")?;
    let kind = match text_field(&body, "WorkerPoolType") {
        "StaticWorkerPool" => "StaticWorkerPool",
        "DynamicWorkerPool" => {
            check_dynamic_pool(call, &body)?;
            "DynamicWorkerPool"
        }
        "" => return Err(ErrorResponse::bad_request("Please provide a worker pool type.")),
        other => {
            return Err(ErrorResponse::bad_request(format!(
                "'{other}' is not a worker pool type."
            )));
        }
    };
    let fixed = json!({
        "Id": store::next_id(call.db, &POOLS)?,
        "WorkerPoolType": kind,
        "SortOrder": sort_order::next_position(call, &POOLS)?,
    });
    let pool = build_pool(call, &body, &name, &fixed)?;
    save_pool(call, &pool)?;
    Ok(SandboxResponse::created(&pool))
}

fn check_dynamic_pool(call: &RequestContext<'_>, body: &Value) -> HandlerResult<()> {
    if !features::is_cloud_instance(call.db)? {
        return Err(ErrorResponse::bad_request(
            "Dynamic worker pools are not supported on this instance. They are available on Octopus Cloud.",
        ));
    }
    let image = text_field(body, "WorkerType");
    if IMAGES.iter().any(|(known, ..)| *known == image) {
        return Ok(());
    }
    Err(ErrorResponse::bad_request(format!("'{image}' is not a dynamic worker type.")))
}

fn update(call: &RequestContext<'_>, id: &str) -> HandlerResult {
    call.person.require_permission(POOLS.edit)?;
    let old = call.find_document(&POOLS, id)?.parse_body()?;
    let body = call.body_of(text_field(&old, "Id"))?;
    let name = call.require_name(&POOLS, &body, text_field(&old, "Id"))?;
    if bool_field(&old, "IsDefault") && !bool_field(&body, "IsDefault") {
        return Err(ErrorResponse::bad_request(
            "There must be a default worker pool. Please make another worker pool the default instead.",
        ));
    }
    let pool = build_pool(call, &body, &name, &old)?;
    save_pool(call, &pool)?;
    Ok(SandboxResponse::from_document(&pool))
}

/// The pool of a body, with the fields that only the server sets taken from `fixed`.
fn build_pool(
    call: &RequestContext<'_>,
    body: &Value,
    name: &str,
    fixed: &Value,
) -> HandlerResult<Value> {
    let id = text_field(fixed, "Id");
    let is_static = text_field(fixed, "WorkerPoolType") == "StaticWorkerPool";
    let mut pool = json!({
        "Id": id,
        "SpaceId": call.space,
        "Name": name,
        "Slug": call.unique_slug(&POOLS, body, fixed)?,
        "Description": text_field(body, "Description"),
        "IsDefault": bool_field(body, "IsDefault"),
        "WorkerPoolType": fixed["WorkerPoolType"],
        "SortOrder": fixed["SortOrder"],
        "CanAddWorkers": is_static,
    });
    if !is_static {
        let image = [text_field(body, "WorkerType"), text_field(fixed, "WorkerType")];
        pool["WorkerType"] = json!(image.into_iter().find(|it| !it.is_empty()));
    }
    pool["Links"] = links::document_links(&POOLS, &call.space, id, &pool);
    Ok(pool)
}

/// Writes a pool. A new default replaces the old one.
fn save_pool(call: &RequestContext<'_>, pool: &Value) -> HandlerResult<()> {
    if bool_field(pool, "IsDefault") {
        for mut other in store::list_documents(call.db, &POOLS, &call.space)? {
            let mut document = other.parse_body()?;
            if bool_field(&document, "IsDefault") && other.id != text_field(pool, "Id") {
                document["IsDefault"] = json!(false);
                other.body = document.to_string();
                store::save_document(call.db, &other)?;
            }
        }
    }
    Ok(store::save_document(call.db, &StoredDocument::new(&POOLS, pool))?)
}

fn delete(call: &RequestContext<'_>, id: &str) -> HandlerResult {
    call.person.require_permission(POOLS.edit)?;
    let pool = call.find_document(&POOLS, id)?;
    let name = &pool.name;
    if bool_field(&pool.parse_body()?, "IsDefault") {
        return Err(ErrorResponse::bad_request("You cannot delete your default worker pool."));
    }
    let condition = "space = ?2 and exists
        (select 1 from json_each(body, '$.WorkerPoolIds') it where it.value = ?3 collate nocase)";
    let workers = store::select_documents(
        call.db,
        &WORKERS,
        condition,
        params![WORKERS.prefix, call.space, pool.id],
    )?;
    if let Some(worker) = workers.first() {
        return Err(ErrorResponse::bad_request(format!(
            "The worker pool '{name}' cannot be deleted as it still has {} worker(s), such as '{}'. \
             \nPlease move or delete them first.",
            workers.len(),
            worker.name
        )));
    }
    if let Some(step) = find_pool_usage(call, &pool.id)? {
        return Err(ErrorResponse::bad_request(format!(
            "The worker pool '{name}' cannot be deleted as it is currently referenced by {step}. \
             \nPlease choose another worker pool for that step first."
        )));
    }
    store::delete_document(call.db, &pool.id)?;
    Ok(SandboxResponse::empty_object())
}

/// A step of a current process that runs in a pool, in words.
fn find_pool_usage(call: &RequestContext<'_>, pool: &str) -> HandlerResult<Option<String>> {
    for kind in [&PROCESSES, &RUNBOOK_PROCESSES] {
        // The search by text narrows a thousand processes down to those that name the pool; only they are parsed.
        // A snapshot does not keep a pool from being deleted.
        let condition = "space = ?2 and instr(id, ?4) = 0 and instr(lower(body), lower(?3)) > 0";
        let quoted = format!("\"{pool}\"");
        let values = params![kind.prefix, call.space, quoted, SNAPSHOT_MARK];
        for process in store::select_documents(call.db, kind, condition, values)? {
            let document = process.parse_body()?;
            let steps = json_field(&document, "Steps").as_array().cloned().unwrap_or_default();
            let runs_here = |step: &&Value| {
                let actions = json_field(step, "Actions").as_array().map(Vec::as_slice);
                let mut actions = actions.unwrap_or_default().iter();
                actions.any(|action| text_field(action, "WorkerPoolId").eq_ignore_ascii_case(pool))
            };
            if let Some(step) = steps.iter().find(runs_here) {
                let step = text_field(step, "Name");
                return Ok(Some(format!(
                    "the step '{step}' of the {} '{}'",
                    kind.noun, process.id
                )));
            }
        }
    }
    Ok(None)
}
