//! The server's feature switches.

use super::{
    ChangeWriter, WriteResult, WriteSuccess,
    field::{FieldChange, FieldComparison},
};
use crate::octopus::Resource;
use poolwright_core::plan::ServerField;

use serde_json::json;

impl ChangeWriter<'_> {
    /// # Source
    ///
    /// `PUT /api/featuresconfiguration` turns off every switch that is left out, so the whole document is sent.
    pub(super) async fn set_built_in_worker(
        &self,
        index: usize,
        on: bool,
    ) -> WriteResult<WriteSuccess> {
        let wanted = FieldChange::new_change(
            ServerField::BuiltInWorker,
            json!(!on),
            json!(on),
            FieldComparison::Flag,
        );
        self.modify_document(index, &Resource::Features, &[wanted]).await
    }
}
