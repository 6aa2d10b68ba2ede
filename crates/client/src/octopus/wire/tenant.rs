//! Parameters whose values are given by tenants, or by steps that use a step template.

use super::tolerant::{LenientText, or_default};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;

/// A worker-pool parameter: a tenant, or a step that uses the template, gives its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionTemplateParameterResource {
    /// Its id.
    pub id: String,
    /// The name of the variable or parameter.
    pub name: String,
    /// The default pool; empty for none.
    pub default: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawActionTemplateParameterResource {
    #[serde(default, deserialize_with = "or_default")]
    id: String,
    #[serde(default, deserialize_with = "or_default")]
    name: String,
    #[serde(default)]
    default_value: Option<LenientText>,
    #[serde(default, deserialize_with = "or_default")]
    display_settings: DisplaySettings,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct DisplaySettings {
    #[serde(rename = "Octopus.ControlType", deserialize_with = "or_default")]
    control_type: String,
}

/// Reads the worker-pool parameters, and drops the defaults of all others at once.
pub(super) fn pool_templates<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<ActionTemplateParameterResource>, D::Error> {
    let all: Vec<RawActionTemplateParameterResource> = or_default(deserializer)?;
    let pools = all.into_iter().filter(|parameter| {
        parameter.display_settings.control_type.eq_ignore_ascii_case("WorkerPool")
    });
    let template =
        |parameter: RawActionTemplateParameterResource| ActionTemplateParameterResource {
            id: parameter.id,
            name: parameter.name,
            default: parameter.default_value.and_then(LenientText::into_text).unwrap_or_default(),
        };
    Ok(pools.map(template).collect())
}

/// A step template.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ActionTemplateResource {
    /// `ActionTemplates-1`.
    pub id: String,
    /// Its name.
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    /// Its worker-pool parameters.
    #[serde(default, deserialize_with = "pool_templates")]
    pub parameters: Vec<ActionTemplateParameterResource>,
}

/// A set of tags for tenants.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TagSetResource {
    /// `TagSets-1`.
    pub id: String,
    /// Its tags.
    #[serde(default, deserialize_with = "or_default")]
    pub tags: Vec<TagResource>,
}

/// A tag of a [`TagSetResource`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TagResource {
    /// Its name.
    pub name: String,
    /// The name of its set and its own, as used in scopes: `Region/Europe`.
    pub canonical_tag_name: String,
}

/// The pools that a tenant gives to parameters.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "RawTenantVariableResource")]
pub struct TenantVariableResource {
    /// `Tenants-1`.
    pub tenant_id: String,
    /// The tenant's name.
    pub tenant_name: String,
    /// Its worker-pool values.
    pub values: Vec<TenantValue>,
}

/// A pool that a tenant gives to a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantValue {
    /// The name of the variable.
    pub name: String,
    /// The name of the project that declares the parameter; empty for a library's.
    pub project: String,
    /// The name of the library variable set that declares the parameter; empty for a project's.
    pub library: String,
    /// The id of the environment that the value applies to; empty for a library's, which applies to all.
    pub environment: String,
    /// The pool.
    pub pool: String,
}

/// The values that a tenant gives to the parameters of projects and libraries, by their ids.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawTenantVariableResource {
    tenant_id: String,
    #[serde(default, deserialize_with = "or_default")]
    tenant_name: String,
    #[serde(default, deserialize_with = "or_default")]
    project_variables: BTreeMap<String, ProjectTenantVariables>,
    #[serde(default, deserialize_with = "or_default")]
    library_variables: BTreeMap<String, LibraryTenantVariables>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ProjectTenantVariables {
    #[serde(deserialize_with = "or_default")]
    project_name: String,
    #[serde(deserialize_with = "pool_templates")]
    templates: Vec<ActionTemplateParameterResource>,
    /// By environment and parameter.
    #[serde(deserialize_with = "or_default")]
    variables: BTreeMap<String, BTreeMap<String, Option<LenientText>>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct LibraryTenantVariables {
    #[serde(deserialize_with = "or_default")]
    library_variable_set_name: String,
    #[serde(deserialize_with = "pool_templates")]
    templates: Vec<ActionTemplateParameterResource>,
    /// By parameter.
    #[serde(deserialize_with = "or_default")]
    variables: BTreeMap<String, Option<LenientText>>,
}

impl From<RawTenantVariableResource> for TenantVariableResource {
    fn from(raw: RawTenantVariableResource) -> Self {
        let mut values = Vec::new();
        for ProjectTenantVariables { project_name: project, templates, variables } in
            raw.project_variables.into_values()
        {
            for (environment, given) in variables {
                values.extend(pool_values(&templates, given, &project, "", &environment));
            }
        }
        for LibraryTenantVariables { library_variable_set_name: library, templates, variables } in
            raw.library_variables.into_values()
        {
            values.extend(pool_values(&templates, variables, "", &library, ""));
        }
        Self { tenant_id: raw.tenant_id, tenant_name: raw.tenant_name, values }
    }
}

/// Returns the pools among the values given to parameters, by the parameters' ids.
fn pool_values(
    templates: &[ActionTemplateParameterResource],
    values: BTreeMap<String, Option<LenientText>>,
    project: &str,
    library: &str,
    environment: &str,
) -> Vec<TenantValue> {
    let tenant_value = |(id, value): (String, Option<LenientText>)| {
        let template = templates.iter().find(|template| template.id == id)?;
        let pool = value.and_then(LenientText::into_text).filter(|it| !it.is_empty())?;
        Some(TenantValue {
            name: template.name.clone(),
            project: project.to_owned(),
            library: library.to_owned(),
            environment: environment.to_owned(),
            pool,
        })
    };
    values.into_iter().filter_map(tenant_value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_the_pools_among_a_tenants_values_are_kept() {
        let template = |id: &str, name: &str, kind: &str| json!({ "Id": id, "Name": name, "DisplaySettings": { "Octopus.ControlType": kind } });
        let variables: TenantVariableResource = serde_json::from_value(json!({
            "TenantId": "Tenants-1", "TenantName": "Contoso",
            "ProjectVariables": { "Projects-1": {
                "ProjectName": "Web",
                "Templates": [template("a", "Pool", "WorkerPool"), template("b", "Text", "SingleLineText")],
                "Variables": {
                    "Environments-1": { "a": "WorkerPools-1", "b": "no pool" },
                    "Environments-2": { "a": "WorkerPools-1", "b": { "HasValue": true } },
                    "Environments-3": { "a": "WorkerPools-2" },
                },
            } },
            "LibraryVariables": { "LibraryVariableSets-1": {
                "LibraryVariableSetName": "Shared",
                "Templates": [template("c", "Common", "WorkerPool")],
                "Variables": { "c": "WorkerPools-3", "d": null },
            } },
        }))
        .unwrap();
        let describe = |tenant: &TenantValue| {
            format!(
                "{} {}{} {} {}",
                tenant.name, tenant.project, tenant.library, tenant.environment, tenant.pool
            )
        };
        let described: Vec<_> = variables.values.iter().map(describe).collect();
        assert_eq!(
            described,
            [
                "Pool Web Environments-1 WorkerPools-1",
                "Pool Web Environments-2 WorkerPools-1",
                "Pool Web Environments-3 WorkerPools-2",
                "Common Shared  WorkerPools-3"
            ]
        );
    }
}
