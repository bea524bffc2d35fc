//! The budget tree of a playbook: made once, changed by what differs, and moves of money in it.

use std::collections::{BTreeMap, BTreeSet};

use playbook_model::{Digest, Minor, UnixMs};

use crate::ledger::{Turn, checked_name};
use crate::store::Purpose;
use crate::work::{Seal, Work, money_entry};
use crate::{AccountId, CycleRef, EntryKind, Ledger, LedgerError};

/// Name of the account that holds the emergency reserve.
const RESERVE: &str = "reserve";
/// Pool that takes what rounding leaves (domain H7).
const REMAINDER_POOL: &str = "daily";
/// Greatest total: up to here shares of it are exact.
const TOTAL_MAX: Minor = Minor(1 << 53);
/// How far shares may be from summing to 1.
const SHARE_TOLERANCE: f64 = 1e-9;

/// Money of a playbook (domain H7): the reserve first, then the pools share the rest.
#[derive(Debug, Clone, PartialEq)]
pub struct BudgetPlan {
    /// Playbook that spends.
    pub playbook: String,
    /// All money of the period, 0 to 2^53.
    pub total: Minor,
    /// Share held back first, 0 to 1.
    pub reserve_share: f64,
    /// Shares of what is left; they sum to 1, or there is none.
    pub pools: BTreeMap<String, f64>,
    /// Stages that grant.
    pub plugins: Vec<PluginLimit>,
    /// Most that one stage may grant in one cycle, share of its pool.
    pub plugin_share_max: f64,
}

/// A stage that grants, with the pool that pays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginLimit {
    /// Name of the stage.
    pub stage: String,
    /// Its pool; `None`: no money, its grants must cost nothing.
    pub pool: Option<String>,
}

/// Accounts of a playbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetAccounts {
    /// The playbook's own account.
    pub playbook: AccountId,
    /// The emergency reserve; frozen until a person opens it.
    pub reserve: AccountId,
    /// By pool.
    pub pools: BTreeMap<String, AccountId>,
    /// Account that pays for a stage, by stage.
    pub plugins: BTreeMap<String, AccountId>,
}

/// Whether a movement was booked by this call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// Booked now.
    Now,
    /// Booked before, under the same key.
    Before,
}

/// A move of money by decision of a person or of a reallocation rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Movement {
    /// From one pool to another of the same playbook.
    Transfer {
        /// Giving account.
        from: AccountId,
        /// Receiving account.
        to: AccountId,
        /// At least 0.
        amount: Minor,
    },
    /// From an account back to its parent.
    Recover {
        /// Giving account.
        account: AccountId,
        /// At least 0.
        amount: Minor,
    },
    /// The account and all below it grant nothing until thawed.
    Freeze(AccountId),
    /// The account grants again.
    Thaw(AccountId),
}

impl Turn<'_> {
    /// Makes the accounts of a plan and gives them its money; on later calls only what differs.
    ///
    /// What was spent and reserved stays: a lower total shrinks what is free.
    ///
    /// # Errors
    /// [`LedgerError::Committed`] where an account would fall below what it has reserved, spent or
    /// handed on (then nothing changes); names or shares out of bounds.
    pub fn ensure_budget(
        &self,
        plan: &BudgetPlan,
        at: UnixMs,
    ) -> Result<BudgetAccounts, LedgerError> {
        check_plan(plan)?;
        let brand = self.ledger.brand();
        let seal = Seal { purpose: Purpose::Budget, at, cycle: None, payload: None };
        self.write_changes(seal, |work| {
            let accounts = open_accounts(work, brand, plan)?;
            let targets = targets(work, brand, plan);
            raise_and_lower(work, &targets)?;
            set_limits(work, brand, plan, &targets)?;
            Ok(accounts)
        })
    }

    /// The accounts of a plan as somebody made them, with whatever money another plan has given them since.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`] where one of them is not there, or a fault of the storage.
    pub fn budget_accounts(&self, plan: &BudgetPlan) -> Result<BudgetAccounts, LedgerError> {
        self.ledger.look(|work| {
            accounts_of(self.ledger.brand(), plan, |path| {
                let found = work.accounts.by_path(path).map(|row| row.id);
                found.ok_or_else(|| LedgerError::Damaged(format!("there is no account `{path}`")))
            })
        })
    }

    /// Moves money or stops an account. The same key and movement again does nothing.
    ///
    /// A transfer that a `cycle` brings about is for the cycles after it: where the cycle itself stands, it is left
    /// out ([`crate::CycleStanding`]).
    ///
    /// # Errors
    /// [`LedgerError::Committed`] where the money is not free, [`LedgerError::KeyConflict`] where
    /// the key stood for another movement; an account that does not exist or cannot do this.
    pub fn move_money(
        &self,
        movement: Movement,
        key: Digest,
        at: UnixMs,
        cycle: Option<&CycleRef>,
    ) -> Result<Moved, LedgerError> {
        let seal = Seal { purpose: Purpose::Budget, at, cycle, payload: None };
        self.write(seal, |work| move_money(work, movement, key))
    }
}

