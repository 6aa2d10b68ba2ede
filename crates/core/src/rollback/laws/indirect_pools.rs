//! The law of rollback for indirect pools: values of variables, in the database and in Git, and
//! pools of targets.

use super::{applied, is_excuse, is_spelled, may_be_applied, way, written_field};
use crate::{
    diff::{
        laws::{any_file, any_server, plan},
        simulate_changes,
    },
    live::{Live, PoolVariable},
    model::{DeploymentTarget, Id, Pool, VariableSet},
    plan::{
        Change, ChangeKind, PlannedCommit, TargetField, ValueEdit, ValueField, WrittenField,
        check_soundness,
    },
};

use proptest::{option, prelude::*, sample::Index};
use serde_json::{Value, json};
use std::collections::BTreeSet;

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn a_rollback_restores_variable_values_and_target_pools(
        desired in any_file(), live in any_server(),
        cut in option::of(any::<Index>()), lost in option::of(any::<bool>()),
    ) {
        let plan = plan(&desired, &live);
        // A removed value that had no pool is reported, and not restored.
        let is_empty = |change: &Change| {
            matches!(&change.kind, ChangeKind::SetValue { edit: ValueEdit::Remove { pool: None, .. }, .. })
        };
        prop_assume!(may_be_applied(&plan) && !plan.changes.iter().any(is_empty));
        let done = cut.map_or(plan.changes.len(), |cut| cut.index(plan.changes.len() + 1));
        let (receipt, done) = applied(&plan, &live, done, lost);

        let way = way(&receipt, &done, &plan);
        prop_assert_eq!(check_soundness(&way), Ok(()));
        prop_assert!(is_spelled(&way), "{:#?}", way.changes);
        let excuses: Vec<_> = way.findings.iter().filter(|it| is_excuse(it.code)).collect();
        prop_assert!(excuses.is_empty(), "{:#?}", excuses);
        let restored = simulate_changes(&done, &way.changes);
        prop_assert_eq!(seen(&restored, &live), seen(&live, &live));
        let again = super::way(&receipt, &restored, &plan);
        prop_assert!(again.changes.is_empty(), "{:#?}", again.changes);
    }
}

/// Returns what an apply records of a value.
pub(super) fn of_value(
    (set, git): (&Id<VariableSet>, Option<&PlannedCommit>),
    edit: &ValueEdit,
    now: &Live,
    then: &Live,
) -> Vec<WrittenField> {
    let find = |live: &Live, id: &str| -> Option<Value> {
        let mut values = live.indirect.variables.iter();
        let value = values.find(|value| value.set == *set && value.id.as_str() == id)?;
        Some(document(value))
    };
    match edit {
        ValueEdit::Add { .. } => {
            let before = |variable: &&PoolVariable| {
                now.indirect
                    .variables
                    .iter()
                    .any(|old| old.set == variable.set && old.id == variable.id)
            };
            let mut new = then.indirect.variables.iter().filter(|variable| variable.set == *set);
            // A new branch has the values of its base and this one.
            let added = new.rfind(|it| !before(it)).map(document);
            vec![written_field(ValueField::Whole, None, added)]
        }
        ValueEdit::Change { id, pool, .. } => {
            let was =
                pool.before().as_ref().and_then(|it| it.id()).map(|other| json!(other.as_str()));
            let is = find(then, id.as_str()).map(|other| other["Value"].clone());
            vec![written_field(ValueField::Pool, was, is)]
        }
        ValueEdit::Remove { id, .. } => {
            let base = git.and_then(PlannedCommit::base_document);
            let base = base.map(|base| base.variable_set_id());
            let of_base = || {
                let mut values = now.indirect.variables.iter();
                let base = base.as_ref()?;
                values.find(|variable| variable.set == *base && variable.id == *id).map(document)
            };
            vec![written_field(ValueField::Whole, find(now, id.as_str()).or_else(of_base), None)]
        }
    }
}

/// Returns what an apply records of a target.
pub(super) fn of_target(id: &Id<DeploymentTarget>, now: &Live, then: &Live) -> Vec<WrittenField> {
    let pool = |live: &Live| {
        let target = live.indirect.targets.iter().find(|target| target.id == *id)?;
        target.pool.as_ref().map(|other| json!(other.as_str()))
    };
    vec![written_field(TargetField::Pool, pool(now), pool(then))]
}

/// Returns a value as the server stores it.
fn document(value: &PoolVariable) -> Value {
    let environments = value.scope.environments.iter();
    let ids: Vec<String> =
        environments.map(|environment| format!("Environments-{environment}")).collect();
    json!({
        "Id": value.id.as_str(),
        "Name": value.name.as_str(),
        "Type": "WorkerPool",
        "Value": value.pool.as_ref().map(Id::as_str),
        "Scope": { "Environment": ids },
    })
}

/// Returns all values and targets by names, for the sets of `first`.
fn seen(live: &Live, first: &Live) -> BTreeSet<String> {
    let name =
        |id: &Id<Pool>| live.find_pool(id).map_or(id.as_str(), |it| it.name.as_str()).to_owned();
    let known =
        |variable: &&PoolVariable| first.indirect.sets.iter().any(|set| set.id == variable.set);
    let values = live.indirect.variables.iter().filter(known).map(|variable| {
        let scope = variable.scope.normalized_names();
        format!(
            "{} {} {scope:?} {:?} {:?}",
            variable.set.as_str(),
            variable.name,
            variable.scope.actions,
            variable.pool.as_ref().map(name)
        )
    });
    let targets = live.indirect.targets.iter();
    let targets =
        targets.map(|target| format!("{} {:?}", target.name, target.pool.as_ref().map(name)));
    values.chain(targets).collect()
}
