//! The queue of tasks: whatever is due is done at the beginning of the next request.

#[cfg(test)]
mod tests;

use crate::{
    answer::HandlerResult,
    audit::{self, AuditAuthor},
    json::text_field,
    kind::{NODES, TASKS},
    pace::Pace,
    store::{self, StoredDocument},
    work::{
        checks::{is_check_due, run_checks_due},
        lease, log, plan, script,
        stage::TaskPlan,
        state::{self, TaskOutcome},
    },
};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::Value;

/// Schedules a task to start at a time or later.
pub(crate) fn schedule_task(db: &Connection, task: &str, at: Timestamp) -> HandlerResult<()> {
    let sql = "insert or replace into work values (?1, ?2, ?2, null)";
    db.prepare_cached(sql)?.execute(params![task, at.as_millisecond()])?;
    Ok(())
}

/// Whether anything is due by `now`.
pub(crate) fn is_work_due(db: &Connection, now: Timestamp) -> HandlerResult<bool> {
    Ok(is_check_due(db, now)? || is_task_due(db, now.as_millisecond())?)
}

fn is_task_due(db: &Connection, now: i64) -> HandlerResult<bool> {
    let any =
        "select exists (select 1 from work where ends <= ?1 or (ends is null and since <= ?1))";
    Ok(db.prepare_cached(any)?.query_row([now], |row| row.get(0))?)
}

/// Does whatever is due by `now`: checks of new machines, ends and starts of tasks. Returns whether it did anything.
pub(crate) fn run_due_work(db: &Connection, pace: &Pace, now: Timestamp) -> HandlerResult<bool> {
    let checked = is_check_due(db, now)?;
    run_checks_due(db, now)?;
    Ok(run_due_tasks(db, pace, now.as_millisecond())? || checked)
}

/// Ends and starts the tasks that are due by `now`, in milliseconds since 1970. Returns whether it did anything.
fn run_due_tasks(db: &Connection, pace: &Pace, now: i64) -> HandlerResult<bool> {
    let mut did = false;
    if !is_task_due(db, now)? {
        return Ok(did);
    }
    let mut waiting = Vec::new();
    loop {
        let ended = next_ended_task(db, now)?;
        let queued = next_queued_task(db, now, &waiting)?;
        match (ended, queued) {
            (Some((task, at)), start) if start.as_ref().is_none_or(|(_, start)| at < *start) => {
                end_task(db, &task, to_timestamp(at), &TaskOutcome::Success)?;
                waiting.clear();
                did = true;
            }
            (_, Some((task, at))) => {
                if start_task(db, &task, to_timestamp(at), pace)? {
                    did = true;
                } else {
                    waiting.push(task);
                }
            }
            _ => break,
        }
        // One by one, so that a task that has both started and ended gets two events.
        audit::record_events(db, AuditAuthor::SERVER)?;
    }
    // A task that could not start by now cannot have started earlier, whatever makes room for it later.
    let sql = "update work set since = ?1 where ends is null and since < ?1";
    db.prepare_cached(sql)?.execute([now])?;
    Ok(did)
}

