//! What members got, for duplicate windows and frequency caps (domain H9).

use std::collections::{BTreeMap, BTreeSet};

use playbook_model::{Digest, Minor, UnixMs};

use crate::store::{Scanned, Scope};
use crate::work::Work;
use crate::{AccountId, EntryKind, Ledger, LedgerError};

/// A grant that was made and not released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PastGrant {
    /// Pseudonym of the member.
    pub member: i64,
    /// When it was granted.
    pub at: UnixMs,
    /// Number of its entry.
    pub entry: i64,
    /// Position in [`PastGrants::families`].
    pub family: u32,
    /// Class in arbitration, 0 (most urgent) to 5.
    pub priority: u8,
    /// Whether the member was contacted directly.
    pub contacts_member: bool,
    /// Whether it counts against commercial caps.
    pub commercial: bool,
}

/// Grants of a window, ordered by member, time and entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PastGrants {
    /// Families of actions, in order of name.
    pub families: Vec<String>,
    /// The grants.
    pub grants: Vec<PastGrant>,
}

/// Money that went from one pool to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PastTransfer {
    /// Giving account.
    pub from: AccountId,
    /// Receiving account.
    pub to: AccountId,
    /// How much.
    pub amount: Minor,
    /// When.
    pub at: UnixMs,
    /// Its idempotency key.
    pub key: Digest,
}

/// Transfers after a moment, up to an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastTransfers {
    /// In the order in which they were booked.
    pub transfers: Vec<PastTransfer>,
    from: UnixMs,
    /// The last entry that was looked at.
    last: i64,
}

impl Default for PastTransfers {
    /// Nothing was looked at, and nothing is too old.
    fn default() -> Self {
        Self { transfers: Vec::new(), from: UnixMs(i64::MIN), last: 0 }
    }
}

impl PastTransfers {
    fn visit(&mut self, Scanned { entry, at, .. }: &Scanned<'_>) {
        self.last = self.last.max(entry.number);
        if let (EntryKind::Transfer, Some(to)) = (entry.kind, entry.to)
            && *at > self.from
        {
            let (from, amount, key) = (entry.account, entry.amount, entry.key);
            self.transfers.push(PastTransfer { from, to, amount, at: *at, key });
        }
    }

    /// Looks at the entries since the last one.
    pub(crate) fn catch_up(&mut self, work: &mut Work<'_>) -> Result<(), LedgerError> {
        let next = Scope::Span(self.last.saturating_add(1), work.head.entry.saturating_add(1));
        work.tx.scan(next, &mut |scanned| {
            self.visit(&scanned);
            Ok(true)
        })
    }
}

impl PastGrants {
    /// Returns the grants of one member.
    #[must_use]
    pub fn of_member(&self, member: i64) -> &[PastGrant] {
        let first = self.grants.partition_point(|grant| grant.member < member);
        let rest = &self.grants[first..];
        &rest[..rest.partition_point(|grant| grant.member == member)]
    }
}

impl Ledger {
    /// Returns what members got after `from`, by all playbooks and cycles of the brand.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn grants_since(&self, from: UnixMs) -> Result<PastGrants, LedgerError> {
        self.past(Scope::Since(from), from)
    }

    /// Returns what members got after `from`, by all playbooks and cycles of the brand. Costs as much as
    /// these members have grants, however many others have.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn grants_of(&self, members: &[i64], from: UnixMs) -> Result<PastGrants, LedgerError> {
        self.past(Scope::Members(members), from)
    }

    /// Returns the transfers after `from`, by all playbooks of the brand.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn transfers_since(&self, from: UnixMs) -> Result<PastTransfers, LedgerError> {
        self.look(|work| {
            let mut past = PastTransfers { from, ..PastTransfers::default() };
            work.tx.scan(Scope::Since(from), &mut |scanned| {
                past.visit(&scanned);
                Ok(true)
            })?;
            past.last = work.head.entry;
            Ok(past)
        })
    }

    /// Returns the amount of the entry that was booked under a key.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn amount_of(&self, key: &Digest) -> Result<Option<Minor>, LedgerError> {
        self.look(|work| Ok(work.tx.used_key(key)?.map(|used| used.amount)))
    }

    fn past(&self, scope: Scope<'_>, from: UnixMs) -> Result<PastGrants, LedgerError> {
        self.look(|work| past(work, scope, from))
    }
}

/// Grants later than `from` among the entries of a scope.
pub(crate) fn past(
    work: &mut Work<'_>,
    scope: Scope<'_>,
    from: UnixMs,
) -> Result<PastGrants, LedgerError> {
    let mut found = Found::default();
    work.tx.scan(scope, &mut |scanned| {
        found.visit(&scanned, from)?;
        Ok(true)
    })?;
    Ok(found.in_order())
}

#[derive(Default)]
struct Found {
    /// Families, numbered by first appearance.
    numbers: BTreeMap<String, u32>,
    grants: Vec<PastGrant>,
    released: BTreeSet<i64>,
}

impl Found {
    fn visit(&mut self, scanned: &Scanned<'_>, from: UnixMs) -> Result<(), LedgerError> {
        let entry = &scanned.entry;
        match entry.kind {
            EntryKind::Reserve if scanned.at > from => {
                let next = u32::try_from(self.numbers.len()).map_err(|_| LedgerError::Overflow)?;
                let family = match self.numbers.get(entry.family) {
                    Some(number) => *number,
                    None => *self.numbers.entry(entry.family.to_owned()).or_insert(next),
                };
                self.grants.push(PastGrant {
                    member: entry.member,
                    at: scanned.at,
                    entry: entry.number,
                    family,
                    priority: entry.priority,
                    contacts_member: entry.contacts_member,
                    commercial: entry.commercial,
                });
            }
            EntryKind::Release => self.released.extend(entry.closes),
            _ => {}
        }
        Ok(())
    }

    /// Numbers families by name instead of by first appearance, and sorts.
    fn in_order(mut self) -> PastGrants {
        self.grants.retain(|grant| !self.released.contains(&grant.entry));
        let mut by_number = vec![0_u32; self.numbers.len()];
        for (position, number) in (0_u32..).zip(self.numbers.values()) {
            by_number[*number as usize] = position;
        }
        for grant in &mut self.grants {
            grant.family = by_number[grant.family as usize];
        }
        self.grants.sort_unstable();
        PastGrants { families: self.numbers.into_keys().collect(), grants: self.grants }
    }
}
