//! From a question and a server to where steps run and why, and what uses a pool.

use super::{LoadedFiles, Target, error_with_help, unsaved_header};
use poolwright_client::octopus::Reader;
use poolwright_core::{
    desired::{Desired, DesiredPoolRef, PlacementVerdict},
    diff::{deciding_rules, plan_changes, simulate_changes},
    explain::{DeclaredAnswer, ExplainInput, Explanation, PlacementAnswer, RuleAnswer},
    live::{HiddenData, Live, LivePool, LiveStep, UnreadPart, group_by_cause},
    model::{Address, Execution, Name, Place},
    scope::ReadScope,
    text::nearest_name,
};
use poolwright_refresh::{find_space, refresh_live};

use std::collections::HashMap;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ExplainQuestion<'a> {
    /// What uses a pool, by its name, slug or id.
    Pool(&'a str),
    /// Where the steps of a project run, or one of them.
    Steps {
        /// The project's name, slug or id.
        project: &'a str,
        /// The name of a step or action.
        step: Option<&'a str>,
    },
}

/// A question, and to whom it is put.
#[derive(Debug)]
pub(crate) struct ExplainRequest<'a> {
    /// The server and the space.
    pub(crate) target: Target<'a>,
    /// The question.
    pub(crate) question: ExplainQuestion<'a>,
    /// The files that say what is asked for, where there are any.
    pub(crate) files: Option<&'a LoadedFiles>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct ExplainAnswer {
    /// What is known.
    pub(crate) explanation: Explanation,
    /// Why that may not be everything.
    pub(crate) incomplete: Option<anyhow::Error>,
}

/// Reads what the question needs, and answers it.
///
/// # Errors
///
/// Where the server cannot be read, or has nothing of this name.
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
        let all = reader.in_space(&space.id).list_projects().await.unwrap_or_default();
        return Err(no_project_error(project, all.iter().map(|it| it.name.as_str())));
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

fn no_project_error<'a>(project: &str, known: impl Iterator<Item = &'a str>) -> anyhow::Error {
    let help = match nearest_name(project, known) {
        Some(near) => format!("a project of a similar name exists: `{near}`"),
        None => "name a project that the key may see, by its name, slug or id".to_owned(),
    };
    error_with_help(format!("there is no project `{project}`"), help)
}

/// The error where steps of the project that was asked for could not be read. What the key may not see belongs to it
/// for certain only where nothing else is told.
fn incomplete_error(live: &Live, project: &str, told: &Explanation) -> Option<anyhow::Error> {
    let is_about_question =
        |part: &&UnreadPart| hides_steps(part) && (part.project.is_some() || told.steps.is_empty());
    let unread = group_by_cause(live.unread.iter().filter(is_about_question));
    let unread: Vec<_> = unread.iter().map(|(what, why)| format!("{what}: {why}")).collect();
    if unread.is_empty() {
        return None;
    }
    let unread = unread.join("; ");
    let message = format!("not all steps of project `{project}` could be read: {unread}");
    Some(error_with_help(
        message,
        "look at the project's Git settings and the key's permissions in Octopus",
    ))
}

fn explain_step(input: &ExplainInput, project: &str, step: &str) -> anyhow::Result<Explanation> {
    let name = Name::new(step);
    let is_asked = |other: &LiveStep| other.step == name || other.action == name;
    let explanation = Explanation::for_steps(input, is_asked);
    if !explanation.steps.is_empty() {
        return Ok(explanation);
    }
    let steps = input.live.processes.iter().flat_map(|process| {
        process
            .steps
            .iter()
            .flat_map(|other| std::iter::once(other).chain(process.inner_steps(other)))
    });
    let names = steps.flat_map(|other| [other.display_name().as_str(), other.step.as_str()]);
    let help = match (nearest_name(step, names), explanation.unread.first()) {
        (Some(near), _) => format!("a step of a similar name exists: `{near}`"),
        (None, Some(unread)) => unread.clone(),
        (None, None) => "leave the step out to see all steps of the project".to_owned(),
    };
    let of = if input.live.unread.iter().any(hides_steps) {
        "what could be read of project"
    } else {
        "project"
    };
    Err(error_with_help(format!("there is no step `{step}` in {of} `{project}`"), help))
}

/// Whether steps of the space are among what could not be read.
fn hides_steps(gap: &UnreadPart) -> bool {
    matches!(gap.hidden, HiddenData::Steps | HiddenData::StepsInGit)
}

/// What the file says of live steps, by the rules that decide about them.
fn declared_steps(files: &LoadedFiles, live: &Live) -> HashMap<Address, DeclaredAnswer> {
    let is_in_git = |address: &Address| matches!(address, Address::Step { branch: Some(_), .. });
    let leaves_git = files.desired.version_control.is_none();
    let decided = deciding_rules(&files.desired, live).into_iter();
    let told = decided.filter_map(|(address, rule)| {
        if leaves_git && is_in_git(&address) {
            let why = "it is stored in Git, and the file has no `[version_control]`";
            return Some((address, DeclaredAnswer::new_unmanaged(why)));
        }
        let line = files.sources.start_line(&rule.span)?;
        let rule_answer = RuleAnswer { line, label: rule.label.clone() };
        let said = describe_verdict(&rule.verdict, &files.desired);
        Some((address, DeclaredAnswer { rule: Some(rule_answer), placement: said }))
    });
    told.collect()
}

/// Where a rule says that its steps shall run.
fn describe_verdict(verdict: &PlacementVerdict, desired: &Desired) -> PlacementAnswer {
    let target = match verdict {
        PlacementVerdict::Leave => {
            let text = "left as it is".to_owned();
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

fn find_live_pool<'a>(live: &'a Live, wanted: &str) -> anyhow::Result<&'a LivePool> {
    let name = Name::new(wanted);
    let is_slug = |pool: &LivePool| !pool.slug.is_empty() && Name::new(&pool.slug) == name;
    let by: [&dyn Fn(&LivePool) -> bool; 3] =
        [&|other| Name::new(other.id.as_str()) == name, &|other| other.name == name, &is_slug];
    let found = by.iter().find_map(|by| live.pools.iter().find(|it| by(it)));
    found.ok_or_else(|| {
        let near = nearest_name(wanted, live.pools.iter().map(|it| it.name.as_str()));
        let help = match near {
            Some(near) => format!("a pool of a similar name exists: `{near}`"),
            None => "name a pool of this space, by its name, slug or id".to_owned(),
        };
        error_with_help(format!("there is no pool `{wanted}`"), help)
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
        insta::assert_snapshot!(help(ExplainQuestion::Pool("Default Worker Pol")).await, @"there is no pool `Default Worker Pol`; a pool of a similar name exists: `Default Worker Pool`");
        insta::assert_snapshot!(help(steps("Web Stor", None)).await, @"there is no project `Web Stor`; a project of a similar name exists: `Web Store`");
        insta::assert_snapshot!(help(steps("Web Store", Some("?"))).await, @"there is no step `?` in project `Web Store`; leave the step out to see all steps of the project");
    }

    #[tokio::test]
    async fn a_file_says_beside_each_step_which_rule_decides() {
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
