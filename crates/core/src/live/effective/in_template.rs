//! Where a step inside a process template runs: by the rules for any step, once it is known what the parameters
//! say of it.
//!
//! # Source
//!
//! `OctopusDeploy/docs`, `src/pages/docs/platform-hub/templates/`: a step of a template takes its pool from a
//! parameter, and the project says the value where it uses the template (`process-templates/index.md`); such a
//! parameter has no default and no scopes (`parameters.md`). Where that is silent:
//!
//! - A step may still name the parameter, bare or as `#{…}`, or have its value already: both are understood.
//! - A value is a slug, as in the sample for API clients, or an id, as in the documentation.
//! - Without a value the default pool is taken (`OctopusDeploy/Issues` 10023).
//! - A name that is no parameter's may be a variable's, where the project has one.

use super::{Case, Decider, EffectivePlace, UnknownReason, effective_cases, has_unread_variables};
use crate::{
    live::{Live, LivePool, LiveProcess, LiveStep, TemplateContents},
    model::{Id, Name, Place, Pool},
    text::eq_ignoring_case,
};

/// Where a step runs that stands for the steps of a process template.
pub(super) fn effective_of_usage(process: &LiveProcess, step: &LiveStep) -> EffectivePlace {
    EffectivePlace::Unknown(match process.template_contents(step) {
        Some(TemplateContents::Steps(_)) => return EffectivePlace::InTemplate,
        Some(TemplateContents::Omitted) => UnknownReason::TemplateOmitted,
        Some(TemplateContents::Ambiguous) => UnknownReason::TemplateAmbiguous,
        Some(TemplateContents::Unread(_)) => UnknownReason::TemplateUnread,
        None => UnknownReason::Template,
    })
}

/// Where `inner`, a step of the template that `usage` uses, would run if it ran now: its cases, at least one,
/// in a fixed order.
pub fn inner_step_cases(
    process: &LiveProcess,
    usage: &LiveStep,
    inner: &LiveStep,
    live: &Live,
) -> Vec<Case> {
    let (place, parameter) = resolve_inner_place(process, usage, inner, live);
    let target_roles = expand_parameters(&inner.target_roles, usage);
    let step = LiveStep { place, target_roles, ..inner.clone() };
    let mut cases = effective_cases(process, &step, live);
    let explicit = |case: &&mut Case| case.decided_by == Decider::Explicit;
    if let Some(name) = parameter {
        cases
            .iter_mut()
            .filter(explicit)
            .for_each(|other| other.decided_by = Decider::Parameter(name.clone()));
    }
    cases
}

/// What chooses the pool of a step inside a template, and the parameter that has said so.
fn resolve_inner_place(
    process: &LiveProcess,
    usage: &LiveStep,
    inner: &LiveStep,
    live: &Live,
) -> (Place<Id<Pool>>, Option<String>) {
    let resolve_pool = |value: &str| -> Id<Pool> {
        let pool = live.pools.iter().find(|it| refers_to_pool(it, value));
        pool.map_or_else(|| Id::new(value.trim()), |it| it.id.clone())
    };
    match &inner.place {
        Place::DefaultPool => (Place::DefaultPool, None),
        Place::Pool(id) => {
            let pool = resolve_pool(id.as_str());
            let names_pool = |(_, value): &&(String, String)| resolve_pool(value) == pool;
            let parameter = usage.parameters.iter().find(names_pool).map(|(name, _)| name.clone());
            (Place::Pool(pool), parameter)
        }
        Place::Variable(written) => {
            let name = unwrap_expression(written);
            if let Some((name, value)) = find_parameter(usage, name) {
                return (Place::Pool(resolve_pool(value)), Some(name.to_owned()));
            }
            let is_simple = !name.contains("#{");
            let has_project_variable = || {
                let (name, project) = (Name::new(name), &process.owner.project);
                let mut variables = live.indirect.variables.iter();
                variables
                    .any(|variable| variable.name == name && variable.projects.contains(project))
            };
            match is_simple
                && !has_project_variable()
                && !has_unread_variables(live, &process.owner.project)
            {
                true => (Place::DefaultPool, None),
                false => (Place::Variable(name.to_owned()), None),
            }
        }
    }
}

/// Whether a value means this pool: by its id, or by its slug.
fn refers_to_pool(pool: &LivePool, value: &str) -> bool {
    let value = value.trim();
    let by_slug = !pool.slug.is_empty() && eq_ignoring_case(&pool.slug, value);
    by_slug || eq_ignoring_case(pool.id.as_str(), value)
}

/// What a usage says for a parameter; names are compared without case, as those of all properties.
fn find_parameter<'a>(usage: &'a LiveStep, name: &str) -> Option<(&'a str, &'a str)> {
    let name = Name::new(name);
    let mut parameters = usage.parameters.iter();
    let found = parameters.find(|(text, _)| Name::new(text) == name);
    found.map(|(name, value)| (name.as_str(), value.as_str()))
}

/// `#{Worker pool}` → `Worker pool`; any other text as it is.
fn unwrap_expression(written: &str) -> &str {
    let inside = written.trim().strip_prefix("#{").and_then(|it| it.strip_suffix('}'));
    inside.filter(|inside| !inside.contains(['{', '}'])).unwrap_or(written).trim()
}

/// A text with what a usage says in place of each `#{…}` that is a parameter.
fn expand_parameters(text: &str, usage: &LiveStep) -> String {
    let said = usage.parameters.iter();
    said.fold(text.to_owned(), |text, (name, value)| text.replace(&format!("#{{{name}}}"), value))
}

impl UnknownReason {
    /// Whether it is unclear because nobody knows the steps of a process template.
    pub fn is_about_template(self) -> bool {
        match self {
            Self::Template
            | Self::TemplateUnread
            | Self::TemplateOmitted
            | Self::TemplateAmbiguous => true,
            Self::Type
            | Self::Ambiguous
            | Self::Unread
            | Self::Targets
            | Self::Prompted
            | Self::Expression => false,
        }
    }
}
