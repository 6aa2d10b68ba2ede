//! Whether something in a plan is new with a change of the files.

use serde::{Deserialize, Serialize};

/// Where a change or a finding of a plan comes from, if the plan is compared with that of other files, its base.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeOrigin {
    /// The base does not ask for it.
    Brought,
    /// The base asks for it too, in the same way.
    Pending,
}
