//! What the server makes of a process that is sent to it: ids, slugs, a few properties.
//!
//! Works on the text of each field, so that what is not its business stays as it was written. Never:
//! a version; and no field is dropped.

use super::{RequestContext, processes::raw, slug};
use crate::{
    answer::{ErrorResponse, HandlerResult},
    kind::POOLS,
};
use indexmap::IndexMap;
use serde_json::{json, value::RawValue};
use std::collections::{HashMap, HashSet};

/// A JSON object whose values are text.
pub(super) type JsonFields = IndexMap<String, Box<RawValue>>;

/// Reading and writing the fields of a JSON object, their names without regard to case.
pub(super) trait JsonFieldAccess {
    /// The field's JSON text.
    fn raw(&self, name: &str) -> Option<&RawValue>;
    /// Sets a field, in its place if it is there.
    fn put(&mut self, name: &str, value: Box<RawValue>);

    /// A text; empty where the field is missing, null, or no text.
    fn text(&self, name: &str) -> String {
        let text =
            self.raw(name).and_then(|it| serde_json::from_str::<Option<String>>(it.get()).ok());
        text.flatten().unwrap_or_default()
    }

    /// A whole number.
    fn number(&self, name: &str) -> Option<i64> {
        self.raw(name).and_then(|it| serde_json::from_str(it.get()).ok())
    }

    /// The objects of a list; none where the field is missing or null.
    fn objects(&self, name: &str) -> HandlerResult<Vec<JsonFields>> {
        let Some(list) = self.raw(name) else { return Ok(Vec::new()) };
        Ok(serde_json::from_str::<Option<Vec<JsonFields>>>(list.get())?.unwrap_or_default())
    }
}

impl JsonFieldAccess for JsonFields {
    fn raw(&self, name: &str) -> Option<&RawValue> {
        let alike =
            || self.iter().find(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, raw)| raw);
        self.get(name).or_else(alike).map(AsRef::as_ref)
    }

    fn put(&mut self, name: &str, value: Box<RawValue>) {
        let spelled = self.keys().find(|it| it.eq_ignore_ascii_case(name)).cloned();
        self.insert(spelled.unwrap_or_else(|| name.to_owned()), value);
    }
}

/// A process as the server keeps it.
pub(super) fn process(
    call: &RequestContext<'_>,
    mut new: JsonFields,
    old: &JsonFields,
) -> HandlerResult<JsonFields> {
    if new.raw("Steps").is_none_or(|steps| steps.get() == "null") {
        return Err(ErrorResponse::rule("Please provide the steps of this process."));
    }
    let mut steps = new.objects("Steps")?;
    let known = KnownSlugs::of(old)?;
    check(call, &steps)?;
    for (index, step) in steps.iter_mut().enumerate() {
        if index == 0 && step.text("StartTrigger") == "StartWithPrevious" {
            step.put("StartTrigger", raw(&json!("StartAfterPrevious"))?);
        }
        known.identify(step)?;
        let mut actions = step.objects("Actions")?;
        for action in &mut actions {
            known.identify(action)?;
            properties(action)?;
        }
        if step.raw("Actions").is_some() {
            step.put("Actions", serde_json::value::to_raw_value(&actions)?);
        }
    }
    new.put("Steps", serde_json::value::to_raw_value(&steps)?);
    Ok(new)
}

/// The slugs that the steps and actions of a process had, by id.
struct KnownSlugs(HashMap<String, String>);

impl KnownSlugs {
    fn of(process: &JsonFields) -> HandlerResult<Self> {
        let mut slugs = HashMap::new();
        for step in process.objects("Steps")? {
            for action in step.objects("Actions")? {
                slugs.insert(action.text("Id"), action.text("Slug"));
            }
            slugs.insert(step.text("Id"), step.text("Slug"));
        }
        Ok(Self(slugs))
    }

    /// Gives a step or an action the id and the slug that it lacks.
    fn identify(&self, part: &mut JsonFields) -> HandlerResult<()> {
        if part.text("Id").is_empty() {
            part.put("Id", raw(&json!(guid()))?);
        }
        if part.text("Slug").is_empty() {
            let had = self.0.get(&part.text("Id")).filter(|slug| !slug.is_empty());
            let slug = had.cloned().unwrap_or_else(|| slug(&part.text("Name")));
            part.put("Slug", raw(&json!(slug))?);
        }
        Ok(())
    }
}

