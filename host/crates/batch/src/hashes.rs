//! Hashes of keys, and sets of them behind a Bloom filter.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, BooleanBufferBuilder};
use arrow::datatypes::{DataType, Int64Type};

use crate::keys::texts;

/// A Bloom filter of ids, with one hash function and at least 16 bits an id: false positives are few, false negatives
/// impossible.
#[derive(Debug)]
pub(crate) struct BloomFilter {
    bits: Vec<u64>,
    shift: u32,
}

impl BloomFilter {
    pub(crate) fn new(ids: impl ExactSizeIterator<Item = i64>) -> Self {
        let mut filter = Self::of_size(ids.len());
        ids.for_each(|id| {
            filter.insert(id);
        });
        filter
    }

    /// An empty filter for so many ids.
    pub(crate) fn of_size(ids: usize) -> Self {
        // Words of 64 bits: 16 bits an id.
        let words = (ids / 4 + 1).next_power_of_two();
        Self { bits: vec![0; words], shift: 58 - words.trailing_zeros() }
    }

    /// Inserts an id; returns whether it may have been inserted before.
    pub(crate) fn insert(&mut self, id: i64) -> bool {
        let at = self.place(id);
        let word = &mut self.bits[at / 64];
        let before = *word >> (at % 64) & 1 == 1;
        *word |= 1 << (at % 64);
        before
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the shift leaves as many bits as there are places"
    )]
    fn place(&self, id: i64) -> usize {
        (id.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift) as usize
    }

    pub(crate) fn may_have(&self, id: i64) -> bool {
        let at = self.place(id);
        self.bits[at / 64] >> (at % 64) & 1 == 1
    }
}

fn hash_of(key: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

/// Calls `take` with the row and the text of each value of a column.
pub(crate) fn for_each_text(column: &ArrayRef, mut take: impl FnMut(usize, &str)) {
    let mut each = |texts: &mut dyn Iterator<Item = Option<&str>>| {
        for (row, text) in texts.enumerate() {
            text.into_iter().for_each(|text| take(row, text));
        }
    };
    match column.data_type() {
        DataType::Utf8View => each(&mut column.as_string_view().iter()),
        _ => each(&mut texts(column).iter()),
    }
}

/// Calls `take` with the row and the hash of each key of a column.
pub(crate) fn for_each_hash(keys: &ArrayRef, mut take: impl FnMut(usize, u64)) {
    if let Some(integers) = keys.as_primitive_opt::<Int64Type>() {
        for (row, key) in integers.iter().enumerate() {
            // An integer is its own hash.
            key.into_iter().for_each(|key| take(row, key.cast_unsigned()));
        }
    } else {
        for (row, key) in texts(keys).iter().enumerate() {
            key.into_iter().for_each(|key| take(row, hash_of(key)));
        }
    }
}

/// A hash set behind a Bloom filter, which answers most lookups: most find nothing.
#[derive(Debug)]
pub(crate) struct HashedSet {
    filter: BloomFilter,
    hashes: HashSet<u64>,
}

impl HashedSet {
    pub(crate) fn new(hashes: HashSet<u64>) -> Self {
        Self { filter: BloomFilter::new(hashes.iter().map(|hash| hash.cast_signed())), hashes }
    }

    pub(crate) fn has(&self, hash: u64) -> bool {
        self.filter.may_have(hash.cast_signed()) && self.hashes.contains(&hash)
    }

    /// Which keys of a column are in the set; a missing key is not.
    pub(crate) fn among(&self, keys: &ArrayRef) -> BooleanArray {
        let mut found = BooleanBufferBuilder::new(keys.len());
        found.append_n(keys.len(), false);
        for_each_hash(keys, |row, hash| {
            if self.has(hash) {
                found.set_bit(row, true);
            }
        });
        BooleanArray::new(found.finish(), None)
    }
}
