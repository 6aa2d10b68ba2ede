//! Process templates in use: a process with the steps of its templates in place of their usages.
//!
//! # Source
//!
//! `OctopusDeploy/docs`, `src/pages/docs/api/_generated/deployment-processes.md`: `…/resolved` shows all usages
//! as the steps that are executed, and leaves out a usage that cannot be resolved. The slug of a step that comes
//! from a usage is `{slug of the usage}-{slug in the template}` (a public Terraform configuration reads it there).
//! `src/pages/docs/platform-hub/templates/parameters.md`: parameters are applied during a deployment.
//! Where these are silent, the following is a guess:
//!
//! - A step keeps its name; its id is that of the usage and that of the template's step.
//! - The parameter that chooses a step's pool stays a variable, since it is applied during a deployment.
//! - A step is limited to the environments, channels and tenant tags of its usage, and skipped with it.

use crate::{
    answer::HandlerResult,
    json::{bool_field, json_field, text_field, text_list},
    kind::{POOLS, PROCESS_TEMPLATES},
    store,
};
use rusqlite::Connection;
use serde_json::{Value, json};

/// The type of an action that uses a template.
const USAGE: &str = "Octopus.ProcessTemplate";

/// Replaces the usages of templates in a process by their steps. A usage that cannot be resolved is left out.
pub(crate) fn resolve_usages(db: &Connection, mut process: Value) -> HandlerResult<Value> {
    let mut steps = Vec::new();
    for step in json_field(&process, "Steps").as_array().into_iter().flatten() {
        match find_usage(step) {
            None => steps.push(step.clone()),
            Some(usage) => steps.extend(template_steps(db, step, usage)?.unwrap_or_default()),
        }
    }
    process["Steps"] = json!(steps);
    Ok(process)
}

/// Does the same for execution: parameters are applied, and a usage that cannot be resolved stays as it is.
pub(crate) fn expand_for_run(db: &Connection, mut process: Value) -> HandlerResult<Value> {
    let all_steps = || json_field(&process, "Steps").as_array().into_iter().flatten();
    if !all_steps().any(|step| find_usage(step).is_some()) {
        return Ok(process);
    }
    let space = text_field(&process, "SpaceId");
    let mut steps = Vec::new();
    for step in all_steps() {
        let usage = find_usage(step);
        let inside = usage.map(|it| template_steps(db, step, it)).transpose()?.flatten();
        match (usage, inside) {
            (Some(usage), Some(inside)) => {
                for step in inside {
                    steps.push(set_step_pools(db, space, step, usage)?);
                }
            }
            _ => steps.push(step.clone()),
        }
    }
    process["Steps"] = json!(steps);
    Ok(process)
}

/// The action of a step that uses a template.
fn find_usage(step: &Value) -> Option<&Value> {
    let actions = json_field(step, "Actions").as_array()?;
    actions.iter().find(|action| text_field(action, "ActionType").eq_ignore_ascii_case(USAGE))
}

/// The steps of the template that an action uses; `None` if there is no such template or version.
fn template_steps(
    db: &Connection,
    step: &Value,
    usage: &Value,
) -> HandlerResult<Option<Vec<Value>>> {
    let reference = |part: &str| {
        let name = format!("Octopus.Action.ProcessTemplate.Reference.{part}");
        text_field(json_field(usage, "Properties"), &name)
    };
    let found = store::find_by_slug(db, &PROCESS_TEMPLATES, "", reference("Slug"))?;
    let Some(template) = found.map(|it| it.parse_body()).transpose()? else { return Ok(None) };
    if !matches_mask(text_field(&template, "Version"), reference("VersionMask")) {
        return Ok(None);
    }
    let steps = json_field(&template, "Steps").as_array().into_iter().flatten();
    Ok(Some(steps.map(|inner| instantiate_step(inner.clone(), step, usage)).collect()))
}

/// A step of a template, as part of a usage.
fn instantiate_step(mut inner: Value, step: &Value, usage: &Value) -> Value {
    let slug = Some(text_field(usage, "Slug")).filter(|it| !it.is_empty());
    let slug = slug.unwrap_or_else(|| text_field(step, "Slug")).to_owned();
    let identify = |part: &mut Value, of: &Value| {
        part["Id"] = json!(format!("{}-{}", text_field(of, "Id"), text_field(part, "Id")));
        part["Slug"] = json!(format!("{slug}-{}", text_field(part, "Slug")));
    };
    identify(&mut inner, step);
    let actions = inner.get_mut("Actions").and_then(Value::as_array_mut);
    for action in actions.into_iter().flatten() {
        identify(action, usage);
        if bool_field(usage, "IsDisabled") {
            action["IsDisabled"] = json!(true);
        }
        for name in ["Environments", "ExcludedEnvironments", "Channels", "TenantTags"] {
            if !text_list(usage, name).is_empty() {
                action[name] = json_field(usage, name).clone();
            }
        }
    }
    inner
}

/// Sets the pools of a step from the parameters of its usage. An unset parameter means the default pool.
///
/// # Source
///
/// `OctopusDeploy/Issues` 10023: where a parameter is not set, the default pool is used.
fn set_step_pools(
    db: &Connection,
    space: &str,
    mut step: Value,
    usage: &Value,
) -> HandlerResult<Value> {
    let actions = step.get_mut("Actions").and_then(Value::as_array_mut);
    for action in actions.into_iter().flatten() {
        let variable = text_field(action, "WorkerPoolVariable");
        let name = variable.strip_prefix("#{").and_then(|it| it.strip_suffix('}'));
        let name = name.unwrap_or(variable).trim();
        if !name.is_empty() {
            let value = json_field(json_field(usage, "Properties"), name);
            let pool = store::find_by_slug(db, &POOLS, space, value.as_str().unwrap_or_default())?;
            action["WorkerPoolId"] = pool.map_or_else(|| value.clone(), |pool| json!(pool.id));
            action["WorkerPoolVariable"] = Value::Null;
        }
    }
    Ok(step)
}

/// Whether a version matches a mask: `1.X` is any version 1, and an empty mask any version.
pub(crate) fn matches_mask(version: &str, mask: &str) -> bool {
    let mut parts = version.split('.');
    let part_matches = |part: &str| match parts.next() {
        Some(found) => part.eq_ignore_ascii_case("x") || part == "*" || part == found,
        None => part.eq_ignore_ascii_case("x"),
    };
    mask.trim().is_empty() || mask.trim().split('.').all(part_matches)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_matches_versions_with_the_same_prefix() {
        for (mask, wanted) in [
            ("", true),
            ("1.X", true),
            ("1.2.x", true),
            ("1.2.3", true),
            ("1.3.X", false),
            ("2.X", false),
        ] {
            assert_eq!(matches_mask("1.2.3", mask), wanted, "{mask}");
        }
    }
}
