//! Money that ROI plugins move between pools (domain H7): checked by the host, booked for the cycles that follow.
//!
//! A transfer names two rows of a table. Where the playbook's `[budget.transfers]` says that the rows of that table are
//! pools, each transfer passes the checks in [`Checked::refusal`], in their order, or is refused with the first that
//! fails. All others stay what a plugin suggests to a person.

use std::collections::BTreeMap;

use playbook_ledger::{AccountId, Balance, CycleRef, LedgerError, Movement, PastTransfer, Through};
use playbook_model::{
    Digest, Frame, Kind, Minor, Role, TransferFate, TransferRefusal, TransferRules, UnixMs,
};

use crate::book::{Money, MoneyTurn};
use crate::community::Community;
use crate::recall::DAY_MS;
use crate::result::StageRun;

/// A transfer with all that its checks look at.
#[derive(Debug, Clone, Copy)]
struct Checked {
    amount: Minor,
    /// Return on cost that the plugin says of the giving and of the receiving row.
    returns: [Option<f64>; 2],
    frozen: bool,
    /// Whether money moved between the two pools within the cool-down.
    moved_lately: bool,
    /// What the giving pool has free, with what left it in this cycle.
    free: Minor,
    /// What transfers of this cycle took from the giving pool so far.
    out: Minor,
    /// What the giving pool holds.
    allocated: Minor,
    /// What its plan gave.
    planned: Minor,
}

impl Checked {
    /// The first check that fails.
    fn refusal(&self, rules: &TransferRules) -> Option<TransferRefusal> {
        let better = matches!(self.returns, [Some(from), Some(to)] if to > from);
        let left = Minor(self.free.share_down(rules.share_max).0 - self.out.0);
        // Rounded up: a pool keeps at least its share.
        let floor = Minor(self.planned.0 - self.planned.share_down(1.0 - rules.kept_min).0);
        if !better {
            Some(TransferRefusal::NotBetter)
        } else if self.frozen {
            Some(TransferRefusal::Frozen)
        } else if self.moved_lately {
            Some(TransferRefusal::CoolDown)
        } else if self.amount > left {
            Some(TransferRefusal::Share)
        } else if self.allocated.0 - self.amount.0 < floor.0 {
            Some(TransferRefusal::Floor)
        } else {
            None
        }
    }
}

/// Checks and books the transfers of all stages, in their order; what became of each stands position by position.
pub(crate) fn book_transfers(
    community: &Community<'_>,
    turn: &mut MoneyTurn<'_>,
) -> Result<Vec<Vec<TransferFate>>, LedgerError> {
    let rules = community.playbook.budget.as_ref().and_then(|budget| budget.transfers.as_ref());
    let mut past = None;
    let mut fates = Vec::new();
    for run in community.ran() {
        let mut own = Vec::with_capacity(run.transfers.len());
        for at in 0..run.transfers.len() {
            let allowed = rules.filter(|rules| run.kind() == Kind::Roi && is_of(run, at, rules));
            own.push(match allowed {
                None => TransferFate::Suggested,
                Some(rules) => {
                    let past = match &mut past {
                        Some(past) => past,
                        none => none.insert(turn.transfers_within(rules.cool_down_days)?),
                    };
                    let frame = community.frame(&rules.subject.0);
                    Asked { rules, run, at, frame }.book(turn, past)?
                }
            });
        }
        fates.push(own);
    }
    Ok(fates)
}

/// Whether a transfer's rows are those that the playbook calls pools.
fn is_of(run: &StageRun, at: usize, rules: &TransferRules) -> bool {
    let table = run.shape.tables.get(run.transfers[at].table as usize);
    table.is_some_and(|table| table.subject == rules.subject.0)
}

/// One transfer of a stage, on rows that are pools.
struct Asked<'a> {
    rules: &'a TransferRules,
    run: &'a StageRun,
    at: usize,
    frame: &'a Frame,
}

