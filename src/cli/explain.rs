//! `poolwright explain`: where a step runs and why, and what uses a pool.

use super::{error_report::error_with_help, exit, files, print::out, screen::Screen, session};
use poolwright_core::{
    desired::{Desired, DesiredPoolRef, PlacementVerdict},
    diff::{deciding_rules, plan_changes, simulate_changes},
    explain::{self, DeclaredAnswer, ExplainInput, Explanation, PlacementAnswer, RuleAnswer},
    live::{GitScope, HiddenData, Live, LivePool, LiveStep, ReadScope, UnreadPart, group_by_cause},
    model::{Address, Execution, Name, Place},
    plan::PlanHeader,
    text::nearest_name,
};
use poolwright_refresh::{find_space, refresh_live, scope_for_plan};

use std::{collections::HashMap, path::Path};

/// Say where the steps of a project run, by which rule and on which workers; or what uses a pool.
///
/// Works without a file; where there is a `workers.toml`, what it asks for is told too. Example:
///
///   poolwright explain "Web Store" "Deploy to AKS"
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The project: its name, slug or id.
    #[arg(required_unless_present = "pool", conflicts_with = "pool")]
    project: Option<String>,
    /// A step or action of it, by name; without one, all of them.
    #[arg(requires = "project")]
    step: Option<String>,
    /// Say what uses this pool: its name, slug or id.
    #[arg(long, value_name = "POOL")]
    pool: Option<String>,
    /// How it is shown.
    #[arg(long, value_enum, default_value_t = ExplainFormat::Text, value_name = "FORMAT")]
    format: ExplainFormat,
    #[command(flatten)]
    files: files::Args,
    #[command(flatten)]
    session: session::Args,
}

/// How an explanation is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum ExplainFormat {
    /// For people.
    Text,
    /// For scripts.
    Json,
    /// For spreadsheets.
    Csv,
}

/// Reads what the question needs, and answers it.
pub(super) async fn run(args: &Args, screen: &Screen) -> anyhow::Result<u8> {
    let files = match args.files.are_default() && !Path::new(files::DEFAULT).exists() {
        true => None,
        false => match args.files.load_files(screen)? {
            Some(files) => Some(files),
            None => return Ok(exit::ERROR),
        },
    };
    let desired = files.as_ref().map(|it| &it.desired);
    let url = desired.and_then(|it| it.url.as_ref()).map(|it| it.value.as_str());
    let session = args.session.open_session(url).await?;
    let reader = session.connection.reader();
    let said = desired.and_then(|it| it.space.as_ref());
    let space = find_space(&reader, args.session.space_name(said)).await?;
    let wanted = args.scope_to_read(desired.map(scope_for_plan));
    let live = refresh_live(&reader, &space, &wanted, &session.url).await?;
    let explanation = match &args.pool {
        Some(pool) => Explanation::for_pool(&live, find_live_pool(&live, pool)?),
        None => {
            let header = PlanHeader {
                url: session.url.clone(),
                server_version: live.server.version.clone(),
                space,
                files: Vec::new(),
                digest: String::new(),
                scope: wanted,
            };
            if live.projects.is_empty() {
                let all =
                    reader.in_space(&header.space.id).list_projects().await.unwrap_or_default();
                return Err(args.no_project_error(all.iter().map(|it| it.name.as_str())));
            }
            let planned = desired.map(|desired| {
                simulate_changes(&live, &plan_changes(desired, &live, header).changes)
            });
            let declared = files.as_ref().map(|it| declared_steps(it, &live)).unwrap_or_default();
            let file = planned.as_ref().map(|after| (after, &declared));
            args.explain_steps(&ExplainInput { live: &live, file })?
        }
    };
    out!(
        "{}",
        match args.format {
            ExplainFormat::Text => explain::render_text(&explanation),
            ExplainFormat::Json => explain::render_json(&explanation),
            ExplainFormat::Csv => explain::render_csv(&explanation),
        }
    );
    match args.step {
        None => args.check_complete(&live, &explanation).map(|()| exit::DONE),
        Some(_) => Ok(exit::DONE),
    }
}

