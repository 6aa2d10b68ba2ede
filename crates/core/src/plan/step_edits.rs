//! The edits of one step, and for a rollback the fields that the edits sum up.
//!
//! A rollback restores fields byte for byte, which an edit cannot express: it does not tell an absent field
//! from `null` or an empty text. People are shown the edits, which sum up the fields and have names instead
//! of ids. In a plan from a file the two must agree. Not here: the server, or how a field is written.

use super::{Delta, Feed, Field, FieldSide, StepEdit, StepField, StepPart, WrittenField};
use crate::model::{Container, Execution, Id, Linked, Place, Pool, PoolHandle};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::HashSet, ops::Deref};

/// The edits of one step. Those of a rollback come with the fields that they sum up; the fields are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepEdits {
    edits: Vec<StepEdit>,
    #[serde(rename = "exactly", default, skip_serializing_if = "Vec::is_empty")]
    restored: Vec<WrittenField>,
}

impl From<Vec<StepEdit>> for StepEdits {
    /// Takes edits that a file declares; `apply` determines which fields to write.
    fn from(edits: Vec<StepEdit>) -> Self {
        Self { edits, restored: Vec::new() }
    }
}

impl Deref for StepEdits {
    type Target = [StepEdit];

    fn deref(&self) -> &Self::Target {
        &self.edits
    }
}

impl StepEdits {
    /// Creates the edits of a rollback that writes `fields`, from `before` to `after`.
    pub(crate) fn from_restored(fields: Vec<WrittenField>, edits: Vec<StepEdit>) -> Self {
        Self { edits, restored: fields }
    }

    /// Returns the change of the step's pool or pool variable, if there is one.
    pub fn place(&self) -> Option<&Delta<Place<PoolHandle>>> {
        self.edits.iter().find_map(|edit| match edit {
            StepEdit::Place(place) => Some(place),
            StepEdit::Execution { .. } | StepEdit::Container(_) => None,
        })
    }

    /// Returns the pool that the step names before the change.
    pub fn pool_before(&self) -> Option<&PoolHandle> {
        self.place()?.before().pool()
    }

    /// Returns the pool that the step names after the change.
    pub fn pool_after(&self) -> Option<&PoolHandle> {
        self.place()?.after().pool()
    }

    /// Returns the fields that a rollback restores; empty for edits that a file declares.
    pub fn restored_fields(&self) -> &[WrittenField] {
        &self.restored
    }

    /// Returns the text that a rollback restores for the switch that makes the step run on a worker.
    pub fn restored_switch(&self) -> Option<&str> {
        written_text(&self.restored, StepField::RunOnServer, FieldSide::After)
    }

    /// Returns whether the edits show exactly what the fields write.
    pub(super) fn show_what_is_written(&self) -> bool {
        let fields = &self.restored;
        let [mut place, mut execution, mut container] = [None; 3];
        for edit in &self.edits {
            match edit {
                StepEdit::Place(_) => place = Some(edit),
                StepEdit::Execution { .. } => execution = Some(edit),
                StepEdit::Container(_) => container = Some(edit),
            }
        }
        if fields.is_empty() {
            // Restored tags would be shown, but no field would write them.
            return !matches!(execution, Some(StepEdit::Execution { restored: Some(_), .. }));
        }
        let is_shown = |part| match part {
            StepPart::Place => place.is_some(),
            StepPart::Execution => execution.is_some(),
            StepPart::Container => container.is_some(),
        };
        let distinct: HashSet<Field> = fields.iter().map(|written| written.field).collect();
        distinct.len() == fields.len()
            && fields.iter().all(|it| is_valid(it) && it.step_part().is_some_and(is_shown))
            && self.edits.iter().all(|edit| is_sum_of(edit, fields))
    }
}

/// Returns whether a field is a step's field with values that it can have.
fn is_valid(written: &WrittenField) -> bool {
    let is_text = |value: &Value| value.is_null() || value.is_string();
    let is_container = |value: &Value| {
        let parts = CONTAINER_FIELDS.map(StepField::key);
        let known =
            |(key, value): (&String, &Value)| parts.contains(&key.as_str()) && is_text(value);
        value.is_null() || value.as_object().is_some_and(|container| container.iter().all(known))
    };
    let fits = |value: &Option<Value>| match written.field {
        Field::Step(StepField::Container) => value.as_ref().is_none_or(is_container),
        // No edit shows it: it comes and goes with the container, and has two words.
        Field::Step(StepField::BundledTooling) => value
            .as_ref()
            .and_then(Value::as_str)
            .is_none_or(|text| ["true", "false", ""].contains(&text.to_ascii_lowercase().as_str())),
        _ => value.as_ref().is_none_or(is_text),
    };
    written.has_valid_spelling()
        && written.before != written.after
        && fits(&written.before)
        && fits(&written.after)
}

