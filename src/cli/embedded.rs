//! `--url sandbox:`: the embedded server for the length of one command.
//!
//! A build without the `sandbox` feature refuses the URL and says how to get the server.

#[cfg(not(feature = "sandbox"))]
pub(super) use absent::{Embedded, start};
#[cfg(feature = "sandbox")]
pub(super) use present::{Embedded, start};

#[cfg(feature = "sandbox")]
mod present {
    use anyhow::Context as _;
    use octopus_sandbox::{ADMIN_KEY, Sandbox, SandboxOptions, Seed, StoreLocation};
    use std::net::Ipv4Addr;
    use tokio::net::TcpListener;

    /// The running server; it serves as long as this value is held.
    pub(in crate::cli) struct Embedded(Sandbox);

    impl Embedded {
        /// The server's URL.
        pub(in crate::cli) fn url(&self) -> &str {
            self.0.url()
        }

        /// An API key that may do everything.
        pub(in crate::cli) fn key(&self) -> &'static str {
            ADMIN_KEY
        }
    }

    /// Starts the server over a file that outlives the run. `store` is what follows `sandbox:`: a path,
    /// `:memory:`, or empty for the default file.
    pub(in crate::cli) async fn start(store: &str) -> anyhow::Result<Embedded> {
        let store = match store {
            "" => StoreLocation::File(".poolwright/sandbox.db".into()),
            ":memory:" => StoreLocation::Memory,
            path => StoreLocation::File(path.into()),
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.context("cannot listen on the loopback address")?;
        let options = SandboxOptions { store, seed: Seed::Chapter, ..SandboxOptions::default() };
        let sandbox = octopus_sandbox::start_server(options, listener).await;
        sandbox.map(Embedded).context("cannot start the sandbox")
    }
}

#[cfg(not(feature = "sandbox"))]
mod absent {
    use crate::cli::error_report::error_with_help;

    /// Has no value: this build has no server to embed.
    pub(in crate::cli) enum Embedded {}

    impl Embedded {
        /// The server's URL.
        pub(in crate::cli) fn url(&self) -> &str {
            match *self {}
        }

        /// An API key that may do everything.
        pub(in crate::cli) fn key(&self) -> &'static str {
            match *self {}
        }
    }

    /// Refuses.
    #[expect(clippy::unused_async, reason = "the embedded server starts asynchronously")]
    pub(in crate::cli) async fn start(_store: &str) -> anyhow::Result<Embedded> {
        Err(helped(
            "this build of poolwright has no embedded server",
            "install it with default features (`cargo install poolwright`), or name a server with `--url`",
        ))
    }
}