impl Asked<'_> {
    fn book(
        &self,
        turn: &mut MoneyTurn<'_>,
        past: &mut Vec<PastTransfer>,
    ) -> Result<TransferFate, LedgerError> {
        let transfer = &self.run.transfers[self.at];
        let names = self.run.places.get(transfer.table as usize);
        let name = |row: u32| names.and_then(|names| names.get(row as usize));
        let pools = name(transfer.from_row).zip(name(transfer.to_row));
        let Some([from, to]) = pools.and_then(|(from, to)| turn.pools(from, to)) else {
            return Ok(TransferFate::Refused(TransferRefusal::NoPool));
        };
        let key = turn.transfer_key(&self.run.name, [from, to]);
        if let Some(before) = turn.moved_before(&key)? {
            return Ok(TransferFate::MovedBefore(before));
        }
        let Through { out, .. } = turn.transfers()?.get(&from).copied().unwrap_or_default();
        let giving = turn.balance(from)?;
        let checked = Checked {
            amount: Minor(transfer.amount),
            returns: [transfer.from_row, transfer.to_row].map(|row| self.value(row)),
            frozen: turn.is_frozen(from)? || turn.is_frozen(to)?,
            moved_lately: past.iter().any(|past| {
                let pair = [past.from, past.to];
                pair == [from, to] || pair == [to, from]
            }),
            free: Minor(giving.available().0.saturating_add(out.0)),
            out,
            allocated: giving.allocated,
            planned: giving.planned,
        };
        if let Some(refusal) = checked.refusal(self.rules) {
            return Ok(TransferFate::Refused(refusal));
        }
        past.push(turn.transfer([from, to], checked.amount, key)?);
        Ok(TransferFate::Moved)
    }

    /// Return on cost that the plugin says of a row.
    fn value(&self, row: u32) -> Option<f64> {
        let transfer = &self.run.transfers[self.at];
        let of_table = |table: Option<u32>| table == Some(transfer.table);
        let produces = &self.run.shape.produces;
        let said = produces.iter().find(|p| p.role == Role::ReturnOnCost && of_table(p.table))?;
        let column = self.frame.column(&format!("{}.{}", self.run.name, said.name))?;
        column.real(row as usize)
    }
}

/// Transfers between pools.
impl MoneyTurn<'_> {
    /// The accounts of two pools; `None` where one of them is none, or both are the same.
    pub(crate) fn pools(&self, from: &str, to: &str) -> Option<[AccountId; 2]> {
        let pool = |name: &str| self.money.accounts.pools.get(name).copied();
        Some([pool(from)?, pool(to)?]).filter(|[from, to]| from != to)
    }

    /// The key of a transfer: one a cycle, stage and pair, so that the same cycle again moves nothing twice.
    pub(crate) fn transfer_key(&self, stage: &str, [from, to]: [AccountId; 2]) -> Digest {
        let CycleRef { playbook, number } = &self.money.cycle;
        let pair = [from.0.to_be_bytes(), to.0.to_be_bytes()].concat();
        let parts =
            [b"transfer", playbook.as_bytes(), &number.to_be_bytes(), stage.as_bytes(), &pair];
        Digest::of_parts(parts)
    }

    /// What was moved under a key.
    pub(crate) fn moved_before(&self, key: &Digest) -> Result<Option<Minor>, LedgerError> {
        self.money.ledger.amount_of(key)
    }

    /// What transfers of the cycle moved so far, by account.
    pub(crate) fn transfers(&mut self) -> Result<&BTreeMap<AccountId, Through>, LedgerError> {
        Ok(&self.known()?.transfers)
    }

    /// Transfers less than so many days before or after the as-of time.
    pub(crate) fn transfers_within(&self, days: u32) -> Result<Vec<PastTransfer>, LedgerError> {
        let window_ms = i64::from(days) * DAY_MS;
        let now = self.money.now.0;
        let mut past = self.money.ledger.transfers_since(UnixMs(now.saturating_sub(window_ms)))?;
        past.retain(|transfer| transfer.at.0 < now.saturating_add(window_ms));
        Ok(past)
    }

    /// Whether an account, or one above it, is frozen.
    pub(crate) fn is_frozen(&mut self, id: AccountId) -> Result<bool, LedgerError> {
        Ok(self.known()?.accounts.get(&id).is_some_and(|free| free.frozen))
    }

    /// An account as it is now.
    pub(crate) fn balance(&self, id: AccountId) -> Result<Balance, LedgerError> {
        let found = self.money.ledger.balances()?.into_iter().find(|balance| balance.id == id);
        found.ok_or(LedgerError::NoAccount(id.0))
    }

    /// Moves money from one pool to another, for the cycles that follow.
    pub(crate) fn transfer(
        &mut self,
        [from, to]: [AccountId; 2],
        amount: Minor,
        key: Digest,
    ) -> Result<PastTransfer, LedgerError> {
        let Money { cycle, now, .. } = self.money;
        let movement = Movement::Transfer { from, to, amount };
        self.turn.move_money(movement, key, *now, Some(cycle))?;
        self.booked()?;
        Ok(PastTransfer { from, to, amount, at: *now, key })
    }
}

#[cfg(test)]
#[path = "transfers_tests.rs"]
mod tests;
