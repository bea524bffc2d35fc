//! The ledger's storage in one SQLite file: write-ahead log, synchronous FULL.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use playbook_model::{Digest, Minor, UnixMs};
use rusqlite::backup::Backup;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row, params};

use crate::account::Balance;
use crate::store::{
    Access, CycleRow, Group, Head, OpeningRow, Purpose, Scanned, Scope, Store, Transaction,
    UsedKey, Visit,
};
use crate::{AccountId, CycleRef, Entry, EntryKind, LedgerError};

/// Number of the layout below, kept in the file as `user_version`.
const LAYOUT: i64 = 1;
/// "PBLG", so that the file can be told from other SQLite files.
const APPLICATION_ID: i64 = 0x5042_4c47;
/// How long a transaction waits for another connection's.
const BUSY_WAIT: Duration = Duration::from_secs(10);
/// Pages of cache, in KiB.
const CACHE_KIB: i64 = 32 << 10;

const TABLES: &str = "
CREATE TABLE brand (name TEXT NOT NULL) STRICT;
CREATE TABLE accounts (
    id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, allocated INTEGER NOT NULL,
    planned INTEGER NOT NULL, reserved INTEGER NOT NULL, spent INTEGER NOT NULL,
    frozen INTEGER NOT NULL, cycle_limit INTEGER NOT NULL) STRICT;
CREATE TABLE groups (
    number INTEGER PRIMARY KEY, purpose INTEGER NOT NULL, at INTEGER NOT NULL,
    playbook TEXT NOT NULL, cycle INTEGER NOT NULL, payload BLOB NOT NULL,
    first INTEGER NOT NULL, past INTEGER NOT NULL, seal BLOB NOT NULL) STRICT;
CREATE INDEX groups_cycle ON groups (playbook, cycle);
CREATE TABLE entries (
    number INTEGER PRIMARY KEY, kind INTEGER NOT NULL, account INTEGER NOT NULL,
    recipient INTEGER, amount INTEGER NOT NULL, closes INTEGER, bound INTEGER NOT NULL,
    key BLOB NOT NULL UNIQUE, request BLOB NOT NULL, member INTEGER NOT NULL,
    stage TEXT NOT NULL, action TEXT NOT NULL, family TEXT NOT NULL, quantity INTEGER NOT NULL,
    expected_output INTEGER NOT NULL, flags INTEGER NOT NULL, hash BLOB NOT NULL) STRICT;
CREATE UNIQUE INDEX entries_closes ON entries (closes) WHERE closes IS NOT NULL;
CREATE TABLE cycles (
    playbook TEXT NOT NULL, cycle INTEGER NOT NULL, run_key BLOB NOT NULL,
    opening_entry INTEGER NOT NULL, summary BLOB, PRIMARY KEY (playbook, cycle)) STRICT;
CREATE TABLE openings (
    playbook TEXT NOT NULL, cycle INTEGER NOT NULL, account INTEGER NOT NULL,
    committed INTEGER NOT NULL, available INTEGER NOT NULL,
    PRIMARY KEY (playbook, cycle, account)) STRICT;
CREATE TRIGGER entries_stay BEFORE UPDATE ON entries
    BEGIN SELECT raise(ABORT, 'entries of a ledger never change'); END;
CREATE TRIGGER entries_remain BEFORE DELETE ON entries
    BEGIN SELECT raise(ABORT, 'entries of a ledger never go'); END;
";

const ENTRY_FIELDS: &str = "e.number, e.kind, e.account, e.recipient, e.amount, e.closes, e.bound, \
     e.key, e.request, e.member, e.stage, e.action, e.family, e.quantity, e.expected_output, \
     e.flags, e.hash";

/// A connection to a ledger file, or to a private copy of one.
#[derive(Debug)]
pub(crate) struct Sqlite {
    connection: Connection,
    /// Whether nobody else sees what is written here.
    private: bool,
}

impl Sqlite {
    /// Opens or creates the file at `path`.
    pub(crate) fn open(path: &Path, brand: &str) -> Result<Self, LedgerError> {
        let mut connection = Connection::open(path)?;
        prepare(&connection)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        let version: i64 = connection.pragma_query_value(None, "user_version", |r| r.get(0))?;
        if version == 0 {
            create(&mut connection, brand)?;
        }
        check(&connection, path, brand)?;
        Ok(Self { connection, private: false })
    }

