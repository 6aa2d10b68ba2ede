//! What every kind can do: lists, single documents, and writes of kinds without rules of their own.
//!
//! A document is kept as it is sent, except for its id, its links and its secrets, which are never returned.

use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    context::RequestContext,
    document::{defaults, links, variable_set},
    json::{self, json_field, text_field},
    kind::{
        self, ACCOUNTS, DEFECTS, DocumentKind, GROUPS, KindName, LIFECYCLES, PROJECTS,
        SNAPSHOT_MARK, TARGETS, VARIABLES, WORKERS,
    },
    page::ListFilter,
    permission,
    request::HttpVerb,
    resource::{executions, one_default, policies, projects, related, sort_order, tasks},
    store::{self, StoredDocument},
};
use rusqlite::params;
use serde_json::{Value, json};

/// Routes that every kind has.
pub(crate) fn route_any_kind(
    call: &RequestContext<'_>,
    first: &str,
    path: &[&str],
) -> HandlerResult {
    let kind = kind::kind_by_path(first).ok_or_else(ErrorResponse::not_found)?;
    if let Some(answer) = related::route_related(call, kind, path) {
        return answer;
    }
    match (call.verb(), path) {
        (HttpVerb::Get, []) => {
            kind_filter(call, kind).page_answer(call.db, &call.space_path(kind.link))
        }
        (HttpVerb::Get, ["all"]) if kind.has_all => Ok(kind_filter(call, kind).array_answer()),
        (HttpVerb::Get, ["template"]) if kind.name == KindName::Policies => {
            policies::policy_template(call)
        }
        (HttpVerb::Get, [id]) => get_document(call, kind, id),
        (HttpVerb::Get, [id, below]) => list_related(call, kind, id, below),
        (HttpVerb::Post, []) if kind.is_writable => {
            create_document(call, kind, &flatten_account(call.request.body_object()?))
        }
        (HttpVerb::Put, [id]) if kind.is_writable => update(call, kind, id),
        (HttpVerb::Delete, [id]) if kind.is_writable => delete(call, kind, id),
        (_, [] | [_]) => Err(ErrorResponse::method_not_allowed()),
        _ => Err(ErrorResponse::not_found()),
    }
}

fn kind_filter<'a>(call: &RequestContext<'a>, kind: &'static DocumentKind) -> ListFilter<'a> {
    let mut filter = call.list_filter(kind);
    filter.add_parameters(&[
        ("projectids", "json_extract(body, '$.ProjectId')"),
        ("accounttype", "json_extract(body, '$.AccountType')"),
        ("feedtype", "json_extract(body, '$.FeedType')"),
        ("contenttype", "json_extract(body, '$.ContentType')"),
    ]);
    if matches!(kind.name, KindName::Deployments | KindName::Runs) {
        executions::add_list_filters(call, &mut filter);
    }
    if kind.name == KindName::Variables {
        // Snapshots belong to releases and runs, and are not listed.
        filter.add_condition("instr(id, ?) = 0", SNAPSHOT_MARK);
    }
    if kind.name == KindName::Targets {
        filter.add_array_parameters(&[("roles", "$.Roles")]);
    }
    filter
}

fn get_document(call: &RequestContext<'_>, kind: &'static DocumentKind, id: &str) -> HandlerResult {
    call.person.require_permission(kind.view)?;
    Ok(SandboxResponse::from_json(call.find_document(kind, id)?.body))
}

/// A list below a document.
fn list_related(
    call: &RequestContext<'_>,
    kind: &'static DocumentKind,
    id: &str,
    below: &str,
) -> HandlerResult {
    let document = call.find_document(kind, id)?;
    if kind.name == KindName::Accounts && below == "usages" {
        return account_usages(call, &document);
    }
    let list = kind.lists.iter().find(|list| list.path == below);
    let list = list.ok_or_else(ErrorResponse::not_found)?;
    let mut filter = kind_filter(call, list.kind);
    if list.is_array {
        filter.add_array_any_of(list.field, std::slice::from_ref(&document.id));
    } else {
        filter.add_condition(&format!("json_extract(body, '{}') =", list.field), &document.id);
    }
    filter.page_answer(call.db, &call.space_path(&format!("{}/{}/{below}", kind.link, document.id)))
}

