//! Finds keys that occur in more than one row: by a bitset where they are integers near together, else by sorting
//! hashes.

use std::collections::{HashMap, HashSet};

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;

use crate::Result;
use crate::hashes::{HashedSet, for_each_hash};
use crate::intake::job::IntakeJob;
use crate::keys::texts;

const STAGE: &str = "duplicates";

/// Hashes of the keys that occur more than once; the hash of an integer is the integer itself. Two texts may share a hash:
/// callers compare the keys themselves.
pub(crate) fn repeated(job: &IntakeJob<'_>, view: &str, key: &str) -> Result<HashSet<u64>> {
    let sql = format!("SELECT {key} AS key FROM {view}");
    let parts = job.session.fold(STAGE, &sql, |seen: &mut Seen, batch| {
        let keys = batch.column(0);
        match keys.as_primitive_opt::<Int64Type>() {
            Some(integers) if integers.null_count() == 0 => {
                seen.add(integers.values().iter().copied());
            }
            Some(integers) => seen.add(integers.iter().flatten()),
            None => for_each_hash(keys, |_, hash| seen.runs.add(hash)),
        }
    })?;
    Ok(Seen::repeated(parts))
}

/// Bits that a bitset may take for each of its keys, which is what hashes take, and for any number of keys.
const BITS_PER_KEY_MAX: usize = 64;
const BITS_FREE: usize = 1 << 22;

/// The keys of one part of a view: integers in a bitset while they lie near together, all others as hashes.
#[derive(Default)]
struct Seen {
    bits: SparseBits,
    keys: usize,
    /// Keys that the bitset met twice.
    repeated: HashSet<u64>,
    is_sparse: bool,
    runs: Runs,
}

impl Seen {
    fn add(&mut self, integers: impl Iterator<Item = i64>) {
        if self.is_sparse {
            return integers.for_each(|key| self.runs.add(key.cast_unsigned()));
        }
        for key in integers {
            self.keys += 1;
            if self.bits.insert(key.cast_unsigned()) {
                self.repeated.insert(key.cast_unsigned());
            }
        }
        if self.bits.len() > BITS_FREE.max(self.keys.saturating_mul(BITS_PER_KEY_MAX)) {
            self.spill();
        }
    }

    /// Goes on without the bitset.
    fn spill(&mut self) {
        self.is_sparse = true;
        std::mem::take(&mut self.bits).for_each(|key| self.runs.add(key));
    }

    /// The keys that occur more than once in all parts together.
    fn repeated(mut parts: Vec<Self>) -> HashSet<u64> {
        let mut repeated: HashSet<u64> =
            parts.iter_mut().flat_map(|part| std::mem::take(&mut part.repeated)).collect();
        if parts.iter().any(|part| !part.runs.is_empty()) {
            parts.iter_mut().for_each(Self::spill);
            repeated.extend(Runs::repeated(parts.into_iter().map(|part| part.runs).collect()));
            return repeated;
        }
        let mut all = SparseBits::default();
        for part in parts {
            all.merge(part.bits, |key| {
                repeated.insert(key);
            });
        }
        repeated
    }
}

/// Bits of a page of a bitset, and words.
const PAGE_BITS: u64 = 1 << 12;
const PAGE_WORDS: usize = 1 << 6;

/// A bitset of pages, of which those without a bit do not exist, as in a Roaring bitmap.
#[derive(Default)]
struct SparseBits {
    pages: Vec<[u64; PAGE_WORDS]>,
    /// Positions of pages by their number.
    places: HashMap<u64, usize>,
    /// The page that was met last: as a rule the next key lies in it too.
    last: Option<(u64, usize)>,
}

impl SparseBits {
    /// Bits of all pages.
    fn len(&self) -> usize {
        self.pages.len() * PAGE_WORDS * 64
    }

    /// Sets a bit; returns whether it was set before.
    fn insert(&mut self, key: u64) -> bool {
        let page = self.page(key / PAGE_BITS);
        let at = key % PAGE_BITS;
        let word = &mut page[usize::try_from(at / 64).expect("pages are small")];
        let before = *word >> (at % 64) & 1 == 1;
        *word |= 1 << (at % 64);
        before
    }

    fn page(&mut self, number: u64) -> &mut [u64; PAGE_WORDS] {
        let known = self.last.filter(|(last, _)| *last == number);
        let (_, place) = known.unwrap_or_else(|| {
            let place = *self.places.entry(number).or_insert_with(|| {
                self.pages.push([0; PAGE_WORDS]);
                self.pages.len() - 1
            });
            (number, place)
        });
        self.last = Some((number, place));
        &mut self.pages[place]
    }

    /// Takes in the bits of another; `twice` hears those that both have.
    fn merge(&mut self, other: Self, mut twice: impl FnMut(u64)) {
        for (number, place) in &other.places {
            let page = self.page(*number);
            for (at, (word, more)) in (0..).zip(page.iter_mut().zip(&other.pages[*place])) {
                set_bits(*word & more).for_each(|bit| twice(number * PAGE_BITS + at * 64 + bit));
                *word |= more;
            }
        }
    }

    /// All bits that are set, ascending.
    fn for_each(self, mut take: impl FnMut(u64)) {
        let mut places: Vec<(u64, usize)> = self.places.into_iter().collect();
        places.sort_unstable();
        for (number, place) in places {
            for (at, word) in (0..).zip(self.pages[place]) {
                set_bits(word).for_each(|bit| take(number * PAGE_BITS + at * 64 + bit));
            }
        }
    }
}

