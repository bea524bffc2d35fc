//! Accounts and chain within one transaction.

use playbook_model::{Digest, Minor, UnixMs};

use crate::account::{Accounts, Breach};
use crate::store::{Access, Group, Head, Purpose, Store, Transaction};
use crate::{AccountId, CycleRef, Entry, EntryKind, LedgerError};

/// Entries of one commit group at most.
pub(crate) const GROUP_ENTRIES_MAX: usize = 1 << 16;

/// Facts of the group that a unit of work becomes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seal<'a> {
    pub(crate) purpose: Purpose,
    pub(crate) at: UnixMs,
    pub(crate) cycle: Option<&'a CycleRef>,
    pub(crate) payload: Option<Digest>,
}

/// A transaction of the storage with a working copy of all accounts: entries change the copy, and finishing writes back
/// what changed.
pub(crate) struct Work<'s> {
    pub(crate) tx: Box<dyn Transaction + 's>,
    pub(crate) accounts: Accounts,
    pub(crate) head: Head,
    last: i64,
    chain: Digest,
    marked: bool,
    /// Whether accounts or head are others than those that it began with.
    touched: bool,
    purpose: Option<Purpose>,
}

impl<'s> Work<'s> {
    /// Begins a transaction. `known` are the accounts at a head: they are read again only where the
    /// chain has grown since, because each change of an account is an entry.
    pub(crate) fn begin(
        store: &'s mut dyn Store,
        access: Access,
        known: Option<(Head, Accounts)>,
    ) -> Result<Self, LedgerError> {
        let tx = store.begin(access)?;
        Self::over(tx, known)
    }

    /// Goes on with a transaction that has begun.
    pub(crate) fn over(
        mut tx: Box<dyn Transaction + 's>,
        known: Option<(Head, Accounts)>,
    ) -> Result<Self, LedgerError> {
        let head = tx.head()?;
        let accounts = match known {
            Some((at, accounts)) if at == head => accounts,
            _ => Accounts::of(tx.accounts()?)?,
        };
        let (last, chain) = (head.entry, head.seal);
        Ok(Self { tx, accounts, head, last, chain, marked: false, touched: false, purpose: None })
    }

    /// Whether accounts and head are those that it began with.
    pub(crate) fn is_as_it_was(&self) -> bool {
        !self.touched && !self.marked
    }

    /// Appends an entry, numbering it; gives back what it would break instead where it does not fit.
    pub(crate) fn record(&mut self, draft: Entry<'_>) -> Result<Result<i64, Breach>, LedgerError> {
        let entry = Entry { number: self.last + 1, ..draft };
        if let Err(breach) = self.accounts.apply(&entry) {
            return Ok(Err(breach));
        }
        // Also where the storage refuses it.
        self.touched = true;
        let path = self.accounts.path(entry.account).unwrap_or("");
        let to = entry.to.and_then(|id| self.accounts.path(id));
        let hash = entry.chained(&self.chain, path, to);
        self.tx.append_entry(&entry, &hash)?;
        self.last = entry.number;
        self.chain = hash;
        Ok(Ok(entry.number))
    }

    /// Appends an entry that must fit; a breach becomes an error in words.
    pub(crate) fn must_record(&mut self, draft: Entry<'_>) -> Result<i64, LedgerError> {
        match self.record(draft)? {
            Ok(number) => Ok(number),
            Err(breach) => Err(self.words(&breach, &draft)),
        }
    }

    /// Appends an entry that follows from the ledger's own state: its key is unique because the last
    /// entry is.
    pub(crate) fn record_own(
        &mut self,
        kind: EntryKind,
        what: &str,
        account: AccountId,
        amount: Minor,
    ) -> Result<i64, LedgerError> {
        let key = Digest::of_parts([
            b"state".as_slice(),
            what.as_bytes(),
            &account.0.to_be_bytes(),
            &self.last.to_be_bytes(),
        ]);
        self.must_record(money_entry(kind, account, amount, key, key))
    }

