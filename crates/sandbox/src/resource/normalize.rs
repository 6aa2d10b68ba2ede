//! What the server changes in a process that it is sent: ids, slugs, a few properties.
//!
//! It works on the text of each field, so every other field stays as it was written.

use crate::{
    answer::{ErrorResponse, HandlerResult},
    context::RequestContext,
    kind::POOLS,
    raw_json::{JsonFieldAccess as _, JsonFields, to_raw_json},
    text::{fold_case, slugify},
};
use serde_json::{json, value::RawValue};
use std::collections::{HashMap, HashSet};

/// Normalizes a process for storage.
pub(super) fn normalize_process(
    call: &RequestContext<'_>,
    mut new: JsonFields,
    old: &JsonFields,
) -> HandlerResult<JsonFields> {
    // A process that is sent without steps is one without steps: that is how Terraform destroys it.
    let mut steps = new.object_list("Steps")?;
    let known = KnownSlugs::from_process(old)?;
    check_steps(call, &steps)?;
    for (index, step) in steps.iter_mut().enumerate() {
        if index == 0 && step.text_value("StartTrigger") == "StartWithPrevious" {
            step.set_field("StartTrigger", to_raw_json(&json!("StartAfterPrevious"))?);
        }
        known.assign_identity(step)?;
        let mut actions = step.object_list("Actions")?;
        for action in &mut actions {
            known.assign_identity(action)?;
            derive_properties(action)?;
        }
        if step.raw_field("Actions").is_some() {
            step.set_field("Actions", serde_json::value::to_raw_value(&actions)?);
        }
    }
    new.set_field("Steps", serde_json::value::to_raw_value(&steps)?);
    Ok(new)
}

/// The slugs of the steps and actions of a process, by id.
struct KnownSlugs(HashMap<String, String>);

impl KnownSlugs {
    fn from_process(process: &JsonFields) -> HandlerResult<Self> {
        let mut slugs = HashMap::new();
        for step in process.object_list("Steps")? {
            for action in step.object_list("Actions")? {
                slugs.insert(action.text_value("Id"), action.text_value("Slug"));
            }
            slugs.insert(step.text_value("Id"), step.text_value("Slug"));
        }
        Ok(Self(slugs))
    }

    /// Gives a step or an action an id and a slug if it lacks them.
    fn assign_identity(&self, part: &mut JsonFields) -> HandlerResult<()> {
        if part.text_value("Id").is_empty() {
            part.set_field("Id", to_raw_json(&json!(random_guid()))?);
        }
        if part.text_value("Slug").is_empty() {
            let had = self.0.get(&part.text_value("Id")).filter(|slug| !slug.is_empty());
            let slug = had.cloned().unwrap_or_else(|| slugify(&part.text_value("Name")));
            part.set_field("Slug", to_raw_json(&json!(slug))?);
        }
        Ok(())
    }
}

/// A random id of a step.
pub(super) fn random_guid() -> String {
    let bits = fastrand::u128(..) & !(0xf << 76) & !(0b11 << 62) | (4 << 76) | (0b10 << 62);
    let digits = format!("{bits:032x}");
    let digit_group = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    [
        digit_group(0, 8),
        digit_group(8, 12),
        digit_group(12, 16),
        digit_group(16, 20),
        digit_group(20, 32),
    ]
    .join("-")
}

