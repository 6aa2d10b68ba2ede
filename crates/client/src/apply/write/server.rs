//! The server's switches.

use super::{
    Result, Writes, Wrote,
    field::{Alike, Wanted},
};
use crate::octopus::Resource;
use serde_json::json;

impl Writes<'_> {
    /// # Source
    ///
    /// `PUT /api/featuresconfiguration` takes a switch that is left out for one that is off, so the
    /// whole document goes back.
    pub(super) async fn set_built_in_worker(&self, index: usize, on: bool) -> Result<Wrote> {
        let wanted =
            Wanted::change(&["IsBuiltInWorkerEnabled"], json!(!on), json!(on), Alike::Flag);
        self.modify(index, &Resource::Features, &[wanted]).await
    }
}
