//! One commit group on behalf of many callers: group commit. What one books the next one sees, and nobody is answered
//! before all of it is on disk.

use playbook_model::{Digest, Minor, UnixMs};

use crate::budget::move_money;
use crate::grant::{close_one, grant};
use crate::history::past;
use crate::ledger::Turn;
use crate::recovery::{Hold, hold, recover};
use crate::store::{OnRow, Purpose, Row, RowScope, Scope, VisitRow};
use crate::work::{Seal, Work};
use crate::{
    AccountId, Balance, Closure, CycleRef, CycleStanding, GrantAnswer, GrantRequest, LedgerError,
    Moved, Movement, PastGrants, PastTransfers, SettleAnswer,
};

/// A commit group that is being filled.
pub struct GroupWork<'w, 's> {
    work: &'w mut Work<'s>,
    cycle: &'w CycleRef,
    at: UnixMs,
    standing: &'w mut CycleStanding,
}

impl std::fmt::Debug for GroupWork<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GroupWork").field("cycle", self.cycle).finish_non_exhaustive()
    }
}

impl Turn<'_> {
    /// Runs `step` in one transaction, which is kept if it succeeds and becomes one commit group at the time `at`; a group
    /// without entries leaves no trace but its rows. `standing` is brought up to date first and holds what was booked
    /// afterwards; where anything fails it is gone, because what it counted was undone.
    ///
    /// # Errors
    /// Those of `step`, [`LedgerError::NoCycle`], or a fault of the storage.
    pub fn group<T, E: From<LedgerError>>(
        &self,
        cycle: &CycleRef,
        at: UnixMs,
        standing: &mut Option<CycleStanding>,
        step: impl FnOnce(&mut GroupWork<'_, '_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut held = match standing.take().filter(|standing| standing.is_of(cycle)) {
            Some(mut held) => {
                self.catch_up(&mut held)?;
                held
            }
            None => self.standing(cycle)?,
        };
        let seal = Seal { purpose: Purpose::Entries, at, cycle: Some(cycle), payload: None };
        let mut answer = None;
        let written = self.write_to(seal, |work| {
            let mut group = GroupWork { work, cycle, at, standing: &mut held };
            match step(&mut group) {
                Ok(done) => {
                    answer = Some(Ok(done));
                    Ok(true)
                }
                Err(error) => {
                    answer = Some(Err(error));
                    Ok(false)
                }
            }
        })?;
        if let Some(head) = written {
            held.moved_to(head);
            *standing = Some(held);
        }
        answer.expect("the step has run")
    }
}

impl GroupWork<'_, '_> {
    /// The cycle as it stands with everything that the group has booked so far.
    #[must_use]
    pub fn standing(&self) -> &CycleStanding {
        self.standing
    }

    /// The time of the group.
    #[must_use]
    pub fn at(&self) -> UnixMs {
        self.at
    }

