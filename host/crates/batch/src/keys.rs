//! The sorted keys of a table's rows, with an index from key to row; and the set of keys while it is collected.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use playbook_model::{Cells, Column, TextCells};

/// Row number of a key that is not among the keys.
pub(crate) const NO_ROW: u32 = u32::MAX;

/// Keys, ascending; integers by value, texts by bytes.
#[derive(Debug)]
pub(crate) enum Keys {
    /// Integer keys.
    Integer { sorted: Vec<i64>, index: IntegerIndex },
    /// Text keys.
    Text { sorted: Vec<Box<str>>, index: HashMap<Box<str>, u32> },
}

/// Index from an integer key to its row.
#[derive(Debug)]
pub(crate) enum IntegerIndex {
    /// An array with a slot for every integer from `least` on, for keys that lie near together.
    Table { least: i64, places: Vec<u32> },
    /// A hash map, for keys too far apart for that.
    Map(HashMap<i64, u32>),
}

impl Keys {
    pub(crate) fn from_integers(mut all: Vec<i64>) -> Self {
        sort_distinct(&mut all);
        all.shrink_to_fit();
        let index = IntegerIndex::new(&all);
        Self::Integer { sorted: all, index }
    }

    pub(crate) fn from_texts(mut all: Vec<Box<str>>) -> Self {
        all.sort_unstable();
        all.dedup();
        let index = all.iter().zip(0_u32..).map(|(key, at)| (key.clone(), at)).collect();
        Self::Text { sorted: all, index }
    }

    /// Text keys in the order given, for lookups alone: no key can be read back.
    pub(crate) fn in_order<'a>(keys: impl Iterator<Item = &'a str>) -> Self {
        let index = keys.zip(0_u32..).map(|(key, at)| (Box::from(key), at)).collect();
        Self::Text { sorted: Vec::new(), index }
    }

    /// Replaces the first key of each pair, where it is among the keys, by the second.
    pub(crate) fn replaced<'a>(self, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let found = pairs.map(|(from, to)| (self.place_of(from), to));
        let found: Vec<_> = found.filter(|(place, _)| *place != NO_ROW).collect();
        if found.is_empty() {
            return self;
        }
        match self {
            Self::Integer { mut sorted, .. } => {
                for (place, to) in found {
                    sorted[place as usize] = integer(to);
                }
                Self::from_integers(sorted)
            }
            Self::Text { mut sorted, .. } => {
                for (place, to) in found {
                    sorted[place as usize] = to.into();
                }
                Self::from_texts(sorted)
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Integer { sorted, .. } => sorted.len(),
            Self::Text { index, .. } => index.len(),
        }
    }

    /// Returns the key at a place, as text.
    pub(crate) fn key(&self, place: usize) -> String {
        match self {
            Self::Integer { sorted, .. } => sorted.get(place).map(i64::to_string),
            Self::Text { sorted, .. } => sorted.get(place).map(|key| key.to_string()),
        }
        .unwrap_or_default()
    }

    /// Returns the place of one key, [`NO_ROW`] where it is none.
    pub(crate) fn place_of(&self, key: &str) -> u32 {
        let place = match self {
            Self::Integer { index, .. } => key.parse().ok().map(|key| index.place(key)),
            Self::Text { index, .. } => index.get(key).copied(),
        };
        place.unwrap_or(NO_ROW)
    }

    /// Returns the place of each key of a column, [`NO_ROW`] where it is none.
    pub(crate) fn places(&self, column: &ArrayRef) -> Vec<u32> {
        match self {
            Self::Integer { index, .. } => {
                let values = cast(column, &DataType::Int64).expect("keys are integers");
                let values = values.as_primitive::<Int64Type>();
                values.iter().map(|key| key.map_or(NO_ROW, |key| index.place(key))).collect()
            }
            Self::Text { index, .. } => {
                let place = |key: Option<&str>| key.and_then(|key| index.get(key).copied());
                texts(column).iter().map(|key| place(key).unwrap_or(NO_ROW)).collect()
            }
        }
    }

    /// The keys as a column of the engine.
    pub(crate) fn array(&self) -> ArrayRef {
        match self {
            Self::Integer { sorted, .. } => Arc::new(Int64Array::from(sorted.clone())),
            Self::Text { sorted, .. } => Arc::new(StringArray::from_iter_values(sorted)),
        }
    }

    /// The keys as a text column.
    pub(crate) fn column(&self, name: &str) -> Column {
        let mut cells = TextCells::default();
        match self {
            Self::Integer { sorted, .. } => {
                let digits = sorted.last().map_or(0, |last| last.to_string().len());
                cells.bytes.reserve(digits * sorted.len());
                cells.ends.reserve(sorted.len());
                sorted.iter().for_each(|key| cells.push(&key.to_string()));
            }
            Self::Text { sorted, .. } => sorted.iter().for_each(|key| cells.push(key)),
        }
        Column {
            name: name.to_owned(),
            unit: String::new(),
            cells: Cells::Text(cells),
            valid: None,
        }
    }
}

