//! The ledger's storage in one SQLite file: write-ahead log, synchronous FULL.

mod layout;
mod step;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use self::step::Step;
use crate::LedgerError;
use crate::account::Accounts;
use crate::lease::{FileLeases, NoLeases};
use crate::store::{Access, Depth, Leases, Store, Transaction};

/// How long a transaction waits for another connection's.
const BUSY_WAIT: Duration = Duration::from_secs(10);
/// How often what is locked is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// How long an upgrade waits for a run that is going on.
const UPGRADE_WAIT: Duration = Duration::from_secs(120);
/// Pages of cache, in KiB.
const CACHE_KIB: i64 = 32 << 10;

/// A connection to a ledger file, or to a private copy of one.
#[derive(Debug)]
pub(crate) struct Sqlite {
    connection: Connection,
    leases: Arc<dyn Leases>,
}

/// Whether the file at `path` is absent or holds nothing.
pub(crate) fn is_blank(path: &Path) -> bool {
    // A file that cannot be looked at is for the database to refuse.
    path.metadata().map_or_else(|e| e.kind() == std::io::ErrorKind::NotFound, |m| m.len() == 0)
}

/// Makes an empty ledger under another name and renames it into place: killed on the way, it leaves none rather
/// than half of one. The caller holds the lease.
fn make(path: &Path, brand: &str) -> Result<(), LedgerError> {
    let failed = |source| LedgerError::Open { path: path.to_owned(), source };
    let aside = path.with_extension("new");
    match std::fs::remove_file(&aside) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => return Err(failed(source)),
        _ => {}
    }
    let mut connection = Connection::open(&aside)?;
    prepare(&connection)?;
    layout::create(&mut connection, brand)?;
    connection.close().map_err(|(_, error)| error)?;
    std::fs::rename(&aside, path).map_err(failed)?;
    // The name itself must outlast a loss of power, or what is booked under it would not.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = std::fs::File::open(folder.unwrap_or(Path::new("."))).map_err(failed)?;
    folder.sync_all().map_err(failed)
}

impl Sqlite {
    /// Opens the file at `path`, which is a ledger already.
    pub(crate) fn open(path: &Path, brand: &str) -> Result<Self, LedgerError> {
        if is_blank(path) {
            let what = "it is empty".to_owned();
            return Err(LedgerError::Foreign { path: path.into(), brand: brand.to_owned(), what });
        }
        Self::open_or_create(path, brand)
    }

    /// Opens the file at `path`; where there is none, or an empty one, makes a ledger of it.
    pub(crate) fn open_or_create(path: &Path, brand: &str) -> Result<Self, LedgerError> {
        let leases = Arc::new(FileLeases::beside(path, brand));
        if is_blank(path) {
            // Whoever comes first makes the file, and the others find it made.
            let _lease = leases.take(UPGRADE_WAIT)?;
            if is_blank(path) {
                make(path, brand)?;
            }
        }
        let open = || {
            let mut connection = Connection::open(path)?;
            prepare(&connection)?;
            if layout::check(&connection, path, brand)? < layout::LAYOUT {
                // A run of the build that wrote it may be going on.
                let _lease = leases.take(UPGRADE_WAIT)?;
                layout::upgrade(&mut connection, path)?;
            }
            write_ahead(&connection)?;
            Ok(connection)
        };
        let connection = open().map_err(|error| of_file(error, path, brand))?;
        Ok(Self { connection, leases })
    }

    /// Opens the file at `path` to look only; nothing can be written. One of an earlier layout is looked
    /// at through a copy of today's.
    pub(crate) fn read(path: &Path, brand: &str) -> Result<Self, LedgerError> {
        let (connection, found) =
            look_only(path, brand).map_err(|error| of_file(error, path, brand))?;
        if found < layout::LAYOUT {
            let copy = Self::snapshot(path, brand)?;
            copy.connection.pragma_update(None, "query_only", true)?;
            return Ok(copy);
        }
        Ok(Self { connection, leases: Arc::new(NoLeases) })
    }

