//! One transaction on a ledger file: rows in, rows out.

use std::collections::BTreeMap;

use playbook_model::{Digest, Minor, UnixMs};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, params};

use crate::account::Balance;
use crate::store::{
    Access, CycleRow, Group, Head, OnRow, Openings, Purpose, ROW_KEY_BYTES_MAX, Row, RowScope,
    Scanned, Scope, Transaction, UsedKey, Visit, VisitRow,
};
use crate::{AccountId, CycleRef, Entry, EntryKind, LedgerError};

const ENTRY_FIELDS: &str = "e.number, e.kind, e.account, e.recipient, e.amount, e.closes, e.bound, \
     e.key, e.request, e.member, e.stage, e.action, e.family, e.quantity, e.expected_output, \
     e.flags, e.hash";

/// Grants of a member by their index, what closes them by its own, and the time of each one's group: of
/// groups that begin there, the last one holds the entry, those before it are empty.
const SPAN: &str = ", (SELECT g.at FROM groups g WHERE g.first <= e.number \
     ORDER BY g.first DESC, g.number DESC LIMIT 1) FROM entries e \
     WHERE e.number >= ?1 AND e.number < ?2 ORDER BY e.number";
const MEMBER: &str = ", (SELECT g.at FROM groups g WHERE g.first <= e.number \
     ORDER BY g.first DESC, g.number DESC LIMIT 1) FROM entries e WHERE e.number IN \
     (SELECT number FROM entries WHERE member = ?1 AND kind = 1 UNION ALL \
      SELECT c.number FROM entries m JOIN entries c ON c.closes = m.number \
      WHERE m.member = ?1 AND m.kind = 1) ORDER BY e.number";

/// A transaction.
pub(super) struct Step<'c> {
    connection: &'c Connection,
    /// Whether this value still has to end the transaction.
    open: bool,
}

impl<'c> Step<'c> {
    /// Begins a transaction.
    pub(super) fn begin(connection: &'c Connection, access: Access) -> Result<Self, LedgerError> {
        connection.execute_batch(match access {
            Access::Write => "BEGIN IMMEDIATE",
            Access::Read => "BEGIN",
        })?;
        Ok(Self { connection, open: true })
    }

    /// Works within a transaction that somebody else ends.
    pub(super) fn within(connection: &'c Connection) -> Self {
        Self { connection, open: false }
    }
}

impl Drop for Step<'_> {
    fn drop(&mut self) {
        if self.open {
            // A connection that cannot even undo is closed by its owner, which undoes as well.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }
}

fn digest_at(row: &rusqlite::Row<'_>, at: usize) -> Result<Digest, LedgerError> {
    match row.get_ref(at)? {
        ValueRef::Blob(bytes) => bytes
            .try_into()
            .map(Digest)
            .map_err(|_| LedgerError::Damaged("a digest has another length".to_owned())),
        _ => Err(LedgerError::Damaged("a digest is no blob".to_owned())),
    }
}

fn optional_digest_at(row: &rusqlite::Row<'_>, at: usize) -> Result<Option<Digest>, LedgerError> {
    match row.get_ref(at)? {
        ValueRef::Null => Ok(None),
        _ => digest_at(row, at).map(Some),
    }
}

fn text_at<'r>(row: &'r rusqlite::Row<'_>, at: usize) -> Result<&'r str, LedgerError> {
    row.get_ref(at)?.as_str().map_err(|_| LedgerError::Damaged("a text is not UTF-8".to_owned()))
}

fn entry_of<'r>(row: &'r rusqlite::Row<'_>) -> Result<(Entry<'r>, Digest), LedgerError> {
    let number: i64 = row.get(0)?;
    let damaged = || LedgerError::Damaged(format!("entry {number} has fields out of range"));
    let flags: i64 = row.get(15)?;
    let entry = Entry {
        number,
        kind: EntryKind::from_number(row.get(1)?).ok_or_else(damaged)?,
        account: AccountId(row.get(2)?),
        to: row.get::<_, Option<i64>>(3)?.map(AccountId),
        amount: Minor(row.get(4)?),
        closes: row.get(5)?,
        bound: Minor(row.get(6)?),
        key: digest_at(row, 7)?,
        request: digest_at(row, 8)?,
        member: row.get(9)?,
        stage: text_at(row, 10)?,
        action: text_at(row, 11)?,
        family: text_at(row, 12)?,
        quantity: row.get(13)?,
        expected_output: Minor(row.get(14)?),
        priority: u8::try_from(flags >> 2).map_err(|_| damaged())?,
        commercial: flags & 2 != 0,
        contacts_member: flags & 1 != 0,
    };
    Ok((entry, digest_at(row, 16)?))
}

