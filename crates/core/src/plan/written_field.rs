//! A field of a document, before and after a write.

use super::{Field, StepPart};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// A side of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldSide {
    /// What the field was.
    Before,
    /// What it was made.
    After,
}

/// A field that was written. An absent side is a field that was not there, which is not `null`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenField {
    /// Which field it is.
    #[serde(rename = "path")]
    pub field: Field,
    /// What it was.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "deserialize_present"
    )]
    pub before: Option<Value>,
    /// What it was made.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "deserialize_present"
    )]
    pub after: Option<Value>,
    /// How `before` was spelled, as JSON, where this tool would spell it another way: escaped, or spaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_text: Option<String>,
    /// The spelling of `after`, if a rollback restores it. `after` is what counts: a text that does
    /// not parse to it is ignored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_text: Option<String>,
}

impl WrittenField {
    /// A field that is spelled as this tool does.
    pub fn new(field: impl Into<Field>, before: Option<Value>, after: Option<Value>) -> Self {
        Self { field: field.into(), before, after, before_text: None, after_text: None }
    }

    /// What it was, or what it was made.
    pub fn value(&self, side: FieldSide) -> Option<&Value> {
        match side {
            FieldSide::Before => self.before.as_ref(),
            FieldSide::After => self.after.as_ref(),
        }
    }

    /// The part of a step that it belongs to; none for a field of anything else.
    pub(crate) fn step_part(&self) -> Option<StepPart> {
        match self.field {
            Field::Step(field) => Some(field.part()),
            _ => None,
        }
    }

    /// Whether its spelling, if it has one, is not that of something else.
    pub(super) fn has_valid_spelling(&self) -> bool {
        let text = self.after_text.as_deref();
        let read = text.and_then(|text| serde_json::from_str::<Value>(text).ok());
        self.before_text.is_none() && (read.is_none() || read == self.after)
    }

    /// The same field the other way round, in the spelling that it had.
    pub fn to_reversed(&self) -> Self {
        let Self { field, before, after, before_text, after_text: _ } = self.clone();
        Self { field, before: after, after: before, before_text: None, after_text: before_text }
    }

    /// Adds what a request writes to what earlier requests wrote; what was there first is what was there.
    pub fn merge_into(known: &mut Vec<Self>, written: &[Self]) {
        for field in written {
            match known.iter_mut().find(|other| other.field == field.field) {
                Some(known) => known.after.clone_from(&field.after),
                None => known.push(field.clone()),
            }
        }
    }
}

/// A field that is there, `null` included; serde takes that for one that is not.
fn deserialize_present<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}
