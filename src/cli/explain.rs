//! `poolwright explain`: where a step runs and why, and what uses a pool.

use super::{exit, files, print::out, screen::Screen, session, trouble::helped};
use crate::{
    diff::{after, decisions, diff},
    explain::{self, Explanation, Question, RuleAnswer},
    live::{GitScope, Live, LivePool, LiveStep, Scope},
    model::{Address, Name},
    plan::Header,
    refresh::{refresh, scope, space},
    text::nearest,
};
use std::path::Path;

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
    #[arg(long, value_enum, default_value_t = Shown::Text, value_name = "FORMAT")]
    format: Shown,
    #[command(flatten)]
    files: files::Args,
    #[command(flatten)]
    session: session::Args,
}

/// How an explanation is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Shown {
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
        false => match args.files.load(screen)? {
            Some(files) => Some(files),
            None => return Ok(exit::ERROR),
        },
    };
    let desired = files.as_ref().map(|it| &it.desired);
    let url = desired.and_then(|it| it.url.as_ref()).map(|it| it.value.as_str());
    let session = args.session.open(url).await?;
    let reader = session.connection.reader();
    let said = desired.and_then(|it| it.space.as_ref());
    let space = space(&reader, args.session.space(said)).await?;
    let wanted = args.scope(desired.map(scope));
    let live = refresh(&reader, &space, &wanted, &session.url).await?;
    let explanation = match &args.pool {
        Some(pool) => Explanation::of_pool(&live, the_pool(&live, pool)?),
        None => {
            let header = Header {
                url: session.url.clone(),
                server_version: live.server.version.clone(),
                space,
                files: Vec::new(),
                digest: String::new(),
                scope: wanted,
            };
            let planned = desired.map(|it| after(&live, &diff(it, &live, header).changes));
            let rules = files.as_ref().map(|it| rules(it, &live)).unwrap_or_default();
            args.of_steps(&Question { live: &live, after: planned.as_ref(), rules: &rules })?
        }
    };
    out!(
        "{}",
        match args.format {
            Shown::Text => explain::text(&explanation),
            Shown::Json => explain::json(&explanation),
            Shown::Csv => explain::csv(&explanation),
        }
    );
    Ok(exit::DONE)
}

impl Args {
    /// What has to be read: for one project little more than that project.
    fn scope(&self, of_file: Option<Scope>) -> Scope {
        let git = GitScope { branches: vec!["default".to_owned()], ..GitScope::default() };
        let git = GitScope { skip_unreachable: true, ..git };
        let of_file = of_file.filter(|_| self.pool.is_none()).unwrap_or_default();
        Scope {
            workers: true,
            deployments: true,
            runbooks: true,
            pointers: true,
            editions: self.pool.is_some(),
            features: true,
            elsewhere: false,
            git: Some(of_file.git.clone().unwrap_or(git)),
            project: self.project.clone(),
            ..of_file
        }
    }

    fn of_steps(&self, question: &Question) -> anyhow::Result<Explanation> {
        let project = self.project.as_deref().unwrap_or_default();
        if question.live.projects.is_empty() {
            let help = "name a project that the key may see, by its name, slug or id";
            return Err(helped(format!("there is no project `{project}`"), help));
        }
        let Some(step) = &self.step else { return Ok(Explanation::of_steps(question, |_| true)) };
        let name = Name::new(step);
        let explanation =
            Explanation::of_steps(question, |it: &LiveStep| it.step == name || it.action == name);
        if !explanation.steps.is_empty() {
            return Ok(explanation);
        }
        let steps = question.live.processes.iter().flat_map(|process| &process.steps);
        let near = nearest(step, steps.map(|it| it.name().as_str()));
        let help = match near {
            Some(near) => format!("a step of a similar name exists: `{near}`"),
            None => "without a step all of the project's are told".to_owned(),
        };
        Err(helped(format!("there is no step `{step}` in project `{project}`"), help))
    }
}

/// The rules that decide about live steps, with their places in the files.
fn rules(files: &files::Files, live: &Live) -> Vec<(Address, RuleAnswer)> {
    let decided = decisions(&files.desired, live).into_iter();
    let told = decided.filter_map(|(address, rule)| {
        let line = files.sources.line(&rule.at)?;
        Some((address, RuleAnswer { line, label: rule.label.clone() }))
    });
    told.collect()
}

fn the_pool<'a>(live: &'a Live, wanted: &str) -> anyhow::Result<&'a LivePool> {
    let name = Name::new(wanted);
    let is_slug = |pool: &LivePool| !pool.slug.is_empty() && Name::new(&pool.slug) == name;
    let by: [&dyn Fn(&LivePool) -> bool; 3] =
        [&|it| Name::new(it.id.as_str()) == name, &|it| it.name == name, &is_slug];
    let found = by.iter().find_map(|by| live.pools.iter().find(|it| by(it)));
    found.ok_or_else(|| {
        let near = nearest(wanted, live.pools.iter().map(|it| it.name.as_str()));
        let help = match near {
            Some(near) => format!("a pool of a similar name exists: `{near}`"),
            None => "name a pool of this space, by its name, slug or id".to_owned(),
        };
        helped(format!("there is no pool `{wanted}`"), help)
    })
}
