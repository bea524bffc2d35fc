//! A bounded sample of rows that is the same however the rows were cut.

use std::collections::BinaryHeap;

use crate::codec::{Codec, Reader, Writer};

pub use playbook_contract::mix;

/// At most `capacity` rows of `width` numbers: those whose mixed keys are lowest.
///
/// Which rows stay depends on keys and seed alone, never on the order or the parts in which they
/// were seen, so that a fit over any population is bounded in memory and bit-identical. A population
/// of at most `capacity` rows is kept whole.
#[derive(Debug, Clone)]
pub struct Sample {
    width: usize,
    capacity: usize,
    seed: u64,
    seen: u64,
    /// Mixed key, key, place in `values`; the row of the highest mixed key, which is the next to go, on top.
    rows: BinaryHeap<(u64, i64, usize)>,
    values: Vec<f64>,
}

impl Sample {
    /// Returns an empty sample of at most `capacity` rows of `width` numbers.
    #[must_use]
    pub fn new(width: usize, capacity: usize, seed: u64) -> Self {
        Self {
            width,
            capacity: capacity.max(1),
            seed,
            seen: 0,
            rows: BinaryHeap::new(),
            values: Vec::new(),
        }
    }

    /// Shows the sample a row; keys must be unique over the whole population.
    ///
    /// # Panics
    /// If `row` has not `width` numbers.
    pub fn observe(&mut self, key: i64, row: &[f64]) {
        assert!(row.len() == self.width, "a row of this sample has {} numbers", self.width);
        self.seen += 1;
        let mixed = mix(key.cast_unsigned(), self.seed);
        self.keep(mixed, key, row);
    }

    fn keep(&mut self, mixed: u64, key: i64, row: &[f64]) {
        if self.rows.len() < self.capacity {
            self.rows.push((mixed, key, self.values.len()));
            self.values.extend_from_slice(row);
        } else if let Some(mut highest) = self.rows.peek_mut()
            && (mixed, key) < (highest.0, highest.1)
        {
            let at = highest.2;
            *highest = (mixed, key, at);
            self.values[at..at + self.width].copy_from_slice(row);
        }
    }

    /// Joins the rows of another sample of the same width, capacity and seed.
    ///
    /// # Errors
    /// A text where the other one was made differently.
    pub fn merge(mut self, other: Self) -> Result<Self, String> {
        if (self.width, self.capacity, self.seed) != (other.width, other.capacity, other.seed) {
            return Err("two samples of different make cannot be joined".to_owned());
        }
        self.seen += other.seen;
        for (mixed, key, at) in other.rows {
            self.keep(mixed, key, &other.values[at..at + other.width]);
        }
        Ok(self)
    }

    /// How many rows were shown, kept or not.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// The sampled rows with their keys, in order of keys.
    #[must_use]
    pub fn into_rows(self) -> Vec<(i64, Vec<f64>)> {
        let row = |(key, at): (i64, usize)| (key, self.values[at..at + self.width].to_vec());
        self.in_order().into_iter().map(row).collect()
    }

    /// The sampled values of one of the `width` numbers, least first in the order of [`f64::total_cmp`].
    ///
    /// # Panics
    /// If `number` is not below `width`.
    #[must_use]
    pub fn ascending(&self, number: usize) -> Vec<f64> {
        assert!(number < self.width, "a row of this sample has {} numbers", self.width);
        let values = self.rows.iter().map(|&(.., at)| at + number);
        let values = values.map(|at| (sortable(self.values[at]), at)).collect();
        ascending(values).into_iter().map(|(_, at)| self.values[at]).collect()
    }

    /// Keys and places of the rows, in order of keys.
    fn in_order(&self) -> Vec<(i64, usize)> {
        ascending(self.rows.iter().map(|&(_, key, at)| (key, at)).collect())
    }
}

/// An integer that stands to others as the real stands to others.
fn sortable(real: f64) -> i64 {
    let bits = real.to_bits().cast_signed();
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

/// Sorts by the integers, equal ones stay in their order: a radix sort, byte by byte from the lowest.
///
/// The one sort of a guest. The library's sorts would be ten times its code.
#[inline(never)]
fn ascending(mut list: Vec<(i64, usize)>) -> Vec<(i64, usize)> {
    let mut sorted = list.clone();
    for shift in (0..i64::BITS).step_by(8) {
        // The sign counts the other way round: with its bit turned, negative numbers are the lowest.
        let digit = |key: i64| ((key ^ i64::MIN).cast_unsigned() >> shift & 0xff) as usize;
        let mut ends = [0_usize; 256];
        list.iter().for_each(|(key, _)| ends[digit(*key)] += 1);
        let mut end = 0;
        for count in &mut ends {
            end += *count;
            *count = end;
        }
        for one in list.iter().rev() {
            let place = &mut ends[digit(one.0)];
            *place -= 1;
            sorted[*place] = *one;
        }
        std::mem::swap(&mut list, &mut sorted);
    }
    list
}

impl Codec for Sample {
    fn write(&self, to: &mut Writer) {
        to.len(self.width);
        to.len(self.capacity);
        self.seed.write(to);
        self.seen.write(to);
        to.len(self.rows.len());
        for (key, at) in self.in_order() {
            key.write(to);
            to.reals(&self.values[at..at + self.width]);
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, String> {
        let too_large = |_| "a sample is larger than memory".to_owned();
        let width = usize::try_from(u64::read(from)?).map_err(too_large)?;
        let capacity = usize::try_from(u64::read(from)?).map_err(too_large)?;
        let mut sample = Self::new(width, capacity, u64::read(from)?);
        sample.seen = u64::read(from)?;
        let len = from.len(width.saturating_add(1).saturating_mul(8))?;
        let mut row = Vec::new();
        for _ in 0..len {
            let key = i64::read(from)?;
            let (numbers, _) = from.raw(width.saturating_mul(8))?.as_chunks();
            row.clear();
            row.extend(numbers.iter().map(|number| f64::from_le_bytes(*number)));
            sample.keep(mix(key.cast_unsigned(), sample.seed), key, &row);
        }
        Ok(sample)
    }
}

#[cfg(test)]
mod tests {
    use super::{ascending, mix, sortable};

    #[test]
    fn sorted_as_the_library_sorts_and_equal_ones_stay_in_their_order() {
        let edges = [0, 1, -1, 255, 256, -256, i64::MAX, i64::MIN, i64::MAX - 1, i64::MIN + 1];
        let drawn = (0..5_000).map(|n| mix(n, 3).cast_signed() >> (n % 60));
        let list: Vec<(i64, usize)> =
            edges.into_iter().chain(drawn).chain(edges).zip(0..).collect();
        for len in [0, 1, 2, 10, list.len()] {
            let mut want = list[..len].to_vec();
            want.sort_by_key(|(key, _)| *key);
            assert_eq!(ascending(list[..len].to_vec()), want);
        }
    }

    #[test]
    fn reals_are_sorted_in_their_total_order() {
        let reals = [1.5, -0.0, 0.0, f64::NAN, -f64::NAN, f64::NEG_INFINITY, 1e-308, -2.0, 1e300];
        let got = ascending(reals.iter().map(|real| sortable(*real)).zip(0..).collect());
        let mut want = reals;
        want.sort_by(f64::total_cmp);
        let bits = |real: &f64| real.to_bits();
        assert_eq!(
            got.iter().map(|(_, at)| bits(&reals[*at])).collect::<Vec<_>>(),
            want.iter().map(bits).collect::<Vec<_>>()
        );
    }
}
