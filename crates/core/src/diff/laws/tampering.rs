//! The law of saved plans: whatever is edited in the file, a plan that is still accepted writes what it shows.

use super::{any_file, any_server, is_possible, plan};
use crate::{
    desired::AcceptDate,
    diff::recheck_plan,
    finding::{Code, Level, Sources},
    plan::{ChangeKind, Plan, file},
    render::{RenderFormat, RenderOptions, format_plan},
};

use proptest::{prelude::*, sample::Index};
use serde_json::{Value, json};

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_that_was_saved_and_not_edited_is_accepted(desired in any_file(), live in any_server()) {
        let made = plan(&desired, &live);
        prop_assume!(is_possible(&made));
        let read = file::read(&file::write(&made, &Sources::default())).unwrap();
        let checked = recheck_plan(&read, &live, None, AcceptDate::new(2026, 11, 28));
        let checked = checked.map_err(|stale| TestCaseError::fail(format!("{stale:#?}")))?;
        prop_assert_eq!(&checked.changes.iter().map(|it| (&it.address, &it.kind, &it.after)).collect::<Vec<_>>(),
            &made.changes.iter().map(|it| (&it.address, &it.kind, &it.after)).collect::<Vec<_>>());
        prop_assert_eq!(&checked.requirements, &made.requirements);
        prop_assert_eq!(&checked.consequences, &made.consequences);
        prop_assert_eq!(denied(&checked), denied(&made));
    }

    #[test]
    fn an_edited_plan_writes_what_it_shows_or_nothing(
        desired in any_file(),
        live in any_server(),
        at in any::<Index>(),
        other in any::<Index>(),
        how in 0..7_usize,
    ) {
        let made = plan(&desired, &live);
        prop_assume!(is_possible(&made) && !made.changes.is_empty());
        let saved: Value = serde_json::from_str(&file::write(&made, &Sources::default())).unwrap();
        let edited = edit_leaf(&saved, at, other, how);
        prop_assume!(edited != saved);
        let Ok(read) = file::read(&edited.to_string()) else { return Ok(()) };
        let Ok(checked) = recheck_plan(&read, &live, None, AcceptDate::new(2026, 11, 28)) else { return Ok(()) };
        let same_writes = kinds(&checked) == kinds(&made);
        prop_assert!(same_writes || show(&read) != show(&made), "{how}: {:#?}\n{}", checked.changes, show(&read));
        // What a gate refuses is refused, unless the plan shows that the gate is another.
        if same_writes && read.gates == made.gates && read.header.origin == made.header.origin {
            // A finding that does not come from a gate, such as one whose code was edited, refuses in addition.
            let (refusals, asked, shown) = (denied(&checked), denied(&made), denied(&read));
            prop_assert!(asked.iter().all(|it| refusals.contains(it)), "{refusals:#?}");
            let is_known = |it: &String| asked.contains(it) || shown.contains(it);
            prop_assert!(refusals.iter().all(is_known), "{refusals:#?}");
        }
        if same_writes {
            // The keys of pools that the plan does not write may be edited: they are names.
            let count = |plan: &Plan| (plan.consequences.count_affected(), plan.consequences.onto_server.len());
            prop_assert_eq!(count(&checked), count(&made));
        }
    }
}

fn kinds(plan: &Plan) -> Vec<ChangeKind> {
    let mut kinds: Vec<_> = plan.changes.iter().map(|change| change.kind.clone()).collect();
    kinds.sort_by_key(|kind| format!("{kind:?}"));
    kinds
}

fn show(plan: &Plan) -> String {
    let options = RenderOptions { colour: false, verbosity: 1 };
    format_plan(plan, &Sources::default(), RenderFormat::Text, options)
}

/// The messages of the gates that refuse a plan.
fn denied(plan: &Plan) -> Vec<String> {
    let denied = plan.findings.iter().filter(|finding| finding.level == Level::Deny);
    // A protected branch is reported in fewer words without the file.
    let mut denied: Vec<_> = denied
        .map(|finding| match finding.code {
            Code::ProtectedBranch => "a protected branch".to_owned(),
            _ => finding.message.clone(),
        })
        .collect();
    denied.sort();
    denied
}

/// Edits one value of a saved plan: to another one that the plan has somewhere, to one of another kind, wherever it
/// stands, or to nothing.
fn edit_leaf(saved: &Value, at: Index, other: Index, how: usize) -> Value {
    let mut paths = Vec::new();
    collect_paths(saved, "", &mut paths);
    let path = at.get(&paths);
    let texts: Vec<Value> = paths
        .iter()
        .filter_map(|path| saved.pointer(path))
        .filter(|it| it.is_string())
        .cloned()
        .collect();
    let other = other.get(&texts).clone();
    let mut edited = saved.clone();
    let Some(value) = edited.pointer_mut(path) else { return edited };
    match how {
        0 => *value = other,
        1 => {
            let from = value.clone();
            if from.is_string() {
                replace_everywhere(&mut edited, &from, &other);
            }
        }
        2 => *value = change_value(value),
        3 => match value {
            Value::Array(items) => items.clear(),
            Value::Object(members) => members.clear(),
            _ => *value = Value::Null,
        },
        4 => {
            if let Value::Array(items) = value {
                items.reverse();
            }
        }
        5 => {
            if let Value::Array(items) = value {
                _ = items.pop();
            }
        }
        _ => remove_member(&mut edited, path),
    }
    edited
}

fn collect_paths(value: &Value, path: &str, paths: &mut Vec<String>) {
    paths.push(path.to_owned());
    match value {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(at, item)| collect_paths(item, &format!("{path}/{at}"), paths)),
        Value::Object(members) => members.iter().for_each(|(key, member)| {
            let key = key.replace('~', "~0").replace('/', "~1");
            collect_paths(member, &format!("{path}/{key}"), paths);
        }),
        _ => {}
    }
}

fn replace_everywhere(value: &mut Value, from: &Value, to: &Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| replace_everywhere(item, from, to)),
        Value::Object(members) => {
            members.values_mut().for_each(|member| replace_everywhere(member, from, to));
        }
        other if other == from => *other = to.clone(),
        _ => {}
    }
}

fn change_value(value: &Value) -> Value {
    match value {
        Value::Null => json!("x"),
        Value::Bool(flag) => json!(!flag),
        Value::Number(number) => json!(number.as_u64().unwrap_or_default() + 1),
        Value::String(text) => json!(format!("{text}x")),
        Value::Array(_) | Value::Object(_) => json!([]),
    }
}

fn remove_member(value: &mut Value, path: &str) {
    let Some((parent, key)) = path.rsplit_once('/') else { return };
    let key = key.replace("~1", "/").replace("~0", "~");
    if let Some(Value::Object(members)) = value.pointer_mut(parent) {
        members.shift_remove(&key);
    }
}
