//! The one way to write a file that may already exist: whole or not at all.
//!
//! The bytes go into a file whose name cannot be guessed, in the target's folder, and take the target's place once
//! they are on disk. Never under a predictable name, where a link could have been planted. What a run leaves (plans,
//! receipts, recordings) is for its user alone.

use super::{
    links::{self, WrittenPath},
    resolved::ResolvedPath,
};
use anyhow::Context as _;
use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};
use tempfile::{Builder, NamedTempFile};

/// A file that was written, and is still open for writing at its end.
pub(super) struct PlacedFile {
    /// The file.
    pub(super) file: File,
    /// Whether it is a pipe or a device, which takes bytes one after the other and cannot be replaced.
    pub(super) is_stream: bool,
}

/// Writes a file whole or not at all, and creates its folder if needed.
///
/// An existing file keeps its mode, and a new one is for this user alone. A link in the same tree is kept and its
/// target is replaced; a pipe or a device is written to directly.
pub(super) fn replace_file(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    place_file(path, bytes).map(drop)
}

/// Writes a file as [`replace_file`] does; a new one gets the process's default mode, because others read it too.
pub(super) fn replace_shared_file(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    place_checked(path, bytes, new_file_in).map(drop)
}

/// Writes a file as [`replace_file`] does, and keeps it open.
pub(super) fn place_file(path: &Path, bytes: &[u8]) -> anyhow::Result<PlacedFile> {
    place_checked(path, bytes, |folder| NamedTempFile::new_in(folder))
}

/// Writes a new file as [`place_file`] does; `None` if something is there already.
pub(super) fn place_new_file(path: &Path, bytes: &[u8]) -> anyhow::Result<Option<PlacedFile>> {
    let WrittenPath::File(target) = links::resolve_written(path)? else { return Ok(None) };
    let context = || format!("cannot write `{}`", path.display());
    place_unless_taken(&target, bytes).with_context(context)
}

fn place_unless_taken(target: &ResolvedPath, bytes: &[u8]) -> io::Result<Option<PlacedFile>> {
    let path = target.path();
    if fs::symlink_metadata(&path).is_ok() {
        return Ok(None);
    }
    let folder = path.parent().unwrap_or(&path);
    create_folder(folder)?;
    let mut beside = NamedTempFile::new_in(folder)?;
    beside.write_all(bytes)?;
    sync_file(beside.as_file())?;
    match target.put_new_file(beside) {
        Ok(file) => {
            sync_folder(folder)?;
            Ok(Some(PlacedFile { file, is_stream: false }))
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
        Err(error) => Err(error),
    }
}

fn place_checked(path: &Path, bytes: &[u8], create: CreateFile) -> anyhow::Result<PlacedFile> {
    let placed = match links::resolve_written(path)? {
        WrittenPath::File(target) => place_whole(&target, bytes, create),
        WrittenPath::Stream => write_stream(path, bytes),
    };
    placed.with_context(|| format!("cannot write `{}`", path.display()))
}

/// Creates a temporary file in a folder.
type CreateFile = fn(&Path) -> io::Result<NamedTempFile>;

/// Writes to a pipe or a device.
fn write_stream(path: &Path, bytes: &[u8]) -> io::Result<PlacedFile> {
    // Not truncated: a file may have taken its place.
    let mut file = File::options().write(true).open(path)?;
    if file.metadata()?.is_file() {
        return Err(io::Error::other("another file has taken its place"));
    }
    file.write_all(bytes)?;
    Ok(PlacedFile { file, is_stream: true })
}

fn place_whole(target: &ResolvedPath, bytes: &[u8], create: CreateFile) -> io::Result<PlacedFile> {
    let path = target.path();
    let existing = fs::symlink_metadata(&path).ok().filter(fs::Metadata::is_file);
    let folder = path.parent().unwrap_or(&path);
    create_folder(folder)?;
    let mut beside = match existing {
        Some(_) => NamedTempFile::new_in(folder)?,
        None => create(folder)?,
    };
    beside.write_all(bytes)?;
    if let Some(existing) = existing {
        beside.as_file().set_permissions(existing.permissions())?;
    }
    sync_file(beside.as_file())?;
    let file = target.put_file(beside)?;
    sync_folder(folder)?;
    Ok(PlacedFile { file, is_stream: false })
}

/// Puts what was written to a file on disk, as far as its file system can.
pub(super) fn sync_file(file: &File) -> io::Result<()> {
    allow_unsupported(file.sync_all())
}

/// Creates a folder, on disk too.
fn create_folder(folder: &Path) -> io::Result<()> {
    let is_missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
    let missing: Vec<&Path> = folder.ancestors().take_while(is_missing).collect();
    fs::create_dir_all(folder)?;
    missing.iter().filter_map(|made| made.parent()).try_for_each(sync_folder)
}

/// Puts the names in a folder on disk: a file whose name is lost is lost too.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    match File::open(folder) {
        Ok(folder) => sync_file(&folder),
        // A folder in which files may be created but not listed.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Some file systems, such as those in user space, know no such request.
fn allow_unsupported(synced: io::Result<()>) -> io::Result<()> {
    match synced {
        Err(error)
            if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) =>
        {
            Ok(())
        }
        synced => synced,
    }
}

/// Creates a temporary file with the process's default mode for new files.
#[cfg(unix)]
fn new_file_in(folder: &Path) -> io::Result<NamedTempFile> {
    use std::os::unix::fs::PermissionsExt as _;
    Builder::new().permissions(fs::Permissions::from_mode(0o666)).tempfile_in(folder)
}

#[cfg(not(unix))]
fn new_file_in(folder: &Path) -> io::Result<NamedTempFile> {
    Builder::new().tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_is_created_with_its_folder_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("deep/er/plan.json");
        replace_file(&file, b"first").unwrap();
        replace_file(&file, b"second").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"second");
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_new_file_replaces_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("deep/receipt.json");
        assert!(place_new_file(&file, b"first").unwrap().is_some());
        assert!(place_new_file(&file, b"second").unwrap().is_none());
        assert_eq!(fs::read(&file).unwrap(), b"first");
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_failed_write_leaves_the_target_and_no_other_file() {
        let folder = tempfile::tempdir().unwrap();
        let taken = folder.path().join("plan.json");
        fs::create_dir(&taken).unwrap();
        let error = replace_file(&taken, b"text").unwrap_err();
        assert_eq!(error.to_string(), format!("cannot write `{}`", taken.display()));
        assert!(taken.is_dir());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_planted_link_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("victim.txt"), "precious").unwrap();
        std::os::unix::fs::symlink(at("victim.txt"), at("plan.json.tmp")).unwrap();
        replace_file(&at("plan.json"), b"a plan").unwrap();
        assert_eq!(fs::read_to_string(at("victim.txt")).unwrap(), "precious");
        assert!(fs::symlink_metadata(at("plan.json")).unwrap().is_file());
    }

    #[cfg(unix)]
    #[test]
    fn an_existing_file_keeps_its_mode_and_a_new_one_is_private_unless_it_is_shared() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let mode = |name: &str| fs::metadata(at(name)).unwrap().permissions().mode() & 0o777;
        fs::write(at("usual"), "").unwrap();
        fs::write(at("private"), "").unwrap();
        fs::set_permissions(at("private"), fs::Permissions::from_mode(0o600)).unwrap();
        replace_file(&at("private"), b"text").unwrap();
        replace_file(&at("new"), b"text").unwrap();
        assert_eq!(mode("private"), 0o600);
        replace_shared_file(&at("shared"), b"text").unwrap();
        assert_eq!((mode("new"), mode("shared")), (0o600, mode("usual")));
    }
}
