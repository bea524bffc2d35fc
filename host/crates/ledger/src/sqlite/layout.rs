//! The layout of a ledger file: its tables, how a new one is made, and how an older one becomes today's.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};

use super::step::Step;
use crate::account::Accounts;
use crate::chain::Flaw;
use crate::fold::Fold;
use crate::store::{Purpose, Transaction as _};
use crate::work::{Seal, Work};
use crate::{EntryKind, LedgerError};

/// Number of the layout below, kept in the file as `user_version`.
pub(super) const LAYOUT: i64 = 3;
/// "PBLG", so that the file can be told from other SQLite files.
const APPLICATION_ID: i64 = 0x5042_4c47;

const TABLES: &str = "
CREATE TABLE brand (name TEXT NOT NULL) STRICT;
CREATE TABLE accounts (
    id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, allocated INTEGER NOT NULL,
    planned INTEGER NOT NULL, reserved INTEGER NOT NULL, spent INTEGER NOT NULL,
    frozen INTEGER NOT NULL, cycle_limit INTEGER NOT NULL) STRICT;
CREATE TABLE groups (
    number INTEGER PRIMARY KEY, purpose INTEGER NOT NULL, at INTEGER NOT NULL,
    playbook TEXT NOT NULL, cycle INTEGER NOT NULL, payload BLOB NOT NULL,
    first INTEGER NOT NULL, past INTEGER NOT NULL, seal BLOB NOT NULL, accounts BLOB) STRICT;
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
CREATE TRIGGER entries_stay BEFORE UPDATE ON entries
    BEGIN SELECT raise(ABORT, 'entries of a ledger never change'); END;
";

/// A rehearsal takes this one away to go back in time.
pub(super) const ENTRIES_REMAIN: &str = "
CREATE TRIGGER entries_remain BEFORE DELETE ON entries
    BEGIN SELECT raise(ABORT, 'entries of a ledger never go'); END;
";

/// What the second layout has beyond the first, made alike in new files and in old ones.
const SINCE_2: &str = "
CREATE INDEX groups_first ON groups (first);
CREATE INDEX entries_member ON entries (member) WHERE kind = 1;
CREATE TABLE openings (
    playbook TEXT NOT NULL, cycle INTEGER NOT NULL, account INTEGER NOT NULL,
    committed INTEGER NOT NULL, PRIMARY KEY (playbook, cycle, account)) STRICT;
";

/// What the third layout has beyond the second: rows that a service keeps, in the order in which they are read.
const SINCE_3: &str = "
CREATE TABLE rows (
    space INTEGER NOT NULL, owner INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (space, owner, key)) STRICT, WITHOUT ROWID;
";

/// What a sound file is made of, by name.
const PARTS: [&str; 14] = [
    "accounts",
    "brand",
    "cycles",
    "entries",
    "entries_closes",
    "entries_member",
    "entries_remain",
    "entries_stay",
    "groups",
    "groups_cycle",
    "groups_first",
    "openings",
    "rows",
    "sqlite_autoindex_entries_1",
];

/// Makes an empty ledger of `brand`, unless another process has just done so.
pub(super) fn create(connection: &mut Connection, brand: &str) -> Result<(), LedgerError> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if version(&tx)? == 0 {
        tx.execute_batch(TABLES)?;
        tx.execute_batch(ENTRIES_REMAIN)?;
        tx.execute_batch(SINCE_2)?;
        tx.execute_batch(SINCE_3)?;
        tx.execute("INSERT INTO brand (name) VALUES (?1)", [brand])?;
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        tx.pragma_update(None, "user_version", LAYOUT)?;
    }
    tx.commit()?;
    Ok(())
}