/// Returns whether an edit sums up the fields of its part, on both sides.
fn is_sum_of(edit: &StepEdit, fields: &[WrittenField]) -> bool {
    let are_written = |part| fields.iter().any(|written| written.step_part() == Some(part));
    match edit {
        StepEdit::Place(delta) => {
            let agrees = |side, shown| is_same_place(&place_from_fields(fields, side), shown);
            are_written(StepPart::Place)
                && agrees(FieldSide::Before, delta.before())
                && agrees(FieldSide::After, delta.after())
        }
        StepEdit::Execution { restored: None, .. } => false,
        StepEdit::Execution { execution, target_roles, restored: Some(tags_then) } => {
            is_execution(fields, FieldSide::Before, *execution.before(), target_roles)
                && is_execution(fields, FieldSide::After, *execution.after(), tags_then)
                && (target_roles == tags_then || written_tags(fields, FieldSide::After).is_some())
        }
        StepEdit::Container(delta) => {
            are_written(StepPart::Container) && is_container(fields, delta)
        }
    }
}

fn is_same_place(written: &Place<Id<Pool>>, shown: &Place<PoolHandle>) -> bool {
    match (shown, written) {
        // A pool that is recreated has another id than the field had; the new id is written.
        (Place::Pool(PoolHandle::New(_)), Place::Pool(_)) => true,
        (Place::Pool(PoolHandle::Existing { id, .. }), Place::Pool(written)) => id == written,
        (Place::Variable(name), Place::Variable(written)) => name == written,
        (Place::DefaultPool, Place::DefaultPool) => true,
        _ => false,
    }
}

/// Returns whether the switch and the tags fit a step with this execution. The switch alone does not
/// decide: steps of some types run on a worker whatever it is.
fn is_execution(fields: &[WrittenField], side: FieldSide, shown: Execution, tags: &str) -> bool {
    let switch = written_text(fields, StepField::RunOnServer, side).map(str::trim);
    let switch_fits = match switch.map(str::to_ascii_lowercase).as_deref() {
        None | Some("" | "false") => true,
        Some("true") => shown != Execution::OnTargets,
        Some(_) => false,
    };
    switch_fits && written_tags(fields, side).is_none_or(|written| written == Some(tags.trim()))
}

/// Returns the tags from the fields: `None` if they are not written, `Some(None)` if those of the step and
/// those of the action differ.
fn written_tags(fields: &[WrittenField], side: FieldSide) -> Option<Option<&str>> {
    let places = [StepField::TargetRoles, StepField::ActionTargetRoles];
    let mut written = places.into_iter().filter_map(|field| written_text(fields, field, side));
    let first = written.next()?.trim();
    let other = written.next().unwrap_or_default().trim();
    Some(match (first, other) {
        (tags, "") | ("", tags) => Some(tags),
        (tags, other) => (tags == other).then_some(tags),
    })
}

/// The fields of a container, apart from itself.
const CONTAINER_FIELDS: [StepField; 4] =
    [StepField::Image, StepField::Feed, StepField::Dockerfile, StepField::GitUrl];

type ContainerDelta = Delta<Option<Container<Linked<Feed>>>>;

fn is_container(fields: &[WrittenField], delta: &ContainerDelta) -> bool {
    let with_ids = |container: &Container<Linked<Feed>>| {
        container.map_feed(|feed| feed.id.as_str().to_owned())
    };
    let [before, after] = [delta.before(), delta.after()].map(|shown| shown.as_ref().map(with_ids));
    // A part that is not written does not change; without an image, the edit does not show the feed.
    let unwritten = before.as_ref().or(after.as_ref());
    let is_whole = written_side(fields, StepField::Container, FieldSide::After).is_some();
    let has_parts =
        CONTAINER_FIELDS.iter().any(|part| written_side(fields, *part, FieldSide::After).is_some());
    is_whole != has_parts
        && container_from_fields(fields, FieldSide::Before, unwritten) == before
        && container_from_fields(fields, FieldSide::After, unwritten) == after
}

