//! A document that a request touched.

use crate::kind::DocumentKind;
use serde_json::Value;

/// A touched document: before the first change, and after the last.
pub(crate) struct DocumentChange {
    pub(crate) id: String,
    pub(crate) kind: &'static DocumentKind,
    pub(crate) old: Option<Value>,
    pub(crate) new: Option<Value>,
}
