//! What keeps the writers of a ledger file apart: an advisory lock on a file beside it (`flock`), held for one unit of
//! work.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::LedgerError;
use crate::store::{Lease, Leases};

/// How often a taken lock is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Leases by the lock of a file beside the ledger. The system frees it when the process ends.
#[derive(Debug)]
pub(crate) struct FileLeases {
    brand: String,
    path: PathBuf,
}

impl FileLeases {
    /// Leases of the ledger at `path`.
    pub(crate) fn beside(path: &Path, brand: &str) -> Self {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".lock");
        Self { brand: brand.to_owned(), path: path.with_file_name(name) }
    }
}

impl Leases for FileLeases {
    fn take(&self, wait: Duration) -> Result<Box<dyn Lease>, LedgerError> {
        let open = |source| LedgerError::Open { path: self.path.clone(), source };
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        let file = options.open(&self.path).map_err(open)?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Box::new(Held { _file: file })),
                Err(TryLockError::WouldBlock) if begun.elapsed() >= wait => {
                    let (brand, place) = (self.brand.clone(), self.path.as_path().into());
                    return Err(LedgerError::Busy { brand, place, waited: wait });
                }
                Err(TryLockError::WouldBlock) => thread::sleep(LOOK_AGAIN),
                Err(TryLockError::Error(source)) => return Err(open(source)),
            }
        }
    }
}

/// Leases of a ledger that nobody else can reach.
#[derive(Debug)]
pub(crate) struct NoLeases;

impl Leases for NoLeases {
    fn take(&self, _: Duration) -> Result<Box<dyn Lease>, LedgerError> {
        Ok(Box::new(Free))
    }
}

#[derive(Debug)]
struct Held {
    _file: File,
}

impl Lease for Held {}

#[derive(Debug)]
struct Free;

impl Lease for Free {}

#[cfg(test)]
mod tests {
    use super::{FileLeases, Leases, LedgerError};
    use std::time::Duration;

    #[test]
    fn who_waits_too_long_is_told_and_the_next_gets_the_lease() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let path = folder.path().join("ledger.db");
        let [one, other] = [(), ()].map(|()| FileLeases::beside(&path, "aurora"));
        let held = one.take(Duration::ZERO).expect("nobody has it");
        let busy = other.take(Duration::from_millis(20)).expect_err("the first one has it");
        assert!(matches!(busy, LedgerError::Busy { .. }), "{busy}");
        drop(held);
        drop(other.take(Duration::ZERO).expect("it came back"));
    }
}
