//! Cycles of a playbook: what they open with, and that a closed one grants nothing new.

use std::collections::BTreeMap;

use playbook_model::{Digest, Minor, UnixMs};

use crate::account::Accounts;
use crate::ledger::Turn;
use crate::store::{CycleRow, Openings, Purpose};
use crate::work::{Seal, Work};
use crate::{AccountId, CycleRef, EntryKind, Ledger, LedgerError};

/// How far a cycle is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CycleState {
    /// Begun by this call.
    New,
    /// Begun before and not closed: an earlier run of it ended, or was interrupted.
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
    /// What each account of the brand could grant when the cycle began, under the plan of today.
    pub available: BTreeMap<AccountId, Minor>,
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

impl Turn<'_> {
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
        let brand = self.ledger.brand();
        self.write_changes(seal, |work| {
            let found = work.tx.cycle(cycle)?;
            let (row, openings) = match &found {
                Some(row) => {
                    // Only the first call is the evidence of the begin.
                    work.seal_as(Purpose::Budget);
                    (row.clone(), work.tx.openings(cycle)?)
                }
                None => begin(work, cycle, run_key)?,
            };
            if row.summary.is_none() {
                renew_limits(work, brand, cycle, &openings)?;
            }
            let state = match (&found, row.summary) {
                (None, _) => CycleState::New,
                (Some(_), None) => CycleState::Resumed,
                (Some(_), Some(summary)) => CycleState::Closed(summary),
            };
            let available = available_at(&work.accounts, &cycle.playbook, &openings);
            Ok(Opening { state, run_key: row.run_key, available })
        })
    }
}

impl Ledger {
    /// [`Turn::begin_cycle`] in a turn of its own.
    ///
    /// # Errors
    /// As there, and [`LedgerError::Busy`].
    pub fn begin_cycle(
        &self,
        cycle: &CycleRef,
        run_key: Digest,
        now: UnixMs,
    ) -> Result<Opening, LedgerError> {
        self.turn()?.begin_cycle(cycle, run_key, now)
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
        self.turn()?.write(seal, |work| {
            let mut row = work.tx.cycle(cycle)?.ok_or_else(|| no_cycle(cycle))?;
            match row.summary {
                Some(stored) if stored == summary => return Ok(Closing::Already),
                Some(stored) => return Ok(Closing::Differs(stored)),
                None => row.summary = Some(summary),
            }
            work.tx.put_cycle(cycle, &row)?;
            work.mark();
            Ok(Closing::Now)
        })
    }
}

pub(crate) fn no_cycle(cycle: &CycleRef) -> LedgerError {
    LedgerError::NoCycle { playbook: cycle.playbook.clone(), number: cycle.number }
}

fn begin(
    work: &mut Work<'_>,
    cycle: &CycleRef,
    run_key: Digest,
) -> Result<(CycleRow, Openings), LedgerError> {
    let row = CycleRow { run_key, opening_entry: work.last_entry(), summary: None };
    let openings = work.accounts.committed_of(&cycle.playbook);
    work.tx.put_cycle(cycle, &row)?;
    work.tx.put_openings(cycle, &openings)?;
    work.mark();
    Ok((row, openings))
}

/// Gives each plugin its limit for this cycle: what it had bound before, plus the limit.
fn renew_limits(
    work: &mut Work<'_>,
    brand: &str,
    cycle: &CycleRef,
    openings: &Openings,
) -> Result<(), LedgerError> {
    let below = format!("{brand}/{}/", cycle.playbook);
    let limits = work.accounts.rows().iter().filter(|row| row.is_limit());
    let changes: Vec<(AccountId, i64)> = limits
        .filter(|row| row.path.starts_with(&below))
        .map(|row| {
            let before = openings.get(&row.id).copied().unwrap_or_default();
            let limit = before.0.saturating_add(row.cycle_limit.0);
            let target = limit.max(row.committed().0);
            (row.id, target - row.allocated.0)
        })
        .filter(|(_, change)| *change != 0)
        .collect();
    for (id, change) in changes {
        work.record_own(EntryKind::Adjust, "limit", id, Minor(change))?;
    }
    Ok(())
}

/// What the accounts could grant if nothing had been granted since the opening.
pub(crate) fn available_at(
    accounts: &Accounts,
    playbook: &str,
    openings: &Openings,
) -> BTreeMap<AccountId, Minor> {
    let mut then = accounts.clone();
    for row in accounts.rows() {
        if Accounts::touches(row, playbook) {
            then.set_committed(row.id, openings.get(&row.id).copied().unwrap_or_default());
        }
    }
    let rows = accounts.rows().iter().filter(|row| Accounts::touches(row, playbook));
    rows.filter_map(|row| Some((row.id, then.available(row.id)?.0))).collect()
}
