//! Opening a ledger, and the unit of work that every change goes through.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use playbook_model::{Digest, UnixMs};

use crate::account::{Accounts, Balance};
use crate::chain::Flaw;
use crate::fold::Fold;
use crate::sqlite::{self, Sqlite};
use crate::store::{Access, Depth, Head, Lease, Leases, Purpose, RowScope, Scope, Store, VisitRow};
use crate::work::{Seal, Work};
use crate::{CycleRef, Entry, LedgerError, Place};

/// Letters of a name at most.
const NAME_LETTERS_MAX: usize = 64;
/// How long a unit of work waits for those of other processes.
const TURN_WAIT: Duration = Duration::from_secs(120);

/// The ledger of one brand. Threads may share it, and processes the storage below it.
pub struct Ledger {
    brand: String,
    /// One for each that may look at the same time; whoever writes takes the first.
    states: Vec<Mutex<State>>,
    leases: Arc<dyn Leases>,
    /// Keeps units of work of this process apart, as leases do those of several.
    turn: Mutex<()>,
}

/// The storage, and the accounts as they stood at a head of its chain.
pub(crate) struct State {
    pub(crate) store: Box<dyn Store>,
    pub(crate) known: Option<(Head, Accounts)>,
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").field("brand", &self.brand).finish_non_exhaustive()
    }
}

impl Ledger {
    /// Opens the ledger of `brand` in the file `path`, which must exist.
    ///
    /// It is checked first, as far as that can be afforded each time; `docs/platform.md` says what the
    /// check covers.
    ///
    /// # Errors
    /// [`LedgerError::Absent`], [`LedgerError::Foreign`] for a file that is no ledger,
    /// [`LedgerError::Unsound`] where the check finds a flaw; where the file belongs to another brand
    /// or is of a later layout.
    pub fn open(path: &Path, brand: &str) -> Result<Self, LedgerError> {
        checked_name(brand)?;
        if !path.exists() {
            return Err(LedgerError::Absent { place: path.into(), brand: brand.to_owned() });
        }
        Self::over(brand, Box::new(Sqlite::open(path, brand)?)).checked(path.into())
    }

    /// Like [`Ledger::open`], but makes the ledger where there is no file, or an empty one.
    ///
    /// # Errors
    /// As [`Ledger::open`] for a file that holds something.
    pub fn open_or_create(path: &Path, brand: &str) -> Result<Self, LedgerError> {
        checked_name(brand)?;
        Self::over(brand, Box::new(Sqlite::open_or_create(path, brand)?)).checked(path.into())
    }

    /// Opens the ledger to look at it, whatever its state. Every change fails.
    ///
    /// # Errors
    /// As [`Ledger::open`], but for `Unsound`: [`Ledger::prove`] says what is wrong.
    pub fn read(path: &Path, brand: &str) -> Result<Self, LedgerError> {
        Ok(Self::over(brand, Box::new(Sqlite::read(path, brand)?)))
    }

