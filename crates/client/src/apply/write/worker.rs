//! Workers: create, edit, replace, delete.

use super::{
    ChangeWriter, WriteFailure, WriteResult, WriteSuccess,
    create::ObjectCreation,
    endpoint,
    field::{FieldChange, FieldComparison, document_with},
};
use crate::{apply::writer::CreateKind, octopus::Resource};
use poolwright_core::{
    model::{Id, PoolHandle, Worker},
    plan::{CommonField, NewWorker, WorkerEdit, WorkerField, WrittenField},
};

use serde_json::json;

impl ChangeWriter<'_> {
    /// # Source
    ///
    /// `POST …/workers`; the server queues a health check of the new worker.
    pub(super) async fn create_worker(
        &self,
        index: usize,
        new: &NewWorker,
    ) -> WriteResult<WriteSuccess> {
        let NewWorker { name, endpoint, pools, policy, disabled } = new;
        let pools = self.pool_ids(pools).map_err(WriteFailure::new)?;
        let policy = match policy {
            Some(policy) => policy.id.as_str().to_owned(),
            None => self.default_policy_id().await?,
        };
        let mut wanted = endpoint::expected_fields(endpoint);
        wanted.extend([
            FieldChange::new(WorkerField::Pools, json!(pools), FieldComparison::Ids),
            FieldChange::new(WorkerField::Disabled, json!(disabled), FieldComparison::Flag),
            FieldChange::new(
                WorkerField::Policy,
                json!(policy),
                FieldComparison::IdOr(policy.clone()),
            ),
        ]);
        let fields = wanted.iter().map(|change| (change.field, change.after.clone()));
        let named = (CommonField::Name.into(), json!(name));
        let mut body = document_with([named].into_iter().chain(fields));
        body["SpaceId"] = json!(self.space.as_str());
        self.create_once(&ObjectCreation {
            index,
            kind: CreateKind::Worker,
            name,
            body,
            fields: wanted,
        })
        .await
    }

    pub(super) async fn update_worker(
        &self,
        index: usize,
        id: &Id<Worker>,
        edits: &[WorkerEdit],
    ) -> WriteResult<WriteSuccess> {
        let mut wanted = Vec::new();
        for edit in edits {
            wanted.extend(self.expected_by_edit(edit).await?);
        }
        self.modify_document(index, &worker_resource(id), &wanted).await
    }

    async fn expected_by_edit(&self, edit: &WorkerEdit) -> WriteResult<Vec<FieldChange>> {
        let pool_ids = |handles: &[PoolHandle]| self.pool_ids(handles).map_err(WriteFailure::new);
        Ok(vec![match edit {
            WorkerEdit::Name(delta) => FieldChange::new_change(
                CommonField::Name,
                json!(delta.before()),
                json!(delta.after()),
                FieldComparison::Text,
            ),
            WorkerEdit::Pools(delta) => FieldChange::new_change(
                WorkerField::Pools,
                json!(pool_ids(delta.before())?),
                json!(pool_ids(delta.after())?),
                FieldComparison::Ids,
            ),
            WorkerEdit::Policy(delta) => FieldChange::new_change(
                WorkerField::Policy,
                json!(delta.before().id.as_str()),
                json!(delta.after().id.as_str()),
                FieldComparison::IdOr(self.default_policy_id().await?),
            ),
            WorkerEdit::Disabled(delta) => FieldChange::new_change(
                WorkerField::Disabled,
                json!(delta.before()),
                json!(delta.after()),
                FieldComparison::Flag,
            ),
            WorkerEdit::Endpoint(delta) => {
                return Ok(endpoint::changed_fields(delta.before(), delta.after()));
            }
        }])
    }

    /// Deletes the old worker first, since two workers cannot have the same name.
    pub(super) async fn replace_worker(
        &self,
        index: usize,
        id: &Id<Worker>,
        name: &str,
        new: &NewWorker,
    ) -> WriteResult<WriteSuccess> {
        let WriteSuccess { mut written, .. } =
            self.delete_if_named(index, &worker_resource(id), name).await?;
        let created = self.create_worker(index, new).await.map_err(|WriteFailure { error, unknown }| {
            let error = format!(
                "the old worker was deleted but the new one was not created: {error}; the next `apply` creates it"
            );
            WriteFailure { error, unknown }
        })?;
        WrittenField::merge_into(&mut written, &created.written);
        Ok(WriteSuccess { id: created.id, written })
    }

    pub(super) async fn delete_worker(
        &self,
        index: usize,
        id: &Id<Worker>,
        name: &str,
    ) -> WriteResult<WriteSuccess> {
        self.delete_if_named(index, &worker_resource(id), name).await
    }

    /// Returns the id of the policy of workers without one; empty if the space has no default policy.
    async fn default_policy_id(&self) -> WriteResult<String> {
        let read_default = async || {
            let policies = self.space_reader().list_machine_policies().await?;
            let default = policies.into_iter().find(|it| it.is_default);
            Ok(default.map(|it| it.id).unwrap_or_default())
        };
        let id = self.default_policy.get_or_try_init(read_default).await;
        id.cloned().map_err(|error: crate::octopus::ClientError| WriteFailure::new(error))
    }
}

fn worker_resource(id: &Id<Worker>) -> Resource {
    Resource::Worker(id.as_str().to_owned())
}
