//! The whole state of a store as a file: each document as it is stored, one on each line, and the counters.
//!
//! Access tokens are left out, so that the file lets nobody in.

use crate::{
    document::features,
    error::SandboxError,
    keys::AccessKeys,
    kind::{self, DocumentKind},
    store::{self, StoredDocument},
};
use rusqlite::{Connection, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use std::{
    collections::BTreeMap,
    io::{self, Write},
};

/// The format that the file names.
const FORMAT: &str = "poolwright-sandbox";

/// The version of the format that is written, and the latest that is read.
const VERSION: u32 = 1;

/// The kind and the id of the features of the instance.
const FEATURES_ID: &str = "features";

/// A state as its file has it.
#[derive(Deserialize)]
struct SavedState<'a> {
    format: String,
    version: u32,
    /// Whether it is a copy of a live server, whose store has keys of its own.
    #[serde(default)]
    private: bool,
    #[serde(borrow)]
    documents: Vec<SavedDocument<'a>>,
    #[serde(default)]
    counters: BTreeMap<String, i64>,
    #[serde(default)]
    checks_due: Vec<String>,
    #[serde(default)]
    work: Vec<SavedTask>,
}

/// A document. The columns that are left out are taken from its body.
#[derive(Serialize, Deserialize)]
struct SavedDocument<'a> {
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    space: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    slug: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rank: Option<i64>,
    #[serde(borrow)]
    body: &'a RawValue,
}

/// A task that is queued or under way.
#[derive(Serialize, Deserialize)]
struct SavedTask {
    task: String,
    queued: i64,
    since: i64,
    ends: Option<i64>,
}

/// Builds the state of a live server document by document, for [`Seed::State`](crate::Seed::State). A store that is
/// filled with it has keys of its own.
#[derive(Clone, Debug, Default)]
pub struct StateBuilder {
    lines: Vec<String>,
    has_features: bool,
}

impl StateBuilder {
    /// Adds a document of the kind at the path segment `kind`, such as `workerpools`; `body` is its JSON.
    ///
    /// # Errors
    ///
    /// [`SandboxError::State`] if the body is not JSON.
    pub fn add_document(&mut self, kind: &str, body: &str) -> Result<(), SandboxError> {
        self.add_line(&SavedDocument::new(kind, body)?)
    }

    /// Adds the features of the instance; `body` is their JSON.
    ///
    /// # Errors
    ///
    /// [`SandboxError::State`] if the body is not JSON.
    pub fn set_features(&mut self, body: &str, is_cloud: bool) -> Result<(), SandboxError> {
        let slug = if is_cloud { features::CLOUD } else { "" };
        self.has_features = true;
        self.add_line(&SavedDocument {
            id: Some(FEATURES_ID.to_owned()),
            slug: Some(slug.to_owned()),
            ..SavedDocument::new(FEATURES_ID, body)?
        })
    }

    /// Whether the features have been added.
    pub fn has_features(&self) -> bool {
        self.has_features
    }

    /// How many documents there are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there are no documents.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The state as text.
    pub fn into_text(self) -> String {
        format!("{}{}\n]}}\n", state_head(true), self.lines.join(",\n"))
    }

    fn add_line(&mut self, document: &SavedDocument<'_>) -> Result<(), SandboxError> {
        self.lines.push(serde_json::to_string(document).map_err(SandboxError::State)?);
        Ok(())
    }
}

impl<'a> SavedDocument<'a> {
    /// A document that is found by the fields of its body.
    fn new(kind: &str, body: &'a str) -> Result<Self, SandboxError> {
        Ok(Self {
            kind: kind.to_owned(),
            id: None,
            space: None,
            owner: None,
            name: None,
            slug: None,
            rank: None,
            body: serde_json::from_str(body).map_err(SandboxError::State)?,
        })
    }
}

/// The beginning of the text of a state.
fn state_head(is_private: bool) -> String {
    let private = if is_private { "\"private\": true, " } else { "" };
    format!("{{\"format\": \"{FORMAT}\", \"version\": {VERSION}, {private}\"documents\": [\n")
}

/// Writes the state of a store.
pub(crate) fn write(db: &Connection, out: &mut dyn Write) -> Result<(), SandboxError> {
    let map_write_error = |result: io::Result<()>| result.map_err(SandboxError::Write);
    let is_private = AccessKeys::read(db)?.are_private();
    map_write_error(write!(out, "{}", state_head(is_private)))?;
    let columns =
        "select kind, id, space, owner, name, slug, rank, body from document order by kind, id";
    let mut statement = db.prepare(columns)?;
    let mut rows = statement.query([])?;
    let mut between = "";
    while let Some(row) = rows.next()? {
        let line = document_line(row)?;
        map_write_error(write!(out, "{between}{line}"))?;
        between = ",\n";
    }
    let counters: BTreeMap<String, i64> =
        read_pairs(db, "select kind, last from counter")?.into_iter().collect();
    let mut due = db.prepare("select worker from check_due order by worker")?;
    let due: Vec<String> = due.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let to_json_text = |value: &Value| value.to_string();
    let (counters, due, work) = (
        to_json_text(&counters.into_iter().collect()),
        to_json_text(&due.into()),
        pending_work(db)?,
    );
    map_write_error(write!(
        out,
        "\n], \"counters\": {counters}, \"checks_due\": {due}, \"work\": {work}}}\n"
    ))
}

