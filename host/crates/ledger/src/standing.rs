//! Where a cycle stands: what it granted, what its stages have taken, and what is free.

use std::collections::{BTreeMap, HashMap};

use playbook_model::{Digest, Minor, UnixMs};

use crate::account::Accounts;
use crate::cycle::{available_at, no_cycle};
use crate::ledger::Turn;
use crate::store::{Group, Head, Scanned, Scope};
use crate::work::Work;
use crate::{AccountId, CycleRef, Entry, EntryKind, GrantRequest, Ledger, LedgerError};

/// What became of a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantState {
    /// Its money is reserved.
    Open,
    /// This much was paid.
    Settled(Minor),
    /// Nothing was paid.
    Released,
}

/// A grant that was booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Booked {
    /// Number of its entry.
    pub entry: i64,
    /// When it was granted.
    pub at: UnixMs,
    /// Points, units or 1.
    pub quantity: i64,
    /// What it reserved.
    pub cost: Minor,
    /// Expected output.
    pub expected_output: Minor,
    /// What became of it.
    pub state: GrantState,
}

/// Sums over the grants of one stage in one cycle; released ones are left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StageUse {
    /// What they cost at most, as granted.
    pub cost: Minor,
    /// What they are expected to bring.
    pub expected_output: Minor,
    /// What they have bound of the budget: reserved, or paid where settled.
    pub bound: Minor,
}

/// What transfers took from an account and gave it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Through {
    /// Taken.
    pub out: Minor,
    /// Given.
    pub into: Minor,
}

/// What an account can grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Free {
    /// Its own part, within every account above it.
    pub now: Minor,
    /// The same when the cycle began, under the plan of today.
    pub at_opening: Minor,
    /// Whether it, or an account above it, grants nothing at the moment.
    pub frozen: bool,
}

/// Where a cycle stands: a materialised view of its entries. It is read once and then brought up to date by what was
/// booked since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CycleStanding {
    /// Whether it grants nothing new any more.
    pub is_closed: bool,
    /// Accounts that its grants can touch.
    pub accounts: BTreeMap<AccountId, Free>,
    /// Its grants by key, read from the entries themselves rather than from an index.
    pub grants: HashMap<Digest, Booked>,
    /// Sums by stage.
    pub stages: BTreeMap<String, StageUse>,
    /// What transfers that the cycle brought about took from accounts and gave them. It is for the cycles after this
    /// one: what came in is not free here, and what an account had at opening knows of neither.
    pub transfers: BTreeMap<AccountId, Through>,
    cycle: CycleRef,
    /// Keys of grants by entry, with the number of the stage.
    keys: HashMap<i64, (Digest, usize)>,
    names: Vec<String>,
    head: Head,
}

impl Ledger {
    /// Returns where a cycle stands.
    ///
    /// # Errors
    /// [`LedgerError::NoCycle`], or a fault of the storage.
    pub fn standing(&self, cycle: &CycleRef) -> Result<CycleStanding, LedgerError> {
        self.look(|work| {
            let mut standing = CycleStanding {
                is_closed: false,
                accounts: BTreeMap::new(),
                grants: HashMap::new(),
                stages: BTreeMap::new(),
                transfers: BTreeMap::new(),
                cycle: cycle.clone(),
                keys: HashMap::new(),
                names: Vec::new(),
                head: work.head,
            };
            work.tx.scan(Scope::Cycle(cycle), &mut |scanned| {
                standing.visit(&scanned)?;
                Ok(true)
            })?;
            standing.settle_down(work)?;
            Ok(standing)
        })
    }
}

