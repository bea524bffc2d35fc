//! Money that ROI plugins move between pools (domain H7): checked by the host, booked for the cycles that follow.
//!
//! A transfer names two rows of a table. Where the playbook's `[budget.transfers]` says that the rows of that table are
//! pools, each transfer passes the checks in [`Checked::verdict`], in their order, or is refused with the first that
//! fails. All others stay what a plugin suggests to a person. A cycle that runs by itself and one that a service closes ask the
//! same ([`settle`]), each of its own money ([`PoolMoney`]).

use playbook_ledger::{
    AccountId, Balance, BudgetAccounts, CycleRef, LedgerError, Movement, PastTransfer, Through,
};
use playbook_model::{
    Digest, Frame, Kind, Minor, Produce, ReasonInfo, Role, TransferFate, TransferRefusal,
    TransferRules, UnixMs, Words,
};

use crate::book::{Money, MoneyTurn};
use crate::community::Community;
use crate::live::LivePools;
use crate::recall::DAY_MS;
use crate::result::{CycleRun, StageRun};

/// A transfer that a stage asks for, with all that its checks read of the two rows: it outlasts the tables of its cycle.
#[derive(Debug, Clone, PartialEq)]
pub struct AskedTransfer {
    /// Name of the stage.
    pub stage: String,
    /// Kind of its plugin.
    pub kind: Kind,
    /// What the rows are about.
    pub subject: String,
    /// Key of the giving row.
    pub from: String,
    /// Key of the receiving row.
    pub to: String,
    /// Most that is to move.
    pub amount: Minor,
    /// Why.
    pub reason: ReasonInfo,
    /// Return on cost that the plugin says of the giving and of the receiving row.
    pub returns: [Option<f64>; 2],
    /// Whether the receiving row has a red line, or may have one.
    pub red_line: bool,
}

/// A transfer with all that its checks look at.
#[derive(Debug, Clone, Copy)]
struct Checked {
    /// Most that is to move.
    amount: Minor,
    /// Return on cost that the plugin says of the giving and of the receiving row.
    returns: [Option<f64>; 2],
    frozen: bool,
    /// Whether the receiving row has a red line, or may have one.
    red_line: bool,
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
    /// How much moves, or the first check that fails. Stages know no balances: they say how much they would move at most, and the
    /// bounds say how much of it leaves.
    fn verdict(&self, rules: &TransferRules) -> Result<Minor, TransferRefusal> {
        let better = matches!(self.returns, [Some(from), Some(to)] if to > from);
        let left = self.free.share_down(rules.share_max).0.saturating_sub(self.out.0);
        // Rounded up: a pool keeps at least its share.
        let floor = self.planned.0 - self.planned.share_down(1.0 - rules.kept_min).0;
        let above = self.allocated.0.saturating_sub(floor);
        if !better {
            Err(TransferRefusal::NotBetter)
        } else if self.frozen {
            Err(TransferRefusal::Frozen)
        } else if self.red_line {
            Err(TransferRefusal::RedLine)
        } else if self.moved_lately {
            Err(TransferRefusal::CoolDown)
        } else if left <= 0 {
            Err(TransferRefusal::Share)
        } else if above <= 0 {
            Err(TransferRefusal::Floor)
        } else {
            Ok(Minor(self.amount.0.min(left).min(above)))
        }
    }
}

/// Where money is that transfers move: a cycle's turn of the ledger, or a commit group of a service.
pub(crate) trait PoolMoney {
    /// Accounts of the playbook's budget.
    fn accounts(&self) -> &BudgetAccounts;
    /// The cycle that brings transfers about.
    fn cycle(&self) -> &CycleRef;
    /// What was moved under a key.
    fn moved_before(&mut self, key: &Digest) -> Result<Option<Minor>, LedgerError>;
    /// Transfers less than so many days before or after the cycle's end.
    fn transfers_within(&mut self, days: u32) -> Result<Vec<PastTransfer>, LedgerError>;
    /// What transfers of the cycle took from an account so far.
    fn taken(&mut self, id: AccountId) -> Result<Minor, LedgerError>;
    /// Whether an account, or one above it, is frozen.
    fn is_frozen(&mut self, id: AccountId) -> Result<bool, LedgerError>;
    /// An account as it is now.
    fn balance(&self, id: AccountId) -> Result<Balance, LedgerError>;
    /// Moves money from one pool to another, for the cycles that follow.
    fn transfer(
        &mut self,
        pair: [AccountId; 2],
        amount: Minor,
        key: Digest,
    ) -> Result<PastTransfer, LedgerError>;
}

