//! Checks that a plan is sound: no write twice, no missing dependency, no empty update.
//!
//! `diff` only makes sound plans; a plan that is read from a file is checked before it is trusted. Not
//! here: whether a plan is wise (the gates' job) or still fits the server (`apply`'s job).

use super::{
    Change, ChangeKind, Delta, Field, FieldSide, PlannedCommit, TargetField, ValueEdit, ValueField,
    WorkerEdit, WrittenField,
};
use crate::{
    model::{Address, Name, PoolHandle, VariableSetOwner},
    plan::{NewWorker, Plan},
};

use serde_json::Value;
use std::{
    collections::HashSet,
    mem::{Discriminant, discriminant},
};

/// Why a plan is not sound.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanFlaw {
    /// Two changes make the same kind of write at one address.
    #[error("two changes write `{0}` in the same way")]
    Twice(Address),
    /// A change waits for an address that no earlier change writes.
    #[error("`{address}` waits for `{after}`, which no earlier change writes")]
    Dangling {
        /// The change.
        address: Address,
        /// The address that it waits for.
        after: Address,
    },
    /// A change refers to a pool that does not exist and that no earlier change creates.
    #[error("`{address}` needs `{pool}`, which no earlier change creates")]
    NoPool {
        /// The change.
        address: Address,
        /// The pool.
        pool: Address,
    },
    /// The address does not belong to the object that is written.
    #[error("`{0}` is not the address of the written object")]
    Misplaced(Address),
    /// A write that is impossible or would change nothing.
    #[error("`{address}`: {what}")]
    Senseless {
        /// The change.
        address: Address,
        /// The flaw.
        what: &'static str,
    },
}

/// Checks that `plan` can be carried out from its first change to its last.
///
/// # Errors
///
/// Returns the first flaw.
pub fn check_soundness(plan: &Plan) -> Result<(), PlanFlaw> {
    let mut made = EarlierWrites::default();
    plan.changes.iter().try_for_each(|change| made.record_change(change))?;
    plan.requirements.iter().enumerate().try_for_each(|(at, need)| {
        let pool = need.pool.address();
        let earlier = plan.requirements.get(..at).unwrap_or_default();
        let what = match &need.pool {
            _ if !matches!(pool, Address::Pool(_)) => {
                return Err(PlanFlaw::Misplaced(pool.clone()));
            }
            PoolHandle::New(new) if !made.pools.contains(new) => {
                "it needs workers, but no change creates it"
            }
            _ if need.healthy == 0 => "it needs zero healthy workers",
            _ if earlier.iter().any(|requirement| requirement.pool == need.pool) => {
                "its need for workers is listed twice"
            }
            _ => return Ok(()),
        };
        Err(PlanFlaw::Senseless { address: pool.clone(), what })
    })
}

/// What the changes so far have written.
#[derive(Default)]
struct EarlierWrites<'a> {
    writes: HashSet<(&'a Address, Discriminant<ChangeKind>)>,
    addresses: HashSet<&'a Address>,
    pools: HashSet<&'a Address>,
}

impl<'a> EarlierWrites<'a> {
    fn record_change(&mut self, change: &'a Change) -> Result<(), PlanFlaw> {
        let Change { address, kind, after, cause: _ } = change;
        if !fits_address(kind, address) {
            return Err(PlanFlaw::Misplaced(address.clone()));
        }
        if let Some(what) = find_write_flaw(kind) {
            return Err(PlanFlaw::Senseless { address: address.clone(), what });
        }
        if let Some(after) = after.iter().find(|it| !self.addresses.contains(it)) {
            return Err(PlanFlaw::Dangling { address: address.clone(), after: after.clone() });
        }
        for handle in referenced_pools(kind) {
            if let PoolHandle::New(pool) = handle
                && !self.pools.contains(pool)
            {
                return Err(PlanFlaw::NoPool { address: address.clone(), pool: pool.clone() });
            }
        }
        if !self.writes.insert((address, discriminant(kind))) {
            return Err(PlanFlaw::Twice(address.clone()));
        }
        self.addresses.insert(address);
        if let ChangeKind::CreatePool(_) = kind {
            self.pools.insert(address);
        }
        Ok(())
    }
}

