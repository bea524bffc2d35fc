//! What the ledger asks of its storage. SQLite and PostgreSQL answer; another database can.
//!
//! A store keeps rows and answers questions by key; it judges nothing. [`crate::conformance`] asks any
//! store what the ledger relies on.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use playbook_model::{Digest, Minor, UnixMs};

use crate::account::Balance;
use crate::{AccountId, CycleRef, Entry, LedgerError};

/// Whether a transaction may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It only looks.
    Read,
    /// It may write; no other transaction writes meanwhile.
    Write,
}

/// How far a store looks at itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// What can be afforded each time a ledger is opened.
    Quick,
    /// Everything, indexes included.
    Full,
}

/// A database of one brand's ledger.
pub trait Store: Send + Debug {
    /// Begins a transaction: what it reads does not change under it, what it writes is seen whole
    /// or not at all. Dropping it undoes it.
    ///
    /// # Errors
    /// A fault of the storage.
    fn begin(&mut self, access: Access) -> Result<Box<dyn Transaction + '_>, LedgerError>;

    /// Says what the database itself finds wrong with its own structures, in words.
    ///
    /// # Errors
    /// A fault of the storage.
    fn inspect(&mut self, depth: Depth) -> Result<Option<String>, LedgerError>;

    /// What keeps the writers of this ledger apart.
    fn leases(&self) -> Arc<dyn Leases>;
}

/// A mutex between processes: gives the right to write to one of them at a time, for one unit of work.
///
/// Transactions alone keep each commit whole. A unit of work reads, decides and books in several of
/// them, and nobody else may book in between.
pub trait Leases: Send + Sync + Debug {
    /// Waits for the lease, at most for `wait`. Dropping it gives it back, as does the end of the
    /// process, however it ends.
    ///
    /// # Errors
    /// [`LedgerError::Busy`] where another process keeps it longer.
    fn take(&self, wait: Duration) -> Result<Box<dyn Lease>, LedgerError>;
}

/// The right to write, as long as it lives.
pub trait Lease: Send + Debug {}

/// End of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Last group; 0: none.
    pub group: i64,
    /// Last entry; 0: none.
    pub entry: i64,
    /// Seal of the last group.
    pub seal: Digest,
}

/// What a commit group is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
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
    /// All purposes; the position is the stored number.
    pub const ALL: [Self; 4] = [Self::Budget, Self::Begin, Self::Entries, Self::Close];
}

/// Entries that were committed together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Position in the ledger, from 1.
    pub number: i64,
    /// What it is for.
    pub purpose: Purpose,
    /// When it was committed, as its caller says.
    pub at: UnixMs,
    /// Cycle that the entries belong to; playbook "" where there is none.
    pub cycle: CycleRef,
    /// What the purpose says.
    pub payload: Digest,
    /// First entry.
    pub first: i64,
    /// One past the last entry.
    pub end: i64,
    /// Chains the group to the one before.
    pub seal: Digest,
    /// Digest of all accounts after the group; absent in groups of the first layout.
    pub accounts: Option<Digest>,
}

impl Group {
    /// Seal over the group's facts, the seal before it and the last entry's digest.
    #[must_use]
    pub fn sealed(&self, before: &Digest, last_entry: &Digest) -> Digest {
        let numbers = [self.number, self.purpose as i64, self.at.0, self.cycle.number, self.first];
        let [number, purpose, at, cycle, first] = numbers.map(i64::to_be_bytes);
        let end = self.end.to_be_bytes();
        let facts: [&[u8]; 10] = [
            &before.0,
            &last_entry.0,
            &number,
            &purpose,
            &at,
            self.cycle.playbook.as_bytes(),
            &cycle,
            &self.payload.0,
            &first,
            &end,
        ];
        Digest::of_parts(facts.into_iter().chain(self.accounts.as_ref().map(|d| &d.0[..])))
    }
}

/// What is known of a used key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsedKey {
    /// Entry that bears it.
    pub entry: i64,
    /// Digest of the request that it stands for.
    pub request: Digest,
    /// Account of the entry.
    pub account: AccountId,
    /// Amount of the entry.
    pub amount: Minor,
}

/// A cycle as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CycleRow {
    /// Run key of the run that began it.
    pub run_key: Digest,
    /// Last entry before the cycle began.
    pub opening_entry: i64,
    /// Digest of the summary, once closed.
    pub summary: Option<Digest>,
}

/// What accounts had reserved and spent when a cycle began; those that had nothing are left out.
pub type Openings = BTreeMap<AccountId, Minor>;

/// What a service keeps beside the entries, in the same transactions: a value under a space, an owner and a key, in the
/// order of these three. The store knows nothing of what the values say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row<'a> {
    /// Number of the table that it would be, given out by whoever writes it.
    pub space: u8,
    /// Whose it is: a pseudonym, or 0.
    pub owner: i64,
    /// Its key among those of its owner; at most [`ROW_KEY_BYTES_MAX`].
    pub key: &'a [u8],
    /// The value.
    pub value: &'a [u8],
}

/// Longest key of a row.
pub const ROW_KEY_BYTES_MAX: usize = 512;

/// What happens where a row of the same space, owner and key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnRow {
    /// It stays, and the new one is left out.
    Stays,
    /// The new one takes its place.
    Goes,
}

