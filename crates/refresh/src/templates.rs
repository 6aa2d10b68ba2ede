//! Pools given to the parameters of templates: by tenants, or by the templates' own defaults.
//!
//! # Source
//!
//! `GET …/tenantvariables/all` returns the values of all tenants at once. A step template's default may be
//! a pool's name instead of its id, which fails when the step runs (`api.md` 2.11).

use super::{
    RefreshError, SpaceReading, by_id::ById, grouped_projects::includes_library,
    item_errors::list_or_unread,
};
use poolwright_client::octopus::wire;
use poolwright_core::{
    live::{
        HiddenData, LiveVariableScope, PoolReference, PoolReferenceKind, PoolVariable, UnreadPart,
        ValueSource, VariableOwner,
    },
    model::{Id, Name},
    scope::ReadScope,
};

use std::collections::HashSet;

/// The projects and libraries whose templates are read.
pub(super) struct TemplateOwners<'a> {
    pub(super) projects: &'a [wire::ProjectResource],
    pub(super) libraries: &'a [wire::LibraryVariableSetResource],
    /// The names of environments and channels by id.
    pub(super) names: &'a ById<String>,
}

/// The pools given to the parameters of templates.
#[derive(Debug, Default)]
pub(super) struct TemplateValues {
    /// Descriptions, to check before a pool is deleted.
    pub(super) references: Vec<PoolReference>,
    /// Tenants and environments, to determine where a step runs.
    pub(super) values: Vec<PoolVariable>,
}

/// Reads the values from tenants, variable templates and step templates, and adds an unread part for each list
/// that cannot be read.
pub(super) async fn read_templates(
    reading: &SpaceReading<'_>,
    scope: &ReadScope,
    owners: &TemplateOwners<'_>,
    unread_parts: &mut Vec<UnreadPart>,
) -> Result<TemplateValues, RefreshError> {
    let mut found = TemplateValues::default();
    for project in owners.projects {
        let whose = format!("project {:?}", project.name);
        let name = Name::new(&project.name);
        found.references.extend(default_references(&project.templates, &whose, Some(name.clone())));
        let owner = VariableOwner::Project(name);
        found.values.extend(owners.default_values(&project.templates, &owner));
    }
    for library in owners.libraries {
        let whose = format!("library variable set {:?}", library.name);
        found.references.extend(default_references(&library.templates, &whose, None));
        let owner = VariableOwner::Library(Name::new(&library.name));
        found.values.extend(owners.default_values(&library.templates, &owner));
    }
    // A scope of one project does not need the space's step templates, and needs tenants only if the project
    // has parameters.
    let reader = &reading.reader;
    let is_one_project = scope.project.is_some();
    if !is_one_project || !found.values.is_empty() {
        let tenants = reader.list_tenant_variables().await;
        let tenants = list_or_unread(
            reading,
            "the variables of tenants",
            tenants,
            HiddenData::PoolReferences,
            unread_parts,
        )?;
        found.references.extend(tenants.iter().flat_map(tenant_references));
        found.values.extend(tenants.iter().flat_map(|it| owners.tenant_values(it)));
    }
    if !is_one_project {
        let steps = reader.list_step_templates().await;
        let steps = list_or_unread(
            reading,
            "the step templates",
            steps,
            HiddenData::PoolReferences,
            unread_parts,
        )?;
        found.references.extend(steps.iter().flat_map(parameter_references));
    }
    Ok(found)
}

