//! Rolls back pools that were created, deleted or edited.

use super::{FieldState, RollbackPlanner, describe_edited, text_or_empty};
use crate::{
    finding::{Code, Finding},
    live::LivePool,
    model::{Address, Id, Name, PoolHandle, PoolKind},
    plan::{
        Change, ChangeKind, CommonField, Delta, Field, NewPool, PoolEdit, PoolField, SpaceField,
        WrittenField,
    },
    receipt::ReceiptEntry,
    text::eq_ignoring_case,
};

use serde_json::Value;

impl RollbackPlanner<'_> {
    pub(super) fn undo_pool_creation(&mut self, entry: &ReceiptEntry) {
        // Nothing was written if someone else had already created the pool.
        let Some(name) = entry.find_written(CommonField::Name) else { return };
        let named = Name::new(text_or_empty(name.after.as_ref()));
        let id = entry.id.as_deref().map(Id::new);
        let is_created_pool =
            |pool: &&LivePool| id.as_ref().map_or(pool.name == named, |id| pool.id == *id);
        let Some(pool) = self.live.pools.iter().find(is_created_pool) else { return };
        if pool.name != named {
            return self.warn_not_undone(entry, "it has been renamed since");
        }
        if entry.is_unknown() && !is_as_made(pool, entry) {
            return self.warn_not_own(entry);
        }
        let hands_over = |change: &Change| match &change.kind {
            ChangeKind::SetDefaultPool { to, .. } => to.id() != Some(&pool.id),
            _ => false,
        };
        if pool.default && !self.changes.iter().any(hands_over) {
            return self.warn_not_undone(entry, "it is now the default pool");
        }
        let (id, name) = (pool.id.clone(), pool.name.to_string());
        let address = Address::Pool(name.clone());
        self.push_change(address, ChangeKind::DeletePool { id, name });
    }

    pub(super) fn recreate_pool(&mut self, entry: &ReceiptEntry) {
        let name = Name::new(text_or_empty(entry.value_before(CommonField::Name)));
        if name.as_str().is_empty() {
            return self.warn_not_undone(entry, "the receipt does not record its name");
        }
        let old = entry.id.as_deref().map(Id::new);
        if let Some(pool) = self.live.pools.iter().find(|pool| pool.name == name) {
            let address = Address::Pool(pool.name.to_string());
            let handle = PoolHandle::Existing { id: pool.id.clone(), address };
            self.remade.extend(old.map(|old| (old, handle)));
            return;
        }
        let kind = match text_or_empty(entry.value_before(PoolField::Type)) {
            "DynamicWorkerPool" => PoolKind::Dynamic {
                image: text_or_empty(entry.value_before(PoolField::Image)).to_owned(),
            },
            _ => PoolKind::Static,
        };
        let description = text_or_empty(entry.value_before(PoolField::Description)).to_owned();
        let slug = self.restored_slug(entry);
        let address = Address::Pool(name.to_string());
        self.remade.extend(old.map(|old| (old, PoolHandle::New(address.clone()))));
        let new = NewPool { name: name.to_string(), slug, description, kind };
        self.push_change(address, ChangeKind::CreatePool(new));
    }

    /// Returns the slug of a deleted pool, by which files in Git may still refer to it; reports one that is lost.
    fn restored_slug(&mut self, entry: &ReceiptEntry) -> Option<String> {
        let slug = text_or_empty(entry.value_before(CommonField::Slug)).to_owned();
        if slug.is_empty() {
            return None;
        }
        let holder = self.live.pools.iter().find(|pool| eq_ignoring_case(&pool.slug, &slug));
        let Some(holder) = holder else { return Some(slug) };
        let message = format!(
            "`{}` does not get back its slug `{slug}`, which pool {:?} has by now",
            entry.address, holder.name
        );
        let finding = Finding::unplaced_warning(Code::NotUndone, message);
        self.findings.push(finding.with_help("files in Git refer to a pool by its slug"));
        None
    }

    pub(super) fn restore_pool(&mut self, entry: &ReceiptEntry) {
        if let Some(default) = entry.find_written(SpaceField::DefaultPool) {
            return self.restore_default(entry, default);
        }
        if let Some(order) = entry.find_written(SpaceField::PoolOrder) {
            return self.restore_order(entry, order);
        }
        let id = entry.id.as_deref().unwrap_or_default();
        let Some(pool) = self.live.find_pool(&Id::new(id)) else {
            return self.warn_not_undone(entry, "it no longer exists");
        };
        let (mut restored, mut edited, mut untracked) = (pool.clone(), Vec::new(), Vec::new());
        for field in &entry.written {
            let is_live = |value: Option<&Value>| {
                let with_value = pool_with_field(pool, field.field, value)?;
                Some(with_value == *pool && with_value.name.as_str() == pool.name.as_str())
            };
            match FieldState::compare_live(field, is_live) {
                FieldState::Written => {
                    let before = field.before.as_ref();
                    restored = pool_with_field(&restored, field.field, before).unwrap_or(restored);
                }
                FieldState::Restored => {}
                FieldState::Edited => edited.push(describe_edited(field)),
                FieldState::Untracked => untracked.push(field),
            }
        }
        if !edited.is_empty() {
            return self.warn_edited_since(entry, &edited);
        }
        let edits: Vec<_> = pool_edits(pool, &restored).collect();
        if !edits.is_empty() {
            let address = Address::Pool(pool.name.to_string());
            let kind = ChangeKind::UpdatePool { id: pool.id.clone(), edits };
            self.push_change(address, kind);
        }
        untracked.into_iter().for_each(|field| self.warn_untracked(entry, field));
    }

    fn restore_default(&mut self, entry: &ReceiptEntry, default: &WrittenField) {
        let (was, made) =
            (text_or_empty(default.before.as_ref()), text_or_empty(default.after.as_ref()));
        let now = self.live.default_pool().map(|it| it.id.as_str().to_owned()).unwrap_or_default();
        if was.is_empty() || now == was {
            return;
        }
        if now != made {
            return self.warn_edited_since(entry, &["the default pool".to_owned()]);
        }
        let (from, to) = (Some(self.resolve_pool(made)), self.resolve_pool(was));
        self.push_change(to.address().clone(), ChangeKind::SetDefaultPool { from, to });
    }

    fn restore_order(&mut self, entry: &ReceiptEntry, order: &WrittenField) {
        let live: Vec<PoolHandle> =
            self.live.pools.iter().map(|it| self.resolve_pool(it.id.as_str())).collect();
        // Pools that were created again keep their position; pools that no longer exist are left
        // out.
        let existing_pools = |value: &Option<Value>| -> Vec<PoolHandle> {
            let ids = value.as_ref().and_then(Value::as_array).into_iter().flatten();
            let pools = ids.filter_map(Value::as_str).map(|id| self.resolve_pool(id));
            pools
                .filter(|pool| pool.id().is_none_or(|id| self.live.find_pool(id).is_some()))
                .collect()
        };
        let (was, made) = (existing_pools(&order.before), existing_pools(&order.after));
        // Later pools stay after the recorded ones, and pools still to be created come last of all.
        let others = live.iter().filter(|pool| !was.contains(pool));
        let wanted: Vec<PoolHandle> = was.iter().chain(others).cloned().collect();
        let is_new = |pool: &&PoolHandle| pool.id().is_none();
        let without: Vec<PoolHandle> =
            live.iter().chain(was.iter().filter(is_new)).cloned().collect();
        if wanted == without {
            return;
        }
        let stays = |pool: &&PoolHandle| !is_new(pool);
        if !live.iter().filter(|pool| made.contains(pool)).eq(made.iter().filter(stays)) {
            return self.warn_edited_since(entry, &["the order".to_owned()]);
        }
        self.push_change(Address::PoolOrder, ChangeKind::SortPools { before: live, order: wanted });
    }
}

