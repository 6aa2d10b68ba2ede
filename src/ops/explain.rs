//! Explains where steps run and why, or what uses a pool.

use super::{LoadedFiles, Target, error_with_help, unsaved_header};
use poolwright_client::octopus::Reader;
use poolwright_core::{
    desired::{Desired, DesiredPoolRef, PlacementVerdict},
    diff::{deciding_rules, plan_changes, simulate_changes},
    explain::{DeclaredAnswer, ExplainInput, Explanation, PlacementAnswer, RuleAnswer},
    live::{Live, LivePool, LiveStep, UnreadPart, UnreadSubject, describe_parts},
    model::{Address, Execution, Id, Name, Place, Space, UnresolvedReference, find_by_reference},
    scope::ReadScope,
    text::nearest_name,
};
use poolwright_refresh::{find_space, refresh_live};

use std::collections::HashMap;

/// The question to answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ExplainQuestion<'a> {
    /// What uses a pool, given by name, slug or id.
    Pool(&'a str),
    /// Where the steps of a project run, or one of its steps.
    Steps {
        /// The project's name, slug or id.
        project: &'a str,
        /// The name of a step or action.
        step: Option<&'a str>,
    },
}

/// A question, and where to look for the answer.
#[derive(Debug)]
pub(crate) struct ExplainRequest<'a> {
    /// The server and the space.
    pub(crate) target: Target<'a>,
    /// The question.
    pub(crate) question: ExplainQuestion<'a>,
    /// The configuration files, if there are any.
    pub(crate) files: Option<&'a LoadedFiles>,
}

/// The answer to a question.
#[derive(Debug)]
pub(crate) struct ExplainAnswer {
    /// What could be found out.
    pub(crate) explanation: Explanation,
    /// Why the explanation may be incomplete.
    pub(crate) incomplete: Option<anyhow::Error>,
}

/// Reads what the question needs, and answers it.
///
/// # Errors
///
/// Fails if the server cannot be read, or has nothing with this name.
pub(crate) async fn explain(
    reader: &Reader,
    request: &ExplainRequest<'_>,
) -> anyhow::Result<ExplainAnswer> {
    let Target { url, space } = request.target;
    let space = find_space(reader, space).await?;
    let desired = request.files.map(|files| &files.desired);
    let project = match request.question {
        ExplainQuestion::Pool(_) => None,
        ExplainQuestion::Steps { project, .. } => Some(project),
    };
    let scope = ReadScope::for_explain(project, desired);
    let live = refresh_live(reader, &space, &scope, url).await?;
    let (project, step) = match request.question {
        ExplainQuestion::Pool(pool) => {
            let explanation = Explanation::for_pool(&live, find_live_pool(&live, pool)?);
            return Ok(ExplainAnswer { explanation, incomplete: None });
        }
        ExplainQuestion::Steps { project, step } => (project, step),
    };
    if live.projects.is_empty() {
        return Err(list_project_error(reader, &space.id, project).await);
    }
    let planned = desired.map(|desired| {
        let plan = plan_changes(desired, &live, unsaved_header(space));
        simulate_changes(&live, &plan.changes)
    });
    let declared = request.files.map(|files| declared_steps(files, &live)).unwrap_or_default();
    let file = planned.as_ref().map(|after| (after, &declared));
    let input = ExplainInput { live: &live, file };
    match step {
        Some(step) => {
            let explanation = explain_step(&input, project, step)?;
            Ok(ExplainAnswer { explanation, incomplete: None })
        }
        None => {
            let explanation = Explanation::for_steps(&input, |_| true);
            let incomplete = incomplete_error(&live, project, &explanation);
            Ok(ExplainAnswer { explanation, incomplete })
        }
    }
}

/// Returns the error about a project that the space does not have, with the nearest one that it has.
pub(super) async fn list_project_error(
    reader: &Reader,
    space: &Id<Space>,
    project: &str,
) -> anyhow::Error {
    let all = reader.in_space(space).list_projects().await.unwrap_or_default();
    no_project_error(project, all.iter().map(|it| it.name.as_str()))
}