    /// Opens a copy of the ledger for a dry run: everything answers as in a run, and nothing is kept.
    ///
    /// The copy is the ledger as it stands now. It takes no lock: any number of rehearsals work beside
    /// each other and beside a run.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    pub fn rehearse(path: &Path, brand: &str) -> Result<Self, LedgerError> {
        checked_name(brand)?;
        Self::over(brand, Box::new(Sqlite::snapshot(path, brand)?)).checked(path.into())
    }

    /// Opens a copy of the ledger for a dry run, as it stood after the commit group `head` with that seal, which
    /// [`Ledger::head`] said then.
    ///
    /// # Errors
    /// As [`Ledger::rehearse`], and [`LedgerError::OtherHistory`] where it never stood so.
    pub fn rehearse_at(path: &Path, brand: &str, head: (i64, Digest)) -> Result<Self, LedgerError> {
        checked_name(brand)?;
        let mut store = Sqlite::snapshot(path, brand)?;
        let paths = store.rewind(head.0)?;
        let ledger = Self::over(brand, Box::new(store));
        ledger.look(|work| {
            let held = (work.head.group, work.head.seal) == head;
            if held { Ok(()) } else { Err(LedgerError::OtherHistory { group: head.0 }) }
        })?;
        ledger.rebuild(&paths)?;
        Ok(ledger)
    }

    /// Returns a copy of the ledger as it stands now, without what a service keeps beside the entries; it lasts as long as
    /// this value, in memory.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn copied(&self) -> Result<Self, LedgerError> {
        let mut copy = Sqlite::in_memory(&self.brand)?;
        self.look(|work| {
            let mut to = copy.begin(Access::Write)?;
            to.put_accounts(work.accounts.rows())?;
            work.tx.scan(Scope::From(1), &mut |scanned| {
                to.append_entry(&scanned.entry, &scanned.hash).map(|()| true)
            })?;
            for group in work.tx.groups(1)? {
                to.append_group(&group)?;
            }
            for (cycle, row) in work.tx.cycles()? {
                to.put_cycle(&cycle, &row)?;
                to.put_openings(&cycle, &work.tx.openings(&cycle)?)?;
            }
            to.commit()
        })?;
        Ok(Self::over(&self.brand, Box::new(copy)))
    }

    /// Copies the ledger of `brand` at `path`, as it stands at one moment, to the file `to`, which does not exist yet. Nobody
    /// waits for it.
    ///
    /// # Errors
    /// As [`Ledger::read`], and where the copy cannot be written.
    pub fn copy(path: &Path, brand: &str, to: &Path) -> Result<(), LedgerError> {
        Sqlite::copy(path, brand, to)
    }

    /// Creates a ledger that lasts as long as this value.
    ///
    /// # Errors
    /// Where the brand's name cannot be used.
    pub fn in_memory(brand: &str) -> Result<Self, LedgerError> {
        checked_name(brand)?;
        Ok(Self::over(brand, Box::new(Sqlite::in_memory(brand)?)))
    }

    /// Puts the ledger of `brand` on a store that holds this brand's rows and no other's.
    #[must_use]
    pub fn over(brand: &str, store: Box<dyn Store>) -> Self {
        Self::over_many(brand, vec![store])
    }

    /// The same on several ways to one store, for looking at the same time.
    pub(crate) fn over_many(brand: &str, stores: Vec<Box<dyn Store>>) -> Self {
        let leases = stores.first().expect("there is a store").leases();
        let state = |store| Mutex::new(State { store, known: None });
        let states = stores.into_iter().map(state).collect();
        Self { brand: brand.to_owned(), states, leases, turn: Mutex::new(()) }
    }

    /// Refuses a ledger whose quick check finds a flaw.
    pub(crate) fn checked(self, place: Place) -> Result<Self, LedgerError> {
        match self.quick_check()? {
            None => Ok(self),
            Some(flaw) => {
                Err(LedgerError::Unsound { place, brand: self.brand, what: flaw.to_string() })
            }
        }
    }

    /// Sums everything that is kept for speed anew from groups and entries.
    fn rebuild(&self, paths: &Accounts) -> Result<(), LedgerError> {
        let mut state = self.state();
        let State { store, known } = &mut *state;
        *known = None;
        let mut tx = store.begin(Access::Write)?;
        let fold = Fold::run(tx.as_mut(), paths)?;
        let fold = fold.map_err(|flaw: Flaw| LedgerError::Damaged(flaw.to_string()))?;
        tx.put_accounts(&fold.accounts.rows()[..fold.known])?;
        for (cycle, row) in &fold.cycles {
            tx.put_cycle(cycle, row)?;
        }
        for (cycle, rows) in &fold.openings {
            tx.put_openings(cycle, rows)?;
        }
        tx.commit()
    }

    /// Brand whose money this is.
    #[must_use]
    pub fn brand(&self) -> &str {
        &self.brand
    }

    /// Returns all accounts with their balances, parents before children.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn balances(&self) -> Result<Vec<Balance>, LedgerError> {
        self.look(|work| Ok(work.accounts.rows().to_vec()))
    }

    /// Returns number and seal of the last commit group; a later ledger of the same brand holds
    /// the same seal at that number, or its history was changed.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn head(&self) -> Result<(i64, Digest), LedgerError> {
        self.look(|work| Ok((work.head.group, work.head.seal)))
    }

    /// Calls `visit` with each entry of a cycle up to the commit group `last`, its account's path and
    /// its time, in order.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn extract(
        &self,
        cycle: &CycleRef,
        last: i64,
        mut visit: impl FnMut(&Entry<'_>, &str, UnixMs),
    ) -> Result<(), LedgerError> {
        self.look(|work| {
            let end = work.tx.groups(last)?.first().map_or(i64::MAX, |group| group.end);
            let accounts = &work.accounts;
            work.tx.scan(Scope::Cycle(cycle), &mut |scanned| {
                let within = scanned.entry.number < end;
                if within {
                    let path = accounts.path(scanned.entry.account).unwrap_or("");
                    visit(&scanned.entry, path, scanned.at);
                }
                Ok(within)
            })
        })
    }

    /// Waits until no other process and no other thread is in the middle of a unit of work, and begins one:
    /// until the value goes, nobody else writes. Whoever holds a turn writes through it: asking the ledger itself
    /// to write, or for another turn, would wait for ever.
    ///
    /// # Errors
    /// [`LedgerError::Busy`] after two minutes.
    pub fn turn(&self) -> Result<Turn<'_>, LedgerError> {
        let thread = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let lease = self.leases.take(TURN_WAIT)?;
        Ok(Turn { ledger: self, _lease: lease, _thread: thread })
    }

    /// Visits what a service keeps beside the entries.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn rows(
        &self,
        space: u8,
        scope: RowScope<'_>,
        visit: &mut VisitRow<'_>,
    ) -> Result<(), LedgerError> {
        self.look(|work| work.tx.rows(space, scope, visit))
    }

    pub(crate) fn inspect(&self, depth: Depth) -> Result<Option<String>, LedgerError> {
        self.state().store.inspect(depth)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere dropped its transaction and so undid it: the store is in order.
        self.states[0].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A way to the store that nobody is using, or the first.
    fn free_state(&self) -> MutexGuard<'_, State> {
        let free = self.states.iter().find_map(|state| match state.try_lock() {
            Ok(state) => Some(state),
            Err(TryLockError::Poisoned(state)) => Some(state.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        });
        free.unwrap_or_else(|| self.state())
    }

    /// Runs `step` in a transaction that sees one state.
    pub(crate) fn look<T>(
        &self,
        step: impl FnOnce(&mut Work<'_>) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let mut state = self.free_state();
        let State { store, known } = &mut *state;
        let mut work = Work::begin(store.as_mut(), Access::Read, known.take())?;
        let answer = step(&mut work);
        *known = Some((work.head, work.accounts));
        answer
    }
}

/// A unit of work: nobody else writes to the ledger while it lives.
#[derive(Debug)]
pub struct Turn<'l> {
    pub(crate) ledger: &'l Ledger,
    _lease: Box<dyn Lease>,
    _thread: MutexGuard<'l, ()>,
}