/// Returns whether the object that `kind` writes can be at `address`, as far as the write names it.
fn fits_address(kind: &ChangeKind, address: &Address) -> bool {
    let is_worker = |name: &str| matches!(address, Address::Worker(shown) if Name::new(shown.as_str()) == Name::new(name));
    match kind {
        ChangeKind::CreatePool(_)
        | ChangeKind::UpdatePool { .. }
        | ChangeKind::DeletePool { .. }
        | ChangeKind::SetDefaultPool { .. } => matches!(address, Address::Pool(_)),
        ChangeKind::SortPools { .. } => *address == Address::PoolOrder,
        ChangeKind::UpdateWorker { .. } => matches!(address, Address::Worker(_)),
        ChangeKind::CreateWorker(NewWorker { name, .. })
        | ChangeKind::DeleteWorker { name, .. }
        | ChangeKind::ReplaceWorker { new: NewWorker { name, .. }, .. } => is_worker(name),
        ChangeKind::PlaceStep { kind, git, .. } => match address {
            Address::Step { process, branch, .. } => {
                process.kind() == *kind
                    && *branch == git.as_ref().map(|commit| commit.at.name.clone())
            }
            _ => false,
        },
        ChangeKind::SetValue { name: variable, git, .. } => match address {
            Address::Variable { name, owner, .. } => {
                let shown = match owner {
                    VariableSetOwner::Project { branch, .. } => branch.as_deref(),
                    VariableSetOwner::Library(_) => None,
                };
                Name::new(name.as_str()) == Name::new(variable)
                    && shown == git.as_ref().map(|commit| commit.at.name.as_str())
            }
            _ => false,
        },
        ChangeKind::SetTargetPool { .. } => matches!(address, Address::Target(_)),
        ChangeKind::SetBuiltInWorker { .. } => *address == Address::BuiltInWorker,
    }
}

/// Returns the flaw of a write taken by itself.
fn find_write_flaw(kind: &ChangeKind) -> Option<&'static str> {
    const NO_EDITS: &str = "an update has no edits";
    const ONE_FIELD_TWICE: &str = "one field is edited twice";
    let check_edits = |edits: usize, fields: usize| match edits {
        0 => Some(NO_EDITS),
        _ => (fields < edits).then_some(ONE_FIELD_TWICE),
    };
    match kind {
        ChangeKind::PlaceStep { process, git: Some(commit), .. }
            if *process != commit.at.process_id() =>
        {
            Some(COMMITTED_ELSEWHERE)
        }
        ChangeKind::SetValue { set, git: Some(commit), .. }
            if *set != commit.at.variable_set_id() =>
        {
            Some(COMMITTED_ELSEWHERE)
        }
        ChangeKind::UpdatePool { edits: all, .. } => check_edits(all.len(), count_edit_kinds(all)),
        ChangeKind::UpdateWorker { edits: all, .. } => {
            check_edits(all.len(), count_edit_kinds(all))
                .or_else(|| all.iter().find_map(find_edit_flaw))
        }
        ChangeKind::PlaceStep { git: Some(PlannedCommit { at, base: Some(base), .. }), .. }
        | ChangeKind::SetValue { git: Some(PlannedCommit { at, base: Some(base), .. }), .. }
            if at.name == *base =>
        {
            Some("a branch is created from itself")
        }
        ChangeKind::PlaceStep { edits: all, .. } => check_edits(all.len(), count_edit_kinds(all))
            .or_else(|| (!all.show_what_is_written()).then_some(NOT_AS_SHOWN)),
        ChangeKind::CreateWorker(new) => find_worker_flaw(new),
        ChangeKind::ReplaceWorker { kind, new, .. } if kind == new.endpoint.kind() => {
            Some("a worker is replaced by one of the same kind")
        }
        ChangeKind::ReplaceWorker { new, .. } => find_worker_flaw(new),
        ChangeKind::SetDefaultPool { from: Some(from), to } if from == to => {
            Some("the default pool does not change")
        }
        ChangeKind::SortPools { before, order } if before == order => {
            Some("the order of the pools does not change")
        }
        ChangeKind::SetValue { git, name, edit, .. } => find_value_flaw(edit, name, git.is_some()),
        ChangeKind::SetTargetPool { pool, restored: Some(field), .. }
            if !is_pool_restored(field, TargetField::Pool.into(), pool) =>
        {
            Some(NOT_AS_SHOWN)
        }
        ChangeKind::CreatePool(_)
        | ChangeKind::DeletePool { .. }
        | ChangeKind::DeleteWorker { .. }
        | ChangeKind::SetTargetPool { .. }
        | ChangeKind::SetDefaultPool { .. }
        | ChangeKind::SortPools { .. }
        | ChangeKind::SetBuiltInWorker { .. } => None,
    }
}

