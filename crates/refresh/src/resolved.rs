//! What is inside the process templates that a deployment process uses: one request more for a process that
//! uses one, and none for any other.
//!
//! The answer is a process with the steps of templates in place of their usages, and does not say whose each
//! of them is. It is believed as far as it can be told apart. Never: an error of a plan, where only this
//! cannot be read.
//!
//! # Source
//!
//! `api.md` 2.8, 2.11; `OctopusDeploy/docs`, `src/pages/docs/api/_generated/deployment-processes.md`: a usage
//! that cannot be resolved is left out. The slug of a step that comes of a usage begins with that of the usage
//! (`deploy-workload-deploy-manifests`, in a public Terraform configuration that was read off a server). What
//! else tells is where it stands: steps of the process itself keep their ids, and their order.

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

/// What tells the steps of a process from those that a resolved one has beside them.
#[derive(Debug)]
pub(super) struct ProcessOutline(Vec<StepOutline>);

/// A step, as far as it matters here. Ids and slugs are those of the step and of its actions.
#[derive(Debug)]
struct StepOutline {
    name: String,
    ids: Vec<String>,
    slugs: Vec<String>,
    /// The id of the action that uses a template.
    usage: Option<String>,
}

/// What a step of a resolved process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ResolvedStepKind {
    /// The step of the process at this place.
    Own(usize),
    /// The usage at this place, as it was.
    Usage,
    /// A step of a template, which has the id of its usage at this place.
    Inside(usize),
    /// A step of some template.
    Added,
}

impl ProcessOutline {
    /// The outline of a process; none where it uses no template.
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

    /// What is inside each usage, by what a server has told.
    fn template_uses(&self, resolved: Vec<wire::ResolvedStepResource>) -> Vec<TemplateUse> {
        let standing: Vec<ResolvedStepKind> =
            resolved.iter().map(|it| self.classify_step(it)).collect();
        let own_position = |step: &ResolvedStepKind| match step {
            ResolvedStepKind::Own(at) => Some(*at),
            ResolvedStepKind::Usage | ResolvedStepKind::Inside(_) | ResolvedStepKind::Added => None,
        };
        let mut inside: Vec<Vec<LiveStep>> = self.0.iter().map(|_| Vec::new()).collect();
        let mut mixed = false;
        for ((at, step), what) in resolved.into_iter().enumerate().zip(&standing) {
            let found = match what {
                ResolvedStepKind::Own(_) | ResolvedStepKind::Usage => continue,
                ResolvedStepKind::Inside(usage) => Some(*usage),
                ResolvedStepKind::Added => {
                    let before = standing.iter().take(at).rev().find_map(own_position);
                    self.owning_usage(
                        &step,
                        before,
                        standing.iter().skip(at).find_map(own_position),
                    )
                }
            };
            match found.and_then(|at| Some((self.0.get(at)?, inside.get_mut(at)?))) {
                Some((usage, steps)) => {
                    let step = ensure_name(step);
                    steps.extend(strip_usage_name(lower::live_steps(step.into()), &usage.name));
                }
                None => mixed = true,
            }
        }
        let used = self.0.iter().zip(inside).filter_map(|(step, steps)| {
            let usage = Id::new(step.usage.as_ref()?);
            let inside = match (steps.is_empty(), mixed) {
                (false, _) => TemplateContents::Steps(steps),
                (true, true) => TemplateContents::Ambiguous,
                (true, false) => TemplateContents::Omitted,
            };
            Some(TemplateUse { usage, contents: inside })
        });
        used.collect()
    }

    /// What a step of a resolved process is. Ids tell best; in Git they need not be the same twice.
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
        let uses = self.0.get(at).is_some_and(|it| it.usage.is_some());
        match (uses, step.actions.iter().any(|it| is_template_usage(&it.action_type))) {
            (false, _) => ResolvedStepKind::Own(at),
            (true, true) => ResolvedStepKind::Usage,
            (true, false) => ResolvedStepKind::Inside(at),
        }
    }

    /// The usages, each with its place.
    fn indexed_usages(&self) -> impl Iterator<Item = (usize, &StepOutline)> {
        self.0.iter().enumerate().filter(|(_, it)| it.usage.is_some())
    }

    /// The usage with whose slug that of a step begins: the longest, for `deploy-web` says more than `deploy`.
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

    /// Which usage a step comes of that stands between these two steps of the process.
    fn owning_usage(
        &self,
        step: &wire::ResolvedStepResource,
        before: Option<usize>,
        after: Option<usize>,
    ) -> Option<usize> {
        let is_between = |at: usize| {
            before.is_none_or(|index| index < at) && after.is_none_or(|index| at < index)
        };
        let sole_usage = |here: bool| {
            let mut all =
                self.indexed_usages().map(|(at, _)| at).filter(|at| !here || is_between(*at));
            all.next().filter(|_| all.next().is_none())
        };
        self.usage_by_slug(step).or_else(|| sole_usage(true)).or_else(|| sole_usage(false))
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

/// Texts in lower case, but for the empty ones.
fn lowercase_non_empty<'a>(texts: impl Iterator<Item = &'a String>) -> Vec<String> {
    texts.filter(|it| !it.is_empty()).map(|it| fold_case(it)).collect()
}