/// Creates a document of a kind without rules of its own for that.
pub(super) fn create_document(
    call: &RequestContext<'_>,
    kind: &'static DocumentKind,
    body: &Value,
) -> HandlerResult {
    call.person.require_permission(permission::for_action("Create", kind.edit))?;
    let id = store::next_id(call.db, kind)?;
    let document = build_document(call, kind, body, &json!({ "Id": id }))?;
    store::save_document(call.db, &StoredDocument::new(kind, &document))?;
    match kind.name {
        KindName::Projects => projects::create_project_parts(call, &document)?,
        KindName::Runbooks => projects::create_runbook_parts(call, &document)?,
        KindName::Library => {
            store::save_document(call.db, &variable_set::empty_variables(&call.space, &id))?;
        }
        _ => {}
    }
    Ok(SandboxResponse::created(&document))
}

fn update(call: &RequestContext<'_>, kind: &'static DocumentKind, id: &str) -> HandlerResult {
    call.person.require_permission(kind.edit)?;
    let old = call.find_document(kind, id)?.parse_body()?;
    let body = flatten_account(call.body_of(text_field(&old, "Id"))?);
    let document = build_document(call, kind, &body, &old)?;
    store::save_document(call.db, &StoredDocument::new(kind, &document))?;
    Ok(SandboxResponse::from_document(&document))
}

/// The document of a body, replacing `old`: as it was sent, with the server's defaults for the rest.
fn build_document(
    call: &RequestContext<'_>,
    kind: &'static DocumentKind,
    body: &Value,
    old: &Value,
) -> HandlerResult<Value> {
    let id = text_field(old, "Id").to_owned();
    let mut document = json!({ "Id": id, "SpaceId": call.space });
    for (name, value) in body.as_object().into_iter().flatten() {
        if document.get(name).is_none() {
            document[name.as_str()] = value.clone();
        }
    }
    for name in kept_fields(kind.name) {
        add_missing(&mut document, name, json_field(old, name));
    }
    if kind.name == KindName::Projects {
        for (name, value) in projects::space_defaults(call)?.as_object().into_iter().flatten() {
            add_missing(&mut document, name, value);
        }
    }
    if kind.order == kind::RANK {
        add_missing(&mut document, "SortOrder", &json!(sort_order::next_position(call, kind)?));
    }
    defaults::add_defaults(kind, &id, &mut document);
    for (name, value) in defaults::owned_fields(kind, &id).as_object().into_iter().flatten() {
        document[name.as_str()] = value.clone();
    }
    document["Name"] = json!(call.require_name(kind, &document, &id)?);
    if kind.has_slug {
        document["Slug"] = json!(call.unique_slug(kind, body, old)?);
    }
    check_parts(call, kind, &mut document, old)?;
    json::forget_secrets(&mut document);
    document["Links"] = links::document_links(kind, &call.space, &id, &document);
    Ok(document)
}

/// The fields that an update keeps if it leaves them out; the others get their defaults.
fn kept_fields(kind: KindName) -> &'static [&'static str] {
    match kind {
        KindName::GitCredentials => &["RepositoryRestrictions"],
        KindName::Environments | KindName::TagSets => &["SortOrder"],
        _ => &[],
    }
}

fn add_missing(document: &mut Value, name: &str, value: &Value) {
    if json_field(document, name).is_null() {
        document[name] = value.clone();
    }
}

/// Checks what a document refers to, and keeps one default of its kind.
fn check_parts(
    call: &RequestContext<'_>,
    kind: &'static DocumentKind,
    document: &mut Value,
    old: &Value,
) -> HandlerResult<()> {
    match kind.name {
        KindName::Policies => one_default::keep_one_default(call, kind, document, old)?,
        KindName::Projects => {
            for (kind, field) in [(&GROUPS, "ProjectGroupId"), (&LIFECYCLES, "LifecycleId")] {
                call.require_reference(kind, text_field(document, field))?;
            }
            projects::keep_persistence(document, old);
        }
        KindName::Channels | KindName::Triggers | KindName::Runbooks => {
            let project = call.require_reference(&PROJECTS, text_field(document, "ProjectId"))?;
            document["ProjectId"] = json!(project.id);
            if kind.name == KindName::Channels {
                one_default::keep_one_default(call, kind, document, old)?;
            }
        }
        KindName::Accounts => check_account_type(document, old)?,
        KindName::Proxies => check_proxy(document)?,
        _ => {}
    }
    Ok(())
}

/// The types of accounts.
///
/// # Source
///
/// `OctopusDeploy/go-octopusdeploy`, `pkg/accounts/account_types.go`.
const ACCOUNT_TYPES: [&str; 10] = [
    "AmazonWebServicesAccount",
    "AmazonWebServicesOidcAccount",
    "AzureOidc",
    "AzureServicePrincipal",
    "AzureSubscription",
    "GenericOidcAccount",
    "GoogleCloudAccount",
    "SshKeyPair",
    "Token",
    "UsernamePassword",
];