impl Turn<'_> {
    /// Returns where a cycle stands; it stays so until this unit of work changes it or ends.
    ///
    /// # Errors
    /// As [`Ledger::standing`].
    pub fn standing(&self, cycle: &CycleRef) -> Result<CycleStanding, LedgerError> {
        self.ledger.standing(cycle)
    }

    /// Brings a standing up to date. Costs as much as was booked since, by whomever.
    ///
    /// # Errors
    /// As [`Ledger::standing`].
    pub fn catch_up(&self, standing: &mut CycleStanding) -> Result<(), LedgerError> {
        self.ledger.look(|work| {
            if work.head == standing.head {
                return Ok(());
            }
            let groups = work.tx.groups(standing.head.group + 1)?;
            let own: Vec<&Group> =
                groups.iter().filter(|group| group.cycle == standing.cycle).collect();
            if let Some(first) = own.first() {
                let mut at = 0;
                work.tx.scan(Scope::From(first.first), &mut |scanned| {
                    while own.get(at).is_some_and(|group| group.end <= scanned.entry.number) {
                        at += 1;
                    }
                    let Some(group) = own.get(at) else { return Ok(false) };
                    if group.first <= scanned.entry.number {
                        standing.visit(&Scanned { at: group.at, ..scanned })?;
                    }
                    Ok(true)
                })?;
            }
            standing.settle_down(work)
        })
    }
}

impl CycleStanding {
    /// Number and seal of the last commit group that it knows of.
    #[must_use]
    pub fn head(&self) -> (i64, Digest) {
        (self.head.group, self.head.seal)
    }

    /// Whether it is the standing of this cycle.
    pub(crate) fn is_of(&self, cycle: &CycleRef) -> bool {
        self.cycle == *cycle
    }

    /// Everything up to a head is counted already.
    pub(crate) fn moved_to(&mut self, head: Head) {
        self.head = head;
    }

    /// Counts a grant that was booked.
    pub(crate) fn granted(
        &mut self,
        request: &GrantRequest<'_>,
        entry: i64,
        at: UnixMs,
    ) -> Result<(), LedgerError> {
        let GrantRequest { key, stage, quantity, cost, expected_output, .. } = *request;
        let state = GrantState::Open;
        let booked = Booked { entry, at, quantity, cost, expected_output, state };
        self.count(key, stage, booked)
    }

    /// Counts what became of a grant; one of another cycle is not this standing's.
    pub(crate) fn closed(
        &mut self,
        key: &Digest,
        by: i64,
        state: GrantState,
    ) -> Result<(), LedgerError> {
        match self.grants.get(key).map(|booked| booked.entry) {
            Some(entry) => self.close(entry, by, state),
            None => Ok(()),
        }
    }

    /// Sums anew what accounts can grant now.
    pub(crate) fn refresh(&mut self, accounts: &Accounts) {
        for (id, free) in &mut self.accounts {
            let into = self.transfers.get(id).map_or(0, |through| through.into.0);
            let left = accounts.available(*id).map_or(0, |(left, _)| left.0);
            free.now = Minor((left - into).max(0));
            free.frozen = accounts.frozen(*id).is_some();
        }
    }

    /// Reads what does not follow from the cycle's own entries: whether it is closed, and what is free.
    pub(crate) fn settle_down(&mut self, work: &mut Work<'_>) -> Result<(), LedgerError> {
        let row = work.tx.cycle(&self.cycle)?.ok_or_else(|| no_cycle(&self.cycle))?;
        let openings = work.tx.openings(&self.cycle)?;
        self.is_closed = row.summary.is_some();
        let opening = available_at(&work.accounts, &self.cycle.playbook, &openings);
        self.accounts = self.free(&work.accounts, &opening);
        self.head = work.head;
        Ok(())
    }

    fn visit(&mut self, scanned: &Scanned<'_>) -> Result<(), LedgerError> {
        let entry = &scanned.entry;
        match (entry.kind, entry.closes) {
            (EntryKind::Reserve, _) => self.grant(entry, scanned.at),
            (EntryKind::Settle, Some(closed)) => {
                self.close(closed, entry.number, GrantState::Settled(entry.amount))
            }
            (EntryKind::Release, Some(closed)) => {
                self.close(closed, entry.number, GrantState::Released)
            }
            (EntryKind::Recover, Some(taken)) => self.recover(taken, entry.number, entry.amount),
            (EntryKind::Transfer, _) => self.transferred(entry.account, entry.to, entry.amount),
            _ => Ok(()),
        }
    }

