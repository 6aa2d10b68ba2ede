//! Files by a path that was checked: what took the place of a part of it since is not opened.
//!
//! Between the check of a path and its use somebody may replace a folder or a file on its way by a link. So the part of
//! a path that lies in a tree, which others may write to, is opened folder by folder, and none of them may be a link.
//! Systems other than Unix have no such calls, and there the path is opened as a whole.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};
use tempfile::NamedTempFile;

/// A path without links, in the tree in which it has to stay.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct ResolvedPath {
    /// The real path of the tree.
    pub(super) tree: PathBuf,
    /// The path in the tree.
    pub(super) inside: PathBuf,
}

impl ResolvedPath {
    /// Returns the whole path.
    pub(super) fn path(&self) -> PathBuf {
        // An empty part would add a separator.
        if self.inside.as_os_str().is_empty() {
            return self.tree.clone();
        }
        self.tree.join(&self.inside)
    }

    /// Opens the file to be read.
    pub(super) fn open_file(&self) -> io::Result<File> {
        #[cfg(unix)]
        return unix::open_file(self);
        #[cfg(not(unix))]
        return File::open(self.path());
    }

    /// Gives a temporary file of the same folder this path.
    pub(super) fn put_file(&self, beside: NamedTempFile) -> io::Result<File> {
        #[cfg(unix)]
        return unix::put_file(self, beside);
        #[cfg(not(unix))]
        return beside.persist(self.path()).map_err(|error| error.error);
    }

    /// Gives a temporary file of the same folder this path, unless something has it.
    pub(super) fn put_new_file(&self, beside: NamedTempFile) -> io::Result<File> {
        #[cfg(unix)]
        return unix::put_new_file(self, beside);
        #[cfg(not(unix))]
        return beside.persist_noclobber(self.path()).map_err(|error| error.error);
    }
}

#[cfg(unix)]
mod unix {
    use super::{File, NamedTempFile, Path, ResolvedPath, io};
    use rustix::{
        fd::OwnedFd,
        fs::{AtFlags, CWD, Mode, OFlags, linkat, openat, renameat, unlinkat},
    };
    #[cfg(target_os = "linux")]
    use rustix::{
        fs::{RenameFlags, renameat_with},
        io::Errno,
    };
    use std::ffi::OsStr;

