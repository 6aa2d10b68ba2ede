//! Where steps run: all steps of a process at once, since a process is written as a whole.
//!
//! # Source
//!
//! `Steps[].Actions[]` has `WorkerPoolId` or `WorkerPoolVariable`, never both; an absent, `null` or empty one
//! means none, and stays unchanged. Property names are compared ignoring case.

use super::{
    ChangeWriter, WriteFailure, WriteResult, WriteSuccess,
    actions::locate_actions,
    field::{FieldPath, FieldWrite, mismatch_message, text_at_path},
    modify::{WatchedField, WriteTarget},
};
use crate::octopus::{
    Resource,
    document::{JsonDocument, PathSegment},
};
use poolwright_core::{
    model::{Container, Execution, Id, Linked, Place, PoolHandle, Process, ProcessKind},
    plan::{ChangeKind, Feed, Field, PlannedCommit, StepEdit, StepEdits, StepField, WrittenField},
};

use PathSegment::{Index, Key, KeyIgnoringCase};
use serde_json::{Value, json};

/// The fields to set, or why the change does not fit.
type FieldWrites = WriteResult<Vec<FieldWrite<'static>>, String>;

/// The part of a change that affects an action.
struct ActionChange<'p> {
    action: &'p str,
    edits: &'p StepEdits,
}

impl ChangeWriter<'_> {
    /// Places steps in one process.
    pub(super) async fn place_steps(
        &self,
        unit: &[usize],
    ) -> Vec<(usize, WriteResult<WriteSuccess>)> {
        let changes = unit.iter().filter_map(|index| self.changes.get(*index));
        let mut target = None;
        let mut placings = Vec::new();
        for change in changes {
            if let ChangeKind::PlaceStep { process, kind, git, action, edits } = &change.kind {
                target = Some((process_resource(process, *kind, git.as_ref()), git.as_ref()));
                placings.push(ActionChange { action: action.as_str(), edits });
            }
        }
        let fail_all = |failure: &WriteFailure| {
            unit.iter().map(|index| (*index, Err(failure.clone()))).collect()
        };
        let Some((resource, commit)) = target.filter(|_| placings.len() == unit.len()) else {
            return fail_all(&WriteFailure::new("the plan has no such step"));
        };
        let mut guard = None;
        if let Some(commit) = commit {
            match self.prepare_commit(commit).await {
                Ok(held) => guard = Some(held),
                Err(failure) => return fail_all(&failure),
            }
        }
        let plan_sets = |document: &JsonDocument| {
            let actions = locate_actions(document);
            let steps = self.expected_steps(document);
            let sets = placings.iter().zip(unit).map(|(placing, index)| {
                let at = actions.as_ref().map_err(Clone::clone)?.get(placing.action);
                let at = at.ok_or("the step no longer exists")?;
                let sets = self.sets_for_action(document, *at, placing)?;
                let is_due = !sets.is_empty();
                is_due.then(|| self.check_step(*index, steps.get(placing.action))).transpose()?;
                Ok(sets)
            });
            sets.collect()
        };
        let watch = |document: &JsonDocument| watched_fields(document, &placings);
        let target = WriteTarget {
            resource: &resource,
            message: commit.map(|it| it.message.as_str()),
            watch: Some(&watch),
        };
        let results = self.modify_all(unit, target, &plan_sets).await;
        if let Some(guard) = &mut guard {
            guard.note_results(&results);
        }
        results
    }

    /// Returns the fields to set for one action.
    fn sets_for_action(
        &self,
        document: &JsonDocument,
        at: (usize, usize),
        placing: &ActionChange<'_>,
    ) -> FieldWrites {
        let action = LocatedAction { document, step: at.0, action: at.1 };
        let restored = placing.edits.restored_fields();
        if !restored.is_empty() {
            return action.restore_fields(restored, self.recreated_pool_id(placing.edits)?);
        }
        let mut sets = Vec::new();
        for edit in placing.edits.iter() {
            sets.extend(match edit {
                StepEdit::Place(delta) => {
                    let after = self.resolve_place(delta.after())?;
                    // A pool that does not exist yet cannot be the step's current pool.
                    action
                        .sets_for_place(self.resolve_place(delta.before()).ok().as_ref(), &after)?
                }
                StepEdit::Execution { execution, target_roles, .. } => action.sets_for_execution(
                    *execution.before(),
                    *execution.after(),
                    target_roles,
                )?,
                StepEdit::Container(delta) => {
                    action.sets_for_container(delta.before(), delta.after())?
                }
            });
        }
        Ok(sets)
    }

    /// Returns the id of the pool that the step goes back to, if it had to be recreated.
    fn recreated_pool_id(&self, edits: &StepEdits) -> WriteResult<Option<String>, String> {
        let remade = edits.pool_after().filter(|pool| pool.id().is_none());
        remade.map(|pool| self.pool_id(pool)).transpose()
    }

    fn resolve_place(&self, place: &Place<PoolHandle>) -> WriteResult<Place<String>, String> {
        Ok(match place {
            Place::Pool(pool) => Place::Pool(self.pool_id(pool)?),
            Place::Variable(name) => Place::Variable(name.clone()),
            Place::DefaultPool => Place::DefaultPool,
        })
    }
}

