//! What every write has at hand: the wire, and the pools that were made on the way.

use crate::{
    model::{Address, Id, Pool, PoolHandle, Space},
    octopus::{
        Connection, Error, Resource, SpaceReader,
        document::{Document, Segment},
        writer::Writer,
    },
    plan::Plan,
    receipt::Written,
};
use serde_json::Value;
use std::{collections::HashMap, error::Error as _, sync::Mutex};

/// How often a write is tried that others get in the way of.
pub(super) const TRIES: usize = 6;

/// What every write has at hand.
pub(super) struct Desk {
    /// Reads the plan's space.
    pub(super) reader: SpaceReader,
    /// Writes to it.
    pub(super) writer: Writer,
    /// The space.
    pub(super) space: Id<Space>,
    made: Mutex<HashMap<Address, Id<Pool>>>,
}

/// A change that is made.
#[derive(Clone, Debug, Default)]
pub(super) struct Made {
    /// The id of what was created.
    pub(super) id: Option<String>,
    /// The fields that were written.
    pub(super) written: Vec<Written>,
}

/// A change that is not made, or of which nobody knows.
#[derive(Clone, Debug)]
pub(super) enum Trouble {
    /// It is not made.
    Failed(String),
    /// Nobody saw how it ended.
    Unknown(String),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        let mut words = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            words.push_str(&format!(": {cause}"));
            source = cause.source();
        }
        match error.is_ambiguous() {
            true => Self::Unknown(words),
            false => Self::Failed(words),
        }
    }
}

/// Something is no longer as the plan expects it.
pub(super) fn stale(
    field: &str,
    found: impl std::fmt::Display,
    expected: impl std::fmt::Display,
) -> Trouble {
    Trouble::Failed(format!("`{field}` is {found}, and the plan expects {expected}: plan again"))
}

impl Desk {
    /// The desk for a plan.
    pub(super) fn new(connection: &Connection, plan: &Plan) -> Self {
        let space = plan.header.space.id.clone();
        let writer = connection.writer(&space);
        Self { reader: writer.reader(), writer, space, made: Mutex::default() }
    }

    /// The id of a pool, which may have been made on the way.
    pub(super) fn pool(&self, pool: &PoolHandle) -> Result<Id<Pool>, Trouble> {
        let address = match pool {
            PoolHandle::Existing { id, .. } => return Ok(id.clone()),
            PoolHandle::New(address) => address,
        };
        let made = self.made.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let missing = || Trouble::Failed(format!("`{address}` was not made"));
        made.get(address).cloned().ok_or_else(missing)
    }

    /// Remembers a pool that was made.
    pub(super) fn remember(&self, address: &Address, id: Id<Pool>) {
        let mut made = self.made.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        made.insert(address.clone(), id);
    }

    /// A document, read anew.
    pub(super) async fn read(&self, resource: &Resource) -> Result<Draft, Trouble> {
        // A read is never ambiguous: nothing was written.
        let text = self.reader.document(resource).await;
        let text = text.map_err(|error| Trouble::Failed(words(Trouble::from(error))))?;
        Draft::new(text)
    }

    /// Edits a document under `edit`, and puts it back where that changed anything.
    ///
    /// `edit` finds out too whether the document is as expected. A write whose answer is lost is looked at
    /// again: `edit` then finds nothing left to do, or does it again.
    pub(super) async fn edit(
        &self,
        resource: &Resource,
        mut edit: impl FnMut(&mut Draft) -> Result<(), Trouble>,
    ) -> Result<Made, Trouble> {
        let mut written = Vec::new();
        let mut last = None;
        for _ in 0..TRIES {
            let mut draft = self.read(resource).await?;
            edit(&mut draft)?;
            if draft.written.is_empty() {
                return Ok(Made { id: None, written });
            }
            written.clone_from(&draft.written);
            match self.writer.put(resource, draft.document.into_text()).await {
                Ok(_) => return Ok(Made { id: None, written }),
                Err(error) if error.is_ambiguous() || error.is_stale() => last = Some(error),
                Err(error) => return Err(error.into()),
            }
        }
        Err(last.map_or(Trouble::Failed("it was not tried".to_owned()), Trouble::from))
    }
}

/// The words of a trouble.
pub(super) fn words(trouble: Trouble) -> String {
    match trouble {
        Trouble::Failed(words) | Trouble::Unknown(words) => words,
    }
}

/// A document that is being edited, and what was edited.
pub(super) struct Draft {
    /// The document.
    pub(super) document: Document,
    /// The fields that differ from what was read.
    pub(super) written: Vec<Written>,
}

impl Draft {
    /// A draft of a document's text.
    pub(super) fn new(text: String) -> Result<Self, Trouble> {
        let document = Document::parse(text).map_err(|it| Trouble::Failed(it.to_string()))?;
        Ok(Self { document, written: Vec::new() })
    }

    /// The text at `path`; empty where it is absent, `null` or no text.
    pub(super) fn text(&self, path: &[Segment<'_>]) -> String {
        match self.document.value(path) {
            Some(Value::String(text)) => text,
            _ => String::new(),
        }
    }

    /// Sets a field, and notes it where that changed anything.
    pub(super) fn set(&mut self, path: &[Segment<'_>], value: &Value) -> Result<(), Trouble> {
        let before = self.document.value(path);
        let changed = self.document.set(path, value);
        if changed.map_err(|it| Trouble::Failed(it.to_string()))? {
            let after = value.clone();
            self.written.push(Written { path: shown(path), before, after });
        }
        Ok(())
    }

    /// Sets a text that has to be what the plan expects, or what it shall be already.
    pub(super) fn change(
        &mut self,
        path: &[Segment<'_>],
        before: &str,
        after: &str,
    ) -> Result<(), Trouble> {
        let found = self.text(path);
        if found == after {
            return Ok(());
        }
        if found != before {
            return Err(stale(&shown(path), format!("{found:?}"), format!("{before:?}")));
        }
        self.set(path, &Value::from(after))
    }
}

/// A path in the server's own words.
fn shown(path: &[Segment<'_>]) -> String {
    let mut text = String::new();
    for segment in path {
        match segment {
            Segment::Key(key) | Segment::KeyIgnoringCase(key) => {
                text.push_str(if text.is_empty() { "" } else { "." });
                text.push_str(key);
            }
            Segment::Index(at) => text.push_str(&format!("[{at}]")),
            Segment::Where { key, is } => text.push_str(&format!("[{key} = {is}]")),
        }
    }
    text
}
