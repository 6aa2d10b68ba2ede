//! Read, check, edit, write, and look: the way of every document that is there already.

use super::{
    ChangeWriter, TRIES, WriteFailure, WriteResult, WriteSuccess,
    field::{self, FieldChange, FieldWrite},
    pause_before_retry,
};
use crate::octopus::{
    Resource,
    document::{JsonDocument, JsonEditError, JsonParseError, PathSegment},
};
use poolwright_core::receipt::WrittenField;

use serde_json::json;

/// What has to be set in a document for each of several changes, or why a change does not fit.
pub(super) type WritePlanner<'p> =
    &'p (dyn Fn(&JsonDocument) -> Vec<WriteResult<Vec<FieldWrite<'p>>, String>> + Sync);

/// A document that is written.
#[derive(Clone, Copy)]
pub(super) struct WriteTarget<'t> {
    /// Which.
    pub(super) resource: &'t Resource,
    /// What the commit says that the write is, where it is one.
    pub(super) message: Option<&'t str>,
}

impl WriteTarget<'_> {
    /// The document as it is sent.
    ///
    /// # Source
    ///
    /// The body of a process or of variables in Git takes `ChangeDescription` and `GitRef`, which no server
    /// keeps in it (`api.md` 2.8, 2.9). That of variables has to have `ProjectId` too: so says the reference that
    /// the 2026 server generates of itself.
    fn request_body(&self, mut document: JsonDocument) -> WriteResult<String, JsonEditError> {
        use Resource::{BranchProcess, BranchVariableSet};
        if let BranchProcess(branch, ..) | BranchVariableSet(branch) = self.resource {
            let message = self.message.unwrap_or_default();
            document.put_value(&[PathSegment::Key("ChangeDescription")], &json!(message))?;
            document.put_value(&[PathSegment::Key("GitRef")], &json!(branch.canonical_name()))?;
            if let BranchVariableSet(_) = self.resource {
                document.put_value(&[PathSegment::Key("ProjectId")], &json!(branch.project))?;
            }
        }
        Ok(document.into_text())
    }
}

/// A change among those that one write makes.
struct BatchedChange {
    index: usize,
    written: Vec<WrittenField>,
    result: Option<WriteResult<()>>,
}

impl BatchedChange {
    /// Notes what is about to be written; what an earlier try may have written still counts.
    fn note_written(&mut self, written: &[WrittenField], in_doubt: bool) {
        if !in_doubt {
            self.written.clear();
        }
        WrittenField::merge_into(&mut self.written, written);
    }
}