/// Whether a pool is as the entry's apply would have created it, apart from its name.
fn is_as_made(pool: &LivePool, entry: &ReceiptEntry) -> bool {
    let after = |field: PoolField| {
        let written = entry.find_written(field);
        text_or_empty(written.and_then(|written| written.after.as_ref()))
    };
    let kind = match after(PoolField::Type) {
        "StaticWorkerPool" => PoolKind::Static,
        "DynamicWorkerPool" => PoolKind::Dynamic { image: after(PoolField::Image).to_owned() },
        _ => return false,
    };
    pool.kind == kind && pool.description == after(PoolField::Description)
}

/// Returns the pool with the given value of a field; `None` if a pool's edits do not have the field.
fn pool_with_field(pool: &LivePool, field: Field, value: Option<&Value>) -> Option<LivePool> {
    let (mut pool, text) = (pool.clone(), text_or_empty(value));
    match field {
        Field::Common(CommonField::Name) => pool.name = Name::new(text),
        Field::Common(CommonField::Slug) => text.clone_into(&mut pool.slug),
        Field::Pool(PoolField::Description) => text.clone_into(&mut pool.description),
        Field::Pool(PoolField::Image) => pool.kind = PoolKind::Dynamic { image: text.to_owned() },
        // The type of a pool is never edited, and the other fields do not belong to a pool.
        Field::Pool(PoolField::Type)
        | Field::Space(_)
        | Field::Worker(_)
        | Field::Endpoint(_)
        | Field::Step(_)
        | Field::Value(_)
        | Field::Target(_)
        | Field::Server(_) => return None,
    }
    Some(pool)
}

fn pool_edits(now: &LivePool, then: &LivePool) -> impl Iterator<Item = PoolEdit> {
    let text_delta = |one: &str, other: &str| Delta::if_different(one.to_owned(), other.to_owned());
    let image = |kind: &PoolKind| match kind {
        PoolKind::Dynamic { image } => image.clone(),
        PoolKind::Static => String::new(),
    };
    [
        text_delta(now.name.as_str(), then.name.as_str()).map(PoolEdit::Name),
        text_delta(&now.slug, &then.slug).map(PoolEdit::Slug),
        text_delta(&now.description, &then.description).map(PoolEdit::Description),
        text_delta(&image(&now.kind), &image(&then.kind)).map(PoolEdit::Image),
    ]
    .into_iter()
    .flatten()
}
