//! A file that appears under its name when it is whole, and stays if the machine loses power.

use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use tempfile::{Builder, NamedTempFile};

use crate::FileError;

/// A file being written aside. Dropped before [`WholeFile::put`], it leaves nothing behind.
#[derive(Debug)]
pub struct WholeFile {
    path: PathBuf,
    aside: NamedTempFile,
}

impl WholeFile {
    /// Begins a file that will stand at `path`, whose folder exists.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn create(path: &Path) -> Result<Self, FileError> {
        // Like any file that a program makes; what the user's mask takes away is taken away.
        Self::with_mode(path, 0o666)
    }

    fn with_mode(path: &Path, mode: u32) -> Result<Self, FileError> {
        let aside = Builder::new()
            .prefix(".")
            .suffix(".aside")
            .permissions(Permissions::from_mode(mode))
            .tempfile_in(folder_of(path))
            .map_err(FileError::of("create", path))?;
        Ok(Self { path: path.to_owned(), aside })
    }

    /// Where it will stand.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A handle to write through; all handles share one position.
    ///
    /// # Errors
    /// Where the process has too many open files.
    pub fn handle(&self) -> Result<File, FileError> {
        self.aside.as_file().try_clone().map_err(FileError::of("write", &self.path))
    }

    /// Puts the file in its place, in place of what was there: its bytes are on the disk before its name is.
    ///
    /// # Errors
    /// Where the bytes or the name cannot be written; then what was there stays.
    pub fn put(self) -> Result<(), FileError> {
        let path = self.path.clone();
        self.put_at(&path)
    }

    /// Puts the file at another path of the same folder, where its name is known only now.
    ///
    /// # Errors
    /// As [`WholeFile::put`].
    pub fn put_at(self, path: &Path) -> Result<(), FileError> {
        let fault = || FileError::of("write", path);
        self.aside.as_file().sync_all().map_err(fault())?;
        self.aside.persist(path).map_err(|e| fault()(e.error))?;
        sync_folder(folder_of(path))
    }
}

/// Opens a file to read. Pipes, sockets and devices are refused: reading one may wait for ever or never end.
///
/// # Errors
/// Where it cannot be opened, or is no regular file.
pub fn open_regular(path: &Path) -> Result<File, FileError> {
    let fault = || FileError::of("read", path);
    // Not even opened: a tape rewinds, a socket has no words for it.
    std::fs::metadata(path).and_then(regular).map_err(fault())?;
    let mut options = OpenOptions::new();
    // What stands there may be another now. Without this, opening a pipe waits for somebody who writes to it; regular
    // files do not know it.
    options.read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    let file = options.open(path).map_err(fault())?;
    file.metadata().and_then(regular).map_err(fault())?;
    Ok(file)
}

#[expect(clippy::needless_pass_by_value, reason = "what `and_then` gives")]
fn regular(found: Metadata) -> io::Result<()> {
    let what = match found.file_type() {
        kind if kind.is_file() => return Ok(()),
        kind if kind.is_dir() => "it is a folder",
        _ => "it is a pipe, a socket or a device",
    };
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{what}, not a file")))
}

/// Reads a whole file, which is a regular one.
///
/// # Errors
/// As [`open_regular`], and where it cannot be read.
pub fn read_regular(path: &Path) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    let read = open_regular(path)?.read_to_end(&mut bytes);
    read.map_err(FileError::of("read", path))?;
    Ok(bytes)
}

/// Writes a file that is whole or absent.
///
/// # Errors
/// Where it cannot be written; then what was there stays.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    filled(WholeFile::create(path)?, bytes)
}

/// Writes a file that is whole or absent and that only its owner may read, in place of what was there.
///
/// # Errors
/// As [`write_whole`].
pub fn write_secret(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    filled(WholeFile::with_mode(path, 0o600)?, bytes)
}

