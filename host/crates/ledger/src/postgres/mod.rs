//! The ledger's storage in a PostgreSQL database that several hosts and many brands share.
//!
//! A ledger has one connection for its transactions and one for its leases. Both are of one brand: rules of the database
//! show them this brand's rows and no other's.

mod kept;
mod layout;
mod lease;
mod link;
mod pending;
mod row;
mod statements;
mod step;
mod vault;
mod waiting;

use std::sync::Arc;
use std::time::{Duration, Instant};

use ::postgres::error::SqlState;

use self::lease::{Held, SessionLeases};
use self::link::{Link, Spot, broke};
use self::step::Step;
use crate::lease::NoLeases;
use crate::ledger::checked_name;
use crate::store::{Access, Depth, Head, Leases, Store, Transaction};
use crate::{Ledger, LedgerError};

pub use self::link::PostgresServer;

/// Connections at most of a ledger that is only looked at; each is opened when the others are busy.
const READERS_MAX: usize = 4;
/// How long a transaction waits for that of another connection.
const BUSY_WAIT: Duration = Duration::from_secs(10);

impl Ledger {
    /// Opens the ledger of `brand` in a database, or makes it there; what [`Ledger::open_or_create`] does with a file.
    ///
    /// The connections wait for their answers: not to be called, nor the ledger used, from within a task of an asynchronous
    /// runtime that has one thread.
    ///
    /// # Errors
    /// [`LedgerError::Unguarded`] for a user who may pass by the rules that keep brands apart,
    /// [`LedgerError::OtherLayout`], [`LedgerError::Unsound`] where the check finds a flaw, or a fault of the storage.
    pub fn postgres(server: &PostgresServer, brand: &str) -> Result<Self, LedgerError> {
        checked_name(brand)?;
        let spot = Spot::of(server, brand);
        let mut link = spot.connect()?;
        let made = layout::make(&mut link, &spot.place).and_then(|()| layout::admit(&mut link));
        made.map_err(|fault| spot.rights(fault))?;
        let place = spot.place.clone();
        Self::over(brand, Box::new(Postgres::over(spot, link))).checked(place)
    }

    /// Opens the ledger of `brand` in a database, which must be there; what [`Ledger::open`] does with a file.
    ///
    /// # Errors
    /// As [`Ledger::postgres`], and [`LedgerError::Absent`].
    pub fn postgres_open(server: &PostgresServer, brand: &str) -> Result<Self, LedgerError> {
        checked_name(brand)?;
        let spot = Spot::of(server, brand);
        let mut link = spot.connect()?;
        let found = layout::find(&mut link, &spot);
        let made = found.and_then(|()| layout::make(&mut link, &spot.place));
        made.map_err(|fault| spot.rights(fault))?;
        let place = spot.place.clone();
        Self::over(brand, Box::new(Postgres::over(spot, link))).checked(place)
    }

    /// Opens the ledger of `brand` in a database to look at it, whatever its state; every change fails.
    ///
    /// # Errors
    /// As [`Ledger::postgres_open`], but for `Unsound`: [`Ledger::prove`] says what is wrong.
    pub fn postgres_read(server: &PostgresServer, brand: &str) -> Result<Self, LedgerError> {
        checked_name(brand)?;
        let spot = Spot::of(server, brand).looking();
        let mut link = spot.connect()?;
        layout::find(&mut link, &spot).map_err(|fault| spot.rights(fault))?;
        let mut first = Postgres::over(spot, link);
        first.leases = Arc::new(NoLeases);
        let more = (1..READERS_MAX).map(|_| first.beside());
        let mut stores: Vec<Box<dyn Store>> = more.collect();
        stores.insert(0, Box::new(first));
        Ok(Self::over_many(brand, stores))
    }
}

/// The ledger of one brand in a database.
#[derive(Debug)]
struct Postgres {
    spot: Arc<Spot>,
    /// Absent from when it broke until it is needed again.
    link: Option<Link>,
    leases: Arc<dyn Leases>,
    /// What the lease that is out, if one is, says of itself.
    held: Arc<Held>,
}

impl Postgres {
    fn over(spot: Spot, link: Link) -> Self {
        let (spot, held) = (Arc::new(spot), Arc::new(Held::default()));
        let leases = Arc::new(SessionLeases::of(Arc::clone(&spot), Arc::clone(&held)));
        Self { spot, link: Some(link), leases, held }
    }

    /// Another way to the same rows, opened when it is needed.
    fn beside(&self) -> Box<dyn Store> {
        let (spot, leases, held) =
            (Arc::clone(&self.spot), Arc::clone(&self.leases), Arc::clone(&self.held));
        Box::new(Self { spot, link: None, leases, held })
    }

    /// The connection, opened again if it broke, and whether it was.
    fn link(&mut self) -> Result<(&mut Link, bool), LedgerError> {
        let broken = self.link.as_ref().is_none_or(Link::is_broken);
        if broken {
            // The one that broke ends first: the server may allow no more of them.
            self.link = None;
            self.link = Some(self.spot.connect()?);
        }
        Ok((self.link.as_mut().expect("it was just put there"), broken))
    }

    /// Begins a transaction on the connection, waiting for that of another writer; returns the end of the chain.
    fn start(&mut self, access: Access) -> Result<Head, LedgerError> {
        let begun = Instant::now();
        let mut again = false;
        loop {
            let (link, fresh) = self.link()?;
            let fault = match link.begin(access) {
                Ok(start) => return self.admitted(access, start),
                Err(fault) => fault,
            };
            let code = fault.code();
            // Nothing has been done: on another connection it can begin anew, once.
            if broke(&fault) && !fresh && !again {
                again = true;
                continue;
            }
            // A writer on another connection committed after this one's view was taken: it looks again.
            let overtaken = code == Some(&SqlState::T_R_SERIALIZATION_FAILURE);
            let waited = begun.elapsed();
            if (overtaken && waited >= BUSY_WAIT) || code == Some(&SqlState::LOCK_NOT_AVAILABLE) {
                link.undo();
                return Err(self.spot.busy(waited));
            }
            link.undo();
            if !overtaken {
                return Err(fault.into());
            }
        }
    }

    /// Holds a transaction that has begun against the lease that this process has.
    fn admitted(&mut self, access: Access, start: link::Start) -> Result<Head, LedgerError> {
        let lease = match (access, start.lease) {
            (Access::Read, _) => return Ok(start.head),
            (Access::Write, lease) => lease,
        };
        let fault = match (lease, self.held.number()) {
            (None, _) => LedgerError::Damaged(format!(
                "the database has lost the brand `{}`",
                self.spot.brand
            )),
            (Some(now), Some(own)) if now != own => self.spot.overtaken(),
            _ => return Ok(start.head),
        };
        if let Some(link) = &mut self.link {
            link.undo();
        }
        Err(fault)
    }
}

impl Store for Postgres {
    fn begin(&mut self, access: Access) -> Result<Box<dyn Transaction + '_>, LedgerError> {
        let head = self.start(access)?;
        let link = self.link.as_mut().expect("a transaction has begun on it");
        Ok(Box::new(Step::over(link, &self.spot, head)))
    }

    fn inspect(&mut self, depth: Depth) -> Result<Option<String>, LedgerError> {
        let (link, _) = self.link()?;
        layout::inspect(link, depth)
    }

    fn leases(&self) -> Arc<dyn Leases> {
        Arc::clone(&self.leases)
    }
}

#[cfg(test)]
mod tests;
