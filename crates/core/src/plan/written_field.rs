//! A field of a document, before and after a write.

use super::{Field, StepPart};
use crate::text::secret::KEY_WITHHELD;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// A side of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldSide {
    /// The value before the write.
    Before,
    /// The value after the write.
    After,
}

/// A field that was written. `None` is a field that is absent, which is not the same as `null`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenField {
    /// The field.
    #[serde(rename = "path")]
    pub field: Field,
    /// The value before the write.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "deserialize_present"
    )]
    pub before: Option<Value>,
    /// The value after the write.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "deserialize_present"
    )]
    pub after: Option<Value>,
    /// The original spelling of `before` as JSON, if this tool would escape or space it differently.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_text: Option<String>,
    /// The spelling for `after`, if a rollback restores the original. `after` decides: a text that
    /// means anything else is not used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_text: Option<String>,
}

impl WrittenField {
    /// Creates a field in this tool's spelling.
    pub fn new(field: impl Into<Field>, before: Option<Value>, after: Option<Value>) -> Self {
        Self { field: field.into(), before, after, before_text: None, after_text: None }
    }

    /// Returns the value before or after the write.
    pub fn value(&self, side: FieldSide) -> Option<&Value> {
        match side {
            FieldSide::Before => self.before.as_ref(),
            FieldSide::After => self.after.as_ref(),
        }
    }

    /// Whether a value was printed without the key in it, so that it is not the one that was there.
    pub fn is_withheld(&self) -> bool {
        let Self { field: _, before, after, before_text, after_text } = self;
        let values = [before, after].into_iter().flatten().map(Value::to_string);
        let texts = [before_text, after_text].into_iter().flatten().cloned();
        values.chain(texts).any(|text| text.contains(KEY_WITHHELD))
    }

    /// Returns the part of a step that the field belongs to, or `None` if it is not a step's field.
    pub(crate) fn step_part(&self) -> Option<StepPart> {
        match self.field {
            Field::Step(field) => Some(field.part()),
            _ => None,
        }
    }

    /// Returns whether `before_text` is absent and `after_text`, if it parses as JSON, means `after`.
    pub(super) fn has_valid_spelling(&self) -> bool {
        let text = self.after_text.as_deref();
        let read = text.and_then(|text| serde_json::from_str::<Value>(text).ok());
        self.before_text.is_none() && (read.is_none() || read == self.after)
    }

    /// Returns the field with its sides swapped, in its original spelling.
    pub fn to_reversed(&self) -> Self {
        let Self { field, before, after, before_text, after_text: _ } = self.clone();
        Self { field, before: after, after: before, before_text: None, after_text: before_text }
    }

    /// Merges the fields of a request into those of earlier requests; the first `before` is kept.
    pub fn merge_into(known: &mut Vec<Self>, written: &[Self]) {
        for field in written {
            match known.iter_mut().find(|other| other.field == field.field) {
                Some(known) => known.after.clone_from(&field.after),
                None => known.push(field.clone()),
            }
        }
    }
}

/// Reads a field that is present, `null` included; by default serde reads `null` as absent.
fn deserialize_present<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}
