//! `poolwright sandbox`: the embedded Octopus-compatible server, in the foreground.

use super::{
    print::{errln, outln},
    record,
    replace_file::replace_file,
    session,
};
use crate::ops::{ServerCopy, copy_server, error_with_help};

use anyhow::Context as _;
use octopus_sandbox::{self as sandbox, Pace, SandboxOptions, Seed, StoreLocation};
use std::{
    fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::net::TcpListener;

/// Run an embedded Octopus-compatible server, to try things without a licence.
///
/// It listens on the loopback address alone and keeps its data in a file, so that a restart finds all
/// that was written. Example:
///
///   poolwright sandbox --port 8065 --seed chapter
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The port to listen on; 0 for any that is free.
    #[arg(long, default_value_t = 8065)]
    port: u16,
    /// The file that keeps the data, or `:memory:` for none.
    #[arg(long, default_value = ".poolwright/sandbox.db")]
    db: PathBuf,
    /// What is there at the first start.
    #[arg(long, value_enum, default_value_t = SeedName::Chapter)]
    seed: SeedName,
    /// Projects of the seed `large`.
    #[arg(long, default_value_t = 1000)]
    projects: usize,
    /// Steps of each project of the seed `large`.
    #[arg(long, default_value_t = 10)]
    steps: usize,
    /// Workers of the seed `large`.
    #[arg(long, default_value_t = 500)]
    workers: usize,
    /// What goes wrong: `429 every 7 on GET */workers*`. May be repeated; docs/sandbox.md has them all.
    #[arg(long, value_name = "RULE")]
    fault: Vec<sandbox::FaultRule>,
    /// What chance begins with, in faults that have some.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    fault_seed: u64,
    /// Write the whole state of `--db` into this file, and serve nothing.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["import", "from"])]
    export: Option<PathBuf>,
    /// Begin with the state that `--export` wrote; `--db` must not have data.
    #[arg(long, value_name = "FILE", conflicts_with = "from")]
    import: Option<PathBuf>,
    /// Begin with a copy of a live server's pools, workers, processes and what they refer to, which is
    /// only read. Connects as `plan` does; secrets, and values of variables, are left behind.
    #[arg(long, value_name = "URL")]
    from: Option<String>,
    /// The one space to copy with `--from`, by name, slug or id; all where it is left out.
    #[arg(long, value_name = "SPACE", requires = "from")]
    space: Option<String>,
    /// How many seconds a deployment, a runbook run or a script takes.
    #[arg(long, default_value_t = 2, value_name = "SECONDS")]
    work: u64,
    /// Write every request and its answer into this file, a line of JSON each: bodies whole, secrets in
    /// them included, and no headers.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum SeedName {
    /// Two spaces, and nothing in them but what every server has.
    Empty,
    /// A self-hosted server on which everything runs on the built-in worker.
    Chapter,
    /// A company of three spaces, with workers of every kind and projects in Git.
    Acme,
    /// Octopus Cloud: dynamic pools and no built-in worker.
    Cloud,
    /// Hundreds of projects, for measuring.
    Large,
}

/// Serves until it is asked to end.
pub(super) async fn run(args: Args) -> anyhow::Result<u8> {
    let memory = args.db.to_str() == Some(":memory:");
    let store = if memory { StoreLocation::Memory } else { StoreLocation::File(args.db.clone()) };
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
        recorder: args.record.as_deref().map(record::record_to_file).transpose()?,
        ..SandboxOptions::default()
    };
    let sandbox = sandbox::start_server(options, listener).await.map_err(|error| match error {
        sandbox::SandboxError::HasData => error_with_help(
            format!("`{}` has data already", args.db.display()),
            "name another file with `--db`, or delete this one",
        ),
        other => other.into(),
    })?;
    // Before anybody is told that it is there: who is told may ask it to end.
    let end = end_signal()?;
    outln!("OCTOPUS_URL={}", sandbox.url());
    outln!("OCTOPUS_API_KEY={}", sandbox::ADMIN_KEY);
    errln!("a key that may only read: {}", sandbox::READER_KEY);
    errln!("a key that lacks one permission: {}WORKEREDIT and the like", sandbox::WITHOUT_KEY);
    errln!("a service account to exchange an identity for: {}", sandbox::SERVICE_ACCOUNT);
    errln!("its pools, workers and steps, in a browser: {}/", sandbox.url());
    if !sandbox.is_new() {
        let file = args.db.display();
        errln!("it serves what {file} has kept: `--seed` is for a file that is not there yet");
    }
    match memory {
        true => errln!("Ctrl-C stops it, and its data is gone"),
        false => errln!("Ctrl-C stops it; {} keeps its data", args.db.display()),
    }
    sandbox.run_until(end).await;
    Ok(0)
}

/// Writes the state of a store that is there, whole or not at all.
async fn export_to_file(store: &StoreLocation, file: &Path) -> anyhow::Result<u8> {
    if let StoreLocation::File(path) = store
        && !path.exists()
    {
        let message = format!("there is no sandbox at `{}`", path.display());
        return Err(error_with_help(message, "name its file with `--db`"));
    }
    let mut text = Vec::new();
    sandbox::export_state(store, &mut text).await?;
    replace_file(file, &text)?;
    errln!("{} is written: `poolwright sandbox --import` begins with it", file.display());
    Ok(0)
}

/// The state of a live server; tells what of it could not be read.
async fn copy_state(url: &str, space: Option<&str>) -> anyhow::Result<String> {
    let session = session::Args::for_url(url).open_session(None).await?;
    let ServerCopy { state, left } = copy_server(&session.connection.reader(), space).await?;
    for left in &left {
        errln!("not copied: {left}");
    }
    errln!("copied {} documents of {url}", state.len());
    Ok(state.into_text())
}

impl Args {
    /// The state that is to begin with, where one is named.
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

/// Ready at Ctrl-C, or at what `kill` and pipelines send, so that what was made for it is cleared away.
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

/// Ready at Ctrl-C.
#[cfg(not(unix))]
fn end_signal() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async { _ = tokio::signal::ctrl_c().await })
}
