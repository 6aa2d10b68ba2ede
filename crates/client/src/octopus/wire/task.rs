//! Server tasks.

use super::tolerant::or_default;
use serde::Deserialize;

/// A task of the server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TaskResource {
    /// `ServerTasks-21`.
    pub id: String,
    /// `Queued`, `Executing`, `Cancelling`, `Success`, `Failed`, `Canceled`, `TimedOut`.
    #[serde(default, deserialize_with = "or_default")]
    pub state: String,
}
