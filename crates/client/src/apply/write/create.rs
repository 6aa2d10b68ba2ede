//! What is not there yet: made once, also where the answer to the first request is lost.

use super::{
    Failure, Result, Writes, Wrote,
    field::{self, Wanted},
    pause,
};
use crate::{
    apply::writer::Creates,
    octopus::{Error, Resource, document::Document},
};
use poolwright_core::{model::Name, receipt::Written};

use serde_json::{Value, json};
use std::collections::HashSet;

/// Something to be made, known by its name.
pub(super) struct Creation<'c> {
    /// The change.
    pub(super) index: usize,
    /// What it is.
    pub(super) kind: Creates,
    /// Its name.
    pub(super) name: &'c str,
    /// What is sent.
    pub(super) body: Value,
    /// What is looked at in one of its name, to see whether it is the same.
    pub(super) wanted: Vec<Wanted>,
}

impl Creation<'_> {
    /// What is written down: that it was not there. What it is made of is in the plan's file.
    fn written(&self) -> Vec<Written> {
        vec![Written::new("Name", None, Some(json!(self.name)))]
    }
}

impl Writes<'_> {
    /// Makes the thing, unless there is one of its name that is the same.
    pub(super) async fn create(&self, it: &Creation<'_>) -> Result<Wrote> {
        if self.was_taken(it).await?
            && let Some(id) = self.fitting(it).await?
        {
            return Ok(Wrote { id: Some(id), written: Vec::new() });
        }
        let mut in_doubt = false;
        for tried in 1..=2 {
            self.writing(it.index, &it.written());
            let error = match self.writer.create(it.kind, &it.body).await {
                Ok(answer) => match id_of(&answer) {
                    Some(id) => return Ok(Wrote { id: Some(id), written: it.written() }),
                    None => Failure { error: "the answer has no id".to_owned(), unknown: true },
                },
                Err(error) if error.is_ambiguous() || is_refusal(&error) => {
                    Failure::of_write(&error)
                }
                Err(error) => {
                    return Err(Failure { unknown: in_doubt, ..Failure::new(error) });
                }
            };
            in_doubt |= error.unknown;
            if error.unknown {
                pause(tried).await;
            }
            let found = self.fitting(it).await;
            let found = found.map_err(|why| Failure { unknown: in_doubt, ..why })?;
            if found.is_some() {
                // One that is there after a refusal is somebody else's.
                let written = it.written().into_iter().filter(|_| in_doubt).collect();
                return Ok(Wrote { id: found, written });
            }
            if !error.unknown || tried == 2 {
                return Err(Failure { unknown: in_doubt, ..error });
            }
        }
        Err(Failure { error: "nothing was tried".to_owned(), unknown: in_doubt })
    }

    /// Whether the name was taken when the first thing of this kind was made here. One that is taken since
    /// is refused by the server.
    async fn was_taken(&self, it: &Creation<'_>) -> Result<bool> {
        let cell = match it.kind {
            Creates::WorkerPool => &self.taken_pools,
            Creates::Worker => &self.taken_workers,
        };
        let read = async || {
            let names = self.names(it.kind).await?;
            let names = names.into_iter().map(|(name, _)| name.folded().to_owned());
            Ok::<_, Error>(names.collect::<HashSet<String>>())
        };
        let taken = cell.get_or_try_init(read).await.map_err(Failure::new)?;
        Ok(taken.contains(Name::new(it.name).folded()))
    }

    /// The id of the one that has this name.
    ///
    /// # Errors
    ///
    /// It is another thing, or nobody can tell.
    async fn fitting(&self, it: &Creation<'_>) -> Result<Option<String>> {
        let name = Name::new(it.name);
        let names = self.names(it.kind).await.map_err(Failure::new)?;
        let Some((_, id)) = names.into_iter().find(|(other, _)| *other == name) else {
            return Ok(None);
        };
        let resource = match it.kind {
            Creates::WorkerPool => Resource::WorkerPool(id.clone()),
            Creates::Worker => Resource::Worker(id.clone()),
        };
        let document = self.read(&resource).await.map_err(Failure::new)?;
        differs(&document, &it.wanted).map_or(Ok(Some(id)), |field| {
            let name = it.name;
            Err(Failure::new(format!("`{name}` is there already, and its {field}")))
        })
    }

    async fn names(&self, kind: Creates) -> Result<Vec<(Name, String)>, Error> {
        let reader = self.reader();
        Ok(match kind {
            Creates::WorkerPool => {
                let pools = reader.worker_pools().await?.into_iter();
                pools.map(|it| (Name::new(it.name), it.id)).collect()
            }
            Creates::Worker => {
                let workers = reader.workers().await?.into_iter();
                workers.map(|it| (Name::new(it.name), it.id)).collect()
            }
        })
    }
}

/// The first field in which a thing is not as wanted.
fn differs(document: &Document, wanted: &[Wanted]) -> Option<String> {
    field::check(document, wanted).err()
}

/// A refusal that may mean that the name is taken.
fn is_refusal(error: &Error) -> bool {
    matches!(error, Error::Status { status: 400 | 409, .. })
}

fn id_of(answer: &str) -> Option<String> {
    let answer: Value = serde_json::from_str(answer).ok()?;
    Some(answer.get("Id")?.as_str()?.to_owned())
}
