//! Processes, without the scripts inside them.

use super::tolerant::{LenientText, or_default};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use std::fmt;

/// A deployment or runbook process.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProcessResource {
    /// `deploymentprocess-Projects-1`.
    pub id: String,
    /// Its project.
    #[serde(default, deserialize_with = "or_default")]
    pub project_id: String,
    /// Its runbook; empty for a deployment process.
    #[serde(default, deserialize_with = "or_default")]
    pub runbook_id: String,
    /// Its steps, in order.
    #[serde(default, deserialize_with = "or_default")]
    pub steps: Vec<DeploymentStepResource>,
}

/// A step: one action, or several that run target by target.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeploymentStepResource {
    /// Its id.
    #[serde(default, deserialize_with = "or_default")]
    pub id: String,
    /// Its slug; empty on old servers.
    #[serde(default, deserialize_with = "or_default")]
    pub slug: String,
    /// Its name.
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    /// The properties that decide where it runs.
    #[serde(default, deserialize_with = "or_default")]
    pub properties: PlacementProperties,
    /// Its actions, in order.
    #[serde(default, deserialize_with = "or_default")]
    pub actions: Vec<DeploymentActionResource>,
}

/// An action of a step.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeploymentActionResource {
    /// Its id.
    pub id: String,
    /// Its slug; empty on old servers.
    #[serde(default, deserialize_with = "or_default")]
    pub slug: String,
    /// Its name.
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    /// Its type: `Octopus.Script`.
    #[serde(default, deserialize_with = "or_default")]
    pub action_type: String,
    /// Its pool; empty for none.
    #[serde(default, deserialize_with = "or_default")]
    pub worker_pool_id: String,
    /// The variable that selects its pool; empty for none.
    #[serde(default, deserialize_with = "or_default")]
    pub worker_pool_variable: String,
    /// The container that it runs in.
    #[serde(default, deserialize_with = "or_default")]
    pub container: DeploymentActionContainerResource,
    /// The ids of the channels to which it is limited; empty for all of them.
    #[serde(default, deserialize_with = "or_default")]
    pub channels: Vec<String>,
    /// The properties that decide where it runs.
    #[serde(default, deserialize_with = "or_default")]
    pub properties: PlacementProperties,
    /// Whether it is skipped.
    #[serde(default, deserialize_with = "or_default")]
    pub is_disabled: bool,
}

/// The container of a [`DeploymentActionResource`]; its fields are empty for none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DeploymentActionContainerResource {
    /// The image, with its tag.
    #[serde(deserialize_with = "or_default")]
    pub image: String,
    /// The feed of the image.
    #[serde(deserialize_with = "or_default")]
    pub feed_id: String,
    /// The Dockerfile of an image that is built.
    #[serde(deserialize_with = "or_default")]
    pub dockerfile: String,
    /// The repository of the Dockerfile.
    #[serde(deserialize_with = "or_default")]
    pub git_url: String,
}

/// The properties that decide where a step runs; all others are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlacementProperties {
    /// `Octopus.Action.RunOnServer` of an action; empty if absent.
    pub run_on_server: String,
    /// `Octopus.Action.TargetRoles` of a step; old data has it on the action.
    pub target_roles: String,
    /// User-defined properties with a short text each, such as the arguments of a step template.
    pub parameters: Vec<(String, String)>,
}

/// The longest parameter value that is kept, in bytes: no pool name is longer.
const LONGEST: usize = 200;

impl<'de> Deserialize<'de> for PlacementProperties {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PropertiesVisitor)
    }
}

struct PropertiesVisitor;

impl<'de> Visitor<'de> for PropertiesVisitor {
    type Value = PlacementProperties;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("properties by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PlacementProperties, A::Error> {
        let mut properties = PlacementProperties::default();
        while let Some(name) = map.next_key::<String>()? {
            // The server ignores case in property names.
            let value = match name.to_ascii_lowercase().as_str() {
                "octopus.action.runonserver" => &mut properties.run_on_server,
                "octopus.action.targetroles" => &mut properties.target_roles,
                other if other.starts_with("octopus.") => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
                _ => {
                    let value = map.next_value::<LenientText>()?.into_text();
                    let value = value.filter(|text| !text.is_empty() && text.len() <= LONGEST);
                    properties.parameters.extend(value.map(|value| (name, value)));
                    continue;
                }
            };
            *value = map.next_value::<LenientText>()?.into_text().unwrap_or_default();
        }
        Ok(properties)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_without_its_scripts() {
        let process: ProcessResource = serde_json::from_str(
            r#"{"Id":"deploymentprocess-Projects-1","ProjectId":"Projects-1","LastSnapshotId":null,"Steps":[{
                "Name":"Deploy","Properties":{"Octopus.Action.TargetRoles":"web"},"Actions":[{
                    "Id":"a","Name":"Deploy","ActionType":"Octopus.Script","WorkerPoolId":null,
                    "WorkerPoolVariable":"","Container":{"Image":null,"FeedId":null},
                    "Properties":{"Octopus.Action.Script.ScriptBody":"echo","octopus.action.runonserver":"True",
                        "Secret":{"HasValue":true}}}]}]}"#,
        )
        .unwrap();
        let step = &process.steps[0];
        assert_eq!(step.properties.target_roles, "web");
        assert_eq!(step.actions[0].properties.run_on_server, "True");
        assert_eq!(step.actions[0].container, DeploymentActionContainerResource::default());
    }

    #[test]
    fn a_non_string_property_does_not_break_the_process() {
        let read = |value: &str| {
            let text = format!(r#"{{"Octopus.Action.RunOnServer":{value}}}"#);
            serde_json::from_str::<PlacementProperties>(&text).unwrap().run_on_server
        };
        let values = ["null", "true", "7", r#"{"HasValue":true}"#, r#""f\u0061lse""#].map(read);
        assert_eq!(values, ["", "True", "", "", "false"]);
        let too_large = format!("[{}]", "9".repeat(400));
        let values = ["1E+400", too_large.as_str(), r#"{"x":-1E+400}"#, r#""\ud800""#].map(read);
        assert_eq!(values, [""; 4]);
    }
}
