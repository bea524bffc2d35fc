//! A database as the place of many brands' ledgers.

use std::time::Duration;

use super::link::{Link, Spot};
use super::{PostgresServer, layout};
use crate::vault::{Follow, Vault};
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
        match layout::find(&mut spot.connect()?, &spot).map_err(|fault| spot.rights(fault)) {
            Ok(()) => Ok(false),
            Err(LedgerError::Absent { .. }) => Ok(true),
            Err(fault) => Err(fault),
        }
    }

    fn place(&self) -> Place {
        Spot::place_of(self)
    }

    fn follow(&self, brand: &str) -> Result<Option<Box<dyn Follow>>, LedgerError> {
        let mut follower = Follower { spot: Spot::of(self, brand).looking(), link: None };
        follower.listen()?;
        Ok(Some(Box::new(follower)))
    }
}

/// A connection that listens; opened again when it broke.
#[derive(Debug)]
struct Follower {
    spot: Spot,
    link: Option<Link>,
}

impl Follower {
    fn listen(&mut self) -> Result<&mut Link, LedgerError> {
        if self.link.as_ref().is_none_or(Link::is_broken) {
            self.link = None;
            let mut link = self.spot.connect()?;
            link.told(&format!("LISTEN {}", self.spot.channel()))?;
            self.link = Some(link);
        }
        Ok(self.link.as_mut().expect("it was just put there"))
    }
}

impl Follow for Follower {
    fn wait(&mut self, at_most: Duration) -> Result<bool, LedgerError> {
        Ok(self.listen()?.notified(at_most)?)
    }
}
