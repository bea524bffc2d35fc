//! What plugins call `previous`: outputs that closed cycles left, by member, beside the ledger. A version names those that it reads,
//! so that a decision reads what its version was made with, and a step back what was read before.
//!
//! A cycle that closes writes its outputs in parts, under a number of their own, before any version names them. An erasure takes a
//! member out of all of them, those included that are still being written.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use playbook_cycle::{Input, Prepared};
use playbook_ledger::store::{OnRow, RowScope};
use playbook_ledger::{GroupWork, Ledger, LedgerError};
use playbook_model::{
    Bitmap, CellType, Cells, Column, Digest, Frame, Subject, TextCells, pseudonym,
};
use serde::{Deserialize, Serialize};

use crate::brand::Core;
use crate::cache::Cache;
use crate::epochs::Epochs;
use crate::error::OnlineError;
use crate::store::{
    BRAND, ReadRows, bytes_of, put_bytes, put_value, read_source, read_value, space, value_of,
};
use crate::swap::SwapError;
use crate::version::Version;
use crate::versions::{Activation, Closed};
use crate::writer::Job;

/// Closed cycles whose outputs of a subject a version names: the last one may be that of the decision itself, and plugins read two before it.
const SETS_MAX: usize = 3;
/// Versions that decided whose outputs are kept, so that steps back find them.
const STEPS_KEPT: usize = 8;
/// Members of one commit group while outputs are written.
const MEMBERS_AT_ONCE: usize = 8_192;
/// Owners of rows that a set of outputs has; each has as many chunks at most.
const OWNERS: u16 = 256;
/// Owners that are taken away in one commit group.
const OWNERS_AT_ONCE: u16 = 16;
const SHARDS: usize = 16;
const MEMBER: &str = "member";

/// Outputs that a closed cycle left of the rows of a subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outputs {
    /// Id of the playbook whose cycle it was.
    pub playbook: String,
    /// Number of the cycle.
    pub cycle: i64,
    /// Whose outputs they are.
    subject: String,
    /// Number under which they are kept; ascending.
    number: u64,
    /// Names and types, `stage.output`, in the order of the values.
    columns: Vec<(String, ValueType)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum ValueType {
    Real,
    Integer,
    Text,
}

impl ValueType {
    const fn of(cells: CellType) -> Self {
        match cells {
            CellType::Real => Self::Real,
            CellType::Integer => Self::Integer,
            _ => Self::Text,
        }
    }
}

/// A value of a member; `None`: it had none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Value {
    None,
    Real(f64),
    Integer(i64),
    Text(String),
}

/// Values of the members whose pseudonyms begin alike, in order of these.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Chunk {
    members: Vec<i64>,
    /// Row after row.
    values: Vec<Value>,
}

impl Chunk {
    fn row(&self, member: i64) -> Option<&[Value]> {
        let at = self.members.binary_search(&member).ok()?;
        let width = self.values.len() / self.members.len();
        self.values.get(at * width..(at + 1) * width)
    }

    /// Takes a member out; says whether it was there.
    fn forget(&mut self, member: i64) -> bool {
        let Ok(at) = self.members.binary_search(&member) else { return false };
        let width = self.values.len() / self.members.len();
        self.members.remove(at);
        self.values.drain(at * width..(at + 1) * width);
        true
    }

    fn bytes(&self) -> usize {
        let texts = self.values.iter().map(|value| match value {
            Value::Text(text) => text.capacity(),
            _ => 0,
        });
        size_of::<Self>()
            + 8 * self.members.len()
            + size_of::<Value>() * self.values.len()
            + texts.sum::<usize>()
    }
}

/// The chunk of a member: pseudonyms are digests, so that their first bits are as good as any.
fn chunk_of(member: i64) -> u16 {
    (member.cast_unsigned() >> 48) as u16
}

fn owner(number: u64, of_chunks: u16) -> i64 {
    (number << 8 | u64::from(of_chunks)).cast_signed()
}

fn place(number: u64, chunk: u16) -> (i64, [u8; 2]) {
    (owner(number, chunk >> 8), chunk.to_be_bytes())
}

/// A set of outputs as it is known beside its chunks.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Set {
    /// Whether it is still being written: no version names it yet.
    is_open: bool,
    /// Members who were erased meanwhile.
    gone: Vec<i64>,
}

