//! What grants reserved in each account over the life of the ledger, and how much of it came back: unused, released or recovered
//! (domain H7).

use std::collections::BTreeMap;

use playbook_model::Minor;

use crate::store::{Scanned, Scope};
use crate::{AccountId, Balance, Entry, EntryKind, Ledger, LedgerError};

/// Entries that one call counts at most.
const ENTRIES_AT_ONCE: i64 = 500_000;

/// What grants reserved in an account, and what of it came back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flow {
    /// Reserved.
    pub reserved: Minor,
    /// Released, left over when a grant was settled with less, or recovered of what was paid.
    pub returned: Minor,
}

impl Flow {
    /// Share of what was reserved that came back, 0 to 1; `None` where nothing was reserved.
    #[must_use]
    pub fn returned_share(&self) -> Option<f64> {
        (self.reserved > Minor::ZERO).then(|| self.returned.0 as f64 / self.reserved.0 as f64)
    }

    fn count(&mut self, entry: &Entry<'_>) {
        let returned = match (entry.kind, entry.closes) {
            (EntryKind::Reserve, _) => {
                self.reserved.0 = self.reserved.0.saturating_add(entry.amount.0);
                return;
            }
            (EntryKind::Release, _) | (EntryKind::Recover, Some(_)) => entry.amount.0,
            (EntryKind::Settle, _) => entry.bound.0.saturating_sub(entry.amount.0),
            _ => return,
        };
        self.returned.0 = self.returned.0.saturating_add(returned);
    }

    fn and(&mut self, other: &Self) {
        self.reserved.0 = self.reserved.0.saturating_add(other.reserved.0);
        self.returned.0 = self.returned.0.saturating_add(other.returned.0);
    }
}

/// Sums over the entries of a ledger that were counted so far: it goes on where it ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flows {
    by_account: BTreeMap<AccountId, Flow>,
    /// The last entry that is counted.
    last: i64,
}

impl Flows {
    /// What flowed through an account and those below it.
    #[must_use]
    pub fn of(&self, account: &Balance, all: &[Balance]) -> Flow {
        let mut sum = Flow::default();
        let below = all.iter().filter(|other| {
            let rest = other.path.strip_prefix(account.path.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        below.filter_map(|other| self.by_account.get(&other.id)).for_each(|flow| sum.and(flow));
        sum
    }
}

impl Ledger {
    /// Counts entries that are not counted yet, at most 500,000; says whether all are.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn count_flows(&self, flows: &mut Flows) -> Result<bool, LedgerError> {
        self.look(|work| {
            let first = flows.last.saturating_add(1);
            let end = work.head.entry.min(flows.last.saturating_add(ENTRIES_AT_ONCE));
            if end < first {
                return Ok(true);
            }
            // What a fault leaves half counted must not be counted again.
            let mut counted = flows.clone();
            // No time is asked for, which would be looked up for each entry.
            work.tx.scan(Scope::From(first), &mut |Scanned { entry, .. }| {
                let is_counted = entry.number <= end;
                if is_counted {
                    counted.by_account.entry(entry.account).or_default().count(&entry);
                }
                Ok(is_counted)
            })?;
            counted.last = end;
            *flows = counted;
            Ok(end == work.head.entry)
        })
    }
}
