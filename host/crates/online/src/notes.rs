//! What hosts that share a store tell each other: each commit group leaves a note of the members that it changed and of the
//! version that decides, under numbers without gaps. Whoever is about to write reads the notes of others first.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use playbook_ledger::store::{OnRow, RowScope};
use playbook_ledger::{GroupWork, Ledger, LedgerError};
use serde::{Deserialize, Serialize};

use crate::cache::Cache;
use crate::store::{put_value, read_last_effect, space, value_of};
use crate::versions::Activation;

/// Notes that lie together; what is further back than the stretch before goes.
const STRETCH: u64 = 4_096;
/// Members changed by others that are remembered; beyond, decisions that began before are begun anew.
const MEMBERS_MAX: usize = 1 << 16;

/// A note of one commit group.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Note {
    /// Drawn by each host when it starts.
    host: [u8; 16],
    /// Members whose records it changed.
    members: Vec<i64>,
    /// Number of the last effect, those of the group included.
    last_effect: u64,
    /// Number of the last activation, that of the group included.
    activation: u64,
}

/// What this host knows of the notes.
#[derive(Debug)]
pub(crate) struct Notes {
    host: [u8; 16],
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// Number of the last note that was heard.
    last: u64,
    /// By member: the last note of another host that changed it.
    changed: HashMap<i64, u64>,
    /// Of notes up to this one the members are not remembered.
    forgotten: u64,
    last_effect: u64,
    activation: u64,
}

/// Notes that were read, in order.
pub(crate) type Read = Vec<(u64, Note)>;

impl Notes {
    /// Begins to listen after the last note that there is; `history` says which version decided from when on.
    pub(crate) fn open(ledger: &Ledger, history: &[Activation]) -> Result<Self, LedgerError> {
        let host = drawn();
        let last_effect = read_last_effect(&mut &*ledger)?;
        let activation = history.last().map_or(0, |last| last.number);
        let notes =
            Self { host, known: Mutex::new(Known { last_effect, activation, ..Known::default() }) };
        let last = notes.after(ledger, 0)?.pop().map_or(0, |(number, _)| number);
        let mut known = notes.known();
        (known.last, known.forgotten) = (last, last);
        drop(known);
        Ok(notes)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // What is kept is whole at every moment.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How this host is known to the others.
    pub(crate) fn host(&self) -> [u8; 16] {
        self.host
    }

    /// Number of the last note that was heard: what is read of a member afterwards is no older.
    pub(crate) fn heard(&self) -> u64 {
        self.known().last
    }

    /// Number of the last effect that is known of.
    pub(crate) fn last_effect(&self) -> u64 {
        self.known().last_effect
    }

    /// Number of the last activation that is known of.
    pub(crate) fn activation(&self) -> u64 {
        self.known().activation
    }

    /// Whether another host changed a member after the note `heard`, as far as it is known.
    pub(crate) fn is_stale(&self, member: i64, heard: u64) -> bool {
        let known = self.known();
        heard < known.forgotten || known.changed.get(&member).is_some_and(|last| *last > heard)
    }

    /// Reads the notes that were not heard yet.
    pub(crate) fn read(&self, ledger: &Ledger) -> Result<Read, LedgerError> {
        let last = self.heard();
        self.after(ledger, last)
    }

    fn after(&self, ledger: &Ledger, last: u64) -> Result<Read, LedgerError> {
        let mut read = Vec::new();
        let from = last.to_be_bytes();
        let scope = RowScope::After(Some((stretch(last), &from)));
        ledger.rows(space::NOTES, scope, &mut |_, key, bytes| {
            read.push((number_of(key)?, value_of(bytes)?));
            Ok(true)
        })?;
        Ok(read)
    }

    /// Hears notes: records that others changed leave the cache, to be read anew.
    pub(crate) fn hear(&self, notes: Read, cache: &Cache) {
        let mut known = self.known();
        for (number, note) in notes {
            if number <= known.last {
                continue;
            }
            if number != known.last + 1 {
                // Those between are gone, and what they said.
                cache.clear();
                known.changed.clear();
                known.forgotten = number;
            }
            for member in note.members {
                cache.forget(member);
                known.changed.insert(member, number);
            }
            if known.changed.len() > MEMBERS_MAX {
                known.changed.clear();
                known.forgotten = number;
            }
            known.last = number;
            known.last_effect = known.last_effect.max(note.last_effect);
            known.activation = known.activation.max(note.activation);
        }
    }

    /// Where the next note will lie: space, owner, key.
    pub(crate) fn next(&self) -> (u8, i64, Vec<u8>) {
        let number = self.heard() + 1;
        (space::NOTES, stretch(number), number.to_be_bytes().to_vec())
    }

    /// Leaves the note of a group, which goes or stays with it; returns its number.
    pub(crate) fn leave(
        &self,
        rows: &mut GroupWork<'_, '_>,
        mut members: Vec<i64>,
        (last_effect, activation): (u64, u64),
    ) -> Result<u64, LedgerError> {
        members.sort_unstable();
        members.dedup();
        let number = self.heard() + 1;
        let note = Note { host: self.host, members, last_effect, activation };
        let (space, owner, key) = self.next();
        put_value(rows, (space, owner, &key), &note, OnRow::Goes)?;
        if number.is_multiple_of(STRETCH) {
            rows.remove_rows(space::NOTES, stretch(number) - 2)?;
        }
        Ok(number)
    }

    /// Leaves the note of an activation with which this host starts; it is heard like any other.
    pub(crate) fn leave_of(
        &self,
        rows: &mut GroupWork<'_, '_>,
        activation: u64,
    ) -> Result<(), LedgerError> {
        self.leave(rows, Vec::new(), (self.last_effect(), activation)).map(|_| ())
    }

    /// Whether the note of that number is there, and this host's: its group was kept.
    pub(crate) fn is_own(&self, ledger: &Ledger, number: u64) -> Result<bool, LedgerError> {
        let mut is_own = false;
        let key = number.to_be_bytes();
        ledger.rows(space::NOTES, RowScope::Key(stretch(number), &key), &mut |_, _, bytes| {
            is_own = value_of::<Note>(bytes)?.host == self.host;
            Ok(true)
        })?;
        Ok(is_own)
    }

    /// The group with this note is kept: its changes are applied. Where later notes were heard already, records may hold
    /// later changes, and are read anew instead.
    pub(crate) fn kept(
        &self,
        number: u64,
        (last_effect, activation): (u64, u64),
        changes: impl FnOnce(bool),
    ) {
        let mut known = self.known();
        let is_next = known.last + 1 == number;
        changes(is_next);
        known.last = known.last.max(number);
        known.last_effect = known.last_effect.max(last_effect);
        known.activation = known.activation.max(activation);
    }
}

/// The notes around one lie under this owner.
fn stretch(number: u64) -> i64 {
    (number / STRETCH).cast_signed()
}

fn number_of(key: &[u8]) -> Result<u64, LedgerError> {
    let number = key.try_into().map(u64::from_be_bytes);
    number.map_err(|_| LedgerError::Damaged("a note of a host has no number".to_owned()))
}

/// Unlike what any other process draws.
fn drawn() -> [u8; 16] {
    let half = || RandomState::new().hash_one(std::process::id());
    ((u128::from(half()) << 64) | u128::from(half())).to_be_bytes()
}