/// Checks and books transfers, in their order; what became of each stands position by position.
pub(crate) fn settle(
    rules: Option<&TransferRules>,
    asked: &[AskedTransfer],
    money: &mut dyn PoolMoney,
) -> Result<Vec<TransferFate>, LedgerError> {
    let mut past = None;
    let mut fates = Vec::with_capacity(asked.len());
    for one in asked {
        let allowed = rules.filter(|rules| one.kind == Kind::Roi && one.subject == rules.subject.0);
        fates.push(match allowed {
            None => TransferFate::Suggested,
            Some(rules) => {
                let past = match &mut past {
                    Some(past) => past,
                    none => none.insert(money.transfers_within(rules.cool_down_days)?),
                };
                booked(rules, one, money, past)?
            }
        });
    }
    Ok(fates)
}

fn booked(
    rules: &TransferRules,
    asked: &AskedTransfer,
    money: &mut dyn PoolMoney,
    past: &mut Vec<PastTransfer>,
) -> Result<TransferFate, LedgerError> {
    let pool = |name: &str| money.accounts().pools.get(name).copied();
    let pair = pool(&asked.from).zip(pool(&asked.to)).filter(|(from, to)| from != to);
    let Some((from, to)) = pair else {
        return Ok(TransferFate::Refused(TransferRefusal::NoPool));
    };
    let key = transfer_key(money.cycle(), &asked.stage, [from, to]);
    if let Some(before) = money.moved_before(&key)? {
        return Ok(TransferFate::MovedBefore(before));
    }
    let out = money.taken(from)?;
    let giving = money.balance(from)?;
    let checked = Checked {
        amount: asked.amount,
        returns: asked.returns,
        frozen: money.is_frozen(from)? || money.is_frozen(to)?,
        red_line: asked.red_line,
        moved_lately: past.iter().any(|past| {
            let pair = [past.from, past.to];
            pair == [from, to] || pair == [to, from]
        }),
        free: Minor(giving.available().0.saturating_add(out.0)),
        out,
        allocated: giving.allocated,
        planned: giving.planned,
    };
    Ok(match checked.verdict(rules) {
        Err(refusal) => TransferFate::Refused(refusal),
        Ok(amount) => {
            past.push(money.transfer([from, to], amount, key)?);
            TransferFate::Moved(amount)
        }
    })
}

/// The key of a transfer: one a cycle, stage and pair, so that the same cycle again moves nothing twice.
fn transfer_key(cycle: &CycleRef, stage: &str, [from, to]: [AccountId; 2]) -> Digest {
    let CycleRef { playbook, number } = cycle;
    let pair = [from.0.to_be_bytes(), to.0.to_be_bytes()].concat();
    let parts = [b"transfer", playbook.as_bytes(), &number.to_be_bytes(), stage.as_bytes(), &pair];
    Digest::of_parts(parts)
}

/// As [`settle`], of the stages of a community; what became of each stands stage by stage.
pub(crate) fn book_transfers(
    community: &Community<'_>,
    turn: &mut MoneyTurn<'_>,
) -> Result<Vec<Vec<TransferFate>>, LedgerError> {
    let rules = community.playbook.budget.as_ref().and_then(|budget| budget.transfers.as_ref());
    let frame = |subject: &str| Some(community.frame(subject));
    let asked = community.ran().iter().flat_map(|run| asked_by(run, rules, &frame));
    let fates = settle(rules, &asked.collect::<Vec<_>>(), turn)?;
    let mut fates = fates.into_iter();
    let of = |run: &StageRun| fates.by_ref().take(run.transfers.len()).collect::<Vec<_>>();
    Ok(community.ran().iter().map(of).collect())
}

impl CycleRun {
    /// What the stages ask for, in their order, as `rules` would have it checked.
    #[must_use]
    pub fn asked_transfers(&self, rules: Option<&TransferRules>) -> Vec<AskedTransfer> {
        let frame = |subject: &str| self.frame(subject);
        self.stages.iter().flat_map(|run| asked_by(run, rules, &frame)).collect()
    }
}

