//! The contents of the process templates that a deployment process uses, with one more request per process that
//! uses a template.
//!
//! The response is a process with the steps of templates in place of their usages, without saying which usage a
//! step comes from. It is used as far as that can be inferred. Never: a failed plan only because templates
//! cannot be read.
//!
//! # Source
//!
//! `api.md` 2.8, 2.11; `OctopusDeploy/docs`, `src/pages/docs/api/_generated/deployment-processes.md`: a usage
//! that cannot be resolved is left out. The slug of a step from a usage starts with the slug of the usage
//! (`deploy-workload-deploy-manifests`, in a public Terraform configuration generated from a server). The
//! position also helps: the process's own steps keep their ids and their order.

use super::lower;
use poolwright_client::octopus::{self, ProjectBranch, SpaceReader, wire};
use poolwright_core::{
    live::{
        HiddenData, LiveProcess, LiveStep, PROCESS_TEMPLATE, TemplateContents, TemplateUse,
        UnreadPart,
    },
    model::{Id, Name},
    text::{eq_ignoring_case, fold_case},
};

/// The features of a process's own steps, which tell them from the steps that a resolved process adds.
#[derive(Debug)]
pub(super) struct ProcessOutline(Vec<StepOutline>);

/// The features of a step. Ids and slugs are those of the step and of its actions.
#[derive(Debug)]
struct StepOutline {
    name: String,
    ids: Vec<String>,
    slugs: Vec<String>,
    /// The id of the action that uses a template.
    usage: Option<String>,
}

/// The origin of a step in a resolved process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ResolvedStepKind {
    /// The process's own step at this index.
    Own(usize),
    /// A usage that was left unresolved.
    Usage,
    /// A step of a template, which has the id of its usage at this index.
    Inside(usize),
    /// A step of some template.
    Added,
}

impl ProcessOutline {
    /// Returns the outline of a process; `None` if it uses no template.
    pub(super) fn from_process(process: &wire::ProcessResource) -> Option<Self> {
        let outline_step = |step: &wire::DeploymentStepResource| {
            let is_usage_action =
                |it: &&wire::DeploymentActionResource| is_template_usage(&it.action_type);
            let actions = || step.actions.iter();
            StepOutline {
                name: step.name.clone(),
                ids: lowercase_non_empty(actions().map(|it| &it.id).chain([&step.id])),
                slugs: lowercase_non_empty(actions().map(|it| &it.slug).chain([&step.slug])),
                usage: actions().find(is_usage_action).map(|it| it.id.clone()),
            }
        };
        let steps: Vec<StepOutline> = process.steps.iter().map(outline_step).collect();
        steps.iter().any(|it| it.usage.is_some()).then_some(Self(steps))
    }

    /// Returns the contents of each usage, given the server's resolved steps.
    fn template_uses(&self, resolved: Vec<wire::ResolvedStepResource>) -> Vec<TemplateUse> {
        let kinds: Vec<ResolvedStepKind> =
            resolved.iter().map(|it| self.classify_step(it)).collect();
        let own_position = |step: &ResolvedStepKind| match step {
            ResolvedStepKind::Own(at) => Some(*at),
            ResolvedStepKind::Usage | ResolvedStepKind::Inside(_) | ResolvedStepKind::Added => None,
        };
        let mut inside: Vec<Vec<LiveStep>> = self.0.iter().map(|_| Vec::new()).collect();
        let mut mixed = false;
        for ((at, step), kind) in resolved.into_iter().enumerate().zip(&kinds) {
            let found = match kind {
                ResolvedStepKind::Own(_) | ResolvedStepKind::Usage => continue,
                ResolvedStepKind::Inside(usage) => Some(*usage),
                ResolvedStepKind::Added => {
                    let before = kinds.iter().take(at).rev().find_map(own_position);
                    self.owning_usage(&step, before, kinds.iter().skip(at).find_map(own_position))
                }
            };
            match found.and_then(|at| Some((self.0.get(at)?, inside.get_mut(at)?))) {
                Some((usage, steps)) => {
                    let step = ensure_name(step);
                    steps.extend(strip_usage_name(lower::live_steps(step.into(), 0), &usage.name));
                }
                None => mixed = true,
            }
        }
        let used = self.0.iter().zip(inside).filter_map(|(step, steps)| {
            let usage = Id::new(step.usage.as_ref()?);
            let contents = if !steps.is_empty() {
                TemplateContents::Steps(steps)
            } else if mixed {
                TemplateContents::Ambiguous
            } else {
                TemplateContents::Omitted
            };
            Some(TemplateUse { usage, contents })
        });
        used.collect()
    }

