//! What the ledger asks of its storage. SQLite answers today; another database can.

use std::collections::BTreeMap;

use playbook_model::{Digest, Minor, UnixMs};

use crate::account::Balance;
use crate::{AccountId, CycleRef, Entry, LedgerError};

/// Whether a transaction may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// A database of one brand's ledger.
pub(crate) trait Store: Send + std::fmt::Debug {
    /// Begins a transaction: what it reads does not change under it, what it writes is seen whole
    /// or not at all. Dropping it undoes it.
    fn begin(&mut self, access: Access) -> Result<Box<dyn Transaction + '_>, LedgerError>;

    /// Says what the database itself finds wrong with its file.
    fn inspect(&mut self) -> Result<Option<String>, LedgerError>;
}

/// End of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    /// Last group; 0: none.
    pub(crate) group: i64,
    /// Last entry; 0: none.
    pub(crate) entry: i64,
    /// Seal of the last group.
    pub(crate) seal: Digest,
}

/// What a commit group is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Money given, moved or frozen.
    Budget,
    /// A cycle begins; the payload is its run key.
    Begin,
    /// Grants, settlements, releases.
    Entries,
    /// A cycle ends; the payload is the digest of its summary.
    Close,
}

impl Purpose {
    pub(crate) const ALL: [Self; 4] = [Self::Budget, Self::Begin, Self::Entries, Self::Close];
}

/// Entries that were committed together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) number: i64,
    pub(crate) purpose: Purpose,
    pub(crate) at: UnixMs,
    /// Cycle that the entries belong to; playbook "" where there is none.
    pub(crate) cycle: CycleRef,
    pub(crate) payload: Digest,
    /// First and one past the last entry.
    pub(crate) first: i64,
    pub(crate) end: i64,
    pub(crate) seal: Digest,
}

impl Group {
    /// Seal over the group's facts, the seal before it and the last entry's digest.
    pub(crate) fn seal(&self, before: &Digest, last_entry: &Digest) -> Digest {
        Digest::of_parts([
            before.0.as_slice(),
            last_entry.0.as_slice(),
            &self.number.to_be_bytes(),
            &(self.purpose as i64).to_be_bytes(),
            &self.at.0.to_be_bytes(),
            self.cycle.playbook.as_bytes(),
            &self.cycle.number.to_be_bytes(),
            self.payload.0.as_slice(),
            &self.first.to_be_bytes(),
            &self.end.to_be_bytes(),
        ])
    }
}

/// What is known of a used key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UsedKey {
    pub(crate) entry: i64,
    pub(crate) request: Digest,
    pub(crate) account: AccountId,
    pub(crate) amount: Minor,
}

/// A cycle as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CycleRow {
    pub(crate) run_key: Digest,
    /// Last entry before the cycle began.
    pub(crate) opening_entry: i64,
    /// Digest of the summary, once closed.
    pub(crate) summary: Option<Digest>,
}

/// An account's balance when a cycle began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OpeningRow {
    pub(crate) account: AccountId,
    /// Reserved and spent before the cycle.
    pub(crate) committed: Minor,
    /// What the cycle could use at most: fixed when it closes.
    pub(crate) available: Minor,
}

/// Which groups a scan visits.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scope<'a> {
    /// All, in order.
    All,
    /// Those of one cycle.
    Cycle(&'a CycleRef),
    /// Those later than a time, up to an entry.
    Since(UnixMs, i64),
}

/// An entry with the facts of its group.
#[derive(Debug)]
pub(crate) struct Scanned<'a> {
    pub(crate) entry: Entry<'a>,
    pub(crate) hash: Digest,
    pub(crate) at: UnixMs,
}

/// Called for each entry of a scan; false ends it.
pub(crate) type Visit<'v> = dyn FnMut(Scanned<'_>) -> Result<bool, LedgerError> + 'v;

/// One transaction.
pub(crate) trait Transaction {
    fn accounts(&mut self) -> Result<Vec<Balance>, LedgerError>;
    /// Writes accounts, new or changed.
    fn put_accounts(&mut self, rows: &[Balance]) -> Result<(), LedgerError>;
    fn head(&mut self) -> Result<Head, LedgerError>;
    fn used_key(&mut self, key: &Digest) -> Result<Option<UsedKey>, LedgerError>;
    fn closing_of(&mut self, entry: i64) -> Result<Option<(i64, Digest)>, LedgerError>;
    fn append_entry(&mut self, entry: &Entry<'_>, hash: &Digest) -> Result<(), LedgerError>;
    fn append_group(&mut self, group: &Group) -> Result<(), LedgerError>;
    fn groups(&mut self) -> Result<Vec<Group>, LedgerError>;
    fn scan(&mut self, scope: Scope<'_>, visit: &mut Visit<'_>) -> Result<(), LedgerError>;
    fn cycle(&mut self, cycle: &CycleRef) -> Result<Option<CycleRow>, LedgerError>;
    fn cycles(&mut self) -> Result<BTreeMap<CycleRef, CycleRow>, LedgerError>;
    fn put_cycle(&mut self, cycle: &CycleRef, row: &CycleRow) -> Result<(), LedgerError>;
    fn openings(&mut self, cycle: &CycleRef) -> Result<Vec<OpeningRow>, LedgerError>;
    fn put_openings(&mut self, cycle: &CycleRef, rows: &[OpeningRow]) -> Result<(), LedgerError>;
    /// Leaves out everything after a group; balances are to be summed anew. Only a private copy can.
    fn rewind(&mut self, group: i64) -> Result<(), LedgerError>;
    fn commit(self: Box<Self>) -> Result<(), LedgerError>;
}
