//! One transaction on a database: rows in, rows out.

use std::collections::BTreeMap;

use ::postgres::Row as Found;
use ::postgres::fallible_iterator::FallibleIterator as _;
use playbook_model::{Digest, Minor, UnixMs};

use super::kept::{KeptRows, checked};
use super::link::{Link, Spot, Values, broke};
use super::pending::{Known, Pending};
use super::row::{account_of, cycle_of, digest_at, entry_of, group_of};
use super::statements::{
    ALL_ROWS, ANNOUNCE, CLOSING, CYCLE, FROM, GROUPS, KEYS, MEMBERS, OWN_ROWS, SINCE, SPAN,
};
use super::waiting::waiting;
use crate::account::Balance;
use crate::store::{
    CycleRow, Group, Head, OnRow, Openings, Row, RowScope, Scanned, Scope, Transaction, UsedKey,
    Visit, VisitRow,
};
use crate::{AccountId, CycleRef, Entry, LedgerError};

/// Entries that a scan from a number on reads at a time.
const SCAN_PAGE: i64 = 4_096;
/// Rows that are read at a time: few at first, because whoever wants one page stops there.
const ROW_PAGE: i64 = 64;
const ROW_PAGE_MAX: i64 = 512;

/// A transaction.
pub(super) struct Step<'c> {
    link: &'c mut Link,
    spot: &'c Spot,
    head: Head,
    pending: Pending,
    known: Known,
    kept: KeptRows,
    /// Whether a statement failed: the database keeps nothing then, and says so only in passing.
    failed: bool,
    open: bool,
}

impl<'c> Step<'c> {
    /// Goes on with a transaction that has begun.
    pub(super) fn over(link: &'c mut Link, spot: &'c Spot, head: Head) -> Self {
        let (pending, known, kept) = <(Pending, Known, KeptRows)>::default();
        Self { link, spot, head, pending, known, kept, failed: false, open: true }
    }

    fn heard<T, E: Into<LedgerError>>(&mut self, answer: Result<T, E>) -> Result<T, LedgerError> {
        self.failed |= answer.is_err();
        answer.map_err(Into::into)
    }

    fn query(&mut self, sql: &'static str, values: &Values<'_>) -> Result<Vec<Found>, LedgerError> {
        let answer = self.link.query(sql, values);
        self.heard(answer)
    }

    fn execute(&mut self, sql: &'static str, values: &Values<'_>) -> Result<u64, LedgerError> {
        let answer = self.link.execute(sql, values);
        self.heard(answer)
    }

    /// Sends what waits, before something is read that could show it.
    fn flush(&mut self) -> Result<(), LedgerError> {
        let sent = self.pending.send(self.link, &self.spot.brand);
        self.heard(sent)
    }

    /// The same for rows.
    fn send_rows(&mut self) -> Result<(), LedgerError> {
        let sent = self.kept.send(self.link, &self.spot.brand);
        self.heard(sent)
    }

    /// Visits the entries of a statement as they come.
    fn stream(
        &mut self,
        sql: &'static str,
        values: &Values<'_>,
        visit: &mut Visit<'_>,
    ) -> Result<(), LedgerError> {
        let streamed = waiting(|| {
            let mut rows = self.link.stream(sql, values)?;
            while let Some(row) = rows.next()? {
                if !scanned(&row, visit)? {
                    break;
                }
            }
            Ok(())
        });
        self.heard::<(), LedgerError>(streamed)
    }
}

/// Shows an entry; whether the visitor goes on, and the entry's number.
fn scanned(row: &Found, visit: &mut Visit<'_>) -> Result<bool, LedgerError> {
    let (entry, hash) = entry_of(row)?;
    visit(Scanned { entry, hash, at: UnixMs(row.try_get(17)?) })
}

/// The least key after `key`.
fn after(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}

impl Drop for Step<'_> {
    fn drop(&mut self) {
        if self.open {
            self.link.undo();
        }
    }
}