    /// Creates a ledger in memory.
    pub(crate) fn in_memory(brand: &str) -> Result<Self, LedgerError> {
        let mut connection = Connection::open_in_memory()?;
        prepare(&connection)?;
        layout::create(&mut connection, brand)?;
        Ok(Self { connection, leases: Arc::new(NoLeases) })
    }

    /// Copies the file at `path`, as it stands, into a database of its own that goes with this value.
    ///
    /// The copy is one read transaction: it waits for no writer and no writer waits for it.
    pub(crate) fn snapshot(path: &Path, brand: &str) -> Result<Self, LedgerError> {
        let copy = || {
            let (file, found) = look_only(path, brand)?;
            // A database without a name lives in the cache and spills to a file that nobody can open.
            let mut connection = Connection::open("")?;
            copy_all(&file, &mut connection)?;
            prepare(&connection)?;
            // What nobody keeps needs no log and no wait for the disk.
            connection.pragma_update(None, "journal_mode", "MEMORY")?;
            connection.pragma_update(None, "synchronous", "OFF")?;
            if found < layout::LAYOUT {
                layout::upgrade(&mut connection, path)?;
            }
            Ok(connection)
        };
        let connection = copy().map_err(|error| of_file(error, path, brand))?;
        Ok(Self { connection, leases: Arc::new(NoLeases) })
    }

    /// Copies the file at `path`, as it stands, to a file of its own without a log beside it.
    ///
    /// As [`Sqlite::snapshot`], one read transaction.
    pub(crate) fn copy(path: &Path, brand: &str, to: &Path) -> Result<(), LedgerError> {
        let copy = || {
            let (file, _) = look_only(path, brand)?;
            let mut connection = Connection::open(to)?;
            copy_all(&file, &mut connection)?;
            connection.pragma_update(None, "journal_mode", "DELETE")?;
            Ok(connection.close().map_err(|(_, error)| error)?)
        };
        copy().map_err(|error| of_file(error, path, brand))
    }

    /// Leaves out everything after a group, and all that is kept for speed; only of a private copy. Returns
    /// the accounts, whose paths stand nowhere else.
    pub(crate) fn rewind(&mut self, group: i64) -> Result<Accounts, LedgerError> {
        let connection = &self.connection;
        let accounts = Accounts::of(Step::begin(connection, Access::Read)?.accounts()?)?;
        let sql = "SELECT coalesce(max(past), 1) FROM groups WHERE number <= ?1";
        let past: i64 = connection.query_row(sql, [group], |row| row.get(0))?;
        connection.execute_batch("BEGIN; DROP TRIGGER entries_remain")?;
        connection.execute("DELETE FROM entries WHERE number >= ?1", [past])?;
        connection.execute("DELETE FROM groups WHERE number > ?1", [group])?;
        connection
            .execute_batch("DELETE FROM accounts; DELETE FROM cycles; DELETE FROM openings")?;
        connection.execute_batch(layout::ENTRIES_REMAIN)?;
        connection.execute_batch("COMMIT")?;
        Ok(accounts)
    }
}

/// Turns the write-ahead log on. SQLite does not wait for others by itself here.
fn write_ahead(connection: &Connection) -> Result<(), LedgerError> {
    let begun = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(fault)
                if fault.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && begun.elapsed() < BUSY_WAIT =>
            {
                std::thread::sleep(LOOK_AGAIN);
            }
            other => return Ok(other?),
        }
    }
}

/// Copies a whole database in one step.
fn copy_all(from: &Connection, to: &mut Connection) -> Result<(), LedgerError> {
    let backup = Backup::new(from, to)?;
    let begun = Instant::now();
    loop {
        match backup.step(-1)? {
            StepResult::Done => return Ok(()),
            _ if begun.elapsed() < BUSY_WAIT => std::thread::sleep(LOOK_AGAIN),
            // A writer keeps nobody from reading; something else has locked the file.
            _ => return Err(LedgerError::Storage("another program keeps the file locked".into())),
        }
    }
}

