//! A document that a request touched.

use crate::kind::DocumentKind;
use serde_json::Value;

/// A document that was touched: as it was before the first time, and as it is after the last.
pub(crate) struct DocumentChange {
    pub(crate) id: String,
    pub(crate) kind: &'static DocumentKind,
    pub(crate) old: Option<Value>,
    pub(crate) new: Option<Value>,
}
