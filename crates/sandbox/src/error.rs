//! Why a sandbox does not start.

use std::path::PathBuf;

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The listener has no address, or this process may not serve it.
    #[error("cannot listen")]
    Listen(#[source] std::io::Error),
    /// The folder of the store cannot be created.
    #[error("cannot create the folder of `{0}`")]
    Folder(PathBuf, #[source] std::io::Error),
    /// The file is a database of another program, or no database.
    #[error("`{0}` is not a sandbox's database")]
    Foreign(PathBuf),
    /// The store cannot be opened, or is not a sandbox's.
    #[error("cannot open the sandbox's store")]
    Store(#[from] rusqlite::Error),
    /// A state does not parse.
    #[error("this is not a sandbox state")]
    State(#[source] serde_json::Error),
    /// The file has another format.
    #[error("this is not a sandbox state: its format is {0:?}")]
    NoState(String),
    /// The state was written by a newer version.
    #[error("the state has version {found}, but only versions up to {supported} can be read")]
    NewerState {
        /// Its version.
        found: u32,
        /// The latest version that can be read.
        supported: u32,
    },
    /// A state has a document of an unknown kind.
    #[error("the state has documents of an unknown kind: {0:?}")]
    UnknownKind(String),
    /// A state has a document without an id.
    #[error("the state has a document without an id among its {0}")]
    Nameless(String),
    /// The store has data already.
    #[error("the store has data already")]
    HasData,
    /// A state cannot be written.
    #[error("cannot write the state")]
    Write(#[source] std::io::Error),
}
