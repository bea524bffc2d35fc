//! Rows beside the entries within a transaction: what it knows of them, and what it has written and not yet sent.

use std::collections::{HashMap, HashSet};

use ::postgres::types::ToSql;

use super::link::Link;
use super::statements::{FIND_ROWS, PUT_ROWS};
use crate::LedgerError;
use crate::store::{OnRow, ROW_KEY_BYTES_MAX, Row};

/// Rows that wait at most, and their bytes; more are sent before the commit.
const ROWS_MAX: usize = 8_192;
const BYTES_MAX: usize = 8 << 20;

/// Space, owner and key of a row.
type Place = (u8, i64, Vec<u8>);

/// Rows by place.
#[derive(Default)]
pub(super) struct KeptRows {
    /// Found in the database, or written by the transaction itself; `None`: there is none.
    known: HashMap<Place, Option<Vec<u8>>>,
    /// Which of them are not sent yet.
    unsent: HashSet<Place>,
    unsent_bytes: usize,
}

impl KeptRows {
    /// The row of a place, where anything is known of it.
    pub(super) fn known(&self, space: u8, owner: i64, key: &[u8]) -> Option<Option<&[u8]>> {
        self.known.get(&(space, owner, key.to_vec())).map(Option::as_deref)
    }

    /// Looks for all of these rows at once that are not known yet.
    pub(super) fn find(
        &mut self,
        link: &mut Link,
        brand: &str,
        places: &[(u8, i64, &[u8])],
    ) -> Result<(), LedgerError> {
        let mut unknown: HashSet<Place> = HashSet::new();
        for (space, owner, key) in places {
            let place = (*space, *owner, key.to_vec());
            if !self.known.contains_key(&place) {
                unknown.insert(place);
            }
        }
        if unknown.is_empty() {
            return Ok(());
        }
        let spaces: Vec<i16> = unknown.iter().map(|place| i16::from(place.0)).collect();
        let owners: Vec<i64> = unknown.iter().map(|place| place.1).collect();
        let keys: Vec<&[u8]> = unknown.iter().map(|place| &place.2[..]).collect();
        for row in link.query(FIND_ROWS, &[&brand, &spaces, &owners, &keys])? {
            let (space, owner, key): (i16, i64, Vec<u8>) =
                (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            let space = u8::try_from(space)
                .map_err(|_| LedgerError::Damaged("a row has no space".to_owned()))?;
            self.known.insert((space, owner, key), Some(row.try_get(3)?));
        }
        for place in unknown {
            self.known.entry(place).or_insert(None);
        }
        Ok(())
    }

    /// Writes rows that are known; says of each whether one with its key stood before.
    pub(super) fn put(&mut self, rows: &[Row<'_>], on_row: OnRow) -> Vec<bool> {
        let put = |row: &Row<'_>| {
            let place = (row.space, row.owner, row.key.to_vec());
            let stood = self.known.get(&place).is_some_and(Option::is_some);
            if !stood || on_row == OnRow::Goes {
                self.unsent_bytes += row.key.len() + row.value.len();
                self.known.insert(place.clone(), Some(row.value.to_vec()));
                self.unsent.insert(place);
            }
            stood
        };
        rows.iter().map(put).collect()
    }

    /// Whether no more rows should wait.
    pub(super) fn is_full(&self) -> bool {
        self.unsent.len() >= ROWS_MAX || self.unsent_bytes >= BYTES_MAX
    }

    /// Sends what waits; nothing waits afterwards.
    pub(super) fn send(&mut self, link: &mut Link, brand: &str) -> Result<(), LedgerError> {
        let unsent = std::mem::take(&mut self.unsent);
        self.unsent_bytes = 0;
        if unsent.is_empty() {
            return Ok(());
        }
        let known = &self.known;
        let (mut spaces, mut owners) = (Vec::new(), Vec::new());
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        for place in &unsent {
            if let Some(Some(value)) = known.get(place) {
                spaces.push(i16::from(place.0));
                owners.push(place.1);
                keys.push(&place.2[..]);
                values.push(&value[..]);
            }
        }
        let sent: [&(dyn ToSql + Sync); 5] = [&brand, &spaces, &owners, &keys, &values];
        link.execute(PUT_ROWS, &sent)?;
        if self.known.len() > ROWS_MAX {
            // What was sent is found again where it is asked for.
            self.known.clear();
        }
        Ok(())
    }

    /// Nothing is known any more of the rows of an owner, all of which were sent.
    pub(super) fn forget(&mut self, space: u8, owner: i64) {
        self.known.retain(|place, _| (place.0, place.1) != (space, owner));
    }
}

/// Refuses keys that are too long.
pub(super) fn checked(rows: &[Row<'_>]) -> Result<(), LedgerError> {
    let long = rows.iter().find(|row| row.key.len() > ROW_KEY_BYTES_MAX);
    long.map_or(Ok(()), |row| Err(LedgerError::LongKey(row.key.len())))
}