/// Opens a file without the right to write to it; returns its layout too.
fn look_only(path: &Path, brand: &str) -> Result<(Connection, i64), LedgerError> {
    if !path.exists() {
        return Err(LedgerError::Absent { place: path.into(), brand: brand.to_owned() });
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    prepare(&connection)?;
    let found = layout::check(&connection, path, brand)?;
    Ok((connection, found))
}

fn prepare(connection: &Connection) -> Result<(), LedgerError> {
    connection.busy_timeout(BUSY_WAIT)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.set_prepared_statement_cache_capacity(32);
    // Query planner stability guarantee. Without it each new value of a parameter that a partial index might depend on
    // plans the statement anew, which takes a hundred times as long as running it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// Says of a file that is no database, or a broken one, how to restore it.
fn of_file(error: LedgerError, path: &Path, brand: &str) -> LedgerError {
    match error {
        LedgerError::Storage(fault) if is_no_database(fault.as_ref()) => LedgerError::Foreign {
            path: path.to_owned(),
            brand: brand.to_owned(),
            what: "it is no SQLite database".to_owned(),
        },
        LedgerError::Damaged(what) => {
            LedgerError::Unsound { place: path.into(), brand: brand.to_owned(), what }
        }
        other => other,
    }
}

fn is_no_database(fault: &(dyn std::error::Error + 'static)) -> bool {
    let fault = fault.downcast_ref::<rusqlite::Error>();
    fault.and_then(rusqlite::Error::sqlite_error_code) == Some(ErrorCode::NotADatabase)
}

impl From<rusqlite::Error> for LedgerError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged(error.to_string()),
            _ => Self::Storage(Box::new(error)),
        }
    }
}

impl Store for Sqlite {
    fn begin(&mut self, access: Access) -> Result<Box<dyn Transaction + '_>, LedgerError> {
        Ok(Box::new(Step::begin(&self.connection, access)?))
    }

    fn inspect(&mut self, depth: Depth) -> Result<Option<String>, LedgerError> {
        if let Some(what) = layout::missing_part(&self.connection)? {
            return Ok(Some(what));
        }
        let check = match depth {
            Depth::Quick => "PRAGMA quick_check(1)",
            Depth::Full => "PRAGMA integrity_check(1)",
        };
        let words: String = self.connection.query_row(check, [], |row| row.get(0))?;
        Ok((words != "ok").then_some(words))
    }

    fn leases(&self) -> Arc<dyn Leases> {
        Arc::clone(&self.leases)
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::Sqlite;
    use crate::conformance;

    #[test]
    fn other_values_do_not_plan_a_statement_anew() {
        let store = Sqlite::in_memory("aurora").expect("memory is there");
        let sql = "SELECT c.number FROM entries m JOIN entries c ON c.closes = m.number \
                   WHERE m.member = ?1 AND m.kind = 1";
        let mut statement = store.connection.prepare(sql).expect("the layout has both columns");
        for member in [1_i64, 2, 3] {
            let found = statement.query([member]).and_then(|mut rows| Ok(rows.next()?.is_some()));
            assert_eq!(found, Ok(false));
        }
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }

    #[test]
    fn sqlite_is_a_store_in_memory_and_in_a_file() {
        let memory = conformance::check(|| Ok(Box::new(Sqlite::in_memory("aurora")?)));
        assert!(memory.is_ok(), "{memory:?}");
        let folder = tempfile::tempdir().expect("a folder for the test");
        let mut number = 0;
        let file = conformance::check(|| {
            number += 1;
            let path = folder.path().join(format!("{number}.db"));
            Ok(Box::new(Sqlite::open_or_create(&path, "aurora")?))
        });
        assert!(file.is_ok(), "{file:?}");
    }
}