impl Turn<'_> {
    /// As [`Ledger::head`].
    ///
    /// # Errors
    /// As there.
    pub fn head(&self) -> Result<(i64, Digest), LedgerError> {
        self.ledger.head()
    }

    /// Runs `step` in a transaction that is kept only if `step` succeeds.
    pub(crate) fn write<T>(
        &self,
        seal: Seal<'_>,
        step: impl FnOnce(&mut Work<'_>) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let mut answer = None;
        self.write_to(seal, |work| {
            answer = Some(step(work)?);
            Ok(true)
        })?;
        Ok(answer.expect("the step has run"))
    }

    /// As [`Turn::write`], for a step that writes entries and marks alone: without any, nobody waits for the disk.
    pub(crate) fn write_changes<T>(
        &self,
        seal: Seal<'_>,
        step: impl FnOnce(&mut Work<'_>) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let mut answer = None;
        self.write_to(seal, |work| {
            answer = Some(step(work)?);
            Ok(!work.is_as_it_was())
        })?;
        Ok(answer.expect("the step has run"))
    }

    /// Waits until no transaction that writes is under way, be it one of this process whose connection broke: what becomes of it
    /// is decided then.
    ///
    /// # Errors
    /// [`LedgerError::Busy`], or a fault of the storage.
    pub fn settle_down(&self) -> Result<(), LedgerError> {
        let seal = Seal { purpose: Purpose::Entries, at: UnixMs(0), cycle: None, payload: None };
        self.write_to(seal, |_| Ok(false)).map(|_| ())
    }

    /// As [`Turn::write`], where `step` says whether its work is kept; returns the head afterwards.
    pub(crate) fn write_to(
        &self,
        seal: Seal<'_>,
        step: impl FnOnce(&mut Work<'_>) -> Result<bool, LedgerError>,
    ) -> Result<Option<Head>, LedgerError> {
        let mut state = self.ledger.state();
        let State { store, known } = &mut *state;
        let mut work = Work::begin(store.as_mut(), Access::Write, known.take())?;
        if !step(&mut work)? {
            *known = work.is_as_it_was().then_some((work.head, work.accounts));
            return Ok(None);
        }
        let (head, accounts) = work.finish(seal)?;
        *known = Some((head, accounts));
        Ok(Some(head))
    }
}

/// Whether the file at `path` holds nothing: a ledger may be made of it.
#[must_use]
pub fn is_blank(path: &Path) -> bool {
    sqlite::is_blank(path)
}

/// Refuses names that a path of accounts cannot hold.
pub(crate) fn checked_name(name: &str) -> Result<(), LedgerError> {
    let letters = name.chars().count();
    if letters == 0 || letters > NAME_LETTERS_MAX || name.contains('/') {
        return Err(LedgerError::Name(name.to_owned()));
    }
    Ok(())
}
