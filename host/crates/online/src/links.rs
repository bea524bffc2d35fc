//! Which accounts are one person (domain H2), in memory: what is asked for by any of their ids is asked of the one member.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use playbook_ledger::store::{OnRow, RowScope};
use playbook_ledger::{GroupWork, Ledger, LedgerError};
use serde::{Deserialize, Serialize};

use crate::store::{BRAND, put_value, space, value_of};

/// Links of all accounts that belong to the member of another. They take some 60 bytes each.
#[derive(Debug, Default)]
pub(crate) struct Links {
    /// Whether there is any: most brands look no further.
    has_any: AtomicBool,
    known: RwLock<Known>,
    /// Number of the last row that is known.
    last: AtomicU64,
}

#[derive(Debug, Default)]
struct Known {
    /// By account: the member that it belongs to, and since when, unix-ms.
    to: HashMap<i64, (i64, i64)>,
    /// By member: its further accounts.
    accounts: HashMap<i64, Vec<i64>>,
}

/// A row: an account belongs to the member of another one from now on, or is a member of its own again. All are pseudonyms: a row
/// names nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Link {
    pub(crate) account: i64,
    /// `None`: it is a member of its own.
    pub(crate) to: Option<i64>,
    /// Since when, unix-ms.
    pub(crate) at: i64,
}

/// A row with its number.
pub(crate) type Linking = (u64, Link);

impl Links {
    /// The member that an account belongs to, and since when, after what a group links that is not on disk yet; `None`: it is a member
    /// of its own.
    pub(crate) fn of(&self, account: i64, pending: &[Linking]) -> Option<(i64, i64)> {
        if let Some((_, link)) = pending.iter().rev().find(|(_, link)| link.account == account) {
            return link.to.map(|to| (to, link.at));
        }
        if !self.has_any.load(Ordering::Acquire) {
            return None;
        }
        self.read().to.get(&account).copied()
    }

    /// The further accounts of a member, ascending, after what a group links that is not on disk yet. Empty for nearly all, and takes
    /// no memory then.
    pub(crate) fn accounts(&self, member: i64, pending: &[Linking]) -> Vec<i64> {
        let mut all = match self.has_any.load(Ordering::Acquire) {
            true => self.read().accounts.get(&member).cloned().unwrap_or_default(),
            false => Vec::new(),
        };
        for (_, link) in pending {
            all.retain(|account| *account != link.account);
            if link.to == Some(member) {
                all.push(link.account);
            }
        }
        all.sort_unstable();
        all
    }

    /// The other accounts of the member that an account belongs to, that under the member's own pseudonym included, after what a group
    /// links that is not on disk yet.
    pub(crate) fn others(&self, account: i64, pending: &[Linking]) -> Vec<i64> {
        let member = self.of(account, pending).map_or(account, |(member, _)| member);
        let mut others = self.accounts(member, pending);
        if account != member {
            others.retain(|other| *other != account);
            others.push(member);
        }
        others
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over what is on disk and not known yet.
    pub(crate) fn catch_up(&self, ledger: &Ledger) -> Result<(), LedgerError> {
        let mut new: Vec<Linking> = Vec::new();
        let from = self.last.load(Ordering::Acquire).to_be_bytes();
        let scope = RowScope::After(Some((BRAND, &from)));
        ledger.rows(space::LINKS, scope, &mut |_, key, bytes| {
            let number = key.try_into().map(u64::from_be_bytes);
            let number =
                number.map_err(|_| LedgerError::Damaged("a link has no number".to_owned()))?;
            new.push((number, value_of(bytes)?));
            Ok(true)
        })?;
        new.into_iter().for_each(|(number, link)| self.note(number, link));
        Ok(())
    }

    /// Takes over a row that is on disk. Rows come in the order of their numbers; one that is known changes nothing.
    pub(crate) fn note(&self, number: u64, Link { account, to, at }: Link) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if number <= self.last.load(Ordering::Acquire) {
            return;
        }
        let before = match to {
            Some(to) => known.to.insert(account, (to, at)),
            None => known.to.remove(&account),
        };
        if let Some((before, _)) = before
            && let Some(accounts) = known.accounts.get_mut(&before)
        {
            accounts.retain(|known| *known != account);
            if accounts.is_empty() {
                known.accounts.remove(&before);
            }
        }
        if let Some(to) = to {
            known.accounts.entry(to).or_default().push(account);
        }
        self.last.store(number, Ordering::Release);
        self.has_any.store(true, Ordering::Release);
    }

    /// Writes a row after `pending` of the same group, to be noted once it is on disk.
    pub(crate) fn put(
        &self,
        rows: &mut GroupWork<'_, '_>,
        link: Link,
        pending: &[Linking],
    ) -> Result<Linking, LedgerError> {
        let number = self.last.load(Ordering::Acquire) + pending.len() as u64 + 1;
        put_value(rows, (space::LINKS, BRAND, &number.to_be_bytes()), &link, OnRow::Stays)?;
        Ok((number, link))
    }
}

#[cfg(test)]
mod tests {
    use super::{Link, Linking, Links};

    #[test]
    fn an_account_belongs_to_the_member_of_its_last_link() {
        let links = Links::default();
        let link = |account, to, at| Link { account, to, at };
        assert_eq!((links.of(2, &[]), links.accounts(1, &[])), (None, vec![]));
        let pending: Vec<Linking> = vec![(1, link(2, Some(1), 10)), (2, link(3, Some(1), 11))];
        assert_eq!(
            (links.of(2, &pending), links.accounts(1, &pending)),
            (Some((1, 10)), vec![2, 3])
        );
        pending.iter().for_each(|(number, link)| links.note(*number, *link));
        // An older account takes both.
        let moved: Vec<Linking> = vec![(3, link(1, Some(9), 12)), (4, link(2, Some(9), 10))];
        assert_eq!((links.accounts(1, &moved), links.accounts(9, &moved)), (vec![3], vec![1, 2]));
        assert_eq!(links.accounts(1, &[]), [2, 3], "a group that fails changes nothing");
        moved.iter().for_each(|(number, link)| links.note(*number, *link));
        links.note(1, link(2, Some(1), 10));
        assert_eq!((links.of(2, &[]), links.of(3, &[])), (Some((9, 10)), Some((1, 11))));
        assert_eq!(
            [1, 2, 3, 4, 9].map(|account| links.others(account, &[])),
            [vec![2, 9], vec![1, 9], vec![1], vec![], vec![1, 2]]
        );
        links.note(5, link(3, None, 13));
        assert_eq!((links.of(3, &[]), links.accounts(1, &[])), (None, vec![]));
    }
}
