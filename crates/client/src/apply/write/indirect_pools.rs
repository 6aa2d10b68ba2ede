//! Pools that steps use indirectly: values of variables, a whole set at once, and the pools of targets.
//!
//! # Source
//!
//! `api.md` 2.12: a set is written as a whole under its `Version`, or as a commit; the value of a worker-pool
//! variable is the pool's id. In Git the id of a value is the variable's name with a number, so ids shift when
//! a value is added or removed (OctopusDeploy/cli 387 shows one). 2.3: a cloud target has its pool in its
//! endpoint.

use super::{
    ChangeWriter, WriteFailure, WriteResult, WriteSuccess,
    field::{FieldChange, FieldComparison, FieldWrite, format_value, mismatch_message},
    modify::WriteTarget,
    spelling::PoolSpellings,
};
use crate::octopus::{
    Resource,
    document::{JsonDocument, PathSegment},
};
use poolwright_core::{
    model::{DeploymentTarget, Id, Name, PoolHandle},
    plan::{
        ChangeKind, Delta, PlannedValueScope, RestoredValue, TargetField, ValueEdit, ValueField,
        WrittenField,
    },
    text::eq_ignoring_case,
};

use PathSegment::{End, Index, Key, Where};
use serde_json::{Map, Value, json};

/// The type of a variable that selects a pool.
const WORKER_POOL: &str = "WorkerPool";
/// The key of a value's pool.
const VALUE: &str = ValueField::Pool.keys()[0];

/// A change of one value.
struct ValueWrite<'p> {
    name: &'p str,
    edit: &'p ValueEdit,
    /// The id to use if the value is new.
    new_id: String,
}