    /// Opens an account, or finds it; says whether it is new.
    pub(crate) fn open_account(&mut self, path: &str) -> Result<(AccountId, bool), LedgerError> {
        let (id, new) = self.accounts.open(path)?;
        if new {
            self.record_own(EntryKind::Open, "open", id, Minor::ZERO)?;
        }
        Ok((id, new))
    }

    /// A breach as an error in words.
    pub(crate) fn words(&self, breach: &Breach, draft: &Entry<'_>) -> LedgerError {
        match breach {
            Breach::NoAccount(id) => LedgerError::NoAccount(*id),
            Breach::Overflow => LedgerError::Overflow,
            Breach::Fields => LedgerError::Damaged(format!(
                "a {} does not fit the account it names",
                draft.kind.name()
            )),
            Breach::Short(id) | Breach::Children(id) => {
                let row = self.accounts.get(*id);
                let held = row.map_or(0, |row| row.allocated.0);
                let change = match draft.kind {
                    EntryKind::Recover | EntryKind::Transfer => -draft.amount.0,
                    _ => draft.amount.0,
                };
                let free = self.accounts.available(*id).map_or(0, |(left, _)| left.0);
                LedgerError::Committed {
                    account: row.map_or_else(String::new, |row| row.path.clone()),
                    asked: Minor(held.saturating_add(change)),
                    committed: Minor(held.saturating_sub(free)),
                }
            }
        }
    }

    /// Makes the group appear even if it has no entry.
    pub(crate) fn mark(&mut self) {
        self.marked = true;
    }

    /// Seals the group for another purpose than was said at first.
    pub(crate) fn seal_as(&mut self, purpose: Purpose) {
        self.purpose = Some(purpose);
    }

    /// Number of the last entry so far.
    pub(crate) fn last_entry(&self) -> i64 {
        self.last
    }

    /// Seals what was recorded since the last group as a group of its own; the transaction goes on. Nothing recorded: no
    /// group.
    pub(crate) fn cut(&mut self, seal: Seal<'_>) -> Result<(), LedgerError> {
        if self.last == self.head.entry && !self.marked {
            return Ok(());
        }
        self.touched = true;
        let mut group = Group {
            number: self.head.group + 1,
            purpose: self.purpose.take().unwrap_or(seal.purpose),
            at: seal.at,
            cycle: seal.cycle.cloned().unwrap_or_default(),
            payload: seal.payload.unwrap_or(Digest([0; 32])),
            first: self.head.entry + 1,
            end: self.last + 1,
            seal: Digest([0; 32]),
            accounts: Some(self.accounts.digest(usize::MAX)),
        };
        group.seal = group.sealed(&self.head.seal, &self.chain);
        self.tx.append_group(&group)?;
        self.head = Head { group: group.number, entry: self.last, seal: group.seal };
        (self.chain, self.marked) = (group.seal, false);
        Ok(())
    }

    /// Seals the last group and keeps everything; gives back what the next transaction may go on with.
    pub(crate) fn finish(mut self, seal: Seal<'_>) -> Result<(Head, Accounts), LedgerError> {
        self.cut(seal)?;
        let changed = self.accounts.take_changed();
        self.tx.put_accounts(&changed)?;
        self.tx.commit()?;
        Ok((self.head, self.accounts))
    }
}

/// Returns an entry about money itself: no member, no action.
pub(crate) fn money_entry(
    kind: EntryKind,
    account: AccountId,
    amount: Minor,
    key: Digest,
    request: Digest,
) -> Entry<'static> {
    Entry {
        number: 0,
        kind,
        account,
        to: None,
        amount,
        closes: None,
        bound: Minor::ZERO,
        key,
        request,
        member: 0,
        stage: "",
        action: "",
        family: "",
        quantity: 0,
        expected_output: Minor::ZERO,
        priority: 0,
        contacts_member: false,
        commercial: false,
    }
}
