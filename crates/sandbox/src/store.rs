//! Documents as JSON text in SQLite, as Octopus itself keeps them.
//!
//! A row is a document and the few columns by which it is found. Listing documents parses none of them.

use crate::kind::{DocumentKind, EVENTS};
use rusqlite::{Connection, OptionalExtension as _, Params, Row, params};
use serde_json::Value;

const SCHEMA: &str = "
    create table if not exists document (
        id    text primary key collate nocase,
        kind  text not null,
        space text not null collate nocase,
        owner text not null collate nocase,
        name  text not null collate nocase,
        slug  text not null collate nocase,
        rank  integer not null,
        body  text not null
    ) without rowid;
    create index if not exists by_name on document (kind, space, name);
    create index if not exists by_rank on document (kind, space, rank);
    create index if not exists by_owner on document (kind, owner);
    create table if not exists counter (kind text primary key, last integer not null);
    -- Machines whose first health check is due at the first request after a time, in milliseconds since 1970.
    create table if not exists check_due (
        worker text primary key collate nocase, due integer not null default 0
    );
    -- Tasks that are queued or under way: queued for when, not started before, over when. In milliseconds
    -- since 1970.
    create table if not exists work (
        task text primary key collate nocase, queued integer not null, since integer not null,
        ends integer
    );
    -- Access tokens, of whom, and until when, in milliseconds since 1970.
    create table if not exists token (token text primary key, person text not null, expires integer not null);
    -- The keys of a store that does not have the well-known ones: at most one row.
    create table if not exists access (suffix text not null, account text not null);
";

/// Creates the tables that a store lacks.
pub(crate) fn create_tables(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch(SCHEMA)?;
    // Stores of earlier versions have no time there.
    let sql = "select count(*) from pragma_table_info('check_due') where name = 'due'";
    let columns: i64 = db.query_row(sql, [], |row| row.get(0))?;
    if columns == 0 {
        db.execute_batch("alter table check_due add column due integer not null default 0")?;
    }
    Ok(())
}

/// A document with the columns by which it is found.
#[derive(Clone, Debug)]
pub(crate) struct StoredDocument {
    /// Its id, such as `WorkerPools-21`, unique in the whole store.
    pub(crate) id: String,
    /// Its kind.
    pub(crate) kind: &'static DocumentKind,
    /// Its space; empty if it belongs to the instance.
    pub(crate) space: String,
    /// Its owner, such as the project of a runbook; empty if it has none.
    pub(crate) owner: String,
    /// Its name; empty if it has none.
    pub(crate) name: String,
    /// Its slug; empty if it has none.
    pub(crate) slug: String,
    /// Its position, if its kind has an order of its own.
    pub(crate) rank: i64,
    /// The JSON text.
    pub(crate) body: String,
}

impl StoredDocument {
    /// A document from its JSON, found by the fields of that.
    pub(crate) fn new(kind: &'static DocumentKind, body: &Value) -> Self {
        let text_field = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        Self {
            id: text_field("Id"),
            kind,
            space: text_field("SpaceId"),
            owner: text_field(kind.owner),
            name: text_field("Name"),
            slug: text_field("Slug"),
            rank: body["SortOrder"].as_i64().unwrap_or_default(),
            body: body.to_string(),
        }
    }

    /// The same, in the order in which ids are assigned.
    pub(crate) fn with_id_rank(kind: &'static DocumentKind, body: &Value) -> Self {
        let document = Self::new(kind, body);
        let number = document.id.rsplit('-').next().and_then(|number| number.parse().ok());
        Self { rank: number.unwrap_or_default(), ..document }
    }

    /// Parses the JSON.
    pub(crate) fn parse_body(&self) -> serde_json::Result<Value> {
        serde_json::from_str(&self.body)
    }

    fn from_row(row: &Row<'_>, kind: &'static DocumentKind) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            kind,
            space: row.get(1)?,
            owner: row.get(2)?,
            name: row.get(3)?,
            slug: row.get(4)?,
            rank: row.get(5)?,
            body: row.get(6)?,
        })
    }
}

