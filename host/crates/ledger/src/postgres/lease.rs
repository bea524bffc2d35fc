//! What keeps the writers of a brand apart, on whichever host: a lock of a session of the database, held for one unit of
//! work, and a number that grows with each lease (a fencing token).
//!
//! The server frees the lock when the session ends, however it ends. A host that lost its session and does not know it
//! cannot write any more once another has the lease: its number is no longer the last.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::postgres::error::SqlState;

use super::link::{Link, Spot, broke};
use crate::LedgerError;
use crate::store::{Lease, Leases};

/// Whatever is lost of this with the server's memory, the sessions are lost too: nobody waits for the disk.
const TAKE: &str = "SELECT pg_advisory_lock(hashtextextended('playbook ledger of ' || current_setting('playbook.brand'), 0)); \
     UPDATE brands SET lease = lease + 1 WHERE brand = current_setting('playbook.brand') RETURNING lease";

/// The lease that a ledger has, if it has one.
#[derive(Debug, Default)]
pub(super) struct Held(Mutex<Option<i64>>);

impl Held {
    /// Its number.
    pub(super) fn number(&self) -> Option<i64> {
        *locked(&self.0)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is kept is whole at every moment.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Leases of a brand in a database.
pub(super) struct SessionLeases {
    spot: Arc<Spot>,
    held: Arc<Held>,
    /// The connection of the last lease, until the next.
    idle: Arc<Mutex<Option<Link>>>,
}

impl fmt::Debug for SessionLeases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionLeases").field("spot", &self.spot).finish_non_exhaustive()
    }
}

impl SessionLeases {
    pub(super) fn of(spot: Arc<Spot>, held: Arc<Held>) -> Self {
        Self { spot, held, idle: Arc::default() }
    }
}

impl Leases for SessionLeases {
    fn take(&self, wait: Duration) -> Result<Box<dyn Lease>, LedgerError> {
        // 0 would be without end.
        let sql = format!(
            "SELECT set_config('lock_timeout', '{}', true), set_config('synchronous_commit', 'off', true); {TAKE}",
            wait.as_millis().clamp(1, i32::MAX as u128)
        );
        let mut idle = locked(&self.idle).take();
        loop {
            let fresh = idle.is_none();
            let mut link = match idle.take() {
                Some(link) => link,
                None => self.spot.connect()?,
            };
            // A connection on which it failed is closed, and with it whatever it had got by then.
            match link.told(&sql) {
                Ok(rows) => {
                    let number = rows.iter().rev().find_map(|row| row.get(0)?.parse().ok());
                    let lost =
                        || LedgerError::Damaged("the database has lost the brand".to_owned());
                    *locked(&self.held.0) = Some(number.ok_or_else(lost)?);
                    let (held, idle) = (Arc::clone(&self.held), Arc::clone(&self.idle));
                    return Ok(Box::new(SessionLease { link: Some(link), held, idle }));
                }
                Err(fault) if broke(&fault) && !fresh => {}
                Err(fault) if fault.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => {
                    return Err(self.spot.busy(wait));
                }
                Err(fault) => return Err(fault.into()),
            }
        }
    }
}

/// A lease that is out.
#[derive(Debug)]
struct SessionLease {
    link: Option<Link>,
    held: Arc<Held>,
    idle: Arc<Mutex<Option<Link>>>,
}

impl Lease for SessionLease {}

impl Drop for SessionLease {
    fn drop(&mut self) {
        *locked(&self.held.0) = None;
        if let Some(mut link) = self.link.take() {
            // Where it cannot be given back, the end of the session does it.
            if link.told("SELECT pg_advisory_unlock_all()").is_ok() {
                *locked(&self.idle) = Some(link);
            }
        }
    }
}
