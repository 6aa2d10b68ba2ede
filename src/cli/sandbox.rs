//! `poolwright sandbox`: runs the embedded Octopus-compatible server in the foreground.

use super::{
    links,
    output_file::{OutputFile, OutputKind, check_outputs, path_argument, print_saved},
    print::{errln, outln},
    record,
    replace_file::replace_file,
    session,
};
use crate::ops::{ServerCopy, copy_server, error_with_help};
use poolwright_core::text::describe_json_error;

use anyhow::Context as _;
use octopus_sandbox::{self as sandbox, Pace, SandboxOptions, Seed, StoreLocation};
use std::{
    fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::net::TcpListener;

/// Run an embedded Octopus-compatible server, to try things out without a licence.
///
/// It listens on the loopback address only and keeps its data in a file, which survives a
/// restart. Example:
///
///   poolwright sandbox --port 8065 --seed chapter
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The port to listen on, or 0 for any free port.
    #[arg(long, default_value_t = 8065)]
    port: u16,
    /// The file to keep the data in, or `:memory:` to keep it in memory only.
    #[arg(long, default_value = ".poolwright/sandbox.db")]
    db: PathBuf,
    /// The data to start with, if the file is new.
    #[arg(long, value_enum, default_value_t = SeedName::Chapter)]
    seed: SeedName,
    /// How many projects the seed `large` has.
    #[arg(long, default_value_t = 1000)]
    projects: usize,
    /// How many steps each project in the seed `large` has.
    #[arg(long, default_value_t = 10)]
    steps: usize,
    /// How many workers the seed `large` has.
    #[arg(long, default_value_t = 500)]
    workers: usize,
    /// A host name by which clients may address the server, besides `localhost` and loopback addresses. May be
    /// repeated.
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,
    /// A fault to inject, such as `429 every 7 on GET */workers*`. May be repeated; docs/sandbox.md lists all faults.
    #[arg(long, value_name = "RULE")]
    fault: Vec<sandbox::FaultRule>,
    /// Seed for random faults.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    fault_seed: u64,
    /// Write the whole state of `--db` to this file and exit.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["import", "from"])]
    export: Option<PathBuf>,
    /// Start with a state written by `--export`; `--db` must not have data.
    #[arg(long, value_name = "FILE", conflicts_with = "from")]
    import: Option<PathBuf>,
    /// Start with a copy of a live server's pools, workers, processes and everything they refer to. The
    /// server is only read, and connected to as in `plan`; secrets and values of variables are not copied.
    #[arg(long, value_name = "URL")]
    from: Option<String>,
    /// Copy only this space with `--from`, given by name, slug or id [default: all spaces].
    #[arg(long, value_name = "SPACE", requires = "from")]
    space: Option<String>,
    /// How many seconds a deployment, a runbook run or a script takes.
    #[arg(long, default_value_t = 2, value_name = "SECONDS")]
    work: u64,
    /// Write every request and its response to this file, one line of JSON each, without headers
    /// and without keys, tokens and passwords.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum SeedName {
    /// Two spaces with only what every server has.
    Empty,
    /// A self-hosted server on which everything runs on the built-in worker.
    Chapter,
    /// A company of three spaces, with workers of every kind and projects in Git.
    Acme,
    /// Octopus Cloud: dynamic pools and no built-in worker.
    Cloud,
    /// Hundreds of projects, for benchmarks.
    Large,
}

