//! Pools that are said where a template leaves them open: by tenants, and by the templates themselves.
//!
//! # Source
//!
//! `GET …/tenantvariables/all` has the values of all tenants in one answer. A step template's default may be
//! a pool's name in place of its id, which fails once the step runs (`api.md` 2.11).

use super::{
    RefreshError, SpaceReading, grouped_projects::includes_library, item_errors::list_or_unread,
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

use std::collections::{HashMap, HashSet};

/// Whose templates are read.
pub(super) struct TemplateOwners<'a> {
    pub(super) projects: &'a [wire::ProjectResource],
    pub(super) libraries: &'a [wire::LibraryVariableSetResource],
    /// The names of environments and channels, by their ids.
    pub(super) names: &'a HashMap<String, String>,
}

/// What is said where a template leaves it open.
#[derive(Debug, Default)]
pub(super) struct TemplateValues {
    /// In words, for whoever deletes a pool.
    pub(super) references: Vec<PoolReference>,
    /// With tenants and environments, for whoever asks where a step runs.
    pub(super) values: Vec<PoolVariable>,
}

/// What tenants, variable templates and step templates say, and a gap for what cannot be read.
pub(super) async fn read_templates(
    reading: &SpaceReading<'_>,
    scope: &ReadScope,
    estate: &TemplateOwners<'_>,
    gaps: &mut Vec<UnreadPart>,
) -> Result<TemplateValues, RefreshError> {
    let mut said = TemplateValues::default();
    for project in estate.projects {
        let whose = format!("project {:?}", project.name);
        let name = Name::new(&project.name);
        said.references.extend(default_references(&project.templates, &whose, Some(name.clone())));
        let owner = VariableOwner::Project(name);
        said.values.extend(estate.default_values(&project.templates, &owner));
    }
    for library in estate.libraries {
        let whose = format!("library variable set {:?}", library.name);
        said.references.extend(default_references(&library.templates, &whose, None));
        let owner = VariableOwner::Library(Name::new(&library.name));
        said.values.extend(estate.default_values(&library.templates, &owner));
    }
    // Who asks about one project has no use for the step templates of the space, and for its tenants only
    // where they have something to give.
    let reader = &reading.reader;
    let alone = scope.project.is_some();
    if !alone || !said.values.is_empty() {
        let tenants = reader.list_tenant_variables().await;
        let tenants = list_or_unread(
            reading,
            "the variables of tenants",
            tenants,
            HiddenData::PoolReferences,
            gaps,
        )?;
        said.references.extend(tenants.iter().flat_map(tenant_references));
        said.values.extend(tenants.iter().flat_map(|it| estate.tenant_values(it)));
    }
    if !alone {
        let steps = reader.list_step_templates().await;
        let steps =
            list_or_unread(reading, "the step templates", steps, HiddenData::PoolReferences, gaps)?;
        said.references.extend(steps.iter().flat_map(parameter_references));
    }
    Ok(said)
}

impl TemplateOwners<'_> {
    /// The projects for which a template's variable may choose.
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

    /// What holds where a tenant gives nothing, be it nothing.
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

    /// What a tenant gives; of an environment that has no name that could be seen, under its id.
    fn tenant_values(&self, tenant: &wire::TenantVariableResource) -> Vec<PoolVariable> {
        let pool_variable = |value: &wire::TenantValue| {
            let owner = match value.project.is_empty() {
                true => VariableOwner::Library(Name::new(&value.library)),
                false => VariableOwner::Project(Name::new(&value.project)),
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

/// The pools that hold where a tenant says nothing.
fn default_references(
    templates: &[wire::ActionTemplateParameterResource],
    whose: &str,
    project: Option<Name>,
) -> impl Iterator<Item = PoolReference> {
    let said = templates.iter().filter(|it| !it.default.is_empty());
    said.map(move |template| PoolReference {
        kind: PoolReferenceKind::VariableTemplate,
        what: format!("the default of variable template {:?} of {whose}", template.name),
        holder: None,
        variable: Some(template.name.clone()),
        project: project.clone(),
        pool: Id::new(&template.default),
    })
}

/// What a tenant points at: each pool once, in however many environments it is given.
fn tenant_references(tenant: &wire::TenantVariableResource) -> impl Iterator<Item = PoolReference> {
    let mut told = HashSet::new();
    let identity_key = |tenant: &wire::TenantValue| {
        [&tenant.name, &tenant.project, &tenant.library, &tenant.pool].map(String::clone)
    };
    tenant.values.iter().filter(move |it| told.insert(identity_key(it))).map(|value| {
        let (whose, project) = match value.project.is_empty() {
            true => (format!("library variable set {:?}", value.library), None),
            false => (format!("project {:?}", value.project), Some(Name::new(&value.project))),
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
    let said = template.parameters.iter().filter(|it| !it.default.is_empty());
    said.map(|parameter| {
        let (name, of) = (&parameter.name, &template.name);
        PoolReference {
            kind: PoolReferenceKind::StepTemplate,
            what: format!("the default of parameter {name:?} of step template {of:?}"),
            holder: None,
            variable: None,
            project: None,
            pool: Id::new(&parameter.default),
        }
    })
}