/// Reads run key, opening entry and summary from the first three columns.
fn cycle_of(row: &rusqlite::Row<'_>) -> Result<CycleRow, LedgerError> {
    let summary = optional_digest_at(row, 2)?;
    Ok(CycleRow { run_key: digest_at(row, 0)?, opening_entry: row.get(1)?, summary })
}

impl Step<'_> {
    /// Visits the entries of a statement; whether the visitor goes on.
    fn visited(
        &self,
        tail: &str,
        values: &[&dyn rusqlite::ToSql],
        visit: &mut Visit<'_>,
    ) -> Result<bool, LedgerError> {
        let sql = format!("SELECT {ENTRY_FIELDS}{tail}");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query(values)?;
        while let Some(row) = rows.next()? {
            let (entry, hash) = entry_of(row)?;
            let at = UnixMs(row.get(17)?);
            if !visit(Scanned { entry, hash, at })? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Transaction for Step<'_> {
    fn accounts(&mut self) -> Result<Vec<Balance>, LedgerError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, path, allocated, planned, reserved, spent, frozen, cycle_limit \
             FROM accounts ORDER BY id",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(Balance {
                id: AccountId(row.get(0)?),
                path: row.get(1)?,
                allocated: Minor(row.get(2)?),
                planned: Minor(row.get(3)?),
                reserved: Minor(row.get(4)?),
                spent: Minor(row.get(5)?),
                frozen: row.get(6)?,
                cycle_limit: Minor(row.get(7)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn put_accounts(&mut self, rows: &[Balance]) -> Result<(), LedgerError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO accounts (id, path, allocated, planned, reserved, spent, frozen, \
             cycle_limit) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (id) DO UPDATE SET \
             allocated = ?3, planned = ?4, reserved = ?5, spent = ?6, frozen = ?7, cycle_limit = ?8",
        )?;
        for row in rows {
            statement.execute(params![
                row.id.0,
                row.path,
                row.allocated.0,
                row.planned.0,
                row.reserved.0,
                row.spent.0,
                row.frozen,
                row.cycle_limit.0
            ])?;
        }
        Ok(())
    }

    fn head(&mut self) -> Result<Head, LedgerError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT number, past, seal FROM groups ORDER BY number DESC LIMIT 1")?;
        let mut rows = statement.query([])?;
        match rows.next()? {
            None => Ok(Head { group: 0, entry: 0, seal: Digest([0; 32]) }),
            Some(row) => {
                let past: i64 = row.get(1)?;
                Ok(Head { group: row.get(0)?, entry: past - 1, seal: digest_at(row, 2)? })
            }
        }
    }

    fn used_key(&mut self, key: &Digest) -> Result<Option<UsedKey>, LedgerError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT number, request, account, amount FROM entries WHERE key = ?1",
        )?;
        let mut rows = statement.query([key.0.as_slice()])?;
        rows.next()?
            .map(|row| {
                Ok(UsedKey {
                    entry: row.get(0)?,
                    request: digest_at(row, 1)?,
                    account: AccountId(row.get(2)?),
                    amount: Minor(row.get(3)?),
                })
            })
            .transpose()
    }

    fn closing_of(&mut self, entry: i64) -> Result<Option<(i64, Digest)>, LedgerError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT number, request FROM entries WHERE closes = ?1")?;
        let mut rows = statement.query([entry])?;
        rows.next()?.map(|row| Ok((row.get(0)?, digest_at(row, 1)?))).transpose()
    }

    fn foresee(&mut self, _: &[Digest]) -> Result<(), LedgerError> {
        // A key is as near when it is asked for.
        Ok(())
    }

    fn append_entry(&mut self, entry: &Entry<'_>, hash: &Digest) -> Result<(), LedgerError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO entries VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, \
             ?14, ?15, ?16, ?17)",
        )?;
        statement.execute(params![
            entry.number,
            entry.kind.number(),
            entry.account.0,
            entry.to.map(|id| id.0),
            entry.amount.0,
            entry.closes,
            entry.bound.0,
            entry.key.0.as_slice(),
            entry.request.0.as_slice(),
            entry.member,
            entry.stage,
            entry.action,
            entry.family,
            entry.quantity,
            entry.expected_output.0,
            entry.flags(),
            hash.0.as_slice(),
        ])?;
        Ok(())
    }

    fn append_group(&mut self, group: &Group) -> Result<(), LedgerError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO groups VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?;
        statement.execute(params![
            group.number,
            group.purpose as i64,
            group.at.0,
            group.cycle.playbook,
            group.cycle.number,
            group.payload.0.as_slice(),
            group.first,
            group.end,
            group.seal.0.as_slice(),
            group.accounts.as_ref().map(|digest| digest.0.as_slice()),
        ])?;
        Ok(())
    }

    fn groups(&mut self, from: i64) -> Result<Vec<Group>, LedgerError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT number, purpose, at, playbook, cycle, payload, first, past, seal, accounts \
             FROM groups WHERE number >= ?1 ORDER BY number",
        )?;
        let mut rows = statement.query([from])?;
        let mut groups = Vec::new();
        while let Some(row) = rows.next()? {
            let purpose: i64 = row.get(1)?;
            let purpose = usize::try_from(purpose).ok().and_then(|at| Purpose::ALL.get(at));
            groups.push(Group {
                number: row.get(0)?,
                purpose: *purpose
                    .ok_or_else(|| LedgerError::Damaged("a group has no purpose".to_owned()))?,
                at: UnixMs(row.get(2)?),
                cycle: CycleRef { playbook: row.get(3)?, number: row.get(4)? },
                payload: digest_at(row, 5)?,
                first: row.get(6)?,
                end: row.get(7)?,
                seal: digest_at(row, 8)?,
                accounts: optional_digest_at(row, 9)?,
            });
        }
        Ok(groups)
    }

    fn scan(&mut self, scope: Scope<'_>, visit: &mut Visit<'_>) -> Result<(), LedgerError> {
        // CROSS JOIN fixes the order: groups outside, so that entries come in order of number.
        let (tail, values): (&str, Vec<&dyn rusqlite::ToSql>) = match &scope {
            Scope::From(number) => {
                (", 0 FROM entries e WHERE e.number >= ?1 ORDER BY e.number", vec![number])
            }
            Scope::Cycle(cycle) => (
                ", g.at FROM groups g CROSS JOIN entries e ON e.number >= g.first AND \
                 e.number < g.past WHERE g.playbook = ?1 AND g.cycle = ?2 \
                 ORDER BY g.number, e.number",
                vec![&cycle.playbook, &cycle.number],
            ),
            Scope::Since(at) => (
                ", g.at FROM groups g CROSS JOIN entries e ON e.number >= g.first AND \
                 e.number < g.past WHERE g.number >= (SELECT min(number) FROM groups WHERE at > ?1) \
                 AND (g.at > ?1 OR e.closes IS NOT NULL) ORDER BY g.number, e.number",
                vec![&at.0],
            ),
            Scope::Span(first, end) => (SPAN, vec![first, end]),
            Scope::Members(members) => {
                for member in *members {
                    if !self.visited(MEMBER, &[member], visit)? {
                        break;
                    }
                }
                return Ok(());
            }
        };
        self.visited(tail, &values, visit).map(|_| ())
    }

    fn cycle(&mut self, cycle: &CycleRef) -> Result<Option<CycleRow>, LedgerError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT run_key, opening_entry, summary FROM cycles WHERE playbook = ?1 AND cycle = ?2",
        )?;
        let mut rows = statement.query(params![cycle.playbook, cycle.number])?;
        rows.next()?.map(|row| cycle_of(row)).transpose()
    }

    fn cycles(&mut self) -> Result<BTreeMap<CycleRef, CycleRow>, LedgerError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT run_key, opening_entry, summary, playbook, cycle FROM cycles",
        )?;
        let mut rows = statement.query([])?;
        let mut cycles = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let cycle = CycleRef { playbook: row.get(3)?, number: row.get(4)? };
            cycles.insert(cycle, cycle_of(row)?);
        }
        Ok(cycles)
    }

    fn put_cycle(&mut self, cycle: &CycleRef, row: &CycleRow) -> Result<(), LedgerError> {
        self.connection.prepare_cached(
            "INSERT INTO cycles VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET summary = ?5",
        )?.execute(params![
            cycle.playbook,
            cycle.number,
            row.run_key.0.as_slice(),
            row.opening_entry,
            row.summary.as_ref().map(|digest| digest.0.as_slice()),
        ])?;
        Ok(())
    }

    fn openings(&mut self, cycle: &CycleRef) -> Result<Openings, LedgerError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT account, committed FROM openings WHERE playbook = ?1 AND cycle = ?2",
        )?;
        let rows = statement.query_map(params![cycle.playbook, cycle.number], |row| {
            Ok((AccountId(row.get(0)?), Minor(row.get(1)?)))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn put_openings(&mut self, cycle: &CycleRef, rows: &Openings) -> Result<(), LedgerError> {
        let mut statement =
            self.connection.prepare_cached("INSERT INTO openings VALUES (?1, ?2, ?3, ?4)")?;
        for (account, committed) in rows {
            statement.execute(params![cycle.playbook, cycle.number, account.0, committed.0])?;
        }
        Ok(())
    }

    fn foresee_rows(&mut self, _: &[(u8, i64, &[u8])]) -> Result<(), LedgerError> {
        Ok(())
    }

    fn put_rows(&mut self, rows: &[Row<'_>], on_row: OnRow) -> Result<Vec<bool>, LedgerError> {
        let insert = "INSERT INTO rows VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
        let mut insert = self.connection.prepare_cached(insert)?;
        let update = "UPDATE rows SET value = ?4 WHERE space = ?1 AND owner = ?2 AND key = ?3";
        let mut update = self.connection.prepare_cached(update)?;
        let mut stood = Vec::with_capacity(rows.len());
        for Row { space, owner, key, value } in rows {
            if key.len() > ROW_KEY_BYTES_MAX {
                return Err(LedgerError::LongKey(key.len()));
            }
            let is_new = insert.execute(params![space, owner, key, value])? == 1;
            if !is_new && on_row == OnRow::Goes {
                update.execute(params![space, owner, key, value])?;
            }
            stood.push(!is_new);
        }
        Ok(stood)
    }

    fn rows(
        &mut self,
        space: u8,
        scope: RowScope<'_>,
        visit: &mut VisitRow<'_>,
    ) -> Result<(), LedgerError> {
        let (tail, values): (&str, Vec<&dyn rusqlite::ToSql>) = match &scope {
            RowScope::Owner(owner) => ("AND owner = ?2", vec![&space, owner]),
            RowScope::Key(owner, key) => ("AND owner = ?2 AND key = ?3", vec![&space, owner, key]),
            RowScope::After(None) => ("", vec![&space]),
            RowScope::After(Some((owner, key))) => {
                ("AND (owner, key) > (?2, ?3)", vec![&space, owner, key])
            }
        };
        let sql = format!(
            "SELECT owner, key, value FROM rows WHERE space = ?1 {tail} ORDER BY owner, key"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query(values.as_slice())?;
        while let Some(row) = rows.next()? {
            let damaged = || LedgerError::Damaged("a key or value of a row is no blob".to_owned());
            let key = row.get_ref(1)?.as_blob().map_err(|_| damaged())?;
            let value = row.get_ref(2)?.as_blob().map_err(|_| damaged())?;
            if !visit(row.get(0)?, key, value)? {
                break;
            }
        }
        Ok(())
    }

    fn remove_rows(&mut self, space: u8, owner: i64) -> Result<u64, LedgerError> {
        let sql = "DELETE FROM rows WHERE space = ?1 AND owner = ?2";
        let removed = self.connection.prepare_cached(sql)?.execute(params![space, owner])?;
        Ok(removed as u64)
    }

    fn announce(&mut self) -> Result<(), LedgerError> {
        Ok(())
    }

    fn commit(mut self: Box<Self>) -> Result<(), LedgerError> {
        if self.open {
            self.connection.execute_batch("COMMIT")?;
            self.open = false;
        }
        Ok(())
    }
}