impl ChangeWriter<'_> {
    /// Makes one change to a document.
    pub(super) async fn modify_document(
        &self,
        index: usize,
        resource: &Resource,
        wanted: &[FieldChange],
    ) -> WriteResult<WriteSuccess> {
        let plan_sets = |document: &JsonDocument| vec![field::check_fields(document, wanted)];
        let target = WriteTarget { resource, message: None };
        let mut results = self.modify_all(&[index], target, &plan_sets).await;
        let unknown_change = || Err(WriteFailure::new("the plan has no such change"));
        results.pop().map_or_else(unknown_change, |(_, result)| result)
    }

    /// Makes several changes to a document with one write. A change that does not fit leaves the others.
    pub(super) async fn modify_all(
        &self,
        indices: &[usize],
        target: WriteTarget<'_>,
        plan: WritePlanner<'_>,
    ) -> Vec<(usize, WriteResult<WriteSuccess>)> {
        let new_part =
            |index: &usize| BatchedChange { index: *index, written: Vec::new(), result: None };
        let mut parts: Vec<BatchedChange> = indices.iter().map(new_part).collect();
        // What the last try came to, as long as another one may do better.
        let mut last: Option<WriteFailure> = None;
        for tried in 0..TRIES {
            if tried > 0 {
                pause_before_retry(tried).await;
            }
            match self.try_once(target, plan, &mut parts, last.as_ref()).await {
                WriteAttempt::Over => break,
                WriteAttempt::Again(failure) => last = Some(failure),
            }
        }
        let gave_up = last.unwrap_or_else(|| WriteFailure::new("nothing was tried"));
        let result = |part: BatchedChange| match part.result.unwrap_or(Err(gave_up.clone())) {
            Ok(()) => Ok(WriteSuccess { id: None, written: part.written }),
            Err(failure) => Err(failure),
        };
        parts.into_iter().map(|part| (part.index, result(part))).collect()
    }

    async fn try_once(
        &self,
        target: WriteTarget<'_>,
        plan: WritePlanner<'_>,
        parts: &mut [BatchedChange],
        last: Option<&WriteFailure>,
    ) -> WriteAttempt {
        let resource = target.resource;
        let in_doubt = last.is_some_and(|it| it.unknown);
        let mut document = match self.fetch_document(resource).await {
            Ok(document) => document,
            Err(error) => {
                return settle_parts(parts, Err(WriteFailure { error, unknown: in_doubt }));
            }
        };
        let mut writes = false;
        for (part, sets) in parts.iter_mut().zip(plan(&document)) {
            if part.result.is_some() {
                continue;
            }
            // What cannot be edited to its end is not edited at all.
            let mut edited = document.clone();
            let written = sets.and_then(|sets| field::write_fields(&mut edited, &sets));
            match written {
                Ok(written) if written.is_empty() => part.result = Some(Ok(())),
                Ok(written) => {
                    (writes, document) = (true, edited);
                    part.note_written(&written, in_doubt);
                    self.announce_write(part.index, &part.written);
                }
                Err(error) => part.result = Some(Err(WriteFailure { error, unknown: in_doubt })),
            }
        }
        if !writes {
            return WriteAttempt::Over;
        }
        let body = match target.request_body(document) {
            Ok(body) => body,
            Err(error) => {
                return settle_parts(
                    parts,
                    Err(WriteFailure { error: error.to_string(), unknown: in_doubt }),
                );
            }
        };
        match self.writer.put_document(resource, body).await {
            Ok(answer) => self.verify_write(resource, plan, parts, answer).await,
            Err(error) if error.is_stale() => {
                WriteAttempt::Again(WriteFailure { error: error.to_string(), unknown: in_doubt })
            }
            Err(error) if error.is_ambiguous() => {
                WriteAttempt::Again(WriteFailure::from_write_error(&error))
            }
            // Nobody has said by which answer a push tells that another one came first (`api.md` 7, 14).
            Err(error) if target.message.is_some() && last.is_none() && error.is_refused() => {
                WriteAttempt::Again(WriteFailure { error: error.to_string(), unknown: in_doubt })
            }
            Err(error) => settle_parts(
                parts,
                Err(WriteFailure { unknown: in_doubt, ..WriteFailure::new(error) }),
            ),
        }
    }

    /// Whether the server has made of a write what was asked for.
    async fn verify_write(
        &self,
        resource: &Resource,
        plan: WritePlanner<'_>,
        parts: &mut [BatchedChange],
        answer: String,
    ) -> WriteAttempt {
        let is_as_wanted = |document: &JsonDocument, parts: &[BatchedChange]| {
            let open = parts.iter().zip(plan(document)).filter(|(part, _)| part.result.is_none());
            open.map(|(_, sets)| sets).all(|sets| sets.is_ok_and(|it| it.is_empty()))
        };
        let mut document = JsonDocument::parse(answer);
        if !document.as_ref().is_ok_and(|it| is_as_wanted(it, parts)) {
            // An answer may be less than the document is, so that the document itself decides.
            document = match self.fetch_document(resource).await {
                Ok(document) => Ok(document),
                Err(error) => {
                    let error = format!("it was written, and cannot be read again: {error}");
                    return settle_parts(parts, Err(WriteFailure { error, unknown: true }));
                }
            };
        }
        let verdicts = document.map(|it| check_results(&it, plan)).unwrap_or_default();
        for (part, verdict) in parts.iter_mut().zip(verdicts) {
            part.result.get_or_insert(verdict);
        }
        WriteAttempt::Over
    }

    /// A document as it is now.
    pub(super) async fn fetch_document(
        &self,
        resource: &Resource,
    ) -> WriteResult<JsonDocument, String> {
        let text =
            self.space_reader().read_document(resource).await.map_err(|error| error.to_string())?;
        JsonDocument::parse(text).map_err(|error: JsonParseError| error.to_string())
    }
}

enum WriteAttempt {
    /// Every change has its result.
    Over,
    /// This is what to say if no try is left.
    Again(WriteFailure),
}

fn settle_parts(parts: &mut [BatchedChange], result: WriteResult<()>) -> WriteAttempt {
    for part in parts {
        part.result.get_or_insert_with(|| result.clone());
    }
    WriteAttempt::Over
}

/// What the server has made of each change, after it was written.
fn check_results(document: &JsonDocument, plan: WritePlanner<'_>) -> Vec<WriteResult<()>> {
    let check_sets = |sets: WriteResult<Vec<FieldWrite<'_>>, String>| match sets {
        Ok(sets) => match sets.first() {
            None => Ok(()),
            Some(set) => {
                let now = document.get_value(&set.path).unwrap_or_default();
                let after = set.after.clone().unwrap_or_default();
                let (now, after) = (field::format_value(&now), field::format_value(&after));
                let field = set.field;
                Err(format!("the server made `{field}` {now} where {after} was written"))
            }
        },
        Err(error) => Err(format!("the server made something else of it: {error}")),
    };
    plan(document).into_iter().map(|sets| check_sets(sets).map_err(WriteFailure::new)).collect()
}
