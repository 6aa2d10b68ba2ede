//! The audit log: what a request changed is recorded with the change, in the same transaction.
//!
//! Triggers of the store note every document that is touched, so no handler can forget one, and a refused request
//! leaves no event.

mod author;
mod change;
mod difference;
mod words;

pub(crate) use author::AuditAuthor;
pub(crate) use words::document_type;

use crate::{
    answer::HandlerResult,
    audit::{
        change::DocumentChange,
        words::{DocumentName, EventText},
    },
    json::text_field,
    kind::{self, EVENTS, KindName},
    store::{self, StoredDocument},
    time::current_time,
};
use rusqlite::Connection;
use serde_json::{Value, json};

/// Records every change of a document from now on.
pub(crate) fn install_triggers(db: &Connection) -> rusqlite::Result<()> {
    // The log does not cover the server's own records, nor itself.
    let unwatched = "('Events', 'WorkerTaskLeases', 'TaskLogs')";
    db.execute_batch(&format!(
        "pragma temp_store = memory;
        create temp table touched (id text, kind text, old text, new text);
        create temp trigger saved before insert on main.document when new.kind not in {unwatched}
        begin
            insert into touched values
                (new.id, new.kind, (select body from document where id = new.id), new.body);
        end;
        create temp trigger removed before delete on main.document when old.kind not in {unwatched}
        begin insert into touched values (old.id, old.kind, old.body, null); end;"
    ))
}

/// Writes an event for each document that was touched since the last call.
pub(crate) fn record_events(db: &Connection, author: AuditAuthor<'_>) -> HandlerResult<()> {
    let changes = read_changes(db)?;
    for change in &changes {
        let Some(category) = event_category(change) else { continue };
        let name = DocumentName::from_change(db, change, &changes)?;
        let event = build_event(&store::next_id(db, &EVENTS)?, change, &category, &name, author);
        store::save_document(db, &stored_event(change, &event))?;
    }
    Ok(())
}

fn read_changes(db: &Connection) -> HandlerResult<Vec<DocumentChange>> {
    let mut statement =
        db.prepare_cached("select id, kind, old, new from touched order by rowid")?;
    let mut rows = statement.query([])?;
    let mut changes: Vec<DocumentChange> = Vec::new();
    let parse_json = |text: Option<String>| text.map(|it| serde_json::from_str(&it)).transpose();
    while let Some(row) = rows.next()? {
        let (id, prefix): (String, String) = (row.get(0)?, row.get(1)?);
        let new = parse_json(row.get(3)?)?;
        if let Some(change) = changes.iter_mut().find(|change| change.id == id) {
            change.new = new;
        } else if let Some(kind) = kind::kind_by_prefix(&prefix).filter(|kind| kind.is_audited) {
            changes.push(DocumentChange { id, kind, old: parse_json(row.get(2)?)?, new });
        }
    }
    drop(rows);
    if !changes.is_empty() {
        db.prepare_cached("delete from touched")?.execute([])?;
    }
    Ok(changes)
}

/// The category of a change; `None` where it is the server's own bookkeeping.
fn event_category(change: &DocumentChange) -> Option<String> {
    if kind::is_snapshot(&change.id) {
        return None;
    }
    let field_value = |document: &Option<Value>, name: &str| {
        document.as_ref().map(|document| document[name].clone()).unwrap_or_default()
    };
    let is_unchanged =
        |name: &str| field_value(&change.old, name) == field_value(&change.new, name);
    let plain = match (&change.old, &change.new) {
        (None, None) => return None,
        (None, Some(_)) => "Created",
        (Some(_), None) => "Deleted",
        (Some(_), Some(_)) => "Modified",
    };
    match change.kind.name {
        KindName::Tasks => return task_category(change),
        KindName::Processes | KindName::RunbookProcesses | KindName::Variables
            if plain == "Modified" && is_unchanged("Version") =>
        {
            return None;
        }
        // Clients cannot edit one; the server records how it ended.
        KindName::Deployments | KindName::Runs if plain == "Modified" => return None,
        KindName::Workers | KindName::Targets
            if plain == "Modified" && !is_unchanged("StatusSummary") =>
        {
            return (!is_unchanged("HealthStatus")).then(|| "MachineHealthChanged".to_owned());
        }
        _ => {}
    }
    Some(plain.to_owned())
}

