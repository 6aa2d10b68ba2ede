//! Process templates of the Platform Hub, and what a process is with their steps in place of their usages.
//!
//! Read only: templates are planted by seeds. A template is of the instance, and is shared with all spaces.
//! Never: a process that is stored; what is expanded is an answer, or the work of a task.
//!
//! # Source
//!
//! `OctopusDeploy/docs`, `src/pages/docs/api/_generated/process-templates.md` (routes and fields) and
//! `deployment-processes.md`: `…/resolved` has all usages resolved out to the steps that are executed, and
//! leaves out a usage that cannot be resolved. The slug of a step that comes of a usage is
//! `{slug of the usage}-{slug in the template}` (a public Terraform configuration that reads it there).
//! `src/pages/docs/platform-hub/templates/parameters.md`: parameters are applied during a deployment.
//! Where these are silent, what follows is a guess:
//!
//! - A step keeps its name; its id is that of the usage and that of the template's step.
//! - The parameter that chooses a step's pool stays a variable, since it is applied during a deployment.
//! - A step is limited to the environments, channels and tenant tags of its usage, and skipped with it.

use super::{RequestContext, field, flag, list, text};
use crate::{
    answer::{ErrorResponse, HandlerResult, SandboxResponse},
    kind::{POOLS, PROCESS_TEMPLATES},
    request::HttpVerb,
    store::{self, StoredDocument},
};
use rusqlite::Connection;
use serde_json::{Value, json};

/// The type of an action that stands for the steps of a template.
const USAGE: &str = "Octopus.ProcessTemplate";

/// The branch on which all templates are.
const BRANCH: &str = "main";

/// `/api/platformhub/…`.
pub(crate) fn route(call: &RequestContext<'_>, path: &[&str]) -> HandlerResult {
    if call.verb() != HttpVerb::Get {
        return Err(ErrorResponse::method());
    }
    match path {
        ["processtemplates", slug, "versions"] => {
            let template = template(call.db, slug)?;
            Ok(SandboxResponse::of(&json!([template.value()?])))
        }
        ["processtemplates", slug, "share"] => {
            template(call.db, slug)?;
            Ok(SandboxResponse::of(
                &json!({ "IndividuallySharedSpaceIds": [], "SharedToAllSpaces": true }),
            ))
        }
        ["processtemplates", slug, mask] => {
            let template = template(call.db, slug)?.value()?;
            let version = text(&template, "Version");
            if !is_of(version, mask) {
                return Err(ErrorResponse::missing());
            }
            Ok(SandboxResponse::of(&json!({
                "ProcessTemplate": without_version(&template),
                "ProcessTemplateVersion": version,
            })))
        }
        [at, "processtemplates"] if is_branch(at) => {
            let all = store::all(call.db, &PROCESS_TEMPLATES, "")?;
            let all: Vec<Value> = all
                .iter()
                .map(|it| it.value().map(|it| without_version(&it)))
                .collect::<serde_json::Result<_>>()?;
            Ok(SandboxResponse::of(&json!({
                "TotalResults": all.len(),
                "ItemsPerPage": PROCESS_TEMPLATES.take,
                "ProcessTemplates": all,
            })))
        }
        [at, "processtemplates", slug] if is_branch(at) => {
            Ok(SandboxResponse::of(&without_version(&template(call.db, slug)?.value()?)))
        }
        _ => Err(ErrorResponse::missing()),
    }
}

fn is_branch(at: &str) -> bool {
    at.strip_prefix("refs/heads/").unwrap_or(at) == BRANCH
}

fn template(db: &Connection, slug: &str) -> HandlerResult<StoredDocument> {
    store::find_slug(db, &PROCESS_TEMPLATES, "", slug)?.ok_or_else(ErrorResponse::missing)
}

/// A template as a branch has it: what a version says of itself is not part of it.
fn without_version(version: &Value) -> Value {
    let mut template = version.clone();
    if let Some(fields) = template.as_object_mut() {
        for name in ["Version", "IsPreRelease", "PublishedDate", "GitCommit"] {
            fields.remove(name);
        }
    }
    template
}

/// A process with the steps of templates in place of their usages; a usage that cannot be resolved is left
/// out.
pub(super) fn resolved(db: &Connection, mut process: Value) -> HandlerResult<Value> {
    let mut steps = Vec::new();
    for step in field(&process, "Steps").as_array().into_iter().flatten() {
        match usage(step) {
            None => steps.push(step.clone()),
            Some(usage) => steps.extend(inside(db, step, usage)?.unwrap_or_default()),
        }
    }
    process["Steps"] = json!(steps);
    Ok(process)
}

