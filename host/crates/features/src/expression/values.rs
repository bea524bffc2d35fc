//! What an expression gives for some rows: integers, reals or texts, and the fault where it gives none.

use std::borrow::Cow;

use playbook_model::{Bitmap, CellType, Cells};

/// Why a value could not be computed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct Fault {
    /// Row of the columns.
    pub row: usize,
    /// What went wrong.
    pub kind: FaultKind,
}

/// What cannot be computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum FaultKind {
    /// A result that 64 bits do not hold.
    #[error("an integer goes beyond 64 bits; `cast(x as double)` computes with reals")]
    Overflow,
    /// A text that was to become a number.
    #[error("a text that is to become a number is none")]
    NotANumber,
}

/// Values of some rows.
#[derive(Debug, Clone, PartialEq)]
pub enum Values<'a> {
    /// Integers; a condition gives 1 or 0.
    Integers(Vec<Option<i64>>),
    /// Reals.
    Reals(Vec<Option<f64>>),
    /// Texts.
    Texts(Vec<Option<Cow<'a, str>>>),
}

impl Values<'_> {
    /// The values as cells of a type, with a bitmap of those that are there. Integers take the nearest integer, half
    /// away from zero; a real that is not finite is missing. `first` is the row that the first value stands for.
    ///
    /// # Errors
    /// A real that is no 64-bit integer where integers are wanted, or a text where numbers are.
    pub fn into_cells(self, cell_type: CellType, first: usize) -> Result<(Cells, Bitmap), Fault> {
        match cell_type {
            CellType::Real => Ok(split(self.into_reals(first)?, Cells::Real)),
            CellType::Integer => Ok(split(self.into_integers(first)?, Cells::Integer)),
            _ => {
                let texts = self.into_texts();
                let valid = valid(texts.iter().map(Option::is_some));
                let cells = texts.iter().map(|text| text.as_deref().unwrap_or_default()).collect();
                Ok((Cells::Text(cells), valid))
            }
        }
    }

    fn into_reals(self, first: usize) -> Result<Vec<Option<f64>>, Fault> {
        #[expect(clippy::cast_precision_loss, reason = "the feature is declared real")]
        let real = |value: i64| value as f64;
        match self {
            Self::Integers(values) => Ok(values.into_iter().map(|value| value.map(real)).collect()),
            Self::Reals(values) => {
                Ok(values.into_iter().map(|value| value.filter(|v| v.is_finite())).collect())
            }
            Self::Texts(values) => no_numbers(&values, first),
        }
    }

    fn into_integers(self, first: usize) -> Result<Vec<Option<i64>>, Fault> {
        let nearest = |(row, value): (usize, Option<f64>)| match value {
            Some(value) if value.is_finite() => {
                whole(value.round()).map(Some).ok_or(Fault { row, kind: FaultKind::Overflow })
            }
            _ => Ok(None),
        };
        match self {
            Self::Integers(values) => Ok(values),
            Self::Reals(values) => (first..).zip(values).map(nearest).collect(),
            Self::Texts(values) => no_numbers(&values, first),
        }
    }

    pub(super) fn into_texts(self) -> Vec<Option<String>> {
        match self {
            Self::Integers(values) => {
                values.into_iter().map(|v| v.map(|v| v.to_string())).collect()
            }
            Self::Reals(values) => {
                values.into_iter().map(|v| v.map(|v| format!("{v:?}"))).collect()
            }
            Self::Texts(values) => values.into_iter().map(|v| v.map(Cow::into_owned)).collect(),
        }
    }
}

/// Texts where numbers are wanted: a fault, unless all are missing.
fn no_numbers<T>(texts: &[Option<Cow<'_, str>>], first: usize) -> Result<Vec<Option<T>>, Fault> {
    match texts.iter().position(Option::is_some) {
        Some(at) => Err(Fault { row: first + at, kind: FaultKind::NotANumber }),
        None => Ok(texts.iter().map(|_| None).collect()),
    }
}

/// Splits optional values into cells and a bitmap.
fn split<T: Default + Clone>(
    values: Vec<Option<T>>,
    cells: fn(Vec<T>) -> Cells,
) -> (Cells, Bitmap) {
    let valid = valid(values.iter().map(Option::is_some));
    (cells(values.into_iter().map(Option::unwrap_or_default).collect()), valid)
}

fn valid(rows: impl Iterator<Item = bool>) -> Bitmap {
    let mut bitmap = Bitmap::default();
    rows.for_each(|is_valid| bitmap.push(is_valid));
    bitmap
}

/// A whole real as an integer, where 64 bits hold it.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
pub(super) fn whole(value: f64) -> Option<i64> {
    // 2^63 itself is the first real beyond.
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    (-BEYOND..BEYOND).contains(&value).then_some(value as i64)
}