/// Returns the fields that the server may add beside the changes of a process: for each change, their paths.
///
/// # Source
///
/// `api.md` 3.5: `OctopusUseBundledTooling` appears by itself when a container is configured.
fn watched_fields(
    document: &JsonDocument,
    placings: &[ActionChange<'_>],
) -> Vec<Option<WatchedField>> {
    let actions = locate_actions(document).unwrap_or_default();
    let watched = placings.iter().map(|placing| {
        let mut edits = placing.edits.iter();
        let has_container = edits.any(|edit| matches!(edit, StepEdit::Container(_)));
        let at = actions.get(placing.action).filter(|_| has_container)?;
        let action = LocatedAction { document, step: at.0, action: at.1 };
        let field = StepField::BundledTooling;
        Some(WatchedField { path: action.field_path(field), field: field.into() })
    });
    watched.collect()
}

fn process_resource(
    process: &Id<Process>,
    kind: ProcessKind,
    git: Option<&PlannedCommit>,
) -> Resource {
    match git {
        None => Resource::Process(kind, process.as_str().to_owned()),
        Some(commit) => {
            Resource::BranchProcess((&commit.at).into(), kind, commit.at.document.clone())
        }
    }
}

/// An action in a process.
struct LocatedAction<'d> {
    document: &'d JsonDocument,
    step: usize,
    action: usize,
}