impl ChangeWriter<'_> {
    /// Sets values in one variable set.
    pub(super) async fn set_values(
        &self,
        unit: &[usize],
    ) -> Vec<(usize, WriteResult<WriteSuccess>)> {
        let changes = unit.iter().filter_map(|index| self.changes.get(*index));
        let mut target = None;
        let mut settings = Vec::new();
        for change in changes {
            if let ChangeKind::SetValue { set, git, name, edit } = &change.kind {
                let resource = match git {
                    None => Resource::VariableSet(set.as_str().to_owned()),
                    Some(commit) => Resource::BranchVariableSet((&commit.at).into()),
                };
                target = Some((resource, git.as_ref()));
                settings.push(ValueWrite { name, edit, new_id: random_guid() });
            }
        }
        let fail_all = |failure: &WriteFailure| {
            unit.iter().map(|index| (*index, Err(failure.clone()))).collect()
        };
        let Some((resource, commit)) = target.filter(|_| settings.len() == unit.len()) else {
            return fail_all(&WriteFailure::new("the plan has no such value"));
        };
        let (mut guard, mut spellings) = (None, PoolSpellings::default());
        if let Some(commit) = commit {
            match self.prepare_commit(commit).await {
                Ok(held) => guard = Some(held),
                Err(failure) => return fail_all(&failure),
            }
            match self.space_reader().list_worker_pools().await {
                Ok(pools) => spellings = PoolSpellings(pools),
                Err(error) => return fail_all(&WriteFailure::from_unread(error)),
            }
        }
        let plan_sets = |document: &JsonDocument| {
            let variables = read_variables(document);
            let sets = settings.iter().map(|setting| {
                let variables = variables.as_ref().map_err(Clone::clone)?;
                self.plan_value_edit(variables, setting, &spellings)
            });
            shift_indices(sets.collect())
        };
        let target = WriteTarget::new(&resource, commit.map(|it| it.message.as_str()));
        let results = self.modify_all(unit, target, &plan_sets).await;
        if let Some(guard) = &mut guard {
            guard.note_results(&results);
        }
        results
    }

    /// Changes the pool of a target.
    pub(super) async fn set_target_pool(
        &self,
        index: usize,
        id: &Id<DeploymentTarget>,
        pool: &Delta<Option<PoolHandle>>,
        exactly: Option<&WrittenField>,
    ) -> WriteResult<WriteSuccess> {
        let pool_id_value = |pool: &Option<PoolHandle>| -> WriteResult<Value, String> {
            let id = pool.as_ref().map(|it| self.pool_id(it)).transpose()?;
            Ok(id.map_or(Value::Null, Value::from))
        };
        // A pool that does not exist yet cannot be the target's current pool.
        let before = pool_id_value(pool.before()).unwrap_or_default();
        let after = pool_id_value(pool.after()).map_err(WriteFailure::new)?;
        let exactly = exactly.cloned();
        let wanted = FieldChange {
            restored: exactly,
            ..FieldChange::new_change(TargetField::Pool, before, after, FieldComparison::Text)
        };
        self.modify_document(index, &Resource::Target(id.as_str().to_owned()), &[wanted]).await
    }

    /// Returns the fields to set for one value.
    fn plan_value_edit<'p>(
        &self,
        variables: &[Value],
        setting: &ValueWrite<'p>,
        spellings: &PoolSpellings,
    ) -> WriteResult<Vec<FieldWrite<'p>>, String> {
        let (name, edit) = (setting.name, setting.edit);
        let is_pool_named =
            |value: &Value, id: &str| spellings.resolve_id(trimmed_text(value)) == id;
        match edit {
            ValueEdit::Add { scope, pool, restored } => {
                let (id, restored) = (self.pool_id(pool)?, restored.as_ref());
                plan_added_value(variables, setting, spellings, scope, &id, restored)
            }
            ValueEdit::Change { id, scope, pool, restored: exactly } => {
                let (at, value) = find_value(variables, name, id.as_str(), scope.as_ref())?
                    .ok_or("the value no longer exists")?;
                let after = pool.after().as_ref().map(|it| self.pool_id(it)).transpose()?;
                let after = after.unwrap_or_default();
                let now = json_field(value, VALUE);
                if is_pool_named(now, &after) {
                    return Ok(Vec::new());
                }
                self.check_unchanged(now, pool.before().as_ref(), spellings)?;
                let exactly = exactly.as_deref().filter(|exactly| {
                    let text = exactly.after.as_ref().unwrap_or(&Value::Null);
                    (text.is_null() || text.is_string()) && is_pool_named(text, &after)
                });
                let path = vec![Key("Variables"), at, Key(VALUE)];
                let spelled = (!after.is_empty())
                    .then(|| json!(spellings.spell_like(trimmed_text(now), &after)));
                let new_value = || spelled.unwrap_or(Value::Null);
                Ok(vec![FieldWrite::restore_exactly(path, ValueField::Pool, exactly, new_value)])
            }
            ValueEdit::Remove { id, scope, pool } => {
                let found = find_value(variables, name, id.as_str(), scope.as_ref())?;
                let Some((at, value)) = found else { return Ok(Vec::new()) };
                self.check_unchanged(json_field(value, VALUE), pool.as_ref(), spellings)?;
                let path = vec![Key("Variables"), at];
                Ok(vec![FieldWrite::new(path, ValueField::Whole, None)])
            }
        }
    }

    /// Checks that a value is still the pool in the plan.
    fn check_unchanged(
        &self,
        now: &Value,
        before: Option<&PoolHandle>,
        spellings: &PoolSpellings,
    ) -> WriteResult<(), String> {
        let before = before.and_then(|it| self.pool_id(it).ok()).unwrap_or_default();
        if eq_ignoring_case(spellings.resolve_id(trimmed_text(now)), &before) {
            return Ok(());
        }
        Err(mismatch_message(VALUE, now, &Value::from(before)))
    }
}

/// Returns the fields to set for a value that is added, or none if the server has the value already.
fn plan_added_value<'p>(
    variables: &[Value],
    setting: &ValueWrite<'p>,
    spellings: &PoolSpellings,
    scope: &PlannedValueScope,
    id: &str,
    restored: Option<&RestoredValue>,
) -> WriteResult<Vec<FieldWrite<'p>>, String> {
    let found = match restored {
        Some(restored) if !spellings.has_pools() => {
            variable_by_id(variables, text_field(&restored.document, "Id"))
        }
        _ => find_added_value(variables, setting.name, scope)?,
    };
    match found.map(|it| json_field(it, VALUE)) {
        Some(now) if spellings.resolve_id(trimmed_text(now)) == id => return Ok(Vec::new()),
        Some(now) => return Err(mismatch_message(VALUE, now, &Value::Null)),
        None => {}
    }
    let wanted = json!(spellings.spell_like(sample_value(variables), id));
    // In Git, its former id may belong to a different value by now.
    let new_id = spellings.has_pools().then_some(setting.new_id.as_str());
    let new = match restored {
        None => new_variable(&setting.new_id, setting.name, scope, wanted),
        Some(restored) => replace_value(&restored.document, wanted, new_id),
    };
    let path = vec![Key("Variables"), End];
    let text = restored.and_then(|value| value.text.clone());
    Ok(vec![FieldWrite { text, ..FieldWrite::new(path, ValueField::Whole, Some(new)) }])
}