    /// Opens the file at `path` to look only; nothing can be written.
    pub(crate) fn read(path: &Path, brand: &str) -> Result<Self, LedgerError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        prepare(&connection)?;
        check(&connection, path, brand)?;
        Ok(Self { connection, private: false })
    }

    /// Creates a ledger in memory.
    pub(crate) fn in_memory(brand: &str) -> Result<Self, LedgerError> {
        let mut connection = Connection::open_in_memory()?;
        prepare(&connection)?;
        create(&mut connection, brand)?;
        Ok(Self { connection, private: true })
    }

    /// Copies the file at `path`, as it stands, into a database of its own that goes with this value.
    ///
    /// The copy is one read transaction: it waits for no writer and no writer waits for it.
    pub(crate) fn snapshot(path: &Path, brand: &str) -> Result<Self, LedgerError> {
        let file = Self::read(path, brand)?;
        // A database without a name lives in the cache and spills to a file that nobody can open.
        let mut connection = Connection::open("")?;
        Backup::new(&file.connection, &mut connection)?.step(-1)?;
        prepare(&connection)?;
        // What nobody keeps needs no log and no wait for the disk.
        connection.pragma_update(None, "journal_mode", "MEMORY")?;
        connection.pragma_update(None, "synchronous", "OFF")?;
        Ok(Self { connection, private: true })
    }
}

fn prepare(connection: &Connection) -> Result<(), LedgerError> {
    connection.busy_timeout(BUSY_WAIT)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(())
}

fn create(connection: &mut Connection, brand: &str) -> Result<(), LedgerError> {
    let tx = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let version: i64 = tx.pragma_query_value(None, "user_version", |r| r.get(0))?;
    if version == 0 {
        tx.execute_batch(TABLES)?;
        tx.execute("INSERT INTO brand (name) VALUES (?1)", [brand])?;
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        tx.pragma_update(None, "user_version", LAYOUT)?;
    }
    tx.commit()?;
    Ok(())
}

fn check(connection: &Connection, path: &Path, brand: &str) -> Result<(), LedgerError> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |r| r.get(0))?;
    if found != LAYOUT {
        return Err(LedgerError::OtherLayout { path: path.to_owned(), found, wanted: LAYOUT });
    }
    let found: String = connection.query_row("SELECT name FROM brand", [], |r| r.get(0))?;
    if found != brand {
        let wanted = brand.to_owned();
        return Err(LedgerError::OtherBrand { path: path.to_owned(), found, wanted });
    }
    Ok(())
}

impl Store for Sqlite {
    fn begin(&mut self, access: Access) -> Result<Box<dyn Transaction + '_>, LedgerError> {
        self.connection.execute_batch(match access {
            Access::Write => "BEGIN IMMEDIATE",
            Access::Read => "BEGIN",
        })?;
        Ok(Box::new(Step { connection: &self.connection, private: self.private, open: true }))
    }

    fn inspect(&mut self) -> Result<Option<String>, LedgerError> {
        let words: String =
            self.connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        Ok((words != "ok").then_some(words))
    }
}

/// A transaction.
struct Step<'c> {
    connection: &'c Connection,
    private: bool,
    open: bool,
}

