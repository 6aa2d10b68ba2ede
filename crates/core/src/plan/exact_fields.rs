//! The fields that a way back writes, held against the edits that are shown of it.
//!
//! A way back writes fields byte for byte, which says more than an edit can: that one was absent, `null` or
//! empty. What people see are the edits. So a plan from a file is believed only where both say the same.
//! Never: the server, or how a field is written.

use super::{Delta, Feed, StepEdit, WrittenField};
use crate::model::{Container, Execution, Id, Linked, Place, Pool, PoolHandle};
use serde_json::Value;
use std::collections::HashSet;

/// The field with which a step names its pool.
pub const POOL_FIELD: &str = "WorkerPoolId";
/// The field with which it names a variable.
pub const VARIABLE_FIELD: &str = "WorkerPoolVariable";
/// The field of a variable's value that names its pool.
pub const VALUE_FIELD: &str = "Value";
/// That of a target.
pub const TARGET_POOL_FIELD: &str = "Endpoint.DefaultWorkerPoolId";
/// The switch by which it runs on a worker.
const SWITCH: &str = "Properties.Octopus.Action.RunOnServer";
/// Where it has its target tags; old data has them on the action.
const TAGS: [&str; 2] =
    ["Step.Properties.Octopus.Action.TargetRoles", "Properties.Octopus.Action.TargetRoles"];
/// Its container, and the parts of one.
const CONTAINER: &str = "Container";
const IMAGE: &str = "Container.Image";
const FEED: &str = "Container.FeedId";

/// A field before or after.
type FieldSide = fn(&WrittenField) -> &Option<Value>;
const BEFORE: FieldSide = |field| &field.before;
const AFTER: FieldSide = |field| &field.after;

/// The place that [`POOL_FIELD`] and [`VARIABLE_FIELD`] are together. One that is not among `fields` was empty, and stays
/// so: an apply clears whichever of the two does not decide.
pub fn place_from_fields(
    fields: &[&WrittenField],
    side: fn(&WrittenField) -> &Option<Value>,
) -> Place<Id<Pool>> {
    let field_text = |path: &str| {
        let field = fields.iter().find(|field| field.path == path);
        let text = field.and_then(|field| side(field).as_ref()?.as_str());
        text.unwrap_or_default().trim().to_owned()
    };
    match (field_text(POOL_FIELD), field_text(VARIABLE_FIELD)) {
        (pool, variable) if variable.is_empty() && pool.is_empty() => Place::DefaultPool,
        (pool, variable) if variable.is_empty() => Place::Pool(Id::new(pool)),
        (_, variable) => Place::Variable(variable),
    }
}

/// What the switch by which a step runs on a worker is after these fields are written: a word, or an empty
/// text where it is not there then. `None` where it is not one of them.
pub fn switch_after(fields: &[WrittenField]) -> Option<&str> {
    written_text(fields, SWITCH, AFTER)
}

fn is_true_text(text: &str) -> bool {
    text.trim().eq_ignore_ascii_case("true")
}

/// Whether what is written `exactly` is what `edits` show, and nothing besides.
pub(super) fn fields_match_edits(edits: &[StepEdit], exactly: &[WrittenField]) -> bool {
    let (mut place, mut execution, mut container) = (None, None, None);
    for edit in edits {
        match edit {
            StepEdit::Place(delta) => place = Some(delta),
            StepEdit::Execution { execution: delta, target_roles, restored } => {
                execution = Some((delta, target_roles.as_str(), restored.as_deref()));
            }
            StepEdit::Container(delta) => container = Some(delta),
        }
    }
    if exactly.is_empty() {
        // Tags that are restored are shown, and nobody would write them.
        return !matches!(execution, Some((_, _, Some(_))));
    }
    let paths: HashSet<&str> = exactly.iter().map(|it| it.path.as_str()).collect();
    paths.len() == exactly.len()
        && exactly.iter().all(is_valid_field)
        && place_matches(place, exactly)
        && execution_matches(execution, exactly)
        && container_matches(container, exactly)
}

/// Whether a field with a pool, of a value or a target, is what is shown of it: there and not there alike. That
/// a pool is the one that is shown is seen when it is written, for in Git it may be named in other ways.
pub(super) fn pool_field_matches(
    field: &WrittenField,
    path: &str,
    shown: &Delta<Option<PoolHandle>>,
) -> bool {
    let matches_shown = |value: &Option<Value>, shown: &Option<PoolHandle>| {
        let text = value.as_ref().and_then(Value::as_str).unwrap_or_default();
        value.as_ref().is_none_or(is_text_or_null) && text.is_empty() == shown.is_none()
    };
    field.path == path
        && has_valid_spelling(field)
        && matches_shown(&field.before, shown.before())
        && matches_shown(&field.after, shown.after())
}