/// Refuses a file that is no ledger, of another brand, or of a layout that is not known. Returns the layout.
pub(super) fn check(connection: &Connection, path: &Path, brand: &str) -> Result<i64, LedgerError> {
    let id: i64 = connection.pragma_query_value(None, "application_id", |r| r.get(0))?;
    let found = version(connection)?;
    let foreign = |what: &str| LedgerError::Foreign {
        path: path.to_owned(),
        brand: brand.to_owned(),
        what: what.to_owned(),
    };
    if id != APPLICATION_ID {
        return Err(foreign("it is another program's database"));
    }
    if !(1..=LAYOUT).contains(&found) {
        return Err(LedgerError::OtherLayout { place: path.into(), found, wanted: LAYOUT });
    }
    let name = connection.query_row("SELECT name FROM brand", [], |r| r.get(0)).optional()?;
    let found_brand: String = name.ok_or_else(|| foreign("it says no brand"))?;
    if found_brand != brand {
        let wanted = brand.to_owned();
        return Err(LedgerError::OtherBrand { path: path.to_owned(), found: found_brand, wanted });
    }
    Ok(found)
}

pub(super) fn version(connection: &Connection) -> Result<i64, LedgerError> {
    Ok(connection.pragma_query_value(None, "user_version", |r| r.get(0))?)
}

/// Says which part of the layout is missing.
pub(super) fn missing_part(connection: &Connection) -> Result<Option<String>, LedgerError> {
    let mut statement = connection.prepare("SELECT count(*) FROM sqlite_schema WHERE name = ?1")?;
    for part in PARTS {
        let count: i64 = statement.query_row([part], |row| row.get(0))?;
        if count == 0 {
            return Ok(Some(format!("the file has lost its part `{part}`")));
        }
    }
    Ok(None)
}

/// Turns a ledger of an earlier layout into one of today's, whole or not at all.
///
/// Entries and groups stay as they are. What the first layout kept without sealing it (which accounts
/// there are, and their limits per cycle) is sealed by a group of entries of its own; openings are summed
/// anew.
pub(super) fn upgrade(connection: &mut Connection, path: &Path) -> Result<(), LedgerError> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have done it while this one waited.
    let found = version(&tx)?;
    if found == 1 {
        tx.execute_batch("ALTER TABLE groups ADD COLUMN accounts BLOB; DROP TABLE openings;")?;
        tx.execute_batch(SINCE_2)?;
        seal_accounts(&tx, path)?;
    }
    if found < LAYOUT {
        tx.execute_batch(SINCE_3)?;
        tx.pragma_update(None, "user_version", LAYOUT)?;
    }
    tx.commit()?;
    Ok(())
}

fn seal_accounts(connection: &Transaction<'_>, path: &Path) -> Result<(), LedgerError> {
    let mut step = Step::within(connection);
    let stored = Accounts::of(step.accounts()?)?;
    let brand = stored.rows().first().map_or_else(String::new, |row| row.path.clone());
    let unsound =
        |flaw: Flaw| LedgerError::Unsound { place: path.into(), brand, what: flaw.to_string() };
    let fold = match Fold::run(&mut step, &stored)? {
        Ok(fold) => fold,
        Err(flaw) => return Err(unsound(flaw)),
    };
    // The limits are the one thing that the entries of the first layout do not say.
    let same =
        fold.accounts.rows().iter().zip(stored.rows()).all(|(sum, row)| {
            crate::Balance { cycle_limit: row.cycle_limit, ..sum.clone() } == *row
        });
    if !same {
        return Err(unsound(Flaw::of("a balance is not the sum of its entries")));
    }
    if let Some(flaw) = fold.compare_cycles(&mut step)? {
        return Err(unsound(flaw));
    }
    for (cycle, rows) in &fold.openings {
        step.put_openings(cycle, rows)?;
    }
    let at = step.groups(1)?.last().map(|group| group.at).unwrap_or_default();
    let mut work = Work::over(Box::new(step), None)?;
    for row in stored.rows() {
        work.record_own(EntryKind::Open, "open", row.id, playbook_model::Minor::ZERO)?;
        if row.is_limit() {
            work.record_own(EntryKind::Limit, "cycle limit", row.id, row.cycle_limit)?;
        }
    }
    work.finish(Seal { purpose: Purpose::Budget, at, cycle: None, payload: None })?;
    Ok(())
}
