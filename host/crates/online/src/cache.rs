//! Records in memory, within a budget: a sharded cache with second chances (CLOCK). What is not here is read from the
//! store.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::previous::Chunks;
use crate::record::Record;

const SHARDS: usize = 64;

/// Records by pseudonym.
#[derive(Debug)]
pub(crate) struct Cache {
    shards: Vec<Mutex<Shard>>,
    shard_bytes_max: usize,
    /// Outputs of closed cycles, within a quarter of the budget more.
    chunks: Chunks,
}

#[derive(Debug, Default)]
struct Shard {
    slots: HashMap<i64, Slot>,
    /// Members in the order in which the hand of the clock comes to them.
    clock: VecDeque<i64>,
    bytes: usize,
    /// Records that left to make room.
    evicted: u64,
}

#[derive(Debug)]
struct Slot {
    record: Arc<Record>,
    bytes: usize,
    /// Whether it was used since the hand last passed.
    is_used: bool,
}

impl Cache {
    pub(crate) fn new(bytes_max: usize) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        let chunks = Chunks::new(bytes_max / 4);
        Self { shards, shard_bytes_max: bytes_max / SHARDS, chunks }
    }

    /// The record of a member, which `read` gives where it is not here. The shard is locked meanwhile: what the writer
    /// commits and applies comes before the read or after it.
    pub(crate) fn get<E>(
        &self,
        member: i64,
        read: impl FnOnce() -> Result<Record, E>,
    ) -> Result<Arc<Record>, E> {
        let mut shard = self.shard(member);
        if let Some(slot) = shard.slots.get_mut(&member) {
            slot.is_used = true;
            return Ok(Arc::clone(&slot.record));
        }
        let record = Arc::new(read()?);
        shard.put(member, Arc::clone(&record), self.shard_bytes_max);
        Ok(record)
    }

    /// Changes a record that is here; one that is not will be read with the change.
    pub(crate) fn apply(&self, member: i64, change: impl FnOnce(&mut Record)) {
        let mut shard = self.shard(member);
        let Some(slot) = shard.slots.get_mut(&member) else { return };
        change(Arc::make_mut(&mut slot.record));
        let (before, after) = (slot.bytes, slot.record.bytes());
        slot.bytes = after;
        shard.bytes = shard.bytes + after - before;
        shard.make_room(self.shard_bytes_max);
    }

    /// What closed cycles left.
    pub(crate) fn chunks(&self) -> &Chunks {
        &self.chunks
    }

    /// Drops all that is known of a member.
    pub(crate) fn forget(&self, member: i64) {
        self.chunks.forget(member);
        let mut shard = self.shard(member);
        if let Some(slot) = shard.slots.remove(&member) {
            shard.bytes -= slot.bytes;
        }
    }

    /// Drops all records.
    pub(crate) fn clear(&self) {
        self.chunks.clear();
        for shard in &self.shards {
            let mut shard = locked(shard);
            *shard = Shard { evicted: shard.evicted, ..Shard::default() };
        }
    }

    /// Memory of all records, in bytes, and their number.
    pub(crate) fn usage(&self) -> (usize, usize) {
        let shards = self.shards.iter().map(|shard| locked(shard));
        shards
            .fold((0, 0), |(bytes, count), shard| (bytes + shard.bytes, count + shard.slots.len()))
    }

    /// Records that left to make room, so far.
    pub(crate) fn evicted(&self) -> u64 {
        self.shards.iter().map(|shard| locked(shard).evicted).sum()
    }

    fn shard(&self, member: i64) -> MutexGuard<'_, Shard> {
        // A pseudonym is a digest: its low bits are as good as any.
        locked(&self.shards[member.cast_unsigned() as usize % SHARDS])
    }
}

fn locked(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shard {
    fn put(&mut self, member: i64, record: Arc<Record>, bytes_max: usize) {
        let bytes = record.bytes();
        self.bytes += bytes;
        self.slots.insert(member, Slot { record, bytes, is_used: false });
        self.clock.push_back(member);
        self.make_room(bytes_max);
    }

    /// Lets the hand of the clock go on until the budget is kept: what was used since it last passed stays once more.
    fn make_room(&mut self, bytes_max: usize) {
        let mut passes = 2 * self.clock.len();
        while self.bytes > bytes_max && passes > 0 {
            passes -= 1;
            let Some(member) = self.clock.pop_front() else { return };
            let Some(slot) = self.slots.get_mut(&member) else { continue };
            if std::mem::take(&mut slot.is_used) {
                self.clock.push_back(member);
            } else {
                self.bytes -= slot.bytes;
                self.slots.remove(&member);
                self.evicted += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::convert::Infallible;

    use super::Cache;
    use crate::packed::{Kept, pack};
    use crate::record::{Packed, Record};

    fn record(events: u32) -> Record {
        let mut record = Record::default();
        for at in 0..events {
            let fields = [("kind", Kept::Text("like".to_owned()))];
            let bytes = pack(i64::from(at), fields.iter().map(|(name, value)| (*name, value)));
            record.add(&Packed { id: &at.to_string(), bytes: &bytes }).unwrap();
        }
        record
    }

    #[test]
    fn the_budget_is_kept_and_what_is_used_stays() {
        let cache = Cache::new(64 * 40_000);
        let read = |member: i64| cache.get(member, || Ok::<_, Infallible>(record(50))).unwrap();
        for member in 0..20_000 {
            read(member);
            // Used all the time, and of the same shard as many others.
            read(64);
        }
        let (bytes, count) = cache.usage();
        assert!(bytes <= 64 * 40_000 && count > 500, "{bytes} bytes of {count}");
        let is_here = |member| cache.get(member, || Err(())).is_ok();
        assert!(is_here(64) && !is_here(128));
        assert_eq!(cache.evicted() as usize, 20_000 - count);
    }

    #[test]
    fn a_change_reaches_what_is_here_and_the_budget_counts_it() {
        let cache = Cache::new(64 << 20);
        let before = cache.get(7, || Ok::<_, Infallible>(record(1))).unwrap();
        let (bytes, _) = cache.usage();
        cache.apply(7, |found| *found = record(500));
        let after = cache.get(7, || Err(())).unwrap();
        assert_eq!((before.events(), after.events()), (1, 500));
        assert!(cache.usage().0 > bytes);
        cache.apply(8, |_| panic!("it is not here"));
    }
}