/// The same, to be executed: parameters are applied, and a usage that cannot be resolved stays as it is.
pub(crate) fn executed(db: &Connection, mut process: Value) -> HandlerResult<Value> {
    let all = || field(&process, "Steps").as_array().into_iter().flatten();
    if !all().any(|step| usage(step).is_some()) {
        return Ok(process);
    }
    let space = text(&process, "SpaceId");
    let mut steps = Vec::new();
    for step in all() {
        let usage = usage(step);
        let inside = usage.map(|it| inside(db, step, it)).transpose()?.flatten();
        match (usage, inside) {
            (Some(usage), Some(inside)) => {
                for step in inside {
                    steps.push(with_pools(db, space, step, usage)?);
                }
            }
            _ => steps.push(step.clone()),
        }
    }
    process["Steps"] = json!(steps);
    Ok(process)
}

/// The action of a step that stands for the steps of a template.
fn usage(step: &Value) -> Option<&Value> {
    let actions = field(step, "Actions").as_array()?;
    actions.iter().find(|it| text(it, "ActionType").eq_ignore_ascii_case(USAGE))
}

/// The steps of the template that an action uses; nothing where there is no such template or version.
fn inside(db: &Connection, step: &Value, usage: &Value) -> HandlerResult<Option<Vec<Value>>> {
    let reference = |part: &str| {
        let name = format!("Octopus.Action.ProcessTemplate.Reference.{part}");
        text(field(usage, "Properties"), &name)
    };
    let found = store::find_slug(db, &PROCESS_TEMPLATES, "", reference("Slug"))?;
    let Some(template) = found.map(|it| it.value()).transpose()? else { return Ok(None) };
    if !is_of(text(&template, "Version"), reference("VersionMask")) {
        return Ok(None);
    }
    let steps = field(&template, "Steps").as_array().into_iter().flatten();
    Ok(Some(steps.map(|inner| placed(inner.clone(), step, usage)).collect()))
}

/// A step of a template as it comes of a usage.
fn placed(mut inner: Value, step: &Value, usage: &Value) -> Value {
    let slug = Some(text(usage, "Slug")).filter(|it| !it.is_empty());
    let slug = slug.unwrap_or_else(|| text(step, "Slug")).to_owned();
    let identify = |part: &mut Value, of: &Value| {
        part["Id"] = json!(format!("{}-{}", text(of, "Id"), text(part, "Id")));
        part["Slug"] = json!(format!("{slug}-{}", text(part, "Slug")));
    };
    identify(&mut inner, step);
    let actions = inner.get_mut("Actions").and_then(Value::as_array_mut);
    for action in actions.into_iter().flatten() {
        identify(action, usage);
        if flag(usage, "IsDisabled") {
            action["IsDisabled"] = json!(true);
        }
        for name in ["Environments", "ExcludedEnvironments", "Channels", "TenantTags"] {
            if !list(usage, name).is_empty() {
                action[name] = field(usage, name).clone();
            }
        }
    }
    inner
}

/// A step whose pools are those that the usage's parameters say; without one a parameter means the default
/// pool.
///
/// # Source
///
/// `OctopusDeploy/Issues` 10023: where a parameter is not set, the default pool is used.
fn with_pools(
    db: &Connection,
    space: &str,
    mut step: Value,
    usage: &Value,
) -> HandlerResult<Value> {
    let actions = step.get_mut("Actions").and_then(Value::as_array_mut);
    for action in actions.into_iter().flatten() {
        let variable = text(action, "WorkerPoolVariable");
        let name = variable.strip_prefix("#{").and_then(|it| it.strip_suffix('}'));
        let name = name.unwrap_or(variable).trim();
        if !name.is_empty() {
            let said = field(field(usage, "Properties"), name);
            let pool = store::find_slug(db, &POOLS, space, said.as_str().unwrap_or_default())?;
            action["WorkerPoolId"] = pool.map_or_else(|| said.clone(), |it| json!(it.id));
            action["WorkerPoolVariable"] = Value::Null;
        }
    }
    Ok(step)
}

/// Whether a version is one that a mask means: `1.X` is any of 1; no mask is any at all.
fn is_of(version: &str, mask: &str) -> bool {
    let mut parts = version.split('.');
    let meant = |part: &str| match parts.next() {
        Some(found) => part.eq_ignore_ascii_case("x") || part == "*" || part == found,
        None => part.eq_ignore_ascii_case("x"),
    };
    mask.trim().is_empty() || mask.trim().split('.').all(meant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_means_the_versions_that_begin_like_it() {
        for (mask, wanted) in [
            ("", true),
            ("1.X", true),
            ("1.2.x", true),
            ("1.2.3", true),
            ("1.3.X", false),
            ("2.X", false),
        ] {
            assert_eq!(is_of("1.2.3", mask), wanted, "{mask}");
        }
    }
}