/// Whether the spelling of a field, if it has one, is none of something else.
fn has_valid_spelling(field: &WrittenField) -> bool {
    let text = field.after_text.as_deref();
    let read = text.and_then(|text| serde_json::from_str::<Value>(text).ok());
    field.before_text.is_none() && (read.is_none() || read == field.after)
}

/// Whether it is a field that a step's place has, with values that it can have.
fn is_valid_field(field: &WrittenField) -> bool {
    let path = field.path.as_str();
    let is_known = [POOL_FIELD, VARIABLE_FIELD, SWITCH, CONTAINER, IMAGE, FEED].contains(&path)
        || TAGS.contains(&path);
    // The parts of a whole container are looked at with it.
    let has_text =
        |value: &Option<Value>| path == CONTAINER || value.as_ref().is_none_or(is_text_or_null);
    is_known
        && has_valid_spelling(field)
        && field.before != field.after
        && has_text(&field.before)
        && has_text(&field.after)
}

fn is_text_or_null(value: &Value) -> bool {
    value.is_null() || value.is_string()
}

/// The text of a field, empty where it has none; `None` where it is not written.
fn written_text<'a>(fields: &'a [WrittenField], path: &str, side: FieldSide) -> Option<&'a str> {
    let field = fields.iter().find(|field| field.path == path)?;
    Some(side(field).as_ref().and_then(Value::as_str).unwrap_or_default())
}

fn place_matches(edit: Option<&Delta<Place<PoolHandle>>>, fields: &[WrittenField]) -> bool {
    let is_place =
        |field: &&WrittenField| [POOL_FIELD, VARIABLE_FIELD].contains(&field.path.as_str());
    let written: Vec<&WrittenField> = fields.iter().filter(is_place).collect();
    let is_shown_place =
        |shown: &Place<PoolHandle>, side| match (shown, place_from_fields(&written, side)) {
            // One that is made again has another id than the field had, and gets the new one.
            (Place::Pool(PoolHandle::New(_)), Place::Pool(_)) => true,
            (Place::Pool(PoolHandle::Existing { id, .. }), Place::Pool(written)) => *id == written,
            (Place::Variable(name), Place::Variable(written)) => *name == written,
            (Place::DefaultPool, Place::DefaultPool) => true,
            _ => false,
        };
    match edit {
        Some(delta) => {
            !written.is_empty()
                && is_shown_place(delta.before(), BEFORE)
                && is_shown_place(delta.after(), AFTER)
        }
        None => written.is_empty(),
    }
}

/// The edit of how a step runs: with its tags as they are, and as they shall be again.
type ExecutionEdit<'a> = (&'a Delta<Execution>, &'a str, Option<&'a str>);

fn execution_matches(edit: Option<ExecutionEdit<'_>>, fields: &[WrittenField]) -> bool {
    let is_written = |path: &&str| fields.iter().any(|field| field.path == **path);
    let Some((execution, now, then)) = edit else {
        return !TAGS.iter().chain([&SWITCH]).any(is_written);
    };
    let Some(then) = then else { return false };
    let switch_fits = |side, execution: &Execution| match written_text(fields, SWITCH, side) {
        None => true,
        Some(text) if is_true_text(text) => *execution != Execution::OnTargets,
        Some(text) => ["", "false"].contains(&text.trim().to_ascii_lowercase().as_str()),
    };
    let tags = |side, shown: &str| {
        let (mut written, shown) =
            (TAGS.iter().filter_map(|path| written_text(fields, path, side)), shown.trim());
        let mut seen = shown.is_empty();
        let fits = written.all(|text| {
            seen |= text.trim() == shown;
            text.trim().is_empty() || text.trim() == shown
        });
        fits && seen
    };
    let tags = match TAGS.iter().any(is_written) {
        true => tags(BEFORE, now) && tags(AFTER, then),
        false => now == then,
    };
    tags && switch_fits(BEFORE, execution.before()) && switch_fits(AFTER, execution.after())
}

type PlannedContainer = Option<Container<Linked<Feed>>>;

