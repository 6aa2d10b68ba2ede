//! Workers: create, edit, replace, delete.

use super::{
    ChangeWriter, WriteFailure, WriteResult, WriteSuccess,
    create::{ObjectCreation, created_fields},
    delete::deleted_fields,
    endpoint,
    field::{FieldChange, FieldComparison, document_path, document_with, text_at_path},
};
use crate::{apply::writer::CreateKind, octopus::Resource};
use poolwright_core::{
    model::{Endpoint, Id, PoolHandle, Worker},
    plan::{
        CommonField, EndpointField, Field, NewWorker, RestoredWorker, WorkerEdit, WorkerField,
        WrittenField, interim_worker_name, interim_worker_slug,
    },
};

use serde_json::{Value, json};

impl ChangeWriter<'_> {
    pub(super) async fn create_worker(
        &self,
        index: usize,
        new: &NewWorker,
    ) -> WriteResult<WriteSuccess> {
        let fields = self.expected_by_new(new).await?;
        self.create_once(&self.worker_creation(index, new, &new.name, fields)).await
    }

    /// # Source
    ///
    /// `POST …/workers`; the server queues a health check of the new worker.
    fn worker_creation<'c>(
        &self,
        index: usize,
        new: &'c NewWorker,
        name: &'c str,
        fields: Vec<FieldChange>,
    ) -> ObjectCreation<'c> {
        let values = fields.iter().map(|change| (change.field, change.after.clone()));
        let named = (CommonField::Name.into(), json!(name));
        let restored = restored_fields(&new.restored, &new.endpoint);
        let mut body = document_with([named].into_iter().chain(values).chain(restored));
        body["SpaceId"] = json!(self.space.as_str());
        let (kind, final_name) = (CreateKind::Worker, new.name.as_str());
        ObjectCreation { index, kind, name, body, fields, final_name, replaced: Vec::new() }
    }

    /// Returns the fields of a new worker, except its name.
    async fn expected_by_new(&self, new: &NewWorker) -> WriteResult<Vec<FieldChange>> {
        let NewWorker { name: _, endpoint, pools, policy, disabled, restored: _ } = new;
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
        Ok(wanted)
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
            WorkerEdit::Slug(delta) => FieldChange::new_change(
                CommonField::Slug,
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

    /// Creates the new worker beside the old one under an interim name, deletes the old one, and renames the new one:
    /// two workers cannot have one name, and wherever this stops, one of the two has all settings. The next plan
    /// knows the interim name.
    pub(super) async fn replace_worker(
        &self,
        index: usize,
        id: &Id<Worker>,
        name: &str,
        new: &NewWorker,
    ) -> WriteResult<WriteSuccess> {
        let resource = worker_resource(id);
        let Some(old) = self.read_if_named(&resource, name).await? else {
            return self.create_worker(index, new).await;
        };
        let interim = interim_worker_name(&new.name);
        let fields = self.expected_by_new(new).await?;
        let made = created_fields(&new.name, &fields);
        let replaced = deleted_fields(&old, &resource);
        let mut written = replaced.clone();
        WrittenField::merge_into(&mut written, &made);
        let slug = text_at_path(&old, &document_path(CommonField::Slug.into()));
        let slug = new.restored.slug.as_ref().unwrap_or(&slug);
        // The old worker has the slug still; old servers have none.
        let interim_slug = (!slug.is_empty()).then(|| interim_worker_slug(slug));
        let restored = RestoredWorker { slug: interim_slug, ..new.restored.clone() };
        let unnamed = NewWorker { restored, ..new.clone() };
        let creation = self.worker_creation(index, &unnamed, &interim, fields);
        let created = self.create_once(&ObjectCreation { replaced, ..creation }).await?;
        let new_id = created.id.unwrap_or_default();
        let explain = |what: String| {
            move |WriteFailure { error, unknown, .. }: WriteFailure| {
                let error = format!("{what}: {error}; the next `apply` goes on from there");
                WriteFailure { error, unknown, partial: true }
            }
        };
        let kept = format!("its replacement `{interim}` was created, but it was not deleted");
        self.delete_replaced(index, &resource, name, &made).await.map_err(explain(kept))?;
        let unnamed = format!("it was replaced, but the new worker is still named `{interim}`");
        let renamed = self.take_name(index, &new_id, &new.name, slug).await;
        WrittenField::merge_into(&mut written, &renamed.map_err(explain(unnamed))?.written);
        Ok(WriteSuccess { id: Some(new_id), written })
    }

    /// Gives a worker the name and the slug of the one that it has replaced; a server keeps the slug of a worker that
    /// is renamed.
    async fn take_name(
        &self,
        index: usize,
        id: &str,
        name: &str,
        slug: &str,
    ) -> WriteResult<WriteSuccess> {
        let resource = Resource::Worker(id.to_owned());
        let document = self.fetch_document(&resource).await.map_err(WriteFailure::new)?;
        let change = |field: CommonField, after: &str| {
            let before = json!(text_at_path(&document, &document_path(field.into())));
            FieldChange::new_change(field, before, json!(after), FieldComparison::Text)
        };
        let mut renames = vec![change(CommonField::Name, name)];
        // Old servers have no slugs.
        let has_slug = document.get_value(&document_path(CommonField::Slug.into())).is_some();
        renames.extend((has_slug && !slug.is_empty()).then(|| change(CommonField::Slug, slug)));
        self.modify_document(index, &resource, &renames).await
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
        id.cloned().map_err(WriteFailure::from_unread)
    }
}

/// Returns the fields that a rollback restores besides those that a file can declare.
fn restored_fields(restored: &RestoredWorker, endpoint: &Endpoint) -> Vec<(Field, Value)> {
    let locked_field = match endpoint {
        Endpoint::Listening { .. } | Endpoint::Polling { .. } => Some(EndpointField::UpgradeLocked),
        Endpoint::Kubernetes { .. } => Some(EndpointField::AgentUpgradeLocked),
        Endpoint::Ssh { .. } | Endpoint::Other(_) => None,
    };
    let slug = restored.slug.as_ref().map(|slug| (CommonField::Slug.into(), json!(slug)));
    let locked = locked_field.zip(restored.upgrade_locked);
    let locked = locked.map(|(field, locked)| (field.into(), json!(locked)));
    slug.into_iter().chain(locked).collect()
}

fn worker_resource(id: &Id<Worker>) -> Resource {
    Resource::Worker(id.as_str().to_owned())
}