    /// Classifies a step of a resolved process. Ids are the best evidence, but in Git they may change.
    fn classify_step(&self, step: &wire::ResolvedStepResource) -> ResolvedStepKind {
        let (ids, slugs) = (step_ids(step), step_slugs(step));
        let shares_any =
            |some: &[String], others: &[String]| some.iter().any(|it| others.contains(it));
        let by_id = self.0.iter().position(|it| shares_any(&it.ids, &ids));
        let matches_outline = |outline: &StepOutline| {
            let same = shares_any(&outline.slugs, &slugs)
                || slugs.is_empty()
                || self.usage_by_slug(step).is_none();
            Name::new(&outline.name) == Name::new(&step.name) && same
        };
        let Some(at) = by_id.or_else(|| self.0.iter().position(matches_outline)) else {
            return ResolvedStepKind::Added;
        };
        if self.0.get(at).is_none_or(|it| it.usage.is_none()) {
            ResolvedStepKind::Own(at)
        } else if step.actions.iter().any(|it| is_template_usage(&it.action_type)) {
            ResolvedStepKind::Usage
        } else {
            ResolvedStepKind::Inside(at)
        }
    }

    /// Returns the usages, each with its index.
    fn indexed_usages(&self) -> impl Iterator<Item = (usize, &StepOutline)> {
        self.0.iter().enumerate().filter(|(_, it)| it.usage.is_some())
    }

    /// Returns the usage whose slug is the longest prefix of the step's slug: `deploy-web` rather than `deploy`.
    fn usage_by_slug(&self, step: &wire::ResolvedStepResource) -> Option<usize> {
        let slugs = step_slugs(step);
        let prefix_length = |usage: &StepOutline| {
            let starts_a_slug =
                |text: &&String| slugs.iter().any(|slug| slug.starts_with(&format!("{text}-")));
            usage.slugs.iter().filter(starts_a_slug).map(String::len).max()
        };
        let all =
            self.indexed_usages().filter_map(|(at, outline)| Some((prefix_length(outline)?, at)));
        all.max_by_key(|(length, _)| *length).map(|(_, at)| at)
    }

    /// Returns the usage that a step comes from, given the process's own steps before and after it.
    fn owning_usage(
        &self,
        step: &wire::ResolvedStepResource,
        before: Option<usize>,
        after: Option<usize>,
    ) -> Option<usize> {
        let is_between = |at: usize| {
            before.is_none_or(|index| index < at) && after.is_none_or(|index| at < index)
        };
        let sole_usage = |is_candidate: &dyn Fn(usize) -> bool| {
            let mut usages = self.indexed_usages().map(|(at, _)| at).filter(|at| is_candidate(*at));
            usages.next().filter(|_| usages.next().is_none())
        };
        self.usage_by_slug(step)
            .or_else(|| sole_usage(&is_between))
            .or_else(|| sole_usage(&|_| true))
    }
}

fn is_template_usage(action_type: &str) -> bool {
    eq_ignoring_case(action_type, PROCESS_TEMPLATE)
}

fn step_ids(step: &wire::ResolvedStepResource) -> Vec<String> {
    lowercase_non_empty(step.actions.iter().map(|it| &it.id).chain([&step.id]))
}

fn step_slugs(step: &wire::ResolvedStepResource) -> Vec<String> {
    lowercase_non_empty(step.actions.iter().map(|it| &it.slug).chain([&step.slug]))
}

/// Returns the non-empty texts in lower case.
fn lowercase_non_empty<'a>(texts: impl Iterator<Item = &'a String>) -> Vec<String> {
    texts.filter(|it| !it.is_empty()).map(|it| fold_case(it)).collect()
}