fn container_matches(edit: Option<&Delta<PlannedContainer>>, fields: &[WrittenField]) -> bool {
    let whole = fields.iter().find(|field| field.path == CONTAINER);
    let in_parts = fields.iter().any(|field| [IMAGE, FEED].contains(&field.path.as_str()));
    match (edit, whole) {
        (None, whole) => whole.is_none() && !in_parts,
        (Some(delta), Some(WrittenField { before, after, .. })) => {
            !in_parts
                && is_same_container(before, delta.before())
                && is_same_container(after, delta.after())
        }
        (Some(delta), None) => {
            in_parts && image_matches(delta, fields) && feed_matches(delta, fields)
        }
    }
}

/// Whether a whole container is the one that is shown, and has no parts that are not.
fn is_same_container(written: &Option<Value>, shown: &PlannedContainer) -> bool {
    let parts = match written {
        None | Some(Value::Null) => return shown.is_none(),
        Some(Value::Object(parts)) => parts,
        Some(_) => return false,
    };
    let text = |key| parts.get(key).and_then(Value::as_str).unwrap_or_default();
    let is_known = |(key, value): (&String, &Value)| {
        ["Image", "FeedId"].contains(&key.as_str()) && is_text_or_null(value)
    };
    parts.iter().all(is_known)
        && match shown {
            Some(shown) => text("Image") == shown.image && text("FeedId") == shown.feed.id.as_str(),
            None => text("Image").is_empty(),
        }
}

fn image_matches(delta: &Delta<PlannedContainer>, fields: &[WrittenField]) -> bool {
    let shown_image =
        |shown: &PlannedContainer| shown.as_ref().map(|it| it.image.clone()).unwrap_or_default();
    let (before, after) = (shown_image(delta.before()), shown_image(delta.after()));
    match (written_text(fields, IMAGE, BEFORE), written_text(fields, IMAGE, AFTER)) {
        (Some(was), Some(is)) => was == before && is == after,
        _ => before == after,
    }
}

