//! Whether a file is a sandbox's database. What belongs to another program is not touched.

use crate::error::SandboxError;
use rusqlite::{Connection, OpenFlags};
use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _},
    path::Path,
};

/// How every SQLite file begins.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// What a sandbox writes into its file as the application that owns it: `PWSB`.
const APPLICATION: u32 = 0x5057_5342;

/// Where the application is in the file's header, as a big-endian number.
///
/// # Source
///
/// "Database File Format", 1.3: the database header.
const APPLICATION_AT: usize = 68;

/// The length of the header.
const HEADER: usize = 100;

/// Creates the file for this user alone, or checks that it is a sandbox's.
///
/// # Errors
///
/// [`SandboxError::Foreign`] if it is not; the file is unchanged then, and nothing is created beside it.
pub(super) fn check_or_create(path: &Path) -> Result<(), SandboxError> {
    let create = create_private(path);
    match create {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(SandboxError::Folder(path.to_owned(), error)),
    }
    let foreign = || SandboxError::Foreign(path.to_owned());
    if !path.is_file() {
        return Err(foreign());
    }
    let header = read_header(path).map_err(|_| foreign())?;
    if header.is_empty() {
        return Ok(());
    }
    let application = header.get(APPLICATION_AT..APPLICATION_AT + 4);
    let is_own = application.is_some_and(|it| it == APPLICATION.to_be_bytes());
    if header.starts_with(MAGIC) && (is_own || has_tables(path)) {
        return Ok(());
    }
    Err(foreign())
}

/// Marks a store as a sandbox's. Before the write-ahead log, so that the mark is in the file itself.
pub(super) fn mark(connection: &Connection) -> rusqlite::Result<()> {
    let found: u32 = connection.query_row("pragma application_id", [], |row| row.get(0))?;
    if found == APPLICATION {
        return Ok(());
    }
    connection.pragma_update(None, "application_id", APPLICATION)
}

fn create_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn read_header(path: &Path) -> io::Result<Vec<u8>> {
    let mut header = Vec::with_capacity(HEADER);
    File::open(path)?.take(HEADER as u64).read_to_end(&mut header)?;
    Ok(header)
}

/// Whether the file has the tables of a sandbox that was made before files were marked.
fn has_tables(path: &Path) -> bool {
    const COLUMNS: &str = "select count(*) from pragma_table_info('document') \
        where name in ('id', 'kind', 'space', 'owner', 'name', 'slug', 'rank', 'body')";
    // Immutable: SQLite creates no file beside it.
    let Some(name) = path.to_str() else { return false };
    let encoded = name.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let opened = Connection::open_with_flags(format!("file:{encoded}?immutable=1"), flags);
    let count = opened.and_then(|db| db.query_row(COLUMNS, [], |row| row.get::<_, i64>(0)));
    count.is_ok_and(|columns| columns == 8)
}
