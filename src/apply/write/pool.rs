//! Writes to worker pools.
//!
//! # Source
//!
//! `api.md` 2.1 (fields, sort order) and 3.2 (the default pool is switched by a write of the other one).

use crate::{
    apply::desk::{Desk, Draft, Made, TRIES, Trouble, stale, words},
    model::{Address, Id, Name, Pool, PoolHandle, PoolKind},
    octopus::{
        Error, Resource,
        document::{Document, Segment},
        writer::Creates,
    },
    plan::{NewPool, PoolEdit},
};
use serde_json::{Value, json};

/// Creates a pool; one whose answer was lost is looked up by name before it is tried again.
pub(super) async fn create(desk: &Desk, address: &Address, new: &NewPool) -> Result<Made, Trouble> {
    let NewPool { name, description, kind } = new;
    let mut body = json!({
        "Name": name,
        "Description": description,
        "SpaceId": desk.space.as_str(),
        "IsDefault": false,
        "WorkerPoolType": "StaticWorkerPool",
    });
    if let PoolKind::Dynamic { image } = kind {
        body["WorkerPoolType"] = json!("DynamicWorkerPool");
        body["WorkerType"] = json!(image);
    }
    let mut lost: Option<Error> = None;
    for _ in 0..TRIES {
        match desk.writer.create(Creates::WorkerPool, &body).await {
            Ok(text) => {
                let id = created_id(&text)?;
                desk.remember(address, Id::new(&id));
                return Ok(Made { id: Some(id), written: Vec::new() });
            }
            Err(error) if error.is_ambiguous() => lost = Some(error),
            // The name is taken by what a lost answer was about.
            Err(_) if lost.is_some() => {}
            Err(error) => return Err(error.into()),
        }
        if let Some(id) = find(desk, name).await? {
            desk.remember(address, id.clone());
            return Ok(Made { id: Some(id.as_str().to_owned()), written: Vec::new() });
        }
    }
    Err(lost.map_or(Trouble::Failed("it was not tried".to_owned()), Trouble::from))
}

/// The id in a document that the server has made.
pub(super) fn created_id(text: &str) -> Result<String, Trouble> {
    let document = Document::parse(text.to_owned()).ok();
    match document.and_then(|it| it.value(&[Segment::Key("Id")])) {
        Some(Value::String(id)) if !id.is_empty() => Ok(id),
        _ => Err(Trouble::Unknown("the server's answer has no `Id`".to_owned())),
    }
}

async fn find(desk: &Desk, name: &str) -> Result<Option<Id<Pool>>, Trouble> {
    let name = Name::new(name);
    let pools = desk.reader.worker_pools().await?;
    let pool = pools.into_iter().find(|it| Name::new(&it.name) == name);
    Ok(pool.map(|it| Id::new(it.id)))
}

/// Updates a pool's own fields.
pub(super) async fn update(
    desk: &Desk,
    id: &Id<Pool>,
    edits: &[PoolEdit],
) -> Result<Made, Trouble> {
    let edit = |draft: &mut Draft| {
        edits.iter().try_for_each(|edit| {
            let (field, delta) = match edit {
                PoolEdit::Name(delta) => ("Name", delta),
                PoolEdit::Description(delta) => ("Description", delta),
                PoolEdit::Image(delta) => ("WorkerType", delta),
            };
            draft.change(&[Segment::Key(field)], delta.before(), delta.after())
        })
    };
    desk.edit(&resource(id), edit).await
}

/// Makes a pool the default one; the server takes that from the other.
pub(super) async fn make_default(desk: &Desk, to: &PoolHandle) -> Result<Made, Trouble> {
    let id = desk.pool(to)?;
    desk.edit(&resource(&id), |draft| draft.set(&[Segment::Key("IsDefault")], &json!(true))).await
}

/// Puts the pools in order; one that has appeared since goes last.
pub(super) async fn sort(desk: &Desk, order: &[PoolHandle]) -> Result<Made, Trouble> {
    let wanted: Vec<Id<Pool>> =
        order.iter().map(|pool| desk.pool(pool)).collect::<Result<_, _>>()?;
    let live = desk.reader.worker_pools().await?;
    let is_live = |id: &&Id<Pool>| live.iter().any(|it| it.id == id.as_str());
    let mut ids: Vec<String> =
        wanted.iter().filter(is_live).map(|id| id.as_str().to_owned()).collect();
    let new = live.iter().filter(|it| !ids.contains(&it.id)).map(|it| it.id.clone());
    let new: Vec<_> = new.collect();
    ids.extend(new);
    // The same order again is the same order: an answer that was lost is no trouble.
    let mut last = None;
    for _ in 0..TRIES {
        match desk.writer.sort_worker_pools(&ids).await {
            Ok(()) => return Ok(Made::default()),
            Err(error) if error.is_ambiguous() => last = Some(error),
            Err(error) => return Err(error.into()),
        }
    }
    Err(last.map_or(Trouble::Failed("it was not tried".to_owned()), Trouble::from))
}

/// Deletes a pool, unless it has another name by now; one that is gone is deleted.
pub(super) async fn delete(desk: &Desk, id: &Id<Pool>, name: &str) -> Result<Made, Trouble> {
    delete_named(desk, &resource(id), name).await
}

/// Deletes a thing of this name; one that is gone is deleted.
pub(super) async fn delete_named(
    desk: &Desk,
    resource: &Resource,
    name: &str,
) -> Result<Made, Trouble> {
    let mut last = None;
    for _ in 0..TRIES {
        let text = match desk.reader.document(resource).await {
            Err(error) if error.is_not_found() => return Ok(Made::default()),
            text => text.map_err(|error| Trouble::Failed(words(error.into())))?,
        };
        let found = Draft::new(text)?.text(&[Segment::Key("Name")]);
        if Name::new(&found) != Name::new(name) {
            return Err(stale("Name", format!("{found:?}"), format!("{name:?}")));
        }
        match desk.writer.delete(resource).await {
            Ok(()) => return Ok(Made::default()),
            Err(error) if error.is_ambiguous() => last = Some(error),
            Err(error) => return Err(error.into()),
        }
    }
    Err(last.map_or(Trouble::Failed("it was not tried".to_owned()), Trouble::from))
}

fn resource(id: &Id<Pool>) -> Resource {
    Resource::WorkerPool(id.as_str().to_owned())
}