fn no_project_error<'a>(project: &str, known: impl Iterator<Item = &'a str>) -> anyhow::Error {
    let help = match nearest_name(project, known) {
        Some(near) => format!("a project with a similar name exists: `{near}`"),
        None => "name a project that the key may see, by its name, slug or id".to_owned(),
    };
    error_with_help(format!("there is no project `{project}`"), help)
}

/// Returns an error if steps of the project in question could not be read. An unread part that names no project
/// counts only if the explanation has no steps at all.
fn incomplete_error(
    live: &Live,
    project: &str,
    explanation: &Explanation,
) -> Option<anyhow::Error> {
    let has_no_steps = explanation.steps.is_empty();
    let is_about_question =
        |part: &&UnreadPart| hides_steps(part) && (part.project.is_some() || has_no_steps);
    let unread = describe_parts(live.unread.iter().filter(is_about_question));
    if unread.is_empty() {
        return None;
    }
    let unread = unread.join("; ");
    let message = format!("not all steps of project `{project}` could be read: {unread}");
    Some(error_with_help(
        message,
        "check the project's Git settings and the key's permissions in Octopus",
    ))
}

fn explain_step(input: &ExplainInput, project: &str, step: &str) -> anyhow::Result<Explanation> {
    let name = Name::new(step);
    let has_name = |live: &LiveStep| live.step == name || live.action == name;
    let explanation = Explanation::for_steps(input, has_name);
    if !explanation.steps.is_empty() {
        return Ok(explanation);
    }
    let steps = input.live.processes.iter().flat_map(|process| {
        process
            .steps
            .iter()
            .flat_map(|outer| std::iter::once(outer).chain(process.inner_steps(outer)))
    });
    let names = steps.flat_map(|live| [live.display_name().as_str(), live.step.as_str()]);
    let help = match (nearest_name(step, names), explanation.unread.first()) {
        (Some(near), _) => format!("a step with a similar name exists: `{near}`"),
        (None, Some(unread)) => unread.clone(),
        (None, None) => "leave the step out to see all steps of the project".to_owned(),
    };
    let searched = if input.live.unread.iter().any(hides_steps) {
        "the readable part of project"
    } else {
        "project"
    };
    Err(error_with_help(format!("there is no step `{step}` in {searched} `{project}`"), help))
}

/// Whether an unread part may contain steps of the space.
fn hides_steps(part: &UnreadPart) -> bool {
    part.may_hide(UnreadSubject::RuleSteps)
}

/// Returns what the files declare for each live step, and by which rule.
fn declared_steps(files: &LoadedFiles, live: &Live) -> HashMap<Address, DeclaredAnswer> {
    let is_in_git = |address: &Address| matches!(address, Address::Step { branch: Some(_), .. });
    let leaves_git = files.desired.version_control.is_none();
    let decided = deciding_rules(&files.desired, live).into_iter();
    let answers = decided.filter_map(|(address, rule)| {
        if leaves_git && is_in_git(&address) {
            let why = "it is stored in Git, and the file has no `[version_control]`";
            return Some((address, DeclaredAnswer::new_unmanaged(why)));
        }
        let line = files.sources.start_line(&rule.span)?;
        let rule_answer = RuleAnswer { line, label: rule.label.clone() };
        let placement = describe_verdict(&rule.verdict, &files.desired);
        Some((address, DeclaredAnswer { rule: Some(rule_answer), placement }))
    });
    answers.collect()
}

