//! Worker pools: create, edit, make default, sort, delete.

use super::{
    ChangeWriter, WriteFailure, WriteResult, WriteSuccess,
    create::ObjectCreation,
    doubt::WriteAttempts,
    field::{FieldChange, FieldComparison, document_with, mismatch_message},
};
use crate::{
    apply::writer::{CreateKind, WriteAnswer, WriteDoubt},
    octopus::Resource,
};
use poolwright_core::{
    model::{Address, Id, Pool, PoolHandle, PoolKind},
    plan::{CommonField, Field, NewPool, PoolEdit, PoolField, SpaceField, WrittenField},
};

use serde_json::json;

impl<'a> ChangeWriter<'a> {
    /// # Source
    ///
    /// `POST …/workerpools`; `IsDefault` is required in every write of a pool.
    pub(super) async fn create_pool(
        &self,
        index: usize,
        address: &'a Address,
        new: &NewPool,
    ) -> WriteResult<WriteSuccess> {
        let NewPool { name, slug, description, kind } = new;
        let word = match kind {
            PoolKind::Static => "StaticWorkerPool",
            PoolKind::Dynamic { .. } => "DynamicWorkerPool",
        };
        let mut wanted = vec![
            FieldChange::new(PoolField::Description, json!(description), FieldComparison::Text),
            FieldChange::new(
                PoolField::Type,
                json!(word),
                FieldComparison::IdOr("StaticWorkerPool".into()),
            ),
        ];
        if let Some(slug) = slug {
            wanted.push(FieldChange::new(CommonField::Slug, json!(slug), FieldComparison::Text));
        }
        if let PoolKind::Dynamic { image } = kind {
            wanted.push(FieldChange::new(PoolField::Image, json!(image), FieldComparison::Text));
        }
        let fields = wanted.iter().map(|change| (change.field, change.after.clone()));
        let named = (CommonField::Name.into(), json!(name));
        let other = (SpaceField::IsDefault.into(), json!(false));
        let mut body = document_with([named, other].into_iter().chain(fields));
        body["SpaceId"] = json!(self.space.as_str());
        let creation = ObjectCreation {
            index,
            kind: CreateKind::WorkerPool,
            name,
            body,
            fields: wanted,
            final_name: name,
            replaced: Vec::new(),
        };
        let wrote = self.create_once(&creation).await?;
        if let Some(id) = &wrote.id {
            self.remember_created(address, id);
        }
        Ok(wrote)
    }

    pub(super) async fn update_pool(
        &self,
        index: usize,
        id: &Id<Pool>,
        edits: &[PoolEdit],
    ) -> WriteResult<WriteSuccess> {
        let wanted = edits.iter().map(|edit| {
            let (field, delta): (Field, _) = match edit {
                PoolEdit::Name(delta) => (CommonField::Name.into(), delta),
                PoolEdit::Slug(delta) => (CommonField::Slug.into(), delta),
                PoolEdit::Description(delta) => (PoolField::Description.into(), delta),
                PoolEdit::Image(delta) => (PoolField::Image.into(), delta),
            };
            FieldChange::new_change(
                field,
                json!(delta.before()),
                json!(delta.after()),
                FieldComparison::Text,
            )
        });
        let wanted: Vec<FieldChange> = wanted.collect();
        self.modify_document(index, &Resource::WorkerPool(id.as_str().to_owned()), &wanted).await
    }

    pub(super) async fn delete_pool(
        &self,
        index: usize,
        id: &Id<Pool>,
        name: &str,
    ) -> WriteResult<WriteSuccess> {
        self.delete_if_named(index, &Resource::WorkerPool(id.as_str().to_owned()), name).await
    }

