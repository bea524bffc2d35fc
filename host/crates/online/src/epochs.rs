//! Members who were erased and may come again: whoever comes under an id that was erased is somebody else, with another
//! pseudonym. Of the id itself only a keyed hash is kept (domain H5). With it stands which accounts are one person: whom an id names
//! is the answer of both.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use playbook_ledger::store::{OnRow, RowScope};
use playbook_ledger::{GroupWork, Ledger, LedgerError};
use playbook_model::pseudonym;
use serde::{Deserialize, Serialize};

use crate::links::{Linking, Links};
use crate::store::{BRAND, put_value, space, value_of};

/// Ids that were erased, by a keyed hash, each with how often. It grows by 16 bytes for each erasure.
#[derive(Debug, Default)]
pub(crate) struct Epochs {
    /// Whether there is any: most brands look no further.
    has_any: AtomicBool,
    of: RwLock<HashMap<i64, u32>>,
    /// Number of the last row that is known.
    last: AtomicU64,
    links: Links,
}

/// What a group did to ids that is not on disk yet.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    pub(crate) erasing: Vec<Erasing>,
    pub(crate) linking: Vec<Linking>,
}

/// A row of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Suppressed {
    /// The keyed hash of the id; not the pseudonym, so that neither tells of the other.
    mark: i64,
    /// How often it was erased.
    epoch: u32,
}

/// A row of the list with its number.
pub(crate) type Erasing = (u64, Suppressed);

impl Epochs {
    pub(crate) fn read(ledger: &Ledger) -> Result<Self, LedgerError> {
        let epochs = Self::default();
        epochs.catch_up(ledger)?;
        Ok(epochs)
    }

    /// Which accounts are one person.
    pub(crate) fn links(&self) -> &Links {
        &self.links
    }

    /// The pseudonym of the member whom an id names now: that of the account, or of the member that it belongs to.
    pub(crate) fn key(&self, salt: &str, member: &str, pending: &Pending) -> i64 {
        let own = self.own_key(salt, member, &pending.erasing);
        self.links.of(own, &pending.linking).map_or(own, |(person, _)| person)
    }

    /// The pseudonym of the account that has an id now, after what a group erased that is not on disk yet.
    pub(crate) fn own_key(&self, salt: &str, member: &str, pending: &[Erasing]) -> i64 {
        match self.epoch(salt, member, pending) {
            0 => first_key(salt, member),
            // No id has control characters.
            epoch => pseudonym(salt.as_bytes(), &format!("{member}\0{epoch}")),
        }
    }

    fn epoch(&self, salt: &str, member: &str, pending: &[Erasing]) -> u32 {
        if pending.is_empty() && !self.has_any.load(Ordering::Acquire) {
            return 0;
        }
        let mark = mark(salt, member);
        let of = self.of.read().unwrap_or_else(PoisonError::into_inner);
        let pending = pending.iter().filter(|(_, row)| row.mark == mark).map(|(_, row)| row.epoch);
        pending.chain(of.get(&mark).copied()).max().unwrap_or(0)
    }

    /// Takes over what is in the list and not known yet.
    pub(crate) fn catch_up(&self, ledger: &Ledger) -> Result<(), LedgerError> {
        let mut new: Vec<(u64, Suppressed)> = Vec::new();
        let from = self.last.load(Ordering::Acquire).to_be_bytes();
        let scope = RowScope::After(Some((BRAND, &from)));
        ledger.rows(space::SUPPRESSED, scope, &mut |_, key, bytes| {
            let number = key.try_into().map(u64::from_be_bytes);
            let number = number
                .map_err(|_| LedgerError::Damaged("an erased id has no number".to_owned()))?;
            new.push((number, value_of(bytes)?));
            Ok(true)
        })?;
        new.into_iter().for_each(|(number, row)| self.note(number, row));
        self.links.catch_up(ledger)
    }

    /// Takes over a row that is on disk.
    pub(crate) fn note(&self, number: u64, Suppressed { mark, epoch }: Suppressed) {
        let mut of = self.of.write().unwrap_or_else(PoisonError::into_inner);
        let known = of.entry(mark).or_default();
        *known = epoch.max(*known);
        self.last.fetch_max(number, Ordering::AcqRel);
        self.has_any.store(true, Ordering::Release);
    }

    /// Writes that an id was erased, after `pending` of the same group; returns the row, to be noted once it is on disk.
    pub(crate) fn put(
        &self,
        rows: &mut GroupWork<'_, '_>,
        (salt, member): (&str, &str),
        pending: &[Erasing],
    ) -> Result<Erasing, LedgerError> {
        let number = self.last.load(Ordering::Acquire) + pending.len() as u64 + 1;
        let epoch = self.epoch(salt, member, pending) + 1;
        let row = Suppressed { mark: mark(salt, member), epoch };
        put_value(rows, (space::SUPPRESSED, BRAND, &number.to_be_bytes()), &row, OnRow::Stays)?;
        Ok((number, row))
    }
}

/// The pseudonym of whoever had an id first.
pub(crate) fn first_key(salt: &str, member: &str) -> i64 {
    pseudonym(salt.as_bytes(), member)
}

fn mark(salt: &str, member: &str) -> i64 {
    pseudonym(format!("{salt}\0erased").as_bytes(), member)
}
