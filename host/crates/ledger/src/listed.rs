//! Entries as a list for people: the newest first, in parts, filtered.

use playbook_model::{Digest, Minor, UnixMs};

use crate::account::Accounts;
use crate::store::{Scanned, Scope};
use crate::work::Work;
use crate::{Entry, EntryKind, Ledger, LedgerError};

/// Entries that are read in one transaction; others take their turn in between.
const WINDOW: i64 = 1_000;
/// Entries that are looked at for one part of a list.
const LOOKED_MAX: i64 = 20_000;

/// Which entries a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntryFilter {
    /// Those of an account, and of the accounts below it, by path.
    pub account: Option<String>,
    /// Those of a stage.
    pub stage: Option<String>,
    /// Grants of a member, by the pseudonyms of all its accounts, and what settled or released them; empty: of whomever.
    pub members: Vec<i64>,
    /// The entry that bears a key, and what settled or released it.
    pub key: Option<Digest>,
    /// Those of a kind.
    pub kind: Option<EntryKind>,
}

/// An entry as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedEntry {
    /// Position in the ledger, from 1.
    pub number: i64,
    /// When it was committed, as its caller said.
    pub at: UnixMs,
    /// What it does.
    pub kind: EntryKind,
    /// Path of its account.
    pub account: String,
    /// Path of the receiving account of a transfer.
    pub to: Option<String>,
    /// Minor units; 1 or -1 for a freeze.
    pub amount: Minor,
    /// Entry that is settled or released.
    pub closes: Option<i64>,
    /// Amount that the closed entry had bound; 0 where none is closed.
    pub bound: Minor,
    /// Its key.
    pub key: Digest,
    /// Pseudonym of the member of a grant; 0 elsewhere.
    pub member: i64,
    /// Stage that proposed a grant; empty elsewhere.
    pub stage: String,
    /// Action of a grant; empty elsewhere.
    pub action: String,
    /// Points, units or 1.
    pub quantity: i64,
}

impl Ledger {
    /// Entries before a number, or the last ones; the newest first, at most `most`. With them comes the number to go on
    /// before, or none at the end. A part whose filter takes little may be short, because not more than 20,000 entries are
    /// looked at for it.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn entries(
        &self,
        filter: &EntryFilter,
        before: Option<i64>,
        most: usize,
    ) -> Result<(Vec<ListedEntry>, Option<i64>), LedgerError> {
        let mut before = match before {
            Some(before) => before,
            None => self.look(|work| Ok(work.head.entry))?.saturating_add(1),
        };
        if !filter.members.is_empty() || filter.key.is_some() {
            let found = self.look(|work| pointed(work, filter, before))?;
            return Ok(part(found, most, None));
        }
        let mut found = Vec::new();
        let least = before.saturating_sub(LOOKED_MAX).max(1);
        while before > least && found.len() <= most {
            let first = before.saturating_sub(WINDOW).max(least);
            found.extend(self.look(|work| scanned(work, filter, Scope::Span(first, before)))?);
            before = first;
        }
        Ok(part(found, most, (before > 1).then_some(before)))
    }
}

/// At most so many, and the number to go on before; `rest`: where nothing was looked at yet.
fn part(
    mut found: Vec<ListedEntry>,
    most: usize,
    rest: Option<i64>,
) -> (Vec<ListedEntry>, Option<i64>) {
    let has_more = found.len() > most;
    found.truncate(most);
    let last = found.last().map(|entry| entry.number);
    let next = if has_more { last } else { rest };
    (found, next)
}

/// Entries before a number that an index leads to: of a member, or under a key.
fn pointed(
    work: &mut Work<'_>,
    filter: &EntryFilter,
    before: i64,
) -> Result<Vec<ListedEntry>, LedgerError> {
    let Some(key) = &filter.key else {
        let mut found = scanned(work, filter, Scope::Members(&filter.members))?;
        found.retain(|entry| entry.number < before);
        found.sort_unstable_by_key(|entry| std::cmp::Reverse(entry.number));
        return Ok(found);
    };
    let Some(used) = work.tx.used_key(key)? else { return Ok(Vec::new()) };
    let closing = work.tx.closing_of(used.entry)?.map(|(number, _)| number);
    let mut found = Vec::new();
    for number in closing.into_iter().chain([used.entry]).filter(|number| *number < before) {
        found.extend(scanned(work, filter, Scope::Span(number, number + 1))?);
    }
    Ok(found)
}

/// The entries of a scope that the filter takes, the newest first.
fn scanned(
    work: &mut Work<'_>,
    filter: &EntryFilter,
    scope: Scope<'_>,
) -> Result<Vec<ListedEntry>, LedgerError> {
    let Work { tx, accounts, .. } = work;
    let mut found = Vec::new();
    tx.scan(scope, &mut |Scanned { entry, at, .. }| {
        let account = accounts.path(entry.account).unwrap_or("");
        if filter.takes(&entry, account) {
            found.push(listed(&entry, at, accounts));
        }
        Ok(true)
    })?;
    found.reverse();
    Ok(found)
}

impl EntryFilter {
    fn takes(&self, entry: &Entry<'_>, account: &str) -> bool {
        let is_below = |asked: &String| {
            let rest = account.strip_prefix(asked.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.account.as_ref().is_none_or(is_below)
            && self.stage.as_ref().is_none_or(|stage| stage == entry.stage)
            && self.kind.is_none_or(|kind| kind == entry.kind)
            // What closes a grant names no member; an index has led to it.
            && (self.members.is_empty()
                || entry.closes.is_some()
                || self.members.contains(&entry.member))
    }
}

fn listed(entry: &Entry<'_>, at: UnixMs, accounts: &Accounts) -> ListedEntry {
    let path = |id| accounts.path(id).unwrap_or("").to_owned();
    ListedEntry {
        number: entry.number,
        at,
        kind: entry.kind,
        account: path(entry.account),
        to: entry.to.map(path),
        amount: entry.amount,
        closes: entry.closes,
        bound: entry.bound,
        key: entry.key,
        member: entry.member,
        stage: entry.stage.to_owned(),
        action: entry.action.to_owned(),
        quantity: entry.quantity,
    }
}