/// What is inside the templates that a process uses, as the server tells it. A server that knows no templates,
/// and an answer that makes no sense, leave it unknown.
///
/// # Errors
///
/// A failure that is of the connection.
pub(super) async fn read_template_uses(
    reader: &SpaceReader,
    outline: &ProcessOutline,
    (project, branch): (&str, Option<&ProjectBranch>),
) -> Result<Vec<TemplateUse>, octopus::ClientError> {
    let why = match reader.resolved_process(project, branch).await {
        Ok(wire::ResolvedProcessResource { steps: Some(steps) }) => {
            return Ok(outline.template_uses(steps));
        }
        Ok(_) => "the answer has no steps".to_owned(),
        Err(error) if lacks_templates(&error) => error.to_string(),
        Err(error) => return Err(error),
    };
    let unread_use = |outline: &StepOutline| {
        let usage = Id::new(outline.usage.as_ref()?);
        Some(TemplateUse { usage, contents: TemplateContents::Unread(why.clone()) })
    };
    Ok(outline.0.iter().filter_map(unread_use).collect())
}

/// Whether a server answers, and has nothing to say about templates.
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

/// A gap for each process of which some template could not be read.
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
        let on = process.git.as_ref().map(|git| format!(" on branch {:?}", git.at.name));
        let of = format!("project {:?}{}", process.owner.project, on.unwrap_or_default());
        let what = format!("the steps inside the process templates that {of} uses");
        Some(UnreadPart::new(what, why, HiddenData::Templates))
    };
    processes.filter_map(unread_part).collect()
}

/// A step that has a name, be it its slug.
fn ensure_name(mut step: wire::ResolvedStepResource) -> wire::ResolvedStepResource {
    if step.name.trim().is_empty() {
        let actions = step.actions.iter().flat_map(|action| [&action.name, &action.slug]);
        let mut names = actions.chain([&step.slug]).filter(|it| !it.trim().is_empty());
        step.name = names.next().cloned().unwrap_or_else(|| "without a name".to_owned());
    }
    step
}

/// Steps without the name of their usage before their own, for that is told with them.
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

    /// What is inside, of steps `id:name:slug`; one whose id begins with `use` is still a usage.
    fn told(outline: &ProcessOutline, steps: &[&str]) -> String {
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
    fn steps_of_a_template_are_told_from_those_of_the_process() {
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
            // It cannot be resolved: it is left out, or left as it is.
            (&["1:Build:build", "3:Tell:tell"], "2: Omitted"),
            (&["1:Build:build", "2:use it:deploy", "3:Tell:tell"], "2: Omitted"),
            (&[], "2: Omitted"),
        ] {
            assert_eq!(told(&one, steps), wanted, "{steps:?}");
        }
    }

    #[test]
    fn of_several_usages_the_slug_tells_and_else_the_place() {
        let two = outline(&["1:use a:deploy", "2:use b:deploy-web", "3:Tell:tell", "4:use c:"]);
        for (steps, wanted) in [
            (&["x:X:deploy-x", "y:Y:deploy-web-y", "3:Tell:tell", "z:Z:z"][..], "1: X; 2: Y; 4: Z"),
            (&["3:Tell:tell", "y:Y:deploy-web-y"], "1: Omitted; 2: Y; 4: Omitted"),
            // Between two usages that tell nothing nobody knows.
            (&["x:X:x", "3:Tell:tell", "z:Z:z"], "1: Ambiguous; 2: Ambiguous; 4: Z"),
            (&["x:X:deploy-x", "q:Q:q", "3:Tell:tell"], "1: X; 2: Ambiguous; 4: Ambiguous"),
        ] {
            assert_eq!(told(&two, steps), wanted, "{steps:?}");
        }
    }

    #[test]
    fn a_process_without_a_usage_has_no_outline_and_an_answer_needs_nothing() {
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