const COLUMNS: &str = "select id, space, owner, name, slug, rank, body from document";

/// The document of this id, if it is of this kind and space.
pub(crate) fn find_document(
    db: &Connection,
    kind: &'static DocumentKind,
    space: &str,
    id: &str,
) -> rusqlite::Result<Option<StoredDocument>> {
    query_document(db, kind, "space = ?2 and id = ?3", params![kind.prefix, space, id])
}

/// The JSON of the document of this id, whatever its kind.
pub(crate) fn find_any_kind(db: &Connection, id: &str) -> rusqlite::Result<Option<Value>> {
    let sql = "select body from document where id = ?1";
    let body: Option<String> =
        db.prepare_cached(sql)?.query_row([id], |row| row.get(0)).optional()?;
    // Documents are JSON; a row that is not cannot be the one wanted.
    Ok(body.and_then(|body| serde_json::from_str(&body).ok()))
}

/// The document of this slug.
pub(crate) fn find_by_slug(
    db: &Connection,
    kind: &'static DocumentKind,
    space: &str,
    slug: &str,
) -> rusqlite::Result<Option<StoredDocument>> {
    query_document(db, kind, "space = ?2 and slug = ?3", params![kind.prefix, space, slug])
}

/// The documents of a kind for which a condition over the columns holds. `?1` is the kind.
pub(crate) fn select_documents(
    db: &Connection,
    kind: &'static DocumentKind,
    condition: &str,
    values: impl Params,
) -> rusqlite::Result<Vec<StoredDocument>> {
    let order = kind.order;
    let sql = format!("{COLUMNS} where kind = ?1 and {condition} order by {order}");
    let mut statement = db.prepare_cached(&sql)?;
    let rows = statement.query_map(values, |row| StoredDocument::from_row(row, kind))?;
    rows.collect()
}

/// Every document of a kind in a space, in the kind's order.
pub(crate) fn list_documents(
    db: &Connection,
    kind: &'static DocumentKind,
    space: &str,
) -> rusqlite::Result<Vec<StoredDocument>> {
    select_documents(db, kind, "space = ?2", params![kind.prefix, space])
}

fn query_document(
    db: &Connection,
    kind: &'static DocumentKind,
    condition: &str,
    values: impl Params,
) -> rusqlite::Result<Option<StoredDocument>> {
    let sql = format!("{COLUMNS} where kind = ?1 and {condition}");
    let mut statement = db.prepare_cached(&sql)?;
    statement.query_row(values, |row| StoredDocument::from_row(row, kind)).optional()
}

/// Writes a document, replacing one of the same id.
pub(crate) fn save_document(db: &Connection, document: &StoredDocument) -> rusqlite::Result<()> {
    let sql = "insert or replace into document (id, kind, space, owner, name, slug, rank, body)
               values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let StoredDocument { id, kind, space, owner, name, slug, rank, body } = document;
    let row = params![id, kind.prefix, space, owner, name, slug, rank, body];
    db.prepare_cached(sql)?.execute(row).map(drop)
}

/// Deletes a document. Its id is not assigned again.
pub(crate) fn delete_document(db: &Connection, id: &str) -> rusqlite::Result<()> {
    db.prepare_cached("delete from document where id = ?1")?.execute([id]).map(drop)
}

/// Deletes the documents of a space. The audit log keeps what it says of them.
pub(crate) fn delete_space_documents(db: &Connection, space: &str) -> rusqlite::Result<()> {
    let sql = "delete from document where space = ?1 and kind <> ?2";
    db.prepare_cached(sql)?.execute([space, EVENTS.prefix]).map(drop)
}

/// The next id of a kind: `WorkerPools-21`.
pub(crate) fn next_id(db: &Connection, kind: &DocumentKind) -> rusqlite::Result<String> {
    let sql = "insert into counter values (?1, 1)
               on conflict do update set last = last + 1 returning last";
    let last: i64 = db.prepare_cached(sql)?.query_row([kind.prefix], |row| row.get(0))?;
    Ok(format!("{}-{last}", kind.prefix))
}
