//! Accounts, their balances, and what each entry does to them.

use std::collections::BTreeMap;

use playbook_model::{Digest, Minor};

use crate::{AccountId, Entry, EntryKind, LedgerError};

/// An account with its balance. What is reserved or spent counts at every account above, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balance {
    /// Number of the account.
    pub id: AccountId,
    /// "brand", "brand/playbook", "brand/playbook/pool" or "brand/playbook/pool/plugin".
    pub path: String,
    /// All money the account may use.
    pub allocated: Minor,
    /// Bound by grants that are not yet settled.
    pub reserved: Minor,
    /// Paid.
    pub spent: Minor,
    /// Whether the account grants nothing at the moment.
    pub frozen: bool,
    /// What the plan gave, without transfers and recoveries.
    pub planned: Minor,
    /// Limit that each cycle renews; only of plugins.
    pub cycle_limit: Minor,
}

impl Balance {
    /// Returns what is neither reserved nor spent.
    #[must_use]
    pub fn available(&self) -> Minor {
        // No account holds less than it has bound, so that this cannot leave the range.
        Minor(self.allocated.0 - self.reserved.0 - self.spent.0)
    }

    /// Returns what is reserved or spent.
    #[must_use]
    pub fn committed(&self) -> Minor {
        Minor(self.reserved.0 + self.spent.0)
    }

    /// Path of the parent; `None` for the brand.
    #[must_use]
    pub fn parent_path(&self) -> Option<&str> {
        self.path.rsplit_once('/').map(|(parent, _)| parent)
    }

    /// Whether the account is a plugin's limit rather than a part of its parent's money.
    #[must_use]
    pub fn is_limit(&self) -> bool {
        self.path.matches('/').count() >= 3
    }
}

/// All accounts of a brand; account `id` stands at `id - 1`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Accounts {
    rows: Vec<Balance>,
    parents: Vec<Option<usize>>,
    by_path: BTreeMap<String, usize>,
    changed: Vec<bool>,
}

/// Why an entry cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Breach {
    /// No such account.
    NoAccount(i64),
    /// The account, or what is left of it, would fall below 0.
    Short(AccountId),
    /// Children would hold more than their parent.
    Children(AccountId),
    /// Amounts leave 64 bits.
    Overflow,
    /// Fields contradict the entry's kind.
    Fields,
}

impl Accounts {
    pub(crate) fn rows(&self) -> &[Balance] {
        &self.rows
    }

    pub(crate) fn get(&self, id: AccountId) -> Option<&Balance> {
        self.place(id).map(|at| &self.rows[at])
    }

    pub(crate) fn path(&self, id: AccountId) -> Option<&str> {
        self.get(id).map(|row| row.path.as_str())
    }

    pub(crate) fn by_path(&self, path: &str) -> Option<&Balance> {
        self.by_path.get(path).map(|at| &self.rows[*at])
    }

    fn place(&self, id: AccountId) -> Option<usize> {
        let at = usize::try_from(id.0).ok()?.checked_sub(1)?;
        (at < self.rows.len()).then_some(at)
    }

    /// All accounts of a brand as stored.
    pub(crate) fn of(rows: Vec<Balance>) -> Result<Self, LedgerError> {
        let mut accounts = Self::default();
        rows.into_iter().try_for_each(|row| accounts.push(row))?;
        Ok(accounts)
    }

    /// Adds an account as stored. The parent must stand before it.
    fn push(&mut self, row: Balance) -> Result<(), LedgerError> {
        let at = self.rows.len();
        let damaged = |what: &str| LedgerError::Damaged(format!("account `{}` {what}", row.path));
        if usize::try_from(row.id.0).ok() != Some(at + 1) {
            return Err(damaged("is out of order"));
        }
        let parent = match row.parent_path() {
            None => None,
            Some(path) => Some(*self.by_path.get(path).ok_or_else(|| damaged("has no parent"))?),
        };
        if self.by_path.insert(row.path.clone(), at).is_some() {
            return Err(damaged("exists twice"));
        }
        self.rows.push(row);
        self.parents.push(parent);
        self.changed.push(false);
        Ok(())
    }

    /// Opens an account with nothing in it; returns the existing one where there is one.
    pub(crate) fn open(&mut self, path: &str) -> Result<(AccountId, bool), LedgerError> {
        if let Some(row) = self.by_path(path) {
            return Ok((row.id, false));
        }
        let number = i64::try_from(self.rows.len() + 1).map_err(|_| LedgerError::Overflow)?;
        let id = AccountId(number);
        let at = self.rows.len();
        self.push(Balance {
            id,
            path: path.to_owned(),
            allocated: Minor::ZERO,
            reserved: Minor::ZERO,
            spent: Minor::ZERO,
            frozen: false,
            planned: Minor::ZERO,
            cycle_limit: Minor::ZERO,
        })?;
        self.changed[at] = true;
        Ok((id, true))
    }

