//! Health checks. The first is due at the next request after a machine was created: the answer that creates it
//! still says `Unknown`, and no clock is needed.

use crate::{
    answer::HandlerResult,
    audit::{self, AuditAuthor},
    document::machine,
    kind::{TARGETS, WORKERS},
    store,
};
use rusqlite::Connection;

/// Queues a health check for the next request.
pub(crate) fn queue_check(db: &Connection, worker: &str) -> HandlerResult<()> {
    db.execute("insert or ignore into check_due values (?1)", [worker])?;
    Ok(())
}

/// Whether earlier requests queued checks.
pub(crate) fn is_check_due(db: &Connection) -> HandlerResult<bool> {
    let mut statement = db.prepare_cached("select exists (select 1 from check_due)")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

/// Does the checks that earlier requests queued.
pub(crate) fn run_checks_due(db: &Connection) -> HandlerResult<()> {
    if !is_check_due(db)? {
        return Ok(());
    }
    let mut statement = db.prepare_cached("select worker from check_due")?;
    let due: Vec<String> =
        statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    check_all(db, &due)?;
    db.execute("delete from check_due", [])?;
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