/// What the writer does for sets of outputs.
#[derive(Debug)]
pub(crate) enum SetJob {
    /// A cycle begins to close; answered with the number of what it will leave.
    Begin,
    /// Chunks of a set that is being written.
    Write(u64, Vec<(u16, Chunk)>),
    /// Rows of these owners go, and where they are the last ones the set itself.
    Remove(u64, std::ops::Range<u16>),
}

/// Does a job; answers with the number of the set.
pub(crate) fn write(
    rows: &mut GroupWork<'_, '_>,
    job: SetJob,
) -> Result<Result<u64, OnlineError>, LedgerError> {
    match job {
        SetJob::Begin => {
            let last: u64 = read_value(rows, space::LAST_SET, BRAND, b"")?.unwrap_or(0);
            let number = last + 1;
            put_value(rows, (space::LAST_SET, BRAND, b""), &number, OnRow::Goes)?;
            put_set(rows, number, &Set { is_open: true, gone: Vec::new() })?;
            Ok(Ok(number))
        }
        SetJob::Write(number, chunks) => {
            let Some(set) = read_set(rows, number)? else { return Ok(Err(OnlineError::Replaced)) };
            for (at, mut chunk) in chunks {
                for member in &set.gone {
                    chunk.forget(*member);
                }
                put_chunk(rows, number, at, &chunk)?;
            }
            Ok(Ok(number))
        }
        SetJob::Remove(number, owners) => {
            for of_chunks in owners.clone() {
                rows.remove_rows(space::PREVIOUS, owner(number, of_chunks))?;
            }
            if owners.end == OWNERS {
                rows.remove_rows(space::SETS, set_owner(number))?;
            }
            Ok(Ok(number))
        }
    }
}

fn put_chunk(
    rows: &mut GroupWork<'_, '_>,
    number: u64,
    at: u16,
    chunk: &Chunk,
) -> Result<(), LedgerError> {
    let (owner, key) = place(number, at);
    put_bytes(rows, (space::PREVIOUS, owner, &key), &bytes_of(chunk), OnRow::Goes).map(|_| ())
}

fn read_chunk(rows: &mut dyn ReadRows, number: u64, at: u16) -> Result<Option<Chunk>, LedgerError> {
    let (owner, key) = place(number, at);
    read_value(rows, space::PREVIOUS, owner, &key)
}

/// Each set has a row of its own: rows are taken away by owner.
fn set_owner(number: u64) -> i64 {
    number.cast_signed()
}

fn read_set(rows: &mut dyn ReadRows, number: u64) -> Result<Option<Set>, LedgerError> {
    read_value(rows, space::SETS, set_owner(number), b"")
}

fn put_set(rows: &mut GroupWork<'_, '_>, number: u64, set: &Set) -> Result<(), LedgerError> {
    put_value(rows, (space::SETS, set_owner(number), b""), set, OnRow::Goes).map(|_| ())
}

/// Numbers of the sets that there are.
fn sets(ledger: &Ledger) -> Result<Vec<u64>, LedgerError> {
    let mut all = Vec::new();
    ledger.rows(space::SETS, RowScope::After(None), &mut |number, _, _| {
        all.push(number.cast_unsigned());
        Ok(true)
    })?;
    Ok(all)
}

/// Takes a member out of all sets.
pub(crate) fn forget(rows: &mut GroupWork<'_, '_>, member: i64) -> Result<(), LedgerError> {
    let mut all: Vec<(u64, Set)> = Vec::new();
    rows.rows(space::SETS, RowScope::After(None), &mut |number, _, bytes| {
        all.push((number.cast_unsigned(), value_of(bytes)?));
        Ok(true)
    })?;
    let at = chunk_of(member);
    for (number, mut set) in all {
        if let Some(mut chunk) = read_chunk(rows, number, at)?
            && chunk.forget(member)
        {
            put_chunk(rows, number, at, &chunk)?;
        }
        if set.is_open {
            set.gone.push(member);
            put_set(rows, number, &set)?;
        }
    }
    Ok(())
}