/// Parses a key of integer keys.
pub(crate) fn integer(key: &str) -> i64 {
    key.parse().expect("ids of integers are integers")
}

/// The intersection of two sets of keys, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Common {
    /// Keys of the first.
    pub(crate) all: u64,
    /// Keys that both have.
    pub(crate) both: u64,
    /// The first keys that only the first set has, ascending.
    pub(crate) missing: Vec<String>,
}

/// The set of keys while it is collected: a bitset for small integers, the rest listed and deduplicated.
#[derive(Debug)]
pub(crate) enum Collector {
    /// A bitset over the integers below [`Self::NEAR`], and a list of those beyond.
    Integer {
        near: Vec<u64>,
        far: Vec<i64>,
        limit: usize,
    },
    Text(HashSet<Box<str>>),
}

impl Collector {
    /// Integers from 0 up to here have a bit each: 16 MiB.
    const NEAR: u64 = 1 << 27;
    /// Length of `far` at which duplicates are removed for the first time.
    const LIMIT: usize = 1 << 18;

    pub(crate) fn new(is_integer: bool) -> Self {
        if is_integer {
            Self::Integer { near: Vec::new(), far: Vec::new(), limit: Self::LIMIT }
        } else {
            Self::Text(HashSet::new())
        }
    }

    /// Takes the keys of a column; missing keys are left out.
    pub(crate) fn take(&mut self, column: &ArrayRef) {
        match self {
            Self::Integer { near, far, limit } => {
                let values = cast(column, &DataType::Int64).expect("member ids are integers");
                let values = values.as_primitive::<Int64Type>();
                let mut add = |key: i64| match usize::try_from(key.cast_unsigned()) {
                    Ok(at) if key.cast_unsigned() < Self::NEAR => {
                        if near.len() <= at / 64 {
                            near.resize((at / 64 + 1).next_power_of_two(), 0);
                        }
                        near[at / 64] |= 1 << (at % 64);
                    }
                    _ => far.push(key),
                };
                if values.null_count() == 0 {
                    values.values().iter().for_each(|key| add(*key));
                } else {
                    values.iter().flatten().for_each(add);
                }
                if far.len() >= *limit {
                    sort_distinct(far);
                    *limit = (*limit).max(2 * far.len());
                }
            }
            Self::Text(all) => {
                for text in texts(column).iter().flatten() {
                    if !all.contains(text) {
                        all.insert(text.into());
                    }
                }
            }
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        match (self, other) {
            (
                Self::Integer { near, far, .. },
                Self::Integer { near: more, far: mut further, .. },
            ) => {
                near.resize(near.len().max(more.len()), 0);
                near.iter_mut().zip(more).for_each(|(word, more)| *word |= more);
                far.append(&mut further);
            }
            (Self::Text(all), Self::Text(more)) => all.extend(more),
            _ => unreachable!("keys are of one type"),
        }
    }

    /// Counts the keys, those that another collector has too, and lists the first `most` that it lacks.
    pub(crate) fn compare(&mut self, other: &mut Self, most: usize) -> Common {
        match (self, other) {
            (Self::Integer { near, far, .. }, Self::Integer { near: other, far: further, .. }) => {
                sort_distinct(far);
                sort_distinct(further);
                let word = |at: usize| other.get(at).copied().unwrap_or(0);
                let ones = |word: u64| u64::from(word.count_ones());
                let lacking: Vec<u64> =
                    near.iter().enumerate().map(|(at, near)| near & !word(at)).collect();
                let all = near.iter().copied().map(ones).sum::<u64>() + far.len() as u64;
                let mut missing = Vec::new();
                set_bits(0, &lacking, |key| {
                    if missing.len() < most {
                        missing.push(key);
                    }
                });
                let far_lacking: Vec<i64> =
                    far.iter().copied().filter(|key| further.binary_search(key).is_err()).collect();
                let lacking = lacking.into_iter().map(ones).sum::<u64>() + far_lacking.len() as u64;
                missing.extend(far_lacking.iter().take(most));
                missing.sort_unstable();
                missing.truncate(most);
                let missing = missing.iter().map(i64::to_string).collect();
                Common { all, both: all - lacking, missing }
            }
            (Self::Text(all), Self::Text(other)) => {
                let lacking = || all.iter().filter(|key| !other.contains(*key));
                let mut missing = BTreeSet::new();
                for key in lacking() {
                    missing.insert(key.to_string());
                    if missing.len() > most {
                        missing.pop_last();
                    }
                }
                let count = all.len() as u64;
                let both = count - lacking().count() as u64;
                Common { all: count, both, missing: missing.into_iter().collect() }
            }
            _ => unreachable!("keys are of one type"),
        }
    }

    pub(crate) fn finish(self) -> Keys {
        match self {
            Self::Integer { near, mut far, .. } => {
                set_bits(0, &near, |key| far.push(key));
                Keys::from_integers(far)
            }
            Self::Text(all) => Keys::from_texts(all.into_iter().collect()),
        }
    }
}

/// Calls `take` with the number of each bit that is set in a bitset whose lowest bit has number `first`.
fn set_bits(first: i64, words: &[u64], mut take: impl FnMut(i64)) {
    for (base, word) in (first..).step_by(64).zip(words) {
        let mut word = *word;
        while word != 0 {
            take(base + i64::from(word.trailing_zeros()));
            word &= word - 1;
        }
    }
}

/// Sorts integers and removes duplicates; by a bitset where they lie near together.
fn sort_distinct(all: &mut Vec<i64>) {
    let least = all.iter().copied().min().unwrap_or(0);
    let most = all.iter().copied().max().unwrap_or(0);
    let span = most.checked_sub(least).and_then(|span| usize::try_from(span).ok());
    match span.filter(|span| *span < all.len().saturating_mul(64)) {
        None => {
            all.sort_unstable();
            all.dedup();
        }
        Some(span) => {
            let mut seen = vec![0_u64; span / 64 + 1];
            for key in all.drain(..) {
                let at = usize::try_from(key - least).expect("keys lie in the span");
                seen[at / 64] |= 1 << (at % 64);
            }
            set_bits(least, &seen, |key| all.push(key));
        }
    }
}

impl IntegerIndex {
    fn new(sorted: &[i64]) -> Self {
        let places = || sorted.iter().copied().zip(0_u32..);
        if let (Some(least), Some(most)) = (sorted.first(), sorted.last())
            && let Some(span) = most.checked_sub(*least).and_then(|span| usize::try_from(span).ok())
            && span < sorted.len().saturating_mul(4).saturating_add(1024)
        {
            let mut table = vec![NO_ROW; span + 1];
            for (key, place) in places() {
                let at = usize::try_from(key - least).expect("keys lie in the span");
                table[at] = place;
            }
            return Self::Table { least: *least, places: table };
        }
        Self::Map(places().collect())
    }

