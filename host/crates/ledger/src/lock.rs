//! The file lock that keeps two runs of one brand apart.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use crate::LedgerError;

/// Held as long as the value lives; the system frees it when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct RunLock {
    _file: File,
}

impl RunLock {
    /// Takes the lock beside the ledger at `path`, or says who is in the way.
    pub(crate) fn take(path: &Path, brand: &str, wait: bool) -> Result<Self, LedgerError> {
        let lock_path = lock_path(path);
        let open = |source| LedgerError::Open { path: lock_path.clone(), source };
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(open)?;
        if wait {
            file.lock().map_err(open)?;
            return Ok(Self { _file: file });
        }
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => {
                Err(LedgerError::Busy { brand: brand.to_owned(), path: lock_path })
            }
            Err(TryLockError::Error(source)) => Err(open(source)),
        }
    }
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    path.with_file_name(name)
}
