//! The details of a finding, and the objects that it is about.

use crate::model::Address;

use serde::{Deserialize, Serialize};
use std::{fmt, ops::Deref};

/// A detail of a finding, such as one of the steps that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The detail, in words.
    text: String,
    /// The object that the detail is about; `None` for a remark about the finding as a whole.
    pub subject: Option<Box<Subject>>,
}

/// An object that a finding is about, as far as it can be named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Subject {
    /// Its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// The project that it belongs to, if no address says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The space that it is in, if that is not the plan's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub space: Option<String>,
    /// The workers because of which it is reported.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub workers: Vec<String>,
}

impl Note {
    /// Creates a note about an object.
    pub fn about(text: impl Into<String>, subject: Subject) -> Self {
        Self { text: text.into(), subject: Some(Box::new(subject)) }
    }

    /// Creates a note about the object at an address.
    pub fn at(text: impl Into<String>, address: Address) -> Self {
        Self::about(text, Subject { address: Some(address), ..Subject::default() })
    }

    /// Returns the detail, in words.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Changes the text.
    pub(super) fn map_text(&mut self, change: impl Fn(&str) -> String) {
        self.text = change(&self.text);
    }
}

impl Deref for Note {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl From<String> for Note {
    fn from(text: String) -> Self {
        Self { text, subject: None }
    }
}

impl From<&str> for Note {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl From<&Address> for Note {
    fn from(address: &Address) -> Self {
        Self::at(address.to_string(), address.clone())
    }
}

/// A message that says how many objects it is about, so that it can be written for fewer of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedMessage {
    before: String,
    unit: CountUnit,
    after: String,
    /// How many objects there may be without a finding.
    pub tolerated: usize,
}

/// The words for a number of objects: those for one, and those that follow a larger number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountUnit {
    /// The words for one, such as `1 step`.
    pub one: &'static str,
    /// The words after a larger number, such as `steps`.
    pub many: &'static str,
}

impl CountUnit {
    /// Steps.
    pub const STEPS: Self = Self { one: "1 step", many: "steps" };
}

impl CountedMessage {
    /// Creates a message from the words before the number, the unit, and the words after it.
    pub fn new(before: impl Into<String>, unit: CountUnit, after: impl Into<String>) -> Self {
        Self { before: before.into(), unit, after: after.into(), tolerated: 0 }
    }

    /// Tolerates this many objects: with fewer, there is no finding.
    #[must_use]
    pub fn tolerate(self, tolerated: usize) -> Self {
        Self { tolerated, ..self }
    }

    /// Creates a message that begins with a number of steps.
    pub fn steps(after: impl Into<String>) -> Self {
        Self::new("", CountUnit::STEPS, after)
    }

    /// Returns the message for this number of objects.
    pub fn for_count(&self, number: usize) -> String {
        let Self { before, unit: CountUnit { one, many }, after, .. } = self;
        match number {
            1 => format!("{before}{one}{after}"),
            _ => format!("{before}{number} {many}{after}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counted_message_has_singular_and_plural_forms() {
        let message = CountedMessage::new("pool `a` goes while ", CountUnit::STEPS, " run in it");
        assert_eq!(message.for_count(1), "pool `a` goes while 1 step run in it");
        assert_eq!(message.for_count(3), "pool `a` goes while 3 steps run in it");
    }
}
