//! Cycles of a playbook: what they open with, and that a closed one stays as it was.

use std::collections::BTreeMap;

use playbook_model::{Digest, Minor, UnixMs};

use crate::account::Accounts;
use crate::budget::state_key;
use crate::ledger::{Seal, Work, money_entry};
use crate::store::{CycleRow, OpeningRow, Purpose, Scope};
use crate::{AccountId, EntryKind, Ledger, LedgerError};

/// A cycle of a playbook.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CycleRef {
    /// Playbook id.
    pub playbook: String,
    /// Number of the cycle.
    pub number: i64,
}

/// How far a cycle is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CycleState {
    /// Begun by this call.
    New,
    /// Begun before and not closed: an earlier run was interrupted.
    Resumed,
    /// Closed with this digest of its summary. New grants are refused.
    Closed(Digest),
}

/// What a cycle starts from; the same for each run of the cycle as long as the plan is the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// How far the cycle is.
    pub state: CycleState,
    /// Run key of the run that began it.
    pub run_key: Digest,
    /// Last entry before the cycle: its history ends there.
    pub opening_entry: i64,
    /// What each account of the playbook could grant when the cycle began.
    pub available: BTreeMap<AccountId, Minor>,
    /// Grants that the cycle has already made and not released.
    pub granted: u64,
    /// What they cost at most.
    pub granted_cost: Minor,
}

/// Answer to closing a cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// Closed by this call.
    Now,
    /// Closed before with the same summary.
    Already,
    /// Closed before with another summary, which stays.
    Differs(Digest),
}

impl Ledger {
    /// Begins a cycle, or finds out how far an earlier run of it came.
    ///
    /// A new cycle renews the limits of the playbook's plugins. `run_key` stands for all inputs of
    /// the run; comparing it with [`Opening::run_key`] tells whether a rerun has the same inputs.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn begin_cycle(
        &self,
        cycle: &CycleRef,
        run_key: Digest,
        now: UnixMs,
    ) -> Result<Opening, LedgerError> {
        let seal =
            Seal { purpose: Purpose::Begin, at: now, cycle: Some(cycle), payload: Some(run_key) };
        self.writing(seal, |work| {
            let prefix = format!("{}/{}", self.brand(), cycle.playbook);
            let found = work.tx.cycle(cycle)?;
            let row = match &found {
                Some(row) => {
                    // Only the first call is the evidence of the begin.
                    work.seal_as(Purpose::Budget);
                    row.clone()
                }
                None => begin(work, cycle, run_key)?,
            };
            let mut openings = work.tx.openings(cycle)?;
            if row.summary.is_none() {
                openings = complete(work, cycle, &prefix, openings)?;
                renew_limits(work, &openings)?;
            }
            let state = match (&found, row.summary) {
                (None, _) => CycleState::New,
                (Some(_), None) => CycleState::Resumed,
                (Some(_), Some(summary)) => CycleState::Closed(summary),
            };
            let available = match state {
                CycleState::Closed(_) => {
                    openings.iter().map(|row| (row.account, row.available)).collect()
                }
                _ => available_at(&work.accounts, &openings),
            };
            let (granted, granted_cost) =
                if found.is_some() { granted(work, cycle)? } else { (0, Minor::ZERO) };
            Ok(Opening {
                state,
                run_key: row.run_key,
                opening_entry: row.opening_entry,
                available,
                granted,
                granted_cost,
            })
        })
    }

    /// Closes a cycle: from now on it grants nothing new.
    ///
    /// # Errors
    /// [`LedgerError::NoCycle`], or a fault of the storage.
    pub fn close_cycle(
        &self,
        cycle: &CycleRef,
        summary: Digest,
        now: UnixMs,
    ) -> Result<Closing, LedgerError> {
        let seal =
            Seal { purpose: Purpose::Close, at: now, cycle: Some(cycle), payload: Some(summary) };
        self.writing(seal, |work| {
            let mut row = work.tx.cycle(cycle)?.ok_or_else(|| no_cycle(cycle))?;
            match row.summary {
                Some(stored) if stored == summary => return Ok(Closing::Already),
                Some(stored) => return Ok(Closing::Differs(stored)),
                None => row.summary = Some(summary),
            }
            let mut openings = work.tx.openings(cycle)?;
            let available = available_at(&work.accounts, &openings);
            for opening in &mut openings {
                opening.available = available.get(&opening.account).copied().unwrap_or_default();
            }
            work.tx.put_openings(cycle, &openings)?;
            work.tx.put_cycle(cycle, &row)?;
            work.mark();
            Ok(Closing::Now)
        })
    }
}