/// Returns the place that a step's pool and variable add up to. A field that is not in `fields` was empty and
/// stays empty: an apply clears whichever of the two does not decide.
pub(crate) fn place_from_fields(fields: &[WrittenField], side: FieldSide) -> Place<Id<Pool>> {
    let text = |field| written_text(fields, field, side).unwrap_or_default().trim();
    match (text(StepField::Pool), text(StepField::Variable)) {
        ("", "") => Place::DefaultPool,
        (pool, "") => Place::Pool(Id::new(pool)),
        (_, variable) => Place::Variable(variable.to_owned()),
    }
}

/// Returns the container that the fields add up to; a part that was not written is taken from `unwritten`.
/// One field alone says too little: without an image there is no container, and so no feed.
pub(crate) fn container_from_fields(
    fields: &[WrittenField],
    side: FieldSide,
    unwritten: Option<&Container<String>>,
) -> Option<Container<String>> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let part = |field: StepField, unwritten: Option<&String>| match written_side(
        fields,
        StepField::Container,
        side,
    ) {
        Some(whole) => text(whole.and_then(|whole| whole.get(field.key()))),
        None => match written_side(fields, field, side) {
            Some(value) => text(value),
            None => unwritten.cloned().unwrap_or_default(),
        },
    };
    let container = Container {
        image: part(StepField::Image, unwritten.map(|container| &container.image)),
        feed: part(StepField::Feed, unwritten.map(|container| &container.feed)),
        dockerfile: part(StepField::Dockerfile, unwritten.map(|container| &container.dockerfile)),
        git_url: part(StepField::GitUrl, unwritten.map(|container| &container.git_url)),
    };
    container.into_option()
}

/// Returns one side of a field, or `None` if it is not written.
fn written_side(
    fields: &[WrittenField],
    field: StepField,
    side: FieldSide,
) -> Option<Option<&Value>> {
    let written = fields.iter().find(|written| written.field == field.into())?;
    Some(written.value(side))
}