/// Whether all that a version reads is kept still. Nobody else writes meanwhile.
pub(crate) fn is_kept(rows: &mut dyn ReadRows, version: &Version) -> Result<bool, LedgerError> {
    for set in version.previous().sets() {
        if read_set(rows, set.number)?.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A version that decides from now on names these sets: they are whole.
pub(crate) fn adopt(rows: &mut GroupWork<'_, '_>, version: &Version) -> Result<(), LedgerError> {
    for set in version.previous().sets() {
        if read_set(rows, set.number)?.is_some_and(|set| set.is_open) {
            put_set(rows, set.number, &Set::default())?;
        }
    }
    Ok(())
}

/// What the stages of a version read of closed cycles, and of which.
#[derive(Debug, Default)]
pub(crate) struct Previous {
    /// Names and types of the columns of members, for one cycle ago and for two.
    wanted: [Vec<(String, ValueType)>; 2],
    /// Columns of other subjects: no decision reads them, the next cycle does.
    of_tables: BTreeMap<String, BTreeSet<String>>,
    /// The newest first; those of the version's own playbook.
    sets: Vec<Outputs>,
    from: Option<(Arc<Ledger>, Arc<Cache>)>,
}

impl Previous {
    pub(crate) fn new(stages: &[Prepared], closed: &Closed, playbook: &str) -> Self {
        let mut wanted = [Vec::new(), Vec::new()];
        let mut of_tables: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for stage in stages {
            let rows = stage.shape.rows.iter().map(|needs| (needs, &stage.wiring.rows));
            let tables = stage.shape.tables.iter().zip(&stage.wiring.tables);
            for (needs, inputs) in rows.chain(tables) {
                for (need, input) in needs.columns.iter().zip(inputs) {
                    let Input::Previous(ago, name) = input else { continue };
                    if needs.subject != MEMBER {
                        let names = of_tables.entry(needs.subject.clone()).or_default();
                        names.insert(name.clone());
                        continue;
                    }
                    let ago = usize::from(*ago).wrapping_sub(1);
                    let Some(list): Option<&mut Vec<_>> = wanted.get_mut(ago) else { continue };
                    if list.iter().all(|(known, _)| known != name) {
                        list.push((name.clone(), ValueType::of(need.cell_type)));
                    }
                }
            }
        }
        let is_read = wanted.iter().any(|list| !list.is_empty()) || !of_tables.is_empty();
        let sets = closed.outputs.iter().filter(|set| is_read && set.playbook == playbook);
        Self { sets: sets.cloned().collect(), wanted, of_tables, from: None }
    }

    pub(crate) fn join(&mut self, ledger: &Arc<Ledger>, cache: &Arc<Cache>) {
        self.from = Some((Arc::clone(ledger), Arc::clone(cache)));
    }

    /// Whether a decision reads something.
    pub(crate) fn is_read(&self) -> bool {
        self.wanted.iter().any(|list| !list.is_empty())
    }

    /// What a cycle is to leave for the next ones, by subject; empty where nothing reads anything.
    fn kept(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut kept = self.of_tables.clone();
        let members: BTreeSet<String> =
            self.wanted.iter().flatten().map(|(name, _)| name.clone()).collect();
        if !members.is_empty() {
            kept.insert(MEMBER.to_owned(), members);
        }
        kept
    }

    fn sets(&self) -> &[Outputs] {
        &self.sets
    }

    /// Columns without values, as [`Previous::of`] has them.
    pub(crate) fn without_values(&self) -> Vec<Frame> {
        self.frames(|_, _| Ok(None)).expect("nothing is read")
    }

    /// What a member had, for a decision in a cycle: one frame per cycle ago, of one row.
    pub(crate) fn of(&self, member: i64, cycle: i64) -> Result<Vec<Frame>, LedgerError> {
        let Some((ledger, cache)) = self.from.as_ref().filter(|_| !self.sets.is_empty()) else {
            return Ok(self.without_values());
        };
        self.frames(|ago, wanted| {
            let Some(set) = before(&self.sets, MEMBER, cycle, ago) else { return Ok(None) };
            if wanted.is_empty() {
                return Ok(None);
            }
            let read = || read_chunk(&mut &**ledger, set.number, chunk_of(member));
            Ok(Some((set, cache.chunks().get(chunk_of(member), set.number, read)?, member)))
        })
    }

    fn frames<'a>(
        &'a self,
        found: impl Fn(
            usize,
            &[(String, ValueType)],
        ) -> Result<Option<(&'a Outputs, Arc<Chunk>, i64)>, LedgerError>,
    ) -> Result<Vec<Frame>, LedgerError> {
        if !self.is_read() {
            return Ok(Vec::new());
        }
        let mut frames = Vec::with_capacity(2);
        for (ago, wanted) in self.wanted.iter().enumerate() {
            let found = found(ago, wanted)?;
            let row = found.as_ref().and_then(|(_, chunk, member)| chunk.row(*member));
            let mut frame = Frame::with_rows(1);
            for (name, as_needed) in wanted {
                let known = found.as_ref().and_then(|(set, ..)| {
                    let at = set.columns.iter().position(|(known, _)| known == name)?;
                    Some((set.columns[at].1, row.and_then(|row| row.get(at))))
                });
                let (value_type, value) = known.unwrap_or((*as_needed, None));
                let mut column = Filled::new(value_type, 1);
                column.push(value);
                frame.append(column.ended(name));
            }
            frames.push(frame);
        }
        Ok(frames)
    }

    /// The values of these rows in a set, in the order of pseudonyms: chunks are cut out of it.
    fn chunks(columns: &[&Column], keys: &[i64]) -> BTreeMap<u16, Chunk> {
        let mut order: Vec<usize> = (0..keys.len()).collect();
        order.sort_unstable_by_key(|row| (keys[*row].cast_unsigned() >> 48, keys[*row]));
        let mut chunks: BTreeMap<u16, Chunk> = BTreeMap::new();
        for row in order {
            let chunk = chunks.entry(chunk_of(keys[row])).or_default();
            chunk.members.push(keys[row]);
            chunk.values.extend(columns.iter().map(|column| value_at(column, row)));
        }
        chunks
    }
}

fn value_at(column: &Column, row: usize) -> Value {
    let value = match ValueType::of(column.cells.cell_type()) {
        ValueType::Real => column.real(row).map(Value::Real),
        ValueType::Integer => column.integer(row).map(Value::Integer),
        ValueType::Text => column.text(row).map(|text| Value::Text(text.to_owned())),
    };
    value.unwrap_or(Value::None)
}

/// The set of so many closed cycles before one, less one. A cycle does not read what it left itself.
fn before<'s>(sets: &'s [Outputs], subject: &str, cycle: i64, ago: usize) -> Option<&'s Outputs> {
    sets.iter().filter(|set| set.subject == subject && set.cycle < cycle).nth(ago)
}

