//! The full audit of a ledger, which replays it, and the quick check at each opening.

use playbook_model::Digest;

use crate::account::Accounts;
use crate::chain::{Flaw, Walker, walk};
use crate::fold::Fold;
use crate::store::{Depth, Transaction};
use crate::work::Work;
use crate::{AccountId, Entry, Ledger, LedgerError};

/// Entries at the end of the chain that the quick check computes anew, or the last group where it has more.
const TAIL_ENTRIES: i64 = 4_096;
/// Groups at the end of the chain that it looks at, at most.
const TAIL_GROUPS: i64 = 4_096;

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

impl Ledger {
    /// Checks every digest from the first entry on, applies all entries anew under all invariants
    /// (allocated = available + reserved + spent, children within their parent, nothing below 0, no key
    /// twice) and compares what is stored for speed: the set of accounts, their balances, limits and
    /// frozen flags, cycles, openings, and the indexes of the database.
    ///
    /// A ledger that was cut off at the end is sound in itself: compare [`Ledger::head`] with the
    /// seal of an earlier run to see that.
    ///
    /// # Errors
    /// A fault of the storage. What is wrong with the ledger's content is a [`Flaw`].
    pub fn prove(&self) -> Result<Proof, LedgerError> {
        let proof = || match self.look(proven)? {
            sound @ Proof::Sound { .. } => {
                let found = self.inspect(Depth::Full)?;
                Ok(found.map_or(sound, |what| Proof::Broken(Flaw::of(what))))
            }
            broken @ Proof::Broken(_) => Ok(broken),
        };
        match proof() {
            Err(LedgerError::Damaged(what)) => Ok(Proof::Broken(Flaw::of(what))),
            other => other,
        }
    }

    /// What can be checked each time: that the accounts are those which the last group sealed, that the
    /// last few thousand entries are in the chain and found by their keys, and what the store finds at a
    /// quick look.
    pub(crate) fn quick_check(&self) -> Result<Option<Flaw>, LedgerError> {
        let flaw = || match self.look(tail)? {
            Some(flaw) => Ok(Some(flaw)),
            None => Ok(self.inspect(Depth::Quick)?.map(Flaw::of)),
        };
        match flaw() {
            Err(LedgerError::Damaged(what)) => Ok(Some(Flaw::of(what))),
            other => other,
        }
    }
}

fn proven(work: &mut Work<'_>) -> Result<Proof, LedgerError> {
    let fold = match Fold::run(work.tx.as_mut(), &work.accounts)? {
        Ok(fold) => fold,
        Err(flaw) => return Ok(Proof::Broken(flaw)),
    };
    if let Some(flaw) = fold.compare(work.tx.as_mut(), &work.accounts)? {
        return Ok(Proof::Broken(flaw));
    }
    let head = &work.head;
    Ok(Proof::Sound { groups: head.group, entries: head.entry, seal: head.seal })
}

fn tail(work: &mut Work<'_>) -> Result<Option<Flaw>, LedgerError> {
    let groups = work.tx.groups((work.head.group - TAIL_GROUPS).max(1))?;
    let Some(last) = groups.last() else {
        let empty = work.accounts.rows().is_empty();
        return Ok((!empty).then(|| Flaw::of("there are accounts and no commit group")));
    };
    if last.accounts != Some(work.accounts.digest(usize::MAX)) {
        return Ok(Some(Flaw::of("the accounts are not those that the last commit group sealed")));
    }
    // As many groups as hold a few thousand entries, but one at least; the first of a longer chain is
    // there for its seal alone.
    let near = groups.partition_point(|group| group.first + TAIL_ENTRIES < last.end);
    let first = near.min(groups.len() - 1).max(usize::from(groups[0].number > 1));
    let before = first.checked_sub(1).map(|at| &groups[at]);
    let mut tail = Tail { accounts: &work.accounts, keys: Vec::new() };
    let flaw = walk(work.tx.as_mut(), groups.get(first..).unwrap_or(&[]), before, &mut tail)?;
    match flaw {
        Some(flaw) => Ok(Some(flaw)),
        None => unindexed(work.tx.as_mut(), &tail.keys),
    }
}

/// The last entries: their keys, and what they close.
struct Tail<'a> {
    accounts: &'a Accounts,
    keys: Vec<(i64, Digest, Option<i64>)>,
}

impl Walker for Tail<'_> {
    fn path(&self, account: AccountId) -> Option<&str> {
        self.accounts.path(account)
    }

    fn entry(&mut self, entry: &Entry<'_>) -> Option<String> {
        self.keys.push((entry.number, entry.key, entry.closes));
        None
    }
}

/// The first entry that its key, or the entry that it closes, does not lead to.
fn unindexed(
    tx: &mut dyn Transaction,
    keys: &[(i64, Digest, Option<i64>)],
) -> Result<Option<Flaw>, LedgerError> {
    for (number, key, closes) in keys {
        let by_key = tx.used_key(key)?.map(|used| used.entry);
        let closing = match closes {
            Some(closed) => tx.closing_of(*closed)?.map(|(entry, _)| entry),
            None => Some(*number),
        };
        if by_key != Some(*number) || closing != Some(*number) {
            let what = "the index of keys does not lead to it".to_owned();
            return Ok(Some(Flaw { group: None, entry: Some(*number), what }));
        }
    }
    Ok(None)
}
