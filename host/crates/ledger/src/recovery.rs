//! What a grant holds of its account's money, and taking back what was paid for it.

use playbook_model::{Digest, Minor};

use crate::grant::{closing_key, closing_request};
use crate::store::UsedKey;
use crate::work::{Work, money_entry};
use crate::{AccountId, Entry, EntryKind, LedgerError};

/// What a grant holds of its account's money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Its money is reserved.
    Reserved(Minor),
    /// It was settled; this much of what was paid was not taken back.
    Paid(Minor),
    /// It was released.
    Released,
}

/// A hold with the end of its chain of entries.
pub(crate) struct Chain {
    pub(crate) hold: Hold,
    account: AccountId,
    /// The settlement or the last recovery, and the number of recoveries.
    end: (i64, u32),
}

fn recovery_key(grant: &Digest, number: u32) -> Digest {
    Digest::of_parts([b"recover".as_slice(), grant.0.as_slice(), &number.to_be_bytes()])
}

pub(crate) fn hold(work: &mut Work<'_>, grant: &Digest) -> Result<Chain, LedgerError> {
    let granted = work.tx.used_key(grant)?.ok_or_else(|| LedgerError::NoGrant(grant.hex()))?;
    let UsedKey { entry, account, amount: reserved, .. } = granted;
    let Some(closing) = work.tx.used_key(&closing_key(grant))? else {
        return Ok(Chain { hold: Hold::Reserved(reserved), account, end: (entry, 0) });
    };
    if closing.request != closing_request(EntryKind::Settle, grant, closing.amount) {
        return Ok(Chain { hold: Hold::Released, account, end: (closing.entry, 0) });
    }
    let (mut left, mut end) = (closing.amount, (closing.entry, 0));
    while let Some(back) = work.tx.used_key(&recovery_key(grant, end.1))? {
        left.0 -= back.amount.0;
        end = (back.entry, end.1 + 1);
    }
    Ok(Chain { hold: Hold::Paid(left), account, end })
}

/// Takes back a part of what was paid; returns the entry that it follows, and its own.
pub(crate) fn recover(
    work: &mut Work<'_>,
    grant: &Digest,
    amount: Minor,
) -> Result<(i64, i64), LedgerError> {
    if amount < Minor::ZERO {
        return Err(LedgerError::Negative(amount));
    }
    let Chain { hold, account, end: (before, number) } = hold(work, grant)?;
    let Hold::Paid(left) = hold else { return Err(LedgerError::NoGrant(grant.hex())) };
    let key = recovery_key(grant, number);
    let entry = Entry {
        closes: Some(before),
        bound: left,
        ..money_entry(EntryKind::Recover, account, amount, key, key)
    };
    Ok((before, work.must_record(entry)?))
}