/// A column while it is filled.
struct Filled {
    cells: Cells,
    valid: Bitmap,
    is_whole: bool,
}

impl Filled {
    fn new(value_type: ValueType, rows: usize) -> Self {
        let cells = match value_type {
            ValueType::Real => Cells::Real(Vec::with_capacity(rows)),
            ValueType::Integer => Cells::Integer(Vec::with_capacity(rows)),
            ValueType::Text => Cells::Text(TextCells::default()),
        };
        Self { cells, valid: Bitmap::default(), is_whole: true }
    }

    fn push(&mut self, value: Option<&Value>) {
        let is_there = match (&mut self.cells, value) {
            (Cells::Real(cells), Some(Value::Real(value))) => {
                cells.push(*value);
                true
            }
            (Cells::Integer(cells), Some(Value::Integer(value))) => {
                cells.push(*value);
                true
            }
            (Cells::Text(cells), Some(Value::Text(value))) => {
                cells.push(value);
                true
            }
            (Cells::Real(cells), _) => {
                cells.push(0.0);
                false
            }
            (Cells::Integer(cells), _) => {
                cells.push(0);
                false
            }
            (Cells::Text(cells), _) => {
                cells.push("");
                false
            }
            (Cells::Small(_) | Cells::Category { .. }, _) => false,
        };
        self.valid.push(is_there);
        self.is_whole &= is_there;
    }

    fn ended(self, name: &str) -> Column {
        let valid = (!self.is_whole).then_some(self.valid);
        Column { name: name.to_owned(), unit: String::new(), cells: self.cells, valid }
    }
}

/// Hears what a cycle leaves while it closes, and tells what earlier ones left.
#[derive(Debug)]
pub struct Keeping<'a> {
    core: &'a Core,
    /// What the version was made with that closes it.
    before: &'a [Outputs],
    /// Names that its stages read and the number of what this cycle leaves, by subject; empty: none reads anything.
    sets: BTreeMap<String, (BTreeSet<String>, u64)>,
    /// Who had been erased before the log is read: who comes again meanwhile is not whom the log tells of.
    epochs: Epochs,
}

