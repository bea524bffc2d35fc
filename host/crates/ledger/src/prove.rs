//! The proof that a ledger is whole: chain, balances, invariants.

use std::collections::{BTreeMap, HashMap};

use playbook_model::{Digest, Minor};

use crate::account::{Accounts, Breach};
use crate::ledger::Work;
use crate::store::{CycleRow, Group, Purpose, Scope};
use crate::{CycleRef, Entry, EntryKind, Ledger, LedgerError};

/// What a proof found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// Everything holds.
    Sound {
        /// Number of commit groups.
        groups: i64,
        /// Number of entries.
        entries: i64,
        /// Seal of the last group.
        seal: Digest,
    },
    /// Something was changed, lost or added.
    Broken(Flaw),
}

/// The first thing that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// Commit group, where one is concerned.
    pub group: Option<i64>,
    /// Entry, where one is concerned.
    pub entry: Option<i64>,
    /// What does not hold, in words.
    pub what: String,
}

impl std::fmt::Display for Flaw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.entry, self.group) {
            (Some(entry), _) => write!(f, "entry {entry}: {}", self.what),
            (None, Some(group)) => write!(f, "group {group}: {}", self.what),
            (None, None) => f.write_str(&self.what),
        }
    }
}

impl Ledger {
    /// Checks every digest from the first entry on, applies all entries anew under all invariants
    /// (allocated = available + reserved + spent, children within their parent, nothing below 0)
    /// and compares balances and cycles with what is stored.
    ///
    /// A ledger that was cut off at the end is sound in itself: compare [`Ledger::head`] with the
    /// seal of an earlier run to see that.
    ///
    /// # Errors
    /// A fault of the storage. What is wrong with the ledger's content is a [`Flaw`].
    pub fn prove(&self) -> Result<Proof, LedgerError> {
        if let Some(what) = self.inspect()? {
            return Ok(broken(None, None, &what));
        }
        match self.reading(Prover::run) {
            Err(LedgerError::Damaged(what)) => Ok(broken(None, None, &what)),
            other => other,
        }
    }
}

fn broken(group: Option<i64>, entry: Option<i64>, what: &str) -> Proof {
    Proof::Broken(Flaw { group, entry, what: what.to_owned() })
}

/// State of walking through all entries.
struct Prover {
    accounts: Accounts,
    groups: Vec<Group>,
    /// Position of the group that the next entry belongs to.
    at: usize,
    chain: Digest,
    next: i64,
    flaw: Option<Flaw>,
    /// Amounts of grants that are still open, and their accounts.
    open: HashMap<i64, (Minor, i64)>,
}

impl Prover {
    fn run(work: &mut Work<'_>) -> Result<Proof, LedgerError> {
        let mut prover = Self {
            accounts: work.accounts.emptied(),
            groups: work.tx.groups()?,
            at: 0,
            chain: Digest([0; 32]),
            next: 1,
            flaw: None,
            open: HashMap::new(),
        };
        work.tx.scan(Scope::All, &mut |scanned| {
            prover.visit(&scanned.entry, &scanned.hash);
            Ok(prover.flaw.is_none())
        })?;
        prover.close_groups();
        if prover.flaw.is_none() && prover.at < prover.groups.len() {
            let number = prover.groups[prover.at].number;
            prover.fail(Some(number), None, "entries are missing");
        }
        prover.compare_balances(work);
        prover.compare_cycles(work)?;
        Ok(match prover.flaw {
            Some(flaw) => Proof::Broken(flaw),
            None => Proof::Sound {
                groups: work.head.group,
                entries: work.head.entry,
                seal: work.head.seal,
            },
        })
    }

    fn fail(&mut self, group: Option<i64>, entry: Option<i64>, what: &str) {
        if self.flaw.is_none() {
            self.flaw = Some(Flaw { group, entry, what: what.to_owned() });
        }
    }

