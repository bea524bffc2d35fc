//! What can be looked up of a brand's money: entries of its ledger, and what members have used of their caps.

use playbook_cycle::CapUse;
use std::sync::PoisonError;

use playbook_ledger::{Balance, EntryFilter, ListedEntry};
use playbook_model::{Minor, UnixMs};

use crate::brand::Brand;
use crate::error::OnlineError;
use crate::store::read_member;

/// An entry of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoneyEntry {
    /// The entry.
    pub entry: ListedEntry,
    /// Id of the member of a grant; `None` elsewhere, and where the member was erased.
    pub member: Option<String>,
}

/// Share of a budget that may lie idle: more of it was not needed where it is (domain H7).
pub const IDLE_SHARE_MAX: f64 = 0.40;

/// An account with how its money is used.
#[derive(Debug, Clone, PartialEq)]
pub struct BudgetUse {
    /// The account.
    pub balance: Balance,
    /// Share of its money that is neither reserved nor spent, 0 to 1; `None` where it has none, as a stage, whose account is a
    /// limit within its pool.
    pub idle_share: Option<f64>,
    /// Share of what grants ever reserved in it, or below it, that came back, 0 to 1: released, left over or recovered. `None` where
    /// nothing was reserved, and while the entries of a large ledger are still being counted.
    pub recovered_share: Option<f64>,
}

impl BudgetUse {
    /// Whether more lies idle than may. What is frozen, as the reserve is, has to.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        !self.balance.frozen && self.idle_share.is_some_and(|share| share >= IDLE_SHARE_MAX)
    }
}

impl Brand {
    /// The accounts of the brand with how their money is used, parents before children. Each call counts the entries since the
    /// last one, at most half a million.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn budget_uses(&self) -> Result<Vec<BudgetUse>, OnlineError> {
        let all = self.balances()?;
        let mut flows = self.flows.lock().unwrap_or_else(PoisonError::into_inner);
        let is_whole = self.reader.count_flows(&mut flows)?;
        let used = |balance: &Balance| {
            let has_money = balance.allocated > Minor::ZERO && !balance.is_limit();
            let share = || balance.available().0 as f64 / balance.allocated.0 as f64;
            BudgetUse {
                balance: balance.clone(),
                idle_share: has_money.then(share),
                recovered_share: flows.of(balance, &all).returned_share().filter(|_| is_whole),
            }
        };
        Ok(all.iter().map(used).collect())
    }

    /// Entries of the ledger that a filter takes, and that are of a member, by id, where one is named; see
    /// [`playbook_ledger::Ledger::entries`].
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn entries(
        &self,
        filter: &EntryFilter,
        member: Option<&str>,
        before: Option<i64>,
        most: usize,
    ) -> Result<(Vec<MoneyEntry>, Option<i64>), OnlineError> {
        let members = match member {
            Some(id) => self.all_keys(self.version().key(id)),
            None => filter.members.clone(),
        };
        let filter = EntryFilter { members, ..filter.clone() };
        let (entries, next) = self.reader.entries(&filter, before, most)?;
        let mut told = Vec::with_capacity(entries.len());
        for entry in entries {
            let row = match entry.member {
                0 => None,
                key => read_member(&mut &*self.reader, key)?,
            };
            told.push(MoneyEntry { entry, member: row.map(|row| row.id) });
        }
        Ok((told, next))
    }

    /// What a member has used of each frequency cap at a moment, unix-ms, or now: what a decision at that moment would count.
    /// The moment comes with it.
    ///
    /// # Errors
    /// [`OnlineError::Unknown`], a member who cannot be evaluated, or a fault of the storage.
    pub fn caps(&self, member: &str, at: Option<i64>) -> Result<(i64, CapUse), OnlineError> {
        let version = self.version();
        let key = version.key(member);
        if read_member(&mut &*self.reader, key)?.is_none() {
            return Err(OnlineError::Unknown("member"));
        }
        let at = at.unwrap_or_else(|| (self.now)());
        let record = self.record(key)?;
        let evaluated = version.evaluate(record.joined_id().unwrap_or(member), &record, at)?;
        let from = UnixMs(at.saturating_sub(version.caps_window_ms()));
        let past = self.reader.grants_of(&self.all_keys(key), from)?;
        Ok((at, version.caps(&evaluated, &past)))
    }
}