impl<'a> Keeping<'a> {
    /// Before the log is read: who is erased from now on will be in nothing that the cycle leaves.
    pub(crate) fn begin(core: &'a Core, before: &'a Closed) -> Result<Self, OnlineError> {
        let version = core.version();
        let mut sets = BTreeMap::new();
        for (subject, names) in version.previous().kept() {
            let number = core.queue.ask_and_wait(|reply| Job::Set(SetJob::Begin, reply))?;
            sets.insert(subject, (names, number));
        }
        let epochs = Epochs::read(&core.reader)?;
        Ok(Self { core, before: &before.outputs, sets, epochs })
    }

    /// Pseudonyms of the rows of a subject, row for row.
    fn keys_of(&self, subject: &str, rows: &Frame) -> Vec<i64> {
        let (version, ids) = (self.core.version(), rows.columns().first());
        let id = |row| ids.and_then(|ids| ids.text(row)).unwrap_or("");
        let key = |row| match subject {
            MEMBER => version.key_by(&self.epochs, id(row)),
            other => pseudonym(other.as_bytes(), id(row)),
        };
        (0..rows.rows()).map(key).collect()
    }

    /// Whether other hosts close cycles of the brand, too.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.core.is_shared()
    }

    /// Keeps what a cycle of a playbook gave to its members and to the rows of these tables, each with its subject, by their
    /// pseudonyms; returns what a version with them reads.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn keep<'t>(
        &self,
        playbook: &str,
        cycle: i64,
        members: &'t Frame,
        tables: impl IntoIterator<Item = (&'t str, &'t Frame)>,
    ) -> Result<Vec<Outputs>, OnlineError> {
        if self.sets.is_empty() {
            return Ok(Vec::new());
        }
        let others =
            self.before.iter().filter(|set| set.playbook == playbook && set.cycle != cycle);
        let mut sets: Vec<Outputs> = others.cloned().collect();
        for (subject, frame) in [(MEMBER, members)].into_iter().chain(tables) {
            let Some((names, number)) = self.sets.get(subject) else { continue };
            let columns: Vec<&Column> =
                names.iter().filter_map(|name| frame.column(name)).collect();
            let mut group = Vec::new();
            let mut rows = 0;
            for (at, chunk) in Previous::chunks(&columns, &self.keys_of(subject, frame)) {
                rows += chunk.members.len();
                group.push((at, chunk));
                if rows >= MEMBERS_AT_ONCE {
                    self.write(*number, std::mem::take(&mut group))?;
                    rows = 0;
                }
            }
            self.write(*number, group)?;
            let column =
                |column: &&Column| (column.name.clone(), ValueType::of(column.cells.cell_type()));
            sets.push(Outputs {
                playbook: playbook.to_owned(),
                cycle,
                subject: subject.to_owned(),
                number: *number,
                columns: columns.iter().map(column).collect(),
            });
        }
        sets.sort_by_key(|set| std::cmp::Reverse(set.cycle));
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        sets.retain(|set| {
            let seen = seen.entry(set.subject.clone()).or_default();
            *seen += 1;
            *seen <= SETS_MAX
        });
        Ok(sets)
    }

    fn write(&self, number: u64, group: Vec<(u16, Chunk)>) -> Result<(), OnlineError> {
        let job = SetJob::Write(number, group);
        self.core.queue.ask_and_wait(|reply| Job::Set(job, reply)).map(|_| ())
    }

    /// What a cycle of a playbook calls previous, as far as it is kept: columns for these rows of a subject.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn previous(
        &self,
        (playbook, cycle, ago): (&str, i64, u8),
        subject: &Subject,
        wanted: &[String],
        rows: &Frame,
    ) -> Result<Frame, OnlineError> {
        let keys = self.keys_of(&subject.0, rows);
        let mut frame = Frame::with_rows(keys.len());
        let sets: Vec<Outputs> =
            self.before.iter().filter(|set| set.playbook == playbook).cloned().collect();
        let ago = usize::from(ago.max(1)) - 1;
        let Some(set) = before(&sets, &subject.0, cycle, ago) else { return Ok(frame) };
        let rows: HashMap<i64, usize> =
            keys.iter().enumerate().map(|(row, key)| (*key, row)).collect();
        let mut found: Vec<Option<Vec<Value>>> = vec![None; keys.len()];
        for of_chunks in 0..OWNERS {
            let scope = RowScope::Owner(owner(set.number, of_chunks));
            (&mut &*self.core.reader).visit(space::PREVIOUS, scope, &mut |_, bytes| {
                let chunk: Chunk = value_of(bytes)?;
                for member in &chunk.members {
                    if let Some(row) = rows.get(member) {
                        found[*row] = chunk.row(*member).map(<[Value]>::to_vec);
                    }
                }
                Ok(())
            })?;
        }
        for (at, (name, value_type)) in set.columns.iter().enumerate() {
            if !wanted.contains(name) {
                continue;
            }
            let mut column = Filled::new(*value_type, keys.len());
            for row in &found {
                column.push(row.as_ref().and_then(|row| row.get(at)));
            }
            frame.append(column.ended(name));
        }
        Ok(frame)
    }
}