    /// # Source
    ///
    /// Setting `IsDefault` on one pool clears it on the other.
    pub(super) async fn set_default_pool(
        &self,
        index: usize,
        from: Option<&PoolHandle>,
        to: &PoolHandle,
    ) -> WriteResult<WriteSuccess> {
        let to = self.pool_id(to).map_err(WriteFailure::new)?;
        let from = from.map(|it| self.pool_id(it)).transpose().map_err(WriteFailure::new)?;
        let pools =
            self.space_reader().list_worker_pools().await.map_err(WriteFailure::from_unread)?;
        let now = pools.into_iter().find(|it| it.is_default).map(|it| it.id);
        if now.as_deref() == Some(&to) {
            return Ok(WriteSuccess::default());
        }
        if now != from {
            let field = Field::from(SpaceField::DefaultPool).to_string();
            return Err(WriteFailure::new(mismatch_message(&field, &json!(now), &json!(from))));
        }
        let wanted = FieldChange::new_change(
            SpaceField::IsDefault,
            json!(false),
            json!(true),
            FieldComparison::Flag,
        );
        let before = now.map(|now| json!(now));
        let written = vec![WrittenField::new(SpaceField::DefaultPool, before, Some(json!(to)))];
        self.announce_write(index, &written);
        let set = self.modify_document(index, &Resource::WorkerPool(to), &[wanted]).await?;
        // Nothing was written if somebody else has made it the default meanwhile.
        let written = if set.written.is_empty() { Vec::new() } else { written };
        Ok(WriteSuccess { id: None, written })
    }

    /// Sorts the pools; pools that the plan does not know go after all others.
    pub(super) async fn sort_pools(
        &self,
        index: usize,
        before: &[PoolHandle],
        order: &[PoolHandle],
    ) -> WriteResult<WriteSuccess> {
        let before = self.pool_ids(before).map_err(WriteFailure::new)?;
        let order = self.pool_ids(order).map_err(WriteFailure::new)?;
        let mut written: Vec<WrittenField> = Vec::new();
        let mut attempts = WriteAttempts::new(self.writer.retry_timer());
        loop {
            let live = self.live_order().await.map_err(|error| attempts.unseen(error.error))?;
            let wanted = arrange_pools(&live, &order);
            if wanted == live {
                return Ok(WriteSuccess { id: None, written });
            }
            if attempts.are_over() {
                return Err(attempts.last_failure());
            }
            let known_ids = |ids: &[String], among: &[String]| -> Vec<String> {
                ids.iter().filter(|id| among.contains(id)).cloned().collect()
            };
            let (now, then) = (known_ids(&live, &before), known_ids(&before, &live));
            if now != then {
                let field = Field::from(SpaceField::PoolOrder).to_string();
                return Err(attempts.not_done(mismatch_message(&field, &json!(now), &json!(then))));
            }
            let (was, is) = (Some(json!(live)), Some(json!(wanted)));
            written = vec![WrittenField::new(SpaceField::PoolOrder, was, is)];
            self.announce_write(index, &written);
            let doubt = match self.writer.sort_worker_pools(&wanted).await {
                WriteAnswer::Accepted(_) => match self.live_order().await {
                    Ok(live) if live == wanted => return Ok(WriteSuccess { id: None, written }),
                    _ => WriteDoubt::unconfirmed(
                        "the server accepted the order, but the pools have another one".to_owned(),
                    ),
                },
                WriteAnswer::InDoubt(doubt) => doubt,
                WriteAnswer::Refused(error) => return Err(attempts.refused(&error)),
            };
            attempts.wait_to_look(doubt).await;
        }
    }

    async fn live_order(&self) -> WriteResult<Vec<String>> {
        let mut pools =
            self.space_reader().list_worker_pools().await.map_err(WriteFailure::from_unread)?;
        pools.sort_by_key(|pool| pool.sort_order);
        Ok(pools.into_iter().map(|pool| pool.id).collect())
    }
}

/// Returns the live pools in the plan's order; those that it does not know come last.
fn arrange_pools(live: &[String], order: &[String]) -> Vec<String> {
    let planned = order.iter().filter(|id| live.contains(id));
    let others = live.iter().filter(|id| !order.contains(id));
    planned.chain(others).cloned().collect()
}