/// Reads the contents of the templates that a process uses. They stay unknown if the server does not support
/// templates, or its response makes no sense.
///
/// # Errors
///
/// A failure of the connection.
pub(super) async fn read_template_uses(
    reader: &SpaceReader,
    outline: &ProcessOutline,
    project: &str,
    branch: Option<&ProjectBranch>,
) -> Result<Vec<TemplateUse>, octopus::ClientError> {
    let why = match reader.resolved_process(project, branch).await {
        Ok(wire::ResolvedProcessResource { steps: Some(steps) }) => {
            return Ok(outline.template_uses(steps));
        }
        Ok(_) => "the response has no steps".to_owned(),
        Err(error) if lacks_templates(&error) => error.to_string(),
        Err(error) => return Err(error),
    };
    let unread_use = |outline: &StepOutline| {
        let usage = Id::new(outline.usage.as_ref()?);
        Some(TemplateUse { usage, contents: TemplateContents::Unread(why.clone()) })
    };
    Ok(outline.0.iter().filter_map(unread_use).collect())
}

/// Whether a server answered, but does not resolve templates.
fn lacks_templates(error: &octopus::ClientError) -> bool {
    match error {
        octopus::ClientError::Status { status, .. } => !matches!(status, 401 | 429),
        octopus::ClientError::Malformed { .. }
        | octopus::ClientError::TooLarge { .. }
        | octopus::ClientError::NotJson { .. }
        | octopus::ClientError::Redirected { .. } => true,
        _ => false,
    }
}

/// Returns an unread part for each process with a template that could not be read.
pub(super) fn unread_templates<'a>(
    processes: impl Iterator<Item = &'a LiveProcess>,
) -> Vec<UnreadPart> {
    let unread_part = |process: &LiveProcess| {
        let why = process.templates.iter().find_map(|template| match &template.contents {
            TemplateContents::Unread(why) => Some(why.clone()),
            TemplateContents::Steps(_)
            | TemplateContents::Omitted
            | TemplateContents::Ambiguous => None,
        })?;
        let branch = process.git.as_ref().map(|git| format!(" on branch {:?}", git.at.name));
        let user = format!("project {:?}{}", process.owner.project, branch.unwrap_or_default());
        let what = format!("the steps inside the process templates that {user} uses");
        Some(UnreadPart::new(what, why, HiddenData::Templates))
    };
    processes.filter_map(unread_part).collect()
}

/// Gives a step without a name that of its action, or a slug.
fn ensure_name(mut step: wire::ResolvedStepResource) -> wire::ResolvedStepResource {
    if step.name.trim().is_empty() {
        let actions = step.actions.iter().flat_map(|action| [&action.name, &action.slug]);
        let mut names = actions.chain([&step.slug]).filter(|it| !it.trim().is_empty());
        step.name = names.next().cloned().unwrap_or_else(|| "without a name".to_owned());
    }
    step
}