    /// Closes all groups that end before the next entry.
    fn close_groups(&mut self) {
        while self.flaw.is_none()
            && let Some(group) = self.groups.get(self.at).cloned()
            && group.end <= self.next
        {
            let before = match self.at {
                0 => Digest([0; 32]),
                at => self.groups[at - 1].seal,
            };
            let first = self.groups[..self.at].last().map_or(1, |last| last.end);
            let number = i64::try_from(self.at + 1).unwrap_or(i64::MAX);
            if group.number != number || group.first != first || group.end < group.first {
                self.fail(Some(group.number), None, "the sequence of groups has a gap");
            } else if group.seal(&before, &self.chain) != group.seal {
                self.fail(Some(group.number), None, "the seal does not fit its entries");
            }
            self.chain = group.seal;
            self.at += 1;
        }
    }

    fn visit(&mut self, entry: &Entry<'_>, hash: &Digest) {
        self.close_groups();
        let number = Some(entry.number);
        let group = self.groups.get(self.at).map(|group| group.number);
        if self.flaw.is_some() {
            return;
        }
        if entry.number != self.next {
            return self.fail(group, number, "entries before it are missing");
        }
        if group.is_none() {
            return self.fail(None, number, "it belongs to no group");
        }
        let Some(path) = self.accounts.path(entry.account) else {
            return self.fail(group, number, "its account does not exist");
        };
        let to = entry.to.and_then(|id| self.accounts.path(id));
        if entry.chained(&self.chain, path, to) != *hash {
            return self.fail(group, number, "its content was changed");
        }
        if let Some(what) = self.apply(entry) {
            return self.fail(group, number, &what);
        }
        self.chain = *hash;
        self.next += 1;
    }

    /// Applies an entry; says what it breaks.
    fn apply(&mut self, entry: &Entry<'_>) -> Option<String> {
        match (entry.kind, entry.closes) {
            (EntryKind::Reserve, None) => {
                self.open.insert(entry.number, (entry.amount, entry.account.0));
            }
            (EntryKind::Settle | EntryKind::Release, Some(closed)) => {
                let bound = self.open.remove(&closed);
                if bound != Some((entry.bound, entry.account.0)) {
                    return Some("it closes a grant that is not open so".to_owned());
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

    fn compare_balances(&mut self, work: &Work<'_>) {
        let pairs: Vec<_> = self.accounts.rows().iter().zip(work.accounts.rows()).collect();
        let differing = pairs.into_iter().find(|(sum, stored)| sum != stored);
        if let Some((sum, stored)) = differing {
            let what = format!(
                "balance of `{}` is stored as {} allocated, {} reserved, {} spent; its entries sum to {}, {}, {}",
                stored.path,
                stored.allocated,
                stored.reserved,
                stored.spent,
                sum.allocated,
                sum.reserved,
                sum.spent
            );
            self.fail(None, None, &what);
        }
    }

    /// Cycles are stored for speed; the groups that began and closed them are the evidence.
    fn compare_cycles(&mut self, work: &mut Work<'_>) -> Result<(), LedgerError> {
        let mut told: BTreeMap<CycleRef, CycleRow> = BTreeMap::new();
        for group in self.groups.clone() {
            match group.purpose {
                Purpose::Begin => {
                    let opening_entry = group.first - 1;
                    let row = CycleRow { run_key: group.payload, opening_entry, summary: None };
                    told.insert(group.cycle, row);
                }
                Purpose::Close => match told.get_mut(&group.cycle) {
                    Some(row) => row.summary = Some(group.payload),
                    None => {
                        self.fail(Some(group.number), None, "it closes a cycle that never began")
                    }
                },
                Purpose::Budget | Purpose::Entries => {}
            }
        }
        let stored = work.tx.cycles()?;
        let differing = told
            .iter()
            .find(|(cycle, row)| stored.get(*cycle) != Some(*row))
            .or_else(|| stored.iter().find(|(cycle, _)| !told.contains_key(*cycle)));
        if let Some((cycle, _)) = differing {
            let CycleRef { playbook, number } = cycle;
            let what = format!(
                "cycle {number} of playbook `{playbook}` is stored otherwise than its groups say"
            );
            self.fail(None, None, &what);
        }
        Ok(())
    }
}
