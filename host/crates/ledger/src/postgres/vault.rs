//! A database as the place of many brands' ledgers.

use super::PostgresServer;
use super::layout;
use super::link::Spot;
use crate::vault::Vault;
use crate::{Ledger, LedgerError, Place};

impl Vault for PostgresServer {
    fn open_or_create(&self, brand: &str) -> Result<Ledger, LedgerError> {
        Ledger::postgres(self, brand)
    }

    fn read(&self, brand: &str) -> Result<Ledger, LedgerError> {
        Ledger::postgres_read(self, brand)
    }

    fn rehearse(&self, brand: &str) -> Result<Ledger, LedgerError> {
        Ledger::postgres_read(self, brand)?.copied()?.checked(self.place())
    }

    fn is_blank(&self, brand: &str) -> Result<bool, LedgerError> {
        let spot = Spot::of(self, brand).looking();
        match layout::find(&mut spot.connect()?, &spot) {
            Ok(()) => Ok(false),
            Err(LedgerError::Absent { .. }) => Ok(true),
            Err(fault) => Err(fault),
        }
    }

    fn place(&self) -> Place {
        Spot::place_of(self)
    }

    fn is_shared(&self) -> bool {
        true
    }
}
