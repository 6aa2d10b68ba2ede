//! What is not there yet: made once, also where the answer to the first request is lost.

use super::{
    ChangeWriter, WriteFailure, WriteResult, WriteSuccess,
    field::{self, FieldChange},
    pause_before_retry,
};
use crate::{
    apply::writer::CreateKind,
    octopus::{ClientError, Resource, document::JsonDocument},
};
use poolwright_core::{
    model::Name,
    plan::{CommonField, WrittenField},
};

use serde_json::{Value, json};
use std::collections::HashSet;

/// Something to be made, known by its name.
pub(super) struct ObjectCreation<'c> {
    /// The change.
    pub(super) index: usize,
    /// What it is.
    pub(super) kind: CreateKind,
    /// Its name.
    pub(super) name: &'c str,
    /// What is sent.
    pub(super) body: Value,
    /// What is looked at in one of its name, to see whether it is the same.
    pub(super) fields: Vec<FieldChange>,
}

impl ObjectCreation<'_> {
    /// What is written down: that it was not there. What it is made of is in the plan's file.
    fn journal_fields(&self) -> Vec<WrittenField> {
        vec![WrittenField::new(CommonField::Name, None, Some(json!(self.name)))]
    }
}

impl ChangeWriter<'_> {
    /// Makes the thing, unless there is one of its name that is the same.
    pub(super) async fn create_once(
        &self,
        creation: &ObjectCreation<'_>,
    ) -> WriteResult<WriteSuccess> {
        if self.was_name_taken(creation).await?
            && let Some(id) = self.find_existing(creation).await?
        {
            return Ok(WriteSuccess { id: Some(id), written: Vec::new() });
        }
        let mut in_doubt = false;
        for tried in 1..=2 {
            self.announce_write(creation.index, &creation.journal_fields());
            let error = match self.writer.create_resource(creation.kind, &creation.body).await {
                Ok(answer) => match parse_id(&answer) {
                    Some(id) => {
                        return Ok(WriteSuccess {
                            id: Some(id),
                            written: creation.journal_fields(),
                        });
                    }
                    None => {
                        WriteFailure { error: "the answer has no id".to_owned(), unknown: true }
                    }
                },
                Err(error) if error.is_ambiguous() || may_be_name_clash(&error) => {
                    WriteFailure::from_write_error(&error)
                }
                Err(error) => {
                    return Err(WriteFailure { unknown: in_doubt, ..WriteFailure::new(error) });
                }
            };
            in_doubt |= error.unknown;
            if error.unknown {
                pause_before_retry(tried).await;
            }
            let found = self.find_existing(creation).await;
            let found = found.map_err(|why| WriteFailure { unknown: in_doubt, ..why })?;
            if found.is_some() {
                // One that is there after a refusal is somebody else's.
                let written = creation.journal_fields().into_iter().filter(|_| in_doubt).collect();
                return Ok(WriteSuccess { id: found, written });
            }
            if !error.unknown || tried == 2 {
                return Err(WriteFailure { unknown: in_doubt, ..error });
            }
        }
        Err(WriteFailure { error: "nothing was tried".to_owned(), unknown: in_doubt })
    }

    /// Whether the name was taken when the first thing of this kind was made here. One that is taken since
    /// is refused by the server.
    async fn was_name_taken(&self, creation: &ObjectCreation<'_>) -> WriteResult<bool> {
        let cell = match creation.kind {
            CreateKind::WorkerPool => &self.taken_pools,
            CreateKind::Worker => &self.taken_workers,
        };
        let read_names = async || {
            let names = self.list_names(creation.kind).await?;
            let names = names.into_iter().map(|(name, _)| name.as_folded().to_owned());
            Ok::<_, ClientError>(names.collect::<HashSet<String>>())
        };
        let taken = cell.get_or_try_init(read_names).await.map_err(WriteFailure::new)?;
        Ok(taken.contains(Name::new(creation.name).as_folded()))
    }

    /// The id of the one that has this name.
    ///
    /// # Errors
    ///
    /// It is another thing, or nobody can tell.
    async fn find_existing(&self, creation: &ObjectCreation<'_>) -> WriteResult<Option<String>> {
        let name = Name::new(creation.name);
        let names = self.list_names(creation.kind).await.map_err(WriteFailure::new)?;
        let Some((_, id)) = names.into_iter().find(|(other, _)| *other == name) else {
            return Ok(None);
        };
        let resource = match creation.kind {
            CreateKind::WorkerPool => Resource::WorkerPool(id.clone()),
            CreateKind::Worker => Resource::Worker(id.clone()),
        };
        let document = self.fetch_document(&resource).await.map_err(WriteFailure::new)?;
        first_difference(&document, &creation.fields).map_or(Ok(Some(id)), |field| {
            let name = creation.name;
            Err(WriteFailure::new(format!("`{name}` is there already, and its {field}")))
        })
    }

    async fn list_names(&self, kind: CreateKind) -> WriteResult<Vec<(Name, String)>, ClientError> {
        let reader = self.space_reader();
        Ok(match kind {
            CreateKind::WorkerPool => {
                let pools = reader.list_worker_pools().await?.into_iter();
                pools.map(|pool| (Name::new(pool.name), pool.id)).collect()
            }
            CreateKind::Worker => {
                let workers = reader.list_workers().await?.into_iter();
                workers.map(|worker| (Name::new(worker.name), worker.id)).collect()
            }
        })
    }
}

/// The first field in which a thing is not as wanted.
fn first_difference(document: &JsonDocument, wanted: &[FieldChange]) -> Option<String> {
    field::check_fields(document, wanted).err()
}

/// A refusal that may mean that the name is taken.
fn may_be_name_clash(error: &ClientError) -> bool {
    matches!(error, ClientError::Status { status: 400 | 409, .. })
}

fn parse_id(answer: &str) -> Option<String> {
    let answer: Value = serde_json::from_str(answer).ok()?;
    Some(answer.get("Id")?.as_str()?.to_owned())
}
