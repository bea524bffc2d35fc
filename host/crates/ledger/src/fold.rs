//! The ledger replayed: groups and entries are the events, and accounts, cycles and openings follow from them alone.
//! All else that is stored is a cache of this, kept for speed and compared with it.

use std::collections::{BTreeMap, HashMap, HashSet};

use playbook_model::{Digest, Minor};

use crate::account::{Accounts, Breach};
use crate::chain::{Flaw, Walker, walk};
use crate::store::{CycleRow, Group, Openings, Purpose, Transaction};
use crate::{AccountId, CycleRef, Entry, EntryKind, LedgerError};

/// The state that events add up to.
#[derive(Debug)]
pub(crate) struct Fold {
    /// The brand's accounts under the paths that are stored, with what the entries put into them.
    pub(crate) accounts: Accounts,
    /// Which of them an entry opened.
    pub(crate) opened: Vec<bool>,
    /// How many there are: entries name no account beyond.
    pub(crate) known: usize,
    pub(crate) cycles: BTreeMap<CycleRef, CycleRow>,
    pub(crate) openings: BTreeMap<CycleRef, Openings>,
    /// Amounts of grants that are still open, and their accounts.
    grants: HashMap<i64, (Minor, AccountId)>,
    /// What is left of what was paid, by the settlement or the last recovery, and the account.
    paid: HashMap<i64, (Minor, AccountId)>,
    keys: HashSet<Digest>,
}

impl Fold {
    /// Walks through everything that `tx` holds. `accounts` gives the paths.
    pub(crate) fn run(
        tx: &mut dyn Transaction,
        accounts: &Accounts,
    ) -> Result<Result<Self, Flaw>, LedgerError> {
        let count = accounts.rows().len();
        let mut fold = Self {
            accounts: accounts.emptied(),
            opened: vec![false; count],
            known: 0,
            cycles: BTreeMap::new(),
            openings: BTreeMap::new(),
            grants: HashMap::new(),
            paid: HashMap::new(),
            keys: HashSet::new(),
        };
        let groups = tx.groups(1)?;
        let flaw = walk(tx, &groups, None, &mut fold)?;
        Ok(flaw.map_or(Ok(fold), Err))
    }

    /// Applies an entry; says what it breaks.
    fn apply(&mut self, entry: &Entry<'_>) -> Option<String> {
        let named = entry.account.0.max(entry.to.map_or(0, |id| id.0));
        self.known = self.known.max(usize::try_from(named).unwrap_or(0));
        if !self.keys.insert(entry.key) {
            return Some("its key was used by an entry before it".to_owned());
        }
        match (entry.kind, entry.closes) {
            (EntryKind::Reserve, None) => {
                self.grants.insert(entry.number, (entry.amount, entry.account));
            }
            (EntryKind::Settle | EntryKind::Release, Some(closed)) => {
                let bound = self.grants.remove(&closed);
                if bound != Some((entry.bound, entry.account)) {
                    return Some("it closes a grant that is not open so".to_owned());
                }
                if entry.kind == EntryKind::Settle {
                    self.paid.insert(entry.number, (entry.amount, entry.account));
                }
            }
            (EntryKind::Recover, Some(closed)) => {
                let left = self.paid.remove(&closed);
                if left != Some((entry.bound, entry.account)) || entry.amount > entry.bound {
                    return Some("it takes back what was not paid so".to_owned());
                }
                let left = Minor(entry.bound.0 - entry.amount.0);
                self.paid.insert(entry.number, (left, entry.account));
            }
            (EntryKind::Open, None) => {
                let place = usize::try_from(entry.account.0 - 1).ok();
                let opened = place.and_then(|at| self.opened.get_mut(at))?;
                if std::mem::replace(opened, true) {
                    return Some("it opens an account once more".to_owned());
                }
            }
            (_, None) => {}
            (_, Some(_)) => return Some("it closes what it cannot close".to_owned()),
        }
        let breach = self.accounts.apply(entry).err()?;
        let name = |id| self.accounts.path(id).unwrap_or("").to_owned();
        Some(match breach {
            Breach::NoAccount(id) => format!("account {id} does not exist"),
            Breach::Short(id) => format!("it takes `{}` below 0", name(id)),
            Breach::Children(id) => format!("it takes `{}` beyond its parent", name(id)),
            Breach::Overflow => "its amount exceeds 64 bits".to_owned(),
            Breach::Fields => "its fields contradict its kind".to_owned(),
        })
    }