/// Positions of the bits of a word that are set, ascending.
fn set_bits(word: u64) -> impl Iterator<Item = u64> {
    std::iter::successors(Some(word), |left| Some(left & left.wrapping_sub(1)))
        .take_while(|left| *left != 0)
        .map(|left| u64::from(left.trailing_zeros()))
}

/// Run-length encoded hashes: a hash that is the successor of the one before extends its run, so that serial ids take
/// next to no memory.
#[derive(Default)]
pub(crate) struct Runs {
    open: Option<(u64, u64)>,
    single: Vec<u64>,
    /// First and last hash of each run of at least two.
    longer: Vec<(u64, u64)>,
}

impl Runs {
    pub(crate) fn add(&mut self, hash: u64) {
        match &mut self.open {
            Some((_, last)) if last.checked_add(1) == Some(hash) => *last = hash,
            open => {
                if let Some(run) = open.replace((hash, hash)) {
                    self.close(run);
                }
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.open.is_none()
    }

    fn close(&mut self, run: (u64, u64)) {
        if run.0 == run.1 { self.single.push(run.0) } else { self.longer.push(run) }
    }

    /// The hashes that occur more than once in all parts together: a merge of the sorted runs and single hashes.
    pub(crate) fn repeated(mut parts: Vec<Self>) -> HashSet<u64> {
        for part in &mut parts {
            if let Some(run) = part.open.take() {
                part.close(run);
            }
        }
        let mut longer: Vec<(u64, u64)> =
            parts.iter_mut().flat_map(|part| std::mem::take(&mut part.longer)).collect();
        let mut single = parts
            .iter_mut()
            .map(|part| std::mem::take(&mut part.single))
            .collect::<Vec<_>>()
            .concat();
        drop(parts);
        longer.sort_unstable();
        // The stable sort is a merge sort: quick on the ascending stretches that files mostly have.
        single.sort();
        let mut repeated: HashSet<u64> =
            single.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
        let mut covered: Option<u64> = None;
        let mut singles = single.into_iter().peekable();
        for (first, last) in longer {
            if let Some(covered) = covered.filter(|covered| *covered >= first) {
                repeated.extend(first..=last.min(covered));
            }
            covered = covered.max(Some(last));
            while singles.next_if(|hash| *hash < first).is_some() {}
            while let Some(hash) = singles.next_if(|hash| *hash <= last) {
                repeated.insert(hash);
            }
        }
        repeated
    }
}

/// Row numbers of all rows but the first of each repeated key, ascending.
pub(crate) fn all_but_first(
    job: &IntakeJob<'_>,
    view: &str,
    key: &str,
    repeated: &HashedSet,
) -> Result<Vec<u64>> {
    let mut seen: HashSet<String> = HashSet::new();
    let mut rows = Vec::new();
    let mut first = 0;
    let sql = format!("SELECT {key} AS key FROM {view}");
    job.session.stream_in_order(STAGE, &sql, |batch| {
        let keys = batch.column(0);
        for_each_hash(keys, |row, hash| {
            if repeated.has(hash) {
                let key = texts(&keys.slice(row, 1));
                if !seen.insert(key.value(0).to_owned()) {
                    rows.push(first + row as u64);
                }
            }
        });
        first += batch.num_rows() as u64;
        Ok(())
    })?;
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Runs, Seen};

    /// What two parts of keys have twice, by the bitset where they lie near together.
    fn repeated(parts: &[&[i64]]) -> (BTreeSet<i64>, usize) {
        let seen = parts.iter().map(|keys| {
            let mut seen = Seen::default();
            keys.chunks(1000).for_each(|keys| seen.add(keys.iter().copied()));
            seen
        });
        let seen: Vec<Seen> = seen.collect();
        let sparse = seen.iter().filter(|part| part.is_sparse).count();
        (Seen::repeated(seen).into_iter().map(u64::cast_signed).collect(), sparse)
    }

    #[test]
    fn integers_that_occur_twice_are_found_however_far_apart_they_lie() {
        let near: Vec<i64> = (-5000..5000).chain([-5000, 17, 4999]).collect();
        assert_eq!(repeated(&[&near]), (BTreeSet::from([-5000, 17, 4999]), 0));
        assert_eq!(repeated(&[&near, &[i64::MIN, 3, i64::MAX]]).0.len(), 4);
        // One in a thousand stands in a page of its own.
        let far: Vec<i64> = (0..20_000).map(|n| n * 1_000_003 - 7).chain([-7, 1]).collect();
        let both = repeated(&[&far, &near]);
        assert_eq!(both, (BTreeSet::from([-5000, -7, 1, 17, 4999]), 1));
        assert_eq!(repeated(&[&far, &far]).0.len(), 20_001);
        assert_eq!(repeated(&[]), (BTreeSet::new(), 0));
    }

    #[test]
    fn runs_tell_what_stands_in_them_more_than_once() {
        let parts: [&[u64]; 3] =
            [&[1, 2, 3, 9, 20, 21, 22], &[3, 5, 9, u64::MAX], &[21, 2, 40, u64::MAX, 0]];
        let parts = parts.map(|hashes| {
            let mut runs = Runs::default();
            hashes.iter().for_each(|hash| runs.add(*hash));
            runs
        });
        let mut repeated: Vec<u64> = Runs::repeated(parts.into()).into_iter().collect();
        repeated.sort_unstable();
        assert_eq!(repeated, [2, 3, 9, 21, u64::MAX]);
        let mut twice = [Runs::default(), Runs::default()];
        twice.iter_mut().for_each(|runs| (10..100).for_each(|hash| runs.add(hash)));
        assert_eq!(Runs::repeated(twice.into()).len(), 90);
    }
}