impl Drop for Step<'_> {
    fn drop(&mut self) {
        if self.open {
            // A connection that cannot even undo is closed by its owner, which undoes as well.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }
}

fn digest_at(row: &Row<'_>, at: usize) -> Result<Digest, LedgerError> {
    match row.get_ref(at)? {
        ValueRef::Blob(bytes) => bytes
            .try_into()
            .map(Digest)
            .map_err(|_| LedgerError::Damaged("a digest has another length".to_owned())),
        _ => Err(LedgerError::Damaged("a digest is no blob".to_owned())),
    }
}

fn text_at<'r>(row: &'r Row<'_>, at: usize) -> Result<&'r str, LedgerError> {
    row.get_ref(at)?.as_str().map_err(|_| LedgerError::Damaged("a text is not UTF-8".to_owned()))
}

fn entry_of<'r>(row: &'r Row<'_>) -> Result<(Entry<'r>, Digest), LedgerError> {
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
fn cycle_of(row: &Row<'_>) -> Result<CycleRow, LedgerError> {
    let summary = match row.get_ref(2)? {
        ValueRef::Null => None,
        _ => Some(digest_at(row, 2)?),
    };
    Ok(CycleRow { run_key: digest_at(row, 0)?, opening_entry: row.get(1)?, summary })
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
        let mut statement = self
            .connection
            .prepare_cached("INSERT INTO groups VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?;
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
        ])?;
        Ok(())
    }

    fn groups(&mut self) -> Result<Vec<Group>, LedgerError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT number, purpose, at, playbook, cycle, payload, first, past, seal \
             FROM groups ORDER BY number",
        )?;
        let mut rows = statement.query([])?;
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
            });
        }
        Ok(groups)
    }

    fn scan(&mut self, scope: Scope<'_>, visit: &mut Visit<'_>) -> Result<(), LedgerError> {
        // CROSS JOIN fixes the order: groups outside, so that entries come in order of number.
        let (tail, values): (&str, Vec<&dyn rusqlite::ToSql>) = match &scope {
            Scope::All => (", 0 FROM entries e ORDER BY e.number", Vec::new()),
            Scope::Cycle(cycle) => (
                ", g.at FROM groups g CROSS JOIN entries e ON e.number >= g.first AND \
                 e.number < g.past WHERE g.playbook = ?1 AND g.cycle = ?2 \
                 ORDER BY g.number, e.number",
                vec![&cycle.playbook, &cycle.number],
            ),
            Scope::Since(at, last) => (
                ", g.at FROM groups g CROSS JOIN entries e ON e.number >= g.first AND \
                 e.number < g.past WHERE g.at > ?1 AND e.number <= ?2 \
                 ORDER BY g.number, e.number",
                vec![&at.0, last],
            ),
        };
        let sql = format!("SELECT {ENTRY_FIELDS}{tail}");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query(values.as_slice())?;
        while let Some(row) = rows.next()? {
            let (entry, hash) = entry_of(row)?;
            let at = UnixMs(row.get(17)?);
            if !visit(Scanned { entry, hash, at })? {
                break;
            }
        }
        Ok(())
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

    fn openings(&mut self, cycle: &CycleRef) -> Result<Vec<OpeningRow>, LedgerError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT account, committed, available FROM openings \
             WHERE playbook = ?1 AND cycle = ?2 ORDER BY account",
        )?;
        let rows = statement.query_map(params![cycle.playbook, cycle.number], |row| {
            Ok(OpeningRow {
                account: AccountId(row.get(0)?),
                committed: Minor(row.get(1)?),
                available: Minor(row.get(2)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn put_openings(&mut self, cycle: &CycleRef, rows: &[OpeningRow]) -> Result<(), LedgerError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO openings VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT DO UPDATE SET available = ?5",
        )?;
        for row in rows {
            statement.execute(params![
                cycle.playbook,
                cycle.number,
                row.account.0,
                row.committed.0,
                row.available.0
            ])?;
        }
        Ok(())
    }

    fn rewind(&mut self, group: i64) -> Result<(), LedgerError> {
        if !self.private {
            return Err(LedgerError::Damaged("only a private copy goes back".to_owned()));
        }
        let sql = "SELECT coalesce(max(past), 1) FROM groups WHERE number <= ?1";
        let past: i64 = self.connection.query_row(sql, [group], |row| row.get(0))?;
        self.connection.execute_batch("DROP TRIGGER entries_remain")?;
        self.connection.execute("DELETE FROM entries WHERE number >= ?1", [past])?;
        self.connection.execute("DELETE FROM groups WHERE number > ?1", [group])?;
        let told = "NOT EXISTS (SELECT 1 FROM groups g WHERE g.playbook = cycles.playbook \
                    AND g.cycle = cycles.cycle AND g.purpose = ?1)";
        let begun = format!("DELETE FROM cycles WHERE {told}");
        self.connection.execute(&begun, [Purpose::Begin as i64])?;
        let closed = format!("UPDATE cycles SET summary = NULL WHERE {told}");
        self.connection.execute(&closed, [Purpose::Close as i64])?;
        self.connection.execute_batch(
            "DELETE FROM accounts WHERE id > (SELECT coalesce(max(max(account), max(coalesce(recipient, 0))), 0) \
             FROM entries); \
             DELETE FROM openings WHERE account NOT IN (SELECT id FROM accounts) OR NOT EXISTS \
             (SELECT 1 FROM cycles c WHERE c.playbook = openings.playbook AND c.cycle = openings.cycle)",
        )?;
        Ok(())
    }

    fn commit(mut self: Box<Self>) -> Result<(), LedgerError> {
        self.connection.execute_batch("COMMIT")?;
        self.open = false;
        Ok(())
    }
}