/// Removes the name of the usage from the start of its steps' names, since it is shown with them.
fn strip_usage_name(mut steps: Vec<LiveStep>, usage: &str) -> Vec<LiveStep> {
    let own_name = |name: &str| {
        let rest = name.strip_prefix(usage).filter(|_| !usage.is_empty())?;
        let rest = [" / ", " - ", " – ", ": ", "/"].iter().find_map(|it| rest.strip_prefix(it))?;
        (!rest.trim().is_empty()).then(|| Name::new(rest))
    };
    for step in &mut steps {
        for name in [&mut step.step, &mut step.action] {
            if let Some(rest) = own_name(name.as_str()) {
                *name = rest;
            }
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// A process of steps `id:name:slug`; the name of one that uses a template begins with `use`.
    fn outline(steps: &[&str]) -> ProcessOutline {
        let step = |text: &&str| {
            let [id, name, slug] = text.split(':').collect::<Vec<_>>()[..] else {
                panic!("{text}")
            };
            let kind = if name.starts_with("use") { PROCESS_TEMPLATE } else { "Octopus.Script" };
            json!({
                "Id": format!("step-{id}"), "Name": name, "Slug": slug,
                "Actions": [{ "Id": id, "Name": name, "Slug": slug, "ActionType": kind }],
            })
        };
        let steps: Vec<Value> = steps.iter().map(step).collect();
        let process = json!({ "Id": "deploymentprocess-Projects-1", "Steps": steps });
        ProcessOutline::from_process(&serde_json::from_value(process).unwrap()).unwrap()
    }

    /// Describes the contents, given steps `id:name:slug`; one whose name starts with `use` is still a usage.
    fn describe(outline: &ProcessOutline, steps: &[&str]) -> String {
        let step = |text: &&str| {
            let [id, name, slug] = text.split(':').collect::<Vec<_>>()[..] else {
                panic!("{text}")
            };
            let kind = if name.starts_with("use") { PROCESS_TEMPLATE } else { "Octopus.Script" };
            json!({ "Name": name, "Actions": [{ "Id": id, "Slug": slug, "ActionType": kind }] })
        };
        let steps: Vec<Value> = steps.iter().map(step).collect();
        let resolved: wire::ResolvedProcessResource =
            serde_json::from_value(json!({ "Steps": steps })).unwrap();
        let one = |template_use: TemplateUse| {
            let inside = match template_use.contents {
                TemplateContents::Steps(steps) => {
                    steps.iter().map(|it| it.step.to_string()).collect::<Vec<_>>().join(", ")
                }
                other => format!("{other:?}"),
            };
            format!("{}: {inside}", template_use.usage.as_str())
        };
        let inside = outline.template_uses(resolved.steps.unwrap()).into_iter();
        inside.map(one).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn steps_of_a_template_are_distinguished_from_those_of_the_process() {
        let one = outline(&["1:Build:build", "2:use it:deploy", "3:Tell:tell"]);
        // Resolved steps | what is inside.
        for (steps, wanted) in [
            (
                &["1:Build:build", "x:Look:deploy-look", "y:Go:deploy-go", "3:Tell:tell"][..],
                "2: Look, Go",
            ),
            // In another order, and without slugs, names or ids.
            (&["x:Look:deploy-look", "3:Tell:tell", "1:Build:build"], "2: Look"),
            (&["1:Build:", "x:Look:", "3:Tell:"], "2: Look"),
            (&["1::", "::", "3::"], "2: without a name"),
            // Ids that are new each time, as in Git.
            (&["7:Build:build", "8:Look:deploy-look", "9:tell:tell"], "2: Look"),
            // A step of the template may be called like one of the process.
            (&["1:Build:build", "x:Build:deploy-build", "3:Tell:tell"], "2: Build"),
            // The usage's name in front of theirs, or its id.
            (&["1:Build:build", "x:use it / Look:deploy-look", "3:Tell:tell"], "2: Look"),
            (&["1:Build:build", "2:Look:look", "3:Tell:tell"], "2: Look"),
            // A usage that cannot be resolved is left out, or left unchanged.
            (&["1:Build:build", "3:Tell:tell"], "2: Omitted"),
            (&["1:Build:build", "2:use it:deploy", "3:Tell:tell"], "2: Omitted"),
            (&[], "2: Omitted"),
        ] {
            assert_eq!(describe(&one, steps), wanted, "{steps:?}");
        }
    }

    #[test]
    fn usages_are_matched_by_slug_then_by_position() {
        let two = outline(&["1:use a:deploy", "2:use b:deploy-web", "3:Tell:tell", "4:use c:"]);
        for (steps, wanted) in [
            (&["x:X:deploy-x", "y:Y:deploy-web-y", "3:Tell:tell", "z:Z:z"][..], "1: X; 2: Y; 4: Z"),
            (&["3:Tell:tell", "y:Y:deploy-web-y"], "1: Omitted; 2: Y; 4: Omitted"),
            // Between two usages without a clue the origin is unknown.
            (&["x:X:x", "3:Tell:tell", "z:Z:z"], "1: Ambiguous; 2: Ambiguous; 4: Z"),
            (&["x:X:deploy-x", "q:Q:q", "3:Tell:tell"], "1: X; 2: Ambiguous; 4: Ambiguous"),
        ] {
            assert_eq!(describe(&two, steps), wanted, "{steps:?}");
        }
    }

    #[test]
    fn a_process_without_a_usage_has_no_outline_and_fields_are_optional() {
        let process = json!({ "Id": "p", "Steps": [{ "Actions": [{ "Id": "a" }] }] });
        assert!(ProcessOutline::from_process(&serde_json::from_value(process).unwrap()).is_none());
        let odd =
            json!({ "Steps": [{}, { "Actions": null }, { "Actions": [{ "Channels": null }] }] });
        let odd: wire::ResolvedProcessResource = serde_json::from_value(odd).unwrap();
        assert_eq!(odd.steps.unwrap().len(), 3);
        assert_eq!(
            serde_json::from_value::<wire::ResolvedProcessResource>(json!({})).unwrap().steps,
            None
        );
    }
}