    fn place(&self, key: i64) -> u32 {
        match self {
            Self::Table { least, places } => key
                .checked_sub(*least)
                .and_then(|at| usize::try_from(at).ok())
                .and_then(|at| places.get(at).copied())
                .unwrap_or(NO_ROW),
            Self::Map(map) => map.get(&key).copied().unwrap_or(NO_ROW),
        }
    }
}

/// A column as plain texts.
pub(crate) fn texts(column: &ArrayRef) -> StringArray {
    let texts = cast(column, &DataType::Utf8).expect("every column of a table has a text form");
    texts.as_string::<i32>().clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_collected_once_wherever_they_lie() {
        let near = Collector::NEAR.cast_signed();
        let mut all = Collector::new(true);
        let mut more = Collector::new(true);
        let take = |into: &mut Collector, keys: &[Option<i64>]| {
            into.take(&(Arc::new(Int64Array::from(keys.to_vec())) as ArrayRef));
        };
        take(&mut all, &[Some(63), Some(64), None, Some(near - 1), Some(near), Some(-1), Some(63)]);
        take(&mut more, &[Some(near), Some(0), Some(i64::MIN), Some(i64::MAX), Some(64)]);
        all.merge(more);
        let Keys::Integer { sorted, .. } = all.finish() else { panic!("integers stay integers") };
        assert_eq!(sorted, [i64::MIN, -1, 0, 63, 64, near - 1, near, i64::MAX]);
    }

    #[test]
    fn what_two_sets_have_in_common_is_counted_near_and_far() {
        let far = Collector::NEAR.cast_signed() + 9;
        let of = |keys: &[i64]| {
            let mut set = Collector::new(true);
            set.take(&(Arc::new(Int64Array::from(keys.to_vec())) as ArrayRef));
            set
        };
        let common = of(&[1, 2, 70, 70, far, far, -4, 500]).compare(&mut of(&[2, 500, far, 9]), 2);
        let missing = vec!["-4".to_owned(), "1".to_owned()];
        assert_eq!(common, Common { all: 6, both: 3, missing });
        let of = |keys: &[&str]| {
            let mut set = Collector::new(false);
            set.take(&(Arc::new(StringArray::from(keys.to_vec())) as ArrayRef));
            set
        };
        let common = of(&["b", "c", "a", "d"]).compare(&mut of(&["d", "x"]), 2);
        let missing = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(common, Common { all: 4, both: 1, missing });
    }

    #[test]
    fn keys_are_found_near_together_and_far_apart() {
        for all in [vec![7, 3, 3, 5], vec![i64::MIN, 0, i64::MAX, 12]] {
            let mut want = all.clone();
            want.sort_unstable();
            want.dedup();
            let keys = Keys::from_integers(all);
            let column: ArrayRef = Arc::new(Int64Array::from(want.clone()));
            assert_eq!(keys.places(&column), (0_u32..).take(want.len()).collect::<Vec<_>>());
            let other: ArrayRef = Arc::new(Int64Array::from(vec![Some(4), None]));
            assert_eq!(keys.places(&other), [NO_ROW, NO_ROW]);
        }
    }

    #[test]
    fn keys_are_replaced_where_they_are_among_the_keys() {
        let pairs = [("7", "3"), ("5", "9"), ("8", "1")];
        let keys = Keys::from_integers(vec![3, 5, 7]).replaced(pairs.into_iter());
        let Keys::Integer { sorted, .. } = &keys else { panic!("integers stay integers") };
        assert_eq!(*sorted, [3, 9]);
        assert_eq!((keys.place_of("9"), keys.place_of("5")), (1, NO_ROW));
        let texts = ["3", "5", "7"].map(Box::from).to_vec();
        let keys = Keys::from_texts(texts).replaced(pairs.into_iter());
        assert_eq!((keys.len(), keys.key(0), keys.key(1)), (2, "3".to_owned(), "9".to_owned()));
    }
}
