//! A process with the steps of process templates in place of their usages.
//!
//! A resolved process is only read for what it adds, never written, so nothing is required, not even an id.

use super::{
    process::{
        DeploymentActionContainerResource, DeploymentActionResource, DeploymentStepResource,
        PlacementProperties,
    },
    tolerant::{non_null_items, optional_items, or_default},
};
use serde::Deserialize;

/// `GET …/deploymentprocesses/resolved`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ResolvedProcessResource {
    /// Its steps, in order; `None` if the response has no list of them.
    #[serde(deserialize_with = "optional_items")]
    pub steps: Option<Vec<ResolvedStepResource>>,
}

/// A step of a [`ResolvedProcessResource`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ResolvedStepResource {
    /// Its id.
    #[serde(deserialize_with = "or_default")]
    pub id: String,
    /// Its slug.
    #[serde(deserialize_with = "or_default")]
    pub slug: String,
    /// Its name.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// The properties that decide where it runs.
    #[serde(deserialize_with = "or_default")]
    pub properties: PlacementProperties,
    /// Its actions, in order.
    #[serde(deserialize_with = "non_null_items")]
    pub actions: Vec<ResolvedActionResource>,
}

/// An action of a [`ResolvedStepResource`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ResolvedActionResource {
    /// Its id.
    #[serde(deserialize_with = "or_default")]
    pub id: String,
    /// Its slug.
    #[serde(deserialize_with = "or_default")]
    pub slug: String,
    /// Its name.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// Its type: `Octopus.Script`.
    #[serde(deserialize_with = "or_default")]
    pub action_type: String,
    /// Its pool; empty for none.
    #[serde(deserialize_with = "or_default")]
    pub worker_pool_id: String,
    /// The variable or parameter that selects its pool; empty for none.
    #[serde(deserialize_with = "or_default")]
    pub worker_pool_variable: String,
    /// The ids of the channels to which it is limited; empty for all of them.
    #[serde(deserialize_with = "non_null_items")]
    pub channels: Vec<String>,
    /// The properties that decide where it runs.
    #[serde(deserialize_with = "or_default")]
    pub properties: PlacementProperties,
    /// Whether it is skipped.
    #[serde(deserialize_with = "or_default")]
    pub is_disabled: bool,
}

impl From<ResolvedStepResource> for DeploymentStepResource {
    fn from(step: ResolvedStepResource) -> Self {
        let ResolvedStepResource { id, slug, name, properties, actions } = step;
        Self { id, slug, name, properties, actions: actions.into_iter().map(Into::into).collect() }
    }
}

impl From<ResolvedActionResource> for DeploymentActionResource {
    fn from(action: ResolvedActionResource) -> Self {
        Self {
            id: action.id,
            slug: action.slug,
            name: action.name,
            action_type: action.action_type,
            worker_pool_id: action.worker_pool_id,
            worker_pool_variable: action.worker_pool_variable,
            container: DeploymentActionContainerResource::default(),
            channels: action.channels,
            properties: action.properties,
            is_disabled: action.is_disabled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_steps_actions_and_channels_are_ignored() {
        let text = r#"{ "Steps": [null, { "Name": "Call", "Actions": [null, { "Name": "Call", "Channels": [null] }] }] }"#;
        let resolved: ResolvedProcessResource = serde_json::from_str(text).unwrap();
        let steps = resolved.steps.unwrap();
        assert_eq!(steps.len(), 1);
        assert_eq!(steps[0].actions.len(), 1);
        assert_eq!(steps[0].actions[0].channels, [""; 0]);
        // A list of nothing is a list, and `null` is none.
        let steps = |text| serde_json::from_str::<ResolvedProcessResource>(text).unwrap().steps;
        assert_eq!(steps(r#"{ "Steps": [null] }"#), Some(Vec::new()));
        assert_eq!((steps(r#"{ "Steps": null }"#), steps("{}")), (None, None));
    }
}
