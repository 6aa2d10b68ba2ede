//! What chooses a pool where a step does not: values of variables, all of a set at once, and targets' pools.
//!
//! # Source
//!
//! `api.md` 2.12: a set is written as a whole under its `Version`, or as a commit; the value of a variable of
//! type worker pool is the pool's id. In Git the id of a value is its variable's name with a number, so that it
//! becomes another value's once one is added or taken away (OctopusDeploy/cli 387 shows one). 2.3: a target in
//! a cloud has its pool in its endpoint.

use super::{
    ChangeWriter, WriteFailure, WriteResult, WriteSuccess,
    commit::branch,
    field::{FieldChange, FieldComparison, FieldWrite, shown, unexpected},
    modify::WriteTarget,
    spelling::PoolSpellings,
};
use crate::octopus::{
    Resource,
    document::{JsonDocument, PathSegment},
};
use poolwright_core::{
    model::{DeploymentTarget, Id, Name, PoolHandle},
    plan::{ChangeKind, Delta, PlannedValueScope, ValueEdit, WrittenField},
};

use PathSegment::{End, Index, Key, Where};
use serde_json::{Map, Value, json};

/// The type of a variable that chooses a pool.
const WORKER_POOL: &str = "WorkerPool";

/// A change of one value.
struct ValueWrite<'p> {
    name: &'p str,
    edit: &'p ValueEdit,
    /// The id of the value, where it is new.
    new_id: String,
}

