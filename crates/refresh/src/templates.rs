//! Pools that are said where a template leaves them open: by tenants, and by the templates themselves.
//!
//! # Source
//!
//! `GET …/tenantvariables/all` has the values of all tenants in one answer. A step template's default may be
//! a pool's name in place of its id, which fails once the step runs (`api.md` 2.11).

use super::{
    Error, Reading,
    pointers::{includes, seen},
};
use poolwright_client::octopus::wire;
use poolwright_core::{
    live::{
        Gap, Given, Hides, Pointer, Pointing, PoolVariable, Scope, VariableOwner, VariableScope,
    },
    model::{Id, Name},
};

use std::collections::{HashMap, HashSet};

/// Whose templates are read.
pub(super) struct Estate<'a> {
    pub(super) projects: &'a [wire::Project],
    pub(super) libraries: &'a [wire::LibraryVariableSet],
    /// The names of environments and channels, by their ids.
    pub(super) names: &'a HashMap<String, String>,
}

/// What is said where a template leaves it open.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// In words, for whoever deletes a pool.
    pub(super) pointers: Vec<Pointer>,
    /// With tenants and environments, for whoever asks where a step runs.
    pub(super) values: Vec<PoolVariable>,
}

/// What tenants, variable templates and step templates say, and a gap for what cannot be read.
pub(super) async fn templates(
    reading: &Reading<'_>,
    scope: &Scope,
    estate: &Estate<'_>,
    gaps: &mut Vec<Gap>,
) -> Result<Said, Error> {
    let mut said = Said::default();
    for project in estate.projects {
        let whose = format!("project {:?}", project.name);
        let name = Name::new(&project.name);
        said.pointers.extend(defaults(&project.templates, &whose, Some(name.clone())));
        let owner = VariableOwner::Project(name);
        said.values.extend(estate.defaults(&project.templates, &owner));
    }
    for library in estate.libraries {
        let whose = format!("library variable set {:?}", library.name);
        said.pointers.extend(defaults(&library.templates, &whose, None));
        let owner = VariableOwner::Library(Name::new(&library.name));
        said.values.extend(estate.defaults(&library.templates, &owner));
    }
    // Who asks about one project has no use for the step templates of the space, and for its tenants only
    // where they have something to give.
    let reader = &reading.reader;
    let alone = scope.project.is_some();
    if !alone || !said.values.is_empty() {
        let tenants = reader.tenant_variables().await;
        let tenants = seen(reading, "the variables of tenants", tenants, Hides::Pointers, gaps)?;
        said.pointers.extend(tenants.iter().flat_map(of_tenant));
        said.values.extend(tenants.iter().flat_map(|it| estate.given_by(it)));
    }
    if !alone {
        let steps = reader.step_templates().await;
        let steps = seen(reading, "the step templates", steps, Hides::Pointers, gaps)?;
        said.pointers.extend(steps.iter().flat_map(of_step_template));
    }
    Ok(said)
}

impl Estate<'_> {
    /// The projects for which a template's variable may choose.
    fn projects_of(&self, owner: &VariableOwner) -> Vec<Name> {
        match owner {
            VariableOwner::Project(name) => vec![name.clone()],
            VariableOwner::Library(name) => {
                let set = self.libraries.iter().find(|it| Name::new(&it.name) == *name);
                let including = |it: &&wire::Project| set.is_some_and(|set| includes(it, set));
                let projects = self.projects.iter().filter(including);
                projects.map(|it| Name::new(&it.name)).collect()
            }
        }
    }

    /// What holds where a tenant gives nothing, be it nothing.
    fn defaults(&self, templates: &[wire::Template], owner: &VariableOwner) -> Vec<PoolVariable> {
        let projects = self.projects_of(owner);
        let value = |template: &wire::Template| PoolVariable {
            set: Id::new(""),
            id: Id::new(""),
            name: Name::new(&template.name),
            owner: owner.clone(),
            projects: projects.clone(),
            scope: VariableScope::default(),
            pool: (!template.default.is_empty()).then(|| Id::new(&template.default)),
            given: Given::Default,
            branch: None,
        };
        templates.iter().map(value).collect()
    }

    /// What a tenant gives; of an environment that has no name that could be seen, under its id.
    fn given_by(&self, tenant: &wire::TenantVariables) -> Vec<PoolVariable> {
        let value = |value: &wire::TenantValue| {
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
                projects: self.projects_of(&owner),
                owner,
                scope: VariableScope {
                    environments: environments.map(str::to_owned).into_iter().collect(),
                    tenants: vec![tenant.tenant_name.clone()],
                    ..VariableScope::default()
                },
                pool: Some(Id::new(&value.pool)),
                given: Given::Said,
                branch: None,
            }
        };
        tenant.values.iter().map(value).collect()
    }
}

/// The pools that hold where a tenant says nothing.
fn defaults(
    templates: &[wire::Template],
    whose: &str,
    project: Option<Name>,
) -> impl Iterator<Item = Pointer> {
    let said = templates.iter().filter(|it| !it.default.is_empty());
    said.map(move |template| Pointer {
        kind: Pointing::VariableTemplate,
        what: format!("the default of variable template {:?} of {whose}", template.name),
        id: None,
        variable: Some(template.name.clone()),
        project: project.clone(),
        pool: Id::new(&template.default),
    })
}

/// What a tenant points at: each pool once, in however many environments it is given.
fn of_tenant(tenant: &wire::TenantVariables) -> impl Iterator<Item = Pointer> {
    let mut told = HashSet::new();
    let of =
        |it: &wire::TenantValue| [&it.name, &it.project, &it.library, &it.pool].map(String::clone);
    tenant.values.iter().filter(move |it| told.insert(of(it))).map(|value| {
        let (whose, project) = match value.project.is_empty() {
            true => (format!("library variable set {:?}", value.library), None),
            false => (format!("project {:?}", value.project), Some(Name::new(&value.project))),
        };
        let (name, tenant) = (&value.name, &tenant.tenant_name);
        Pointer {
            kind: Pointing::TenantVariable,
            what: format!("variable {name:?} of {whose} for tenant {tenant:?}"),
            id: None,
            variable: Some(name.clone()),
            project,
            pool: Id::new(&value.pool),
        }
    })
}

fn of_step_template(template: &wire::StepTemplate) -> impl Iterator<Item = Pointer> {
    let said = template.parameters.iter().filter(|it| !it.default.is_empty());
    said.map(|parameter| {
        let (name, of) = (&parameter.name, &template.name);
        Pointer {
            kind: Pointing::StepTemplate,
            what: format!("the default of parameter {name:?} of step template {of:?}"),
            id: None,
            variable: None,
            project: None,
            pool: Id::new(&parameter.default),
        }
    })
}
