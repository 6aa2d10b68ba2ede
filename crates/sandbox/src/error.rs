//! Why a sandbox does not start.

use std::path::PathBuf;

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The listener has no address, or is not one that this process may serve.
    #[error("cannot listen")]
    Listen(#[source] std::io::Error),
    /// The folder of the store cannot be made.
    #[error("cannot make the folder of `{0}`")]
    Folder(PathBuf, #[source] std::io::Error),
    /// The store cannot be opened, or is no store of a sandbox.
    #[error("cannot open the sandbox's store")]
    Store(#[from] rusqlite::Error),
    /// A state does not parse.
    #[error("this is no state of a sandbox")]
    State(#[source] serde_json::Error),
    /// A state says that it is something else.
    #[error("this is no state of a sandbox, but of {0:?}")]
    NoState(String),
    /// A state of a newer program.
    #[error("the state is of version {found}, and this program reads up to {supported}")]
    NewerState {
        /// Its version.
        found: u32,
        /// The latest that is known.
        supported: u32,
    },
    /// A state has a document of a kind that is not known.
    #[error("the state has documents of a kind that is not known: {0:?}")]
    UnknownKind(String),
    /// A state has a document without an id.
    #[error("the state has a document without an id among its {0}")]
    Nameless(String),
    /// A state is to be put where there is one.
    #[error("the store has data already")]
    HasData,
    /// A state cannot be written.
    #[error("cannot write the state")]
    Write(#[source] std::io::Error),
}