impl LocatedAction<'_> {
    /// Returns the path of a field of the action, or of its step, in the process.
    fn field_path(&self, field: StepField) -> FieldPath<'static> {
        let (mut path, mut keys) = (vec![Key("Steps"), Index(self.step)], field.keys());
        match keys {
            ["Step", inside @ ..] => keys = inside,
            _ => path.extend([Key("Actions"), Index(self.action)]),
        }
        let mut parent = "";
        for key in keys {
            path.push(if parent == "Properties" { KeyIgnoringCase(key) } else { Key(key) });
            parent = key;
        }
        path
    }

    /// Restores fields that still have the values that were written.
    fn restore_fields(&self, fields: &[WrittenField], remade: Option<String>) -> FieldWrites {
        let mut sets = Vec::new();
        for field in fields {
            let Field::Step(step_field) = field.field else {
                return Err(format!("`{}` is not a field of a step", field.field));
            };
            let path = self.field_path(step_field);
            let now = self.document.get_value(&path);
            let after = match &remade {
                Some(id) if step_field == StepField::Pool => Some(json!(id)),
                _ => field.after.clone(),
            };
            let equals_now =
                |value: &Option<Value>| equal_or_both_empty(now.as_ref(), value.as_ref());
            if now == after || equals_now(&after) && !equals_now(&field.before) {
                continue;
            }
            if !equals_now(&field.before) {
                let [now, before] = [now, field.before.clone()].map(Option::unwrap_or_default);
                return Err(mismatch_message(&field.field.to_string(), &now, &before));
            }
            let text = field.after_text.clone();
            sets.push(FieldWrite { text, ..FieldWrite::new(path, field.field, after) });
        }
        Ok(sets)
    }

    fn field_text(&self, field: StepField) -> String {
        text_at_path(self.document, &self.field_path(field))
    }

    fn set_field(&self, field: StepField, after: Value) -> FieldWrite<'static> {
        FieldWrite::new(self.field_path(field), field, Some(after))
    }

    fn sets_for_place(&self, before: Option<&Place<String>>, after: &Place<String>) -> FieldWrites {
        let (id, variable) = (StepField::Pool, StepField::Variable);
        let (pool, named) = (self.field_text(id), self.field_text(variable));
        let (has_pool, has_variable) = (!pool.trim().is_empty(), !named.trim().is_empty());
        let now = if has_variable {
            Place::Variable(named)
        } else if has_pool {
            Place::Pool(pool)
        } else {
            Place::DefaultPool
        };
        if now == *after {
            return Ok(Vec::new());
        }
        if Some(&now) != before {
            let expected = before.map_or(Value::Null, describe_place);
            return Err(mismatch_message("pool", &describe_place(&now), &expected));
        }
        let clear_field =
            |field: StepField, full: bool| full.then(|| self.set_field(field, Value::Null));
        let sets = match after {
            Place::Pool(wanted) => {
                [Some(self.set_field(id, json!(wanted))), clear_field(variable, has_variable)]
            }
            Place::Variable(wanted) => {
                [clear_field(id, has_pool), Some(self.set_field(variable, json!(wanted)))]
            }
            Place::DefaultPool => [clear_field(id, has_pool), clear_field(variable, has_variable)],
        };
        Ok(sets.into_iter().flatten().collect())
    }

    fn sets_for_execution(
        &self,
        before: Execution,
        after: Execution,
        target_roles: &str,
    ) -> FieldWrites {
        let switch = self.field_text(StepField::RunOnServer);
        let is_on = switch.trim().eq_ignore_ascii_case("true");
        let mut sets = Vec::new();
        if !is_on {
            sets.push(self.set_field(StepField::RunOnServer, json!("true")));
        }
        let tags = [StepField::TargetRoles, StepField::ActionTargetRoles];
        let tags = tags.map(|field| (field, self.field_text(field)));
        let now = tags.iter().map(|(_, text)| text).find(|text| !text.trim().is_empty());
        let now = now.cloned().unwrap_or_default();
        let once = after == Execution::Once;
        let full = tags.into_iter().filter(|(_, text)| once && !text.is_empty());
        sets.extend(full.map(|(field, _)| self.set_field(field, json!(""))));
        if sets.is_empty() {
            return Ok(sets);
        }
        if is_on && before == Execution::OnTargets {
            return Err(mismatch_message(
                StepField::RunOnServer.key(),
                &json!(switch),
                &json!("false"),
            ));
        }
        if now.trim() == target_roles.trim() {
            return Ok(sets);
        }
        Err(mismatch_message(StepField::TargetRoles.key(), &json!(now), &json!(target_roles)))
    }

    fn sets_for_container(
        &self,
        before: &Option<Container<Linked<Feed>>>,
        after: &Option<Container<Linked<Feed>>>,
    ) -> FieldWrites {
        let fields = [StepField::Image, StepField::Feed, StepField::Dockerfile, StepField::GitUrl];
        let now = fields.map(|field| self.field_text(field));
        let texts = |container: &Option<Container<Linked<Feed>>>| {
            container.as_ref().map_or_else(Default::default, |container| {
                let Container { image, feed, dockerfile, git_url } = container.clone();
                [image, feed.id.as_str().to_owned(), dockerfile, git_url]
            })
        };
        let (then, wanted): ([String; 4], [String; 4]) = (texts(before), texts(after));
        // A feed alone makes no container.
        let is_none = |[image, _, dockerfile, git_url]: &[String; 4]| {
            [image, dockerfile, git_url].iter().all(|it| it.is_empty())
        };
        let is_same_container =
            |one: &[String; 4], other: &[String; 4]| one == other || is_none(one) && is_none(other);
        if is_same_container(&now, &wanted) {
            return Ok(Vec::new());
        }
        if !is_same_container(&now, &then) {
            let describe_container = |texts: &[String; 4]| {
                let set: Vec<&str> =
                    texts.iter().map(String::as_str).filter(|text| !text.is_empty()).collect();
                (!is_none(texts)).then(|| json!(set.join(" from ")))
            };
            return Err(mismatch_message(
                StepField::Container.key(),
                &describe_container(&now).unwrap_or_default(),
                &describe_container(&then).unwrap_or_default(),
            ));
        }
        let text_or_null = |text: &str| if text.is_empty() { Value::Null } else { json!(text) };
        let is_object = self.document.get_raw(&self.field_path(StepField::Container));
        if is_object.is_none_or(|text| !text.starts_with('{')) {
            let is_written = |(field, text): &(StepField, &String)| {
                !text.is_empty() || matches!(field, StepField::Image | StepField::Feed)
            };
            let parts = fields.into_iter().zip(&wanted).filter(is_written);
            let whole = parts.map(|(field, text)| (field.key().to_owned(), text_or_null(text)));
            let whole = Value::Object(whole.collect());
            return Ok(vec![self.set_field(StepField::Container, whole)]);
        }
        let parts = fields.into_iter().zip(now.iter().zip(&wanted));
        let parts = parts.filter(|(_, (now, wanted))| now != wanted);
        Ok(parts.map(|(field, (_, text))| self.set_field(field, text_or_null(text))).collect())
    }
}

