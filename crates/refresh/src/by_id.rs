//! Lookup by id. A server may spell an id differently in two documents, so ids are compared ignoring case.

use poolwright_core::text::fold_case;
use std::collections::HashMap;

/// Values by the ids of objects.
#[derive(Clone, Debug)]
pub(super) struct ById<T>(HashMap<String, T>);

impl<T> ById<T> {
    /// Returns the value of an object.
    pub(super) fn get(&self, id: &str) -> Option<&T> {
        self.0.get(&fold_case(id))
    }

    /// Removes and returns the value of an object.
    pub(super) fn remove(&mut self, id: &str) -> Option<T> {
        self.0.remove(&fold_case(id))
    }

    /// Whether an object has a value.
    pub(super) fn contains(&self, id: &str) -> bool {
        self.get(id).is_some()
    }

    /// The number of values.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no values.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<I: AsRef<str>, T> FromIterator<(I, T)> for ById<T> {
    fn from_iter<A: IntoIterator<Item = (I, T)>>(items: A) -> Self {
        Self(items.into_iter().map(|(id, value)| (fold_case(id.as_ref()), value)).collect())
    }
}
