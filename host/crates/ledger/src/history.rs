//! What members got before a cycle, for duplicate windows and frequency caps (domain H9).

use std::collections::{BTreeMap, BTreeSet};

use playbook_model::UnixMs;

use crate::cycle::no_cycle;
use crate::store::Scope;
use crate::{CycleRef, EntryKind, Ledger, LedgerError};

/// A grant made before the cycle and not released.
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
    /// Whether the member was contacted directly.
    pub contacts_member: bool,
    /// Whether it counts against commercial caps.
    pub commercial: bool,
}

/// Grants of a window before a cycle, ordered by member, time and entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PastGrants {
    /// Families of actions, in order of name.
    pub families: Vec<String>,
    /// The grants.
    pub grants: Vec<PastGrant>,
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
    /// Returns what members got after `from` by all playbooks of the brand, up to the moment when
    /// the cycle began: the cycle's own grants are not among them, so that each run of the cycle
    /// sees the same.
    ///
    /// # Errors
    /// [`LedgerError::NoCycle`], or a fault of the storage.
    pub fn grants_since(&self, cycle: &CycleRef, from: UnixMs) -> Result<PastGrants, LedgerError> {
        self.reading(|work| {
            let row = work.tx.cycle(cycle)?.ok_or_else(|| no_cycle(cycle))?;
            let mut numbers: BTreeMap<String, u32> = BTreeMap::new();
            let mut grants = Vec::new();
            let mut released = BTreeSet::new();
            work.tx.scan(Scope::Since(from, row.opening_entry), &mut |scanned| {
                let entry = &scanned.entry;
                match entry.kind {
                    EntryKind::Reserve => {
                        let next =
                            u32::try_from(numbers.len()).map_err(|_| LedgerError::Overflow)?;
                        let family = match numbers.get(entry.family) {
                            Some(number) => *number,
                            None => *numbers.entry(entry.family.to_owned()).or_insert(next),
                        };
                        grants.push(PastGrant {
                            member: entry.member,
                            at: scanned.at,
                            entry: entry.number,
                            family,
                            contacts_member: entry.contacts_member,
                            commercial: entry.commercial,
                        });
                    }
                    EntryKind::Release => {
                        released.extend(entry.closes);
                    }
                    _ => {}
                }
                Ok(true)
            })?;
            grants.retain(|grant| !released.contains(&grant.entry));
            Ok(in_order(&numbers, grants))
        })
    }
}

/// Numbers families by name instead of by first appearance, and sorts.
fn in_order(numbers: &BTreeMap<String, u32>, mut grants: Vec<PastGrant>) -> PastGrants {
    let mut by_number = vec![0_u32; numbers.len()];
    for (position, number) in (0_u32..).zip(numbers.values()) {
        by_number[*number as usize] = position;
    }
    for grant in &mut grants {
        grant.family = by_number[grant.family as usize];
    }
    grants.sort_unstable();
    PastGrants { families: numbers.keys().cloned().collect(), grants }
}