    /// Says which grants the group will ask for or close: a database that is far away looks for their keys at once, not one by
    /// one. What was not said is looked for when it is asked.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn foresee(&mut self, keys: &[Digest]) -> Result<(), LedgerError> {
        self.work.tx.foresee(keys)
    }

    /// Asks for a grant, as [`Turn::grant_batch`] does for many.
    ///
    /// # Errors
    /// As there.
    pub fn grant(&mut self, request: &GrantRequest<'_>) -> Result<GrantAnswer, LedgerError> {
        let answer = grant(self.work, self.cycle, self.standing.is_closed, request)?;
        if let GrantAnswer::Granted { entry } = answer {
            self.standing.granted(request, entry, self.at)?;
            self.standing.refresh(&self.work.accounts);
        }
        Ok(answer)
    }

    /// Settles or releases a grant of the cycle, as [`Turn::close_batch`] does for many.
    ///
    /// # Errors
    /// As there.
    pub fn close(&mut self, key: &Digest, closure: Closure) -> Result<SettleAnswer, LedgerError> {
        let (answer, state) = close_one(self.work, key, closure)?;
        if let SettleAnswer::Done { entry } = answer {
            self.standing.closed(key, entry, state)?;
            self.standing.refresh(&self.work.accounts);
        }
        Ok(answer)
    }

    /// As [`GroupWork::close`], for a grant of any cycle: the entry of another one gets a group of that cycle, in the same
    /// transaction.
    ///
    /// # Errors
    /// As there.
    pub fn close_of(
        &mut self,
        cycle: &CycleRef,
        key: &Digest,
        closure: Closure,
    ) -> Result<SettleAnswer, LedgerError> {
        if cycle == self.cycle {
            return self.close(key, closure);
        }
        let (answer, _) = self.beside(cycle, |work| close_one(work, key, closure))?;
        self.standing.refresh(&self.work.accounts);
        Ok(answer)
    }

    /// What a grant holds of its account's money.
    ///
    /// # Errors
    /// [`LedgerError::NoGrant`], or a fault of the storage.
    pub fn hold(&mut self, key: &Digest) -> Result<Hold, LedgerError> {
        Ok(hold(self.work, key)?.hold)
    }

    /// Takes back a part of what was paid for a grant of any cycle: it is free again. Returns the entry.
    ///
    /// # Errors
    /// [`LedgerError::NoGrant`] where nothing was paid for it, [`LedgerError::Negative`], [`LedgerError::Damaged`] for more than
    /// is left of what was paid, or a fault of the storage.
    pub fn recover(
        &mut self,
        cycle: &CycleRef,
        key: &Digest,
        amount: Minor,
    ) -> Result<i64, LedgerError> {
        let (taken, by) = if cycle == self.cycle {
            recover(self.work, key, amount)?
        } else {
            self.beside(cycle, |work| recover(work, key, amount))?
        };
        if cycle == self.cycle {
            self.standing.recover(taken, by, amount)?;
        }
        self.standing.refresh(&self.work.accounts);
        Ok(by)
    }

    /// Number of the entry that reserved a grant.
    ///
    /// # Errors
    /// [`LedgerError::NoGrant`], or a fault of the storage.
    pub fn entry_of(&mut self, key: &Digest) -> Result<i64, LedgerError> {
        let used = self.work.tx.used_key(key)?;
        used.map(|used| used.entry).ok_or_else(|| LedgerError::NoGrant(key.hex()))
    }

    /// Whether an account, or one above it, is frozen.
    #[must_use]
    pub fn is_frozen(&self, account: AccountId) -> bool {
        self.work.accounts.frozen(account).is_some()
    }

    /// An account.
    #[must_use]
    pub fn account_of(&self, id: AccountId) -> Option<&Balance> {
        self.work.accounts.get(id)
    }

    /// The account of a path.
    #[must_use]
    pub fn account(&self, path: &str) -> Option<&Balance> {
        self.work.accounts.by_path(path)
    }

    /// As [`Turn::move_money`], outside of any cycle, in the same transaction.
    ///
    /// # Errors
    /// As there.
    pub fn move_money(&mut self, movement: Movement, key: Digest) -> Result<Moved, LedgerError> {
        let seal = Seal { purpose: Purpose::Budget, at: self.at, cycle: None, payload: None };
        let moved = self.apart(seal, |work| move_money(work, movement, key))?;
        // What accounts had when the cycle was opened is said under the budget of today.
        self.standing.settle_down(self.work)?;
        Ok(moved)
    }

    /// Moves money from one pool to another on behalf of the group's cycle, for the cycles after it, in the same transaction. The
    /// same transfer under the same key again does nothing.
    ///
    /// # Errors
    /// As [`Turn::move_money`].
    pub fn transfer(
        &mut self,
        [from, to]: [AccountId; 2],
        amount: Minor,
        key: Digest,
    ) -> Result<Moved, LedgerError> {
        let (at, cycle) = (self.at, Some(self.cycle));
        let seal = Seal { purpose: Purpose::Budget, at, cycle, payload: None };
        let movement = Movement::Transfer { from, to, amount };
        let moved = self.apart(seal, |work| move_money(work, movement, key))?;
        if moved == Moved::Now {
            self.standing.transferred(from, Some(to), amount)?;
        }
        self.standing.refresh(&self.work.accounts);
        Ok(moved)
    }

    /// The amount of the entry that was booked under a key.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn amount_of(&mut self, key: &Digest) -> Result<Option<Minor>, LedgerError> {
        Ok(self.work.tx.used_key(key)?.map(|used| used.amount))
    }

    /// Adds the transfers that were booked since they were read, before the group: a store may hold back the group's own.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn catch_up(&mut self, past: &mut PastTransfers) -> Result<(), LedgerError> {
        past.catch_up(self.work)
    }

    /// Runs a step whose entries belong to another cycle.
    fn beside<T>(
        &mut self,
        cycle: &CycleRef,
        step: impl FnOnce(&mut Work<'_>) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let seal =
            Seal { purpose: Purpose::Entries, at: self.at, cycle: Some(cycle), payload: None };
        self.apart(seal, step)
    }

    /// Runs a step whose entries are a group of their own in the same transaction.
    fn apart<T>(
        &mut self,
        seal: Seal<'_>,
        step: impl FnOnce(&mut Work<'_>) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let (purpose, at, cycle) = (Purpose::Entries, self.at, Some(self.cycle));
        self.work.cut(Seal { purpose, at, cycle, payload: None })?;
        let done = step(self.work)?;
        self.work.cut(seal)?;
        Ok(done)
    }

    /// All grants of members that were committed before the group, whenever they were, but for released ones.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn grants_of(&mut self, members: &[i64]) -> Result<PastGrants, LedgerError> {
        past(self.work, Scope::Members(members), UnixMs(i64::MIN))
    }

    /// As [`GroupWork::foresee`], for rows by space, owner and key.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn foresee_rows(&mut self, places: &[(u8, i64, &[u8])]) -> Result<(), LedgerError> {
        self.work.tx.foresee_rows(places)
    }

    /// Wakes whoever follows the ledger on other hosts, once the group is kept.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn announce(&mut self) -> Result<(), LedgerError> {
        self.work.tx.announce()
    }

    /// Writes rows; says of each whether a row with its key stood before.
    ///
    /// # Errors
    /// A key that is too long, or a fault of the storage.
    pub fn put_rows(&mut self, rows: &[Row<'_>], on_row: OnRow) -> Result<Vec<bool>, LedgerError> {
        self.work.tx.put_rows(rows, on_row)
    }

    /// Visits rows, those of the group included.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn rows(
        &mut self,
        space: u8,
        scope: RowScope<'_>,
        visit: &mut VisitRow<'_>,
    ) -> Result<(), LedgerError> {
        self.work.tx.rows(space, scope, visit)
    }

    /// Takes away the rows of an owner; says how many there were.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn remove_rows(&mut self, space: u8, owner: i64) -> Result<u64, LedgerError> {
        self.work.tx.remove_rows(space, owner)
    }
}