const COMMITTED_ELSEWHERE: &str = "it is committed to another document than the one that it names";

const NOT_AS_SHOWN: &str = "the fields that it writes differ from what it shows";

fn find_value_flaw(edit: &ValueEdit, name: &str, is_in_git: bool) -> Option<&'static str> {
    match edit {
        ValueEdit::Change { pool, restored: None, .. } if pool.after().is_none() => {
            Some("a value is emptied, but it can only be removed")
        }
        ValueEdit::Change { pool, restored: Some(field), .. }
            if !is_pool_restored(field, ValueField::Pool.into(), pool) =>
        {
            Some(NOT_AS_SHOWN)
        }
        ValueEdit::Add { scope, restored: Some(value), .. } if !value.is_shown_as(name, scope) => {
            Some(NOT_AS_SHOWN)
        }
        ValueEdit::Change { scope: None, .. } | ValueEdit::Remove { scope: None, .. }
            if is_in_git =>
        {
            Some("the edit of a value in Git does not state its scope")
        }
        ValueEdit::Add { .. } | ValueEdit::Change { .. } | ValueEdit::Remove { .. } => None,
    }
}

/// Returns whether the field of a value's or target's pool is set exactly if a pool is shown. Whether it is the
/// same pool is checked when it is written, since a document in Git may name it in other ways.
fn is_pool_restored(
    written: &WrittenField,
    field: Field,
    shown: &Delta<Option<PoolHandle>>,
) -> bool {
    let agrees = |side, shown: &Option<PoolHandle>| match written.value(side) {
        None | Some(Value::Null) => shown.is_none(),
        Some(Value::String(text)) => text.is_empty() == shown.is_none(),
        Some(_) => false,
    };
    written.field == field
        && written.has_valid_spelling()
        && agrees(FieldSide::Before, shown.before())
        && agrees(FieldSide::After, shown.after())
}

fn find_edit_flaw(edit: &WorkerEdit) -> Option<&'static str> {
    match edit {
        WorkerEdit::Endpoint(delta) if delta.before().kind() != delta.after().kind() => {
            Some("the kind of a worker is edited, but a worker can only be replaced")
        }
        WorkerEdit::Pools(delta) if delta.after().is_empty() => Some(NO_POOL),
        _ => None,
    }
}

fn find_worker_flaw(new: &NewWorker) -> Option<&'static str> {
    new.pools.is_empty().then_some(NO_POOL)
}

const NO_POOL: &str = "a worker is left without a pool";

fn count_edit_kinds<T>(edits: &[T]) -> usize {
    edits.iter().map(discriminant).collect::<HashSet<_>>().len()
}

fn worker_edit_pools(edit: &WorkerEdit) -> &[PoolHandle] {
    match edit {
        WorkerEdit::Pools(delta) => delta.after(),
        WorkerEdit::Name(_)
        | WorkerEdit::Slug(_)
        | WorkerEdit::Endpoint(_)
        | WorkerEdit::Policy(_)
        | WorkerEdit::Disabled(_) => &[],
    }
}