fn task_category(change: &DocumentChange) -> Option<String> {
    let new = change.new.as_ref()?;
    let before = change.old.as_ref().map(|it| text_field(it, "State"));
    let state = text_field(new, "State");
    let what = match text_field(new, "Name") {
        "Deploy" => "Deployment",
        "RunbookRun" => "RunbookRun",
        _ => "Task",
    };
    let became = match (before, state) {
        (None, _) => "Queued",
        (Some(before), _) if before == state => return None,
        (_, "Canceled") => return Some("TaskCanceled".to_owned()),
        (_, "Executing") => "Started",
        (_, "Success") => "Succeeded",
        _ => "Failed",
    };
    Some(format!("{what}{became}"))
}

fn build_event(
    id: &str,
    change: &DocumentChange,
    category: &str,
    name: &DocumentName,
    author: AuditAuthor<'_>,
) -> Value {
    let null = Value::Null;
    let (old, new) = (change.old.as_ref().unwrap_or(&null), change.new.as_ref().unwrap_or(&null));
    let document = if new.is_null() { old } else { new };
    let EventText { message, html, references } = name.describe_event(category, document);
    let differences =
        if category == "Modified" { difference::patch_operations(old, new) } else { Vec::new() };
    let space = event_space_id(document);
    let here = if space.is_empty() { "/api".to_owned() } else { format!("/api/{space}") };
    json!({
        "Id": id,
        "SpaceId": if space.is_empty() { Value::Null } else { json!(space) },
        "RelatedDocumentIds": related_ids(&change.id, document),
        "Category": category,
        "UserId": author.id,
        "Username": author.username,
        "IsService": author.is_service,
        "IdentityEstablishedWith": author.identified,
        "UserAgent": author.agent,
        "Occurred": current_time(),
        "Message": message,
        "MessageHtml": html,
        "MessageReferences": references,
        "Comments": Value::Null,
        "Details": Value::Null,
        "ChangeDetails": {
            "DocumentContext": { "Id": change.id, "Name": document["Name"] },
            "Differences": differences,
        },
        "IpAddress": "127.0.0.1",
        "ApiKeyId": Value::Null,
        "ApiKeyHint": Value::Null,
        "Links": { "Self": format!("{here}/events/{id}") },
    })
}

fn event_space_id(document: &Value) -> &str {
    match text_field(document, "SpaceId") {
        "" if text_field(document, "Id").starts_with("Spaces-") => text_field(document, "Id"),
        space => space,
    }
}

/// The event as it is stored: found by the document that it is about, and by the type of that document.
fn stored_event(change: &DocumentChange, event: &Value) -> StoredDocument {
    StoredDocument {
        owner: change.id.clone(),
        name: text_field(event, "Category").to_owned(),
        slug: document_type(change.kind).0.to_owned(),
        ..StoredDocument::with_id_rank(&EVENTS, event)
    }
}

/// The ids that an event relates to: the document, and its owners.
fn related_ids(id: &str, document: &Value) -> Vec<String> {
    let owners = [
        "ProjectId",
        "ProjectGroupId",
        "RunbookId",
        "OwnerId",
        "EnvironmentId",
        "ReleaseId",
        "DeploymentId",
        "TenantId",
        "TaskId",
    ];
    let arguments = &document["Arguments"];
    let named =
        owners.iter().flat_map(|name| [text_field(document, name), text_field(arguments, name)]);
    let mut ids = vec![id.to_owned()];
    for owner in named {
        if !owner.is_empty() && !ids.iter().any(|text| text == owner) {
            ids.push(owner.to_owned());
        }
    }
    ids
}
