//! The connections to a store: one that writes, and a pool of read-only ones.
//!
//! With a write-ahead log readers never block anyone, and see the state as of their first read.

mod own;

use crate::{error::SandboxError, store};
use rusqlite::{Connection, OpenFlags, Transaction};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tempfile::TempDir;
use tokio::sync::{self, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

/// How many lookups run at once, not counting lists that are being sent. More would only compete for the same
/// processors, each in a thread of its own.
const READERS: usize = 8;

/// How long a connection waits for another process on the same file.
const PATIENCE: Duration = Duration::from_secs(5);

/// An open store.
#[derive(Debug)]
pub(crate) struct Database {
    path: PathBuf,
    writer: Arc<sync::Mutex<Connection>>,
    idle: Mutex<Vec<Connection>>,
    turns: Arc<Semaphore>,
    /// The temporary folder of a store in memory.
    _folder: Option<TempDir>,
}

impl Database {
    /// Opens a store and makes its tables.
    ///
    /// With a write-ahead log and `synchronous=NORMAL`, what was acknowledged survives `kill -9`,
    /// because the system holds every page that was written; only a power cut could take the last
    /// transactions, and it cannot damage the file. A try-out server need not pay a disk flush a
    /// request for more.
    ///
    /// SQLite has no memory that several connections may read while one writes, so a store in memory
    /// is a file that is never flushed, in a folder that goes with it.
    pub(crate) fn open(store: &StoreLocation) -> Result<Self, SandboxError> {
        let (path, folder) = match store {
            StoreLocation::Memory => {
                let made = tempfile::Builder::new().prefix("poolwright-sandbox-").tempdir();
                let folder =
                    made.map_err(|error| SandboxError::Folder(std::env::temp_dir(), error))?;
                (folder.path().join("sandbox.db"), Some(folder))
            }
            StoreLocation::File(path) => {
                create_folder(path)?;
                own::check_or_create(path)?;
                (path.clone(), None)
            }
        };
        let writer = Connection::open(&path)?;
        configure_connection(&writer)?;
        own::mark(&writer)?;
        writer.pragma_update(None, "journal_mode", "WAL")?;
        writer.pragma_update(
            None,
            "synchronous",
            if folder.is_some() { "OFF" } else { "NORMAL" },
        )?;
        store::create_tables(&writer)?;
        Ok(Self {
            path,
            writer: Arc::new(sync::Mutex::new(writer)),
            idle: Mutex::default(),
            turns: Arc::new(Semaphore::new(READERS)),
            _folder: folder,
        })
    }

    /// Waits for the connection that writes.
    pub(crate) async fn lock_writer(&self) -> OwnedMutexGuard<Connection> {
        Arc::clone(&self.writer).lock_owned().await
    }

    /// Waits for a turn to read.
    pub(crate) async fn acquire_reader(self: &Arc<Self>) -> DatabaseReader {
        // The semaphore is never closed, so this cannot fail.
        let turn = Arc::clone(&self.turns).acquire_owned().await.ok();
        DatabaseReader { turn, home: Arc::clone(self) }
    }

    fn open_reader(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        configure_connection(&connection)?;
        Ok(connection)
    }

    fn idle_connections(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn create_folder(path: &Path) -> Result<(), SandboxError> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else {
        return Ok(());
    };
    std::fs::create_dir_all(folder).map_err(|error| SandboxError::Folder(folder.to_owned(), error))
}

fn configure_connection(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(64);
    connection.busy_timeout(PATIENCE)
}

/// A turn to read.
#[derive(Debug)]
pub(crate) struct DatabaseReader {
    turn: ReadPermit,
    home: Arc<Database>,
}

/// The permit of a lookup, dropped early once only sending remains.
pub(crate) type ReadPermit = Option<OwnedSemaphorePermit>;

impl DatabaseReader {
    /// Reads within one transaction, on a thread that may block.
    ///
    /// # Errors
    ///
    /// The store cannot be opened.
    pub(crate) fn run(
        self,
        work: impl FnOnce(&Transaction<'_>, ReadPermit),
    ) -> rusqlite::Result<()> {
        let Self { turn, home } = self;
        let idle = home.idle_connections().pop();
        let mut connection = idle.map_or_else(|| home.open_reader(), Ok)?;
        let transaction = connection.transaction()?;
        work(&transaction, turn);
        // Nothing was written: this ends the transaction.
        transaction.commit()?;
        let mut idle = home.idle_connections();
        if idle.len() < READERS {
            idle.push(connection);
        }
        Ok(())
    }
}

/// Where a sandbox keeps its documents.
#[derive(Clone, Debug, Default)]
pub enum StoreLocation {
    /// In memory, until the [`Sandbox`](crate::Sandbox) is dropped.
    #[default]
    Memory,
    /// In an SQLite file, which is created with its folders if it is missing.
    File(PathBuf),
}