    /// Pretends that an account has bound `committed`; for looking back, never written.
    pub(crate) fn set_committed(&mut self, id: AccountId, committed: Minor) {
        if let Some(at) = self.place(id) {
            self.rows[at].reserved = committed;
            self.rows[at].spent = Minor::ZERO;
        }
    }

    /// The same accounts with nothing in them, as before the first entry.
    pub(crate) fn emptied(&self) -> Self {
        let mut empty = Self::default();
        for row in &self.rows {
            // The same accounts in the same order cannot fail to stand beside each other again.
            let _ = empty.open(&row.path);
        }
        empty
    }

    /// Whether a grant of the playbook can bind money of this account.
    pub(crate) fn touches(row: &Balance, playbook: &str) -> bool {
        match row.path.split_once('/') {
            None => true,
            Some((_, below)) => below.split('/').next() == Some(playbook),
        }
    }

    /// What the accounts that a playbook's grants touch have reserved and spent, where that is anything.
    pub(crate) fn committed_of(&self, playbook: &str) -> BTreeMap<AccountId, Minor> {
        let touched = self.rows.iter().filter(|row| Self::touches(row, playbook));
        let bound = touched.map(|row| (row.id, row.committed()));
        bound.filter(|(_, committed)| *committed != Minor::ZERO).collect()
    }

    /// Digest of every field of the first `count` accounts: a commit group seals it.
    pub(crate) fn digest(&self, count: usize) -> Digest {
        let rows = &self.rows[..count.min(self.rows.len())];
        let numbers: Vec<[u8; 56]> = rows
            .iter()
            .map(|row| {
                let mut bytes = [0; 56];
                let fields = [
                    row.id.0,
                    row.allocated.0,
                    row.planned.0,
                    row.reserved.0,
                    row.spent.0,
                    i64::from(row.frozen),
                    row.cycle_limit.0,
                ];
                for (place, field) in bytes.chunks_exact_mut(8).zip(fields) {
                    place.copy_from_slice(&field.to_be_bytes());
                }
                bytes
            })
            .collect();
        let parts = rows.iter().zip(&numbers);
        Digest::of_parts(parts.flat_map(|(row, numbers)| [row.path.as_bytes(), &numbers[..]]))
    }

    /// Accounts whose rows must be written; forgets them.
    pub(crate) fn take_changed(&mut self) -> Vec<Balance> {
        let mut rows = Vec::new();
        for (at, changed) in self.changed.iter_mut().enumerate() {
            if std::mem::take(changed) {
                rows.push(self.rows[at].clone());
            }
        }
        rows
    }

    /// Money that children of `at` (limits left out) hold, and what they have bound of it.
    fn handed_on(&self, at: usize) -> (i128, i128) {
        let mut held = 0;
        let mut bound = 0;
        for (child, parent) in self.rows.iter().zip(&self.parents) {
            if *parent == Some(at) && !child.is_limit() {
                held += i128::from(child.allocated.0);
                bound += i128::from(child.reserved.0) + i128::from(child.spent.0);
            }
        }
        (held, bound)
    }

    /// What the account could still reserve itself: its own part, within every account above.
    /// The second value is the account that is the bottleneck.
    pub(crate) fn available(&self, id: AccountId) -> Option<(Minor, AccountId)> {
        let at = self.place(id)?;
        let row = &self.rows[at];
        let (held, bound) = self.handed_on(at);
        let own = i128::from(row.available().0) - (held - bound);
        let mut least = (own, row.id);
        let mut above = self.parents[at];
        while let Some(place) = above {
            let left = i128::from(self.rows[place].available().0);
            if left < least.0 {
                least = (left, self.rows[place].id);
            }
            above = self.parents[place];
        }
        Some((Minor(i64::try_from(least.0).unwrap_or(0)), least.1))
    }

    /// The first frozen account at or above `id`.
    pub(crate) fn frozen(&self, id: AccountId) -> Option<AccountId> {
        let mut at = self.place(id);
        while let Some(place) = at {
            if self.rows[place].frozen {
                return Some(self.rows[place].id);
            }
            at = self.parents[place];
        }
        None
    }