/// Returns the text of a field, empty if it has none, or `None` if it is not written.
fn written_text(fields: &[WrittenField], field: StepField, side: FieldSide) -> Option<&str> {
    let value = written_side(fields, field, side)?;
    Some(value.and_then(Value::as_str).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{
        TargetField,
        sample::{delta, new_pool, pool},
    };
    use serde_json::json;

    fn field(path: impl Into<Field>, before: Option<Value>, after: Option<Value>) -> WrittenField {
        WrittenField::new(path, before, after)
    }

    fn to(before: Option<Value>, after: Option<Value>) -> Vec<WrittenField> {
        vec![field(StepField::Pool, before, after)]
    }

    fn agree(edits: Vec<StepEdit>, fields: &[WrittenField]) -> bool {
        StepEdits::from_restored(fields.to_vec(), edits).show_what_is_written()
    }

    /// Returns whether one edit alone shows the fields.
    fn alone(edit: &StepEdit, fields: &[WrittenField]) -> bool {
        agree(vec![edit.clone()], fields)
    }

    fn home() -> StepEdit {
        StepEdit::Place(delta(Place::Pool(pool("WorkerPools-2", "azure")), Place::DefaultPool))
    }

    fn runs(before: Execution, after: Execution, tags: [&str; 2]) -> StepEdit {
        let restored = Some(tags[1].to_owned());
        let (execution, target_roles) = (delta(before, after), tags[0].to_owned());
        StepEdit::Execution { execution, target_roles, restored }
    }

    fn contained(before: Option<&str>, after: Option<&str>) -> StepEdit {
        let container = |image: &str| Container {
            image: image.to_owned(),
            dockerfile: String::new(),
            git_url: String::new(),
            feed: Linked::new("Feeds-1", "Docker Hub"),
        };
        StepEdit::Container(delta(before.map(container), after.map(container)))
    }

    #[test]
    fn moving_to_the_default_pool_accepts_only_empty_spellings() {
        let was = || Some(json!("WorkerPools-2"));
        for after in [None, Some(json!(null)), Some(json!(""))] {
            assert!(alone(&home(), &to(was(), after)));
        }
        for after in [Some(json!("WorkerPools-9")), Some(json!({ "x": 1 })), Some(json!(7)), was()]
        {
            assert!(!alone(&home(), &to(was(), after.clone())), "{after:?}");
        }
        assert!(!alone(&home(), &to(Some(json!("WorkerPools-9")), None)));
        let by_variable = field(StepField::Variable, None, Some(json!("Evil")));
        assert!(!alone(&home(), &[to(was(), None), vec![by_variable]].concat()));
        let made = StepEdit::Place(delta(Place::DefaultPool, Place::Pool(new_pool("database"))));
        assert!(alone(&made, &to(None, Some(json!("WorkerPools-gone")))));
        assert!(!alone(&made, &to(None, Some(json!("")))));
    }

    #[test]
    fn a_spelling_must_match_its_value() {
        let to = |text: &str| {
            let after_text = Some(text.to_owned());
            vec![WrittenField {
                after_text,
                ..to(Some(json!("WorkerPools-2")), Some(json!(""))).remove(0)
            }]
        };
        assert!(alone(&home(), &to(r#""""#)));
        for text in ["null", r#""WorkerPools-9""#, "{}", "0"] {
            assert!(!alone(&home(), &to(text)), "{text}");
        }
        // The spelling of `before` is never written, so a plan must not have one.
        let before_text = Some(r#""WorkerPools\u002d2""#.to_owned());
        assert!(!alone(&home(), &[WrittenField { before_text, ..to(r#""""#).remove(0) }]));
    }

    #[test]
    fn a_written_field_must_be_shown_and_occur_once() {
        let moved = || to(Some(json!("WorkerPools-2")), None);
        assert!(!alone(&home(), &[moved(), vec![field(TargetField::Pool, None, None)]].concat()));
        let besides = |field| alone(&home(), &[moved(), vec![field]].concat());
        for path in [
            StepField::Pool,
            StepField::RunOnServer,
            StepField::TargetRoles,
            StepField::ActionTargetRoles,
            StepField::Image,
            StepField::Feed,
            StepField::Container,
        ] {
            assert!(!besides(field(path, None, Some(json!("x")))), "{path:?}");
        }
        // Everything shown must be written, too.
        assert!(!agree(vec![home(), contained(None, Some("x:1"))], &moved()));
        assert!(!agree(vec![contained(None, Some("x:1"))], &moved()));
    }

    #[test]
    fn restored_tags_and_run_switch_must_match_what_is_shown() {
        let back = || runs(Execution::Once, Execution::OnTargets, ["", "web"]);
        let switch = |after| field(StepField::RunOnServer, Some(json!("true")), after);
        let tags = |at: usize, after: &str| {
            field(
                [StepField::TargetRoles, StepField::ActionTargetRoles][at],
                Some(json!("")),
                Some(json!(after)),
            )
        };
        for after in [None, Some(json!("False")), Some(json!(""))] {
            assert!(alone(&back(), &[switch(after), tags(0, "web")]));
        }
        assert!(alone(&back(), &[switch(None), tags(0, "web"), tags(1, "web")]));
        assert!(!alone(&back(), &[switch(None), tags(0, "db"), tags(1, "web")]));
        assert!(!alone(&back(), &[switch(None), tags(0, "db")]));
        assert!(!alone(&back(), &[switch(None)]));
        assert!(!alone(&back(), &[switch(Some(json!("#{Where}"))), tags(0, "web")]));
        let on = field(StepField::RunOnServer, Some(json!("false")), Some(json!("true")));
        assert!(!alone(&back(), &[on, tags(0, "web")]));
        // Tags that are shown but that no field would write.
        assert!(!alone(&back(), &[]));
    }

    #[test]
    fn a_restored_container_must_match_what_is_shown() {
        let image = |after| field(StepField::Image, Some(json!("x:2")), after);
        let feed = field(StepField::Feed, Some(json!("Feeds-1")), Some(json!(null)));
        let (changed, ended) = (contained(Some("x:2"), Some("x:1")), contained(Some("x:2"), None));
        assert!(alone(&changed, &[image(Some(json!("x:1")))]));
        assert!(!alone(&changed, &[image(Some(json!("evil")))]));
        assert!(!alone(&changed, &[image(Some(json!("x:1"))), feed.clone()]));
        assert!(alone(&ended, &[image(None), feed.clone()]));
        assert!(!alone(&ended, &[feed]));
        let made = json!({ "Image": "x:2", "FeedId": "Feeds-1" });
        let whole = |after| [field(StepField::Container, Some(made.clone()), after)];
        assert!(alone(&ended, &whole(None)));
        assert!(alone(&ended, &whole(Some(json!({ "Image": null, "FeedId": null })))));
        for evil in [json!({ "Image": "evil" }), json!({ "Dockerfile": "evil" }), json!("evil")] {
            assert!(!alone(&ended, &whole(Some(evil))));
        }
    }
}
