//! Variables and targets after a plan, and their references to pools.

use super::{planned_pool_id, stand_in_branch};
use crate::{
    live::{
        Live, LiveVariableScope, LiveVariableSet, PoolReference, PoolReferenceKind, PoolVariable,
        ReferenceHolder, ValueSource, VariableOwner, VariableStore,
    },
    model::{DeploymentTarget, Id, Name, Pool, PoolHandle, VariableSet},
    plan::{PlannedCommit, PlannedValueScope, ValueEdit},
};

/// Adds the variables of a new branch that a change creates from another.
pub(super) fn add_branch_variables(live: &mut Live, new: &Id<VariableSet>, commit: &PlannedCommit) {
    let Some(base) = &commit.base else { return };
    let base_id = LiveVariableSet::id_on_branch(&commit.project, &commit.document, base);
    let sets = &mut live.indirect.sets;
    if sets.iter().any(|set| set.id == *new) {
        return;
    }
    let Some(mut set) = sets.iter().find(|set| set.id == base_id).cloned() else { return };
    set.id = new.clone();
    set.on_default_branch = false;
    if let VariableStore::Branch(branch) = set.store {
        set.store = VariableStore::Branch(stand_in_branch(branch, &commit.branch));
    }
    let branch = set.value_branch();
    sets.push(set);
    let copied = |value: &PoolVariable| PoolVariable {
        set: new.clone(),
        branch: branch.clone(),
        ..value.clone()
    };
    let values = live.indirect.variables.iter().filter(|variable| variable.set == base_id);
    let values: Vec<PoolVariable> = values.map(copied).collect();
    live.indirect.variables.extend(values);
}

/// Applies an edit of a value.
pub(super) fn set_value(live: &mut Live, set: &Id<VariableSet>, name: &str, edit: &ValueEdit) {
    match edit {
        ValueEdit::Add { scope, pool, restored, .. } => {
            let sets = &live.indirect.sets;
            let Some(owning_set) = sets.iter().find(|candidate| candidate.id == *set) else {
                return;
            };
            let mut added = added_variable(owning_set, name, scope, planned_pool_id(pool));
            // A restored value keeps its old id.
            let id = restored.as_ref().and_then(|value| value.document.get("Id")?.as_str());
            added.id = id.map_or(added.id, Id::new);
            live.references.push(pool_reference(&added));
            live.indirect.variables.push(added);
        }
        ValueEdit::Change { id, pool, .. } => {
            let pool = pool.after().as_ref().map(planned_pool_id);
            let mut values = live.indirect.variables.iter_mut();
            let Some(value) = values.find(|value| value.set == *set && value.id == *id) else {
                return;
            };
            value.pool.clone_from(&pool);
            let reference = pool_reference(value);
            let holder = value.reference_holder();
            set_pool_reference(live, pool.map(|_| reference), &holder);
        }
        ValueEdit::Remove { id, .. } => {
            live.indirect
                .variables
                .retain(|variable| !(variable.set == *set && variable.id == *id));
            let holder = ReferenceHolder::Value(set.clone(), id.clone());
            set_pool_reference(live, None, &holder);
        }
    }
}

fn added_variable(
    set: &LiveVariableSet,
    name: &str,
    scope: &PlannedValueScope,
    pool: Id<Pool>,
) -> PoolVariable {
    let scope = LiveVariableScope {
        environments: scope.environments.iter().map(|it| it.name.clone()).collect(),
        channels: scope.channels.iter().map(|it| it.name.clone()).collect(),
        tenant_tags: scope.tenant_tags.clone(),
        ..LiveVariableScope::default()
    };
    PoolVariable {
        set: set.id.clone(),
        id: Id::new(format!("(new {name} {})", scope.describe())),
        name: Name::new(name),
        owner: set.owner.clone(),
        projects: set.projects.clone(),
        scope,
        pool: Some(pool),
        source: ValueSource::Set,
        branch: set.value_branch(),
    }
}

/// Returns the reference of a value to its pool.
fn pool_reference(value: &PoolVariable) -> PoolReference {
    let (owner, project) = match &value.owner {
        VariableOwner::Project(name) => (format!("project {name:?}"), Some(name.clone())),
        VariableOwner::Library(name) => (format!("library variable set {name:?}"), None),
    };
    let on_branch = value.branch.as_ref().map(|it| format!(" on branch {:?}", it.name));
    let owner = format!("{owner}{}", on_branch.unwrap_or_default());
    PoolReference {
        kind: PoolReferenceKind::Variable,
        what: format!("variable {:?} of {owner}", value.name),
        holder: Some(value.reference_holder()),
        variable: Some(value.name.to_string()),
        project,
        pool: value.pool.clone().unwrap_or_else(|| Id::new("")),
    }
}

/// Applies another pool to a target.
pub(super) fn set_target_pool(
    live: &mut Live,
    id: &Id<DeploymentTarget>,
    pool: Option<&PoolHandle>,
) {
    let pool = pool.map(planned_pool_id);
    let Some(target) = live.indirect.targets.iter_mut().find(|target| target.id == *id) else {
        return;
    };
    target.pool.clone_from(&pool);
    let holder = ReferenceHolder::Target(id.clone());
    let reference = pool.map(|pool| PoolReference {
        kind: PoolReferenceKind::Target,
        what: format!("deployment target {:?}", target.name),
        holder: Some(holder.clone()),
        variable: None,
        project: None,
        pool,
    });
    set_pool_reference(live, reference, &holder);
}

/// Replaces the reference of `holder` in its place among all references, adds it, or removes it.
fn set_pool_reference(live: &mut Live, new: Option<PoolReference>, holder: &ReferenceHolder) {
    let is_held = |reference: &PoolReference| reference.holder.as_ref() == Some(holder);
    match (live.references.iter_mut().find(|reference| is_held(reference)), new) {
        (Some(old), Some(new)) => *old = new,
        (None, Some(new)) => live.references.push(new),
        (_, None) => live.references.retain(|reference| !is_held(reference)),
    }
}