/// Refuses an account of no type, an unknown one, or another than before.
fn check_account_type(account: &Value, old: &Value) -> HandlerResult<()> {
    let (kind, before) = (text_field(account, "AccountType"), text_field(old, "AccountType"));
    if kind.is_empty() {
        return Err(ErrorResponse::bad_request("Please provide a type for this account."));
    }
    if !ACCOUNT_TYPES.contains(&kind) {
        return Err(ErrorResponse::bad_request(format!("'{kind}' is not an account type.")));
    }
    if !before.is_empty() && before != kind {
        return Err(ErrorResponse::bad_request("The type of an account cannot be changed."));
    }
    Ok(())
}

/// Refuses a proxy without a host, or at a port that cannot exist.
fn check_proxy(proxy: &Value) -> HandlerResult<()> {
    if text_field(proxy, "Host").trim().is_empty() {
        return Err(ErrorResponse::bad_request("Please provide a host for this proxy."));
    }
    let port = json_field(proxy, "Port").as_u64().unwrap_or_default();
    if port == 0 || u16::try_from(port).is_err() {
        return Err(ErrorResponse::bad_request("The port of a proxy must be between 1 and 65535."));
    }
    Ok(())
}

/// Flattens the account bodies of 2026, whose details are nested.
fn flatten_account(mut body: Value) -> Value {
    let details = body.as_object_mut().and_then(|body| body.remove("Details"));
    if let Some(Value::Object(details)) = details {
        for (name, value) in details {
            body[name] = value;
        }
    }
    body
}

fn delete(call: &RequestContext<'_>, kind: &'static DocumentKind, id: &str) -> HandlerResult {
    call.person.require_permission(permission::for_action("Delete", kind.edit))?;
    let document = call.find_document(kind, id)?;
    match kind.name {
        KindName::Policies | KindName::Channels => one_default::check_not_default(&document)?,
        KindName::Library => projects::delete_owned(call.db, &VARIABLES, &document.id)?,
        KindName::Releases => projects::delete_owned(call.db, &DEFECTS, &document.id)?,
        KindName::Accounts | KindName::Proxies => check_unused(call, kind, &document)?,
        KindName::Projects | KindName::Runbooks => projects::delete_dependents(call, &document)?,
        KindName::Deployments | KindName::Runs => tasks::cancel_owned_task(call, &document)?,
        KindName::Feeds if text_field(&document.parse_body()?, "FeedType") == "BuiltIn" => {
            return Err(ErrorResponse::bad_request("You cannot delete the built-in feed."));
        }
        _ => {}
    }
    store::delete_document(call.db, &document.id)?;
    Ok(SandboxResponse::empty_object())
}

/// The workers and targets whose endpoint names an account or a proxy.
fn machines_using(
    call: &RequestContext<'_>,
    document: &StoredDocument,
) -> HandlerResult<Vec<StoredDocument>> {
    let condition = "space = ?2 and (json_extract(body, '$.Endpoint.AccountId') = ?3 collate nocase
        or json_extract(body, '$.Endpoint.ProxyId') = ?3 collate nocase)";
    let mut machines = Vec::new();
    for kind in [&WORKERS, &TARGETS] {
        let values = params![kind.prefix, call.space, document.id];
        machines.extend(store::select_documents(call.db, kind, condition, values)?);
    }
    Ok(machines)
}

fn check_unused(
    call: &RequestContext<'_>,
    kind: &DocumentKind,
    document: &StoredDocument,
) -> HandlerResult<()> {
    let machines = machines_using(call, document)?;
    let Some(machine) = machines.first() else { return Ok(()) };
    let noun = kind.noun;
    Err(ErrorResponse::bad_request(format!(
        "This {noun} cannot be deleted as it is currently referenced by a machine, '{}'. \n\
         Please refer to {noun} usage for more detail.",
        machine.name
    )))
}

fn account_usages(call: &RequestContext<'_>, account: &StoredDocument) -> HandlerResult {
    call.person.require_permission(ACCOUNTS.view)?;
    let machines = machines_using(call, account)?;
    let target =
        |document: &StoredDocument| json!({ "TargetId": document.id, "TargetName": document.name });
    Ok(SandboxResponse::from_document(&json!({
        "Targets": machines.iter().map(target).collect::<Vec<_>>(),
        "DeploymentProcesses": [],
        "RunbookProcesses": [],
        "Releases": [],
        "RunbookSnapshots": [],
        "ProjectVariableSets": [],
        "LibraryVariableSets": [],
        "Links": { "Self": call.space_path(&format!("accounts/{}/usages", account.id)) },
    })))
}