fn filled(file: WholeFile, bytes: &[u8]) -> Result<(), FileError> {
    file.handle()?.write_all(bytes).map_err(FileError::of("write", file.path()))?;
    file.put()
}

/// Writes a file that only its owner may read, unless one stands there already: of two processes that do so at once,
/// the first one wins for both. Returns whether this one was written.
///
/// # Errors
/// Where it cannot be written.
pub fn write_secret_once(path: &Path, bytes: &[u8]) -> Result<bool, FileError> {
    write_once(path, bytes, 0o600)
}

/// Writes a file where there is none; returns whether it did. What is there stays, also if it came just now.
///
/// # Errors
/// Where the folder cannot be written.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<bool, FileError> {
    write_once(path, bytes, 0o666)
}

fn write_once(path: &Path, bytes: &[u8], mode: u32) -> Result<bool, FileError> {
    let fault = || FileError::of("create", path);
    let mut aside = Builder::new()
        .prefix(".")
        .suffix(".aside")
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(folder_of(path))
        .map_err(fault())?;
    aside.write_all(bytes).and_then(|()| aside.as_file().sync_all()).map_err(fault())?;
    match aside.persist_noclobber(path) {
        Err(e) if e.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(e) => Err(fault()(e.error)),
        Ok(_) => sync_folder(folder_of(path)).map(|()| true),
    }
}

/// Folder of a path as the system takes it: a bare name lies in the current one.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Brings names that were made, changed or removed in a folder to the disk.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), FileError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(FileError::of("write", folder))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::fs;
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;

    use super::{WholeFile, open_regular, write_secret, write_secret_once, write_whole};

    #[test]
    fn only_regular_files_are_opened_and_nothing_waits() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        for (path, what) in
            [(pipe.as_path(), "pipe"), (dir.path(), "folder"), ("/dev/zero".as_ref(), "device")]
        {
            let error = open_regular(path).unwrap_err();
            assert!(error.source.to_string().contains(what), "{error}: {}", error.source);
        }
        let plain = dir.path().join("plain");
        write_whole(&plain, b"text").unwrap();
        assert_eq!(std::io::read_to_string(open_regular(&plain).unwrap()).unwrap(), "text");
    }

    #[test]
    fn a_file_that_is_not_put_changes_nothing_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.txt");
        write_whole(&path, b"first").unwrap();
        let second = WholeFile::create(&path).unwrap();
        second.handle().unwrap().write_all(b"half").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"first");
        drop(second);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        write_whole(&path, b"whole").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
    }

    #[test]
    fn a_file_gets_the_mode_that_any_new_file_gets() {
        let dir = tempfile::tempdir().unwrap();
        let (whole, plain) = (dir.path().join("whole"), dir.path().join("plain"));
        write_whole(&whole, b"").unwrap();
        fs::write(&plain, b"").unwrap();
        let mode = |path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&whole), mode(&plain));
    }

    #[test]
    fn a_secret_is_for_its_owner_alone_and_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        assert!(write_secret_once(&path, b"first").unwrap());
        assert!(!write_secret_once(&path, b"second").unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_secret_that_is_replaced_is_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys");
        // Even where others could read what stood there.
        write_whole(&path, b"first").unwrap();
        write_secret(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn of_threads_that_write_one_secret_one_wins_for_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let writes = &|number: u8| write_secret_once(&path, &[number; 32]).unwrap();
        let won: Vec<bool> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|n| scope.spawn(move || writes(n))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(won.iter().filter(|won| **won).count(), 1);
        let winner = won.iter().position(|won| *won).unwrap();
        assert_eq!(fs::read(&path).unwrap(), [u8::try_from(winner).unwrap(); 32]);
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error_with_the_path() {
        let dir = tempfile::tempdir().unwrap();
        let error = write_whole(&dir.path().join("none/a"), b"").unwrap_err();
        assert!(error.to_string().contains("none/a"), "{error}");
    }
}
