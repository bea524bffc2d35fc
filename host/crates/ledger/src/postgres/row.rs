//! Rows of the database as values of the ledger.

use ::postgres::Row;
use playbook_model::{Digest, Minor, UnixMs};

use crate::account::Balance;
use crate::store::{CycleRow, Group, Purpose};
use crate::{AccountId, CycleRef, Entry, EntryKind, LedgerError};

fn digest_of(bytes: &[u8]) -> Result<Digest, LedgerError> {
    let bytes = bytes.try_into();
    bytes.map(Digest).map_err(|_| LedgerError::Damaged("a digest has another length".to_owned()))
}

pub(super) fn digest_at(row: &Row, at: usize) -> Result<Digest, LedgerError> {
    digest_of(row.try_get(at)?)
}

pub(super) fn optional_digest_at(row: &Row, at: usize) -> Result<Option<Digest>, LedgerError> {
    row.try_get::<_, Option<&[u8]>>(at)?.map(digest_of).transpose()
}

fn minor_at(row: &Row, at: usize) -> Result<Minor, LedgerError> {
    Ok(Minor(row.try_get(at)?))
}

/// Reads number, kind, account, recipient, amount, closes, bound, key, request, member, stage, action, family, quantity, expected
/// output, flags and hash from the first 17 columns.
pub(super) fn entry_of(row: &Row) -> Result<(Entry<'_>, Digest), LedgerError> {
    let number: i64 = row.try_get(0)?;
    let damaged = || LedgerError::Damaged(format!("entry {number} has fields out of range"));
    let flags: i64 = row.try_get(15)?;
    let entry = Entry {
        number,
        kind: EntryKind::from_number(row.try_get(1)?).ok_or_else(damaged)?,
        account: AccountId(row.try_get(2)?),
        to: row.try_get::<_, Option<i64>>(3)?.map(AccountId),
        amount: minor_at(row, 4)?,
        closes: row.try_get(5)?,
        bound: minor_at(row, 6)?,
        key: digest_at(row, 7)?,
        request: digest_at(row, 8)?,
        member: row.try_get(9)?,
        stage: row.try_get(10)?,
        action: row.try_get(11)?,
        family: row.try_get(12)?,
        quantity: row.try_get(13)?,
        expected_output: minor_at(row, 14)?,
        priority: u8::try_from(flags >> 2).map_err(|_| damaged())?,
        commercial: flags & 2 != 0,
        contacts_member: flags & 1 != 0,
    };
    Ok((entry, digest_at(row, 16)?))
}

/// Reads id, path, allocated, planned, reserved, spent, frozen and cycle limit.
pub(super) fn account_of(row: &Row) -> Result<Balance, LedgerError> {
    Ok(Balance {
        id: AccountId(row.try_get(0)?),
        path: row.try_get(1)?,
        allocated: minor_at(row, 2)?,
        planned: minor_at(row, 3)?,
        reserved: minor_at(row, 4)?,
        spent: minor_at(row, 5)?,
        frozen: row.try_get(6)?,
        cycle_limit: minor_at(row, 7)?,
    })
}

/// Reads number, purpose, time, playbook, cycle, payload, first, past, seal and accounts.
pub(super) fn group_of(row: &Row) -> Result<Group, LedgerError> {
    let purpose: i64 = row.try_get(1)?;
    let purpose = usize::try_from(purpose).ok().and_then(|at| Purpose::ALL.get(at));
    Ok(Group {
        number: row.try_get(0)?,
        purpose: *purpose
            .ok_or_else(|| LedgerError::Damaged("a group has no purpose".to_owned()))?,
        at: UnixMs(row.try_get(2)?),
        cycle: CycleRef { playbook: row.try_get(3)?, number: row.try_get(4)? },
        payload: digest_at(row, 5)?,
        first: row.try_get(6)?,
        end: row.try_get(7)?,
        seal: digest_at(row, 8)?,
        accounts: optional_digest_at(row, 9)?,
    })
}

/// Reads run key, opening entry and summary from the first three columns.
pub(super) fn cycle_of(row: &Row) -> Result<CycleRow, LedgerError> {
    let summary = optional_digest_at(row, 2)?;
    Ok(CycleRow { run_key: digest_at(row, 0)?, opening_entry: row.try_get(1)?, summary })
}