pub(crate) fn no_cycle(cycle: &CycleRef) -> LedgerError {
    LedgerError::NoCycle { playbook: cycle.playbook.clone(), number: cycle.number }
}

fn begin(work: &mut Work<'_>, cycle: &CycleRef, run_key: Digest) -> Result<CycleRow, LedgerError> {
    let row = CycleRow { run_key, opening_entry: work.last_entry(), summary: None };
    work.tx.put_cycle(cycle, &row)?;
    work.mark();
    Ok(row)
}

/// Adds accounts that the cycle has no opening of yet: all at its begin, new stages later.
fn complete(
    work: &mut Work<'_>,
    cycle: &CycleRef,
    prefix: &str,
    mut openings: Vec<OpeningRow>,
) -> Result<Vec<OpeningRow>, LedgerError> {
    let below = format!("{prefix}/");
    let mut added = Vec::new();
    for row in work.accounts.rows() {
        let above = prefix == row.path || prefix.starts_with(&format!("{}/", row.path));
        let concerned = above || row.path.starts_with(&below);
        if concerned && !openings.iter().any(|opening| opening.account == row.id) {
            let committed = row.committed();
            added.push(OpeningRow { account: row.id, committed, available: Minor::ZERO });
        }
    }
    if !added.is_empty() {
        work.tx.put_openings(cycle, &added)?;
        openings.extend(added);
        openings.sort_by_key(|row| row.account);
    }
    Ok(openings)
}

/// Gives each plugin its limit for this cycle: what it had bound before, plus the limit.
fn renew_limits(work: &mut Work<'_>, openings: &[OpeningRow]) -> Result<(), LedgerError> {
    let changes: Vec<(AccountId, i64)> = openings
        .iter()
        .filter_map(|opening| {
            let row = work.accounts.get(opening.account).filter(|row| row.is_limit())?;
            let limit = opening.committed.0.saturating_add(row.cycle_limit.0);
            let target = limit.max(row.committed().0);
            Some((row.id, target - row.allocated.0))
        })
        .filter(|(_, change)| *change != 0)
        .collect();
    for (id, change) in changes {
        let key = state_key(work, "limit", id);
        work.must_record(money_entry(EntryKind::Adjust, id, Minor(change), key, key))?;
    }
    Ok(())
}

/// What the accounts could grant if nothing had been granted since the opening.
fn available_at(accounts: &Accounts, openings: &[OpeningRow]) -> BTreeMap<AccountId, Minor> {
    let mut then = accounts.clone();
    for opening in openings {
        then.set_committed(opening.account, opening.committed);
    }
    openings.iter().filter_map(|row| Some((row.account, then.available(row.account)?.0))).collect()
}

fn granted(work: &mut Work<'_>, cycle: &CycleRef) -> Result<(u64, Minor), LedgerError> {
    let mut count = 0_u64;
    let mut cost = 0_i64;
    work.tx.scan(Scope::Cycle(cycle), &mut |scanned| {
        let amount = scanned.entry.amount.0;
        match scanned.entry.kind {
            EntryKind::Reserve => {
                count += 1;
                cost = cost.saturating_add(amount);
            }
            EntryKind::Release => {
                count = count.saturating_sub(1);
                cost = cost.saturating_sub(amount);
            }
            _ => {}
        }
        Ok(true)
    })?;
    Ok((count, Minor(cost)))
}
