//! Projects, runbooks, and what else may point at a pool.

use super::{
    Endpoint,
    tolerant::{Text, or_default},
};
use serde::{Deserialize, Deserializer};

/// A project.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Project {
    /// `Projects-1`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The group that it is in.
    #[serde(default, deserialize_with = "or_default")]
    pub project_group_id: String,
    /// Whether its deployment process is in Git.
    #[serde(default, deserialize_with = "or_default")]
    pub is_version_controlled: bool,
    /// Where its parts are kept.
    #[serde(default, deserialize_with = "or_default")]
    pub persistence_settings: PersistenceSettings,
    /// Its deployment process.
    #[serde(default, deserialize_with = "or_default")]
    pub deployment_process_id: String,
    /// Its variables.
    #[serde(default, deserialize_with = "or_default")]
    pub variable_set_id: String,
}

/// Where the parts of a project are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PersistenceSettings {
    /// `Database` or `VersionControlled`.
    #[serde(deserialize_with = "or_default")]
    pub r#type: String,
    /// What besides the deployment process is in Git.
    #[serde(deserialize_with = "or_default")]
    pub conversion_state: ConversionState,
    /// The repository.
    #[serde(deserialize_with = "or_default")]
    pub url: String,
    /// The branch that counts where none is said: `main`, or `refs/heads/main`.
    #[serde(deserialize_with = "or_default")]
    pub default_branch: String,
    /// Whether the default branch is protected.
    #[serde(deserialize_with = "or_default")]
    pub protected_default_branch: bool,
    /// The protected branches, by wildcards: `release/*`.
    #[serde(deserialize_with = "or_default")]
    pub protected_branch_name_patterns: Vec<String>,
}

/// What of a version-controlled project besides its deployment process is in Git.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ConversionState {
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
pub struct GitBranch {
    /// Its short name.
    pub name: String,
    /// Whether the server refuses to commit to it.
    #[serde(default, deserialize_with = "or_default")]
    pub is_protected: bool,
}

/// A runbook.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Runbook {
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
}

/// A deployment target.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Target {
    /// `Machines-1`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How it is reached, and the pool whose workers act for it.
    #[serde(default, deserialize_with = "or_default")]
    pub endpoint: Endpoint,
}

/// A library variable set.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LibraryVariableSet {
    /// `LibraryVariableSets-1`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its variables.
    #[serde(default, deserialize_with = "or_default")]
    pub variable_set_id: String,
}

/// A variable set, with its worker-pool variables alone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct VariableSet {
    /// `variableset-Projects-1`.
    pub id: String,
    /// Its project or library.
    #[serde(default, deserialize_with = "or_default")]
    pub owner_id: String,
    /// Its variables of type worker pool.
    #[serde(default, deserialize_with = "worker_pools")]
    pub variables: Vec<Variable>,
}

/// A variable of type worker pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// The pool's id; empty where it has none.
    pub value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AnyVariable {
    #[serde(default, deserialize_with = "or_default")]
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    r#type: String,
    #[serde(default)]
    value: Option<Text>,
}

/// The variables of type worker pool; the values of all others are forgotten at once.
fn worker_pools<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Variable>, D::Error> {
    let all: Vec<AnyVariable> = or_default(deserializer)?;
    let pools = all.into_iter().filter(|it| it.r#type.eq_ignore_ascii_case("WorkerPool"));
    Ok(pools
        .map(|AnyVariable { name, value, .. }| {
            let value = value.and_then(Text::into_text).unwrap_or_default();
            Variable { name, value }
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_variables_those_that_choose_a_pool_are_kept() {
        let set: VariableSet = serde_json::from_str(
            r#"{"Id":"variableset-Projects-1","OwnerId":"Projects-1","Variables":[
                {"Name":"Password","Type":"Sensitive","Value":null,"IsSensitive":true},
                {"Name":"Pool","Type":"WorkerPool","Value":"WorkerPools-1"},
                {"Name":"Empty","Type":"WorkerPool","Value":null}]}"#,
        )
        .unwrap();
        let pools: Vec<_> =
            set.variables.iter().map(|it| (it.name.as_str(), it.value.as_str())).collect();
        assert_eq!(pools, [("Pool", "WorkerPools-1"), ("Empty", "")]);
    }
}