impl ChangeWriter<'_> {
    /// Sets values of one set.
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
                    Some(commit) => Resource::BranchVariableSet(branch(commit)),
                };
                target = Some((resource, git.as_ref()));
                settings.push(ValueWrite { name, edit, new_id: guid() });
            }
        }
        let all = |failure: &WriteFailure| {
            unit.iter().map(|index| (*index, Err(failure.clone()))).collect()
        };
        let Some((resource, commit)) = target.filter(|_| settings.len() == unit.len()) else {
            return all(&WriteFailure::new("the plan has no such value"));
        };
        let (mut alone, mut spellings) = (None, PoolSpellings::default());
        if let Some(commit) = commit {
            match self.before(commit).await {
                Ok(held) => alone = Some(held),
                Err(failure) => return all(&failure),
            }
            match self.reader().worker_pools().await {
                Ok(pools) => spellings = PoolSpellings(pools),
                Err(error) => return all(&WriteFailure::new(error)),
            }
        }
        let plan = |document: &JsonDocument| {
            let variables = variables(document);
            let sets = settings.iter().map(|setting| {
                let variables = variables.as_ref().map_err(Clone::clone)?;
                self.sets_of_value(variables, setting, &spellings)
            });
            moved_up(sets.collect())
        };
        let target =
            WriteTarget { resource: &resource, message: commit.map(|it| it.message.as_str()) };
        let results = self.modify_all(unit, target, &plan).await;
        drop(alone);
        results
    }

    /// Gives a target another pool.
    pub(super) async fn set_target_pool(
        &self,
        index: usize,
        id: &Id<DeploymentTarget>,
        pool: &Delta<Option<PoolHandle>>,
        exactly: Option<&WrittenField>,
    ) -> WriteResult<WriteSuccess> {
        let id_of = |pool: &Option<PoolHandle>| -> WriteResult<Value, String> {
            let id = pool.as_ref().map(|it| self.pool(it)).transpose()?;
            Ok(id.map_or(Value::Null, Value::from))
        };
        // A pool that is not there yet cannot be where the target is.
        let before = id_of(pool.before()).unwrap_or_default();
        let after = id_of(pool.after()).map_err(WriteFailure::new)?;
        let keys = ["Endpoint", "DefaultWorkerPoolId"];
        let exactly = exactly.cloned();
        let wanted = FieldChange {
            restored: exactly,
            ..FieldChange::change(&keys, before, after, FieldComparison::Text)
        };
        self.modify(index, &Resource::Target(id.as_str().to_owned()), &[wanted]).await
    }

    /// What has to be set for one value.
    fn sets_of_value<'p>(
        &self,
        variables: &[Value],
        setting: &ValueWrite<'p>,
        spellings: &PoolSpellings,
    ) -> WriteResult<Vec<FieldWrite<'p>>, String> {
        let (name, edit) = (setting.name, setting.edit);
        let is = |value: &Value, id: &str| spellings.id_of(said(value)) == id;
        match edit {
            ValueEdit::Add { scope, pool, restored, restored_text } => {
                let id = self.pool(pool)?;
                let found = match restored {
                    Some(restored) if !spellings.are_known() => {
                        with_id(variables, text(restored, "Id"))
                    }
                    _ => added_already(variables, name, scope)?,
                };
                match found.map(|it| field(it, "Value")) {
                    None => {
                        let wanted = json!(spellings.like(sample(variables), &id));
                        // In Git, an id that it had may be another value's by now.
                        let id = spellings.are_known().then_some(setting.new_id.as_str());
                        let new = match restored {
                            None => new_variable(&setting.new_id, name, scope, wanted),
                            Some(restored) => with_value(restored, wanted, id),
                        };
                        let path = vec![Key("Variables"), End];
                        let text = restored_text.clone();
                        Ok(vec![FieldWrite {
                            text,
                            ..FieldWrite::new(path, "Variable", Some(new))
                        }])
                    }
                    Some(now) if is(now, &id) => Ok(Vec::new()),
                    Some(now) => Err(unexpected("Value", now, &Value::Null)),
                }
            }
            ValueEdit::Change { id, scope, pool, exact_field: exactly } => {
                let (at, value) = known(variables, name, id.as_str(), scope.as_ref())?
                    .ok_or("the value is not there any more")?;
                let after = pool.after().as_ref().map(|it| self.pool(it)).transpose()?;
                let after = after.unwrap_or_default();
                let now = field(value, "Value");
                if is(now, &after) {
                    return Ok(Vec::new());
                }
                self.is_as_before(now, pool.before().as_ref(), spellings)?;
                let exactly = exactly.as_deref().filter(|it| {
                    let text = it.after.as_ref().unwrap_or(&Value::Null);
                    (text.is_null() || text.is_string()) && is(text, &after)
                });
                let path = vec![Key("Variables"), at, Key("Value")];
                let anew = || match after.is_empty() {
                    true => Value::Null,
                    false => json!(spellings.like(said(now), &after)),
                };
                Ok(vec![FieldWrite::exactly(path, "Value", exactly, anew)])
            }
            ValueEdit::Remove { id, scope, pool } => {
                let found = known(variables, name, id.as_str(), scope.as_ref())?;
                let Some((at, value)) = found else { return Ok(Vec::new()) };
                self.is_as_before(field(value, "Value"), pool.as_ref(), spellings)?;
                let path = vec![Key("Variables"), at];
                Ok(vec![FieldWrite::new(path, "Variable", None)])
            }
        }
    }

    /// Whether a value is still the pool that the plan saw.
    fn is_as_before(
        &self,
        now: &Value,
        before: Option<&PoolHandle>,
        spellings: &PoolSpellings,
    ) -> WriteResult<(), String> {
        let before = before.and_then(|it| self.pool(it).ok()).unwrap_or_default();
        match spellings.id_of(said(now)).eq_ignore_ascii_case(&before) {
            true => Ok(()),
            false => Err(unexpected("Value", now, &Value::from(before))),
        }
    }
}

