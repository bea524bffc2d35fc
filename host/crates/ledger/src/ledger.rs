//! Opening a ledger, and the unit of work that every change goes through.

use std::fmt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use playbook_model::{Digest, Minor, UnixMs};

use crate::account::{Accounts, Balance, Breach};
use crate::lock::RunLock;
use crate::sqlite::Sqlite;
use crate::store::{Access, Group, Head, Purpose, Scope, Store, Transaction};
use crate::{AccountId, CycleRef, Entry, EntryKind, LedgerError};

/// Entries of one commit group at most.
pub(crate) const GROUP_ENTRIES_MAX: usize = 1 << 16;
/// Letters of a name at most.
const NAME_LETTERS_MAX: usize = 64;

/// The ledger of one brand. Threads may share it.
pub struct Ledger {
    brand: String,
    store: Mutex<Box<dyn Store>>,
    _lock: Option<RunLock>,
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").field("brand", &self.brand).finish_non_exhaustive()
    }
}

impl Ledger {
    /// Opens or creates the ledger of `brand` in the file `path`, for this run alone.
    ///
    /// # Errors
    /// [`LedgerError::Busy`] where another run holds it; where the file cannot be opened, belongs
    /// to another brand or is of another layout.
    pub fn open(path: &Path, brand: &str) -> Result<Self, LedgerError> {
        Self::locked(path, brand, false)
    }

    /// Like [`Ledger::open`], but waits for another run to end.
    ///
    /// # Errors
    /// As [`Ledger::open`], without `Busy`.
    pub fn open_waiting(path: &Path, brand: &str) -> Result<Self, LedgerError> {
        Self::locked(path, brand, true)
    }

    fn locked(path: &Path, brand: &str, wait: bool) -> Result<Self, LedgerError> {
        checked_name(brand)?;
        let lock = RunLock::take(path, brand, wait)?;
        Ok(Self::over(brand, Sqlite::open(path, brand)?, Some(lock)))
    }

    /// Opens the ledger to look at it, also while a run holds it. Every change fails.
    ///
    /// # Errors
    /// Where the file is absent, belongs to another brand or is of another layout.
    pub fn read(path: &Path, brand: &str) -> Result<Self, LedgerError> {
        Ok(Self::over(brand, Sqlite::read(path, brand)?, None))
    }

    /// Opens a copy of the ledger for a dry run: everything answers as in a run, and nothing is kept.
    /// An absent file is not created.
    ///
    /// The copy is the ledger as it stands now. It takes no lock: any number of rehearsals work beside
    /// each other and beside a run.
    ///
    /// # Errors
    /// Where the file cannot be read, belongs to another brand or is of another layout.
    pub fn rehearse(path: &Path, brand: &str) -> Result<Self, LedgerError> {
        if !path.exists() {
            return Self::in_memory(brand);
        }
        checked_name(brand)?;
        Ok(Self::over(brand, Sqlite::snapshot(path, brand)?, None))
    }

    /// Opens a copy of the ledger for a dry run, as it stood after the commit group `head` with that seal, which
    /// [`Ledger::head`] said then.
    ///
    /// # Errors
    /// As [`Ledger::rehearse`], and [`LedgerError::OtherHistory`] where it never stood so.
    pub fn rehearse_at(path: &Path, brand: &str, head: (i64, Digest)) -> Result<Self, LedgerError> {
        let ledger = Self::rehearse(path, brand)?;
        {
            let mut store = ledger.store.lock().unwrap_or_else(PoisonError::into_inner);
            let mut step = store.begin(Access::Write)?;
            step.rewind(head.0)?;
            step.commit()?;
            let mut work = Work::begin(store.as_mut(), Access::Write)?;
            if (work.head.group, work.head.seal) != head {
                return Err(LedgerError::OtherHistory { group: head.0 });
            }
            let mut sums = work.accounts.emptied();
            work.tx.scan(Scope::All, &mut |scanned| match sums.apply(&scanned.entry) {
                Ok(()) => Ok(true),
                Err(breach) => {
                    let number = scanned.entry.number;
                    Err(LedgerError::Damaged(format!("entry {number} does not apply: {breach:?}")))
                }
            })?;
            work.tx.put_accounts(sums.rows())?;
            work.tx.commit()?;
        }
        Ok(ledger)
    }