impl Core {
    /// Takes away what no version reads any more that may decide soon. What fails is done when the next cycle closes.
    pub(crate) fn sweep_outputs(&self, history: &[Activation]) -> Result<(), SwapError> {
        let steps = history.iter().rev().filter(|step| step.how.decides()).take(STEPS_KEPT);
        let mut versions: BTreeSet<[u8; 32]> = steps.map(|step| step.version).collect();
        versions.extend(self.candidate.load().iter().map(|one| one.version.digest().0));
        let mut read = BTreeSet::new();
        for version in versions {
            let source = read_source(&mut &*self.reader, &Digest(version))?;
            let sets = source.into_iter().flat_map(|source| source.closed.outputs);
            read.extend(sets.map(|set| set.number));
        }
        for number in sets(&self.reader)?.into_iter().filter(|number| !read.contains(number)) {
            for first in (0..OWNERS).step_by(usize::from(OWNERS_AT_ONCE)) {
                let job = SetJob::Remove(number, first..first + OWNERS_AT_ONCE);
                self.queue.ask_and_wait(|reply| Job::Set(job, reply))?;
            }
        }
        Ok(())
    }
}

/// Chunks in memory, within a budget; the oldest leave first.
#[derive(Debug)]
pub(crate) struct Chunks {
    shards: Vec<Mutex<Shard>>,
    shard_bytes_max: usize,
}

#[derive(Debug, Default)]
struct Shard {
    chunks: BTreeMap<(u16, u64), Arc<Chunk>>,
    order: VecDeque<(u16, u64)>,
    bytes: usize,
}

impl Chunks {
    pub(crate) fn new(bytes_max: usize) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { shards, shard_bytes_max: bytes_max / SHARDS }
    }

    /// A chunk, which `read` gives where it is not here. The shard is locked meanwhile: an erasure comes before the read or after it.
    fn get(
        &self,
        at: u16,
        number: u64,
        read: impl FnOnce() -> Result<Option<Chunk>, LedgerError>,
    ) -> Result<Arc<Chunk>, LedgerError> {
        let mut shard = self.shard(at);
        if let Some(chunk) = shard.chunks.get(&(at, number)) {
            return Ok(Arc::clone(chunk));
        }
        let chunk = Arc::new(read()?.unwrap_or_default());
        shard.bytes += chunk.bytes();
        shard.chunks.insert((at, number), Arc::clone(&chunk));
        shard.order.push_back((at, number));
        if shard.order.len() > 2 * shard.chunks.len() + SHARDS {
            // What was dropped by other ways stands there still.
            shard.order = shard.chunks.keys().copied().collect();
        }
        while shard.bytes > self.shard_bytes_max
            && let Some(oldest) = shard.order.pop_front()
        {
            shard.leave(oldest);
        }
        Ok(chunk)
    }

    /// Drops what holds a member.
    pub(crate) fn forget(&self, member: i64) {
        let at = chunk_of(member);
        let mut shard = self.shard(at);
        let known: Vec<_> =
            shard.chunks.range((at, 0)..=(at, u64::MAX)).map(|(at, _)| *at).collect();
        known.into_iter().for_each(|place| shard.leave(place));
    }

    pub(crate) fn clear(&self) {
        for shard in &self.shards {
            *shard.lock().unwrap_or_else(PoisonError::into_inner) = Shard::default();
        }
    }

    fn shard(&self, at: u16) -> MutexGuard<'_, Shard> {
        self.shards[usize::from(at) % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shard {
    fn leave(&mut self, place: (u16, u64)) {
        if let Some(chunk) = self.chunks.remove(&place) {
            self.bytes -= chunk.bytes();
        }
    }
}