/// A value of the set, and where it is: by its id, or by its name and its scope where its id says nothing.
///
/// # Errors
///
/// Several that are alike.
fn known<'v, 'p>(
    variables: &'v [Value],
    name: &str,
    id: &'p str,
    scope: Option<&PlannedValueScope>,
) -> WriteResult<Option<(PathSegment<'p>, &'v Value)>, String> {
    let Some(scope) = scope else {
        let at = Where { key: "Id", is: id };
        return Ok(with_id(variables, id).map(|value| (at, value)));
    };
    let (name, scope) = (Name::new(name), scope_of(&written(scope)));
    let is = |it: &&Value| {
        Name::new(text(it, "Name")) == name && is_pool(it) && scope_of(field(it, "Scope")) == scope
    };
    let mut found = variables.iter().enumerate().filter(|(_, it)| is(it));
    match (found.next(), found.next()) {
        (Some(_), Some(_)) => Err("the variable has two values of this scope".to_owned()),
        (found, _) => Ok(found.map(|(at, value)| (Index(at), value))),
    }
}

/// The places in a set as they are once what comes before them in `sets` is taken away.
fn moved_up(
    mut sets: Vec<WriteResult<Vec<FieldWrite<'_>>, String>>,
) -> Vec<WriteResult<Vec<FieldWrite<'_>>, String>> {
    let mut gone: Vec<usize> = Vec::new();
    for set in sets.iter_mut().flatten().flatten() {
        if let [Key("Variables"), Index(at), inside @ ..] = set.path.as_mut_slice() {
            let was = *at;
            *at -= gone.iter().filter(|it| **it < was).count();
            if inside.is_empty() && set.after.is_none() {
                gone.push(was);
            }
        }
    }
    sets
}

/// What some value of the set says, to see how it names pools.
fn sample(variables: &[Value]) -> &str {
    let mut values = variables.iter().filter(|it| is_pool(it)).map(|it| text(it, "Value"));
    values.find(|it| !it.is_empty()).unwrap_or_default()
}

/// Whether a variable is of type worker pool.
fn is_pool(variable: &Value) -> bool {
    text(variable, "Type").eq_ignore_ascii_case(WORKER_POOL)
}

/// The variables of a set.
fn variables(document: &JsonDocument) -> WriteResult<Vec<Value>, String> {
    match document.value(&[Key("Variables")]) {
        Some(Value::Array(variables)) => Ok(variables),
        _ => Err("the variable set has no `Variables`".to_owned()),
    }
}

/// The value that somebody has added meanwhile, if it is one that fits.
///
/// # Errors
///
/// A variable of the name that is of another type.
fn added_already<'v>(
    variables: &'v [Value],
    name: &str,
    scope: &PlannedValueScope,
) -> WriteResult<Option<&'v Value>, String> {
    let wanted = Name::new(name);
    let mut named = variables.iter().filter(|it| Name::new(text(it, "Name")) == wanted);
    if let Some(other) = named.clone().find(|it| !is_pool(it)) {
        let kind = shown(field(other, "Type"));
        return Err(format!("`{name}` is a variable of type {kind}, and not one of worker pools"));
    }
    Ok(named.find(|it| scope_of(field(it, "Scope")) == scope_of(&written(scope))))
}

/// A scope without regard to order and empty lists.
fn scope_of(scope: &Value) -> Vec<(String, Vec<String>)> {
    let folded = |it: &Value| it.as_str().unwrap_or_default().to_lowercase();
    let mut parts: Vec<_> = scope
        .as_object()
        .into_iter()
        .flatten()
        .map(|(dimension, ids)| {
            let mut ids: Vec<String> = ids.as_array().into_iter().flatten().map(folded).collect();
            ids.sort();
            (dimension.to_lowercase(), ids)
        })
        .filter(|(_, ids)| !ids.is_empty())
        .collect();
    parts.sort();
    parts
}

/// A scope as Octopus writes it: only what it says.
fn written(scope: &PlannedValueScope) -> Value {
    let PlannedValueScope { environments, channels, tenant_tags } = scope;
    let lists = [
        ("Environment", environments.iter().map(|it| it.id.as_str()).collect::<Vec<_>>()),
        ("Channel", channels.iter().map(|it| it.id.as_str()).collect()),
        ("TenantTag", tenant_tags.iter().map(String::as_str).collect()),
    ];
    let lists = lists.into_iter().filter(|(_, ids)| !ids.is_empty());
    Value::Object(lists.map(|(name, ids)| (name.to_owned(), json!(ids))).collect::<Map<_, _>>())
}

