//! Projects, runbooks, and everything else that may refer to a pool.

use super::{
    ActionTemplateParameterResource, EndpointResource, NamedResource, tenant,
    tolerant::{LenientText, or_default},
};
use serde::{Deserialize, de::IgnoredAny};

/// A project.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProjectResource {
    /// `Projects-1`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its name in URLs; empty on old servers.
    #[serde(default, deserialize_with = "or_default")]
    pub slug: String,
    /// The group that it is in.
    #[serde(default, deserialize_with = "or_default")]
    pub project_group_id: String,
    /// Whether its deployment process is in Git.
    #[serde(default, deserialize_with = "or_default")]
    pub is_version_controlled: bool,
    /// Where its parts are kept.
    #[serde(default, deserialize_with = "or_default")]
    pub persistence_settings: PersistenceSettingsResource,
    /// Its deployment process.
    #[serde(default, deserialize_with = "or_default")]
    pub deployment_process_id: String,
    /// Its variables.
    #[serde(default, deserialize_with = "or_default")]
    pub variable_set_id: String,
    /// Its tags, `Set/Tag`; empty on servers before 2025.4, where projects have none.
    #[serde(default, deserialize_with = "or_default")]
    pub project_tags: Vec<String>,
    /// The library variable sets that it includes.
    #[serde(default, deserialize_with = "or_default")]
    pub included_library_variable_set_ids: Vec<String>,
    /// The worker-pool variables for which its tenants give values.
    #[serde(default, deserialize_with = "tenant::pool_templates")]
    pub templates: Vec<ActionTemplateParameterResource>,
}

/// Where the parts of a project are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PersistenceSettingsResource {
    /// `Database` or `VersionControlled`.
    #[serde(deserialize_with = "or_default")]
    pub r#type: String,
    /// The parts besides the deployment process that are in Git.
    #[serde(deserialize_with = "or_default")]
    pub conversion_state: ConversionStateResource,
    /// The repository.
    #[serde(deserialize_with = "or_default")]
    pub url: String,
    /// The default branch: `main`, or `refs/heads/main`.
    #[serde(deserialize_with = "or_default")]
    pub default_branch: String,
    /// Whether the default branch is protected.
    #[serde(deserialize_with = "or_default")]
    pub protected_default_branch: bool,
    /// The protected branches, by wildcards: `release/*`.
    #[serde(deserialize_with = "or_default")]
    pub protected_branch_name_patterns: Vec<String>,
}

/// The parts of a version-controlled project besides its deployment process that are in Git.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ConversionStateResource {
    /// Its variables.
    #[serde(deserialize_with = "or_default")]
    pub variables_are_in_git: bool,
    /// Its runbooks.
    #[serde(deserialize_with = "or_default")]
    pub runbooks_are_in_git: bool,
}

/// A branch of a version-controlled project's repository.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GitBranchResource {
    /// Its short name.
    pub name: String,
    /// Whether the server refuses to commit to it.
    #[serde(default, deserialize_with = "or_default")]
    pub is_protected: bool,
}

/// A runbook.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RunbookResource {
    /// `Runbooks-1`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its project.
    #[serde(default, deserialize_with = "or_default")]
    pub project_id: String,
    /// Its process.
    #[serde(default, deserialize_with = "or_default")]
    pub runbook_process_id: String,
    /// The published snapshot, which is run by default; empty for none.
    #[serde(default, deserialize_with = "or_default")]
    pub published_runbook_snapshot_id: String,
}

/// A deployment target.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeploymentTargetResource {
    /// `Machines-1`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How it is reached, and the pool of the workers that act for it.
    #[serde(default, deserialize_with = "or_default")]
    pub endpoint: EndpointResource,
    /// Its target tags.
    #[serde(default, deserialize_with = "or_default")]
    pub roles: Vec<String>,
    /// Whether it is excluded from deployments.
    #[serde(default, deserialize_with = "or_default")]
    pub is_disabled: bool,
}

/// A library variable set.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LibraryVariableSetResource {
    /// `LibraryVariableSets-1`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its variables.
    #[serde(default, deserialize_with = "or_default")]
    pub variable_set_id: String,
    /// The worker-pool variables for which tenants give values.
    #[serde(default, deserialize_with = "tenant::pool_templates")]
    pub templates: Vec<ActionTemplateParameterResource>,
}