/// Refuses a process that breaks a rule, with a line for each.
fn check_steps(call: &RequestContext<'_>, steps: &[JsonFields]) -> HandlerResult<()> {
    let mut errors = Vec::new();
    let mut names = HashSet::new();
    for step in steps {
        let name = step.text_value("Name");
        if name.trim().is_empty() {
            errors.push("Please provide a name for each step.".to_owned());
        } else if !names.insert(fold_case(&name)) {
            errors.push(format!("The step name '{name}' is used more than once. Step names must be unique, ignoring case."));
        }
        for action in step.object_list("Actions")? {
            check_place(call, &name, &action, &mut errors)?;
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(ErrorResponse::bad_request_lines(errors)) }
}

fn check_place(
    call: &RequestContext<'_>,
    step: &str,
    action: &JsonFields,
    errors: &mut Vec<String>,
) -> HandlerResult<()> {
    for name in ["WorkerPoolId", "WorkerPoolVariable"] {
        let is_text = |raw: &RawValue| raw.get().starts_with(['"', 'n']);
        if !action.raw_field(name).is_none_or(is_text) {
            errors.push(format!("The {name} of the step '{step}' must be a text."));
        }
    }
    let (pool, variable) =
        (action.text_value("WorkerPoolId"), action.text_value("WorkerPoolVariable"));
    if !pool.is_empty() && !variable.is_empty() {
        errors
            .push("A step can't have both a worker pool id and a worker pool variable".to_owned());
    }
    if !pool.is_empty() && !call.has_document(&POOLS, &pool)? {
        errors.push(format!("The worker pool '{pool}' of the step '{step}' does not exist."));
    }
    Ok(())
}

/// The types of actions whose `RunOnServer` the server sets, whatever the client sends.
const ON_SERVER: [&str; 11] = [
    "Octopus.Manual",
    "Octopus.Email",
    "Octopus.DeployRelease",
    "Octopus.JiraIntegration.ServiceDeskAction",
    "Octopus.HealthCheck",
    "Octopus.AzureResourceGroup",
    "Octopus.AwsRunCloudFormation",
    "Octopus.AwsDeleteCloudFormation",
    "Octopus.AwsApplyCloudFormationChangeSet",
    "Octopus.Kubernetes.Kustomize",
    "Octopus.HelmChartUpgrade",
];

/// The types of actions that have a property about bundled tools.
const WITH_TOOLS: [&str; 4] = [
    "Octopus.Kubernetes.Kustomize",
    "Octopus.KubernetesDeployRawYaml",
    "Octopus.AzurePowerShell",
    "Octopus.HelmChartUpgrade",
];

/// Sets the properties that follow from the rest of an action.
fn derive_properties(action: &mut JsonFields) -> HandlerResult<()> {
    let kind = action.text_value("ActionType");
    let mut properties: JsonFields = match action.raw_field("Properties") {
        Some(raw) => serde_json::from_str::<Option<JsonFields>>(raw.get())?.unwrap_or_default(),
        None => JsonFields::new(),
    };
    let mut changed = false;
    let mut set_property = |name: &str, value: &str, always: bool| -> HandlerResult<()> {
        let had = properties.text_value(name);
        if had != value && (always || properties.raw_field(name).is_none()) {
            properties.set_field(name, to_raw_json(&json!(value))?);
            changed = true;
        }
        Ok(())
    };
    if ON_SERVER.contains(&kind.as_str()) {
        set_property("Octopus.Action.RunOnServer", "true", true)?;
    }
    if WITH_TOOLS.contains(&kind.as_str()) || has_container(action) {
        set_property("OctopusUseBundledTooling", "False", false)?;
    }
    if let Some(package) = primary_package(action)? {
        for (property, field) in [("PackageId", "PackageId"), ("FeedId", "FeedId")] {
            set_property(
                &format!("Octopus.Action.Package.{property}"),
                &package.text_value(field),
                true,
            )?;
        }
        let on_target = package.text_value("AcquisitionLocation") == "ExecutionTarget";
        let on_target = if on_target { "True" } else { "False" };
        set_property("Octopus.Action.Package.DownloadOnTentacle", on_target, true)?;
    }
    if changed {
        action.set_field("Properties", serde_json::value::to_raw_value(&properties)?);
    }
    Ok(())
}

fn has_container(action: &JsonFields) -> bool {
    let container = action.raw_field("Container");
    let fields =
        container.and_then(|container| serde_json::from_str::<JsonFields>(container.get()).ok());
    fields.is_some_and(|field| {
        !field.text_value("Image").is_empty() || !field.text_value("GitUrl").is_empty()
    })
}

/// The package without a name, which is the primary one.
fn primary_package(action: &JsonFields) -> HandlerResult<Option<JsonFields>> {
    let mut packages = action.object_list("Packages")?.into_iter();
    Ok(packages.find(|package| package.text_value("Name").is_empty()))
}