/// Finds a value in the set, and its index: by id, or by name and scope if ids are not stable.
///
/// # Errors
///
/// Several values match.
fn find_value<'v, 'p>(
    variables: &'v [Value],
    name: &str,
    id: &'p str,
    scope: Option<&PlannedValueScope>,
) -> WriteResult<Option<(PathSegment<'p>, &'v Value)>, String> {
    let Some(scope) = scope else {
        let at = Where { key: "Id", is: id };
        return Ok(variable_by_id(variables, id).map(|value| (at, value)));
    };
    let (name, scope) = (Name::new(name), normalize_scope(&scope_json(scope)));
    let matches_scope = |variable: &&Value| {
        Name::new(text_field(variable, "Name")) == name
            && is_pool_variable(variable)
            && normalize_scope(json_field(variable, "Scope")) == scope
    };
    let mut found = variables.iter().enumerate().filter(|(_, it)| matches_scope(it));
    match (found.next(), found.next()) {
        (Some(_), Some(_)) => Err("the variable has two values with this scope".to_owned()),
        (found, _) => Ok(found.map(|(at, value)| (Index(at), value))),
    }
}

/// Shifts the indices of values to account for the values that earlier entries of `sets` remove.
fn shift_indices(
    mut sets: Vec<WriteResult<Vec<FieldWrite<'_>>, String>>,
) -> Vec<WriteResult<Vec<FieldWrite<'_>>, String>> {
    let mut gone: Vec<usize> = Vec::new();
    for set in sets.iter_mut().flatten().flatten() {
        if let [Key("Variables"), Index(at), inside @ ..] = set.path.as_mut_slice() {
            let was = *at;
            *at -= gone.iter().filter(|index| **index < was).count();
            if inside.is_empty() && set.after.is_none() {
                gone.push(was);
            }
        }
    }
    sets
}

/// Returns some pool value of the set, as a sample of how it spells pools.
fn sample_value(variables: &[Value]) -> &str {
    let mut values =
        variables.iter().filter(|it| is_pool_variable(it)).map(|it| text_field(it, VALUE));
    values.find(|it| !it.is_empty()).unwrap_or_default()
}

/// Whether a variable is a worker-pool variable.
fn is_pool_variable(variable: &Value) -> bool {
    text_field(variable, "Type").eq_ignore_ascii_case(WORKER_POOL)
}

/// Returns the variables of a set.
fn read_variables(document: &JsonDocument) -> WriteResult<Vec<Value>, String> {
    match document.get_value(&[Key("Variables")]) {
        Some(Value::Array(variables)) => Ok(variables),
        _ => Err("the variable set has no `Variables`".to_owned()),
    }
}

/// Finds a matching value that was added in the meantime.
///
/// # Errors
///
/// The variable has a different type.
fn find_added_value<'v>(
    variables: &'v [Value],
    name: &str,
    scope: &PlannedValueScope,
) -> WriteResult<Option<&'v Value>, String> {
    let wanted = Name::new(name);
    let mut named =
        variables.iter().filter(|variable| Name::new(text_field(variable, "Name")) == wanted);
    if let Some(variable) = named.clone().find(|it| !is_pool_variable(it)) {
        let kind = format_value(json_field(variable, "Type"));
        return Err(format!("variable `{name}` is of type {kind} instead of `{WORKER_POOL}`"));
    }
    Ok(named.find(|value| {
        normalize_scope(json_field(value, "Scope")) == normalize_scope(&scope_json(scope))
    }))
}

/// Returns a scope in a form that ignores order, case and empty lists.
fn normalize_scope(scope: &Value) -> Vec<(String, Vec<String>)> {
    let lowercase = |value: &Value| value.as_str().unwrap_or_default().to_lowercase();
    let mut parts: Vec<_> = scope
        .as_object()
        .into_iter()
        .flatten()
        .map(|(dimension, ids)| {
            let mut ids: Vec<String> =
                ids.as_array().into_iter().flatten().map(lowercase).collect();
            ids.sort();
            (dimension.to_lowercase(), ids)
        })
        .filter(|(_, ids)| !ids.is_empty())
        .collect();
    parts.sort();
    parts
}