impl Args {
    /// What has to be read: for one project little more than that project.
    fn scope_to_read(&self, of_file: Option<ReadScope>) -> ReadScope {
        let git = GitScope { branches: vec!["default".to_owned()], ..GitScope::default() };
        let git = GitScope { skip_unreachable: true, ..git };
        let of_file = of_file.filter(|_| self.pool.is_none()).unwrap_or_default();
        ReadScope {
            workers: true,
            deployments: true,
            runbooks: true,
            references: true,
            templates: true,
            snapshots: self.pool.is_some(),
            features: true,
            other_spaces: false,
            git: Some(of_file.git.clone().unwrap_or(git)),
            project: self.project.clone(),
            ..of_file
        }
    }

    fn no_project_error<'a>(&self, known: impl Iterator<Item = &'a str>) -> anyhow::Error {
        let project = self.project.as_deref().unwrap_or_default();
        let help = match nearest_name(project, known) {
            Some(near) => format!("a project of a similar name exists: `{near}`"),
            None => "name a project that the key may see, by its name, slug or id".to_owned(),
        };
        error_with_help(format!("there is no project `{project}`"), help)
    }

    /// # Errors
    ///
    /// Where steps of the project that was asked for could not be read. What the key may not see is of it
    /// for certain only where nothing else is told.
    fn check_complete(&self, live: &Live, told: &Explanation) -> anyhow::Result<()> {
        let Some(project) = &self.project else { return Ok(()) };
        let is_about_question = |part: &&UnreadPart| {
            hides_steps(part) && (part.project.is_some() || told.steps.is_empty())
        };
        let unread = group_by_cause(live.unread.iter().filter(is_about_question));
        let unread: Vec<_> = unread.iter().map(|(what, why)| format!("{what}: {why}")).collect();
        if unread.is_empty() {
            return Ok(());
        }
        let unread = unread.join("; ");
        let message = format!("not all steps of project `{project}` could be read: {unread}");
        Err(error_with_help(
            message,
            "look at the project's Git settings and the key's permissions in Octopus",
        ))
    }

    fn explain_steps(&self, question: &ExplainInput) -> anyhow::Result<Explanation> {
        let Some(step) = &self.step else { return Ok(Explanation::for_steps(question, |_| true)) };
        let name = Name::new(step);
        let explanation = Explanation::for_steps(question, |other: &LiveStep| {
            other.step == name || other.action == name
        });
        if !explanation.steps.is_empty() {
            return Ok(explanation);
        }
        let project = self.project.as_deref().unwrap_or_default();
        let steps = question.live.processes.iter().flat_map(|process| {
            process
                .steps
                .iter()
                .flat_map(|other| std::iter::once(other).chain(process.inner_steps(other)))
        });
        let names = steps.flat_map(|other| [other.display_name().as_str(), other.step.as_str()]);
        let help = match (nearest_name(step, names), explanation.unread.first()) {
            (Some(near), _) => format!("a step of a similar name exists: `{near}`"),
            (None, Some(unseen)) => unseen.clone(),
            (None, None) => "without a step all of the project's are told".to_owned(),
        };
        let of = match question.live.unread.iter().any(hides_steps) {
            true => "what could be read of project",
            false => "project",
        };
        Err(error_with_help(format!("there is no step `{step}` in {of} `{project}`"), help))
    }
}

/// Whether steps of the space are among what could not be read.
fn hides_steps(gap: &UnreadPart) -> bool {
    matches!(gap.hidden, HiddenData::Steps | HiddenData::StepsInGit)
}

/// What the file says of live steps, by the rules that decide about them.
fn declared_steps(files: &files::LoadedFiles, live: &Live) -> HashMap<Address, DeclaredAnswer> {
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
