//! Determines where a step inside a process template runs: its parameters are resolved first, then the
//! rules for all steps apply.
//!
//! # Source
//!
//! `OctopusDeploy/docs`, `src/pages/docs/platform-hub/templates/`: a step of a template takes its pool from a
//! parameter, and the project gives the value where it uses the template (`process-templates/index.md`); such a
//! parameter has no default and no scopes (`parameters.md`). Where that is not enough:
//!
//! - A step may name the parameter, as such or as `#{…}`, or already have its value: both are understood.
//! - A value is a slug, as in the sample for API clients, or an id, as in the documentation.
//! - Without a value, the default pool is used (`OctopusDeploy/Issues` 10023).
//! - A name that is not a parameter's may be that of a variable of the project.

use super::{Case, Decider, EffectivePlace, UnknownReason, effective_cases, has_unread_variables};
use crate::{
    live::{Live, LivePool, LiveProcess, LiveStep, TemplateContents},
    model::{Id, Name, Place, Pool},
    text::eq_ignoring_case,
};

/// Returns where a step runs that uses a process template.
pub(super) fn effective_of_usage(process: &LiveProcess, step: &LiveStep) -> EffectivePlace {
    EffectivePlace::Unknown(match process.template_contents(step) {
        Some(TemplateContents::Steps(_)) => return EffectivePlace::InTemplate,
        Some(TemplateContents::Omitted) => UnknownReason::TemplateOmitted,
        Some(TemplateContents::Ambiguous) => UnknownReason::TemplateAmbiguous,
        Some(TemplateContents::Unread(_)) => UnknownReason::TemplateUnread,
        None => UnknownReason::Template,
    })
}

/// Returns where `inner`, a step of the template that `usage` uses, would run now: at least one case, in a
/// fixed order.
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
            .for_each(|case| case.decided_by = Decider::Parameter(name.clone()));
    }
    cases
}

/// Returns what chooses the pool of a step inside a template, and the parameter that gave it, if any.
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
            let is_unset = is_simple
                && !has_project_variable()
                && !has_unread_variables(live, &process.owner.project);
            let place =
                if is_unset { Place::DefaultPool } else { Place::Variable(name.to_owned()) };
            (place, None)
        }
    }
}

/// Whether a value is the id or the slug of this pool.
fn refers_to_pool(pool: &LivePool, value: &str) -> bool {
    let value = value.trim();
    let by_slug = !pool.slug.is_empty() && eq_ignoring_case(&pool.slug, value);
    by_slug || eq_ignoring_case(pool.id.as_str(), value)
}

/// Returns the name and value of a parameter; names are compared without regard to case.
fn find_parameter<'a>(usage: &'a LiveStep, name: &str) -> Option<(&'a str, &'a str)> {
    let name = Name::new(name);
    let mut parameters = usage.parameters.iter();
    let found = parameters.find(|(text, _)| Name::new(text) == name);
    found.map(|(name, value)| (name.as_str(), value.as_str()))
}

/// Turns `#{Worker pool}` into `Worker pool`, and returns any other text unchanged.
fn unwrap_expression(written: &str) -> &str {
    let inside = written.trim().strip_prefix("#{").and_then(|it| it.strip_suffix('}'));
    inside.filter(|inside| !inside.contains(['{', '}'])).unwrap_or(written).trim()
}

/// Replaces each `#{…}` that names a parameter by the value that the usage gives it.
fn expand_parameters(text: &str, usage: &LiveStep) -> String {
    let parameters = usage.parameters.iter();
    parameters
        .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("#{{{name}}}"), value))
}

impl UnknownReason {
    /// Whether the reason is that the steps of a process template are not known.
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