/// Returns a scope as Octopus writes it, without empty lists.
fn scope_json(scope: &PlannedValueScope) -> Value {
    let lists = scope.id_lists().into_iter().filter(|(_, ids)| !ids.is_empty());
    Value::Object(lists.map(|(name, ids)| (name.to_owned(), json!(ids))).collect::<Map<_, _>>())
}

/// # Source
///
/// The fields of a variable in `GET …/variables/{id}` (`api.md` 2.12).
fn new_variable(id: &str, name: &str, scope: &PlannedValueScope, pool: Value) -> Value {
    json!({
        "Id": id,
        "Name": name,
        VALUE: pool,
        "Description": "",
        "Scope": scope_json(scope),
        "IsEditable": true,
        "Prompt": null,
        "Type": WORKER_POOL,
        "IsSensitive": false,
    })
}

/// Returns a value with its pool's current id, and with a new id of its own if given.
fn replace_value(variable: &Value, pool: Value, id: Option<&str>) -> Value {
    let mut variable = variable.clone();
    if let Some(fields) = variable.as_object_mut() {
        fields.insert(VALUE.to_owned(), pool);
        if let Some(id) = id {
            fields.insert("Id".to_owned(), json!(id));
        }
    }
    variable
}

fn variable_by_id<'v>(variables: &'v [Value], id: &str) -> Option<&'v Value> {
    variables.iter().find(|variable| text_field(variable, "Id") == id)
}

fn json_field<'v>(variable: &'v Value, name: &str) -> &'v Value {
    variable.get(name).unwrap_or(&Value::Null)
}

fn text_field<'v>(variable: &'v Value, name: &str) -> &'v str {
    json_field(variable, name).as_str().unwrap_or_default()
}

/// Returns the trimmed text of a value; empty if it has none.
fn trimmed_text(value: &Value) -> &str {
    value.as_str().unwrap_or_default().trim()
}

/// Returns a random id, since clients choose the ids of new values.
fn random_guid() -> String {
    let bits = fastrand::u128(..);
    let bits = (bits & !(0xf << 76) | (0x4 << 76)) & !(0x3 << 62) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    let digit_group = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default().to_owned();
    [
        digit_group(0..8),
        digit_group(8..12),
        digit_group(12..16),
        digit_group(16..20),
        digit_group(20..32),
    ]
    .join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolwright_core::model::Linked;

    fn production() -> PlannedValueScope {
        PlannedValueScope {
            environments: vec![Linked::new("Environments-1", "Production")],
            channels: Vec::new(),
            tenant_tags: vec!["Region/Europe".to_owned()],
        }
    }

    #[test]
    fn a_value_is_found_by_its_name_and_its_scope_in_any_order() {
        let scope = json!({ "tenanttag": ["region/europe"], "Role": [], "Environment": ["environments-1"] });
        let variables = [
            json!({ "Name": "Pool", "Type": "WorkerPool", "Scope": {} }),
            json!({ "Name": "POOL", "Type": "WorkerPool", "Scope": scope }),
        ];
        let found = |scope: &PlannedValueScope| {
            let found = find_added_value(&variables, "Pool", scope).unwrap();
            found.map(|it| text_field(it, "Name"))
        };
        assert_eq!(found(&production()), Some("POOL"));
        assert_eq!(found(&PlannedValueScope::default()), Some("Pool"));
        assert_eq!(found(&PlannedValueScope { tenant_tags: Vec::new(), ..production() }), None);
    }

    #[test]
    fn a_variable_of_a_different_type_cannot_take_a_pool() {
        let variables = [json!({ "Name": "Pool", "Type": "String" })];
        insta::assert_snapshot!(find_added_value(&variables, "Pool", &production()).unwrap_err(), @"variable `Pool` is of type `String` instead of `WorkerPool`");
    }

    #[test]
    fn a_new_value_has_only_the_scope_that_was_given() {
        let new = new_variable("1", "Pool", &production(), json!("WorkerPools-1"));
        assert_eq!(
            new["Scope"].to_string(),
            r#"{"Environment":["Environments-1"],"TenantTag":["Region/Europe"]}"#
        );
        assert_eq!(scope_json(&PlannedValueScope::default()), json!({}));
    }

    #[test]
    fn an_id_is_a_unique_guid() {
        let (one, other) = (random_guid(), random_guid());
        assert_ne!(one, other);
        assert_eq!(one.len(), 36);
        assert_eq!(one.chars().nth(14), Some('4'), "{one}");
    }
}
