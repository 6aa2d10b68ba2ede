//! Writes to the server's own switches.

use crate::{
    apply::desk::{Desk, Made, Trouble},
    octopus::{Resource, document::Segment},
};
use serde_json::json;

/// Switches the built-in worker.
///
/// # Source
///
/// `api.md` 2.6: no version, and a field that is left out may be read as false, so the whole goes back.
pub(super) async fn switch(desk: &Desk, on: bool) -> Result<Made, Trouble> {
    let path = [Segment::Key("IsBuiltInWorkerEnabled")];
    desk.edit(&Resource::Features, |draft| draft.set(&path, &json!(on))).await
}
