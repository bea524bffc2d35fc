//! The hash chain of groups and entries: every digest covers the one before it, so that no entry can be changed, removed
//! or added unseen. Recomputes it from one point on, for a visitor that hears what comes by.

use playbook_model::Digest;

use crate::store::{Group, Scope, Transaction};
use crate::{AccountId, Entry, LedgerError};

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

impl Flaw {
    /// A flaw of the whole rather than of a group or an entry.
    pub(crate) fn of(what: impl Into<String>) -> Self {
        Self { group: None, entry: None, what: what.into() }
    }
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

/// Goes along the chain and hears what comes by; an answer in words ends the way there.
pub(crate) trait Walker {
    /// Path of an account, which its entries are sealed with.
    fn path(&self, account: AccountId) -> Option<&str>;
    /// A group begins.
    fn begin(&mut self, _group: &Group) -> Option<String> {
        None
    }
    /// An entry of it.
    fn entry(&mut self, entry: &Entry<'_>) -> Option<String>;
    /// It ends.
    fn end(&mut self, _group: &Group) -> Option<String> {
        None
    }
}

/// Computes the digests of `groups`, which end the chain, and of all their entries anew. `before` is the
/// group before them.
pub(crate) fn walk(
    tx: &mut dyn Transaction,
    groups: &[Group],
    before: Option<&Group>,
    walker: &mut dyn Walker,
) -> Result<Option<Flaw>, LedgerError> {
    let mut way = Way {
        groups,
        at: 0,
        begun: false,
        number: before.map_or(0, |group| group.number),
        seal: before.map_or(Digest([0; 32]), |group| group.seal),
        chain: before.map_or(Digest([0; 32]), |group| group.seal),
        next: before.map_or(1, |group| group.end),
        walker,
    };
    let mut flaw = None;
    tx.scan(Scope::From(way.next), &mut |scanned| {
        flaw = way.entry(&scanned.entry, &scanned.hash).err();
        Ok(flaw.is_none())
    })?;
    let flaw = flaw.or_else(|| way.pass_groups().err());
    Ok(flaw.or_else(|| {
        let group = groups.get(way.at)?;
        Some(of_group(group, "entries are missing".to_owned()))
    }))
}

fn of_group(group: &Group, what: String) -> Flaw {
    Flaw { group: Some(group.number), entry: None, what }
}

/// How far along the chain.
struct Way<'w> {
    groups: &'w [Group],
    /// Position of the group that the next entry belongs to, and whether it has begun.
    at: usize,
    begun: bool,
    /// Number and seal of the group before.
    number: i64,
    seal: Digest,
    /// Digest of the last entry, or seal of the last group.
    chain: Digest,
    /// Number of the next entry.
    next: i64,
    walker: &'w mut dyn Walker,
}

impl Way<'_> {
    /// Begins and ends groups up to the one that holds the next entry.
    fn pass_groups(&mut self) -> Result<(), Flaw> {
        while let Some(group) = self.groups.get(self.at) {
            let odd = |what: &str| Err(of_group(group, what.to_owned()));
            if !self.begun {
                if group.number != self.number + 1
                    || group.first != self.next
                    || group.end < self.next
                {
                    return odd("the sequence of groups has a gap");
                }
                if let Some(what) = self.walker.begin(group) {
                    return odd(&what);
                }
                self.begun = true;
            }
            if group.end > self.next {
                break;
            }
            if group.sealed(&self.seal, &self.chain) != group.seal {
                return odd("the seal does not fit its entries");
            }
            if let Some(what) = self.walker.end(group) {
                return odd(&what);
            }
            self.number = group.number;
            self.seal = group.seal;
            self.chain = group.seal;
            self.at += 1;
            self.begun = false;
        }
        Ok(())
    }

    fn entry(&mut self, entry: &Entry<'_>, hash: &Digest) -> Result<(), Flaw> {
        self.pass_groups()?;
        let group = self.groups.get(self.at).map(|group| group.number);
        let odd =
            |what: &str| Err(Flaw { group, entry: Some(entry.number), what: what.to_owned() });
        if entry.number != self.next {
            return odd("entries before it are missing");
        }
        if group.is_none() {
            return odd("it belongs to no group");
        }
        let Some(path) = self.walker.path(entry.account) else {
            return odd("its account does not exist");
        };
        let to = entry.to.and_then(|id| self.walker.path(id));
        if entry.chained(&self.chain, path, to) != *hash {
            return odd("its content was changed");
        }
        if let Some(what) = self.walker.entry(entry) {
            return odd(&what);
        }
        self.chain = *hash;
        self.next += 1;
        Ok(())
    }
}