impl Transaction for Step<'_> {
    fn accounts(&mut self) -> Result<Vec<Balance>, LedgerError> {
        self.flush()?;
        let sql = "SELECT id, path, allocated, planned, reserved, spent, frozen, cycle_limit \
                   FROM accounts WHERE brand = $1 ORDER BY id";
        let spot = self.spot;
        self.query(sql, &[&spot.brand])?.iter().map(account_of).collect()
    }

    fn put_accounts(&mut self, rows: &[Balance]) -> Result<(), LedgerError> {
        rows.iter().for_each(|row| self.pending.account(row));
        Ok(())
    }

    fn head(&mut self) -> Result<Head, LedgerError> {
        Ok(self.head)
    }

    fn used_key(&mut self, key: &Digest) -> Result<Option<UsedKey>, LedgerError> {
        self.foresee(std::slice::from_ref(key))?;
        Ok(self.known.key(key).flatten())
    }

    fn closing_of(&mut self, entry: i64) -> Result<Option<(i64, Digest)>, LedgerError> {
        if let Some(known) = self.known.closing(entry) {
            return Ok(known);
        }
        let spot = self.spot;
        let rows = self.query(CLOSING, &[&spot.brand, &entry])?;
        let closing = match rows.first() {
            Some(row) => Some((row.try_get(0)?, digest_at(row, 1)?)),
            None => None,
        };
        self.known.found_closing(entry, closing);
        Ok(closing)
    }

    fn foresee(&mut self, keys: &[Digest]) -> Result<(), LedgerError> {
        let unknown = keys.iter().filter(|key| self.known.key(key).is_none());
        let unknown: Vec<&[u8]> = unknown.map(|key| &key.0[..]).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let spot = self.spot;
        for row in self.query(KEYS, &[&spot.brand, &unknown])? {
            let key = digest_at(&row, 0)?;
            let Some(entry) = row.try_get::<_, Option<i64>>(1)? else {
                self.known.found_key(key, None);
                continue;
            };
            let request = digest_at(&row, 2)?;
            let (account, amount) = (AccountId(row.try_get(3)?), Minor(row.try_get(4)?));
            self.known.found_key(key, Some(UsedKey { entry, request, account, amount }));
            let closing = match row.try_get::<_, Option<i64>>(5)? {
                Some(number) => Some((number, digest_at(&row, 6)?)),
                None => None,
            };
            self.known.found_closing(entry, closing);
        }
        Ok(())
    }

    fn append_entry(&mut self, entry: &Entry<'_>, hash: &Digest) -> Result<(), LedgerError> {
        self.pending.entry(entry, hash);
        self.known.written(entry);
        if self.pending.is_full() { self.flush() } else { Ok(()) }
    }

    fn append_group(&mut self, group: &Group) -> Result<(), LedgerError> {
        self.pending.group(group);
        if group.number > self.head.group {
            self.head = Head { group: group.number, entry: group.end - 1, seal: group.seal };
        }
        Ok(())
    }

    fn groups(&mut self, from: i64) -> Result<Vec<Group>, LedgerError> {
        self.flush()?;
        let spot = self.spot;
        self.query(GROUPS, &[&spot.brand, &from])?.iter().map(group_of).collect()
    }

    fn scan(&mut self, scope: Scope<'_>, visit: &mut Visit<'_>) -> Result<(), LedgerError> {
        self.flush()?;
        let brand = &self.spot.brand;
        match scope {
            Scope::Cycle(cycle) => {
                self.stream(CYCLE, &[brand, &cycle.playbook, &cycle.number], visit)
            }
            Scope::Since(at) => self.stream(SINCE, &[brand, &at.0], visit),
            Scope::Members(members) => self.stream(MEMBERS, &[brand, &members], visit),
            Scope::Span(first, end) => self.stream(SPAN, &[brand, &first, &end], visit),
            Scope::From(mut from) => loop {
                let page = self.query(FROM, &[brand, &from, &SCAN_PAGE])?;
                for row in &page {
                    if !scanned(row, visit)? {
                        return Ok(());
                    }
                }
                match page.last() {
                    Some(last) if page.len() as i64 == SCAN_PAGE => {
                        from = last.try_get::<_, i64>(0)?.saturating_add(1);
                    }
                    _ => return Ok(()),
                }
            },
        }
    }

    fn cycle(&mut self, cycle: &CycleRef) -> Result<Option<CycleRow>, LedgerError> {
        let sql = "SELECT run_key, opening_entry, summary FROM cycles \
                   WHERE brand = $1 AND playbook = $2 AND cycle = $3";
        let spot = self.spot;
        let rows = self.query(sql, &[&spot.brand, &cycle.playbook, &cycle.number])?;
        rows.first().map(cycle_of).transpose()
    }

    fn cycles(&mut self) -> Result<BTreeMap<CycleRef, CycleRow>, LedgerError> {
        let sql =
            "SELECT run_key, opening_entry, summary, playbook, cycle FROM cycles WHERE brand = $1";
        let spot = self.spot;
        let mut cycles = BTreeMap::new();
        for row in self.query(sql, &[&spot.brand])? {
            let cycle = CycleRef { playbook: row.try_get(3)?, number: row.try_get(4)? };
            cycles.insert(cycle, cycle_of(&row)?);
        }
        Ok(cycles)
    }

    fn put_cycle(&mut self, cycle: &CycleRef, row: &CycleRow) -> Result<(), LedgerError> {
        let sql = "INSERT INTO cycles VALUES ($1, $2, $3, $4, $5, $6) \
                   ON CONFLICT (brand, playbook, cycle) DO UPDATE SET summary = excluded.summary";
        let summary = row.summary.as_ref().map(|digest| &digest.0[..]);
        let run_key = &row.run_key.0[..];
        let spot = self.spot;
        let values: &Values<'_> =
            &[&spot.brand, &cycle.playbook, &cycle.number, &run_key, &row.opening_entry, &summary];
        self.execute(sql, values).map(|_| ())
    }

    fn openings(&mut self, cycle: &CycleRef) -> Result<Openings, LedgerError> {
        let sql = "SELECT account, committed FROM openings \
                   WHERE brand = $1 AND playbook = $2 AND cycle = $3";
        let spot = self.spot;
        let rows = self.query(sql, &[&spot.brand, &cycle.playbook, &cycle.number])?;
        rows.iter().map(|row| Ok((AccountId(row.try_get(0)?), Minor(row.try_get(1)?)))).collect()
    }

    fn put_openings(&mut self, cycle: &CycleRef, rows: &Openings) -> Result<(), LedgerError> {
        let sql = "INSERT INTO openings \
                   SELECT $1, $2, $3, * FROM unnest($4::bigint[], $5::bigint[])";
        let accounts: Vec<i64> = rows.keys().map(|account| account.0).collect();
        let committed: Vec<i64> = rows.values().map(|committed| committed.0).collect();
        let spot = self.spot;
        let values: &Values<'_> =
            &[&spot.brand, &cycle.playbook, &cycle.number, &accounts, &committed];
        self.execute(sql, values).map(|_| ())
    }

    fn foresee_rows(&mut self, places: &[(u8, i64, &[u8])]) -> Result<(), LedgerError> {
        let found = self.kept.find(self.link, &self.spot.brand, places);
        self.heard(found)
    }

    fn put_rows(&mut self, rows: &[Row<'_>], on_row: OnRow) -> Result<Vec<bool>, LedgerError> {
        checked(rows)?;
        let places: Vec<_> = rows.iter().map(|row| (row.space, row.owner, row.key)).collect();
        self.foresee_rows(&places)?;
        let stood = self.kept.put(rows, on_row);
        if self.kept.is_full() {
            self.send_rows()?;
        }
        Ok(stood)
    }

    fn rows(
        &mut self,
        space: u8,
        scope: RowScope<'_>,
        visit: &mut VisitRow<'_>,
    ) -> Result<(), LedgerError> {
        let (sql, mut owner, mut key) = match scope {
            RowScope::Key(owner, key) => {
                self.foresee_rows(&[(space, owner, key)])?;
                let value = self.kept.known(space, owner, key).flatten();
                return value.map_or(Ok(()), |value| visit(owner, key, value).map(|_| ()));
            }
            RowScope::Owner(owner) => (OWN_ROWS, owner, Vec::new()),
            RowScope::After(None) => (ALL_ROWS, i64::MIN, Vec::new()),
            RowScope::After(Some((owner, key))) => (ALL_ROWS, owner, after(key)),
        };
        self.send_rows()?;
        let (space, spot) = (i16::from(space), self.spot);
        let mut page = ROW_PAGE;
        loop {
            let rows = self.query(sql, &[&spot.brand, &space, &owner, &key, &page])?;
            for row in &rows {
                if !visit(row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)? {
                    return Ok(());
                }
            }
            match rows.last() {
                Some(last) if rows.len() as i64 == page => {
                    owner = last.try_get(0)?;
                    key = after(last.try_get(1)?);
                }
                _ => return Ok(()),
            }
            page = (page * 2).min(ROW_PAGE_MAX);
        }
    }

    fn remove_rows(&mut self, space: u8, owner: i64) -> Result<u64, LedgerError> {
        let sql = "DELETE FROM rows WHERE brand = $1 AND space = $2 AND owner = $3";
        self.send_rows()?;
        self.kept.forget(space, owner);
        let spot = self.spot;
        self.execute(sql, &[&spot.brand, &i16::from(space), &owner])
    }

    fn announce(&mut self) -> Result<(), LedgerError> {
        let spot = self.spot;
        self.query(ANNOUNCE, &[&spot.channel()]).map(|_| ())
    }

    fn commit(mut self: Box<Self>) -> Result<(), LedgerError> {
        self.send_rows()?;
        self.flush()?;
        if self.failed {
            return Err(LedgerError::Storage(
                "a statement of the transaction failed before".into(),
            ));
        }
        match self.link.told("COMMIT") {
            Ok(_) => {
                self.open = false;
                Ok(())
            }
            // The server may have kept it before the connection broke.
            Err(fault) if broke(&fault) => Err(self.spot.unknown(fault)),
            Err(fault) => Err(fault.into()),
        }
    }
}