/// Whether two fields are equal; an absent one equals an empty one, and so does each part of a container.
fn equal_or_both_empty(one: Option<&Value>, other: Option<&Value>) -> bool {
    match (one, other) {
        (Some(Value::Object(one)), Some(Value::Object(other))) => {
            let mut keys = one.keys().chain(other.keys());
            keys.all(|key| equal_or_both_empty(one.get(key), other.get(key)))
        }
        (one, other) => one == other || is_blank(one) && is_blank(other),
    }
}

/// Whether a field is absent, `null`, an empty text, or an object of such fields.
fn is_blank(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Object(parts)) => parts.values().all(|part| is_blank(Some(part))),
        Some(_) => false,
    }
}

/// Describes a place for a message.
fn describe_place(place: &Place<String>) -> Value {
    match place {
        Place::Pool(id) => json!(id),
        Place::Variable(name) => json!(format!("variable {name}")),
        Place::DefaultPool => json!("default"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::write::field;

    /// What becomes of the one action of a process.
    fn edited(
        action: &str,
        edit: impl Fn(&LocatedAction<'_>) -> FieldWrites,
    ) -> WriteResult<String, String> {
        let text = format!(r#"{{"Steps":[{{"Actions":[{action}]}}]}}"#);
        let mut document = JsonDocument::parse(text).unwrap();
        let sets = edit(&LocatedAction { document: &document, step: 0, action: 0 })?;
        field::write_fields(&mut document, &sets)?;
        Ok(document
            .get_raw(&[Key("Steps"), Index(0), Key("Actions"), Index(0)])
            .unwrap()
            .to_owned())
    }

    fn placed(
        action: &str,
        before: Place<String>,
        after: Place<String>,
    ) -> WriteResult<String, String> {
        edited(action, |it| it.sets_for_place(Some(&before), &after))
    }

    fn pool(id: &str) -> Place<String> {
        Place::Pool(id.to_owned())
    }

    #[test]
    fn an_empty_pool_keeps_its_spelling() {
        let variable = || Place::Variable("Pool".to_owned());
        for (action, wanted) in [
            (r#"{"Id":"a"}"#, r#"{"Id":"a","WorkerPoolVariable":"Pool"}"#),
            (
                r#"{"WorkerPoolId":"","WorkerPoolVariable":""}"#,
                r#"{"WorkerPoolId":"","WorkerPoolVariable":"Pool"}"#,
            ),
            (
                r#"{"WorkerPoolId":null,"WorkerPoolVariable":null}"#,
                r#"{"WorkerPoolId":null,"WorkerPoolVariable":"Pool"}"#,
            ),
        ] {
            assert_eq!(placed(action, Place::DefaultPool, variable()).as_deref(), Ok(wanted));
            assert_eq!(placed(action, variable(), Place::DefaultPool).as_deref(), Ok(action));
        }
    }

    #[test]
    fn setting_a_pool_clears_the_variable_and_vice_versa() {
        let action = r#"{"WorkerPoolId":"P-1","WorkerPoolVariable":"Pool"}"#;
        let variable = || Place::Variable("Pool".to_owned());
        assert_eq!(
            placed(action, variable(), pool("P-2")).as_deref(),
            Ok(r#"{"WorkerPoolId":"P-2","WorkerPoolVariable":null}"#)
        );
        insta::assert_snapshot!(placed(action, pool("P-1"), pool("P-2")).unwrap_err(), @"`pool` is `variable Pool`, but the plan expected `P-1`");
    }

    fn contained(
        action: &str,
        before: Option<&str>,
        after: Option<&str>,
    ) -> WriteResult<String, String> {
        let container = |image: Option<&str>| {
            image.map(|image| Container::from_image(image, Linked::new("Feeds-1", "Docker")))
        };
        edited(action, |action| action.sets_for_container(&container(before), &container(after)))
    }

    #[test]
    fn a_container_is_made_edited_or_emptied() {
        assert_eq!(
            contained(r#"{"Container":null}"#, None, Some("x:1")).as_deref(),
            Ok(r#"{"Container":{"Image":"x:1","FeedId":"Feeds-1"}}"#)
        );
        let full = r#"{"Container":{"FeedId":"Feeds-1","GitUrl":null,"Image":"x:1"}}"#;
        assert_eq!(
            contained(full, Some("x:1"), Some("x:2")).as_deref(),
            Ok(r#"{"Container":{"FeedId":"Feeds-1","GitUrl":null,"Image":"x:2"}}"#)
        );
        assert_eq!(
            contained(full, Some("x:1"), None).as_deref(),
            Ok(r#"{"Container":{"FeedId":null,"GitUrl":null,"Image":null}}"#)
        );
        insta::assert_snapshot!(contained(full, None, Some("x:2")).unwrap_err(), @"`Container` is `x:1 from Feeds-1`, but the plan expected empty");
    }

    #[test]
    fn a_step_that_already_runs_on_the_server_keeps_its_spelling() {
        let once = |action: &str, before, roles: &str| {
            edited(action, |action| action.sets_for_execution(before, Execution::Once, roles))
        };
        let on = r#"{"Properties":{"octopus.action.runonserver":"True","Octopus.Action.TargetRoles":"web"}}"#;
        assert_eq!(
            once(on, Execution::PerTarget, "web").as_deref(),
            Ok(
                r#"{"Properties":{"octopus.action.runonserver":"True","Octopus.Action.TargetRoles":""}}"#
            )
        );
        insta::assert_snapshot!(once(on, Execution::PerTarget, "db").unwrap_err(), @"`Octopus.Action.TargetRoles` is `web`, but the plan expected `db`");
        insta::assert_snapshot!(once(on, Execution::OnTargets, "web").unwrap_err(), @"`Octopus.Action.RunOnServer` is `True`, but the plan expected `false`");
        insta::assert_snapshot!(once("{}", Execution::OnTargets, "").unwrap_err(), @"there is no `Steps[0].Actions[0].Properties`");
    }

    #[test]
    fn two_actions_with_one_id_are_an_error() {
        let document = |text: &str| locate_actions(&JsonDocument::parse(text.to_owned()).unwrap());
        let found = document(r#"{"Steps":[{"Actions":null},{"Actions":[{"Id":"a"},{"Id":"b"}]}]}"#);
        assert_eq!(found.unwrap().get("b"), Some(&(1, 1)));
        assert!(document(r#"{"Steps":[{"Actions":[{"Id":"a"},{"Id":"a"}]}]}"#).is_err());
    }

    /// Applies an edit, rolls it back, and rolls back the rollback, and checks every byte each time.
    fn there_and_back(text: &str, edit: impl Fn(&LocatedAction<'_>) -> FieldWrites) {
        let mut document = JsonDocument::parse(text.to_owned()).unwrap();
        let sets = edit(&LocatedAction { document: &document, step: 0, action: 0 }).unwrap();
        let mut written = field::write_fields(&mut document, &sets).unwrap();
        assert!(!written.is_empty(), "{text}");
        let made = document.to_text();
        for wanted in [text, &made, text] {
            let back: Vec<WrittenField> = written.iter().map(WrittenField::to_reversed).collect();
            let action = LocatedAction { document: &document, step: 0, action: 0 };
            let sets = action.restore_fields(&back, None).unwrap();
            written = field::write_fields(&mut document, &sets).unwrap();
            assert_eq!(document.to_text(), wanted);
        }
    }

    #[test]
    fn a_rollback_restores_every_byte_in_every_layout() {
        let container = Some(Container::from_image("img:1", Linked::new("Feeds-9", "Docker")));
        let variable = |name: &str| Place::Variable(name.to_owned());
        for action in [
            r#"{"WorkerPoolVariable":"P\u00f6ol\u0027s","WorkerPoolId":null,"Big":1E+400}"#,
            "{ \"WorkerPoolVariable\" :\t\"P\\u00f6ol's\" }",
            "{\r\n\t\"WorkerPoolVariable\"\r\n:\r\n\"P\\u00F6ol\\'s\"\r\n}"
                .replace("\\'", "'")
                .as_str(),
        ] {
            let text = format!("{{\r\n \"Steps\": [{{\"Actions\":[{action}]}} ] }}\r\n");
            there_and_back(&text, |action| {
                action.sets_for_place(Some(&variable("Pöol's")), &pool("P-1"))
            });
        }
        for now in ["", "null", "{}", "{ }", "{\r\n  }", "\"\"", "[ ]", "1E+400"] {
            let now = if now.is_empty() {
                String::new()
            } else {
                format!(",\r\n\t\"Container\" : {now}")
            };
            let text = format!("{{\"Steps\":[{{\"Actions\":[ {{\r\n\t\"Id\": 7{now}\r\n}} ]}}]}}");
            there_and_back(&text, |it| it.sets_for_container(&None, &container));
        }
        let old = Some(Container::from_image("octopus/x", Linked::new("Feeds-1", "Docker")));
        let full =
            r#"{"Container": {"FeedId" : "Feeds\u002d1","GitUrl":1E+400, "Image":"octopus\/x" }}"#;
        let text = format!(r#"{{"Steps":[{{"Actions":[{full}]}}]}}"#);
        there_and_back(&text, |it| it.sets_for_container(&old, &container));
        there_and_back(&text, |it| it.sets_for_container(&old, &None));
        let roles = r#"{"Properties" : { "octopus.action.targetroles":"w\u00e9b" },"Actions":[{"Properties":{ }}]}"#;
        let text = format!(r#"{{"Steps":[ {roles} ]}}"#);
        there_and_back(&text, |action| {
            action.sets_for_execution(Execution::OnTargets, Execution::Once, "wéb")
        });
    }

    #[test]
    fn a_container_of_nulls_already_counts_as_absent() {
        let whole = json!({ "Image": "x:1", "FeedId": "Feeds-1" });
        let fields = [WrittenField::new(StepField::Container, Some(whole), None)];
        let nulls = r#"{"Container":{"Image":null,"FeedId":null,"GitUrl":null,"Dockerfile":""}}"#;
        let full = r#"{"Container":{"Image":"x:1","FeedId":"Feeds-1","GitUrl":null}}"#;
        let restored = |text| edited(text, |action| action.restore_fields(&fields, None));
        assert!(restored(nulls).unwrap().contains(nulls));
        assert!(!restored(full).unwrap().contains("Container"));
        let other = r#"{"Container":{"Image":"y:2","FeedId":"Feeds-1"}}"#;
        assert!(restored(other).is_err());
        let text = r#"{"Container":"x"}"#;
        assert!(restored(text).is_err());
    }

    /// A container with its own layout is removed as a whole, and comes back unchanged.
    #[test]
    fn a_removed_container_is_restored_with_its_layout() {
        for layout in [
            r#"{"FeedId":"Feeds-1", "Image":"octopus\/x"}"#,
            "{\n\"Image\":\n\"octopus/x\",\"FeedId\":\"Feeds-1\"}",
            "{\r\n\t\t\"Image\" : \"octopus/x\",\r\n\t\t\"FeedId\" : \"Feeds-1\"\r\n\t}",
            r#"{"Image":"octopus/x","FeedId":"Feeds-1"}"#,
        ] {
            for (before, behind) in [("{\n\t\"Id\" : 7,\n\t", "\n}"), ("{\"Id\" : 7,", "}")] {
                let action = format!("{before}\"Container\" : {layout}{behind}");
                let text = format!(r#"{{"Steps":[{{"Actions":[{action}]}}]}}"#);
                let whole = json!({ "Image": "octopus/x", "FeedId": "Feeds-1" });
                let field =
                    |after| [WrittenField::new(StepField::Container, Some(whole.clone()), after)];
                let (absent, null) = (field(None), field(Some(Value::Null)));
                there_and_back(&text, |it| it.restore_fields(&absent, None));
                there_and_back(&text, |it| it.restore_fields(&null, None));
            }
        }
    }
}