/// Describes where a rule places its steps.
fn describe_verdict(verdict: &PlacementVerdict, desired: &Desired) -> PlacementAnswer {
    let target = match verdict {
        PlacementVerdict::Leave => {
            let text = "left unchanged".to_owned();
            return PlacementAnswer { place: "left", text, ..PlacementAnswer::default() };
        }
        PlacementVerdict::Place(target) => target,
    };
    let (place, pool, variable, text) = match &target.place {
        Place::Pool(pool) => {
            let name = match &pool.value {
                DesiredPoolRef::Declared(key) => {
                    desired.pools.get(key).map_or_else(|| key.clone(), |it| it.name.to_string())
                }
                DesiredPoolRef::Live(reference) => reference.clone(),
            };
            ("pool", Some(name.clone()), None, format!("pool `{name}`"))
        }
        Place::Variable(name) => {
            ("variable", None, Some(name.clone()), format!("variable `{name}`"))
        }
        Place::DefaultPool => ("default", None, None, "the default pool".to_owned()),
    };
    let execution = target.execution.map(Execution::as_str);
    let text = execution.map_or(text.clone(), |execution| format!("{text}, {execution}"));
    PlacementAnswer { place, pool, variable, execution, text, ..PlacementAnswer::default() }
}

/// Returns the pool with this name, slug or id.
pub(super) fn find_live_pool<'a>(live: &'a Live, wanted: &str) -> anyhow::Result<&'a LivePool> {
    let parts = |pool: &'a LivePool| (pool.id.as_str(), &pool.name, pool.slug.as_str());
    find_by_reference(live.pools.iter(), wanted, parts).map_err(|why| match why {
        UnresolvedReference::Missing => {
            let near = nearest_name(wanted, live.pools.iter().map(|it| it.name.as_str()));
            let help = match near {
                Some(near) => format!("a pool with a similar name exists: `{near}`"),
                None => "name a pool of this space, by its name, slug or id".to_owned(),
            };
            error_with_help(format!("there is no pool `{wanted}`"), help)
        }
        UnresolvedReference::Ambiguous(names) => {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            let message = format!("`{wanted}` could be any of the pools {}", names.join(", "));
            error_with_help(message, "rename all but one of them, or use the id of one")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::sample::{Server, source};

    async fn ask(server: &Server, question: ExplainQuestion<'_>) -> anyhow::Result<ExplainAnswer> {
        let request = ExplainRequest { target: server.target(), question, files: None };
        explain(&server.reader(), &request).await
    }

    #[tokio::test]
    async fn a_name_that_does_not_exist_is_an_error_with_the_nearest_one() {
        let server = Server::start().await;
        let help = async |question| {
            let error = ask(&server, question).await.unwrap_err();
            let help = error.downcast_ref::<crate::ops::ErrorWithHelp>().unwrap().help.clone();
            format!("{error}; {help}")
        };
        let steps = |project, step| ExplainQuestion::Steps { project, step };
        insta::assert_snapshot!(help(ExplainQuestion::Pool("Default Worker Pol")).await, @"there is no pool `Default Worker Pol`; a pool with a similar name exists: `Default Worker Pool`");
        insta::assert_snapshot!(help(steps("Web Stor", None)).await, @"there is no project `Web Stor`; a project with a similar name exists: `Web Store`");
        insta::assert_snapshot!(help(steps("Web Store", Some("?"))).await, @"there is no step `?` in project `Web Store`; leave the step out to see all steps of the project");
    }

    #[tokio::test]
    async fn a_file_shows_next_to_each_step_which_rule_decides() {
        let server = Server::start().await;
        let files = LoadedFiles::parse(source(
            "version = 1\n[pools.sql]\nname = \"SQL\"\n\
             [[placements]]\nprocess = \"any\"\npool = \"sql\"\n",
        ));
        let files = files.unwrap();
        let question = ExplainQuestion::Steps { project: "Web Store", step: None };
        let request = ExplainRequest { target: server.target(), question, files: Some(&files) };
        let answer = explain(&server.reader(), &request).await.unwrap();
        assert!(answer.incomplete.is_none());
        let json = poolwright_core::explain::render_json(&answer.explanation);
        assert!(json.contains("pool `SQL`"), "{json}");
    }
}