/// The running task that ends first, if it ends by `now`.
fn next_ended_task(db: &Connection, now: i64) -> HandlerResult<Option<(String, i64)>> {
    let sql = "select task, ends from work where ends <= ?1 order by ends, rowid limit 1";
    let mut statement = db.prepare_cached(sql)?;
    Ok(statement.query_row([now], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

/// The first task of the queue, if there is room for one more, without those that are `waiting` for a worker.
fn next_queued_task(
    db: &Connection,
    now: i64,
    waiting: &[String],
) -> HandlerResult<Option<(String, i64)>> {
    if running_count(db)? >= task_capacity(db)? {
        return Ok(None);
    }
    let sql =
        "select task, since from work where ends is null and since <= ?1 order by queued, rowid";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query([now])?;
    while let Some(row) = rows.next()? {
        let task: String = row.get(0)?;
        if !waiting.contains(&task) {
            return Ok(Some((task, row.get(1)?)));
        }
    }
    Ok(None)
}

/// How many tasks may run at once; none in maintenance mode.
fn task_capacity(db: &Connection) -> HandlerResult<i64> {
    let node = store::list_documents(db, &NODES, "")?.into_iter().next();
    let node = node.map(|it| it.parse_body()).transpose()?.unwrap_or_default();
    if node["IsInMaintenanceMode"] == true {
        return Ok(0);
    }
    Ok(node["MaxConcurrentTasks"].as_i64().unwrap_or_default())
}

/// Starts a task, unless it has to wait for a worker.
fn start_task(db: &Connection, task: &str, at: Timestamp, pace: &Pace) -> HandlerResult<bool> {
    let document = find_task(db, task)?;
    let expiry: Option<Timestamp> = text_field(&document, "QueueTimeExpiry").parse().ok();
    if expiry.is_some_and(|expiry| expiry < at) {
        end_task(db, task, at, &TaskOutcome::TimedOut)?;
        return Ok(true);
    }
    let (stages, failure) = match plan::plan_task(db, &document)? {
        TaskPlan::Wait => return Ok(false),
        TaskPlan::Run(stages) => (stages, None),
        TaskPlan::Fail(why) => (Vec::new(), Some(why)),
    };
    let space = text_field(&document, "SpaceId").to_owned();
    save_task(db, state::started_task(document.clone(), at))?;
    let leases = lease::take_leases(db, &space, task, &stages, at)?;
    log::begin_log(db, &document, &stages, &leases, at)?;
    if let Some(why) = failure {
        end_task(db, task, at, &TaskOutcome::Failed(why))?;
        return Ok(true);
    }
    let ends = at.as_millisecond() + i64::try_from(pace.work.as_millis()).unwrap_or(i64::MAX / 2);
    db.execute("update work set ends = ?2 where task = ?1", params![task, ends])?;
    Ok(true)
}

/// Ends a task, and releases its workers.
pub(crate) fn end_task(
    db: &Connection,
    task: &str,
    at: Timestamp,
    outcome: &TaskOutcome,
) -> HandlerResult<()> {
    let document = find_task(db, task)?;
    if matches!(outcome, TaskOutcome::Success) {
        script::apply_effects(db, &document)?;
    }
    if matches!(outcome, TaskOutcome::Failed(_)) {
        plan::mark_failed(db, &document)?;
    }
    lease::release_leases(db, task)?;
    log::finish_log(db, task, at, outcome)?;
    save_task(db, state::ended_task(document, at, outcome))?;
    db.execute("delete from work where task = ?1", [task])?;
    // A waiting task cannot start before the end that makes room for it.
    let sql = "update work set since = max(since, ?1) where ends is null";
    db.prepare_cached(sql)?.execute([at.as_millisecond()])?;
    Ok(())
}

/// How many tasks are running.
pub(crate) fn running_count(db: &Connection) -> HandlerResult<i64> {
    let sql = "select count(*) from work where ends is not null";
    Ok(db.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

/// Whether a task is queued or running.
pub(crate) fn is_task_pending(db: &Connection, task: &str) -> HandlerResult<bool> {
    let sql = "select exists (select 1 from work where task = ?1)";
    Ok(db.prepare_cached(sql)?.query_row([task], |row| row.get(0))?)
}

/// The ids of the tasks ahead of one in the queue: those that run, then those queued earlier.
pub(crate) fn tasks_ahead(db: &Connection, task: &str) -> HandlerResult<Vec<String>> {
    let sql = "select task from work where task <> ?1 and exists
            (select 1 from work it where it.task = ?1 and it.ends is null
                and (work.ends is not null or (work.queued, work.rowid) < (it.queued, it.rowid)))
        order by ends is null, queued, rowid";
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map([task], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn find_task(db: &Connection, task: &str) -> HandlerResult<Value> {
    let found = store::select_documents(db, &TASKS, "id = ?2", [TASKS.prefix, task])?;
    Ok(found.first().map(StoredDocument::parse_body).transpose()?.unwrap_or_default())
}

fn save_task(db: &Connection, task: Value) -> HandlerResult<()> {
    Ok(store::save_document(db, &StoredDocument::with_id_rank(&TASKS, &task))?)
}

fn to_timestamp(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or_default()
}
