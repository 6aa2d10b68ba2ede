//! Templates of values that are given elsewhere: by tenants, and by steps that use a step template.

use super::tolerant::{LenientText, or_default};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;

/// A template of type worker pool: a value that somebody gives elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionTemplateParameterResource {
    /// Its id.
    pub id: String,
    /// The name of the variable or parameter.
    pub name: String,
    /// The pool where nobody gives one; empty for none.
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

/// The templates of type worker pool; the defaults of all others are forgotten at once.
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
    /// Its parameters of type worker pool.
    #[serde(default, deserialize_with = "pool_templates")]
    pub parameters: Vec<ActionTemplateParameterResource>,
}

/// A set of tags that a tenant can have.
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
    /// The name of its set and its own: `Region/Europe`. This is what scopes have.
    pub canonical_tag_name: String,
}

/// The pools that a tenant gives to templates.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "RawTenantVariableResource")]
pub struct TenantVariableResource {
    /// `Tenants-1`.
    pub tenant_id: String,
    /// The tenant's name.
    pub tenant_name: String,
    /// Its values of type worker pool.
    pub values: Vec<TenantValue>,
}

/// A pool that a tenant gives to a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantValue {
    /// The name of the variable.
    pub name: String,
    /// The name of the project whose template it is; empty for a library's.
    pub project: String,
    /// The name of the library variable set whose template it is; empty for a project's.
    pub library: String,
    /// The id of the environment in which it holds; empty for a library's, which holds in all.
    pub environment: String,
    /// The pool.
    pub pool: String,
}

/// What a tenant gives to the templates of projects and libraries, by their ids.
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
    /// By environment and template.
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
    /// By template.
    #[serde(deserialize_with = "or_default")]
    variables: BTreeMap<String, Option<LenientText>>,
}

impl From<RawTenantVariableResource> for TenantVariableResource {
    fn from(said: RawTenantVariableResource) -> Self {
        let mut values = Vec::new();
        for ProjectTenantVariables { project_name: project, templates, variables } in
            said.project_variables.into_values()
        {
            for (environment, said) in variables {
                values.extend(pool_values(&templates, said, (&project, ""), &environment));
            }
        }
        for LibraryTenantVariables { library_variable_set_name: library, templates, variables } in
            said.library_variables.into_values()
        {
            values.extend(pool_values(&templates, variables, ("", &library), ""));
        }
        Self { tenant_id: said.tenant_id, tenant_name: said.tenant_name, values }
    }
}

/// The pools among the values that are given to templates, by the templates' ids.
fn pool_values(
    templates: &[ActionTemplateParameterResource],
    values: BTreeMap<String, Option<LenientText>>,
    (project, library): (&str, &str),
    environment: &str,
) -> Vec<TenantValue> {
    let tenant_value = |(id, value): (String, Option<LenientText>)| {
        let template = templates.iter().find(|template| template.id == id)?;
        let pool = value.and_then(LenientText::into_text).filter(|it| !it.is_empty())?;
        let (name, project, library) =
            (template.name.clone(), project.to_owned(), library.to_owned());
        Some(TenantValue { name, project, library, environment: environment.to_owned(), pool })
    };
    values.into_iter().filter_map(tenant_value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn of_what_a_tenant_says_the_pools_are_kept() {
        let template = |id: &str, name: &str, kind: &str| json!({ "Id": id, "Name": name, "DisplaySettings": { "Octopus.ControlType": kind } });
        let said: TenantVariableResource = serde_json::from_value(json!({
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
        let told = |tenant: &TenantValue| {
            format!(
                "{} {}{} {} {}",
                tenant.name, tenant.project, tenant.library, tenant.environment, tenant.pool
            )
        };
        let told: Vec<_> = said.values.iter().map(told).collect();
        assert_eq!(
            told,
            [
                "Pool Web Environments-1 WorkerPools-1",
                "Pool Web Environments-2 WorkerPools-1",
                "Pool Web Environments-3 WorkerPools-2",
                "Common Shared  WorkerPools-3"
            ]
        );
    }
}