    /// Creates a ledger that lasts as long as this value.
    ///
    /// # Errors
    /// Where the brand's name cannot be used.
    pub fn in_memory(brand: &str) -> Result<Self, LedgerError> {
        checked_name(brand)?;
        Ok(Self::over(brand, Sqlite::in_memory(brand)?, None))
    }

    fn over(brand: &str, store: Sqlite, lock: Option<RunLock>) -> Self {
        Self { brand: brand.to_owned(), store: Mutex::new(Box::new(store)), _lock: lock }
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
        self.reading(|work| Ok(work.accounts.rows().to_vec()))
    }

    /// Returns what `account` could still grant: its own part, within every account above it.
    ///
    /// # Errors
    /// Where there is no such account, or the storage fails.
    pub fn available(&self, account: AccountId) -> Result<Minor, LedgerError> {
        self.reading(|work| {
            let (left, _) =
                work.accounts.available(account).ok_or(LedgerError::NoAccount(account.0))?;
            Ok(left)
        })
    }

    /// Returns number and seal of the last commit group; a later ledger of the same brand holds
    /// the same seal at that number, or its history was changed.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn head(&self) -> Result<(i64, Digest), LedgerError> {
        self.reading(|work| Ok((work.head.group, work.head.seal)))
    }

    /// Calls `visit` with each entry of a cycle, its account's path and its time, in order.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn extract(
        &self,
        cycle: &CycleRef,
        mut visit: impl FnMut(&Entry<'_>, &str, UnixMs),
    ) -> Result<(), LedgerError> {
        self.reading(|work| {
            let accounts = &work.accounts;
            work.tx.scan(Scope::Cycle(cycle), &mut |scanned| {
                let path = accounts.path(scanned.entry.account).unwrap_or("");
                visit(&scanned.entry, path, scanned.at);
                Ok(true)
            })
        })
    }

    pub(crate) fn inspect(&self) -> Result<Option<String>, LedgerError> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner).inspect()
    }

    /// Runs `step` in a transaction that sees one state.
    pub(crate) fn reading<T>(
        &self,
        step: impl FnOnce(&mut Work<'_>) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        // A panic elsewhere dropped its transaction and so undid it: the store is in order.
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let mut work = Work::begin(store.as_mut(), Access::Read)?;
        step(&mut work)
    }

    /// Runs `step` in a transaction that is kept only if `step` succeeds.
    pub(crate) fn writing<T>(
        &self,
        seal: Seal<'_>,
        step: impl FnOnce(&mut Work<'_>) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let mut work = Work::begin(store.as_mut(), Access::Write)?;
        let answer = step(&mut work)?;
        work.finish(seal)?;
        Ok(answer)
    }
}

/// Refuses names that a path of accounts cannot hold.
pub(crate) fn checked_name(name: &str) -> Result<(), LedgerError> {
    let letters = name.chars().count();
    if letters == 0 || letters > NAME_LETTERS_MAX || name.contains('/') {
        return Err(LedgerError::Name(name.to_owned()));
    }
    Ok(())
}

/// Facts of the group that a unit of work becomes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seal<'a> {
    pub(crate) purpose: Purpose,
    pub(crate) at: UnixMs,
    pub(crate) cycle: Option<&'a CycleRef>,
    pub(crate) payload: Option<Digest>,
}

/// Balances and chain within one transaction.
pub(crate) struct Work<'s> {
    pub(crate) tx: Box<dyn Transaction + 's>,
    pub(crate) accounts: Accounts,
    pub(crate) head: Head,
    last: i64,
    chain: Digest,
    marked: bool,
    purpose: Option<Purpose>,
}