pub(crate) fn move_money(
    work: &mut Work<'_>,
    movement: Movement,
    key: Digest,
) -> Result<Moved, LedgerError> {
    let (kind, account, to, amount) = movement.fields();
    if amount < Minor::ZERO && kind != EntryKind::Freeze {
        return Err(LedgerError::Negative(amount));
    }
    let request = Digest::of_parts([
        kind.name().as_bytes(),
        &account.0.to_be_bytes(),
        &to.map_or(0, |id| id.0).to_be_bytes(),
        &amount.0.to_be_bytes(),
    ]);
    if let Some(used) = work.tx.used_key(&key)? {
        let same = used.request == request;
        return if same { Ok(Moved::Before) } else { Err(LedgerError::KeyConflict(key.hex())) };
    }
    let mut entry = money_entry(kind, account, amount, key, request);
    entry.to = to;
    work.must_record(entry)?;
    Ok(Moved::Now)
}

impl Movement {
    /// Kind, account, receiver and amount of its entry.
    fn fields(self) -> (EntryKind, AccountId, Option<AccountId>, Minor) {
        match self {
            Self::Transfer { from, to, amount } => (EntryKind::Transfer, from, Some(to), amount),
            Self::Recover { account, amount } => (EntryKind::Recover, account, None, amount),
            Self::Freeze(account) => (EntryKind::Freeze, account, None, Minor(1)),
            Self::Thaw(account) => (EntryKind::Freeze, account, None, Minor(-1)),
        }
    }
}

impl Ledger {
    /// [`Turn::ensure_budget`] in a turn of its own.
    ///
    /// # Errors
    /// As there, and [`LedgerError::Busy`].
    pub fn ensure_budget(
        &self,
        plan: &BudgetPlan,
        at: UnixMs,
    ) -> Result<BudgetAccounts, LedgerError> {
        self.turn()?.ensure_budget(plan, at)
    }

    /// [`Turn::move_money`] in a turn of its own, outside of any cycle.
    ///
    /// # Errors
    /// As there, and [`LedgerError::Busy`].
    pub fn move_money(
        &self,
        movement: Movement,
        key: Digest,
        at: UnixMs,
    ) -> Result<Moved, LedgerError> {
        self.turn()?.move_money(movement, key, at, None)
    }
}

fn check_plan(plan: &BudgetPlan) -> Result<(), LedgerError> {
    checked_name(&plan.playbook)?;
    if plan.total < Minor::ZERO {
        return Err(LedgerError::Negative(plan.total));
    }
    if plan.total > TOTAL_MAX {
        return Err(LedgerError::Overflow);
    }
    for name in plan.pools.keys() {
        checked_name(name)?;
        if name == RESERVE {
            return Err(LedgerError::Name(name.clone()));
        }
    }
    for plugin in &plan.plugins {
        checked_name(&plugin.stage)?;
    }
    let in_range = |share: &f64| (0.0..=1.0).contains(share);
    let sum: f64 = plan.pools.values().sum();
    let sums = plan.pools.is_empty() || (sum - 1.0).abs() <= SHARE_TOLERANCE;
    let ranges = in_range(&plan.reserve_share)
        && in_range(&plan.plugin_share_max)
        && plan.pools.values().all(in_range);
    if !sums || !ranges {
        return Err(LedgerError::Shares { playbook: plan.playbook.clone(), sum });
    }
    Ok(())
}

fn open_accounts(
    work: &mut Work<'_>,
    brand: &str,
    plan: &BudgetPlan,
) -> Result<BudgetAccounts, LedgerError> {
    let reserve = reserve_path(brand, plan);
    accounts_of(brand, plan, |path| {
        let (account, new) = work.open_account(path)?;
        if new && path == reserve {
            // The reserve opens only by a decision of its own (domain H7).
            work.record_own(EntryKind::Freeze, "freeze", account, Minor(1))?;
        }
        Ok(account)
    })
}

fn reserve_path(brand: &str, plan: &BudgetPlan) -> String {
    format!("{brand}/{}/{RESERVE}", plan.playbook)
}