impl TemplateOwners<'_> {
    /// Returns the projects that use a template's variable.
    fn projects_using(&self, owner: &VariableOwner) -> Vec<Name> {
        match owner {
            VariableOwner::Project(name) => vec![name.clone()],
            VariableOwner::Library(name) => {
                let set = self.libraries.iter().find(|library| Name::new(&library.name) == *name);
                let includes_this = |project: &&wire::ProjectResource| {
                    set.is_some_and(|set| includes_library(project, set))
                };
                let projects = self.projects.iter().filter(includes_this);
                projects.map(|it| Name::new(&it.name)).collect()
            }
        }
    }

    /// Returns the values that apply when a tenant gives none, empty ones included.
    fn default_values(
        &self,
        templates: &[wire::ActionTemplateParameterResource],
        owner: &VariableOwner,
    ) -> Vec<PoolVariable> {
        let projects = self.projects_using(owner);
        let pool_variable = |template: &wire::ActionTemplateParameterResource| PoolVariable {
            set: Id::new(""),
            id: Id::new(""),
            name: Name::new(&template.name),
            owner: owner.clone(),
            projects: projects.clone(),
            scope: LiveVariableScope::default(),
            pool: (!template.default.is_empty()).then(|| Id::new(&template.default)),
            source: ValueSource::TemplateDefault,
            branch: None,
        };
        templates.iter().map(pool_variable).collect()
    }

    /// Returns a tenant's values; an environment whose name cannot be seen keeps its id.
    fn tenant_values(&self, tenant: &wire::TenantVariableResource) -> Vec<PoolVariable> {
        let pool_variable = |value: &wire::TenantValue| {
            let owner = if value.project.is_empty() {
                VariableOwner::Library(Name::new(&value.library))
            } else {
                VariableOwner::Project(Name::new(&value.project))
            };
            let id = value.environment.as_str();
            let environment = self.names.get(id).map_or(id, String::as_str);
            let environments = Some(environment).filter(|it| !it.is_empty());
            PoolVariable {
                set: Id::new(""),
                id: Id::new(""),
                name: Name::new(&value.name),
                projects: self.projects_using(&owner),
                owner,
                scope: LiveVariableScope {
                    environments: environments.map(str::to_owned).into_iter().collect(),
                    tenants: vec![tenant.tenant_name.clone()],
                    ..LiveVariableScope::default()
                },
                pool: Some(Id::new(&value.pool)),
                source: ValueSource::Set,
                branch: None,
            }
        };
        tenant.values.iter().map(pool_variable).collect()
    }
}

/// Returns references from the pools that apply when a tenant gives none.
fn default_references(
    templates: &[wire::ActionTemplateParameterResource],
    whose: &str,
    project: Option<Name>,
) -> impl Iterator<Item = PoolReference> {
    let with_default = templates.iter().filter(|it| !it.default.is_empty());
    with_default.map(move |template| PoolReference {
        kind: PoolReferenceKind::VariableTemplate,
        what: format!("the default of variable template {:?} of {whose}", template.name),
        holder: None,
        variable: Some(template.name.clone()),
        project: project.clone(),
        pool: Id::new(&template.default),
    })
}

/// Returns a tenant's references, each once however many environments it is given for.
fn tenant_references(tenant: &wire::TenantVariableResource) -> impl Iterator<Item = PoolReference> {
    let mut seen = HashSet::new();
    let identity_key = |tenant: &wire::TenantValue| {
        [&tenant.name, &tenant.project, &tenant.library, &tenant.pool].map(String::clone)
    };
    tenant.values.iter().filter(move |it| seen.insert(identity_key(it))).map(|value| {
        let (whose, project) = if value.project.is_empty() {
            (format!("library variable set {:?}", value.library), None)
        } else {
            (format!("project {:?}", value.project), Some(Name::new(&value.project)))
        };
        let (name, tenant) = (&value.name, &tenant.tenant_name);
        PoolReference {
            kind: PoolReferenceKind::TenantVariable,
            what: format!("variable {name:?} of {whose} for tenant {tenant:?}"),
            holder: None,
            variable: Some(name.clone()),
            project,
            pool: Id::new(&value.pool),
        }
    })
}

fn parameter_references(
    template: &wire::ActionTemplateResource,
) -> impl Iterator<Item = PoolReference> {
    let with_default = template.parameters.iter().filter(|it| !it.default.is_empty());
    with_default.map(|parameter| {
        let (name, template) = (&parameter.name, &template.name);
        PoolReference {
            kind: PoolReferenceKind::StepTemplate,
            what: format!("the default of parameter {name:?} of step template {template:?}"),
            holder: None,
            variable: None,
            project: None,
            pool: Id::new(&parameter.default),
        }
    })
}