/// Serves until the process is asked to stop.
pub(super) async fn run(args: Args) -> anyhow::Result<u8> {
    let memory = args.db.to_str() == Some(":memory:");
    let store = if memory { StoreLocation::Memory } else { StoreLocation::File(args.db.clone()) };
    if let StoreLocation::File(path) = &store {
        links::resolve_written(path)?;
    }
    if let Some(file) = &args.export {
        return export_to_file(&store, file).await;
    }
    let seed = match args.initial_state().await? {
        Some(state) => Seed::State(state),
        None => args.named_seed(),
    };
    let pace = Pace { work: Duration::from_secs(args.work), ..Pace::default() };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, args.port))
        .await
        .with_context(|| format!("cannot listen on port {}", args.port))?;
    let options = SandboxOptions {
        store,
        seed,
        pace,
        rules: args.fault,
        fault_seed: args.fault_seed,
        hosts: args.host,
        recorder: args.record.as_deref().map(record::record_to_file).transpose()?,
        ..SandboxOptions::default()
    };
    let sandbox = sandbox::start_server(options, listener).await.map_err(|error| match error {
        sandbox::SandboxError::HasData => error_with_help(
            format!("`{}` already has data", args.db.display()),
            "name another file with `--db`, or delete this one",
        ),
        sandbox::SandboxError::State(error) => error_with_help(
            format!("this is not a state of a sandbox: {}", describe_json_error(&error)),
            "name a file that `--export` wrote",
        ),
        other => other.into(),
    })?;
    // Installed before the URL is printed, because a reader may stop the server at once.
    let end = end_signal()?;
    outln!("OCTOPUS_URL={}", sandbox.url());
    let keys = sandbox.keys();
    outln!("OCTOPUS_API_KEY={}", keys.admin());
    errln!("read-only API key: {}", keys.reader());
    errln!("API key that lacks one permission: {}, for example", keys.without("WorkerEdit"));
    errln!("service account for identity tokens: {}", keys.service_account());
    errln!("pools, workers and steps in a browser: {}/", sandbox.url());
    if !sandbox.is_new() {
        let file = args.db.display();
        errln!("serving the data in {file}; `--seed` applies only to a new file");
    }
    if memory {
        errln!("Ctrl-C stops the server; its data will be lost");
    } else {
        errln!("Ctrl-C stops the server; its data stays in {}", args.db.display());
    }
    sandbox.run_until(end).await;
    Ok(0)
}

/// Writes the state of an existing store, whole or not at all.
async fn export_to_file(store: &StoreLocation, file: &Path) -> anyhow::Result<u8> {
    if let StoreLocation::File(path) = store
        && !path.exists()
    {
        let message = format!("there is no sandbox at `{}`", path.display());
        return Err(error_with_help(message, "name the sandbox's file with `--db`"));
    }
    let kind = OutputKind::Report { noun: "the state", is_own: is_state };
    check_outputs(&[], &[OutputFile { path: file, kind }])?;
    let mut text = Vec::new();
    sandbox::export_state(store, &mut text).await?;
    replace_file(file, &text)?;
    let argument = path_argument(file);
    print_saved(file, &format!("start from it with `poolwright sandbox --import {argument}`"));
    Ok(0)
}

/// Whether a file is one that `--export` wrote.
fn is_state(text: &str) -> bool {
    text.starts_with("{\"format\": \"poolwright-sandbox\"")
}

/// Copies the state of a live server, and prints what could not be read.
async fn copy_state(url: &str, space: Option<&str>) -> anyhow::Result<String> {
    let session = session::Args::for_url(url).open_session(None).await?;
    let ServerCopy { state, left } = copy_server(&session.connection.reader(), space).await?;
    for left in &left {
        errln!("not copied: {left}");
    }
    errln!("copied {} documents from {url}", state.len());
    Ok(state.into_text())
}

impl Args {
    /// Returns the state to start with, if one is named.
    async fn initial_state(&self) -> anyhow::Result<Option<String>> {
        if let Some(file) = &self.import {
            let text = fs::read_to_string(file);
            let text = text.with_context(|| format!("cannot read `{}`", file.display()))?;
            return Ok(Some(text));
        }
        match &self.from {
            Some(url) => Ok(Some(copy_state(url, self.space.as_deref()).await?)),
            None => Ok(None),
        }
    }

    fn named_seed(&self) -> Seed {
        match self.seed {
            SeedName::Empty => Seed::Empty,
            SeedName::Chapter => Seed::Chapter,
            SeedName::Acme => Seed::Acme,
            SeedName::Cloud => Seed::Cloud,
            SeedName::Large => {
                Seed::Large { projects: self.projects, steps: self.steps, workers: self.workers }
            }
        }
    }
}

/// Resolves at Ctrl-C or SIGTERM, so that the server cleans up before it stops.
#[cfg(unix)]
fn end_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Resolves at Ctrl-C.
#[cfg(not(unix))]
fn end_signal() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async { _ = tokio::signal::ctrl_c().await })
}