/// The accounts of a plan, parents first, as `account` finds or opens them by their paths.
fn accounts_of(
    brand: &str,
    plan: &BudgetPlan,
    mut account: impl FnMut(&str) -> Result<AccountId, LedgerError>,
) -> Result<BudgetAccounts, LedgerError> {
    let playbook_path = format!("{brand}/{}", plan.playbook);
    account(brand)?;
    let playbook = account(&playbook_path)?;
    let reserve = account(&reserve_path(brand, plan))?;
    let mut pools = BTreeMap::new();
    for name in plan.pools.keys() {
        pools.insert(name.clone(), account(&format!("{playbook_path}/{name}"))?);
    }
    let mut plugins = BTreeMap::new();
    for PluginLimit { stage, pool } in &plan.plugins {
        let payer = match pool {
            None => playbook,
            Some(pool) if pools.contains_key(pool) => {
                account(&format!("{playbook_path}/{pool}/{stage}"))?
            }
            Some(pool) => return Err(LedgerError::Name(pool.clone())),
        };
        plugins.insert(stage.clone(), payer);
    }
    Ok(BudgetAccounts { playbook, reserve, pools, plugins })
}

/// What each account of the playbook should have been given in all.
fn targets(work: &Work<'_>, brand: &str, plan: &BudgetPlan) -> BTreeMap<AccountId, Minor> {
    let playbook_path = format!("{brand}/{}", plan.playbook);
    let reserve = plan.total.share_down(plan.reserve_share);
    let rest = Minor(plan.total.0 - reserve.0);
    let mut shares: BTreeMap<&str, Minor> =
        plan.pools.iter().map(|(name, share)| (name.as_str(), rest.share_down(*share))).collect();
    let left = rest.0 - shares.values().map(|share| share.0).sum::<i64>();
    let remainder_pool = if shares.contains_key(REMAINDER_POOL) {
        Some(REMAINDER_POOL)
    } else {
        shares.keys().next().copied()
    };
    if let Some(share) = remainder_pool.and_then(|name| shares.get_mut(name)) {
        share.0 += left;
    }
    shares.insert(RESERVE, reserve);
    let mut targets = BTreeMap::new();
    let mut change = 0;
    for row in work.accounts.rows() {
        if row.path == playbook_path {
            change = plan.total.0 - row.planned.0;
            targets.insert(row.id, plan.total);
        } else if row.parent_path() == Some(&playbook_path) {
            let name = row.path.rsplit('/').next().unwrap_or("");
            targets.insert(row.id, shares.get(name).copied().unwrap_or(Minor::ZERO));
        }
    }
    if let Some(root) = work.accounts.by_path(brand) {
        // Other playbooks of the brand keep what they have.
        targets.insert(root.id, Minor(root.planned.0.saturating_add(change)));
    }
    targets
}

/// Lowers children before parents, then raises parents before children: no step in between
/// breaks an invariant.
fn raise_and_lower(
    work: &mut Work<'_>,
    targets: &BTreeMap<AccountId, Minor>,
) -> Result<(), LedgerError> {
    let mut changes: Vec<(usize, AccountId, i64, bool)> = targets
        .iter()
        .filter_map(|(id, target)| {
            let row = work.accounts.get(*id)?;
            let change = target.0 - row.planned.0;
            let depth = row.path.matches('/').count();
            (change != 0).then_some((depth, *id, change, row.planned == Minor::ZERO))
        })
        .collect();
    changes.sort_by_key(|(depth, id, change, _)| {
        let lowering = *change < 0;
        (!lowering, if lowering { usize::MAX - depth } else { *depth }, *id)
    });
    for (_, id, change, first) in changes {
        let kind = if first && change > 0 { EntryKind::Allocate } else { EntryKind::Adjust };
        work.record_own(kind, "plan", id, Minor(change))?;
    }
    Ok(())
}

/// Notes the limits that the next cycle gives to plugins; those of stages that are gone become 0.
fn set_limits(
    work: &mut Work<'_>,
    brand: &str,
    plan: &BudgetPlan,
    targets: &BTreeMap<AccountId, Minor>,
) -> Result<(), LedgerError> {
    let prefix = format!("{brand}/{}/", plan.playbook);
    let wanted: BTreeSet<String> = plan
        .plugins
        .iter()
        .filter_map(|p| Some(format!("{prefix}{}/{}", p.pool.as_ref()?, p.stage)))
        .collect();
    let limits: Vec<(AccountId, Minor)> = work
        .accounts
        .rows()
        .iter()
        .filter(|row| row.is_limit() && row.path.starts_with(&prefix))
        .map(|row| {
            let pool = row.parent_path().and_then(|path| work.accounts.by_path(path));
            let money = pool.and_then(|pool| targets.get(&pool.id)).copied().unwrap_or_default();
            let share = if wanted.contains(&row.path) { plan.plugin_share_max } else { 0.0 };
            (row.id, money.share_down(share), row.cycle_limit)
        })
        .filter(|(_, limit, so_far)| limit != so_far)
        .map(|(id, limit, _)| (id, limit))
        .collect();
    for (id, limit) in limits {
        work.record_own(EntryKind::Limit, "cycle limit", id, limit)?;
    }
    Ok(())
}