    /// Counts a transfer that the cycle brought about.
    pub(crate) fn transferred(
        &mut self,
        from: AccountId,
        to: Option<AccountId>,
        amount: Minor,
    ) -> Result<(), LedgerError> {
        let sum = |sum: &mut Minor| {
            sum.0 = sum.0.checked_add(amount.0).ok_or(LedgerError::Overflow)?;
            Ok(())
        };
        sum(&mut self.transfers.entry(from).or_default().out)?;
        to.map_or(Ok(()), |to| sum(&mut self.transfers.entry(to).or_default().into))
    }

    fn grant(&mut self, entry: &Entry<'_>, at: UnixMs) -> Result<(), LedgerError> {
        let booked = Booked {
            entry: entry.number,
            at,
            quantity: entry.quantity,
            cost: entry.amount,
            expected_output: entry.expected_output,
            state: GrantState::Open,
        };
        self.count(entry.key, entry.stage, booked)
    }

    fn count(&mut self, key: Digest, stage: &str, booked: Booked) -> Result<(), LedgerError> {
        let stage = self.names.iter().position(|name| name == stage).unwrap_or_else(|| {
            self.names.push(stage.to_owned());
            self.names.len() - 1
        });
        self.keys.insert(booked.entry, (key, stage));
        self.grants.insert(key, booked);
        self.add(stage, booked.cost.0, booked.expected_output.0, booked.cost.0)
    }

    /// Notes what became of a grant; one of another cycle is not this standing's.
    fn close(&mut self, entry: i64, by: i64, state: GrantState) -> Result<(), LedgerError> {
        let Some((key, stage)) = self.keys.get(&entry).copied() else { return Ok(()) };
        let Some(booked) = self.grants.get_mut(&key) else { return Ok(()) };
        booked.state = state;
        self.keys.insert(by, (key, stage));
        let (cost, output) = (booked.cost.0, booked.expected_output.0);
        match state {
            GrantState::Open => Ok(()),
            GrantState::Settled(paid) => self.add(stage, 0, 0, paid.0 - cost),
            GrantState::Released => self.add(stage, -cost, -output, -cost),
        }
    }

    /// Notes that `amount` of what was paid for a grant came back: the rest of its cost and output counts on. `taken` is the
    /// settlement or the recovery before.
    pub(crate) fn recover(
        &mut self,
        taken: i64,
        by: i64,
        amount: Minor,
    ) -> Result<(), LedgerError> {
        let Some((key, stage)) = self.keys.get(&taken).copied() else { return Ok(()) };
        let Some(booked) = self.grants.get_mut(&key) else { return Ok(()) };
        let GrantState::Settled(paid) = booked.state else { return Ok(()) };
        let (cost, output) =
            (booked.cost.portion(amount, paid), booked.expected_output.portion(amount, paid));
        booked.state = GrantState::Settled(Minor(paid.0 - amount.0));
        booked.cost.0 -= cost.0;
        booked.expected_output.0 -= output.0;
        self.keys.insert(by, (key, stage));
        self.add(stage, -cost.0, -output.0, -amount.0)
    }

    fn add(&mut self, stage: usize, cost: i64, output: i64, bound: i64) -> Result<(), LedgerError> {
        let sums = self.stages.entry(self.names[stage].clone()).or_default();
        let more =
            [(&mut sums.cost, cost), (&mut sums.expected_output, output), (&mut sums.bound, bound)];
        for (sum, more) in more {
            sum.0 = sum.0.checked_add(more).ok_or(LedgerError::Overflow)?;
        }
        Ok(())
    }

    /// What accounts can grant in this cycle, and could when it was opened.
    fn free(
        &self,
        accounts: &Accounts,
        opening: &BTreeMap<AccountId, Minor>,
    ) -> BTreeMap<AccountId, Free> {
        let of = |(id, at_opening): (&AccountId, &Minor)| {
            let Through { out, into } = self.transfers.get(id).copied().unwrap_or_default();
            let now = Minor((accounts.available(*id)?.0.0 - into.0).max(0));
            let at_opening = Minor(at_opening.0 + out.0 - into.0);
            Some((*id, Free { now, at_opening, frozen: accounts.frozen(*id).is_some() }))
        };
        opening.iter().filter_map(of).collect()
    }
}
