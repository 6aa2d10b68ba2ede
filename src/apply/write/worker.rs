//! Writes to workers.
//!
//! # Source
//!
//! `api.md` 2.2 (fields) and 3.8 (a worker's pools are written with the worker).

use super::{endpoint, pool};
use crate::{
    apply::desk::{Desk, Draft, Made, TRIES, Trouble, stale, words},
    model::{Id, Name, PoolHandle, Worker},
    octopus::{Error, Resource, document::Segment, writer::Creates},
    plan::{Delta, NewWorker, WorkerEdit},
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Creates a worker; one whose answer was lost is looked up by name before it is tried again.
pub(super) async fn create(desk: &Desk, new: &NewWorker) -> Result<Made, Trouble> {
    let body = body(desk, new).await?;
    let mut lost: Option<Error> = None;
    for _ in 0..TRIES {
        match desk.writer.create(Creates::Worker, &body).await {
            Ok(text) => return Ok(made(pool::created_id(&text)?)),
            Err(error) if error.is_ambiguous() => lost = Some(error),
            // The name is taken by what a lost answer was about.
            Err(_) if lost.is_some() => {}
            Err(error) => return Err(error.into()),
        }
        if let Some(id) = find(desk, &new.name).await? {
            return Ok(made(id));
        }
    }
    Err(lost.map_or(Trouble::Failed("it was not tried".to_owned()), Trouble::from))
}

fn made(id: String) -> Made {
    Made { id: Some(id), written: Vec::new() }
}

async fn body(desk: &Desk, new: &NewWorker) -> Result<Value, Trouble> {
    let NewWorker { name, endpoint, pools, policy, disabled } = new;
    let pools: Vec<String> = ids(desk, pools)?;
    // The server would take its default policy by itself; every official client says it all the same.
    let policy = match policy {
        Some(policy) => Some(policy.id.as_str().to_owned()),
        None => {
            let policies = desk.reader.machine_policies().await?;
            policies.into_iter().find(|it| it.is_default).map(|it| it.id)
        }
    };
    let mut body = json!({
        "Name": name,
        "SpaceId": desk.space.as_str(),
        "WorkerPoolIds": pools,
        "IsDisabled": disabled,
        "Endpoint": endpoint::body(endpoint),
    });
    if let Some(policy) = policy {
        body["MachinePolicyId"] = json!(policy);
    }
    Ok(body)
}

fn ids(desk: &Desk, pools: &[PoolHandle]) -> Result<Vec<String>, Trouble> {
    pools.iter().map(|pool| desk.pool(pool).map(|id| id.as_str().to_owned())).collect()
}

async fn find(desk: &Desk, name: &str) -> Result<Option<String>, Trouble> {
    let name = Name::new(name);
    let workers = desk.reader.workers().await?;
    Ok(workers.into_iter().find(|it| Name::new(&it.name) == name).map(|it| it.id))
}

/// Updates a worker's fields.
pub(super) async fn update(
    desk: &Desk,
    id: &Id<Worker>,
    edits: &[WorkerEdit],
) -> Result<Made, Trouble> {
    let pools = |delta: &Delta<Vec<PoolHandle>>| {
        Ok::<_, Trouble>((ids(desk, delta.before())?, ids(desk, delta.after())?))
    };
    desk.edit(&resource(id), |draft| {
        edits.iter().try_for_each(|edit| match edit {
            WorkerEdit::Name(it) => draft.change(&[Segment::Key("Name")], it.before(), it.after()),
            WorkerEdit::Policy(it) => draft.change(
                &[Segment::Key("MachinePolicyId")],
                it.before().id.as_str(),
                it.after().id.as_str(),
            ),
            WorkerEdit::Disabled(it) => {
                draft.set(&[Segment::Key("IsDisabled")], &json!(it.after()))
            }
            WorkerEdit::Pools(it) => {
                let (before, after) = pools(it)?;
                change_pools(draft, &before, &after)
            }
            WorkerEdit::Endpoint(it) => endpoint::change(draft, it),
        })
    })
    .await
}

/// Sets the pools of a worker, which are a set: their order does not count.
fn change_pools(draft: &mut Draft, before: &[String], after: &[String]) -> Result<(), Trouble> {
    let path = [Segment::Key("WorkerPoolIds")];
    let found = draft.document.value(&path).unwrap_or_default();
    let found: BTreeSet<&str> =
        found.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let set = |ids: &'_ [String]| -> BTreeSet<String> { ids.iter().cloned().collect() };
    let is = |ids: &[String]| set(ids).iter().map(String::as_str).eq(found.iter().copied());
    if is(after) {
        return Ok(());
    }
    if !is(before) {
        return Err(stale("WorkerPoolIds", format!("{found:?}"), format!("{before:?}")));
    }
    draft.set(&path, &json!(after))
}

/// Deletes a worker and creates another of its name.
pub(super) async fn replace(
    desk: &Desk,
    id: &Id<Worker>,
    name: &str,
    new: &NewWorker,
) -> Result<Made, Trouble> {
    delete(desk, id, name).await?;
    let gone = |trouble| {
        format!("the old worker is deleted, and the new one is not there: {}", words(trouble))
    };
    create(desk, new).await.map_err(|trouble| match trouble {
        Trouble::Failed(_) => Trouble::Failed(gone(trouble)),
        Trouble::Unknown(_) => Trouble::Unknown(gone(trouble)),
    })
}

/// Deletes a worker, unless it has another name by now; one that is gone is deleted.
pub(super) async fn delete(desk: &Desk, id: &Id<Worker>, name: &str) -> Result<Made, Trouble> {
    pool::delete_named(desk, &resource(id), name).await
}

fn resource(id: &Id<Worker>) -> Resource {
    Resource::Worker(id.as_str().to_owned())
}
