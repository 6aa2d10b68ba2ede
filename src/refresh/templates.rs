//! Pools that are said where a template leaves them open: by tenants, and by the templates themselves.
//!
//! # Source
//!
//! `GET …/tenantvariables/all` has the values of all tenants in one answer. A step template's default may be
//! a pool's name in place of its id, which fails once the step runs (`api.md` 2.11).

use super::{Error, Reading, pointers::seen};
use crate::{
    live::{Gap, Pointer, Pointing, Scope},
    model::{Id, Name},
    octopus::wire,
};

/// What tenants, variable templates and step templates say, and a gap for what cannot be read.
pub(super) async fn templates(
    reading: &Reading<'_>,
    scope: &Scope,
    projects: &[wire::Project],
    libraries: &[wire::LibraryVariableSet],
    gaps: &mut Vec<Gap>,
) -> Result<Vec<Pointer>, Error> {
    let mut pointers = Vec::new();
    for project in projects {
        let whose = format!("project {:?}", project.name);
        pointers.extend(defaults(&project.templates, &whose, Some(Name::new(&project.name))));
    }
    for library in libraries {
        let whose = format!("library variable set {:?}", library.name);
        pointers.extend(defaults(&library.templates, &whose, None));
    }
    // Who asks about one project has no use for all tenants and step templates of the space.
    if scope.project.is_some() {
        return Ok(pointers);
    }
    let reader = &reading.reader;
    let (tenants, steps) = tokio::join!(reader.tenant_variables(), reader.step_templates());
    let tenants = seen(reading, "the variables of tenants", tenants, gaps)?;
    let steps = seen(reading, "the step templates", steps, gaps)?;
    pointers.extend(tenants.iter().flat_map(of_tenant));
    pointers.extend(steps.iter().flat_map(of_step_template));
    Ok(pointers)
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

fn of_tenant(tenant: &wire::TenantVariables) -> impl Iterator<Item = Pointer> {
    tenant.values.iter().map(|value| {
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
