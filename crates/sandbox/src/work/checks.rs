//! Health checks. The first of a worker is due at the next request after it was created: the answer that creates it
//! still says `Unknown`, and no clock is needed. That of a target takes as long as other work.

use crate::{
    answer::HandlerResult,
    audit::{self, AuditAuthor},
    document::machine,
    kind::{TARGETS, WORKERS},
    store,
};
use jiff::Timestamp;
use rusqlite::{Connection, params};
use std::time::Duration;

/// Queues a health check that is over after some time, and not before the next request.
pub(crate) fn queue_check(
    db: &Connection,
    machine: &str,
    now: Timestamp,
    after: Duration,
) -> HandlerResult<()> {
    let after = i64::try_from(after.as_millis()).unwrap_or(i64::MAX);
    let due = now.as_millisecond().saturating_add(after);
    let sql = "insert or ignore into check_due (worker, due) values (?1, ?2)";
    db.execute(sql, params![machine, due])?;
    Ok(())
}

/// Whether checks that earlier requests queued are due.
pub(crate) fn is_check_due(db: &Connection, now: Timestamp) -> HandlerResult<bool> {
    let any = "select exists (select 1 from check_due where due <= ?1)";
    Ok(db.prepare_cached(any)?.query_row([now.as_millisecond()], |row| row.get(0))?)
}

/// Does the checks that are due.
pub(crate) fn run_checks_due(db: &Connection, now: Timestamp) -> HandlerResult<()> {
    let now = now.as_millisecond();
    let mut statement = db.prepare_cached("select worker from check_due where due <= ?1")?;
    let due: Vec<String> =
        statement.query_map([now], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    if due.is_empty() {
        return Ok(());
    }
    check_all(db, &due)?;
    db.execute("delete from check_due where due <= ?1", [now])?;
    audit::record_events(db, AuditAuthor::SERVER)
}

/// Checks the workers and targets of these ids, and skips those that are gone.
pub(crate) fn check_all(db: &Connection, ids: &[String]) -> HandlerResult<()> {
    for (id, kind) in ids.iter().flat_map(|id| [(id, &WORKERS), (id, &TARGETS)]) {
        let found = store::select_documents(db, kind, "id = ?2", [kind.prefix, id])?;
        for mut worker in found {
            let mut document = worker.parse_body()?;
            machine::check_machine(&mut document);
            worker.body = document.to_string();
            store::save_document(db, &worker)?;
        }
    }
    Ok(())
}
