//! `poolwright pull`: the live state as a `workers.toml`.

use super::{
    error_report::error_with_help,
    exit, keep,
    print::{errln, out},
    replace_file::replace_file,
    screen::Screen,
    session,
};
use poolwright_core::{
    config,
    diff::plan_changes,
    finding::{Level, Source, Sources},
    live::{GitScope, HiddenData, Live, ReadScope, UnreadPart},
    plan::PlanHeader,
    pull::render_config,
    text::escape::Escaped,
};
use poolwright_refresh::{find_space, full_scope, hidden_parts, lacking_permissions, refresh_live};

use std::path::PathBuf;

/// Write the live state as a `workers.toml`: a plan of it is empty.
///
/// It goes to standard output, or into a file that is not there yet. Example:
///
///   poolwright pull --url sandbox: -o workers.toml
///   poolwright pull --keep workers.toml
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The file to write; standard output where none is given.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Bring a file that is there to what is live, instead: what is still so stays as it is written,
    /// comments and order too.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["output", "force"])]
    keep: Option<PathBuf>,
    /// Write over a file that is there.
    #[arg(long, requires = "output")]
    force: bool,
    #[command(flatten)]
    session: session::Args,
}

/// Reads all there is, and writes it.
pub(super) async fn run(args: &Args, screen: &Screen) -> anyhow::Result<u8> {
    if let Some(path) = args.output.as_ref().filter(|path| !args.force && path.exists()) {
        let message = format!("`{}` is there already", path.display());
        return Err(error_with_help(message, "name another file, or write over it with `--force`"));
    }
    if let Some(path) = &args.keep {
        return keep::run(path, &args.session, screen).await;
    }
    let session = args.session.open_session(None).await?;
    let git = GitScope { branches: vec!["default".to_owned()], ..GitScope::default() };
    let (mut live, hidden) =
        read_live(&session, args.session.space_name(None), (git, false)).await?;
    live.unread.extend(hidden);
    let text = render_config(&live, &session.url);
    check_round_trip(&text, &live)?;
    match &args.output {
        Some(path) => {
            replace_file(path, text.as_bytes())?;
            errln!("{} is written: a plan of it is empty", path.display());
        }
        None => out!("{text}"),
    }
    warn_unread(&live);
    Ok(exit::DONE)
}

/// All that a file can say, as it is live, as far as the key may see it.
///
/// Beside it what the key may not see. What a plan could not read for this key is left out too, so that a
/// plan of the file is empty for it. Feeds are read for a file that says containers; none that is pulled does.
pub(super) async fn read_live(
    session: &session::Session,
    named: Option<&str>,
    (git, feeds): (GitScope, bool),
) -> anyhow::Result<(Live, Vec<UnreadPart>)> {
    let reader = session.connection.reader();
    let space = find_space(&reader, named).await?;
    let views = ["WorkerView", "ProcessView", "MachinePolicyView", "AccountView", "ProxyView"];
    let lacking = lacking_permissions(&reader, &space.id, views).await;
    let can_view = |permission| !lacking.contains(&permission);
    let (workers, steps) =
        (can_view("WorkerView"), can_view("WorkerView") && can_view("ProcessView"));
    let scope = ReadScope {
        workers,
        // A plan of what chooses pools looks at their workers.
        references: workers,
        scope_names: workers,
        deployments: steps,
        runbooks: steps,
        policies: workers && can_view("MachinePolicyView"),
        accounts: workers && can_view("AccountView"),
        proxies: workers && can_view("ProxyView"),
        feeds,
        features: false,
        features_if_visible: true,
        git: steps.then_some(git),
        ..full_scope()
    };
    let mut live = refresh_live(&reader, &space, &scope, &session.url).await?;
    if live.server.built_in_worker.is_none() {
        let what = "whether steps may run on the built-in worker".to_owned();
        let why = "the key may not see the server's switches".to_owned();
        live.unread.push(UnreadPart::new(what, why, HiddenData::OtherSpaceSteps));
    }
    if !steps {
        live.server.built_in_worker = None;
    }
    if !workers {
        let what = "where steps run, and which pool is the default one".to_owned();
        let why = "a plan of that would look at the workers".to_owned();
        live.unread.push(UnreadPart::new(what, why, HiddenData::Rules));
        live.pools.iter_mut().for_each(|pool| pool.default = false);
    }
    Ok((live, hidden_parts(&reader, &space).await))
}

/// Tells what a file lacks, since it could not be read.
pub(super) fn warn_unread(live: &Live) {
    for UnreadPart { what, why, .. } in &live.unread {
        errln!("warning: not in the file: {}: {}", Escaped(what), Escaped(why));
    }
}

/// A plan of what was read and is not carried out.
pub(super) fn unsaved_header(live: &Live) -> PlanHeader {
    PlanHeader {
        url: String::new(),
        server_version: String::new(),
        space: live.server.space.clone(),
        files: Vec::new(),
        digest: String::new(),
        scope: ReadScope::default(),
    }
}

/// Makes sure that the text says what is live: nothing is given away that would change a server.
fn check_round_trip(text: &str, live: &Live) -> anyhow::Result<()> {
    let source = Source { path: "workers.toml".to_owned(), text: text.to_owned() };
    let (desired, findings) = config::load_desired(&Sources(vec![source]));
    let plan = plan_changes(&desired, live, unsaved_header(live));
    let mistakes =
        findings.iter().chain(&plan.findings).filter(|finding| finding.level == Level::Error);
    let mistakes = mistakes.map(|it| it.message.clone());
    let changes = plan.changes.iter().map(|it| it.address.to_string());
    match mistakes.chain(changes).next() {
        None => Ok(()),
        Some(first) => Err(error_with_help(
            format!("the file would not say what is live, beginning with {first}"),
            "this is a defect of poolwright: nothing was written; please report it",
        )),
    }
}