    /// Compares what is stored for speed with what the entries say.
    pub(crate) fn compare(
        &self,
        tx: &mut dyn Transaction,
        stored: &Accounts,
    ) -> Result<Option<Flaw>, LedgerError> {
        for (at, (sum, row)) in self.accounts.rows().iter().zip(stored.rows()).enumerate() {
            if !self.opened[at] {
                return Ok(Some(Flaw::of(format!("no entry opened the account `{}`", row.path))));
            }
            if sum != row {
                return Ok(Some(Flaw::of(differing(row, sum))));
            }
        }
        if let Some(flaw) = self.compare_cycles(tx)? {
            return Ok(Some(flaw));
        }
        for (cycle, openings) in &self.openings {
            if tx.openings(cycle)? != *openings {
                return Ok(Some(of_cycle(cycle, "opened otherwise than is stored")));
            }
        }
        Ok(None)
    }

    /// The same for cycles, without their openings.
    pub(crate) fn compare_cycles(
        &self,
        tx: &mut dyn Transaction,
    ) -> Result<Option<Flaw>, LedgerError> {
        let stored = tx.cycles()?;
        let odd = (self.cycles.iter())
            .find(|(cycle, row)| stored.get(*cycle) != Some(*row))
            .or_else(|| stored.iter().find(|(cycle, _)| !self.cycles.contains_key(*cycle)));
        Ok(odd.map(|(cycle, _)| of_cycle(cycle, "is stored otherwise than its groups say")))
    }
}

fn of_cycle(cycle: &CycleRef, what: &str) -> Flaw {
    let CycleRef { playbook, number } = cycle;
    Flaw::of(format!("cycle {number} of playbook `{playbook}` {what}"))
}

impl Walker for Fold {
    fn path(&self, account: AccountId) -> Option<&str> {
        self.accounts.path(account)
    }

    fn begin(&mut self, group: &Group) -> Option<String> {
        match group.purpose {
            Purpose::Begin => {
                let opening_entry = group.first - 1;
                let row = CycleRow { run_key: group.payload, opening_entry, summary: None };
                if self.cycles.insert(group.cycle.clone(), row).is_some() {
                    return Some("it begins a cycle once more".to_owned());
                }
                let openings = self.accounts.committed_of(&group.cycle.playbook);
                self.openings.insert(group.cycle.clone(), openings);
            }
            Purpose::Close => match self.cycles.get_mut(&group.cycle) {
                Some(row) => row.summary = Some(group.payload),
                None => return Some("it closes a cycle that never began".to_owned()),
            },
            Purpose::Budget | Purpose::Entries => {}
        }
        None
    }

    fn entry(&mut self, entry: &Entry<'_>) -> Option<String> {
        self.apply(entry)
    }

    fn end(&mut self, group: &Group) -> Option<String> {
        let differs =
            group.accounts.is_some_and(|sealed| sealed != self.accounts.digest(self.known));
        differs.then(|| "the accounts that it seals are not those of its entries".to_owned())
    }
}

fn differing(stored: &crate::Balance, sum: &crate::Balance) -> String {
    let words = |row: &crate::Balance| {
        format!(
            "{} allocated ({} by plan), {} reserved, {} spent, limit {} a cycle{}",
            row.allocated,
            row.planned,
            row.reserved,
            row.spent,
            row.cycle_limit,
            if row.frozen { ", frozen" } else { "" }
        )
    };
    format!(
        "account `{}` is stored as {}; its entries say {}",
        stored.path,
        words(stored),
        words(sum)
    )
}