/// Without an image the feed means nothing, and is not shown.
fn feed_matches(delta: &Delta<PlannedContainer>, fields: &[WrittenField]) -> bool {
    let shown_feed =
        |shown: &'_ PlannedContainer| shown.as_ref().map(|it| it.feed.id.as_str().to_owned());
    let (before, after) = (shown_feed(delta.before()), shown_feed(delta.after()));
    let matches_feed =
        |shown: &Option<String>, text: &str| shown.as_ref().is_none_or(|shown| shown == text);
    match (written_text(fields, FEED, BEFORE), written_text(fields, FEED, AFTER)) {
        (Some(was), Some(now)) => matches_feed(&before, was) && matches_feed(&after, now),
        _ => before.is_none() || after.is_none() || before == after,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::sample::{delta, new_pool, pool};
    use serde_json::json;

    fn field(path: &str, before: Option<Value>, after: Option<Value>) -> WrittenField {
        WrittenField::new(path, before, after)
    }

    fn to(before: Option<Value>, after: Option<Value>) -> Vec<WrittenField> {
        vec![field(POOL_FIELD, before, after)]
    }

    /// Whether fields are what one edit shows.
    fn alone(edit: &StepEdit, fields: &[WrittenField]) -> bool {
        fields_match_edits(std::slice::from_ref(edit), fields)
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
            feed: Linked::new("Feeds-1", "Docker Hub"),
        };
        StepEdit::Container(delta(before.map(container), after.map(container)))
    }

    #[test]
    fn a_place_goes_back_to_nothing_in_each_of_its_spellings_and_nowhere_else() {
        let was = || Some(json!("WorkerPools-2"));
        for after in [None, Some(json!(null)), Some(json!(""))] {
            assert!(alone(&home(), &to(was(), after)));
        }
        for after in [Some(json!("WorkerPools-9")), Some(json!({ "x": 1 })), Some(json!(7)), was()]
        {
            assert!(!alone(&home(), &to(was(), after.clone())), "{after:?}");
        }
        assert!(!alone(&home(), &to(Some(json!("WorkerPools-9")), None)));
        let by_variable = field(VARIABLE_FIELD, None, Some(json!("Evil")));
        assert!(!alone(&home(), &[to(was(), None), vec![by_variable]].concat()));
        let made = StepEdit::Place(delta(Place::DefaultPool, Place::Pool(new_pool("database"))));
        assert!(alone(&made, &to(None, Some(json!("WorkerPools-gone")))));
        assert!(!alone(&made, &to(None, Some(json!("")))));
    }

    #[test]
    fn a_spelling_of_something_else_is_none() {
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
        // One of what is there now says nothing that anybody would write.
        let before_text = Some(r#""WorkerPools\u002d2""#.to_owned());
        assert!(!alone(&home(), &[WrittenField { before_text, ..to(r#""""#).remove(0) }]));
    }

    #[test]
    fn a_value_goes_back_to_nothing_in_each_of_its_spellings_and_nowhere_else() {
        let shown = delta(Some(pool("WorkerPools-2", "azure")), None);
        let was = || Some(json!("WorkerPools-2"));
        let agrees = |field: &WrittenField| pool_field_matches(field, VALUE_FIELD, &shown);
        for after in [None, Some(json!(null)), Some(json!(""))] {
            assert!(agrees(&field(VALUE_FIELD, was(), after.clone())));
            assert!(!agrees(&field("Scope", was(), after.clone())));
            assert!(!agrees(&field(VALUE_FIELD, None, after)));
        }
        for after in [json!("WorkerPools-9"), json!({ "x": 1 }), json!(7)] {
            assert!(!agrees(&field(VALUE_FIELD, was(), Some(after.clone()))), "{after}");
        }
    }

    #[test]
    fn a_field_that_is_not_shown_or_is_there_twice_is_none() {
        let moved = || to(Some(json!("WorkerPools-2")), None);
        let besides = |field| alone(&home(), &[moved(), vec![field]].concat());
        let script = "Properties.Octopus.Action.Script.ScriptBody";
        for path in [script, POOL_FIELD, SWITCH, TAGS[0], TAGS[1], IMAGE, FEED, CONTAINER] {
            assert!(!besides(field(path, None, Some(json!("x")))), "{path}");
        }
        // What is shown has to be written, too.
        assert!(!fields_match_edits(&[home(), contained(None, Some("x:1"))], &moved()));
        assert!(!fields_match_edits(&[contained(None, Some("x:1"))], &moved()));
    }

    #[test]
    fn tags_and_switch_go_back_as_they_are_shown() {
        let back = || runs(Execution::Once, Execution::OnTargets, ["", "web"]);
        let switch = |after| field(SWITCH, Some(json!("true")), after);
        let tags = |at: usize, after: &str| field(TAGS[at], Some(json!("")), Some(json!(after)));
        for after in [None, Some(json!("False")), Some(json!(""))] {
            assert!(alone(&back(), &[switch(after), tags(0, "web")]));
        }
        assert!(alone(&back(), &[switch(None), tags(0, "web"), tags(1, "web")]));
        assert!(!alone(&back(), &[switch(None), tags(0, "db"), tags(1, "web")]));
        assert!(!alone(&back(), &[switch(None), tags(0, "db")]));
        assert!(!alone(&back(), &[switch(None)]));
        assert!(!alone(&back(), &[switch(Some(json!("#{Where}"))), tags(0, "web")]));
        let on = field(SWITCH, Some(json!("false")), Some(json!("true")));
        assert!(!alone(&back(), &[on, tags(0, "web")]));
        // Tags that nobody would write.
        assert!(!alone(&back(), &[]));
    }

    #[test]
    fn a_container_goes_back_as_it_is_shown() {
        let image = |after| field(IMAGE, Some(json!("x:2")), after);
        let feed = field(FEED, Some(json!("Feeds-1")), Some(json!(null)));
        let (changed, ended) = (contained(Some("x:2"), Some("x:1")), contained(Some("x:2"), None));
        assert!(alone(&changed, &[image(Some(json!("x:1")))]));
        assert!(!alone(&changed, &[image(Some(json!("evil")))]));
        assert!(!alone(&changed, &[image(Some(json!("x:1"))), feed.clone()]));
        assert!(alone(&ended, &[image(None), feed.clone()]));
        assert!(!alone(&ended, &[feed]));
        let made = json!({ "Image": "x:2", "FeedId": "Feeds-1" });
        let whole = |after| [field(CONTAINER, Some(made.clone()), after)];
        assert!(alone(&ended, &whole(None)));
        assert!(alone(&ended, &whole(Some(json!({ "Image": null, "FeedId": null })))));
        for evil in [json!({ "Image": "evil" }), json!({ "Dockerfile": "evil" }), json!("evil")] {
            assert!(!alone(&ended, &whole(Some(evil))));
        }
    }
}