/// A random id of a step.
pub(super) fn guid() -> String {
    let bits = fastrand::u128(..) & !(0xf << 76) & !(0b11 << 62) | (4 << 76) | (0b10 << 62);
    let digits = format!("{bits:032x}");
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// Refuses a process that breaks a rule, with a line for each.
fn check(call: &RequestContext<'_>, steps: &[JsonFields]) -> HandlerResult<()> {
    let mut errors = Vec::new();
    let mut names = HashSet::new();
    for step in steps {
        let name = step.text("Name");
        if name.trim().is_empty() {
            errors.push("Please provide a name for each step.".to_owned());
        } else if !names.insert(name.to_lowercase()) {
            errors.push(format!("The step name '{name}' is used more than once. Step names must be unique, ignoring case."));
        }
        for action in step.objects("Actions")? {
            check_place(call, &name, &action, &mut errors)?;
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(ErrorResponse::rules(errors)) }
}

fn check_place(
    call: &RequestContext<'_>,
    step: &str,
    action: &JsonFields,
    errors: &mut Vec<String>,
) -> HandlerResult<()> {
    for name in ["WorkerPoolId", "WorkerPoolVariable"] {
        let is_text = |raw: &RawValue| raw.get().starts_with(['"', 'n']);
        if !action.raw(name).is_none_or(is_text) {
            errors.push(format!("The {name} of the step '{step}' must be a text."));
        }
    }
    let (pool, variable) = (action.text("WorkerPoolId"), action.text("WorkerPoolVariable"));
    if !pool.is_empty() && !variable.is_empty() {
        errors
            .push("A step can't have both a worker pool id and a worker pool variable".to_owned());
    }
    if !pool.is_empty() && !call.has(&POOLS, &pool)? {
        errors.push(format!("The worker pool '{pool}' of the step '{step}' does not exist."));
    }
    Ok(())
}

/// The types of actions that the server says run on itself, whatever they are sent with.
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

/// The types of actions that get a word about bundled tools.
const WITH_TOOLS: [&str; 4] = [
    "Octopus.Kubernetes.Kustomize",
    "Octopus.KubernetesDeployRawYaml",
    "Octopus.AzurePowerShell",
    "Octopus.HelmChartUpgrade",
];

/// Sets the properties that follow from the rest of an action.
fn properties(action: &mut JsonFields) -> HandlerResult<()> {
    let kind = action.text("ActionType");
    let mut properties: JsonFields = match action.raw("Properties") {
        Some(raw) => serde_json::from_str::<Option<JsonFields>>(raw.get())?.unwrap_or_default(),
        None => JsonFields::new(),
    };
    let mut changed = false;
    let mut set = |name: &str, value: &str, always: bool| -> HandlerResult<()> {
        let had = properties.text(name);
        if had != value && (always || properties.raw(name).is_none()) {
            properties.put(name, raw(&json!(value))?);
            changed = true;
        }
        Ok(())
    };
    if ON_SERVER.contains(&kind.as_str()) {
        set("Octopus.Action.RunOnServer", "true", true)?;
    }
    if WITH_TOOLS.contains(&kind.as_str()) || has_container(action) {
        set("OctopusUseBundledTooling", "False", false)?;
    }
    if let Some(package) = primary_package(action)? {
        for (property, field) in [("PackageId", "PackageId"), ("FeedId", "FeedId")] {
            set(&format!("Octopus.Action.Package.{property}"), &package.text(field), true)?;
        }
        let on_target = package.text("AcquisitionLocation") == "ExecutionTarget";
        let on_target = if on_target { "True" } else { "False" };
        set("Octopus.Action.Package.DownloadOnTentacle", on_target, true)?;
    }
    if changed {
        action.put("Properties", serde_json::value::to_raw_value(&properties)?);
    }
    Ok(())
}

fn has_container(action: &JsonFields) -> bool {
    let container = action.raw("Container");
    let fields = container.and_then(|it| serde_json::from_str::<JsonFields>(it.get()).ok());
    fields.is_some_and(|it| !it.text("Image").is_empty() || !it.text("GitUrl").is_empty())
}

/// The package without a name, which is the one that the action is about.
fn primary_package(action: &JsonFields) -> HandlerResult<Option<JsonFields>> {
    let mut packages = action.objects("Packages")?.into_iter();
    Ok(packages.find(|package| package.text("Name").is_empty()))
}
