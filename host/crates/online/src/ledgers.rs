//! The ledger of a brand as a service holds it: opened once to write, and once to read beside the writer.

use std::sync::Arc;

use playbook_ledger::{Follow, Ledger, LedgerError, Vault};

use crate::swap::last_activated;
use crate::versions::{Activation, Source};

/// The ledger of a brand, open.
#[derive(Debug)]
pub struct Ledgers {
    pub(crate) writes: Ledger,
    pub(crate) reads: Arc<Ledger>,
    /// Listens to other hosts that share it.
    pub(crate) follow: Option<Box<dyn Follow>>,
}

impl Ledgers {
    /// Opens the ledger of a brand; it is made where there is none.
    ///
    /// # Errors
    /// A ledger that is unsound, or a fault of the storage.
    pub fn open(vault: &dyn Vault, brand: &str) -> Result<Self, LedgerError> {
        let writes = vault.open_or_create(brand)?;
        // Listens before anybody looks: nothing that comes in between is missed.
        let follow = vault.follow(brand)?;
        Ok(Self { writes, reads: Arc::new(vault.read(brand)?), follow })
    }

    /// The version that decided last, with what opens it again; `None` where none ever did.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn last_activated(&self) -> Result<Option<(Activation, Source)>, LedgerError> {
        last_activated(&self.reads)
    }
}
