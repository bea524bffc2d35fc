//! Where the ledgers of brands are kept, for whoever opens them again and again: a file of its own for each, or a
//! database that several hosts share.

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::ledger::is_blank;
use crate::{Ledger, LedgerError, Place};

/// A place that ledgers are opened from.
pub trait Vault: Send + Sync + Debug {
    /// Opens the ledger of a brand, or makes it.
    ///
    /// # Errors
    /// As [`Ledger::open`], but for `Absent`.
    fn open_or_create(&self, brand: &str) -> Result<Ledger, LedgerError>;

    /// Opens it to look at it, whatever its state. Every change fails.
    ///
    /// # Errors
    /// As [`Ledger::read`].
    fn read(&self, brand: &str) -> Result<Ledger, LedgerError>;

    /// Opens a copy of it as it stands now: everything answers as in a run, and nothing is kept.
    ///
    /// # Errors
    /// As [`Ledger::rehearse`].
    fn rehearse(&self, brand: &str) -> Result<Ledger, LedgerError>;

    /// Whether there is none of the brand yet.
    ///
    /// # Errors
    /// A fault of the storage.
    fn is_blank(&self, brand: &str) -> Result<bool, LedgerError>;

    /// The place, for people.
    fn place(&self) -> Place;

    /// Begins to listen to what other hosts announce of a brand; `None` where there can be no other.
    ///
    /// # Errors
    /// A fault of the storage.
    fn follow(&self, brand: &str) -> Result<Option<Box<dyn Follow>>, LedgerError>;
}

/// Listens to what other hosts announce of a brand.
pub trait Follow: Send + Debug {
    /// Waits for an announcement, at most so long; whether one came.
    ///
    /// # Errors
    /// A fault of the storage; what was announced meanwhile may have been missed.
    fn wait(&mut self, at_most: Duration) -> Result<bool, LedgerError>;
}

/// The ledger of one brand in a file of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerFile(PathBuf);

impl LedgerFile {
    /// The ledger at `path`, whether it is there or not.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }
}

impl Vault for LedgerFile {
    fn open_or_create(&self, brand: &str) -> Result<Ledger, LedgerError> {
        Ledger::open_or_create(&self.0, brand)
    }

    fn read(&self, brand: &str) -> Result<Ledger, LedgerError> {
        Ledger::read(&self.0, brand)
    }

    fn rehearse(&self, brand: &str) -> Result<Ledger, LedgerError> {
        Ledger::rehearse(&self.0, brand)
    }

    fn is_blank(&self, _: &str) -> Result<bool, LedgerError> {
        Ok(is_blank(&self.0))
    }

    fn place(&self) -> Place {
        self.0.as_path().into()
    }

    fn follow(&self, _: &str) -> Result<Option<Box<dyn Follow>>, LedgerError> {
        Ok(None)
    }
}