fn asked_by<'f>(
    run: &StageRun,
    rules: Option<&TransferRules>,
    frame: &dyn Fn(&str) -> Option<&'f Frame>,
) -> Vec<AskedTransfer> {
    let asked = run.transfers.iter().map(|transfer| {
        let table = run.shape.tables.get(transfer.table as usize);
        let subject = table.map_or("", |table| table.subject.as_str());
        let frame = frame(subject);
        let names = run.places.get(transfer.table as usize);
        let name = |row: u32| names.and_then(|names| names.get(row as usize)).cloned();
        let reason = run.shape.reasons.get(transfer.reason as usize);
        let nothing = || ReasonInfo { code: String::new(), text: Words::default() };
        let is_return =
            |p: &&Produce| p.role == Role::ReturnOnCost && p.table == Some(transfer.table);
        let said = run.shape.produces.iter().find(is_return);
        let said = said.and_then(|said| frame?.column(&format!("{}.{}", run.name, said.name)));
        let red_line = rules.and_then(|rules| rules.red_line.as_ref()).is_some_and(|line| {
            let column = frame.and_then(|frame| frame.column(line));
            // What nobody knows is no leave.
            column.and_then(|column| column.real(transfer.to_row as usize)) != Some(0.0)
        });
        AskedTransfer {
            stage: run.name.clone(),
            kind: run.kind(),
            subject: subject.to_owned(),
            from: name(transfer.from_row).unwrap_or_default(),
            to: name(transfer.to_row).unwrap_or_default(),
            amount: Minor(transfer.amount),
            reason: reason.cloned().unwrap_or_else(nothing),
            returns: [transfer.from_row, transfer.to_row]
                .map(|row| said.and_then(|column| column.real(row as usize))),
            red_line,
        }
    });
    asked.collect()
}

impl PoolMoney for MoneyTurn<'_> {
    fn accounts(&self) -> &BudgetAccounts {
        &self.money.accounts
    }

    fn cycle(&self) -> &CycleRef {
        &self.money.cycle
    }

    fn moved_before(&mut self, key: &Digest) -> Result<Option<Minor>, LedgerError> {
        self.money.ledger.amount_of(key)
    }

    fn transfers_within(&mut self, days: u32) -> Result<Vec<PastTransfer>, LedgerError> {
        let mut past = self.money.ledger.transfers_since(since(self.money.now, days))?.transfers;
        until(&mut past, self.money.now, days);
        Ok(past)
    }

    fn taken(&mut self, id: AccountId) -> Result<Minor, LedgerError> {
        Ok(self.known()?.transfers.get(&id).map_or(Minor::ZERO, |Through { out, .. }| *out))
    }

    fn is_frozen(&mut self, id: AccountId) -> Result<bool, LedgerError> {
        Ok(self.known()?.accounts.get(&id).is_some_and(|free| free.frozen))
    }

    fn balance(&self, id: AccountId) -> Result<Balance, LedgerError> {
        let found = self.money.ledger.balances()?.into_iter().find(|balance| balance.id == id);
        found.ok_or(LedgerError::NoAccount(id.0))
    }

    fn transfer(
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

impl PoolMoney for LivePools<'_, '_, '_, '_> {
    fn accounts(&self) -> &BudgetAccounts {
        self.live.accounts()
    }

    fn cycle(&self) -> &CycleRef {
        self.live.cycle()
    }

    fn moved_before(&mut self, key: &Digest) -> Result<Option<Minor>, LedgerError> {
        self.live.rows().amount_of(key)
    }

    fn transfers_within(&mut self, days: u32) -> Result<Vec<PastTransfer>, LedgerError> {
        self.live.rows().catch_up(&mut self.past)?;
        let mut past = self.past.transfers.clone();
        until(&mut past, self.live.rows().at(), days);
        Ok(past)
    }

    fn taken(&mut self, id: AccountId) -> Result<Minor, LedgerError> {
        let known = self.live.rows().standing().transfers.get(&id);
        Ok(known.map_or(Minor::ZERO, |Through { out, .. }| *out))
    }

    fn is_frozen(&mut self, id: AccountId) -> Result<bool, LedgerError> {
        Ok(self.live.rows().is_frozen(id))
    }

    fn balance(&self, id: AccountId) -> Result<Balance, LedgerError> {
        self.live.balance(id).cloned().ok_or(LedgerError::NoAccount(id.0))
    }

    fn transfer(
        &mut self,
        [from, to]: [AccountId; 2],
        amount: Minor,
        key: Digest,
    ) -> Result<PastTransfer, LedgerError> {
        self.live.rows().transfer([from, to], amount, key)?;
        Ok(PastTransfer { from, to, amount, at: self.live.rows().at(), key })
    }
}

/// The moment after which transfers are looked at, of a cycle that ends at `end`.
pub(crate) fn since(end: UnixMs, days: u32) -> UnixMs {
    UnixMs(end.0.saturating_sub(window_ms(days)))
}

/// Leaves out those that are as far after the end: a cycle may run again, later than the ones after it.
fn until(past: &mut Vec<PastTransfer>, end: UnixMs, days: u32) {
    past.retain(|transfer| transfer.at.0 < end.0.saturating_add(window_ms(days)));
}

fn window_ms(days: u32) -> i64 {
    i64::from(days) * DAY_MS
}

#[cfg(test)]
#[path = "transfers_tests.rs"]
mod tests;