/// A variable set, with only its worker-pool variables.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "RawVariableSetResource")]
pub struct VariableSetResource {
    /// `variableset-Projects-1`.
    pub id: String,
    /// Its project or library.
    pub owner_id: String,
    /// Its worker-pool variables.
    pub variables: Vec<VariableResource>,
    /// The names of its variables of other types, without duplicates.
    pub other_variables: Vec<String>,
    /// The names of the objects that its scopes refer to.
    pub scope_values: VariableScopeValues,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawVariableSetResource {
    id: String,
    #[serde(default, deserialize_with = "or_default")]
    owner_id: String,
    #[serde(default, deserialize_with = "or_default")]
    variables: Vec<RawVariableResource>,
    #[serde(default, deserialize_with = "or_default")]
    scope_values: VariableScopeValues,
}

impl From<RawVariableSetResource> for VariableSetResource {
    /// Drops the values of all variables of other types at once.
    fn from(set: RawVariableSetResource) -> Self {
        let RawVariableSetResource { id, owner_id, variables, scope_values } = set;
        let is_pool_variable =
            |it: &RawVariableResource| it.r#type.eq_ignore_ascii_case("WorkerPool");
        let (pools, others): (Vec<_>, Vec<_>) = variables.into_iter().partition(is_pool_variable);
        let pool_variable =
            |RawVariableResource { id, name, value, scope, prompt, .. }: RawVariableResource| {
                let value = value.and_then(LenientText::into_text).unwrap_or_default();
                VariableResource { id, name, value, scope, is_asked: prompt.is_some() }
            };
        let mut others: Vec<String> = others.into_iter().map(|it| it.name).collect();
        others.sort();
        others.dedup();
        let variables = pools.into_iter().map(pool_variable).collect();
        Self { id, owner_id, variables, other_variables: others, scope_values }
    }
}

/// The names of the objects that the scopes of a [`VariableSetResource`] refer to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct VariableScopeValues {
    /// Environments.
    #[serde(deserialize_with = "or_default")]
    pub environments: Vec<NamedResource>,
    /// Channels.
    #[serde(deserialize_with = "or_default")]
    pub channels: Vec<NamedResource>,
    /// Tenant tags, whose ids are their canonical names: `Region/Europe`.
    #[serde(deserialize_with = "or_default")]
    pub tenant_tags: Vec<NamedResource>,
}

/// The scope of a variable's value, by ids; tenant tags by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct VariableScopeResource {
    /// Ids of environments.
    #[serde(deserialize_with = "or_default")]
    pub environment: Vec<String>,
    /// Ids of channels.
    #[serde(deserialize_with = "or_default")]
    pub channel: Vec<String>,
    /// Tenant tags: `Region/Europe`.
    #[serde(deserialize_with = "or_default")]
    pub tenant_tag: Vec<String>,
    /// Ids of actions.
    #[serde(deserialize_with = "or_default")]
    pub action: Vec<String>,
    /// Ids of projects and runbooks.
    #[serde(deserialize_with = "or_default")]
    pub process_owner: Vec<String>,
    /// Ids of targets.
    #[serde(deserialize_with = "or_default")]
    pub machine: Vec<String>,
    /// Target tags.
    #[serde(deserialize_with = "or_default")]
    pub role: Vec<String>,
}

/// A value of a worker-pool variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariableResource {
    /// The id of the value; empty on old servers.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The pool's id; empty for none.
    pub value: String,
    /// The scope of the value.
    pub scope: VariableScopeResource,
    /// Whether the value is prompted for, and so may differ each time.
    pub is_asked: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawVariableResource {
    #[serde(default, deserialize_with = "or_default")]
    id: String,
    #[serde(default, deserialize_with = "or_default")]
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    r#type: String,
    #[serde(default)]
    value: Option<LenientText>,
    #[serde(default, deserialize_with = "or_default")]
    scope: VariableScopeResource,
    #[serde(default)]
    prompt: Option<IgnoredAny>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worker_pool_variables_are_read_and_others_kept_by_name() {
        let set: VariableSetResource = serde_json::from_str(
            r#"{"Id":"variableset-Projects-1","OwnerId":"Projects-1","Variables":[
                {"Name":"Password","Type":"Sensitive","Value":null,"IsSensitive":true},
                {"Name":"Pool","Type":"WorkerPool","Value":"WorkerPools-1"},
                {"Name":"Empty","Type":"WorkerPool","Value":null,"Prompt":null},
                {"Name":"Asked","Type":"WorkerPool","Value":null,"Prompt":{"Label":"Pool","Required":true}}]}"#,
        )
        .unwrap();
        let pools = set
            .variables
            .iter()
            .map(|variable| (variable.name.as_str(), variable.value.as_str(), variable.is_asked));
        let pools: Vec<_> = pools.collect();
        let wanted = [("Pool", "WorkerPools-1", false), ("Empty", "", false), ("Asked", "", true)];
        assert_eq!(pools, wanted);
        assert_eq!(set.other_variables, ["Password"]);
    }
}