fn document_line(row: &Row<'_>) -> Result<String, SandboxError> {
    let body: String = row.get(7)?;
    let body: &RawValue = serde_json::from_str(&body).map_err(SandboxError::State)?;
    let entry = SavedDocument {
        kind: row.get(0)?,
        id: row.get(1)?,
        space: row.get(2)?,
        owner: row.get(3)?,
        name: row.get(4)?,
        slug: row.get(5)?,
        rank: row.get(6)?,
        body,
    };
    serde_json::to_string(&entry).map_err(SandboxError::State)
}

fn read_pairs(db: &Connection, sql: &str) -> rusqlite::Result<Vec<(String, i64)>> {
    let mut statement = db.prepare(sql)?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

fn pending_work(db: &Connection) -> Result<String, SandboxError> {
    let mut statement = db.prepare("select task, queued, since, ends from work order by task")?;
    let work = statement.query_map([], |row| {
        Ok(SavedTask {
            task: row.get(0)?,
            queued: row.get(1)?,
            since: row.get(2)?,
            ends: row.get(3)?,
        })
    })?;
    let work: Vec<SavedTask> = work.collect::<rusqlite::Result<_>>()?;
    serde_json::to_string(&work).map_err(SandboxError::State)
}

/// Reads a state into an empty store.
pub(crate) fn read(db: &Connection, text: &str) -> Result<(), SandboxError> {
    let state: SavedState<'_> = serde_json::from_str(text).map_err(SandboxError::State)?;
    if state.format != FORMAT {
        return Err(SandboxError::NoState(state.format));
    }
    if state.version > VERSION {
        return Err(SandboxError::NewerState { found: state.version, supported: VERSION });
    }
    if state.private {
        AccessKeys::make_private(db)?;
    }
    for entry in &state.documents {
        let document = parse_document(entry)?;
        reserve_id(db, &document)?;
        store::save_document(db, &document)?;
    }
    for (kind, last) in &state.counters {
        raise_counter(db, kind, *last)?;
    }
    for worker in &state.checks_due {
        db.execute("insert or replace into check_due (worker) values (?1)", [worker])?;
    }
    for SavedTask { task, queued, since, ends } in &state.work {
        let row = params![task, queued, since, ends];
        db.execute("insert or replace into work values (?1, ?2, ?3, ?4)", row)?;
    }
    Ok(())
}

fn parse_document(entry: &SavedDocument<'_>) -> Result<StoredDocument, SandboxError> {
    let unknown_kind = || SandboxError::UnknownKind(entry.kind.clone());
    let kind = kind_by_name(&entry.kind).ok_or_else(unknown_kind)?;
    let body: Value = serde_json::from_str(entry.body.get()).map_err(SandboxError::State)?;
    let StoredDocument { id, space, owner, name, slug, rank, .. } =
        StoredDocument::new(kind, &body);
    let id = entry.id.clone().unwrap_or(id);
    if id.is_empty() {
        return Err(SandboxError::Nameless(entry.kind.clone()));
    }
    Ok(StoredDocument {
        id,
        kind,
        space: entry.space.clone().unwrap_or(space),
        owner: entry.owner.clone().unwrap_or(owner),
        name: entry.name.clone().unwrap_or(name),
        slug: entry.slug.clone().unwrap_or(slug),
        rank: entry.rank.unwrap_or(rank),
        body: entry.body.get().to_owned(),
    })
}

/// The kind whose ids begin with a name, or that is served at the segment of that name.
fn kind_by_name(name: &str) -> Option<&'static DocumentKind> {
    kind::kind_by_prefix(name).or_else(|| kind::all_kinds().find(|kind| kind.path == name))
}

/// Makes sure that the id of a document is not assigned again.
fn reserve_id(db: &Connection, document: &StoredDocument) -> rusqlite::Result<()> {
    let prefix = document.kind.prefix;
    let number = document.id.strip_prefix(prefix).and_then(|it| it.strip_prefix('-'));
    match number.and_then(|it| it.parse().ok()) {
        Some(number) => raise_counter(db, prefix, number),
        None => Ok(()),
    }
}

fn raise_counter(db: &Connection, kind: &str, last: i64) -> rusqlite::Result<()> {
    let sql = "insert into counter values (?1, ?2)
               on conflict do update set last = max(last, excluded.last)";
    db.prepare_cached(sql)?.execute(params![kind, last]).map(drop)
}