    /// Applies an entry, or changes nothing and says what it would break.
    pub(crate) fn apply(&mut self, entry: &Entry<'_>) -> Result<(), Breach> {
        let at = self.place(entry.account).ok_or(Breach::NoAccount(entry.account.0))?;
        let amount = entry.amount.0;
        if amount < 0 && !matches!(entry.kind, EntryKind::Adjust | EntryKind::Freeze) {
            return Err(Breach::Fields);
        }
        match entry.kind {
            EntryKind::Allocate | EntryKind::Adjust => self.hold(at, amount, amount),
            EntryKind::Recover if entry.closes.is_some() => {
                if amount > entry.bound.0 {
                    return Err(Breach::Fields);
                }
                self.bind(at, 0, -amount)
            }
            EntryKind::Recover => self.hold(at, amount.checked_neg().ok_or(Breach::Overflow)?, 0),
            EntryKind::Transfer => self.transfer(at, entry),
            EntryKind::Freeze => self.freeze(at, amount),
            EntryKind::Open => Ok(()),
            EntryKind::Limit => {
                if !self.rows[at].is_limit() {
                    return Err(Breach::Fields);
                }
                self.rows[at].cycle_limit = entry.amount;
                self.changed[at] = true;
                Ok(())
            }
            EntryKind::Reserve => {
                let (left, short) = self.available(entry.account).ok_or(Breach::Fields)?;
                if left < entry.amount {
                    return Err(Breach::Short(short));
                }
                self.bind(at, amount, 0)
            }
            EntryKind::Settle => {
                if amount > entry.bound.0 || entry.closes.is_none() {
                    return Err(Breach::Fields);
                }
                self.bind(at, -entry.bound.0, amount)
            }
            EntryKind::Release => {
                if entry.amount != entry.bound || entry.closes.is_none() {
                    return Err(Breach::Fields);
                }
                self.bind(at, -amount, 0)
            }
        }
    }

    /// Changes what `at` holds and what its plan says, within its parent and above its children.
    fn hold(&mut self, at: usize, held: i64, planned: i64) -> Result<(), Breach> {
        let row = &self.rows[at];
        let allocated = row.allocated.0.checked_add(held).ok_or(Breach::Overflow)?;
        let plan = row.planned.0.checked_add(planned).ok_or(Breach::Overflow)?;
        let (children, children_bound) = self.handed_on(at);
        let own_bound = i128::from(row.committed().0) - children_bound;
        if i128::from(allocated) < children + own_bound {
            return Err(Breach::Short(row.id));
        }
        if held > 0 && !row.is_limit() && self.would_outgrow_parent(at, held) {
            return Err(Breach::Children(row.id));
        }
        self.rows[at].allocated = Minor(allocated);
        self.rows[at].planned = Minor(plan);
        self.changed[at] = true;
        Ok(())
    }

    fn would_outgrow_parent(&self, at: usize, more: i64) -> bool {
        let Some(parent) = self.parents[at] else {
            return false;
        };
        let (held, bound) = self.handed_on(parent);
        let row = &self.rows[parent];
        let own_bound = i128::from(row.committed().0) - bound;
        held + own_bound + i128::from(more) > i128::from(row.allocated.0)
    }

    fn transfer(&mut self, from: usize, entry: &Entry<'_>) -> Result<(), Breach> {
        let to = entry.to.and_then(|id| self.place(id)).ok_or(Breach::Fields)?;
        let siblings = self.parents[from].is_some() && self.parents[from] == self.parents[to];
        if !siblings || from == to || self.rows[from].is_limit() {
            return Err(Breach::Fields);
        }
        let amount = entry.amount.0;
        if self.rows[to].allocated.0.checked_add(amount).is_none() {
            return Err(Breach::Overflow);
        }
        self.hold(from, -amount, 0)?;
        self.hold(to, amount, 0)
    }

    fn freeze(&mut self, at: usize, amount: i64) -> Result<(), Breach> {
        let frozen = match (amount, self.rows[at].frozen) {
            (1, false) => true,
            (-1, true) => false,
            _ => return Err(Breach::Fields),
        };
        self.rows[at].frozen = frozen;
        self.changed[at] = true;
        Ok(())
    }

    /// Changes what is reserved and spent at `at` and at every account above.
    fn bind(&mut self, at: usize, reserved: i64, spent: i64) -> Result<(), Breach> {
        let mut place = Some(at);
        while let Some(here) = place {
            let row = &self.rows[here];
            let new_reserved = row.reserved.0.checked_add(reserved).ok_or(Breach::Overflow)?;
            let new_spent = row.spent.0.checked_add(spent).ok_or(Breach::Overflow)?;
            let bound = new_reserved.checked_add(new_spent).ok_or(Breach::Overflow)?;
            if new_reserved < 0 || new_spent < 0 || bound > row.allocated.0 {
                return Err(Breach::Short(row.id));
            }
            place = self.parents[here];
        }
        let mut place = Some(at);
        while let Some(here) = place {
            self.rows[here].reserved.0 += reserved;
            self.rows[here].spent.0 += spent;
            self.changed[here] = true;
            place = self.parents[here];
        }
        Ok(())
    }
}