/// Called for each row: owner, key, value; false ends it.
pub type VisitRow<'v> = dyn FnMut(i64, &[u8], &[u8]) -> Result<bool, LedgerError> + 'v;

/// Which rows of a space are visited, in order.
#[derive(Debug, Clone, Copy)]
pub enum RowScope<'a> {
    /// Those of one owner.
    Owner(i64),
    /// The one under this key.
    Key(i64, &'a [u8]),
    /// All behind this owner and key, or all.
    After(Option<(i64, &'a [u8])>),
}

/// Which entries a scan visits.
#[derive(Debug, Clone, Copy)]
pub enum Scope<'a> {
    /// All from a number on.
    From(i64),
    /// Those of one cycle.
    Cycle(&'a CycleRef),
    /// Those of groups later than a time, and whatever settles or releases one of them at any time.
    Since(UnixMs),
    /// Grants of these members and what settles or releases them; in order of number for each of them.
    Members(&'a [i64]),
    /// Those from a number on up to another, which is not among them.
    Span(i64, i64),
}

/// An entry with the facts of its group.
#[derive(Debug)]
pub struct Scanned<'a> {
    /// The entry.
    pub entry: Entry<'a>,
    /// Its digest as stored.
    pub hash: Digest,
    /// Time of its group.
    pub at: UnixMs,
}

/// Called for each entry of a scan, in order of number where the scope does not say otherwise; false ends it.
pub type Visit<'v> = dyn FnMut(Scanned<'_>) -> Result<bool, LedgerError> + 'v;

/// One transaction.
#[expect(clippy::missing_errors_doc, reason = "each can meet a fault of the storage, and no other")]
pub trait Transaction {
    /// All accounts in order of number.
    fn accounts(&mut self) -> Result<Vec<Balance>, LedgerError>;
    /// Writes accounts, new or changed.
    fn put_accounts(&mut self, rows: &[Balance]) -> Result<(), LedgerError>;
    /// End of the chain.
    fn head(&mut self) -> Result<Head, LedgerError>;
    /// The entry that bears a key.
    fn used_key(&mut self, key: &Digest) -> Result<Option<UsedKey>, LedgerError>;
    /// Number and request of the entry that settles or releases `entry`.
    fn closing_of(&mut self, entry: i64) -> Result<Option<(i64, Digest)>, LedgerError>;
    /// Hears which keys will be asked for, so that a store that is far away can look for them all at once.
    fn foresee(&mut self, keys: &[Digest]) -> Result<(), LedgerError>;
    /// Adds an entry. A number, a key or a closed entry that stands already is a fault, which is told here or later, but no
    /// later than by the commit.
    fn append_entry(&mut self, entry: &Entry<'_>, hash: &Digest) -> Result<(), LedgerError>;
    /// Adds a group. A number that stands already is a fault, told as that of an entry.
    fn append_group(&mut self, group: &Group) -> Result<(), LedgerError>;
    /// Groups from a number on, in order.
    fn groups(&mut self, from: i64) -> Result<Vec<Group>, LedgerError>;
    /// Visits entries.
    fn scan(&mut self, scope: Scope<'_>, visit: &mut Visit<'_>) -> Result<(), LedgerError>;
    /// One cycle.
    fn cycle(&mut self, cycle: &CycleRef) -> Result<Option<CycleRow>, LedgerError>;
    /// All cycles.
    fn cycles(&mut self) -> Result<BTreeMap<CycleRef, CycleRow>, LedgerError>;
    /// Writes a cycle, or the summary of one that stands already.
    fn put_cycle(&mut self, cycle: &CycleRef, row: &CycleRow) -> Result<(), LedgerError>;
    /// Openings of one cycle.
    fn openings(&mut self, cycle: &CycleRef) -> Result<Openings, LedgerError>;
    /// Writes the openings of a cycle.
    fn put_openings(&mut self, cycle: &CycleRef, rows: &Openings) -> Result<(), LedgerError>;
    /// Hears which rows will be asked for or written, as [`Transaction::foresee`] does of keys.
    fn foresee_rows(&mut self, places: &[(u8, i64, &[u8])]) -> Result<(), LedgerError>;
    /// Writes rows of one space; says of each whether a row with its key stood before.
    fn put_rows(&mut self, rows: &[Row<'_>], on_row: OnRow) -> Result<Vec<bool>, LedgerError>;
    /// Visits rows of a space in order of owner and key.
    fn rows(
        &mut self,
        space: u8,
        scope: RowScope<'_>,
        visit: &mut VisitRow<'_>,
    ) -> Result<(), LedgerError>;
    /// Takes away the rows of an owner; says how many there were.
    fn remove_rows(&mut self, space: u8, owner: i64) -> Result<u64, LedgerError>;
    /// Wakes whoever follows the ledger ([`crate::Vault::follow`]) once this is kept, where others can.
    fn announce(&mut self) -> Result<(), LedgerError>;
    /// Keeps everything. A transaction that only looked may be dropped instead. [`LedgerError::UnknownCommit`] is the one
    /// fault after which everything may have been kept.
    fn commit(self: Box<Self>) -> Result<(), LedgerError>;
}