    /// A folder that is only passed through need not be readable.
    #[cfg(target_os = "linux")]
    const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
    #[cfg(not(target_os = "linux"))]
    const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC);

    pub(super) fn open_file(path: &ResolvedPath) -> io::Result<File> {
        let place = open_folder(path)?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(openat(&place.folder, place.name, flags, Mode::empty())?.into())
    }

    pub(super) fn put_file(path: &ResolvedPath, beside: NamedTempFile) -> io::Result<File> {
        let place = open_folder(path)?;
        let (file, temporary) = beside.into_parts();
        // It does not exist if its folder has been replaced in the meantime.
        let name = temporary.file_name().unwrap_or_default();
        renameat(&place.folder, name, &place.folder, place.name)?;
        temporary.keep().map_err(|error| error.error)?;
        Ok(file)
    }

    pub(super) fn put_new_file(path: &ResolvedPath, beside: NamedTempFile) -> io::Result<File> {
        let place = open_folder(path)?;
        let (file, temporary) = beside.into_parts();
        let name = temporary.file_name().unwrap_or_default();
        rename_new(&place, name)?;
        temporary.keep().map_err(|error| error.error)?;
        Ok(file)
    }

    /// Renames a file in a folder, unless something has the name.
    fn rename_new(place: &OpenPlace, name: &OsStr) -> io::Result<()> {
        let folder = &place.folder;
        #[cfg(target_os = "linux")]
        match renameat_with(folder, name, folder, place.name, RenameFlags::NOREPLACE) {
            // Not every file system can do that, but most of them can give a file two names.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
            renamed => return Ok(renamed?),
        }
        linkat(folder, name, folder, place.name, AtFlags::empty())?;
        Ok(unlinkat(folder, name, AtFlags::empty())?)
    }

    /// A name in an open folder.
    struct OpenPlace<'p> {
        folder: OwnedFd,
        name: &'p OsStr,
    }

    /// Opens the folder of a path; no folder in the tree may be a link.
    fn open_folder(path: &ResolvedPath) -> io::Result<OpenPlace<'_>> {
        // A tree may be a single file.
        let (tree, inside) = match (path.inside.file_name(), path.tree.parent()) {
            (None, Some(parent)) => (parent, Path::new(path.tree.file_name().unwrap_or_default())),
            _ => (path.tree.as_path(), path.inside.as_path()),
        };
        let mut folder = openat(CWD, tree, FOLDER, Mode::empty())?;
        for part in inside.parent().into_iter().flat_map(Path::components) {
            folder = openat(&folder, part.as_os_str(), FOLDER | OFlags::NOFOLLOW, Mode::empty())?;
        }
        Ok(OpenPlace { folder, name: inside.file_name().unwrap_or_default() })
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::{fs, io::Read as _, os::unix::fs::symlink};

    /// A tree with a file in a folder, and the same outside of it.
    fn tree() -> (tempfile::TempDir, ResolvedPath) {
        let folder = tempfile::tempdir().unwrap();
        for (inside, text) in [("tree/a/b", "mine"), ("outside/b", "precious")] {
            let file = folder.path().join(inside);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        let tree = fs::canonicalize(folder.path().join("tree")).unwrap();
        (folder, ResolvedPath { tree, inside: "a/b".into() })
    }

    fn read(path: &ResolvedPath) -> io::Result<String> {
        let mut text = String::new();
        path.open_file()?.read_to_string(&mut text)?;
        Ok(text)
    }

    fn write(path: &ResolvedPath) -> io::Result<File> {
        let beside = NamedTempFile::new_in(path.path().parent().unwrap()).unwrap();
        fs::write(beside.path(), "new").unwrap();
        path.put_file(beside)
    }

    #[test]
    fn a_file_is_read_and_replaced() {
        let (_folder, path) = tree();
        assert_eq!(read(&path).unwrap(), "mine");
        write(&path).unwrap();
        assert_eq!(read(&path).unwrap(), "new");
        let taken = path.put_new_file(NamedTempFile::new_in(path.tree.join("a")).unwrap());
        assert_eq!(taken.unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        let free = ResolvedPath { inside: "a/c".into(), ..path.clone() };
        free.put_new_file(NamedTempFile::new_in(path.tree.join("a")).unwrap()).unwrap();
        assert_eq!(read(&free).unwrap(), "");
        assert_eq!(fs::read_dir(path.tree.join("a")).unwrap().count(), 2);
        let alone = ResolvedPath { tree: path.path(), inside: PathBuf::new() };
        assert_eq!(read(&alone).unwrap(), "new");
    }

    #[test]
    fn a_folder_that_was_replaced_by_a_link_is_neither_read_nor_written() {
        let (folder, path) = tree();
        let outside = folder.path().join("outside");
        fs::rename(path.tree.join("a"), path.tree.join("old")).unwrap();
        symlink(&outside, path.tree.join("a")).unwrap();
        assert!(read(&path).is_err());
        assert!(write(&path).is_err());
        assert_eq!(fs::read_to_string(outside.join("b")).unwrap(), "precious");
        assert_eq!(fs::read_dir(outside).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_was_replaced_by_a_link_is_not_read_and_the_link_is_replaced() {
        let (folder, path) = tree();
        let precious = folder.path().join("outside/b");
        fs::remove_file(path.path()).unwrap();
        symlink(&precious, path.path()).unwrap();
        assert!(read(&path).is_err());
        write(&path).unwrap();
        assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
        assert_eq!(read(&path).unwrap(), "new");
    }
}