/// # Source
///
/// The fields of a variable in `GET …/variables/{id}` (`api.md` 2.12).
fn new_variable(id: &str, name: &str, scope: &PlannedValueScope, pool: Value) -> Value {
    json!({
        "Id": id,
        "Name": name,
        "Value": pool,
        "Description": "",
        "Scope": written(scope),
        "IsEditable": true,
        "Prompt": null,
        "Type": WORKER_POOL,
        "IsSensitive": false,
    })
}

/// A value as it was, with the id that its pool has now, and perhaps another id of its own.
fn with_value(variable: &Value, pool: Value, id: Option<&str>) -> Value {
    let mut variable = variable.clone();
    if let Some(fields) = variable.as_object_mut() {
        fields.insert("Value".to_owned(), pool);
        if let Some(id) = id {
            fields.insert("Id".to_owned(), json!(id));
        }
    }
    variable
}

fn with_id<'v>(variables: &'v [Value], id: &str) -> Option<&'v Value> {
    variables.iter().find(|it| text(it, "Id") == id)
}

fn field<'v>(variable: &'v Value, name: &str) -> &'v Value {
    variable.get(name).unwrap_or(&Value::Null)
}

fn text<'v>(variable: &'v Value, name: &str) -> &'v str {
    field(variable, name).as_str().unwrap_or_default()
}

/// What a value says; nothing where it is empty.
fn said(value: &Value) -> &str {
    value.as_str().unwrap_or_default().trim()
}

/// An id that nobody has: clients give a new value its own.
fn guid() -> String {
    let bits = fastrand::u128(..);
    let bits = (bits & !(0xf << 76) | (0x4 << 76)) & !(0x3 << 62) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default().to_owned();
    [part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-")
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
    fn a_value_is_known_by_its_name_and_its_scope_in_any_order() {
        let scope = json!({ "tenanttag": ["region/europe"], "Role": [], "Environment": ["environments-1"] });
        let variables = [
            json!({ "Name": "Pool", "Type": "WorkerPool", "Scope": {} }),
            json!({ "Name": "POOL", "Type": "WorkerPool", "Scope": scope }),
        ];
        let found = |scope: &PlannedValueScope| {
            let found = added_already(&variables, "Pool", scope).unwrap();
            found.map(|it| text(it, "Name"))
        };
        assert_eq!(found(&production()), Some("POOL"));
        assert_eq!(found(&PlannedValueScope::default()), Some("Pool"));
        assert_eq!(found(&PlannedValueScope { tenant_tags: Vec::new(), ..production() }), None);
    }

    #[test]
    fn a_variable_of_another_type_is_no_place_for_a_pool() {
        let variables = [json!({ "Name": "Pool", "Type": "String" })];
        insta::assert_snapshot!(added_already(&variables, "Pool", &production()).unwrap_err(), @"`Pool` is a variable of type `String`, and not one of worker pools");
    }

    #[test]
    fn a_new_value_says_where_it_holds_and_no_more() {
        let new = new_variable("1", "Pool", &production(), json!("WorkerPools-1"));
        assert_eq!(
            new["Scope"].to_string(),
            r#"{"Environment":["Environments-1"],"TenantTag":["Region/Europe"]}"#
        );
        assert_eq!(written(&PlannedValueScope::default()), json!({}));
    }

    #[test]
    fn an_id_is_a_guid_and_no_other_is_the_same() {
        let (one, other) = (guid(), guid());
        assert_ne!(one, other);
        assert_eq!(one.len(), 36);
        assert_eq!(one.chars().nth(14), Some('4'), "{one}");
    }
}
