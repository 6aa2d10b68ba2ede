//! Where the actions of a process are in its document.

use super::WriteResult;
use crate::octopus::document::JsonDocument;

use serde::Deserialize;
use std::collections::HashMap;

/// Returns the index of each action's step and of the action in it, by action id.
pub(super) fn locate_actions(
    document: &JsonDocument,
) -> WriteResult<HashMap<String, (usize, usize)>, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct ProcessActions {
        steps: Option<Vec<StepActions>>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct StepActions {
        actions: Option<Vec<ActionId>>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct ActionId {
        id: Option<String>,
    }
    let process: ProcessActions =
        serde_json::from_str(&document.to_text()).map_err(|error| error.to_string())?;
    let mut places = HashMap::new();
    for (at, step) in process.steps.unwrap_or_default().into_iter().enumerate() {
        for (inner, action) in step.actions.unwrap_or_default().into_iter().enumerate() {
            let id = action.id.unwrap_or_default();
            let duplicate_message = format!("the process has two actions with the id `{id}`");
            if places.insert(id, (at, inner)).is_some() {
                return Err(duplicate_message);
            }
        }
    }
    Ok(places)
}
