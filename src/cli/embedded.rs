//! `--url sandbox:`: an embedded server that runs as long as one command.
//!
//! A build without the `sandbox` feature refuses the URL and says how to install one that has the server.

#[cfg(feature = "sandbox")]
use octopus_sandbox::Sandbox as Server;
#[cfg(not(feature = "sandbox"))]
use std::convert::Infallible as Server;

/// The running server, which stops when this value is dropped.
pub(super) struct Embedded {
    /// The server's URL.
    pub(super) url: String,
    /// An API key with every permission.
    pub(super) key: String,
    _server: Server,
}

/// Starts the server on a file that outlives the command. `store` is the part of the URL after `sandbox:`: a path,
/// `:memory:`, or empty for the default file.
#[cfg(feature = "sandbox")]
pub(super) async fn start(store: &str) -> anyhow::Result<Embedded> {
    use anyhow::Context as _;
    use octopus_sandbox::{SandboxOptions, Seed, StoreLocation};
    use std::net::Ipv4Addr;

    let store = match store {
        "" => StoreLocation::File(".poolwright/sandbox.db".into()),
        ":memory:" => StoreLocation::Memory,
        path => StoreLocation::File(path.into()),
    };
    if let StoreLocation::File(path) = &store {
        crate::cli::links::resolve_written(path)?;
    }
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listener.context("cannot listen on the loopback address")?;
    let options = SandboxOptions { store, seed: Seed::Chapter, ..SandboxOptions::default() };
    let server = octopus_sandbox::start_server(options, listener).await;
    let server = server.context("cannot start the sandbox")?;
    Ok(Embedded { url: server.url().to_owned(), key: server.keys().admin(), _server: server })
}

/// Fails, because this build has no server to embed.
#[cfg(not(feature = "sandbox"))]
#[expect(clippy::unused_async, reason = "the embedded server starts asynchronously")]
pub(super) async fn start(_store: &str) -> anyhow::Result<Embedded> {
    Err(crate::ops::error_with_help(
        "this build of poolwright has no embedded server",
        "install it with default features (`cargo install poolwright`), or set `--url` to a server",
    ))
}
