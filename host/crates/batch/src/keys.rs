//! The sorted keys of a table's rows, and where each stands.

use std::collections::HashMap;

use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use playbook_model::{Cells, Column, TextCells};

/// Row number that stands for "not among the keys".
pub(crate) const NO_ROW: u32 = u32::MAX;

/// Keys, ascending; integers by value, texts by bytes.
#[derive(Debug)]
pub(crate) enum Keys {
    /// Integer keys.
    Integer { sorted: Vec<i64>, index: IntegerIndex },
    /// Text keys.
    Text { sorted: Vec<Box<str>>, index: HashMap<Box<str>, u32> },
}

/// Where an integer key stands.
#[derive(Debug)]
pub(crate) enum IntegerIndex {
    /// One place per integer from `least` on.
    Table { least: i64, places: Vec<u32> },
    /// Too far apart for a table.
    Map(HashMap<i64, u32>),
}

impl Keys {
    /// Collects the keys of several columns; missing keys are left out.
    pub(crate) fn collect<'a>(
        columns: impl IntoIterator<Item = &'a ArrayRef>,
        is_integer: bool,
    ) -> Self {
        if is_integer {
            let mut all = Vec::new();
            for column in columns {
                let values = cast(column, &DataType::Int64).expect("member ids are integers");
                all.extend(values.as_primitive::<Int64Type>().iter().flatten());
            }
            Self::from_integers(all)
        } else {
            let mut all: Vec<Box<str>> = Vec::new();
            for column in columns {
                let texts = texts(column);
                all.extend(texts.iter().flatten().map(Box::from));
            }
            Self::from_texts(all)
        }
    }

    pub(crate) fn from_integers(mut all: Vec<i64>) -> Self {
        all.sort_unstable();
        all.dedup();
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

    /// Text keys that stand in the order given.
    pub(crate) fn in_order<'a>(keys: impl Iterator<Item = &'a str>) -> Self {
        let index = keys.zip(0_u32..).map(|(key, at)| (Box::from(key), at)).collect();
        Self::Text { sorted: Vec::new(), index }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Integer { sorted, .. } => sorted.len(),
            Self::Text { index, .. } => index.len(),
        }
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

    /// The keys as a text column.
    pub(crate) fn column(&self, name: &str) -> Column {
        let mut cells = TextCells::default();
        match self {
            Self::Integer { sorted, .. } => {
                sorted.iter().for_each(|key| cells.push(&key.to_string()));
            }
            Self::Text { sorted, .. } => sorted.iter().for_each(|key| cells.push(key)),
        }
        Column { name: name.to_owned(), unit: String::new(), cells: Cells::Text(cells), valid: None }
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
    use std::sync::Arc;

    use arrow::array::Int64Array;

    use super::*;

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
}
