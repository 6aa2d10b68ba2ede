//! Finds pools in plain properties: the parameters that a step passes to the template it uses.
//!
//! # Source
//!
//! `api.md` 2.11: the value of a process template's parameter of type worker pool is a pool's slug, under the
//! parameter's name; that of a step template's is a pool's id. Nothing in the step says which parameters are
//! pools, so every value that matches a pool counts as one.

use super::{LivePool, LiveStep};
use crate::text::eq_ignoring_case;

/// The type of a step that uses a process template.
pub const PROCESS_TEMPLATE: &str = "Octopus.ProcessTemplate";

/// Whether a step uses a process template.
pub fn is_process_template(step: &LiveStep) -> bool {
    eq_ignoring_case(&step.action_type, PROCESS_TEMPLATE)
}

/// Returns the parameters of `step` that name one of `pools`, each with that pool.
pub fn pool_parameters<'a>(
    step: &'a LiveStep,
    pools: &'a [LivePool],
) -> impl Iterator<Item = (&'a str, &'a LivePool)> {
    let by_slug = is_process_template(step);
    step.parameters.iter().filter_map(move |(name, value)| {
        let value = value.trim();
        let matches_value = |pool: &&LivePool| {
            let slug = by_slug && !pool.slug.is_empty() && eq_ignoring_case(&pool.slug, value);
            slug || eq_ignoring_case(pool.id.as_str(), value)
        };
        pools.iter().find(matches_value).map(|pool| (name.as_str(), pool))
    })
}