impl<'s> Work<'s> {
    fn begin(store: &'s mut dyn Store, access: Access) -> Result<Self, LedgerError> {
        let mut tx = store.begin(access)?;
        let mut accounts = Accounts::default();
        for row in tx.accounts()? {
            accounts.push(row)?;
        }
        let head = tx.head()?;
        Ok(Self {
            tx,
            accounts,
            head,
            last: head.entry,
            chain: head.seal,
            marked: false,
            purpose: None,
        })
    }

    /// Appends an entry, numbering it; gives back what it would break instead where it does not fit.
    pub(crate) fn record(&mut self, draft: Entry<'_>) -> Result<Result<i64, Breach>, LedgerError> {
        let entry = Entry { number: self.last + 1, ..draft };
        if let Err(breach) = self.accounts.apply(&entry) {
            return Ok(Err(breach));
        }
        let path = self.accounts.path(entry.account).unwrap_or("");
        let to = entry.to.and_then(|id| self.accounts.path(id));
        let hash = entry.chained(&self.chain, path, to);
        self.tx.append_entry(&entry, &hash)?;
        self.last = entry.number;
        self.chain = hash;
        Ok(Ok(entry.number))
    }

    /// Appends an entry that must fit; a breach becomes an error in words.
    pub(crate) fn must_record(&mut self, draft: Entry<'_>) -> Result<i64, LedgerError> {
        match self.record(draft)? {
            Ok(number) => Ok(number),
            Err(breach) => Err(self.words(&breach, &draft)),
        }
    }

    fn words(&self, breach: &Breach, draft: &Entry<'_>) -> LedgerError {
        match breach {
            Breach::NoAccount(id) => LedgerError::NoAccount(*id),
            Breach::Overflow => LedgerError::Overflow,
            Breach::Fields => LedgerError::Damaged(format!(
                "a {} does not fit the account it names",
                draft.kind.name()
            )),
            Breach::Short(id) | Breach::Children(id) => {
                let row = self.accounts.get(*id);
                let held = row.map_or(0, |row| row.allocated.0);
                let change = match draft.kind {
                    EntryKind::Recover | EntryKind::Transfer => -draft.amount.0,
                    _ => draft.amount.0,
                };
                let free = self.accounts.available(*id).map_or(0, |(left, _)| left.0);
                LedgerError::Committed {
                    account: row.map_or_else(String::new, |row| row.path.clone()),
                    asked: Minor(held.saturating_add(change)),
                    committed: Minor(held.saturating_sub(free)),
                }
            }
        }
    }

    /// Makes the group appear even if it has no entry.
    pub(crate) fn mark(&mut self) {
        self.marked = true;
    }

    /// Seals the group for another purpose than was said at first.
    pub(crate) fn seal_as(&mut self, purpose: Purpose) {
        self.purpose = Some(purpose);
    }

    /// Number of the last entry so far.
    pub(crate) fn last_entry(&self) -> i64 {
        self.last
    }

    fn finish(mut self, seal: Seal<'_>) -> Result<(), LedgerError> {
        if self.last > self.head.entry || self.marked {
            let mut group = Group {
                number: self.head.group + 1,
                purpose: self.purpose.unwrap_or(seal.purpose),
                at: seal.at,
                cycle: seal.cycle.cloned().unwrap_or_default(),
                payload: seal.payload.unwrap_or(Digest([0; 32])),
                first: self.head.entry + 1,
                end: self.last + 1,
                seal: Digest([0; 32]),
            };
            group.seal = group.seal(&self.head.seal, &self.chain);
            self.tx.append_group(&group)?;
        }
        let changed = self.accounts.take_changed();
        self.tx.put_accounts(&changed)?;
        self.tx.commit()
    }
}

/// Returns an entry about money itself: no member, no action.
pub(crate) fn money_entry(
    kind: EntryKind,
    account: AccountId,
    amount: Minor,
    key: Digest,
    request: Digest,
) -> Entry<'static> {
    Entry {
        number: 0,
        kind,
        account,
        to: None,
        amount,
        closes: None,
        bound: Minor::ZERO,
        key,
        request,
        member: 0,
        stage: "",
        action: "",
        family: "",
        quantity: 0,
        expected_output: Minor::ZERO,
        priority: 0,
        contacts_member: false,
        commercial: false,
    }
}