/// Returns the pools that the written object will refer to.
fn referenced_pools(kind: &ChangeKind) -> Vec<&PoolHandle> {
    match kind {
        ChangeKind::CreateWorker(new) | ChangeKind::ReplaceWorker { new, .. } => {
            new.pools.iter().collect()
        }
        ChangeKind::UpdateWorker { edits, .. } => {
            edits.iter().flat_map(worker_edit_pools).collect()
        }
        ChangeKind::PlaceStep { edits, .. } => edits.pool_after().into_iter().collect(),
        ChangeKind::SetValue { edit, .. } => edit.pool_after().into_iter().collect(),
        ChangeKind::SetTargetPool { pool, .. } => pool.after().iter().collect(),
        ChangeKind::SetDefaultPool { to, .. } => vec![to],
        ChangeKind::SortPools { order, .. } => order.iter().collect(),
        ChangeKind::CreatePool(_)
        | ChangeKind::UpdatePool { .. }
        | ChangeKind::DeletePool { .. }
        | ChangeKind::DeleteWorker { .. }
        | ChangeKind::SetBuiltInWorker { .. } => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{Id, Place},
        plan::{
            PoolEdit,
            sample::{
                change, create_pool, declared, delta, everything, placement, plan, pool,
                update_pool,
            },
        },
    };
    use serde_json::json;

    fn flaw(changes: Vec<Change>) -> String {
        check_soundness(&plan(changes, Vec::new())).unwrap_err().to_string()
    }

    fn at(address: &str, kind: ChangeKind) -> Change {
        change(address, kind, declared("[pools.azure]"))
    }

    #[test]
    fn a_plan_with_a_change_of_every_kind_is_sound() {
        assert_eq!(check_soundness(&everything()), Ok(()));
    }

    #[test]
    fn an_unsound_plan_names_its_flaw() {
        let name = || PoolEdit::Name(delta("A", "B"));
        let created = || at("pools.x", create_pool("X", ""));
        let moved = || placement("Web Store", "Drain", Place::DefaultPool);
        let nowhere = Change { after: Vec::new(), ..moved() };
        let deleted = ChangeKind::DeleteWorker { id: Id::new("Workers-1"), name: "db-01".into() };
        insta::assert_snapshot!(flaw(vec![created(), created()]), @"two changes write `pools.x` in the same way");
        insta::assert_snapshot!(flaw(vec![moved(), at("pools.database", create_pool("D", ""))]), @r#"`projects["Web Store"].deployment.steps["Drain"]` waits for `pools.database`, which no earlier change writes"#);
        insta::assert_snapshot!(flaw(vec![nowhere]), @r#"`projects["Web Store"].deployment.steps["Drain"]` needs `pools.database`, which no earlier change creates"#);
        insta::assert_snapshot!(flaw(vec![at("pools.x", update_pool([]))]), @"`pools.x`: an update has no edits");
        insta::assert_snapshot!(flaw(vec![at("pools.x", update_pool([name(), name()]))]), @"`pools.x`: one field is edited twice");
        insta::assert_snapshot!(flaw(vec![at("workers.web-01", deleted)]), @"`workers.web-01` is not the address of the written object");
        insta::assert_snapshot!(flaw(vec![at("workers.x", create_pool("X", ""))]), @"`workers.x` is not the address of the written object");
    }

    #[test]
    fn clearing_a_value_accepts_only_empty_spellings() {
        let shown = delta(Some(pool("WorkerPools-2", "azure")), None);
        let was = || Some(json!("WorkerPools-2"));
        let agrees =
            |field: &WrittenField| is_pool_restored(field, ValueField::Pool.into(), &shown);
        for after in [None, Some(json!(null)), Some(json!(""))] {
            assert!(agrees(&WrittenField::new(ValueField::Pool, was(), after.clone())));
            assert!(!agrees(&WrittenField::new(ValueField::Whole, was(), after.clone())));
            assert!(!agrees(&WrittenField::new(ValueField::Pool, None, after)));
        }
        for after in [json!("WorkerPools-9"), json!({ "x": 1 }), json!(7)] {
            assert!(
                !agrees(&WrittenField::new(ValueField::Pool, was(), Some(after.clone()))),
                "{after}"
            );
        }
    }
}
